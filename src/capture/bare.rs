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
mod place;

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tracing_core::dispatcher::WeakDispatch;
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Dispatch, Event, Metadata, Subscriber};

use super::lease;
use super::spans::table;
use grown::Grown;
use place::Place;

/// Places of the first table. The low bits of an id are its place, and [`place`](super::spans::place) is the same one.
const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 12;

/// Where the places begin that belong to no thread alone.
const SHARED: u32 = lease::LEN * lease::LEASES;

/// Bits of an id below the number of its place in the other table.
const LOW_BITS: u32 = 38;

/// The bits of an id that tell spans apart which had one place after the other.
const USED: u64 = (1 << (LOW_BITS - PLACE_BITS)) - 1;

/// How many neighbouring places a thread looks at.
const LOOKS: u32 = 8;

/// How far apart threads begin among those of all, so that they do not change the same lines of memory.
const APART: u32 = 16;

thread_local! {
    /// Which of its own places this thread looks at first; `NOWHERE` while it has none. Tables are alike, so they share it.
    static NEXT: Cell<u32> = const { Cell::new(NOWHERE) };
    /// Which of those of all; `NOWHERE` before the first time.
    static NEXT_SHARED: Cell<u32> = const { Cell::new(NOWHERE) };
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

    /// The place that an id names, and the number of its span there.
    #[inline(always)]
    fn named(&self, id: u64) -> Option<(&Place, u64)> {
        match id >> LOW_BITS {
            0 => Some((self.place(id), id >> PLACE_BITS)),
            number => self.named_elsewhere(number, id),
        }
    }

    #[cold]
    #[inline(never)]
    fn named_elsewhere(&self, number: u64, id: u64) -> Option<(&Place, u64)> {
        Some((self.grown.get(number)?, id & USED))
    }

    /// The place of the first table that an id's low bits name.
    #[inline(always)]
    fn place(&self, id: u64) -> &Place {
        let [first, ..] = &*self.places;
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
        self.places.get(id as usize & (PLACES - 1)).unwrap_or(first)
    }

    /// The place of a span that is open, and its number there.
    #[inline]
    fn find(&self, id: u64) -> Option<(&Place, u64)> {
        self.named(id).filter(|(place, used)| place.is_of(*used))
    }

    /// Holds the span `around` open for a new one inside it, which `is_here` if the thread is inside of that. Answers the span
    /// that is held, or 0.
    #[inline(always)]
    fn hold_around(&self, around: u64, id: u64, is_here: bool) -> u64 {
        if around == 0 {
            return 0;
        }
        if is_here && is_own(around) && self.place(around).name(around >> PLACE_BITS, id) {
            return around;
        }
        self.hold_counted(around)
    }

    #[inline(never)]
    fn hold_counted(&self, around: u64) -> u64 {
        let is_held = self.named(around).is_some_and(|(place, used)| place.hold(used));
        if is_held { around } else { 0 }
    }

    /// Lets go of the span around one that has ended.
    #[inline(always)]
    fn leave_around(&self, around: u64, id: u64, closed: &mut dyn FnMut(&Id)) {
        let is_left = around == 0
            || (is_own(around)
                && entered::is_innermost(self.number, around)
                && self.place(around).forget_own(around >> PLACE_BITS, id));
        if !is_left {
            self.leave_slowly(around, id, closed);
        }
    }

    #[inline(never)]
    fn leave_slowly(&self, around: u64, id: u64, closed: &mut dyn FnMut(&Id)) {
        let Some((place, used)) = self.find(around) else {
            return;
        };
        let is_last = match place.names(id) {
            true => place.forget(used),
            false => !place.let_go_beside_others(used),
        };
        if is_last {
            self.end(around, closed);
        }
    }

    /// Gives the last handle back of a span that nobody has one to.
    #[cold]
    fn end(&self, id: u64, closed: &mut dyn FnMut(&Id)) {
        let id = Id::from_u64(id);
        match self.dispatch.get().and_then(WeakDispatch::upgrade) {
            Some(dispatch) => {
                dispatch.try_close(id);
            }
            // It is going away, or there never was one: nobody else listens.
            None => {
                self.close(&id, &mut *closed);
            }
        }
    }

    /// Gives a handle back. Where it was the last one, `closed` hears of the span, before its id is free. The one around it is
    /// let go of behind that.
    #[inline]
    pub(super) fn close(&self, id: &Id, mut closed: impl FnMut(&Id)) -> bool {
        let id = id.into_u64();
        let Some((place, used)) = self.named(id).filter(|(place, used)| place.let_go(*used)) else {
            return false;
        };
        let around = place.parent();
        let free = Freed {
            bare: self,
            place,
            used,
            id,
        };
        closed(&Id::from_u64(id));
        drop(free);
        self.leave_around(around, id, &mut closed);
        true
    }

    /// A place for a new span, if there is one, and the id that it has.
    #[inline(always)]
    fn open(&self) -> (Option<&Place>, u64) {
        let at = NEXT.try_with(Cell::get).unwrap_or(NOWHERE);
        // The thread's own; it has some if it knows where the next one is.
        let place = self.place(u64::from(at));
        match if at == NOWHERE { None } else { place.take_own() } {
            Some(used) => {
                let next = at & !(lease::LEN - 1) | (at + 1) & (lease::LEN - 1);
                let _ = NEXT.try_with(|cell| cell.set(next));
                (Some(place), u64::from(at) | used << PLACE_BITS)
            }
            None => self.open_further(),
        }
    }

    /// The same for a thread that does not find a place where it looked first.
    #[cold]
    #[inline(never)]
    fn open_further(&self) -> (Option<&Place>, u64) {
        let first = lease::first();
        if first != lease::NONE {
            for at in first..first + lease::LEN {
                let place = self.place(u64::from(at));
                if let Some(used) = place.take_own() {
                    let _ = NEXT.try_with(|cell| cell.set(at));
                    return (Some(place), u64::from(at) | used << PLACE_BITS);
                }
            }
        }
        self.open_shared()
    }

    /// One of the places of all, or of the other table.
    fn open_shared(&self) -> (Option<&Place>, u64) {
        let mut next = NEXT_SHARED.try_with(Cell::get).unwrap_or(0);
        if next == NOWHERE {
            next = begin();
        }
        for look in 0..LOOKS {
            let at = SHARED + next.wrapping_add(look) % (PLACES as u32 - SHARED);
            let place = self.place(u64::from(at));
            if let Some(used) = place.take() {
                let _ = NEXT_SHARED.try_with(|cell| cell.set(next.wrapping_add(look + 1)));
                return (Some(place), u64::from(at) | used << PLACE_BITS);
            }
        }
        let _ = NEXT_SHARED.try_with(|cell| cell.set(next.wrapping_add(LOOKS)));
        self.grown.open()
    }
}

