//! The fast way through a line: what stood between two of its values is compared with what stands there now, and a text or a
//! number is stepped over, without a look at the grammar.

use super::json::{Flaw, Json, Parsed, Parser};

/// So many bytes are compared at once.
const WIDTH: usize = 32;
const WORDS: usize = WIDTH / 8;

/// What stood behind a value, and which key that led to.
#[derive(Debug)]
pub(super) struct Step {
    text: Box<[u8]>,
    /// The text in words, if it is short enough, and which of their bits are of it.
    words: Option<([u64; WORDS], [u64; WORDS])>,
    pub(super) to: usize,
    /// Another step begins like this one, where an object stands behind it.
    is_open: bool,
}

impl Step {
    pub(super) fn new(text: &[u8], to: usize, is_open: bool) -> Self {
        let mut chunk = [0; WIDTH];
        let mut mask = [0; WIDTH];
        for ((into, kept), byte) in chunk.iter_mut().zip(&mut mask).zip(text) {
            (*into, *kept) = (*byte, 0xFF);
        }
        Self {
            words: (text.len() <= WIDTH).then(|| (words(&chunk), words(&mask))),
            text: text.into(),
            to,
            is_open,
        }
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    #[inline(always)]
    pub(super) fn is_at(&self, rest: &[u8]) -> bool {
        let is_there = match (&self.words, rest.first_chunk::<WIDTH>()) {
            (Some((text, mask)), Some(chunk)) => {
                let mut differing = 0;
                for ((word, text), mask) in words(chunk).iter().zip(text).zip(mask) {
                    differing |= (word ^ text) & mask;
                }
                differing == 0
            }
            _ => rest.starts_with(&self.text),
        };
        is_there
            && !(self.is_open
                && matches!(
                    rest.get(self.text.len()),
                    Some(b'{' | b' ' | b'\t' | b'\n' | b'\r')
                ))
    }
}

#[inline(always)]
fn words(chunk: &[u8; WIDTH]) -> [u64; WORDS] {
    let (words, _) = chunk.as_chunks::<8>();
    let mut all = [0; WORDS];
    for (into, word) in all.iter_mut().zip(words) {
        *into = u64::from_le_bytes(*word);
    }
    all
}

/// A part of a line that stands for itself: a text without escapes, or the digits of a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<'a> {
    line: &'a [u8],
    from: usize,
    to: usize,
}

impl<'a> Plain<'a> {
    /// The text that begins behind the quotation mark which stands here, if it has no escapes; and where the line goes on.
    #[inline(always)]
    pub(super) fn text(line: &'a [u8], at: usize) -> Option<(Self, usize)> {
        let (b'"', rest) = line.get(at..)?.split_first()? else {
            return None;
        };
        let len = super::text::plain_len(rest);
        let (from, to) = (at + 1, at + 1 + len);
        let plain = Self { line, from, to };
        (rest.get(len) == Some(&b'"')).then_some((plain, to + 1))
    }

    /// The whole number of few digits that stands here, with a comma or the end of an object behind it.
    #[inline(always)]
    pub(super) fn digits(line: &'a [u8], at: usize) -> Option<(Self, usize)> {
        let rest = line.get(at..)?;
        let len = rest
            .iter()
            .take(16)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let is_whole = matches!((len, rest.get(len)), (1..16, Some(b',' | b'}')));
        let (from, to) = (at, at + len);
        let plain = Self { line, from, to };
        (is_whole && (len == 1 || rest.first() != Some(&b'0'))).then_some((plain, to))
    }

    #[inline(always)]
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.line.get(self.from..self.to).unwrap_or_default()
    }

    /// The same with all of the line behind it.
    #[cfg(feature = "otlp")]
    #[inline(always)]
    pub(crate) fn and_behind(self) -> &'a [u8] {
        self.line.get(self.from..).unwrap_or_default()
    }

    /// Of digits, the number.
    #[inline(always)]
    pub(crate) fn number(self) -> u64 {
        let digits = self.bytes().iter();
        digits.fold(0, |number, digit| number * 10 + u64::from(digit & 15))
    }

    /// What stands between the two bytes of ASCII around it, in a line that is UTF-8.
    pub(crate) fn as_str(self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }
}

/// Deeper values are not stepped over.
const MAX_DEPTH: u32 = 32;

/// Where the line goes on behind a value whose content nobody wants. `None` where it has to be read to know: where it has
/// spaces, escapes or keys out of order, or is no value.
pub(super) fn skip(line: &[u8], at: usize, depth: u32) -> Option<usize> {
    let rest = line.get(at..)?;
    match rest.first()? {
        b'"' => Plain::text(line, at).map(|(_, behind)| behind),
        b'{' if depth < MAX_DEPTH => skip_object(line, at + 1, depth + 1),
        b'[' if depth < MAX_DEPTH => skip_list(line, at + 1, depth + 1),
        b'0'..=b'9' => {
            let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let is_whole = matches!(rest.get(len), Some(b',' | b'}' | b']'));
            (is_whole && (len == 1 || rest.first() != Some(&b'0'))).then_some(at + len)
        }
        _ => {
            let words: [&[u8]; 3] = [b"true", b"false", b"null"];
            let word = words.into_iter().find(|word| rest.starts_with(word))?;
            Some(at + word.len())
        }
    }
}

