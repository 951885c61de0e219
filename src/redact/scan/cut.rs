//! Cutting what was claimed out of a text, once.

use std::fmt::Write as _;

use super::hits::{Hit, Hits};
use crate::memory;

/// Stands, in the marker, before the number of bytes that the cap left out.
const DROPPED: &str = "…[dropped ";
const DROPPED_END: &str = " bytes]";

/// Where a hit ended, how long it was, and how long what stands in its place is.
pub(in crate::redact) struct Edit {
    pub(in crate::redact) end: usize,
    pub(in crate::redact) was: usize,
    pub(in crate::redact) is: usize,
}

/// Writes the text with what `replace` puts in each hit's place, then the mark of the bytes left out. `edits` are told
/// what was done, marks that the place needs included.
pub(crate) fn cut(
    text: &str,
    hits: &Hits,
    dropped: usize,
    replace: &mut dyn FnMut(&Hit, &str, &mut String),
    edits: &mut Vec<Edit>,
) -> String {
    let mut out = String::new();
    memory::room_for_text(&mut out, text.len() + 32);
    let mut from = 0;
    for hit in hits.list() {
        let start = floor(text, hit.start).max(from);
        let end = ceil(text, hit.end);
        memory::push_str(&mut out, text.get(from..start).unwrap_or_default());
        let was = text.get(start..end).unwrap_or_default();
        let place = out.len();
        replace(hit, was, &mut out);
        if is_bare(was) && out.get(place..) != Some(was) {
            quote(text, start, end, place, &mut out);
        }
        let edit = Edit {
            end: hit.end,
            was: was.len(),
            is: out.len() - place,
        };
        memory::push(edits, edit);
        from = end.max(from);
    }
    memory::push_str(&mut out, text.get(from..).unwrap_or_default());
    if dropped > 0 && memory::room_for_text(&mut out, DROPPED.len() + 20 + DROPPED_END.len()) {
        let _ = write!(out, "{DROPPED}{dropped}{DROPPED_END}");
    }
    out
}

/// Whether a value may be a number of JSON, or several with commas.
fn is_bare(was: &str) -> bool {
    let is_part = |byte: u8| {
        byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E' | b',' | b' ' | b'\n')
    };
    was.bytes().all(is_part) && was.bytes().any(|byte| byte.is_ascii_digit())
}

/// Puts quotation marks around what was written from `place` on, where it stands for a number of a JSON text, so that
/// the text stays JSON: with as many backslashes as the marks of the texts beside it have.
fn quote(text: &str, start: usize, end: usize, place: usize, out: &mut String) {
    let bytes = text.as_bytes();
    let ahead = bytes.get(end..).unwrap_or_default();
    let next = ahead.iter().find(|byte| !is_gap(**byte)).copied();
    let closes = match next {
        Some(b',' | b'}' | b']') => true,
        // A line break of a text within a text.
        Some(b'\\') => ahead.iter().take(2).any(|byte| *byte == b'n' || *byte == b'r'),
        _ => false,
    };
    if !closes {
        return;
    }
    let Some(escapes) = escapes_before(bytes.get(..start).unwrap_or_default()) else {
        return;
    };
    let mut mark = String::new();
    if !memory::room_for_text(&mut mark, escapes + 1) || !memory::room_for_text(out, 2 * (escapes + 1)) {
        return;
    }
    mark.extend(std::iter::repeat_n('\\', escapes));
    mark.push('"');
    out.insert_str(place, &mark);
    out.push_str(&mark);
}

const fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// How far back the text or key beside a number is looked for, in bytes.
const NEAR: usize = 2048;

/// How many backslashes the quotation mark of the key, or of the text of the same list, before a value has; none where
/// the value is no number of a JSON text.
fn escapes_before(before: &[u8]) -> Option<usize> {
    let mut rest = before;
    let (mut listed, mut apart) = (false, false);
    for _ in 0..NEAR {
        let Some((&last, head)) = rest.split_last() else {
            // The text is the list itself.
            return listed.then_some(0);
        };
        apart |= matches!(last, b':' | b',' | b'[');
        rest = match last {
            b'"' => {
                let escapes = head.iter().rev().take_while(|byte| **byte == b'\\').count();
                // At once behind the mark it is a part of the text that begins there.
                // Before those of its own depth (0, 1, 3, 7 …) stand those of backslashes that end the text.
                let own = (1 << escapes.trailing_ones().min(6)) - 1;
                // A list that begins at once behind the mark is within a text, one depth further in.
                let within = before.get(head.len() + 1) == Some(&b'[');
                return apart.then_some(if within { 2 * own + 1 } else { own });
            }
            b'[' => {
                listed = true;
                head
            }
            b':' if !listed || is_key(head) => head,
            // Empty lists and objects before it in the same list.
            b'{' | b'}' | b']' if apart => head,
            b'e' | b'E' if head.last().is_some_and(u8::is_ascii_digit) => head,
            b'e' | b'l' if apart => literal(rest)?,
            b',' | b'.' | b'-' | b'+' | b'0'..=b'9' => head,
            byte if is_gap(byte) => head,
            _ => return None,
        };
    }
    None
}

/// What stands before the `null`, `true` or `false` that ends here.
fn literal(text: &[u8]) -> Option<&[u8]> {
    let head = [&b"null"[..], b"true", b"false"]
        .iter()
        .find_map(|literal| text.strip_suffix(*literal))?;
    let begins = head
        .last()
        .is_none_or(|last| matches!(last, b',' | b'[' | b':') || is_gap(*last));
    begins.then_some(head)
}

/// Whether a key in quotation marks ends here.
fn is_key(head: &[u8]) -> bool {
    head.iter().rev().find(|byte| !is_gap(**byte)) == Some(&b'"')
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
