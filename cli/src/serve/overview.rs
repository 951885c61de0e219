//! The overview: how many, of what kind, by whom; what is lost; what is sealed and verified; and what the files cannot say.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use maud::{Markup, html};
use tracing_audit::record::Slot;
use tracing_audit::store::{Cursor, Extent, Item};

use super::App;
use super::asked::{Asked, Question};
use super::budget::{self, Budget};
use super::checks::{self, Known};
use super::layout::{self, Tab, notice};
use super::rows;
use super::server::Peer;
use crate::heads::{self, Head, Signed};
use crate::out::Failure;
use crate::words::{self, counted};

/// The most that is read to count.
const COUNT: (u64, Duration) = (2_000_000, Duration::from_millis(1000));
const ALL: (u64, Duration) = (u64::MAX, Duration::from_secs(30));

/// How many words of a kind are shown, and how many different ones are counted.
const SHOWN: usize = 8;
const WORDS: usize = 100_000;

const HOUR: u64 = 3_600_000_000_000;

/// What is counted by its words.
const TALLIED: [(Slot, &str); 4] = [
    (Slot::Outcome, "By outcome"),
    (Slot::Category, "By category"),
    (Slot::Event, "By event"),
    (Slot::ActorId, "By actor"),
];

/// How often each word stands in a slot.
#[derive(Default)]
struct Tally {
    words: HashMap<String, u64>,
    none: u64,
    other: u64,
}

impl Tally {
    fn take(&mut self, word: Option<&str>) {
        let Some(word) = word else {
            self.none += 1;
            return;
        };
        if let Some(count) = self.words.get_mut(word) {
            *count += 1;
        } else if self.words.len() < WORDS {
            self.words.insert(word.to_owned(), 1);
        } else {
            self.other += 1;
        }
    }

    /// The most frequent words, and how many records have another.
    fn top(&self) -> (Vec<(&str, u64)>, u64) {
        let mut words: Vec<(&str, u64)> = self
            .words
            .iter()
            .map(|(word, count)| (word.as_str(), *count))
            .collect();
        words.sort_unstable_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
        let rest = words.iter().skip(SHOWN).map(|(_, count)| count).sum::<u64>();
        words.truncate(SHOWN);
        (words, rest + self.other)
    }
}

/// What was counted.
#[derive(Default)]
struct Numbers {
    records: u64,
    last_hour: u64,
    gaps: u64,
    lost: u64,
    findings: u64,
    tallies: [Tally; TALLIED.len()],
    stopped: Option<Cursor>,
    extents: Vec<Extent>,
    heads: Vec<Head>,
    requests: usize,
}

impl Numbers {
    fn of(app: &App, asked: &Asked, question: &Question) -> Result<Self, Failure> {
        let store = app.store()?;
        let heads = heads::heads(&app.dir, &app.keys);
        let mut numbers = Self {
            extents: store.extents()?,
            requests: heads.iter().map(|head| heads::requests(&head.home)).sum(),
            heads,
            ..Self::default()
        };
        let (most, time) = if asked.all { ALL } else { COUNT };
        let window = budget::window(question, asked);
        let limit = Budget::new(&question.query, window, most, time);
        let hour = asked.now.saturating_sub(HOUR);
        numbers.stopped = budget::walk(&*store, &limit, None, |item| numbers.take(&item, hour))?;
        Ok(numbers)
    }

    fn take(&mut self, item: &Item, hour: u64) -> bool {
        match item {
            Item::Record(stored) => {
                let record = &stored.record;
                self.records += 1;
                self.last_hour += u64::from(record.uint(Slot::Time).is_some_and(|time| time >= hour));
                for (tally, (slot, _)) in self.tallies.iter_mut().zip(TALLIED) {
                    tally.take(record.text(slot));
                }
            }
            Item::Gap(_) => {}
            _ => self.findings += 1,
        }
        if let Item::Record(stored) | Item::Gap(stored) = item
            && let Some((lost, _)) = stored.lost()
        {
            self.gaps += 1;
            self.lost = self.lost.saturating_add(lost);
        }
        true
    }

    fn bytes(&self) -> u64 {
        self.extents.iter().map(|extent| extent.bytes).sum()
    }
}

pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
) -> Response {
    match overview(&app, peer, &uri).await {
        Ok((asked, main)) => layout::answer(
            StatusCode::OK,
            layout::page("Overview", Tab::Overview, &asked, None, main),
        ),
        Err(failure) => layout::failed(&failure),
    }
}

async fn overview(app: &Arc<App>, peer: Peer, uri: &Uri) -> Result<(Asked, Markup), Failure> {
    let asked = Asked::of(uri)?;
    let question = match asked.question() {
        Ok(question) => question,
        Err(failure) => {
            let form = layout::form(&asked, "/overview", Some(&failure.to_string()));
            return Ok((asked, html! { h1.hidden { "Overview" } (form) }));
        }
    };
    if let Some(views) = &app.views {
        views.note("overview", &asked, peer).await?;
    }
    let (of, on) = (asked.clone(), question.clone());
    let numbers = app.read(move |app| Numbers::of(app, &of, &on)).await?;
    let bytes = numbers.bytes();
    let (one, two) = (Arc::clone(app), Arc::clone(app));
    let verified = app
        .checks
        .verified
        .run(asked.run == "verify", bytes, move || checks::verified(&one))
        .await;
    let complete = app
        .checks
        .complete
        .run(asked.run == "complete", bytes, move || checks::complete(&two))
        .await;
    let main = html! {
        h1.hidden { "Overview" }
        (layout::form(&asked, "/overview", None))
        (part(&numbers, &asked))
        (cards(&numbers, &asked))
        div.tallies { @for (tally, (slot, title)) in numbers.tallies.iter().zip(TALLIED) {
            (tallied(tally, slot, title, numbers.records, &asked)) } }
        div.checks {
            (check("Verification", "verify", &verified, &asked, "Every line is hashed again and held against the checkpoints."))
            (check("Completeness", "complete", &complete, &asked, "Numbers, gaps, pauses and how runs ended, over the whole trail."))
        }
        (layout::near(&asked, "/overview"))
        (streams(&numbers, &asked))
        (unknown())
    };
    Ok((asked, main))
}

/// Where counting ended before the end.
fn part(numbers: &Numbers, asked: &Asked) -> Markup {
    html! { @if let Some(place) = &numbers.stopped {
        (notice("quiet", html! { "Counted are the newest " (counted(numbers.records, "record")) ", back to "
            (words::time(place.observed_at)) ". " a href=(Asked { all: true, ..asked.first() }.href("/overview")) { "Count everything" } }))
    } }
}

fn cards(numbers: &Numbers, asked: &Asked) -> Markup {
    let all: u64 = numbers.extents.iter().map(Extent::records).sum();
    let newest = numbers.extents.iter().map(|extent| extent.last.observed_at).max();
    html! {
        ul.cards {
            li.card { span.big { (words::count(all)) } span { "records in the trail" } span.quiet { (words::bytes(numbers.bytes())) } }
            li.card { span.big { (words::count(numbers.records)) } span { "found by the filter" }
                @if numbers.stopped.is_some() { span.quiet { "of the newest" } } }
            li.card { span.big { (words::count(numbers.last_hour)) } span { "of them in the last hour" } }
            li.card.lossy[numbers.lost > 0] { span.big { (words::count(numbers.lost)) } span { "known to be lost" }
                @if numbers.gaps > 0 { a href=(asked.only("event=audit.gap").href("/")) { (counted(numbers.gaps, "gap record")) } } }
            li.card.damaged[numbers.findings > 0] { span.big { (words::count(numbers.findings)) }
                span { "findings: what is not a record" } }
            li.card { @match newest {
                Some(time) => { span.big { (words::duration(asked.now.saturating_sub(time))) } span { "since the newest record" }
                    span.quiet { (words::time(time)) } },
                None => { span.big { "–" } span { "no record yet" } },
            } }
        }
    }
}

