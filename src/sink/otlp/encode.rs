//! Lines to OTLP: each entry becomes a `LogRecord`, written as protobuf bytes straight from its line.

use std::borrow::Cow;
use std::net::IpAddr;

use super::mapping::{self, GROUPS, PREFIX, Place};
use super::resource::Resource;
use super::value::{attribute, integer, plain, string, text_attribute, value};
use super::wire;
use crate::format::{Entry, Json, Parsed, Steps, time};

/// Numbers of fields, as opentelemetry-proto has them.
mod field {
    pub(super) const RESOURCE_LOGS: u32 = 1;
    pub(super) const SCOPE_LOGS: u32 = 2;
    pub(super) const LOG_RECORDS: u32 = 2;

    pub(super) const TIME: u32 = 1;
    pub(super) const SEVERITY_NUMBER: u32 = 2;
    pub(super) const SEVERITY_TEXT: u32 = 3;
    pub(super) const BODY: u32 = 5;
    pub(super) const FLAGS: u32 = 8;
    pub(super) const TRACE_ID: u32 = 9;
    pub(super) const SPAN_ID: u32 = 10;
    pub(super) const OBSERVED: u32 = 11;
    pub(super) const EVENT_NAME: u32 = 12;

    /// Of an `AnyValue`.
    pub(super) const BYTES: u32 = 7;
}

/// Puts an attribute, named in parts, with the content that is written.
pub(super) type Put<'p> = dyn FnMut(&[&str], &dyn Fn(&mut Vec<u8>)) + 'p;

/// Writes requests.
#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) resource: Resource,
    /// Whether the level goes into the fields for severity.
    pub(super) severity: bool,
}

/// What a line says of the resource that it belongs to.
#[derive(Debug, Default, PartialEq)]
struct Origin<'a> {
    service: Option<Cow<'a, str>>,
    host: Option<Cow<'a, str>>,
}

/// Neighbours in a request that were written by one service on one host: a resource with a scope, begun and not ended.
struct Group<'a> {
    origin: Origin<'a>,
    logs: wire::Open,
    scope: wire::Open,
}

impl<'a> Group<'a> {
    fn open(encoder: &Encoder, origin: Origin<'a>, out: &mut Vec<u8>) -> Self {
        let logs = wire::open(out, field::RESOURCE_LOGS, LARGE);
        let (service, host) = (origin.service.as_deref(), origin.host.as_deref());
        encoder.resource.write(out, service, host);
        let scope = wire::open(out, field::SCOPE_LOGS, LARGE);
        Self { origin, logs, scope }
    }

    fn close(&self, out: &mut Vec<u8>) {
        wire::close(out, &self.scope);
        wire::close(out, &self.logs);
    }
}

/// How many bytes the length of a request's parts takes, and that of a record: mostly.
const LARGE: usize = 3;
const MEDIUM: usize = 2;

impl Encoder {
    /// Appends an `ExportLogsServiceRequest` with the entries, in their order. Neighbours that were written by one service
    /// on one host share a resource; the scope is left empty.
    pub(super) fn request<'a>(&self, entries: &[Entry<'a>], out: &mut Vec<u8>) {
        let mut group: Option<Group<'a>> = None;
        for entry in entries {
            let start = out.len();
            let record = wire::open(out, field::LOG_RECORDS, MEDIUM);
            let origin = self.record(entry, out);
            wire::close(out, &record);
            if group.as_ref().is_some_and(|group| group.origin == origin) {
                continue;
            }
            // Where a record belongs shows at its end: that of the first one, and of one by somebody else, moves there.
            let record = out.split_off(start);
            if let Some(group) = &group {
                group.close(out);
            }
            group = Some(Group::open(self, origin, out));
            out.extend_from_slice(&record);
        }
        if let Some(group) = &group {
            group.close(out);
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

    /// The content of an entry's record.
    fn record<'a>(&self, entry: &Entry<'a>, out: &mut Vec<u8>) -> Origin<'a> {
        // A record is rarely longer than its line by more than this.
        out.reserve(entry.line().len() + 1024);
        wire::fixed64(out, field::OBSERVED, entry.observed_at());
        let start = out.len();
        let mut record = Record {
            encoder: self,
            out,
            origin: Origin::default(),
            trace: [const { None }; 3],
        };
        match std::str::from_utf8(entry.line()).map(|line| record.line(line)) {
            Ok(Ok(())) => record.origin,
            _ => {
                out.truncate(start);
                unreadable(out, entry);
                Origin::default()
            }
        }
    }
}

