//! A typed event on its way through a trail and through a seed's own shape, field by field.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde_json::Value as Json;
use tracing_audit::catalog::profile::Profile;
use tracing_audit::record::{AuditEvent, Record, Value};
use tracing_audit::redact::Policy;
use tracing_audit::store::{Direction, List};

use crate::elsewhere::elsewhere;
use crate::trail::Trail;

/// A field of a document: its path there, its value there, and its place in a record.
pub(crate) type Row<'r> = (&'r str, Json, &'r str);

/// A trail that keeps every value as it is.
pub(crate) fn keeping() -> Trail {
    Trail::with(|audit| audit.policy(Policy::off("values are compared with what was given")))
}

/// What a value of the document is in a record.
pub(crate) fn in_record(path: &str, json: &Json) -> Value {
    match (path, json) {
        ("duration_ns", Json::Number(millis)) => Value::from(millis.as_u64().unwrap() * 1_000_000),
        ("outcome", Json::Bool(true)) => Value::from("success"),
        (_, Json::Null) => Value::Null,
        (_, Json::Bool(truth)) => Value::from(*truth),
        (_, Json::Number(number)) => match number.as_i64() {
            Some(number) => Value::from(number),
            None => Value::from(number.as_f64().unwrap()),
        },
        (_, Json::String(text)) => Value::from(text.as_str()),
        (_, Json::Array(values)) => Value::List(values.iter().map(|value| in_record("", value)).collect()),
        (_, Json::Object(members)) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), in_record("", value)));
            Value::Map(members.collect())
        }
    }
}

/// The one record of the trail's files that the trail did not write about itself, and the same of its memory.
pub(crate) fn both(trail: &Trail) -> [Record; 2] {
    let query = tracing_audit::Query::parse("category!=audit").unwrap();
    let list = List::default().direction(Direction::OldestFirst);
    let page = trail.page(&query, &list);
    let [file] = <[_; 1]>::try_from(page.records).unwrap();
    let mut memory = trail.memory.records();
    memory.retain(|record| record.event() == file.record.event());
    let [memory] = <[_; 1]>::try_from(memory).unwrap();
    [file.record, memory]
}

/// Emits an event, and reports it; every row must come back from file, memory, SQLite, a collector and the shape `flynn`, and the event
/// itself from each record. Gives the fields of the document back that were seen, as `interface.field`.
#[track_caller]
pub(crate) fn comes_back<E>(interface: &str, event: &E, rows: &[Row<'_>]) -> BTreeSet<String>
where
    E: AuditEvent + PartialEq + Debug,
    for<'e> &'e E: Into<Record>,
{
    let (trail, traced) = (keeping(), keeping());
    trail.audit.emit(event).unwrap();
    let [file, memory] = both(&trail);
    let [(_, sqlite), (_, collector)] = elsewhere(&trail.memory);
    let [sqlite, collector] = [sqlite, collector].map(|records| {
        let [record] = <[_; 1]>::try_from(records).unwrap();
        record
    });
    traced.run(|| event.record());
    let [traced, _] = both(&traced);
    let exported = Profile::Flynn.export(&file).unwrap();
    let shape: Json = serde_json::from_str(&exported.line).unwrap();
    let again = Profile::Flynn.import(exported.line.as_bytes()).unwrap();
    assert_eq!(shape["event_type"], E::META.name);
    for record in [&file, &memory, &traced, &sqlite, &collector] {
        assert_eq!(E::from_record(record).as_ref().ok(), Some(event), "{interface}");
    }
    for (field, given, path) in rows {
        let expected = in_record(path, given);
        assert_ne!(
            expected,
            Value::from(""),
            "{interface}.{field}: a value that says something"
        );
        let places = [
            ("file", &file),
            ("memory", &memory),
            ("SQLite", &sqlite),
            ("a collector", &collector),
            ("a file, through tracing", &traced),
            ("the shape and back", &again),
        ];
        for (place, record) in places {
            let found = record.at(path);
            assert_eq!(
                found,
                Some(&expected),
                "{interface}.{field} at `{path}` in {place}"
            );
        }
        let found = field.split('.').fold(&shape["event"], |json, key| &json[key]);
        assert_eq!(found, given, "{interface}.{field} in {}", exported.line);
    }
    rows.iter()
        .map(|(field, ..)| format!("{interface}.{field}"))
        .collect()
}
