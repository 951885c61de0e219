//! Values of a line as those of OTLP, and attributes with them.

use std::borrow::Cow;

use base64::Engine as _;

use super::wire;
use crate::format::{Json, Plain, json_string};

/// Numbers of fields, as opentelemetry-proto has them: the attributes of a record, the parts of one, the kinds of a value.
const ATTRIBUTES: u32 = 6;

const KEY: u32 = 1;
const VALUE: u32 = 2;

const STRING: u32 = 1;
const BOOL: u32 = 2;
const INT: u32 = 3;
const DOUBLE: u32 = 4;
const LIST: u32 = 5;
const MAP: u32 = 6;
const BYTES: u32 = 7;

/// The values of a list, and the members of a map.
const VALUES: u32 = 1;

type Members<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// So many bytes of a name and of a text are copied at once: a copy of a size that the compiler knows is no call.
const NAME: usize = 32;
const TEXT: usize = 48;

/// The name of an attribute of records, as it stands in each.
#[derive(Debug)]
pub(super) struct Key {
    bytes: Box<[u8]>,
    /// The same with nothing behind it, if it is short enough.
    short: Option<[u8; NAME]>,
}

impl Key {
    pub(super) fn new(parts: &[&str]) -> Self {
        let mut bytes = Vec::new();
        wire::text(&mut bytes, KEY, parts);
        wire::tag(&mut bytes, VALUE, 2);
        let mut padded = bytes.clone();
        padded.resize(padded.len().max(NAME), 0);
        Self {
            bytes: bytes.into(),
            short: padded.try_into().ok(),
        }
    }

    /// What stands before the value.
    #[inline(always)]
    fn put(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.bytes.len();
        match &self.short {
            Some(short) => {
                out.extend_from_slice(short);
                out.truncate(end);
            }
            None => out.extend_from_slice(&self.bytes),
        }
    }

    /// An attribute of this name that is a text of the line.
    #[inline]
    pub(super) fn plain(&self, out: &mut Vec<u8>, text: Plain<'_>) {
        let len = text.bytes().len();
        let whole = self.bytes.len() + 3 + len;
        match text.and_behind().first_chunk::<TEXT>() {
            Some(chunk) if len <= TEXT && whole < 0x80 => {
                out.extend_from_slice(&[wire::first(ATTRIBUTES, 2), whole as u8]);
                self.put(out);
                out.extend_from_slice(&[len as u8 + 2, wire::first(STRING, 2), len as u8]);
                let end = out.len() + len;
                out.extend_from_slice(chunk);
                out.truncate(end);
            }
            _ => self.text(out, text.as_str()),
        }
    }

    /// An attribute of this name.
    #[inline]
    pub(super) fn attribute(&self, out: &mut Vec<u8>, json: &Json<'_>) {
        match json {
            Json::Str(text) => self.text(out, text),
            Json::Number(text) => match short(text) {
                Some(number) => self.number(out, number),
                None => self.other(out, json),
            },
            json => self.other(out, json),
        }
    }

    fn other(&self, out: &mut Vec<u8>, json: &Json<'_>) {
        wire::message(out, ATTRIBUTES, |out| {
            self.put(out);
            let any = wire::open_content(out, 1);
            value(out, json);
            wire::close(out, &any);
        });
    }

    /// An attribute of this name that is an integer.
    #[inline]
    pub(super) fn number(&self, out: &mut Vec<u8>, number: u64) {
        let any = 1 + wire::width(number);
        wire::head(out, ATTRIBUTES, self.bytes.len() + 1 + any);
        self.put(out);
        out.extend_from_slice(&[any as u8, wire::first(INT, 0)]);
        wire::varint(out, number);
    }

    /// An attribute of this name that is a text: the lengths of all parts are known.
    #[inline]
    pub(super) fn text(&self, out: &mut Vec<u8>, text: &str) {
        let any = 1 + wire::width(text.len() as u64) + text.len();
        let whole = self.bytes.len() + wire::width(any as u64) + any;
        if let (true, Ok(whole), Ok(len)) = (whole < 0x80, u8::try_from(whole), u8::try_from(text.len())) {
            // All of the lengths take a byte.
            out.extend_from_slice(&[wire::first(ATTRIBUTES, 2), whole]);
            self.put(out);
            out.extend_from_slice(&[len + 2, wire::first(STRING, 2), len]);
        } else {
            wire::head(out, ATTRIBUTES, whole);
            self.put(out);
            wire::varint(out, any as u64);
            wire::head(out, STRING, text.len());
        }
        out.extend_from_slice(text.as_bytes());
    }
}

/// An attribute of a record with a value of the line.
#[inline]
pub(super) fn plain(out: &mut Vec<u8>, key: &[&str], json: &Json<'_>) {
    match json {
        Json::Str(text) => text_attribute(out, key, text),
        json => attribute(out, key, |out| value(out, json)),
    }
}

/// An attribute of a record that is a text: the lengths of all parts are known.
#[inline]
pub(super) fn text_attribute(out: &mut Vec<u8>, key: &[&str], text: &str) {
    let part = |len: usize| 1 + wire::width(len as u64) + len;
    let key_len = key.iter().map(|part| part.len()).sum();
    let any = part(text.len());
    wire::head(out, ATTRIBUTES, part(key_len) + part(any));
    wire::text(out, KEY, key);
    wire::head(out, VALUE, any);
    wire::bytes(out, STRING, text.as_bytes());
}

/// An attribute of a record or a resource, whose field number both have told.
pub(super) fn attribute(out: &mut Vec<u8>, key: &[&str], write: impl FnOnce(&mut Vec<u8>)) {
    pair(out, ATTRIBUTES, key, write);
}

