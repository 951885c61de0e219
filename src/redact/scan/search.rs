//! Several hundred literals found in one pass, by three neighbouring bytes: a set with a bit for each three that a
//! literal ends in says where it is worth looking, for 64 places without a branch. An automaton has to wait for each
//! of its steps before it can take the next one; these questions wait for nothing.

use super::alphabet::{Alphabet, byte, walled};

/// A literal, where it counts, and what it means.
#[derive(Debug, Clone)]
pub(super) struct Literal<T> {
    pub(super) bytes: Box<[u8]>,
    /// Whether it counts in these very letters only, and not as capitals or small ones.
    pub(super) exact: bool,
    /// Whether it counts only where a token may begin.
    pub(super) walled: bool,
    pub(super) behind: Behind,
    pub(super) meaning: T,
}

/// What must stand behind a literal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Behind {
    Any,
    /// A byte of the alphabet.
    Of(Alphabet),
    /// What a list of numbers goes on with.
    Listed,
}

/// Literals made ready to be found.
pub(super) struct Search<T> {
    /// A bit for each three bytes that are worth a look, by their hash.
    set: Box<[u32; WORDS]>,
    /// By the hash of the last three bytes: what may stand before them, a bit for each of 32 kinds of bytes.
    before: Box<[u32; SLOTS]>,
    /// By the same hash: which of `entries` end so.
    threes: Box<[Range; SLOTS]>,
    /// The same for literals of two bytes.
    twos: Box<[Range; PAIRS]>,
    /// Neighbours in a slot stand in the order in which they are found: the longest first.
    entries: Vec<Entry<T>>,
}

/// A part of the entries: from, and how many.
type Range = (u16, u16);

struct Entry<T> {
    /// The last eight bytes, with the bit set that tells a letter's cases apart where both count.
    tail: u64,
    case: u64,
    /// Leaves out what stands before a shorter one.
    mask: u64,
    len: usize,
    behind: Behind,
    meaning: T,
    /// What stands before the last eight.
    head: Box<[u8]>,
    exact: bool,
    walled: bool,
}

const BITS: u32 = 16;
const WORDS: usize = 1 << (BITS - 5);
const SLOTS: usize = 1 << 10;
const PAIRS: usize = 1 << 8;

/// How many places are asked at once.
const STEP: usize = 64;

/// What those are read from: the last place, and four bytes for its three.
const WINDOW: usize = STEP + 3;

/// Letters of both cases are one. Some other bytes become one as well, which are told apart later.
const FOLD: u32 = 0x2020_2020;

/// The number of three folded bytes, read as one with a fourth that falls out.
#[inline]
const fn hash(three: u32) -> u32 {
    three.wrapping_mul(0x9E37_79B1 << 8) >> (32 - BITS)
}

const fn pair_slot(three: u32) -> usize {
    ((three & 0xFFFF).wrapping_mul(0x9E37) >> 8 & 0xFF) as usize
}

const fn three_slot(three: u32) -> usize {
    (hash(three) >> (BITS - 10)) as usize
}

impl<T: Copy> Search<T> {
    pub(super) fn new(literals: Vec<Literal<T>>) -> Self {
        let mut new = Self {
            set: Box::new([0; WORDS]),
            before: Box::new([0; SLOTS]),
            threes: Box::new([(0, 0); SLOTS]),
            twos: Box::new([(0, 0); PAIRS]),
            entries: Vec::new(),
        };
        let mut all = literals;
        all.retain(|literal| literal.bytes.len() >= 2);
        for literal in &all {
            new.note(literal);
        }
        all.sort_by_key(|literal| (place(literal), usize::MAX - literal.bytes.len()));
        for literal in all {
            let (is_three, slot) = place(&literal);
            let at = u16::try_from(new.entries.len()).unwrap_or(u16::MAX);
            let slots = if is_three {
                new.threes.get_mut(slot)
            } else {
                new.twos.get_mut(slot)
            };
            if let Some(range) = slots {
                *range = if range.1 == 0 {
                    (at, 1)
                } else {
                    (range.0, range.1 + 1)
                };
            }
            new.entries.push(Entry::of(literal));
        }
        new
    }

