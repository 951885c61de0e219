//! Texts of one short word: ids, kinds, names. Most values of a record are, and nothing that is looked for fits in them.

use super::glance::{RUN, has_number_or_word};
use super::path;

/// What a byte adds to the counters of a word: digits, dots, dashes, and what no word is made of.
const DIGIT: u32 = 1;
const DOT: u32 = 1 << 8;
const DASH: u32 = 1 << 16;
const FOREIGN: u32 = 1 << 24;

static BYTES: [u32; 256] = {
    let mut bytes = [FOREIGN; 256];
    let mut byte = 0;
    #[allow(
        clippy::indexing_slicing,
        reason = "evaluated while compiling: out of bounds does not compile"
    )]
    while byte < 256 {
        bytes[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => 0,
            b'.' => DOT,
            b'-' => DASH,
            _ => FOREIGN,
        };
        byte += 1;
    }
    bytes
};

/// What is missing in each counter from its limit to 128: four digits are no number that anybody looks for, two dots no
/// address, four dashes no hardware address.
const TO_LIMIT: u32 = (0x7F - 4) | (0x7F - 2) << 8 | (0x7F - 4) << 16;
/// A counter that is beyond its limit has this bit set, once that was added.
const BEYOND: u32 = 0x0080_8080;
/// Where a counter of what no word is made of has its bits: none of those below reaches them.
const NO_WORD: u32 = u32::MAX << FOREIGN.trailing_zeros();

/// What the bytes of a text add up to, for one that may be a word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted(u32);

/// Which counters of a text make it more than a word: their bits, once what is missing to their limits was added.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::redact) struct Limits(u32);

impl Limits {
    /// Numbers count unless only secrets are looked for.
    pub(in crate::redact) const fn of(only_secrets: bool) -> Self {
        Self(match only_secrets {
            true => NO_WORD,
            false => NO_WORD | BEYOND,
        })
    }
}

impl Counted {
    /// A text that is no word, whatever its bytes are.
    pub(in crate::redact) const NONE: Self = Self(FOREIGN);

    #[inline(always)]
    pub(crate) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        // An option can be glued to its value: `-psecret`.
        if bytes.len() >= RUN || bytes.first() == Some(&b'-') {
            return Self::NONE;
        }
        Self(counted(bytes))
    }

    /// Whether the text is one word too short for a token, without anything that could separate a name from its value.
    /// Numbers count unless only secrets are looked for. Many texts that are harmless are no word in this sense.
    #[inline]
    pub(in crate::redact) fn is_word(self, only_secrets: bool) -> bool {
        self.is_within(Limits::of(only_secrets))
    }

    /// As [`Self::is_word`].
    #[inline(always)]
    pub(in crate::redact) fn is_within(self, Limits(bits): Limits) -> bool {
        (self.0 + TO_LIMIT) & bits == 0
    }

    /// As [`Self::is_word`] where numbers count, for ids with more digits: `req-0000abcd-0003`. Letters between them break a
    /// number, unless a word says that it is one. `text` is what was counted.
    #[inline]
    fn is_numbered_word(self, text: &str) -> bool {
        self.0 < FOREIGN && (self.0 + TO_LIMIT) & BEYOND & !0xFF == 0 && !has_number_or_word(text.as_bytes())
    }

    /// Whether the text is a word with some digits, or a short path: nothing is found in one, and it is known faster than
    /// what else may be a text. `text` is what was counted.
    #[inline]
    pub(in crate::redact) fn is_harmless(self, text: &str) -> bool {
        self.is_numbered_word(text) || path::is_quiet(text.as_bytes())
    }
}

/// The counters of a text shorter than [`RUN`], without a loop. Longer ones are read as a beginning and an end: what belongs
/// to both counts twice, so that a few words with digits are looked at again.
#[inline(always)]
fn counted(bytes: &[u8]) -> u32 {
    // By the length alone: it says that the chunks are there, and the compiler asks no more.
    match bytes.len() {
        8 => bytes.first_chunk::<8>().map_or(FOREIGN, sum),
        9..=12 => ends::<8, 4>(bytes),
        13..=16 => ends::<8, 8>(bytes),
        17.. => ends::<16, 1>(bytes),
        4..8 => few(
            bytes.get(4..).unwrap_or_default(),
            bytes.first_chunk::<4>().map_or(FOREIGN, sum),
        ),
        _ => few(bytes, 0),
    }
}

