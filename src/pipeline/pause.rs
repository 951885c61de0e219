//! Pausing a trail while it runs: what is left out is counted, and the trail itself says so.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::commands::{Command, ended};
use super::control;
use super::handle::{Audit, Inner};
use super::ticket::{Answer, Placed, Promise, Receipt, Ticket};
use super::writer::{Phase, Writer};
use crate::config::Part;
use crate::error::{Error, ErrorKind, Result};
use crate::record::Record;

impl Audit {
    /// Leaves every record out from now on, until [`resume`](Self::resume): [`pause_part`](Self::pause_part) with
    /// [`Part::All`].
    ///
    /// # Errors
    ///
    /// As [`pause_part`](Self::pause_part).
    pub fn pause(&self, reason: &str) -> Result<()> {
        self.pause_part(Part::All, reason)
    }

    /// Leaves a part of the trail out from now on, and says so: before anything is left out, an `audit.pause` record with
    /// the part, the reason and, under `by`, the actor in whose scope this is called is durable (delivered to every sink, where
    /// there is no journal).
    ///
    /// What is left out is counted ([`Stats::paused`](crate::Stats::paused)). `emit` answers
    /// [`State::Paused`](crate::State::Paused), `submit` [`Submitted::Paused`](crate::Submitted::Paused). The part is left
    /// out of every way in: macros, spans when they close, values. Never left out are security events (`security.*`), the
    /// trail's own records (`audit.*`) and records in mode [`Durable`](crate::config::Mode::Durable).
    ///
    /// A pause ends by [`resume`](Self::resume), and where the trail notes its end: at [`shutdown`](Self::shutdown), when
    /// a guard or the last handle is dropped. The `audit.resume` record says how many records were left out, by category.
    /// It does not survive the process: the next start records everything. Where a killed process left a pause without an
    /// `audit.resume`, the next `audit.open` says `"clean":false`, and how many records were left out is not known.
    ///
    /// It blocks the calling thread until the disk has the record; call it from a task through `spawn_blocking`.
    ///
    /// Where the part is paused already, nothing happens, and nothing is written. Parts may overlap: a record is counted
    /// for the pause that began first.
    ///
    /// ```
    /// use tracing_audit::config::Part;
    /// use tracing_audit::testing::Recording;
    ///
    /// # fn main() -> tracing_audit::Result<()> {
    /// let recording = Recording::new();
    /// let load = || tracing::info!(target: "audit", event = "import.row");
    /// recording.audit().pause_part(Part::event("import.*"), "u-17: first import, CHG-42")?;
    /// recording.run(load);
    /// assert_eq!(recording.audit().resume()?, 1);
    /// recording.run(load);
    /// recording.captured().count(1);
    /// let resume = recording.control();
    /// resume.with_event("audit.resume").only().assert_attribute("left_out", 1_u64);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Nothing is left out where there is an error. `Timeout` where the `audit.pause` record did not become durable in
    /// time, `Closed` where the trail was shut down, `Reentrant` on a thread of its own, `Forked` in a forked child.
    /// `Sink` where there is no journal, and a sink refused or missed the record.
    pub fn pause_part(&self, part: Part, reason: &str) -> Result<()> {
        let Some(inner) = self.inner() else {
            return Ok(());
        };
        inner.may_ask()?;
        let deadline = crate::clock::deadline(inner.inbox().patience.commit);
        // One at a time, so that the same part is not said to be paused twice.
        let turn = inner.pausing.try_lock_until(deadline);
        let _turn = turn.ok_or_else(|| late("pause"))?;
        if inner.is_closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        if inner.capture.paused().contains(&part) {
            return Ok(());
        }
        let noted = inner
            .note(control::pause(&part, reason, inner.actor()))
            .and_then(|ticket| inner.wait_for_note(&ticket, "pause"));
        if let Err(error) = noted {
            // The record may still be written: another one says that nothing came of it.
            let _ = inner.note(control::not_paused(&part));
            return Err(error);
        }
        if inner.capture.pause(&part) {
            Ok(())
        } else {
            Err(closed())
        }
    }

