//! Words beside a number that say what it is: "phone", "SSN", "version". Read once, left to right, as far as asked.

use super::alphabet::Bytes;
use super::clue_words::{kinds, paired};

/// A set of kinds of words.
pub(super) type Kinds = u32;

pub(super) const PHONE: Kinds = 1;
/// Words that only hint at a telephone number: "call", "contact".
pub(super) const CALL: Kinds = 1 << 1;
pub(super) const SSN: Kinds = 1 << 2;
pub(super) const CARD: Kinds = 1 << 3;
pub(super) const ACCOUNT: Kinds = 1 << 4;
pub(super) const IBAN: Kinds = 1 << 5;
pub(super) const NINO: Kinds = 1 << 6;
pub(super) const SIN: Kinds = 1 << 7;
pub(super) const STEUER: Kinds = 1 << 8;
pub(super) const NIR: Kinds = 1 << 9;
pub(super) const AADHAAR: Kinds = 1 << 10;
pub(super) const CPF: Kinds = 1 << 11;
pub(super) const DNI: Kinds = 1 << 12;
pub(super) const BSN: Kinds = 1 << 13;
pub(super) const PESEL: Kinds = 1 << 14;
/// Passports, identity cards and driving licences: numbers without a common form.
pub(super) const DOCUMENT: Kinds = 1 << 15;
pub(super) const ZIP: Kinds = 1 << 16;
pub(super) const BIRTH: Kinds = 1 << 17;
pub(super) const EMAIL: Kinds = 1 << 18;
pub(super) const ADDRESS: Kinds = 1 << 19;
pub(super) const VERSION: Kinds = 1 << 20;
/// Words of numbers that are nobody's: ids, counters, times, sizes.
pub(super) const OPAQUE: Kinds = 1 << 21;
/// First halves of a pair: "social" security, "account" number …
pub(super) const SOCIAL: Kinds = 1 << 22;
pub(super) const NATIONAL: Kinds = 1 << 23;
pub(super) const HOLDING: Kinds = 1 << 24;
pub(super) const POSTAL: Kinds = 1 << 25;
pub(super) const LICENSED: Kinds = 1 << 26;
pub(super) const TAX: Kinds = 1 << 27;
/// Words of versions only where they stand right before one.
pub(super) const RELEASE: Kinds = 1 << 28;
/// Numbers of telephones themselves, which say who carries one.
pub(super) const IMEI: Kinds = 1 << 29;
/// Hardware addresses.
pub(super) const HARDWARE: Kinds = 1 << 30;
/// Numbers that a form says the rest of: the Swiss AHV, the Italian fiscal code.
pub(super) const FORMED: Kinds = 1 << 31;
const KINDS: usize = 32;

/// All numbers of government offices.
pub(super) const GOVERNMENT: Kinds =
    SSN | NINO | SIN | STEUER | NIR | AADHAAR | CPF | DNI | BSN | PESEL | DOCUMENT | IMEI;

/// Words that keep a number instead of claiming it, and first halves alone.
const SILENT: Kinds =
    ADDRESS | VERSION | RELEASE | OPAQUE | SOCIAL | NATIONAL | HOLDING | POSTAL | LICENSED | TAX;

/// How far a word may stand before what it speaks of, in bytes.
const REACH: usize = 32;

/// The longest word of the table.
const LONGEST: usize = 28;

/// The kinds of one more word of a text or a name; `last` are those of the word before.
fn next_kinds(last: Kinds, word: &[u8]) -> Kinds {
    // Mostly no word of the table stands before it.
    if last == 0 {
        return kinds(word);
    }
    match paired(last, word) {
        0 => kinds(word),
        paired => paired,
    }
}

/// The kinds of all words of a name, in lower case. Words behind a number's name that make it the name of something
/// else (`phone_verified`, `card_type`) leave nothing.
pub(super) fn of_name<'w>(words: impl Iterator<Item = &'w str>) -> Kinds {
    let (mut all, mut last) = (0, 0);
    let mut tail = "";
    for word in words {
        let bare = word.trim_end_matches(|char: char| char.is_ascii_digit());
        last = next_kinds(last, bare.as_bytes());
        // A field of that name holds any text; beside a number, the word speaks of it.
        if matches!(word, "text" | "texted" | "reach" | "call" | "called" | "calling") {
            last &= !CALL;
        }
        all |= last;
        tail = word;
    }
    let about = matches!(
        tail,
        "count"
            | "type"
            | "verified"
            | "at"
            | "enabled"
            | "policy"
            | "length"
            | "len"
            | "status"
            | "kind"
            | "brand"
            | "network"
            | "valid"
            | "format"
            | "model"
            | "os"
            | "version"
            | "index"
            | "name"
            | "expiry"
    );
    if about {
        return all & (VERSION | RELEASE | OPAQUE);
    }
    if kinds(tail.as_bytes()) & OPAQUE != 0 && tail != "id" {
        return OPAQUE;
    }
    // `order_id` and `order_number` are numbers of no one; `order.note` is a text like any other.
    if kinds(tail.as_bytes()) & OPAQUE == 0 && !matches!(tail, "number" | "no" | "nr" | "num") {
        all &= !OPAQUE;
    }
    if tail == "id" && all & GOVERNMENT != 0 {
        return all & !OPAQUE;
    }
    if tail == "id" { OPAQUE } else { all }
}

