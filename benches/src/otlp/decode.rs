//! A request as the receiver reads it while the time runs: every field of every record is gone through and every text
//! checked, and nothing is copied. What a record costs here is the same whoever sent it; a reader that builds every record
//! takes as much as a sender, and would be what is measured.

use anyhow::{Result, ensure};

/// A field of a message.
enum Field<'a> {
    Varint(u64),
    Fixed,
    Bytes(&'a [u8]),
}

/// The fields of a message. Where it is none, they end, and that is told behind the last.
struct Fields<'a> {
    rest: &'a [u8],
    is_wrong: bool,
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn of(message: &'a [u8]) -> Self {
        Self {
            rest: message,
            is_wrong: false,
        }
    }

    #[inline(always)]
    fn varint(&mut self) -> Option<u64> {
        match self.rest.split_first() {
            Some((byte, rest)) if *byte < 0x80 => {
                self.rest = rest;
                Some(u64::from(*byte))
            }
            _ => self.long(),
        }
    }

    fn long(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for (at, byte) in self.rest.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7F) << (7 * at);
            if *byte < 0x80 {
                self.rest = self.rest.get(at + 1..)?;
                return Some(number);
            }
        }
        None
    }

    #[inline(always)]
    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    #[inline(always)]
    fn next(&mut self) -> Option<(u64, Field<'a>)> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        self.is_wrong = field.is_none();
        field
    }

    #[inline(always)]
    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => self.take(8).map(|_| Field::Fixed)?,
            2 => {
                let len = self.varint()?;
                Field::Bytes(self.take(len)?)
            }
            5 => self.take(4).map(|_| Field::Fixed)?,
            _ => return None,
        };
        Some((tag >> 3, field))
    }
}

/// Whether bytes are a text.
#[inline(always)]
fn is_text(bytes: &[u8]) -> bool {
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()
}

/// Goes through a request. `each` is given the number of every event, and the record that states it.
///
/// # Errors
/// When it is not a request.
pub fn request<'a>(request: &'a [u8], mut each: impl FnMut(u64, &'a [u8])) -> Result<()> {
    let mut logs = Fields::of(request);
    let mut is_right = true;
    while let Some(field) = logs.next() {
        let (1, Field::Bytes(logs)) = field else { continue };
        let mut scopes = Fields::of(logs);
        while let Some(field) = scopes.next() {
            is_right &= match field {
                (1, Field::Bytes(resource)) => attributes(resource, 1).is_some(),
                (2, Field::Bytes(scope)) => records(scope, &mut each),
                _ => true,
            };
        }
        is_right &= !scopes.is_wrong;
    }
    ensure!(is_right && !logs.is_wrong, "it is not a request");
    Ok(())
}

fn records<'a>(scope: &'a [u8], each: &mut impl FnMut(u64, &'a [u8])) -> bool {
    let mut fields = Fields::of(scope);
    while let Some(field) = fields.next() {
        let (2, Field::Bytes(record)) = field else {
            continue;
        };
        match attributes(record, 6) {
            None => return false,
            Some(Some(number)) => each(number, record),
            Some(None) => {}
        }
    }
    !fields.is_wrong
}

/// Goes through a record or a resource; `None` where it is none. The number in the attribute that every peer calls the same,
/// if it is there.
fn attributes(message: &[u8], number: u64) -> Option<Option<u64>> {
    /// `severity_text`, `event_name` of a record; `body` of one.
    const TEXTS: [u64; 2] = [3, 12];
    const BODY: u64 = 5;
    let mut found = None;
    let mut fields = Fields::of(message);
    while let Some((at, field)) = fields.next() {
        let Field::Bytes(bytes) = field else { continue };
        if at == number {
            if let (b"bytes", Some(number)) = pair(bytes)? {
                found = Some(number);
            }
        } else if at == BODY {
            value(bytes)?;
        } else if TEXTS.contains(&at) && !is_text(bytes) {
            return None;
        }
    }
    (!fields.is_wrong).then_some(found)
}

