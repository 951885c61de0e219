//! Records as rows, for the list and for what comes live.

use maud::{Markup, html};
use tracing_audit::query::{Expr, Field, Pattern, Test, Wanted};
use tracing_audit::record::{Record, Slot};
use tracing_audit::store::Stored;

use super::asked::Asked;
use crate::words::{self, harmless};

/// The head of the table.
pub(super) fn head() -> Markup {
    html! {
        thead { tr {
            th.when scope="col" { "Time (UTC)" }
            th.outcome scope="col" { "Outcome" }
            th.who scope="col" { "Actor" }
            th.what scope="col" { "Event" }
            th.on scope="col" { "Resource" }
            th.took scope="col" { "Took" }
            th.trace scope="col" { "Trace" }
            th.why scope="col" { "Why" }
        } }
    }
}

/// One record.
pub(super) fn row(stored: &Stored, asked: &Asked, path: &str) -> Markup {
    let record = &stored.record;
    let outcome = record.text(Slot::Outcome).unwrap_or_default();
    let time = words::time(record.uint(Slot::Time).unwrap_or(stored.place.observed_at));
    let (day, clock) = time.split_at_checked(11).unwrap_or(("", &time));
    let opened = Asked {
        open: Some(stored.place.clone()),
        part: false,
        ..asked.clone()
    };
    let is_open = asked.open.as_ref() == Some(&stored.place);
    let detail = words::detail(record);
    html! {
        tr.open[is_open] .gap[stored.is_gap()] data-open=(stored.place) {
            td.when { a href=(opened.href("/record")) data-details { span.day { (day) } (clock) } }
            td.outcome { @if outcome.is_empty() { span.none { "–" } } @else {
                (link(asked, path, &slot(Slot::Outcome, outcome), html! { (badge(outcome)) })) } }
            td.who { (actor(record, asked, path)) }
            td.what { (event(record, asked, path)) }
            td.on { (resource(record, asked, path)) }
            td.took { @if let Some(nanos) = record.uint(Slot::DurationNs) { (words::duration(nanos)) } }
            td.trace { @if let Some(trace) = record.text(Slot::TraceId) {
                (link(asked, path, &slot(Slot::TraceId, trace), html! { (trace.get(..8).unwrap_or(trace)) })) } }
            td.why title=(detail) { (detail) }
        }
    }
}

/// The outcome as a word with a colour of its own.
pub(super) fn badge(outcome: &str) -> Markup {
    html! { span class={ "badge " (kind(outcome)) } { (outcome) } }
}

/// The outcomes that have a colour; everything else shares one.
pub(super) fn kind(outcome: &str) -> &'static str {
    match outcome {
        "success" => "success",
        "pending" => "pending",
        "unknown" => "unknown",
        "failure" => "failure",
        "denied" => "denied",
        _ => "other",
    }
}

fn actor(record: &Record, asked: &Asked, path: &str) -> Markup {
    let kind = record.text(Slot::ActorType).filter(|kind| *kind != "user");
    html! {
        @if let Some(kind) = kind { span.kind { (kind) } " " }
        @match record.text(Slot::ActorId) {
            Some(id) => (link(asked, path, &slot(Slot::ActorId, id), html! { (id) })),
            None if kind.is_none() => span.none { "–" },
            None => {},
        }
    }
}

fn event(record: &Record, asked: &Asked, path: &str) -> Markup {
    let event = record.event();
    let action = record.text(Slot::Action);
    let action = action.filter(|action| *action != event && !event.ends_with(action));
    html! {
        (link(asked, path, &slot(Slot::Event, event), html! { (event) }))
        @if let Some(action) = action { " " span.kind { (action) } }
        @if record.text(Slot::Phase) == Some("start") { " " span.kind { "start" } }
    }
}

fn resource(record: &Record, asked: &Asked, path: &str) -> Markup {
    let (kind, id) = (record.text(Slot::ResourceType), record.text(Slot::ResourceId));
    let whole = match (kind, id) {
        (Some(kind), Some(id)) => format!("{kind}/{id}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => return html! {},
    };
    link(asked, path, &equal(Field::Resource, &whole), html! { (whole) })
}

/// The term that a slot has this text.
pub(super) fn slot(slot: Slot, text: &str) -> String {
    equal(Field::Slot(slot), text)
}

/// The term that a field has this text.
pub(super) fn equal(field: Field, text: &str) -> String {
    let wanted = Wanted::Text(Pattern::exact(text));
    Expr::Field(field, Test::In(vec![wanted])).to_string()
}

/// A value that narrows the question to records that have it. Where it holds what a person cannot see, it is only shown: a
/// filter must say what it does.
fn link(asked: &Asked, path: &str, term: &str, shown: Markup) -> Markup {
    if !is_plain(term) {
        return shown;
    }
    html! { a.value href=(asked.with(term).href(path)) data-term=(term) { (shown) } }
}

/// Whether a term can stand in a filter: everything in it can be seen, and it is not too long.
pub(super) fn is_plain(term: &str) -> bool {
    term.len() <= 1024 && harmless(term) == term
}
