// What the page can do beyond links and forms: keys, details beside the list, records as they come. Everything that is put
// into the page was escaped by the server; nothing here makes markup of data.
"use strict";

const rows = document.getElementById("rows");
const drawer = document.getElementById("drawer");
const help = document.getElementById("help");
const field = document.getElementById("q");
let at = null;

// Only records without a value: the same question with one more term.
function without(link) {
  const form = document.querySelector("form.ask");
  const address = new URL(link.href);
  const filter = form && field ? field.value.trim() : "";
  const term = "not " + link.dataset.term;
  const joined = form && form.dataset.choice ? "(" + filter + ") and " + term : filter + " " + term;
  address.searchParams.set("q", filter ? joined : term);
  return address.href;
}

function leave() {
  const main = document.getElementById("main");
  if (main) main.classList.add("loading");
}

function mark(row) {
  if (at) at.classList.remove("at");
  at = row;
  if (!row) return;
  row.classList.add("at");
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  if (!rows || !rows.rows.length) return;
  const now = at && at.isConnected ? [...rows.rows].indexOf(at) : by > 0 ? -1 : rows.rows.length;
  mark(rows.rows[Math.max(0, Math.min(rows.rows.length - 1, now + by))]);
}

// The details of a row beside the list; the address says which, so that it can be sent to somebody.
async function open(row) {
  const link = row.querySelector("a[data-details]");
  if (!link || !drawer) return;
  mark(row);
  const address = new URL(link.href);
  const whole = address.href;
  address.searchParams.set("part", "1");
  drawer.setAttribute("aria-busy", "true");
  let answer;
  try {
    answer = await fetch(address, { headers: { accept: "text/html" } });
  } catch {
    location.href = whole;
    return;
  }
  if (!answer.ok) {
    location.href = whole;
    return;
  }
  drawer.innerHTML = await answer.text();
  drawer.removeAttribute("aria-busy");
  drawer.scrollTop = 0;
  drawer.parentElement.classList.add("opened");
  for (const other of rows.querySelectorAll("tr.open")) other.classList.remove("open");
  row.classList.add("open");
  ready(drawer);
  if (!rows.hasAttribute("data-live")) {
    const here = new URL(location.href);
    here.searchParams.set("open", row.dataset.open);
    history.replaceState(null, "", here);
  }
  const title = drawer.querySelector("h2");
  if (title) {
    title.tabIndex = -1;
    title.focus({ preventScroll: true });
  }
}

function close() {
  if (!drawer || !drawer.hasChildNodes()) return false;
  drawer.replaceChildren();
  drawer.parentElement.classList.remove("opened");
  const was = rows && rows.querySelector("tr.open");
  if (was) {
    was.classList.remove("open");
    const link = was.querySelector("a[data-details]");
    if (link) link.focus({ preventScroll: true });
  }
  const here = new URL(location.href);
  here.searchParams.delete("open");
  history.replaceState(null, "", here);
  return true;
}

// What needs a script shows itself only where there is one.
function ready(part) {
  for (const button of part.querySelectorAll("button[data-copy]")) button.hidden = false;
}

async function copy(button) {
  const said = button.textContent;
  try {
    const answer = await fetch(button.dataset.copy);
    if (!answer.ok) throw new Error(String(answer.status));
    await navigator.clipboard.writeText(await answer.text());
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not copied";
  }
  setTimeout(() => { button.textContent = said; }, 1500);
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("a, button, input, label, summary, tr[data-open]");
  if (!target) return;
  if (target.matches("a.value") && event.altKey) {
    event.preventDefault();
    leave();
    location.href = without(target);
  } else if (target.matches("[data-help]") && help) {
    event.preventDefault();
    help.showModal();
  } else if (target.matches("[data-close-link]") && drawer && drawer.contains(target)) {
    event.preventDefault();
    close();
  } else if (target.matches("button[data-copy]")) {
    copy(target);
  } else if (!event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey && drawer &&
      (target.matches("a[data-details]") || (target.matches("tr") && !String(getSelection())))) {
    event.preventDefault();
    open(target.closest("tr"));
  }
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form.ask")) return;
  // Empty fields say nothing, and need not stand in the address.
  for (const input of event.target.querySelectorAll("input")) if (!input.value) input.disabled = true;
  leave();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (help && help.open) return;
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "Escape") {
    if (typing) event.target.blur();
    else close();
    return;
  }
  if (typing) return;
  if (event.key === "/" && field) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "?" && help) {
    event.preventDefault();
    help.showModal();
  } else if (event.key === "j") {
    step(1);
  } else if (event.key === "k") {
    step(-1);
  } else if (event.key === "Enter" && at && at.isConnected && !event.target.closest("a, button, summary")) {
    event.preventDefault();
    open(at);
  }
});

