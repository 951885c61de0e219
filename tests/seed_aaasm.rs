//! Acceptance cases of seed 003, AI Agent Assembly, beside those that other tests serve: docs/seeds.md lists all.

#[path = "support/trail.rs"]
mod trail;

use proptest::prelude::*;
use tracing_audit::Query;
use tracing_audit::record::{Map, Record, Slot, TraceContext, Value};
use tracing_audit::redact::{Action, FieldRule, Policy};
use tracing_audit::store::List;
use tracing_audit::testing::Recording;
use trail::{Trail, detail, map};

/// T003-16.
#[test]
fn a_second_sink_has_the_very_bytes_of_the_journal_and_changes_none_of_them() {
    let trail = Trail::new();
    for at in 0..50_u64 {
        trail.submit(Record::builder("policy.evaluate").attribute("at", at).build());
    }
    let page = trail.page(
        &Query::parse("event=policy.evaluate").unwrap(),
        &List::default().limit(0),
    );
    assert_eq!(page.records.len(), 50);
    let beside = trail.memory.lines();
    let in_files = trail.text();
    assert_eq!(in_files.lines().collect::<Vec<_>>(), beside);
}

/// T003-07, T003-17, for the direct door.
#[test]
fn receipts_come_in_the_order_of_the_records_that_they_are_for() {
    let trail = Trail::new();
    let receipts: Vec<_> = (0..20_u64)
        .map(|at| {
            trail
                .audit
                .emit(Record::builder("policy.evaluate").attribute("at", at).build())
                .unwrap()
        })
        .collect();
    for (at, receipt) in receipts.iter().enumerate() {
        let query = format!("id={}", receipt.id().unwrap());
        let [found] = trail.ask(&query).try_into().unwrap();
        assert_eq!(found.attribute("at"), Some(&Value::from(at)));
        assert_eq!(found.uint(Slot::Seq), receipt.seq());
    }
    assert!(receipts.windows(2).all(|pair| pair[0].seq() < pair[1].seq()));
}

/// T003-19. An id that is empty is absent, and one of another shape is no trace id.
#[test]
fn ids_of_a_trace_are_in_the_line_and_empty_ones_are_absent() {
    let trail = Trail::new();
    let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    trail.submit(Record::builder("tool.call").trace(trace).build());
    trail.submit(Record::builder("tool.none").build());
    let text = trail.text();
    assert!(text.contains(r#""trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#));
    assert!(text.contains(r#""span_id":"00f067aa0ba902b7""#));
    let [none] = trail.ask("event=tool.none").try_into().unwrap();
    assert_eq!(
        (none.get(Slot::TraceId), none.get(Slot::ParentSpanId)),
        (None, None)
    );
    assert_eq!(TraceContext::parse("00---01"), None);
}

/// T003-20.
#[test]
fn the_whole_lineage_is_in_the_bytes_on_disk() {
    let trail = Trail::new();
    let record = Record::builder("agent.spawn")
        .set(Slot::LineageRoot, "agent-0")
        .set(Slot::LineageParent, "agent-1")
        .set(Slot::LineageDepth, 2_u64)
        .set(Slot::LineageDelegationReason, "too much for one")
        .set(Slot::LineageSpawnedBy, "tool-7")
        .set(Slot::AgentTeam, "blue")
        .session_id("s-1");
    trail.submit(record.build());
    let lines = trail.text();
    let line = lines.lines().find(|line| line.contains("agent.spawn")).unwrap();
    let json: serde_json::Value = serde_json::from_str(line).unwrap();
    let expected = serde_json::json!({
        "root": "agent-0", "parent": "agent-1", "depth": 2,
        "delegation_reason": "too much for one", "spawned_by": "tool-7",
    });
    assert_eq!(json["lineage"], expected);
    assert_eq!(
        (&json["agent"]["team"], &json["session_id"]),
        (&"blue".into(), &"s-1".into())
    );
}

/// T003-21, where a dry run is concerned.
#[test]
fn a_record_is_of_a_dry_run_only_where_it_says_so_itself() {
    let trail = Trail::new();
    trail.run(|| {
        tracing::info!(target: "audit", event = "a.dry", dry_run = true);
        tracing::info!(target: "audit", event = "a.real", dry_run = false);
        tracing::info!(target: "audit", event = "a.text", dry_run = "true");
        tracing::info!(target: "audit", event = "a.silent");
    });
    assert_eq!(trail.events("dry_run=true"), ["a.dry"]);
    let [text] = trail.ask("event=a.text").try_into().unwrap();
    assert_eq!(text.get(Slot::DecisionDryRun), None, "a text is no truth value");
    assert_eq!(
        text.attribute("dry_run"),
        Some(&Value::from("true")),
        "and is not lost"
    );
}

/// T003-23, where the payload is concerned.
#[test]
fn a_payload_that_is_no_json_stays_the_text_that_it_is() {
    let trail = Trail::new();
    for payload in ["not json {", "{\"half\":", "plain words", "42"] {
        trail.submit(Record::builder("payload").attribute("payload", payload).build());
    }
    let found = trail.ask("event=payload");
    let payloads: Vec<_> = found
        .iter()
        .map(|record| record.attribute("payload").unwrap().clone())
        .collect();
    assert_eq!(
        payloads,
        ["not json {", "{\"half\":", "plain words", "42"].map(Value::from)
    );
}

/// The keys that the seed's sanitizer bans.
const BANNED: [&str; 11] = [
    "prompt",
    "completion",
    "llm_input",
    "llm_output",
    "tool_payload",
    "tool_response",
    "tool_args",
    "tool_result",
    "packet_body",
    "packet_payload",
    "heartbeat_seq",
];

fn banning() -> Policy {
    let rule = |policy: Policy, key: &&str| policy.rule(FieldRule::words(key).action(Action::Drop));
    BANNED.iter().fold(Policy::balanced(), rule)
}

fn key() -> impl Strategy<Value = String> {
    let banned = prop::sample::select(&BANNED[..]);
    let cased = (banned, any::<u16>()).prop_map(|(key, bits)| {
        let flip = |(at, letter): (usize, char)| match bits >> (at % 16) & 1 {
            1 => letter.to_ascii_uppercase(),
            _ => letter,
        };
        key.chars().enumerate().map(flip).collect()
    });
    prop_oneof![cased, "[a-d]{1,3}".prop_map(|key| format!("k{key}"))]
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::from("CANARY")),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::btree_map(key(), inner.clone(), 0..4).prop_map(Value::Map),
            prop::collection::vec(inner, 0..3).prop_map(Value::List),
        ]
    })
}

