//! Texts that were looked through a moment ago and had nothing in them: a statement, a route, a constant message is the
//! same each time its callsite is reached, and need not be looked through again.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

/// What is remembered of one field on one thread: the text of it that passed last.
struct Entry {
    /// The field's number; 0 is nobody's.
    field: u32,
    len: u8,
    /// How often in a row another text came.
    misses: u8,
    text: [u8; LONGEST],
}

/// The longest text that is remembered, in bytes: so that an entry is one cache line.
const LONGEST: usize = 58;
const _: () = assert!(size_of::<Entry>() == 64);

/// How many fields a thread remembers a text of; two with the same remainder drive each other out.
const FIELDS: usize = 64;

/// A field whose texts never come twice is asked again after so many of them only.
const PATIENCE: u8 = 8;
const REST: u8 = 16;

thread_local! {
    static MEMO: RefCell<[Entry; FIELDS]> = const { RefCell::new([const { Entry::NEW }; FIELDS]) };
}

impl Entry {
    const NEW: Self = Self {
        field: 0,
        len: 0,
        misses: 0,
        text: [0; LONGEST],
    };

    fn is(&self, Number(field): Number, text: &str) -> bool {
        self.field == field && self.text.get(..usize::from(self.len)) == Some(text.as_bytes())
    }

    fn learn(&mut self, Number(field): Number, text: &str) {
        let place = self.text.get_mut(..text.len());
        if let (Some(place), Ok(len)) = (place, u8::try_from(text.len())) {
            place.copy_from_slice(text.as_bytes());
            (self.field, self.len) = (field, len);
        }
    }
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

/// Whether nothing is found in this field's text, as `look` says or said of the same text.
pub(super) fn passes(field: Number, text: &str, look: impl FnOnce() -> bool) -> bool {
    let known = with_entry(field, |entry| {
        let known = entry.is(field, text);
        entry.misses = match entry.misses {
            _ if known => 0,
            u8::MAX => PATIENCE,
            misses => misses + 1,
        };
        known
    });
    if known == Some(true) {
        return true;
    }
    let passes = look();
    if passes && text.len() <= LONGEST {
        with_entry(field, |entry| {
            if entry.misses <= PATIENCE || entry.misses.is_multiple_of(REST) {
                entry.learn(field, text);
            }
        });
    }
    passes
}

/// `None` for a field without a number, and on a thread that is ending.
fn with_entry<R>(Number(field): Number, then: impl FnOnce(&mut Entry) -> R) -> Option<R> {
    if field == 0 {
        return None;
    }
    MEMO.try_with(|memo| {
        let mut memo = memo.try_borrow_mut().ok()?;
        memo.get_mut(field as usize % FIELDS).map(then)
    })
    .ok()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field's texts, each with whether it was looked through, where all pass.
    fn looked(field: u32, texts: &[&str]) -> Vec<bool> {
        let look = |text: &&str| {
            let mut looked = false;
            assert!(passes(Number(field), text, || {
                looked = true;
                true
            }));
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
    fn a_text_that_did_not_pass_is_looked_through_each_time() {
        for _ in 0..3 {
            let mut looked = false;
            assert!(!passes(Number(4), "password=x", || {
                looked = true;
                false
            }));
            assert!(looked);
        }
    }

    #[test]
    fn fields_do_not_answer_for_each_other() {
        assert_eq!(looked(5, &["insert"]), [true]);
        assert_eq!(looked(6, &["insert"]), [true]);
        assert_eq!(looked(5 + FIELDS as u32, &["insert"]), [true]);
        assert_eq!(looked(5, &["insert"]), [true], "driven out");
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
        let texts: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert!(looked(8, &texts).iter().all(|looked| *looked));
        let settled = looked(8, &["insert"; 2 * REST as usize]);
        assert_eq!(settled.last(), Some(&false));
        assert!(settled.iter().filter(|looked| **looked).count() <= REST as usize);
    }
}
