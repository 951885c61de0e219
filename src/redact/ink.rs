//! A byte string that is written front to back into memory that is there already.
//!
//! A vector checks its capacity and moves its length at every append. Here the memory is initialised beforehand and a
//! mark moves through it, so that a short value is one bounds check and one copy.
//!
//! Where there is no memory for what comes next, the whole is lost: nothing can be read of it any more, and nothing added.
//! The mark says so by itself, so that what is written in the usual way pays nothing for it.

use super::head::Head;
use crate::record::frame::Out;

/// Bytes and a mark.
#[derive(Default)]
pub(super) struct Ink {
    /// Initialised to its whole length; what lies behind the mark does not matter.
    bytes: Vec<u8>,
    /// Where the next byte goes; [`LOST`] where nothing can. Narrow, so that a length is added without a look whether the sum
    /// overflows.
    at: u32,
}

/// Lies behind all memory that an ink ever has, and so far from the end of all numbers that a length can be added, also where
/// they have 32 bits.
const LOST: u32 = i32::MAX as u32;

impl Out for Ink {
    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        let at = self.len();
        match self.bytes.get_mut(at..at + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.move_on(bytes.len());
            }
            None => self.extend_grown(bytes),
        }
    }
}

impl Ink {
    /// Nothing yet, in the memory of `bytes`, whose old contents do not matter.
    #[inline]
    pub(super) fn over(bytes: Vec<u8>) -> Self {
        Self { at: 0, bytes }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.at as usize
    }

    /// Moves the mark behind `len` bytes that were written.
    #[inline]
    fn move_on(&mut self, len: usize) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the memory is never longer than the mark reaches"
        )]
        let len = len as u32;
        self.at += len;
    }

    #[inline]
    pub(super) fn written(&self) -> &[u8] {
        self.whole().unwrap_or_default()
    }

    /// What was written; `None` where there was no memory for all of it.
    #[inline]
    pub(super) fn whole(&self) -> Option<&[u8]> {
        self.bytes.get(..self.len())
    }

    /// Whether there was no memory for all that was written.
    #[inline]
    pub(super) fn is_lost(&self) -> bool {
        self.at == LOST
    }

    /// Gives up what was written, and what will be. No trace of it is left: it may be what must not stay.
    #[cold]
    pub(super) fn lose(&mut self) {
        self.bytes.fill(0);
        self.at = LOST;
    }

    /// What was written from `start` on, to be changed in place.
    pub(super) fn written_from(&mut self, start: usize) -> &mut [u8] {
        let end = self.len();
        self.bytes.get_mut(start..end).unwrap_or_default()
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    #[inline]
    pub(super) fn into_memory(self) -> Vec<u8> {
        self.bytes
    }

    /// Changes places with another, in parts: the mark was moved a moment ago, and who loads more than was stored waits until
    /// the store has arrived.
    #[inline(always)]
    pub(super) fn swap(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.bytes, &mut other.bytes);
        std::mem::swap(&mut self.at, &mut other.at);
    }

    /// Forgets what was written.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.at = 0;
    }

    /// Forgets what was written behind the first `len` bytes, and leaves no trace of it: it may be what must not stay.
    pub(super) fn wipe_back(&mut self, len: usize) {
        if !self.is_lost() {
            self.written_from(len).fill(0);
            self.at = self.at.min(u32::try_from(len).unwrap_or(LOST));
        }
    }

    /// As [`Out::extend`], where the memory does not suffice.
    #[cold]
    fn extend_grown(&mut self, bytes: &[u8]) {
        if self.is_lost() {
            return;
        }
        let at = self.len();
        let needed = (at + bytes.len()).saturating_sub(self.bytes.len());
        if at + bytes.len() > MOST || self.bytes.try_reserve(needed).is_err() {
            return self.lose();
        }
        self.bytes.resize(self.bytes.capacity().min(MOST), 0);
        if let Some(place) = self.bytes.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
            self.move_on(bytes.len());
        }
    }

    /// A few bytes of known number, and more behind them.
    #[inline]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N], more: &[u8]) {
        let at = self.len();
        let place = self.bytes.get_mut(at..at + N + more.len());
        match place.and_then(|place| place.split_first_chunk_mut::<N>()) {
            Some((first, rest)) => {
                *first = bytes;
                rest.copy_from_slice(more);
                self.move_on(N + more.len());
            }
            None => {
                self.extend_grown(&bytes);
                self.extend(more);
            }
        }
    }

    /// As [`Out::extend`], for bytes that stand at the beginning of `block` where they are not longer: a copy of its full width
    /// is a few stores, and calls nothing.
    #[inline]
    pub(super) fn put_block(&mut self, bytes: &[u8], block: &[u8; BLOCK]) {
        let at = self.len();
        let window = self.bytes.get_mut(at..at + BLOCK);
        match window.and_then(|window| window.first_chunk_mut::<BLOCK>()) {
            Some(window) if bytes.len() <= BLOCK => {
                *window = *block;
                self.move_on(bytes.len());
            }
            _ => self.extend(bytes),
        }
    }

    /// As [`Self::put_behind`], for a head that has a number: nothing but the text has a length to ask for. Nothing here calls
    /// anything: a call would have the caller save its registers first, also where there is none to make.
    #[inline(always)]
    pub(super) fn put_numbered<const N: usize>(
        &mut self,
        numbered: u32,
        tag: u8,
        bytes: [u8; N],
        more: &[u8],
    ) -> bool {
        /// The head and the tag.
        const HEAD: usize = 4;
        const ROOM: usize = HEAD + 8 + SHORT;
        const { assert!(N <= 8, "the room holds what stands behind the head") }
        let at = self.len();
        let Some(room) = self.bytes.get_mut(at..at + ROOM) else {
            return false;
        };
        let Some(room) = room.first_chunk_mut::<ROOM>() else {
            return false;
        };
        let (head, value) = room.split_at_mut(HEAD);
        head.copy_from_slice(&(numbered | u32::from(tag) << 24).to_le_bytes());
        let (first, text) = value.split_at_mut(N);
        first.copy_from_slice(&bytes);
        // Asked only now, as below.
        if more.len() > SHORT {
            return false;
        }
        put_short(text, more);
        self.move_on(HEAD + N + more.len());
        true
    }

    /// A head, the tag of its value, a few bytes of known number, and a short text behind them; `false`, and nothing, where the text is longer or
    /// the initialised memory does not suffice. The head is copied at its full width, which is a store or two, and the rest
    /// put over it.
    #[inline]
    pub(super) fn put_behind<const N: usize>(
        &mut self,
        head: &Head,
        tag: u8,
        bytes: [u8; N],
        more: &[u8],
    ) -> bool {
        const {
            assert!(
                Head::WIDTH + 1 + N + SHORT <= WINDOW,
                "the window holds every head and what stands behind it"
            )
        }
        // The mask tells the compiler what the plan guarantees: a short head ends within the first half.
        let len = usize::from(head.len) & (Head::WIDTH - 1);
        let at = self.len();
        let Some(window) = self.bytes.get_mut(at..at + WINDOW) else {
            return false;
        };
        let Some(window) = window.first_chunk_mut::<WINDOW>() else {
            return false;
        };
        let (first, _) = window.split_at_mut(Head::WIDTH);
        first.copy_from_slice(&head.bytes);
        // Two stores: to make one value of both, the compiler would shift them together.
        if let Some(place) = window.get_mut(len) {
            *place = tag;
        }
        if let Some(place) = window.get_mut(len + 1..len + 1 + N) {
            place.copy_from_slice(&bytes);
        }
        // Asked only now: next to the questions above, the compiler makes one long question of the three. What stands
        // behind the mark does not matter.
        if more.len() > SHORT {
            return false;
        }
        if let Some(place) = window.get_mut(len + 1 + N..) {
            put_short(place, more);
        }
        self.move_on(len + 1 + N + more.len());
        true
    }
}

