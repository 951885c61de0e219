//! Parameters behind a scheme, of which some prove who someone is: `Digest username="bob", response="…"`. One list may be
//! asked for at many of its places.

use std::ops::Range;

use super::about::is_nothing;
use super::alphabet::{Bytes, byte};
use super::bytes::before;
use super::hits::Hits;
use super::lexicon::Lexicon;
use super::traits;
use crate::memory;
use crate::redact::scan::hits::Sort;

/// Parameters of lists that prove who someone is.
static PROOFS: Lexicon = Lexicon::of(&[
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "credential",
    "hash",
    "key",
    "mac",
    "oauth_signature",
    "oauth_token",
    "password",
    "proof",
    "response",
    "secret",
    "signature",
    "token",
]);

/// The most parameters of one list that are looked at.
const MOST: usize = 128;

/// The parameters that were read last, where one list is asked for at several of its places.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// All that begin between these two places were read.
    from: usize,
    to: usize,
    /// How many they are.
    count: usize,
    /// The place that was asked for last, and how many of them stand before it.
    asked: usize,
    passed: usize,
    /// Those that are proofs.
    proofs: Vec<Proof>,
    pub(super) line: Line,
}

const RULE: &str = "header.parameter";

/// A parameter that proves who someone is.
#[derive(Debug)]
struct Proof {
    start: usize,
    /// How many parameters that were read stand before it.
    number: usize,
    /// Its number among the known hits.
    known: usize,
}

impl Listed {
    /// Pushes the proofs of the list from `start` to the text's end; whether there is one.
    pub(super) fn read(&mut self, text: &str, start: usize, hits: &mut Hits) -> bool {
        self.go_to(text.as_bytes(), start);
        let first = self.proofs.partition_point(|proof| proof.start < start);
        let end = self.passed + MOST;
        let known = self.proofs.get(first..).unwrap_or_default();
        let known = known
            .get(..known.partition_point(|proof| proof.number < end))
            .unwrap_or_default();
        if let [first, .., last] | [first @ last] = known {
            hits.push_again(first.known..last.known + 1);
        }
        let mut any = !known.is_empty();
        let mut from = self.to;
        for pair in apart(text.get(from..).unwrap_or_default()).take(end.saturating_sub(self.count)) {
            let behind = from + pair.len() + 1;
            // One that nothing stands behind may go on.
            let is_whole = behind <= text.len();
            if let Some((name, value)) = named_so(pair) {
                let place = place_of(from + name.len() + 1, value);
                any = true;
                if is_whole {
                    let (start, number) = (from, self.count);
                    let known = hits.push_known(&place, RULE, Sort::Secret);
                    memory::push(&mut self.proofs, Proof { start, number, known });
                } else {
                    hits.push(place.start, place.end, RULE, Sort::Secret);
                }
            }
            if is_whole {
                (self.to, self.count) = (behind, self.count + 1);
            }
            from = behind;
        }
        any
    }

    /// Counts the parameters before `start`; forgets them all where `start` is no place of theirs.
    fn go_to(&mut self, text: &[u8], start: usize) {
        let is_gap = |byte: &u8| matches!(byte, b',' | b' ' | b';');
        let is_known = (self.from..self.to).contains(&start) && self.to <= text.len();
        if !is_known || !is_gap(&before(text, start, 1)) {
            (self.from, self.to, self.count) = (start, start, 0);
            (self.asked, self.passed) = (start, 0);
            self.proofs.clear();
            return;
        }
        if start < self.asked {
            (self.asked, self.passed) = (self.from, 0);
        }
        let gaps = text.get(self.asked..start).unwrap_or_default().iter();
        self.passed += gaps.filter(|byte| is_gap(byte)).count();
        self.asked = start;
    }
}

