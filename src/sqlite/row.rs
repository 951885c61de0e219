//! A line as a record of the file: what a reader is given for it.

use std::sync::LazyLock;

use super::columns::COLUMNS;
use crate::format::{Wanted, read_line, skim};
use crate::record::{Record, Slot, Value};

/// What stands for a value that the file does not have: a line states only a commitment to it.
const ERASED: &str = "[ERASED]";

/// What a commitment begins with.
const COMMITMENT: &[u8] = b"{\"$commit\":\"";

/// What stands in columns, and what says whether a line is a gap.
static WANTED: LazyLock<Option<Wanted>> =
    LazyLock::new(|| Wanted::new(COLUMNS.iter().map(|column| column.slot)));

/// What stands in the columns of a line, where it can be had without reading all of it: the line is in our own spelling, and
/// has no escapes and no commitments. A value that no column holds is stepped over, whatever it is.
pub(super) fn columns(line: &[u8]) -> Option<Record> {
    if memchr::memchr(b'\\', line).is_some() || memchr::memmem::find(line, COMMITMENT).is_some() {
        return None;
    }
    let record = skim(line, WANTED.as_ref()?)?;
    record.uint(Slot::ObservedAt)?;
    Some(record)
}

/// The record of a line, with its place; `None` where it is none. Erasable values are not here: the file is a copy of the
/// lines, and what is erased beside the journal must not live on in a copy.
pub(crate) fn read(line: &[u8]) -> Option<Record> {
    let mut record = read_line(line).ok()?;
    record.uint(Slot::ObservedAt)?;
    if memchr::memmem::find(line, COMMITMENT).is_some() {
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
