//! `count`: how many records there are, by the values of fields and by intervals.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tracing_audit::query::{Field, parse_duration};
use tracing_audit::record::{Record, Slot};

use super::tally::{self, Tally, values};
use super::{Met, tell, tell_slips};
use crate::asking::Count;
use crate::grid::Grid;
use crate::out::{Failure, Out, code};
use crate::words::{self, counted, harmless, stamp};

/// The most intervals; a hundred years of days.
const MOST_INTERVALS: usize = 36_525;

/// How many values stand side by side where intervals stand under one another.
const SIDE_BY_SIDE: usize = 6;

/// The most fields that are counted by at once.
const MOST_FIELDS: usize = 4;

/// The key of the absent value. No record says the empty text: what is absent is left out.
const NONE: &str = "";

pub(crate) fn run(count: &Count) -> Result<u8, Failure> {
    let asked = &count.counting;
    let query = super::question(&asked.filter, &asked.range)?;
    let fields = count
        .by
        .iter()
        .map(|name| Field::named(name.trim()))
        .collect::<Result<Vec<_>, _>>()?;
    if fields.len() > MOST_FIELDS {
        return Err(Failure::Usage(format!("--by takes at most {MOST_FIELDS} fields")));
    }
    let per = count.per.as_deref().map(parse_duration).transpose()?;
    let store = super::open(&count.dir)?;
    let mut met = Met::default();
    let mut counts = Counts::default();
    let slots = fields.iter().flat_map(Field::slots).collect::<Vec<_>>();
    tally::each(&store, &query, slots, &mut met, |record, observed_at| {
        let time = record.uint(Slot::Time).unwrap_or(observed_at);
        counts.take(
            record,
            &fields,
            per.map(|per| time - time.checked_rem(per).unwrap_or(0)),
        )
    })?;
    let mut out = Out::paged(asked.color, asked.answer.no_pager || asked.json);
    let names: Vec<String> = fields.iter().map(Field::name).collect();
    match (asked.json, per) {
        (true, _) => counts.json(&mut out, &names, per)?,
        (false, Some(per)) => counts.by_interval(&mut out, &names, per)?,
        (false, None) if names.is_empty() => out.line(&counted(counts.records, "record"))?,
        (false, None) => counts.by_value(&mut out, &names, count.limit)?,
    }
    out.flush()?;
    drop(out);
    tell(&met);
    if counts.records == 0 {
        tell_slips(&query);
    }
    Ok(if counts.records == 0 && asked.answer.fail_if_empty {
        code::EMPTY
    } else {
        code::OK
    })
}

#[derive(Debug)]
struct Counts {
    records: u64,
    /// By interval, from its first nanosecond: how many records, and of which values. Without intervals there is one.
    by: BTreeMap<u64, (u64, Tally)>,
    /// For so many more values there is room, in all intervals together.
    room: usize,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            records: 0,
            by: BTreeMap::new(),
            room: tally::MOST,
        }
    }
}

impl Counts {
    fn take(&mut self, record: &Record, fields: &[Field], from: Option<u64>) -> Result<(), Failure> {
        self.records += 1;
        let (records, tally) = self.by.entry(from.unwrap_or(0)).or_default();
        *records += 1;
        for key in combined(record, fields) {
            tally.add_within(key, &mut self.room);
        }
        if self.by.len() > MOST_INTERVALS {
            return Err(Failure::Usage(format!(
                "more than {MOST_INTERVALS} intervals have records; name a longer one, or a shorter range"
            )));
        }
        Ok(())
    }

    /// Every combination of values of all intervals together.
    fn whole(&self) -> Tally {
        let mut whole = Tally::default();
        for (_, tally) in self.by.values() {
            whole.join(tally);
        }
        whole
    }

    fn by_value(&self, out: &mut Out, names: &[String], limit: usize) -> Result<(), Failure> {
        let whole = self.whole();
        let (rows, other) = whole.most(limit);
        let head = names.iter().map(|name| name.to_uppercase());
        let mut grid = Grid::new(head.chain(["#RECORDS".to_owned(), "#SHARE".to_owned()]));
        for (key, records) in &rows {
            let cells = key.iter().map(|value| said(value));
            let numbers = [words::count(*records), words::percent(*records, self.records)];
            grid.weighted(cells.chain(numbers).collect(), *records);
        }
        if other > 0 {
            let cells =
                std::iter::once("(others)".to_owned()).chain(names.iter().skip(1).map(|_| String::new()));
            let numbers = [words::count(other), words::percent(other, self.records)];
            grid.row(cells.chain(numbers).collect());
        }
        if !grid.is_empty() {
            write(out, &grid)?;
        }
        let different = words::count(whole.different());
        let shown = if other > 0 { ", --limit 0 shows all" } else { "" };
        out.line(&format!(
            "{}, {different} different{shown}",
            counted(self.records, "record")
        ))
    }

