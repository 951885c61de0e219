//! One record: as a page of its own, and as the part that the script puts beside the list.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use tracing_audit::catalog::Sentences;
use tracing_audit::query::Field;
use tracing_audit::record::{CallNode, Map, Record, Slot, Value};
use tracing_audit::store::{Cursor, Direction, Filter, Item, Store, Stored, Window};

use super::App;
use super::asked::Asked;
use super::layout::{self, Tab};
use super::proof::Proof;
use super::rows;
use super::server::Peer;
use crate::heads::{self, Signed};
use crate::out::Failure;
use crate::words::{self, counted};

/// How deep a tree of steps is drawn.
const DEEPEST: usize = 64;

/// A record with what is proven of it.
pub(super) struct Opened {
    stored: Stored,
    proof: Proof,
}

/// The record with this number in this moment.
struct At<'c>(&'c Cursor);

impl Filter for At<'_> {
    fn matches(&self, record: &Record) -> bool {
        record.uint(Slot::Seq) == Some(self.0.seq)
    }

    fn window(&self) -> Window {
        Window {
            from: self.0.observed_at,
            until: self.0.observed_at.saturating_add(1),
        }
    }
}

/// Finds a record by its place, and what is proven of it.
pub(super) fn find(app: &App, store: &dyn Store, place: &Cursor) -> Result<Option<Opened>, Failure> {
    let at = At(place);
    for item in store.walk(&at, Direction::OldestFirst, None)? {
        let Item::Record(stored) = item? else { continue };
        if stored.place != *place {
            continue;
        }
        let mut proof = Proof::of(&stored, &heads::heads(&app.dir, &app.keys));
        if matches!(proof, Proof::Unproven { .. }) {
            // The writer replaced a tile between our reading of the checkpoint and of the tile.
            proof = Proof::of(&stored, &heads::heads(&app.dir, &app.keys));
        }
        return Ok(Some(Opened { stored, proof }));
    }
    Ok(None)
}

/// What an address names: the question around it, and the record.
async fn opened(app: &Arc<App>, peer: Peer, uri: &Uri) -> Result<(Asked, Option<Opened>), Failure> {
    let asked = Asked::of(uri)?;
    let Some(place) = asked.open.clone() else {
        return Err(Failure::Usage("the address names no record".to_owned()));
    };
    if let Some(views) = &app.views {
        views.note("open", &asked, peer).await?;
    }
    let found = app.read(move |app| find(app, &*app.store()?, &place)).await?;
    Ok((asked, found))
}

const GONE: &str = "There is no such record: retention may have removed it, or the address is not whole.";

pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
) -> Response {
    match opened(&app, peer, &uri).await {
        Ok((asked, Some(opened))) if asked.part => {
            layout::answer(StatusCode::OK, details(&app, &opened, &asked))
        }
        Ok((asked, Some(opened))) => {
            let main = html! {
                h1.hidden { "Record" }
                p { a href=(asked.clone().closed().href("/")) { "← Back to the records" } }
                article.alone { (details(&app, &opened, &asked)) }
            };
            layout::answer(
                StatusCode::OK,
                layout::page("Record", Tab::Other, &asked, None, main),
            )
        }
        Ok((_, None)) => layout::wrong(StatusCode::NOT_FOUND, GONE),
        Err(failure) => layout::failed(&failure),
    }
}

/// The exact line, to be copied or kept.
pub(super) async fn line(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
) -> Response {
    match opened(&app, peer, &uri).await {
        Ok((_, Some(opened))) => {
            let name = format!("attachment; filename=\"record-{}.json\"", opened.stored.place.seq);
            let heads = [
                (CONTENT_TYPE, "application/json".to_owned()),
                (CONTENT_DISPOSITION, name),
            ];
            (heads, opened.stored.line).into_response()
        }
        Ok((_, None)) => layout::wrong(StatusCode::NOT_FOUND, GONE),
        Err(failure) => layout::failed(&failure),
    }
}

/// Everything that is known of a record.
pub(super) fn details(app: &App, opened: &Opened, asked: &Asked) -> Markup {
    let Opened { stored, proof } = opened;
    let record = &stored.record;
    let sentence = Sentences::tell(&app.sentences, record);
    let marks = marks(record);
    let line = Asked {
        open: Some(stored.place.clone()),
        ..Asked::default()
    };
    html! {
        header.record {
            @let outcome = record.text(Slot::Outcome).unwrap_or_default();
            @if !outcome.is_empty() { (rows::badge(outcome)) }
            h2 { (sentence) }
            a.close href=(asked.clone().closed().href("/")) data-close-link aria-label="Close the record" { "×" }
        }
        p.place { (words::time(record.uint(Slot::Time).unwrap_or(stored.place.observed_at))) " UTC · number "
            (words::count(stored.place.seq)) " of stream " code { (stored.place.stream) } }
        (proven(proof, stored))
        @if let Some((lost, cause)) = stored.lost() {
            (layout::notice("lossy", html! { (counted(lost, "record")) " lost: " (cause) }))
        }
        (changed(record))
        (steps(record))
        (redactions(&marks, record))
        (ids(record, asked))
        section { h3 { "Fields" } (fields(record, &marks, asked)) }
        section.raw {
            h3 { "Line" }
            p.actions {
                button.copy type="button" data-copy=(line.href("/line")) hidden { "Copy" }
                a.button href=(line.href("/line")) download { "Save" }
            }
            pre tabindex="0" aria-label="The record's line" { code { (String::from_utf8_lossy(&stored.line)) } }
        }
    }
}

