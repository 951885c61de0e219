//! The direct door: records that the application hands over as values, with an answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::commands::ended;
use super::handle::{Audit, Inner};
use super::inbox::{Inbox, Item};
use super::prepare::{Prepared, Rank};
use super::ticket::{Answer, Receipt, State, Ticket};
use crate::capture::{CurrentContext, Loss, Outlet as _, Route};
use crate::config::Mode;
use crate::error::{Error, ErrorKind, Result};
use crate::queue::{Lane, Refused};
use crate::record::{Record, Slot};
use crate::redact::Redacted;

/// Takes records as values. For code that must know what became of a record, and for tests.
///
/// Three are here: [`NoopEmitter`], which keeps nothing; [`testing::MemoryEmitter`](crate::testing::MemoryEmitter), whose
/// records a test can look at; and [`Audit`], which is the buffered one, over the journal or over any
/// [`Sink`](crate::sink::Sink):
///
/// - [`AuditBuilder::queue_records`](crate::AuditBuilder::queue_records) is the size of its buffer, by default 8,192
///   records. A quarter of it is kept for records whose callers wait. Without a journal up to 64 batches more wait for each sink.
/// - [`submit`](Emitter::submit) never waits: where the buffer is full, the caller is told, and the refusal is counted.
/// - What is in the buffer is stored without anybody asking for it: within 50 ms, and at once where it is a quarter full.
/// - [`Audit::flush`] stores everything that was submitted before it, and the emitter goes on.
/// - [`Audit::shutdown`] stores everything and ends it. Later records are refused and counted; a later flush answers how
///   the end was. Nothing panics, and nothing waits for ever.
///
/// ```
/// use std::time::Duration;
/// use tracing_audit::record::Record;
/// use tracing_audit::sink::MemorySink;
/// use tracing_audit::{Audit, Emitter, ErrorKind, Submitted};
///
/// # fn main() -> tracing_audit::Result<()> {
/// let store = MemorySink::new(); // or a sink of your own
/// let audit = Audit::builder().without_journal().sink(store.clone()).queue_records(1_000).start()?;
/// let emitter: &dyn Emitter = &audit;
/// assert_eq!(emitter.submit(Record::builder("tool.start").build())?, Submitted::Queued);
/// audit.flush(Duration::from_secs(5))?;
/// assert!(store.records().iter().any(|record| record.event() == "tool.start"));
/// audit.shutdown(Duration::from_secs(5))?;
/// let late = emitter.submit(Record::builder("tool.start").build());
/// assert_eq!(late.unwrap_err().kind(), ErrorKind::Closed);
/// # Ok(())
/// # }
/// ```
pub trait Emitter: Send + Sync {
    /// Hands a record over and waits for the strongest state that the set-up has: durable with a journal, delivered
    /// to every sink without one.
    ///
    /// # Errors
    ///
    /// The record was not taken (`Full`, `Closed`, `Refused`, `Reentrant`, `Forked`, `Memory`), or its state did not become
    /// known in time (`Timeout`): then it is still on its way.
    fn emit(&self, record: Record) -> Result<Receipt>;

    /// Hands a record over and never waits.
    ///
    /// # Errors
    ///
    /// The record was not taken.
    fn submit(&self, record: Record) -> Result<Submitted>;
}

/// What became of a record that was submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Submitted {
    /// It waits for the writer.
    Queued,
    /// It is left out, because its level is below its family's floor.
    BelowLevel,
    /// It is left out, because a pause covers it: see [`Audit::pause`].
    Paused,
    /// It is left out, because the trail is configured off.
    Disabled,
}

/// Takes every record and keeps none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopEmitter;

impl Emitter for NoopEmitter {
    fn emit(&self, _: Record) -> Result<Receipt> {
        Ok(Receipt::unwritten(State::Disabled))
    }

    fn submit(&self, _: Record) -> Result<Submitted> {
        Ok(Submitted::Disabled)
    }
}

impl Emitter for Audit {
    fn emit(&self, record: Record) -> Result<Receipt> {
        Audit::emit(self, record)
    }

    fn submit(&self, record: Record) -> Result<Submitted> {
        Audit::submit(self, record)
    }
}

impl Audit {
    /// Hands a record, or a typed event, over and waits until it is durable, or delivered to every sink where there is no journal.
    ///
    /// # Errors
    ///
    /// The record was not taken (`Full`, `Closed`, `Refused`, `Reentrant`, `Forked`, `Memory`), or its state did not become
    /// known in time (`Timeout`): then it is still on its way. `Sink` where there is no journal and a sink refused or
    /// missed this record, or could not flush; the message names the sink. `Closed` also where the trail ended first.
    pub fn emit(&self, record: impl Into<Record>) -> Result<Receipt> {
        self.emit_record(&record.into())
    }