    /// Intervals under one another, with as many values side by side as the terminal has room for.
    fn by_interval(&self, out: &mut Out, names: &[String], per: u64) -> Result<(), Failure> {
        let whole = self.whole();
        let most = if names.is_empty() { 0 } else { SIDE_BY_SIDE };
        let grids = (0..=most)
            .rev()
            .map(|side| self.grid(&whole, side, !names.is_empty(), per));
        let mut last = None;
        for grid in grids {
            let fits = grid.fits(out.columns());
            last = Some(grid);
            if fits {
                break;
            }
        }
        if let Some(grid) = last.filter(|grid| !grid.is_empty()) {
            write(out, &grid)?;
        }
        out.line(&counted(self.records, "record"))
    }

    fn grid(&self, whole: &Tally, side: usize, by_value: bool, per: u64) -> Grid {
        // 0 would be all of them.
        let (top, other) = match (side, by_value) {
            (_, false) => (Vec::new(), 0),
            (0, true) => (Vec::new(), whole.total),
            (side, true) => whole.most(side),
        };
        let values = top.iter().map(|(key, _)| format!("#{}", joined(key)));
        let others = (other > 0 && !top.is_empty()).then(|| "#(others)".to_owned());
        let has_others = others.is_some();
        let head = std::iter::once("=FROM (UTC)".to_owned())
            .chain(values)
            .chain(others);
        let mut grid = Grid::new(head.chain(["#RECORDS".to_owned()]));
        for from in self.intervals(per) {
            let counted = self.by.get(&from);
            let of = |key: &[String]| counted.map_or(0, |(_, tally)| tally.of(key));
            let sums: Vec<u64> = top.iter().map(|(key, _)| of(key)).collect();
            let all = counted.map_or(0, |(records, _)| *records);
            let values = counted.map_or(0, |(_, tally)| tally.total);
            let rest = has_others.then(|| values.saturating_sub(sums.iter().sum()));
            let numbers = sums.into_iter().chain(rest).chain([all]).map(words::count);
            let cells = std::iter::once(words::moment(from, per)).chain(numbers);
            grid.weighted(cells.collect(), all);
        }
        grid
    }

    /// The intervals from the first with a record to the last: one without any is news.
    fn intervals(&self, per: u64) -> Vec<u64> {
        let known = || self.by.keys().copied().collect();
        let (Some((first, _)), Some((last, _))) = (self.by.first_key_value(), self.by.last_key_value())
        else {
            return Vec::new();
        };
        let many = (last - first).checked_div(per).unwrap_or(0);
        if many > 2_000 {
            return known();
        }
        (0..=many).map(|at| first + at * per).collect()
    }

    fn json(&self, out: &mut Out, names: &[String], per: Option<u64>) -> Result<(), Failure> {
        for (from, (_, tally)) in &self.by {
            let (rows, _) = tally.most(0);
            let row = |by: Value, records: u64| {
                let mut line = Map::new();
                if per.is_some() {
                    line.insert("from".to_owned(), stamp(*from).into());
                }
                line.insert("by".to_owned(), by);
                line.insert("records".to_owned(), records.into());
                Value::Object(line)
            };
            for (key, records) in rows {
                let by = names.iter().zip(key).map(|(name, value)| {
                    let value = (value != NONE).then_some(value);
                    (name.clone(), json!(value))
                });
                out.json(&row(Value::Object(by.collect()), records))?;
            }
            if tally.other > 0 {
                out.json(&row(Value::Null, tally.other))?;
            }
        }
        if self.by.is_empty() && per.is_none() && names.is_empty() {
            out.json(&json!({"by": {}, "records": 0}))?;
        }
        Ok(())
    }
}

/// The record's values in these fields: a list counts under each of its values.
fn combined(record: &Record, fields: &[Field]) -> Vec<Vec<String>> {
    /// A list in each of several fields must not multiply without end.
    const MOST: usize = 64;
    let mut keys = vec![Vec::new()];
    for field in fields {
        let values = values(field, record);
        let next = keys.iter().flat_map(|key| {
            values.iter().map(move |value| {
                let mut key: Vec<String> = key.clone();
                key.push(value.clone().unwrap_or_else(|| NONE.to_owned()));
                key
            })
        });
        keys = next.take(MOST).collect();
    }
    keys
}

/// The value for people.
fn said(value: &str) -> String {
    if value == NONE {
        "-".to_owned()
    } else {
        harmless(value)
    }
}

fn joined(key: &[String]) -> String {
    let said: Vec<String> = key.iter().map(|value| said(value)).collect();
    said.join(" ")
}

pub(super) fn write(out: &mut Out, grid: &Grid) -> Result<(), Failure> {
    let lines = grid.lines(out.columns(), out.color());
    lines.iter().try_for_each(|line| out.line(line))
}