    /// Sets the bits of all threes that are worth a look for a literal.
    fn note(&mut self, literal: &Literal<T>) {
        let tail = literal.bytes.as_ref();
        if let [.., a, b, c] = *tail {
            let before = match *tail {
                [.., before, _, _, _] => 1 << (before & 31),
                _ => u32::MAX,
            };
            if let Some(known) = self
                .before
                .get_mut(three_slot(u32::from_le_bytes([a, b, c, 0]) | FOLD))
            {
                *known |= before;
            }
            return self.set([a, b, c]);
        }
        let [a, b] = *tail else { return };
        (0..=u8::MAX)
            .filter(|byte| literal.behind.has(*byte))
            .for_each(|byte| self.set([a, b, byte]));
    }

    fn set(&mut self, [a, b, c]: [u8; 3]) {
        let place = hash(u32::from_le_bytes([a, b, c, 0]) | FOLD);
        if let Some(word) = self.set.get_mut((place >> 5) as usize) {
            *word |= 1 << (place & 31);
        }
    }

    /// Calls `found` with the meaning of each literal in the text and where it begins and ends, by end; of those that
    /// end together, the longest first.
    #[inline]
    pub(super) fn each(&self, text: &[u8], mut found: impl FnMut(T, usize, usize)) {
        let mut start = 0;
        while let Some(window) = text.get(start..).and_then(<[u8]>::first_chunk::<WINDOW>) {
            self.look(text, start, self.marks(window), &mut found);
            start += STEP;
        }
        // What is left, and a zero behind it, so that a literal of two bytes at the end has a third.
        while start + 1 < text.len() {
            let rest = text.get(start..).unwrap_or_default();
            let mut window = [0; WINDOW];
            for (place, byte) in window.iter_mut().zip(rest) {
                *place = *byte;
            }
            let places = (rest.len() - 1).min(STEP);
            let marks = self.marks(&window) & (u64::MAX >> (STEP - places));
            self.look(text, start, marks, &mut found);
            start += STEP;
        }
    }

    /// A bit for each place of the window that is worth a look. A function of its own, so that what is done with them
    /// takes none of its registers.
    #[inline(never)]
    fn marks(&self, window: &[u8; WINDOW]) -> u64 {
        let mut marks = 0;
        for eight in 0..STEP / 8 {
            let mut few = 0;
            for place in 0..8 {
                let at = eight * 8 + place;
                let four = window.get(at..at + 4).and_then(|four| four.first_chunk());
                let three = four.map_or(0, |four| u32::from_le_bytes(*four)) | FOLD;
                let bit = hash(three);
                let word = self.set.get((bit >> 5) as usize).copied().unwrap_or(0);
                few |= (word.wrapping_shr(bit) & 1) << place;
            }
            marks |= u64::from(few) << (eight * 8);
        }
        marks
    }

    /// Of the marked places those where the byte before the three fits too. Again without a branch.
    #[inline]
    fn likely(&self, text: &[u8], start: usize, mut marks: u64) -> u64 {
        let mut likely = 0;
        while marks != 0 {
            let place = marks.trailing_zeros();
            let at = start + place as usize;
            marks &= marks - 1;
            let (before, three) = neighbours(text, at);
            let known = self.before.get(three_slot(three)).copied().unwrap_or(0);
            let two = self.twos.get(pair_slot(three)).is_some_and(|range| range.1 > 0);
            likely |= (u64::from(known.wrapping_shr(before) & 1) | u64::from(two)) << place;
        }
        likely
    }

    #[inline]
    fn look(&self, text: &[u8], start: usize, marks: u64, found: &mut impl FnMut(T, usize, usize)) {
        let mut likely = self.likely(text, start, marks);
        while likely != 0 {
            let at = start + likely.trailing_zeros() as usize;
            likely &= likely - 1;
            let (_, three) = neighbours(text, at);
            // Literals of two bytes end one place before those of the same three: so they come first.
            let ends = [
                (self.twos.get(pair_slot(three)), at + 2),
                (self.threes.get(three_slot(three)), at + 3),
            ];
            for (range, end) in ends {
                let Some(&(from, count)) = range.filter(|range| range.1 > 0 && end <= text.len()) else {
                    continue;
                };
                let tail = tail(text, end);
                let from = usize::from(from);
                let entries = self.entries.get(from..from + usize::from(count));
                for entry in entries.unwrap_or_default() {
                    if (tail | entry.case) & entry.mask == entry.tail && entry.stands(text, end) {
                        found(entry.meaning, end - entry.len, end);
                    }
                }
            }
        }
    }
}

