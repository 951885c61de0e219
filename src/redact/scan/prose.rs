//! Secrets in sentences: `the password is …`, with care for sentences that are only about secrets.

use super::about::{is_nothing, is_word_about};
use super::algorithm::is_algorithm;
use super::alphabet::byte;
use super::another;
use super::bare;
use super::bytes;
use super::code;
use super::harmless::is_column_type;
use super::keyval;
use super::lexicon::Lexicon;
use super::look::Look;
use super::mark;
use super::plausible::{is_random, is_unlike_a_word};
use super::spoken;
use super::value;
use crate::redact::scan::hits::Sort;
use crate::redact::words::{Force, Named};

/// How far behind a name the words are followed, in bytes.
const NEAR: usize = 96;

/// Words between a name and its value, and whether the value follows at once.
static JOINS: Lexicon = Lexicon::of(&[
    "-", "->", "=", "=>", "are", "as", "became", "equals", "es", "est", "is", "ist", "lautet", "reads", "to",
    "was", "–",
]);

/// What a sentence says behind a name at `from..to`.
pub(super) fn after(look: &mut Look<'_, '_>, from: usize, to: usize) {
    let mut at = close_quote(look.bytes, to);
    match byte(look.bytes, at) {
        b' ' => at += columns(look, from, to),
        b'\t' => {}
        _ => return,
    }
    if !may_go_on(look.bytes, at + 1) && !login(look, from) {
        return;
    }
    if let Some((start, end)) = code::generated(look.bytes, from, at) {
        look.secret(start, end, "kv.prose");
        look.named = look.named.max(end);
        return;
    }
    let Some((start, end, joined)) = candidate(look.bytes, at + 1) else {
        return;
    };
    let end = spoken::first_cell(look.bytes, start, end);
    let value = look.text.get(start..end).unwrap_or_default();
    let digit = value.bytes().any(|byte| byte.is_ascii_digit());
    let unlike = || is_unlike_a_word(value) && !is_foreign_sentence(look.bytes, start, value);
    if !(digit || joined && unlike() || login(look, from)) || look.told.is_nothing(value) {
        return;
    }
    let named = keyval::named(look, from, to);
    let Some(named) = named.filter(|named| named.sort == Sort::Secret) else {
        return;
    };
    if value.bytes().all(|byte| byte.is_ascii_digit()) && is_counted(look.bytes, end) {
        return;
    }
    let name = look.text.get(from..to).unwrap_or_default();
    let known = login(look, from) && !is_word_about(value)
        || name.eq_ignore_ascii_case("bearer") && is_uuid(value)
        || is_card_code(name, value)
        || !named.plural && is_numeric(name, value, joined);
    let is_certain = named.force == Force::Certain && (known || look.told.is_secret(named, value, joined));
    if is_certain && !another::is_number_of(look.bytes, (from, to), (start, end)) {
        look.secret(start, end, "kv.prose");
        look.named = look.named.max(end);
    }
}

/// `ist ungültig`: letters alone behind a word of another language, whose words have letters beyond ASCII.
fn is_foreign_sentence(bytes: &[u8], start: usize, value: &str) -> bool {
    let back = bytes.get(start.saturating_sub(8)..start).unwrap_or_default();
    let word = back
        .split(|byte| *byte == b' ')
        .rev()
        .find(|word| !word.is_empty());
    let foreign = word.is_some_and(|word| matches!(word, b"es" | b"est" | b"ist" | b"lautet"));
    let is_mark = |char: char| char.is_ascii_punctuation();
    foreign && value.trim_end_matches(is_mark).chars().all(char::is_alphabetic)
}

/// How many spaces more than one stand behind a variable's name in capitals: `DB_PASSWORD   x`, as tables are printed.
fn columns(look: &Look<'_, '_>, from: usize, to: usize) -> usize {
    if byte(look.bytes, to + 1) != b' ' {
        return 0;
    }
    let name = look.bytes.get(from..to).unwrap_or_default();
    let is_variable = name.contains(&b'_') && !name.iter().any(u8::is_ascii_lowercase);
    let gap = value::skip_space(look.bytes, to, false) - to;
    // Where a quotation mark closes the name, the gap is behind it.
    if is_variable { gap.saturating_sub(1) } else { 0 }
}

