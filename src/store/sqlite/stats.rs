//! Counting: from the columns alone where the filter can be looked up exactly, else record by record.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;
use rusqlite::params_from_iter;
use rusqlite::types::Value as Cell;

use super::{Narrow, SqliteStore, walk};
use crate::error::Result;
use crate::sqlite::{column_of, number};
use crate::store::stats::{COUNTED, Intervals, by_walk};
use crate::store::{Direction, Filter, Item, RecordStats, StatsOpts, Store as _, Tally, Window};

/// A part with what is asked of it.
struct Asked {
    part: i64,
    clause: String,
    cells: Vec<Cell>,
}

/// What is asked of each part; `None` where that would not be exact.
fn exactly(store: &SqliteStore, filter: &dyn Filter) -> Result<Option<Vec<Asked>>> {
    let window = filter.window();
    let condition = filter.condition();
    let mut asked = Vec::new();
    for part in store.database.parts()? {
        if window.from >= window.until || part.first >= window.until || part.last < window.from {
            continue;
        }
        let narrow = walk::narrow(&store.database, &condition, &part)?;
        match narrow {
            Narrow { is_none: true, .. } => {}
            Narrow { is_exact: false, .. } => return Ok(None),
            Narrow { sql, cells, .. } if window.from <= part.first && part.last < window.until => {
                asked.push(Asked {
                    part: part.no,
                    clause: sql,
                    cells,
                });
            }
            Narrow { sql, cells, .. } => asked.push(within(part.no, sql, cells, window)),
        }
    }
    Ok(Some(asked))
}

impl Asked {
    /// What statistics read of each row: no more than a finished part has in one index, in the order of time.
    fn rows(&self) -> String {
        let columns = COUNTED.iter().filter_map(|slot| column_of(*slot));
        let names: Vec<&str> = columns.map(|column| column.name).collect();
        format!(
            "SELECT time, {} FROM entries_{} WHERE {}",
            names.join(", "),
            self.part,
            self.clause
        )
    }
}

fn within(part: i64, mut clause: String, mut cells: Vec<Cell>, window: Window) -> Asked {
    if window.from > 0 {
        clause.push_str(" AND observed_at >= ?");
        cells.push(number(window.from));
    }
    if window.until < Window::ALL.until {
        clause.push_str(" AND observed_at < ?");
        cells.push(number(window.until));
    }
    Asked { part, clause, cells }
}

pub(super) fn count(store: &SqliteStore, filter: &dyn Filter) -> Result<u64> {
    let Some(asked) = exactly(store, filter)? else {
        let mut found = 0;
        for item in store.walk(filter, Direction::NewestFirst, None)? {
            found += u64::from(matches!(item?, Item::Record(_)));
        }
        return Ok(found);
    };
    let sum = || -> rusqlite::Result<u64> {
        let mut sum = 0;
        for one in &asked {
            let sql = format!("SELECT count(*) FROM entries_{} WHERE {}", one.part, one.clause);
            let mut statement = store.database.conn().prepare_cached(&sql)?;
            let count: i64 = statement.query_row(params_from_iter(&one.cells), |row| row.get(0))?;
            sum += count.unsigned_abs();
        }
        Ok(sum)
    };
    sum().map_err(|error| store.database.failed("could not count in", error))
}

pub(super) fn stats(store: &SqliteStore, filter: &dyn Filter, opts: &StatsOpts) -> Result<RecordStats> {
    opts.check()?;
    let Some(asked) = exactly(store, filter)? else {
        return by_walk(store, filter, opts);
    };
    let failed = |error| store.database.failed("could not count in", error);
    let mut counts = Counts {
        hour: opts.last_hour(),
        per: opts.per.map(|per| i64::try_from(per).unwrap_or(i64::MAX)),
        ..Counts::default()
    };
    for one in &asked {
        counts.take(store, one).map_err(failed)?;
    }
    let mut stats = RecordStats {
        last_hour: counts.last_hour,
        ..RecordStats::default()
    };
    let [_, outcomes, ..] = &counts.words;
    for (outcome, count) in outcomes.named() {
        stats.totals.add(&outcome, count);
    }
    if outcomes.none > 0 {
        stats.totals.add("", outcomes.none);
    }
    let mut intervals = Intervals::default();
    for (from, outcomes) in &counts.intervals {
        for (outcome, count) in outcomes.named() {
            intervals.add(from.unsigned_abs(), &outcome, count)?;
        }
        if outcomes.none > 0 {
            intervals.add(from.unsigned_abs(), "", outcomes.none)?;
        }
    }
    stats.intervals = intervals.into_vec();
    stats.set_tallies(counts.words.map(|words| {
        let mut tally = Tally::build(words.named(), opts.most);
        tally.none = words.none;
        tally
    }));
    gaps(store, filter, &mut stats)?;
    if opts.completeness {
        stats.verdict = store.completeness(filter.window())?;
    }
    Ok(stats)
}