/// Copies at most [`SHORT`] bytes: the first and the last few of them, which overlap.
#[inline(always)]
fn put_short(place: &mut [u8], text: &[u8]) {
    #[inline(always)]
    fn ends<const N: usize>(place: &mut [u8], text: &[u8]) {
        let at = text.len().saturating_sub(N);
        if let (Some(first), Some(last)) = (text.get(..N), text.get(at..at + N)) {
            if let Some(place) = place.get_mut(..N) {
                place.copy_from_slice(first);
            }
            if let Some(place) = place.get_mut(at..at + N) {
                place.copy_from_slice(last);
            }
        }
    }
    match text.len() {
        // Most ids and words are of these lengths: asked first.
        8..=16 => ends::<8>(place, text),
        32..=SHORT => ends::<32>(place, text),
        17..32 => ends::<16>(place, text),
        4..8 => ends::<4>(place, text),
        2..4 => ends::<2>(place, text),
        1 => ends::<1>(place, text),
        _ => {}
    }
}

/// The most bytes of an ink.
const MOST: usize = (LOST - 1) as usize;

/// How wide a block is that is copied at its full width.
pub(super) const BLOCK: usize = 48;

/// The longest text that is copied without a call.
const SHORT: usize = 64;

/// How much initialised memory a short value needs ahead of it.
const WINDOW: usize = 112;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{About, FieldPlan, Of, Policy};

    #[test]
    fn a_text_of_every_length_arrives_whole_by_the_short_way_or_not_at_all() {
        let policy = Policy::balanced();
        let of = Of {
            policy: &policy,
            about: About::default(),
        };
        let plan = FieldPlan::new("note", of);
        let text: Vec<u8> = (0..=255).collect();
        let mut long_ones = 0;
        for len in 0..=WINDOW {
            let mut ink = Ink::over(vec![0xEE; 256]);
            ink.put([1, 2, 3], &[]);
            let before = ink.len();
            let taken = ink.put_behind(&plan.head, 7, [8], &text[..len]);
            let mut expected = vec![1, 2, 3];
            if taken {
                expected.extend_from_slice(&plan.head.bytes[..usize::from(plan.head.len)]);
                expected.extend_from_slice(&[7, 8]);
                expected.extend_from_slice(&text[..len]);
            } else {
                assert_eq!(ink.len(), before);
                long_ones += 1;
            }
            assert_eq!(ink.written(), expected, "{len}");
        }
        assert_eq!(long_ones, WINDOW - SHORT);
        let mut narrow = Ink::over(vec![0; WINDOW]);
        narrow.put([1], &[]);
        assert!(!narrow.put_behind(&plan.head, 7, [8], &text[..1]));
    }

    #[test]
    fn what_there_is_no_memory_for_is_lost_whole_and_leaves_no_trace() {
        let mut ink = Ink::over(vec![0; 16]);
        ink.put([1, 2], b"secret");
        ink.lose();
        assert!(ink.is_lost() && ink.whole().is_none() && ink.written().is_empty());
        ink.extend(b"more");
        ink.put([3], b"and more");
        ink.wipe_back(0);
        assert!(ink.is_lost() && ink.written_from(0).is_empty());
        let mut next = Ink::over(ink.into_memory());
        assert_eq!(next.capacity(), 16);
        assert_eq!(next.bytes, [0; 16]);
        next.extend(b"next");
        assert_eq!(next.whole(), Some(b"next".as_slice()));
    }
}
