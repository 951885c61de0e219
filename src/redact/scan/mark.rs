//! Our own markers and pseudonyms in a text. They are taken by their whole form: a prefix alone would be a way past
//! everything that is looked for.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::alphabet::{Alphabet, byte, varied};
use crate::redact::hmac::is_pseudonym;

pub(super) const MARKER: &[u8] = b"[REDACTED:";
pub(super) const PSEUDONYM: &[u8] = b"hmac-sha256:";

/// Made once: a searcher takes longer to make ready than most texts to read.
pub(super) static MARKERS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARKER));

/// The longest label that is taken for one, and the longest id of a key, in bytes.
const LABEL: usize = 48;
const ID: usize = 32;

/// The longest marker, in bytes.
pub(super) const LONGEST: usize = MARKER.len() + LABEL + 1;

/// The most digits of a label: a number with more may be somebody's.
const DIGITS: usize = 6;

/// Whether a marker or pseudonym begins with the byte.
#[inline]
pub(super) const fn may_begin(byte: u8) -> bool {
    matches!(byte, b'[' | b'h')
}

/// The end of the marker or pseudonym that begins at `start`.
pub(super) fn end(bytes: &[u8], start: usize) -> Option<usize> {
    marker_end(bytes, start).or_else(|| pseudonym_end(bytes, start))
}

/// Whether a marker stands anywhere in the text.
pub(super) fn is_in(text: &[u8]) -> bool {
    // Mostly there is no bracket at all.
    let first = memchr::memchr(b'[', text);
    let rest = first.and_then(|first| text.get(first..)).unwrap_or_default();
    !rest.is_empty() && MARKERS.find_iter(rest).any(|start| is_marker(rest, start))
}

/// Whether a marker begins at `start`.
pub(super) fn is_marker(text: &[u8], start: usize) -> bool {
    marker_end(text, start).is_some()
}

#[cfg(test)]
/// Where the first colon stands that is none of a marker's or pseudonym's.
pub(super) fn colon(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match byte(bytes, at) {
            b':' => return Some(at),
            b'[' | b'h' => at = end(bytes, at).unwrap_or(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// The marker holds the label of a class, or the family of a rule, and those are words.
fn marker_end(bytes: &[u8], start: usize) -> Option<usize> {
    let body = start + MARKER.len();
    if bytes.get(start..body)? != MARKER {
        return None;
    }
    let ahead = bytes.get(body..bytes.len().min(body + LABEL + 1))?;
    let len = ahead.iter().position(|&byte| byte == b']')?;
    let label = ahead.get(..len)?;
    let is_word = !label.is_empty()
        && label
            .iter()
            .all(|&byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte));
    let digits = label.iter().filter(|byte| byte.is_ascii_digit()).count();
    (is_word && digits <= DIGITS && !(digits > 0 && varied(label) && label.len() >= 16))
        .then_some(body + len + 1)
}

fn pseudonym_end(bytes: &[u8], start: usize) -> Option<usize> {
    let id = start + PSEUDONYM.len();
    if bytes.get(start..id)? != PSEUDONYM {
        return None;
    }
    let ahead = bytes.get(id..bytes.len().min(id + ID + 1))?;
    let end = id + ahead.iter().position(|&byte| byte == b':')? + 1 + 64;
    let ends = !Alphabet::Word.has(byte(bytes, end));
    (ends && is_pseudonym(bytes.get(start..end)?)).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_form_is_a_mark() {
        let hash = "0123456789abcdef".repeat(4);
        for text in [
            "[REDACTED:secret]",
            "[REDACTED:loyalty-card]",
            "[REDACTED:gov.document]",
        ] {
            assert_eq!(end(text.as_bytes(), 0), Some(text.len()), "{text}");
            assert!(is_in(format!("a{text}b").as_bytes()));
        }
        let pseudonym = format!("hmac-sha256:k1:{hash}");
        assert_eq!(
            end(format!("{pseudonym}, x").as_bytes(), 0),
            Some(pseudonym.len())
        );
        let token = super::super::cases::body(super::super::cases::ALNUM, 36);
        for text in [
            "[REDACTED:".to_owned(),
            "[REDACTED:]".to_owned(),
            "[REDACTED:secret".to_owned(),
            "[REDACTED:a b]".to_owned(),
            format!("[REDACTED:{token}]"),
            format!("[REDACTED:{}]", "4111".repeat(4)),
            format!("[REDACTED:{hash}]"),
            format!("hmac-sha256:k1:{token}"),
            format!("hmac-sha256:k1:{hash}a"),
            format!("hmac-sha256:{hash}"),
            format!("x{pseudonym}"),
        ] {
            assert_eq!(end(text.as_bytes(), 0), None, "{text}");
        }
    }
}
