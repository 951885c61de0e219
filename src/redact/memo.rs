//! Texts that were looked through a moment ago and had nothing in them: a statement, a route, a constant message is the
//! same each time its callsite is reached, or the same but for its numbers, and need not be looked through again.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

/// What is remembered of one field's texts of one length on one thread: the one that passed last.
struct Entry {
    /// The field's number; 0 is nobody's.
    field: u32,
    len: u8,
    /// How often in a row another text came.
    misses: u8,
    /// Whether it would have passed with other digits in their places as well.
    any_digits: bool,
    text: [u8; LONGEST],
}

/// The longest text that is remembered, in bytes: so that an entry is two cache lines.
const LONGEST: usize = 121;
const _: () = assert!(size_of::<Entry>() == 128);

/// How many texts a thread remembers; two in one place drive each other out.
const PLACES: usize = 64;

/// A field whose texts never come twice is asked again after so many of them only.
const PATIENCE: u8 = 8;
const REST: u8 = 16;

thread_local! {
    static MEMO: RefCell<[Entry; PLACES]> = const { RefCell::new([const { Entry::NEW }; PLACES]) };
}

impl Entry {
    const NEW: Self = Self {
        field: 0,
        len: 0,
        misses: 0,
        any_digits: false,
        text: [0; LONGEST],
    };

    fn is(&self, Number(field): Number, text: &[u8]) -> bool {
        if self.field != field || usize::from(self.len) != text.len() {
            return false;
        }
        let known = self.text.get(..text.len()).unwrap_or_default();
        match self.any_digits {
            true => is_like(known, text),
            false => known == text,
        }
    }

    fn learn(&mut self, Number(field): Number, text: &[u8], any_digits: bool) {
        let place = self.text.get_mut(..text.len());
        if let (Some(place), Ok(len)) = (place, u8::try_from(text.len())) {
            place.copy_from_slice(text);
            (self.field, self.len, self.any_digits) = (field, len, any_digits);
        }
    }
}

/// Whether two texts of one length differ in nothing but which digits stand where both have one.
fn is_like(known: &[u8], text: &[u8]) -> bool {
    let is_like =
        |(known, text): (&u8, &u8)| known == text || known.is_ascii_digit() && text.is_ascii_digit();
    let (words, _) = text.as_chunks::<8>();
    let (known_words, _) = known.as_chunks::<8>();
    let (Some(last), Some(known_last)) = (text.last_chunk(), known.last_chunk()) else {
        return known.iter().zip(text).all(is_like);
    };
    // Some of the last were compared already.
    let words = known_words.iter().zip(words).chain([(known_last, last)]);
    words.into_iter().all(|(known, text)| are_like(*known, *text))
}

/// As [`is_like`], for eight bytes.
#[inline]
fn are_like(known: [u8; 8], text: [u8; 8]) -> bool {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    const LOW: u64 = EACH * 0x7F;
    let (known, text) = (u64::from_le_bytes(known), u64::from_le_bytes(text));
    let odd = known ^ text;
    if odd == 0 {
        return true;
    }
    // In the top bit of each byte; none of the sums reaches the next one.
    let differs = ((odd & LOW) + LOW) | odd;
    let is_digit = |word: u64| {
        let from = |least: u8| (word & LOW) + EACH * u64::from(0x80 - least);
        from(b'0') & !from(b'9' + 1) & !word
    };
    differs & !(is_digit(known) & is_digit(text)) & !LOW == 0
}

/// A field's number, which no other field has, nor the same field under a policy that finds other things in its texts; 0
/// for a field without one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(u32);

impl Number {
    pub(super) const NONE: Self = Self(0);

    /// The next one. None is given twice: where all are given away, there is none.
    pub(super) fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let next = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| next.checked_add(1));
        Self(next.unwrap_or(0))
    }

    pub(super) fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// Plans that say the same are the same, whatever their numbers are.
