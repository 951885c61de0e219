// The page in a browser: what people do with it, what axe-core finds, what it costs.
//
// Run by cli/tests/serve_browser.rs, which gives it the printed address, the segment that it makes longer, the lines for that,
// and where the modules are. It prints one line for each step, and ends with a code other than 0 if one failed. With PAGE_SHOTS,
// the name of a directory, it leaves pictures there.
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { PAGE_URL, PAGE_MODULES, PAGE_CHROMIUM, PAGE_SEGMENT, PAGE_LINES, PAGE_SHOTS } = process.env;
const modules = createRequire(join(PAGE_MODULES, "package.json"));
const { chromium } = modules("playwright-core");
const axe = modules.resolve("axe-core/axe.min.js");
const origin = new URL(PAGE_URL).origin;
const lines = JSON.parse(readFileSync(PAGE_LINES, "utf8"));

const browser = await chromium.launch({
  executablePath: PAGE_CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

const steps = [];
const step = (name, run, options = {}) => steps.push({ name, run, options });

// What a page may not do: say anything on the console, fail, or ask another host.
async function enter(options) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 900 }, ...options });
  const wrong = [];
  const page = await context.newPage();
  page.on("console", (message) => { if (message.type() === "error" || message.type() === "warning") wrong.push(message.text()); });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("dialog", (dialog) => { wrong.push("a dialog: " + dialog.message()); dialog.dismiss(); });
  page.on("request", (request) => { if (new URL(request.url()).origin !== origin) wrong.push("asked " + request.url()); });
  await page.goto(PAGE_URL);
  return { page, wrong, context };
}

async function audited(page, name) {
  // Our own policy forbids scripts that are written into the page: axe comes through the debugger's door.
  const found = await page.evaluate(async () => {
    const result = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return result.violations.map((violation) => violation.id + ": " + violation.nodes.map((node) => node.html.slice(0, 200)).join(" | "));
  });
  assert.deepEqual(found, [], "axe-core on " + name);
}

async function withAxe(page) {
  await page.evaluate(readFileSync(axe, "utf8") + "; undefined");
}

// Waits until the page says what is expected of it, and says what it said instead.
async function until(page, said, expected) {
  const end = Date.now() + 60_000;
  let last;
  do last = await page.evaluate(said);
  while (last !== expected && Date.now() < end && (await new Promise((done) => setTimeout(done, 50)), true));
  assert.equal(last, expected);
}

const rows = (page) => page.locator("#rows tr");

step("the printed address opens the list, and the token is gone from the address", async ({ page }) => {
  assert.equal(page.url(), origin + "/");
  assert.equal(await rows(page).count(), 50);
  assert.equal(await page.evaluate(() => document.cookie), "", "scripts do not see the cookie");
});

step("a filter that is typed narrows the list, and stands in the address", async ({ page }) => {
  await page.keyboard.press("/");
  await page.keyboard.type("outcome=denied");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/?q=outcome%3Ddenied");
  assert.deepEqual([...new Set(await page.locator("#rows td.outcome").allTextContents())], ["denied"]);
});

step("a click on a value asks for it, with Alt for everything else", async ({ page }) => {
  await page.goto(origin + "/?q=outcome%3Ddenied");
  const actor = await page.locator("#rows td.who a.value").first().textContent();
  await page.locator("#rows td.who a.value").first().click();
  await page.waitForURL((url) => url.searchParams.get("q").includes("actor.id="));
  assert.deepEqual([...new Set(await page.locator("#rows td.who a.value").allTextContents())], [actor]);
  await page.goto(origin + "/?q=outcome%3Ddenied");
  await page.locator("#rows td.who a.value").first().click({ modifiers: ["Alt"] });
  await page.waitForURL((url) => url.searchParams.get("q").includes("not actor.id="));
  assert.ok(!(await page.locator("#rows td.who a.value").allTextContents()).includes(actor));
});

step("the keys open a record beside the list, and the address opens it again", async ({ page }) => {
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  const title = page.locator("#drawer h2");
  await title.waitFor();
  const sentence = await title.textContent();
  await page.reload();
  assert.equal(await page.locator("#drawer h2").textContent(), sentence);
  assert.equal(await page.locator("#rows tr.open").count(), 1);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#drawer h2").count(), 0);
  assert.ok(!page.url().includes("open="));
  await page.keyboard.press("?");
  await page.locator("dialog#help[open]").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("dialog#help[open]").count(), 0);
});

