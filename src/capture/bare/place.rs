//! A span's place in a table: how many hold the span open, and how that is counted.
//!
//! Counting by an atomic exchange would wait, each time, until all that the thread stored before has arrived in its cache. So
//! nothing is exchanged where nobody else can be counting:
//!
//! - The last holder sees that it is alone, and ends the span by a plain store. Whoever could become another holder would need
//!   one to get there from: a handle to clone, or a thread that is inside of the span, which has a handle. (It has none where a
//!   guard was forgotten, or the dispatcher is called by hand. If the last handle is given back elsewhere at the moment in which
//!   that thread closes a span inside, the span may end later: with the next one that the thread closes inside of it, or with
//!   the trail. It never ends twice.)
//! - Of the spans inside a span, one is named in its place instead of being counted ([`Place::inside`]): one that the thread
//!   opens which the place belongs to, inside of that span. Where it also ends there, its name is taken away by a plain store.
//!
//! Invariant: what holds a span open is what is counted, and the one that is named. It ends when both are gone, and once: where
//! they go at the same time, the one that takes [`ORPHAN`] away ends it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tracing_core::Metadata;

use super::USED;

/// Nobody's place.
const FREE: u64 = 0;
/// The span ends: its last holder is gone, and the place is not free yet.
const ENDING: u64 = 1;
/// Nobody is counted. Whoever is named holds the span open.
const ORPHAN: u64 = 2;
/// One holder.
const ONE: u64 = 3;

/// Above the count of holders stands how many spans the place was used for.
const USED_SHIFT: u32 = 32;
const HOLDERS: u64 = (1 << USED_SHIFT) - 1;

/// What is kept of a span. Who has taken the place writes the rest before anybody else has the id.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Handles, and spans inside it, as one of the states above; and which of the spans it is that had this place one after
    /// the other. Both in one word, so that who counts a span never counts another.
    word: AtomicU64,
    /// The span around it, which it holds open; 0: none.
    parent: AtomicU64,
    /// A span inside it which holds it open and is not counted; 0: none. Set only by the thread that the place belongs to.
    inside: AtomicU64,
    /// The address of what `metadata` refers to: mostly the next span here is of the same callsite.
    callsite: AtomicUsize,
    metadata: Mutex<Option<&'static Metadata<'static>>>,
}

impl Place {
    /// Takes the place, if it is free. Answers which of its spans the next one is: never 0, which no id has.
    #[inline]
    pub(super) fn take(&self) -> Option<u64> {
        let free = self.word.load(Ordering::Relaxed);
        let (used, taken) = next(free)?;
        self.word
            .compare_exchange(free, taken, Ordering::Acquire, Ordering::Relaxed)
            .ok()
            .map(|_| used)
    }

    /// The same for the only thread that takes this place.
    #[inline]
    pub(super) fn take_own(&self) -> Option<u64> {
        let (used, taken) = next(self.word.load(Ordering::Acquire))?;
        self.word.store(taken, Ordering::Relaxed);
        Some(used)
    }

    /// Fills a place that was taken.
    #[inline]
    pub(super) fn fill(&self, parent: u64, metadata: &'static Metadata<'static>) {
        let address = std::ptr::from_ref(metadata).addr();
        if self.callsite.load(Ordering::Relaxed) != address {
            *self.metadata.lock() = Some(metadata);
            self.callsite.store(address, Ordering::Relaxed);
        }
        self.parent.store(parent, Ordering::Relaxed);
        // Whoever is inside of a span that has ended, because a guard was forgotten, may have named one in it all the same.
        self.inside.store(0, Ordering::Relaxed);
    }

    /// Whether this is the place of its span of that number, or was until a moment ago.
    #[inline]
    pub(super) fn is_of(&self, used: u64) -> bool {
        let word = self.word.load(Ordering::Acquire);
        word >> USED_SHIFT == used && word & HOLDERS != FREE
    }

    pub(super) fn metadata(&self) -> Option<&'static Metadata<'static>> {
        *self.metadata.lock()
    }

    #[inline]
    pub(super) fn parent(&self) -> u64 {
        self.parent.load(Ordering::Relaxed)
    }