fn tallied(tally: &Tally, slot: Slot, title: &str, all: u64, asked: &Asked) -> Markup {
    let (words, rest) = tally.top();
    let row = |name: Markup, count: u64| {
        html! {
            tr { th scope="row" { (name) }
                td.share { meter min="0" max=(all.max(1)) value=(count) aria-label={ (count) " of " (all) } {} }
                td.number { (words::count(count)) } }
        }
    };
    html! {
        section.card {
            h2 { (title) }
            @if words.is_empty() && tally.none == 0 { p.quiet { "Nothing to count." } }
            @else { table.plain { tbody {
                @for (word, count) in words {
                    @let term = rows::slot(slot, word);
                    @let shown = if slot == Slot::Outcome { rows::badge(word) } else { html! { (word) } };
                    @if rows::is_plain(&term) { (row(html! { a href=(asked.with(&term).href("/")) { (shown) } }, count)) }
                    @else { (row(shown, count)) }
                }
                @if rest > 0 { (row(html! { span.quiet { "others" } }, rest)) }
                @if tally.none > 0 { (row(html! { span.quiet { "not stated" } }, tally.none)) }
            } } }
        }
    }
}

fn check(title: &str, run: &str, known: &Known, asked: &Asked, about: &str) -> Markup {
    let again = Asked {
        run: run.to_owned(),
        ..asked.first()
    }
    .href("/overview");
    html! {
        section.card {
            h2 { (title) }
            @if known.runs { p { "Under way: it reads the whole trail. " a href=(again) { "Look again" } } }
            @match &known.found {
                None if known.runs => {},
                None => { p { (about) } p { a.button href=(again) { "Do it now" } } }
                Some(Err(why)) => { p.wrong { (why) } p { a.button href=(again) { "Try again" } } }
                Some(Ok(found)) => {
                    p class={ "verdict " (found.kind) } { (found.verdict) }
                    ul.said { @for line in &found.lines { li { (line) } } }
                    p.quiet { "As of " (words::time(found.at)) " UTC. " a href=(again) { "Again" } }
                }
            }
        }
    }
}

fn streams(numbers: &Numbers, asked: &Asked) -> Markup {
    html! {
        section.card.wide {
            h2 { "Streams" }
            @if numbers.extents.is_empty() { p.quiet { "No stream has a record yet." } }
            @else { div.scroll tabindex="0" role="region" aria-label="Streams" { table.plain {
                thead { tr { th scope="col" { "Stream" } th scope="col" { "Records" } th scope="col" { "First" } th scope="col" { "Newest" }
                    th scope="col" { "Size" } th scope="col" { "Sealed" } th scope="col" { "Followers" } } }
                tbody { @for extent in &numbers.extents { (stream(extent, numbers, asked)) } }
            } } }
            @if numbers.requests > 0 { p.wrong { (counted(numbers.requests as u64, "request")) " for the writer: no writer runs, or it is busy" } }
        }
    }
}

fn stream(extent: &Extent, numbers: &Numbers, asked: &Asked) -> Markup {
    let head = numbers.heads.iter().find(|head| head.stream == *extent.stream);
    let end = extent.last.seq.saturating_add(1);
    html! {
        tr {
            th scope="row" { a href=(asked.only(&rows::slot(Slot::Stream, &extent.stream)).href("/")) { code { (extent.stream) } } }
            td.number { (words::count(extent.records())) }
            td { (words::time(extent.first.observed_at)) }
            td { (words::time(extent.last.observed_at)) }
            td.number { (words::bytes(extent.bytes)) }
            td { @match head.filter(|head| head.checkpoint.is_some()) {
                None => "no",
                Some(head) => {
                    (words::count(head.sealed()))
                    @let open = end.saturating_sub(head.sealed());
                    @if open > 0 { ", " (words::count(open)) " open" }
                    @match head.signed { Signed::Not => ", not signed", Signed::ByOther => ", signed", Signed::ByGiven => ", signed by a given key" }
                }
            } }
            td { @match head {
                Some(head) if !head.followers.is_empty() => ul.said { @for (name, next) in &head.followers { li { (name) ": "
                    @match next {
                        Some(next) if *next >= end => "has everything",
                        Some(next) => { "lacks " (words::count(end - next)) },
                        None => "its cursor cannot be read",
                    } } } },
                _ => "none",
            } }
        }
    }
}

/// What a reader of files cannot know.
fn unknown() -> Markup {
    html! {
        section.card.wide {
            h2 { "Not known here" }
            p { "Only the running application knows: records still in its memory, refused ones whose caller was told, callers that wait, "
                "the state of its disk, and what its other sinks refused. Ask it: " code { "audit.stats()" } ", "
                code { "audit.openmetrics()" } "." }
        }
    }
}
