//! The handle that an application holds: flush, end, ask; and the guard that ends the trail when `main` does.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use parking_lot::Mutex;
use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use super::barrier::Reached;
use super::builder::AuditBuilder;
use super::commands::Command;
use super::inbox::{Inbox, LastWait, Left};
use super::pause::SHUTDOWN;
use super::port_state::PortState;
use super::ticket::{Answer, Promise, Ticket};
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
    pub(super) inbox: Arc<Inbox>,
    pub(super) capture: Arc<Capture>,
    pub(super) commands: Sender<Command>,
    pub(super) ports: Vec<Arc<PortState>>,
    /// How many entries each sink missed and refused, of which a flush or a shutdown has told somebody.
    pub(super) told: Mutex<Vec<(u64, u64)>>,
    pub(super) stream: Arc<str>,
    pub(super) path: Option<std::path::PathBuf>,
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
        if inner.inbox.queue.is_closed() {
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
    /// As [`flush`](Audit::flush). After a `Timeout` nothing more is written by the journal; the counters
    /// ([`Stats`](crate::Stats)) say what became of the rest.
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
        inner.inbox.queue.close();
        self.ask(timeout, deadline, |promise| Command::Close(promise, deadline))
    }

    /// Begins a new segment now.
    ///
    /// # Errors
    ///
    /// There is no journal, it was shut down, or the disk refused.
    pub fn rotate(&self) -> Result<Rotated> {
        self.request(Command::Rotate)
    }

    /// Removes segments that are due, now. The record `audit.retention` that names them is on disk and sealed before.
    ///
    /// # Errors
    ///
    /// There is no journal, it was shut down, or the disk refused: what was stated then goes as soon as it can.
    pub fn cleanup(&self) -> Result<Cleaned> {
        self.request(Command::Cleanup)
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
        self.request(|promise| Command::Erase(subject.to_owned(), promise))
    }

    /// What became of every record so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let Some(inner) = self.inner() else {
            return Stats::default();
        };
        if inner.inbox.has_ended() {
            // A report can arrive behind the end, from a thread that was half way through it.
            inner.inbox.give_up_queued();
        }
        let used = inner.inbox.queue.used();
        let mut stats = inner.inbox.counters.snapshot();
        stats.in_queue = used.records;
        stats.queue_bytes = used.bytes;
        stats.disk_free_bytes = inner.inbox.space.free.load(Ordering::Relaxed);
        stats.disk_used_bytes = inner.inbox.space.used.load(Ordering::Relaxed);
        stats.pauses = inner.capture.paused().len() as u64;
        stats.sinks = inner.ports.iter().map(|port| port.stats()).collect();
        stats.redactions = inner.capture.policy().counts().sums();
        stats
    }

    /// The counters in OpenMetrics text form.
    #[must_use]
    pub fn openmetrics(&self) -> String {
        self.stats().openmetrics()
    }

    /// The id of the stream that records are written to; `None` where the trail is off.
    #[must_use]
    pub fn stream(&self) -> Option<&str> {
        self.inner().map(|inner| &*inner.stream)
    }

    /// The directory of that stream; `None` without a journal.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.inner()?.path.as_deref()
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
        command: impl FnOnce(Promise<Reached>) -> Command,
    ) -> Result<Report> {
        let Some(inner) = self.inner() else {
            return self.report();
        };
        inner.may_ask()?;
        // Read before the question: what a sink lost is told to everybody who asked before anybody was told.
        let told = inner.told.lock().clone();
        let (promise, ticket) = Ticket::new();
        // Where the writer has ended, the promise comes back broken: then what it left undone is the answer.
        let _ = inner.commands.send(command(promise));
        inner.inbox.queue.signal().notify();
        match ticket.wait(deadline) {
            Some(Answer::Given(answer)) => {
                inner.end_was_good()?;
                inner.hear(&answer?, &told)?;
            }
            Some(Answer::Abandoned) => {
                if !inner.sinks_ended(deadline) {
                    return Err(self.too_late(inner, timeout));
                }
                inner.end_was_good()?;
                let marks = inner.ports.iter().map(|port| port.last_mark()).collect();
                inner.hear(&Reached { marks }, &told)?;
            }
            None => return Err(self.too_late(inner, timeout)),
        }
        self.report()
    }

    /// Time was up. Says what is not as safe as the set-up can make it.
    fn too_late(&self, inner: &Inner, timeout: Duration) -> Error {
        let stats = self.stats();
        let waiting: Vec<String> = stats
            .sinks
            .iter()
            .filter(|sink| sink.waiting > 0)
            .map(|sink| format!("{} entries wait for sink `{}`", sink.waiting, sink.name))
            .collect();
        let (left, has_journal) = (stats.in_memory(), inner.path.is_some());
        if has_journal && left == 0 && !waiting.is_empty() {
            let message = format!(
                "{} after {timeout:?}; the journal has every record",
                waiting.join(", ")
            );
            return Error::new(ErrorKind::Sink, message);
        }
        let records = if has_journal {
            format!("{left} audit records were not durable after {timeout:?}")
        } else {
            format!(
                "{} audit records wait in the queue after {timeout:?}",
                stats.in_queue
            )
        };
        let parts: Vec<String> = std::iter::once(records).chain(waiting).collect();
        let message = format!("{}; check the disk and the sinks", parts.join(", "));
        Error::new(ErrorKind::Timeout, message)
    }

    fn request<T>(&self, command: impl FnOnce(Promise<T>) -> Command) -> Result<T> {
        let closed = || Error::new(ErrorKind::Closed, "the audit trail is off or was shut down");
        let inner = self.inner().ok_or_else(closed)?;
        inner.may_ask()?;
        let (promise, ticket) = Ticket::new();
        let _ = inner.commands.send(command(promise));
        inner.inbox.queue.signal().notify();
        let deadline = crate::clock::deadline(inner.inbox.patience.commit);
        match ticket.wait(deadline) {
            Some(Answer::Given(answer)) => answer,
            Some(Answer::Abandoned) => Err(closed()),
            None => Err(Error::new(
                ErrorKind::Timeout,
                "the audit writer did not answer in time; check the disk",
            )),
        }
    }
}

