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
    /// By the hash of the last three bytes: which literals end so.
    threes: Box<[Slot; SLOTS]>,
    /// The same for literals of two bytes.
    twos: Box<[Slot; PAIRS]>,
    /// A bit for each byte that one of those begins with, and one for each that one ends with.
    firsts: [u64; 4],
    seconds: [u64; 4],
    /// Neighbours in a slot stand in the order in which they are found: the longest first.
    entries: Vec<Entry<T>>,
}

/// What is known of literals whose last bytes have the same hash.
#[derive(Debug, Default, Clone, Copy)]
struct Slot {
    /// What may stand before those bytes, a bit for each of 32 kinds of bytes.
    before: u32,
    /// Where they stand among the entries.
    from: u16,
    to: u16,
}

struct Entry<T> {
    /// The last eight bytes, with the bit set that tells a letter's cases apart where both count.
    tail: u64,
    case: u64,
    /// Leaves out what stands before a shorter one.
    mask: u64,
    len: usize,
    meaning: T,
    /// Whether the last eight bytes are all that it needs.
    plain: bool,
    walled: bool,
    exact: bool,
    behind: Behind,
    /// What stands before the last eight.
    head: Box<[u8]>,
}

const BITS: u32 = 16;
const WORDS: usize = 1 << (BITS - 5);
const SLOTS: usize = 1 << 10;
const PAIRS: usize = 1 << 8;

/// How many places are asked at once.
const STEP: usize = 64;

/// How many bytes before the first of them are read as well: with the three at a place, the last eight of a literal.
const LEAD: usize = 5;

/// What those are read from: the last place, and four bytes for its three.
const WINDOW: usize = LEAD + STEP + 3;

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
            threes: Box::new([Slot::default(); SLOTS]),
            twos: Box::new([Slot::default(); PAIRS]),
            firsts: [0; 4],
            seconds: [0; 4],
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
            if let Some(slot) = slots {
                if slot.to == 0 {
                    slot.from = at;
                }
                slot.to = at + 1;
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
            let slot = three_slot(u32::from_le_bytes([a, b, c, 0]) | FOLD);
            if let Some(slot) = self.threes.get_mut(slot) {
                slot.before |= before;
            }
            return self.set([a, b, c]);
        }
        let [a, b] = *tail else { return };
        for (bits, byte) in [(&mut self.firsts, a), (&mut self.seconds, b)] {
            let byte = byte | FOLD as u8;
            if let Some(word) = bits.get_mut(usize::from(byte >> 6)) {
                *word |= 1 << (byte & 63);
            }
        }
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
        let mut edge = [0; WINDOW];
        let mut start = 0;
        while start + 1 < text.len() {
            let within = start
                .checked_sub(LEAD)
                .and_then(|from| text.get(from..)?.first_chunk());
            let (window, places) = match within {
                Some(window) => (window, STEP),
                None => (
                    &*at_edge(text, start, &mut edge),
                    (text.len() - start - 1).min(STEP),
                ),
            };
            let marks = self.marks(window) & (u64::MAX >> (STEP - places));
            if marks != 0 {
                self.look(text, start, window, marks, &mut found);
            }
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
                let at = LEAD + eight * 8 + place;
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

    /// Of the marked places those where the byte before the three fits too, and those where literals of two bytes may
    /// stand. Again without a branch.
    #[inline]
    fn likely(&self, window: &[u8; WINDOW], mut marks: u64) -> (u64, u64) {
        let (mut threes, mut twos) = (0, 0);
        while marks != 0 {
            let place = marks.trailing_zeros();
            marks &= marks - 1;
            let (before, three) = neighbours(tail_at(window, place));
            let known = self.threes.get(three_slot(three)).map_or(0, |slot| slot.before);
            threes |= u64::from(known.wrapping_shr(before) & 1) << place;
            let first = self.firsts.get((three >> 6 & 3) as usize).copied().unwrap_or(0);
            let second = self.seconds.get((three >> 14 & 3) as usize).copied().unwrap_or(0);
            twos |= (first.wrapping_shr(three) & second.wrapping_shr(three >> 8) & 1) << place;
        }
        (threes, twos)
    }

    #[inline]
    fn look(
        &self,
        text: &[u8],
        start: usize,
        window: &[u8; WINDOW],
        marks: u64,
        found: &mut impl FnMut(T, usize, usize),
    ) {
        let (threes, twos) = self.likely(window, marks);
        let mut likely = threes | twos;
        while likely != 0 {
            let place = likely.trailing_zeros();
            likely &= likely - 1;
            let end = start + place as usize + 3;
            let tail = tail_at(window, place);
            let (_, three) = neighbours(tail);
            // Literals of two bytes end one place before those of the same three: so they come first.
            if twos >> place & 1 == 1 {
                let slot = self.twos.get(pair_slot(three)).copied().unwrap_or_default();
                self.each_of(slot, text, tail << 8, end - 1, found);
            }
            let slot = self.threes.get(three_slot(three)).copied().unwrap_or_default();
            self.each_of(slot, text, tail, end, found);
        }
    }

    /// Calls `found` for the literals of the slot that end at `end`, before which `tail` stands.
    #[inline(always)]
    fn each_of(
        &self,
        slot: Slot,
        text: &[u8],
        tail: u64,
        end: usize,
        found: &mut impl FnMut(T, usize, usize),
    ) {
        let entries = self.entries.get(usize::from(slot.from)..usize::from(slot.to));
        for entry in entries.unwrap_or_default() {
            if (tail | entry.case) & entry.mask == entry.tail && (entry.plain || entry.stands(text, end)) {
                found(entry.meaning, end.wrapping_sub(entry.len), end);
            }
        }
    }
}

