//! Spans in a context of ours: which context each stands in, and the states of those that have one of their own: audit
//! spans, which become records, and ordinary spans that lend fields.
//!
//! One table holds both, so that a span costs one look at it, and not in the registry's extensions: those cost a box per
//! insert, and a lock that user code could meet. A place is found by the registry's slab address, which stands in an id's
//! low bits; a second span for the same place goes to a map. A registry uses its slabs again and again, so the states of
//! closed spans are left where they are, for the next: a warm table allocates nothing.

mod place;
mod spare;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::plan::Plan;
use super::span_state::{HandedDown, SpanState};
use super::tree::Step;
use crate::redact::Lending;
use place::Place;
use spare::Reserve;

/// A power of two.
const PLACES: usize = 4096;

/// Where something is kept of a span: in its place, or in the map.
#[derive(Clone, Copy)]
pub(super) struct Known<'s>(Option<&'s Place>);

/// A span whose place was taken, or which is a step of a call stack.
pub(super) struct Crowded {
    pub(super) tracked: u64,
    pub(super) state: Option<Box<SpanState>>,
    pub(super) step: Option<Step>,
}

/// The live spans that stand in a context, by id.
pub(super) struct Spans {
    /// So many that a number of a place needs no check.
    places: Box<[Place; PLACES]>,
    pub(super) crowded: Mutex<HashMap<u64, Crowded>>,
    pub(super) crowd: AtomicUsize,
    reserve: Reserve,
}

/// Spreads ids of different threads' slabs, whose low bits are alike.
#[inline]
pub(super) fn place(id: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
    let mixed = (id ^ (id >> 38).wrapping_mul(0x9E37)) as usize;
    mixed & (PLACES - 1)
}

/// A table of empty places.
pub(super) fn table<T: Default, const N: usize>() -> Box<[T; N]> {
    let places: Box<[T]> = (0..N).map(|_| T::default()).collect();
    places
        .try_into()
        .unwrap_or_else(|_| unreachable!("it was made in this length"))
}

impl Spans {
    pub(super) fn new() -> Self {
        Self {
            places: table(),
            crowded: Mutex::new(HashMap::new()),
            crowd: AtomicUsize::new(0),
            reserve: Reserve::new(),
        }
    }

    /// An empty state, not yet in the table; `None` where there is no memory for one.
    #[inline]
    pub(super) fn make(&self) -> Option<Box<SpanState>> {
        self.reserve.take()
    }

    /// Remembers a span that stands in the context of `tracked` and has none of its own.
    ///
    /// Only the thread that creates the span calls this and [`Self::insert`], before anybody else has the id: what hands
    /// the span to another thread orders these stores.
    ///
    /// `otherwise` is called where there is no memory for it, here as there: the span stands in no context then.
    #[inline]
    pub(super) fn link(&self, id: u64, tracked: u64, otherwise: impl FnOnce()) {
        let Some(place) = self.places.get(place(id)) else {
            return;
        };
        if !place.link(id, tracked) {
            let (state, step) = (None, None);
            self.crowd(id, Crowded { tracked, state, step }, otherwise);
        }
    }

    /// Remembers a span with a context of its own, which becomes a record or not.
    #[inline]
    pub(super) fn insert(&self, id: u64, state: Box<SpanState>, is_record: bool, otherwise: impl FnOnce()) {
        let Some(place) = self.places.get(place(id)) else {
            return;
        };
        match place.insert(id, state, is_record) {
            Ok(Some(left)) => self.recycle(left),
            Ok(None) => {}
            Err(state) => {
                let (state, step) = (Some(state), None);
                let tracked = id;
                self.crowd(id, Crowded { tracked, state, step }, otherwise);
            }
        }
    }

