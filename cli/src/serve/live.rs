//! Records as they come: a page with the newest rows, and a stream of batches that the script adds to it.
//!
//! Every record that the filter wants is *sent*; of a batch that is too large the newest rows are *shown* and the others
//! *omitted*, and the three are told: sent = shown + omitted. A reader that was cut off for long is told that there is *more*.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use maud::html;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{MissedTickBehavior, interval};
use tracing_audit::Query;
use tracing_audit::store::{Cursor, Follow, Item, Stored, Window};

use super::App;
use super::asked::Asked;
use super::body::{Feed, feed};
use super::budget::{self, Budget};
use super::layout::{self, Tab};
use super::places::Places;
use super::rows;
use super::server::Peer;
use crate::out::Failure;
use crate::words::{self, harmless};

/// How often the files are looked at.
const BEAT: Duration = Duration::from_millis(250);

/// The most rows of a batch: four of them a second are more than anybody reads.
const ROWS: usize = 50;

/// The most records that are looked for when a reader comes back.
const BACK: usize = 20_000;

/// After how many silent beats a word says that we are still here.
const SILENT: u32 = 40;

/// The rows that the page begins with.
const BEGIN: usize = 30;

/// What the page begins with, and what that may cost.
const FIRST: (u64, Duration) = (200_000, Duration::from_millis(300));

/// What was sent to one reader.
#[derive(Debug, Default)]
struct Sent {
    sent: u64,
    shown: u64,
    omitted: u64,
    lost: u64,
    findings: u64,
    /// Whether more came while the reader was cut off than is looked for.
    more: bool,
}

impl Sent {
    /// Takes a batch, and gives the message about it and how far the reader has come with it; `None` where there is nothing
    /// to say.
    fn batch(&mut self, items: Vec<Item>, asked: &Asked, follow: &Follow) -> Option<String> {
        if items.is_empty() {
            return None;
        }
        let mut wanted: Vec<Stored> = Vec::new();
        for item in items {
            if let Item::Record(stored) | Item::Gap(stored) = &item
                && let Some((lost, _)) = stored.lost()
            {
                self.lost = self.lost.saturating_add(lost);
            }
            match item {
                Item::Record(stored) => wanted.push(stored),
                Item::Gap(_) => {}
                _ => self.findings += 1,
            }
        }
        let omitted = wanted.len().saturating_sub(ROWS);
        self.sent += wanted.len() as u64;
        self.omitted += omitted as u64;
        self.shown += (wanted.len() - omitted) as u64;
        let rows = html! { @for stored in wanted.iter().skip(omitted).rev() { (rows::row(stored, asked, "/live")) } };
        let data = json!({
            "rows": harmless(&rows.into_string()),
            "sent": self.sent,
            "shown": self.shown,
            "omitted": self.omitted,
            "lost": self.lost,
            "findings": self.findings,
            "more": self.more,
        });
        let id = id(follow);
        Some(format!("{id}event: rows\ndata: {data}\n\n"))
    }
}

/// How far the reader of what was followed has come, for the time when it is cut off.
fn id(follow: &Follow) -> String {
    format!("id: {}\n", Places::Each(follow.places()))
}

pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
) -> Response {
    let asked = match Asked::of(&uri) {
        Ok(asked) => asked.between("", ""),
        Err(failure) => return layout::failed(&failure),
    };
    let question = match asked.question() {
        Ok(question) => question,
        Err(failure) => {
            let main =
                html! { h1.hidden { "Live" } (layout::form(&asked, "/live", Some(&failure.to_string()))) };
            return layout::answer(
                StatusCode::BAD_REQUEST,
                layout::page("Live", Tab::Live, &asked, None, main),
            );
        }
    };
    if let Some(views) = &app.views
        && let Err(failure) = views.note("list", &asked, peer).await
    {
        return layout::failed(&failure);
    }
    match app.read(move |app| newest(app, &question.query)).await {
        Ok(newest) => {
            let main = shown(&newest, &asked);
            layout::answer(
                StatusCode::OK,
                layout::page("Live", Tab::Live, &asked, Some(5), main),
            )
        }
        Err(failure) => layout::failed(&failure),
    }
}

/// What the page begins with.
struct Newest {
    rows: Vec<Stored>,
    /// Where looking for rows ended before there were enough.
    stopped: Option<Cursor>,
    /// The places from which the stream goes on: those of each stream's newest record, wanted or not.
    from: Vec<Cursor>,
}

fn newest(app: &App, query: &Query) -> Result<Newest, Failure> {
    let store = app.store()?;
    let from: Vec<Cursor> = store.extents()?.into_iter().map(|extent| extent.last).collect();
    // What was written since is the stream's to tell.
    let is_old = |stored: &Stored| {
        let last = from.iter().find(|last| last.stream == stored.place.stream);
        last.is_some_and(|last| stored.place <= *last)
    };
    let mut rows = Vec::new();
    let budget = Budget::new(query, Window::ALL, FIRST.0, FIRST.1);
    let stopped = budget::walk(&*store, &budget, None, |item| {
        if let Item::Record(stored) = item
            && is_old(&stored)
        {
            rows.push(stored);
        }
        rows.len() < BEGIN
    })?;
    let stopped = stopped.filter(|_| rows.len() < BEGIN);
    Ok(Newest { rows, stopped, from })
}

