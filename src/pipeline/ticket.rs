//! Tickets: how a caller waits for what the writer does with one record, or with all records so far.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use crate::error::Result;

/// How far a record has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// On disk: fdatasync has confirmed it.
    Durable,
    /// Accepted by every sink, where there is no journal.
    Delivered,
    /// Not written, because its level is below its family's floor.
    BelowLevel,
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

    /// When the writer took the record, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn observed_at(&self) -> Option<u64> {
        self.place.as_ref().map(|place| place.observed_at)
    }
}

/// An answer that one thread or task waits for and another gives, once.
#[derive(Debug)]
pub(super) struct Ticket<T> {
    slot: Mutex<Slot<T>>,
    answered: Condvar,
}

struct Slot<T> {
    answer: Option<Result<T>>,
    waker: Option<Waker>,
    then: Option<Then>,
}

/// Called with whether the answer is good.
type Then = Box<dyn FnOnce(bool) + Send>;

impl<T> std::fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot")
            .field("is_answered", &self.answer.is_some())
            .finish_non_exhaustive()
    }
}

impl<T> Ticket<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            slot: Mutex::new(Slot {
                answer: None,
                waker: None,
                then: None,
            }),
            answered: Condvar::new(),
        })
    }

    /// Gives the answer. A second one is ignored.
    pub(super) fn answer(&self, answer: Result<T>) {
        let mut slot = self.slot.lock();
        if slot.answer.is_none() {
            slot.answer = Some(answer);
        }
        let is_good = slot.answer.as_ref().is_some_and(Result::is_ok);
        let (waker, then) = (slot.waker.take(), slot.then.take());
        self.answered.notify_all();
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
        if let Some(then) = then {
            then(is_good);
        }
    }

    /// Calls `then` on the thread that gives the answer. To be said before anybody can give it.
    pub(super) fn then(&self, then: impl FnOnce(bool) + Send + 'static) {
        self.slot.lock().then = Some(Box::new(then));
    }

    /// Waits for the answer; `None` where it has not come by the deadline.
    pub(super) fn wait(&self, deadline: Instant) -> Option<Result<T>> {
        let mut slot = self.slot.lock();
        while slot.answer.is_none() {
            if self.answered.wait_until(&mut slot, deadline).timed_out() {
                break;
            }
        }
        slot.answer.take()
    }

    /// As [`Self::wait`], but gives up when nobody is left who could answer.
    pub(super) fn wait_unless_alone(
        &self,
        deadline: Instant,
        is_alone: impl Fn() -> bool,
    ) -> Option<Result<T>> {
        loop {
            let now = Instant::now();
            let step = deadline.min(now + Duration::from_millis(20));
            // Asked before the wait: an answer that came before the end is seen after it.
            let was_alone = is_alone();
            if let Some(answer) = self.wait(step) {
                return Some(answer);
            }
            if was_alone || now >= deadline {
                return None;
            }
        }
    }

    /// The answer if it is there; otherwise `waker` is woken when it comes.
    pub(super) fn poll(&self, waker: &Waker) -> Option<Result<T>> {
        let mut slot = self.slot.lock();
        let answer = slot.answer.take();
        if answer.is_none() {
            slot.waker = Some(waker.clone());
        }
        answer
    }
}
