//! The spans of a stack in which nobody but the trail listens: what a registry would keep of them for layers, without
//! what only layers need.
//!
//! A span is open as long as a handle to it or a span inside it is. Most have a place in a table that is there from the
//! beginning; where a thread finds none near the one that it used last, there is another table, which grows.
//!
//! Invariant: an id is given up to the next span only when whoever keeps something of the span has heard of its end.

mod entered;
mod grown;

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Event, Metadata, Subscriber};

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

    /// One holder more.
    #[inline]
    fn hold(&self) {
        // Who asks for it has a handle, so there is one: nothing needs to be ordered.
        self.holders.fetch_add(1, Ordering::Relaxed);
    }

    /// One holder less; whether it was the last.
    #[inline]
    fn let_go(&self) -> bool {
        self.holders.fetch_sub(1, Ordering::AcqRel) == ONE
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

    /// Gives a handle back. Where it was the last one, `closed` hears of the span, and of those around it that it was the
    /// last to hold open, from the inside out.
    #[inline]
    pub(super) fn close(&self, id: &Id, mut closed: impl FnMut(&Id)) -> bool {
        let mut is_closed = false;
        let mut around = id.into_u64();
        while around != 0 {
            match self.close_one(around, &mut closed) {
                Some(parent) => around = parent,
                None => return is_closed,
            }
            is_closed = true;
        }
        is_closed
    }

    /// As [`Self::close`], of the span alone; the one around it, if this one is closed.
    #[inline]
    fn close_one(&self, id: u64, closed: &mut impl FnMut(&Id)) -> Option<u64> {
        let place = self.find(id).filter(|place| place.let_go())?;
        let parent = place.parent.load(Ordering::Relaxed);
        closed(&Id::from_u64(id));
        place.free();
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
        match id >> LOW_BITS {
            0 => {
                let at = id as u32 & (PLACES as u32 - 1);
                let _ = NEXT.try_with(|next| next.set(at));
            }
            grown => self.grown.give_back(grown),
        }
        Some(parent)
    }

    /// A place of the other table, for a thread that found none in the first.
    #[cold]
    #[inline(never)]
    fn open_elsewhere(&self, parent: u64, metadata: &'static Metadata<'static>) -> Id {
        let _ = NEXT.try_with(|next| {
            #[expect(clippy::cast_possible_truncation, reason = "a few places")]
            next.set(next.get().wrapping_add(LOOKS as u32));
        });
        self.grown.open(parent, metadata)
    }
}

/// Where this thread begins to look for a place.
#[cold]
fn begin() -> u32 {
    static THREADS: AtomicU32 = AtomicU32::new(0);
    THREADS.fetch_add(APART, Ordering::Relaxed)
}

impl Subscriber for Bare {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    #[inline(always)]
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let parent = match attributes.is_contextual() {
            true => entered::innermost(self.number),
            false => attributes.parent().map_or(0, Id::into_u64),
        };
        let parent = match self.find(parent) {
            Some(place) => {
                place.hold();
                parent
            }
            None => 0,
        };
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
        self.open_elsewhere(parent, metadata)
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
        if let Some(place) = self.find(id.into_u64()) {
            place.hold();
        }
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