/// The gap records of the window, wanted or not.
fn gaps(store: &SqliteStore, filter: &dyn Filter, stats: &mut RecordStats) -> Result<()> {
    let all = GapsOf(filter.window());
    for item in store.walk(&all, Direction::OldestFirst, None)? {
        match item? {
            Item::Gap(stored) => stats.totals.gap(&stored),
            Item::Finding(_) => stats.totals.findings += 1,
            Item::Record(_) => {}
        }
    }
    Ok(())
}

/// What is counted, in one pass over the columns: a pass for each column would read each row as often.
#[derive(Default)]
struct Counts {
    hour: Range<u64>,
    per: Option<i64>,
    /// Of the slots of [`COUNTED`], in its order.
    words: [Words; 4],
    intervals: HashMap<i64, Words, RandomState>,
    last_hour: u64,
}

/// How many rows have each word of a column, by the bytes of it.
#[derive(Default)]
struct Words {
    counts: HashMap<Vec<u8>, u64, RandomState>,
    none: u64,
}

impl Words {
    fn take(&mut self, word: Option<&[u8]>) {
        let Some(word) = word else {
            self.none += 1;
            return;
        };
        if let Some(count) = self.counts.get_mut(word) {
            *count += 1;
        } else {
            self.counts.insert(word.to_owned(), 1);
        }
    }

    fn named(&self) -> impl Iterator<Item = (String, u64)> {
        let counts = self.counts.iter();
        counts.map(|(word, count)| (String::from_utf8_lossy(word).into_owned(), *count))
    }
}

impl Counts {
    fn take(&mut self, store: &SqliteStore, asked: &Asked) -> rusqlite::Result<()> {
        let mut statement = store.database.conn().prepare_cached(&asked.rows())?;
        let mut rows = statement.query(params_from_iter(&asked.cells))?;
        while let Some(row) = rows.next()? {
            let time: i64 = row.get(0)?;
            self.last_hour += u64::from(self.hour.contains(&time.unsigned_abs()));
            for (at, words) in self.words.iter_mut().enumerate() {
                words.take(row.get_ref(at + 1)?.as_bytes_or_null()?);
            }
            if let Some(per) = self.per {
                let from = time - time.checked_rem(per).unwrap_or(0);
                // Category, then outcome: see `COUNTED`.
                let outcome = row.get_ref(2)?.as_bytes_or_null()?;
                self.intervals.entry(from).or_default().take(outcome);
            }
        }
        Ok(())
    }
}

/// Wants nothing, so that only gap records are met.
struct GapsOf(Window);

impl Filter for GapsOf {
    fn matches(&self, _: &crate::record::Record) -> bool {
        false
    }

    fn window(&self) -> Window {
        self.0
    }

    fn condition(&self) -> crate::store::Condition {
        crate::store::Condition::Any(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::store::StoreWrite as _;

    #[test]
    fn statistics_of_a_finished_part_read_one_index_and_no_row() {
        let mut store = SqliteStore::in_memory().unwrap().part_records(4);
        for at in 0..4 {
            store.insert(&Record::builder("e").time(at).build()).unwrap();
        }
        let part = |clause: &str| Asked {
            part: 1,
            clause: clause.into(),
            cells: Vec::new(),
        };
        let day = within(1, "1".into(), Vec::new(), Window { from: 1, until: 9 });
        for (asked, how) in [(part("1"), "SCAN"), (part("time >= 2"), "SCAN"), (day, "SEARCH")] {
            let sql = format!("EXPLAIN QUERY PLAN {}", asked.rows());
            let mut plan = store.database.conn().prepare(&sql).unwrap();
            let plan: String = plan
                .query_row(params_from_iter(&asked.cells), |row| row.get(3))
                .unwrap();
            let by = format!("{how} entries_1 USING COVERING INDEX entries_1_counted");
            assert!(plan.starts_with(&by), "{plan}");
        }
    }
}
