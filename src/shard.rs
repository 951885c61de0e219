//! Counting on many threads at once, without one waiting for another, nor for what it wrote itself.
//!
//! An atomic addition asks for a line of memory that other processors may have, and first waits until everything that the
//! thread wrote before has arrived: behind a record that went to the queue that is memory which no cache holds. So each
//! thread has a shard of its own where there is one left, and adds to it by a plain load and store. It keeps the shard until
//! it ends; threads that begin where all are taken share a few.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// The shards that threads have for themselves, and those that are shared.
pub(crate) const OWN: usize = 12;
const SHARED: usize = 8;
pub(crate) const SHARDS: usize = OWN + SHARED;

/// Which of the first [`OWN`] shards are some thread's, as bits.
static TAKEN: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The shard of this thread; [`SHARDS`] where it was not asked for yet.
    static SHARD: Cell<usize> = const { Cell::new(SHARDS) };
    static OWNED: Cell<Option<Owned>> = const { Cell::new(None) };
}

/// A thread's own shard, until the thread ends.
struct Owned(usize);

impl Owned {
    fn take() -> Option<Self> {
        let mut taken = TAKEN.load(Ordering::Relaxed);
        loop {
            let free = usize::try_from(taken.trailing_ones()).unwrap_or(OWN);
            if free >= OWN {
                return None;
            }
            // What the thread before has counted is seen: its shard was given back behind it.
            let with = taken | 1 << free;
            match TAKEN.compare_exchange_weak(taken, with, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(Self(free)),
                Err(now) => taken = now,
            }
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // From here on another thread may count there, and this one does not.
        let _ = SHARD.try_with(|shard| shard.set(shared()));
        TAKEN.fetch_and(!(1 << self.0), Ordering::Release);
    }
}

/// One of the shards that several threads have.
fn shared() -> usize {
    use std::hash::{BuildHasher as _, RandomState};
    OWN + usize::try_from(RandomState::new().hash_one(0) % SHARED as u64).unwrap_or(0)
}

/// The number of this thread's shard. Below [`OWN`] no other thread writes there.
#[inline]
pub(crate) fn current() -> usize {
    let shard = SHARD.try_with(Cell::get).unwrap_or(OWN);
    if shard < SHARDS { shard } else { take() }
}

#[cold]
fn take() -> usize {
    let owned = Owned::take();
    let number = owned.as_ref().map_or_else(shared, |owned| owned.0);
    // A thread that is ending gets no shard of its own: the one that was taken is given back at once.
    let is_kept = OWNED.try_with(|place| place.set(owned)).is_ok();
    let number = if is_kept { number } else { shared() };
    let _ = SHARD.try_with(|shard| shard.set(number));
    number
}

/// Adds to a counter of the shard with this number.
#[inline]
pub(crate) fn add(counter: &AtomicU64, shard: usize, count: u64) {
    if shard < OWN {
        // Nobody else writes it, and nothing of this thread comes in between.
        counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    } else {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// A counter that callers add to with each of their records. Every shard has a line of memory of its own.
#[derive(Debug, Default)]
pub(crate) struct Sharded([Line; SHARDS]);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Line(AtomicU64);

impl Sharded {
    #[inline]
    pub(crate) fn add(&self, count: u64) {
        let shard = current();
        if let Some(Line(counter)) = self.0.get(shard) {
            add(counter, shard, count);
        }
    }

    /// The sum of the shards.
    pub(crate) fn sum(&self) -> u64 {
        let counters = self.0.iter();
        counters
            .map(|Line(counter)| counter.load(Ordering::Acquire))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_more_threads_count_than_have_shards_and_one_after_another_is_summed() {
        let counter = Sharded::default();
        let (threads, times) = (3 * SHARDS as u64, 500);
        std::thread::scope(|scope| {
            for round in 0..threads {
                let counting = scope.spawn(|| (0..times).for_each(|_| counter.add(1)));
                // Some end before the next begins, which then has the shard of one that was.
                if round % 3 == 0 {
                    counting.join().unwrap();
                }
            }
        });
        assert_eq!(counter.sum(), threads * times);
    }
}
