//! Paths of short words: the route of a request, the name of a resource. No detector finds anything in most of them, and the
//! engine need not read them to know.

/// The longest path that is looked at, in bytes: one bit for each.
const LONGEST: usize = 64;

/// Shorter than this, there is no room for a token behind any word that begins one.
const SHORT: usize = 8;

/// From this length on a run is decoded: as `encoded.rs` has it.
const ENCODED: usize = 24;

/// What a byte adds to the count of a path: digits, and what no path is made of. A dash or a low line is none: tokens of which a
/// slash can be part begin with a word and one of them.
const DIGIT: u32 = 1;
const FOREIGN: u32 = 1 << 8;

static BYTES: [u32; 256] = {
    let mut bytes = [FOREIGN; 256];
    let mut byte = 0;
    #[allow(
        clippy::indexing_slicing,
        reason = "evaluated while compiling: out of bounds does not compile"
    )]
    while byte < 256 {
        bytes[byte] = match byte as u8 {
            b'a'..=b'z' | b'/' => 0,
            b'0'..=b'9' => DIGIT,
            _ => FOREIGN,
        };
        byte += 1;
    }
    bytes
};

/// How many digits are in a path of small letters and digits whose segments are too short for a token, and which stands for
/// no other text; `None` for any other text.
#[inline]
fn digits(bytes: &[u8]) -> Option<u32> {
    let may_be = bytes.first() == Some(&b'/') && bytes.len() <= LONGEST;
    may_be.then(|| digits_of(bytes)).flatten()
}

#[inline(never)]
fn digits_of(bytes: &[u8]) -> Option<u32> {
    let of = |byte: &u8| BYTES.get(usize::from(*byte)).copied().unwrap_or(FOREIGN);
    let sum = bytes.iter().fold(0, |sum, byte| sum + of(byte));
    let is_path = sum < FOREIGN && (bytes.len() < SHORT || !has_token(bytes, slashes(bytes)));
    is_path.then_some(sum)
}

/// Where the slashes are among a path's bytes, a bit for each. There are [`SHORT`] at least.
fn slashes(bytes: &[u8]) -> u64 {
    // Of what a path is made of, letters have bit 6 and digits bit 4; a slash has neither. Gathered in one byte.
    let gathered = |word: &[u8; SHORT]| {
        let word = u64::from_le_bytes(*word);
        let is_slash = !(word >> 6 | word >> 4) & u64::from_le_bytes([1; 8]);
        is_slash.wrapping_mul(0x0102_0408_1020_4080) >> 56
    };
    let (words, _) = bytes.as_chunks();
    let mut slashes = 0;
    for (word, at) in words.iter().zip((0_u32..64).step_by(SHORT)) {
        slashes |= gathered(word) << at;
    }
    // The last ones, of which some were seen already.
    let last = bytes.last_chunk().map_or(0, gathered);
    slashes | last << (bytes.len().wrapping_sub(SHORT) & 63)
}

/// Whether a path with slashes at these places may hold a token, or be one.
fn has_token(bytes: &[u8], slashes: u64) -> bool {
    // Bit by bit, whether so many bytes without a slash begin there: a link's token has sixteen at least, others have more.
    let one = !slashes & u64::MAX >> (LONGEST - bytes.len().min(LONGEST));
    let two = one & one >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    let has_long = eight & eight >> 8 != 0;
    // The slashes of `/with/key/` and of `/bot/v2/hook/`: the token of these webhooks may be a word, or a path.
    let is_hook = slashes & slashes >> 5 & slashes >> 9 != 0
        || slashes & slashes >> 4 & slashes >> 7 & slashes >> 12 != 0;
    // In base64 a slash is a byte of no text but at each fourth place. One begins the path; with another where `encoded.rs`
    // samples, there are too many such bytes.
    let may_be_coded = bytes.len() >= ENCODED && slashes & 0x7776 == 0;
    has_long || is_hook || may_be_coded
}

/// Whether the text is a path in which no token, link or encoding is. There may be a number in it, and what a word speaks of.
pub(super) fn is_path(bytes: &[u8]) -> bool {
    digits(bytes).is_some()
}

