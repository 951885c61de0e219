//! Context, outcome and duration of spans that are used in every order that `tracing` allows.

#[path = "support/torture.rs"]
mod torture;

use torture::{records, trail, trail_with, users};
use tracing::instrument::WithSubscriber;
use tracing::{Dispatch, Instrument, info, info_span};
use tracing_audit::record::{Record, Slot};
use tracing_audit::{Actor, Audit, AuditContext, AuditedExt, CurrentContext, WithContext};
use tracing_subscriber::layer::Identity;
use tracing_subscriber::prelude::*;

fn dispatch(audit: &Audit) -> Dispatch {
    tracing_subscriber::registry().audited(audit).into()
}

/// The forms in which a trail is installed; around a registry without layers it keeps the spans itself.
fn forms(audit: &Audit) -> [Dispatch; 4] {
    [
        dispatch(audit),
        tracing_subscriber::registry()
            .with(Identity::new())
            .audited(audit)
            .into(),
        tracing_subscriber::registry().with(audit.layer()).into(),
        tracing_subscriber::registry().with(audit.filter_shell()).into(),
    ]
}

fn within<R>(dispatch: &Dispatch, run: impl FnOnce() -> R) -> R {
    tracing::dispatcher::with_default(dispatch, run)
}

/// The record of this event name or summary.
fn one<'r>(records: &'r [Record], name: &str) -> &'r Record {
    let is_it = |record: &&Record| record.text(Slot::Summary) == Some(name) || record.event() == name;
    let mut found = records.iter().filter(is_it);
    let record = found
        .next()
        .unwrap_or_else(|| panic!("{name} is not among {} records", records.len()));
    assert!(found.next().is_none(), "{name} is there twice");
    record
}

fn actor<'r>(records: &'r [Record], name: &str) -> &'r str {
    one(records, name).text(Slot::ActorId).unwrap_or_default()
}

#[test]
fn an_explicit_parent_decides_whose_context_a_record_inherits() {
    let (audit, sink) = trail();
    for dispatch in forms(&audit) {
        within(&dispatch, || {
            let ann = info_span!(target: "audit", "ann's", actor.id = "ann", tenant = "t-1");
            let bob = info_span!(target: "audit", "bob's", actor.id = "bob");
            bob.in_scope(|| {
                info!(target: "audit", "of the current span");
                info!(target: "audit", parent: &ann, "of the named span");
                info!(target: "audit", parent: None, "of no span");
                let child = info_span!(target: "audit", parent: &ann, "child");
                let ordinary = info_span!(target: "app", parent: &ann, "ordinary");
                let root = info_span!(target: "app", parent: None, "root");
                child.in_scope(|| info!(target: "audit", "inside the child"));
                ordinary.in_scope(|| info!(target: "audit", "inside the ordinary child"));
                root.in_scope(|| info!(target: "audit", "inside the root"));
                info!(target: "audit", parent: &ordinary, "of the ordinary child");
            });
        });
        let records = records(&audit, &sink);
        for (name, expected) in [
            ("of the current span", "bob"),
            ("of the named span", "ann"),
            ("of no span", "unknown"),
            ("child", "ann"),
            ("inside the child", "ann"),
            ("inside the ordinary child", "ann"),
            ("of the ordinary child", "ann"),
            ("inside the root", "unknown"),
        ] {
            assert_eq!(actor(&records, name), expected, "{name}");
        }
        assert_eq!(
            one(&records, "inside the child").text(Slot::ScopeTenant),
            Some("t-1")
        );
        let parent = one(&records, "ann's").get(Slot::SpanId);
        assert_eq!(one(&records, "child").get(Slot::ParentSpanId), parent);
        assert_eq!(
            one(&records, "child").get(Slot::TraceId),
            one(&records, "ann's").get(Slot::TraceId)
        );
        assert_eq!(
            one(&records, "inside the ordinary child").get(Slot::SpanId),
            parent
        );
        assert_eq!(one(&records, "of no span").get(Slot::TraceId), None);
        sink.clear();
    }
}

