//! Tickets: how a caller waits for what the writer does with one record, or with all records so far.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use crate::error::Result;
use crate::format::Hash;
use crate::memory;

/// How far a record has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// On disk: fdatasync has confirmed it.
    Durable,
    /// Accepted by every sink, where there is no journal: none of them refused or missed this record, and each could
    /// flush.
    Delivered,
    /// Not written, because its level is below its family's floor.
    BelowLevel,
    /// Not written, because a pause covers it: see [`Audit::pause`](crate::Audit::pause).
    Paused,
    /// Not written, because the trail is configured off.
    Disabled,
}

/// What became of a record that was emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub(super) state: State,
    pub(super) place: Option<Placed>,
}

/// Where the record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) id: Uuid,
    pub(super) stream: Arc<str>,
    pub(super) seq: u64,
    pub(super) observed_at: u64,
    pub(super) leaf: Option<Hash>,
}

impl Receipt {
    pub(super) fn unwritten(state: State) -> Self {
        Self { state, place: None }
    }

    /// How far the record has come.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The record's id; `None` where it was not written.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        self.place.as_ref().map(|place| place.id)
    }

    /// The stream that the record stands in.
    #[must_use]
    pub fn stream(&self) -> Option<&str> {
        self.place.as_ref().map(|place| &*place.stream)
    }

    /// The record's place in its stream.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.place.as_ref().map(|place| place.seq)
    }

    /// The hash of the record's line, which is leaf number [`Self::seq`] of the stream's Merkle tree; `None` where the
    /// trail is not sealed, or the record was not written. Kept elsewhere, it proves that the record has not changed.
    #[must_use]
    pub fn leaf(&self) -> Option<Hash> {
        self.place.as_ref().and_then(|place| place.leaf)
    }

    /// When the writer took the record, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn observed_at(&self) -> Option<u64> {
        self.place.as_ref().map(|place| place.observed_at)
    }
}

/// Where one thread or task waits for an answer that another gives, once, through a [`Promise`].
pub(super) struct Ticket<T> {
    slot: Mutex<Slot<T>>,
    answered: Condvar,
}

struct Slot<T> {
    answer: Option<Answer<T>>,
    /// There was an answer; who waited may have taken it.
    is_settled: bool,
    waker: Option<Waker>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            answer: None,
            is_settled: false,
            waker: None,
        }
    }
}

/// What became of a promise.
#[derive(Debug)]
pub(super) enum Answer<T> {
    Given(Result<T>),
    /// Whoever could have answered is gone: the writer has ended, or it panicked.
    Abandoned,
}

/// The other end of a [`Ticket`]. Dropped without an answer, in whatever way, it says so: nobody waits for an answer that
/// cannot come.
/// As small as a pointer, with room for `None`: every frame in the queue has a place for one.
pub(super) struct Promise<T>(Arc<Ticket<T>>);

impl<T> std::fmt::Debug for Ticket<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("is_settled", &self.slot.lock().is_settled)
            .finish_non_exhaustive()
    }
}

impl<T> std::fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Promise").finish_non_exhaustive()
    }
}

impl<T> Promise<T> {
    /// Gives the answer.
    pub(super) fn answer(self, answer: Result<T>) {
        self.0.settle(Answer::Given(answer));
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.0.settle(Answer::Abandoned);
    }
}

impl<T> Ticket<T> {
    pub(super) fn new() -> (Promise<T>, Arc<Self>) {
        let ticket = Arc::new(Self {
            slot: Mutex::new(Slot::default()),
            answered: Condvar::new(),
        });
        (Promise(Arc::clone(&ticket)), ticket)
    }

