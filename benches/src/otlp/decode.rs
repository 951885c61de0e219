//! A request as the receiver reads it while the time runs: every field of every record is gone through and every text
//! checked, and nothing is copied. What a record costs here is the same whoever sent it; a reader that builds every record
//! takes as much as a sender, and would be what is measured.

use std::str::from_utf8;

use anyhow::{Context, Result, bail};

/// A field of a message.
enum Field<'a> {
    Varint(u64),
    Fixed,
    Bytes(&'a [u8]),
}

/// The fields of a message.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Result<u64> {
        let mut number = 0_u64;
        for (at, byte) in self.0.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7F) << (7 * at);
            if *byte < 0x80 {
                self.0 = self.0.get(at + 1..).unwrap_or_default();
                return Ok(number);
            }
        }
        bail!("a number does not end")
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).context("a message ends early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn next(&mut self) -> Result<Option<(u64, Field<'a>)>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => self.take(8).map(|_| Field::Fixed)?,
            2 => {
                let len = usize::try_from(self.varint()?)?;
                Field::Bytes(self.take(len)?)
            }
            5 => self.take(4).map(|_| Field::Fixed)?,
            kind => bail!("there is no kind {kind}"),
        };
        Ok(Some((tag >> 3, field)))
    }
}

/// Goes through a request. `each` is given the number of every event, and the record that states it.
///
/// # Errors
/// When it is not a request.
pub fn request<'a>(request: &'a [u8], mut each: impl FnMut(u64, &'a [u8])) -> Result<()> {
    let mut logs = Fields(request);
    while let Some(field) = logs.next()? {
        let (1, Field::Bytes(logs)) = field else { continue };
        let mut scopes = Fields(logs);
        while let Some(field) = scopes.next()? {
            match field {
                (1, Field::Bytes(resource)) => drop(attributes(resource, 1)?),
                (2, Field::Bytes(scope)) => records(scope, &mut each)?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn records<'a>(scope: &'a [u8], each: &mut impl FnMut(u64, &'a [u8])) -> Result<()> {
    let mut fields = Fields(scope);
    while let Some(field) = fields.next()? {
        if let (2, Field::Bytes(record)) = field
            && let Some(number) = attributes(record, 6)?
        {
            each(number, record);
        }
    }
    Ok(())
}

/// Goes through a record or a resource. The number in the attribute that every peer calls the same, if it is there.
fn attributes(message: &[u8], number: u64) -> Result<Option<u64>> {
    /// `severity_text`, `event_name` of a record; `body` of one.
    const TEXTS: [u64; 2] = [3, 12];
    const BODY: u64 = 5;
    let mut found = None;
    let mut fields = Fields(message);
    while let Some((at, field)) = fields.next()? {
        let Field::Bytes(bytes) = field else { continue };
        if at == number {
            let (key, value) = pair(bytes)?;
            found = match value {
                Some(number) if key == "bytes" => Some(number),
                _ => found,
            };
        } else if at == BODY {
            value(bytes)?;
        } else if TEXTS.contains(&at) {
            from_utf8(bytes)?;
        }
    }
    Ok(found)
}

/// A key with its value, where that is an integer from 0.
fn pair(message: &[u8]) -> Result<(&str, Option<u64>)> {
    let (mut key, mut number) = ("", None);
    let mut fields = Fields(message);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(text)) => key = from_utf8(text)?,
            (2, Field::Bytes(any)) => number = value(any)?,
            _ => {}
        }
    }
    Ok((key, number))
}

fn value(message: &[u8]) -> Result<Option<u64>> {
    let mut number = None;
    let mut fields = Fields(message);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(text)) => drop(from_utf8(text)?),
            (3, Field::Varint(integer)) => number = Some(integer).filter(|_| integer <= i64::MAX as u64),
            // A list: of values. A map: of pairs.
            (5, Field::Bytes(list)) => inner(list, |bytes| value(bytes).map(drop))?,
            (6, Field::Bytes(map)) => inner(map, |bytes| pair(bytes).map(drop))?,
            _ => {}
        }
    }
    Ok(number)
}

fn inner(message: &[u8], each: impl Fn(&[u8]) -> Result<()>) -> Result<()> {
    let mut fields = Fields(message);
    while let Some(field) = fields.next()? {
        if let (1, Field::Bytes(bytes)) = field {
            each(bytes)?;
        }
    }
    Ok(())
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
    fn what_opentelemetrys_reader_refuses_is_refused() {
        let whole = encoded(0..2);
        for at in 0..whole.len() {
            let mut wrong = whole.clone();
            wrong[at] = 0xFF;
            for bytes in [&whole[..at], &wrong] {
                if ExportLogsServiceRequest::decode(bytes).is_err() {
                    // What is no field of it is stepped over: only the reader that builds it can say more of that.
                    let read = request(bytes, |_, _| ());
                    let is_cut = bytes.len() < whole.len();
                    assert!(read.is_err() || !is_cut, "at {at}");
                }
            }
        }
    }
}