#[test]
fn a_span_that_a_filter_disables_does_not_break_the_chain_of_contexts() {
    use tracing_subscriber::EnvFilter;
    let (audit, sink) = trail();
    let info = || EnvFilter::new("info");
    let forms: [Dispatch; 4] = [
        tracing_subscriber::registry().with(info()).audited(&audit).into(),
        tracing_subscriber::registry()
            .with(audit.layer())
            .with(info())
            .into(),
        tracing_subscriber::registry()
            .with(info())
            .with(audit.layer())
            .into(),
        tracing_subscriber::registry()
            .with(audit.filter_shell())
            .with(
                tracing_subscriber::fmt::layer()
                    .with_writer(std::io::sink)
                    .with_filter(info()),
            )
            .into(),
    ];
    for dispatch in forms {
        within(&dispatch, || {
            let outer = info_span!(target: "audit", "outer", actor.id = "ann", tenant = "t-1").entered();
            let disabled = tracing::debug_span!(target: "app", "disabled", actor.id = "nobody").entered();
            let inner = info_span!(target: "audit", "inner").entered();
            info!(target: "audit", "inside");
            drop((inner, disabled, outer));
        });
    }
    let records = records(&audit, &sink);
    assert_eq!(records.len(), 12);
    for record in records {
        assert_eq!(record.text(Slot::ActorId), Some("ann"), "{record:?}");
        assert_eq!(record.text(Slot::ScopeTenant), Some("t-1"), "{record:?}");
    }
}

#[test]
fn a_context_goes_along_with_a_span_that_moves_to_another_thread() {
    let (audit, sink) = trail();
    for dispatch in forms(&audit) {
        within(&dispatch, || {
            let request = info_span!(target: "audit", "request", actor.id = "ann");
            let ordinary = request.in_scope(|| info_span!(target: "app", "ordinary"));
            let elsewhere = dispatch.clone();
            let moved = std::thread::spawn(move || {
                within(&elsewhere, || {
                    info!(target: "audit", "outside on the thread");
                    let inside = ordinary.entered();
                    info!(target: "audit", "inside on the thread");
                    let deeper = info_span!(target: "app", "deeper").entered();
                    info!(target: "audit", "deeper on the thread");
                    drop((deeper, inside));
                });
            });
            moved.join().unwrap();
        });
        let records = records(&audit, &sink);
        assert_eq!(actor(&records, "outside on the thread"), "unknown");
        assert_eq!(actor(&records, "inside on the thread"), "ann");
        assert_eq!(actor(&records, "deeper on the thread"), "ann");
        sink.clear();
    }
}

#[test]
fn a_context_goes_along_with_tasks_on_many_threads() {
    const TASKS: usize = 200;
    let (audit, sink) = trail();
    let dispatch = dispatch(&audit);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    async fn job(n: usize) {
        for step in 0..3 {
            info!(target: "audit", n, step, "step");
            tokio::task::yield_now().await;
        }
    }
    let task = |n: usize| {
        let in_task = async move {
            let ordinary = info_span!(target: "app", "ordinary");
            job(n).instrument(ordinary).await;
            tokio::spawn(job(n).with_current_actor().with_current_subscriber())
                .await
                .unwrap();
        };
        // Lazy: the span is made inside of the scope.
        let in_span = async move { in_task.instrument(info_span!(target: "audit", "task", n)).await };
        let scoped = AuditContext::new()
            .actor(Actor::user(format!("user-{n}")))
            .scope(in_span);
        runtime.spawn(scoped.with_subscriber(dispatch.clone()))
    };
    let tasks: Vec<_> = (0..TASKS).map(task).collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    let records = records(&audit, &sink);
    assert_eq!(records.len(), TASKS * 7);
    for record in &records {
        let n = record.attribute("n").and_then(|n| n.as_u64()).unwrap();
        assert_eq!(
            record.text(Slot::ActorId),
            Some(&*format!("user-{n}")),
            "{:?}",
            record.attribute("step")
        );
    }
}

