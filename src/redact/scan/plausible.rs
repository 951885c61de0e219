//! Whether what stands behind a sensitive name can be the thing itself: not a word about it, a type, a placeholder.

use super::about::{is_code, is_nothing_in, is_number, is_path, is_placeholder_with, is_word_about};
use super::alphabet::{Alphabet, varied};
use super::sentence::is_prose;
use super::traits::{self, Traits};
use super::verdict::is_type_or_verdict;
use crate::redact::words::{Force, Named};

/// How a name and its value are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// `=`, `=>`, `:=`, an argument of the option that the name is, an element's text.
    Assigned,
    /// `:`
    Colon,
    /// `"name", "value"`
    Listed,
}

/// A value and how it stands in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'t> {
    pub(super) value: &'t str,
    pub(super) joint: Joint,
    pub(super) quoted: bool,
    /// It is a parameter of a URL, or a cookie.
    pub(super) parameter: bool,
    /// Words of prose follow it. Asked only of what a colon joins.
    pub(super) goes_on: bool,
    /// What stands in it. Not asked of what is shorter than [`OPAQUE`] and must be opaque, nor of what is longer than
    /// [`DIGITS`] and must be a number.
    pub(super) traits: Traits,
}

impl Candidate<'_> {
    /// Whether the other is the same in all that it is judged by.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        // What stands in a value is told by the value.
        self.value == other.value
            && self.joint == other.joint
            && self.quoted == other.quoted
            && self.parameter == other.parameter
            && self.goes_on == other.goes_on
    }
}

/// Whether the candidate is what its name says.
pub(super) fn is_plausible(named: Named, candidate: Candidate<'_>) -> bool {
    let value = traits::trimmed(candidate.value);
    // The cheapest look first: within one long run, many names may ask for the same value.
    let fits = match named.force {
        Force::Opaque => is_opaque_with(value, candidate.traits),
        Force::Parameter => {
            candidate.parameter && (is_opaque_with(value, candidate.traits) || is_signature(value))
        }
        Force::Digits(_) => value.len() <= DIGITS,
        Force::Street => is_street(value),
        Force::Certain => true,
    };
    if candidate.quoted
        && candidate.joint == Joint::Colon
        && named.short
        && matches!(value, "admin" | "secret")
    {
        // What people take for a password, and no message says of one.
        return true;
    }
    let is_word = || !candidate.quoted && named.sort == super::hits::Sort::Secret && is_word_about(value);
    let is_marked = || candidate.traits & traits::MARKED != 0;
    if !fits || is_word() || is_nothing_in(value, is_marked) || is_placeholder_with(value, candidate.traits) {
        return false;
    }
    match named.force {
        Force::Digits(least) => digits(value) >= usize::from(least),
        Force::Opaque | Force::Parameter | Force::Street => true,
        Force::Certain if named.sort == super::hits::Sort::Secret => is_secret(named, candidate, value),
        Force::Certain => is_personal(candidate, value),
    }
}

fn digits(value: &str) -> usize {
    value.bytes().filter(u8::is_ascii_digit).count()
}

fn is_secret(named: Named, candidate: Candidate<'_>, value: &str) -> bool {
    let traits = candidate.traits;
    let has = |those: Traits| traits & those != 0;
    if !named.plural && has(traits::COMMA) && is_byte_list(value) {
        return true;
    }
    if let Some(number) = is_number(value) {
        let least = if named.short { 3 } else { 6 };
        return !named.plural && number && digits(value) >= least;
    }
    if is_code(value, traits) || is_path(value, traits) || has(traits::SCHEME) {
        return false;
    }
    if named.phrase && has(traits::SPACE) && value.split(' ').count() >= 6 {
        return true;
    }
    // A bare value was asked for such a word before all else.
    if has(traits::SPACE) && is_prose(value) || candidate.quoted && is_word_about(value) {
        return false;
    }
    match candidate.joint {
        Joint::Assigned => true,
        Joint::Colon if candidate.quoted => true,
        Joint::Colon if is_key_of_letters(value) => true,
        Joint::Colon => {
            is_unlike(value, traits) || !candidate.goes_on && value.len() >= 4 && !is_type_or_verdict(value)
        }
        Joint::Listed => value.len() >= 6 && has(traits::DIGIT) && has(traits::LETTER),
    }
}

fn is_personal(candidate: Candidate<'_>, value: &str) -> bool {
    // `type 2 diabetes` is a finding, whatever its first word says elsewhere.
    let kind = value
        .split_at_checked(5)
        .filter(|(head, _)| head.eq_ignore_ascii_case("type "));
    let is_kind = kind.is_some_and(|(_, rest)| rest.starts_with(|first: char| first.is_ascii_digit()));
    // What is known already comes first.
    let joins = match candidate.joint {
        Joint::Assigned => true,
        Joint::Colon => {
            candidate.quoted
                || candidate.traits & traits::DIGIT != 0
                || value.chars().next().is_some_and(char::is_uppercase)
        }
        Joint::Listed => false,
    };
    joins
        && value.chars().any(char::is_alphabetic)
        && !is_word_about(value)
        && !is_code(value, candidate.traits)
        && (is_kind || !is_prose(value))
}