fn proven(proof: &Proof, stored: &Stored) -> Markup {
    let seq = words::count(stored.place.seq);
    match proof {
        Proof::Open => layout::notice(
            "open",
            html! { strong { "Not sealed yet. " } "No checkpoint covers this record; nothing proves that it was not changed." },
        ),
        Proof::Included { size, signed } => {
            let by = match signed {
                Signed::ByGiven => "It is signed by a key that was given.",
                Signed::ByOther => {
                    "It is signed, by a key that was not given (--key): whoever could write here could have put another there."
                }
                Signed::Not => "It is not signed: whoever could write here could have rewritten it.",
            };
            layout::notice(
                if *signed == Signed::ByGiven {
                    "proven"
                } else {
                    "consistent"
                },
                html! { strong { "Sealed, inclusion proven. " } "The hashes lead from this line, number " (seq)
                ", to the root of the checkpoint over " (counted(*size, "record")) ". " (by) },
            )
        }
        Proof::Contradicted { size } => layout::notice(
            "damaged",
            html! { strong { "Contradicted. " } "The checkpoint over " (counted(*size, "record"))
            " covers number " (seq) ", and the hashes lead from this line to another root: the line, a tile or the checkpoint "
            "was changed. " code { "tracing-audit verify" } " says which." },
        ),
        Proof::Unproven { size, why } => layout::notice(
            "open",
            html! { strong { "Sealed, inclusion not proven here. " } "The checkpoint covers " (counted(*size, "record"))
            ". " (why) },
        ),
    }
}

fn changed(record: &Record) -> Markup {
    let names = record.texts(Slot::ChangedFields).unwrap_or_default();
    html! { @if !names.is_empty() {
        section { h3 { "Changed fields" } ul.tags { @for name in names { li { code { (name) } } } }
            p.quiet { "Names only: values are never in the trail." } }
    } }
}

fn steps(record: &Record) -> Markup {
    let stack = record.call_stack();
    html! {
        @match &stack {
            Ok(stack) if stack.is_empty() => {},
            Ok(stack) => section { h3 { "Call stack" } (nodes(&stack.nodes, DEEPEST)) },
            Err(error) => section { h3 { "Call stack" } p.quiet { (error) } },
        }
    }
}

fn nodes(nodes: &[CallNode], depth: usize) -> Markup {
    html! {
        ul.steps { @for node in nodes {
            li {
                span.kind { (node.kind) } " " span { (node.label) }
                @if let Some(nanos) = node.duration_ns { " " span.took { (words::duration(nanos)) } }
                @if node.omitted > 0 { " " span.quiet { (counted(node.omitted, "step")) " left out" } }
                @if !node.children.is_empty() && depth > 0 { (self::nodes(&node.children, depth - 1)) }
            }
        } }
    }
}

/// What redaction did to a field.
struct Mark {
    field: String,
    rule: String,
    action: String,
    times: u64,
}

