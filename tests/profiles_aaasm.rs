//! The shape `aaasm`, there and back: the client library's nine fields, and those of the wire.

#[path = "support/aaasm.rs"]
mod aaasm;
#[path = "support/shapes.rs"]
mod shapes;

use aaasm::said;
use serde_json::{Value, json};
use shapes::{round, same, through_a_trail};
use tracing_audit::ErrorKind;
use tracing_audit::catalog::profile::{Profile, Why};
use tracing_audit::record::{Record, Slot, Value as Held};
use tracing_audit::testing::MemoryEmitter;

const ID: &str = "0198f0c1-2b5e-7c3a-8f00-aaaabbbbcccc";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The nine fields of the client library, each with a value that is not its default.
fn sdk() -> Value {
    json!({
        "actionType": "tool_call", "agentId": "agent-7", "decision": "deny", "eventId": ID,
        "labels": {"team": "red", "tier": "2"}, "traceId": TRACE, "spanId": "b7ad6b7169203331",
        "parentSpanId": "00f067aa0ba902b7", "callStack": [stack()],
    })
}

/// Three levels, with a kind that nobody has heard of.
fn stack() -> Value {
    json!({"id": "1", "kind": "llm", "label": "asks", "latencyMs": 12.5, "children": [
        {"id": "2", "kind": "telepathy", "label": "hears", "children": [
            {"id": "3", "kind": "result", "label": "knows", "latencyMs": 0},
        ]},
        {"id": "4", "kind": "tool", "label": "greps"},
    ]})
}

/// All fields of the wire that every event may have.
fn wire() -> Value {
    json!({
        "event_id": ID, "agent_id": {"org_id": "o", "team_id": "t", "agent_id": "a"},
        "occurred_at": {"unix_ms": 1_771_203_409_123_u64}, "action_type": "TOOL_CALL", "decision": "REDACT",
        "trace_id": TRACE, "span_id": "b7ad6b7169203331", "parent_span_id": "00f067aa0ba902b7",
        "labels": {"k": "v"}, "dry_run": true, "shadow_decision": "budget_block", "matched_rule_id": "r-1",
        "lineage": {"root_agent_id": "root", "parent_agent_id": "parent", "team_id": "t2", "session_id": "s",
            "delegation_reason": "too much", "spawned_by_tool": "spawn", "depth": 0},
        "call_stack": [{"id": "1", "kind": "tool", "label": "x", "latency_ms": 7, "children": []}],
    })
}

