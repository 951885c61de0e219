//! A line as a record of the file: what a reader is given for it.

use crate::format::read_line;
use crate::record::{Record, Slot, Value};

/// What stands for a value that the file does not have: a line states only a commitment to it.
const ERASED: &str = "[ERASED]";

/// The record of a line, with its place; `None` where it is none. Erasable values are not here: the file is a copy of the
/// lines, and what is erased beside the journal must not live on in a copy.
pub(crate) fn read(line: &[u8]) -> Option<Record> {
    let mut record = read_line(line).ok()?;
    record.uint(Slot::ObservedAt)?;
    if memchr::memmem::find(line, b"{\"$commit\":\"").is_some() {
        let opened: Vec<(Slot, Value)> = record
            .slots()
            .map(|(slot, value)| (slot, without(value.clone())))
            .collect();
        for (slot, value) in opened {
            record.put(slot, value);
        }
    }
    Some(record)
}

fn without(value: Value) -> Value {
    match value {
        Value::Commitment(_) => Value::from(ERASED),
        Value::Map(members) => Value::Map(
            members
                .into_iter()
                .map(|(key, value)| (key, without(value)))
                .collect(),
        ),
        value => value,
    }
}

/// Whether a record stands for records of this trail that are lost.
pub(crate) fn is_gap(record: &Record) -> bool {
    record.event() == "audit.gap" && record.get(Slot::Profile).is_none()
}