/// A key with its value, where that is an integer from 0; `None` where it is no pair.
#[inline]
fn pair(message: &[u8]) -> Option<(&[u8], Option<u64>)> {
    let (mut key, mut number): (&[u8], _) = (b"", None);
    let mut fields = Fields::of(message);
    while let Some(field) = fields.next() {
        match field {
            (1, Field::Bytes(text)) => key = text,
            (2, Field::Bytes(any)) => number = value(any)?,
            _ => {}
        }
    }
    (!fields.is_wrong && is_text(key)).then_some((key, number))
}

fn value(message: &[u8]) -> Option<Option<u64>> {
    let mut number = None;
    let mut fields = Fields::of(message);
    while let Some(field) = fields.next() {
        match field {
            (1, Field::Bytes(text)) if !is_text(text) => return None,
            (3, Field::Varint(integer)) => number = Some(integer).filter(|_| integer <= i64::MAX as u64),
            // A list: of values. A map: of pairs.
            (5, Field::Bytes(list)) => inner(list, |bytes| value(bytes).is_some())?,
            (6, Field::Bytes(map)) => inner(map, |bytes| pair(bytes).is_some())?,
            _ => {}
        }
    }
    (!fields.is_wrong).then_some(number)
}

fn inner(message: &[u8], each: impl Fn(&[u8]) -> bool) -> Option<()> {
    let mut fields = Fields::of(message);
    while let Some(field) = fields.next() {
        if let (1, Field::Bytes(bytes)) = field
            && !each(bytes)
        {
            return None;
        }
    }
    (!fields.is_wrong).then_some(())
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    use prost::Message as _;

    use super::*;

    fn any(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    fn pair(key: &str, value: Value) -> KeyValue {
        KeyValue {
            key: key.into(),
            value: Some(any(value)),
            ..KeyValue::default()
        }
    }

    fn record(number: i64) -> LogRecord {
        let text = || any(Value::StringValue("déjà vu".into()));
        let list = Value::ArrayValue(ArrayValue {
            values: vec![text(), any(Value::BoolValue(true)), AnyValue { value: None }],
        });
        let map = Value::KvlistValue(KeyValueList {
            values: vec![
                pair("bytes", Value::IntValue(99)),
                pair("d", Value::DoubleValue(0.5)),
            ],
        });
        LogRecord {
            time_unix_nano: 7,
            event_name: "document.share".into(),
            severity_text: "INFO".into(),
            body: Some(text()),
            trace_id: vec![1; 16],
            flags: 1,
            attributes: vec![
                pair("list", list),
                pair("bytes", Value::IntValue(number)),
                pair("map", map),
            ],
            ..LogRecord::default()
        }
    }

    fn encoded(numbers: impl Iterator<Item = i64>) -> Vec<u8> {
        let scope = ScopeLogs {
            log_records: numbers.map(record).collect(),
            ..ScopeLogs::default()
        };
        let logs = ResourceLogs {
            scope_logs: vec![scope],
            ..ResourceLogs::default()
        };
        ExportLogsServiceRequest {
            resource_logs: vec![logs],
        }
        .encode_to_vec()
    }

    #[test]
    fn every_event_is_given_with_its_number_and_a_record_that_opentelemetrys_reader_reads() {
        let bytes = encoded([0, 300, -1, i64::MAX].into_iter());
        let mut found = Vec::new();
        request(&bytes, |number, record| {
            found.push((number, LogRecord::decode(record).unwrap()));
        })
        .unwrap();
        let wanted = [0, 300, i64::MAX].map(|number| (number as u64, record(number)));
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_is_cut_short_and_what_is_no_text_is_refused_as_opentelemetrys_reader_does() {
        let whole = encoded(0..2);
        for at in 0..whole.len() {
            let mut wrong = whole.clone();
            wrong.truncate(at);
            let is_refused = ExportLogsServiceRequest::decode(&*wrong).is_err();
            assert_eq!(request(&wrong, |_, _| ()).is_err(), is_refused, "cut at {at}");
        }
        for text in ["document.share", "INFO", "vu", "map"] {
            let mut wrong = whole.clone();
            let at = wrong.windows(text.len()).position(|part| part == text.as_bytes());
            wrong[at.unwrap()] = 0xFF;
            assert!(ExportLogsServiceRequest::decode(&*wrong).is_err());
            assert!(request(&wrong, |_, _| ()).is_err(), "{text}");
        }
    }
}
