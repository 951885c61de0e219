//! Lines to OTLP: each entry becomes a `LogRecord`, written as protobuf bytes straight from its line.

use std::borrow::Cow;
use std::net::IpAddr;

use super::mapping::{self, GROUPS, PREFIX, Place};
use super::resource::Resource;
use super::value::{Key, attribute, integer, plain, string, text_attribute, value};
use super::wire;
use crate::format::{Entry, Json, Plain, Reader, Spot, Times, Track, time};

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
    /// What was written of lines before.
    track: Track<Way>,
    times: Times,
}

/// Where the values of a key go.
#[derive(Debug)]
struct Way {
    place: Place,
    /// Whether they are attributes, whatever they are.
    is_plain: bool,
    /// The name of the attribute, if they are.
    name: Key,
    /// That of a second one.
    second: Option<Key>,
}

impl Default for Way {
    fn default() -> Self {
        Self::of(Spot {
            object: None,
            key: "",
        })
    }
}

impl Way {
    fn of(spot: Spot<'_>) -> Self {
        let Spot { object, key } = spot;
        let place = match object {
            Some(object) if GROUPS.contains(&object) => mapping::place_in(object, key),
            Some(object) => mapping::place(object),
            None => mapping::place(key),
        };
        let is_member = object.is_some();
        let name = match (place, object) {
            (Place::Own(name), _) => Key::new(&[PREFIX, name]),
            (Place::Standard(name), _) => Key::new(&[name]),
            (Place::Id, _) => Key::new(&[PREFIX, "record.id"]),
            (Place::Schema, _) => Key::new(&[PREFIX, "schema.version"]),
            (Place::Address, _) => Key::new(&[PREFIX, "source.id"]),
            (Place::Each(object), Some(_)) => Key::new(&[PREFIX, object, key]),
            (Place::AsGiven, Some(_)) if mapping::is_taken(key) => {
                Key::new(&[PREFIX, mapping::ATTRIBUTE, key])
            }
            (Place::AsGiven, Some(_)) => Key::new(&[key]),
            (_, Some(object)) => Key::new(&[PREFIX, object, ".", key]),
            (_, None) => Key::new(&[PREFIX, key]),
        };
        let is_plain = match place {
            Place::Own(_) | Place::Standard(_) | Place::Path => true,
            Place::Each(_) | Place::AsGiven => is_member,
            _ => false,
        };
        Self {
            place,
            is_plain,
            name,
            second: (place == Place::Id).then(|| Key::new(&[mapping::UID])),
        }
    }
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
    fn open(resource: &Resource, origin: Origin<'a>, out: &mut Vec<u8>) -> Self {
        let logs = wire::open(out, field::RESOURCE_LOGS, LARGE);
        let (service, host) = (origin.service.as_deref(), origin.host.as_deref());
        resource.write(out, service, host);
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
    pub(super) fn new(resource: Resource, severity: bool) -> Self {
        Self {
            resource,
            severity,
            track: Track::default(),
            times: Times::default(),
        }
    }

    /// Appends an `ExportLogsServiceRequest` with the entries, in their order. Neighbours that were written by one service
    /// on one host share a resource; the scope is left empty.
    pub(super) fn request<'a>(&mut self, entries: &[Entry<'a>], out: &mut Vec<u8>) {
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
            group = Some(Group::open(&self.resource, origin, out));
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
    fn record<'a>(&mut self, entry: &Entry<'a>, out: &mut Vec<u8>) -> Origin<'a> {
        // A record is rarely longer than its line by more than this.
        out.reserve(entry.line().len() + 1024);
        wire::fixed64(out, field::OBSERVED, entry.observed_at());
        let start = out.len();
        let mut record = Record {
            resource: &self.resource,
            severity: self.severity,
            out,
            origin: Origin::default(),
            trace: [const { None }; 3],
            times: &mut self.times,
        };
        if self.track.read(entry.line(), &mut record).is_ok() {
            record.end();
            return record.origin;
        }
        out.truncate(start);
        unreadable(out, entry);
        Origin::default()
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
    resource: &'o Resource,
    severity: bool,
    out: &'o mut Vec<u8>,
    origin: Origin<'a>,
    /// The trace, the span and the flags: what they are shows when all of them are known.
    trace: [Option<Json<'a>>; 3],
    times: &'o mut Times,
}

/// The keys of [`Record::trace`].
const TRACE: [&str; 3] = ["trace_id", "span_id", "trace_flags"];

impl<'a> Reader<'a, Way> for Record<'a, '_> {
    fn enters(&self, key: &str) -> bool {
        GROUPS.contains(&key) || matches!(mapping::place(key), Place::Each(_) | Place::AsGiven)
    }

