//! Walks: the parts that can hold what is wanted, each read in pieces, merged by (observation time, stream, number).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use rusqlite::types::Value as Cell;
use rusqlite::{params, params_from_iter};

use super::{Narrow, Snapshot};
use crate::error::Result;
use crate::sqlite::{self, Database, Found, Part, key, number, unkey};
use crate::store::raw::Look;
use crate::store::{Condition, Cursor, Direction, Filter, Finding, FindingKind, Item, Stored, Window};

/// How many records are taken from a part at first, and at most at once.
const FIRST: usize = 64;
const MOST: usize = 4_096;

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
    fn narrow(&self, part: &Part) -> Result<Narrow> {
        narrow(self.database, &self.condition, part)
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
        while let Some(row) = rows.next()? {
            let (id, observed_at): (i64, i64) = (row.get(0)?, row.get(1)?);
            let part = if run.part == GAPS { row.get(2)? } else { run.part };
            let (stream, seq) = unkey(id);
            let place = Cursor {
                observed_at: observed_at.unsigned_abs(),
                stream: self.streams.get(&stream).cloned().unwrap_or_else(|| "".into()),
                seq,
            };
            let sql = format!("SELECT line FROM lines_{part} WHERE id = ?1");
            let mut line = conn.prepare_cached(&sql)?;
            let mut line = line.query([id])?;
            run.behind = Some(place.clone());
            let item = match line.next()? {
                Some(line) => self.item(run.part, place, line.get_ref(0)?.as_blob()?),
                None => Some(self.finding(seq, "its line is missing")),
            };
            match item {
                Some(Item::Finding(finding)) => findings.push_back(finding),
                Some(item) => run.found.push_back(item),
                None => {}
            }
            if run.found.len() >= run.want {
                return Ok(());
            }
        }
        run.ended = true;
        Ok(())
    }

    /// What a line is to who walks; nothing where it is not wanted.
    fn item(&self, part: i64, place: Cursor, line: &[u8]) -> Option<Item> {
        if part != GAPS && self.look.as_ref().is_some_and(|look| !look.may(line)) {
            return None;
        }
        let Some(record) = sqlite::read(line) else {
            return Some(self.finding(place.seq, "its line was changed"));
        };
        let is_wanted = self.filter.matches(&record);
        let stored = || Stored {
            place,
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