/// Whether a word of any of these kinds claims a number.
pub(super) const fn claim(kinds: Kinds) -> bool {
    kinds & !SILENT != 0
}

/// Where the last word of each kind ended, in the part of a text that was read so far.
pub(super) struct Clues<'t> {
    bytes: &'t [u8],
    read: usize,
    last: [usize; KINDS],
    before: Kinds,
    /// All kinds seen, and where the last word of any of them ended: most questions end here.
    seen: Kinds,
    latest: usize,
    /// Where the last word ended that claims a number.
    claimed: usize,
}

impl<'t> Clues<'t> {
    pub(super) const fn of(text: &'t str) -> Self {
        Self {
            bytes: text.as_bytes(),
            read: 0,
            last: [0; KINDS],
            before: 0,
            seen: 0,
            latest: 0,
            claimed: 0,
        }
    }

    /// The end of the nearest word of these kinds that stands within reach before `at`; zero where there is none.
    pub(super) fn nearest(&mut self, at: usize, kinds: Kinds) -> usize {
        self.read_to(at);
        let mut left = self.seen & kinds;
        if left == 0 || at.saturating_sub(self.latest) > REACH {
            return 0;
        }
        let mut nearest = 0;
        while left != 0 {
            let end = self
                .last
                .get(left.trailing_zeros() as usize)
                .copied()
                .unwrap_or(0);
            if end <= at && at - end <= REACH {
                nearest = end.max(nearest);
            }
            left &= left - 1;
        }
        nearest
    }

    /// Whether any word that claims a number stands within reach before `at`.
    pub(super) fn any_near(&mut self, at: usize) -> bool {
        self.read_to(at);
        self.claimed != 0 && at.saturating_sub(self.claimed) <= REACH
    }

    /// Those of the kinds of which a word stands within reach before `at`, nearer than any word of no one's number.
    pub(super) fn all_near(&mut self, at: usize, kinds: Kinds) -> Kinds {
        let opaque = self.nearest(at, OPAQUE | VERSION | RELEASE);
        let mut left = self.seen & kinds;
        let mut near = 0;
        while left != 0 {
            let kind = left & left.wrapping_neg();
            let end = self.nearest(at, kind);
            if end > 0 && end >= opaque {
                near |= kind;
            }
            left &= left - 1;
        }
        near
    }

    /// Whether a word of these kinds stands within reach before `at`, and none nearer that takes the number for
    /// something of no one's.
    pub(super) fn near(&mut self, at: usize, kinds: Kinds) -> bool {
        let nearest = self.nearest(at, kinds);
        nearest > 0 && nearest >= self.nearest(at, OPAQUE | VERSION | RELEASE)
    }

    /// Reads the words before `to`, as every question about that place does.
    #[inline]
    pub(super) fn read_to(&mut self, to: usize) {
        if to > self.read {
            self.read_words(to);
        }
    }

    fn read_words(&mut self, to: usize) {
        let mut at = self.read.max(to.saturating_sub(REACH + LONGEST));
        let text = self.bytes.get(..to).unwrap_or(self.bytes);
        while let Some(&byte) = text.get(at) {
            if byte < b'0' {
                // A mark or white space.
                at += 1;
            } else if byte <= b'9' {
                // Of digits and marks, only a digit right before letters says anything.
                let ahead = text.get(at..).unwrap_or_default();
                let Some(passed) = ahead.iter().position(|byte| *byte > b'9') else {
                    break;
                };
                at += passed;
                if self.at(at).is_ascii_alphabetic() && self.at(at - 1).is_ascii_digit() {
                    at += self.pieces(at - 1, to).max(1) - 1;
                }
            } else if is_letter(byte) {
                let end = self.word_end(at, to);
                // Letters behind a digit are a piece of a hash or an id.
                if !super::bytes::before(self.bytes, at, 1).is_ascii_digit() {
                    self.word(at, end);
                }
                at = end;
            } else if byte == b'[' {
                at = self.behind_mark(at);
            } else {
                at += 1;
            }
        }
        self.read = to;
    }

    /// Behind the bracket or marker at `at`. What a marker stands for may have been longer: no word reaches over it.
    fn behind_mark(&mut self, at: usize) -> usize {
        let Some(end) = super::mark::end(self.bytes, at) else {
            return at + 1;
        };
        self.seen &= OPAQUE | VERSION | RELEASE;
        (self.before, self.claimed) = (0, 0);
        end
    }

