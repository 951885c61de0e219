//! `docs/record.schema.json` is generated from the table of slots, and `docs/format.md` shows a line that we write.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/docs.rs"]
mod docs;
#[path = "support/records.rs"]
mod records;

use serde_json::{Map, Value as Json, json};
use tracing_audit::format::{SCHEMA, read_line};
use tracing_audit::record::{Kind, Record, Slot, TraceContext, Value};

const SAFE: u64 = (1 << 53) - 1;

fn of_slot(slot: Slot) -> Json {
    let mut schema = match (slot, slot.kind()) {
        (Slot::Schema, _) => json!({ "const": SCHEMA }),
        (Slot::Seq, _) => json!({ "type": "integer", "minimum": 0, "maximum": SAFE }),
        (Slot::Id, _) => json!({ "type": "string",
            "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$" }),
        (Slot::Event, _) => json!({ "type": "string", "minLength": 1 }),
        (Slot::Redaction, _) => json!({ "$ref": "#/$defs/redaction" }),
        (Slot::Truncated, _) => json!({ "$ref": "#/$defs/truncated" }),
        (_, Kind::Text | Kind::Id | Kind::Hex) => json!({ "type": "string" }),
        (_, Kind::Texts) => json!({ "type": "array", "items": { "type": "string" } }),
        (_, Kind::Uint) => json!({ "$ref": "#/$defs/uint" }),
        (_, Kind::Bool) => json!({ "type": "boolean" }),
        (_, Kind::Time) => json!({ "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{9}Z$" }),
        (_, Kind::Map) => json!({ "$ref": "#/$defs/map" }),
        _ => json!({ "$ref": "#/$defs/value" }),
    };
    if slot.is_erasable() && schema.get("$ref").is_none() {
        schema = json!({ "oneOf": [schema, { "$ref": "#/$defs/commitment" }] });
    }
    schema["description"] = json!(slot.doc());
    schema
}

fn definitions() -> Json {
    let form = |name: &str, content: Json| json!({ "type": "object", "required": [name], "additionalProperties": false, "properties": { name: content } });
    let count = || json!({ "type": "integer", "minimum": 1 });
    json!({
        "int": form("$int", json!({ "type": "string", "pattern": "^-?[1-9][0-9]{15,38}$" })),
        "f64": form("$f64", json!({ "type": "string",
            "pattern": "^(NaN|-?Infinity|-?0|-?[1-9][0-9]*|-?[1-9](\\.[0-9]+)?e\\+[0-9]+)$" })),
        "bytes": form("$bytes", json!({ "type": "string",
            "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$" })),
        "commitment": form("$commit", json!({ "type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$" })),
        "wrapped": form("$map", json!({ "type": "object", "minProperties": 1, "maxProperties": 1,
            "patternProperties": { "^\\$": { "$ref": "#/$defs/value" } }, "additionalProperties": false })),
        "plain": { "type": "object", "additionalProperties": { "$ref": "#/$defs/value" },
            "not": { "maxProperties": 1, "minProperties": 1, "patternProperties": { "^\\$": true },
                "additionalProperties": false } },
        "map": { "oneOf": [{ "$ref": "#/$defs/plain" }, { "$ref": "#/$defs/wrapped" }] },
        "uint": { "oneOf": [{ "type": "integer", "minimum": 0, "maximum": SAFE }, { "$ref": "#/$defs/int" }] },
        "value": { "oneOf": [
            { "type": ["null", "boolean", "string"] },
            { "type": "number", "minimum": -(SAFE as i64), "maximum": SAFE },
            { "type": "array", "items": { "$ref": "#/$defs/value" } },
            { "$ref": "#/$defs/int" }, { "$ref": "#/$defs/f64" }, { "$ref": "#/$defs/bytes" },
            { "$ref": "#/$defs/commitment" }, { "$ref": "#/$defs/map" },
        ] },
        "redaction": { "type": "object", "required": ["count", "fields"], "additionalProperties": false, "properties": {
            "count": count(), "more": count(),
            "fields": { "type": "array", "minItems": 1, "maxItems": 16, "items": { "type": "object",
                "required": ["action", "field", "n", "rule"], "additionalProperties": false, "properties": {
                    "action": { "type": "string" }, "field": { "type": "string" }, "n": count(), "rule": { "type": "string" } } } },
        } },
        "truncated": { "type": "array", "minItems": 1, "maxItems": 33, "items": { "oneOf": [
            { "type": "object", "required": ["more"], "additionalProperties": false, "properties": { "more": count() } },
            { "type": "object", "required": ["path"], "additionalProperties": false, "properties": {
                "path": { "type": "string" }, "original_len": count(), "omitted": count() } },
        ] } },
    })
}

fn generated() -> String {
    let mut properties = Map::new();
    for slot in Slot::ALL.iter().copied() {
        match slot.place() {
            (None, key) => {
                properties.insert(key.to_owned(), of_slot(slot));
            }
            (Some(object), key) => {
                let object = properties.entry(object).or_insert_with(
                    || json!({ "type": "object", "minProperties": 1, "additionalProperties": false, "properties": {} }),
                );
                object["properties"][key] = of_slot(slot);
            }
        }
    }
    properties["actor"]["required"] = json!(["id"]);
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a tracing-audit trail, version 1",
        "description": "Generated by tests/format_schema.rs from src/record/slots.rs; explained in docs/format.md.",
        "type": "object",
        "required": ["action", "actor", "event", "id", "observed_at", "schema", "seq", "stream", "time"],
        "additionalProperties": false,
        "properties": properties,
        "$defs": definitions(),
    });
    format!(
        "{}\n",
        serde_json::to_string_pretty(&schema).expect("a schema is JSON")
    )
}

#[test]
fn the_schema_is_what_the_table_of_slots_says() {
    docs::assert_current("docs/record.schema.json", &generated());
}

fn example() -> Record {
    let trace = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    Record::builder("document.delete")
        .time(1_795_251_600_123_456_789)
        .actor("user", "u-17")
        .set(Slot::ActorRoles, "editor,reviewer")
        .resource("document", "d-42")
        .outcome("denied")
        .reason("no permission to delete")
        .tenant("acme")
        .trace(trace)
        .set(Slot::DurationNs, 1_250_000)
        .attribute("size", u64::MAX)
        .attribute("ratio", 2.0)
        .attribute("etag", Value::Bytes(vec![0xDE, 0xAD]))
        .attribute(
            "filter",
            Value::Map([("$or".to_owned(), Value::from(vec!["a", "b"]))].into()),
        )
        .build()
}

#[test]
fn the_example_line_of_the_format_page_is_what_is_written() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/format.md")).unwrap();
    let shown = page
        .lines()
        .find(|line| line.starts_with("{\"action\""))
        .expect("the page shows a line");
    let observed_at = records::OBSERVED_AT + 111;
    let line =
        tracing_audit::format::write_line(&example(), records::STREAM, 16_384, observed_at, records::id());
    assert_eq!(shown, String::from_utf8(line).unwrap());
    assert_eq!(
        read_line(shown.as_bytes()).unwrap().attribute("ratio"),
        Some(&Value::from(2.0))
    );
}
