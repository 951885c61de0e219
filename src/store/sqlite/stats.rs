//! Counting: from the columns alone where the filter can be looked up exactly, else record by record.

use std::collections::HashMap;

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
            Narrow { sql, cells, .. } => asked.push(within(part.no, sql, cells, window)),
        }
    }
    Ok(Some(asked))
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
    let mut stats = RecordStats::default();
    let mut tallies: [Tally; 4] = Default::default();
    for (tally, slot) in tallies.iter_mut().zip(COUNTED) {
        let Some(column) = column_of(slot) else { continue };
        let mut counts = grouped(store, &asked, column.name).map_err(failed)?;
        let none = counts.remove(&None).unwrap_or(0);
        let words = counts
            .into_iter()
            .filter_map(|(word, count)| Some((word?, count)));
        if slot == crate::record::Slot::Outcome {
            let words: Vec<_> = words.collect();
            words
                .iter()
                .for_each(|(word, count)| stats.totals.add(word, *count));
            if none > 0 {
                stats.totals.add("", none);
            }
            *tally = Tally::build(words, opts.most);
        } else {
            *tally = Tally::build(words, opts.most);
        }
        tally.none = none;
    }
    stats.set_tallies(tallies);
    let hour = opts.last_hour();
    stats.last_hour = during(store, &asked, hour.start, hour.end).map_err(failed)?;
    if let Some(per) = opts.per {
        stats.intervals = intervals(store, &asked, per)?;
    }
    gaps(store, filter, &mut stats)?;
    Ok(stats)
}

/// How many rows have each word of a column.
fn grouped(
    store: &SqliteStore,
    asked: &[Asked],
    column: &str,
) -> rusqlite::Result<HashMap<Option<String>, u64>> {
    let mut counts: HashMap<Option<String>, u64> = HashMap::new();
    for one in asked {
        let sql = format!(
            "SELECT {column}, count(*) FROM entries_{} WHERE {} GROUP BY {column}",
            one.part, one.clause
        );
        let mut statement = store.database.conn().prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&one.cells))?;
        while let Some(row) = rows.next()? {
            let count: i64 = row.get(1)?;
            *counts.entry(row.get(0)?).or_default() += count.unsigned_abs();
        }
    }
    Ok(counts)
}

/// How many rows happened within a time.
fn during(store: &SqliteStore, asked: &[Asked], from: u64, until: u64) -> rusqlite::Result<u64> {
    let mut sum = 0;
    for one in asked {
        let sql = format!(
            "SELECT count(*) FROM entries_{} WHERE {} AND time >= ? AND time < ?",
            one.part, one.clause
        );
        let mut statement = store.database.conn().prepare_cached(&sql)?;
        let cells = one.cells.iter().cloned().chain([number(from), number(until)]);
        let count: i64 = statement.query_row(params_from_iter(cells), |row| row.get(0))?;
        sum += count.unsigned_abs();
    }
    Ok(sum)
}

fn intervals(store: &SqliteStore, asked: &[Asked], per: u64) -> Result<Vec<crate::store::Interval>> {
    let mut intervals = Intervals::default();
    for one in asked {
        let sql = format!(
            "SELECT time - time % ?, outcome, count(*) FROM entries_{} WHERE {} GROUP BY 1, 2",
            one.part, one.clause
        );
        let read = || -> rusqlite::Result<Vec<(i64, Option<String>, i64)>> {
            let mut statement = store.database.conn().prepare_cached(&sql)?;
            let cells = std::iter::once(number(per)).chain(one.cells.iter().cloned());
            let rows = statement.query_map(params_from_iter(cells), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            rows.collect()
        };
        let rows = read().map_err(|error| store.database.failed("could not count in", error))?;
        for (from, outcome, count) in rows {
            let outcome = outcome.unwrap_or_default();
            intervals.add(from.unsigned_abs(), &outcome, count.unsigned_abs())?;
        }
    }
    Ok(intervals.into_vec())
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
