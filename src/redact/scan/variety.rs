//! How many kinds of bytes the body of a token has: no word and no `xxxxxxxx` has as many as a random one. A long run
//! may hold many literals, so what was read behind one of them is not read again behind the next.

use std::ops::Range;

/// Bytes of ASCII, as bits, and what these say.
#[derive(Debug, Default, Clone, Copy)]
struct Kinds {
    bits: [u64; 2],
    count: u32,
    is_mixed: bool,
}

/// How many bytes of a body are read.
const HEAD: usize = 64;

/// How many are read before it is asked whether they are enough.
const STEP: usize = 16;

impl Kinds {
    fn add(&mut self, bytes: &[u8]) {
        const DIGITS: u64 = 0x3FF << b'0';
        const CAPITALS: u64 = 0x3FF_FFFF << (b'A' & 63);
        const SMALL: u64 = 0x3FF_FFFF << (b'a' & 63);
        let mut bits = self.bits;
        for &byte in bytes {
            if let Some(half) = bits.get_mut(usize::from(byte >> 6 & 1)) {
                *half |= 1_u64 << (byte & 63);
            }
        }
        // In a long run that repeats itself, mostly nothing new was read.
        if bits != self.bits {
            let [low, high] = bits;
            self.bits = bits;
            self.count = low.count_ones() + high.count_ones();
            self.is_mixed = low & DIGITS != 0 || high & CAPITALS != 0 && high & SMALL != 0;
        }
    }

    /// As [`super::alphabet::varied`] says of a body whose beginning is so long, or, where a body of one case will do, whether
    /// there are `fewest` kinds.
    fn are_enough(self, len: usize, fewest: Option<u32>) -> bool {
        let wanted = match (self.is_mixed, fewest) {
            (true, None) => of_all(len),
            (true, Some(fewest)) => of_all(len).min(fewest),
            (false, Some(fewest)) => fewest,
            (false, None) => return false,
        };
        self.count >= wanted
    }
}

/// How many kinds a body has whose beginning is so long, and which is of more than one case or has digits.
const fn of_all(len: usize) -> u32 {
    if len >= 16 { 6 } else { 4 }
}

/// The kinds of the bytes that were read last.
#[derive(Debug, Default)]
pub(super) struct Variety {
    read: Range<usize>,
    kinds: Kinds,
}

impl Variety {
    /// Whether the body has as many kinds of bytes as a random one. It is of ASCII.
    pub(super) fn is_enough(&mut self, bytes: &[u8], body: Range<usize>, fewest: Option<u32>) -> bool {
        let head = body.start..body.end.min(body.start + HEAD);
        let is_known = self.read.start <= head.start && head.start <= self.read.end;
        // What is not enough with more before it and behind it is not enough by itself.
        if is_known && !self.kinds.are_enough(head.len(), fewest) {
            if head.end <= self.read.end {
                return false;
            }
            // Somewhat more, so that the next bodies of this run need not be read.
            let end = body.end.min(head.end + STEP);
            self.kinds.add(bytes.get(self.read.end..end).unwrap_or_default());
            self.read.end = end;
            if !self.kinds.are_enough(head.len(), fewest) {
                return false;
            }
        }
        (self.kinds, self.read) = (Kinds::default(), head.start..head.start);
        for part in bytes.get(head.clone()).unwrap_or_default().chunks(STEP) {
            self.kinds.add(part);
            self.read.end += part.len();
            if self.kinds.are_enough(head.len(), fewest) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::alphabet;
    use super::*;

    proptest! {
        #[test]
        fn a_body_is_as_varied_as_it_is_by_itself(
            pieces in proptest::collection::vec(
                (proptest::sample::select(vec!["-pa", "a", "eyJ", "7", "B", "xyz", "_", "A3-", "qRs", "=", "~%"]), 1..30_usize),
                0..30,
            ),
            bodies in proptest::collection::vec((0..600_usize, 0..90_usize, prop::option::of(1..9_u32)), 1..60),
            in_order in any::<bool>(),
        ) {
            let text: String = pieces.into_iter().map(|(piece, times)| piece.repeat(times)).collect();
            let bytes = text.as_bytes();
            let mut bodies = bodies;
            if in_order {
                bodies.sort_unstable();
            }
            let mut variety = Variety::default();
            for (start, len, fewest) in bodies {
                let start = start.min(bytes.len());
                let end = bytes.len().min(start + len);
                let body = &bytes[start..end];
                let wanted = alphabet::varied(body)
                    || fewest.is_some_and(|fewest| alphabet::kinds(body) >= fewest);
                prop_assert_eq!(variety.is_enough(bytes, start..end, fewest), wanted, "{}..{} {:?}", start, end, fewest);
            }
        }
    }

    #[test]
    fn the_bodies_of_all_tokens_are_of_ascii() {
        for row in super::super::tokens::PREFIXES {
            assert!(
                (0x80..=0xFF_u8).all(|byte| !row.body.has(byte)),
                "{}",
                row.literal
            );
        }
    }
}
