//! Walks: the parts that can hold what is wanted, each read in pieces, merged by (observation time, stream, number).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use rusqlite::types::Value as Cell;
use rusqlite::{CachedStatement, params, params_from_iter};

use super::narrow::{has_text, is_indexed};
use super::{Narrow, Snapshot};
use crate::error::Result;
use crate::sqlite::{self, Database, Found, Part, key, number, unkey};
use crate::store::raw::Look;
use crate::store::{Condition, Cursor, Direction, Filter, Finding, FindingKind, Item, Stored, Window};

/// How many records are taken from a part at first, and at most at once.
const FIRST: usize = 64;
const MOST: usize = 4_096;

/// So few rows of a part are looked at rather than asked for by their words.
const FEW: i64 = 256;

/// The name of a row's stream.
const NAME: &str = "(SELECT stream FROM streams WHERE no = id >> 48)";

/// What stands for the gap records of all parts.
const GAPS: i64 = 0;

/// A walk through the file.
pub(super) struct Walk<'s> {
    asked: Asked<'s>,
    /// Parts that are not read yet, the next one last.
    parts: Vec<Part>,
    runs: Vec<Run>,
    findings: VecDeque<Finding>,
    failed: bool,
    _snapshot: Snapshot<'s>,
}

/// What is asked of every part.
struct Asked<'s> {
    database: &'s Database,
    filter: &'s dyn Filter,
    condition: Condition,
    /// Whether an index of columns can lead to what is wanted as well as the one of words.
    is_either: bool,
    /// Lines that fail it cannot be wanted.
    look: Option<Look>,
    window: Window,
    direction: Direction,
    streams: HashMap<i64, Arc<str>>,
    after: Option<Cursor>,
    /// Whether the names of streams decide the order of records that were observed at the same time.
    is_by_name: bool,
    /// Whether the order of keys is the order of all records: there is one stream, and its clock never went back.
    is_by_id: bool,
}

/// One part, read in pieces.
struct Run {
    part: i64,
    /// Whether its rows are read in the order of their keys: an unfinished part has no other index worth it.
    is_by_id: bool,
    narrow: Narrow,
    behind: Option<Cursor>,
    found: VecDeque<Item>,
    want: usize,
    ended: bool,
}

impl<'s> Walk<'s> {
    pub(super) fn new(
        database: &'s Database,
        filter: &'s dyn Filter,
        direction: Direction,
        after: Option<&Cursor>,
    ) -> Result<Self> {
        let snapshot = Snapshot::begin(database)?;
        let window = filter.window();
        let streams = database.streams()?;
        let condition = filter.condition();
        let is_known = |after: &Cursor| streams.values().any(|name| *name == after.stream);
        let is_by_name = streams.len() > 1 || !after.is_none_or(is_known);
        let mut parts = database.parts()?;
        for part in parts.iter_mut().filter(|part| !part.is_finished) {
            // Nothing is added to what this walk sees.
            (part.first, part.last) = database.observed_in(part.no)?;
        }
        parts.retain(|part| {
            part.first < window.until && part.last >= window.from && overlaps(part, after, direction)
        });
        match direction {
            Direction::NewestFirst => parts.sort_by_key(|part| part.last),
            Direction::OldestFirst => parts.sort_by_key(|part| std::cmp::Reverse(part.first)),
        }
        let asked = Asked {
            database,
            filter,
            is_either: is_indexed(&condition) && has_text(&condition),
            condition,
            look: filter.raw().look(),
            window,
            direction,
            streams,
            after: after.cloned(),
            is_by_name,
            is_by_id: !is_by_name && database.is_ordered()?,
        };
        let mut runs = Vec::new();
        if window.from < window.until {
            let gaps = Part::everything(GAPS);
            let every = Narrow::of(&Condition::All(Vec::new()), &gaps, &|_| Found::Anything);
            runs.push(asked.run(&gaps, every));
        } else {
            parts.clear();
        }
        Ok(Self {
            asked,
            parts,
            runs,
            findings: VecDeque::new(),
            failed: false,
            _snapshot: snapshot,
        })
    }