/// As [`is_path`], for one with three digits at most: no number is so short.
#[inline]
pub(super) fn is_quiet(bytes: &[u8]) -> bool {
    digits(bytes).is_some_and(|digits| digits <= 3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::engine::tests::{rules, rules_with_all_needs};
    use super::super::glance::{RUNS, needs};
    use super::super::tokens::{INFIXES, PREFIXES};
    use super::super::url::{LINKS, WEBHOOKS};
    use super::*;

    #[test]
    fn routes_are_paths_of_which_nobody_needs_to_read_more() {
        for text in [
            "/",
            "/v1/documents/17/shares",
            "/healthz",
            "/api/users/42",
            "/a/b/c",
        ] {
            assert!(is_quiet(text.as_bytes()), "{text}");
        }
        for text in [
            "/v1/orders/4711",
            "/v1/orders/4711/lines/8",
            "/v1/object/ab12cd34/x",
        ] {
            assert!(is_path(text.as_bytes()) && !is_quiet(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "a/b",
            "/A/b",
            "/a.b",
            "/a b",
            "/a/bcdefghijklmnopq",
            "/a-b",
            "/a_b",
            "/abcd/abc/",
            "/abcdefghij/abcdefghijklm",
            "/key=x",
            "/\u{e9}",
            "/a/b?c",
            "/a\n/b",
        ] {
            assert!(!is_path(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn every_byte_of_a_path_is_seen_wherever_it_stands() {
        for len in 2..=LONGEST {
            for at in 1..len {
                let mut text: Vec<u8> = (0..len).map(|at| if at % 5 == 0 { b'/' } else { b'x' }).collect();
                assert!(is_path(&text), "{len}");
                for byte in [
                    b'=', b'.', b' ', b'X', b'?', 0, 0x7F, 0x80, 0xE1, 0xAF, b'`', b'{', b':', b',',
                ] {
                    let before = std::mem::replace(&mut text[at], byte);
                    assert!(!is_path(&text), "{len} {at} {byte}");
                    text[at] = before;
                }
            }
        }
        let long: String = (0..=LONGEST)
            .map(|at| if at % 5 == 0 { '/' } else { 'x' })
            .collect();
        assert!(!is_path(long.as_bytes()));
    }

    #[test]
    fn no_path_with_the_token_of_a_webhook_or_link_is_taken_for_a_plain_one() {
        let tokens = [
            "abcdefgh",
            "abcd-efgh/ijkl",
            "abc/def/ghi",
            "abcd1234",
            "k3a9/x7b2/m4c8",
            "abcdefghijklmnop",
            "a1b2c3d4e5f6a7b8",
            "ab/abcdefgh",
            "12/abcdefgh",
        ];
        let known = WEBHOOKS
            .iter()
            .map(|(literal, _)| *literal)
            .chain(LINKS.iter().copied());
        for literal in known {
            for token in tokens {
                for text in [
                    format!("/{literal}{token}"),
                    format!("/x/{literal}{token}"),
                    format!("/v1/abc{literal}{token}/x"),
                ] {
                    let found = rules_with_all_needs(&text);
                    assert!(found.is_empty() || !is_path(text.as_bytes()), "{text}: {found:?}");
                }
            }
        }
    }

    /// Other tokens are longer than a segment, unless slashes can be part of them.
    #[test]
    fn no_token_that_slashes_are_part_of_begins_as_a_path_may() {
        let may_be = |literal: &str| {
            let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'/';
            literal.bytes().all(is_part)
        };
        for row in PREFIXES.iter().filter(|row| may_be(row.literal)) {
            assert!(!row.body.has(b'/'), "{}", row.literal);
        }
        for row in INFIXES {
            assert!(!may_be(row.literal), "{}", row.literal);
        }
    }

    fn segments() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-z]{1,15}",
            "[a-z0-9]{1,7}",
            "[0-9]{1,4}",
            "[a-z0-9]{8,15}",
            "[0-9]{8,15}",
            "[a-z]{1,4}[-_][a-z0-9]{1,4}",
            "(password|token|secret|pin|ssn|iban|key|pwd|api|phone|dot|at|de|gb|passport|dni|visa|card|account|born|tel|login|basic)",
            "(with|key|hook|bot|v2|open-apis|reset|invite|verify|magic|s|join|services|bearer|ghp_|sk-|akia|xoxb-)",
            "(dG9r|cGFz|c2Vj|ey|ejys|rzks|sms|0000|9999)",
        ];
        prop::collection::vec(piece, 1..9).prop_map(|pieces| format!("/{}", pieces.join("/")))
    }

    /// Text in small letters and digits of base64, as far as there is one, behind a slash.
    fn coded() -> impl Strategy<Value = String> {
        let four = prop_oneof![
            "[a-f][i-ny-z0-3][g-z0-9][a-z0-9]",
            "[a-f][i-ny-z0-3][g-z0-9]/",
            "[a-z0-9/]{4}"
        ];
        (
            prop_oneof![Just("/abc"), Just("/"), Just("/a/c")],
            prop::collection::vec(four, 4..10),
        )
            .prop_map(|(head, fours)| format!("{head}{}", fours.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig { max_global_rejects: 1 << 18, ..ProptestConfig::with_cases(4096) })]

        #[test]
        fn the_engine_finds_nothing_in_a_quiet_path(text in prop_oneof![segments(), coded()]) {
            prop_assume!(is_path(text.as_bytes()));
            let found = rules_with_all_needs(&text);
            prop_assert!(found.is_empty() || !is_quiet(text.as_bytes()), "{text}: {found:?}");
            // In any path, what is found is found by its number or its words, and the glance sees both.
            let wanted = needs(&text);
            prop_assert_eq!(wanted & RUNS, 0);
            prop_assert_eq!(rules(&text), found, "{}", text);
        }
    }
}
