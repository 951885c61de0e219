//! Where a value begins and ends behind its name: quotes at any depth of escaping, wrappers of `Debug`, bare runs.

use super::alphabet::{Bytes, byte};
use super::bare;

/// The longest bare value, in bytes.
pub(super) const LONGEST: usize = 4096;

/// A value in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quoted: bool,
}

/// A quotation mark with the backslashes before it.
#[derive(Debug, Clone, Copy)]
struct Quote {
    mark: u8,
    /// How many backslashes: 0, 1, 3, 7 … for a string in a string in a string.
    escapes: usize,
}

/// Skips spaces and tabs, and line breaks (real or, within quotes, escaped) where `lines` says so.
pub(super) fn skip_space(bytes: &[u8], mut at: usize, lines: bool) -> usize {
    let limit = at + 64;
    while at < limit {
        match byte(bytes, at) {
            b' ' | b'\t' => at += 1,
            b'\r' | b'\n' if lines => at += 1,
            b'\\' if lines && matches!(byte(bytes, at + 1), b'n' | b'r' | b't') => at += 2,
            _ => break,
        }
    }
    at
}

/// The longest name of a wrapper, in bytes.
const WRAPPER: usize = 48;

/// Steps into `Some(`, `Secret(`, `String::from(`, `b`, `&` … as long as a quotation mark or a list follows.
pub(super) fn unwrap(bytes: &[u8], from: usize) -> usize {
    static PARTS: Bytes = Bytes::alnum_and(b"_:!&");
    let mut at = from;
    for _ in 0..5 {
        let word = PARTS.run(bytes.get(at..bytes.len().min(at + WRAPPER)).unwrap_or_default());
        let open = byte(bytes, at + word);
        // Nearly everything is no wrapper.
        let may_open = match open {
            b'(' | b'{' | b'[' | b'\\' | b'"' | b'\'' | b'`' => true,
            b' ' => byte(bytes, at + word + 1) == b'{',
            _ => false,
        };
        if !may_open {
            break;
        }
        if word > 0 && open == b'(' {
            at = skip_space(bytes, at + word + 1, true);
            continue;
        }
        if let Some(inner) = inner_field(bytes, at + word) {
            at = inner;
            continue;
        }
        let quoted = quote(bytes, at + word).is_some();
        let prefix = bytes.get(at..at + word).unwrap_or_default();
        if quoted && matches!(prefix, b"" | b"b" | b"r" | b"u" | b"f" | b"N" | b"L" | b"&")
            || open == b'[' && word == 0
        {
            return at + word;
        }
        break;
    }
    // `Some(1234)`: the only wrapper that is sure to be one around a bare value.
    if bytes.get(from..from + 5) == Some(b"Some(") {
        return from + 5;
    }
    from
}

/// The longest value in braces, in bytes.
const BRACED: usize = 160;

/// `PWD={a;b}`: what ends at a `;` within the braces that ODBC puts around a value ends behind them.
pub(super) fn braced(bytes: &[u8], found: Extent) -> Extent {
    let whole = bytes
        .get(found.start..bytes.len().min(found.start + BRACED))
        .unwrap_or_default();
    let is_open = !found.quoted && byte(bytes, found.end) == b';';
    let close = memchr::memchr2(b'}', b'\n', whole).filter(|close| is_open && byte(whole, *close) == b'}');
    // A closing brace of the value itself is doubled.
    let doubled = |at: &usize| byte(whole, *at) == b'}' && byte(whole, at + 1) == b'}';
    let close = close.map(|close| {
        let mut at = close;
        while doubled(&at) {
            let rest = whole.get(at + 2..).unwrap_or_default();
            at += 2 + memchr::memchr2(b'}', b'\n', rest).unwrap_or(rest.len());
        }
        at
    });
    let Some(close) = close.filter(|close| byte(whole, *close) == b'}') else {
        return found;
    };
    // The brace may be one of the JSON around the text, where the value's own was never closed.
    let text_end = super::joint::text_end(bytes, found.start, found.start + close);
    let ends = match text_end {
        Some(_) => !assigns(bytes, found.end + 1),
        None => matches!(byte(whole, close + 1), 0 | b';' | b'"' | b'\'' | b'\n'),
    };
    let end = text_end.unwrap_or(found.start + close + 1).max(found.end);
    if ends { Extent { end, ..found } } else { found }
}