    /// As [`Self::insert`], for an ordinary span that lends, if its place is this thread's and what it lends is written by `write`
    /// into the words of that. It stands in the context of `tracked`. `None` where it cannot stand in words whatever it lends:
    /// see [`Place::lend`]; `false` where what is lent does not go into words.
    #[inline(always)]
    pub(super) fn lend(
        &self,
        id: u64,
        plan: &'static Plan,
        tracked: u64,
        write: impl FnOnce(&mut Lending<'_>),
    ) -> Option<bool> {
        let place = self.places.get(place(id))?;
        match tracked {
            0 => place.lend(id, plan, None, write),
            _ => self.lend_inside(place, id, plan, tracked, write),
        }
    }

    #[inline(never)]
    fn lend_inside(
        &self,
        own: &Place,
        id: u64,
        plan: &'static Plan,
        tracked: u64,
        write: impl FnOnce(&mut Lending<'_>),
    ) -> Option<bool> {
        let around = self.places.get(place(tracked))?;
        match around.is_of(tracked) {
            true => own.lend(id, plan, Some((around, tracked)), write),
            false => None,
        }
    }

    /// Takes a span of this thread, which nobody else knows yet, out of its place, if it has one: the context that it stands
    /// in, and its state.
    pub(super) fn give_place_up(&self, id: u64) -> Option<(u64, Option<Box<SpanState>>)> {
        let place = self.places.get(place(id))?;
        place.is_of(id).then(|| (place.tracked(), place.give_up(id)))
    }

    #[cold]
    fn crowd(&self, id: u64, span: Crowded, otherwise: impl FnOnce()) {
        let mut crowded = self.crowded.lock();
        if crowded.try_reserve(1).is_err() {
            drop(crowded);
            return otherwise();
        }
        crowded.insert(id, span);
        self.crowd.fetch_add(1, Ordering::Release);
    }

    /// The context of `id`: `None` where nothing was remembered.
    #[inline]
    pub(super) fn tracked(&self, id: u64) -> Option<u64> {
        match self.tracked_placed(id) {
            None if self.is_crowded() => self.tracked_crowded(id),
            tracked => tracked,
        }
    }

    /// The same of a span that has a place.
    #[inline(always)]
    pub(super) fn tracked_placed(&self, id: u64) -> Option<u64> {
        let place = self.places.get(place(id))?;
        place.is_of(id).then(|| place.tracked())
    }

    /// Whether there are spans that have no place.
    #[inline(always)]
    pub(super) fn is_crowded(&self) -> bool {
        self.crowd.load(Ordering::Acquire) != 0
    }

    /// Apart, as all that is done with the map: so that the usual question needs no room for it.
    #[cold]
    #[inline(never)]
    fn tracked_crowded(&self, id: u64) -> Option<u64> {
        Some(self.crowded.lock().get(&id)?.tracked)
    }

    /// The version of what stands in the place of `id`, where that has one of its own.
    #[inline(always)]
    pub(super) fn version(&self, id: u64) -> Option<u64> {
        let place = self.places.get(place(id))?;
        let version = place.version();
        place.is_of(id).then_some(version)
    }

    /// As [`Self::with`], for who changes what the span hands down.
    pub(super) fn change<R>(&self, id: u64, change: impl FnOnce(&mut SpanState) -> R) -> Option<R> {
        let place = self.places.get(place(id))?;
        if place.is_of(id) {
            // Made before the lock is taken. A state goes from words to a box and never back.
            let spare = place.is_in_words().then(|| self.make()).flatten();
            let (changed, left) = place.change(id, spare, change);
            left.into_iter().for_each(|left| self.recycle(left));
            return changed;
        }
        self.with(id, change)
    }

    /// Calls `read` with what a span hands down, and with the version of that, where the span has a place. It may run under a
    /// lock: it must not run user code.
    #[inline(always)]
    pub(super) fn read<R>(&self, id: u64, read: impl FnOnce(&HandedDown<'_>, Option<u64>) -> R) -> Option<R> {
        let place = self.places.get(place(id))?;
        if place.is_of(id) {
            return place.read(id, |handed, version| read(handed, Some(version)));
        }
        if !self.is_crowded() {
            return None;
        }
        self.with_crowded(id, |state| read(&state.hands_down(), None))
    }

    /// The plan of a span that has a context of its own.
    pub(super) fn plan(&self, id: u64) -> Option<&'static Plan> {
        let place = self.places.get(place(id))?;
        match place.is_of(id) {
            true => place.plan(id),
            false => self.with(id, |state| state.plan).flatten(),
        }
    }

    /// Reads or changes the state of a span, but for what it hands down; not that of one that lends, which may have none.
    /// `with` runs under a lock: it must not run user code.
    #[inline(always)]
    pub(super) fn with<R>(&self, id: u64, with: impl FnOnce(&mut SpanState) -> R) -> Option<R> {
        let place = self.places.get(place(id))?;
        if place.is_of(id) {
            return place.with(id, with);
        }
        if !self.is_crowded() {
            return None;
        }
        self.with_crowded(id, with)
    }

    #[cold]
    #[inline(never)]
    fn with_crowded<R>(&self, id: u64, with: impl FnOnce(&mut SpanState) -> R) -> Option<R> {
        let mut crowded = self.crowded.lock();
        crowded.get_mut(&id)?.state.as_mut().map(|state| with(state))
    }

    /// Forgets a span that was closed, and gives its state if it becomes a record.
    pub(super) fn close(&self, id: u64) -> Option<Box<SpanState>> {
        self.known(id).and_then(|known| self.close_known(id, known))
    }

    /// Where something is kept of a span, if it is: known from when the span is created until it is forgotten.
    #[inline(always)]
    pub(super) fn known(&self, id: u64) -> Option<Known<'_>> {
        let in_map = || (self.is_crowded() && self.tracked_crowded(id).is_some()).then_some(Known(None));
        self.known_placed(id).or_else(in_map)
    }

    /// The same of a span that has a place.
    #[inline(always)]
    pub(super) fn known_placed(&self, id: u64) -> Option<Known<'_>> {
        let place = self.places.get(place(id))?;
        place.is_of(id).then_some(Known(Some(place)))
    }

