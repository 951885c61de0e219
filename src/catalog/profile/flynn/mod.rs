//! The shape `flynn`: `timestamp`, `level`, `event_type` and a free `event`, for which 24 of 35 types have an interface.

mod table;

use self::table::{Interface, RESULT, interface};
use super::Profile;
use super::giving::{Exported, Giving, Why};
use super::number::millis_of_nanos;
use super::rules::{Form, Rule, To};
use super::shape::Shape;
use super::taking::{Fault, Filling, Taking, millis, split, text};
use crate::clock::MAX_TIME;
use crate::record::{Map, Record, Slot, Value};

const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];

const TIMESTAMP: &str =
    "milliseconds since 1970, a number from 0 to 9223372036854: correct the timestamp in the source";
const EVENT_TYPE: &str = "the name of an event, such as \"tool.start\": name it in the source";
const LEVEL: &str = "\"debug\", \"info\", \"warn\" or \"error\": state it in the source";
const EVENT: &str = "an object: write {} for an event that says nothing";

pub(super) fn import(line: &[u8]) -> Result<Record, Fault> {
    let mut taking = Taking::open(line)?;
    let mut filling = Filling::new(Profile::Flynn);
    let time = taking.need("timestamp", TIMESTAMP, |value| {
        millis(value.clone())
            .ok()
            .filter(|nanos| *nanos <= MAX_TIME)
            .ok_or(value)
    })?;
    filling.put(Slot::Time, time);
    let event = taking.need("event_type", EVENT_TYPE, text)?;
    filling.event(&event);
    taking.must_have("level", LEVEL)?;
    let level = taking.text("level");
    filling.put(Slot::Level, level.unwrap_or_else(|| "info".to_owned()));
    taking.must_have("event", EVENT)?;
    let taken = taking.within("event", |fields| {
        take_event(&event, &mut fields.rest, &mut filling);
        take_rest(fields, &mut filling)
    });
    // An event stands in every line, so that there need be no trace of an empty one.
    if let Some(own) = taken.transpose()? {
        match own {
            Some(own) => taking.rest.insert("event".to_owned(), Value::Map(own)),
            None => taking.rest.remove("event"),
        };
    }
    filling.overlay(taking.rest);
    Ok(filling.finish())
}

/// Keeps the rest of the event as attributes; gives back what has the name under which the rest of the line is kept.
fn take_rest(fields: &mut Taking<'_>, filling: &mut Filling) -> Result<Option<Map>, Fault> {
    fields.check_names()?;
    let own = fields.rest.remove_entry(Profile::Flynn.as_str());
    for (name, value) in std::mem::take(&mut fields.rest) {
        filling.member(Slot::Attributes, &name, value);
    }
    Ok(own.map(|own| Map::from([own])))
}

/// Takes what the event says, by its interface; the rest stays in `fields`.
fn take_event(event: &str, fields: &mut Map, filling: &mut Filling) {
    let interface = interface(event);
    for rule in interface.rules() {
        if rule.key == RESULT {
            take_result(fields, filling);
        } else {
            rule.take(fields, filling);
        }
    }
    if filling.text(Slot::ActorId).is_some() {
        filling.put(Slot::ActorType, "user");
    }
    if let Some((kind, to)) = interface.resource
        && let Some(id) = filling.value(to).and_then(Value::as_str).map(str::to_owned)
        && !id.is_empty()
    {
        filling.put(Slot::ResourceType, kind);
        filling.put(Slot::ResourceId, id);
    }
    let outcome = outcome(event, |to| filling.value(to));
    filling.put_some(Slot::Outcome, outcome);
}

/// Takes `result{success, output, error?}` apart where it is one; what does not fit stays under its name.
fn take_result(fields: &mut Map, filling: &mut Filling) {
    let is_result = |result: &Map| {
        matches!(
            (result.get("success"), result.get("output")),
            (Some(Value::Bool(_)), Some(Value::Str(_)))
        )
    };
    let mut result = match fields.remove(RESULT) {
        Some(Value::Map(result)) if is_result(&result) => result,
        Some(other) => {
            fields.insert(RESULT.to_owned(), other);
            return;
        }
        None => return,
    };
    if let Some(output) = result.remove("output") {
        filling.detail("tool", RESULT, output);
    }
    match result.remove("error") {
        Some(Value::Str(error)) if !error.is_empty() => filling.put(Slot::ErrorMessage, error),
        Some(other) => {
            result.insert("error".to_owned(), other);
        }
        None => {}
    }
    // The name decides; a flag that disagrees with it is kept.
    if result.get("success") == Some(&Value::Bool(true)) {
        result.remove("success");
    }
    if !result.is_empty() {
        fields.insert(RESULT.to_owned(), Value::Map(result));
    }
}