#[test]
fn a_context_that_was_captured_is_entered_on_another_thread() {
    let (audit, sink) = trail();
    let dispatch = dispatch(&audit);
    let captured = Actor::user("ann").sync_scope(CurrentContext::capture);
    std::thread::spawn({
        let dispatch = dispatch.clone();
        move || {
            within(&dispatch, || {
                captured.sync_scope(|| info!(target: "audit", "there"))
            })
        }
    })
    .join()
    .unwrap();
    within(&dispatch, || info!(target: "audit", "here"));
    let records = records(&audit, &sink);
    assert_eq!(
        (actor(&records, "there"), actor(&records, "here")),
        ("ann", "unknown")
    );
}

#[test]
fn a_scope_reaches_through_every_span_that_does_not_name_somebody_else() {
    let (audit, sink) = trail();
    for dispatch in forms(&audit) {
        within(&dispatch, || {
            // Made before the scope, as the arguments of `scope(work.instrument(span))` are.
            let ordinary = info_span!(target: "app", "early ordinary");
            let audited = info_span!(target: "audit", "early audited", tenant = "t-1");
            let named = info_span!(target: "audit", "early named", actor.id = "bob");
            Actor::user("ann").sync_scope(|| {
                info!(target: "audit", "in the scope");
                info_span!(target: "app", "late").in_scope(|| info!(target: "audit", "in an ordinary span"));
                ordinary.in_scope(|| info!(target: "audit", "in an early ordinary span"));
                audited.in_scope(|| {
                    info!(target: "audit", "in an early audit span");
                    info_span!(target: "app", "late").in_scope(|| info!(target: "audit", "deeper"));
                    info_span!(target: "audit", "child of early")
                        .in_scope(|| info!(target: "audit", "in the child"));
                    Actor::user("cleo").sync_scope(|| info!(target: "audit", "in an inner scope"));
                });
                named.in_scope(|| info!(target: "audit", "in a named span"));
            });
            ordinary.in_scope(|| info!(target: "audit", "outside again"));
        });
        let records = records(&audit, &sink);
        for (name, expected) in [
            ("in the scope", "ann"),
            ("in an ordinary span", "ann"),
            ("in an early ordinary span", "ann"),
            ("in an early audit span", "ann"),
            ("deeper", "ann"),
            ("child of early", "ann"),
            ("in the child", "ann"),
            ("in an inner scope", "cleo"),
            ("in a named span", "bob"),
            ("outside again", "unknown"),
        ] {
            assert_eq!(actor(&records, name), expected, "{name}");
        }
        assert_eq!(one(&records, "deeper").text(Slot::ScopeTenant), Some("t-1"));
        sink.clear();
    }
}

#[test]
fn spans_that_are_left_in_another_order_than_they_were_entered_keep_their_contexts() {
    let (audit, sink) = trail();
    for dispatch in forms(&audit) {
        within(&dispatch, || {
            let outer = info_span!(target: "audit", "outer", actor.id = "ann");
            let inner = info_span!(target: "audit", parent: None, "inner", actor.id = "bob");
            let (in_outer, in_inner) = (outer.enter(), inner.enter());
            info!(target: "audit", "both");
            drop(in_outer);
            info!(target: "audit", "inner only");
            drop(in_inner);
            info!(target: "audit", "none");
            // Entered twice, and left once: still inside.
            let (first, second) = (outer.enter(), outer.enter());
            drop(first);
            info!(target: "audit", "once");
            drop(second);
            info!(target: "audit", "none again");
        });
        let records = records(&audit, &sink);
        for (name, expected) in [
            ("both", "bob"),
            ("inner only", "bob"),
            ("none", "unknown"),
            ("once", "ann"),
            ("none again", "unknown"),
        ] {
            assert_eq!(actor(&records, name), expected, "{name}");
        }
        sink.clear();
    }
}

