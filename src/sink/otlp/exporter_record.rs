//! Records as the SDK of OpenTelemetry has them: read back from what the encoder writes, so that there is one mapping.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::{Key, KeyValue, SpanId, TraceFlags, TraceId};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger, SdkLoggerProvider};
use parking_lot::Mutex;

use super::mapping::PREFIX;
use super::wire::{Field, Fields};

/// Names of events that were given to the SDK, which takes none that may end. Never more than [`Names`] allow.
static NAMES: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);

/// How many names of events the process keeps for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names(pub(super) usize);

impl Names {
    /// The name for ever; `None` where there are too many already.
    fn keep(self, name: &str) -> Option<&'static str> {
        let mut names = NAMES.lock();
        if let Some(known) = names.get(name) {
            return Some(known);
        }
        if names.len() >= self.0 {
            return None;
        }
        let kept: &'static str = Box::leak(name.into());
        names.insert(kept);
        Some(kept)
    }
}

/// Records that have a resource in common.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) resource: Vec<KeyValue>,
    pub(super) records: Vec<SdkLogRecord>,
}

/// Reads requests.
#[derive(Debug)]
pub(super) struct Reader {
    /// Makes records; nothing is ever given to it.
    maker: SdkLogger,
    pub(super) names: Names,
}

impl Reader {
    pub(super) fn new(names: usize) -> Self {
        Self {
            maker: SdkLoggerProvider::builder().build().logger(""),
            names: Names(names),
        }
    }

    /// The records of a request, as the encoder wrote it; `None` where the bytes are none.
    pub(super) fn read(&self, request: &[u8]) -> Option<Vec<Group>> {
        messages(request, 1).map(|group| self.group(group?)).collect()
    }

    fn group(&self, message: &[u8]) -> Option<Group> {
        let mut group = Group::default();
        for field in Fields::of(message) {
            match field? {
                (1, Field::Bytes(resource)) => {
                    for attribute in messages(resource, 1) {
                        let (key, value) = pair(attribute?)?;
                        group.resource.push(KeyValue::new(key, text_of(&value)));
                    }
                }
                (2, Field::Bytes(scope)) => {
                    for record in messages(scope, 2) {
                        group.records.push(self.record(record?)?);
                    }
                }
                _ => {}
            }
        }
        Some(group)
    }

    fn record(&self, message: &[u8]) -> Option<SdkLogRecord> {
        let mut record = self.maker.create_log_record();
        let (mut trace, mut span, mut flags) = (TraceId::INVALID, SpanId::INVALID, None);
        for field in Fields::of(message) {
            match field? {
                (1, Field::Fixed(nanos)) => record.set_timestamp(instant(nanos)),
                (11, Field::Fixed(nanos)) => record.set_observed_timestamp(instant(nanos)),
                (2, Field::Number(number)) => {
                    if let Some((severity, text)) = severity(number) {
                        record.set_severity_number(severity);
                        record.set_severity_text(text);
                    }
                }
                (5, Field::Bytes(body)) => record.set_body(value(body)?),
                (6, Field::Bytes(attribute)) => {
                    let (key, value) = pair(attribute)?;
                    record.add_attribute(key, value);
                }
                (8, Field::Fixed(bits)) => flags = u8::try_from(bits).ok().map(TraceFlags::new),
                (9, Field::Bytes(id)) => trace = TraceId::from_bytes(id.try_into().ok()?),
                (10, Field::Bytes(id)) => span = SpanId::from_bytes(id.try_into().ok()?),
                (12, Field::Bytes(name)) => self.name(&mut record, std::str::from_utf8(name).ok()?),
                _ => {}
            }
        }
        if trace != TraceId::INVALID {
            record.set_trace_context(trace, span, flags);
        }
        Some(record)
    }

    /// An event's name; an attribute where the SDK would have to keep one name too many.
    fn name(&self, record: &mut SdkLogRecord, name: &str) {
        match self.names.keep(name) {
            Some(name) => record.set_event_name(name),
            None => record.add_attribute(format!("{PREFIX}event"), name.to_owned()),
        }
    }
}

