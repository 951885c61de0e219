//! A byte string that is written front to back, mostly into memory that is there already.
//!
//! A vector checks its capacity and moves its length at every append. Here the memory is initialised beforehand and a
//! mark moves through it, so that a short value is one bounds check and one copy. Whoever needs the vector itself
//! takes it, and from then on the string is an ordinary vector until it is cleared.

use super::field::Head;

/// Bytes and a mark.
pub(super) struct Ink {
    bytes: Vec<u8>,
    /// Where the next byte goes, as long as the memory behind it is initialised; else [`UNMARKED`].
    at: usize,
}

/// Beyond every vector's end, so that a claim from here fails by its bounds check alone.
const UNMARKED: usize = usize::MAX >> 2;

impl Default for Ink {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            at: UNMARKED,
        }
    }
}

impl Ink {
    /// Nothing yet, in the memory of `bytes`, whose old contents do not matter.
    #[inline]
    pub(super) fn over(bytes: Vec<u8>) -> Self {
        Self {
            at: if bytes.is_empty() { UNMARKED } else { 0 },
            bytes,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.at.min(self.bytes.len())
    }

    #[inline]
    pub(super) fn written(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub(super) fn into_memory(self) -> Vec<u8> {
        self.bytes
    }

    /// Forgets what was written and makes all memory ready again.
    pub(super) fn clear(&mut self) {
        if self.at == UNMARKED {
            self.bytes.resize(self.bytes.capacity(), 0);
        }
        self.at = if self.bytes.is_empty() { UNMARKED } else { 0 };
    }

    /// The string as a vector, for what is written in no hurry.
    #[cold]
    pub(super) fn vec(&mut self) -> &mut Vec<u8> {
        self.bytes.truncate(self.at);
        self.at = UNMARKED;
        &mut self.bytes
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        match self.bytes.get_mut(self.at..self.at + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.at += bytes.len();
            }
            None => self.vec().extend_from_slice(bytes),
        }
    }

    /// A few bytes of known number, and more behind them.
    #[inline]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N], more: &[u8]) {
        let place = self.bytes.get_mut(self.at..self.at + N + more.len());
        match place.and_then(|place| place.split_first_chunk_mut::<N>()) {
            Some((first, rest)) => {
                *first = bytes;
                rest.copy_from_slice(more);
                self.at += N + more.len();
            }
            None => {
                self.vec().extend_from_slice(&bytes);
                self.vec().extend_from_slice(more);
            }
        }
    }

    /// A head, a few bytes of known number, and more behind them; `false`, and nothing, where the initialised memory
    /// does not suffice. The head is copied at its full width, which is a store or two, and the rest put over it.
    #[inline]
    pub(super) fn put_behind<const N: usize>(&mut self, head: &Head, bytes: [u8; N], more: &[u8]) -> bool {
        const {
            assert!(
                Head::WIDTH + N <= WINDOW,
                "the window holds every head and what stands behind it"
            )
        }
        // The mask tells the compiler what the plan guarantees: a short head ends within the first half.
        let len = usize::from(head.len) & (Head::WIDTH - 1);
        let Some((window, _)) = self
            .bytes
            .get_mut(self.at..)
            .and_then(|rest| rest.split_first_chunk_mut::<WINDOW>())
        else {
            return false;
        };
        let (first, _) = window.split_at_mut(Head::WIDTH);
        first.copy_from_slice(&head.bytes);
        if let Some(place) = window.get_mut(len..len + N) {
            place.copy_from_slice(&bytes);
        }
        let start = self.at + len + N;
        if !more.is_empty() {
            let Some(place) = self.bytes.get_mut(start..start + more.len()) else {
                return false;
            };
            place.copy_from_slice(more);
        }
        self.at = start + more.len();
        true
    }
}

/// How much initialised memory a short value needs ahead of it.
const WINDOW: usize = 64;
