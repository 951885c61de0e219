//! Writing to the store: records pass the policy, are numbered in the store's own stream, and are kept.

use std::sync::Arc;

use rusqlite::OptionalExtension as _;

use super::SqliteStore;
use crate::clock::{Clock as _, MAX_TIME};
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Batch, Place};
use crate::record::{Record, Slot};
use crate::redact::{Redacted, Redacting};
use crate::store::{Cursor, StoreWrite};

/// A record on its way: what passed the policy, and what the line needs beside it.
struct Ready {
    frame: Redacted,
    time: u64,
}

impl StoreWrite for SqliteStore {
    /// Each record passes the store's policy, and gets the next number of the file's own stream.
    fn insert_batch(&mut self, records: &[Record]) -> Result<Vec<Cursor>> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        self.writable()?;
        let now = self.clock.now();
        let ready: Vec<Ready> = records
            .iter()
            .map(|record| self.ready(record, now))
            .collect::<Result<_>>()?;
        let stream = self.own_stream()?;
        let mut places = Vec::with_capacity(ready.len());
        let lines = &mut self.lines;
        self.database.append_own(&stream, |next, last| {
            let observed_at = now.max(last);
            let mut batch = Batch::default();
            for (seq, ready) in (next..).zip(&ready) {
                let place = Place {
                    stream: &stream,
                    seq,
                    observed_at,
                    id: record_id(ready.time),
                };
                batch.push(seq, observed_at, |out| {
                    lines.write(ready.frame.bytes(), &place, out);
                });
                places.push(Cursor {
                    observed_at,
                    stream: Arc::clone(&stream),
                    seq,
                });
            }
            Ok(batch)
        })?;
        Ok(places)
    }

    /// Of each removed record the hash of its line stays, and which numbers were removed, when, and by which time; nothing
    /// else: the pages that held it are overwritten.
    fn prune_before(&mut self, time: u64) -> Result<u64> {
        self.writable()?;
        let now = self.clock.now();
        self.database.prune_before(time, now)
    }

    fn close(self) -> Result<()> {
        self.database.close()
    }
}

impl SqliteStore {
    pub(super) fn writable(&self) -> Result<()> {
        if !self.is_read_only {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Refused,
            format!(
                "`{}` was opened to be read; open it with `SqliteStore::open` to write it",
                self.path().display()
            ),
        ))
    }

    fn ready(&self, record: &Record, now: u64) -> Result<Ready> {
        let time = record.uint(Slot::Time).unwrap_or(now);
        if time > MAX_TIME {
            let message = format!("time {time} is after 2262-04-11, the last day that a line can state");
            return Err(Error::new(ErrorKind::Refused, message));
        }
        let mut into = Redacting::frame(Vec::new(), &self.policy);
        into.at(time);
        if record.get(Slot::Level).is_none() {
            into.word(Slot::Level, "info");
        }
        into.record(record);
        if into.capacity().is_none() {
            return Err(Error::memory());
        }
        let (frame, _) = into.finish();
        Ok(Ready { frame, time })
    }

    /// The stream of the records that are inserted here.
    fn own_stream(&self) -> Result<Arc<str>> {
        let read = self
            .database
            .conn()
            .query_row("SELECT value FROM about WHERE name = 'stream'", [], |row| {
                row.get::<_, String>(0)
            })
            .optional();
        match read {
            Ok(Some(stream)) => Ok(stream.into()),
            Ok(None) => Err(Error::new(
                ErrorKind::Format,
                format!(
                    "`{}` does not name its stream: it was changed",
                    self.path().display()
                ),
            )),
            Err(error) => Err(self.database.failed("could not read", error)),
        }
    }
}

/// A UUIDv7 from the record's time.
fn record_id(time: u64) -> uuid::Uuid {
    uuid::Builder::from_unix_timestamp_millis(time / 1_000_000, &rand::random()).into_uuid()
}

/// Numbers of a stream that a prune removed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// The stream.
    pub stream: Arc<str>,
    /// The first number.
    pub first: u64,
    /// The last number. What lies between was removed too.
    pub last: u64,
    /// Records before this time were removed, in nanoseconds since the Unix epoch.
    pub before: u64,
    /// When that was done.
    pub at: u64,
}

impl SqliteStore {
    /// What prunes have removed, in the order in which they did.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] where the file cannot be read.
    pub fn pruned(&self) -> Result<Vec<Pruned>> {
        let read = || -> rusqlite::Result<Vec<Pruned>> {
            let sql = "SELECT stream, first_seq, last_seq, before, at FROM pruned ORDER BY rowid";
            let mut statement = self.database.conn().prepare(sql)?;
            let rows = statement.query_map([], |row| {
                let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
                Ok(Pruned {
                    stream: row.get::<_, String>(0)?.into(),
                    first: number(1)?,
                    last: number(2)?,
                    before: number(3)?,
                    at: number(4)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|error| self.database.failed("could not read", error))
    }

    /// The journal mode of the file, and its level of synchronisation: `wal` and 2 (full), so that what was inserted outlives
    /// a power failure. In memory `memory`, and nothing does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] where the file cannot be read.
    pub fn durability(&self) -> Result<(String, u64)> {
        let conn = self.database.conn();
        let read = || -> rusqlite::Result<(String, u64)> {
            let mode = conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            let level: i64 = conn.pragma_query_value(None, "synchronous", |row| row.get(0))?;
            Ok((mode, level.unsigned_abs()))
        };
        read().map_err(|error| self.database.failed("could not read", error))
    }
}