/// The three bytes at a place as a folded number, and the byte before them.
#[inline]
fn neighbours(text: &[u8], at: usize) -> (u32, u32) {
    let four = at
        .checked_sub(1)
        .and_then(|from| text.get(from..from + 4)?.first_chunk());
    match four {
        Some(four) => {
            let four = u32::from_le_bytes(*four);
            (four & 31, four >> 8 | FOLD)
        }
        None => (
            u32::from(at.checked_sub(1).map_or(0, |at| byte(text, at))) & 31,
            u32::from_le_bytes([byte(text, at), byte(text, at + 1), byte(text, at + 2), 0]) | FOLD,
        ),
    }
}

/// Whether a literal stands in the table of threes, and where.
fn place<T>(literal: &Literal<T>) -> (bool, usize) {
    match *literal.bytes {
        [.., a, b, c] => (true, three_slot(u32::from_le_bytes([a, b, c, 0]) | FOLD)),
        [a, b] => (false, pair_slot(u32::from_le_bytes([a, b, 0, 0]) | FOLD)),
        _ => (false, 0),
    }
}

/// The eight bytes before `end`; zeros where the text begins later.
#[inline]
fn tail(text: &[u8], end: usize) -> u64 {
    let whole = end
        .checked_sub(8)
        .and_then(|start| text.get(start..end)?.first_chunk());
    let bytes = whole.copied().unwrap_or_else(|| {
        std::array::from_fn(|at| (at + end).checked_sub(8).map_or(0, |at| byte(text, at)))
    });
    u64::from_le_bytes(bytes)
}

impl<T> Entry<T> {
    fn of(literal: Literal<T>) -> Self {
        let bytes = literal.bytes.as_ref();
        let len = bytes.len();
        let mask = u64::MAX << (64 - 8 * len.min(8));
        let is_letter = |byte: u8| byte.is_ascii_alphabetic() && !literal.exact;
        let case = std::array::from_fn(|at| {
            let byte = (at + len).checked_sub(8).map_or(0, |at| byte(bytes, at));
            u8::from(is_letter(byte)) << 5
        });
        let case = u64::from_le_bytes(case);
        Self {
            tail: (tail(bytes, len) | case) & mask,
            case,
            mask,
            len,
            behind: literal.behind,
            head: bytes.get(..len.saturating_sub(8)).unwrap_or_default().into(),
            exact: literal.exact,
            walled: literal.walled,
            meaning: literal.meaning,
        }
    }

    /// Whether a literal whose last eight bytes end at `end` stands there, next to what it needs.
    #[inline]
    fn stands(&self, text: &[u8], end: usize) -> bool {
        let is_followed = match self.behind {
            Behind::Any => true,
            behind => text.get(end).is_some_and(|byte| behind.has(*byte)),
        };
        let Some(start) = end.checked_sub(self.len) else {
            return false;
        };
        is_followed
            && (!self.walled || walled(text, start))
            && (self.head.is_empty() || self.begins(text, start))
    }

    fn begins(&self, text: &[u8], start: usize) -> bool {
        let head = self.head.as_ref();
        let there = text.get(start..start + head.len()).unwrap_or_default();
        if self.exact {
            there == head
        } else {
            there.eq_ignore_ascii_case(head)
        }
    }
}

impl Behind {
    #[cfg(test)]
    pub(super) const fn is_any(self) -> bool {
        matches!(self, Self::Any)
    }

    #[inline]
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Self::Any => true,
            Self::Of(alphabet) => alphabet.has(byte),
            Self::Listed => byte.is_ascii_digit() || matches!(byte, b',' | b' ' | b'\n'),
        }
    }
}
