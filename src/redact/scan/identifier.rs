//! The name that a literal of the vocabulary stands in: how far it goes on both sides.

use super::alphabet::{Bytes, byte};
use super::look::Look;

/// The longest name on each side of a trigger, in bytes.
const NAME: usize = 64;

/// How much of it is read each time.
const SHORT: usize = 16;

/// The identifier in which a name's trigger stands, unless it was seen before; those that begin in it are seen from now on.
pub(super) fn unseen(look: &mut Look<'_, '_>, start: usize, end: usize) -> Option<(usize, usize)> {
    let anchor = end - 1 - usize::from(byte(look.bytes, end - 1) == b'=');
    if anchor < look.named {
        return None;
    }
    let found = identifier(look, anchor);
    look.named = found.map_or(end, |(_, to)| to.max(start + 1));
    found
}

/// The name that goes through `anchor`: no longer than a name can be, no earlier than names are looked at.
fn identifier(look: &mut Look<'_, '_>, anchor: usize) -> Option<(usize, usize)> {
    static PARTS: Bytes = Bytes::alnum_and(b"_-.$").and_foreign();
    let (bytes, least) = (look.bytes, look.named);
    let back = bytes.get(least.max(anchor.saturating_sub(NAME))..anchor)?;
    let left = back.iter().rev().take_while(|byte| PARTS.has(**byte)).count();
    let ahead = bytes.get(anchor..bytes.len().min(anchor + NAME))?;
    let near = ahead.get(..SHORT).unwrap_or(ahead);
    let mut right = PARTS.run(near);
    if right == SHORT {
        // One long word may hold many names.
        let limit = anchor + ahead.len();
        let other = |text: &[u8]| Some(PARTS.run(text)).filter(|run| *run < text.len());
        let end = look.parts.next(bytes, (anchor, limit), 1, other);
        right = end.unwrap_or(limit) - anchor;
    }
    if left == NAME || right == NAME {
        return None;
    }
    let (mut from, mut to) = (anchor - left, anchor + right);
    if matches!(byte(bytes, from), b'-' | b'.' | b'$' | b'n' | b'r' | b't') {
        from = behind_marks(bytes, from, to, anchor);
    }
    while from < to && matches!(byte(bytes, to - 1), b'-' | b'.' | b'$') {
        to -= 1;
    }
    if bytes.get(from..to).is_some_and(|name| !name.is_ascii()) {
        (from, to) = between_wide_marks(bytes, from, to, anchor);
    }
    Some((from, to))
}

/// The part of the name that the anchor stands in, where wide marks join pairs: `密码：x，用户=bob`.
fn between_wide_marks(bytes: &[u8], from: usize, to: usize, anchor: usize) -> (usize, usize) {
    // They have three bytes: `：`, `，`, `；`, `＝`.
    let is_mark = |three: &[u8]| matches!(three, [0xEF, 0xBC, 0x8C | 0x9A | 0x9B | 0x9D]);
    let back = bytes.get(from..anchor).unwrap_or_default();
    let ahead = bytes.get(anchor..to).unwrap_or_default();
    let before = back
        .windows(3)
        .rposition(is_mark)
        .map_or(from, |at| from + at + 3);
    let behind = ahead.windows(3).position(is_mark).map_or(to, |at| anchor + at);
    (before, behind)
}

/// Where the name begins that goes from `from` to `to`, behind marks and letters that are not its own.
fn behind_marks(bytes: &[u8], mut from: usize, to: usize, anchor: usize) -> usize {
    // `-Dapi.key=…`: the letter is the option's.
    let option = bytes
        .get(from..from + 3)
        .is_some_and(|head| matches!(head, [b'-', b'D', letter] if letter.is_ascii_lowercase()));
    from += 2 * usize::from(option && from + 2 < anchor);
    // The letter of an escape is not the name's.
    if from > 0 && byte(bytes, from - 1) == b'\\' && matches!(byte(bytes, from), b'n' | b'r' | b't') {
        from += 1;
    }
    while from < to && matches!(byte(bytes, from), b'-' | b'.' | b'$') {
        from += 1;
    }
    from
}
