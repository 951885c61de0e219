//! The shape `aaasm`, there and back: the client library's nine fields, and those of the wire.

#[path = "support/shapes.rs"]
mod shapes;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use shapes::{any_json, declared, number, object, of_kind, round, same, text, through_a_trail};
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

/// What an event of the wire can be about, by its field.
const SUBJECTS: [(&str, &str); 7] = [
    (
        "llm_call",
        "model: string, prompt_tokens: number, completion_tokens: number, latency_ms: number, pii_detected: boolean, pii_redacted: boolean, provider: string",
    ),
    (
        "tool_call",
        "tool_name: string, tool_source: mcp|langchain|function, latency_ms: number, succeeded: boolean, error_message: string, args_json: string",
    ),
    (
        "file_op",
        "operation: read|write|delete|create, path: string, bytes: number, source: sdk_hook|ebpf, latency_ms: number, sensitive: boolean",
    ),
    (
        "network",
        "host: string, port: number, protocol: https|grpc|ws|tcp, latency_ms: number, status_code: number, succeeded: boolean",
    ),
    (
        "process",
        "command: string, args: string[], exit_code: number, duration_ms: number, succeeded: boolean",
    ),
    (
        "violation",
        "policy_rule: string, blocked_action: string, reason: string, latency_ms: number",
    ),
    (
        "approval",
        "approval_id: string, approver_id: string, approved: boolean, reason: string, wait_time_ms: number",
    ),
];

fn import(line: &Value) -> Record {
    Profile::Aaasm
        .import(line.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{error}\n{line}"))
}

/// What a line says: an empty id of a trace says nothing, and neither does an empty decision or, on the wire, a duration
/// of 0 in a stack.
fn said(line: &Value) -> Value {
    let mut line = line.clone();
    let Some(members) = line.as_object_mut() else {
        return line;
    };
    let is_wire = members.contains_key("event_id");
    let empty = if is_wire {
        ["trace_id", "span_id", "parent_span_id", "decision"]
    } else {
        ["traceId", "spanId", "parentSpanId", ""]
    };
    members
        .retain(|name, value| !(empty.contains(&name.as_str()) && !name.is_empty() && *value == json!("")));
    if let (true, Some(stack)) = (is_wire, members.get_mut("call_stack")) {
        without_zeros(stack);
    }
    line
}

fn without_zeros(nodes: &mut Value) {
    for node in nodes.as_array_mut().into_iter().flatten() {
        let Some(node) = node.as_object_mut() else {
            continue;
        };
        if node.get("latency_ms").and_then(Value::as_u64) == Some(0) {
            node.remove("latency_ms");
        }
        node.get_mut("children").map(without_zeros);
    }
}

fn assert_comes_back(line: &Value) {
    let back = round(Profile::Aaasm, &line.to_string());
    same(&back.line, &said(line).to_string()).unwrap();
    assert_eq!(back.unfit, [], "{line}");
}

fn nodes(latency: &'static str) -> impl Strategy<Value = Value> {
    let millis = prop_oneof![3 => Just(None), 3 => number().prop_map(Some), 1 => any_json().prop_map(Some), 1 => Just(Some(json!(0)))];
    let extra = prop_oneof![6 => Just(Map::new()), 1 => object(any_json()), 1 => Just(json!({"duration_ns": 5}).as_object().unwrap().clone())];
    let node = move |children: Option<Value>| {
        (
            text(),
            text(),
            text(),
            millis.clone(),
            extra.clone(),
            Just(children),
        )
            .prop_map(move |(id, kind, label, millis, extra, children)| {
                let mut node = extra;
                node.extend(
                    json!({"id": id, "kind": kind, "label": label})
                        .as_object()
                        .unwrap()
                        .clone(),
                );
                node.extend(millis.map(|millis| (latency.to_owned(), millis)));
                node.extend(children.map(|children| ("children".to_owned(), children)));
                Value::Object(node)
            })
    };
    let nested = node.clone();
    let tree = node(None).prop_recursive(4, 12, 3, move |inner| {
        let nested = nested.clone();
        prop::collection::vec(inner, 0..3).prop_flat_map(move |children| nested(Some(json!(children))))
    });
    prop_oneof![
        12 => prop::collection::vec(tree, 0..3).prop_map(Value::Array),
        1 => any_json(),
    ]
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => prop::sample::select(words).prop_map(|word| json!(word)),
        1 => any_json(),
        1 => (0..10).prop_map(|number| json!(number)),
        1 => text().prop_map(|text| json!(text)),
    ]
}

const ACTIONS: &[&str] = &[
    "llm_call",
    "tool_call",
    "file_op",
    "LLM_CALL",
    "ACTION_TYPE_AGENT_SPAWN",
    "ACTION_TYPE_UNSPECIFIED",
    "unspecified",
    "",
    "x.y",
];
const DECISIONS: &[&str] = &[
    "allow",
    "deny",
    "redact",
    "pending",
    "ALLOW",
    "DECISION_DENY",
    "DECISION_UNSPECIFIED",
    "",
    "later",
];
const IDS: &[&str] = &[
    "",
    ID,
    TRACE,
    "0AF7651916CD43DD8448EB211C80319C",
    "b7ad6b7169203331",
    "0198F0C1-2B5E-7C3A-8F00-AAAABBBBCCCC",
    "run-1",
    "0000000000000000",
    "00000000000000000000000000000000",
];

fn labels() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => object(text().prop_map(Value::String)).prop_map(Value::Object),
        1 => any_json(),
    ]
}