fn marks(record: &Record) -> Vec<Mark> {
    let map = record.get(Slot::Redaction).and_then(Value::as_map);
    let list = map
        .and_then(|map| map.get("fields")?.as_list())
        .unwrap_or_default();
    let text = |map: &Map, key: &str| {
        map.get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let maps = list.iter().filter_map(Value::as_map);
    maps.map(|map| Mark {
        field: text(map, "field"),
        rule: text(map, "rule"),
        action: text(map, "action"),
        times: map.get("n").and_then(Value::as_u64).unwrap_or(1),
    })
    .collect()
}

fn redactions(marks: &[Mark], record: &Record) -> Markup {
    let map = record.get(Slot::Redaction).and_then(Value::as_map);
    let more = map.and_then(|map| map.get("more")?.as_u64()).unwrap_or(0);
    html! { @if !marks.is_empty() || more > 0 {
        section {
            h3 { "Redacted" }
            table.plain {
                thead { tr { th scope="col" { "Field" } th scope="col" { "Rule" } th scope="col" { "Action" } th scope="col" { "Times" } } }
                tbody { @for mark in marks { tr {
                    th scope="row" { code { (mark.field) } }
                    td { (mark.rule) } td { (mark.action) } td { (words::count(mark.times)) }
                } } }
            }
            @if more > 0 { p.quiet { "and " (words::count(more)) " more" } }
        }
    } }
}

/// What ties the record to others.
fn ids(record: &Record, asked: &Asked) -> Markup {
    const IDS: [(Slot, &str); 7] = [
        (Slot::TraceId, "Trace"),
        (Slot::SpanId, "Span"),
        (Slot::ParentSpanId, "Parent span"),
        (Slot::CorrelationId, "Correlation"),
        (Slot::RequestId, "Request"),
        (Slot::SessionId, "Session"),
        (Slot::ExecutionId, "Execution"),
    ];
    let found: Vec<(Slot, &str, &str)> = IDS
        .into_iter()
        .filter_map(|(slot, label)| Some((slot, label, record.text(slot)?)))
        .collect();
    html! { @if !found.is_empty() {
        section { h3 { "Belongs together" } dl.pairs { @for (slot, label, id) in found {
            dt { (label) } dd {
                @let term = rows::slot(slot, id);
                @if rows::is_plain(&term) { a href=(asked.between("", "").only(&term).href("/")) title="All records of it" { code { (id) } } }
                @else { code { (id) } } }
        } } }
    } }
}

/// Every field, with what asks for it and what leaves it out.
fn fields(record: &Record, marks: &[Mark], asked: &Asked) -> Markup {
    let mut rows = Vec::new();
    for (slot, value) in record.slots() {
        let members: fn(String) -> Option<Field> = match slot {
            Slot::Attributes => |key| Some(Field::Attribute(key)),
            Slot::Labels => |key| Some(Field::Label(key)),
            Slot::Hashes => |key| Some(Field::Hash(key)),
            Slot::Detail => |key| Some(Field::Detail(key)),
            Slot::CallStack | Slot::Redaction => continue,
            _ => {
                rows.push((
                    slot.path().to_owned(),
                    value,
                    is_asked(slot).then_some(Field::Slot(slot)),
                ));
                continue;
            }
        };
        match value {
            Value::Map(map) => rows.extend(
                map.iter()
                    .map(|(key, value)| (format!("{}.{key}", slot.path()), value, members(key.clone()))),
            ),
            value => rows.push((slot.path().to_owned(), value, None)),
        }
    }
    html! { table.fields { tbody { @for (name, value, field) in rows {
        @let text = text_of(&name, value);
        tr {
            th scope="row" { (name) }
            td { span.text { (text) }
                @for mark in marks.iter().filter(|mark| mark.field == name || name.strip_prefix("attributes.") == Some(&mark.field)) {
                    " " mark title={ "action " (mark.action) } { "•••• rule " (mark.rule) }
                } }
            td.ask { @if let Some(field) = field.filter(|_| is_scalar(value)) {
                @let term = rows::equal(field, &text);
                @if rows::is_plain(&term) {
                    a href=(asked.with(&term).href("/")) title="Only records with this value" aria-label={ "Only records with " (term) } { "=" }
                    a href=(asked.with(&format!("not {term}")).href("/")) title="Only records without it" aria-label={ "Only records without " (term) } { "≠" }
                }
            } }
        }
    } } } }
}

/// Whether one asks for a slot by a single value.
fn is_asked(slot: Slot) -> bool {
    !matches!(
        slot,
        Slot::Time | Slot::ObservedAt | Slot::Truncated | Slot::ErrorChain
    )
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Str(_) | Value::Int(_) | Value::Bool(_))
}

/// A field's value as text; times as people read them, to the nanosecond.
fn text_of(name: &str, value: &Value) -> String {
    match value
        .as_u64()
        .filter(|_| name == Slot::Time.path() || name == Slot::ObservedAt.path())
    {
        Some(nanos) => {
            let time = words::time(nanos);
            format!(
                "{}.{:09} UTC",
                time.get(..19).unwrap_or(&time),
                nanos % 1_000_000_000
            )
        }
        None => text(value),
    }
}

/// A value as text; structures as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        value => json(value).to_string(),
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Int(number) => i64::try_from(*number).map_or_else(|_| number.to_string().into(), Into::into),
        Value::Uint(number) => number.to_string().into(),
        Value::Float(number) if number.is_finite() => (*number).into(),
        Value::Float(number) => number.to_string().into(),
        Value::Bytes(bytes) => format!("{} bytes: {}", bytes.len(), hex(bytes)).into(),
        Value::Str(text) => text.as_str().into(),
        Value::Commitment(hash) => format!("commitment {}", hex(hash)).into(),
        Value::List(values) => values.iter().map(json).collect(),
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), json(value)))
            .collect(),
        _ => "a value of another kind".into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(256).map(|byte| format!("{byte:02x}")).collect()
}