    fn emit_record(&self, record: &Record) -> Result<Receipt> {
        let Some(inner) = self.inner() else {
            return Ok(Receipt::unwritten(State::Disabled));
        };
        let (frame, mode, category) = match inner.prepare(record, Rank::Usual)? {
            Prepared::Frame(frame, mode, category) => (frame, mode, category),
            Prepared::BelowLevel => return Ok(Receipt::unwritten(State::BelowLevel)),
            Prepared::Paused => return Ok(Receipt::unwritten(State::Paused)),
        };
        let route = Route {
            mode: if mode == Mode::Lossy { mode } else { Mode::Durable },
            category: &category,
        };
        let handed = inner.hand_over(frame, route)?;
        handed.wait().map(|receipt| with_id(receipt, own_id(record)))
    }

    /// Hands a record, or a typed event, over and never waits.
    ///
    /// # Errors
    ///
    /// The record was not taken.
    pub fn submit(&self, record: impl Into<Record>) -> Result<Submitted> {
        self.submit_record(&record.into())
    }

    fn submit_record(&self, record: &Record) -> Result<Submitted> {
        let Some(inner) = self.inner() else {
            return Ok(Submitted::Disabled);
        };
        match inner.prepare(record, Rank::Usual)? {
            Prepared::BelowLevel => Ok(Submitted::BelowLevel),
            Prepared::Paused => Ok(Submitted::Paused),
            Prepared::Frame(frame, _, category) => {
                let route = Route {
                    mode: Mode::Lossy,
                    category: &category,
                };
                let inbox = &inner.streams.of(frame.bytes()).inbox;
                let pushed = inbox.push(Item { frame, promise: None }, route);
                pushed.map_err(|(item, loss)| inbox.rejected(Some(item), loss))?;
                Ok(Submitted::Queued)
            }
        }
    }

    /// As [`Audit::emit`], without blocking the thread: the task is woken when the answer is there.
    ///
    /// Dropped before its first poll, or while it waits for room, the record is not submitted; dropped later, it is
    /// still written.
    pub fn emit_async(&self, record: impl Into<Record>) -> EmitFuture {
        self.emit_later(record.into(), Rank::Usual, None)
    }

    /// The answer for a record that could not be made.
    pub(super) fn emit_without_memory(&self) -> EmitFuture {
        let mut future = self.emit_later(Record::default(), Rank::Usual, None);
        future.step = Step::NoMemory;
        future
    }

    /// `context` is what the record inherits; `None` = what is there at the first poll.
    pub(super) fn emit_later(
        &self,
        record: Record,
        rank: Rank,
        context: Option<CurrentContext>,
    ) -> EmitFuture {
        EmitFuture {
            audit: self.clone(),
            step: Step::New(record),
            own_id: None,
            rank,
            context,
            stream: 0,
            is_submitted: false,
        }
    }
}

/// The answer to [`Audit::emit_async`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled: the record is not submitted"]
pub struct EmitFuture {
    audit: Audit,
    step: Step,
    own_id: Option<uuid::Uuid>,
    rank: Rank,
    context: Option<CurrentContext>,
    /// The number of the record's stream, once it is known.
    stream: usize,
    is_submitted: bool,
}

impl EmitFuture {
    /// Whether the record has got its room in the queue.
    pub(super) fn is_submitted(&self) -> bool {
        self.is_submitted
    }
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "frames travel by value; a box would be one more allocation"
)]
enum Step {
    New(Record),
    NoMemory,
    Waiting(Item, Arc<Ticket<Receipt>>),
    Queued(Arc<Ticket<Receipt>>),
    Done,
}

impl Future for EmitFuture {
    type Output = Result<Receipt>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(inner) = this.audit.inner() else {
            this.step = Step::Done;
            return Poll::Ready(Ok(Receipt::unwritten(State::Disabled)));
        };
        let own_id = &mut this.own_id;
        loop {
            let next = match std::mem::replace(&mut this.step, Step::Done) {
                Step::New(record) => {
                    *own_id = self::own_id(&record);
                    let step = || first_step(inner, &record, this.rank);
                    match this.context.take() {
                        Some(context) => context.sync_scope(step),
                        None => step(),
                    }
                }
                Step::NoMemory => Next::Answer(Err(inner.inbox().rejected(None, Loss::Memory))),
                Step::Waiting(item, ticket) => {
                    this.stream = inner.streams.number_of(item.frame.bytes());
                    enqueue(&inner.streams.get(this.stream).inbox, item, ticket, context)
                }
                Step::Queued(ticket) => match ticket.poll(context.waker()) {
                    Some(Answer::Given(answer)) => {
                        Ticket::keep(&ticket);
                        Next::Answer(answer.map(|receipt| with_id(receipt, *own_id)))
                    }
                    Some(Answer::Abandoned) => Next::Answer(Err(ended())),
                    None if inner.streams.get(this.stream).inbox.has_ended() => {
                        // It may stand behind the writer's last look at the queue: nobody would wake this task.
                        inner.streams.get(this.stream).inbox.give_up_queued();
                        Next::Answer(Err(ended()))
                    }
                    None => Next::Wait(Step::Queued(ticket)),
                },
                Step::Done => {
                    let message = "the answer was taken already; do not poll a finished future";
                    Next::Answer(Err(Error::new(ErrorKind::Reentrant, message)))
                }
            };
            match next {
                Next::Go(step) => {
                    this.is_submitted |= matches!(step, Step::Queued(_));
                    this.step = step;
                }
                Next::Wait(step) => {
                    this.step = step;
                    return Poll::Pending;
                }
                Next::Answer(answer) => return Poll::Ready(answer),
            }
        }
    }
}

