//! The shape `denkeeper`, there and back.

#[path = "support/shapes.rs"]
mod shapes;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use shapes::{any_json, comes_back, comes_back_byte_for_byte, declared, number, object, round, text};
use tracing_audit::catalog::profile::Profile;
use tracing_audit::record::{Record, Slot};

/// What the emitters put into `detail`, by category.
const DETAILS: &[(&str, &str)] = &[
    (
        "tool_call",
        "tool: string, server: string, round: number, arguments: unknown, result: string, error: string, result_truncated: boolean, cached_from_round: number",
    ),
    (
        "llm",
        "model: string, provider: string, upstream: string, tokens: number, tokens_prompt: number, tokens_completion: number, tokens_cached: number, cost: number, finish_reason: string, response_text: string, thinking_content: string, tool_calls: unknown, round: number",
    ),
    (
        "approval",
        "tool: string, scope: string, round: number, reason: string",
    ),
    (
        "supervisor",
        "tool: string, arguments: unknown, decision: string, reason: string, supervisor: string, raw_response: string",
    ),
    ("channel", "adapter: string, channel: string, external_id: string"),
    ("safety", "adapter: string, external_id: string, user: string"),
    ("session", "from: string, to: string"),
    ("schedule", "name: string, type: string, skill: string"),
    ("mcp", "server: string, consecutive_failures: number"),
    ("config", "name: string"),
    ("skill", "name: string"),
    ("", ""),
    ("a.b", "x: unknown"),
];

/// The detail's text: as Go's encoder writes a map, as another encoder would, or no JSON at all.
fn detail(fields: Map<String, Value>, form: u8, other: String) -> String {
    let text = Value::Object(fields).to_string();
    match form {
        0..=5 => text
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029"),
        6 => text,
        7 => text.replacen(':', ": ", 1),
        8 => text.get(..text.len() / 2).map_or(other, str::to_owned),
        9 => String::new(),
        _ => other,
    }
}

fn timestamp() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_i64..=i64::MAX).prop_map(|nanos| {
            jiff::Timestamp::from_nanosecond(i128::from(nanos))
                .expect("in range")
                .to_string()
        }),
        Just("2026-04-25T10:00:00.120+02:00".to_owned()),
        Just("2026-04-25T10:00:00.1200Z".to_owned()),
        Just("2026-04-25t10:00:00z".to_owned()),
    ]
}

fn line() -> impl Strategy<Value = Value> {
    let told = prop::sample::select(DETAILS)
        .prop_flat_map(|(category, fields)| (Just(category), declared(fields), 0..11_u8, text()))
        .prop_map(|(category, fields, form, other)| (category, detail(fields, form, other)));
    let status = prop_oneof![
        prop::sample::select(vec![
            "ok", "error", "pending", "denied", "", "success", "failure", "unknown", "skipped"
        ])
        .prop_map(str::to_owned),
        text(),
    ];
    let duration = prop_oneof![3 => (0_i64..1_000_000).prop_map(|number| json!(number)), 1 => number()];
    let agent = prop_oneof![text(), "[a-z]{1,5}#dryrun", "[a-z]{1,5}#eval:[a-z]{1,5}"];
    let others = prop_oneof![3 => Just(Map::new()), 1 => object(any_json())];
    let texts = (text(), agent, text(), text(), text());
    let odd = (
        prop::sample::select(vec![
            "id",
            "category",
            "action",
            "agent",
            "summary",
            "detail",
            "status",
            "duration_ms",
            "source",
            "conversation_id",
        ]),
        any_json(),
        0..8_u8,
    );
    (any::<i64>(), timestamp(), told, status, duration, texts, others, odd).prop_map(
        |(id, timestamp, (category, detail), status, duration, (action, agent, summary, source, conversation), others, (key, value, dice))| {
            let mut line = others;
            let fields = json!({
                "id": id, "timestamp": timestamp, "category": category, "action": action, "agent": agent, "summary": summary,
                "detail": detail, "status": status, "duration_ms": duration, "source": source, "conversation_id": conversation,
            });
            line.extend(fields.as_object().cloned().unwrap_or_default());
            if dice == 0 {
                line.insert(key.to_owned(), value);
            }
            Value::Object(line)
        },
    )
}

proptest! {
    #![proptest_config(shapes::cases(800))]

    #[test]
    fn every_line_comes_back_as_the_same_value_and_its_detail_and_its_time_byte_for_byte(line in line()) {
        let back = comes_back(Profile::Denkeeper, &line, &line)?;
        let again: Value = serde_json::from_str(&back.line).unwrap();
        for key in ["detail", "timestamp"] {
            let text = |value: &Value| value.get(key).and_then(Value::as_str).map(str::to_owned);
            prop_assert_eq!(text(&again), text(&line));
        }
    }

    #[test]
    fn what_is_exported_comes_back_byte_for_byte(line in line()) {
        comes_back_byte_for_byte(Profile::Denkeeper, &line)?;
    }
}

