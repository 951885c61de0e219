//! A glance at a short text: which detectors could find anything in it at all. One pass without a branch counts the
//! bytes that numbers and addresses need, and looks each three neighbours up in a set that every literal of the
//! search left a mark in: most short texts leave it with nothing to do, and never touch the search's tables.

use super::neighbours::{NEIGHBOURS, THREE, kind};
use super::path;
use super::shape::Shape;

/// The longest text that is glanced at, in bytes: its counters hold no more.
pub(super) const LONGEST: usize = 255;

/// The shortest token, webhook or link, in bytes: the table's tests hold it to that.
pub(super) const RUN: usize = 18;

/// What a text may hold, as bits.
pub(in crate::redact) type Needs = u8;

/// A literal of the search.
pub(super) const LITERALS: Needs = 1;
/// A number, an IP or hardware address, an e-mail address.
pub(super) const NUMBERS: Needs = 2;
/// A run that may be an encoding.
pub(super) const RUNS: Needs = 4;
/// Something that the detection copy shows in another way.
pub(super) const FOLDS: Needs = 8;
pub(super) const ALL: Needs = 15;

/// What of that has to be looked for where only secrets are.
pub(in crate::redact) const fn for_secrets(needs: Needs) -> Needs {
    needs & !NUMBERS
}

/// The place of each counter in a sum.
mod count {
    pub(super) const DIGITS: u32 = 0;
    pub(super) const DOTS: u32 = 8;
    pub(super) const COLONS: u32 = 16;
    pub(super) const DASHES: u32 = 24;
    /// `@` and `[`: they begin or join too much to be told apart here.
    pub(super) const MARKS: u32 = 32;
    /// `%`, `\`, `&`, control bytes.
    pub(super) const ESCAPES: u32 = 40;
    /// What is not ASCII.
    pub(super) const FOREIGN: u32 = 48;
    /// Not a counter: the byte's kind.
    pub(super) const KIND: u32 = 59;
}

const fn counted(byte: u8) -> u64 {
    match byte {
        b'0'..=b'9' => 1 << count::DIGITS,
        b'.' => 1 << count::DOTS,
        b':' => 1 << count::COLONS,
        b'-' => 1 << count::DASHES,
        b'@' | b'[' => 1 << count::MARKS,
        b'%' | b'\\' | b'&' | 0x7F => 1 << count::ESCAPES,
        b'\t' | b'\n' | b'\r' => 0,
        0..0x20 => 1 << count::ESCAPES,
        0x80.. => 1 << count::FOREIGN,
        _ => 0,
    }
}

/// For each byte what it adds to the counters, and above them its kind.
static BYTES: [u64; 256] = {
    let mut bytes = [0; 256];
    let mut byte = 0;
    #[allow(
        clippy::indexing_slicing,
        reason = "evaluated while compiling: out of bounds does not compile"
    )]
    while byte < 256 {
        bytes[byte] = counted(byte as u8) | kind(byte as u8) << count::KIND;
        byte += 1;
    }
    bytes
};

/// What a text of at most [`LONGEST`] bytes may hold.
pub(super) fn needs(text: &str) -> Needs {
    let bytes = text.as_bytes();
    let set = &*NEIGHBOURS.set;
    let (mut sum, mut found, mut last) = (0_u64, 0_u64, kind::GAP);
    for &byte in bytes {
        let entry = entry(byte);
        sum = sum.wrapping_add(entry);
        last = (last << 5 | entry >> count::KIND) & THREE;
        found |= set.get(last);
    }
    last = (last << 5 | kind::GAP) & THREE;
    found |= set.get(last);
    let sum = sum & ((1 << count::KIND) - 1);
    let literal = found & 1 == 1;
    if !literal && bytes.len() < RUN && (sum + TO_LIMIT) & BEYOND == 0 {
        return 0;
    }
    judged(bytes, sum, literal)
}

