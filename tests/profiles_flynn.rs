//! The shape `flynn`, there and back.

#[path = "support/shapes.rs"]
mod shapes;

use proptest::prelude::*;
use serde_json::{Value, json};
use shapes::{any_json, comes_back, comes_back_byte_for_byte, declared, object, round};
use tracing_audit::catalog::profile::{Profile, Why};
use tracing_audit::record::{Record, Slot};

const TOOL: &str = "execution_id?: string, execution_environment?: host|sandbox, skill_name?: string, redactions_applied?: number, session_id?: string";
const ELEVATION: &str = "session_id: string, channel: string, sender: string, elevation_id: string, until_ms?: number, ttl_ms?: number, reason?: string";
const SCAN: &str = "skill_name: string, tier: bundled|managed|workspace|unknown, phase: load|install, ok: boolean, error_count: number, warn_count: number, issue_codes: string[]";

/// The types of tools' events and what the document declares for them.
fn tools() -> Vec<(&'static str, String)> {
    let tool = |own: &str| format!("tool_name: string, {own}, {TOOL}");
    vec![
        (
            "tool.start",
            tool("tool_args: unknown, channel?: string, sender?: string, agent_tier?: string"),
        ),
        ("tool.success", tool("result: result, duration_ms: number")),
        (
            "tool.error",
            tool("error: string, duration_ms: number, reason?: string"),
        ),
        (
            "tool.denied",
            tool("reason: string, denial_type: policy|hook|not_found|autonomy_override"),
        ),
        ("tool.approval", tool("approved: boolean, reason?: string")),
    ]
}

/// The types of events and what the document declares for them.
fn types() -> Vec<(&'static str, String)> {
    let mut types = tools();
    types.extend(
        [
            ("security.elevation.enabled", ELEVATION),
            ("security.elevation.disabled", ELEVATION),
            ("security.elevation.expired", ELEVATION),
            ("skills.scan.pass", SCAN),
            ("skills.scan.fail", SCAN),
            ("skills.installer.execution_blocked", "skill_name: string, phase: install|execute, execution_requested: boolean, execution_enabled: boolean, reason: string, attempted_command_count: number"),
            ("skills.installer.command_result", "skill_name: string, phase: install|execute, installer_type: string, command: string, status: blocked|skipped|succeeded|failed, reason: string"),
            ("session.create", "session_id: string, frontend: string, user_id: string"),
            ("session.message", "session_id: string, role: user|assistant, content_length: number"),
            ("session.delete", "session_id: string, message_count: number"),
            ("session.compact", "session_id: string, messages_before: number, messages_after: number, tokens_before: number, tokens_after: number"),
            ("cron.trigger", "job_name: string, schedule: string, message: string, output_channel: string, output_peer: string"),
            ("webhook.receive", "webhook_name: string, body: string, signature_verified: boolean, output_channel: string, output_peer: string"),
            ("heartbeat.cycle", "interval_ms: number, checks: string[], healthy: boolean, consecutive_failures: number"),
            ("heartbeat.check", "check_name: string, healthy: boolean, message: string, duration_ms: number"),
            ("heartbeat.fail", "checks_failed: string[], consecutive_failures: number, threshold: number"),
            ("heartbeat.recover", "consecutive_failures_before: number"),
            ("gmail.poll", "mode: watch|poll, interval_ms?: number, emails_processed: number, new_emails: number"),
            ("gmail.new_email", "email_id: string, from: string, subject: string, labels: string[]"),
            ("session.transfer", ""),
            ("cron.sent", "job_name: string"),
            ("cron.add", ""),
            ("cron.remove", ""),
            ("webhook.sent", ""),
            ("webhook.not_found", ""),
            ("webhook.denied", "reason: string"),
            ("gmail.error", "error: string"),
            ("system.start", ""),
            ("system.stop", ""),
            ("system.config", ""),
            ("user.action", "channel: string, sender: string, user_id: string"),
            ("audit.gap", "lost: number"),
            ("nodots", ""),
            ("odd.", ""),
            (".odd", ""),
            ("a..b", ""),
        ]
        .map(|(name, fields)| (name, fields.to_owned())),
    );
    types
}