/// `cvv 123`: the code on a card is shorter than any other.
fn is_card_code(name: &str, value: &str) -> bool {
    let named = ["cvv", "cvc", "cvv2", "cvc2", "csc", "cvn"]
        .iter()
        .any(|code| name.eq_ignore_ascii_case(code));
    named && (3..=4).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a number is the secret itself: behind `is` where it is as long as one, at once where the name is that of a
/// password, which nobody numbers as tokens are numbered, or where it is longer than any id.
fn is_numeric(name: &str, value: &str, joined: bool) -> bool {
    if value.len() < 6 || value.len() > 128 || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let password = || {
        let name = name.to_ascii_lowercase();
        ["password", "passwort", "passwd", "passphrase", "passcode", "pwd"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    joined || value.len() > 20 || password()
}

/// Whether what follows a number says what it counts.
fn is_counted(bytes: &[u8], end: usize) -> bool {
    static COUNTED: Lexicon = Lexicon::of(&[
        "attempts",
        "bits",
        "bytes",
        "characters",
        "chars",
        "days",
        "digits",
        "entries",
        "hours",
        "items",
        "kb",
        "mb",
        "milliseconds",
        "minutes",
        "ms",
        "ns",
        "requests",
        "rows",
        "s",
        "seconds",
        "times",
        "tokens",
        "us",
        "users",
    ]);
    let ahead = bytes.get(end..bytes.len().min(end + 24)).unwrap_or_default();
    let word = ahead.strip_prefix(b" ").unwrap_or_default();
    let len = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    word.get(..len).is_some_and(|word| COUNTED.has_bytes(word))
}

/// Whether the word at `at` can be a value or lead to one: most words of prose cannot.
fn may_go_on(bytes: &[u8], at: usize) -> bool {
    let ahead = bytes.get(at..bytes.len().min(at + 48)).unwrap_or_default();
    let len = ahead.iter().position(|byte| *byte <= b' ').unwrap_or(ahead.len());
    let word = ahead.get(..len).unwrap_or_default();
    let leads = len <= 10 && {
        let first = byte(word, 0).to_ascii_lowercase();
        let word = word.strip_suffix(b":").unwrap_or(word);
        matches!(
            first,
            b'i' | b'w' | b'a' | b'e' | b'b' | b'r' | b't' | b'=' | b'-' | b'f' | b'o' | b's' | b'n' | b'l'
        ) && (LEADS.has_bytes(word) || JOINS.has_bytes(word))
    };
    leads
        || word
            .iter()
            .any(|byte| byte.is_ascii_digit() || matches!(byte, b'"' | b'\'' | b'`'))
}

/// Words between a name and what joins it to its value.
static LEADS: Lexicon = Lexicon::of(&[
    "changed",
    "currently",
    "for",
    "given",
    "just",
    "now",
    "of",
    "reset",
    "set",
    "still",
    "used",
]);

fn close_quote(bytes: &[u8], to: usize) -> usize {
    let escaped = byte(bytes, to) == b'\\' && byte(bytes, to + 1) == b'"';
    let to = to + usize::from(escaped);
    to + usize::from(matches!(byte(bytes, to), b'"' | b'\'' | b'`'))
}

/// What the words behind a name have said so far.
#[derive(PartialEq, Eq)]
enum Said {
    Nothing,
    /// `for`, `of`: whose it is follows.
    Whose,
    /// `is`: the value follows.
    Joined,
}

/// The word that may be the value: behind `is`, behind `for alice is`, or at once; and whether something joins it.
fn candidate(bytes: &[u8], at: usize) -> Option<(usize, usize, bool)> {
    static FILLERS: Lexicon = Lexicon::of(&[
        "changed",
        "currently",
        "given",
        "just",
        "now",
        "reset",
        "set",
        "still",
        "used",
    ]);
    let mut here = at;
    let mut said = Said::Nothing;
    for _ in 0..7 {
        if here - at > NEAR || byte(bytes, here) <= b' ' {
            return None;
        }
        let (start, end) = quoted_or_bare(bytes, here)?;
        let word = bytes.get(start..end)?;
        let whose = || word.eq_ignore_ascii_case(b"for") || word.eq_ignore_ascii_case(b"of");
        if JOINS.has_bytes(word) {
            said = Said::Joined;
        } else if said == Said::Nothing && whose() {
            said = Said::Whose;
        } else if said != Said::Whose && !FILLERS.has_bytes(word) {
            return Some((start, end, said == Said::Joined));
        }
        here = end + usize::from(byte(bytes, end) == b'\\' && byte(bytes, end + 1) == b'"');
        here += usize::from(matches!(byte(bytes, here), b'\'' | b'"' | b'`'));
        here = value::skip_space(bytes, here, false);
        if matches!(byte(bytes, here), b'=' | b':') {
            said = Said::Joined;
            here = value::skip_space(bytes, here + 1, false);
        }
    }
    None
}

/// A word, with the marks around it left out.
fn quoted_or_bare(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let quote = byte(bytes, at);
    if quote == b'\\' {
        // In a text of JSON the marks have backslashes before them.
        let near = bytes.get(..bytes.len().min(at + 4 * NEAR))?;
        let found = value::extent(near, at, false).filter(|found| found.quoted && found.start < found.end)?;
        return (found.end < near.len()).then_some((found.start, found.end));
    }
    if matches!(quote, b'"' | b'\'' | b'`') {
        let len = value::until(bytes, at + 1, quote);
        return (len > 0 && len < 80).then_some((at + 1, at + 1 + len));
    }
    // `PASSWORD('…')`: the argument.
    let inner = value::unwrap(bytes, at);
    if inner > at && matches!(byte(bytes, inner), b'"' | b'\'') {
        let len = value::until(bytes, inner + 1, byte(bytes, inner));
        return (len > 0 && len < 80).then_some((inner + 1, inner + 1 + len));
    }
    let len = bare::len(bytes.get(..bytes.len().min(at + 4 * NEAR))?, at, false);
    (len > 0).then_some((at, at + len))
}

/// What was said of the values that were judged last: sentences repeat a few, and so do texts that are made to be slow.
#[derive(Debug, Default)]
pub(super) struct Told<'t>([Verdict<'t>; PLACES]);

/// A value, and what was said of it, where it was asked.
#[derive(Debug, Default, Clone, Copy)]
struct Verdict<'t> {
    value: &'t str,
    is_nothing: Option<bool>,
    is_secret: Option<(Named, bool, bool)>,
}