/// An event of the client library, to which fields of the wire may be added in its spelling.
fn client() -> impl Strategy<Value = Value> {
    let agent = prop_oneof![
        4 => text().prop_map(Value::String),
        1 => declared("orgId: string, teamId: string, agentId: string").prop_map(Value::Object),
        1 => any_json(),
    ];
    let needed = (word(IDS), agent, word(ACTIONS), word(DECISIONS));
    let ids = prop::collection::vec(prop::option::of(word(IDS)), 3);
    let more = declared(
        "dryRun?: boolean, shadowDecision?: deny|redact|pending|budget_block, matchedRuleId?: string, toolCall?: unknown",
    );
    let at = prop::option::of(prop_oneof![
        (0_u64..9_000_000_000_000).prop_map(|millis| json!({"unixMs": millis})),
        (0_u64..9_000_000_000_000).prop_map(|millis| json!({"unixMs": millis.to_string(), "zone": "here"})),
        Just(json!({})),
    ]);
    (
        needed,
        ids,
        prop::option::of(labels()),
        prop::option::of(nodes("latencyMs")),
        more,
        at,
        any::<bool>(),
    )
        .prop_map(
            |((id, agent, action, decision), ids, labels, stack, more, at, is_plain)| {
                let mut line = if is_plain { Map::new() } else { more };
                for snake in ["event_id", "agent_id", "action_type"] {
                    line.remove(snake);
                }
                line.extend(
                    json!({"eventId": id, "agentId": agent, "actionType": action, "decision": decision})
                        .as_object()
                        .unwrap()
                        .clone(),
                );
                let ids = ["traceId", "spanId", "parentSpanId"].into_iter().zip(ids);
                line.extend(ids.filter_map(|(name, id)| Some((name.to_owned(), id?))));
                line.extend(labels.map(|labels| ("labels".to_owned(), labels)));
                line.extend(stack.map(|stack| ("callStack".to_owned(), stack)));
                line.extend(at.map(|at| ("occurredAt".to_owned(), at)));
                Value::Object(line)
            },
        )
}

/// An event of the wire.
fn proto() -> impl Strategy<Value = Value> {
    let subject = prop::option::of(
        prop::sample::select(SUBJECTS.to_vec())
            .prop_flat_map(|(name, fields)| (Just(name), declared(fields))),
    );
    let arguments = prop_oneof![
        any_json().prop_map(|value| value.to_string()),
        Just("{\"a\": 1}".to_owned()),
        Just("{\"a\":1,\"a\":2}".to_owned()),
        Just("not json".to_owned()),
    ];
    let agent = prop_oneof![
        4 => declared("org_id: string, team_id: string, agent_id: string").prop_map(Value::Object),
        1 => of_kind("string"),
    ];
    let lineage = declared(
        "root_agent_id: string, parent_agent_id: string, team_id: string, session_id: string, \
         delegation_reason: string, spawned_by_tool: string, depth: number",
    );
    let ids = prop::collection::vec(prop::option::of(word(IDS)), 3);
    let words = (
        word(IDS),
        prop::option::of(word(ACTIONS)),
        prop::option::of(word(DECISIONS)),
    );
    let at = prop::option::of((0_u64..9_000_000_000_000).prop_map(|millis| json!({"unix_ms": millis})));
    let rest = (
        prop::option::of(labels()),
        prop::option::of(nodes("latency_ms")),
        prop::option::of(lineage),
        at,
    );
    let more = declared(
        "dry_run?: boolean, shadow_decision?: deny|redact|pending|budget_block, matched_rule_id?: string",
    );
    (words, agent, ids, subject, arguments, rest, more).prop_map(
        |((id, action, decision), agent, ids, subject, arguments, (labels, stack, lineage, at), more)| {
            let mut line = more;
            line.extend(
                json!({"event_id": id, "agent_id": agent})
                    .as_object()
                    .unwrap()
                    .clone(),
            );
            let ids = ["trace_id", "span_id", "parent_span_id"].into_iter().zip(ids);
            line.extend(ids.filter_map(|(name, id)| Some((name.to_owned(), id?))));
            for (name, value) in [
                ("action_type", action),
                ("decision", decision),
                ("labels", labels),
                ("call_stack", stack),
                ("lineage", lineage.map(Value::Object)),
                ("occurred_at", at),
            ] {
                line.extend(value.map(|value| (name.to_owned(), value)));
            }
            if let Some((name, mut subject)) = subject {
                if subject.contains_key("args_json") {
                    subject.insert("args_json".to_owned(), json!(arguments));
                }
                line.insert(name.to_owned(), Value::Object(subject));
            }
            Value::Object(line)
        },
    )
}

proptest! {
    #![proptest_config(shapes::cases(1500))]

    #[test]
    fn every_event_of_the_client_library_comes_back_as_the_same_value(line in client()) {
        let back = round(Profile::Aaasm, &line.to_string());
        prop_assert_eq!(&back.unfit, &[]);
        let compared = same(&back.line, &said(&line).to_string());
        prop_assert!(compared.is_ok(), "{}", compared.unwrap_err());
    }

    #[test]
    fn every_event_of_the_wire_comes_back_as_the_same_value(line in proto()) {
        let back = round(Profile::Aaasm, &line.to_string());
        prop_assert_eq!(&back.unfit, &[]);
        let compared = same(&back.line, &said(&line).to_string());
        prop_assert!(compared.is_ok(), "{}", compared.unwrap_err());
    }
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