/// Steps over ` { inner: ` of a struct that wraps one value.
pub(super) fn inner_field(bytes: &[u8], at: usize) -> Option<usize> {
    const FIELDS: &[&[u8]] = &[
        b"inner",
        b"value",
        b"secret",
        b"raw",
        b"plaintext",
        b"inner_secret",
        b"val",
        b"data",
        b"bytes",
    ];
    let brace = at + usize::from(byte(bytes, at) == b' ');
    if byte(bytes, brace) != b'{' {
        return None;
    }
    let mut from = skip_space(bytes, brace + 1, true);
    while matches!(byte(bytes, from), b'\\' | b'"' | b'\'') {
        from += 1;
    }
    let ahead = bytes.get(from..bytes.len().min(from + 24))?;
    let name = ahead
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    let mut colon = name;
    while matches!(byte(ahead, colon), b'\\' | b'"' | b'\'') {
        colon += 1;
    }
    let known = FIELDS.contains(&ahead.get(..name)?) && byte(ahead, colon) == b':';
    known.then(|| skip_space(bytes, from + colon + 1, true))
}

#[inline]
fn quote(bytes: &[u8], at: usize) -> Option<Quote> {
    if !matches!(byte(bytes, at), b'"' | b'\'' | b'`' | b'\\') {
        return None;
    }
    let escapes = bytes
        .get(at..bytes.len().min(at + 64))
        .unwrap_or_default()
        .iter()
        .take_while(|byte| **byte == b'\\')
        .count();
    let mark = byte(bytes, at + escapes);
    matches!(mark, b'"' | b'\'' | b'`').then_some(Quote { mark, escapes })
}

/// The value at `at`; `parameter` says that it is one of a URL's.
pub(super) fn extent(bytes: &[u8], at: usize, parameter: bool) -> Option<Extent> {
    // Nearly everything is no wrapper, and has no mark before its end: then what was read need not be read again.
    if let Some(word) = bare_word(bytes, at) {
        let tag = if byte(bytes, at) == b'<' {
            tag(bytes, at, b'>')
        } else {
            None
        };
        let end = at + bare::behind(bytes, at, tag.unwrap_or(word), parameter);
        if tag.is_some() && byte(bytes, end) == b'<' {
            // An element of a document.
            return None;
        }
        return (end > at).then_some(Extent {
            start: at,
            end,
            quoted: false,
        });
    }
    marked(bytes, at, parameter)
}

/// How long the word is that a value at `at` begins with, where it has neither a wrapper nor marks.
fn bare_word(bytes: &[u8], at: usize) -> Option<usize> {
    static PARTS: Bytes = Bytes::alnum_and(b"_:!");
    let word = PARTS.run(bytes.get(at..bytes.len().min(at + WRAPPER)).unwrap_or_default());
    let is_bare = match byte(bytes, at + word) {
        b'&' | b'(' | b'{' | b'[' | b'\\' | b'"' | b'\'' | b'`' => false,
        b' ' => byte(bytes, at + word + 1) != b'{',
        _ => true,
    };
    is_bare.then_some(word)
}

/// What stands in the marks that open at `at`.
pub(super) fn in_marks(bytes: &[u8], at: usize) -> Option<Extent> {
    let quote = quote(bytes, at)?;
    let start = at + quote.escapes + 1;
    Some(Extent {
        start,
        end: close(bytes, start, quote),
        quoted: true,
    })
}

/// `<Tag>99x`, `[sq]99ab`: how long the word in brackets is that a value goes on behind.
fn tag(bytes: &[u8], at: usize, close: u8) -> Option<usize> {
    let ahead = bytes.get(at + 1..bytes.len().min(at + 24))?;
    let word = ahead
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let goes_on = byte(ahead, word) == close && byte(ahead, word + 1).is_ascii_alphanumeric();
    (word > 0 && goes_on).then_some(word + 2)
}

