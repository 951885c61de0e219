//! The spans of a stack in which nobody but the trail listens: what a registry would keep of them for layers, without
//! what only layers need.
//!
//! A span is open as long as a handle to it or a span inside it is. Most have a place in a table that is there from the
//! beginning; where a thread finds none near the one that it used last, there is another table, which grows.
//!
//! Invariant: an id is given up to the next span only when whoever keeps something of the span has heard of its end.
//!
//! What stands outside of the wrapper hears of every end as well: a span whose last holder was a span inside it ends
//! through the dispatcher, as in a registry. It then hears of the outer one first, and of the inner one behind it.

mod entered;
mod grown;

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tracing_core::dispatcher::WeakDispatch;
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Dispatch, Event, Metadata, Subscriber};

use super::spans::table;
use grown::Grown;

/// Places of the first table. The low bits of an id are its place, and [`place`](super::spans::place) is the same one.
const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 12;

/// Bits of an id below the number of its place in the other table.
const LOW_BITS: u32 = 38;

/// The bits of an id that tell spans apart which had one place after the other.
const USED: u32 = (1 << (LOW_BITS - PLACE_BITS)) - 1;

/// How many neighbouring places a thread looks at.
const LOOKS: usize = 8;

/// How far apart threads begin, so that they do not change the same lines of memory.
const APART: u32 = 16;

/// No span, and no handle.
const FREE: u32 = 0;
/// One handle. One less is left where the last is gone, until the place is free.
const ONE: u32 = 2;

thread_local! {
    /// Where this thread looks first for a place; `NOWHERE` before its first span. Tables are alike, so they share it.
    static NEXT: Cell<u32> = const { Cell::new(NOWHERE) };
}

const NOWHERE: u32 = u32::MAX;

/// Tells tables apart in what threads keep.
static TABLES: AtomicU32 = AtomicU32::new(1);

/// A subscriber that keeps spans and nothing else.
pub(super) struct Bare {
    number: u32,
    places: Box<[Place; PLACES]>,
    grown: Grown,
    /// Whom spans end through that nobody has a handle to.
    dispatch: OnceLock<WeakDispatch>,
}

/// What is kept of a span. Who has counted it up from [`FREE`] writes the rest, and then the id.
#[derive(Debug, Default)]
struct Place {
    /// Handles, and spans inside it.
    holders: AtomicU32,
    /// How many spans it was the place of.
    used: AtomicU32,
    /// 0: none.
    id: AtomicU64,
    /// The span around it, which it holds open; 0: none.
    parent: AtomicU64,
    /// The address of what `metadata` refers to: mostly the next span here is of the same callsite.
    callsite: AtomicUsize,
    metadata: Mutex<Option<&'static Metadata<'static>>>,
}

impl Place {
    /// Takes the place, if it is free.
    #[inline]
    fn take(&self) -> bool {
        self.holders.load(Ordering::Relaxed) == FREE
            && self
                .holders
                .compare_exchange(FREE, ONE, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }

    /// Fills a place that was taken; answers the span's id, of which `number` is a part that says where it stands.
    #[inline]
    fn fill(&self, number: u64, shift: u32, parent: u64, metadata: &'static Metadata<'static>) -> Id {
        let address = std::ptr::from_ref(metadata).addr();
        if self.callsite.load(Ordering::Relaxed) != address {
            *self.metadata.lock() = Some(metadata);
            self.callsite.store(address, Ordering::Relaxed);
        }
        // Never 0, which no id is.
        let used = (self.used.load(Ordering::Relaxed).wrapping_add(1) & USED).max(1);
        self.used.store(used, Ordering::Relaxed);
        let id = number | u64::from(used) << shift;
        self.parent.store(parent, Ordering::Relaxed);
        self.id.store(id, Ordering::Release);
        Id::from_u64(id)
    }

    /// One holder more, where it is the place of a span that has one. Whose place it was before need not be whose it is now.
    #[inline]
    fn hold(&self) -> bool {
        let one_more = |holders| (holders >= ONE).then_some(holders + 1);
        self.holders
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, one_more)
            .is_ok()
    }

    /// One holder less; whether it was the last. One too many changes nothing.
    #[inline]
    fn let_go(&self) -> bool {
        let one_less = |holders| (holders >= ONE).then(|| holders - 1);
        let before = self
            .holders
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, one_less);
        before == Ok(ONE)
    }

    /// One holder less, unless it is the last.
    #[inline]
    fn let_go_beside_others(&self) -> bool {
        let one_less = |holders| (holders > ONE).then(|| holders - 1);
        self.holders
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, one_less)
            .is_ok()
    }

    #[inline]
    fn free(&self) {
        self.id.store(0, Ordering::Relaxed);
        self.holders.store(FREE, Ordering::Release);
    }
}

