//! `fields`: the values that a field has, or the fields that records have.

use serde_json::json;
use tracing_audit::Query;
use tracing_audit::query::Field;
use tracing_audit::record::{Kind, Record, Slot};
use tracing_audit::store::{Filter, RawTest, Window};

use super::count::write;
use super::tally::{self, Tally};
use super::{Met, tell, tell_slips};
use crate::asking::Fields;
use crate::grid::Grid;
use crate::out::{Failure, Out, code};
use crate::words::{self, counted, harmless};

pub(crate) fn run(fields: &Fields) -> Result<u8, Failure> {
    let asked = &fields.counting;
    let query = super::question(&asked.filter, &asked.range)?;
    let field = fields.field.as_deref().map(Field::named).transpose()?;
    let store = super::open(&fields.dir)?;
    let mut met = Met::default();
    let mut found = Found::default();
    // To know the names of all fields, all of a record is read.
    let slots = field
        .as_ref()
        .map_or_else(|| vec![Slot::Attributes], Field::slots);
    let whole = Whole(&query);
    let filter: &dyn Filter = if field.is_some() { &query } else { &whole };
    tally::each(&store, filter, slots, &mut met, |record, _| {
        found.take(match &field {
            Some(field) => field.texts(record),
            None => names(record),
        });
        Ok(())
    })?;
    let mut out = Out::paged(asked.color, asked.answer.no_pager || asked.json);
    if asked.json {
        found.json(&mut out, fields.limit)?;
    } else {
        found.table(&mut out, field.as_ref(), fields.limit)?;
    }
    out.flush()?;
    drop(out);
    tell(&met);
    if found.records == 0 {
        tell_slips(&query);
    }
    Ok(if found.tally.is_empty() && asked.answer.fail_if_empty {
        code::EMPTY
    } else {
        code::OK
    })
}

/// What was counted.
#[derive(Debug, Default)]
struct Found {
    tally: Tally,
    records: u64,
    /// Records that have no value.
    without: u64,
}

impl Found {
    fn take(&mut self, texts: Vec<String>) {
        self.records += 1;
        self.without += u64::from(texts.is_empty());
        texts.into_iter().for_each(|text| self.tally.one(text));
    }

    fn json(&self, out: &mut Out, limit: usize) -> Result<(), Failure> {
        let (rows, other) = self.tally.most(limit);
        for (key, count) in &rows {
            out.json(&json!({"value": key.first(), "records": count}))?;
        }
        for (key, count) in [("other", other), ("without", self.without)] {
            if count > 0 {
                out.json(&json!({"value": null, key: true, "records": count}))?;
            }
        }
        Ok(())
    }

    fn table(&self, out: &mut Out, field: Option<&Field>, limit: usize) -> Result<(), Failure> {
        let (rows, other) = self.tally.most(limit);
        let head = field.map_or_else(|| "FIELD".to_owned(), |field| field.name().to_uppercase());
        let mut grid = Grid::new([head.as_str(), "#RECORDS", "#SHARE"]);
        for (key, count) in &rows {
            let numbers = [words::count(*count), words::percent(*count, self.records)];
            let cells = key.iter().map(|value| harmless(value)).chain(numbers);
            grid.weighted(cells.collect(), *count);
        }
        if !grid.is_empty() {
            write(out, &grid)?;
        }
        out.line(&self.closing(other, field.is_some()))
    }

    fn closing(&self, other: u64, is_value: bool) -> String {
        let what = if is_value { "value" } else { "field" };
        let different = counted(self.tally.different(), what);
        let mut said = format!("{different} in {}", counted(self.records, "record"));
        if other > 0 {
            said.push_str(&format!(
                "; {} times another one, --limit 0 shows all",
                words::count(other)
            ));
        }
        if self.without > 0 {
            said.push_str(&format!("; {} without", counted(self.without, "record")));
        }
        said
    }
}

/// The query, of records that are read whole: every name of theirs counts.
struct Whole<'q>(&'q Query);

impl Filter for Whole<'_> {
    fn matches(&self, record: &Record) -> bool {
        self.0.matches(record)
    }

    fn window(&self) -> Window {
        Filter::window(self.0)
    }

    fn raw(&self) -> RawTest {
        Filter::raw(self.0)
    }
}

/// The names of the record's fields, as a query spells them.
fn names(record: &Record) -> Vec<String> {
    let mut names = Vec::new();
    for (slot, value) in record.slots() {
        let members = value
            .as_map()
            .filter(|_| matches!(slot.kind(), Kind::Map) || slot == Slot::Detail);
        match members {
            Some(members) => {
                names.extend(members.keys().map(|key| match slot {
                    Slot::Labels => Field::Label(key.clone()).name(),
                    Slot::Hashes => Field::Hash(key.clone()).name(),
                    Slot::Detail => Field::Detail(key.clone()).name(),
                    _ => Field::Attribute(key.clone()).name(),
                }));
            }
            None => names.push(slot.path().to_owned()),
        }
    }
    names
}