/// `104,117,110,116`: bytes as they are printed in JSON.
fn is_byte_list(value: &str) -> bool {
    value.split(',').take(4).count() >= 4
        && value.split(',').all(|number| number.trim().parse::<u8>().is_ok())
}

/// `12 Main Street`, `Hauptstraße 5`: words, and a number of few digits.
pub(super) fn is_street(value: &str) -> bool {
    let value = value.trim();
    if !(8..=120).contains(&value.len()) {
        return false;
    }
    let number = |word: &str| {
        word.len() <= 6
            && word.starts_with(|char: char| char.is_ascii_digit())
            && word.bytes().filter(u8::is_ascii_alphabetic).count() <= 1
    };
    let mut words = value.split([' ', ',']).filter(|word| !word.is_empty());
    let (first, last) = (
        words.next().unwrap_or_default(),
        value.rsplit(' ').next().unwrap_or_default(),
    );
    let named = value.split([' ', ',']).any(|word| {
        word.chars().count() >= 3
            && word.chars().all(|char| char.is_alphabetic() || char == '.')
            && word.starts_with(char::is_uppercase)
    });
    let marks = value
        .bytes()
        .any(|byte| matches!(byte, b':' | b'/' | b'=' | b'@' | b'_' | b'{' | b'('));
    value.contains(' ') && named && !marks && (number(first) || number(last))
}

/// Whether letters alone are a key: many, and not words in a row that each begin with a capital.
fn is_key_of_letters(value: &str) -> bool {
    let bytes = value.as_bytes();
    if bytes.len() < 16 || !bytes.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let capitals = bytes.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let mut words = bytes.chunk_by(|last, this| last.is_ascii_uppercase() || this.is_ascii_lowercase());
    capitals > 0 && (capitals * 4 > bytes.len() || words.any(|word| word.len() < 3))
}

/// Whether no word of a sentence looks like this: it has a digit, a mark, or capitals inside.
pub(super) fn is_unlike_a_word(value: &str) -> bool {
    is_unlike(value, traits::of(value.as_bytes()))
}

fn is_unlike(value: &str, traits: Traits) -> bool {
    let inside =
        || value.starts_with(|first: char| first.is_ascii_lowercase()) && traits & traits::CAPITAL != 0;
    value.len() >= 3 && (traits & traits::UNLIKE != 0 || inside())
}

/// The longest value that is a number in groups, in bytes.
pub(super) const DIGITS: usize = 64;

/// The shortest value that looks like a key, in bytes.
pub(super) const OPAQUE: usize = 16;

/// Whether a value looks like a key: long, of the bytes of keys, neither number nor word nor id.
pub(super) fn is_opaque(value: &str) -> bool {
    value.len() >= OPAQUE && is_random(value)
}

pub(super) fn is_opaque_with(value: &str, traits: Traits) -> bool {
    value.len() >= OPAQUE && is_random_with(value, traits)
}

/// Whether a parameter's value is a signature whose letters happen to read like a long word: hexadecimal, or base64 of
/// all kinds of letters.
fn is_signature(value: &str) -> bool {
    let bytes = value.as_bytes();
    let head = bytes.get(..bytes.len().min(128)).unwrap_or_default();
    if head.len() < 32 || !head.iter().any(u8::is_ascii_digit) {
        return false;
    }
    let is_hex = || head.iter().all(u8::is_ascii_hexdigit) && varied(head);
    let is_base64 = || {
        head.len() >= 40
            && head
                .iter()
                .all(|&byte| byte.is_ascii_alphanumeric() || b"+/=-_%".contains(&byte))
            && head.iter().any(u8::is_ascii_uppercase)
            && longest_word(head) < 20
            && varied(head)
    };
    is_hex() || is_base64()
}

/// As [`is_opaque`], however short.
pub(super) fn is_random(value: &str) -> bool {
    is_random_with(value, traits::of(value.as_bytes()))
}

/// Whether what looks like a key has such bytes at its beginning.
pub(super) fn is_of_key(byte: u8) -> bool {
    Alphabet::Any.has(byte) || matches!(byte, b'~' | b':' | b'|' | b'!')
}

fn is_random_with(value: &str, traits: Traits) -> bool {
    let bytes = value.as_bytes();
    let head = bytes.get(..bytes.len().min(128)).unwrap_or_default();
    head.iter().all(|&byte| is_of_key(byte))
        && varied(head)
        && !is_path(value, traits)
        && (longest_word(head) < 12 || is_drawn(head))
        && head.iter().any(|byte| byte.is_ascii_alphabetic())
}

/// Whether a long run without any mark changes so often between letters and digits that it was drawn, though it has as many small
/// letters in a row as a word: one in two thousand keys has.
fn is_drawn(head: &[u8]) -> bool {
    let kind = |byte: &u8| (byte.is_ascii_digit(), byte.is_ascii_uppercase());
    let parts = || head.chunk_by(|a, b| kind(a) == kind(b));
    let numbers = parts()
        .filter(|part| part.first().is_some_and(u8::is_ascii_digit))
        .count();
    head.len() >= 32
        && numbers >= 2
        && parts().count() >= 12
        && head.iter().all(u8::is_ascii_alphanumeric)
        && longest_word(head) < 18
}

/// The most small letters in a row: words have many, keys few.
fn longest_word(bytes: &[u8]) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for byte in bytes {
        run = if byte.is_ascii_lowercase() { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