/// A copy of what stands around the places from `start` on, with zeros before the text and behind it: so that a literal
/// of two bytes at the end has a third.
#[cold]
fn at_edge<'e>(text: &[u8], start: usize, edge: &'e mut [u8; WINDOW]) -> &'e mut [u8; WINDOW] {
    *edge = [0; WINDOW];
    let from = start.saturating_sub(LEAD);
    let places = edge.iter_mut().skip(LEAD + from - start);
    let rest = text.get(from..).unwrap_or_default();
    places.zip(rest).for_each(|(place, byte)| *place = *byte);
    edge
}

/// The eight bytes of which the last three are those at a place.
#[inline]
fn tail_at(window: &[u8; WINDOW], place: u32) -> u64 {
    let place = (place & 63) as usize;
    let eight = window.get(place..place + 8).and_then(|eight| eight.first_chunk());
    eight.map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// The last three bytes of eight as a folded number, and the kind of the byte before them.
#[inline]
const fn neighbours(tail: u64) -> (u32, u32) {
    ((tail >> 32) as u32 & 31, (tail >> 40) as u32 | FOLD)
}

/// Whether a literal stands in the table of threes, and where.
fn place<T>(literal: &Literal<T>) -> (bool, usize) {
    match *literal.bytes {
        [.., a, b, c] => (true, three_slot(u32::from_le_bytes([a, b, c, 0]) | FOLD)),
        [a, b] => (false, pair_slot(u32::from_le_bytes([a, b, 0, 0]) | FOLD)),
        _ => (false, 0),
    }
}

/// The last eight bytes of a literal; zeros before a shorter one.
fn tail(literal: &[u8]) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|at| {
        (at + literal.len())
            .checked_sub(8)
            .map_or(0, |at| byte(literal, at))
    }))
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
            tail: (tail(bytes) | case) & mask,
            case,
            mask,
            len,
            plain: len <= 8 && !literal.walled && matches!(literal.behind, Behind::Any),
            behind: literal.behind,
            head: bytes.get(..len.saturating_sub(8)).unwrap_or_default().into(),
            exact: literal.exact,
            walled: literal.walled,
            meaning: literal.meaning,
        }
    }

    /// Whether a literal whose last eight bytes end at `end` stands there, next to what it needs.
    fn stands(&self, text: &[u8], end: usize) -> bool {
        let Some(start) = end.checked_sub(self.len) else {
            return false;
        };
        // In a chain of letters this is what nothing of it fits.
        if self.walled && !walled(text, start) {
            return false;
        }
        let is_followed = match self.behind {
            Behind::Any => true,
            behind => text.get(end).is_some_and(|byte| behind.has(*byte)),
        };
        is_followed && (self.head.is_empty() || self.begins(text, start))
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
            Self::Listed => byte.is_ascii_hexdigit() || byte == b'x' || matches!(byte, b',' | b' ' | b'\n'),
        }
    }
}
