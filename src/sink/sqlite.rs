//! Entries into a SQLite file, for who asks questions of a trail in SQL.

use std::path::{Path, PathBuf};

use super::{Accepted, Sink, SinkError};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Entry;
use crate::sqlite::{Database, Line, Place};

/// Keeps entries in a SQLite file: each line as it is, beside columns to filter and sort by.
///
/// Beside a journal it is a follower, which delays nobody; [`SqliteStore`](crate::store::SqliteStore) and any other program
/// read the file meanwhile. A batch is one transaction, and it is on disk when [`Sink::deliver`] returns. An entry that comes
/// again is left as it stands; another line under the same stream and number is an error that needs a person, and so is a
/// record that lies before others of its stream and never stood there.
///
/// Erasable values are not copied: the file has what the lines state, a commitment.
///
/// # What an operator sees
///
/// Where the disk is full or another process holds the file, the follower waits and tries again
/// ([`Stats::sinks`](crate::Stats), `retries`). Where the file is damaged or is another's, it fails for good, and the journal
/// goes on. To have it made again from what the journal keeps, end the trail, delete the file and the sink's cursor
/// (`cursors/sqlite` in the stream's directory), and start anew.
#[derive(Debug)]
pub struct SqliteSink {
    database: Database,
    name: String,
}

impl SqliteSink {
    /// Opens the file, and makes it where there is none, for its owner alone to read. The directory must exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] where it cannot be opened; [`ErrorKind::Format`] where it is another program's, damaged, or of a newer
    /// version of this crate; [`ErrorKind::Locked`] where another process writes it and does not end.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self {
            database: Database::open(&Place::File(path.into()))?,
            name: "sqlite".to_owned(),
        })
    }

    /// The name of the sink's counters and of its cursor beside a journal; a second file needs another. Default: `sqlite`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many records stand in one part of the file; its indexes are made when a part is full. More make the file faster
    /// to write and questions of the newest records slower. Default: 131,072; at least 1.
    #[must_use]
    pub fn part_records(mut self, records: u64) -> Self {
        self.database.set_part_rows(records);
        self
    }

    /// Where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.database.path()
    }
}

impl Sink for SqliteSink {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> std::result::Result<Accepted, SinkError> {
        let lines = batch.iter().copied().map(Line::from);
        match self.database.append(lines) {
            Ok(refused) if refused.is_empty() => Ok(Accepted::default()),
            Ok(refused) => Ok(Accepted::all_but_these(refused)),
            Err(error) => Err(sink_error(&error)),
        }
    }

    /// Nothing is left to do: a transaction that has ended is on disk.
    fn flush(&mut self) -> std::result::Result<(), SinkError> {
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn sink_error(error: &Error) -> SinkError {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Locked => SinkError::retry(error),
        _ => SinkError::fatal(error),
    }
}