    /// The first answer holds.
    fn settle(&self, answer: Answer<T>) {
        let mut slot = self.slot.lock();
        if std::mem::replace(&mut slot.is_settled, true) {
            return;
        }
        slot.answer = Some(answer);
        let waker = slot.waker.take();
        self.answered.notify_all();
        drop(slot);
        if let Some(waker) = waker {
            // The runtime's code, which must not end the writer, nor abort the process where a panic drops the promise.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    /// Waits for the answer; `None` where it has not come by the deadline.
    pub(super) fn wait(&self, deadline: Instant) -> Option<Answer<T>> {
        let mut slot = self.slot.lock();
        while slot.answer.is_none() {
            if self.answered.wait_until(&mut slot, deadline).timed_out() {
                break;
            }
        }
        slot.answer.take()
    }

    /// The answer if it is there; otherwise `waker` is woken when it comes.
    pub(super) fn poll(&self, waker: &Waker) -> Option<Answer<T>> {
        let mut slot = self.slot.lock();
        let answer = slot.answer.take();
        if answer.is_none() {
            slot.waker = Some(waker.clone());
        }
        answer
    }
}

thread_local! {
    /// The tickets that this thread waited with last, the newest one first, for the next time. Who has answered the newest
    /// may still be about to let go of it; of the one before, it has.
    static SPARES: [Cell<Option<Arc<Ticket<Receipt>>>>; 2] = const { [const { Cell::new(None) }; 2] };
}

impl Ticket<Receipt> {
    /// As [`Self::new`], for a record; `None` where there is no memory for it.
    pub(super) fn of_record() -> Option<(Promise<Receipt>, Arc<Self>)> {
        let spare = SPARES.try_with(|[_, older]| older.take()).ok().flatten();
        if let Some(mut ticket) = spare
            && let Some(unshared) = Arc::get_mut(&mut ticket)
        {
            *unshared.slot.get_mut() = Slot::default();
            return Some((Promise(Arc::clone(&ticket)), ticket));
        }
        memory::is_there(size_of::<Self>() + COUNTS).then(Self::new)
    }

    /// Keeps the ticket for a later record of this thread.
    pub(super) fn keep(ticket: &Arc<Self>) {
        let _ = SPARES.try_with(|[newest, older]| older.set(newest.replace(Some(Arc::clone(ticket)))));
    }
}

/// What an `Arc` holds beside its value.
const COUNTS: usize = 2 * size_of::<usize>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_as_small_as_a_pointer_and_so_is_its_absence() {
        assert_eq!(size_of::<Option<Promise<Receipt>>>(), size_of::<usize>());
    }

    #[test]
    fn the_first_answer_holds_and_a_dropped_promise_is_one() {
        let far = crate::clock::deadline(std::time::Duration::MAX);
        let (promise, ticket) = Ticket::new();
        promise.answer(Ok(7));
        assert!(matches!(ticket.wait(far), Some(Answer::Given(Ok(7)))));
        // It was taken, and the end of the promise is no second one.
        assert!(ticket.wait(Instant::now()).is_none());
        let (promise, ticket) = Ticket::<u8>::new();
        drop(promise);
        assert!(matches!(ticket.wait(far), Some(Answer::Abandoned)));
    }

    #[test]
    fn a_thread_waits_with_its_tickets_again_and_never_finds_an_old_answer() {
        let used = || {
            let (promise, ticket) = Ticket::of_record().unwrap();
            let is_fresh = ticket.wait(Instant::now()).is_none();
            Ticket::keep(&ticket);
            (promise, Arc::as_ptr(&ticket), is_fresh)
        };
        let answered = || {
            let (promise, ticket, is_fresh) = used();
            promise.answer(Ok(Receipt::unwritten(State::Paused)));
            (ticket, is_fresh)
        };
        let (first, second) = (answered(), answered());
        assert!(first.1 && second.1 && first.0 != second.0);
        assert_eq!([answered(), answered()], [first, second]);
        // Somebody can still answer by the first one.
        let (promise, ticket, _) = used();
        assert_eq!((ticket, answered()), (first.0, second));
        assert_ne!(answered().0, first.0);
        drop(promise);
    }
}
