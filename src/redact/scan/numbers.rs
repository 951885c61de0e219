//! Personal, financial and network shapes of a text. One pass finds the bytes that can begin one; each shape has a
//! file of its own.

use std::ops::Range;

use super::clue::{self, Clues, Kinds};
use super::digits::{Cluster, Group, joint};
use super::hits::{Hits, Sort};
use super::marked::{BLOCK, Marked};
use super::{account, address, announced, bytes, card, email, government, iban, named, phone};

/// What the detectors share while they look at one text.
pub(super) struct Scan<'t, 'h> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) clues: Clues<'t>,
    /// What the field's name says of its value.
    name: Kinds,
    pub(super) hits: &'h mut Hits,
    /// End of the last IPv4 address.
    pub(super) address_end: usize,
    /// End of the last run of hexadecimal groups that was looked at.
    colons_end: usize,
    /// The domain that was read last.
    pub(super) domain: email::Domain,
    /// The last run of hexadecimal digits and dashes that was looked at, from no further back than it matters.
    pub(super) dashed: Range<usize>,
}

/// Whether a field of such a name can hold a number without a form of its own.
pub(super) const fn claims_whole(name: Kinds) -> bool {
    clue::claim(name) || name & clue::EMAIL != 0
}

/// Pushes what looks like a card, a bank account, a telephone, government or network number, or an e-mail address.
/// `name` is the field's name, the best evidence there is for a number without a form of its own.
pub(crate) fn detect(text: &str, name: Kinds, hits: &mut Hits) {
    let mut scan = Scan {
        text,
        bytes: text.as_bytes(),
        clues: Clues::of(text),
        name,
        hits,
        address_end: 0,
        colons_end: 0,
        domain: email::Domain::default(),
        dashed: 0..0,
    };
    let mut triggers = Marked::new(is_trigger);
    let mut cluster = Cluster::default();
    let mut next = next_trigger(&mut triggers, scan.bytes, 0);
    // Without a trigger there is no number that the name could speak of either.
    let short = next.is_some() && text.len() <= named::LONGEST;
    if short && claims_whole(name) && named::whole(&mut scan) {
        return;
    }
    while let Some(found) = next {
        let on = scan.look(found, &mut cluster).max(found + 1);
        next = next_trigger(&mut triggers, scan.bytes, on);
    }
    email::spelled_out(&mut scan);
}

/// The next byte from `from` on that can begin one of the shapes, or is in its middle.
#[inline]
fn next_trigger(triggers: &mut Marked<impl Fn(u8) -> bool>, bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.len() < BLOCK {
        // Ids and words: mostly one of the first bytes is one.
        let is = |&byte: &u8| TRIGGERS.get(usize::from(byte)).is_some_and(|is| *is);
        return Some(from + bytes.get(from..)?.iter().position(is)?);
    }
    triggers.next(bytes, from)
}

static TRIGGERS: [bool; 256] = {
    let mut triggers = [false; 256];
    let mut byte = 0;
    #[allow(
        clippy::indexing_slicing,
        reason = "the bound is the array's, and the compiler has checked it"
    )]
    while byte < triggers.len() {
        triggers[byte] = is_trigger(byte as u8);
        byte += 1;
    }
    triggers
};

/// Bits of what a byte near a digit is: a letter, a dash.
const LETTER: u8 = 1;
const DASH: u8 = 1 << 1;

/// The place of the bit of a byte behind which a word goes on.
const WITHIN: u8 = 2;

/// By byte, what it is near a digit.
static NEAR: [u8; 256] = {
    let mut near = [0; 256];
    let mut byte = 0;
    #[allow(
        clippy::indexing_slicing,
        reason = "the bound is the array's, and the compiler has checked it"
    )]
    while byte < near.len() {
        let this = byte as u8;
        let is_within = bytes::is_word(this) && !matches!(this, b'n' | b'r' | b't');
        let is_within = (is_within as u8) << WITHIN;
        let is_dash = if this == b'-' { DASH } else { 0 };
        near[byte] = is_within | is_dash | (this.is_ascii_alphabetic() as u8 * LETTER);
        byte += 1;
    }
    near
};

