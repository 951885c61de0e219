//! The shape `denkeeper`: eleven flat fields under the names of a Go struct, of which `detail` is JSON in a text.

mod table;

use std::borrow::Cow;

use super::Profile;
use super::giving::{Exported, Giving, Why, time_text};
use super::plain::Style;
use super::shape::Shape;
use super::taking::{Fault, Filling, Taking, any_text};
use crate::catalog::sentences::general;
use crate::clock::MAX_TIME;
use crate::record::{Record, Slot, Value};

const TIMESTAMP: &str = "an RFC 3339 time from 1970 to 2262-04-11, such as \"2026-04-25T09:00:00.12Z\": correct the timestamp in \
                         the source";

/// The attribute that holds a `detail` as it was.
const RAW: &str = "detail_raw";

/// The longest detail, in bytes, that is kept both as it was and taken apart: for a longer one a line has no room.
const BOTH: usize = 16 << 10;

/// What ends the name of an agent that only tries.
const DRY_RUN: &str = "#dryrun";

/// The words for an outcome, as the shape and the record have them.
const STATUSES: &[(&str, &str)] = &[
    ("ok", "success"),
    ("error", "failure"),
    ("pending", "pending"),
    ("denied", "denied"),
];

/// Texts that a slot holds; an empty one is an empty slot.
const TEXTS: &[(&str, Slot)] = &[
    ("category", Slot::Category),
    ("action", Slot::Action),
    ("agent", Slot::AgentName),
    ("summary", Slot::Summary),
    ("source", Slot::Source),
    ("conversation_id", Slot::ConversationId),
];

pub(super) fn import(line: &[u8]) -> Result<Record, Fault> {
    let mut taking = Taking::open(line)?;
    let mut filling = Filling::new(Profile::Denkeeper);
    let nanos = taking.need("timestamp", TIMESTAMP, |value| nanos(&value).ok_or(value))?;
    filling.put(Slot::Time, nanos.0);
    if let Some(other) = nanos.1 {
        taking.rest.insert("timestamp".to_owned(), Value::Str(other));
    }
    for (key, slot) in TEXTS {
        // Every field stands in every line, so an empty text needs no place.
        if let Some(text) = taking.take(key, any_text)
            && !text.is_empty()
        {
            filling.put(*slot, text);
        }
    }
    name(&mut taking, &mut filling);
    if let Some(status) = taking.take("status", any_text) {
        take_status(status, &mut taking, &mut filling);
    }
    taking.take("id", zero);
    if let Some(nanos) = taking.millis("duration_ms") {
        filling.put(Slot::DurationNs, nanos);
    }
    if let Some(agent) = filling.text(Slot::AgentName).map(str::to_owned) {
        if agent.ends_with(DRY_RUN) {
            filling.put(Slot::DecisionDryRun, true);
        }
        filling.put(Slot::ActorType, "agent");
        filling.put(Slot::ActorId, agent);
    }
    let detail = taking.take("detail", any_text);
    filling.overlay(taking.rest);
    let detail = detail.filter(|detail| !detail.is_empty());
    Ok(match detail {
        None => filling.finish(),
        Some(detail) => take_detail(filling, &detail).finish(),
    })
}

/// The time, and its text where another text stands for the same time.
fn nanos(value: &Value) -> Option<(u64, Option<String>)> {
    let text = value.as_str()?;
    let time: jiff::Timestamp = text.parse().ok()?;
    let nanos = u64::try_from(time.as_nanosecond())
        .ok()
        .filter(|nanos| *nanos <= MAX_TIME)?;
    Some((nanos, (time_text(nanos) != text).then(|| text.to_owned())))
}

fn zero(value: Value) -> Result<(), Value> {
    if value == Value::from(0_u64) {
        Ok(())
    } else {
        Err(value)
    }
}

/// Names the event; a record has a category and an action, so where they are empty, that is kept.
fn name(taking: &mut Taking<'_>, filling: &mut Filling) {
    let category = filling.text(Slot::Category).unwrap_or_default().to_owned();
    let action = filling.text(Slot::Action).unwrap_or_default().to_owned();
    let mut keep_empty = |key: &str| {
        if !taking.rest.contains_key(key) {
            taking.rest.insert(key.to_owned(), Value::from(""));
        }
    };
    let event = match (category.as_str(), action.as_str()) {
        ("", "") => "event".to_owned(),
        ("", action) => action.to_owned(),
        (category, "") => category.to_owned(),
        (category, action) => format!("{category}.{action}"),
    };
    if action.is_empty() {
        keep_empty("action");
    }
    if category.is_empty() {
        keep_empty("category");
    }
    filling.put(Slot::Event, event);
}

