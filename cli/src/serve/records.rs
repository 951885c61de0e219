//! The list: the records that a question finds, newest first, under their histogram.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use maud::{Markup, html};
use tracing_audit::store::{Cursor, Extent, Item, Store, Stored};

use super::App;
use super::asked::{Asked, Question};
use super::budget::{self, Budget};
use super::histogram::{Counted, histogram};
use super::layout::{self, Tab, notice};
use super::record::{self, Opened};
use super::rows;
use super::server::Peer;
use crate::heads::{self, Head, Signed};
use crate::out::Failure;
use crate::words::{self, counted};

/// The most that is read for the rows of a page, and for its histogram.
const ROWS: (u64, Duration) = (2_000_000, Duration::from_millis(1500));
const BARS: (u64, Duration) = (100_000, Duration::from_millis(80));

/// The same where everything is to be counted.
const ALL: (u64, Duration) = (u64::MAX, Duration::from_secs(20));

/// How many findings are told.
const TOLD: usize = 5;

/// What a page shows.
struct Seen {
    rows: Vec<Stored>,
    gaps: Vec<Stored>,
    findings: Vec<String>,
    more_findings: u64,
    /// Where the next page begins.
    next: Option<Cursor>,
    /// Records that were looked at in vain before the page was full; then `next` goes on from there.
    searched: Option<u64>,
    counted: Arc<Counted>,
    extents: Vec<Extent>,
    heads: Vec<Head>,
    opened: Option<Opened>,
}

impl Seen {
    fn of(app: &App, asked: &Asked, question: &Question) -> Result<Self, Failure> {
        let store = app.store()?;
        let mut seen = Self {
            rows: Vec::new(),
            gaps: Vec::new(),
            findings: Vec::new(),
            more_findings: 0,
            next: None,
            searched: None,
            counted: Arc::default(),
            extents: store.extents()?,
            heads: heads::heads(&app.dir, &app.keys),
            opened: None,
        };
        let window = budget::window(question, asked);
        let (most, time) = if asked.all { ALL } else { ROWS };
        let limit = Budget::new(&question.query, window, most, time);
        seen.next = budget::walk(&*store, &limit, asked.after.as_ref(), |item| {
            seen.take(item, asked.rows())
        })?;
        if seen.next.is_some() && seen.rows.len() < asked.rows() {
            seen.searched = Some(limit.looked());
        }
        seen.counted = count(app, &*store, asked, question)?;
        if let Some(place) = &asked.open {
            seen.opened = record::find(app, &*store, place)?;
        }
        Ok(seen)
    }

    fn take(&mut self, item: Item, most: usize) -> bool {
        match item {
            Item::Record(stored) => self.rows.push(stored),
            // All of them are counted with the histogram.
            Item::Gap(stored) if self.gaps.len() < TOLD => self.gaps.push(stored),
            Item::Gap(_) => {}
            Item::Finding(finding) if self.findings.len() < TOLD => self.findings.push(finding.to_string()),
            _ => self.more_findings += 1,
        }
        self.rows.len() < most
    }
}

/// Counts for the histogram, or takes what was counted for the same question a moment ago: many readers of one view cost as
/// much as one.
fn count(app: &App, store: &dyn Store, asked: &Asked, question: &Question) -> Result<Arc<Counted>, Failure> {
    let key = asked.first().href("/");
    if let Some(counted) = app.counts.get(&key) {
        return Ok(counted);
    }
    let (most, time) = if asked.all { ALL } else { BARS };
    let limit = Budget::new(&question.query, budget::window(question, asked), most, time);
    let mut counted = Counted::default();
    let stopped = budget::walk(store, &limit, None, |item| counted.take(&item))?;
    counted.back_to = stopped.map(|place| place.observed_at);
    let counted = Arc::new(counted);
    app.counts.put(key, &counted);
    Ok(counted)
}

pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
) -> Response {
    let asked = match Asked::of(&uri) {
        Ok(asked) => asked,
        Err(failure) => return layout::failed(&failure),
    };
    let question = match asked.question() {
        Ok(question) => question,
        Err(failure) => return unasked(&asked, &failure),
    };
    if let Some(views) = &app.views
        && let Err(failure) = views.note("list", &asked, peer).await
    {
        return layout::failed(&failure);
    }
    let (of, on) = (asked.clone(), question.clone());
    match app.read(move |app| Seen::of(app, &of, &on)).await {
        Ok(seen) => {
            let main = shown(&app, &seen, &question, &asked);
            layout::answer(
                StatusCode::OK,
                layout::page("Records", Tab::Records, &asked, None, main),
            )
        }
        Err(failure) => layout::failed(&failure),
    }
}

/// The page where the filter was not understood: it stays as it was typed, and nothing is shown that was not asked for.
fn unasked(asked: &Asked, failure: &Failure) -> Response {
    let main = html! {
        h1.hidden { "Records" }
        (layout::form(asked, "/", Some(&failure.to_string())))
        section.empty { p { "Correct the filter, or " a href="/" { "show everything" } "." } }
    };
    layout::answer(
        StatusCode::BAD_REQUEST,
        layout::page("Records", Tab::Records, asked, None, main),
    )
}

