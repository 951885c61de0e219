//! The places of the queue, and the number whose turn it is.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use spin::mutex::SpinMutex;

use super::credit::{Line, Meter};

/// Places in a circle. Who fills one must hold credit for it, so that never more numbers are out than there are places.
#[derive(Debug)]
pub(super) struct Ring<T> {
    places: Box<[Place<T>]>,
    /// Where a number's place is its low bits: these. Else 0.
    mask: usize,
    /// The number whose place is taken out next.
    next_out: Line<Mutex<u64>>,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Place<T> {
    /// One more than the number that filled it last.
    filled: AtomicU64,
    /// Free whenever somebody comes to it: the lock stands in for a proof. It is left by a plain store. Another lock's atomic
    /// exchange would wait until the item has arrived in a place that the caller's caches have long forgotten: most of what
    /// handing over cost.
    item: SpinMutex<T>,
}

/// How often the receiver looks for an item whose number is drawn before it lets others run.
const LOOKS: u32 = 64;

impl<T: Default> Ring<T> {
    /// As many places as asked for, and one at least. All of them are written now: a first touch is a page fault, and a
    /// sender would pay.
    pub(super) fn new(places: usize) -> Self {
        let places: Box<[Place<T>]> = (0..places.max(1)).map(|_| Place::default()).collect();
        Self {
            mask: if places.len().is_power_of_two() {
                places.len() - 1
            } else {
                0
            },
            places,
            next_out: Line(Mutex::new(0)),
        }
    }

    /// As if all numbers before this one were over.
    #[cfg(test)]
    pub(super) fn go_on_at(&self, number: u64) {
        *self.next_out.0.lock() = number;
    }

    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    #[inline]
    fn place(&self, number: u64) -> Option<&Place<T>> {
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
        let at = if self.mask == 0 {
            (number % self.places.len() as u64) as usize
        } else {
            number as usize & self.mask
        };
        self.places.get(at)
    }

    /// Fills the place of a number. For who holds its credit.
    #[inline(always)]
    pub(super) fn fill(&self, number: u64, fill: impl FnOnce(&mut T)) {
        if let Some(place) = self.place(number) {
            fill(&mut place.item.lock());
            place.filled.store(number + 1, Ordering::Release);
        }
    }

    /// Takes the oldest item. Where its sender has drawn the number and is not done, it is waited for: others may have
    /// handed theirs over behind it already, and what was handed over is there for whoever looks.
    #[inline]
    pub(super) fn take<R>(&self, meter: &Meter, take: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut next = self.next_out.0.lock();
        let place = self.place(*next)?;
        let filled = *next + 1;
        let mut looks = 0;
        while place.filled.load(Ordering::Acquire) != filled {
            if meter.next() == *next {
                return None;
            }
            if looks < LOOKS {
                looks += 1;
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
        let taken = take(&mut place.item.lock());
        *next = meter.behind(*next);
        Some(taken)
    }
}
