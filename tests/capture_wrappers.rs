//! Several subscribers around one trail: each answers for what is inside of it, and for nothing else.

#[path = "support/torture.rs"]
mod torture;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use torture::{messages, records, trail};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Subscriber, info, info_span};
use tracing_audit::record::Slot;
use tracing_audit::{Audit, AuditedExt, Obstacle};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;

/// A neighbour that keeps the messages it sees.
#[derive(Clone, Default)]
struct Neighbour(Arc<Mutex<Vec<String>>>);

impl Neighbour {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics while noting"))
    }
}

impl<S: Subscriber> Layer<S> for Neighbour {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().expect("nobody panics while noting").push(message.0);
    }
}

/// A stack that shows its neighbour everything, and one that shows it nothing.
fn stack(audit: &Audit, level: LevelFilter) -> (Dispatch, Neighbour) {
    let neighbour = Neighbour::default();
    let stack = tracing_subscriber::registry().with(level).with(neighbour.clone());
    (stack.audited(audit).into(), neighbour)
}

/// One callsite for all stacks: what it remembers of one must not decide for another.
fn report(dispatch: &Dispatch, text: &str) {
    tracing::dispatcher::with_default(dispatch, || info!(target: "audit", "{text}"));
}

#[test]
fn a_neighbour_sees_what_its_own_stack_wants_whichever_stack_was_made_last() {
    for is_open_first in [true, false] {
        let (audit, sink) = trail();
        let ((open, sees), (closed, blind)) = if is_open_first {
            let open = stack(&audit, LevelFilter::TRACE);
            (open, stack(&audit, LevelFilter::OFF))
        } else {
            let closed = stack(&audit, LevelFilter::OFF);
            (stack(&audit, LevelFilter::TRACE), closed)
        };
        for _ in 0..2 {
            report(&open, "open");
            report(&closed, "closed");
        }
        assert_eq!(sees.take(), ["open", "open"], "open first: {is_open_first}");
        assert!(blind.take().is_empty(), "open first: {is_open_first}");
        assert_eq!(messages(&audit, &sink), ["open", "closed", "open", "closed"]);
    }
}

#[test]
fn a_stack_that_is_rebuilt_around_the_same_trail_answers_for_itself() {
    let (audit, sink) = trail();
    let (closed, blind) = stack(&audit, LevelFilter::OFF);
    report(&closed, "before");
    drop(closed);
    let (open, sees) = stack(&audit, LevelFilter::TRACE);
    report(&open, "after");
    assert!(blind.take().is_empty());
    assert_eq!(sees.take(), ["after"]);
    assert_eq!(messages(&audit, &sink), ["before", "after"]);
}

/// A subscriber of an application's own that never says when a span ends: it keeps `try_close` as the trait has it.
#[derive(Default)]
struct NeverClosing(std::sync::atomic::AtomicU64);

