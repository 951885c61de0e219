//! The places of the queue, and the number whose turn it is.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use spin::mutex::SpinMutex;

use super::credit::{Line, Meter};

/// Places in a circle. Who fills one must hold credit for it, so that never more numbers are out than there are places.
///
/// While few numbers are out, a circle of few places is gone round beside the long one. Those are in some cache still, and
/// their pages are known to the processor: in the long circle a caller that reports now and then would come to memory that
/// everybody has forgotten, each time, and drive what the application keeps there out of its caches.
#[derive(Debug)]
pub(super) struct Ring<T> {
    places: Box<[Place<T>]>,
    /// Where a number's place is its low bits: these. Else 0.
    mask: usize,
    /// [`FEW`] places, or none where there are not many more in the long circle.
    few: Box<[Place<T>]>,
    /// The number whose place is taken out next.
    next_out: Line<Mutex<u64>>,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Place<T> {
    /// One more than the number that has filled it; 0 once that was taken out. A number may have its place in either circle:
    /// what is left of an earlier one, which was the same before all began again, must not be taken for it.
    filled: AtomicU64,
    /// Free whenever somebody comes to it: the lock stands in for a proof. It is left by a plain store. Another lock's atomic
    /// exchange would wait until the item has arrived in a place that the caller's caches may have long forgotten: most of what
    /// handing over cost.
    item: SpinMutex<T>,
}

/// How many places the short circle has. A power of two.
const FEW: u64 = 256;

/// Whether so few numbers are out that the next one has its place in the short circle: no two of so many that count on have the
/// same there. Across the end of the numbers two may have: who asks must have asked that before.
#[inline]
pub(super) const fn are_few(numbers: u64) -> bool {
    numbers < FEW
}

/// How often the receiver looks for an item whose number is drawn before it lets others run.
const LOOKS: u32 = 64;

impl<T: Default> Ring<T> {
    /// As many places as asked for, and one at least. All of them are written now: a first touch is a page fault, and a
    /// sender would pay.
    pub(super) fn new(places: usize) -> Self {
        let circle = |places: usize| -> Box<[Place<T>]> { (0..places).map(|_| Place::default()).collect() };
        let is_long = places as u64 > 2 * FEW;
        let few = if is_long { FEW as usize } else { 0 };
        let (places, few) = (circle(places.max(1)), circle(few));
        Self {
            mask: if places.len().is_power_of_two() {
                places.len() - 1
            } else {
                0
            },
            places,
            few,
            next_out: Line(Mutex::new(0)),
        }
    }

    /// As if all numbers before this one were over.
    #[cfg(test)]
    pub(super) fn go_on_at(&self, number: u64) {
        *self.next_out.0.lock() = number;
    }

    /// How many places of the short circle are filled.
    #[cfg(test)]
    pub(super) fn near(&self) -> usize {
        let is_filled = |place: &&Place<T>| place.filled.load(Ordering::SeqCst) != 0;
        self.few.iter().filter(is_filled).count()
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

    /// The place of a number in the short circle.
    #[inline]
    fn place_of_few(&self, number: u64) -> Option<&Place<T>> {
        self.few.get((number % FEW) as usize)
    }

    /// Fills the place of a number. For who holds its credit; `is_near` says that [few](are_few) numbers were out when it was
    /// drawn, all of them below it.
    #[inline(always)]
    pub(super) fn fill(&self, number: u64, is_near: bool, fill: impl FnOnce(&mut T)) {
        let near = self.place_of_few(number).filter(|_| is_near);
        if let Some(place) = near.or_else(|| self.place(number)) {
            fill(&mut place.item.lock());
            place.filled.store(number + 1, Ordering::Release);
        }
    }

    /// Takes the oldest items, one for each of `into` if there are so many, and answers how many. `take` must not panic.
    ///
    /// Where the sender of the first has drawn the number and is not done, it is waited for: others may have handed theirs over
    /// behind it already, and what was handed over is there for whoever looks.
    #[inline]
    pub(super) fn take<U>(
        &self,
        meter: &Meter,
        into: &mut [U],
        mut take: impl FnMut(&mut T, &mut U),
    ) -> usize {
        let mut next = self.next_out.0.lock();
        if into.is_empty() || !self.awaits(meter, *next) {
            return 0;
        }
        // Looked for together before the first is taken: what a sender wrote comes from another core, and a lock in between
        // would have this one wait for each by itself.
        let numbers = std::iter::successors(Some(*next), |next| Some(meter.behind(*next)));
        let are_there = numbers
            .take(into.len())
            .take_while(|number| self.filled(*number).is_some())
            .count();
        for (into, there) in into.iter_mut().zip(0..are_there) {
            let Some(place) = self.filled(*next) else {
                return there;
            };
            take(&mut place.item.lock(), into);
            // Before its credit is given back, and before another receiver can give back credit for it: whoever fills the place
            // next has seen that.
            place.filled.store(0, Ordering::Relaxed);
            *next = meter.behind(*next);
        }
        are_there
    }

    /// The place that this number has filled, if it has.
    #[inline]
    fn filled(&self, number: u64) -> Option<&Place<T>> {
        let is_filled = |place: &&Place<T>| place.filled.load(Ordering::Acquire) == number + 1;
        let near = self.place_of_few(number).filter(is_filled);
        near.or_else(|| self.place(number).filter(is_filled))
    }

    /// Waits until this number has filled its place; `false` where it is not drawn.
    #[inline]
    fn awaits(&self, meter: &Meter, number: u64) -> bool {
        let mut looks = 0;
        loop {
            if self.filled(number).is_some() {
                return true;
            }
            if meter.next() == number {
                return false;
            }
            if looks < LOOKS {
                looks += 1;
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}