/// The messages that are this field of a message.
fn messages(message: &[u8], number: u64) -> impl Iterator<Item = Option<&[u8]>> {
    Fields::of(message).filter_map(move |field| match field {
        Some((found, Field::Bytes(inner))) => (found == number).then_some(Some(inner)),
        Some(_) => None,
        None => Some(None),
    })
}

fn instant(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// The severities that the encoder knows.
fn severity(number: u64) -> Option<(Severity, &'static str)> {
    Some(match number {
        1 => (Severity::Trace, "trace"),
        5 => (Severity::Debug, "debug"),
        9 => (Severity::Info, "info"),
        13 => (Severity::Warn, "warn"),
        17 => (Severity::Error, "error"),
        _ => return None,
    })
}

/// A `KeyValue`.
fn pair(message: &[u8]) -> Option<(Key, AnyValue)> {
    let (mut key, mut content) = (None, None);
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(name)) => key = Some(std::str::from_utf8(name).ok()?.to_owned()),
            (2, Field::Bytes(inner)) => content = Some(value(inner)?),
            _ => {}
        }
    }
    Some((Key::from(key?), content.unwrap_or_else(null)))
}

/// An `AnyValue`.
fn value(message: &[u8]) -> Option<AnyValue> {
    let mut found = null();
    for field in Fields::of(message) {
        found = match field? {
            (1, Field::Bytes(text)) => AnyValue::String(std::str::from_utf8(text).ok()?.to_owned().into()),
            (2, Field::Number(truth)) => AnyValue::Boolean(truth != 0),
            (3, Field::Number(number)) => AnyValue::Int(number.cast_signed()),
            (4, Field::Fixed(bits)) => AnyValue::Double(f64::from_bits(bits)),
            (5, Field::Bytes(list)) => {
                let values = messages(list, 1).map(|inner| value(inner?));
                AnyValue::ListAny(Box::new(values.collect::<Option<_>>()?))
            }
            (6, Field::Bytes(map)) => {
                let pairs = messages(map, 1).map(|inner| pair(inner?));
                AnyValue::Map(Box::new(pairs.collect::<Option<_>>()?))
            }
            (7, Field::Bytes(bytes)) => AnyValue::Bytes(Box::new(bytes.to_vec())),
            _ => found,
        };
    }
    Some(found)
}

/// The SDK has no null: it is the one-key map `{"$null":true}`, which no map of a line can be.
fn null() -> AnyValue {
    AnyValue::Map(Box::new(HashMap::from([(
        Key::from_static_str("$null"),
        AnyValue::Boolean(true),
    )])))
}

/// The text of an attribute of a resource; all that we set are texts.
fn text_of(value: &AnyValue) -> String {
    match value {
        AnyValue::String(text) => text.as_str().to_owned(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Entry;
    use crate::sink::otlp::encode::Encoder;
    use crate::sink::otlp::resource::Resource;

    #[test]
    fn what_is_no_request_is_told_from_one_and_nobody_panics() {
        let reader = Reader::new(usize::MAX);
        let mut encoder = Encoder::new(Resource::default(), true);
        let line = br#"{"attributes":{"a":[null,1,{"b":true}]},"event":"e","host":"h","level":"info","seq":7,"service":"s","span_id":"b7ad6b7169203331","time":"2026-11-21T09:00:00.000000001Z","trace_flags":1,"trace_id":"0af7651916cd43dd8448eb211c80319c"}"#;
        let mut request = Vec::new();
        encoder.request(&[Entry::new(7, 9, line)], &mut request);
        let groups = reader.read(&request).expect("it is one");
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].records[0].event_name(), Some("e"));
        for len in 0..request.len() {
            let _ = reader.read(&request[..len]);
            let mut changed = request.clone();
            changed[len] ^= 0x15;
            let _ = reader.read(&changed);
        }
        assert!(reader.read(b"\x0a\x05").is_none());
    }

    #[test]
    fn names_beyond_the_bound_are_not_kept() {
        let known = "a name that is kept";
        let kept = Names(usize::MAX).keep(known).expect("there is room");
        let again = Names(0).keep(known).expect("it is there");
        assert!(std::ptr::eq(kept, again));
        assert_eq!(Names(0).keep("a name that is not kept"), None);
    }
}
