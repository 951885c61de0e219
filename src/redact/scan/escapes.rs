//! Characters written with others: `%40`, `\u0040`, `\x40`, `&#64;`, and the escape sequences of terminals.

use super::bytes::{at, run};

/// A character and how many bytes stand for it.
type Decoded = Option<(char, usize)>;

/// The most backslashes, `%25`s or `&amp;`s that are read as one: text in text in text.
const DEPTH: usize = 64;

fn hex(bytes: &[u8], start: usize, len: usize) -> Option<u32> {
    let text = bytes.get(start..start + len)?;
    text.iter()
        .try_fold(0, |value, &byte| Some(value * 16 + u32::from(nibble(byte)?)))
}

/// The value of a hexadecimal digit.
#[inline]
const fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The character at the `%` at `start`; encoding of the encoding (`%2540`) is seen through.
pub(super) fn percent(bytes: &[u8], start: usize) -> Decoded {
    let (first, mut len) = percent_byte(bytes, start)?;
    let more = match first {
        0..0x80 => return Some((char::from(first), len)),
        0xC2..=0xDF => 1,
        0xE0..=0xEF => 2,
        0xF0..=0xF4 => 3,
        _ => return None,
    };
    let mut utf8 = [first, 0, 0, 0];
    for place in utf8.iter_mut().skip(1).take(more) {
        let (byte, width) = percent_byte(bytes, start + len).filter(|_| at(bytes, start + len) == b'%')?;
        *place = byte;
        len += width;
    }
    let text = std::str::from_utf8(utf8.get(..=more)?).ok()?;
    Some((text.chars().next()?, len))
}

/// What the escapes from `start` on say that are three bytes long and stand for printed ASCII, one behind the other: their
/// characters, in the first places of the array, and how many there are.
pub(super) fn percents(bytes: &[u8], start: usize) -> ([u8; PERCENTS], usize) {
    let mut chars = [0; PERCENTS];
    let escapes = bytes.get(start..).unwrap_or_default().as_chunks::<3>().0;
    let mut count = 0;
    for (place, escape) in chars.iter_mut().zip(escapes) {
        let [b'%', high, low] = *escape else { break };
        let value = nibble(high).zip(nibble(low)).map(|(high, low)| high << 4 | low);
        let Some(value) = value.filter(|value| matches!(*value, b' '..=b'~')) else {
            break;
        };
        // An encoding of an encoding has digits behind it.
        if value == b'%' && at(bytes, start + 3 * count + 3) != b'%' {
            break;
        }
        *place = value;
        count += 1;
    }
    (chars, count)
}

/// How many escapes are read at once.
const PERCENTS: usize = 32;

fn percent_byte(bytes: &[u8], start: usize) -> Option<(u8, usize)> {
    // Mostly it is no encoding of an encoding.
    if let Some(&[high, low]) = bytes.get(start + 1..start + 3).and_then(<[u8]>::first_chunk)
        && (high, low) != (b'2', b'5')
    {
        let value = nibble(high)? << 4 | nibble(low)?;
        return Some((value, 3));
    }
    let mut digits = start + 1;
    for _ in 0..DEPTH {
        let nested = bytes.get(digits..digits + 2) == Some(b"25") && hex(bytes, digits + 2, 2).is_some();
        if !nested {
            break;
        }
        digits += 2;
    }
    let byte = u8::try_from(hex(bytes, digits, 2)?).ok()?;
    Some((byte, digits + 2 - start))
}

