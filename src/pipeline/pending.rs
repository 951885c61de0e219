//! Actions that must not be done unless they are on record: the intent first, durable, then what came of it.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::emit::EmitFuture;
use super::handle::{Audit, Inner};
use super::inbox::Item;
use super::prepare::{Prepared, Rank};
use super::ticket::{Receipt, State};
use crate::capture::{CurrentContext, Loss, Outlet, Route};
use crate::config::Mode;
use crate::error::{Error, Result};
use crate::record::{Record, RecordBuilder, Slot, Value};

impl Audit {
    /// Writes that something is about to be done, and answers when that is durable (delivered to every sink, where there is no
    /// journal): for actions that must not be done where they cannot be on record. What came of it is a second record, under
    /// the same `execution_id`, written by what this gives back.
    ///
    /// The first record, the *intent*, has the phase `start` and the outcome `pending`. It is written in mode
    /// [`Durable`](Mode::Durable), and no floor and no pause leaves it out. Both records have the actor, the ids and the
    /// other context of the place where this is called. An intent without an outcome, because the process was killed, is shown
    /// as `unknown` by `tracing-audit show`, and keeps a window from being [complete](crate::store::completeness).
    ///
    /// ```
    /// use tracing_audit::record::Record;
    /// # use tracing_audit::sink::MemorySink;
    /// # fn transfer(_: u64) -> Result<u64, std::io::Error> { Ok(7) }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sink = MemorySink::new();
    /// # let audit = tracing_audit::Audit::builder().memory(&sink).start()?;
    /// let intent = Record::builder("billing.transfer").actor("user", "u-17").resource("account", "4");
    /// let pending = audit.begin(intent.build())?; // where this is an error, nothing is transferred
    /// match transfer(4) {
    ///     Ok(number) => pending.finish_with(|outcome| outcome.outcome("success").attribute("number", number))?,
    ///     Err(error) => pending.failure(&error)?,
    /// };
    /// # audit.shutdown(std::time::Duration::from_secs(5))?;
    /// # let told = sink.records();
    /// # assert_eq!(told.iter().filter(|record| record.event() == "billing.transfer").count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Where the trail is configured off, nothing is written, and this answers `Ok`.
    ///
    /// # Errors
    ///
    /// The action must not be done. As [`emit`](Self::emit); where the intent may have been written nevertheless
    /// (`Timeout`, `Io`, `Sink`), an outcome `failure` with the reason code `not_begun` follows it, if it can.
    pub fn begin(&self, intent: impl Into<Record>) -> Result<Pending> {
        let Some(open) = Open::of(self, intent.into()) else {
            return Ok(Pending::unwritten());
        };
        let Some(inner) = self.inner() else {
            return Ok(Pending::unwritten());
        };
        let (frame, category) = inner.prepare_mandatory(&open.intent)?;
        let route = Route {
            mode: Mode::Durable,
            category: &category,
        };
        match inner.hand_over(frame, route)?.wait() {
            Ok(receipt) => Ok(Pending {
                open: Some(open),
                receipt,
            }),
            Err(error) => {
                open.leave("failure", "not_begun");
                Err(error)
            }
        }
    }

    /// As [`begin`](Self::begin), without blocking the thread. It waits for room and for the disk as long as it is polled.
    ///
    /// Dropped before the intent has room in the queue, nothing is written; dropped later, the outcome `failure` with the reason
    /// code `not_begun` follows the intent.
    pub fn begin_async(&self, intent: impl Into<Record>) -> BeginFuture {
        let intent = intent.into();
        let open = Open::of(self, intent.clone());
        let (intent, context) = match &open {
            Some(open) => (open.intent.clone(), Some(open.context.clone())),
            None => (intent, None),
        };
        BeginFuture {
            emit: self.emit_later(intent, Rank::Mandatory, context),
            open,
        }
    }
}

/// An action that may be done, for its intent is on record: see [`Audit::begin`]. Say what came of it by one of its methods.
///
/// Dropped without that, it writes the outcome `unknown` with the reason code `not_reported`, or `panic` where a panic drops it;
/// it then waits for room in the queue, as mode [`Bounded`](Mode::Bounded) does, and not for the disk.
#[derive(Debug)]
#[must_use = "dropped at once, it says that nobody knows what came of the action"]
pub struct Pending {
    open: Option<Open>,
    receipt: Receipt,
}

impl Pending {
    fn unwritten() -> Self {
        Self {
            open: None,
            receipt: Receipt::unwritten(State::Disabled),
        }
    }

    /// The receipt of the intent.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// What ties the outcome to the intent: the intent's own `execution_id`, or one that was drawn for it. `None` where the
    /// trail is off.
    #[must_use]
    pub fn execution_id(&self) -> Option<&str> {
        self.open.as_ref()?.intent.text(Slot::ExecutionId)
    }