/// What the event's name says of the outcome, and where the name leaves it open, what its fields say.
fn outcome<'v>(event: &str, value: impl Fn(To) -> Option<&'v Value>) -> Option<&'static str> {
    let is = |to| value(to).and_then(Value::as_bool);
    let by = |truth, otherwise| Some(if truth { "success" } else { otherwise });
    match event {
        "tool.approval" => is(To::Detail("approval", "approved")).and_then(|yes| by(yes, "denied")),
        "heartbeat.cycle" | "heartbeat.check" => {
            is(To::Detail("health", "healthy")).and_then(|yes| by(yes, "failure"))
        }
        "skills.installer.command_result" => {
            match value(To::Detail("skill_install", "status")).and_then(Value::as_str)? {
                "succeeded" => Some("success"),
                "failed" => Some("failure"),
                "blocked" => Some("denied"),
                _ => None,
            }
        }
        "skills.installer.execution_blocked" => Some("denied"),
        "tool.start" => Some("pending"),
        _ => match split(event).1 {
            "denied" => Some("denied"),
            "error" | "fail" | "not_found" => Some("failure"),
            _ if table::is_known(event) => Some("success"),
            _ => None,
        },
    }
}

pub(super) fn export(record: &Record) -> Exported {
    let mut giving = Giving::new(Profile::Flynn, record);
    let mut shape = Shape::default();
    giving.imply(&[Slot::Event]);
    shape.put("timestamp", timestamp(&mut giving));
    shape.put("level", level(&mut giving));
    shape.put("event_type", record.event());
    shape.put_shape("event", event(&mut giving));
    giving.finish(shape)
}

fn timestamp(giving: &mut Giving<'_>) -> Value {
    let nanos = giving.uint(Slot::Time).unwrap_or(0);
    if giving.native || nanos.is_multiple_of(1_000_000) {
        return millis_of_nanos(nanos);
    }
    giving.note(Slot::Time.path(), Why::Rounded);
    Value::from(nanos / 1_000_000)
}

fn level<'r>(giving: &mut Giving<'r>) -> &'r str {
    match giving.text(Slot::Level) {
        Some(word) if giving.native || LEVELS.contains(&word) => word,
        None => "info",
        Some(word) => {
            giving.note(Slot::Level.path(), Why::Replaced);
            if word == "trace" { "debug" } else { "info" }
        }
    }
}

/// The event: the fields of its interface, then those that every event may have, then everything else, because there
/// is room for it.
fn event(giving: &mut Giving<'_>) -> Shape {
    let interface = interface(giving.record().event());
    let mut event = Shape::default();
    for rule in interface.rules() {
        if rule.key == RESULT {
            give_result(giving, &mut event);
            rule.give_own(giving, &mut event);
        } else {
            rule.give_in_free_part(giving, &mut event);
        }
        if !giving.native && !event.has(rule.key) && interface.requires(rule) {
            event.put(rule.key, empty(rule));
        }
    }
    imply_what_is_said(interface, giving);
    giving.give_others(&mut event);
    event
}

/// Marks what the event's name and fields say, so that it is not said twice.
fn imply_what_is_said(interface: &Interface, giving: &mut Giving<'_>) {
    let record = giving.record();
    let (category, action) = split(record.event());
    let value = |to: To| match to {
        To::Slot(slot) => record.get(slot),
        To::Detail(variant, field) => super::giving::detail(record, variant, field),
    };
    let outcome = outcome(record.event(), value);
    let resource = interface.resource.map(|(kind, to)| (kind, value(to)));
    let same = |slot, said: Option<&str>| giving.native || record.text(slot) == said;
    let mut said = Vec::new();
    for (slot, word) in [
        (Slot::Category, Some(category)),
        (Slot::Action, Some(action)),
        (Slot::Outcome, outcome),
        (Slot::ActorType, Some("user")),
        (Slot::ResourceType, resource.map(|(kind, _)| kind)),
        (
            Slot::ResourceId,
            resource.and_then(|(_, id)| id).and_then(Value::as_str),
        ),
    ] {
        if same(slot, word) {
            said.push(slot);
        }
    }
    giving.imply(&said);
}

fn give_result(giving: &mut Giving<'_>, event: &mut Shape) {
    let Some(output) = giving.detail("tool", RESULT) else {
        return;
    };
    let mut result = Shape::default();
    let is_success = giving.native || giving.record().text(Slot::Outcome) != Some("failure");
    result.put("success", is_success);
    result.put("output", output.clone());
    result.put_some("error", giving.slot(Slot::ErrorMessage).cloned());
    event.put_shape(RESULT, result);
}

/// What stands where a reader expects a field and the record has none.
fn empty(rule: &Rule) -> Value {
    match rule.form {
        Form::Text => Value::from(""),
        Form::Number | Form::Uint | Form::Millis => Value::from(0_u64),
        Form::Truth => Value::from(false),
        Form::Texts => Value::List(Vec::new()),
        Form::Any if rule.key == RESULT => Value::Map(Map::from([
            ("output".to_owned(), Value::from("")),
            ("success".to_owned(), Value::from(true)),
        ])),
        Form::Any => Value::Null,
    }
}