impl PartialEq for Number {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Number {}

/// Whether nothing is found in this field's text, because nothing was found in the last one that was like it.
pub(super) fn knows(field: Number, text: &[u8]) -> bool {
    let known = with_entry(field, text.len(), |entry| {
        let known = entry.is(field, text);
        entry.misses = match entry.misses {
            _ if known => 0,
            u8::MAX => PATIENCE,
            misses => misses + 1,
        };
        known
    });
    known == Some(true)
}

/// Remembers that nothing was found in this field's text, which is not known; with `any_digits`, that nothing would have been
/// found with other digits either.
pub(super) fn learn(field: Number, text: &[u8], any_digits: bool) {
    if text.len() > LONGEST {
        return;
    }
    with_entry(field, text.len(), |entry| {
        if entry.misses <= PATIENCE || entry.misses.is_multiple_of(REST) {
            entry.learn(field, text, any_digits);
        }
    });
}

/// The place of a field's texts of this length: those of two lengths do not drive each other out.
fn place(field: u32, len: usize) -> usize {
    (field as usize).wrapping_mul(11).wrapping_add(len) % PLACES
}

/// `None` for a field without a number, and on a thread that is ending.
fn with_entry<R>(Number(field): Number, len: usize, then: impl FnOnce(&mut Entry) -> R) -> Option<R> {
    if field == 0 {
        return None;
    }
    MEMO.try_with(|memo| {
        let mut memo = memo.try_borrow_mut().ok()?;
        memo.get_mut(place(field, len)).map(then)
    })
    .ok()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field's texts, each with whether it was looked through, where all pass.
    fn looked(field: u32, texts: &[&str]) -> Vec<bool> {
        looked_for(field, texts, false)
    }

    fn looked_for(field: u32, texts: &[&str], any_digits: bool) -> Vec<bool> {
        let look = |text: &&str| {
            let looked = !knows(Number(field), text.as_bytes());
            if looked {
                learn(Number(field), text.as_bytes(), any_digits);
            }
            looked
        };
        texts.iter().map(look).collect()
    }

    #[test]
    fn a_text_that_passed_is_not_looked_through_again() {
        assert_eq!(looked(1, &["insert", "insert", "insert"]), [true, false, false]);
        assert_eq!(looked(2, &["insert", "insert "]), [true, true]);
        assert_eq!(looked(3, &["", ""]), [true, false]);
    }

    #[test]
    fn only_what_would_have_passed_with_other_digits_is_known_with_them() {
        let texts = ["took 17 ms", "took 23 ms", "took 9 ms", "took 99 ms"];
        assert_eq!(looked_for(4, &texts, true), [true, false, true, false]);
        assert_eq!(looked_for(9, &texts, false), [true; 4]);
        assert_eq!(
            looked_for(10, &["7", "8", "a", "b", "7"], true),
            [true, false, true, true, true]
        );
    }

    #[test]
    fn another_byte_makes_another_text_wherever_it_stands() {
        let known: Vec<u8> = (0..LONGEST).map(|at| b"a1 "[at % 3]).collect();
        for len in 1..=LONGEST {
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut text = known[..len].to_vec();
                    let is_like = text[at] == byte || text[at] == b'1' && byte.is_ascii_digit();
                    text[at] = byte;
                    assert_eq!(super::is_like(&known[..len], &text), is_like, "{len} {at} {byte}");
                }
            }
        }
    }

    #[test]
    fn fields_do_not_answer_for_each_other() {
        assert_eq!(looked(5, &["insert"]), [true]);
        assert_eq!(looked(6, &["insert"]), [true]);
        let [one, other] = [5, 5 + PLACES as u32];
        assert_eq!(place(one, 6), place(other, 6));
        assert_eq!(looked(other, &["insert"]), [true]);
        assert_eq!(looked(one, &["insert"]), [true], "driven out");
    }

    #[test]
    fn texts_of_two_lengths_do_not_drive_each_other_out() {
        let texts = [
            "with 9 people",
            "with 10 people",
            "with 8 people",
            "with 11 people",
        ];
        assert_eq!(looked_for(11, &texts, true), [true, true, false, false]);
    }

    #[test]
    fn a_long_text_and_a_field_without_a_number_are_looked_at_each_time() {
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(looked(7, &[&long, &long]), [true, true]);
        let longest = "x".repeat(LONGEST);
        assert_eq!(looked(7, &[&longest, &longest]), [true, false]);
        assert_eq!(looked(0, &["insert", "insert"]), [true, true]);
    }

    #[test]
    fn a_field_of_many_texts_can_settle_on_one() {
        let texts: Vec<String> = (0..1000).map(|number| format!("{number:06}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert!(looked(8, &texts).iter().all(|looked| *looked));
        let settled = looked(8, &["insert"; 2 * REST as usize]);
        assert_eq!(settled.last(), Some(&false));
        assert!(settled.iter().filter(|looked| **looked).count() <= REST as usize);
    }
}