/// As [`skip`], of an object behind its brace.
fn skip_object(line: &[u8], mut at: usize, depth: u32) -> Option<usize> {
    if line.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    let mut before: Option<&[u8]> = None;
    loop {
        let (key, behind) = Plain::text(line, at)?;
        // A key can stand twice only where keys do not rise.
        if line.get(behind) != Some(&b':') || before.is_some_and(|before| before >= key.bytes()) {
            return None;
        }
        before = Some(key.bytes());
        at = skip(line, behind + 1, depth)?;
        match line.get(at)? {
            b',' => at += 1,
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// As [`skip`], of a list behind its bracket.
fn skip_list(line: &[u8], mut at: usize, depth: u32) -> Option<usize> {
    if line.get(at) == Some(&b']') {
        return Some(at + 1);
    }
    loop {
        at = skip(line, at, depth)?;
        match line.get(at)? {
            b',' => at += 1,
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// The text of a line.
pub(super) fn text(line: &[u8]) -> Parsed<&str> {
    std::str::from_utf8(line).map_err(|error| Flaw::Expected("text that is UTF-8", error.valid_up_to()))
}

/// Nothing may stand behind the last value, but space.
pub(super) fn end(line: &[u8], at: usize) -> Parsed<()> {
    if at == line.len() {
        return Ok(());
    }
    let mut parser = Parser {
        text: text(line)?,
        at,
    };
    parser.space();
    match parser.peek() {
        None => Ok(()),
        Some(_) => Err(parser.expected("the end of the line")),
    }
}

/// A value that is neither a text without escapes nor a short whole number, and where the line goes on; `whole` gives the text
/// of the line.
pub(super) fn other<'a>(
    line: &'a [u8],
    at: usize,
    depth: u32,
    whole: impl FnOnce() -> Parsed<&'a str>,
) -> Parsed<(Json<'a>, usize)> {
    let rest = line.get(at..).unwrap_or_default();
    if rest.starts_with(b"true") {
        return Ok((Json::Bool(true), at + 4));
    }
    if rest.starts_with(b"false") {
        return Ok((Json::Bool(false), at + 5));
    }
    // Not all of the line is looked at again for a number.
    let len = rest
        .iter()
        .take_while(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'))
        .count();
    let number = rest.get(..len).map(text).transpose()?.unwrap_or_default();
    let mut parser = Parser { text: number, at: 0 };
    if let (Some(b',' | b'}'), Ok(number)) = (rest.get(len), parser.number())
        && parser.at == len
    {
        return Ok((number, at + len));
    }
    let mut parser = Parser { text: whole()?, at };
    // Space may stand here all the same.
    parser.space();
    let value = parser.value(depth)?;
    Ok((value, parser.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_where_its_bytes_stand_whatever_stands_behind_them_and_however_long_it_is() {
        let line: Vec<u8> = (b'a'..=b'z').cycle().take(100).collect();
        for len in 0..80 {
            let step = Step::new(&line[..len], 7, false);
            for end in 0..100 {
                assert_eq!(step.is_at(&line[..end]), end >= len, "{len} of {end}");
            }
            for at in 0..len {
                let mut other = line.clone();
                other[at] ^= 1;
                assert!(!step.is_at(&other), "{len}, {at}");
            }
        }
    }

    #[test]
    fn what_is_skipped_ends_where_it_ends_for_who_reads_it_and_nothing_that_is_no_value_is_skipped() {
        let whole = r#"{"a":[1,{"b":null,"c":"x"},[],{}],"d":true,"e":"é","f":[false,0,12]},"#;
        let mut skipped = 0;
        for at in 0..whole.len() {
            for byte in b"\"\\{}[],:0 eb\n".iter().map(|byte| char::from(*byte)) {
                let Some(_) = whole.get(at..=at) else { continue };
                let mut changed = whole.to_owned();
                changed.replace_range(at..=at, &byte.to_string());
                let cut = whole.get(..at).unwrap_or_default();
                for text in [changed.as_str(), cut] {
                    let Some(behind) = skip(text.as_bytes(), 0, 0) else {
                        continue;
                    };
                    skipped += 1;
                    let mut parser = Parser { text, at: 0 };
                    assert!(parser.value(0).is_ok(), "{text}");
                    assert_eq!(parser.at, behind, "{text}");
                }
            }
        }
        assert!(skipped > 100, "{skipped}");
        assert_eq!(skip(whole.as_bytes(), 0, 0), Some(whole.len() - 1));
        for left in [
            r#"{"b":1,"a":1},"#,
            r#"{"a":1,"a":1},"#,
            r#"["\n"],"#,
            "[1.5],",
            "[01],",
            "1 ",
        ] {
            assert_eq!(skip(left.as_bytes(), 0, 0), None, "{left}");
        }
        let deep = "[".repeat(40) + &"]".repeat(40) + ",";
        assert_eq!(skip(deep.as_bytes(), 0, 0), None);
    }

    #[test]
    fn an_open_step_is_not_there_where_an_object_or_space_stands_behind_it() {
        for fill in ["", "0123456789012345678901234567890123456789"] {
            for (behind, is_there) in [
                ("{", false),
                (" ", false),
                ("\t", false),
                ("1", true),
                ("\"", true),
            ] {
                let line = format!(",\"a\":{behind}{fill}");
                assert_eq!(Step::new(b",\"a\":", 7, true).is_at(line.as_bytes()), is_there);
                assert!(Step::new(b",\"a\":", 7, false).is_at(line.as_bytes()));
            }
        }
    }
}
