//! A glance at a short text: which detectors could find anything in it at all. One pass without a branch counts the
//! bytes that numbers and addresses need, and looks each three neighbours up in a set that every literal of the
//! automaton left a mark in: most short texts leave it with nothing to do, and never touch the automaton's table.

use std::sync::LazyLock;

use super::triggers::{self, Trigger};

/// The longest text that is glanced at, in bytes: its counters hold no more.
pub(super) const LONGEST: usize = 255;

/// The shortest token, webhook or link, in bytes: the table's tests hold it to that.
pub(super) const RUN: usize = 18;

/// What a text may hold, as bits.
pub(super) type Needs = u8;

/// A literal of the automaton.
pub(super) const LITERALS: Needs = 1;
/// A number, an IP or hardware address, an e-mail address.
pub(super) const NUMBERS: Needs = 2;
/// A run that may be an encoding.
pub(super) const RUNS: Needs = 4;
/// Something that the detection copy shows in another way.
pub(super) const FOLDS: Needs = 8;
pub(super) const ALL: Needs = 15;

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
}

/// The class of a byte in the set of neighbours: letters by themselves, all others in a few classes.
mod kind {
    pub(super) const DIGIT: u64 = 26;
    /// White space, quotation marks, and the ends of the text.
    pub(super) const GAP: u64 = 27;
    pub(super) const DASH: u64 = 28;
    pub(super) const LOW_LINE: u64 = 29;
    pub(super) const OTHER: u64 = 30;
    pub(super) const FOREIGN: u64 = 31;
    pub(super) const PLACE: u32 = 59;
    pub(super) const COUNT: usize = 32;
}

const fn kind(byte: u8) -> u64 {
    match byte {
        b'a'..=b'z' => (byte - b'a') as u64,
        b'A'..=b'Z' => (byte - b'A') as u64,
        b'0'..=b'9' => kind::DIGIT,
        b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'`' => kind::GAP,
        b'-' => kind::DASH,
        b'_' => kind::LOW_LINE,
        0x80.. => kind::FOREIGN,
        _ => kind::OTHER,
    }
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
        bytes[byte] = counted(byte as u8) | kind(byte as u8) << kind::PLACE;
        byte += 1;
    }
    bytes
};

/// How many words the set of neighbours has: a bit for each three kinds in a row.
const WORDS: usize = kind::COUNT * kind::COUNT * kind::COUNT / 64;

/// Three kinds in a row as one number.
const THREE: u64 = (1 << 15) - 1;

static NEIGHBOURS: LazyLock<Box<[u64; WORDS]>> = LazyLock::new(neighbours);

