//! Reads a line back into the record that it was written from.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;

use super::json::{Json, parse};
use super::step::Plain;
use crate::clock::MAX_TIME;
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Kind, Map, Record, Slot, Value};

/// What a top-level key of a line is.
pub(super) enum Key {
    Slot(Slot),
    /// An object whose members are slots.
    Object(HashMap<&'static str, Slot>),
}

pub(super) static KEYS: LazyLock<HashMap<&'static str, Key>> = LazyLock::new(|| {
    let mut keys: HashMap<_, Key> = HashMap::new();
    for slot in Slot::ALL.iter().copied() {
        match slot.place() {
            (None, key) => {
                keys.insert(key, Key::Slot(slot));
            }
            (Some(object), key) => {
                let entry = keys.entry(object).or_insert_with(|| Key::Object(HashMap::new()));
                if let Key::Object(members) = entry {
                    members.insert(key, slot);
                }
            }
        }
    }
    keys
});

/// What every line has; without one of these a line is not a record.
pub(super) const NEEDED: [Slot; 5] = [Slot::Event, Slot::Schema, Slot::Seq, Slot::Stream, Slot::Time];

/// Reads one line, with or without its newline, into the record that it was written from.
///
/// Any JSON text of the same content is read, whatever its spaces and the order of its keys. Keys that this version
/// does not know, from a newer writer, become attributes with the prefix `unknown.`.
///
/// # Errors
///
/// [`ErrorKind::Format`] where the line is not JSON (the message names the byte), has a key twice, lacks one of
/// `event`, `schema`, `seq`, `stream` and `time`, or has a value that its key does not take.
pub fn read_line(line: &[u8]) -> Result<Record> {
    let Json::Object(members) = parse(line)? else {
        return Err(refused("", "an object"));
    };
    let mut record = Record::default();
    let mut unknown = Vec::new();
    for (key, json) in members {
        match KEYS.get(key.as_ref()) {
            Some(Key::Slot(slot)) => put(&mut record, *slot, json)?,
            Some(Key::Object(slots)) => {
                let Json::Object(inner) = json else {
                    return Err(refused(&key, "an object"));
                };
                for (name, json) in inner {
                    match slots.get(name.as_ref()) {
                        Some(slot) => put(&mut record, *slot, json)?,
                        None => unknown.push((format!("unknown.{key}.{name}"), json)),
                    }
                }
            }
            None => unknown.push((format!("unknown.{key}"), json)),
        }
    }
    for (mut name, json) in unknown {
        while record.attribute(&name).is_some() {
            name.push_str("#2");
        }
        let value = value(&name, json)?;
        record.put_member(Slot::Attributes, name, value);
    }
    match NEEDED.iter().find(|slot| record.get(**slot).is_none()) {
        Some(slot) => Err(Error::new(
            ErrorKind::Format,
            format!("the line is not a record: it has no `{}`", slot.path()),
        )),
        None => Ok(record),
    }
}

#[cold]
fn refused(path: &str, what: &str) -> Error {
    let place = if path.is_empty() {
        String::new()
    } else {
        format!(" in `{path}`")
    };
    Error::new(
        ErrorKind::Format,
        format!("the line is not a record: expected {what}{place}"),
    )
}

pub(super) fn put(record: &mut Record, slot: Slot, json: Json<'_>) -> Result<()> {
    let path = slot.path();
    let what = match slot.kind() {
        Kind::Text | Kind::Id | Kind::Hex => "a string",
        Kind::Texts => "a list of strings",
        Kind::Uint => "an integer from 0 to 2^64 - 1",
        Kind::Bool => "true or false",
        Kind::Time => "a time such as \"2026-11-21T09:00:00.123456789Z\"",
        Kind::Map => "an object",
        Kind::Any => "a value",
    };
    let value = value(path, json)?;
    let fits = match (slot.kind(), &value) {
        (Kind::Text | Kind::Id | Kind::Hex, Value::Str(_))
        | (Kind::Bool, Value::Bool(_))
        | (Kind::Map, Value::Map(_))
        | (Kind::Any, _) => true,
        (_, Value::Commitment(_)) => slot.is_erasable(),
        (Kind::Texts, Value::List(values)) => values.iter().all(|value| value.as_str().is_some()),
        (Kind::Uint, number) => number.as_u64().is_some(),
        (Kind::Time, Value::Str(text)) => {
            let nanos = time(text).ok_or_else(|| refused(path, what))?;
            record.put(slot, Value::from(nanos));
            return Ok(());
        }
        _ => false,
    };
    if !fits {
        return Err(refused(path, what));
    }
    record.put(slot, value);
    Ok(())
}

/// A time in any spelling of RFC 3339, in nanoseconds since 1970.
pub(crate) fn time(text: &str) -> Option<u64> {
    if let Some(nanos) = own_time(text.as_bytes()) {
        return Some(nanos);
    }
    let instant: jiff::Timestamp = text.parse().ok()?;
    let nanos = u64::try_from(instant.as_nanosecond()).ok()?;
    (nanos <= MAX_TIME).then_some(nanos)
}

/// Reads times one after another: those of one second begin with the same bytes.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// What the last one began with, up to its fraction, and what that is.
    known: Option<([u8; 20], u64)>,
}

impl Times {
    /// As [`time`].
    #[inline]
    pub(crate) fn nanos(&mut self, text: Plain<'_>) -> Option<u64> {
        let Some((first, [digits @ .., b'Z'])) = text.bytes().split_first_chunk::<20>() else {
            return time(text.as_str());
        };
        if digits.len() == 9
            && let Some((_, second)) = self.known.filter(|(known, _)| known == first)
        {
            let add = |sum, digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'));
            return digits.iter().try_fold(0, add).map(|fraction| second + fraction);
        }
        match own_time(text.bytes()) {
            Some(nanos) => {
                self.known = Some((*first, nanos - nanos % 1_000_000_000));
                Some(nanos)
            }
            None => time(text.as_str()),
        }
    }
}

