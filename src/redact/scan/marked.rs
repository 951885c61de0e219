//! The bytes of one kind in a text, one after another. 64 are asked at once without a branch: of random bytes every one
//! would be guessed wrong.

/// How many bytes are asked at once.
pub(super) const BLOCK: usize = 64;

/// The bytes of one kind in one block of a text.
pub(super) struct Marked<F> {
    is: F,
    /// Where the block behind this one begins, and a bit for each of its bytes that is one; the first byte's is the lowest.
    end: usize,
    bits: u64,
}

impl<F: Fn(u8) -> bool> Marked<F> {
    pub(super) const fn new(is: F) -> Self {
        Self { is, end: 0, bits: 0 }
    }

    /// The next one from `from` on, where all before it were given or passed over.
    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        if from < self.end {
            // Those before `from` are no longer asked for.
            let passed = (from + BLOCK).saturating_sub(self.end);
            let bits = self.bits & (u64::MAX << passed);
            if bits != 0 {
                return Some(self.end - BLOCK + bits.trailing_zeros() as usize);
            }
        }
        self.next_block(bytes, from.max(self.end))
    }

    #[inline(never)]
    fn next_block(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let (blocks, tail) = bytes.get(from..)?.as_chunks::<BLOCK>();
        self.end = from;
        for block in blocks {
            self.end += BLOCK;
            self.bits = self.bits_of(block);
            if self.bits != 0 {
                return Some(self.end - BLOCK + self.bits.trailing_zeros() as usize);
            }
        }
        let mut last = [b' '; BLOCK];
        if let Some(place) = last.get_mut(..tail.len()) {
            place.copy_from_slice(tail);
        }
        self.bits = self.bits_of(&last);
        self.end += BLOCK;
        (self.bits != 0).then(|| self.end - BLOCK + self.bits.trailing_zeros() as usize)
    }

    /// A bit for each byte that is one.
    #[inline]
    fn bits_of(&self, block: &[u8; BLOCK]) -> u64 {
        let mut are = [0; BLOCK];
        for (is, byte) in are.iter_mut().zip(block) {
            *is = u8::from((self.is)(*byte));
        }
        let eights = are.as_chunks().0.iter();
        eights.fold(0, |bits, eight| {
            let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            bits >> 8 | gathered << (BLOCK - 8)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_the_kind_is_given_once_wherever_it_stands() {
        let is = |byte: u8| byte.is_ascii_digit() || byte >= 0x80;
        let mut bytes: Vec<u8> = (0..=255).collect();
        for len in 0..200 {
            bytes.rotate_left(37);
            let text = &bytes[..len];
            let wanted: Vec<usize> = (0..len).filter(|at| is(text[*at])).collect();
            let mut marked = Marked::new(is);
            let mut found = Vec::new();
            let mut from = 0;
            while let Some(at) = marked.next(text, from) {
                found.push(at);
                from = at + 1;
            }
            assert_eq!(found, wanted);
            let mut marked = Marked::new(is);
            for from in (0..len + 3).step_by(5) {
                let first = wanted.iter().copied().find(|at| *at >= from);
                assert_eq!(marked.next(text, from), first, "{len} {from}");
            }
        }
    }
}
