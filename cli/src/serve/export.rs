//! Everything that a question finds, to take away, written while it is read.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::OwnedSemaphorePermit;
use tracing_audit::Query;
use tracing_audit::catalog::csv;
use tracing_audit::store::{Direction, Finding, FindingKind, Item, Stored};

use super::App;
use super::asked::{Asked, Question};
use super::body::{Feed, feed};
use super::layout;
use super::server::Peer;
use crate::out::{Failure, note};
use crate::words::{counted, harmless};

/// How many bytes are sent at a time.
const CHUNK: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Jsonl,
    Csv,
}

pub(super) async fn download(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
) -> Response {
    let (asked, question, format) = match understood(&uri) {
        Ok(understood) => understood,
        Err(failure) => return layout::failed(&failure),
    };
    let Ok(turn) = Arc::clone(&app.exports).try_acquire_owned() else {
        let mut busy = layout::wrong(
            StatusCode::SERVICE_UNAVAILABLE,
            "Other exports are running; try again when one has ended.",
        );
        busy.headers_mut()
            .insert(RETRY_AFTER, axum::http::HeaderValue::from_static("5"));
        return busy;
    };
    if let Some(views) = &app.views
        && let Err(failure) = views.note("export", &asked, peer).await
    {
        return layout::failed(&failure);
    }
    let (kind, name) = match format {
        Format::Jsonl => ("application/x-ndjson; charset=utf-8", "records.jsonl"),
        Format::Csv => ("text/csv; charset=utf-8; header=present", "records.csv"),
    };
    let (feed, body) = feed();
    let query = question.query;
    tokio::task::spawn_blocking(move || run(&app, &query, format, feed, turn));
    let heads = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (heads, body).into_response()
}

fn understood(uri: &Uri) -> Result<(Asked, Question, Format), Failure> {
    let asked = Asked::of(uri)?;
    let format = match asked.format.as_str() {
        "jsonl" => Format::Jsonl,
        "csv" => Format::Csv,
        other => {
            return Err(Failure::Usage(format!(
                "there is no format `{}`; name jsonl or csv",
                harmless(other)
            )));
        }
    };
    let question = asked.question()?;
    Ok((asked, question, format))
}

/// A failure breaks the answer off: whoever saves it sees that it is not whole.
fn run(app: &App, query: &Query, format: Format, feed: Feed, turn: OwnedSemaphorePermit) {
    match write(app, query, format, &feed) {
        Ok(true) => feed.end_blocking(),
        Ok(false) => {}
        Err(failure) => note(&harmless(&format!("an export was broken off: {failure}"))),
    }
    drop(turn);
}

/// Whether somebody took all of it.
fn write(app: &App, query: &Query, format: Format, feed: &Feed) -> Result<bool, Failure> {
    let store = app.store()?;
    let mut chunk = Vec::with_capacity(CHUNK + 4096);
    if format == Format::Csv {
        chunk.extend_from_slice(csv::header().as_bytes());
        chunk.extend_from_slice(b"\r\n");
    }
    let mut unread: Option<(Finding, u64)> = None;
    for item in store.walk(query, Direction::OldestFirst, None)? {
        match item? {
            Item::Record(stored) => line(&stored, format, &mut chunk)?,
            // The rest of a line that is being written is no news.
            Item::Finding(found) if !matches!(found.kind, FindingKind::Torn { .. }) => {
                let (_, count) = unread.get_or_insert((found, 0));
                *count += 1;
            }
            _ => {}
        }
        if chunk.len() >= CHUNK && !feed.send_blocking(std::mem::take(&mut chunk)) {
            return Ok(false);
        }
    }
    if let Some((first, count)) = unread {
        note(&harmless(&format!(
            "an export lacks what could not be read, {}; the first: {first}; `tracing-audit verify` says more",
            counted(count, "finding")
        )));
    }
    Ok(chunk.is_empty() || feed.send_blocking(chunk))
}

fn line(stored: &Stored, format: Format, chunk: &mut Vec<u8>) -> Result<(), Failure> {
    match format {
        Format::Jsonl => {
            chunk.extend_from_slice(&stored.line);
            chunk.push(b'\n');
        }
        Format::Csv => {
            chunk.extend_from_slice(csv::row(&stored.record)?.as_bytes());
            chunk.extend_from_slice(b"\r\n");
        }
    }
    Ok(())
}