impl Subscriber for NeverClosing {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn check_says_that_spans_do_not_become_records_where_the_stack_inside_never_says_that_they_end() {
    let (audit, sink) = trail();
    let dispatch = Dispatch::new(NeverClosing::default().audited(&audit));
    tracing::dispatcher::with_default(&dispatch, || {
        let check = audit.check();
        assert_eq!(check.obstacles, [Obstacle::SpansNeverEnd]);
        assert!(check.to_string().contains("try_close"), "{check}");
        drop(info_span!(target: "audit", "span"));
        info!(target: "audit", "event");
    });
    assert_eq!(messages(&audit, &sink), ["event"]);
    // Nothing is lost: what never ended is written at the end, as that.
    audit.shutdown(torture::PATIENCE).unwrap();
    let open = torture::users(&sink).pop().unwrap();
    assert_eq!(
        (open.event(), open.text(Slot::ReasonCode)),
        ("span", Some("still_open"))
    );
}

#[test]
fn check_leaves_no_span_behind_and_finds_every_form_over_a_registry_live() {
    let (audit, sink) = trail();
    let forms: [Dispatch; 3] = [
        tracing_subscriber::registry().audited(&audit).into(),
        tracing_subscriber::registry().with(audit.layer()).into(),
        tracing_subscriber::registry().with(audit.filter_shell()).into(),
    ];
    for dispatch in forms {
        tracing::dispatcher::with_default(&dispatch, || {
            for _ in 0..2 {
                assert_eq!(audit.check().obstacles, []);
            }
        });
    }
    audit.shutdown(torture::PATIENCE).unwrap();
    assert!(torture::users(&sink).is_empty());
}

#[test]
fn spans_of_two_stacks_around_one_trail_are_kept_apart_although_their_registries_give_the_same_ids() {
    let (audit, sink) = trail();
    let stacks: [Dispatch; 4] = [
        tracing_subscriber::registry().audited(&audit).into(),
        tracing_subscriber::registry().audited(&audit).into(),
        tracing_subscriber::registry().with(audit.layer()).into(),
        tracing_subscriber::registry().with(audit.filter_shell()).into(),
    ];
    let actors = ["ann", "bob", "cem", "dan"];
    let spans: Vec<_> = stacks
        .iter()
        .zip(actors)
        .map(|(stack, actor)| {
            tracing::dispatcher::with_default(
                stack,
                || info_span!(target: "audit", "work", actor.id = actor, resource.id = tracing::field::Empty),
            )
        })
        .collect();
    for (span, actor) in spans.iter().zip(actors).rev() {
        span.record("resource.id", format!("{actor}'s"));
        span.with_subscriber(|(_, dispatch)| {
            tracing::dispatcher::with_default(dispatch, || {
                span.in_scope(|| info!(target: "audit", event = "inside", "{actor}"));
            });
        });
    }
    drop(spans);
    let records = torture::records(&audit, &sink);
    assert_eq!(records.len(), 8);
    for actor in actors {
        let of = |event: &str| {
            let is_it = |record: &&tracing_audit::record::Record| {
                record.event() == event && record.text(Slot::ActorId) == Some(actor)
            };
            let found: Vec<_> = records.iter().filter(is_it).collect();
            assert_eq!(found.len(), 1, "{event} of {actor}");
            found[0]
        };
        assert_eq!(of("inside").text(Slot::Summary), Some(actor));
        assert_eq!(
            of("work").text(Slot::ResourceId),
            Some(format!("{actor}'s").as_str())
        );
    }
}

#[test]
fn what_is_emitted_inside_a_span_of_any_stack_inherits_from_that_span() {
    use tracing_audit::record::Record;
    let (audit, sink) = trail();
    let stacks: [Dispatch; 2] = [
        tracing_subscriber::registry().audited(&audit).into(),
        tracing_subscriber::registry().with(audit.layer()).into(),
    ];
    for (stack, actor) in stacks.iter().zip(["ann", "bob"]) {
        tracing::dispatcher::with_default(stack, || {
            info_span!(target: "audit", "work", actor.id = actor).in_scope(|| {
                audit
                    .emit(Record::builder("emitted").summary(actor).build())
                    .unwrap()
            });
        });
    }
    let records = torture::records(&audit, &sink);
    let emitted: Vec<_> = records
        .iter()
        .filter(|record| record.event() == "emitted")
        .collect();
    assert_eq!(emitted.len(), 2);
    for record in emitted {
        assert_eq!(record.text(Slot::ActorId), record.text(Slot::Summary));
    }
}

#[test]
fn spans_that_are_open_at_the_end_are_written_oldest_first_over_all_stacks() {
    let (audit, sink) = trail();
    let stacks: [Dispatch; 3] =
        std::array::from_fn(|_| tracing_subscriber::registry().audited(&audit).into());
    let spans: Vec<_> = [(2, "first"), (0, "second"), (1, "third")]
        .into_iter()
        .map(|(stack, name)| {
            tracing::dispatcher::with_default(
                &stacks[stack],
                || info_span!(target: "audit", "open", action = name),
            )
        })
        .collect();
    audit.shutdown(torture::PATIENCE).unwrap();
    let open = torture::users(&sink);
    let actions: Vec<_> = open
        .iter()
        .map(|record| record.text(Slot::Action).unwrap())
        .collect();
    assert_eq!(actions, ["first", "second", "third"]);
    drop(spans);
}

#[test]
fn a_stack_that_goes_without_having_closed_its_spans_leaves_them_in_the_trail() {
    let (audit, sink) = trail();
    for name in ["first", "second"] {
        let dispatch = Dispatch::new(NeverClosing::default().audited(&audit));
        tracing::dispatcher::with_default(&dispatch, || {
            drop(info_span!(target: "audit", "open", action = name));
        });
    }
    let records = torture::records(&audit, &sink);
    // The trail's first stack is kept by the trail itself, and what is open there is written at the end.
    let actions = |records: &[tracing_audit::record::Record]| -> Vec<String> {
        let action = |record: &tracing_audit::record::Record| record.text(Slot::Action).unwrap().to_owned();
        records.iter().map(action).collect()
    };
    assert_eq!(actions(&records), ["second"]);
    audit.shutdown(torture::PATIENCE).unwrap();
    assert_eq!(actions(&torture::users(&sink)), ["second", "first"]);
}

/// A neighbour that counts the ends of spans that it hears of.
#[derive(Clone, Default)]
struct Ends(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Ends {
    fn on_close(&self, _: Id, _: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Opens spans, each inside the one before it, and lets go of the outer ones first.
fn outlive(dispatch: &Dispatch) {
    tracing::dispatcher::with_default(dispatch, || {
        let outer = info_span!(target: "audit", "outer");
        let middle = info_span!(target: "audit", parent: &outer, "middle");
        let inner = info_span!(target: "audit", parent: &middle, "inner");
        drop((outer, middle));
        drop(inner);
    });
}

#[test]
fn what_stands_outside_of_a_trail_around_a_bare_registry_hears_of_every_end_of_a_span() {
    let ((inside, inner), (outside, outer)) = (trail(), trail());
    let ends = Ends::default();
    let stack = tracing_subscriber::registry().audited(&inside);
    let dispatch = Dispatch::new(stack.audited(&outside).with(ends.clone()));
    outlive(&dispatch);
    assert_eq!(ends.0.load(Ordering::Relaxed), 3);
    for (audit, sink) in [(inside, inner), (outside, outer)] {
        let names: Vec<_> = records(&audit, &sink)
            .iter()
            .map(|record| record.event().to_owned())
            .collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }
}

#[test]
fn a_stack_with_layers_is_passed_what_is_none_of_the_trails_business_and_nothing_else() {
    let (audit, sink) = torture::trail_with(|builder| builder.target("compliance"));
    let (dispatch, sees) = stack(&audit, LevelFilter::TRACE);
    tracing::dispatcher::with_default(&dispatch, || {
        info!(target: "compliance", "asked for");
        info!(target: "auditor", "of another's");
        drop(info_span!(target: "compliance::kyc", "checked"));
        drop(info_span!(target: "auditor", "of another's"));
    });
    assert_eq!(sees.take(), ["asked for", "of another's"]);
    let names: Vec<_> = records(&audit, &sink)
        .iter()
        .map(|record| record.event().to_owned())
        .collect();
    assert_eq!(names, ["event", "checked"]);
}

#[test]
fn around_a_stack_with_layers_an_ordinary_span_carries_what_it_was_opened_in_and_nothing_that_it_is_entered_in()
 {
    let (audit, sink) = trail();
    let (dispatch, _) = stack(&audit, LevelFilter::TRACE);
    tracing::dispatcher::with_default(&dispatch, || {
        let outside = info_span!(target: "shop", "outside");
        let around = info_span!(target: "audit", "around", actor.id = "u-1");
        let inside = around.in_scope(|| info_span!(target: "shop", "inside"));
        around.in_scope(|| outside.in_scope(|| info!(target: "audit", "is not there")));
        let other = dispatch.clone();
        std::thread::spawn(move || {
            tracing::dispatcher::with_default(&other, || {
                inside.in_scope(|| info!(target: "audit", "is there"));
                drop(inside);
                info!(target: "audit", "is behind it");
            });
        })
        .join()
        .expect("nothing fails there");
    });
    let actors: Vec<_> = records(&audit, &sink)
        .iter()
        .map(|record| record.text(Slot::ActorId).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(actors, ["unknown", "u-1", "unknown", "u-1"]);
}
