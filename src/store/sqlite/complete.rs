//! How complete a window is: the rows of each stream, asked as its files would be.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Row, params};

use super::{Snapshot, SqliteStore};
use crate::error::Result;
use crate::format::read_line;
use crate::record::Value;
use crate::sqlite::{MAX_SEQ, Part, key, number, unkey};
use crate::store::completeness::{Every, Source, of_streams};
use crate::store::numbers::{Numbers, Step};
use crate::store::quick::still_paused;
use crate::store::reading::{Read, Reading, decode};
use crate::store::{Cursor, Direction, Finding, FindingKind, Item, Stored, Verdict, Window};

/// The verdict on a window of the file.
pub(super) fn completeness(store: &SqliteStore, window: Window) -> Result<Verdict> {
    let _snapshot = Snapshot::begin(&store.database)?;
    let parts = store.database.parts()?;
    let mut streams: Vec<Rows<'_>> = store
        .database
        .streams()?
        .into_iter()
        .map(|(no, name)| Rows {
            store,
            no,
            name,
            parts: &parts,
        })
        .collect();
    streams.sort_by(|left, right| left.name.cmp(&right.name));
    let sources: Vec<&dyn Source> = streams.iter().map(|rows| rows as &dyn Source).collect();
    of_streams(&sources, window)
}

/// The rows of one stream. Its numbers grow from part to part.
struct Rows<'s> {
    store: &'s SqliteStore,
    no: i64,
    name: Arc<str>,
    parts: &'s [Part],
}