fn take_status(status: String, taking: &mut Taking<'_>, filling: &mut Filling) {
    let known = STATUSES.iter().find(|(word, _)| *word == status);
    let level = match status.as_str() {
        "error" => "error",
        "denied" => "warn",
        _ => "info",
    };
    filling.put(Slot::Level, level);
    match known {
        Some((_, outcome)) => filling.put(Slot::Outcome, *outcome),
        None if status.is_empty() => {}
        None => {
            // A word that a record has for something else must come back as it was.
            if STATUSES.iter().any(|(_, outcome)| *outcome == status) {
                let members = taking.rest.entry("status".to_owned());
                members.or_insert_with(|| Value::from(status.as_str()));
            }
            filling.put(Slot::Outcome, status);
        }
    }
}

/// Takes the detail apart, and keeps it as it was where that would not give the same text again.
fn take_detail(filling: Filling, detail: &str) -> Filling {
    let mut apart = filling.clone();
    if table::take(detail, &mut apart, &[RAW, Profile::Denkeeper.as_str()]) {
        let record = apart.clone().finish();
        if give_detail(&mut Giving::new(Profile::Denkeeper, &record)) == detail {
            return apart;
        }
    } else {
        apart = filling.clone();
    }
    let mut kept = if detail.len() <= BOTH { apart } else { filling };
    kept.member(Slot::Attributes, RAW, detail);
    kept
}

pub(super) fn export(record: &Record) -> Exported {
    let mut giving = Giving::new(Profile::Denkeeper, record);
    giving.imply(&[Slot::Event, Slot::Level, Slot::DecisionDryRun]);
    let mut shape = Shape::default();
    shape.put("id", id(&giving));
    shape.put(
        "timestamp",
        time_text(giving.uint(Slot::Time).unwrap_or_default()),
    );
    shape.put("category", giving.text(Slot::Category).unwrap_or_default());
    shape.put("action", giving.text(Slot::Action).unwrap_or_default());
    shape.put("agent", agent(&mut giving));
    shape.put("summary", summary(&mut giving).into_owned());
    let status = status(&mut giving);
    let duration = duration(&mut giving);
    let source = giving.text(Slot::Source).unwrap_or_default();
    let conversation = giving.text(Slot::ConversationId).unwrap_or_default();
    shape.put("detail", give_detail(&mut giving));
    shape.put("status", status);
    shape.put("duration_ms", duration);
    shape.put("source", source);
    shape.put("conversation_id", conversation);
    giving.finish_in(shape, Style::Go)
}

/// What a table numbers its rows by: of a record of another origin, its place in its stream.
fn id(giving: &Giving<'_>) -> u64 {
    if giving.native {
        return 0;
    }
    giving.record().uint(Slot::Seq).unwrap_or(0)
}

/// The agent; where there is none, who acted.
fn agent<'r>(giving: &mut Giving<'r>) -> &'r str {
    let agent = giving.text(Slot::AgentName);
    let actor = giving.record().text(Slot::ActorId);
    if giving.native || agent == actor {
        giving.imply(&[Slot::ActorId, Slot::ActorType]);
    }
    agent
        .or_else(|| giving.text(Slot::ActorId).filter(|_| !giving.native))
        .unwrap_or_default()
}

/// The summary, which is what people see first: where a record of another origin has none, its sentence.
fn summary<'r>(giving: &mut Giving<'r>) -> Cow<'r, str> {
    match giving.text(Slot::Summary) {
        Some(summary) => Cow::Borrowed(summary),
        None if giving.native => Cow::Borrowed(""),
        None => Cow::Owned(general(giving.record())),
    }
}

fn status<'r>(giving: &mut Giving<'r>) -> &'r str {
    let outcome = giving.text(Slot::Outcome).unwrap_or_default();
    let known = STATUSES.iter().find(|(_, word)| *word == outcome);
    known.map_or(outcome, |(status, _)| status)
}

/// Whole milliseconds: the shape has integers. What was read with a fraction has it again.
fn duration(giving: &mut Giving<'_>) -> Value {
    let Some(nanos) = giving.uint(Slot::DurationNs) else {
        return Value::from(0_u64);
    };
    if giving.native {
        return super::number::millis_of_nanos(nanos);
    }
    if !nanos.is_multiple_of(1_000_000) {
        giving.note(Slot::DurationNs.path(), Why::Rounded);
    }
    Value::from(nanos / 1_000_000)
}

/// The detail as it was, or made of what it was taken apart into and of everything that has no other place.
fn give_detail(giving: &mut Giving<'_>) -> String {
    if giving.native
        && let Some(raw) = giving.attribute(RAW).and_then(Value::as_str)
    {
        giving.attributes();
        giving.imply(&[Slot::Detail]);
        table::imply(giving);
        giving.rest();
        return raw.to_owned();
    }
    let mut detail = Shape::default();
    table::give(giving, &mut detail);
    giving.give_others(&mut detail);
    if detail.is_empty() {
        return String::new();
    }
    giving.note_odd(&detail, "detail");
    detail.sort();
    detail.text(Style::Go)
}