    fn advance(&mut self) -> Result<Option<Item>> {
        loop {
            if let Some(finding) = self.findings.pop_front() {
                return Ok(Some(Item::Finding(finding)));
            }
            for run in &mut self.runs {
                if run.found.is_empty() && !run.ended {
                    self.asked.fill(run, &mut self.findings)?;
                }
            }
            self.runs.retain(|run| !run.found.is_empty());
            let head = self.head();
            if self.is_due(head.as_ref().map(|(_, place)| place)) {
                if let Some(part) = self.parts.pop() {
                    let narrow = self.asked.narrow(&part)?;
                    if !narrow.is_none {
                        self.runs.push(self.asked.run(&part, narrow));
                    }
                }
            } else if self.findings.is_empty() {
                let at = head.map(|(at, _)| at);
                return Ok(at.and_then(|at| self.runs.get_mut(at)?.found.pop_front()));
            }
        }
    }

    /// The run whose next record comes first, and that record's place.
    fn head(&self) -> Option<(usize, Cursor)> {
        let heads = self.runs.iter().enumerate();
        let heads = heads.filter_map(|(at, run)| Some((at, place(run.found.front()?)?)));
        let head = match self.asked.direction {
            Direction::OldestFirst => heads.min_by(|left, right| left.1.cmp(right.1)),
            Direction::NewestFirst => heads.max_by(|left, right| left.1.cmp(right.1)),
        };
        head.map(|(at, place)| (at, place.clone()))
    }

    /// Whether the next part can have a record before this one.
    fn is_due(&self, head: Option<&Cursor>) -> bool {
        let Some(part) = self.parts.last() else {
            return false;
        };
        head.is_none_or(|head| match self.asked.direction {
            Direction::OldestFirst => part.first <= head.observed_at,
            Direction::NewestFirst => part.last >= head.observed_at,
        })
    }
}

/// Whether a part can hold records behind the cursor.
fn overlaps(part: &Part, after: Option<&Cursor>, direction: Direction) -> bool {
    after.is_none_or(|after| match direction {
        Direction::OldestFirst => part.last >= after.observed_at,
        Direction::NewestFirst => part.first <= after.observed_at,
    })
}

fn place(item: &Item) -> Option<&Cursor> {
    match item {
        Item::Record(stored) | Item::Gap(stored) => Some(&stored.place),
        Item::Finding(_) => None,
    }
}

/// The condition of a filter for one part, by what the part's words tell.
pub(super) fn narrow(database: &Database, condition: &Condition, part: &Part) -> Result<Narrow> {
    let failed = std::cell::RefCell::new(None);
    let narrow = Narrow::of(condition, part, &|sought| {
        if !part.is_finished {
            return Found::Anything;
        }
        let found = database
            .conn()
            .prepare_cached("SELECT words FROM words WHERE part = ?1")
            .and_then(|mut words| {
                words.query_row(params![part.no], |row| {
                    Ok(sought.among(row.get_ref(0)?.as_blob()?))
                })
            });
        found.unwrap_or_else(|error| {
            *failed.borrow_mut() = Some(error);
            Found::Anything
        })
    });
    match failed.into_inner() {
        Some(error) => Err(database.failed("could not read the words of", error)),
        None => Ok(narrow),
    }
}