fn shown(app: &App, seen: &Seen, question: &Question, asked: &Asked) -> Markup {
    html! {
        h1.hidden { "Records" }
        (layout::form(asked, "/", None))
        @if asked.after.is_none() { (histogram(&seen.counted, question, asked, sealed(seen, asked))) }
        (notices(seen, asked))
        div.split .opened[seen.opened.is_some()] {
            div.list {
                @if seen.rows.is_empty() && seen.next.is_none() { (empty(seen, question, asked)) }
                @else { (table(seen, asked)) }
                (paging(seen, asked))
                (layout::near(asked, "/"))
            }
            aside #drawer aria-label="Record" data-close=(asked.clone().closed().href("/")) {
                @match (&seen.opened, &asked.open) {
                    (Some(opened), _) => (record::details(app, opened, asked)),
                    (None, Some(place)) => p.notice { "There is no record at " code { (place) } " any more." },
                    (None, None) => {},
                }
            }
        }
    }
}

/// How much of the trail is sealed, in a word.
fn sealed(seen: &Seen, asked: &Asked) -> Markup {
    let end: u64 = seen
        .extents
        .iter()
        .map(|extent| extent.last.seq.saturating_add(1))
        .sum();
    let size: u64 = seen.heads.iter().map(Head::sealed).sum();
    let is_signed = seen.heads.iter().any(|head| head.signed != Signed::Not);
    html! { @if end > 0 {
        a.seal href=(asked.first().href("/overview")) {
            @if size == 0 { "not sealed" }
            @else {
                "sealed: " (words::count(size.min(end))) " of " (words::count(end)) @if is_signed { ", signed" } @else { ", not signed" }
            }
        }
    } }
}

fn table(seen: &Seen, asked: &Asked) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Records, newest first" {
            table.records {
                caption.hidden { "Records, newest first" }
                (rows::head())
                tbody #rows { @for stored in &seen.rows { (rows::row(stored, asked, "/")) } }
            }
        }
    }
}

/// What may be missing from what is shown, and what is in the files beside records.
fn notices(seen: &Seen, asked: &Asked) -> Markup {
    let hidden = seen.gaps.iter().filter_map(Stored::lost);
    html! {
        @if seen.counted.lost > 0 {
            (notice("lossy", html! {
                strong { (counted(seen.counted.lost, "record")) " lost" } " in this window, say "
                (counted(seen.counted.gaps, "gap record")) ". "
                @for (lost, cause) in hidden { span.part { (words::count(lost)) " (" (cause) ") " } }
                a href=(asked.only("event=audit.gap").href("/")) { "Show them" }
            }))
        }
        @for finding in &seen.findings { (notice("damaged", html! { strong { "Finding: " } (finding) })) }
        @if seen.more_findings > 0 { (notice("damaged", html! { "and " (counted(seen.more_findings, "more finding")) })) }
    }
}

/// Nothing was found: where it was looked for, and what is there.
fn empty(seen: &Seen, question: &Question, asked: &Asked) -> Markup {
    let records: u64 = seen.extents.iter().map(Extent::records).sum();
    let newest = seen.extents.iter().map(|extent| extent.last.observed_at).max();
    html! {
        section.empty {
            @match newest {
                None => {
                    h2 { "No record yet" }
                    p { "The trail is empty. Does the application tag anything with the target " code { "audit" } "? "
                        code { "audit.check()" } " says what keeps records from it. This page shows the first one when it is reloaded." }
                }
                Some(newest) => {
                    h2 { "Nothing found" }
                    p { "No record " @if !asked.filter.trim().is_empty() { "satisfies " code { (asked.filter) } " " }
                        (window(question)) ". The trail has " (counted(records, "record")) ", the newest of "
                        (words::time(newest)) "." }
                    @for (typed, known) in question.query.slips() {
                        p { "There is no record with " code { (typed) } ": did you mean " code { (known) } "?" }
                    }
                    p.actions {
                        @if !asked.since.is_empty() || !asked.until.is_empty() {
                            a.button href=(asked.between("", "").href("/")) { "Search all times" }
                        }
                        @if !asked.filter.trim().is_empty() { a.button href=(asked.only("").href("/")) { "Without the filter" } }
                    }
                }
            }
        }
    }
}

fn window(question: &Question) -> String {
    match (question.since, question.until) {
        (None, None) => "at any time".to_owned(),
        (Some(since), None) => format!("from {} on", words::time(since)),
        (None, Some(until)) => format!("before {}", words::time(until)),
        (Some(since), Some(until)) => format!("from {} to {}", words::time(since), words::time(until)),
    }
}

fn paging(seen: &Seen, asked: &Asked) -> Markup {
    let export = |format: &str| {
        Asked {
            format: format.to_owned(),
            ..asked.first()
        }
        .href("/export")
    };
    let on = |place: &Cursor| {
        Asked {
            after: Some(place.clone()),
            ..asked.first()
        }
        .href("/")
    };
    html! {
        @if let (Some(looked), Some(place)) = (seen.searched, &seen.next) {
            (notice("quiet", html! {
                "Looked at " (counted(looked, "record")) " back to " (words::time(place.observed_at)) ", and found "
                (counted(seen.rows.len() as u64, "record")) ". "
                a href=(on(place)) { "Search further back" }
            }))
        }
        nav.paging aria-label="More records" {
            @if asked.after.is_some() { a.button href=(asked.first().href("/")) { "Newest" } }
            @if let (Some(place), None) = (&seen.next, seen.searched) { a.button rel="next" href=(on(place)) { "Older" } }
            span.fill {}
            @if !seen.rows.is_empty() {
                span { "Export what the filter finds: " }
                a href=(export("jsonl")) download { "JSON lines" } " " a href=(export("csv")) download { "CSV" }
            }
        }
    }
}
