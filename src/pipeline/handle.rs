//! The handle that an application holds: flush, end, ask; and the guard that ends the trail when `main` does.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use super::barrier::Reached;
use super::builder::AuditBuilder;
use super::commands::Command;
use super::inbox::{Inbox, LastWait};
use super::pause::SHUTDOWN;
use super::stream::closed;
use super::streams::{Rest, Streams};
use super::ticket::Promise;
use crate::capture::{AuditLayer, Callsite, Capture, Check, FilterShell, Obstacle};
use crate::error::{Error, ErrorKind, Result};
use crate::sink::file::{Cleaned, Erased, Rotated};
use crate::stats::{SinkStats, Stats};

/// A running audit trail. Clones are handles to the same one.
///
/// When the last handle is dropped, the same happens as when a [`Guard`] is dropped: what was submitted is made durable
/// and the trail notes that it ended; the layers keep it alive, and a later record begins it again. Keep a handle, or a
/// guard, until the end of `main`. Only [`shutdown`](Audit::shutdown) has released the directory when it answers `Ok`; after a
/// drop the writer does so a moment later, once the layers are gone too.
#[derive(Debug, Clone)]
pub struct Audit {
    inner: Option<Arc<Inner>>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) streams: Streams,
    pub(super) capture: Arc<Capture>,
    pub(super) guard_timeout: Duration,
    pub(super) is_closed: AtomicBool,
    /// Held by whoever begins a pause.
    pub(super) pausing: Mutex<()>,
}

/// What a flush or a shutdown found when it ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Records that the writer took, since the start.
    pub taken: u64,
    /// Those of them that the disk has confirmed; 0 without a journal.
    pub durable: u64,
    /// Records that were lost, since the start.
    pub lost: u64,
    /// What each sink did.
    pub sinks: Vec<SinkStats>,
}

impl Audit {
    /// Starts the settings of a trail.
    pub fn builder() -> AuditBuilder {
        AuditBuilder::default()
    }

    pub(super) fn running(inner: Inner) -> Self {
        Self {
            inner: Some(Arc::new(inner)),
        }
    }

    /// A trail that takes nothing: `enabled = false`.
    pub(super) fn disabled() -> Self {
        Self { inner: None }
    }

    pub(super) fn inner(&self) -> Option<&Inner> {
        self.inner.as_deref()
    }

    /// What a stack that the trail becomes part of reports to.
    pub(crate) fn capture(&self) -> Option<Arc<Capture>> {
        self.inner.as_ref().map(|inner| inner.capture.for_stack())
    }

    /// The trail as a plain layer. The wrapper ([`AuditedExt::audited`](crate::AuditedExt::audited)) is what most
    /// applications want: see there, and [`AuditLayer`] for the difference.
    #[must_use]
    pub fn layer(&self) -> AuditLayer {
        AuditLayer::new(self.capture())
    }

    /// The trail as a layer among layers that are all filtered per layer: see [`FilterShell`].
    #[must_use]
    pub fn filter_shell<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> FilterShell<S> {
        FilterShell::new(self.capture())
    }

    /// A guard that ends the trail when it is dropped: for `main`.
    pub fn guard(&self) -> Guard {
        Guard { audit: self.clone() }
    }

    /// Sends a probe of each level through this thread's subscriber, and says what keeps records from the trail.
    /// Nothing is written.
    #[must_use]
    pub fn check(&self) -> Check {
        let Some(inner) = self.inner() else {
            return Check {
                obstacles: vec![Obstacle::Disabled],
                ..Check::default()
            };
        };
        let mut check = crate::capture::check(&inner.capture);
        if inner.inbox().queue.is_closed() {
            check.obstacles.insert(0, Obstacle::Closed);
        }
        let paused = inner.capture.paused().into_iter().map(Obstacle::Paused);
        check.obstacles.extend(paused);
        check
    }

