//! The vocabulary as a table: a word's meaning by its hash, whatever it is glued to.

use std::sync::LazyLock;

use super::names::{Force, Named, SEQUENCES, WORDS};
use super::scan::hits::Sort;

/// What the vocabulary says of one word of a name.
#[derive(Default, Clone, Copy)]
pub(super) struct Entry {
    pub(super) parts: u16,
    /// The word's number in the vocabulary; 0 for a word that is not in it.
    pub(super) id: u16,
    pub(super) plural: bool,
}

/// A secret's name, or part of one.
pub(super) const fn secret(force: Force, plural: bool, short: bool) -> Named {
    Named {
        sort: Sort::Secret,
        force,
        plural,
        short,
        phrase: false,
    }
}

/// All words that have a meaning, by the hash of their text.
pub(super) struct Vocabulary {
    /// `id` of the words whose hash begins with the place's number; 0 where there is none.
    places: Vec<u16>,
    /// By id, from 1.
    words: Vec<(Packed, u16)>,
    /// By the id of their first word.
    sequences: Vec<Vec<Sequence>>,
    pub(super) key: u16,
    pub(super) code: u16,
    pub(super) phrase: u16,
    pub(super) word: u16,
    pub(super) mnemonic: u16,
    pub(super) passphrase: u16,
}

pub(super) struct Sequence {
    pub(super) ids: Vec<u16>,
    pub(super) named: Named,
}

pub(super) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::new);

/// More than four places for a word, so that a look-up seldom takes a second step.
const PLACES: usize = 4096;

/// The longest word that is looked up, in bytes.
const LONGEST: usize = 24;

impl Vocabulary {
    fn new() -> Self {
        let mut all = Self {
            places: vec![0; PLACES],
            words: vec![(Packed::default(), 0)],
            sequences: Vec::new(),
            key: 0,
            code: 0,
            phrase: 0,
            word: 0,
            mnemonic: 0,
            passphrase: 0,
        };
        for (parts, words) in WORDS {
            words.split_whitespace().for_each(|word| {
                all.add(word, *parts);
            });
        }
        all.key = all.add("key", 0);
        all.code = all.add("code", 0);
        all.phrase = all.add("phrase", 0);
        all.word = all.add("word", 0);
        all.mnemonic = all.add("mnemonic", 0);
        all.passphrase = all.add("passphrase", 0);
        for &(words, sort, force) in SEQUENCES {
            let ids: Vec<u16> = words.split(' ').map(|word| all.add(word, 0)).collect();
            let first = usize::from(ids.first().copied().unwrap_or(0));
            if all.sequences.len() <= first {
                all.sequences.resize_with(first + 1, Vec::new);
            }
            let named = Named {
                sort,
                ..secret(force, false, false)
            };
            if let Some(sequences) = all.sequences.get_mut(first) {
                sequences.push(Sequence { ids, named });
            }
        }
        all
    }

    /// Adds a word or a further part of one, and gives its id.
    fn add(&mut self, word: &str, parts: u16) -> u16 {
        let word = Packed::of(word.as_bytes());
        let place = self.place(word);
        let known = self.places.get(place).copied().unwrap_or(0);
        if let Some(word) = self.words.get_mut(usize::from(known)).filter(|_| known != 0) {
            word.1 |= parts;
            return known;
        }
        let id = u16::try_from(self.words.len()).unwrap_or(0);
        self.words.push((word, parts));
        if let Some(place) = self.places.get_mut(place) {
            *place = id;
        }
        id
    }

    /// Where the word stands, or the empty place where it would.
    #[inline]
    fn place(&self, word: Packed) -> usize {
        let mut place = word.hash();
        while let Some(&id) = self.places.get(place).filter(|id| **id != 0) {
            if self
                .words
                .get(usize::from(id))
                .is_some_and(|known| known.0 == word)
            {
                break;
            }
            place = (place + 1) % PLACES;
        }
        place
    }

    #[inline]
    fn find(&self, word: Packed) -> Option<Entry> {
        let id = self.places.get(self.place(word)).copied().filter(|id| *id != 0)?;
        let parts = self.words.get(usize::from(id))?.1;
        Some(Entry {
            parts,
            id,
            plural: false,
        })
    }

    /// The word as it is, with a number behind it (`password2`), in the plural, or glued to another (`dbpassword`).
    pub(super) fn entry(&self, word: &str) -> Entry {
        let word = word.as_bytes();
        let word = word.get(word.len().saturating_sub(LONGEST)..).unwrap_or_default();
        let packed = Packed::of(word);
        if let Some(entry) = self.find(packed) {
            return entry;
        }
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        let digits = word.iter().rev().take_while(is_digit).count();
        let bare = word.get(..word.len() - digits).unwrap_or_default();
        let numbered = (digits > 0).then(|| self.find(packed.cut(bare.len()))).flatten();
        if let Some(entry) = numbered {
            return entry;
        }
        let single = match bare {
            [single @ .., b's' | b'S'] => Some(single),
            _ => None,
        };
        if let Some(entry) = single.and_then(|single| self.find(packed.cut(single.len()))) {
            return Entry {
                plural: true,
                ..entry
            };
        }
        // None of them ends in `s`: where there is a singular, it is the only form that can.
        self.glued(single.unwrap_or(bare))
    }