#[inline]
fn near(byte: u8) -> u8 {
    NEAR.get(usize::from(byte)).copied().unwrap_or(0)
}

#[inline]
const fn is_trigger(byte: u8) -> bool {
    // Digits and the colon stand in a row.
    (byte >= b'0' && byte <= b':') | (byte == b'@') | (byte == b'+') | (byte == b'(') | (byte == b'[')
}

impl Scan<'_, '_> {
    pub(super) fn push(&mut self, start: usize, end: usize, rule: &'static str, sort: Sort) {
        self.hits.push(start, end, rule, sort);
    }

    /// What the field's name says of its value.
    pub(super) const fn kinds(&self) -> Kinds {
        self.name
    }

    /// Whether the field's name or a word shortly before `at` is of these kinds.
    pub(super) fn speaks_of(&mut self, at: usize, kinds: Kinds) -> bool {
        self.kinds() & kinds != 0 || self.clues.near(at, kinds)
    }

    /// Looks at one trigger and says where to look on.
    fn look(&mut self, at: usize, cluster: &mut Cluster) -> usize {
        match bytes::at(self.bytes, at) {
            b'@' => email::at_sign(self, at),
            b':' if at < self.colons_end => at + 1,
            b':' => {
                let end = address::colons(self, at);
                self.colons_end = end;
                at + 1
            }
            b'+' => phone::international(self, at).unwrap_or(at + 1),
            b'(' | b'[' => email::bracketed(self, at)
                .or_else(|| phone::bracketed(self, at))
                .unwrap_or(at + 1),
            _ => self.digits(at, cluster),
        }
    }

    /// Whether the field's name or any word shortly before `at` says something that a detector may ask for.
    fn spoken(&mut self, at: usize) -> bool {
        clue::claim(self.kinds()) || self.clues.any_near(at)
    }

    /// Tries every shape of digits from each group on.
    #[inline]
    fn digits(&mut self, at: usize, cluster: &mut Cluster) -> usize {
        let end = at + bytes::digits_from(self.bytes, at);
        let next = bytes::at(self.bytes, end);
        let joined = joint(self.bytes, end) > 0;
        let alone = !joined && end - at < 12;
        // Behind a slash the next group of a date or telephone number would stand; in base64 it is mostly a letter.
        let goes_on = next == b')' || next == b'/' && !bytes::at(self.bytes, end + 1).is_ascii_alphabetic();
        let is_coded = next.is_ascii_uppercase() && self.begins_a_code(at);
        if alone && (end - at < 4 && !goes_on && !is_coded || !self.spoken(at)) {
            // A short group alone is no number of anybody's, unless letters make it longer or a word claims it.
            return self.lettered(at).unwrap_or(end);
        }
        cluster.read(self.bytes, at);
        self.grouped(cluster, at)
    }

    /// `C01X00T47`: the digits of some documents stand among capitals, at most six letters behind the beginning of a word. In
    /// base64 mostly other digits stand before those.
    fn begins_a_code(&self, digit: usize) -> bool {
        /// One more, which an escape may end with.
        const LETTERS: usize = 7;
        if !bytes::before(self.bytes, digit, 1).is_ascii_uppercase() {
            return false;
        }
        let letters = bytes::run_back(self.bytes, digit, LETTERS + 1, |byte| byte.is_ascii_alphabetic());
        letters <= LETTERS && !bytes::is_word(bytes::before(self.bytes, digit, letters + 1))
    }

    /// The end of an account number or hardware address that goes through the digit at `at`: their digits may stand among
    /// letters.
    #[inline]
    fn lettered(&mut self, at: usize) -> Option<usize> {
        let around = at
            .checked_sub(3)
            .and_then(|from| self.bytes.get(from..)?.first_chunk());
        if let Some([third, second, last, _, next, after]) = around {
            // Mostly neither a word of two letters nor a dash stands near. One question: of random bytes, each of several
            // would be guessed wrong.
            let (second, last) = (near(*second), near(*last));
            let is_coded = second & last & !(near(*third) >> WITHIN) & LETTER;
            let is_dashed = (second | last | near(*next) | near(*after)) & DASH;
            if is_coded | is_dashed == 0 {
                return None;
            }
            // Without the two letters it is no account number.
            if is_coded == 0 {
                return address::near_dash(self, at);
            }
        }
        iban::find(self, at).or_else(|| address::dashed(self, at))
    }