/// Whether a banned key still has a value anywhere inside.
fn survives(value: &Value) -> bool {
    let banned = |key: &String| BANNED.contains(&key.to_lowercase().as_str());
    match value {
        Value::Map(map) => map.iter().any(|(key, value)| banned(key) || survives(value)),
        Value::List(values) => values.iter().any(survives),
        _ => false,
    }
}

/// T003-24: a thousand records whose keys are banned at any depth and in any case.
#[test]
fn no_key_that_a_policy_bans_survives_at_any_depth_or_in_any_case() {
    let recording = Recording::with(|audit| audit.policy(banning()));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&(tree(), tree()), |(first, second)| {
            let record = Record::builder("heartbeat.report")
                .detail(map([("payload", first)]))
                .attribute("more", second)
                .build();
            recording.audit().submit(record).unwrap();
            Ok(())
        })
        .unwrap();
    let captured = recording.captured();
    captured.count(1_000);
    let mut dropped = 0;
    for record in captured.records() {
        for (_, value) in record
            .slots()
            .filter(|(slot, _)| [Slot::Detail, Slot::Attributes].contains(slot))
        {
            assert!(!survives(value), "{record:?}");
        }
        dropped += u64::from(record.get(Slot::Redaction).is_some());
    }
    assert!(dropped > 300, "the rules met something: {dropped}");
}

/// A node of a call stack, with the members that the seed says must be there.
fn node(id: &str, kind: &str, children: Vec<Value>) -> Value {
    let mut node = map([
        ("id", id.into()),
        ("kind", kind.into()),
        ("label", format!("step {id}").into()),
    ]);
    if !children.is_empty() {
        node.insert("children".to_owned(), Value::List(children));
    }
    Value::Map(node)
}

/// T003-44 and T003-45: a kind that nobody knows is kept as it is, and what was not given is absent.
#[test]
fn a_call_stack_of_three_levels_comes_back_as_it_was_and_none_is_none() {
    let trail = Trail::new();
    let result = node("3", "telepathy", vec![]);
    let stack = vec![
        node("1", "llm", vec![node("2", "tool", vec![result])]),
        node("4", "result", vec![]),
    ];
    trail.submit(Record::builder("tool.call").call_stack(stack.clone()).build());
    trail.submit(Record::builder("tool.none").build());
    let [with] = trail.ask("event=tool.call").try_into().unwrap();
    assert_eq!(with.get(Slot::CallStack), Some(&Value::List(stack)));
    let first = with.get(Slot::CallStack).unwrap().as_list().unwrap()[0]
        .as_map()
        .unwrap();
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        ["children", "id", "kind", "label"]
    );
    let [without] = trail.ask("event=tool.none").try_into().unwrap();
    assert_eq!(without.get(Slot::CallStack), None);
}

/// T003-12: a placeholder is what the caller dispatches with, and what stands in the trail.
#[test]
fn the_placeholder_of_a_secret_is_written_and_what_it_stands_for_is_not() {
    let trail = Trail::new();
    let resolved = ["ghp", "0123456789abcdefghijABCDEFGHIJ012345"].join("_");
    let record = |args: Map| {
        Record::builder("tool.dispatch")
            .detail(detail("tool", [("args", args.into())]))
            .build()
    };
    trail.submit(record(map([(
        "header",
        "Authorization: Bearer ${API_TOKEN}".into(),
    )])));
    trail.submit(record(map([(
        "header",
        format!("Authorization: Bearer {resolved}").into(),
    )])));
    let text = trail.text();
    assert!(text.contains("${API_TOKEN}"), "{text}");
    assert!(!text.contains(&resolved));
}