    /// What a word ends in.
    fn glued(&self, word: &[u8]) -> Entry {
        let ends = word
            .last_chunk::<2>()
            .map(|ends| ends.map(|byte| byte.to_ascii_lowercase()));
        if !ends.is_some_and(|ends| may_be_glued(&ends)) {
            return Entry::default();
        }
        let is_end = |known: &&&str| {
            let from = word.len().checked_sub(known.len());
            let end = from.and_then(|from| word.get(from..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(known.as_bytes()))
        };
        let end = GLUED.iter().find(is_end);
        end.and_then(|end| self.find(Packed::of(end.as_bytes())))
            .unwrap_or_default()
    }

    pub(super) fn sequences(&self, first: u16) -> &[Sequence] {
        self.sequences
            .get(usize::from(first))
            .filter(|_| first != 0)
            .map_or(&[], Vec::as_slice)
    }
}

/// At most [`LONGEST`] bytes of a word in small letters, zeros behind them: compared and hashed without a loop.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Packed([u64; LONGEST / 8]);

impl Packed {
    #[inline]
    fn of(word: &[u8]) -> Self {
        let mut packed = Self::default();
        let mut left = word;
        for eight in &mut packed.0 {
            let (head, rest) = left.split_at(left.len().min(8));
            *eight = lower(number(head));
            if rest.is_empty() {
                break;
            }
            left = rest;
        }
        packed
    }

    /// The first `len` bytes.
    fn cut(mut self, len: usize) -> Self {
        for (place, eight) in self.0.iter_mut().enumerate() {
            let kept = len.saturating_sub(8 * place);
            if kept < 8 {
                *eight &= (1 << (8 * kept)) - 1;
            }
        }
        self
    }

    #[inline]
    fn hash(self) -> usize {
        let [first, second, third] = self.0;
        let all = first ^ second.rotate_left(23) ^ third.rotate_left(41);
        (all.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - PLACES.ilog2())) as usize
    }
}

/// At most eight bytes as a number, zeros behind them.
#[inline]
fn number(bytes: &[u8]) -> u64 {
    if let Some(eight) = bytes.first_chunk() {
        return u64::from_le_bytes(*eight);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let last = u64::from(u32::from_le_bytes(*last));
        return u64::from(u32::from_le_bytes(*first)) | last << (8 * (bytes.len() - 4));
    }
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Eight bytes with their capital letters small.
#[inline]
const fn lower(bytes: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let low = bytes & (ONES * 0x7F);
    let from_a = low + ONES * (0x80 - b'A' as u64);
    let beyond_z = low + ONES * (0x7F - b'Z' as u64);
    let capitals = from_a & !beyond_z & !bytes & (ONES << 7);
    bytes | capitals >> 2
}

/// What a word may end in and still be the name of a secret: nothing harmless ends so.
const GLUED: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "privatekey",
    "accesskey",
    "passwort",
    "authkey",
    "sessid",
];

/// Whether one of [`GLUED`] ends in these two letters.
fn may_be_glued(ends: &[u8]) -> bool {
    matches!(
        ends,
        b"rd" | b"wd" | b"se" | b"de" | b"et" | b"en" | b"ey" | b"rt" | b"id"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_of_the_vocabulary_is_found_in_every_form_and_fits() {
        let sequences = SEQUENCES.iter().map(|(words, ..)| *words);
        let all = WORDS.iter().map(|(_, words)| *words).chain(sequences);
        for word in all.flat_map(str::split_whitespace) {
            assert!(word.len() <= LONGEST && word.to_lowercase() == word, "{word}");
            let id = VOCABULARY.entry(word).id;
            assert_ne!(id, 0, "{word}");
            assert_eq!(VOCABULARY.entry(&word.to_ascii_uppercase()).id, id, "{word}");
            // A number at a word's own end is no number behind it.
            let numbered = word.ends_with(|last: char| last.is_ascii_digit());
            assert!(
                numbered || VOCABULARY.entry(&format!("{word}42")).id != 0,
                "{word}"
            );
            assert_ne!(VOCABULARY.entry(&format!("{word}s")).id, 0, "{word}");
        }
        for word in ["", "s", "4", "x", "kez", "passworx", "größe"] {
            assert_eq!(VOCABULARY.entry(word).id, 0, "{word}");
        }
    }

    #[test]
    fn what_a_word_may_end_in_is_found_behind_every_other() {
        for end in GLUED {
            assert!(
                !end.ends_with('s') && may_be_glued(&end.as_bytes()[end.len() - 2..]),
                "{end}"
            );
            for word in [
                format!("zq{end}"),
                format!("ZQ{}7", end.to_uppercase()),
                format!("zq{end}s"),
                format!("a very long beginning of a word {end}"),
            ] {
                let entry = VOCABULARY.entry(&word);
                // A plural that is glued was never one of its own.
                assert!(VOCABULARY.entry(end).id == entry.id && !entry.plural, "{word}");
            }
        }
    }

    #[test]
    fn small_letters_are_made_of_capitals_and_of_nothing_else() {
        for byte in 0..=255_u8 {
            let all = u64::from_le_bytes([byte; 8]);
            let small = u64::from_le_bytes([byte.to_ascii_lowercase(); 8]);
            assert_eq!(lower(all), small, "{byte}");
        }
        let bytes: Vec<u8> = (1..=40).collect();
        for len in 0..=LONGEST {
            let packed = Packed::of(&bytes[..len]);
            assert_eq!(packed, Packed::of(&bytes[..LONGEST]).cut(len), "{len}");
            let back: Vec<u8> = packed.0.iter().flat_map(|eight| eight.to_le_bytes()).collect();
            assert_eq!(back[..len], bytes[..len]);
            assert!(back[len..].iter().all(|byte| *byte == 0));
        }
    }
}