/// The place of a proof's value that stands at `at`, without its marks; an empty one where it is no secret.
fn place_of(at: usize, value: &str) -> Range<usize> {
    let lead = value.len() - value.trim_start_matches(['"', '\\', '\'']).len();
    let value = value.trim_matches(['"', '\\', '\'']);
    let len = if is_nothing(value) { 0 } else { value.len() };
    at + lead..at + lead + len
}

/// The parameters of lists.
fn apart(text: &str) -> impl Iterator<Item = &str> {
    static GAPS: Bytes = Bytes::of(b", ;");
    let mut left = Some(text);
    std::iter::from_fn(move || {
        let text = left?;
        let len = text.bytes().position(|byte| GAPS.has(byte));
        left = len.and_then(|len| text.get(len + 1..));
        text.get(..len.unwrap_or(text.len()))
    })
}

/// The name and the value of a parameter, if its name is one of the [`PROOFS`].
fn named_so(pair: &str) -> Option<(&str, &str)> {
    let sign = memchr::memchr(b'=', pair.as_bytes())?;
    let (name, value) = (pair.get(..sign)?, pair.get(sign + 1..)?);
    PROOFS.has(traits::trimmed(name)).then_some((name, value))
}

/// The line that was looked through last for its end.
#[derive(Debug, Default)]
pub(super) struct Line {
    from: usize,
    /// It does not end before this place.
    to: usize,
    /// Whether it does here.
    is_end: bool,
}

/// The longest list of parameters, in bytes.
const LONGEST: usize = 2048;

impl Line {
    /// Where the line that goes through `at` ends, or is long enough.
    pub(super) fn end(&mut self, bytes: &[u8], at: usize) -> usize {
        let limit = bytes.len().min(at + LONGEST);
        if !(self.from..=self.to).contains(&at) {
            (self.from, self.to, self.is_end) = (at, at, false);
        }
        if self.is_end || self.to >= limit {
            return self.to.min(limit);
        }
        let ahead = bytes.get(self.to..limit).unwrap_or_default();
        let mut ends = memchr::memchr3_iter(b'\n', b'\r', b'\\', ahead);
        let end = ends.find(|&at| byte(ahead, at) != b'\\' || byte(ahead, at + 1) != b'"');
        self.to += end.unwrap_or(ahead.len());
        // Of a backslash that stands last it is not known what follows.
        self.is_end = end.is_some_and(|end| end + 1 < ahead.len());
        self.to
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_ends_where_it_does_whatever_was_read_before(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["a", "\n", "\\", "\\\"", "\"", "\r", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
                0..60,
            ),
            times in prop::sample::select(vec![1, 1, 30]),
            steps in prop::collection::vec(0..900_usize, 1..30),
        ) {
            let text = pieces.concat().repeat(times);
            let mut line = Line::default();
            let mut at = 0;
            for step in steps {
                at = (at + step) % (text.len() + 1);
                prop_assert_eq!(line.end(text.as_bytes(), at), Line::default().end(text.as_bytes(), at), "{} of {}", at, text);
            }
        }

        #[test]
        fn a_list_says_the_same_at_each_of_its_places_whatever_was_read_before(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["key=", "mac=1", "a=b", "response=\"x\"", ",", " ", ";", ", ", "=", "x", "é", ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"]),
                0..40,
            ),
            lists in prop::collection::vec((0..60_usize, 0..300_usize), 1..20),
        ) {
            let text = pieces.concat();
            let mut listed = Listed::default();
            let (mut told, mut wanted) = (Hits::default(), Hits::default());
            let mut start = 0;
            for (step, len) in lists {
                start = (start + step) % (text.len() + 1);
                let end = text.len().min(start + len);
                let Some(whole) = text.get(..end).filter(|_| text.is_char_boundary(start)) else { continue };
                let any = listed.read(whole, start, &mut told);
                let afresh = Listed::default().read(whole, start, &mut wanted);
                prop_assert_eq!(any, afresh, "{}..{} of {}", start, end, text);
            }
            told.put_again();
            prop_assert_eq!(told.list(), wanted.list(), "{}", text);
        }
    }
}
