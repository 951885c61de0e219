//! Cutting what was claimed out of a text, once.

use super::hits::{Hit, Hits};

/// Stands, in the marker, before the number of bytes that the cap left out.
const DROPPED: &str = "…[dropped ";
const DROPPED_END: &str = " bytes]";

/// Writes the text with what `replace` puts in each hit's place, then the mark of the bytes left out.
pub(crate) fn cut(
    text: &str,
    hits: &Hits,
    dropped: usize,
    replace: &mut dyn FnMut(&Hit, &str, &mut String),
) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut from = 0;
    for hit in hits.list() {
        let start = floor(text, hit.start).max(from);
        let end = ceil(text, hit.end);
        out.push_str(text.get(from..start).unwrap_or_default());
        replace(hit, text.get(start..end).unwrap_or_default(), &mut out);
        from = end.max(from);
    }
    out.push_str(text.get(from..).unwrap_or_default());
    if dropped > 0 {
        out.push_str(DROPPED);
        out.push_str(&dropped.to_string());
        out.push_str(DROPPED_END);
    }
    out
}

/// The start of the character that holds the byte at `at`.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The end of the character that holds the byte before `at`.
fn ceil(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// The length of the text before the mark of left-out bytes, if it ends in one.
pub(crate) fn before_mark(text: &str) -> Option<usize> {
    let number = text.strip_suffix(DROPPED_END)?;
    let head = number.trim_end_matches(|char: char| char.is_ascii_digit());
    let head_end = head.strip_suffix(DROPPED)?.len();
    (head.len() < number.len()).then_some(head_end)
}
