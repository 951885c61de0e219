//! The SQLite file: its schema, its writer, and what both sides of the house need of it.
//!
//! Records stand in *parts*, tables of some 131,072 rows. The newest part is only appended to; when it is full it is
//! *finished*: its indexes and its full text are made at once, sorted, which costs less than keeping them up row by row,
//! and does not grow with the rows that are there. A row's key is its place, (stream, seq), in one integer.

mod columns;
mod finish;
mod insert;
mod open;
mod prune;
mod row;
mod schema;
mod text;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Result};

pub(crate) use columns::{COLUMNS, Column, column_of, number};
pub(crate) use insert::Line;
pub(crate) use open::Place;
pub(crate) use row::read;
pub(crate) use text::{Found, Sought};

/// The numbers of a stream's records take so many bits of a row's key; those above say which stream.
const SEQ_BITS: u32 = 48;

/// How many records one stream can have here.
pub(crate) const MAX_SEQ: u64 = (1 << SEQ_BITS) - 1;

/// How many streams one file can have.
const MAX_STREAMS: i64 = (1 << 15) - 1;

/// How many rows a part has when it is finished.
pub(crate) const PART_ROWS: u64 = 131_072;

/// The key of a row.
pub(crate) fn key(stream: i64, seq: u64) -> i64 {
    (stream << SEQ_BITS) | i64::try_from(seq & MAX_SEQ).unwrap_or(0)
}

/// The stream's number and the record's, of a row's key.
pub(crate) fn unkey(key: i64) -> (i64, u64) {
    (key >> SEQ_BITS, key.unsigned_abs() & MAX_SEQ)
}

/// An open file.
pub(crate) struct Database {
    conn: Connection,
    path: PathBuf,
    part_rows: u64,
    /// Whether the log may still hold what a prune removed.
    is_log_old: bool,
    /// What the file said when it was last looked at.
    known: Known,
    /// Reads the lines that are added.
    cells: row::Cells,
}

/// What a writer remembers of the file between two transactions.
#[derive(Debug, Default)]
struct Known {
    /// Changes when another connection writes.
    version: i64,
    streams: HashMap<String, Stream>,
    /// The part that rows are added to.
    part: i64,
    /// How many rows it has.
    rows: u64,
    /// The words of those that were added here: of all of them, unless somebody else added some.
    texts: text::Texts,
    /// Whether a record of a stream was observed before the one before it.
    is_unordered: bool,
    /// The statements that add a row to the part.
    insert_entry: String,
    insert_line: String,
}

/// A stream as the file knows it.
#[derive(Debug, Clone, Copy)]
struct Stream {
    no: i64,
    /// The number behind its last record.
    next: u64,
    /// When its last record was observed.
    last: u64,
}

/// A part, as the file lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) no: i64,
    /// Whether it has its indexes and its text, and is added to no more.
    pub(crate) is_finished: bool,
    /// The observation times of its rows; of an unfinished one, everything.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The first and the last `time` of its rows; of an unfinished one, everything.
    pub(crate) times: (u64, u64),
}

impl Part {
    /// A part of which nothing is known.
    pub(crate) fn everything(no: i64) -> Self {
        Self {
            no,
            is_finished: false,
            first: 0,
            last: u64::MAX,
            times: (0, u64::MAX),
        }
    }
}