/// What follows a step.
enum Next {
    Go(Step),
    Wait(Step),
    Answer(Result<Receipt>),
}

fn first_step(inner: &Inner, record: &Record, rank: Rank) -> Next {
    match inner.prepare(record, rank) {
        Err(error) => Next::Answer(Err(error)),
        Ok(Prepared::BelowLevel) => Next::Answer(Ok(Receipt::unwritten(State::BelowLevel))),
        Ok(Prepared::Paused) => Next::Answer(Ok(Receipt::unwritten(State::Paused))),
        Ok(Prepared::Frame(frame, ..)) => match Ticket::of_record() {
            Some((promise, ticket)) => {
                let promise = Some(promise);
                Next::Go(Step::Waiting(Item { frame, promise }, ticket))
            }
            None => {
                inner.inbox().recycle(frame.into_buffer());
                Next::Answer(Err(inner.inbox().rejected(None, Loss::Memory)))
            }
        },
    }
}

fn enqueue(inbox: &Inbox, item: Item, ticket: Arc<Ticket<Receipt>>, context: &Context<'_>) -> Next {
    let bytes = item.frame.capacity();
    match inbox
        .queue
        .poll_push(item, bytes, Lane::Reserved, context.waker())
    {
        Ok(()) => {
            inbox.queue.signal().notify();
            Next::Go(Step::Queued(ticket))
        }
        Err(Refused::Full(item) | Refused::Tripped(item)) => Next::Wait(Step::Waiting(item, ticket)),
        Err(Refused::Closed(item)) => Next::Answer(Err(inbox.rejected(Some(item), Loss::Closed))),
    }
}

impl Drop for EmitFuture {
    fn drop(&mut self) {
        // A record that never got room was not submitted; its buffer goes back.
        if let (Step::Waiting(item, _), Some(inner)) =
            (std::mem::replace(&mut self.step, Step::Done), self.audit.inner())
        {
            inner.inbox().recycle(item.frame.into_buffer());
        }
    }
}

/// A record that is on its way, and where.
pub(super) struct Handed<'i> {
    inbox: &'i Inbox,
    ticket: Arc<Ticket<Receipt>>,
}

impl Handed<'_> {
    pub(super) fn wait(&self) -> Result<Receipt> {
        let deadline = crate::clock::deadline(self.inbox.patience.commit);
        let answer = self.ticket.wait(deadline);
        Ticket::keep(&self.ticket);
        match answer {
            Some(Answer::Given(answer)) => answer,
            Some(Answer::Abandoned) => Err(ended()),
            None => Err(unknown_state(self.inbox)),
        }
    }
}

impl Inner {
    /// Puts a frame into the queue with somebody who waits for it.
    pub(super) fn hand_over(&self, frame: Redacted, route: Route<'_>) -> Result<Handed<'_>> {
        let inbox = &self.streams.of(frame.bytes()).inbox;
        let Some((promise, ticket)) = Ticket::of_record() else {
            inbox.recycle(frame.into_buffer());
            return Err(inbox.rejected(None, Loss::Memory));
        };
        let item = Item {
            frame,
            promise: Some(promise),
        };
        let pushed = inbox.push(item, route);
        pushed.map_err(|(item, loss)| inbox.rejected(Some(item), loss))?;
        inbox.queue.signal().notify();
        Ok(Handed { inbox, ticket })
    }
}

fn own_id(record: &Record) -> Option<uuid::Uuid> {
    record
        .text(Slot::Id)
        .and_then(|id| uuid::Uuid::try_parse(id).ok())
}

fn with_id(mut receipt: Receipt, id: Option<uuid::Uuid>) -> Receipt {
    if let (Some(place), Some(id)) = (&mut receipt.place, id) {
        place.id = id;
    }
    receipt
}

fn unknown_state(inbox: &Inbox) -> Error {
    let waiting = inbox.queue.used().records;
    let waited = inbox.patience.commit;
    let message = format!(
        "the record is queued but not durable after {waited:?}; {waiting} records wait. Check the disk, or the sinks where \
         there is no journal"
    );
    Error::new(ErrorKind::Timeout, message)
}