    /// It was done. Returns when that is durable.
    ///
    /// # Errors
    ///
    /// As [`Audit::emit`]. The action has been done nevertheless; where the outcome was not taken, the trail shows it as
    /// `unknown`.
    pub fn success(self) -> Result<Receipt> {
        self.finish_with(|outcome| outcome.outcome("success"))
    }

    /// It failed.
    ///
    /// # Errors
    ///
    /// As [`success`](Self::success).
    pub fn failure(self, error: &(dyn StdError + 'static)) -> Result<Receipt> {
        self.finish_with(|outcome| outcome.outcome("failure").error(error))
    }

    /// It was not allowed.
    ///
    /// # Errors
    ///
    /// As [`success`](Self::success).
    pub fn denied(self, reason: impl Into<String>) -> Result<Receipt> {
        self.finish_with(|outcome| outcome.outcome("denied").reason(reason))
    }

    /// What came of it, as a record of its own: another typed event, for instance. What it does not say itself of event,
    /// action, category, actor and resource it takes from the intent; of an intent that is a typed event only the names, because
    /// the classes that its type states would not come along. Without an outcome it is `unknown`, `not_reported`.
    ///
    /// # Errors
    ///
    /// As [`success`](Self::success).
    pub fn finish(mut self, outcome: impl Into<Record>) -> Result<Receipt> {
        let Some(open) = &self.open else {
            return Ok(self.receipt.clone());
        };
        let mut outcome = outcome.into();
        open.complete(&mut outcome);
        self.conclude(&outcome)
    }

    /// What came of it: everything that the intent says, and what the closure adds to it or says otherwise.
    ///
    /// # Errors
    ///
    /// As [`success`](Self::success).
    pub fn finish_with(mut self, fill: impl FnOnce(RecordBuilder) -> RecordBuilder) -> Result<Receipt> {
        let Some(open) = &self.open else {
            return Ok(self.receipt.clone());
        };
        // The closure may panic: until it has returned, nothing is concluded.
        match open.outcome(fill) {
            Some(outcome) => self.conclude(&outcome),
            None => {
                let open = self.open.take();
                let inner = open.as_ref().and_then(|open| open.audit.inner());
                Err(inner.map_or_else(Error::memory, |inner| inner.inbox().rejected(None, Loss::Memory)))
            }
        }
    }

    /// As [`finish_with`](Self::finish_with), without blocking the thread. Dropped before it has room in the queue, no outcome is
    /// written, and the trail shows it as `unknown`.
    pub fn finish_async(mut self, fill: impl FnOnce(RecordBuilder) -> RecordBuilder) -> EmitFuture {
        let outcome = self.open.as_ref().and_then(|open| open.outcome(fill));
        let Some(open) = self.open.take() else {
            return Audit::disabled().emit_async(Record::default());
        };
        match outcome {
            Some(outcome) => {
                let context = Some(open.context.clone());
                open.audit.emit_later(outcome, Rank::Mandatory, context)
            }
            None => open.audit.emit_without_memory(),
        }
    }

    fn conclude(&mut self, outcome: &Record) -> Result<Receipt> {
        let Some(open) = self.open.take() else {
            return Ok(self.receipt.clone());
        };
        let Some(inner) = open.audit.inner() else {
            return Ok(self.receipt.clone());
        };
        let (frame, category) = open
            .context
            .clone()
            .sync_scope(|| inner.prepare_mandatory(outcome))?;
        let route = Route {
            mode: Mode::Durable,
            category: &category,
        };
        inner.hand_over(frame, route)?.wait()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let has_panicked = std::thread::panicking() && !open.in_panic;
            open.leave("unknown", if has_panicked { "panic" } else { "not_reported" });
        }
    }
}

/// The answer to [`Audit::begin_async`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled: the intent is not submitted"]
pub struct BeginFuture {
    emit: EmitFuture,
    open: Option<Open>,
}

impl Future for BeginFuture {
    type Output = Result<Pending>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Poll::Ready(answer) = Pin::new(&mut this.emit).poll(context) else {
            return Poll::Pending;
        };
        let open = this.open.take();
        Poll::Ready(match answer {
            Ok(receipt) => Ok(Pending { open, receipt }),
            Err(error) => {
                if let Some(open) = open.filter(|_| this.emit.is_submitted()) {
                    open.leave("failure", "not_begun");
                }
                Err(error)
            }
        })
    }
}

impl Drop for BeginFuture {
    fn drop(&mut self) {
        // Cancelled behind the enqueue: the intent is on its way, and nobody will act on it.
        if let Some(open) = self.open.take().filter(|_| self.emit.is_submitted()) {
            open.leave("failure", "not_begun");
        }
    }
}

/// What an outcome is made of.
#[derive(Debug)]
struct Open {
    audit: Audit,
    intent: Record,
    /// Where the action began: whoever ends it may stand in another context, or in none.
    context: CurrentContext,
    opened: u64,
    /// Whether a panic was under way already.
    in_panic: bool,
}

