//! Call stacks: the spans inside an outermost audit span as the tree of steps of its record.

#[path = "support/steps.rs"]
mod steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use steps::{all, drawn, recording, tree};
use tracing::field::Empty;
use tracing::{Dispatch, info, info_span, trace_span};
use tracing_audit::clock::ManualClock;
use tracing_audit::config::CallStacks;
use tracing_audit::record::{CallNode, CallStack, Record, Slot, Value};
use tracing_audit::redact::Policy;
use tracing_audit::sink::MemorySink;
use tracing_audit::testing::{MemoryEmitter, Recording};
use tracing_audit::{Audit, AuditedExt, Ids};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

const LONG: Duration = Duration::from_secs(30);

/// T003-44: three levels come back without loss, also the unknown kind; no stack is an empty list.
#[test]
fn three_levels_of_steps_come_back_as_they_were_also_of_an_unknown_kind() {
    let stack = CallStack::of([
        CallNode::new("a-1", "llm", "plan").duration_ns(7).child(
            CallNode::new("a-2", "tool", "search")
                .child(CallNode::new("a-3", "quantum-annealer", "anneal").omitted(2)),
        ),
        CallNode::new("b-1", "result", "done"),
    ]);
    let emitter = MemoryEmitter::new();
    let with = Record::builder("agent.turn")
        .actor("agent", "x")
        .call_stack(stack.clone());
    emitter.audit().emit(with.build()).unwrap();
    emitter
        .audit()
        .emit(Record::builder("agent.idle").actor("agent", "x").build())
        .unwrap();
    let captured = emitter.captured();
    assert_eq!(
        captured.with_event("agent.turn").only().call_stack().unwrap(),
        stack
    );
    assert_eq!(stack.len(), 4);
    assert!(
        captured
            .with_event("agent.idle")
            .only()
            .call_stack()
            .unwrap()
            .is_empty()
    );
}

/// T003-45: a step needs an id, a kind and a label, and nothing else.
#[test]
fn a_step_of_id_kind_and_label_alone_has_nothing_else() {
    let stack = CallStack::of([CallNode::new("1", "tool", "search")]);
    let value = Value::from(stack.clone());
    let step = value.as_list().unwrap()[0].as_map().unwrap();
    assert_eq!(step.keys().collect::<Vec<_>>(), ["id", "kind", "label"]);
    let back = CallStack::try_from(&value).unwrap();
    assert_eq!((&back, back.nodes[0].duration_ns), (&stack, None));
}

