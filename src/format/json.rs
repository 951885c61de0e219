//! A strict JSON reader that keeps what lines need and general readers lose: the text of numbers and the presence of
//! duplicate keys.
//!
//! `serde_json` cannot give both: with its exact numbers a visitor cannot tell a number from an object with a magic key.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind, Result};

/// Deeper nesting is refused. The writer stays within 64.
const MAX_DEPTH: u32 = 128;

/// A JSON value as it stands in a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// The number's text.
    Number(&'a str),
    Str(Cow<'a, str>),
    List(Vec<Json<'a>>),
    /// Members in their order, no key twice.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Why bytes are not a JSON value, and at which of them it shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Something else was expected.
    Expected(&'static str, usize),
    /// The object that begins at the byte has a key twice.
    Twice(String, usize),
}

pub(super) type Parsed<T> = std::result::Result<T, Flaw>;

impl Flaw {
    /// The byte.
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::Expected(_, at) | Self::Twice(_, at) => *at,
        }
    }
}

/// Reads one JSON value that fills the whole line of a trail.
pub(super) fn parse(line: &[u8]) -> Result<Json<'_>> {
    parse_json(line).map_err(|flaw| {
        let why = match flaw {
            Flaw::Expected(what, at) => format!("expected {what} at byte {at}"),
            Flaw::Twice(key, at) => format!("the object at byte {at} has the key `{key}` twice"),
        };
        Error::new(ErrorKind::Format, format!("the line is not a record: {why}"))
    })
}

/// Reads one JSON value that fills the whole input.
pub(crate) fn parse_json(input: &[u8]) -> Parsed<Json<'_>> {
    let text = match std::str::from_utf8(input) {
        Ok(text) => text,
        Err(error) => return Err(refused("text that is UTF-8", error.valid_up_to())),
    };
    let mut parser = Parser { text, at: 0 };
    parser.space();
    let value = parser.value(0)?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.expected("the end of the line"));
    }
    Ok(value)
}

/// Where the value behind these keys begins, in an input that is JSON; where the last object of them begins that is
/// there, if one is not.
pub(crate) fn locate(input: &[u8], path: &[&str]) -> usize {
    let mut parser = Parser {
        text: std::str::from_utf8(input).unwrap_or_default(),
        at: 0,
    };
    parser.space();
    let mut found = parser.at;
    for key in path {
        match parser.member(key) {
            Ok(true) => found = parser.at,
            _ => break,
        }
    }
    found
}

#[cold]
fn refused(what: &'static str, at: usize) -> Flaw {
    Flaw::Expected(what, at)
}

