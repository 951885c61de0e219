//! Lines to OTLP: each entry becomes a `LogRecord`, written as protobuf bytes straight from its line.

use std::borrow::Cow;
use std::net::IpAddr;

use base64::Engine as _;

use super::mapping::{self, GROUPS, PREFIX, Place};
use super::resource::Resource;
use super::wire;
use crate::clock::MAX_TIME;
use crate::format::{Entry, Json, parse_json};

/// Numbers of fields, as opentelemetry-proto has them.
mod field {
    pub(super) const RESOURCE_LOGS: u32 = 1;
    pub(super) const SCOPE_LOGS: u32 = 2;
    pub(super) const LOG_RECORDS: u32 = 2;

    pub(super) const TIME: u32 = 1;
    pub(super) const SEVERITY_NUMBER: u32 = 2;
    pub(super) const SEVERITY_TEXT: u32 = 3;
    pub(super) const BODY: u32 = 5;
    pub(super) const ATTRIBUTES: u32 = 6;
    pub(super) const FLAGS: u32 = 8;
    pub(super) const TRACE_ID: u32 = 9;
    pub(super) const SPAN_ID: u32 = 10;
    pub(super) const OBSERVED: u32 = 11;
    pub(super) const EVENT_NAME: u32 = 12;

    pub(super) const KEY: u32 = 1;
    pub(super) const VALUE: u32 = 2;

    pub(super) const STRING: u32 = 1;
    pub(super) const BOOL: u32 = 2;
    pub(super) const INT: u32 = 3;
    pub(super) const DOUBLE: u32 = 4;
    pub(super) const LIST: u32 = 5;
    pub(super) const MAP: u32 = 6;
    pub(super) const BYTES: u32 = 7;

    /// The values of a list, and the members of a map.
    pub(super) const VALUES: u32 = 1;
}

type Members<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// Puts an attribute, named in parts, with the content that is written.
pub(super) type Put<'p> = dyn FnMut(&[&str], &dyn Fn(&mut Vec<u8>)) + 'p;

/// Writes requests.
#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) resource: Resource,
    /// Whether the level goes into the fields for severity.
    pub(super) severity: bool,
}