impl Open {
    /// The intent as it will be written; `None` where the trail is off.
    fn of(audit: &Audit, mut intent: Record) -> Option<Self> {
        let inner = audit.inner()?;
        intent.put(Slot::Phase, Value::from("start"));
        intent.put(Slot::Outcome, Value::from("pending"));
        if intent.get(Slot::ExecutionId).is_none() {
            let id = format!("{:016x}", rand::random::<u64>());
            intent.put(Slot::ExecutionId, Value::from(id));
        }
        Some(Self {
            context: inner.capture.context_here(),
            opened: inner.inbox().clock.monotonic(),
            in_panic: std::thread::panicking(),
            audit: audit.clone(),
            intent,
        })
    }

    /// The intent's record turned into the outcome's; `None` where there is no memory for it.
    fn outcome(&self, fill: impl FnOnce(RecordBuilder) -> RecordBuilder) -> Option<Record> {
        let mut record = self.intent.try_clone()?;
        // These were the intent's own.
        for own in [Slot::Phase, Slot::Outcome, Slot::Time, Slot::Id] {
            record.take(own);
        }
        let mut record = fill(RecordBuilder::over(record)).build();
        self.complete(&mut record);
        Some(record)
    }

    /// Adds what an outcome must say, and does not.
    fn complete(&self, outcome: &mut Record) {
        const NAMES: [Slot; 3] = [Slot::Event, Slot::Action, Slot::Category];
        const WHO_AND_WHAT: [Slot; 4] = [
            Slot::ActorType,
            Slot::ActorId,
            Slot::ResourceType,
            Slot::ResourceId,
        ];
        let mut take_over = |slots: &[Slot]| {
            for &slot in slots {
                // An event without a name has an empty one.
                let is_said = outcome.get(slot).is_some_and(|said| said.as_str() != Some(""));
                if let (false, Some(value)) = (is_said, self.intent.get(slot)) {
                    outcome.put(slot, value.clone());
                }
            }
        };
        take_over(&NAMES);
        if self.intent.meta().is_none() {
            take_over(&WHO_AND_WHAT);
        }
        if let Some(id) = self.intent.get(Slot::ExecutionId) {
            outcome.put(Slot::ExecutionId, id.clone());
        }
        if outcome.get(Slot::DurationNs).is_none()
            && let Some(inner) = self.audit.inner()
        {
            let took = inner.inbox().clock.monotonic().saturating_sub(self.opened);
            outcome.put(Slot::DurationNs, Value::from(took));
        }
        if outcome.get(Slot::Outcome).is_none() {
            outcome.put(Slot::Outcome, Value::from("unknown"));
            outcome.put(Slot::ReasonCode, Value::from("not_reported"));
        }
    }

    /// Writes an outcome for which nobody waits.
    fn leave(self, outcome: &str, why: &str) {
        let Some(inner) = self.audit.inner() else { return };
        match self.outcome(|record| record.outcome(outcome).reason_code(why)) {
            Some(record) => self.context.sync_scope(|| inner.leave(&record)),
            None => {
                let category = self.intent.text(Slot::Category).unwrap_or_default();
                inner.inbox().lost(Loss::Memory, category);
            }
        }
    }
}

impl Inner {
    /// Takes a record through the policy; no rule can leave it out.
    fn prepare_mandatory(&self, record: &Record) -> Result<(crate::redact::Redacted, String)> {
        match self.prepare(record, Rank::Mandatory)? {
            Prepared::Frame(frame, _, category) => Ok((frame, category)),
            Prepared::BelowLevel | Prepared::Paused => Err(Error::new(
                crate::ErrorKind::Refused,
                "the record is mandatory and was left out by a rule; remove the floor or the pause",
            )),
        }
    }

    /// Puts a record into the queue for which nobody waits. What cannot be written is counted, and part of a gap record.
    fn leave(&self, record: &Record) {
        let category = record.text(Slot::Category).unwrap_or_default();
        if self.inbox().is_forked() {
            return self.inbox().lost(Loss::Forked, category);
        }
        if crate::capture::is_recording() {
            return self.inbox().lost(Loss::Reentrant, category);
        }
        // What is refused here was refused and counted by the policy, which the intent has passed.
        let Ok(prepared) = self.try_prepare(record, Rank::Mandatory) else {
            return;
        };
        let Some(Prepared::Frame(frame, _, category)) = prepared else {
            return self.inbox().lost(Loss::Memory, category);
        };
        let route = Route {
            mode: Mode::Durable,
            category: &category,
        };
        let inbox = &self.streams.of(frame.bytes()).inbox;
        if let Err((item, loss)) = inbox.push(Item { frame, promise: None }, route) {
            inbox.recycle(item.frame.into_buffer());
            inbox.lost(loss, &category);
        }
    }
}