impl Asked<'_> {
    /// The condition for a part. The index of words gives all rows that have a word, however few of them are wanted: where
    /// another one leads to few rows, their lines are looked at instead.
    fn narrow(&self, part: &Part) -> Result<Narrow> {
        let narrow = narrow(self.database, &self.condition, part)?;
        if narrow.is_none || !part.is_finished || !self.is_either {
            return Ok(narrow);
        }
        let other = Narrow::of(&self.condition, part, &|_| Found::Anything);
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM entries_{} WHERE {} LIMIT {})",
            part.no,
            other.sql,
            FEW + 1
        );
        let count = || -> rusqlite::Result<i64> {
            let mut statement = self.database.conn().prepare_cached(&sql)?;
            statement.query_row(params_from_iter(&other.cells), |row| row.get(0))
        };
        let found = count().map_err(|error| self.database.failed("could not read", error))?;
        Ok(if found <= FEW { other } else { narrow })
    }

    fn run(&self, part: &Part, narrow: Narrow) -> Run {
        Run {
            part: part.no,
            // Behind a place that the caller named, the index of the observation time leads there.
            is_by_id: self.is_by_id && !part.is_finished && part.no != GAPS && self.after.is_none(),
            narrow,
            behind: self.after.clone(),
            found: VecDeque::new(),
            want: FIRST,
            ended: false,
        }
    }

    /// Reads on in a part until so many wanted records are found, or it ends.
    fn fill(&self, run: &mut Run, findings: &mut VecDeque<Finding>) -> Result<()> {
        self.read(run, findings)
            .map_err(|error| self.database.failed("could not read", error))?;
        run.want = (run.want * 4).min(MOST);
        Ok(())
    }

    fn read(&self, run: &mut Run, findings: &mut VecDeque<Finding>) -> rusqlite::Result<()> {
        let conn = self.database.conn();
        let (sql, cells) = self.sql(run);
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(cells))?;
        // The statement that reads a line, of the part that the last row was of.
        let mut lines: Option<(i64, CachedStatement<'_>)> = None;
        let mut last = None;
        while let Some(row) = rows.next()? {
            let (id, observed_at): (i64, i64) = (row.get(0)?, row.get(1)?);
            let part = if run.part == GAPS { row.get(2)? } else { run.part };
            let (_, line) = match lines.take_if(|(of, _)| *of == part) {
                Some(known) => lines.insert(known),
                None => lines.insert((part, conn.prepare_cached(&line_of(part))?)),
            };
            let mut line = line.query([id])?;
            last = Some((id, observed_at));
            let item = match line.next()? {
                Some(line) => self.item(run.part, (id, observed_at), line.get_ref(0)?.as_blob()?),
                None => Some(self.finding(unkey(id).1, "its line is missing")),
            };
            match item {
                Some(Item::Finding(finding)) => findings.push_back(finding),
                Some(item) => run.found.push_back(item),
                None => {}
            }
            if run.found.len() >= run.want {
                run.behind = last.map(|last| self.place(last));
                return Ok(());
            }
        }
        run.behind = last.map(|last| self.place(last)).or(run.behind.take());
        run.ended = true;
        Ok(())
    }

    /// The place of a row, by its key and when it was observed.
    fn place(&self, (id, observed_at): (i64, i64)) -> Cursor {
        let (stream, seq) = unkey(id);
        Cursor {
            observed_at: observed_at.unsigned_abs(),
            stream: self.streams.get(&stream).cloned().unwrap_or_else(|| "".into()),
            seq,
        }
    }

    /// What a line is to who walks; nothing where it is not wanted.
    fn item(&self, part: i64, row: (i64, i64), line: &[u8]) -> Option<Item> {
        let is_ruled_out = || self.look.as_ref().is_some_and(|look| !look.may(line));
        if part != GAPS && is_ruled_out() && self.filter.steps_over() {
            return None;
        }
        let Some(record) = sqlite::read(line) else {
            return Some(self.finding(unkey(row.0).1, "its line was changed"));
        };
        let is_wanted = self.filter.matches(&record);
        let stored = || Stored {
            place: self.place(row),
            record,
            line: line.to_vec(),
        };
        match (is_wanted, part == GAPS) {
            (true, false) => Some(Item::Record(stored())),
            (false, true) => Some(Item::Gap(stored())),
            _ => None,
        }
    }

    fn finding(&self, seq: u64, why: &str) -> Item {
        Item::Finding(Finding {
            path: self.database.path().to_owned(),
            offset: seq,
            kind: FindingKind::Unreadable {
                why: format!("seq {seq}: {why}"),
            },
        })
    }

    /// What is asked of the part: the keys of its rows, in order, behind where it was left.
    fn sql(&self, run: &Run) -> (String, Vec<Cell>) {
        let is_gaps = run.part == GAPS;
        let from = if is_gaps {
            "gaps".to_owned()
        } else {
            format!("entries_{}", run.part)
        };
        let also = if is_gaps { ", part" } else { "" };
        let (less, descending) = match self.direction {
            Direction::NewestFirst => ("<", " DESC"),
            Direction::OldestFirst => (">", ""),
        };
        let mut sql = format!(
            "SELECT id, observed_at{also} FROM {from} WHERE {}",
            run.narrow.sql
        );
        let mut cells = run.narrow.cells.clone();
        let observed = observed(run);
        if self.window.from > 0 {
            sql.push_str(&format!(" AND {observed} >= ?"));
            cells.push(number(self.window.from));
        }
        if self.window.until < Window::ALL.until {
            sql.push_str(&format!(" AND {observed} < ?"));
            cells.push(number(self.window.until));
        }
        if let Some(behind) = &run.behind {
            self.behind(run, behind, less, &mut sql, &mut cells);
        }
        if run.is_by_id {
            sql.push_str(&format!(" ORDER BY id{descending}"));
            return (sql, cells);
        }
        sql.push_str(&format!(" ORDER BY observed_at{descending}"));
        if self.is_by_name {
            sql.push_str(&format!(", {NAME}{descending}"));
        }
        sql.push_str(&format!(", id{descending}"));
        (sql, cells)
    }

    /// Asks for what stands behind a place only.
    fn behind(&self, run: &Run, behind: &Cursor, less: &str, sql: &mut String, cells: &mut Vec<Cell>) {
        let no = self.streams.iter().find(|(_, name)| **name == behind.stream);
        let id = Cell::Integer(no.map_or(0, |(no, _)| key(*no, behind.seq)));
        // A run in the order of keys has no place that the caller named, which need not be that of a record.
        if run.is_by_id {
            sql.push_str(&format!(" AND id {less} ?"));
            cells.push(id);
            return;
        }
        let observed = observed(run);
        let time = number(behind.observed_at);
        sql.push_str(&format!(" AND {observed} {less}= ? AND ({observed} {less} ?"));
        cells.extend([time.clone(), time]);
        if self.is_by_name {
            let stream = Cell::Text(behind.stream.to_string());
            sql.push_str(&format!(" OR {NAME} {less} ? OR ({NAME} = ? AND id {less} ?))"));
            cells.extend([stream.clone(), stream, id]);
        } else {
            sql.push_str(&format!(" OR id {less} ?)"));
            cells.push(id);
        }
    }
}