impl Inner {
    /// Whether this thread can wait for the writer at all.
    pub(super) fn may_ask(&self) -> Result<()> {
        if self.inbox.is_forked() {
            return Err(self.inbox.rejected(None, crate::capture::Loss::Forked));
        }
        if crate::capture::is_own_thread() {
            return Err(Error::new(
                ErrorKind::Reentrant,
                "a sink cannot wait for the trail that it belongs to",
            ));
        }
        Ok(())
    }

    /// Takes what the sinks said at a barrier: an error where one of them lost anything since `told`, or cannot flush.
    fn hear(&self, reached: &Reached, told: &[(u64, u64)]) -> Result<()> {
        let mut now = self.told.lock();
        for (known, (missed, refused)) in now.iter_mut().zip(reached.counts()) {
            *known = (known.0.max(missed), known.1.max(refused));
        }
        drop(now);
        let Some(complaint) = reached.complaint(told) else {
            return Ok(());
        };
        let journal = if self.path.is_some() {
            "; the journal has every record"
        } else {
            ""
        };
        Err(Error::new(ErrorKind::Sink, format!("{complaint}{journal}")))
    }

    /// Waits until every sink's thread has ended, as it does once the writer has.
    fn sinks_ended(&self, deadline: Instant) -> bool {
        while !self.ports.iter().all(|port| port.has_ended()) {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        true
    }

    /// Whether the writer left nothing undone at its end; while it runs, it has not.
    fn end_was_good(&self) -> Result<()> {
        let Left {
            records,
            has_panicked,
        } = self.inbox.left();
        if has_panicked {
            let message = format!(
                "the audit writer panicked and the trail has ended; {records} records could not be written or \
                 confirmed. Start another trail"
            );
            return Err(Error::new(ErrorKind::Closed, message));
        }
        if records > 0 {
            let message = format!(
                "the audit trail ended with {records} records that could not be written or confirmed; check the disk"
            );
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        Ok(())
    }

    /// Makes everything durable, states which spans are open, and notes the end; the next record begins the trail again.
    fn rest(&self) {
        if self.is_closed.load(Ordering::Acquire) || self.inbox.is_forked() || crate::capture::is_own_thread()
        {
            return;
        }
        let deadline = crate::clock::deadline(self.guard_timeout);
        {
            let _waits = LastWait::until(deadline);
            self.end_pauses("guard");
            self.capture.state_open_spans();
        }
        let told = self.told.lock().clone();
        let (promise, ticket) = Ticket::new();
        let _ = self.commands.send(Command::Rest(promise));
        self.inbox.queue.signal().notify();
        let found = match ticket.wait(deadline) {
            Some(Answer::Given(answer)) => answer.and_then(|reached| self.hear(&reached, &told)),
            // The end has been told already, by whoever caused it.
            Some(Answer::Abandoned) => Ok(()),
            None => {
                let left = self.inbox.queue.used().records;
                let waited = self.guard_timeout;
                (self.inbox.report)(&format!(
                    "the audit guard gave up after {waited:?} with {left} records in the queue"
                ));
                Ok(())
            }
        };
        if let Err(error) = found {
            (self.inbox.report)(&format!("the audit guard found that not all is well: {error}"));
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