/// A time in the one spelling that our lines have, which every record has twice: `2026-11-21T09:00:00.123456789Z`.
fn own_time(text: &[u8]) -> Option<u64> {
    const LENGTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let number = |from: usize, len: usize| {
        text.get(from..from + len)?.iter().try_fold(0_u64, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))
        })
    };
    let marks = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
        (29, b'Z'),
    ];
    let is_ours = text.len() == 30 && marks.iter().all(|(at, mark)| text.get(*at) == Some(mark));
    if !is_ours {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    // In these years only those that four divides are leap years, but for 2100 and 2200.
    if !(1970..2262).contains(&year) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let is_leap = |year: u64| year.is_multiple_of(4) && year != 2100 && year != 2200;
    let before = usize::try_from(month).ok()?.checked_sub(1)?;
    let length = LENGTHS.get(before)? + u64::from(month == 2 && is_leap(year));
    if day == 0 || day > length {
        return None;
    }
    let leaps = (year - 1969) / 4 - u64::from(year > 2100) - u64::from(year > 2200);
    let in_year: u64 = LENGTHS.iter().take(before).sum::<u64>() + u64::from(month > 2 && is_leap(year));
    let days = (year - 1970) * 365 + leaps + in_year + day - 1;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000_000_000 + number(20, 9)?)
}

/// The value that a JSON text stands for; `path` is what an error names.
pub(super) fn value_of(path: &str, json: Json<'_>) -> Result<Value> {
    value(path, json)
}

fn value(path: &str, json: Json<'_>) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(text) => number(path, text)?,
        Json::Str(text) => Value::Str(text.into_owned()),
        Json::List(values) => Value::List(
            values
                .into_iter()
                .map(|json| value(path, json))
                .collect::<Result<_>>()?,
        ),
        Json::Object(mut members) => {
            let only = members.len() == 1;
            match members.pop() {
                Some((name, json)) if only && name.starts_with('$') => form(path, &name, json)?,
                Some(last) => {
                    members.push(last);
                    map(path, members)?
                }
                None => Value::Map(Map::new()),
            }
        }
    })
}

fn map(path: &str, members: Vec<(std::borrow::Cow<'_, str>, Json<'_>)>) -> Result<Value> {
    let member = |(key, json): (std::borrow::Cow<'_, str>, _)| Ok((key.into_owned(), value(path, json)?));
    Ok(Value::Map(
        members.into_iter().map(member).collect::<Result<_>>()?,
    ))
}

/// What a one-key object stands for whose key starts with `$`.
fn form(path: &str, name: &str, json: Json<'_>) -> Result<Value> {
    let malformed = |what: &str| refused(path, what);
    match (name, json) {
        ("$map", Json::Object(members)) => map(path, members),
        ("$int", Json::Str(text)) => integer(&text).ok_or_else(|| malformed("decimal digits in `$int`")),
        ("$f64", Json::Str(text)) => float(&text).ok_or_else(|| malformed("a number in `$f64`")),
        ("$bytes", Json::Str(text)) => base64::engine::general_purpose::STANDARD
            .decode(text.as_bytes())
            .map(Value::Bytes)
            .map_err(|error| malformed("base64 in `$bytes`").because(error)),
        ("$commit", Json::Str(text)) => base64::engine::general_purpose::STANDARD
            .decode(text.as_bytes())
            .ok()
            .and_then(|hash| hash.try_into().ok())
            .map(Value::Commitment)
            .ok_or_else(|| malformed("the base64 of 32 bytes in `$commit`")),
        (name, _) => Err(malformed(&format!(
            "`$int`, `$f64`, `$bytes`, `$commit` or `$map` with its content instead of `{name}`"
        ))),
    }
}

fn integer(text: &str) -> Option<Value> {
    if text.starts_with('+') {
        return None;
    }
    let signed = text.parse().ok().map(Value::Int);
    signed.or_else(|| text.parse::<u128>().ok().map(Value::from))
}

fn float(text: &str) -> Option<Value> {
    Some(Value::Float(match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        finite if finite.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) => {
            finite.parse().ok().filter(|number: &f64| number.is_finite())?
        }
        _ => return None,
    }))
}

fn number(path: &str, text: &str) -> Result<Value> {
    let value = if text.contains(['.', 'e', 'E']) {
        float(text)
    } else {
        integer(text)
    };
    value.ok_or_else(|| refused(path, &format!("a number within range instead of `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_our_own_spelling_is_the_one_that_the_library_reads() {
        let mut nanos = 0_u64;
        while nanos <= MAX_TIME - 1_000_000_000 {
            let stamp = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap();
            let text = format!("{stamp:.9}");
            let year: u64 = text[..4].parse().unwrap();
            let own = own_time(text.as_bytes());
            assert_eq!(own, (year < 2262).then_some(nanos), "{text}");
            assert_eq!(time(&text), Some(nanos), "{text}");
            // A little more than eleven hours, so that every day of every year has its turn.
            nanos += 40_003_000_000_007;
        }
        for wrong in [
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-04-31",
            "2026-01-00",
        ] {
            let text = format!("{wrong}T00:00:00.000000000Z");
            assert_eq!((own_time(text.as_bytes()), time(&text)), (None, None), "{text}");
        }
        assert_eq!(own_time(b"2026-01-01T24:00:00.000000000Z"), None);
        assert_eq!(own_time(b"2026-01-01T00:00:00.00000000xZ"), None);
        assert_eq!(own_time(b"2026-01-01T00:00:00Z"), None);
    }
}