#[inline(always)]
fn ends<const FIRST: usize, const LAST: usize>(bytes: &[u8]) -> u32 {
    match (bytes.first_chunk::<FIRST>(), bytes.last_chunk::<LAST>()) {
        // One sum behind the other: two at once need registers that the caller has to save.
        (Some(first), Some(last)) => last.iter().fold(sum(first), |sum, byte| sum + weight(byte)),
        _ => FOREIGN,
    }
}

/// At most three bytes, behind others of this sum.
#[inline(always)]
fn few(bytes: &[u8], before: u32) -> u32 {
    let nth = |nth: usize| bytes.get(nth).map_or(0, weight);
    match bytes.len() {
        0 => before,
        1 => before + nth(0),
        2 => before + nth(0) + nth(1),
        _ => before + nth(0) + nth(1) + nth(2),
    }
}

#[inline(always)]
fn weight(byte: &u8) -> u32 {
    BYTES.get(usize::from(*byte)).copied().unwrap_or(FOREIGN)
}

#[inline(always)]
fn sum<const LEN: usize>(bytes: &[u8; LEN]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum + weight(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_word(text: &str, only_secrets: bool) -> bool {
        Counted::of(text).is_word(only_secrets)
    }

    #[test]
    fn ids_and_kinds_are_words() {
        for text in [
            "",
            "u-1",
            "doc-17",
            "approved",
            "eu-north-1",
            "invoice.paid",
            "v1.2.3",
        ] {
            assert!(is_word(text, true) && is_word(text, false), "{text}");
        }
        for text in [
            "a b",
            "k=v",
            "k:v",
            "a@b.example",
            "пароль",
            "-psecret",
            "abcdefghijklmnopqr",
            "50%",
        ] {
            assert!(!is_word(text, true), "{text}");
        }
        for number in ["10.1.2.3", "5550132", "aa-bb-cc-dd-ee-0f"] {
            assert!(is_word(number, true) && !is_word(number, false), "{number}");
        }
    }

    #[test]
    fn every_byte_of_a_word_is_seen_wherever_it_stands() {
        for len in 0..RUN {
            for at in 0..len {
                let mut text = vec![b'x'; len];
                text[at] = b'=';
                let text = String::from_utf8(text).unwrap();
                assert!(!is_word(&text, true), "{text}");
            }
        }
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "(password|token|secret|pin|ssn|iban|key|pwd|api|mysql|AKIA|ghp|sk|eyJ|born|phone|dot|at|de|gb)",
            "[a-zA-Z0-9]{1,6}",
            "[0-9]{1,5}",
            "(passport|dni|nie|nino|pass|id|tel|zip|visa|imei|dob|account|card|steuer)",
            "[a-z]{1,2}[0-9]{1,3}",
            "[-_.]{1,2}",
        ];
        prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { max_global_rejects: 1 << 16, ..ProptestConfig::with_cases(4096) })]

        #[test]
        fn the_engine_finds_nothing_in_a_word(text in pieces()) {
            let counted = Counted::of(&text);
            let (secrets, all) = (counted.is_word(true), counted.is_word(false) || counted.is_numbered_word(&text));
            prop_assume!(secrets || all);
            let found = super::super::engine::tests::rules_with_all_needs(&text);
            prop_assert!(!all || found.is_empty(), "{text}: {found:?}");
            let is_secret = |rule: &str| ["kv.", "token", "url.", "pem", "name.secret", "encoded"].iter().any(|of| rule.starts_with(of));
            prop_assert!(!found.iter().any(|hit| is_secret(hit.0)), "{text}: {found:?}");
        }
    }
}