/// From now on no place belongs to this thread.
pub(super) fn forget_own_places() {
    let _ = NEXT.try_with(|next| next.set(NOWHERE));
}

/// Whether the place of a span belongs to this thread.
#[inline(always)]
fn is_own(id: u64) -> bool {
    let next = NEXT.try_with(Cell::get).unwrap_or(NOWHERE);
    // Nothing but the place, and which table it is of. No place at all differs from all of them.
    let place = id & !(USED << PLACE_BITS);
    place ^ u64::from(next) < u64::from(lease::LEN)
}

/// Frees a span's place, also where what heard of its end panics.
struct Freed<'b> {
    bare: &'b Bare,
    place: &'b Place,
    used: u64,
    id: u64,
}

impl Drop for Freed<'_> {
    #[inline]
    fn drop(&mut self) {
        self.place.free(self.used);
        if is_own(self.id) {
            #[expect(clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
            let at = self.id as u32 & (PLACES as u32 - 1);
            let _ = NEXT.try_with(|next| next.set(at));
        } else if self.id >> LOW_BITS != 0 {
            self.bare.grown.give_back(self.id >> LOW_BITS);
        }
    }
}

/// Where this thread begins to look among the places of all.
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
        let around = match attributes.is_contextual() {
            true => entered::innermost(self.number),
            false => attributes.parent().map_or(0, Id::into_u64),
        };
        let (place, id) = self.open();
        // Without a place nobody would let go of the one around it.
        if let Some(place) = place {
            let around = self.hold_around(around, id, attributes.is_contextual());
            place.fill(around, attributes.metadata());
        }
        Id::from_u64(id)
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
        if let Some((place, used)) = self.named(id.into_u64()) {
            place.hold(used);
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        self.close(&id, |_| ())
    }

    fn current_span(&self) -> Current {
        let id = entered::innermost(self.number);
        let metadata = self.find(id).and_then(|(place, _)| place.metadata());
        metadata.map_or_else(Current::none, |metadata| Current::new(Id::from_u64(id), metadata))
    }
}

#[cfg(test)]
mod tests;