#[test]
fn a_span_that_closes_on_another_thread_is_one_record_with_its_fields() {
    let (audit, sink) = trail();
    for dispatch in forms(&audit) {
        let span = within(
            &dispatch,
            || info_span!(target: "audit", "moved", actor.id = "ann", late = tracing::field::Empty),
        );
        let clone = span.clone();
        let elsewhere = dispatch.clone();
        std::thread::spawn(move || {
            within(&elsewhere, || {
                clone.record("late", 7);
                clone.in_scope(|| info!(target: "audit", "inside"));
                drop(clone);
            });
        })
        .join()
        .unwrap();
        assert!(
            users(&sink).iter().all(|record| record.event() != "moved"),
            "one handle is still here"
        );
        std::thread::spawn(move || drop(span)).join().unwrap();
        let records = records(&audit, &sink);
        let moved = one(&records, "moved");
        assert_eq!(moved.attribute("late").and_then(|late| late.as_u64()), Some(7));
        assert_eq!(
            (moved.text(Slot::ActorId), actor(&records, "inside")),
            (Some("ann"), "ann")
        );
        assert!(moved.uint(Slot::DurationNs).is_some());
        sink.clear();
    }
}

#[test]
fn the_last_handle_of_a_parent_may_go_with_its_child() {
    let (audit, sink) = trail();
    for dispatch in forms(&audit) {
        within(&dispatch, || {
            let parent = info_span!(target: "audit", "parent", actor.id = "ann");
            let child = info_span!(target: "audit", parent: &parent, "child");
            drop(parent);
            child.in_scope(|| info!(target: "audit", "inside"));
            assert!(
                records(&audit, &sink).len() == 1,
                "the child holds its parent open"
            );
            drop(child);
        });
        let records = records(&audit, &sink);
        for name in ["inside", "child", "parent"] {
            one(&records, name);
        }
        assert!(
            records
                .iter()
                .all(|record| record.text(Slot::ActorId) == Some("ann"))
        );
        sink.clear();
    }
}

#[test]
fn ten_thousand_open_spans_keep_their_contexts_apart() {
    let (audit, sink) = trail_with(|builder| builder.queue_records(65_536).queue_bytes(256 << 20));
    within(&dispatch(&audit), || {
        let spans: Vec<_> = (0..10_000_u64)
            .map(|n| {
                (
                    info_span!(target: "audit", "one", actor.id = n),
                    info_span!(target: "app", "barrier"),
                )
            })
            .collect();
        for (n, (span, _)) in spans.iter().enumerate().rev() {
            span.in_scope(|| {
                info_span!(target: "app", "ordinary").in_scope(|| info!(target: "audit", n, "inside"))
            });
        }
    });
    let records = records(&audit, &sink);
    assert_eq!(records.len(), 20_000);
    for record in records.iter().filter(|record| record.event() != "one") {
        let n = record.attribute("n").and_then(|n| n.as_u64()).unwrap();
        let actor = record.get(Slot::ActorId).unwrap();
        assert_eq!(
            actor
                .as_str()
                .map(str::to_owned)
                .or(actor.as_u64().map(|id| id.to_string())),
            Some(n.to_string())
        );
    }
}

/// The wrapper forgets a closed span a moment after the registry has freed its id. That is safe only because an id states
/// how often its place was used before, and our tables compare the whole of it.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_registry_gives_an_id_again_only_after_thousands_of_other_spans_in_its_place() {
    let (audit, _) = trail();
    within(&dispatch(&audit), || {
        let mut ids = std::collections::HashSet::new();
        for n in 0..8_000 {
            let span = info_span!(target: "audit", "one");
            assert!(ids.insert(span.id()), "an id came back after {n} spans");
        }
    });
}