#[inline(always)]
fn entry(byte: u8) -> u64 {
    BYTES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Whether some of the neighbours are part of a literal, and not only like it.
#[inline(never)]
fn has_literal(bytes: &[u8]) -> bool {
    let known = &*NEIGHBOURS;
    let mut last = kind::GAP;
    for (at, &byte) in bytes.iter().chain(std::iter::once(&b' ')).enumerate() {
        last = (last << 5 | entry(byte) >> count::KIND) & THREE;
        if known.set.get(last) & 1 == 1 && known.is_literal(bytes, at, last) {
            return true;
        }
    }
    false
}

/// What is missing in each counter from its limit to 128: four digits, two dots, a colon and four dashes are still no
/// number and no address.
const TO_LIMIT: u64 = (0x7F - 4) << count::DIGITS
    | (0x7F - 2) << count::DOTS
    | (0x7F - 1) << count::COLONS
    | (0x7F - 4) << count::DASHES
    | 0x7F << count::MARKS
    | 0x7F << count::ESCAPES
    | 0x7F << count::FOREIGN;

/// A counter that is beyond its limit has this bit set, once it was added.
const BEYOND: u64 = 0x80_8080_8080_8080;

/// What the counters and the neighbours of a text allow.
fn judged(bytes: &[u8], sum: u64, literal: bool) -> Needs {
    let count = |place: u32| sum >> place & 0xFF;
    let marks = count(count::MARKS) > 0;
    let foreign = count(count::FOREIGN) > 0;
    let digits = count(count::DIGITS);
    let colons = count(count::COLONS);
    let literal = literal && has_literal(bytes);
    let run = bytes.len() >= RUN && has_run(bytes) && !path::is_path(bytes);
    let mut needs = 0;
    if literal && !is_prose(bytes) || marks || foreign || run || colons >= 4 {
        needs |= LITERALS;
    }
    let dotted = digits >= 4 && count(count::DOTS) >= 3;
    let dashed = digits >= 1 && count(count::DASHES) >= 5;
    let paired = colons >= 2 && bytes.windows(2).any(|pair| pair == b"::");
    let spoken = literal && (digits >= 4 || has_sign(bytes));
    let numbered = digits >= 5 && has_number(bytes);
    if spoken || marks || foreign || numbered || colons >= 5 || dotted || dashed || paired {
        needs |= NUMBERS;
    }
    if run {
        needs |= RUNS;
    }
    if foreign || count(count::ESCAPES) > 0 {
        needs |= FOLDS;
    }
    needs
}

/// Whether the text holds [`RUN`] bytes in a row without a gap.
fn has_run(bytes: &[u8]) -> bool {
    // A token may be broken by a line's end.
    let is_gap = |byte: &u8| matches!(*byte, b' ' | b'\t' | b'"' | b'\'' | b'`');
    let mut rest = bytes;
    // A gap among the first bytes leaves all before it out; the last one leaves out most.
    while let Some(first) = rest.first_chunk::<RUN>() {
        match first.iter().rposition(is_gap) {
            Some(gap) => rest = rest.get(gap + 1..).unwrap_or_default(),
            None => return true,
        }
    }
    false
}

/// Whether five digits stand in a row without a letter among them, or an account's number may begin: no other number is
/// broken by letters, unless a word says so.
pub(super) fn has_number(bytes: &[u8]) -> bool {
    if bytes.len() > Shape::LONGEST {
        return has_number_anywhere(bytes);
    }
    Shape::of(bytes).has_number()
}

/// As [`has_number`], also where a number is broken by letters and a word may say so: `passport--0000a0`. Such words are
/// long.
pub(super) fn has_number_or_word(bytes: &[u8]) -> bool {
    if bytes.len() > Shape::LONGEST {
        return true;
    }
    let shape = Shape::of(bytes);
    let two = shape.letters & shape.letters >> 1;
    two & two >> 2 & two >> 4 != 0 || shape.has_number()
}

/// As [`has_number`], for a text of any length.
fn has_number_anywhere(bytes: &[u8]) -> bool {
    let mut digits = 0;
    let (mut letters, mut begins, mut last) = (0, false, b' ');
    for &byte in bytes {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                if digits == 5 || digits == 2 && letters == 2 && begins {
                    return true;
                }
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                if letters == 0 || digits > 0 {
                    (letters, begins) = (0, !last.is_ascii_alphanumeric());
                }
                (letters, digits) = (letters + 1, 0);
            }
            _ => letters = 0,
        }
        last = byte;
    }
    false
}

