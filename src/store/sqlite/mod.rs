//! The store in a SQLite file, or in memory: read, and written to.

mod check;
mod complete;
mod narrow;
mod snapshot;
mod stats;
mod walk;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::format::LineWriter;
use crate::redact::{Action, Policy};
use crate::sqlite::{Database, Line, MAX_SEQ, Place, key, unkey};

use super::{Cursor, Direction, Extent, Filter, Item, RecordStats, StatsOpts, Store, Verdict, Window};
pub(crate) use check::Kept;
use narrow::Narrow;
use snapshot::Snapshot;
pub use write::Pruned;

/// How many lines are taken from another store at once.
const TAKEN: usize = 8_192;

/// Records in a SQLite file, as [`SqliteSink`](crate::sink::SqliteSink) writes it, or a store of its own.
///
/// What a filter says of the columns (event, action, category, outcome, level, actor, resource, agent, session, conversation,
/// request, trace, source, tenant, times) and of texts is looked up; each record that is found is then asked whether the
/// filter wants it. So the answer is the one that [`DirStore`](super::DirStore) gives over the same lines, but for erasable
/// values, which are not in the file: they read as [`ERASED`](super::ERASED).
///
/// One handle is for one thread at a time; any number of them, also in other processes, read while one writes.
///
/// ```
/// use tracing_audit::record::Record;
/// use tracing_audit::store::{List, SqliteStore, Store as _, StoreWrite as _};
/// use tracing_audit::Query;
///
/// let mut store = SqliteStore::in_memory()?;
/// store.insert(&Record::builder("login").actor("user", "ana").outcome("denied").build())?;
/// let page = store.list(&Query::parse("actor=ana")?, &List::default().total(true))?;
/// assert_eq!(page.total, Some(1));
/// # Ok::<(), tracing_audit::Error>(())
/// ```
pub struct SqliteStore {
    database: Database,
    policy: Policy,
    clock: Arc<dyn Clock>,
    lines: LineWriter,
    is_read_only: bool,
}

impl SqliteStore {
    /// Opens a file to read and to write it, and makes it where there is none. The directory must exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where it cannot be opened; [`ErrorKind::Format`](crate::ErrorKind::Format) where
    /// it is another program's, damaged, or of a newer version of this crate;
    /// [`ErrorKind::Locked`](crate::ErrorKind::Locked) where another process writes it and does not end.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self::of(Database::open(&Place::File(path.into()))?, false))
    }

    /// A store in memory, which ends with the handle.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where there is no memory for it.
    pub fn in_memory() -> Result<Self> {
        Ok(Self::of(Database::open(&Place::Memory)?, false))
    }

    /// Opens a file to read it; nothing in it is changed. To see what a writer adds meanwhile, SQLite must be able to write
    /// the two files beside it (`-wal`, `-shm`) while they are in use.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open`], and where there is no file.
    pub fn read_only(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::of(Database::open_read_only(path.as_ref())?, true))
    }

    fn of(database: Database, is_read_only: bool) -> Self {
        Self {
            database,
            policy: Policy::balanced(),
            clock: Arc::new(SystemClock),
            lines: LineWriter::new("", "", Action::WORDS),
            is_read_only,
        }
    }

    /// The policy that inserted records pass. Default: [`Policy::balanced`].
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The service and the host that stand in the lines of inserted records. Default: neither.
    #[must_use]
    pub fn service(mut self, service: &str, host: &str) -> Self {
        self.lines = LineWriter::new(service, host, Action::WORDS);
        self
    }

    /// Where the time of an insertion and of a prune comes from. Default: the system's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How many records stand in one part of the file: see
    /// [`SqliteSink::part_records`](crate::sink::SqliteSink::part_records). Default: 131,072; at least 1.
    #[must_use]
    pub fn part_records(mut self, records: u64) -> Self {
        self.database.set_part_rows(records);
        self
    }

    /// Where the file lies; `:memory:` where there is none.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// Adds the lines of another store, oldest first, as they are: a file is made from a journal with it, and brought up to
    /// date. Lines that stand here are left as they are. Says how many records were read.
    ///
    /// # Errors
    ///
    /// As [`Store::walk`] for the other store, and as [`StoreWrite::insert`](super::StoreWrite::insert);
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) where another line stands under the same stream and number;
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) for a record that lies before others of its stream and never stood
    /// here: of several stores, the oldest is taken first. What was read before stays.
    pub fn take_from(&mut self, other: &dyn Store) -> Result<u64> {
        self.writable()?;
        let every = |_: &crate::record::Record| true;
        let mut taken = 0;
        let mut batch = Vec::with_capacity(TAKEN);
        for item in other.walk(&every, Direction::OldestFirst, None)? {
            let Item::Record(stored) = item? else { continue };
            batch.push(stored);
            if batch.len() == TAKEN {
                taken += self.take(&mut batch)?;
            }
        }
        Ok(taken + self.take(&mut batch)?)
    }

    fn take(&mut self, batch: &mut Vec<super::Stored>) -> Result<u64> {
        let lines = batch.iter().map(|stored| Line {
            seq: stored.place.seq,
            observed_at: stored.place.observed_at,
            line: &stored.line,
        });
        self.database.append(lines)?;
        let taken = batch.len() as u64;
        batch.clear();
        Ok(taken)
    }
}

