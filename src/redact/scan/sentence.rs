//! Whether a value is a sentence. One long run may hold many names, each of which asks of what is left of it: no more is read
//! than what decides.

use super::about::{MARKS, is_word_about};
use super::alphabet::Bytes;

/// Several words of which the first says something about a secret, or a sentence of plain words.
pub(super) fn is_prose(value: &str) -> bool {
    if is_one_odd_word(value.trim_start()) {
        return false;
    }
    let mut words = value.split_whitespace().take(32);
    let Some(first) = words.next() else {
        return false;
    };
    let mut about = is_word_about(first);
    if about && words.clone().next().is_some() {
        return true;
    }
    let mut count = 1;
    let mut is_plain = |word: &str| {
        (count, about) = (count + 1, about || is_word_about(word));
        plain(word.as_bytes()) == word.trim_end_matches(MARKS).len()
    };
    plain(first.as_bytes()) == first.trim_end_matches(MARKS).len()
        && words.all(&mut is_plain)
        && count >= 3
        && about
}

/// How many bytes from the text's start are of plain words.
fn plain(text: &[u8]) -> usize {
    static PARTS: Bytes = Bytes::of(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'-");
    PARTS.run(text)
}

/// Whether the first word goes on behind what is neither plain nor a mark at its end: then no sentence begins with it, and
/// its end, which many names in one run may ask for, need not be known.
fn is_one_odd_word(text: &str) -> bool {
    let word = plain(text.as_bytes());
    let rest = text.get(word..).unwrap_or_default();
    let next = rest.chars().find(|char| !MARKS.contains(char));
    next.is_some_and(|next| !next.is_whitespace())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As it is said: with every word read.
    fn is_said(value: &str) -> bool {
        let words = || value.split_whitespace().take(32);
        let is_plain = |word: &str| {
            let word = word.trim_end_matches(MARKS);
            word.bytes()
                .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'\'' | b'-'))
        };
        let first = words().next().is_some_and(is_word_about);
        let count = words().count();
        count >= 2 && first || count >= 3 && words().any(is_word_about) && words().all(is_plain)
    }

    proptest! {
        #[test]
        fn a_sentence_is_one_however_little_of_it_is_read(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "is", "was", "can't", "plum", "same-origin", "a", "email", "falsch", "é", "7", "$", ":", ".", "!?", ",", "-", "'", " ", " ", " ", " ", "  ",
                    "\t", "\n", "\u{2003}", "\u{a0}", "\u{200b}", "x".repeat(40).leak(), "!".repeat(40).leak(),
                ]),
                0..50,
            ),
        ) {
            let text = parts.concat();
            prop_assert_eq!(is_prose(&text), is_said(&text), "{}", text);
        }

        #[test]
        fn a_word_is_one_about_secrets_however_many_marks_stand_behind_it(
            parts in prop::collection::vec(
                prop::sample::select(vec!["is", "was", "falsch", "can't", "x", ".", "!?", ":", "obligatorio", "xxxxxxxxxxxxxxxx"]),
                0..6,
            ),
            marks in 0..60_usize,
        ) {
            let word = parts.concat();
            let word = word.trim_end_matches(MARKS);
            prop_assert_eq!(is_word_about(&format!("{word}{}", "!".repeat(marks))), is_word_about(word), "{} {}", word, marks);
        }
    }
}
