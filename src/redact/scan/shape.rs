//! Where digits and letters stand in a short text, a bit for each byte.

/// Which bytes of a text are digits, and which are letters: a bit for each.
pub(super) struct Shape {
    pub(super) digits: u64,
    pub(super) letters: u64,
}

impl Shape {
    pub(super) const LONGEST: usize = 64;

    /// As [`has_number`](super::glance::has_number).
    #[inline(always)]
    pub(super) fn has_number(self) -> bool {
        let Self { digits, letters } = self;
        let begins = !((letters | digits) << 1);
        // `DE44…`: two letters that begin a word, and two digits.
        if begins & letters & letters >> 1 & digits >> 2 & digits >> 3 != 0 {
            return true;
        }
        let but_one = |bits: u64| bits & bits.wrapping_sub(1);
        let mut left = digits;
        while left != 0 {
            // The digits before the next letter.
            let at = left.trailing_zeros();
            let letters = letters >> at;
            let row = (letters & letters.wrapping_neg()).wrapping_sub(1) << at;
            if but_one(but_one(but_one(but_one(left & row)))) != 0 {
                return true;
            }
            left &= !row;
        }
        false
    }

    /// The shape of a text of ASCII; what a byte beyond it is taken for is not said.
    pub(super) fn of(bytes: &[u8]) -> Self {
        const EACH: u64 = u64::from_le_bytes([1; 8]);
        // A bit at the top of each byte that is at least `least`: none of the sums reaches the next byte.
        let from = |word: u64, least: u8| (word & (EACH * 0x7F)) + EACH * u64::from(0x80 - least);
        let between = |word: u64, least: u8, most: u8| from(word, least) & !from(word, most + 1);
        // The top bits, gathered in one byte.
        let gathered = |word: u64| (word >> 7 & EACH).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        let mut shape = Self {
            digits: 0,
            letters: 0,
        };
        let mut take = |word: &[u8; 8], at: usize| {
            let word = u64::from_le_bytes(*word);
            shape.digits |= gathered(between(word, b'0', b'9')) << (at & 63);
            shape.letters |= gathered(between(word | (EACH * 0x20), b'a', b'z')) << (at & 63);
        };
        let (words, rest) = bytes.as_chunks();
        let mut at = 0;
        for word in words {
            take(word, at);
            at += 8;
        }
        match bytes.last_chunk() {
            _ if rest.is_empty() => {}
            // Some of these were taken already.
            Some(last) => take(last, bytes.len() - 8),
            None => {
                let mut last = [b' '; 8];
                last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
                take(&last, 0);
            }
        }
        shape
    }
}
