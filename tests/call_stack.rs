//! Call stacks: the spans inside an outermost audit span as the tree of steps of its record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::field::Empty;
use tracing::{Dispatch, Span, info, info_span, trace_span};
use tracing_audit::clock::ManualClock;
use tracing_audit::config::CallStacks;
use tracing_audit::record::{CallNode, CallStack, Record, Slot, Value};
use tracing_audit::redact::Policy;
use tracing_audit::sink::MemorySink;
use tracing_audit::testing::{MemoryEmitter, Recording};
use tracing_audit::{Actor, Audit, AuditedExt, Ids};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

const LONG: Duration = Duration::from_secs(30);

fn recording(stacks: CallStacks) -> Recording {
    Recording::with(|audit| audit.call_stacks(stacks))
}

/// The tree as text: `label(kind)[children]`, with what was left out as `+n`.
fn drawn(nodes: &[CallNode]) -> String {
    let draw = |node: &CallNode| {
        let mut text = format!("{}({})", node.label, node.kind);
        if !node.children.is_empty() {
            text.push_str(&format!("[{}]", drawn(&node.children)));
        }
        if node.omitted > 0 {
            text.push_str(&format!("+{}", node.omitted));
        }
        text
    };
    nodes.iter().map(draw).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn tree(recording: &Recording, event: &str) -> CallStack {
    let captured = recording.captured();
    captured
        .with_event(event)
        .only()
        .call_stack()
        .expect("it is a tree")
}

fn all(nodes: &[CallNode]) -> Vec<&CallNode> {
    nodes
        .iter()
        .flat_map(|node| [vec![node], all(&node.children)].concat())
        .collect()
}

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
        let expected = match form {
            // The shell is told of no span that its filter does not want and nobody else keeps.
            "shell" => "turn(audit)[one(call_stack)[two(audit)]]",
            _ => "turn(audit)[one(call_stack)[two(audit)]]",
        };
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
fn what_is_beyond_the_limits_is_counted_at_the_nearest_step_that_is_kept() {
    let stacks = CallStacks::new().every_span(true).nodes(5).depth(3);
    let recording = recording(stacks);
    recording.run(|| {
        let _turn = info_span!(target: "audit", "turn", actor.id = "u-1").entered();
        {
            let _deep = info_span!("one").entered();
            let _deeper = info_span!("two").entered();
            let _too_deep = info_span!("three").entered();
            drop(info_span!("four"));
        }
        for _ in 0..4 {
            drop(info_span!("more"));
        }
    });
    let stack = tree(&recording, "turn");
    assert_eq!(
        drawn(&stack.nodes),
        "turn(audit)[one(call_stack)[two(call_stack)+2] more(call_stack) more(call_stack)]+2"
    );
}

#[test]
fn a_step_that_outlives_the_handle_of_its_audit_span_is_in_the_tree_because_the_span_ends_behind_it() {
    let recording = recording(CallStacks::new());
    recording.run(|| {
        let turn = info_span!(target: "audit", "turn", actor.id = "u-1");
        let step = turn.in_scope(|| info_span!("model", kind = "llm"));
        drop(turn);
        let later = step.in_scope(|| info_span!("late", kind = "tool"));
        drop((later, step));
        // The place of the tree is free for another.
        let _turn = info_span!(target: "audit", "again", actor.id = "u-1").entered();
        drop(info_span!("model", kind = "llm"));
    });
    let stack = tree(&recording, "turn");
    assert_eq!(drawn(&stack.nodes), "turn(audit)[model(llm)[late(tool)]]");
    let ended: Vec<_> = all(&stack.nodes)
        .iter()
        .map(|node| node.duration_ns.is_some())
        .collect();
    assert_eq!(ended, [true, true, true]);
    assert_eq!(
        drawn(&tree(&recording, "again").nodes),
        "again(audit)[model(llm)]"
    );
}

#[test]
fn an_audit_span_that_is_open_at_the_shutdown_or_a_guard_states_the_steps_so_far() {
    for is_guard in [false, true] {
        let recording = recording(CallStacks::new());
        let (turn, step) = recording.run(|| {
            let turn = info_span!(target: "audit", "turn", actor.id = "u-1");
            let step = turn.in_scope(|| info_span!("model", kind = "llm"));
            (turn, step)
        });
        if is_guard {
            drop(recording.audit().guard());
        } else {
            recording.audit().shutdown(LONG).unwrap();
        }
        let first = recording.captured();
        let stack = first.first().call_stack().unwrap();
        assert_eq!(
            drawn(&stack.nodes),
            "turn(audit)[model(llm)]",
            "guard: {is_guard}"
        );
        assert_eq!(stack.nodes[0].duration_ns, None);
        recording.run(|| drop((step, turn)));
        let captured = recording.captured();
        captured.count(if is_guard { 2 } else { 1 });
        if is_guard {
            let last = captured.records().last().unwrap().call_stack().unwrap();
            assert!(last.nodes[0].duration_ns.is_some() && last.nodes[0].children[0].duration_ns.is_some());
        }
    }
}

#[test]
fn labels_and_kinds_are_redacted_as_fields_and_the_record_says_so() {
    let token = ["ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat();
    let recording = Recording::with(|audit| audit.call_stacks(CallStacks::new()).policy(Policy::balanced()));
    recording.run(|| {
        let _turn = info_span!(target: "audit", "turn", actor.id = "u-1").entered();
        drop(info_span!("model", kind = "llm", label = format!("with {token}")));
        let late = info_span!("late", kind = "tool", label = Empty);
        late.record("label", format!("for ann@example.com").as_str());
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
fn steps_on_other_threads_and_tasks_belong_to_the_span_that_they_stand_in() {
    let recording = recording(CallStacks::new());
    recording.run(|| {
        let turn = info_span!(target: "audit", "turn", actor.id = "u-1");
        std::thread::scope(|scope| {
            for n in 0..4 {
                let turn = turn.clone();
                let dispatch = recording.dispatch();
                scope.spawn(move || {
                    tracing::dispatcher::with_default(dispatch, || {
                        // By name, and by being entered.
                        if n % 2 == 0 {
                            drop(info_span!(parent: &turn, "step", kind = "tool"));
                        } else {
                            turn.in_scope(|| drop(info_span!("step", kind = "tool")));
                        }
                    });
                });
            }
        });
    });
    let stack = tree(&recording, "turn");
    assert_eq!(
        drawn(&stack.nodes),
        "turn(audit)[step(tool) step(tool) step(tool) step(tool)]"
    );
    assert!(
        stack.nodes[0]
            .children
            .iter()
            .all(|node| node.duration_ns.is_some())
    );
}

#[test]
fn many_threads_that_open_and_close_steps_lose_none_and_never_grow_a_tree_beyond_its_limit() {
    const THREADS: u64 = 8;
    const EACH: u64 = 500;
    let recording = recording(CallStacks::new().nodes(20));
    let opened = Arc::new(AtomicU64::new(0));
    recording.run(|| {
        let turn = info_span!(target: "audit", "turn", actor.id = "u-1");
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                let (turn, opened, dispatch) = (turn.clone(), Arc::clone(&opened), recording.dispatch());
                scope.spawn(move || {
                    tracing::dispatcher::with_default(dispatch, || {
                        for _ in 0..EACH {
                            let _turn = turn.enter();
                            let _outer = info_span!("outer", kind = "tool").entered();
                            drop(info_span!(target: "audit", "inner"));
                            opened.fetch_add(2, Ordering::Relaxed);
                        }
                    });
                });
            }
        });
    });
    let stack = tree(&recording, "turn");
    let omitted: u64 = all(&stack.nodes).iter().map(|node| node.omitted).sum();
    assert_eq!(stack.len(), 20);
    assert_eq!(stack.len() as u64 - 1 + omitted, opened.load(Ordering::Relaxed));
    recording
        .captured()
        .with_event("inner")
        .count(usize::try_from(THREADS * EACH).unwrap());
}

#[test]
fn gathering_steps_changes_nothing_else_of_any_record() {
    let run = |recording: &Recording| {
        recording.run(|| {
            let outer = info_span!(target: "audit", "outer", actor.id = "u-1", resource.id = Empty);
            let _in = outer.clone().entered();
            let plain = info_span!("plain", tenant = "t-1");
            let _plain = plain.enter();
            // Said of the outer span while an ordinary one is open inside: what follows inherits it.
            outer.record("resource.id", 7);
            info!(target: "audit", event = "e.one", n = 1);
            Actor::user("u-2").sync_scope(|| {
                let _first = info_span!("first_in_scope").entered();
                info!(target: "audit", event = "e.two", n = 1);
                drop(info_span!(target: "audit", "inner", start = true));
            });
            let other = std::thread::spawn({
                let (plain, dispatch) = (plain.clone(), recording.dispatch().clone());
                move || {
                    tracing::dispatcher::with_default(&dispatch, || {
                        let _in = plain.entered();
                        info!(target: "audit", event = "e.three", n = 1);
                    });
                }
            });
            other.join().unwrap();
        });
        let captured = recording.captured();
        let shown = |record: &tracing_audit::testing::CapturedRecord| {
            let slots = [
                Slot::Event,
                Slot::ActorId,
                Slot::ScopeTenant,
                Slot::ResourceId,
                Slot::Phase,
                Slot::Outcome,
            ];
            slots.map(|slot| record.get(slot).cloned())
        };
        captured.records().iter().map(shown).collect::<Vec<_>>()
    };
    for lend in [false, true] {
        let with = |stacks: bool| {
            Recording::with(|mut audit| {
                if lend {
                    audit = audit.lend("tenant");
                }
                if stacks {
                    audit = audit.call_stacks(CallStacks::new().every_span(true));
                }
                audit
            })
        };
        assert_eq!(run(&with(true)), run(&with(false)), "lend: {lend}");
    }
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
fn the_largest_tree_fits_a_line_whole() {
    let stacks = CallStacks::new().nodes(80).depth(24);
    let recording = recording(stacks);
    recording.run(|| {
        let _turn = info_span!(target: "audit", "turn", actor.id = "u-1").entered();
        fn down(left: u32) {
            let span = info_span!("a", kind = "k".repeat(32), label = "l".repeat(128));
            let _in = span.entered();
            if left > 0 {
                down(left - 1);
            }
        }
        (0..4).for_each(|_| down(22));
    });
    let captured = recording.captured();
    let record = captured.only();
    record.assert_lacks(Slot::Truncated);
    let stack = record.call_stack().unwrap();
    assert_eq!(stack.len(), 80);
    assert!(
        all(&stack.nodes)
            .iter()
            .skip(1)
            .all(|node| node.label.len() == 128)
    );
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
    let _ = Span::current();
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

/// A subscriber in which a span ends with its one handle, whatever is inside it.
#[derive(Debug, Default)]
struct Loose(AtomicU64);

impl tracing::Subscriber for Loose {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {}

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}

    fn try_close(&self, _: tracing::span::Id) -> bool {
        true
    }
}

#[test]
fn a_step_that_is_still_open_when_the_audit_span_ends_has_no_duration_and_what_follows_is_nobodys() {
    let sink = MemorySink::new();
    let audit = Audit::builder()
        .memory(&sink)
        .call_stacks(CallStacks::new())
        .start()
        .unwrap();
    tracing::dispatcher::with_default(&Dispatch::new(Loose::default().audited(&audit)), || {
        let turn = info_span!(target: "audit", "turn", actor.id = "u-1");
        let step = turn.in_scope(|| info_span!("model", kind = "llm"));
        drop(turn);
        // Its tree is written: what follows belongs to none, and an audit span inside begins one of its own.
        let _step = step.entered();
        drop(info_span!("late", kind = "tool"));
        let _next = info_span!(target: "audit", "next", actor.id = "u-1").entered();
        drop(info_span!("inside", kind = "tool"));
        // A span that never ends keeps its place, and nobody waits for it.
        std::mem::forget(info_span!("forgotten", kind = "tool"));
    });
    audit.shutdown(LONG).unwrap();
    let records = sink.records();
    let tree = |name: &str| {
        records
            .iter()
            .find(|record| record.event() == name)
            .unwrap()
            .call_stack()
            .unwrap()
    };
    let turn = tree("turn");
    assert_eq!(drawn(&turn.nodes), "turn(audit)[model(llm)]");
    assert_eq!(
        (
            turn.nodes[0].duration_ns.is_some(),
            turn.nodes[0].children[0].duration_ns
        ),
        (true, None)
    );
    let next = tree("next");
    assert_eq!(drawn(&next.nodes), "next(audit)[inside(tool) forgotten(tool)]");
    assert_eq!(next.nodes[0].children[1].duration_ns, None);
}
