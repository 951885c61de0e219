//! Places of spans that found none in the first table: pages, each twice as large as the one before it, which are made
//! when they are needed and stay. Opening or closing a span here takes a lock for a moment; a forked child, in which nobody
//! may ever give it back, does not wait for ever.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::place::Place;
use super::{LOW_BITS, PLACES};
use crate::memory;

/// So many that every number has its bits in an id. Together they have places for 67 million spans.
const PAGES: usize = 14;

/// Where ids of spans begin for which there is no place, or no memory for more. They are never found: such a span is around
/// no other, and is known to be over when the trail ends.
const NOBODY: u64 = u64::MAX << LOW_BITS;

/// Longer than anybody keeps the lock who gives it back.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Grown {
    pages: [OnceLock<Box<[Place]>>; PAGES],
    free: Mutex<Free>,
    /// How many spans found no place.
    nobodies: AtomicU64,
}

#[derive(Debug, Default)]
struct Free {
    /// Numbers of free places: 1 is the first one of the first page.
    numbers: Vec<u64>,
    /// How many pages there are.
    pages: usize,
}

impl Grown {
    /// The place with this number.
    pub(super) fn get(&self, number: u64) -> Option<&Place> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        // Page `n` begins where all before it end: at `PLACES` times one less than two to the power of `n`.
        let page = (at / PLACES + 1).ilog2();
        let begin = PLACES * ((1 << page) - 1);
        let page = self.pages.get(usize::try_from(page).ok()?)?;
        page.get()?.get(at - begin)
    }

    /// A place for a new span, if there is one, and the id that it has.
    pub(super) fn open(&self) -> (Option<&Place>, u64) {
        let number = self.lock().and_then(|mut free| {
            free.take(|page, len| {
                // Its places, and the numbers of all free ones.
                let weight = len * (size_of::<Place>() + 2 * size_of::<u64>());
                let page = self.pages.get(page).filter(|_| memory::is_there(weight));
                page.map(|page| page.get_or_init(|| (0..len).map(|_| Place::default()).collect()))
                    .is_some()
            })
        });
        let place = number.and_then(|number| Some((number, self.get(number)?)));
        match place.and_then(|(number, place)| Some((number, place, place.take()?))) {
            Some((number, place, used)) => (Some(place), number << LOW_BITS | used),
            None => {
                let nobody = self.nobodies.fetch_add(1, Ordering::Relaxed);
                (None, NOBODY | nobody & !NOBODY)
            }
        }
    }

    /// One that makes no more pages.
    #[cfg(test)]
    pub(super) fn full() -> Self {
        let grown = Self::default();
        grown.free.lock().pages = PAGES;
        grown
    }

    fn lock(&self) -> Option<MutexGuard<'_, Free>> {
        self.free.try_lock_for(PATIENCE)
    }

    pub(super) fn give_back(&self, number: u64) {
        if let Some(mut free) = self.lock() {
            // There is room: it was taken from here.
            free.numbers.push(number);
        }
    }
}

impl Free {
    /// The number of a free place, of a new page if need be, which `make` makes in the length that it is told.
    fn take(&mut self, make: impl FnOnce(usize, usize) -> bool) -> Option<u64> {
        if self.numbers.is_empty() {
            let len = PLACES << self.pages;
            if !make(self.pages, len) {
                return None;
            }
            let begin = PLACES * ((1 << self.pages) - 1);
            // For all places that there are, so that giving one back never needs memory.
            self.numbers.reserve(begin + len);
            self.numbers
                .extend((begin..begin + len).rev().map(|at| at as u64 + 1));
            self.pages += 1;
        }
        self.numbers.pop()
    }
}