/// The character at the backslash at `start`, behind any number of backslashes.
pub(super) fn backslash(bytes: &[u8], start: usize) -> Decoded {
    let slashes = run(bytes, start, DEPTH, |byte| byte == b'\\');
    let kind = start + slashes;
    let done = |code: u32, end: usize| Some((char::from_u32(code)?, end - start));
    match at(bytes, kind) {
        b'/' => Some(('/', slashes + 1)),
        b'0' if is_zero(bytes, kind + 1) => Some(('\0', slashes + 1)),
        b'x' => done(hex(bytes, kind + 1, 2)?, kind + 3),
        b'0' | b'1' => octal(bytes, start, kind),
        b'U' => done(hex(bytes, kind + 1, 8)?, kind + 9),
        b'u' if at(bytes, kind + 1) == b'{' => {
            let len = run(bytes, kind + 2, 6, |byte| byte.is_ascii_hexdigit());
            let closed = at(bytes, kind + 2 + len) == b'}' && len > 0;
            done(hex(bytes, kind + 2, len).filter(|_| closed)?, kind + 3 + len)
        }
        b'u' => {
            let code = hex(bytes, kind + 1, 4)?;
            let end = kind + 5;
            if !(0xD800..0xDC00).contains(&code) {
                return done(code, end);
            }
            let slashes = run(bytes, end, DEPTH, |byte| byte == b'\\');
            let low = hex(bytes, end + slashes + 1, 4).filter(|low| (0xDC00..0xE000).contains(low))?;
            let paired = slashes > 0 && at(bytes, end + slashes) == b'u';
            let code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            done(code, end + slashes + 5).filter(|_| paired)
        }
        _ => None,
    }
}

/// The fewest octal numbers in a row that are read as characters: one alone may be a reference or a path.
const OCTALS: usize = 12;

/// The printed character of the octal number at `digits`, behind backslashes that begin at `start`, if it is one of a row:
/// `\\171\\141…`.
fn octal(bytes: &[u8], start: usize, digits: usize) -> Decoded {
    let width = digits - start + 3;
    let code = octal_at(bytes, start, digits - start)?;
    let is_one = |at: usize| octal_at(bytes, at, digits - start).is_some();
    let behind = (1..OCTALS)
        .take_while(|place| is_one(start + place * width))
        .count();
    let is_before = |place: &usize| {
        place
            .checked_mul(width)
            .and_then(|far| start.checked_sub(far))
            .is_some_and(is_one)
    };
    let before = (1..OCTALS - behind).take_while(is_before).count();
    (behind + before + 1 >= OCTALS).then_some((char::from(code), width))
}

/// The printed character whose octal number stands at `at`, behind so many backslashes.
fn octal_at(bytes: &[u8], at: usize, slashes: usize) -> Option<u8> {
    let text = bytes.get(at..at + slashes + 3)?;
    let (marks, digits) = text.split_at_checked(slashes)?;
    let [first @ b'0'..=b'1', second @ b'0'..=b'7', third @ b'0'..=b'7'] = digits else {
        return None;
    };
    let code = (first - b'0') * 64 + (second - b'0') * 8 + (third - b'0');
    let is_it = marks.iter().all(|byte| *byte == b'\\') && matches!(code, b' '..=b'~');
    is_it.then_some(code)
}

/// Whether what follows `\0` shows that it is a zero byte as `Debug` writes it and not the beginning of an octal number:
/// one digit may follow where the next zero byte, or the end of the text, stands behind it (UTF-16 read as bytes).
fn is_zero(bytes: &[u8], next: usize) -> bool {
    if !at(bytes, next).is_ascii_digit() {
        return true;
    }
    let slashes = run(bytes, next + 1, DEPTH, |byte| byte == b'\\');
    match at(bytes, next + 1 + slashes) {
        b'0' => slashes > 0,
        mark => mark == b'"',
    }
}

/// Entities by name; the others by number.
const NAMED: &[(&[u8], char)] = &[
    (b"lt;", '<'),
    (b"gt;", '>'),
    (b"quot;", '"'),
    (b"apos;", '\''),
    (b"nbsp;", ' '),
    (b"shy;", '\u{AD}'),
    (b"commat;", '@'),
    (b"period;", '.'),
    (b"colon;", ':'),
    (b"equals;", '='),
    (b"sol;", '/'),
    (b"num;", '#'),
];

/// The character at the `&` at `start`; `&amp;#64;` is seen through.
pub(super) fn entity(bytes: &[u8], start: usize) -> Decoded {
    // Nothing else begins one of them.
    if !matches!(
        at(bytes, start + 1),
        b'#' | b'a' | b'c' | b'e' | b'g' | b'l' | b'n' | b'p' | b'q' | b's'
    ) {
        return None;
    }
    let mut name = start + 1;
    for _ in 0..DEPTH {
        if bytes.get(name..name + 4) != Some(b"amp;") {
            break;
        }
        name += 4;
    }
    let rest = bytes.get(name..).unwrap_or_default();
    let second = at(rest, 1);
    let named = NAMED
        .iter()
        .find(|(text, _)| at(text, 1) == second && rest.starts_with(text));
    if let Some((text, char)) = named {
        return Some((*char, name + text.len() - start));
    }
    if at(rest, 0) == b'#'
        && let Some((char, len)) = numbered(rest)
    {
        return Some((char, name + len - start));
    }
    (name > start + 1).then_some(('&', name - start))
}