#[test]
fn a_line_as_go_writes_it_comes_back_byte_for_byte() {
    for line in [
        r#"{"id":7,"timestamp":"2026-04-25T10:00:00.12Z","category":"tool_call","action":"execute","agent":"main","summary":"read \u003cx\u003e","detail":"{\"arguments\":{\"path\":\"/etc/hosts\"},\"result\":\"a \\u0026 b\",\"round\":1,\"server\":\"fs\",\"tool\":\"read\"}","status":"ok","duration_ms":12,"source":"agent","conversation_id":"c-1"}"#,
        r#"{"id":0,"timestamp":"2026-04-25T10:00:00+02:00","category":"x","action":"","agent":"","summary":"","detail":"","status":"","duration_ms":0,"source":"","conversation_id":""}"#,
        r#"{"id":9223372036854775807,"timestamp":"2026-04-25T10:00:00Z","category":"schedule","action":"fire","agent":"a#dryrun","summary":"s","detail":"{\"name\":\"a\"b\"}","status":"denied","duration_ms":-1,"source":"dryrun","conversation_id":"c"}"#,
    ] {
        assert_eq!(round(Profile::Denkeeper, line).line, line);
    }
}

#[test]
fn what_is_known_stands_where_everybody_looks_for_it() {
    let line = r#"{"id":7,"timestamp":"2026-04-25T10:00:00.12Z","category":"tool_call","action":"execute","agent":"main#dryrun","summary":"read","detail":"{\"arguments\":{\"path\":\"/x\"},\"color\":\"blue\",\"error\":\"gone\",\"tool\":\"read\"}","status":"error","duration_ms":0,"source":"agent","conversation_id":"c-1"}"#;
    let record = Profile::Denkeeper.import(line.as_bytes()).unwrap();
    for (slot, text) in [
        (Slot::Event, "tool_call.execute"),
        (Slot::Category, "tool_call"),
        (Slot::Action, "execute"),
        (Slot::AgentName, "main#dryrun"),
        (Slot::ActorId, "main#dryrun"),
        (Slot::ActorType, "agent"),
        (Slot::Summary, "read"),
        (Slot::Outcome, "failure"),
        (Slot::ErrorMessage, "gone"),
        (Slot::Source, "agent"),
        (Slot::ConversationId, "c-1"),
        (Slot::ResourceId, "read"),
    ] {
        assert_eq!(record.text(slot), Some(text), "{slot:?}");
    }
    assert_eq!(record.uint(Slot::DurationNs), Some(0));
    assert_eq!(record.flag(Slot::DecisionDryRun), Some(true));
    assert_eq!(
        record.attribute("color").and_then(|value| value.as_str()),
        Some("blue")
    );
    assert_eq!(record.attribute("detail_raw"), None, "it can be made again");
    let odd = line.replace(r#"{\"arguments"#, r#"{ \"arguments"#);
    let record = Profile::Denkeeper.import(odd.as_bytes()).unwrap();
    assert!(record.attribute("detail_raw").is_some(), "and here it cannot");
    assert_eq!(
        record.text(Slot::ErrorMessage),
        Some("gone"),
        "but can be asked for all the same"
    );
}

#[test]
fn a_time_that_no_record_can_have_is_refused() {
    for time in [
        r#""0001-01-01T00:00:00Z""#,
        r#""2262-04-12T00:00:00Z""#,
        r#""noon""#,
        "5",
        "null",
    ] {
        let line = format!(r#"{{"id":1,"timestamp":{time}}}"#);
        let error = Profile::Denkeeper
            .import(line.as_bytes())
            .expect_err(time)
            .to_string();
        assert!(
            error.starts_with("column 21: `timestamp` holds") && error.contains("RFC 3339"),
            "{error}"
        );
    }
}

#[test]
fn a_record_of_another_origin_is_rendered_whole_as_a_reader_of_the_shape_expects_it() {
    let record = Record::builder("document.delete")
        .category("document")
        .action("delete")
        .time(1_771_203_409_120_000_000)
        .actor("user", "ana")
        .resource("document", "42")
        .outcome("failure")
        .attribute("color", "blue")
        .build();
    assert_eq!(
        Profile::Denkeeper.export(&record).unwrap().line,
        r#"{"id":0,"timestamp":"2026-02-16T00:56:49.12Z","category":"document","action":"delete","agent":"ana","summary":"ana failed to delete document 42 (failure)","detail":"{\"actor.type\":\"user\",\"color\":\"blue\",\"resource.id\":\"42\",\"resource.type\":\"document\"}","status":"error","duration_ms":0,"source":"","conversation_id":""}"#
    );
}