    /// What the trail makes of each callsite that the program has reached so far, in the order of the source: where each
    /// field goes, what is done to it, and by which rule. So it is for the end of a test, or for a page that operators see.
    /// Nothing in it comes from values.
    ///
    /// ```
    /// # fn main() -> tracing_audit::Result<()> {
    /// use tracing_audit::testing::Recording;
    ///
    /// let recording = Recording::new();
    /// recording.run(|| tracing::info!(target: "audit", event = "user.login", actor.id = "u-17", password = "x"));
    /// let callsites = recording.audit().explain();
    /// let text = callsites[0].to_string();
    /// assert!(text.contains("password → attributes.password: marker as secret by name.secret"), "{text}");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn explain(&self) -> Vec<Callsite> {
        self.inner()
            .map_or_else(Vec::new, |inner| inner.capture.explain())
    }

    /// Makes everything that was submitted before this call durable, and delivered to every sink. The trail goes on.
    ///
    /// # Errors
    ///
    /// `Timeout`, with the number of records that are not durable. `Sink` where a sink failed, could not flush or, beside
    /// a journal that has all of it, did not take what waits for it in time; or where, since a flush or a shutdown last
    /// said so, it missed entries or its receiver refused some. The message names the sink and the numbers. With a
    /// journal, every record stands there nevertheless. After a shutdown, what the shutdown left is reported. `Closed`
    /// where the writer has panicked.
    pub fn flush(&self, timeout: Duration) -> Result<Report> {
        self.ask(timeout, crate::clock::deadline(timeout), Command::Flush)
    }

    /// Ends the trail: writes spans that are still open, everything that was submitted, and the record that says so.
    /// Later records are refused and counted. A span that is open here is concluded: it has its one record, as unknown
    /// with the reason `still_open`, and its later end is neither a record nor a loss. A second call reports the same end.
    ///
    /// It blocks the calling thread, and needs no runtime of its own; call it from a signal task through
    /// `spawn_blocking`, or from a panic hook directly.
    ///
    /// # Errors
    ///
    /// As [`flush`](Audit::flush). After a `Timeout` the journal writes no more than what it has in its hands, and states the
    /// rest as a gap; the counters ([`Stats`](crate::Stats)) say what became of it.
    pub fn shutdown(&self, timeout: Duration) -> Result<Report> {
        let Some(inner) = self.inner() else {
            return self.report();
        };
        inner.may_ask()?;
        let deadline = crate::clock::deadline(timeout);
        if !inner.is_closed.swap(true, Ordering::AcqRel) {
            let _waits = LastWait::until(deadline);
            inner.end_pauses(SHUTDOWN);
            inner.capture.close_open_spans();
        }
        inner.streams.close();
        self.ask(timeout, deadline, |promise| Command::Close(promise, deadline))
    }

    /// Begins a new segment now, in every stream. The answer is the main stream's; a single one is asked by
    /// [`streams`](Self::streams).
    ///
    /// # Errors
    ///
    /// There is no journal, it was shut down, or the disk refused.
    pub fn rotate(&self) -> Result<Rotated> {
        self.streams_to_ask()?.rotate()
    }

    /// Removes segments that are due, now, in every stream. The record `audit.retention` that names them is on disk and sealed
    /// before.
    ///
    /// # Errors
    ///
    /// There is no journal, it was shut down, or the disk refused: what was stated then goes as soon as it can.
    pub fn cleanup(&self) -> Result<Cleaned> {
        self.streams_to_ask()?.cleanup()
    }

    /// Removes the values of a subject that records submitted before this call gave to erasable fields: see
    /// [`Action::Erasable`](crate::redact::Action::Erasable). `subject` is what the field that names subjects holds in
    /// these records, as the policy leaves it. The lines stay as they are, and so does everything else that they say.
    ///
    /// The record `audit.erase` says how many records and values it was, with the subject's pseudonym
    /// ([`Policy::pseudonym`](crate::redact::Policy::pseudonym) of the class `personal:subject`) where the policy has a
    /// key, and never the subject itself. It is durable when this returns.
    ///
    /// # Errors
    ///
    /// There is no journal, it was shut down, or the disk refused: then values may be there still, and the call can be
    /// made again. `Timeout` where the writer did not answer in time; the values are still going to be erased.
    pub fn erase(&self, subject: &str) -> Result<Erased> {
        self.streams_to_ask()?.erase(subject)
    }

    /// What became of every record so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let Some(inner) = self.inner() else {
            return Stats::default();
        };
        let mut stats = inner.streams.stats();
        stats.pauses = inner.capture.paused().len() as u64;
        stats.redactions = inner.capture.policy().counts().sums();
        stats
    }

    /// The counters in OpenMetrics text form.
    #[must_use]
    pub fn openmetrics(&self) -> String {
        self.stats().openmetrics()
    }

    /// The id of the main stream; `None` where the trail is off.
    #[must_use]
    pub fn stream(&self) -> Option<&str> {
        self.inner().map(|inner| &*inner.streams.main().id)
    }

    /// The directory of that stream; `None` without a journal.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.inner()?.streams.main().path.as_deref()
    }

    fn report(&self) -> Result<Report> {
        let stats = self.stats();
        Ok(Report {
            taken: stats.taken,
            durable: stats.durable,
            lost: stats.lost(),
            sinks: stats.sinks,
        })
    }

    fn ask(
        &self,
        timeout: Duration,
        deadline: Instant,
        command: impl Fn(Promise<Reached>) -> Command,
    ) -> Result<Report> {
        let Some(inner) = self.inner() else {
            return self.report();
        };
        inner.may_ask()?;
        inner.streams.ask(timeout, deadline, command)?;
        self.report()
    }

    /// The streams, to ask each for something.
    fn streams_to_ask(&self) -> Result<&Streams> {
        let inner = self.inner().ok_or_else(closed)?;
        inner.may_ask()?;
        Ok(&inner.streams)
    }
}

