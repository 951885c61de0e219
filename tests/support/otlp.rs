//! From OTLP back to the line, by the table of `docs/opentelemetry.md` and nothing of the encoder's: what arrives must give
//! the exact bytes of what was recorded.
#![allow(dead_code, reason = "each test file uses a part")]

use base64::Engine as _;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::{Map, Value, json};

/// A record as it was received, with the attributes of its resource.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) resource: Vec<KeyValue>,
    pub(crate) record: LogRecord,
}

impl Held {
    /// An attribute that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        text(&self.record.attributes, name)
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        match find(&self.record.attributes, name)? {
            Any::IntValue(number) => Some(*number),
            _ => None,
        }
    }

    /// The place in the stream.
    pub(crate) fn seq(&self) -> u64 {
        let number = self
            .number("audit.sequence.number")
            .expect("every record has its number");
        u64::try_from(number).expect("numbers rise from 0")
    }

    /// The line that it was made from.
    pub(crate) fn line(&self) -> Vec<u8> {
        if self.record.event_name == "audit.unreadable_line" {
            return match self.record.body.clone().and_then(|body| body.value) {
                Some(Any::StringValue(text)) => text.into_bytes(),
                Some(Any::BytesValue(bytes)) => bytes,
                other => panic!("{other:?}"),
            };
        }
        serde_jcs::to_vec(&Value::Object(object(self))).expect("a record's content can be canonicalised")
    }
}

fn find<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a Any> {
    let found = attributes.iter().find(|pair| pair.key == name)?;
    found.value.as_ref()?.value.as_ref()
}

fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    match find(attributes, name)? {
        Any::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

/// A value as a line has it.
fn value(any: Option<&AnyValue>) -> Value {
    match any.and_then(|any| any.value.as_ref()) {
        None => Value::Null,
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(truth)) => json!(truth),
        Some(Any::IntValue(number)) if number.unsigned_abs() < 1 << 53 => json!(number),
        Some(Any::IntValue(number)) => json!({"$int": number.to_string()}),
        Some(Any::DoubleValue(number)) if number.is_finite() && number.fract() != 0.0 => json!(number),
        Some(Any::DoubleValue(number)) => json!({"$f64": float(*number)}),
        Some(Any::BytesValue(bytes)) => {
            json!({"$bytes": base64::engine::general_purpose::STANDARD.encode(bytes)})
        }
        Some(Any::ArrayValue(list)) => list.values.iter().map(|any| value(Some(any))).collect(),
        Some(Any::KvlistValue(map)) => match map.values.as_slice() {
            // A value within too many others is its text.
            [pair] if pair.key == "$json" => match pair.value.as_ref().and_then(|any| any.value.as_ref()) {
                Some(Any::StringValue(text)) => serde_json::from_str(text).expect("a value of the line"),
                other => panic!("{other:?}"),
            },
            // What stands in it is no form of anything, whatever its key is.
            [pair] if pair.key == "$map" => match pair.value.as_ref().and_then(|any| any.value.as_ref()) {
                Some(Any::KvlistValue(map)) => json!({"$map": Value::Object(members(&map.values))}),
                _ => Value::Object(members(&map.values)),
            },
            _ => Value::Object(members(&map.values)),
        },
        Some(other) => panic!("{other:?} is not used by logs"),
    }
}

fn members(pairs: &[KeyValue]) -> Map<String, Value> {
    let found: Map<_, _> = pairs
        .iter()
        .map(|pair| (pair.key.clone(), value(pair.value.as_ref())))
        .collect();
    assert_eq!(found.len(), pairs.len(), "a key stands twice in {pairs:?}");
    found
}

fn float(number: f64) -> String {
    match number {
        number if number.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        number if number == 0.0 && number.is_sign_negative() => "-0".into(),
        number => ryu_js::Buffer::new().format_finite(number).into(),
    }
}