    /// Tries every shape of the groups from the digit at `at` on.
    fn grouped(&mut self, cluster: &Cluster, at: usize) -> usize {
        let mut done = at;
        if let Some(last) = self.is_brief(cluster) {
            self.clues.read_to(last);
            for group in cluster.groups() {
                if group.start >= done {
                    done = self.lettered(group.start).unwrap_or(done);
                }
            }
            return cluster.resume().max(done);
        }
        for first in 0..cluster.firsts() {
            let groups = cluster.groups().get(first..).unwrap_or_default();
            let Some(group) = groups.first().filter(|group| group.start >= done) else {
                continue;
            };
            done = self.shapes(groups, group.start).unwrap_or(done);
        }
        cluster.resume().max(done)
    }

    /// Whether the groups have fewer digits than any shape but an account number and a hardware address, whose digits may
    /// stand among letters, and a word follows, so that no shape goes on behind them. Where the last group begins.
    fn is_brief(&self, cluster: &Cluster) -> Option<usize> {
        const FEWEST: usize = 4;
        let groups = cluster.groups();
        let last = groups.last().filter(|_| groups.len() < FEWEST)?;
        let digits: usize = groups.iter().map(|group| group.len()).sum();
        let is_left = bytes::at(self.bytes, last.end) == b' '
            && bytes::at(self.bytes, last.end + 1).is_ascii_alphabetic();
        (digits < FEWEST && is_left).then_some(last.start)
    }

    /// The end of the first shape that is found in the groups that begin at `start`.
    fn shapes(&mut self, groups: &[Group], start: usize) -> Option<usize> {
        if let Some(end) = self.lettered(start) {
            return Some(end);
        }
        let spoken = self.spoken(start);
        if spoken && let Some(end) = government::lettered(self, start) {
            return Some(end);
        }
        let is_apart = bytes::free_left(self.bytes, start) || card::is_track(self.bytes, groups);
        if !is_apart && !self.is_address_range(start) {
            // `card_4111…`: the name of the number is part of its word.
            let named =
                spoken && bytes::before(self.bytes, start, 1) == b'_' && self.clues.near(start, clue::CARD);
            return if named {
                card::find(self, groups, spoken)
            } else {
                None
            };
        }
        let clear = address::dotted(self, groups)
            .or_else(|| card::find(self, groups, spoken))
            .or_else(|| government::ssn(self, groups))
            .or_else(|| government::clear_cpf(self, groups))
            .or_else(|| government::clear_ahv(self, groups));
        if clear.is_some() || !spoken {
            return clear;
        }
        government::numbers(self, groups)
            .or_else(|| announced::find(self, groups))
            .or_else(|| phone::national(self, groups))
            .or_else(|| account::find(self, groups))
    }