/// How many values are remembered, each in its place, and the longest one, in bytes.
const PLACES: usize = 4;
const LONGEST: usize = 48;

impl<'t> Told<'t> {
    /// As [`is_nothing`].
    fn is_nothing(&mut self, value: &'t str) -> bool {
        let judge = || is_nothing(value);
        self.known(value)
            .map_or_else(judge, |known| *known.is_nothing.get_or_insert_with(judge))
    }

    /// As [`is_secret`].
    fn is_secret(&mut self, named: Named, value: &'t str, joined: bool) -> bool {
        let judge = || is_secret(named, value, joined);
        let Some(known) = self.known(value) else {
            return judge();
        };
        match known.is_secret {
            Some((of, was_joined, is_secret)) if (of, was_joined) == (named, joined) => is_secret,
            _ => {
                let is_secret = judge();
                known.is_secret = Some((named, joined, is_secret));
                is_secret
            }
        }
    }

    fn known(&mut self, value: &'t str) -> Option<&mut Verdict<'t>> {
        let place = usize::from(value.bytes().last()?) ^ value.len();
        let known = self
            .0
            .get_mut(place % PLACES)
            .filter(|_| value.len() <= LONGEST)?;
        if known.value != value {
            *known = Verdict {
                value,
                ..Verdict::default()
            };
        }
        Some(known)
    }
}

fn is_secret(named: Named, value: &str, joined: bool) -> bool {
    if is_algorithm(value) || is_word_about(value) || is_column_type(value) {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    if letters == 0 {
        return digits == value.len()
            && named.short
            && !named.plural
            && (if joined { 4..=8 } else { 4..=6 }).contains(&digits);
    }
    let unit = digits > 0
        && value.starts_with(|char: char| char.is_ascii_digit())
        && letters <= 2
        && value.len() < 6;
    let has = |part: &[u8]| bytes::find(value.as_bytes(), part).is_some();
    if unit || has(b"::") || has(b"()") || value.starts_with(['/', '[', '<', '{', '$']) {
        return false;
    }
    if value.trim_end_matches('=').contains('=') {
        return false;
    }
    if joined {
        value.len() >= 4
    } else if named.short {
        value.len() >= 6 && digits > 0
    } else {
        value.len() >= 10 && is_random(value) && !is_uuid(value)
    }
}

fn is_uuid(value: &str) -> bool {
    super::tokens::is_uuid(value.as_bytes())
}

/// Whether the words before a name are those of a `.netrc` line: `login x password y`.
fn login(look: &Look<'_, '_>, from: usize) -> bool {
    let back = look.bytes.get(from.saturating_sub(48)..from).unwrap_or_default();
    let space = |text: &[u8]| text.iter().rposition(|byte| *byte == b' ');
    // At most one space stands between: it is behind the last one, or behind the one before that.
    let Some(last) = space(back) else {
        return false;
    };
    let is_login = |end: usize| back.get(..end).is_some_and(|text| text.ends_with(b"login"));
    let joined = if is_login(last) {
        last + 1 < back.len()
    } else {
        back.get(..last).and_then(space).is_some_and(is_login)
    };
    joined && from > 6 && byte(look.bytes, from - 1) != b'='
}

/// Whether words of a sentence follow a value that ends at `end`: a space and a word that is no name of a value.
pub(super) fn goes_on(bytes: &[u8], end: usize) -> bool {
    if byte(bytes, end) != b' ' {
        return false;
    }
    // What was cut there was a word as well.
    if mark::may_begin(byte(bytes, end + 1)) && mark::end(bytes, end + 1).is_some() {
        return true;
    }
    let ahead = bytes.get(end + 1..bytes.len().min(end + 33)).unwrap_or_default();
    let word = ahead
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | b'-' | b'\'' | b'.'))
        .count();
    word > 0 && !matches!(byte(ahead, word), b'=' | b':')
}