/// As [`extent`], of a value that may have a wrapper or marks.
fn marked(bytes: &[u8], at: usize, parameter: bool) -> Option<Extent> {
    let at = unwrap(bytes, at);
    if let Some(found) = in_wrapper(bytes, at) {
        return found;
    }
    let end = at + bare::len(bytes, at, parameter);
    (end > at).then_some(Extent {
        start: at,
        end,
        quoted: false,
    })
}

/// What stands in the marks or the list at `at`, behind all wrappers; nothing where it is neither.
fn in_wrapper(bytes: &[u8], at: usize) -> Option<Option<Extent>> {
    if let Some(quote) = quote(bytes, at) {
        let start = at + quote.escapes + 1;
        let start = triple(bytes, start, quote);
        let end = close(bytes, start, quote);
        return Some(Some(Extent {
            start,
            end,
            quoted: true,
        }));
    }
    let is_list = byte(bytes, at) == b'[' && tag(bytes, at, b']').is_none();
    is_list.then(|| numbers(bytes, at))
}

/// `"""x"""`
fn triple(bytes: &[u8], start: usize, quote: Quote) -> usize {
    let more = byte(bytes, start) == quote.mark && byte(bytes, start + 1) == quote.mark;
    if more { start + 2 } else { start }
}

/// Where the quotation mark that closes `quote` stands; the end of the line where none does.
fn close(bytes: &[u8], start: usize, quote: Quote) -> usize {
    let ahead = bytes.get(start..).unwrap_or_default();
    let period = 2 * (quote.escapes + 1);
    let mut from = 0;
    while let Some(found) = memchr::memchr(quote.mark, ahead.get(from..).unwrap_or_default()) {
        let at = from + found;
        let escapes = ahead
            .get(..at)
            .unwrap_or_default()
            .iter()
            .rev()
            .take(64)
            .take_while(|byte| **byte == b'\\')
            .count();
        // An apostrophe within a word closes nothing: `'it's'`.
        let apostrophe = quote.mark == b'\''
            && escapes == 0
            && byte(ahead, at + 1).is_ascii_alphanumeric()
            && at > 0
            && byte(ahead, at - 1).is_ascii_alphanumeric();
        // SQL doubles the mark within a text.
        let doubled = quote.mark == b'\''
            && escapes == 0
            && at > 0
            && byte(ahead, at + 1) == b'\''
            && byte(ahead, at + 2).is_ascii_alphanumeric();
        if doubled {
            from = at + 2;
            continue;
        }
        if escapes % period == quote.escapes % period && !apostrophe {
            return start + at - quote.escapes.min(escapes);
        }
        if escapes < quote.escapes {
            // The string around this one ends here: what was cut off has no closing mark.
            return start + at - escapes;
        }
        if escapes > 0 && escapes % 2 == 0 && quote.escapes > 0 && text_ends(ahead, at + 1) {
            // As here, where what was cut off ends with backslashes.
            return start + at;
        }
        from = at + 1;
    }
    start + memchr::memchr(b'\n', ahead).unwrap_or(ahead.len())
}

/// Whether a text of JSON may end before `at`.
fn text_ends(bytes: &[u8], at: usize) -> bool {
    let next = skip_space(bytes, at, false);
    next >= bytes.len() || matches!(byte(bytes, next), b',' | b'}' | b']')
}

/// `[104, 117, 110]`: bytes as `Debug` prints them.
fn numbers(bytes: &[u8], at: usize) -> Option<Extent> {
    let ahead = bytes.get(at + 1..bytes.len().min(at + 1 + LONGEST))?;
    let len = ahead
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit() || matches!(**byte, b',' | b' ' | b'\n' | b'x' | b'\t'))
        .count();
    let inner = ahead.get(..len)?;
    let count = inner.iter().filter(|byte| **byte == b',').count();
    (count >= 3 && inner.iter().any(u8::is_ascii_digit)).then_some(Extent {
        start: at + 1,
        end: at + 1 + len,
        quoted: true,
    })
}

