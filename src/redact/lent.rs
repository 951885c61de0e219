//! A span's fields that wait to be handed down: where they stand in a buffer, and where a few stand in words which any thread
//! reads while their owner may be writing the next.
//!
//! Why words are written at once, and not copied from a buffer: to read what was stored a moment ago in other parts waits until
//! all that was stored before has arrived in the cache.

use std::sync::atomic::{AtomicU64, Ordering};

use super::field::fast;
use super::redacted::RedactedFields;
use super::scan::Counted;
use super::short::Shortcut;
use crate::record::frame::tag;

/// What a span hands down; `None` where there was no memory for all of it.
#[derive(Clone, Copy)]
pub(crate) struct HandedFields<'f>(Option<&'f [u8]>);

impl<'f> HandedFields<'f> {
    #[inline]
    pub(super) fn whole(self) -> Option<&'f [u8]> {
        self.0
    }

    #[inline]
    pub(crate) fn is_lost(self) -> bool {
        self.0.is_none()
    }
}

impl<'f> From<&'f RedactedFields> for HandedFields<'f> {
    #[inline]
    fn from(fields: &'f RedactedFields) -> Self {
        Self(fields.whole())
    }
}

impl<'f> From<&'f FewFields> for HandedFields<'f> {
    #[inline]
    fn from(fields: &'f FewFields) -> Self {
        Self(fields.bytes.get(..fields.len))
    }
}

/// How many words there are, and bytes in a word.
const WORDS: usize = 12;
const WORD: usize = size_of::<u64>();

/// A few fields, in words. Nobody is kept from reading while they are written: whoever reads finds out by other means whether
/// they were.
///
/// A field's first word is its numbered head, with the tag of its value, and the first four bytes behind it. Its text begins with
/// a word of its own: so each word is stored once, and whole.
#[derive(Debug, Default)]
pub(crate) struct FieldWords([AtomicU64; WORDS]);

/// A copy of what stood in [`FieldWords`], as a frame has it.
pub(crate) struct FewFields {
    len: usize,
    bytes: [u8; WORDS * WORD],
}

impl FewFields {
    const NONE: Self = Self {
        len: 0,
        bytes: [0; WORDS * WORD],
    };

    fn push(&mut self, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            place.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }
}

impl FieldWords {
    /// A copy of the first `count` words: of fields, where so many were written and nobody writes.
    pub(crate) fn load(&self, count: usize) -> FewFields {
        let mut fields = FewFields::NONE;
        let mut words = self.0.iter().take(count).map(|word| word.load(Ordering::Relaxed));
        while let Some(first) = words.next() {
            let [_, _, _, kind, rest @ ..] = first.to_le_bytes();
            match kind {
                tag::STR => {
                    fields.push(&first.to_le_bytes());
                    let mut rest = usize::try_from(u32::from_le_bytes(rest)).unwrap_or(0);
                    while rest > 0
                        && let Some(word) = words.next()
                    {
                        let part = rest.min(WORD);
                        fields.push(word.to_le_bytes().get(..part).unwrap_or_default());
                        rest -= part;
                    }
                }
                tag::TRUE | tag::FALSE => fields.push(&first.to_le_bytes()[..HEAD]),
                _ => {
                    fields.push(&first.to_le_bytes());
                    let last = words.next().unwrap_or(0).to_le_bytes();
                    fields.push(&last[..WORD - HEAD]);
                }
            }
        }
        fields
    }
}

/// A head with the tag of its value, in bytes.
const HEAD: usize = 4;

/// Writes fields that take the short way into words. Nobody else may write there.
pub(crate) struct Lending<'w> {
    words: &'w FieldWords,
    /// How many words are written; more than there are where they did not suffice.
    len: usize,
    seen: u16,
}

impl<'w> Lending<'w> {
    pub(crate) fn new(words: &'w FieldWords) -> Self {
        let (len, seen) = (0, 0);
        Self { words, len, seen }
    }

    /// How many words were written, and which slots of consequence were filled; `None` where one of the fields must go another
    /// way, or there are not words enough.
    #[inline]
    pub(crate) fn finish(&self) -> Option<(usize, u16)> {
        (self.len <= WORDS).then_some((self.len, self.seen))
    }

    /// One of the fields must go another way.
    #[inline]
    pub(crate) fn give_up(&mut self) {
        self.len = usize::MAX;
    }

    /// Begins with the first `count` words of other fields.
    pub(crate) fn copy(&mut self, from: &FieldWords, count: usize) {
        for word in from.0.iter().take(count) {
            self.push(word.load(Ordering::Relaxed));
        }
    }