/// `Basic …` without its header's name: base64 of `user:password`.
pub(super) fn basic(look: &mut Look<'_, '_>, start: usize, end: usize) {
    if end < look.named || !super::alphabet::walled(look.bytes, start) {
        return;
    }
    let at = value::skip_space(look.bytes, end, false);
    let ahead = look
        .bytes
        .get(at..look.bytes.len().min(at + 512))
        .unwrap_or_default();
    let run = super::alphabet::Alphabet::Base64.run(ahead);
    if run < 8 {
        return;
    }
    let decoded = decode(ahead.get(..run).unwrap_or_default());
    let pair = (decoded.contains(&b':') || decoded.contains(&0))
        && decoded
            .iter()
            .all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | 0));
    if pair && decoded.len() >= 4 {
        look.secret(at, at + run, "header.basic");
        look.named = look.named.max(at + run);
    }
}

/// Base64 without its padding; empty where it is none.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for &byte in text.iter().take_while(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Vec::new(),
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            crate::memory::push(&mut out, (bits >> count & 0xff) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_in_a_sentence_is_judged_alike_whatever_was_judged_before(
            asked in prop::collection::vec(
                (
                    prop::sample::select(vec![
                        "hunter22", "22hunter", "Xabc12XYdefgh9", "Xabc12XYdefgh8", "", "x", "123456", "123457", "is", "[REDACTED:secret]", "a::b7", "f()1",
                        "Zx9kLm4Q7wE2rT6yU8iO1pA3sD5fZx9kLm4Q7wE2rT6yU8iO1pA3sD5f", "none", "sha256", "****",
                    ]),
                    prop::bits::u8::between(0, 4),
                    any::<bool>(),
                ),
                0..40,
            ),
        ) {
            let mut told = Told::default();
            for (value, bits, first) in asked {
                let is = |bit: u8| bits >> bit & 1 == 1;
                let named = Named { sort: Sort::Secret, force: Force::Certain, plural: is(1), short: is(2), phrase: is(3) };
                if first {
                    prop_assert_eq!(told.is_nothing(value), is_nothing(value));
                }
                prop_assert_eq!(told.is_secret(named, value, is(0)), is_secret(named, value, is(0)));
                prop_assert_eq!(told.is_nothing(value), is_nothing(value));
            }
        }
    }
}