impl std::fmt::Debug for Bare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bare")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Bare {
    pub(super) fn new() -> Self {
        Self {
            number: TABLES.fetch_add(1, Ordering::Relaxed),
            places: table(),
            grown: Grown::default(),
            dispatch: OnceLock::new(),
        }
    }

    /// The place of a span that is open.
    #[inline]
    fn find(&self, id: u64) -> Option<&Place> {
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
        let place = match id >> LOW_BITS {
            0 => self.places.get(id as usize & (PLACES - 1)),
            number => self.grown.get(number),
        };
        place.filter(|place| id != 0 && place.id.load(Ordering::Acquire) == id)
    }

    /// The same, with one holder more.
    #[inline]
    fn held(&self, id: u64) -> Option<&Place> {
        let place = self.find(id).filter(|place| place.hold())?;
        if place.id.load(Ordering::Acquire) == id {
            return Some(place);
        }
        // The span ended in between, and another one has its place, of which this is a holder now.
        self.leave(place, &mut |_| ());
        None
    }

    /// One holder of the span in this place less. The last one ends it, where whoever listens hears of that.
    #[inline]
    fn leave(&self, place: &Place, closed: &mut dyn FnMut(&Id)) {
        if !place.let_go_beside_others() {
            self.end(&Id::from_u64(place.id.load(Ordering::Acquire)), closed);
        }
    }

    #[cold]
    fn end(&self, id: &Id, closed: &mut dyn FnMut(&Id)) {
        match self.dispatch.get().and_then(WeakDispatch::upgrade) {
            Some(dispatch) => {
                dispatch.try_close(id.clone());
            }
            // It is going away, or there never was one: nobody else listens.
            None => {
                self.close(id, &mut *closed);
            }
        }
    }

    /// Gives a handle back. Where it was the last one, `closed` hears of the span, before its id is free. The one around it is
    /// let go of behind that.
    #[inline]
    pub(super) fn close(&self, id: &Id, mut closed: impl FnMut(&Id)) -> bool {
        let id = id.into_u64();
        let Some(place) = self.find(id).filter(|place| place.let_go()) else {
            return false;
        };
        let around = place.parent.load(Ordering::Relaxed);
        let free = Freed(self, place, id);
        closed(&Id::from_u64(id));
        drop(free);
        if let Some(around) = self.find(around) {
            self.leave(around, &mut closed);
        }
        true
    }

    /// A place of the other table, for a thread that found none in the first.
    #[cold]
    #[inline(never)]
    fn open_elsewhere(&self, looked: u32, parent: u64, metadata: &'static Metadata<'static>) -> Id {
        #[expect(clippy::cast_possible_truncation, reason = "a few places")]
        let _ = NEXT.try_with(|next| next.set(looked.wrapping_add(LOOKS as u32) % PLACES as u32));
        self.grown.open(parent, metadata)
    }
}

/// Frees a span's place, also where what heard of its end panics.
struct Freed<'b>(&'b Bare, &'b Place, u64);

impl Drop for Freed<'_> {
    #[inline]
    fn drop(&mut self) {
        let Self(bare, place, id) = *self;
        place.free();
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
        match id >> LOW_BITS {
            0 => {
                let at = id as u32 & (PLACES as u32 - 1);
                let _ = NEXT.try_with(|next| next.set(at));
            }
            grown => bare.grown.give_back(grown),
        }
    }
}

/// Where this thread begins to look for a place.
#[cold]
fn begin() -> u32 {
    static THREADS: AtomicU32 = AtomicU32::new(0);
    THREADS.fetch_add(APART, Ordering::Relaxed)
}

impl Subscriber for Bare {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    #[inline(always)]
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let parent = match attributes.is_contextual() {
            true => entered::innermost(self.number),
            false => attributes.parent().map_or(0, Id::into_u64),
        };
        let parent = self.held(parent).map_or(0, |_| parent);
        let metadata = attributes.metadata();
        let mut first = NEXT.try_with(Cell::get).unwrap_or(0);
        if first == NOWHERE {
            first = begin();
        }
        for at in (first as usize..).take(LOOKS) {
            let at = at & (PLACES - 1);
            if let Some(place) = self.places.get(at).filter(|place| place.take()) {
                #[expect(clippy::cast_possible_truncation, reason = "a place of the first table")]
                let _ = NEXT.try_with(|next| next.set(at as u32 + 1));
                return place.fill(at as u64, PLACE_BITS, parent, metadata);
            }
        }
        self.open_elsewhere(first, parent, metadata)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    #[inline(always)]
    fn enter(&self, span: &Id) {
        entered::push(self.number, span.into_u64());
    }

    #[inline(always)]
    fn exit(&self, span: &Id) {
        entered::pop(self.number, span.into_u64());
    }

    fn clone_span(&self, id: &Id) -> Id {
        let _ = self.held(id.into_u64());
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        self.close(&id, |_| ())
    }

    fn current_span(&self) -> Current {
        let id = entered::innermost(self.number);
        let metadata = self.find(id).and_then(|place| *place.metadata.lock());
        metadata.map_or_else(Current::none, |metadata| Current::new(Id::from_u64(id), metadata))
    }
}

#[cfg(test)]
mod tests;
