//! Credit: how much of a queue is in use, and the number of the next item, in one word.

use std::sync::atomic::{AtomicU64, Ordering};

/// The bits of a word that count records; those above count bytes.
const NUMBER_BITS: u32 = 24;
const NUMBER: u64 = (1 << NUMBER_BITS) - 1;
/// The bytes, once they are shifted down.
const BYTES: u64 = (1 << (63 - NUMBER_BITS)) - 1;

/// No more credit is given.
const CLOSED: u64 = 1 << 63;

/// Records and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Credit {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

/// What was ever taken in and what was ever given back, each in a word that begins again: the difference is in use. So a
/// sender gets credit and its item's number in one atomic step, or neither.
#[derive(Debug)]
pub(super) struct Meter {
    /// Every sender changes it. A line of memory of its own.
    taken: Line<AtomicU64>,
    /// The receiver changes it, once a batch.
    returned: Line<AtomicU64>,
    /// Numbers begin again here: a multiple of the number of places, so that each keeps its place in the long circle.
    end: u64,
}

/// Memory that no neighbour shares: cores fetch it in lines, and often two at once.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Line<T>(pub(super) T);

/// Why no credit was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum No {
    Room,
    Closed,
}

impl Meter {
    /// For a queue of so many places, of which there are fewer than half as many as there are numbers.
    pub(super) fn new(places: usize) -> Self {
        let places = places as u64;
        Self {
            taken: Line(AtomicU64::new(0)),
            returned: Line(AtomicU64::new(0)),
            end: NUMBER - NUMBER % places.max(1),
        }
    }

    /// As if so much had been taken and given back.
    #[cfg(test)]
    pub(super) fn go_on_behind(&self, past: Credit) {
        let word = self.after(0, past);
        self.taken.0.store(word, Ordering::SeqCst);
        self.returned.0.store(word, Ordering::SeqCst);
    }

    /// Takes credit for a record of so many bytes, as far as `limit` goes. The first record always fits, so that one above
    /// the limit of bytes can pass an empty queue. The item's number, and what was in use before.
    pub(super) fn take(&self, bytes: u64, limit: Credit) -> Result<(u64, Credit), No> {
        let (mut word, mut returned) = self.look();
        loop {
            if word & CLOSED != 0 {
                return Err(No::Closed);
            }
            let before = self.between(returned, word);
            let fits = before.records < limit.records
                && (before.bytes + bytes <= limit.bytes || before.records == 0);
            if fits {
                let next = self.after(word, Credit { records: 1, bytes });
                let taken = &self.taken.0;
                if taken
                    .compare_exchange(word, next, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
                {
                    return Ok((word & NUMBER, before));
                }
            } else if returned == self.returned.0.load(Ordering::SeqCst) {
                return Err(No::Room);
            }
            (word, returned) = self.look();
        }
    }

    /// As [`Self::take`], for a queue that is nearly empty: the number, and how many before it are in use at most, where that is
    /// so far from `limit` that nothing more has to be asked. `None` also where others were quicker, and where the words have
    /// gone round between what was taken and given back: the ring's short circle relies on it that no number in use is above
    /// this one.
    #[inline]
    pub(super) fn take_easily(&self, bytes: u64, limit: Credit) -> Option<(u64, u64)> {
        let (word, returned) = self.look();
        let number = word & NUMBER;
        // Where a word has gone round, what is in use seems to be more than there is, by far more than the bytes of a record.
        let records = number.wrapping_sub(returned & NUMBER);
        let used = (word >> NUMBER_BITS).wrapping_sub(returned >> NUMBER_BITS);
        let next = word.wrapping_add(bytes << NUMBER_BITS).wrapping_add(1);
        let is_easy = records < limit.records
            && used.wrapping_add(bytes) < limit.bytes
            && number + 1 < self.end
            && next & CLOSED == 0;
        if !is_easy {
            return None;
        }
        let swapped = self
            .taken
            .0
            .compare_exchange(word, next, Ordering::AcqRel, Ordering::Relaxed);
        swapped.is_ok().then_some((number, records))
    }

    /// What was taken, and what had been given back before that: so what lies between is never less than what is in use,
    /// and where the second is the same afterwards, it is just that.
    #[inline]
    fn look(&self) -> (u64, u64) {
        // In this order, strictly: whoever waits for room says so before, and who gives back looks for them after.
        let returned = self.returned.0.load(Ordering::SeqCst);
        (self.taken.0.load(Ordering::SeqCst), returned)
    }

    /// Gives credit back; what is still in use, or was a moment ago.
    pub(super) fn give_back(&self, credit: Credit) -> Credit {
        let more = |word| Some(self.after(word, credit));
        let returned = &self.returned.0;
        let before = returned.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        let now = self.after(before.unwrap_or_else(|before| before), credit);
        self.between(now, self.taken.0.load(Ordering::SeqCst))
    }

    /// The credit that is held now.
    pub(super) fn used(&self) -> Credit {
        let (word, returned) = self.look();
        self.between(returned, word)
    }

    /// The number that is given next.
    #[inline]
    pub(super) fn next(&self) -> u64 {
        self.taken.0.load(Ordering::SeqCst) & NUMBER
    }

    /// The number behind another one.
    #[inline]
    pub(super) fn behind(&self, number: u64) -> u64 {
        let next = number + 1;
        if next == self.end { 0 } else { next }
    }

    /// No more credit is given.
    pub(super) fn close(&self) {
        self.taken.0.fetch_or(CLOSED, Ordering::SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.taken.0.load(Ordering::Acquire) & CLOSED != 0
    }

    /// A word, after so much more.
    #[inline]
    fn after(&self, word: u64, more: Credit) -> u64 {
        let number = (word & NUMBER) + more.records;
        let number = if number < self.end {
            number
        } else {
            number - self.end
        };
        let bytes = (word >> NUMBER_BITS).wrapping_add(more.bytes) << NUMBER_BITS;
        (bytes | number) & !CLOSED
    }

    /// How far one word is behind another.
    #[inline]
    fn between(&self, first: u64, last: u64) -> Credit {
        let (from, to) = (first & NUMBER, last & NUMBER);
        let records = if from <= to {
            to - from
        } else {
            to + self.end - from
        };
        let bytes = (last >> NUMBER_BITS).wrapping_sub(first >> NUMBER_BITS) & BYTES;
        Credit { records, bytes }
    }
}