// A page that comes back from the browser's memory is as it was left: greyed out, with fields that are switched off.
addEventListener("pageshow", () => {
  for (const input of document.querySelectorAll("form.ask input")) input.disabled = false;
  const main = document.getElementById("main");
  if (main) main.classList.remove("loading");
});

ready(document);

// Records as they come.
const live = document.getElementById("live");
if (live) {
  const CAP = 500;
  const pause = document.getElementById("pause");
  const waiting = document.getElementById("waiting");
  const tail = document.getElementById("tail");
  let paused = false;
  let batches = [];
  let held = 0;
  let planned = false;
  // What earlier connections sent; each counts for itself.
  let before = { sent: 0, shown: 0, omitted: 0 };
  let now = { sent: 0, shown: 0, omitted: 0 };
  let lost = 0;
  let findings = 0;
  let more = false;
  let left = 0;

  const number = (value) => value.toLocaleString("en-US");

  function tell(state) {
    const sum = (name) => before[name] + now[name];
    const parts = [state, number(sum("sent")) + " came", number(sum("shown") - left) + " shown"];
    if (sum("omitted") + left) parts.push(number(sum("omitted") + left) + " left out, too many at a time");
    if (more) parts.push("more came while this page was cut off: see Records");
    if (lost) parts.push(number(lost) + " lost, say gap records");
    if (findings) parts.push(number(findings) + " findings");
    tail.textContent = parts.join(" · ");
    live.dataset.sent = sum("sent");
    live.dataset.shown = sum("shown") - left;
    live.dataset.omitted = sum("omitted") + left;
  }

  function draw() {
    planned = false;
    if (paused) return;
    const template = document.createElement("template");
    template.innerHTML = batches.reverse().join("");
    batches = [];
    held = 0;
    for (const row of template.content.querySelectorAll("tr")) row.classList.add("new");
    rows.prepend(template.content);
    for (const row of [...rows.children].slice(CAP)) row.remove();
    const empty = document.querySelector(".list > .empty");
    if (empty && rows.rows.length) empty.remove();
    waiting.hidden = true;
  }

  function plan() {
    if (planned || paused) return;
    planned = true;
    // A page that nobody sees is given no frames.
    if (document.hidden) setTimeout(draw, 250);
    else requestAnimationFrame(draw);
  }

  function take(event) {
    const batch = JSON.parse(event.data);
    const many = batch.shown - now.shown;
    now = batch;
    lost = batch.lost;
    findings = batch.findings;
    more = more || batch.more;
    if (batch.rows) batches.push(batch.rows);
    held += many;
    // What waits has an end too: the oldest goes, and is counted as left out.
    while (batches.length > 1 && held > CAP) {
      const gone = (batches.shift().match(/<tr /g) || []).length;
      held -= gone;
      left += gone;
    }
    if (paused) {
      waiting.hidden = false;
      waiting.textContent = number(held) + " new";
    }
    tell(paused ? "Paused" : "Live");
    plan();
  }

  const source = new EventSource(live.dataset.events);
  source.addEventListener("open", () => {
    before = { sent: before.sent + now.sent, shown: before.shown + now.shown, omitted: before.omitted + now.omitted };
    now = { sent: 0, shown: 0, omitted: 0 };
    tell(paused ? "Paused" : "Live");
  });
  source.addEventListener("rows", take);
  source.addEventListener("error", () => {
    tell(source.readyState === EventSource.CLOSED ? "Ended: the server does not answer; reload the page" : "Connecting again");
  });

  function go(stop) {
    paused = stop;
    pause.textContent = paused ? "Go on" : "Pause";
    pause.setAttribute("aria-pressed", String(paused));
    tell(paused ? "Paused" : "Live");
    if (!paused) plan();
  }
  pause.hidden = false;
  pause.addEventListener("click", () => go(!paused));
  waiting.addEventListener("click", () => go(false));
}
