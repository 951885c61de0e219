//! The shape `aaasm`: whatever its two spellings can hold comes back.

#[path = "support/aaasm.rs"]
mod aaasm;
#[path = "support/shapes.rs"]
mod shapes;

use aaasm::said;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use shapes::{any_json, comes_back, comes_back_byte_for_byte, declared, number, object, of_kind, text};
use tracing_audit::catalog::profile::Profile;

const ID: &str = "0198f0c1-2b5e-7c3a-8f00-aaaabbbbcccc";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

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

/// What an event of the wire is about, and the text of a tool's arguments.
fn subject() -> impl Strategy<Value = Option<(String, Value)>> {
    let subject = prop::sample::select(SUBJECTS.to_vec())
        .prop_flat_map(|(name, fields)| (Just(name), declared(fields)));
    let arguments = prop_oneof![
        any_json().prop_map(|value| value.to_string()),
        Just("{\"a\": 1}".to_owned()),
        Just("{\"a\":1,\"a\":2}".to_owned()),
        Just("not json".to_owned()),
    ];
    prop::option::of((subject, arguments).prop_map(|((name, mut subject), arguments)| {
        if subject.contains_key("args_json") {
            subject.insert("args_json".to_owned(), json!(arguments));
        }
        (name.to_owned(), Value::Object(subject))
    }))
}

/// Fields that an event of the wire may have.
fn optional() -> impl Strategy<Value = Map<String, Value>> {
    let lineage = declared(
        "root_agent_id: string, parent_agent_id: string, team_id: string, session_id: string, \
         delegation_reason: string, spawned_by_tool: string, depth: number",
    );
    let at = (0_u64..9_000_000_000_000).prop_map(|millis| json!({"unix_ms": millis}));
    (
        prop::collection::vec(prop::option::of(word(IDS)), 3),
        prop::option::of(word(ACTIONS)),
        prop::option::of(word(DECISIONS)),
        prop::option::of(labels()),
        prop::option::of(nodes("latency_ms")),
        prop::option::of(lineage.prop_map(Value::Object)),
        prop::option::of(at),
    )
        .prop_map(|(ids, action, decision, labels, stack, lineage, at)| {
            let ids = ["trace_id", "span_id", "parent_span_id"].into_iter().zip(ids);
            let others = [
                ("action_type", action),
                ("decision", decision),
                ("labels", labels),
                ("call_stack", stack),
                ("lineage", lineage),
                ("occurred_at", at),
            ];
            let given = ids.chain(others);
            given
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect()
        })
}

/// An event of the wire.
fn proto() -> impl Strategy<Value = Value> {
    let agent = prop_oneof![
        4 => declared("org_id: string, team_id: string, agent_id: string").prop_map(Value::Object),
        1 => of_kind("string"),
    ];
    let more = declared(
        "dry_run?: boolean, shadow_decision?: deny|redact|pending|budget_block, matched_rule_id?: string",
    );
    (word(IDS), agent, optional(), subject(), more).prop_map(|(id, agent, optional, subject, more)| {
        let mut line = more;
        line.extend(optional);
        line.insert("event_id".to_owned(), id);
        line.insert("agent_id".to_owned(), agent);
        line.extend(subject);
        Value::Object(line)
    })
}

proptest! {
    #![proptest_config(shapes::cases(800))]

    #[test]
    fn every_event_of_the_client_library_comes_back_as_the_same_value(line in client()) {
        comes_back(Profile::Aaasm, &line, &said(&line))?;
    }

    #[test]
    fn every_event_of_the_wire_comes_back_as_the_same_value(line in proto()) {
        comes_back(Profile::Aaasm, &line, &said(&line))?;
    }

    #[test]
    fn what_is_exported_comes_back_byte_for_byte(line in prop_oneof![client(), proto()]) {
        comes_back_byte_for_byte(Profile::Aaasm, &line)?;
    }
}