#[test]
fn spans_inside_an_audit_span_are_the_steps_of_its_record() {
    let clock = ManualClock::new(1_000_000_000);
    let recording = Recording::with(|audit| audit.call_stacks(CallStacks::new()).clock(clock.clone()));
    recording.run(|| {
        let turn = info_span!(target: "audit::agent", "agent.turn", n = 1, actor.id = "u-1");
        let _turn = turn.enter();
        {
            let _model = info_span!("complete", kind = "llm", label = "claude", tokens = 7).entered();
            clock.advance(Duration::from_millis(2));
            // No step: what is inside belongs to the step outside.
            let _plain = info_span!("http").entered();
            let _tool = info_span!(target: "audit::tool", "search", actor.id = "u-2").entered();
            clock.advance(Duration::from_millis(1));
            info!(target: "audit", event = "inside.all", n = 1);
        }
        drop(trace_span!("parse", span.kind = "result"));
    });
    let stack = tree(&recording, "agent.turn");
    assert_eq!(
        drawn(&stack.nodes),
        "agent.turn(agent)[claude(llm)[search(tool)] parse(result)]"
    );
    let durations: Vec<_> = all(&stack.nodes).iter().map(|node| node.duration_ns).collect();
    assert_eq!(durations, [3_000_000, 3_000_000, 1_000_000, 0].map(Some));
    let captured = recording.captured();
    // An audit span's step has the id of its own record, and only the outermost has the tree.
    for (label, node) in [
        ("agent.turn", &stack.nodes[0]),
        ("search", &stack.nodes[0].children[0].children[0]),
    ] {
        let own = captured.with_event(label);
        own.only().assert_has(Slot::SpanId, node.id.as_str());
    }
    let ids: std::collections::HashSet<_> = all(&stack.nodes).iter().map(|node| node.id.clone()).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert!(
        ids.iter()
            .all(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
    );
    captured.with_event("search").only().assert_lacks(Slot::CallStack);
    captured
        .with_event("inside.all")
        .only()
        .assert_lacks(Slot::CallStack)
        .assert_has(Slot::ActorId, "u-2");
    captured.count(3);
}

#[test]
fn the_same_steps_are_gathered_by_the_wrapper_the_layer_and_the_shell() {
    type Make = fn(&Audit) -> Dispatch;
    let forms: [(&str, Make); 3] = [
        ("wrapper", |audit| Dispatch::new(registry().audited(audit))),
        ("layer", |audit| Dispatch::new(registry().with(audit.layer()))),
        ("shell", |audit| {
            Dispatch::new(registry().with(audit.filter_shell()))
        }),
    ];
    for (form, make) in forms {
        let sink = MemorySink::new();
        let builder = Audit::builder()
            .memory(&sink)
            .call_stacks(CallStacks::new().every_span(true));
        let audit = builder.start().unwrap();
        tracing::dispatcher::with_default(&make(&audit), || {
            let _turn = info_span!(target: "audit", "turn", actor.id = "u-1").entered();
            let _one = info_span!("one").entered();
            drop(info_span!(target: "audit", "two"));
        });
        audit.shutdown(LONG).unwrap();
        let records = sink.records();
        let turn = records
            .iter()
            .find(|record| record.event() == "turn")
            .expect(form);
        let expected = "turn(audit)[one(call_stack)[two(audit)]]";
        assert_eq!(drawn(&turn.call_stack().unwrap().nodes), expected, "{form}");
    }
}

#[test]
fn without_the_setting_and_without_steps_no_record_has_a_call_stack() {
    for recording in [Recording::new(), recording(CallStacks::new())] {
        recording.run(|| {
            let _turn = info_span!(target: "audit", "turn", actor.id = "u-1").entered();
            drop(info_span!("plain"));
        });
        recording.captured().only().assert_lacks(Slot::CallStack);
    }
    let off = Recording::new();
    off.run(|| {
        let _turn = info_span!(target: "audit", "turn", actor.id = "u-1").entered();
        drop(info_span!("model", kind = "llm"));
    });
    off.captured().only().assert_lacks(Slot::CallStack);
}

#[test]
fn which_spans_are_steps_and_which_have_a_tree_can_be_chosen() {
    let recording = recording(CallStacks::new().target("my_agent").of("agent.*"));
    recording.run(|| {
        for name in [0, 1] {
            let span = if name == 0 {
                info_span!(target: "audit", "agent.turn", actor.id = "u-1")
            } else {
                info_span!(target: "audit", "request", actor.id = "u-1")
            };
            let _in = span.entered();
            drop(info_span!(target: "my_agent", "a"));
            drop(info_span!(target: "my_agent::tools", "b"));
            drop(info_span!(target: "my_agents", "c"));
        }
    });
    assert_eq!(
        drawn(&tree(&recording, "agent.turn").nodes),
        "agent.turn(audit)[a(my_agent) b(tools)]"
    );
    recording
        .captured()
        .with_event("request")
        .only()
        .assert_lacks(Slot::CallStack);
}

#[test]
fn labels_and_kinds_are_redacted_as_fields_and_the_record_says_so() {
    let token = ["ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat();
    let recording = Recording::with(|audit| audit.call_stacks(CallStacks::new()).policy(Policy::balanced()));
    recording.run(|| {
        let _turn = info_span!(target: "audit", "turn", actor.id = "u-1").entered();
        drop(info_span!("model", kind = "llm", label = format!("with {token}")));
        let late = info_span!("late", kind = "tool", label = Empty);
        late.record("label", "for ann@example.com");
    });
    let captured = recording.captured();
    let record = captured.only();
    record.assert_hides(&token).assert_hides("ann@example.com");
    let drawn = drawn(&record.call_stack().unwrap().nodes);
    assert!(drawn.contains("[REDACTED:") && drawn.contains("for "), "{drawn}");
    assert!(record.get(Slot::Redaction).is_some(), "{record:?}");
    assert!(recording.audit().stats().redacted >= 2);
}

#[test]
fn a_label_can_be_recorded_later_and_long_ones_are_cut_on_a_character() {
    let recording = recording(CallStacks::new().every_span(true));
    recording.run(|| {
        let turn = info_span!(target: "audit", "turn", actor.id = "u-1", label = Empty, kind = Empty);
        let _in = turn.clone().entered();
        turn.record("label", "the turn");
        turn.record("kind", 7);
        drop(info_span!("long", kind = "ä".repeat(40), label = "ö".repeat(400)));
        let plain = info_span!("plain", label = Empty);
        plain.record("label", tracing::field::debug(("a", 1)));
    });
    let stack = tree(&recording, "turn");
    let (turn, inside) = (&stack.nodes[0], &stack.nodes[0].children);
    assert_eq!((turn.label.as_str(), turn.kind.as_str()), ("the turn", "7"));
    assert_eq!((inside[0].kind.len(), inside[0].label.len()), (32, 128));
    assert_eq!(inside[1].label, "(\"a\", 1)");
}

#[test]
fn with_given_ids_each_step_still_has_an_id_of_its_own() {
    let recording = Recording::with(|audit| audit.call_stacks(CallStacks::new()).ids(Ids::Given));
    recording.run(|| {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let _turn = info_span!(target: "audit", "turn", actor.id = "u-1", traceparent = parent).entered();
        drop(info_span!(target: "audit", "one"));
        drop(info_span!(target: "audit", "two"));
    });
    let stack = tree(&recording, "turn");
    let ids: Vec<_> = all(&stack.nodes).iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids.len(), 3);
    assert!(!ids.contains(&"b7ad6b7169203331"), "{ids:?}");
}

#[test]
fn a_label_whose_debug_panics_or_reports_costs_the_label_alone() {
    struct Panics;
    impl std::fmt::Debug for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let _span = info_span!("inside", kind = "tool").entered();
            info!(target: "audit", event = "from.debug", n = 1);
            panic!("on purpose");
        }
    }
    let recording = recording(CallStacks::new());
    recording.run(|| {
        let _turn = info_span!(target: "audit", "turn", actor.id = "u-1").entered();
        drop(info_span!("model", kind = "llm", label = ?Panics));
    });
    let stack = tree(&recording, "turn");
    let labels: Vec<_> = stack.nodes[0]
        .children
        .iter()
        .map(|node| node.label.as_str())
        .collect();
    assert!(labels.contains(&"[PANICKED]"), "{labels:?}");
    assert_eq!(recording.captured().with_event("turn").len(), 1);
}

