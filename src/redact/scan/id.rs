//! Ids of a common form: a UUID, a digest. Nothing is found in one, and that is known from its form alone.

/// A bit in each byte of a word.
const EACH: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = EACH << 7;

/// Whether the text is an id of a common form and nothing else: a UUID, or a digest in small hexadecimal digits that
/// does not stand for a text.
#[inline]
pub(super) fn is_id(text: &str) -> bool {
    match text.as_bytes().first_chunk() {
        Some(uuid) if text.len() == UUID => is_uuid(uuid),
        _ => matches!(text.len(), 32 | 40 | 64) && is_digest(text.as_bytes()),
    }
}

const UUID: usize = 36;

/// Where the dashes of a UUID stand, in the words that begin at these bytes: the last one reads four bytes again.
const WORDS: [(usize, u64); 5] = [
    (0, 0),
    (8, byte(0) | byte(5)),
    (16, byte(2) | byte(7)),
    (24, 0),
    (28, 0),
];

/// All bits of a word's byte.
const fn byte(at: u32) -> u64 {
    0xFF << (8 * at)
}

/// Whether these are digits and small letters, with at least one letter, and dashes in their four places.
fn is_uuid(bytes: &[u8; UUID]) -> bool {
    let (mut others, mut letters) = (0, 0);
    for (at, dashes) in WORDS {
        let eight = bytes.get(at..at + 8).and_then(|eight| eight.first_chunk());
        let word = eight.map_or(0, |eight| u64::from_le_bytes(*eight));
        // The top bit of each byte that is at least `least`: right only where no byte has its own, which `others` says.
        let from = |least: u8| (word & !HIGH) + EACH * u64::from(0x80 - least);
        let letter = from(b'a') & !from(b'f' + 1);
        let digit = from(b'0') & !from(b'9' + 1);
        letters |= letter;
        others |= ((letter | digit) ^ !dashes) & HIGH;
        others |= word & HIGH | (word ^ (EACH * u64::from(b'-'))) & dashes;
    }
    others == 0 && letters & HIGH != 0
}

fn is_digest(bytes: &[u8]) -> bool {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    // Printed text has no byte beyond 0x7F; among the first sixteen of a digest there are eight on average.
    let high = bytes
        .iter()
        .step_by(2)
        .take(16)
        .filter(|byte| matches!(**byte, b'8'..=b'9' | b'a'..=b'f'))
        .count();
    high >= 4 && bytes.iter().all(is_hex) && bytes.iter().any(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &str = "0b7e1f23-5c1e-4b7a-9f02-0123456789af";

    #[test]
    fn a_uuid_in_small_letters_is_an_id_and_with_any_other_byte_it_is_none() {
        assert!(is_id(SOME));
        for at in 0..UUID {
            for other in (0..0x80).map(char::from) {
                let mut text = SOME.to_owned();
                text.replace_range(at..=at, &other.to_string());
                let is_dash = SOME.as_bytes()[at] == b'-';
                let is_fit = match other {
                    '-' => is_dash,
                    '0'..='9' | 'a'..='f' => !is_dash,
                    _ => false,
                };
                assert_eq!(is_id(&text), is_fit, "{text:?}");
            }
        }
        for foreign in ["é", "١", "１", "\u{e000}"] {
            for at in 0..=UUID - foreign.len() {
                let mut text = SOME.to_owned();
                text.replace_range(at..at + foreign.len(), foreign);
                assert!(!is_id(&text), "{text}");
            }
        }
    }

    #[test]
    fn digits_alone_are_a_number_and_no_uuid() {
        assert!(!is_id("01234567-8901-2345-6789-012345678901"));
        assert!(is_id("01234567-8901-2345-6789-01234567890a"));
        assert!(!is_id(&SOME[1..]) && !is_id(&format!("{SOME}0")));
    }

    #[test]
    fn a_digest_is_an_id_unless_it_stands_for_a_text() {
        assert!(is_id("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"));
        assert!(is_id("d41d8cd98f00b204e9800998ecf8427e"));
        // `password=hunter2` in hexadecimal digits.
        assert!(!is_id("70617373776f72643d68756e74657232"));
        assert!(!is_id("D41D8CD98F00B204E9800998ECF8427E"));
        assert!(!is_id("90000000000000000000000000000000"));
    }
}