/// A line as it was read.
enum Read<'a> {
    Record(Members<'a>),
    /// Not an object.
    Other(&'a [u8]),
}

impl<'a> Read<'a> {
    fn of(line: &'a [u8]) -> Self {
        match parse_json(line) {
            Ok(Json::Object(members)) => Self::Record(members),
            _ => Self::Other(line),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        let Self::Record(members) = self else { return None };
        match members.iter().find(|(key, _)| key == name) {
            Some((_, Json::Str(text))) => Some(text),
            _ => None,
        }
    }
}

impl Encoder {
    /// Appends an `ExportLogsServiceRequest` with the entries, in their order. Neighbours that were written by one service
    /// on one host share a resource; the scope is left empty.
    pub(super) fn request(&self, entries: &[Entry<'_>], out: &mut Vec<u8>) {
        let mut rest = entries;
        let mut ahead: Option<Read<'_>> = None;
        while let Some(first) = rest.first() {
            let head = ahead.take().unwrap_or_else(|| Read::of(first.line()));
            let (service, host) = (head.text("service"), head.text("host"));
            let (service, host) = (service.map(str::to_owned), host.map(str::to_owned));
            wire::message(out, field::RESOURCE_LOGS, |out| {
                self.resource.write(out, service.as_deref(), host.as_deref());
                wire::message(out, field::SCOPE_LOGS, |out| {
                    let mut read = Some(head);
                    while let Some((entry, behind)) = rest.split_first() {
                        let line = read.take().unwrap_or_else(|| Read::of(entry.line()));
                        let is_same = line.text("service") == service.as_deref()
                            && line.text("host") == host.as_deref();
                        if !is_same {
                            ahead = Some(line);
                            return;
                        }
                        wire::message(out, field::LOG_RECORDS, |out| self.record(out, entry, &line));
                        rest = behind;
                    }
                });
            });
        }
    }

    /// Appends a request with one record of our own, whose attributes `write` puts there.
    pub(super) fn single(&self, event: &str, time: u64, out: &mut Vec<u8>, write: impl FnOnce(&mut Put<'_>)) {
        wire::message(out, field::RESOURCE_LOGS, |out| {
            self.resource.write(out, None, None);
            wire::message(out, field::SCOPE_LOGS, |out| {
                wire::message(out, field::LOG_RECORDS, |out| {
                    wire::fixed64(out, field::TIME, time);
                    wire::fixed64(out, field::OBSERVED, time);
                    wire::bytes(out, field::EVENT_NAME, event.as_bytes());
                    write(&mut |key, value| attribute(out, key, value));
                });
            });
        });
    }

    fn record(&self, out: &mut Vec<u8>, entry: &Entry<'_>, line: &Read<'_>) {
        wire::fixed64(out, field::OBSERVED, entry.observed_at());
        match line {
            Read::Record(members) => {
                let mut record = Record {
                    encoder: self,
                    out,
                    has_trace: has_trace(members),
                };
                for (key, value) in members {
                    record.member(key, value);
                }
            }
            Read::Other(line) => {
                wire::bytes(out, field::EVENT_NAME, mapping::UNREADABLE.as_bytes());
                wire::message(out, field::BODY, |out| match std::str::from_utf8(line) {
                    Ok(text) => wire::bytes(out, field::STRING, text.as_bytes()),
                    Err(_) => wire::bytes(out, field::BYTES, line),
                });
                attribute(out, &[PREFIX, "sequence.number"], |out| {
                    integer(out, i128::from(entry.seq()))
                });
            }
        }
    }
}

/// Whether the record's trace id is one of W3C's: sixteen bytes, not all of them zero.
fn has_trace(members: &Members<'_>) -> bool {
    let trace = members.iter().find(|(key, _)| key == "trace_id");
    trace.is_some_and(|(_, value)| id::<16>(value).is_some())
}

/// So many bytes from lower-case hex digits, not all of them zero.
fn id<const N: usize>(value: &Json<'_>) -> Option<[u8; N]> {
    let Json::Str(text) = value else { return None };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if pairs.len() != N {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    (bytes != [0; N]).then_some(bytes)
}

/// A `LogRecord` that is being written.
struct Record<'o> {
    encoder: &'o Encoder,
    out: &'o mut Vec<u8>,
    has_trace: bool,
}

impl Record<'_> {
    /// A key of the line.
    fn member(&mut self, key: &str, value: &Json<'_>) {
        if let (true, Json::Object(members)) = (GROUPS.contains(&key), value)
            && !is_form(members)
        {
            for (inner, value) in members {
                self.put(mapping::place_in(key, inner), &[key, ".", inner], value);
            }
            if members.is_empty() {
                self.put(Place::Path, &[key], value);
            }
            return;
        }
        self.put(mapping::place(key), &[key], value);
    }

    /// A value at its place. Where it does not fit there it is an attribute, named by its path.
    fn put(&mut self, place: Place, path: &[&str], json: &Json<'_>) {
        if self.field(place, json) {
            return;
        }
        let path = path.concat();
        let parts: &[&str] = match place {
            Place::Own(name) => &[PREFIX, name],
            Place::Standard(name) => &[name],
            _ => &[PREFIX, &path],
        };
        attribute(self.out, parts, |out| value(out, json));
    }

    /// Whether the value went to a place of its own.
    fn field(&mut self, place: Place, json: &Json<'_>) -> bool {
        match (place, json) {
            (Place::Observed, Json::Str(_)) => true,
            (Place::Time, Json::Str(text)) => self.time(text),
            (Place::EventName, Json::Str(name)) => {
                wire::bytes(self.out, field::EVENT_NAME, name.as_bytes());
                true
            }
            (Place::Body, json) => {
                wire::message(self.out, field::BODY, |out| value(out, json));
                true
            }
            (Place::TraceId | Place::SpanId | Place::Flags, json) => self.trace(place, json),
            (Place::Level, Json::Str(level)) => self.encoder.severity && severity(self.out, level),
            (Place::Resource(name), Json::Str(text)) => self.encoder.resource.says(name, text),
            (Place::Id, json) => {
                attribute(self.out, &[mapping::UID], |out| value(out, json));
                attribute(self.out, &[PREFIX, "record.id"], |out| value(out, json));
                true
            }
            (Place::Schema, Json::Number(text)) => {
                attribute(self.out, &[PREFIX, "schema.version"], |out| {
                    wire::bytes(out, field::STRING, text.as_bytes());
                });
                true
            }
            (Place::Address, json) => {
                self.address(json);
                true
            }
            (Place::Each(_) | Place::AsGiven, Json::Object(members)) => self.each(place, members),
            _ => false,
        }
    }

    fn time(&mut self, text: &str) -> bool {
        let instant = text.parse().ok().map(jiff::Timestamp::as_nanosecond);
        let nanos = instant.and_then(|nanos| u64::try_from(nanos).ok());
        let Some(nanos) = nanos.filter(|nanos| *nanos <= MAX_TIME) else {
            return false;
        };
        wire::fixed64(self.out, field::TIME, nanos);
        true
    }

    fn trace(&mut self, place: Place, json: &Json<'_>) -> bool {
        if !self.has_trace {
            return false;
        }
        match place {
            Place::TraceId => match id::<16>(json) {
                Some(id) => wire::bytes(self.out, field::TRACE_ID, &id),
                None => return false,
            },
            Place::SpanId => match id::<8>(json) {
                Some(id) => wire::bytes(self.out, field::SPAN_ID, &id),
                None => return false,
            },
            _ => match json {
                Json::Number(text) => match text.parse::<u8>() {
                    Ok(flags @ 1..) => wire::fixed32(self.out, field::FLAGS, u32::from(flags)),
                    _ => return false,
                },
                _ => return false,
            },
        }
        true
    }

    fn address(&mut self, json: &Json<'_>) {
        if let Json::Str(text) = json {
            let kind = match text.parse() {
                Ok(IpAddr::V4(_)) => Some("ipv4"),
                Ok(IpAddr::V6(_)) => Some("ipv6"),
                Err(_) => None,
            };
            if let Some(kind) = kind {
                attribute(self.out, &[PREFIX, mapping::SOURCE_TYPE], |out| {
                    wire::bytes(out, field::STRING, kind.as_bytes());
                });
            }
        }
        attribute(self.out, &[PREFIX, "source.id"], |out| value(out, json));
    }

    /// The members of an object, one by one; `false` where it has none, or is no map.
    fn each(&mut self, place: Place, members: &Members<'_>) -> bool {
        let members = match map_of(members) {
            Some(members) if !members.is_empty() => members,
            _ => return false,
        };
        for (key, json) in members {
            let parts: &[&str] = match place {
                Place::Each(name) => &[PREFIX, name, key],
                _ if mapping::is_taken(key) => &[PREFIX, mapping::ATTRIBUTE, key],
                _ => &[key],
            };
            attribute(self.out, parts, |out| value(out, json));
        }
        true
    }
}

/// The level as OTLP's severity; `false` where it is none of the five.
fn severity(out: &mut Vec<u8>, level: &str) -> bool {
    let number = match level {
        "trace" => 1,
        "debug" => 5,
        "info" => 9,
        "warn" => 13,
        "error" => 17,
        _ => return false,
    };
    wire::number(out, field::SEVERITY_NUMBER, number);
    wire::bytes(out, field::SEVERITY_TEXT, level.as_bytes());
    true
}

/// An attribute of a record or a resource, whose field number both have told.
fn attribute(out: &mut Vec<u8>, key: &[&str], write: impl FnOnce(&mut Vec<u8>)) {
    pair(out, field::ATTRIBUTES, key, write);
}

/// A key with its value, as the given field of a message.
pub(super) fn pair(out: &mut Vec<u8>, number: u32, key: &[&str], write: impl FnOnce(&mut Vec<u8>)) {
    wire::message(out, number, |out| {
        wire::text(out, field::KEY, key);
        wire::message(out, field::VALUE, write);
    });
}

/// A text as a value.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    wire::bytes(out, field::STRING, text.as_bytes());
}

/// Whether an object of the line stands for something else: its one key begins with `$`.
fn is_form(members: &Members<'_>) -> bool {
    matches!(members.as_slice(), [(key, _)] if key.starts_with('$'))
}

/// The members of an object of the line, if it is a map.
fn map_of<'m, 'a>(members: &'m Members<'a>) -> Option<&'m Members<'a>> {
    match members.as_slice() {
        [(key, Json::Object(inner))] if key == "$map" => Some(inner),
        _ if is_form(members) => None,
        _ => Some(members),
    }
}

/// The content of an `AnyValue`. A null is one without content.
fn value(out: &mut Vec<u8>, json: &Json<'_>) {
    match json {
        Json::Null => {}
        Json::Bool(truth) => wire::number(out, field::BOOL, u64::from(*truth)),
        Json::Str(text) => string(out, text),
        Json::Number(text) => match text.parse::<i128>() {
            Ok(number) => integer(out, number),
            // With a fraction or an exponent: a float. One that cannot be read is sent as the text that it is.
            Err(_) => match text.parse::<f64>() {
                Ok(float) => wire::fixed64(out, field::DOUBLE, float.to_bits()),
                Err(_) => string(out, text),
            },
        },
        Json::List(values) => wire::message(out, field::LIST, |out| {
            for json in values {
                wire::message(out, field::VALUES, |out| value(out, json));
            }
        }),
        Json::Object(members) if is_form(members) => {
            if !form(out, members) {
                map(out, members);
            }
        }
        Json::Object(members) => map(out, members),
    }
}

fn map(out: &mut Vec<u8>, members: &Members<'_>) {
    wire::message(out, field::MAP, |out| {
        for (key, json) in members {
            pair(out, field::VALUES, &[key], |out| value(out, json));
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
            Ok(float) => wire::fixed64(out, field::DOUBLE, float.to_bits()),
            Err(_) => return false,
        },
        "$bytes" => match base64::engine::general_purpose::STANDARD.decode(text.as_bytes()) {
            Ok(bytes) => wire::bytes(out, field::BYTES, &bytes),
            Err(_) => return false,
        },
        _ => return false,
    }
    true
}

/// An integer; one that OTLP cannot hold as one stays the one-key map that a line would have.
fn integer(out: &mut Vec<u8>, number: i128) {
    match i64::try_from(number) {
        Ok(number) => wire::number(out, field::INT, number as u64),
        Err(_) => wire::message(out, field::MAP, |out| {
            pair(out, field::VALUES, &["$int"], |out| {
                string(out, itoa::Buffer::new().format(number))
            });
        }),
    }
}
