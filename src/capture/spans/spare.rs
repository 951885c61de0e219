//! States of closed spans, for the spans that open next: a warm table allocates nothing.

use std::cell::Cell;

use crossbeam_queue::ArrayQueue;

use super::super::span_state::SpanState;
use crate::memory;

/// Spare states that a thread keeps beside the one in its hand. Others go to the reserve.
const SPARE: usize = 8;

/// States that are made beforehand, for threads that have none.
const RESERVE: usize = 64;

thread_local! {
    /// The state that was given back last on this thread, for the span that it opens next. Empty states are alike, so all
    /// tables share them.
    static HAND: Cell<Option<Box<SpanState>>> = const { Cell::new(None) };
    /// More of them, where spans that become records are closed together.
    static SPARES: [Cell<Option<Box<SpanState>>>; SPARE] = const { [const { Cell::new(None) }; SPARE] };
}

/// A table's own spare states.
pub(super) struct Reserve(ArrayQueue<Box<SpanState>>);

impl Reserve {
    pub(super) fn new() -> Self {
        let reserve = ArrayQueue::new(RESERVE);
        for _ in 0..RESERVE {
            let _ = reserve.push(Box::new(SpanState::new()));
        }
        Self(reserve)
    }

    /// An empty state; `None` where there is no memory for one.
    #[inline]
    pub(super) fn take(&self) -> Option<Box<SpanState>> {
        match HAND.try_with(Cell::take) {
            Ok(Some(state)) => Some(state),
            _ => self.take_another(),
        }
    }

    /// `None` where there is no memory for one.
    #[cold]
    fn take_another(&self) -> Option<Box<SpanState>> {
        let spare = SPARES.try_with(|spares| spares.iter().find_map(Cell::take));
        let found = spare.ok().flatten().or_else(|| self.0.pop());
        if found.is_none() && !memory::is_there(SpanState::WEIGHT) {
            return None;
        }
        Some(found.unwrap_or_else(|| Box::new(SpanState::new())))
    }

    /// Keeps an empty state for the next span of this thread.
    #[inline]
    pub(super) fn put(&self, state: Box<SpanState>) {
        // Where the thread's locals are gone already, the state goes with them.
        if let Ok(Some(before)) = HAND.try_with(|hand| hand.replace(Some(state))) {
            self.put_away(before);
        }
    }

    #[cold]
    fn put_away(&self, state: Box<SpanState>) {
        let mut state = Some(state);
        let _ = SPARES.try_with(|spares| {
            // Each takes what is carried and gives what it held, until one held nothing.
            for spare in spares {
                state = spare.replace(state.take());
                if state.is_none() {
                    break;
                }
            }
        });
        if let Some(state) = state {
            let _ = self.0.push(state);
        }
    }
}