impl Rows<'_> {
    fn failed(&self, error: rusqlite::Error) -> crate::error::Error {
        self.store.database.failed("could not read", error)
    }

    /// The keys of its numbers from this one on.
    fn from(&self, seq: u64) -> [i64; 2] {
        [key(self.no, seq.min(MAX_SEQ)), key(self.no, MAX_SEQ)]
    }

    /// What can hold records before a time, newest first.
    fn before(&self, time: u64) -> impl Iterator<Item = &Part> {
        let parts = self.parts.iter().rev();
        parts.filter(move |part| !part.is_finished || part.first < time)
    }

    fn last_in(&self, part: i64, time: u64) -> rusqlite::Result<Option<Stored>> {
        let sql = format!(
            "SELECT l.line FROM entries_{part} e JOIN lines_{part} l ON l.id = e.id
             WHERE e.id BETWEEN ?1 AND ?2 AND +e.observed_at < ?3 ORDER BY e.id DESC"
        );
        let mut statement = self.store.database.conn().prepare_cached(&sql)?;
        let [first, last] = self.from(0);
        let mut rows = statement.query(params![first, last, number(time)])?;
        while let Some(row) = rows.next()? {
            let line = row.get_ref(0)?.as_blob()?;
            if let Ok((place, record)) = decode(line, &self.name) {
                let line = line.to_vec();
                return Ok(Some(Stored { place, record, line }));
            }
        }
        Ok(None)
    }

    /// What pauses (`true`) and their ends stand in a part before a time, newest first; and whether a run begins or ends behind
    /// what else stands there.
    fn said_in(&self, part: i64, time: u64, said: &mut Vec<(bool, String)>) -> rusqlite::Result<bool> {
        let sql = format!(
            "SELECT e.event, l.line FROM entries_{part} e JOIN lines_{part} l ON l.id = e.id
             WHERE e.id BETWEEN ?1 AND ?2 AND e.observed_at < ?3
             AND e.event IN ('audit.open', 'audit.close', 'audit.pause', 'audit.resume') ORDER BY e.id DESC"
        );
        let mut statement = self.store.database.conn().prepare_cached(&sql)?;
        let [first, last] = self.from(0);
        let mut rows = statement.query(params![first, last, number(time)])?;
        while let Some(row) = rows.next()? {
            let is_pause = match row.get_ref(0)?.as_str()? {
                "audit.pause" => true,
                "audit.resume" => false,
                // No pause lasts beyond the run that it belongs to.
                _ => return Ok(true),
            };
            let Ok(record) = read_line(row.get_ref(1)?.as_blob()?) else {
                continue;
            };
            let part = record.attribute("part").and_then(Value::as_str);
            said.push((is_pause, part.unwrap_or_default().to_owned()));
        }
        Ok(false)
    }

    fn finding(&self, seq: u64, kind: FindingKind) -> Item {
        Item::Finding(Finding {
            path: self.store.path().to_owned(),
            offset: seq,
            kind,
        })
    }

    /// How many of these numbers a prune removed.
    fn pruned(&self, seqs: std::ops::Range<u64>) -> rusqlite::Result<u64> {
        let sql = "SELECT count(*) FROM leaves WHERE id >= ?1 AND id < ?2";
        let ends = params![key(self.no, seqs.start), key(self.no, seqs.end)];
        let mut statement = self.store.database.conn().prepare_cached(sql)?;
        statement.query_row(ends, |row| row.get(0).map(i64::unsigned_abs))
    }

    /// Gives the rows of a part to `take`; `false` once that has enough.
    fn each_in(
        &self,
        part: i64,
        (seq, from): (u64, u64),
        numbers: &mut Numbers,
        take: &mut dyn FnMut(Item) -> bool,
    ) -> rusqlite::Result<bool> {
        let sql = format!(
            "SELECT e.id, l.line FROM entries_{part} e LEFT JOIN lines_{part} l ON l.id = e.id
             WHERE e.id BETWEEN ?1 AND ?2 AND +e.observed_at >= ?3 ORDER BY e.id"
        );
        let every = Every::from(from);
        let mut reading = Reading::of(&every);
        let mut statement = self.store.database.conn().prepare_cached(&sql)?;
        let [first, last] = self.from(seq);
        let mut rows = statement.query(params![first, last, number(from)])?;
        while let Some(row) = rows.next()? {
            for item in self
                .items(row, &mut reading, &every, numbers)?
                .into_iter()
                .flatten()
            {
                if !take(item) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// What a row is, behind what is wrong before it.
    fn items(
        &self,
        row: &Row<'_>,
        reading: &mut Reading,
        every: &Every,
        numbers: &mut Numbers,
    ) -> rusqlite::Result<[Option<Item>; 2]> {
        let (_, seq) = unkey(row.get(0)?);
        let line = row.get_ref(1)?.as_blob_or_null()?;
        let read = match line {
            Some(line) => reading.read(line, &self.name, every),
            None => Err("its line is missing".to_owned()),
        };
        let (place, record) = match read {
            Ok(Read::Record { place, record, .. }) => (place, record),
            Ok(Read::Unwanted(_)) => return Ok([None, None]),
            Err(why) => {
                numbers.unreadable();
                return Ok([Some(self.finding(seq, FindingKind::Unreadable { why })), None]);
            }
        };
        let wrong = match numbers.step(&place, Direction::OldestFirst) {
            Step::Repeated => return Ok([None, None]),
            Step::Next => None,
            Step::Found(FindingKind::Hole { after, before })
                if self.pruned(after + 1..before)? == before - after - 1 =>
            {
                Some(self.finding(seq, FindingKind::Pruned { after, before }))
            }
            Step::Found(kind) => Some(self.finding(seq, kind)),
        };
        // Of the trail's own records, all of the line is looked at.
        let line = line.filter(|_| record.event().starts_with("audit."));
        let line = line.unwrap_or_default().to_vec();
        let stored = Stored { place, record, line };
        Ok([wrong, Some(Item::Record(stored))])
    }
}

impl Source for Rows<'_> {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    fn last_before(&self, time: u64) -> Result<Option<Stored>> {
        for part in self.before(time) {
            let last = self.last_in(part.no, time);
            if let Some(last) = last.map_err(|error| self.failed(error))? {
                return Ok(Some(last));
            }
        }
        Ok(None)
    }

    fn paused_before(&self, time: u64) -> Result<BTreeSet<String>> {
        let mut said = Vec::new();
        for part in self.before(time) {
            let begins = self.said_in(part.no, time, &mut said);
            if begins.map_err(|error| self.failed(error))? {
                break;
            }
        }
        Ok(still_paused(said.into_iter().rev()))
    }

    fn each(&self, from: u64, after: Option<&Cursor>, take: &mut dyn FnMut(Item) -> bool) -> Result<()> {
        let mut numbers = Numbers::default();
        let mut first = 0;
        if let Some(after) = after {
            let _ = numbers.step(after, Direction::OldestFirst);
            first = after.seq.saturating_add(1);
        }
        let parts = self.parts.iter();
        for part in parts.filter(|part| !part.is_finished || part.last >= from) {
            let goes_on = self.each_in(part.no, (first, from), &mut numbers, take);
            if !goes_on.map_err(|error| self.failed(error))? {
                break;
            }
        }
        Ok(())
    }

    fn is_pruned_below(&self, seq: u64) -> Result<bool> {
        self.pruned(0..seq)
            .map(|pruned| pruned > 0)
            .map_err(|error| self.failed(error))
    }
}