    /// As [`Self::close`], for a span of which something is kept.
    #[inline(always)]
    pub(super) fn close_known(&self, id: u64, known: Known<'_>) -> Option<Box<SpanState>> {
        match known.0 {
            Some(place) => place.close(),
            None => self.close_found(id),
        }
    }

    #[cold]
    #[inline(never)]
    fn close_found(&self, id: u64) -> Option<Box<SpanState>> {
        let mut closed = self.crowded.lock().remove(&id)?;
        self.crowd.fetch_sub(1, Ordering::Release);
        if let Some(step) = &closed.step {
            step.close(closed.state.as_deref_mut());
        }
        let state = closed.state?;
        if state.is_record() {
            return Some(state);
        }
        self.recycle(state);
        None
    }

    /// Whether a span is remembered.
    pub(super) fn knows(&self, id: u64) -> bool {
        self.tracked(id).is_some()
    }

    /// Keeps a state for the next span of this thread.
    #[inline]
    pub(super) fn recycle(&self, mut state: Box<SpanState>) {
        state.reset();
        self.reserve.put(state);
    }

    /// Copies of the states of open audit spans that were not stated yet. The spans go on; each gets an
    /// execution id, so that its end can be told to be the same span's.
    pub(super) fn open(&self, execution: impl Fn() -> u64) -> Vec<SpanState> {
        let mut open = Vec::new();
        let mut look = |state: &mut SpanState, step: Option<&Step>| {
            if state.is_record() && !std::mem::replace(&mut state.is_stated, true) {
                if state.execution == 0 {
                    state.execution = execution();
                }
                let mut copy = state.copy();
                step.into_iter().for_each(|step| step.state(&mut copy));
                open.push(copy);
            }
        };
        for place in self.places.iter() {
            place.with_live(|held, _| {
                if let Some(state) = held {
                    look(state, None);
                }
            });
        }
        for span in self.crowded.lock().values_mut() {
            if let Some(state) = &mut span.state {
                look(state, span.step.as_ref());
            }
        }
        open
    }

    /// Takes all states out: what is still open when the trail ends.
    pub(super) fn drain(&self) -> Vec<SpanState> {
        let taken = self.places.iter().filter_map(Place::drain);
        let mut states: Vec<_> = taken.map(|state| *state).collect();
        for span in self.crowded.lock().values_mut() {
            if let Some(mut state) = span.state.take() {
                span.step.iter().for_each(|step| step.state(&mut state));
                states.push(*state);
            }
        }
        states
    }
}

#[cfg(test)]
mod tests;