impl Store for SqliteStore {
    fn walk<'s>(
        &'s self,
        filter: &'s dyn Filter,
        direction: Direction,
        after: Option<&Cursor>,
    ) -> Result<Box<dyn Iterator<Item = Result<Item>> + 's>> {
        Ok(Box::new(walk::Walk::new(
            &self.database,
            filter,
            direction,
            after,
        )?))
    }

    /// Answered from the columns where the filter can be looked up exactly; otherwise each record that can be wanted is read.
    fn count(&self, filter: &dyn Filter) -> Result<u64> {
        let _snapshot = Snapshot::begin(&self.database)?;
        stats::count(self, filter)
    }

    fn stats(&self, filter: &dyn Filter, opts: &StatsOpts) -> Result<RecordStats> {
        let _snapshot = Snapshot::begin(&self.database)?;
        stats::stats(self, filter, opts)
    }

    /// The same answer as over the files that its lines are from. What a prune removed from the window is a doubt.
    fn completeness(&self, window: Window) -> Result<Option<Verdict>> {
        complete::completeness(self, window).map(Some)
    }

    fn extents(&self) -> Result<Vec<Extent>> {
        let _snapshot = Snapshot::begin(&self.database)?;
        self.extents_of()
            .map_err(|error| self.database.failed("could not read", error))?
    }
}

impl SqliteStore {
    fn extents_of(&self) -> rusqlite::Result<Result<Vec<Extent>>> {
        let conn = self.database.conn();
        let (parts, streams) = match (self.database.parts(), self.database.streams()) {
            (Ok(parts), Ok(streams)) => (parts, streams),
            (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
        };
        let pages = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let bytes = pages("page_count")?.unsigned_abs() * pages("page_size")?.unsigned_abs();
        let mut extents: Vec<Extent> = Vec::new();
        for part in &parts {
            let sql = format!(
                "SELECT min(id), max(id) FROM entries_{} WHERE id BETWEEN ?1 AND ?2",
                part.no
            );
            for (no, name) in &streams {
                let range = [key(*no, 0), key(*no, MAX_SEQ)];
                let ends: (Option<i64>, Option<i64>) = conn
                    .prepare_cached(&sql)?
                    .query_row(range, |row| Ok((row.get(0)?, row.get(1)?)))?;
                let (Some(first), Some(last)) = ends else { continue };
                let (first, last) = (
                    self.place(part.no, first, name)?,
                    self.place(part.no, last, name)?,
                );
                match extents.iter_mut().find(|extent| extent.stream == *name) {
                    Some(extent) => extent.last = last,
                    None => extents.push(Extent {
                        stream: Arc::clone(name),
                        first,
                        last,
                        bytes,
                    }),
                }
            }
        }
        extents.sort_by(|left, right| left.stream.cmp(&right.stream));
        Ok(Ok(extents))
    }

    fn place(&self, part: i64, id: i64, stream: &Arc<str>) -> rusqlite::Result<Cursor> {
        let sql = format!("SELECT observed_at FROM entries_{part} WHERE id = ?1");
        let observed_at: i64 = self
            .database
            .conn()
            .prepare_cached(&sql)?
            .query_row([id], |row| row.get(0))?;
        Ok(Cursor {
            observed_at: observed_at.unsigned_abs(),
            stream: Arc::clone(stream),
            seq: unkey(id).1,
        })
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path())
            .field("is_read_only", &self.is_read_only)
            .finish_non_exhaustive()
    }
}