/// A key with its value, as the given field of a message.
pub(super) fn pair(out: &mut Vec<u8>, number: u32, key: &[&str], write: impl FnOnce(&mut Vec<u8>)) {
    wire::message(out, number, |out| {
        wire::text(out, KEY, key);
        wire::message(out, VALUE, write);
    });
}

/// A text as a value.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    wire::bytes(out, STRING, text.as_bytes());
}

/// Whether an object of the line stands for something else: its one key begins with `$`.
fn is_form(members: &Members<'_>) -> bool {
    matches!(members.as_slice(), [(key, _)] if key.starts_with('$'))
}

/// How many messages may stand within a value. Decoders refuse a request with more than 100 within each other: six lead to the
/// value of an attribute, and four are left for whoever puts the records into something else.
const LEVELS: u32 = 90;

/// How many messages a list and a map put around what is in them.
const OF_LIST: u32 = 2;
const OF_MAP: u32 = 3;

/// The one key of the map that stands for a value within too many others: behind it is the value's text in the line.
const TEXT_OF_JSON: &str = "$json";

/// The content of an `AnyValue`. A null is one without content.
pub(super) fn value(out: &mut Vec<u8>, json: &Json<'_>) {
    within(out, json, LEVELS);
}

/// As [`value`], with room for so many messages.
fn within(out: &mut Vec<u8>, json: &Json<'_>, levels: u32) {
    match json {
        Json::Null => {}
        Json::Bool(truth) => wire::number(out, BOOL, u64::from(*truth)),
        Json::Str(text) => string(out, text),
        Json::Number(text) => number(out, text),
        // What stands in it may have to become a map with one text, for which there must be room.
        Json::List(_) | Json::Object(_) if levels < 2 * OF_MAP => text_of(out, json),
        Json::List(values) => wire::message(out, LIST, |out| {
            for json in values {
                wire::message(out, VALUES, |out| within(out, json, levels - OF_LIST));
            }
        }),
        Json::Object(members) if is_form(members) => {
            if !form(out, members) {
                map(out, members, levels);
            }
        }
        Json::Object(members) => map(out, members, levels),
    }
}

/// The map that stands for a value within too many others.
fn text_of(out: &mut Vec<u8>, json: &Json<'_>) {
    let mut text = Vec::new();
    put_json(&mut text, json);
    wire::message(out, MAP, |out| {
        pair(out, VALUES, &[TEXT_OF_JSON], |out| {
            wire::bytes(out, STRING, &text)
        });
    });
}

/// A value as it stands in a line.
fn put_json(out: &mut Vec<u8>, json: &Json<'_>) {
    let comma = |out: &mut Vec<u8>, nth: usize| {
        if nth > 0 {
            out.push(b',');
        }
    };
    match json {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Json::Number(text) => out.extend_from_slice(text.as_bytes()),
        Json::Str(text) => json_string(out, text.as_bytes()),
        Json::List(values) => {
            out.push(b'[');
            for (nth, value) in values.iter().enumerate() {
                comma(out, nth);
                put_json(out, value);
            }
            out.push(b']');
        }
        Json::Object(members) => {
            out.push(b'{');
            for (nth, (key, value)) in members.iter().enumerate() {
                comma(out, nth);
                json_string(out, key.as_bytes());
                out.push(b':');
                put_json(out, value);
            }
            out.push(b'}');
        }
    }
}

/// A number of few digits and nothing else.
#[inline]
fn short(text: &str) -> Option<u64> {
    let mut number = 0;
    for byte in text.bytes() {
        if !byte.is_ascii_digit() || text.len() > 18 {
            return None;
        }
        number = number * 10 + u64::from(byte - b'0');
    }
    Some(number)
}

fn number(out: &mut Vec<u8>, text: &str) {
    if let Ok(number) = text.parse::<i64>() {
        wire::number(out, INT, number as u64);
    } else if let Ok(number) = text.parse::<i128>() {
        integer(out, number);
    } else {
        // With a fraction or an exponent: a float. One that cannot be read is sent as the text that it is.
        match text.parse::<f64>() {
            Ok(float) => wire::fixed64(out, DOUBLE, float.to_bits()),
            Err(_) => string(out, text),
        }
    }
}

fn map(out: &mut Vec<u8>, members: &Members<'_>, levels: u32) {
    wire::message(out, MAP, |out| {
        for (key, json) in members {
            pair(out, VALUES, &[key], |out| within(out, json, levels - OF_MAP));
        }
    });
}

/// What a one-key object stands for, where OTLP has it. An integer beyond 64 bits, a commitment and a map whose one key
/// begins with `$` stay the one-key maps that they are in the line.
fn form(out: &mut Vec<u8>, members: &Members<'_>) -> bool {
    let Some((key, Json::Str(text))) = members.first() else {
        return false;
    };
    match key.as_ref() {
        "$int" => match text.parse::<i64>() {
            Ok(number) => integer(out, i128::from(number)),
            Err(_) => return false,
        },
        "$f64" => match text.parse::<f64>() {
            Ok(float) => wire::fixed64(out, DOUBLE, float.to_bits()),
            Err(_) => return false,
        },
        "$bytes" => match base64::engine::general_purpose::STANDARD.decode(text.as_bytes()) {
            Ok(bytes) => wire::bytes(out, BYTES, &bytes),
            Err(_) => return false,
        },
        _ => return false,
    }
    true
}

/// An integer; one that OTLP cannot hold as one stays the one-key map that a line would have.
pub(super) fn integer(out: &mut Vec<u8>, number: i128) {
    match i64::try_from(number) {
        Ok(number) => wire::number(out, INT, number as u64),
        Err(_) => wire::message(out, MAP, |out| {
            pair(out, VALUES, &["$int"], |out| {
                string(out, itoa::Buffer::new().format(number))
            });
        }),
    }
}
