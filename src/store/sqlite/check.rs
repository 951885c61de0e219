//! Every row of a stream in the order of its numbers, with what stands in the columns, for verification.

use std::collections::VecDeque;

use rusqlite::{Row, params};

use super::{Snapshot, SqliteStore};
use crate::error::Result;
use crate::format::Hash;
use crate::record::Slot;
use crate::sqlite::{self, COLUMNS, MAX_SEQ, column_of, key, unkey};

/// How many hashes of removed lines are read at once.
const PIECE: i64 = 4_096;

/// What stands under a number.
#[derive(Debug)]
pub(crate) enum Kept<'r> {
    /// A line, and the columns that say something else than it; of one that is no record, `None`.
    Line(&'r [u8], Option<Vec<&'static str>>),
    /// The hash of a line that a prune removed.
    Removed(Hash),
}

/// The hashes of a stream's removed lines, read in pieces.
struct Removed<'s> {
    store: &'s SqliteStore,
    piece: VecDeque<(i64, Hash)>,
    next: i64,
    last: i64,
}

impl Removed<'_> {
    fn first(&mut self) -> rusqlite::Result<Option<(i64, Hash)>> {
        if self.piece.is_empty() && self.next <= self.last {
            let sql = "SELECT id, hash FROM leaves WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3";
            let mut statement = self.store.database.conn().prepare_cached(sql)?;
            let rows = statement.query_map([self.next, self.last, PIECE], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            self.piece = rows.collect::<rusqlite::Result<_>>()?;
            self.next = self.piece.back().map_or(i64::MAX, |(id, _)| id.saturating_add(1));
        }
        Ok(self.piece.front().copied())
    }
}

impl SqliteStore {
    /// Gives each row of a stream to `take`, in the order of its numbers: the columns beside the lines, and the hashes of what
    /// was removed between them.
    ///
    /// # Errors
    ///
    /// As [`Store::walk`](crate::store::Store::walk), and what `take` says.
    pub(crate) fn each_row(
        &self,
        stream: &str,
        take: &mut dyn FnMut(u64, Kept<'_>) -> Result<()>,
    ) -> Result<()> {
        let _snapshot = Snapshot::begin(&self.database)?;
        let streams = self.database.streams()?;
        let Some((no, _)) = streams.iter().find(|(_, name)| &***name == stream) else {
            return Ok(());
        };
        let (first, last) = (key(*no, 0), key(*no, MAX_SEQ));
        let mut removed = Removed {
            store: self,
            piece: VecDeque::new(),
            next: first,
            last,
        };
        for part in self.database.parts()? {
            self.part_rows(part.no, (first, last), &mut removed, take)
                .map_err(|error| self.database.failed("could not read", error))??;
        }
        let mut rest = || -> rusqlite::Result<Result<()>> {
            while let Some((id, hash)) = removed.first()? {
                removed.piece.pop_front();
                if let Err(error) = take(unkey(id).1, Kept::Removed(hash)) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        };
        rest().map_err(|error| self.database.failed("could not read", error))?
    }

    fn part_rows(
        &self,
        part: i64,
        (first, last): (i64, i64),
        removed: &mut Removed<'_>,
        take: &mut dyn FnMut(u64, Kept<'_>) -> Result<()>,
    ) -> rusqlite::Result<Result<()>> {
        // A row without a line, and a line without a row, are met as well.
        let names: String = COLUMNS
            .iter()
            .map(|column| format!(", {}", column.name))
            .collect();
        let sql = format!(
            "SELECT coalesce(l.id, e.id), l.line, e.observed_at, e.time{names}
             FROM lines_{part} l FULL JOIN entries_{part} e ON e.id = l.id
             WHERE coalesce(l.id, e.id) BETWEEN ?1 AND ?2 ORDER BY 1"
        );
        let mut statement = self.database.conn().prepare(&sql)?;
        let mut rows = statement.query(params![first, last])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            while let Some((gone, hash)) = removed.first()?.filter(|(gone, _)| *gone < id) {
                removed.piece.pop_front();
                if let Err(error) = take(unkey(gone).1, Kept::Removed(hash)) {
                    return Ok(Err(error));
                }
            }
            let line = row.get_ref(1)?.as_blob_or_null()?.unwrap_or_default();
            if let Err(error) = take(unkey(id).1, Kept::Line(line, differing(row, line)?)) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// The streams that have rows here, or had.
    pub(crate) fn stream_names(&self) -> Result<Vec<std::sync::Arc<str>>> {
        let mut names: Vec<_> = self.database.streams()?.into_values().collect();
        names.sort();
        Ok(names)
    }
}

/// The columns of a row that say something else than its line.
fn differing(row: &Row<'_>, line: &[u8]) -> rusqlite::Result<Option<Vec<&'static str>>> {
    let Some(record) = sqlite::read(line) else {
        return Ok(None);
    };
    let mut differing = Vec::new();
    let times = [Slot::ObservedAt, Slot::Time].into_iter().filter_map(column_of);
    for (at, column) in times.chain(COLUMNS.iter().copied()).enumerate() {
        if column.cell(&record) != row.get_ref(at + 2)? {
            differing.push(column.name);
        }
    }
    Ok(Some(differing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::store::StoreWrite as _;

    #[test]
    fn a_prune_while_every_row_is_read_leaves_no_hole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("audit.db");
        let mut writer = SqliteStore::open(&path).unwrap().part_records(2);
        let records: Vec<Record> = (0..6)
            .map(|time| Record::builder("e").time(time).build())
            .collect();
        let mut stream = None;
        for record in &records {
            stream = Some(writer.insert(record).unwrap().stream);
        }
        let reader = SqliteStore::read_only(&path).unwrap();
        let mut seqs = Vec::new();
        let read = reader.each_row(&stream.unwrap(), &mut |seq, _| {
            if seq == 0 {
                assert_eq!(writer.prune_before(5)?, 5);
            }
            seqs.push(seq);
            Ok(())
        });
        read.unwrap();
        assert_eq!(seqs, [0, 1, 2, 3, 4, 5]);
    }
}
