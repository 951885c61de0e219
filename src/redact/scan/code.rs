//! Codes that a sentence names behind them: `831242 is your login code`, `Use 831242 as your verification code`.

use super::alphabet::byte;
use super::bytes::{before as byte_before, run, run_back};
use super::lexicon::Lexicon;
use super::look::Look;

/// What a code is for, if somebody is to type it in: those of errors, countries and parcels are for something else.
static FOR: Lexicon = Lexicon::of(&[
    "2fa",
    "access",
    "activation",
    "auth",
    "authentication",
    "authorization",
    "confirmation",
    "log-in",
    "login",
    "mfa",
    "one-time",
    "onetime",
    "otp",
    "pin",
    "recovery",
    "security",
    "sign-in",
    "signin",
    "sms",
    "two-factor",
    "verification",
]);

/// What such a number is by itself.
static CODES: Lexicon = Lexicon::of(&["otp", "passcode", "password", "pin", "tan"]);

/// What is about it.
static ABOUT: Lexicon = Lexicon::of(&[
    "count", "counter", "expiry", "id", "length", "limit", "number", "policy", "retries", "size", "timeout",
    "type", "version",
]);

/// What joins words to others, and makes no name of a service of them.
static JOINS: Lexicon = Lexicon::of(&["a", "and", "for", "is", "of", "or", "the", "to", "was", "with"]);

/// How many words stand behind `your` at most, and how long they are together.
const WORDS: usize = 6;
const NEAR: usize = 96;

/// `A temporary password is generated for root@localhost: …`: where the password stands that a store has made, for the name at
/// `from` and the words behind the space at `space`.
pub(super) fn generated(bytes: &[u8], from: usize, space: usize) -> Option<(usize, usize)> {
    /// The longest account, and the longest password, in bytes.
    const ACCOUNT: usize = 64;
    let words = b" is generated for ";
    let ahead = bytes.get(space..)?.strip_prefix(words)?;
    let head = bytes.get(..from).unwrap_or_default();
    let account = run(ahead, 0, ACCOUNT, |byte| byte > b' ' && byte != b'\n');
    let is_said = bytes.get(from..space) == Some(b"password")
        && (head.ends_with(b" temporary ") || head.ends_with(b" random "))
        && ahead.get(..account)?.ends_with(b":")
        && byte(ahead, account) == b' ';
    let start = space + words.len() + account + 1;
    let len = run(bytes, start, ACCOUNT, |byte| {
        byte > b' ' && !b"\"'`\\".contains(&byte)
    });
    let text = bytes.get(start..start + len)?;
    // Every one has a digit: what has none is something said.
    (is_said && len >= 6 && text.iter().any(u8::is_ascii_digit)).then_some((start, start + len))
}

/// Cuts the number before ` is your ` or ` as your `, of which the words begin at `start` and go on at `end`.
pub(super) fn before(look: &mut Look<'_, '_>, start: usize, end: usize) {
    let Some((from, to)) = number(look.bytes, start) else {
        return;
    };
    let ahead = look
        .text
        .get(end..)
        .map(|text| super::cut::floor(text, NEAR))
        .and_then(|len| look.text.get(end..end + len));
    if is_code(ahead.unwrap_or_default()) {
        look.secret(from, to, "kv.prose");
    }
}

/// The four to eight digits that end before `at`, perhaps in two groups, in marks, or behind the letter of who sends them.
fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let is_mark = |byte: u8| matches!(byte, b'"' | b'\'' | b'*' | b'`' | b'\\' | b')' | b']');
    let to = at - tag(bytes, at);
    let to = to - run_back(bytes, to, 4, is_mark);
    let digits = |to: usize| run_back(bytes, to, 9, |byte| byte.is_ascii_digit());
    let last = digits(to);
    let mut from = to - last;
    if matches!(last, 3 | 4) && matches!(byte_before(bytes, from, 1), b' ' | b'-') && digits(from - 1) == last
    {
        from -= last + 1;
    } else if !(4..=8).contains(&last) {
        return None;
    }
    let dash = byte_before(bytes, from, 1) == b'-' && byte_before(bytes, from, 2).is_ascii_uppercase();
    let begin = from - 2 * usize::from(dash);
    let is_free = match byte_before(bytes, begin, 1) {
        b'.' | b',' | b'-' | b'+' | b'$' | b'#' | b'/' | b'=' => false,
        other => !super::bytes::is_word(other) || super::bytes::free_left(bytes, begin),
    };
    is_free.then_some((from, to))
}

/// How long the closing tag before `at` is: `831242</b> is your …`.
fn tag(bytes: &[u8], at: usize) -> usize {
    if byte_before(bytes, at, 1) != b'>' {
        return 0;
    }
    let name = run_back(bytes, at - 1, 8, |byte| byte.is_ascii_alphanumeric());
    let open = at - 1 - name;
    let slash = byte_before(bytes, open, 1) == b'/';
    let is_tag = slash && matches!(byte_before(bytes, open, 2), b'<' | b'\\');
    let back = 1 + usize::from(byte_before(bytes, open, 2) == b'\\');
    let is_tag = is_tag && byte_before(bytes, open, 1 + back) == b'<';
    if is_tag { at - (open - 1 - back) } else { 0 }
}

/// Whether the words say that it is such a code, and nothing about one.
fn is_code(words: &str) -> bool {
    let is_in = |char: char| char.is_alphanumeric() || matches!(char, '-' | '\'' | '&');
    let mut last = ["", ""];
    let mut rest = words;
    for _ in 0..WORDS {
        let len = rest.find(|char| !is_in(char)).unwrap_or(rest.len());
        let Some((word, behind)) = rest.split_at_checked(len).filter(|_| len > 0) else {
            return false;
        };
        let is_apart = matches!(last, ["one", "time"] | ["sign" | "log", "in"]);
        let is_for = FOR.has(last[1]) || is_apart;
        if word.eq_ignore_ascii_case("code") && is_for || CODES.has(word) {
            return !is_about(behind);
        }
        if JOINS.has(word) {
            return false;
        }
        last = [last[1], word];
        let space = run(behind.as_bytes(), 0, 2, |byte| byte == b' ');
        if space == 0 || byte(behind.as_bytes(), 0) != b' ' {
            return false;
        }
        rest = behind.get(space..).unwrap_or_default();
    }
    false
}

/// Whether the next word makes a thing about a code of it: `… as your PIN length`.
fn is_about(behind: &str) -> bool {
    let behind = behind.strip_prefix(' ').unwrap_or_default();
    let len = behind
        .find(|char: char| !char.is_alphanumeric())
        .unwrap_or(behind.len());
    ABOUT.has(behind.get(..len).unwrap_or_default())
}
