//! A stream of the trail, as callers reach it: its queue, its writer, and what they can ask of that.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use parking_lot::Mutex;

use super::barrier::Reached;
use super::commands::Command;
use super::inbox::{Inbox, Left};
use super::port_state::PortState;
use super::ticket::{Answer, Promise, Ticket};
use crate::error::{Error, ErrorKind, Result};
use crate::stats::Stats;

/// The callers' end of one stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// As it was configured; also its directory's name.
    pub(super) name: String,
    /// Its id, as lines state it.
    pub(super) id: Arc<str>,
    /// Its directory; `None` without a journal.
    pub(super) path: Option<PathBuf>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) commands: Sender<Command>,
    pub(super) sinks: Vec<Arc<PortState>>,
    /// How many entries each sink missed and refused, of which a flush or a shutdown has told somebody.
    pub(super) told: Mutex<Vec<(u64, u64)>>,
}

/// A question to a stream's writer that is under way.
pub(super) struct Asked<'s> {
    stream: &'s Stream,
    /// What was known of the sinks' losses before the question: what a sink lost is told to everybody who asked before
    /// anybody was told.
    told: Vec<(u64, u64)>,
    ticket: Arc<Ticket<Reached>>,
}

impl Stream {
    /// Asks for everything up to a point. Where the writer has ended, the promise comes back broken: then what it left
    /// undone is the answer.
    pub(super) fn ask(&self, command: impl FnOnce(Promise<Reached>) -> Command) -> Asked<'_> {
        let told = self.told.lock().clone();
        let (promise, ticket) = Ticket::new();
        self.send(command(promise));
        Asked {
            stream: self,
            told,
            ticket,
        }
    }

    /// Hands the writer a command, and wakes it.
    pub(super) fn send(&self, command: Command) {
        let _ = self.commands.send(command);
        self.inbox.queue.signal().notify();
    }

    /// Has the writer do something, and waits for what came of it.
    pub(super) fn request<T>(&self, command: impl FnOnce(Promise<T>) -> Command) -> Result<T> {
        let (promise, ticket) = Ticket::new();
        self.send(command(promise));
        let deadline = crate::clock::deadline(self.inbox.patience.commit);
        match ticket.wait(deadline) {
            Some(Answer::Given(answer)) => answer,
            Some(Answer::Abandoned) => Err(closed()),
            None => Err(Error::new(
                ErrorKind::Timeout,
                "the audit writer did not answer in time; check the disk",
            )),
        }
    }

    /// What became of the stream's records so far.
    pub(super) fn stats(&self) -> Stats {
        if self.inbox.has_ended() {
            // A report can arrive behind the end, from a thread that was half way through it.
            self.inbox.give_up_queued();
        }
        let used = self.inbox.queue.used();
        let mut stats = self.inbox.counters.snapshot();
        stats.in_queue = used.records;
        stats.queue_bytes = used.bytes;
        stats.disk_free_bytes = self.inbox.space.free.load(Ordering::Relaxed);
        stats.disk_used_bytes = self.inbox.space.used.load(Ordering::Relaxed);
        stats.sinks = self.sinks.iter().map(|sink| sink.stats()).collect();
        stats
    }

    /// Time was up. Says what is not as safe as the set-up can make it.
    fn too_late(&self, timeout: Duration) -> Error {
        let stats = self.stats();
        let waiting: Vec<String> = stats
            .sinks
            .iter()
            .filter(|sink| sink.waiting > 0)
            .map(|sink| {
                let why = sink.trouble.as_ref().map(|why| format!(" ({why})"));
                let why = why.unwrap_or_default();
                format!("{} entries wait for sink `{}`{why}", sink.waiting, sink.name)
            })
            .collect();
        let (left, has_journal) = (stats.in_memory(), self.path.is_some());
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
        while !self.sinks.iter().all(|sink| sink.has_ended()) {
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
}

impl Asked<'_> {
    /// Waits for the answer of the writer and of every sink.
    pub(super) fn wait(self, timeout: Duration, deadline: Instant) -> Result<()> {
        let stream = self.stream;
        match self.ticket.wait(deadline) {
            Some(Answer::Given(answer)) => {
                stream.end_was_good()?;
                stream.hear(&answer?, &self.told)
            }
            Some(Answer::Abandoned) => {
                if !stream.sinks_ended(deadline) {
                    return Err(stream.too_late(timeout));
                }
                stream.end_was_good()?;
                let marks = stream.sinks.iter().map(|sink| sink.last_mark()).collect();
                stream.hear(&Reached { marks }, &self.told)
            }
            None => Err(stream.too_late(timeout)),
        }
    }

    /// As [`wait`](Self::wait), for a guard: an end that somebody else caused has been told already. `None` where time was
    /// up.
    pub(super) fn wait_at_rest(self, deadline: Instant) -> Option<Result<()>> {
        match self.ticket.wait(deadline)? {
            Answer::Given(answer) => Some(answer.and_then(|reached| self.stream.hear(&reached, &self.told))),
            Answer::Abandoned => Some(Ok(())),
        }
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the audit trail is off or was shut down")
}