/// What a text of at most [`LONGEST`] bytes may hold.
pub(super) fn needs(text: &str) -> Needs {
    let bytes = text.as_bytes();
    let set = &**NEIGHBOURS;
    let (mut sum, mut found, mut last) = (0_u64, 0_u64, kind::GAP);
    for &byte in bytes {
        let entry = BYTES.get(usize::from(byte)).copied().unwrap_or(0);
        sum = sum.wrapping_add(entry);
        last = (last << 5 | entry >> kind::PLACE) & THREE;
        found |= set.get((last >> 6) as usize).copied().unwrap_or(!0) >> (last & 63);
    }
    last = (last << 5 | kind::GAP) & THREE;
    found |= set.get((last >> 6) as usize).copied().unwrap_or(!0) >> (last & 63);
    let sum = sum & ((1 << kind::PLACE) - 1);
    let literal = found & 1 == 1;
    if !literal && bytes.len() < RUN && (sum + TO_LIMIT) & BEYOND == 0 {
        return 0;
    }
    judged(bytes, sum, literal)
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
    let run = bytes.len() >= RUN && has_run(bytes);
    let mut needs = 0;
    if literal && !is_prose(bytes) || marks || foreign || run || colons >= 4 {
        needs |= LITERALS;
    }
    let dotted = digits >= 4 && count(count::DOTS) >= 3;
    let dashed = digits >= 1 && count(count::DASHES) >= 5;
    let paired = colons >= 2 && bytes.windows(2).any(|pair| pair == b"::");
    let spoken = literal && (digits >= 4 || has_sign(bytes));
    if spoken || marks || foreign || digits >= 5 || colons >= 5 || dotted || dashed || paired {
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

/// Whether the text holds [`RUN`] bytes in a row without a gap. Every such run crosses a multiple of its length.
fn has_run(bytes: &[u8]) -> bool {
    // A token may be broken by a line's end.
    let is_gap = |byte: &u8| kind(*byte) == kind::GAP && !matches!(*byte, b'\n' | b'\r');
    let mut at = RUN - 1;
    while at < bytes.len() {
        let back = bytes.get(..=at).unwrap_or_default();
        let left = back.iter().rev().take(RUN).position(is_gap).unwrap_or(RUN);
        let ahead = bytes.get(at + 1..).unwrap_or_default();
        let right = ahead
            .iter()
            .take(RUN)
            .position(is_gap)
            .unwrap_or(ahead.len().min(RUN));
        if left > 0 && left + right >= RUN {
            return true;
        }
        at += RUN;
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

/// Whether the text is an id of a common form and nothing else: a UUID, or a digest in small hexadecimal digits that
/// does not stand for a text.
pub(super) fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    match bytes.len() {
        36 => {
            let form = |(at, &byte): (usize, &u8)| {
                if matches!(at, 8 | 13 | 18 | 23) {
                    byte == b'-'
                } else {
                    is_hex(byte)
                }
            };
            bytes.iter().enumerate().all(form) && bytes.iter().any(|byte| byte.is_ascii_lowercase())
        }
        32 | 40 | 64 => {
            // Printed text has no byte beyond 0x7F; among the first sixteen of a digest there are eight on average.
            let high = bytes
                .iter()
                .step_by(2)
                .take(16)
                .filter(|byte| matches!(**byte, b'8'..=b'9' | b'a'..=b'f'))
                .count();
            high >= 4
                && bytes.iter().all(|&byte| is_hex(byte))
                && bytes.iter().any(|byte| byte.is_ascii_lowercase())
        }
        _ => false,
    }
}

/// Literals that detectors without the automaton look for.
const EXTRA: &[&str] = &["born", " dot ", "(at)", "hmac-sha256:"];

/// What harmless texts are made of: a literal leaves its mark where they have it least.
const USUAL: &str = "user created an order in the shop and the payment was approved after the check completed; \
    invoice sent to customer, shipment delayed until monday, retrying connection to upstream server with timeout of \
    seconds; request finished with status ok in ms; started worker and loaded configuration from file; item added to \
    cart by visitor; document updated, report exported, job scheduled, queue drained, session started and closed; \
    permission granted by administrator, role changed from reader to editor, access denied for project; record \
    deleted, policy enabled, backup restored, database migrated to version; login succeeded, login failed, logout; \
    message received from topic, event published, task completed, batch processed, index rebuilt, metrics collected; \
    starting application on host, listening on port, connected to cluster, node joined, leader elected, shutting down; \
    cannot open file, no such directory, invalid argument, unexpected end of input, service unavailable, not found; \
    processing took longer than expected, cancelled by user, resource limit reached, disk usage at percent, memory; \
    approved by manager, rejected because of missing data, transferred between accounts, ticket opened and assigned; \
    first attempt failed, will try again later; response size in bytes, current state is running, previous value";

/// The set that every literal left a mark in which a text with the literal must have too.
fn neighbours() -> Box<[u64; WORDS]> {
    let mut seen = vec![0_u32; WORDS * 64];
    for three in USUAL.as_bytes().windows(3) {
        if let Some(seen) = seen.get_mut(three_of(three)) {
            *seen += 1;
        }
    }
    let mut set = Box::new([0_u64; WORDS]);
    let mut add = |three: usize| {
        if let Some(word) = set.get_mut(three >> 6) {
            *word |= 1 << (three & 63);
        }
    };
    let literals = triggers::literals();
    let short = literals.iter().filter(|(_, trigger)| is_short(*trigger));
    for literal in short
        .map(|(literal, _)| literal.as_str())
        .chain(EXTRA.iter().copied())
    {
        let option = literal.len() == 2 && literal.starts_with('-');
        match literal.as_bytes() {
            // An option begins a word.
            [dash, letter] if option => add(three_of(&[b' ', *dash, *letter])),
            [first, second] => {
                let two = kind(*first) << 5 | kind(*second);
                (0..kind::COUNT).for_each(|third| add((two as usize) << 5 | third));
            }
            literal => {
                let rarest = literal
                    .windows(3)
                    .map(three_of)
                    .min_by_key(|three| seen.get(*three).copied());
                rarest.into_iter().for_each(&mut add);
            }
        }
    }
    set
}

fn three_of(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |three, &byte| three << 5 | kind(byte)) as usize
}

/// Whether what a literal announces fits in less than a run, and needs neither `@` nor `[`.
pub(super) const fn is_short(trigger: Trigger) -> bool {
    match trigger {
        Trigger::Name
        | Trigger::Option
        | Trigger::User
        | Trigger::Identified
        | Trigger::Basic
        | Trigger::Values => true,
        // Runs: tokens, keys, links. Marks: userinfo, lists. Behind four colons: the line of a password file. A
        // command alone is nothing without its option, and a marker nothing without a hit.
        Trigger::Prefix(_)
        | Trigger::Infix(_)
        | Trigger::Discord
        | Trigger::Pem
        | Trigger::Jwk
        | Trigger::Webhook(_)
        | Trigger::Link
        | Trigger::Scheme
        | Trigger::Dsn
        | Trigger::Oracle
        | Trigger::Numbers
        | Trigger::Passfile
        | Trigger::Command(_)
        | Trigger::Mark => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tokens::{INFIXES, PREFIXES};
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
        /// The whole point: where the glance says nothing, the detectors say nothing.
        #[test]
        fn what_the_glance_lets_go_holds_nothing(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "1", "47", "a", "xy", " ", "-", ".", "_", ":", ",", "/", "(", ")", "=", "user", "order", "born", "dob", "at", "dot", "com", "u-", "is", "ok",
                    "DE", "no", "x1", "pin", "pw", "key", "code", "id", "+", "49", "'", "\"", "\n", "fe", "::", "aa-", "0f", "T", "Z", "mysql", "curl", "login ", "<", ">",
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
