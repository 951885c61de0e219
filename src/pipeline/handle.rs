//! The handle that an application holds: flush, end, ask; and the guard that ends the trail when `main` does.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::Sender;
use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use super::builder::AuditBuilder;
use super::commands::Command;
use super::inbox::Inbox;
use super::ports::PortState;
use super::ticket::Ticket;
use crate::capture::{AuditLayer, Capture, Check, FilterShell, Obstacle};
use crate::error::{Error, ErrorKind, Result};
use crate::sink::file::{Cleaned, Rotated};
use crate::stats::{SinkStats, Stats};

/// A running audit trail. Clones are handles to the same one.
///
/// When the last handle is dropped, what was submitted is made durable and the trail notes that it ended; the layers
/// keep it alive, and a later record begins it again. Keep a handle, or a [`Guard`], until the end of `main`. Only
/// [`shutdown`](Audit::shutdown) has released the directory when it returns; after a drop the writer does so a moment
/// later, once the layers are gone too.
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
    pub(super) stream: Arc<str>,
    pub(super) path: Option<std::path::PathBuf>,
    pub(super) guard_timeout: Duration,
    pub(super) is_closed: AtomicBool,
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
        check
    }

    /// Makes everything that was submitted before this call durable, and delivered to every sink. The trail goes on.
    ///
    /// # Errors
    ///
    /// `Timeout`, with the number of records that are not durable; `Sink` where a sink failed. After a shutdown, what
    /// the shutdown left is reported.
    pub fn flush(&self, timeout: Duration) -> Result<Report> {
        self.ask(timeout, Command::Flush)
    }

    /// Ends the trail: writes spans that are still open, everything that was submitted, and the record that says so.
    /// Later records are refused and counted. A second call reports the same end.
    ///
    /// It blocks the calling thread, and needs no runtime of its own; call it from a signal task through
    /// `spawn_blocking`, or from a panic hook directly.
    ///
    /// # Errors
    ///
    /// `Timeout`, with the number of records that are not durable; `Sink` where a sink failed.
    pub fn shutdown(&self, timeout: Duration) -> Result<Report> {
        let Some(inner) = self.inner() else {
            return self.report();
        };
        inner.may_ask()?;
        if !inner.is_closed.swap(true, Ordering::AcqRel) {
            inner.capture.close_open_spans();
        }
        inner.inbox.queue.close();
        let deadline = crate::clock::deadline(timeout);
        self.ask(timeout, |ticket| Command::Close(ticket, deadline))
    }

    /// Begins a new segment now.
    ///
    /// # Errors
    ///
    /// There is no journal, it was shut down, or the disk refused.
    pub fn rotate(&self) -> Result<Rotated> {
        self.request(Command::Rotate)
    }

    /// Removes segments that are due, now.
    ///
    /// # Errors
    ///
    /// There is no journal, it was shut down, or the disk refused.
    pub fn cleanup(&self) -> Result<Cleaned> {
        self.request(Command::Cleanup)
    }

    /// What became of every record so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let Some(inner) = self.inner() else {
            return Stats::default();
        };
        let used = inner.inbox.queue.used();
        let mut stats = inner.inbox.counters.snapshot();
        stats.in_queue = used.records;
        stats.queue_bytes = used.bytes;
        stats.sinks = inner.ports.iter().map(|port| port.stats()).collect();
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

    fn ask(&self, timeout: Duration, command: impl FnOnce(Arc<Ticket<()>>) -> Command) -> Result<Report> {
        let Some(inner) = self.inner() else {
            return self.report();
        };
        inner.may_ask()?;
        let ticket = Ticket::new();
        let deadline = crate::clock::deadline(timeout);
        // The writer may have ended already, by an earlier shutdown: then what it left is the answer.
        let answer = if inner.commands.send(command(Arc::clone(&ticket))).is_ok() {
            inner.inbox.queue.signal().notify();
            // The writer can end between the send and its next look at the commands: its end drops the ticket.
            let answer = ticket.wait_unless_alone(deadline, || !inner.has_writer());
            // It has ended: what it left undone is the answer, which a panic may have made worse than it says.
            answer.or_else(|| (!inner.has_writer() && !inner.is_behind()).then_some(Ok(())))
        } else {
            (!inner.is_behind()).then_some(Ok(()))
        };
        let stats = self.stats();
        let has_journal = inner.path.is_some();
        let done = if has_journal {
            stats.durable
        } else {
            stats.sinks.iter().map(|sink| sink.accepted).min().unwrap_or(0)
        };
        match answer {
            Some(answer) => answer?,
            None => {
                let left = (stats.taken + stats.in_queue).saturating_sub(done);
                let message = format!(
                    "{left} audit records were not durable after {timeout:?}; check the disk and the sinks"
                );
                return Err(Error::new(ErrorKind::Timeout, message));
            }
        }
        if stats.lost_write > 0 {
            let left = stats.lost_write;
            let message = format!(
                "the audit trail ended with {left} records that could not be written; check the disk"
            );
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        self.report()
    }

    fn request<T>(&self, command: impl FnOnce(Arc<Ticket<T>>) -> Command) -> Result<T> {
        let closed = || Error::new(ErrorKind::Closed, "the audit trail is off or was shut down");
        let inner = self.inner().ok_or_else(closed)?;
        inner.may_ask()?;
        let ticket = Ticket::new();
        inner
            .commands
            .send(command(Arc::clone(&ticket)))
            .map_err(|_| closed())?;
        inner.inbox.queue.signal().notify();
        let deadline = crate::clock::deadline(inner.inbox.patience.commit);
        ticket
            .wait_unless_alone(deadline, || !inner.has_writer())
            .unwrap_or_else(|| {
                if !inner.has_writer() {
                    return Err(closed());
                }
                Err(Error::new(
                    ErrorKind::Timeout,
                    "the audit writer did not answer in time; check the disk",
                ))
            })
    }
}

impl Inner {
    /// Whether this thread can wait for the writer at all.
    fn may_ask(&self) -> Result<()> {
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

    /// Whether the journal lacks records that were taken.
    fn is_behind(&self) -> bool {
        let stats = self.inbox.counters.snapshot();
        let is_undurable = self.path.is_some() && stats.durable < stats.taken;
        is_undurable || self.inbox.queue.used().records > 0
    }

    /// Whether the writer still listens. A probe that only the writer's end of the channel answers.
    fn has_writer(&self) -> bool {
        !self.inbox.has_ended()
    }

    /// Makes everything durable and notes the end; the next record begins the trail again.
    fn rest(&self) {
        if self.is_closed.load(Ordering::Acquire) || self.inbox.is_forked() || crate::capture::is_own_thread()
        {
            return;
        }
        self.capture.close_open_spans();
        let ticket = Ticket::new();
        if self.commands.send(Command::Rest(Arc::clone(&ticket))).is_ok() {
            self.inbox.queue.signal().notify();
            let deadline = crate::clock::deadline(self.guard_timeout);
            if ticket
                .wait_unless_alone(deadline, || !self.has_writer())
                .is_none()
            {
                let left = self.inbox.queue.used().records;
                (self.inbox.report)(&format!(
                    "the audit guard gave up after {:?} with {left} records in the queue",
                    self.guard_timeout
                ));
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
/// written, and the trail notes that it ended. Waits at most the builder's `guard_timeout`.
///
/// Dropped too early, it loses nothing: the next record begins the trail again.
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