impl Inner {
    /// The main stream's: where the trail as a whole reports to.
    pub(super) fn inbox(&self) -> &Inbox {
        &self.streams.main().inbox
    }

    /// Whether this thread can wait for the writer at all.
    pub(super) fn may_ask(&self) -> Result<()> {
        if self.inbox().is_forked() {
            // No record was refused: nothing is counted.
            return Err(Error::new(
                ErrorKind::Forked,
                "this process was forked and has no audit writer to ask; start a trail of its own in the child",
            ));
        }
        if crate::capture::is_own_thread() {
            return Err(Error::new(
                ErrorKind::Reentrant,
                "a sink cannot wait for the trail that it belongs to",
            ));
        }
        Ok(())
    }

    /// Makes everything durable, states which spans are open, and notes the end; the next record begins the trail again.
    fn rest(&self) {
        if self.is_closed.load(Ordering::Acquire)
            || self.inbox().is_forked()
            || crate::capture::is_own_thread()
        {
            return;
        }
        let deadline = crate::clock::deadline(self.guard_timeout);
        {
            let _waits = LastWait::until(deadline);
            self.end_pauses("guard");
            self.capture.state_open_spans();
        }
        for found in self.streams.rest(deadline) {
            match found {
                Ok(()) => {}
                Err(Rest::TimeUp(left)) => {
                    let waited = self.guard_timeout;
                    (self.inbox().report)(&format!(
                        "the audit guard gave up after {waited:?} with {left} records in the queue"
                    ));
                }
                Err(Rest::NotWell(error)) => {
                    (self.inbox().report)(&format!("the audit guard found that not all is well: {error}"));
                }
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.rest();
    }
}

/// Ends the trail when dropped: everything that was submitted becomes durable, spans that are still open are
/// stated, and the trail notes that it ended. Waits at most the builder's `guard_timeout`; what it finds wrong goes to the
/// `diagnostics`.
///
/// Dropped too early, it loses nothing: the trail still takes records, and the next one begins it again. Spans that are
/// open at the drop are stated as unknown with the reason `still_open`, because nobody can know whether the process goes
/// on; but they are not concluded. What happens inside them still has their context, and where such a span does end, its
/// end is a record of its own, under the same `execution_id`, which takes the place of what was stated. Only
/// [`Audit::shutdown`] concludes them.
#[derive(Debug)]
#[must_use = "dropped at once, the guard ends the trail at once; bind it to a name in `main`"]
pub struct Guard {
    audit: Audit,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(inner) = self.audit.inner() {
            inner.rest();
        }
    }
}