    /// Ends every pause, and says so: for each, an `audit.resume` record says what was left out. Gives the number of
    /// records that were, in all; 0 where nothing was paused, and then nothing is written.
    ///
    /// Records are taken again at once, so the first of them can stand before the `audit.resume` record.
    ///
    /// # Errors
    ///
    /// `Timeout` where the records did not become durable in time: they are on their way, and the pauses have ended
    /// nevertheless. Otherwise as [`pause_part`](Self::pause_part).
    pub fn resume(&self) -> Result<u64> {
        self.resume_some(None)
    }

    /// As [`resume`](Self::resume), for the pause of this part alone.
    ///
    /// # Errors
    ///
    /// As [`resume`](Self::resume).
    pub fn resume_part(&self, part: &Part) -> Result<u64> {
        self.resume_some(Some(part))
    }

    /// The parts that are paused now.
    #[must_use]
    pub fn paused(&self) -> Vec<Part> {
        self.inner().map_or_else(Vec::new, |inner| inner.capture.paused())
    }

    fn resume_some(&self, part: Option<&Part>) -> Result<u64> {
        let Some(inner) = self.inner() else {
            return Ok(0);
        };
        inner.may_ask()?;
        let by = inner.actor();
        let mut left_out = 0;
        let mut noted = Vec::new();
        inner.capture.resume(part, |pause| {
            left_out += pause.left_out;
            noted.push(inner.note(control::resume(pause, "resume", by.clone())));
        });
        for ticket in noted {
            let ticket = ticket?;
            inner.wait_for_note(&ticket, "resume")?;
        }
        Ok(left_out)
    }
}

impl Inner {
    /// Ends the pauses of a trail that notes its end; `cause` says why it does.
    pub(super) fn end_pauses(&self, cause: &str) {
        let note = |pause: &crate::capture::Pause| {
            let _ = self.note(control::resume(pause, cause, None));
        };
        if cause == SHUTDOWN {
            self.capture.end_pauses(note);
        } else {
            self.capture.resume(None, note);
        }
    }

    /// Who acts here; nobody, where a value is just being recorded.
    fn actor(&self) -> Option<String> {
        let is_known = !crate::capture::is_recording();
        is_known.then(|| self.capture.actor_here()).flatten()
    }

    /// Has the writer write a control record behind everything that was submitted before.
    fn note(&self, record: Record) -> Result<Arc<Ticket<Receipt>>> {
        let (promise, ticket) = Ticket::new();
        let main = self.streams.main();
        main.commands
            .send(Command::Note(Box::new(record), promise))
            .map_err(|_| ended())?;
        main.inbox.queue.signal().notify();
        Ok(ticket)
    }

    fn wait_for_note(&self, ticket: &Ticket<Receipt>, what: &str) -> Result<()> {
        let deadline = crate::clock::deadline(self.inbox().patience.commit);
        match ticket.wait(deadline) {
            Some(Answer::Given(answer)) => answer.map(drop),
            Some(Answer::Abandoned) => Err(closed()),
            None => Err(late(what)),
        }
    }
}

/// The cause of what ends with the trail.
pub(super) const SHUTDOWN: &str = "shutdown";

fn closed() -> Error {
    let message = "the audit trail was shut down, or ends; it cannot be paused or resumed any more";
    Error::new(ErrorKind::Closed, message)
}

fn late(what: &str) -> Error {
    let message = format!("the `audit.{what}` record was not durable in time; check the disk");
    Error::new(ErrorKind::Timeout, message)
}

impl Writer {
    /// Writes control records that callers asked for, each behind the records that were submitted before.
    pub(super) fn note_asked(&mut self) {
        if self.state.retry.is_some() {
            return;
        }
        while let Some((target, record, promise)) = self.state.noting.pop_front() {
            if self.state.popped < target && self.inbox.queue.used().records > 0 {
                return self.state.noting.push_front((target, record, promise));
            }
            if self.state.phase == Phase::Resting {
                self.open("a record of its own after the end");
            }
            self.noted(&record, promise);
        }
    }

    fn noted(&mut self, record: &Record, promise: Promise<Receipt>) {
        let seq = self.seq;
        let id = self.control(record);
        let placed = Placed {
            id,
            stream: Arc::clone(&self.stream),
            seq,
            observed_at: self.observed_at,
            leaf: None,
        };
        self.state.waiting.push((promise, placed));
    }
}