fn line() -> impl Strategy<Value = Value> {
    let event = prop::sample::select(types()).prop_flat_map(|(name, fields)| (Just(name), declared(&fields)));
    let timestamp = prop_oneof![
        (0_u64..=9_223_372_036_854).prop_map(|number| json!(number)),
        (0_u64..4_000_000_000).prop_map(|number| json!(number as f64 / 1000.0)),
    ];
    let level = prop_oneof![
        6 => prop::sample::select(vec!["debug", "info", "warn", "error", "trace", "fatal"]).prop_map(|word| json!(word)),
        1 => any_json(),
    ];
    let others = prop_oneof![3 => Just(None), 1 => object(any_json()).prop_map(Some)];
    (timestamp, level, event, others, any_json(), 0..30_u32).prop_map(
        |(timestamp, level, (name, event), others, odd, dice)| {
            let mut line = others.unwrap_or_default();
            line.insert("timestamp".to_owned(), timestamp);
            line.insert("level".to_owned(), level);
            line.insert("event_type".to_owned(), json!(name));
            let event = if dice == 0 { odd } else { Value::Object(event) };
            line.insert("event".to_owned(), event);
            Value::Object(line)
        },
    )
}

proptest! {
    #![proptest_config(shapes::cases(800))]

    #[test]
    fn every_line_comes_back_as_the_same_value(line in line()) {
        comes_back(Profile::Flynn, &line, &line)?;
    }

    #[test]
    fn what_is_exported_comes_back_byte_for_byte(line in line()) {
        comes_back_byte_for_byte(Profile::Flynn, &line)?;
    }
}

#[test]
fn a_line_in_the_order_of_the_document_comes_back_byte_for_byte() {
    for line in [
        r#"{"timestamp":1771203409123,"level":"info","event_type":"tool.start","event":{"tool_name":"shell","tool_args":{"cmd":"ls","n":9007199254740993},"execution_id":"e-1","execution_environment":"sandbox","skill_name":"files","redactions_applied":2,"session_id":"s-1","channel":"telegram","sender":"u-1","agent_tier":"main"}}"#,
        r#"{"timestamp":1771203409123.5,"level":"info","event_type":"tool.success","event":{"tool_name":"shell","result":{"success":true,"output":"a\nb","error":"half"},"duration_ms":12.345}}"#,
        r#"{"timestamp":0,"level":"error","event_type":"tool.success","event":{"tool_name":"","result":{"success":false,"output":""},"duration_ms":0}}"#,
        r#"{"timestamp":1,"level":"warn","event_type":"tool.denied","event":{"tool_name":"shell","reason":"no","denial_type":"policy"}}"#,
        r#"{"timestamp":1,"level":"info","event_type":"security.elevation.enabled","event":{"session_id":"s","channel":"c","sender":"unknown","elevation_id":"e","until_ms":5,"ttl_ms":0,"reason":""}}"#,
        r#"{"timestamp":1,"level":"info","event_type":"user.action","event":{"session_id":"s","color":"blue"}}"#,
        r#"{"timestamp":1,"level":"info","event_type":"system.start","event":{}}"#,
    ] {
        assert_eq!(round(Profile::Flynn, line).line, line);
    }
}

#[test]
fn what_is_known_stands_where_everybody_looks_for_it() {
    let line = r#"{"timestamp":1771203409123,"level":"warn","event_type":"tool.denied","event":{"tool_name":"shell","reason":"not today","execution_id":"e-1","session_id":"s-1","denial_type":"hook","color":"blue"}}"#;
    let record = Profile::Flynn.import(line.as_bytes()).unwrap();
    assert_eq!(record.uint(Slot::Time), Some(1_771_203_409_123_000_000));
    for (slot, text) in [
        (Slot::Profile, "flynn"),
        (Slot::Event, "tool.denied"),
        (Slot::Category, "tool"),
        (Slot::Action, "denied"),
        (Slot::Level, "warn"),
        (Slot::Outcome, "denied"),
        (Slot::Reason, "not today"),
        (Slot::ReasonCode, "hook"),
        (Slot::ExecutionId, "e-1"),
        (Slot::SessionId, "s-1"),
        (Slot::ResourceType, "tool"),
        (Slot::ResourceId, "shell"),
    ] {
        assert_eq!(record.text(slot), Some(text), "{slot:?}");
    }
    assert_eq!(
        record.attribute("color").and_then(|value| value.as_str()),
        Some("blue")
    );
    let detail = record
        .map(Slot::Detail)
        .and_then(|detail| detail.get("tool")?.as_map()?.get("name"));
    assert_eq!(detail.and_then(|name| name.as_str()), Some("shell"));
}

