//! A line as a record of the file: what a reader is given for it.

use rusqlite::types::ValueRef;

use super::columns::COLUMNS;
use crate::format::{Slots, Stands, Times, read_line};
use crate::record::marks::{COMMITMENT, ERASED, GAP};
use crate::record::{Kind, Record, Slot, Value};

/// What stands in the columns of a line, taken from the line itself.
pub(super) struct Columns<'a> {
    pub(super) line: &'a str,
    pub(super) stream: &'a str,
    pub(super) time: u64,
    pub(super) is_gap: bool,
    /// In the order of [`COLUMNS`].
    pub(super) cells: [ValueRef<'a>; COLUMNS.len()],
}

/// Reads the columns of one line after the other.
#[derive(Debug)]
pub(super) struct Cells {
    slots: Option<Slots>,
    /// For each slot, the column that holds it.
    places: Vec<Option<usize>>,
    times: Times,
    observed: Times,
}

impl Default for Cells {
    fn default() -> Self {
        let place = |slot: &Slot| COLUMNS.iter().position(|column| column.slot == *slot);
        Self {
            slots: Slots::new(COLUMNS.iter().map(|column| column.slot)),
            places: Slot::ALL.iter().map(place).collect(),
            times: Times::default(),
            observed: Times::default(),
        }
    }
}

impl Cells {
    /// The columns of a line, where they can be had without reading all of it: it has no escapes and no commitments, and in them
    /// stand texts and numbers that are not too long. A value that no column holds is stepped over, as [`Slots::read`] does.
    pub(super) fn of<'a>(&mut self, line: &'a [u8]) -> Option<Box<Columns<'a>>> {
        if memchr::memchr(b'\\', line).is_some() || memchr::memmem::find(line, COMMITMENT).is_some() {
            return None;
        }
        let mut columns = Box::new(Columns {
            line: std::str::from_utf8(line).ok()?,
            stream: "",
            time: 0,
            is_gap: false,
            cells: [ValueRef::Null; COLUMNS.len()],
        });
        let (mut is_observed, mut is_foreign) = (false, false);
        let (places, times, observed) = (&self.places, &mut self.times, &mut self.observed);
        self.slots.as_mut()?.read(line, |slot, found| {
            let cell = match (slot.kind(), found) {
                (Kind::Time, Stands::Text(text)) if slot == Slot::Time => {
                    columns.time = times.nanos(text)?;
                    return Some(());
                }
                (Kind::Time, Stands::Text(text)) => {
                    observed.nanos(text)?;
                    is_observed = true;
                    return Some(());
                }
                (Kind::Uint, Stands::Digits(digits)) => {
                    ValueRef::Integer(i64::try_from(digits.number()).unwrap_or(i64::MAX))
                }
                (Kind::Text | Kind::Id | Kind::Hex, Stands::Text(text)) => {
                    match slot {
                        Slot::Stream => columns.stream = text.as_str(),
                        Slot::Event => columns.is_gap = text.bytes() == GAP.as_bytes(),
                        Slot::Profile => is_foreign = true,
                        _ => {}
                    }
                    ValueRef::Text(text.bytes())
                }
                _ => return None,
            };
            let place = places.get(slot as usize).copied().flatten();
            if let Some(place) = place.and_then(|place| columns.cells.get_mut(place)) {
                *place = cell;
            }
            Some(())
        })?;
        columns.is_gap &= !is_foreign;
        is_observed.then_some(columns)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::marks::is_gap;

    #[test]
    fn the_columns_of_a_line_are_those_of_its_record() {
        let gap = Record::builder("audit.gap").time(7);
        let full = Record::builder("document.read")
            .time(1_795_219_200_123_456_789)
            .actor("user", "ana")
            .resource("document", "Straße")
            .outcome("denied")
            .set(Slot::DurationNs, u64::from(u32::MAX))
            .set(Slot::ScopeTenant, "t-1")
            .label("team", "core")
            .attribute("inner", Value::from(vec!["a", "b"]));
        let foreign = Record::builder("audit.gap").set(Slot::Profile, "other").time(1);
        let mut cells = Cells::default();
        for record in [gap, full, foreign] {
            let line = crate::format::write_line(&record.build(), "main-1", 3, 9, uuid::Uuid::nil());
            let (whole, columns) = (read(&line).unwrap(), cells.of(&line).unwrap());
            assert_eq!(columns.stream, "main-1");
            assert_eq!(Some(columns.time), whole.uint(Slot::Time));
            assert_eq!(columns.is_gap, is_gap(&whole));
            for (column, cell) in COLUMNS.iter().zip(columns.cells) {
                assert_eq!(column.cell(&whole), cell, "{}", column.name);
            }
        }
    }

    #[test]
    fn a_line_that_must_be_read_whole_has_no_columns_here() {
        let line = |record: crate::record::RecordBuilder| {
            crate::format::write_line(&record.time(1).build(), "main", 0, 1, uuid::Uuid::nil())
        };
        let plain = line(Record::builder("e"));
        let has_columns = |line: &[u8]| Cells::default().of(line).is_some();
        assert!(has_columns(&plain));
        assert!(!has_columns(&line(Record::builder("e").summary("two\nlines"))));
        let large = Record::builder("e").set(Slot::DurationNs, u64::MAX);
        assert!(!has_columns(&line(large)), "it is no plain number");
        let text = String::from_utf8(plain).unwrap();
        assert!(!has_columns(
            text.replace("\"event\":\"e\"", "\"event\":7").as_bytes()
        ));
        let odd = text.replace("\"observed_at\":\"1970", "\"observed_at\":\"x970");
        assert!(!has_columns(odd.as_bytes()));
    }
}