    #[inline(always)]
    pub(crate) fn str(&mut self, cut: &Shortcut, text: &str) {
        let is_short = cut.takes_words() && text.len() <= (WORDS - 1) * WORD;
        if !is_short || !Counted::of(text).is_within(cut.words) {
            return self.give_up();
        }
        self.head(cut, tag::STR, text.len() as u64);
        let bytes = text.as_bytes();
        let (words, rest) = bytes.as_chunks::<WORD>();
        for word in words {
            self.push(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            self.push(match bytes.last_chunk() {
                // The bytes before it go out at the lower end.
                Some(last) => u64::from_le_bytes(*last) >> (8 * (WORD - rest.len())),
                None => few(bytes),
            });
        }
    }

    #[inline(always)]
    pub(crate) fn u64(&mut self, cut: &Shortcut, number: u64) {
        self.number(cut, fast::U64, tag::U64, number);
    }

    #[inline(always)]
    pub(crate) fn i64(&mut self, cut: &Shortcut, number: i64) {
        self.number(cut, fast::I64, tag::I64, number.cast_unsigned());
    }

    #[inline(always)]
    pub(crate) fn f64(&mut self, cut: &Shortcut, number: f64) {
        self.number(cut, fast::F64, tag::F64, number.to_bits());
    }

    #[inline(always)]
    pub(crate) fn bool(&mut self, cut: &Shortcut, truth: bool) {
        match cut.fast & fast::BOOL {
            0 => self.give_up(),
            _ => self.head(cut, tag::FALSE + u8::from(truth), 0),
        }
    }

    #[inline(always)]
    fn number(&mut self, cut: &Shortcut, kind: u16, tag: u8, bits: u64) {
        if cut.fast & kind == 0 {
            return self.give_up();
        }
        self.head(cut, tag, bits & u64::from(u32::MAX));
        self.push(bits >> 32);
    }

    #[inline(always)]
    fn head(&mut self, cut: &Shortcut, tag: u8, behind: u64) {
        self.seen |= cut.sees;
        self.push(u64::from(cut.numbered | u32::from(tag) << 24) | behind << 32);
    }

    #[inline(always)]
    fn push(&mut self, word: u64) {
        if let Some(place) = self.words.0.get(self.len) {
            place.store(word, Ordering::Relaxed);
        }
        self.len = self.len.saturating_add(1);
    }
}

/// Less than a word, with nothing above it.
#[inline(always)]
fn few(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (len - 4))
        }
        _ => {
            let nth = |at: usize| bytes.get(at).map_or(0, |byte| u64::from(*byte) << (8 * at));
            nth(0) | nth(1) | nth(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::scan::Limits;
    use crate::redact::{Policy, Redacting};
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Given {
        Str(String),
        U64(u64),
        I64(i64),
        F64(f64),
        Bool(bool),
    }

    fn given() -> impl Strategy<Value = Given> {
        prop_oneof![
            "[a-z]{0,30}".prop_map(Given::Str),
            any::<u64>().prop_map(Given::U64),
            any::<i64>().prop_map(Given::I64),
            any::<f64>().prop_map(Given::F64),
            any::<bool>().prop_map(Given::Bool),
        ]
    }

    /// What the short way into a frame writes; `None` where it does not take one of the values.
    fn framed(cut: &Shortcut, all: &[Given], policy: &Policy) -> Option<Vec<u8>> {
        let mut into = Redacting::lending(RedactedFields::empty(vec![0; 4096]), policy);
        all.iter()
            .all(|one| match one {
                Given::Str(text) => cut.takes_words() && into.short_str(cut, Counted::of(text), text),
                Given::U64(number) => into.short_u64(cut, *number),
                Given::I64(number) => into.short_i64(cut, *number),
                Given::F64(number) => into.short_f64(cut, *number),
                Given::Bool(truth) => into.short_bool(cut, *truth),
            })
            .then(|| into.finish_lending().whole().unwrap().to_vec())
    }

    fn lent(cut: &Shortcut, all: &[Given], words: &FieldWords) -> Option<(usize, u16)> {
        let mut into = Lending::new(words);
        for one in all {
            match one {
                Given::Str(text) => into.str(cut, text),
                Given::U64(number) => into.u64(cut, *number),
                Given::I64(number) => into.i64(cut, *number),
                Given::F64(number) => into.f64(cut, *number),
                Given::Bool(truth) => into.bool(cut, *truth),
            }
        }
        into.finish()
    }

    fn shortcut(fast: u16) -> Shortcut {
        Shortcut {
            numbered: 0x0007_0301,
            words: Limits::of(false),
            fast,
            sees: 5,
        }
    }

    const ALL: u16 = fast::WORD | fast::U64 | fast::I64 | fast::F64 | fast::BOOL;

    proptest! {
        #[test]
        fn fields_in_words_are_read_as_the_frame_has_them_or_are_not_taken(
            all in prop::collection::vec(given(), 0..5),
            taken in prop::sample::select(vec![ALL, ALL, ALL & !fast::WORD, ALL & !fast::I64, 0]),
        ) {
            let cut = shortcut(taken);
            let words = FieldWords::default();
            let framed = framed(&cut, &all, &Policy::balanced());
            let lent = lent(&cut, &all, &words);
            if let Some((count, seen)) = lent {
                let copy = words.load(count);
                prop_assert_eq!(HandedFields::from(&copy).whole(), framed.as_deref());
                prop_assert_eq!(seen, if all.is_empty() { 0 } else { 5 });
            } else if let Some(framed) = framed {
                // Each may take up to seven bytes more in words.
                prop_assert!(framed.len() + 7 * all.len() > WORDS * WORD, "{all:?}");
            }
        }

        #[test]
        fn whatever_stands_in_words_is_copied_without_a_panic(
            all in prop::collection::vec(any::<u64>(), WORDS),
            count in 0..300_usize,
        ) {
            let words = FieldWords::default();
            for (place, word) in words.0.iter().zip(all) {
                place.store(word, Ordering::Relaxed);
            }
            let copy = words.load(count);
            prop_assert!(HandedFields::from(&copy).whole().is_some());
        }
    }

    #[test]
    fn what_there_was_no_memory_for_is_known_to_be_lost() {
        let mut fields = RedactedFields::empty(Vec::new());
        fields.append(b"bytes");
        assert!(!HandedFields::from(&fields).is_lost());
        fields.lose();
        assert!(HandedFields::from(&fields).is_lost());
    }
}