fn line_of(part: i64) -> String {
    format!("SELECT line FROM lines_{part} WHERE id = ?1")
}

/// The observation time; where rows are read by their keys, a plus keeps SQLite from going by the index of that column.
fn observed(run: &Run) -> &'static str {
    if run.is_by_id {
        "+observed_at"
    } else {
        "observed_at"
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.advance();
        self.failed = next.is_err();
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Record, Slot};
    use crate::store::{SqliteStore, Store as _, StoreWrite as _};

    /// Says of an actor and of a text.
    struct Both(&'static str);

    impl Filter for Both {
        fn matches(&self, record: &Record) -> bool {
            let is_rare = record.text(Slot::Summary) == Some("a rare one");
            record.text(Slot::ActorId) == Some(self.0) && is_rare
        }

        fn condition(&self) -> Condition {
            Condition::All(vec![
                Condition::Is(Slot::ActorId, vec![self.0.to_owned()]),
                Condition::Says(vec!["rare".to_owned()]),
            ])
        }
    }

    #[test]
    fn what_an_index_leads_to_few_of_is_not_sought_among_all_rows_that_have_a_word() {
        let rows = FEW.unsigned_abs() + 2;
        let mut store = SqliteStore::in_memory().unwrap().part_records(rows);
        let records: Vec<Record> = (0..rows)
            .map(|at| {
                let actor = if at == 5 { "few" } else { "many" };
                let text = if at % 5 == 0 { "a rare one" } else { "another" };
                let record = Record::builder("e").time(at);
                record.actor("user", actor).summary(text).build()
            })
            .collect();
        store.insert_batch(&records).unwrap();
        for (actor, is_by_words, found) in [("many", true, rows.div_ceil(5) - 1), ("few", false, 1)] {
            let both = Both(actor);
            let walk = Walk::new(&store.database, &both, Direction::NewestFirst, None).unwrap();
            let part = store.database.parts().unwrap().remove(0);
            let narrow = walk.asked.narrow(&part).unwrap();
            assert_eq!(narrow.sql.contains("MATCH"), is_by_words, "{}", narrow.sql);
            drop(walk);
            assert_eq!(store.count(&both).unwrap(), found);
        }
    }
}