fn import(line: &Value) -> Record {
    Profile::Aaasm
        .import(line.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{error}\n{line}"))
}

fn assert_comes_back(line: &Value) {
    let back = round(Profile::Aaasm, &line.to_string());
    same(&back.line, &said(line).to_string()).unwrap();
    assert_eq!(back.unfit, [], "{line}");
}

#[test]
fn each_of_the_nine_fields_stands_in_its_place_and_comes_back() {
    let line = sdk();
    assert_comes_back(&line);
    let record = import(&line);
    for (slot, text) in [
        (Slot::Id, ID),
        (Slot::AgentId, "agent-7"),
        (Slot::ActorId, "agent-7"),
        (Slot::ActorType, "agent"),
        (Slot::Event, "tool_call"),
        (Slot::Category, "tool_call"),
        (Slot::DecisionEnforced, "deny"),
        (Slot::Outcome, "denied"),
        (Slot::TraceId, TRACE),
        (Slot::SpanId, "b7ad6b7169203331"),
        (Slot::ParentSpanId, "00f067aa0ba902b7"),
    ] {
        assert_eq!(record.text(slot), Some(text), "{slot:?}");
    }
    assert_eq!(record.map(Slot::Labels).unwrap()["team"], Held::from("red"));
    assert_eq!(
        record.get(Slot::Attributes),
        None,
        "nothing had to be kept beside"
    );
    assert_eq!(record.get(Slot::Time), None, "the shape does not say when");
}

#[test]
fn each_field_of_the_wire_stands_in_its_place_and_comes_back() {
    let line = wire();
    assert_comes_back(&line);
    let record = import(&line);
    for (slot, text) in [
        (Slot::AgentOrg, "o"),
        (Slot::AgentTeam, "t"),
        (Slot::AgentId, "a"),
        (Slot::Event, "tool_call"),
        (Slot::DecisionEnforced, "redact"),
        (Slot::DecisionShadow, "budget_block"),
        (Slot::DecisionRuleId, "r-1"),
        (Slot::LineageRoot, "root"),
        (Slot::LineageParent, "parent"),
        (Slot::LineageDelegationReason, "too much"),
        (Slot::LineageSpawnedBy, "spawn"),
        (Slot::SessionId, "s"),
    ] {
        assert_eq!(record.text(slot), Some(text), "{slot:?}");
    }
    assert_eq!(record.uint(Slot::Time), Some(1_771_203_409_123_000_000));
    assert_eq!(record.uint(Slot::LineageDepth), Some(0));
    assert_eq!(record.flag(Slot::DecisionDryRun), Some(true));
}

#[test]
fn what_an_event_is_about_stands_in_its_detail_and_comes_back() {
    for (name, said, detail, outcome) in [
        (
            "llm_call",
            json!({"model": "m", "prompt_tokens": 3, "completion_tokens": 4, "latency_ms": 5, "pii_detected": true,
                "pii_redacted": false, "provider": "p"}),
            json!({"llm": {"model": "m", "tokens_in": 3, "tokens_out": 4, "pii_detected": true, "pii_redacted": false, "provider": "p"}}),
            None,
        ),
        (
            "tool_call",
            json!({"tool_name": "grep", "tool_source": "mcp", "latency_ms": 5, "succeeded": false,
                "error_message": "e", "args_json": "{\"path\":\"/etc\"}"}),
            json!({"tool": {"name": "grep", "source": "mcp", "args": {"path": "/etc"}}}),
            Some("failure"),
        ),
        (
            "file_op",
            json!({"operation": "read", "path": "/etc/hosts", "bytes": 12, "source": "ebpf", "latency_ms": 5, "sensitive": true}),
            json!({"file": {"operation": "read", "path": "/etc/hosts", "bytes": 12, "source": "ebpf", "sensitive": true}}),
            None,
        ),
        (
            "network",
            json!({"host": "h", "port": 443, "protocol": "https", "latency_ms": 5, "status_code": 200, "succeeded": true}),
            json!({"network": {"host": "h", "port": 443, "protocol": "https", "status_code": 200}}),
            Some("success"),
        ),
        (
            "process",
            json!({"command": "ls", "args": ["-l"], "exit_code": -1, "duration_ms": 5, "succeeded": true}),
            json!({"process": {"command": "ls", "args": ["-l"], "exit_code": -1}}),
            Some("success"),
        ),
        (
            "violation",
            json!({"policy_rule": "r", "blocked_action": "a", "reason": "because", "latency_ms": 5}),
            json!({"policy_violation": {"rule": "r", "blocked_action": "a"}}),
            None,
        ),
        (
            "approval",
            json!({"approval_id": "i", "approver_id": "ann", "approved": false, "reason": "no", "wait_time_ms": 5}),
            json!({"approval": {"id": "i", "approver": "ann", "approved": false}}),
            Some("denied"),
        ),
    ] {
        let line = json!({"event_id": ID, "action_type": "TOOL_CALL", name: said});
        assert_comes_back(&line);
        let record = through_a_trail(import(&line));
        assert_eq!(record.uint(Slot::DurationNs), Some(5_000_000), "{name}");
        assert_eq!(record.text(Slot::Outcome), outcome, "{name}");
        let expected = Record::builder("x").attribute("detail", held(&detail)).build();
        assert_eq!(record.get(Slot::Detail), expected.attribute("detail"), "{name}");
    }
}

fn held(value: &Value) -> Held {
    match value {
        Value::Object(members) => Held::Map(
            members
                .iter()
                .map(|(name, value)| (name.clone(), held(value)))
                .collect(),
        ),
        Value::Array(values) => Held::List(values.iter().map(held).collect()),
        Value::String(text) => Held::from(text.as_str()),
        Value::Bool(truth) => Held::from(*truth),
        Value::Number(number) => Held::from(number.as_i64().unwrap()),
        Value::Null => Held::Null,
    }
}

/// Three levels come back without loss, no stack is none, and a kind that nobody has heard of is kept as it is.
#[test]
fn t003_44_a_stack_of_three_levels_comes_back_and_an_unknown_kind_is_kept() {
    let record = through_a_trail(import(&sdk()));
    let back: Value = serde_json::from_str(&Profile::Aaasm.export(&record).unwrap().line).unwrap();
    same(&back["callStack"].to_string(), &json!([stack()]).to_string()).unwrap();
    let root = record.get(Slot::CallStack).unwrap().as_list().unwrap()[0]
        .as_map()
        .unwrap();
    assert_eq!(root["duration_ns"], Held::from(12_500_000));
    let heard = root["children"].as_list().unwrap()[0].as_map().unwrap();
    assert_eq!(heard["kind"], Held::from("telepathy"));
    assert!(!heard.contains_key("duration_ns"));
    let mut none = sdk();
    none.as_object_mut().unwrap().remove("callStack");
    assert_eq!(import(&none).get(Slot::CallStack), None);
    none["callStack"] = json!([]);
    assert_comes_back(&none);
}

/// Of a step only id, kind and label are needed, of an event the four that are not optional; the others are absent, and
/// an empty text is as absent as a field that is not there.
#[test]
fn t003_45_what_is_optional_is_absent() {
    let line = json!({"eventId": ID, "agentId": "a", "actionType": "llm_call", "decision": "allow",
        "callStack": [{"id": "1", "kind": "llm", "label": "asks"}]});
    assert_comes_back(&line);
    let node = import(&line).get(Slot::CallStack).unwrap().as_list().unwrap()[0]
        .as_map()
        .unwrap()
        .clone();
    assert_eq!(node.keys().collect::<Vec<_>>(), ["id", "kind", "label"]);
    let mut empty = line.clone();
    for name in ["traceId", "spanId", "parentSpanId"] {
        empty[name] = json!("");
    }
    assert_eq!(import(&empty), import(&line));
}

#[test]
fn t003_19_ids_of_a_trace_are_kept_and_an_empty_one_is_absent() {
    for (given, slot) in [(TRACE, Some(TRACE)), ("", None), ("run-1", None)] {
        let mut line = sdk();
        line["traceId"] = json!(given);
        let record = through_a_trail(import(&line));
        assert_eq!(record.text(Slot::TraceId), slot, "{given}");
        assert_comes_back(&line);
    }
}

#[test]
fn t003_20_the_whole_lineage_stands_in_the_bytes_that_are_written() {
    let emitter = MemoryEmitter::new();
    emitter.audit().emit(import(&wire())).unwrap();
    let captured = emitter.captured();
    let line: Value = serde_json::from_str(captured.only().line()).unwrap();
    assert_eq!(
        line["lineage"],
        json!({"delegation_reason": "too much", "depth": 0, "parent": "parent", "root": "root", "spawned_by": "spawn"})
    );
    assert_eq!(line["agent"], json!({"id": "a", "org": "o", "team": "t"}));
}

#[test]
fn a_decision_that_was_not_made_is_absent_and_one_nobody_has_heard_of_is_kept() {
    for (given, slot) in [
        (json!("DECISION_UNSPECIFIED"), None),
        (json!(""), None),
        (json!(0), None),
        (json!("DECISION_ALLOW"), Some("allow")),
        (json!(2), Some("deny")),
        (json!("later"), Some("later")),
        (json!(17), Some("decision_17")),
    ] {
        let mut line = sdk();
        line["decision"] = given;
        assert_eq!(import(&line).text(Slot::DecisionEnforced), slot, "{line}");
        assert_comes_back(&line);
    }
}

#[test]
fn a_secret_among_the_arguments_does_not_enter_the_trail() {
    let key = format!("ghp_{}", "Zx81kQaB5c".repeat(4).get(..36).unwrap());
    for spaces in ["", " "] {
        let arguments = format!("{{\"token\":{spaces}\"{key}\"}}");
        let line = json!({"event_id": ID, "tool_call": {"tool_name": "t", "args_json": arguments}});
        let emitter = MemoryEmitter::new();
        emitter.audit().emit(import(&line)).unwrap();
        emitter.captured().only().assert_hides(&key);
    }
}

#[test]
fn what_cannot_be_an_event_is_refused_with_its_place_and_the_remedy() {
    for (line, told) in [
        (
            json!({"agentId": "a", "actionType": "x", "decision": ""}),
            "`eventId` is missing; expected the event's own id",
        ),
        (
            json!({"eventId": ID, "actionType": "x", "decision": ""}),
            "`agentId` is missing",
        ),
        (
            json!({"eventId": ID, "agentId": "a", "decision": ""}),
            "`actionType` is missing",
        ),
        (
            json!({"eventId": ID, "agentId": "a", "actionType": "x"}),
            "`decision` is missing",
        ),
        (
            json!({"agent_id": {}, "action_type": "X"}),
            "`event_id` is missing",
        ),
        (
            json!({"event_id": ID, "occurred_at": {"unix_ms": -1}}),
            "`occurred_at.unix_ms` holds `-1`",
        ),
        (json!({"eventId": ID, "agent_id": {}}), "both spellings"),
        (
            json!({"event_id": ID, "agent_id": {"agentId": "a"}}),
            "both spellings",
        ),
        (json!(3), "expected an object"),
    ] {
        let error = Profile::Aaasm.import(line.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format);
        let text = error.to_string();
        assert!(text.starts_with("column ") && text.contains(told), "{text}");
    }
}

#[test]
fn a_record_of_another_origin_is_given_with_its_time_and_what_has_no_field_is_said() {
    let record = Record::builder("tool.error")
        .actor("agent", "a-1")
        .outcome("failure")
        .error_message("no such file")
        .detail(held(
            &json!({"tool": {"name": "grep", "args": {"path": "/"}, "server": "s"}}),
        ))
        .set(Slot::AgentId, "a-1")
        .set(Slot::ScopeTenant, "acme")
        .time(1_771_203_409_123_456_789)
        .build();
    let back = Profile::Aaasm.export(&record).unwrap();
    let given: Value = serde_json::from_str(&back.line).unwrap();
    let expected = json!({
        "eventId": "", "agentId": "a-1", "actionType": "tool_call", "decision": "", "labels": {"event": "tool.error"},
        "occurredAt": {"unixMs": 1_771_203_409_123_u64},
        "toolCall": {"toolName": "grep", "succeeded": false, "errorMessage": "no such file", "argsJson": "{\"path\":\"/\"}"},
    });
    assert_eq!(given, expected);
    let unfit: Vec<_> = back
        .unfit
        .iter()
        .map(|unfit| (unfit.path.as_str(), unfit.why))
        .collect();
    for expected in [
        ("event", Why::Replaced),
        ("time", Why::Rounded),
        ("scope.tenant", Why::NoPlace),
        ("detail.tool.server", Why::NoPlace),
    ] {
        assert!(unfit.contains(&expected), "{expected:?} of {unfit:?}");
    }
}