#[test]
fn what_cannot_be_a_record_is_refused_with_its_column_its_content_and_the_remedy() {
    for (line, told) in [
        (
            r#"{"timestamp":"yesterday","level":"info","event_type":"a.b","event":{}}"#,
            "column 14: `timestamp` holds `\"yesterday\"`; expected milliseconds since 1970, a number from 0 to 9223372036854: correct the timestamp in the source",
        ),
        (
            r#"{"timestamp":-1,"level":"info","event_type":"a.b","event":{}}"#,
            "column 14: `timestamp` holds `-1`; expected milliseconds",
        ),
        (
            r#"{"timestamp":1,"level":"info","event":{}}"#,
            "column 1: `event_type` is missing; expected the name of an event",
        ),
        (
            r#"{"timestamp":1,"level":"info","event_type":"a.b"}"#,
            "column 1: `event` is missing; expected an object: write {} for",
        ),
        (
            r#"{"timestamp":1,"level":"ü","event_type":"a.b","event":{"x":1,"x":2}}"#,
            "column 55: the object that begins here has the key `x` twice, and two readers could see two records: remove one",
        ),
        (
            r#"{"timestamp":1,"level":"info","event_type":"a.b","event":{"x":[{"y":1e999}]}}"#,
            "`event.x.y`: the number `1e999` is beyond 128 bits or the largest double: write it as text",
        ),
        (r#"{"timestamp":1,"#, "column 16: not JSON: expected a key"),
        (r#"[1]"#, "column 1: expected an object instead of a list"),
        (
            r#"{"timestamp":1,"level":"\ud800","event_type":"a.b","event":{}}"#,
            "half of a surrogate pair",
        ),
    ] {
        let error = Profile::Flynn
            .import(line.as_bytes())
            .expect_err(line)
            .to_string();
        assert!(error.contains(told), "{line}\n{error}\n{told}");
    }
    let long = format!(
        r#"{{"timestamp":1,"level":"info","event_type":"a","event":{{"{}":1}}}}"#,
        "k".repeat(256)
    );
    let error = Profile::Flynn
        .import(long.as_bytes())
        .expect_err("long")
        .to_string();
    assert!(
        error.contains("is a name of 256 bytes: shorten it to 255"),
        "{error}"
    );
}

#[test]
fn a_record_of_another_origin_is_rendered_whole_as_a_reader_of_the_shape_expects_it() {
    let record = Record::builder("document.delete")
        .time(1_771_203_409_123_456_789)
        .actor("user", "ana")
        .resource("document", "42")
        .outcome("success")
        .tenant("acme")
        .attribute("color", "blue")
        .build();
    let exported = Profile::Flynn.export(&record).unwrap();
    assert_eq!(
        exported.line,
        r#"{"timestamp":1771203409123,"level":"info","event_type":"document.delete","event":{"sender":"ana","color":"blue","outcome":"success","resource.id":"42","resource.type":"document","scope.tenant":"acme"}}"#
    );
    let unfit: Vec<_> = exported
        .unfit
        .iter()
        .map(|unfit| (unfit.path.as_str(), unfit.why))
        .collect();
    assert_eq!(unfit, [("time", Why::Rounded)]);
    let record = Record::builder("tool.error")
        .time(0)
        .actor("user", "ana")
        .error_message("broken")
        .build();
    assert_eq!(
        Profile::Flynn.export(&record).unwrap().line,
        r#"{"timestamp":0,"level":"info","event_type":"tool.error","event":{"tool_name":"","error":"broken","duration_ms":0,"sender":"ana"}}"#
    );
}

#[test]
fn what_the_trail_cut_or_redacted_is_said_beside_the_line() {
    let line = format!(
        r#"{{"timestamp":1,"level":"info","event_type":"webhook.receive","event":{{"webhook_name":"w","body":"{}","signature_verified":true,"output_channel":"c","output_peer":"p"}}}}"#,
        "x".repeat(100_000)
    );
    let record = Profile::Flynn.import(line.as_bytes()).unwrap();
    let exported = Profile::Flynn.export(&shapes::through_a_trail(record)).unwrap();
    assert!(exported.line.len() < line.len());
    let unfit: Vec<_> = exported
        .unfit
        .iter()
        .map(|unfit| (unfit.path.as_str(), unfit.why))
        .collect();
    assert!(unfit.contains(&("detail.webhook.body", Why::Cut)), "{unfit:?}");
    assert!(
        unfit
            .iter()
            .all(|(path, why)| path.starts_with("detail") && *why == Why::Cut),
        "{unfit:?}"
    );
}