#[derive(Debug, Clone)]
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Parser<'a> {
    #[cold]
    pub(super) fn expected(&self, what: &'static str) -> Flaw {
        refused(what, self.at)
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn value(&mut self, depth: u32) -> Parsed<Json<'a>> {
        match self.peek() {
            Some(b'"') => self.string().map(Json::Str),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(self.expected("a value")),
        }
    }

    pub(super) fn word(&mut self, word: &str, value: Json<'a>) -> Parsed<Json<'a>> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn deeper(&self, depth: u32) -> Parsed<u32> {
        if depth >= MAX_DEPTH {
            return Err(self.expected("at most 128 levels of nesting"));
        }
        Ok(depth + 1)
    }

    fn list(&mut self, depth: u32) -> Parsed<Json<'a>> {
        let depth = self.deeper(depth)?;
        let mut values = Vec::new();
        self.at += 1;
        self.space();
        if self.eat(b']') {
            return Ok(Json::List(values));
        }
        loop {
            self.space();
            values.push(self.value(depth)?);
            self.space();
            if self.eat(b']') {
                return Ok(Json::List(values));
            }
            if !self.eat(b',') {
                return Err(self.expected("`,` or `]`"));
            }
        }
    }

    fn object(&mut self, depth: u32) -> Parsed<Json<'a>> {
        let depth = self.deeper(depth)?;
        let start = self.at;
        let mut members = Vec::new();
        self.at += 1;
        self.space();
        if self.eat(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            members.push((self.key()?, self.value(depth)?));
            self.space();
            if self.eat(b'}') {
                break;
            }
            if !self.eat(b',') {
                return Err(self.expected("`,` or `}`"));
            }
        }
        distinct(&members, start)?;
        Ok(Json::Object(members))
    }

    /// Steps to the value of the member that stands here, and gives its key.
    pub(super) fn key(&mut self) -> Parsed<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key"));
        }
        let key = self.string()?;
        self.space();
        if !self.eat(b':') {
            return Err(self.expected("`:`"));
        }
        self.space();
        Ok(key)
    }

    /// Steps to the value of the object's member with this key, if an object stands here and has one.
    fn member(&mut self, wanted: &str) -> Parsed<bool> {
        if !self.eat(b'{') {
            return Ok(false);
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Ok(false);
            }
            let key = self.string()?;
            self.space();
            self.eat(b':');
            self.space();
            if key == wanted {
                return Ok(true);
            }
            self.value(0)?;
            self.space();
            self.eat(b',');
        }
    }

    /// A number by JSON's grammar; its value is not looked at.
    pub(super) fn number(&mut self) -> Parsed<Json<'a>> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(Json::Number(self.text.get(start..self.at).unwrap_or_default()))
    }

    fn digits(&mut self) -> Parsed<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.expected("a digit"));
        }
        Ok(())
    }

    fn string(&mut self) -> Parsed<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        self.plain()?;
        let plain = self.text.get(start..self.at).unwrap_or_default();
        if self.eat(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            if self.eat(b'"') {
                return Ok(Cow::Owned(text));
            }
            self.at += 1;
            text.push(self.escape()?);
            let start = self.at;
            self.plain()?;
            text.push_str(self.text.get(start..self.at).unwrap_or_default());
        }
    }

    /// Steps to the next quote or backslash.
    pub(super) fn plain(&mut self) -> Parsed<()> {
        self.at += super::text::plain_len(self.rest());
        match self.peek() {
            Some(b'"' | b'\\') => Ok(()),
            Some(_) => Err(self.expected("an escape for a control character")),
            None => Err(self.expected("the end of a string")),
        }
    }

    /// What stands behind a backslash.
    pub(super) fn escape(&mut self) -> Parsed<char> {
        let Some(letter) = self.peek() else {
            return Err(self.expected("an escape"));
        };
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => {
                self.at -= 1;
                return Err(self.expected("an escape"));
            }
        })
    }

    fn unicode(&mut self) -> Parsed<char> {
        let start = self.at;
        let first = self.unit()?;
        let mut units = [first, 0];
        let mut count = 1;
        if (0xD800..0xDC00).contains(&first) && self.rest().starts_with(b"\\u") {
            self.at += 2;
            units = [first, self.unit()?];
            count = 2;
        }
        match char::decode_utf16(units.into_iter().take(count)).next() {
            Some(Ok(decoded)) => Ok(decoded),
            _ => Err(refused(
                "a Unicode character, not half of a surrogate pair,",
                start,
            )),
        }
    }

    /// Four hex digits.
    fn unit(&mut self) -> Parsed<u16> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(self.expected("four hex digits"));
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| self.expected("four hex digits"))
    }
}

/// Refuses an object that has a key twice: two readers could see two different records.
fn distinct(members: &[(Cow<'_, str>, Json<'_>)], start: usize) -> Parsed<()> {
    let sorted = members
        .windows(2)
        .all(|pair| matches!(pair, [(left, _), (right, _)] if left < right));
    if sorted {
        return Ok(());
    }
    let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    let twice = keys.windows(2).find_map(|pair| match pair {
        [left, right] if left == right => Some(*left),
        _ => None,
    });
    match twice {
        None => Ok(()),
        Some(key) => Err(Flaw::Twice(key.to_owned(), start)),
    }
}