/// `#64;` or `#x40;`.
fn numbered(rest: &[u8]) -> Decoded {
    let is_hex = matches!(at(rest, 1), b'x' | b'X');
    let digits = 1 + usize::from(is_hex);
    let len = run(rest, digits, 8, |byte| byte.is_ascii_hexdigit());
    let text = std::str::from_utf8(rest.get(digits..digits + len)?).ok()?;
    let code = u32::from_str_radix(text, if is_hex { 16 } else { 10 }).ok()?;
    let closed = at(rest, 0) == b'#' && at(rest, digits + len) == b';';
    Some((char::from_u32(code)?, digits + len + 1)).filter(|_| closed)
}

/// The length of what follows an escape character and belongs to its sequence.
pub(super) fn terminal(bytes: &[u8], start: usize) -> usize {
    match at(bytes, start) {
        b'[' => {
            let len = run(bytes, start + 1, 64, |byte| matches!(byte, 0x20..=0x3F));
            let last = at(bytes, start + 1 + len);
            if matches!(last, 0x40..=0x7E) { len + 2 } else { 1 }
        }
        b']' => {
            let len = run(bytes, start + 1, 1024, |byte| byte != 0x07 && byte != 0x1B);
            match (at(bytes, start + 1 + len), at(bytes, start + 2 + len)) {
                (0x07, _) => len + 2,
                (0x1B, b'\\') => len + 3,
                _ => 0,
            }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_at_sign_is_read() {
        for text in ["%40", "%2540", "%252540"] {
            assert_eq!(percent(text.as_bytes(), 0), Some(('@', text.len())), "{text}");
        }
        for text in ["\\u0040", "\\\\u0040", "\\x40", "\\u{40}", "\\U00000040"] {
            assert_eq!(backslash(text.as_bytes(), 0), Some(('@', text.len())), "{text}");
        }
        for text in [
            "&#64;",
            "&#x40;",
            "&#X40;",
            "&commat;",
            "&amp;#64;",
            "&amp;amp;#64;",
            "&#0064;",
        ] {
            assert_eq!(entity(text.as_bytes(), 0), Some(('@', text.len())), "{text}");
        }
        assert_eq!(entity(b"&amp;x", 0), Some(('&', 5)));
    }

    #[test]
    fn longer_characters_are_read_whole() {
        assert_eq!(percent("%EF%BC%A0".as_bytes(), 0), Some(('＠', 9)));
        assert_eq!(percent("%F0%9F%98%80".as_bytes(), 0), Some(('😀', 12)));
        assert_eq!(backslash(b"\\ud83d\\ude00", 0), Some(('😀', 12)));
    }

    #[test]
    fn what_is_no_escape_is_left() {
        for text in ["%", "%4", "%zz", "%ff", "%C3", "%C3%28", "%C3x"] {
            assert_eq!(percent(text.as_bytes(), 0), None, "{text}");
        }
        for text in [
            "\\",
            "\\n",
            "\\u12",
            "\\ud83d",
            "\\udc00",
            "\\ud83d\\u0040",
            "\\u{}",
            "\\u{110000}",
            "\\07",
        ] {
            assert_eq!(backslash(text.as_bytes(), 0), None, "{text}");
        }
        for text in ["&", "&x;", "&#;", "&#64", "&#x110000;", "&64;"] {
            assert_eq!(entity(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn sequences_of_terminals_are_measured() {
        assert_eq!(terminal(b"[31mx", 0), 4);
        assert_eq!(terminal(b"[0;1;31mx", 0), 8);
        assert_eq!(terminal(b"]8;;x\x07y", 0), 6);
        assert_eq!(terminal(b"]8;;x\x1b\\y", 0), 7);
        assert_eq!(terminal(b"]8;;x", 0), 0);
        assert_eq!(terminal(b"x", 0), 0);
    }
}