    fn keeps(&self, spot: Spot<'_>) -> Way {
        Way::of(spot)
    }

    #[inline]
    fn value(&mut self, way: &Way, json: Json<'a>) {
        if way.is_plain {
            return way.name.attribute(self.out, &json);
        }
        let known = match way.place {
            Place::TraceId => 0,
            Place::SpanId => 1,
            Place::Flags => 2,
            _ => return self.special(way, json),
        };
        if let Some(known) = self.trace.get_mut(known) {
            *known = Some(json);
        }
    }

    #[inline(always)]
    fn text(&mut self, way: &Way, text: Plain<'a>) {
        if way.is_plain {
            return way.name.plain(self.out, text);
        }
        match (way.place, &way.second) {
            (Place::Observed, _) => {}
            (Place::Time, _) => match self.times.nanos(text) {
                Some(nanos) => wire::fixed64(self.out, field::TIME, nanos),
                None => self.value(way, Json::Str(Cow::Borrowed(text.as_str()))),
            },
            (Place::EventName, _) => wire::bytes(self.out, field::EVENT_NAME, text.bytes()),
            (Place::Level, _) if !self.severity => way.name.plain(self.out, text),
            (Place::Id, Some(uid)) => {
                uid.plain(self.out, text);
                way.name.plain(self.out, text);
            }
            _ => self.value(way, Json::Str(Cow::Borrowed(text.as_str()))),
        }
    }

    #[inline(always)]
    fn digits(&mut self, way: &Way, digits: Plain<'a>) {
        match way.place {
            Place::Schema => way.name.plain(self.out, digits),
            _ if way.is_plain => way.name.number(self.out, digits.number()),
            _ => self.value(way, Json::Number(digits.as_str())),
        }
    }
}

impl<'a> Record<'a, '_> {
    /// Writes what had to wait for the end of the line.
    fn end(&mut self) {
        let has_trace = matches!(&self.trace, [Some(trace), ..] if id::<16>(trace).is_some());
        for (key, json) in TRACE.into_iter().zip(std::mem::take(&mut self.trace)) {
            let Some(json) = json else { continue };
            if !(has_trace && self.trace(mapping::place(key), &json)) {
                plain(self.out, &[PREFIX, key], &json);
            }
        }
    }

    /// A value that is not an attribute, where it fits its place.
    fn special(&mut self, way: &Way, json: Json<'a>) {
        if !self.field(way, &json) {
            way.name.attribute(self.out, &json);
        }
        match (way.place, json) {
            (Place::Resource("service.name"), Json::Str(text)) => self.origin.service = Some(text),
            (Place::Resource(_), Json::Str(text)) => self.origin.host = Some(text),
            _ => {}
        }
    }

    /// Whether the value went to a place of its own.
    fn field(&mut self, way: &Way, json: &Json<'_>) -> bool {
        match (way.place, json) {
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
            (Place::Level, Json::Str(level)) => self.severity && severity(self.out, level),
            (Place::Resource(name), Json::Str(text)) => self.resource.says(name, text),
            (Place::Id, json) => {
                plain(self.out, &[mapping::UID], json);
                false
            }
            (Place::Schema, Json::Number(text)) => {
                way.name.text(self.out, text);
                true
            }
            (Place::Address, json) => {
                self.kind(json);
                false
            }
            (Place::Each(_) | Place::AsGiven, Json::Object(members)) => self.wrapped(way.place, members),
            _ => false,
        }
    }

    /// The members of a map whose only key begins with `$`, which stands wrapped.
    fn wrapped(&mut self, place: Place, members: &[(Cow<'_, str>, Json<'_>)]) -> bool {
        let [(form, Json::Object(inner))] = members else {
            return false;
        };
        if form != "$map" || inner.is_empty() {
            return false;
        }
        for (name, json) in inner {
            match place {
                Place::Each(object) => plain(self.out, &[PREFIX, object, name], json),
                _ if mapping::is_taken(name) => plain(self.out, &[PREFIX, mapping::ATTRIBUTE, name], json),
                _ => plain(self.out, &[name], json),
            }
        }
        true
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

    /// The kind of an address.
    fn kind(&mut self, json: &Json<'_>) {
        let Json::Str(text) = json else { return };
        let kind = match text.parse() {
            Ok(IpAddr::V4(_)) => "ipv4",
            Ok(IpAddr::V6(_)) => "ipv6",
            Err(_) => return,
        };
        text_attribute(self.out, &[PREFIX, mapping::SOURCE_TYPE], kind);
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
