//! A trail in memory for one test: the code under test runs inside, and its records can be asked for.

use std::time::Duration;

use tracing_core::{Dispatch, dispatcher};
use tracing_subscriber::registry;

use super::captured::Captured;
use crate::pipeline::{Audit, AuditBuilder, AuditedExt};
use crate::sink::MemorySink;

/// How long the records of a test may take to arrive before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a closure under a trail of its own and gives back the records that it wrote.
///
/// The trail is installed for this thread and for the time of the call only, so tests can run side by side. What other
/// threads report goes elsewhere: use a [`Recording`] and its [`dispatch`](Recording::dispatch) for those.
///
/// ```
/// use tracing::{info, instrument};
/// use tracing_audit::Actor;
/// use tracing_audit::record::Slot;
/// use tracing_audit::testing::capture;
///
/// #[instrument(target = "audit", err, fields(resource.type = "document", resource.id = id))]
/// fn delete(id: u64) -> Result<(), String> {
///     info!(target: "audit", event = "document.check");
///     if id == 7 { Ok(()) } else { Err(format!("no document {id}")) }
/// }
///
/// let captured = capture(|| {
///     let _ = Actor::user("u-1").sync_scope(|| delete(8));
/// });
/// captured.count(2);
/// captured
///     .with_event("delete")
///     .only()
///     .assert_has(Slot::ActorId, "u-1")
///     .assert_has(Slot::ResourceId, "8")
///     .assert_has(Slot::Outcome, "failure")
///     .assert_has(Slot::ErrorMessage, "no document 8");
/// ```
///
/// # Panics
///
/// Where the records do not arrive within 30 s.
pub fn capture(run: impl FnOnce()) -> Captured {
    let recording = Recording::new();
    recording.run(run);
    recording.captured()
}

/// A trail in memory, with a subscriber around it that is installed only where a test says so.
///
/// ```
/// use tracing_audit::clock::ManualClock;
/// use tracing_audit::record::Slot;
/// use tracing_audit::testing::Recording;
///
/// let clock = ManualClock::new(1_000_000_000);
/// let recording = Recording::with(|audit| audit.clock(clock.clone()).require_actor(true));
/// recording.run(|| {
///     let span = tracing::info_span!(target: "audit", "import", actor.id = "u-1");
///     clock.advance(std::time::Duration::from_millis(5));
///     drop(span);
/// });
/// recording.captured().only().assert_has(Slot::DurationNs, 5_000_000_u64);
/// ```
#[derive(Debug)]
pub struct Recording {
    audit: Audit,
    sink: MemorySink,
    dispatch: Dispatch,
}

impl Recording {
    /// A trail with the defaults of the builder, whose service and host are called `test`.
    ///
    /// # Panics
    ///
    /// Where the system has no thread to give.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// A trail with other settings: a clock, a policy, floors, required actors.
    ///
    /// # Panics
    ///
    /// Where the settings cannot work; the message is the builder's.
    #[track_caller]
    pub fn with(configure: impl FnOnce(AuditBuilder) -> AuditBuilder) -> Self {
        let (audit, sink) = start(configure);
        let dispatch = Dispatch::new(registry().audited(&audit));
        Self {
            audit,
            sink,
            dispatch,
        }
    }

    /// Runs a closure with the trail installed on this thread.
    pub fn run<R>(&self, run: impl FnOnce() -> R) -> R {
        dispatcher::with_default(&self.dispatch, run)
    }

    /// The dispatcher that the trail is part of, for the threads and tasks of a test.
    #[must_use]
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// The trail itself, for code that takes an [`Audit`], and for its counters.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// The records so far, in the order of the trail, without those that the trail writes about itself.
    ///
    /// # Panics
    ///
    /// Where the records do not arrive within 30 s.
    #[track_caller]
    pub fn captured(&self) -> Captured {
        flush(&self.audit);
        Captured::of(&self.sink)
    }

    /// What the trail has written about itself so far: that it began, and which records are known to be lost.
    ///
    /// # Panics
    ///
    /// Where the records do not arrive within 30 s.
    #[track_caller]
    pub fn control(&self) -> Captured {
        flush(&self.audit);
        Captured::control_of(&self.sink)
    }
}

impl Default for Recording {
    fn default() -> Self {
        Self::new()
    }
}

/// Starts a trail into memory.
#[track_caller]
pub(super) fn start(configure: impl FnOnce(AuditBuilder) -> AuditBuilder) -> (Audit, MemorySink) {
    let sink = MemorySink::new();
    let builder = Audit::builder().service("test").host("test").memory(&sink);
    match configure(builder).forget_erasable().start() {
        Ok(audit) => (audit, sink),
        Err(error) => panic!("the trail of this test cannot start: {error}"),
    }
}

/// Waits until everything that was submitted stands in the memory.
#[track_caller]
pub(super) fn flush(audit: &Audit) {
    // After a shutdown everything has arrived already, whatever the shutdown said of it.
    let flushed = audit.flush(PATIENCE);
    if let Err(error) = flushed.as_ref().map(drop) {
        assert!(
            error.kind() != crate::ErrorKind::Timeout,
            "the records of this test did not arrive: {error}"
        );
    }
}

#[cfg(all(test, feature = "derive"))]
mod tests {
    use super::*;
    use crate::record::AuditEvent;

    /// An event that this crate defines.
    #[derive(AuditEvent)]
    #[audit(
        event = "own.event",
        category = "own",
        action = "event",
        level = "info",
        outcome = "success"
    )]
    struct Own {}

    #[test]
    fn an_event_that_this_crate_defines_may_be_written_whatever_modules_may() {
        let recording = Recording::with(|audit| audit.allow_module("shop"));
        recording.run(|| {
            tracing::info!(target: "audit", event = "not.allowed");
            Own {}.record();
        });
        assert_eq!(recording.captured().only().record().event(), "own.event");
        assert_eq!(recording.audit().stats().not_allowed, 1);
    }
}
