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
    /// `id` of the words whose hash ends in the place's number; 0 where there is none.
    places: Vec<u16>,
    /// By id, from 1.
    words: Vec<(String, u16)>,
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
            words: vec![(String::new(), 0)],
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
        let place = self.place(word.as_bytes());
        let known = self.places.get(place).copied().unwrap_or(0);
        if let Some(word) = self.words.get_mut(usize::from(known)).filter(|_| known != 0) {
            word.1 |= parts;
            return known;
        }
        let id = u16::try_from(self.words.len()).unwrap_or(0);
        self.words.push((word.to_owned(), parts));
        if let Some(place) = self.places.get_mut(place) {
            *place = id;
        }
        id
    }

    /// Where the word stands, or the empty place where it would.
    fn place(&self, word: &[u8]) -> usize {
        let hash = word.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut place = usize::try_from((hash ^ (hash >> 29)) % PLACES as u64).unwrap_or(0);
        while let Some(&id) = self.places.get(place).filter(|id| **id != 0) {
            if self
                .words
                .get(usize::from(id))
                .is_some_and(|known| known.0.as_bytes() == word)
            {
                break;
            }
            place = (place + 1) % PLACES;
        }
        place
    }

    fn find(&self, word: &[u8]) -> Option<Entry> {
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
        let mut buffer = [0; LONGEST];
        let word = word.as_bytes();
        let word = word.get(word.len().saturating_sub(LONGEST)..).unwrap_or_default();
        let lower = buffer.get_mut(..word.len()).unwrap_or_default();
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        let lower = &*lower;
        let digits = lower
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let bare = lower.get(..lower.len() - digits).unwrap_or_default();
        if let Some(entry) = self.find(lower).or_else(|| self.find(bare)) {
            return entry;
        }
        let single = bare.strip_suffix(b"s");
        if let Some(entry) = single.and_then(|single| self.find(single)) {
            return Entry {
                plural: true,
                ..entry
            };
        }
        GLUED
            .iter()
            .find(|end| {
                bare.ends_with(end.as_bytes()) || single.is_some_and(|one| one.ends_with(end.as_bytes()))
            })
            .and_then(|end| self.find(end.as_bytes()))
            .unwrap_or_default()
    }

    pub(super) fn sequences(&self, first: u16) -> &[Sequence] {
        self.sequences
            .get(usize::from(first))
            .filter(|_| first != 0)
            .map_or(&[], Vec::as_slice)
    }
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
