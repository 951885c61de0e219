//! Several subscribers around one trail: each answers for what is inside of it, and for nothing else.

#[path = "support/torture.rs"]
mod torture;

use std::sync::{Arc, Mutex};

use torture::{messages, trail};
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Subscriber, info};
use tracing_audit::{Audit, AuditedExt};
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