/// Whether the text is nothing but words: without a digit, a mark or a capital within a word, nothing in it is a value,
/// unless a word says that the next one is.
fn is_prose(bytes: &[u8]) -> bool {
    let mut last = b' ';
    for (at, &byte) in bytes.iter().enumerate() {
        let fits = match byte {
            b'a'..=b'z' | b'.' | b',' => true,
            b'A'..=b'Z' => !last.is_ascii_lowercase(),
            b' ' => {
                !(matches!(last | 0x20, b'n' | b'c' | b'd') && announces(bytes.get(..at).unwrap_or_default()))
            }
            _ => false,
        };
        if !fits {
            return false;
        }
        last = byte;
    }
    true
}

/// Whether the last word makes the next one a value, whatever it looks like.
fn announces(head: &[u8]) -> bool {
    [&b"login"[..], b"basic", b"plain", b"identified"]
        .iter()
        .any(|word| {
            let tail = head
                .get(head.len().saturating_sub(word.len())..)
                .unwrap_or_default();
            tail.eq_ignore_ascii_case(word)
        })
}

/// Whether an e-mail address may be written in words: `alice at example dot com`, `alice(at)example.com`.
fn has_sign(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|word| {
        matches!(
            word,
            [b'd' | b'D', b'o' | b'O', b't' | b'T'] | [b'(', b'a' | b'A', b't' | b'T']
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::engine::tests::{rules, rules_with_all_needs};
    use super::super::neighbours::is_short;
    use super::super::tokens::{INFIXES, PREFIXES};
    use super::super::triggers;
    use super::super::url::{LINKS, WEBHOOKS};
    use super::*;

    #[test]
    fn harmless_short_texts_need_nothing() {
        for text in [
            "",
            "u-1",
            "doc-17",
            "ord_1f",
            "eu-north-1",
            "approved",
            "invoice 4711 was approved",
            "order shipped",
            "GET /v1/orders 200",
            "retrying in 30 s",
            "the password was changed",
            "API key rotated, token revoked.",
            "worker started",
            "cart updated by visitor",
            "status: ok",
            "shared folder 4103 with 5 people of the team",
            "req-0000abcd-0003",
        ] {
            assert_eq!(needs(text), 0, "{text}");
        }
    }

    #[test]
    fn whatever_begins_something_is_seen() {
        for (text, wanted) in [
            ("my PassWord: x", LITERALS),
            ("mysql -p x", LITERALS),
            ("a@b.example", NUMBERS),
            ("to 10.1.2.3", NUMBERS),
            ("at fe80::1", NUMBERS),
            ("aa-bb-cc-dd-ee-0f", NUMBERS),
            ("call 5550132", NUMBERS),
            ("born 3.2.84", NUMBERS),
            ("a at b dot com", NUMBERS),
            ("AbCdEfGhIjKlMnOpQr", RUNS),
            ("50% of it", FOLDS),
            ("пароль", LITERALS),
            ("пароль", FOLDS),
            ("(at)", NUMBERS),
        ] {
            assert_eq!(needs(text) & wanted, wanted, "{text}");
        }
    }

    /// A document's number has no form of its own: letters may stand anywhere among its digits.
    #[test]
    fn every_word_of_a_document_is_seen() {
        for word in [
            "passport",
            "Reisepass",
            "passeport",
            "Pasaporte",
            "personalausweis",
            "national id",
            "driver license",
            "driver licence",
            "drivers no",
            "driving nr",
            "licence number",
        ] {
            let text = format!("{word} V1249L45");
            let found = rules_with_all_needs(&text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(rules(&text), found, "{text}");
        }
    }

    /// With the digits that lie so far behind them.
    fn with_others(text: &str, by: u32) -> String {
        let other = |letter: char| {
            letter
                .to_digit(10)
                .and_then(|digit| char::from_digit((digit + by) % 10, 10))
        };
        text.chars()
            .map(|letter| other(letter).unwrap_or(letter))
            .collect()
    }

    fn numbered() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            3 => super::super::engine::tests::pieces(),
            2 => "(17|4711|sha256:|b64 |p12|x5|/v1/|s3://|0x|utf8|[0-9]{1,3})",
            1 => "[ -~]{0,4}"
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_glance_tells_no_digits_apart(text in numbered(), by in 1..10_u32) {
            let field = super::super::Field::of("note");
            let glance = |text: &str| super::super::Engine::glance(&field, text);
            prop_assert_eq!(glance(&text), glance(&with_others(&text, by)), "{}", text);
        }
    }

    #[test]
    fn a_glance_sees_each_literal_with_any_digits() {
        for (literal, _) in triggers::literals() {
            let text = format!("some {literal} here");
            assert_eq!(needs(&text), needs(&with_others(&text, 1)), "{text}");
        }
    }

    #[test]
    fn no_token_webhook_or_link_is_shorter_than_a_run() {
        for row in PREFIXES {
            assert!(row.literal.len() + row.min >= RUN, "{}", row.literal);
        }
        for row in INFIXES {
            assert!(
                row.before_min + row.literal.len() + row.after_min >= RUN,
                "{}",
                row.literal
            );
        }
        for (literal, _) in WEBHOOKS {
            assert!(literal.len() + 8 >= RUN, "{literal}");
        }
        for literal in LINKS {
            assert!(literal.len() + 16 >= RUN, "{literal}");
        }
    }

    #[test]
    fn every_short_literal_is_seen_in_any_case_and_in_any_surroundings() {
        let literals = triggers::literals();
        for (literal, _) in literals.iter().filter(|(_, trigger)| is_short(*trigger)) {
            for text in [
                format!("x {literal}="),
                format!("a {literal}=1 b"),
                format!("\"{}\"", literal.to_uppercase()),
            ] {
                assert_eq!(needs(&text) & LITERALS, LITERALS, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_shape_tells_of_numbers_what_each_byte_in_turn_tells(text in "[ -~]{0,64}|([a-d]{0,3}[0-9]{0,4}[ _.-]?){0,8}") {
            prop_assume!(text.len() <= Shape::LONGEST);
            prop_assert_eq!(has_number(text.as_bytes()), has_number_anywhere(text.as_bytes()), "{}", text);
        }

        /// The whole point: where the glance says nothing, the detectors say nothing.
        #[test]
        fn what_the_glance_lets_go_holds_nothing(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "1", "47", "a", "xy", " ", "-", ".", "_", ":", ",", "/", "(", ")", "=", "user", "order", "born", "dob", "at", "dot", "com", "u-", "is", "ok",
                    "DE", "no", "x1", "pin", "pw", "key", "code", "id", "+", "49", "'", "\"", "\n", "fe", "::", "aa-", "0f", "T", "Z", "mysql", "curl", "login ", "<", ">", "ldapsearch", " -w ",
                    "DE4", "GB29NWBK", "0000abcd", "a1b2c3", "6016", "PK36SCBL", "x", "dead", "00beef", "0003", "phone ", "ssn",
                    "password ", "Token ", "hUnter", "is ", "identified by ", "basic ", "secret",
                ]),
                0..14,
            ),
        ) {
            let text = parts.concat();
            let quiet = needs(&text);
            let full = super::super::engine::tests::rules_with_all_needs(&text);
            prop_assert!(quiet != 0 || full.is_empty(), "{text:?} {full:?}");
            prop_assert_eq!(super::super::engine::tests::rules(&text), full, "{:?}", text);
        }
    }
}