/// Whether a name with `=` or `:` stands at `at`.
pub(super) fn assigns(bytes: &[u8], at: usize) -> bool {
    let ahead = bytes.get(at..bytes.len().min(at + 40)).unwrap_or_default();
    let ahead = ahead.strip_prefix(b" ").unwrap_or(ahead);
    let name = ahead
        .iter()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | b'-' | b'.' | b'%' | b'[' | b']' | 0x80..)
        })
        .count();
    name > 0 && matches!(byte(ahead, name), b'=' | b':')
}

/// What ends a word: white space, a quotation mark, a backslash.
static WORD_ENDS: Bytes = Bytes::of(b" \t\n\x0C\r\"'`\\");

/// How many bytes up to white space or a quotation mark.
pub(super) fn word(bytes: &[u8], at: usize) -> usize {
    let ahead = bytes.get(at..bytes.len().min(at + LONGEST)).unwrap_or_default();
    let end = ahead.iter().position(|byte| WORD_ENDS.has(*byte));
    end.unwrap_or(ahead.len())
}

/// How many bytes up to `mark`; up to the end of the line where there is none.
pub(super) fn until(bytes: &[u8], at: usize, mark: u8) -> usize {
    let ahead = bytes.get(at..bytes.len().min(at + LONGEST)).unwrap_or_default();
    memchr::memchr3(mark, b'\n', b'\\', ahead).unwrap_or(ahead.len())
}

/// Where the argument behind an option that ends at `at` begins: behind white space, `=`, or quotes and a comma.
pub(super) fn next_argument(bytes: &[u8], at: usize) -> Option<usize> {
    let mut here = at;
    let limit = at + 24;
    let mut apart = false;
    while here < limit && matches!(byte(bytes, here), b' ' | b'=' | b'"' | b'\'' | b',' | b'\\') {
        apart |= byte(bytes, here) != b'\\';
        here += 1;
    }
    (apart && here < limit && here < bytes.len()).then_some(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that begins where the text does.
    fn value(text: &str) -> &str {
        let extent = extent(text.as_bytes(), 0, false).expect("a value");
        &text[extent.start..extent.end]
    }

    #[test]
    fn a_quoted_value_ends_at_the_mark_of_its_own_depth() {
        for (text, wanted) in [
            (r#""a b" c"#, "a b"),
            (r#""a\"b" c"#, r#"a\"b"#),
            (r#""a\\" c"#, r"a\\"),
            (r#"\"a\" c"#, "a"),
            (r#"\"a\\\"b\" c"#, r#"a\\\"b"#),
            (r#"\\\"a\\\" c"#, "a"),
            (r#"\"cut" next"#, "cut"),
            (r#""open"#, "open"),
            ("'it's' x", "it's"),
            ("'it''s' x", "it''s"),
            (r#"Some("x")"#, "x"),
            (r#"Some(Secret(String::from("x")))"#, "x"),
            ("Some(\n    \"x\",\n)", "x"),
            (r#"Secret { inner: "x" }"#, "x"),
            (r#"Login { user: "x" }"#, "Login"),
            ("Some(1234)", "1234"),
            (r#"b"x""#, "x"),
            ("[104, 117, 110, 116]", "104, 117, 110, 116"),
        ] {
            assert_eq!(value(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_bare_value_ends_where_the_next_begins() {
        for (text, wanted) in [
            ("a b", "a"),
            ("a&b=c", "a"),
            ("a&b", "a&b"),
            ("a, b", "a"),
            ("a,b=c", "a"),
            ("a,b", "a,b"),
            ("a)", "a"),
            ("p)w0rd", "p)w0rd"),
            ("a;b", "a"),
            ("a\\nb", "a"),
            ("a.", "a"),
            ("ab==", "ab=="),
        ] {
            assert_eq!(value(text), wanted, "{text}");
        }
    }
}