/// The content of a record that stands for a line that is none.
#[cold]
fn unreadable(out: &mut Vec<u8>, entry: &Entry<'_>) {
    wire::bytes(out, field::EVENT_NAME, mapping::UNREADABLE.as_bytes());
    wire::message(out, field::BODY, |out| match std::str::from_utf8(entry.line()) {
        Ok(text) => string(out, text),
        Err(_) => wire::bytes(out, field::BYTES, entry.line()),
    });
    attribute(out, &[PREFIX, "sequence.number"], |out| {
        integer(out, i128::from(entry.seq()))
    });
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
struct Record<'a, 'o> {
    encoder: &'o Encoder,
    out: &'o mut Vec<u8>,
    origin: Origin<'a>,
    /// The trace, the span and the flags: what they are shows when all of them are known.
    trace: [Option<Json<'a>>; 3],
}

/// The keys of [`Record::trace`].
const TRACE: [&str; 3] = ["trace_id", "span_id", "trace_flags"];

impl<'a> Record<'a, '_> {
    fn line(&mut self, line: &'a str) -> Parsed<()> {
        let mut steps = Steps::new(line);
        steps.members(|steps, key| self.member(steps, &key))?;
        let has_trace = matches!(&self.trace, [Some(trace), ..] if id::<16>(trace).is_some());
        for (key, json) in TRACE.into_iter().zip(std::mem::take(&mut self.trace)) {
            let Some(json) = json else { continue };
            if !(has_trace && self.trace(mapping::place(key), &json)) {
                self.named(Place::Path, key, None, &json);
            }
        }
        steps.end()
    }

    /// Steps over the value of a key of the line.
    fn member(&mut self, steps: &mut Steps<'a>, key: &str) -> Parsed<()> {
        if !steps.is_object() {
            let json = steps.value()?;
            self.put(mapping::place(key), key, None, json);
            return Ok(());
        }
        let place = mapping::place(key);
        let is_group = GROUPS.contains(&key);
        let is_map = matches!(place, Place::Each(_) | Place::AsGiven);
        let count = if !is_group && !is_map {
            let json = steps.value()?;
            self.put(place, key, None, json);
            return Ok(());
        } else if is_group && !steps.is_form() {
            steps.members(|steps, inner| {
                let json = steps.value()?;
                self.put(mapping::place_in(key, &inner), key, Some(&inner), json);
                Ok(())
            })?
        } else if is_map && !steps.is_form() {
            steps.members(|steps, name| {
                let json = steps.value()?;
                self.each(place, &name, &json);
                Ok(())
            })?
        } else {
            let json = steps.value()?;
            self.wrapped(place, key, &json);
            return Ok(());
        };
        if count == 0 {
            self.named(Place::Path, key, None, &Json::Object(Vec::new()));
        }
        Ok(())
    }

    /// An object in place of a group or a map, that stands for something else.
    fn wrapped(&mut self, place: Place, key: &str, json: &Json<'a>) {
        let inner = match json {
            Json::Object(members) => match members.as_slice() {
                [(form, Json::Object(inner))] if form == "$map" && !inner.is_empty() => Some(inner),
                _ => None,
            },
            _ => None,
        };
        match (place, inner) {
            (Place::Each(_) | Place::AsGiven, Some(inner)) => {
                for (name, json) in inner {
                    self.each(place, name, json);
                }
            }
            _ => self.named(place, key, None, json),
        }
    }

    /// A value at its place. Where it does not fit there it is an attribute.
    fn put(&mut self, place: Place, key: &str, inner: Option<&str>, json: Json<'a>) {
        if matches!(place, Place::TraceId | Place::SpanId | Place::Flags) {
            if let Some((_, known)) = TRACE.iter().zip(&mut self.trace).find(|(name, _)| **name == key) {
                *known = Some(json);
            }
            return;
        }
        if !self.field(place, &json) {
            self.named(place, key, inner, &json);
        }
        // The first one of a name; a line has no other.
        match (key, json) {
            ("service", Json::Str(text)) if inner.is_none() => self.origin.service = Some(text),
            ("host", Json::Str(text)) if inner.is_none() => self.origin.host = Some(text),
            _ => {}
        }
    }

    /// A value as an attribute, by the name that its place has, or else its path.
    #[inline]
    fn named(&mut self, place: Place, key: &str, inner: Option<&str>, json: &Json<'_>) {
        match (place, inner) {
            (Place::Own(name), _) => plain(self.out, &[PREFIX, name], json),
            (Place::Standard(name), _) => plain(self.out, &[name], json),
            (_, Some(inner)) => plain(self.out, &[PREFIX, key, ".", inner], json),
            (_, None) => plain(self.out, &[PREFIX, key], json),
        }
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
            (Place::Level, Json::Str(level)) => self.encoder.severity && severity(self.out, level),
            (Place::Resource(name), Json::Str(text)) => self.encoder.resource.says(name, text),
            (Place::Id, json) => {
                plain(self.out, &[mapping::UID], json);
                plain(self.out, &[PREFIX, "record.id"], json);
                true
            }
            (Place::Schema, Json::Number(text)) => {
                text_attribute(self.out, &[PREFIX, "schema.version"], text);
                true
            }
            (Place::Address, json) => {
                self.address(json);
                true
            }
            _ => false,
        }
    }

    fn time(&mut self, text: &str) -> bool {
        let Some(nanos) = time(text) else { return false };
        wire::fixed64(self.out, field::TIME, nanos);
        true
    }

    fn trace(&mut self, place: Place, json: &Json<'_>) -> bool {
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
                text_attribute(self.out, &[PREFIX, mapping::SOURCE_TYPE], kind);
            }
        }
        plain(self.out, &[PREFIX, "source.id"], json);
    }

    /// A member of an object whose members are attributes.
    fn each(&mut self, place: Place, name: &str, json: &Json<'_>) {
        match place {
            Place::Each(object) => plain(self.out, &[PREFIX, object, name], json),
            _ if mapping::is_taken(name) => plain(self.out, &[PREFIX, mapping::ATTRIBUTE, name], json),
            _ => plain(self.out, &[name], json),
        }
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