#[test]
fn limits_that_cannot_work_are_refused_at_the_start() {
    let builder = Audit::builder()
        .memory(&MemorySink::new())
        .call_stacks(CallStacks::new().nodes(0));
    let error = builder.start().unwrap_err();
    assert!(error.to_string().contains("`call_stacks.nodes` is 0"), "{error}");
}

#[test]
fn what_is_gathered_stands_in_the_first_record_of_the_trail() {
    let recording = recording(CallStacks::new().target("agent").of("turn"));
    let control = recording.control();
    let config = control.with_event("audit.open");
    let config = config.only().attribute("config").and_then(Value::as_map).unwrap();
    let stacks = config["call_stacks"].as_map().unwrap();
    assert_eq!(stacks["nodes"], Value::from(64_u64));
    assert_eq!(stacks["depth"], Value::from(16_u64));
    assert_eq!(stacks["targets"], Value::from(vec!["agent"]));
    assert_eq!(stacks["of"], Value::from(vec!["turn"]));
}

#[cfg(feature = "config")]
#[test]
fn a_configuration_has_call_stacks_gathered_and_the_builder_precedes_it() {
    use tracing_audit::AuditBuilder;
    use tracing_audit::config::Config;

    let config = Config::from_json(r#"{"call_stacks": {"nodes": 2, "every_span": true}}"#).unwrap();
    let tree = |given: Option<CallStacks>| {
        let recording = Recording::with(|audit| {
            let audit = given.into_iter().fold(audit, AuditBuilder::call_stacks);
            audit.config(&config).unwrap()
        });
        recording.run(|| {
            let _turn = info_span!(target: "audit", "turn", actor.id = "u-1").entered();
            let _plain = info_span!("plain").entered();
            drop(info_span!("model", kind = "llm"));
        });
        drawn(&recording.captured().only().call_stack().unwrap().nodes)
    };
    assert_eq!(tree(None), "turn(audit)[plain(call_stack)+1]");
    assert_eq!(tree(Some(CallStacks::new())), "turn(audit)[model(llm)]");
}

#[test]
fn the_shell_takes_steps_that_nobody_else_wants_and_its_neighbours_see_no_more_for_it() {
    #[derive(Debug, Default, Clone)]
    struct Seen(Arc<AtomicU64>);
    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Seen {
        fn on_new_span(
            &self,
            _: &tracing::span::Attributes<'_>,
            _: &tracing::span::Id,
            _: tracing_subscriber::layer::Context<'_, S>,
        ) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (sink, seen) = (MemorySink::new(), Seen::default());
    let builder = Audit::builder().memory(&sink).call_stacks(CallStacks::new());
    let audit = builder.start().unwrap();
    let warnings = tracing_subscriber::filter::LevelFilter::WARN;
    let stack = registry()
        .with(audit.filter_shell())
        .with(seen.clone().with_filter(warnings));
    tracing::dispatcher::with_default(&Dispatch::new(stack), || {
        let _turn = info_span!(target: "audit", "turn", actor.id = "u-1").entered();
        let _model = info_span!("model", kind = "llm").entered();
        drop(info_span!("http"));
        drop(tracing::warn_span!("wanted", kind = "tool"));
    });
    audit.shutdown(LONG).unwrap();
    let records = sink.records();
    let turn = records.iter().find(|record| record.event() == "turn").unwrap();
    assert_eq!(
        drawn(&turn.call_stack().unwrap().nodes),
        "turn(audit)[model(llm)[wanted(tool)]]"
    );
    assert_eq!(seen.0.load(Ordering::Relaxed), 1);
}