fn shown(newest: &Newest, asked: &Asked) -> maud::Markup {
    let Newest { rows, stopped, from } = newest;
    let events = Asked {
        seen: Some(Places::Each(from.clone())),
        ..asked.clone()
    };
    html! {
        h1.hidden { "Live" }
        (layout::form(asked, "/live", None))
        section #live .live data-events=(events.href("/events")) {
            button #pause type="button" hidden { "Pause" }
            p #tail role="status" { noscript { "This page reloads itself every five seconds. With JavaScript it shows records as they come; "
                "so does " code { "tracing-audit tail -f" } "." } }
            button #waiting .pill type="button" hidden { "0 new" }
        }
        div.split {
            div.list {
                div.scroll tabindex="0" role="region" aria-label="Records, newest first" {
                    table.records {
                        caption.hidden { "Records, newest first" }
                        (rows::head())
                        tbody #rows data-live="" { @for stored in rows { (rows::row(stored, asked, "/live")) } }
                    }
                }
                @if let Some(place) = stopped {
                    (layout::notice("quiet", html! { "Looked back to " (words::time(place.observed_at)) " only. "
                        a href=(asked.href("/")) { "Search further back" } }))
                }
                @if rows.is_empty() { section.empty { h2 { "Nothing yet" } p { "The first record that the filter wants appears here." } } }
            }
            aside #drawer aria-label="Record" data-close=(asked.href("/live")) {}
        }
    }
}

pub(super) async fn events(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let understood = Asked::of(&uri).and_then(|mut asked| {
        // A reader that was cut off says what it has.
        if let Some(last) = headers.get("last-event-id").and_then(|id| id.to_str().ok()) {
            asked.seen = Some(last.parse()?);
        }
        let question = asked.question()?;
        Ok((asked, question.query))
    });
    let (asked, query) = match understood {
        Ok(understood) => understood,
        Err(failure) => return layout::failed(&failure),
    };
    let Ok(seat) = Arc::clone(&app.live).try_acquire_owned() else {
        return layout::wrong(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many live pages are open; close one.",
        );
    };
    if let Some(views) = &app.views
        && let Err(failure) = views.note("follow", &asked, peer).await
    {
        return layout::failed(&failure);
    }
    let (feed, body) = feed();
    tokio::spawn(follow(app, asked, query, feed, seat));
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// Sends batches until the reader goes. A reader that comes back goes on behind what it has.
async fn follow(app: Arc<App>, asked: Asked, query: Query, feed: Feed, seat: OwnedSemaphorePermit) {
    let _ = run(&app, asked, query, &feed).await;
    drop(seat);
}

async fn run(app: &Arc<App>, asked: Asked, query: Query, feed: &Feed) -> Result<(), Failure> {
    let mut sent = Sent::default();
    let rows = asked.between("", "");
    // A page that an earlier version gave says it as the place behind which a list goes on.
    let seen = asked.seen.or(asked.after.map(Places::One));
    let (mut query, mut follow, found, more) = app.read(move |app| begin(app, query, seen)).await?;
    sent.more = more;
    if !feed.send("retry: 2000\n\n").await {
        return Ok(());
    }
    if let Some(message) = sent.batch(found, &rows, &follow)
        && !feed.send(message).await
    {
        return Ok(());
    }
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent = 0;
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            () = feed.closed() => return Ok(()),
        }
        let mut items = Vec::new();
        (query, follow, items) = app
            .read(move |_| {
                follow.poll(&query, &mut items)?;
                Ok((query, follow, items))
            })
            .await?;
        silent += 1;
        let message = match sent.batch(items, &rows, &follow) {
            Some(message) => message,
            // No event, but an id: what nobody wanted is not read again.
            None if silent >= SILENT => format!("{}: still here\n\n", id(&follow)),
            None => continue,
        };
        silent = 0;
        if !feed.send(message).await {
            return Ok(());
        }
    }
}

/// Where the following begins, what the reader has missed until there, and whether that is not all of it.
fn begin(app: &App, query: Query, seen: Option<Places>) -> Result<(Query, Follow, Vec<Item>, bool), Failure> {
    let follow = Follow::from_end(app.dir.clone())?;
    let missed = match &seen {
        None => Vec::new(),
        // One more than is sent, which tells whether there are more.
        Some(seen) => follow.history_after(&seen.among(&follow.places()), &query, BACK + 1)?,
    };
    // A finding has no place by which it could be known whether it was told before.
    let is_placed = |item: &Item| !matches!(item, Item::Finding(_));
    let mut missed: Vec<Item> = missed.into_iter().filter(is_placed).collect();
    let records = missed.iter().filter(|item| matches!(item, Item::Record(_)));
    let more = records.count() > BACK;
    if more {
        // Oldest first, and the looking ended with this one.
        missed.remove(0);
    }
    Ok((query, follow, missed, more))
}