step("the line of a record is copied as it is", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  await page.locator("#rows tr td.when a").first().click();
  await page.locator("#drawer button[data-copy]").click();
  await page.locator("#drawer button[data-copy]", { hasText: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(JSON.parse(copied).schema, 1);
});

step("without a script the list, the filter, the pages and a record can be read", async ({ page }) => {
  await page.fill("#q", "event=page.*");
  await page.click("button.go");
  assert.ok(await rows(page).count() > 0);
  await page.goto(origin + "/");
  await page.click("text=Older");
  assert.equal(await rows(page).count(), 50);
  await page.locator("#rows td.when a").first().click();
  await page.locator("article h2").waitFor();
  assert.ok((await page.locator("article pre").textContent()).startsWith("{"));
  assert.equal(await page.locator("button[data-copy]:visible").count(), 0, "what needs a script does not show");
  await page.goto(origin + "/live");
  assert.ok(await rows(page).count() > 0);
}, { javaScriptEnabled: false });

step("nothing that a hostile record says is markup, a script, or turns the text around", async ({ page }) => {
  await page.goto(origin + "/?q=label.kind%3Dhostile");
  assert.ok(await rows(page).count() >= 3);
  for (let index = 0; index < await rows(page).count(); index += 1) {
    await rows(page).nth(index).locator("td.when a").click();
    await page.locator("#drawer h2").waitFor();
    await page.waitForFunction(() => !document.getElementById("drawer").hasAttribute("aria-busy"));
    assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
    assert.equal(await page.locator("main img, main iframe, main script, main object").count(), 0);
    const text = await page.locator("body").innerText();
    assert.ok(!/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u.test(text));
  }
});

step("five thousand records a second come, and every one is shown or counted", async ({ page }) => {
  await page.goto(origin + "/live?q=event%3Dpage.live");
  await page.waitForFunction(() => document.getElementById("tail").textContent.startsWith("Live"));
  await page.evaluate(() => {
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, entry.duration);
    }).observe({ type: "longtask" });
  });
  const begun = Date.now();
  for (let index = 0; index < lines.length; index += 500) {
    appendFileSync(PAGE_SEGMENT, lines.slice(index, index + 500).join(""));
    // The pace of the lines: one portion each tenth of a second.
    while (Date.now() < begun + index / 5) await new Promise((done) => setTimeout(done, 5));
  }
  await until(page, () => document.getElementById("live").dataset.sent, String(lines.length));
  const { shown, omitted } = await page.evaluate(() => ({ ...document.getElementById("live").dataset }));
  assert.equal(Number(shown) + Number(omitted), lines.length);
  assert.ok(await rows(page).count() <= 500);
  // Timed on a machine that others use as well: told, not judged.
  console.log("longest task of the page: " + Math.round(await page.evaluate(() => globalThis.longest)) + " ms");
  await page.click("#pause");
  appendFileSync(PAGE_SEGMENT, JSON.parse(process.env.PAGE_LAST));
  await page.locator("#waiting", { hasText: "1 new" }).waitFor();
  await page.click("#waiting");
  await page.waitForFunction(() => document.querySelector("#rows tr td.why").textContent.includes("the last one"));
});

const looks = [
  ["the list", "/", {}],
  ["the list, dark", "/", { colorScheme: "dark" }],
  ["the list, narrow", "/", { viewport: { width: 390, height: 844 } }],
  ["a filter with its terms", "/?q=outcome%3Ddenied+not+actor%3Dnobody&since=2020-01-01&until=2100-01-01", {}],
  ["nothing found", "/?q=outcome%3Ddenyed", {}],
  ["a slip", "/?q=nosuch%3D1", { slip: true }],
  ["the overview", "/overview", {}],
  ["the overview, dark", "/overview", { colorScheme: "dark" }],
  ["live", "/live", {}],
  ["the help", "/help", {}],
];
for (const [name, path, { slip, ...options }] of looks) {
  step("axe-core finds nothing on " + name, async ({ page, wrong }) => {
    await page.goto(origin + path);
    await withAxe(page);
    await audited(page, name);
    if (path === "/") {
      await page.locator("#rows td.when a").first().click();
      await page.locator("#drawer h2").waitFor();
      await audited(page, name + " with a record");
    }
    if (PAGE_SHOTS) {
      mkdirSync(PAGE_SHOTS, { recursive: true });
      await page.screenshot({ path: join(PAGE_SHOTS, name.replaceAll(/[^a-z]+/g, "-") + ".png") });
    }
    // That the address was wrong is what the browser says of a status above 399.
    if (slip) wrong.splice(0, wrong.length, ...wrong.filter((text) => !text.includes("400")));
  }, options);
}

step("axe-core finds nothing on a record as a page of its own", async ({ page }) => {
  await page.goto(origin + "/?q=label.kind%3Dhostile");
  await page.goto(await page.locator("#rows td.when a").first().evaluate((link) => link.href));
  await withAxe(page);
  await audited(page, "a record");
});

let failed = 0;
for (const { name, run, options } of steps) {
  const entered = await enter(options);
  try {
    await run(entered);
    assert.deepEqual(entered.wrong, []);
    console.log("passed: " + name);
  } catch (error) {
    failed += 1;
    console.log("FAILED: " + name + "\n" + error.stack);
  }
  await entered.context.close();
}
await browser.close();
console.log(steps.length - failed + " of " + steps.length + " steps passed");
process.exit(failed ? 1 : 0);