fn time(nanos: u64) -> Value {
    let stamp = jiff::Timestamp::from_nanosecond(i128::from(nanos)).expect("a time");
    json!(format!("{stamp:.9}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where an attribute belongs in the line: an object and a key within it, or a key alone.
fn place(name: &str) -> (Option<&str>, &str) {
    const GROUPS: &str = "actor agent code decision error lineage pii redaction resource scope";
    let standard = match name {
        "user.roles" => Some(("actor", "roles")),
        "user.hash" => Some(("actor", "client_hash")),
        "user_agent.original" => Some(("actor", "user_agent")),
        "gen_ai.agent.id" => Some(("agent", "id")),
        "gen_ai.agent.name" => Some(("agent", "name")),
        "code.file.path" => Some(("code", "file")),
        "code.line.number" => Some(("code", "line")),
        "error.type" => Some(("error", "code")),
        "deployment.environment.name" => Some(("scope", "environment")),
        "audit.target.id" => Some(("resource", "id")),
        "audit.target.type" => Some(("resource", "type")),
        "audit.source.id" => Some(("actor", "ip")),
        _ => None,
    };
    if let Some((object, key)) = standard {
        return (Some(object), key);
    }
    let Some(own) = name.strip_prefix("audit.") else {
        return match name {
            "session.id" => (None, "session_id"),
            "gen_ai.conversation.id" => (None, "conversation_id"),
            name => (Some("attributes"), name),
        };
    };
    match own.split_once('.') {
        Some(("record", "id")) => (None, "id"),
        Some(("sequence", "number")) => (None, "seq"),
        Some(("sequence", "stream_id")) => (None, "stream"),
        Some(("attribute", name)) => (Some("attributes"), name),
        Some(("detail", name)) => (Some("detail"), name),
        Some(("hash", name)) => (Some("hashes"), name),
        Some(("label", name)) => (Some("labels"), name),
        Some((group, key)) if GROUPS.split(' ').any(|known| known == group) => (Some(group), key),
        _ => (None, own),
    }
}

fn object(held: &Held) -> Map<String, Value> {
    let record = &held.record;
    let mut line = Map::new();
    for (name, said) in members(&record.attributes) {
        match name.as_str() {
            "log.record.uid" => {
                assert_eq!(
                    Some(&said),
                    line.get("id")
                        .or(members(&record.attributes).get("audit.record.id"))
                );
                continue;
            }
            "audit.source.type" => continue,
            "audit.schema.version" => {
                line.insert(
                    "schema".into(),
                    said.as_str().unwrap().parse::<u64>().unwrap().into(),
                );
                continue;
            }
            _ => {}
        }
        match place(&name) {
            (None, key) => assert!(line.insert(key.to_owned(), said).is_none(), "{name}"),
            (Some(object), key) => {
                let object = line.entry(object).or_insert_with(|| json!({}));
                object.as_object_mut().expect(&name).insert(key.to_owned(), said);
            }
        }
    }
    for map in ["attributes", "detail", "hashes", "labels"] {
        let is_form = |map: &Value| {
            map.as_object()
                .is_some_and(|map| map.len() == 1 && map.keys().all(|key| key.starts_with('$')))
        };
        let given = !record
            .attributes
            .iter()
            .any(|pair| pair.key == format!("audit.{map}"));
        if let Some(members) = line.get_mut(map).filter(|map| given && is_form(map)) {
            *members = json!({"$map": members.take()});
        }
    }
    envelope(held, &mut line);
    line
}

/// What stands in fields of the record, and what its resource says.
fn envelope(held: &Held, line: &mut Map<String, Value>) {
    let record = &held.record;
    let mut put =
        |key: &str, value: Value| assert!(line.insert(key.into(), value).is_none(), "{key} stands twice");
    if record.time_unix_nano > 0 {
        put("time", time(record.time_unix_nano));
    }
    put("observed_at", time(record.observed_time_unix_nano));
    put("event", json!(record.event_name));
    if let Some(body) = &record.body {
        put("summary", value(Some(body)));
    }
    for (key, id) in [("trace_id", &record.trace_id), ("span_id", &record.span_id)] {
        if !id.is_empty() {
            put(key, json!(hex(id)));
        }
    }
    if record.flags > 0 {
        put("trace_flags", json!(record.flags));
    }
    if record.severity_number > 0 {
        put("level", json!(record.severity_text));
    }
    for (key, name) in [("service", "service.name"), ("host", "host.name")] {
        if let (None, Some(said)) = (line.get(key), text(&held.resource, name)) {
            line.insert(key.into(), json!(said));
        }
    }
}