    /// How many bytes from the digit at `at` on are digits and letters of one case, which are pieces of a hash or an id; 0
    /// where a word may go through the end of them.
    fn pieces(&self, at: usize, to: usize) -> usize {
        static SMALL: Bytes = Bytes::digits_and(b"abcdefghijklmnopqrstuvwxyz");
        static CAPITAL: Bytes = Bytes::digits_and(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        let ahead = self.bytes.get(at..to).unwrap_or_default();
        let small = SMALL.run(ahead);
        let next = super::bytes::at(ahead, small);
        if !is_letter(next) {
            return small;
        }
        let capital = CAPITAL.run(ahead);
        let next = super::bytes::at(ahead, capital);
        if is_letter(next) { 0 } else { capital }
    }

    /// The end of the word at `start`: at a mark, a digit, or before a capital behind a small letter (`homePhone`).
    fn word_end(&self, start: usize, to: usize) -> usize {
        // No small letter begins a word behind another letter.
        let ahead = self.bytes.get(start + 1..to).unwrap_or_default();
        let small = ahead.iter().position(|byte| !byte.is_ascii_lowercase());
        let mut end = start + 1 + small.unwrap_or(ahead.len());
        while end < to {
            let (last, this) = (self.at(end - 1), self.at(end));
            let camel = this.is_ascii_uppercase()
                && (last.is_ascii_lowercase()
                    || (last.is_ascii_uppercase() && end + 1 < to && self.at(end + 1).is_ascii_lowercase()));
            if !is_letter(this) || camel {
                break;
            }
            end += 1;
        }
        end
    }

    fn at(&self, at: usize) -> u8 {
        super::bytes::at(self.bytes, at)
    }

    fn word(&mut self, start: usize, end: usize) {
        let mut lower = [0; LONGEST];
        let word = self.bytes.get(start..end).unwrap_or_default();
        // No word of the table is one letter, of which random texts have many.
        let place = lower.get_mut(..word.len()).filter(|_| word.len() > 1);
        let Some(place) = place else {
            self.before = 0;
            return;
        };
        place.copy_from_slice(word);
        place.make_ascii_lowercase();
        let found = next_kinds(self.before, place);
        self.before = found;
        if found != 0 {
            self.seen |= found;
            self.latest = end;
        }
        if found & !SILENT != 0 {
            self.claimed = end;
        }
        let mut left = found;
        while left != 0 {
            if let Some(last) = self.last.get_mut(left.trailing_zeros() as usize) {
                *last = end;
            }
            left &= left - 1;
        }
    }
}

const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::words::Words;

    fn name(name: &str) -> Kinds {
        of_name(Words::of(name).iter())
    }

    fn near(text: &str, kinds: Kinds) -> bool {
        Clues::of(text).near(text.len(), kinds)
    }

    #[test]
    fn a_name_says_what_its_number_is() {
        for (text, kind) in [
            ("phone", PHONE),
            ("homePhone2", PHONE),
            ("mobile_number", PHONE),
            ("card.number", CARD),
            ("userSSN", SSN),
            ("social_security_number", SSN),
            ("bank_account", ACCOUNT),
            ("accountNumber", ACCOUNT),
            ("tax_id", SSN),
            ("postal-code", ZIP),
            ("zip", ZIP),
            ("nationalInsuranceNumber", NINO),
            ("driver_license", DOCUMENT),
            ("date_of_birth", BIRTH),
        ] {
            assert_ne!(name(text) & kind, 0, "{text}");
        }
        for text in [
            "phone_verified",
            "card_type",
            "card_count",
            "account",
            "account_id",
            "phone_id",
            "zip_size",
            "ssn_hash",
            "microphone",
            "pancake",
            "zipper",
        ] {
            assert_eq!(name(text) & (PHONE | CARD | ACCOUNT | ZIP | SSN), 0, "{text}");
        }
    }

    #[test]
    fn a_word_reaches_as_far_as_32_bytes_and_no_opaque_word_lies_between() {
        assert!(near("Phone: ", PHONE));
        assert!(near("{\"homePhone\":\"", PHONE));
        assert!(near("my social security number is ", SSN));
        assert!(near("USER_PHONE=", PHONE));
        assert!(!near("phone number of the customer in that long message ", PHONE));
        assert!(!near("phone call id ", PHONE));
        assert!(!near("saxophone ", PHONE));
        assert!(!near("telephones of ids ", PHONE));
        assert!(!near("", PHONE));
    }

    #[test]
    fn a_marker_of_ours_says_nothing_of_the_next_number() {
        assert!(!near("[REDACTED:account] ref ", ACCOUNT));
        assert!(near("[REDACTED:account] account number ", ACCOUNT));
        assert!(!near("account number [REDACTED:iban] ref ", ACCOUNT));
    }

    #[test]
    fn asking_for_positions_one_after_another_reads_the_text_once() {
        let text = "phone 1 and then much text that has no number at all, but in the end a fax 2";
        let mut clues = Clues::of(text);
        assert!(clues.near(6, PHONE));
        let end = text.len() - 1;
        assert!(clues.near(end, PHONE));
        assert_eq!(clues.nearest(end, PHONE), end - 1);
    }
}