    /// One holder more, where it is the place of that span and has a holder. (Who does this by an id alone, while the last
    /// handle is given back, may hold nothing: that span has ended.)
    pub(super) fn hold(&self, used: u64) -> bool {
        let one_more =
            |word: u64| (word >> USED_SHIFT == used && word & HOLDERS >= ORPHAN).then_some(word + 1);
        self.word
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, one_more)
            .is_ok()
    }

    /// One holder less; whether the span ends by that. One too many changes nothing.
    #[inline]
    pub(super) fn let_go(&self, used: u64) -> bool {
        let word = self.word.load(Ordering::Acquire);
        if word == (used << USED_SHIFT | ONE) && self.inside.load(Ordering::Acquire) == 0 {
            self.word.store(used << USED_SHIFT | ENDING, Ordering::Relaxed);
            return true;
        }
        self.let_go_beside(used)
    }

    /// As [`Self::let_go`], where the holder is not the only one.
    fn let_go_beside(&self, used: u64) -> bool {
        let one_less = |word: u64| (word >> USED_SHIFT == used && word & HOLDERS >= ONE).then(|| word - 1);
        let before = self
            .word
            .fetch_update(Ordering::SeqCst, Ordering::Relaxed, one_less);
        before == Ok(used << USED_SHIFT | ONE)
            && self.inside.load(Ordering::SeqCst) == 0
            && self.claim(used, ENDING)
    }

    /// One holder less, unless it is the last that is counted.
    pub(super) fn let_go_beside_others(&self, used: u64) -> bool {
        let one_less = |word: u64| (word >> USED_SHIFT == used && word & HOLDERS > ONE).then(|| word - 1);
        self.word
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, one_less)
            .is_ok()
    }

    /// Takes an orphan over.
    fn claim(&self, used: u64, as_: u64) -> bool {
        let used = used << USED_SHIFT;
        self.word
            .compare_exchange(used | ORPHAN, used | as_, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok()
    }

    /// Names a span that holds this one open, where none is named. For the thread that the place belongs to, while it is inside
    /// of this span.
    #[inline]
    pub(super) fn name(&self, used: u64, inside: u64) -> bool {
        let can =
            is_counted(self.word.load(Ordering::Relaxed), used) && self.inside.load(Ordering::Relaxed) == 0;
        if can {
            self.inside.store(inside, Ordering::Relaxed);
        }
        can
    }

    /// Whether it is this span that is named.
    #[inline]
    pub(super) fn names(&self, inside: u64) -> bool {
        self.inside.load(Ordering::Acquire) == inside
    }

    /// Takes the name of a span away that has ended, for the thread that the place belongs to, where it is inside of this span:
    /// so there is a handle, and that is given back later. `false` where it is another that is named, or nobody is counted all
    /// the same.
    #[inline]
    pub(super) fn forget_own(&self, used: u64, inside: u64) -> bool {
        let is_held = is_counted(self.word.load(Ordering::Relaxed), used) && self.names(inside);
        if is_held {
            self.inside.store(0, Ordering::Relaxed);
        }
        is_held
    }

    /// The same for any thread. Whether nobody else holds the span: who asks is its one holder then.
    pub(super) fn forget(&self, used: u64) -> bool {
        self.inside.swap(0, Ordering::SeqCst);
        self.word.load(Ordering::SeqCst) == (used << USED_SHIFT | ORPHAN) && self.claim(used, ONE)
    }

    #[inline]
    pub(super) fn free(&self, used: u64) {
        self.word.store(used << USED_SHIFT | FREE, Ordering::Release);
    }

    #[cfg(test)]
    pub(super) fn is_free(&self) -> bool {
        self.word.load(Ordering::Relaxed) & HOLDERS == FREE && self.inside.load(Ordering::Relaxed) == 0
    }
}

/// Whether this is the word of that span, and anybody is counted.
#[inline(always)]
fn is_counted(word: u64, used: u64) -> bool {
    word.wrapping_sub(used << USED_SHIFT | ONE) <= HOLDERS - ONE
}

/// The number of a free place's next span, and its word when it is taken.
#[inline]
fn next(word: u64) -> Option<(u64, u64)> {
    if word & HOLDERS != FREE {
        return None;
    }
    let used = (((word >> USED_SHIFT) + 1) & USED).max(1);
    Some((used, used << USED_SHIFT | ONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_whose_last_handle_goes_while_a_thread_without_one_closes_another_inside_ends_once_with_the_next()
     {
        let place = Place::default();
        let used = place.take_own().expect("nobody has it");
        assert!(place.name(used, 77));
        assert!(!place.let_go(used), "it is named by another");
        // What the thread looked at before says that somebody is counted, so its store comes late.
        place.inside.store(0, Ordering::Relaxed);
        assert!(place.is_of(used));
        // The next span inside.
        assert!(!place.name(used, 78), "nobody is counted");
        assert!(place.hold(used));
        assert!(!place.let_go_beside_others(used), "it is the last");
        assert!(place.let_go(used));
        assert!(!place.let_go(used));
    }
}