    /// Whether the group continues a range of addresses: `10.0.0.1-10.0.0.9`.
    fn is_address_range(&self, start: usize) -> bool {
        self.address_end > 0 && self.address_end + 1 == start && bytes::before(self.bytes, start, 1) == b'-'
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redact::words::Words;

    /// The rules that hit, each with what it claims.
    pub(in super::super) fn found(text: &str, name: &str) -> Vec<(&'static str, String)> {
        let mut hits = Hits::default();
        let words = Words::of(name);
        detect(text, clue::of_name(words.iter()), &mut hits);
        hits.settle();
        let hits = hits.list().iter();
        hits.map(|hit| (hit.rule, text[hit.start..hit.end].to_owned()))
            .collect()
    }

    /// Asserts that the part of `text` between `«` and `»` is claimed under this rule, and nothing else.
    #[track_caller]
    pub(in super::super) fn claims(rule: &str, text: &str, name: &str) {
        let start = text.find('«').unwrap();
        let end = text.find('»').unwrap();
        let wanted = text[start + '«'.len_utf8()..end].to_owned();
        let plain = text.replace(['«', '»'], "");
        let found = found(&plain, name);
        let found: Vec<_> = found.iter().map(|(rule, text)| (*rule, text.as_str())).collect();
        assert_eq!(found, [(rule, wanted.as_str())], "{plain} ({name})");
    }

    /// Asserts that nothing is claimed.
    #[track_caller]
    pub(in super::super) fn leaves(text: &str, name: &str) {
        assert_eq!(found(text, name), [], "{text} ({name})");
    }

    #[test]
    fn what_is_no_ones_stays() {
        for text in [
            "",
            "plain prose without anything",
            "took 1234 ms, 5678 bytes",
            "550e8400-e29b-41d4-a716-446655440000",
            "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "2024-02-29T12:34:56.789012345+02:00",
            "1700000000 1700000000123 1700000000123456 1700000000123456789",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "order 1234567890, invoice 2024-000123, ticket #987654321",
            "v1.2.3.4 1.2.3.4-beta 10.0.19045.3803 1.3.6.1.4.1.311.21.20",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71 Safari/537.36",
            "52.520008, 13.404954",
            "978-3-16-148410-0",
            "ISBN 9783161484100 EAN 4006381333931",
            "1,234,567,890.12 EUR",
            "127.0.0.1:8080 0.0.0.0 [::]:443 [::1]:80 255.255.255.0",
            "std::fmt::Debug dead::beef a::b::c",
            "src/main.rs:120:15",
            "git@github.com:org/repo.git",
            "20240229123456",
            "12:34:56 23:59:60.123",
            "lodash@4.17.21 @scope/pkg@1.2.3 image@sha256:abcdef icon@2x.png getty@tty1.service",
        ] {
            leaves(text, "");
            leaves(text, "message");
        }
    }

    #[test]
    fn what_is_near_a_digit_is_told_by_the_table() {
        for byte in 0..=255_u8 {
            let is_within = bytes::is_word(byte) && !matches!(byte, b'n' | b'r' | b't');
            let told = (near(byte) & LETTER, near(byte) & DASH, near(byte) >> WITHIN);
            let wanted = (
                u8::from(byte.is_ascii_alphabetic()) * LETTER,
                u8::from(byte == b'-') * DASH,
                u8::from(is_within),
            );
            assert_eq!(told, wanted, "{byte}");
        }
    }

    #[test]
    fn several_shapes_in_one_text_are_all_found() {
        let found = found(
            "from 203.0.113.9 alice@example.com paid with 4111 1111 1111 1111, call +1 (415) 555-0132",
            "",
        );
        let rules: Vec<_> = found.iter().map(|(rule, _)| *rule).collect();
        assert_eq!(rules, ["ip", "email", "pan", "phone"]);
    }

    #[test]
    fn a_number_in_the_middle_of_a_long_row_of_groups_is_found() {
        let text = format!("{}4111 1111 1111 1111 7", "7 ".repeat(100));
        assert_eq!(found(&text, ""), [("pan", "4111 1111 1111 1111".to_owned())]);
    }

    proptest! {
        #[test]
        fn every_claim_is_whole_characters_of_any_text(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "1", "4111", "12", "a", "ab", "@", ".", "-", ":", "::", " ", "+", "+49", "(415)", "555-0132", "phone ", "ssn ",
                    "dni ", "card ", "é", "用", "\u{301}", "\"", "\\n", "com", "[at]", " dot ", " at ", "/24", "%", "DE89", "fe80",
                    "203.0.113.9", "x.y", "account no ", "passport ", "born ", "/",
                ]),
                0..40,
            ),
            name in proptest::sample::select(vec!["", "phone", "ssn", "email", "zip", "card", "dob", "iban", "passport", "x"]),
        ) {
            let text = parts.concat();
            for (rule, claimed) in found(&text, name) {
                prop_assert!(!claimed.is_empty() && !rule.is_empty());
            }
        }
    }
}
