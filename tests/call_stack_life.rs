//! Call stacks at their limits: many threads, spans that end late or never, and what else of a trail they must not change.

#[path = "support/steps.rs"]
mod steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use steps::{all, drawn, recording, tree};
use tracing::field::Empty;
use tracing::{Dispatch, info, info_span};
use tracing_audit::config::CallStacks;
use tracing_audit::record::Slot;
use tracing_audit::sink::MemorySink;
use tracing_audit::testing::{CapturedRecord, Recording};
use tracing_audit::{Actor, Audit, AuditedExt};

const LONG: Duration = Duration::from_secs(30);

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
        "turn(audit)[one(call_stack_life)[two(call_stack_life)+2] more(call_stack_life) more(call_stack_life)]+2"
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
                        if n & 1 == 0 {
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
        let shown = |record: &CapturedRecord| {
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