impl Database {
    /// The connection, for who reads.
    pub(crate) fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Where the file lies; `:memory:` where it is none.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The parts that hold rows, oldest first.
    pub(crate) fn parts(&self) -> Result<Vec<Part>> {
        let list = || -> rusqlite::Result<Vec<Part>> {
            let sql = "SELECT part, finished, first, last, first_time, last_time FROM parts ORDER BY part";
            let mut statement = self.conn.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                let is_finished: bool = row.get(1)?;
                let end = |at, otherwise| -> rusqlite::Result<u64> {
                    let time: Option<i64> = row.get(at)?;
                    Ok(time.filter(|_| is_finished).map_or(otherwise, i64::unsigned_abs))
                };
                Ok(Part {
                    no: row.get(0)?,
                    is_finished,
                    first: end(2, 0)?,
                    last: end(3, u64::MAX)?,
                    times: (end(4, 0)?, end(5, u64::MAX)?),
                })
            })?;
            rows.collect()
        };
        list().map_err(|error| self.failed("could not list the parts of", error))
    }

    /// The first and the last observation time of a part's rows, as they are now; of one without rows, a time that nothing has.
    pub(crate) fn observed_in(&self, part: i64) -> Result<(u64, u64)> {
        let end =
            |order| format!("(SELECT observed_at FROM entries_{part} ORDER BY observed_at {order} LIMIT 1)");
        let sql = format!("SELECT {}, {}", end("ASC"), end("DESC"));
        let read = || -> rusqlite::Result<(Option<i64>, Option<i64>)> {
            let mut statement = self.conn.prepare_cached(&sql)?;
            statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        };
        match read().map_err(|error| self.failed("could not read", error))? {
            (Some(first), Some(last)) => Ok((first.unsigned_abs(), last.unsigned_abs())),
            _ => Ok((u64::MAX, 0)),
        }
    }

    /// Whether the records of each stream were observed in the order of their numbers.
    pub(crate) fn is_ordered(&self) -> Result<bool> {
        let sql = "SELECT count(*) = 0 FROM about WHERE name = 'unordered'";
        let read = self.conn.query_row(sql, [], |row| row.get(0));
        read.map_err(|error| self.failed("could not read", error))
    }

    /// The names of the streams by their numbers.
    pub(crate) fn streams(&self) -> Result<HashMap<i64, std::sync::Arc<str>>> {
        let list = || -> rusqlite::Result<_> {
            let mut statement = self.conn.prepare_cached("SELECT no, stream FROM streams")?;
            let rows = statement.query_map([], |row| {
                Ok((row.get(0)?, std::sync::Arc::from(row.get::<_, String>(1)?)))
            })?;
            rows.collect()
        };
        list().map_err(|error| self.failed("could not list the streams of", error))
    }

    /// What SQLite said, with the file and, where one is known, a remedy.
    pub(crate) fn failed(&self, what: &str, error: rusqlite::Error) -> Error {
        failed(what, &self.path, error)
    }
}

/// What SQLite said of a file.
#[cold]
pub(crate) fn failed(what: &str, path: &std::path::Path, error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode as Code;
    let (kind, remedy) = match error.sqlite_error_code() {
        Some(Code::NotADatabase) => (
            ErrorKind::Format,
            "; it is no SQLite database, or one that is encrypted",
        ),
        Some(Code::DatabaseCorrupt) => (
            ErrorKind::Format,
            "; the file is damaged: put back a copy, or make it anew from the journal",
        ),
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => (
            ErrorKind::Locked,
            "; another process writes it, and did not end in time",
        ),
        Some(Code::DiskFull) => (ErrorKind::Io, "; the disk is full"),
        Some(Code::ReadOnly) => (ErrorKind::Io, "; it can only be read"),
        Some(Code::CannotOpen) => (
            ErrorKind::Io,
            "; does it exist, and may this user read and write it and its directory?",
        ),
        Some(code) if code != Code::Unknown => (ErrorKind::Io, ""),
        // Not the file but what stands in it: a missing table, a column of another type.
        _ => (
            ErrorKind::Format,
            "; it is not a file of this crate's, or was changed",
        ),
    };
    Error::new(kind, format!("{what} `{}`{remedy}", path.display())).because(error)
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("path", &self.path)
            .field("part_rows", &self.part_rows)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_keys_of_a_stream_lie_in_the_order_of_its_numbers() {
        for stream in [1, 2, MAX_STREAMS] {
            for seq in [0, 1, MAX_SEQ] {
                assert_eq!(unkey(key(stream, seq)), (stream, seq));
            }
        }
        assert!(key(1, MAX_SEQ) < key(2, 0));
    }
}
