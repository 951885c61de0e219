//! Opening: new files, our own, older ones, and what is refused.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::row::Cells;
use super::schema::{APPLICATION, STEPS, VERSION, create_part};
use super::{Database, Known, PART_ROWS, failed};
use crate::error::{Error, ErrorKind, Result};

/// How long a call waits for another process that writes.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Pages in memory, in KiB: enough to sort what a part's indexes hold.
const CACHE_KIB: i64 = 65_536;

/// The size of a page. Who looks up what is not in memory waits for a page at a time: with twice SQLite's own size a file of
/// which nothing is there answers in half the time. A transaction of one record writes more to the log for it.
const PAGE_BYTES: i64 = 8_192;

/// So many pages are written to the log before they are copied into the file.
const LOG_PAGES: i64 = 16 * 1024 * 1024 / PAGE_BYTES;

/// Where a database lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this file.
    File(PathBuf),
    /// In memory, for this handle alone.
    Memory,
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Memory => Path::new(":memory:"),
        }
    }
}

impl Database {
    /// Opens a file for writing; makes it where there is none.
    ///
    /// # Errors
    ///
    /// `Io` where it cannot be opened, `Format` where it is another program's file, damaged, or of a newer version,
    /// `Locked` where another process writes it and does not end.
    pub(crate) fn open(place: &Place) -> Result<Self> {
        let path = place.path().to_owned();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        private(place)?;
        let opened = match place {
            Place::File(path) => Connection::open_with_flags(real(path), flags),
            Place::Memory => Connection::open_in_memory(),
        };
        let conn = opened.map_err(|error| failed("could not open", &path, error))?;
        let mut database = Self::of(conn, path)?;
        database.migrate()?;
        database
            .look()
            .map_err(|error| database.failed("could not read", error))?;
        // Who pruned may have been killed before it emptied the log.
        database.empty_log();
        Ok(database)
    }

    /// Opens a file to read it. Nothing in it is changed, whatever its state.
    ///
    /// # Errors
    ///
    /// As [`Database::open`].
    pub(crate) fn open_read_only(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags);
        let conn = opened.map_err(|error| failed("could not open", path, error))?;
        let database = Self::of(conn, path.to_owned())?;
        match database.version()? {
            0 => Err(database.foreign()),
            VERSION => Ok(database),
            version => Err(database.other_version(version)),
        }
    }

    /// Ends it; what it holds is on disk.
    ///
    /// # Errors
    ///
    /// As SQLite says.
    pub(crate) fn close(self) -> Result<()> {
        let path = self.path;
        self.conn
            .close()
            .map_err(|(_, error)| failed("could not close", &path, error))
    }

    fn of(conn: Connection, path: PathBuf) -> Result<Self> {
        conn.set_prepared_statement_cache_capacity(512);
        let set = || -> rusqlite::Result<()> {
            conn.busy_timeout(PATIENCE)?;
            // What stands in a foreign file's schema is not run, and its pages are looked at before they are used.
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            conn.pragma_update(None, "cell_size_check", true)?;
            conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
            conn.pragma_update(None, "temp_store", "MEMORY")
        };
        set().map_err(|error| failed("could not open", &path, error))?;
        Ok(Self {
            conn,
            path,
            part_rows: PART_ROWS,
            is_log_old: false,
            known: Known::default(),
            cells: Cells::default(),
        })
    }

    /// How many rows a part has when it is finished, at least 1.
    pub(crate) fn set_part_rows(&mut self, rows: u64) {
        self.part_rows = rows.max(1);
    }

    /// The version of the file's tables; 0 where it has none at all.
    fn version(&self) -> Result<i64> {
        let read = || -> rusqlite::Result<(i64, i64, i64)> {
            let number = |name: &str| self.conn.pragma_query_value(None, name, |row| row.get(0));
            let tables = "SELECT count(*) FROM sqlite_schema";
            Ok((
                number("application_id")?,
                number("user_version")?,
                self.conn.query_row(tables, [], |row| row.get(0))?,
            ))
        };
        match read().map_err(|error| self.failed("could not read", error))? {
            (0, 0, 0) => Ok(0),
            (APPLICATION, version, _) if version > 0 => Ok(version),
            _ => Err(self.foreign()),
        }
    }

    fn foreign(&self) -> Error {
        Error::new(
            ErrorKind::Format,
            format!(
                "`{}` is not an audit trail: it is another program's database, or an empty one",
                self.path.display()
            ),
        )
    }

    fn other_version(&self, version: i64) -> Error {
        let remedy = if version > VERSION {
            "a newer version of this crate wrote it"
        } else {
            "open it once for writing, which brings it up to date"
        };
        Error::new(
            ErrorKind::Format,
            format!(
                "`{}` has tables of version {version}, and {VERSION} is the one that is read here; {remedy}",
                self.path.display()
            ),
        )
    }

    /// Brings the tables up to date, all steps or none.
    fn migrate(&mut self) -> Result<()> {
        // Before the first page is written; of no effect on a file that has some.
        let version = self.version()?;
        if version > VERSION {
            return Err(self.other_version(version));
        }
        let path = self.path.clone();
        let mut run = || -> rusqlite::Result<()> {
            // What is deleted is overwritten: a record that was pruned is not to be found in free pages.
            self.conn.pragma_update(None, "secure_delete", true)?;
            self.conn.pragma_update(None, "page_size", PAGE_BYTES)?;
            self.conn.pragma_update(None, "journal_mode", "WAL")?;
            self.conn.pragma_update(None, "synchronous", "FULL")?;
            self.conn.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
            if version == VERSION {
                return Ok(());
            }
            let tx = self
                .conn
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Another process may have been first.
            let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
            let done = usize::try_from(version).unwrap_or(0);
            for step in STEPS.iter().skip(done) {
                tx.execute_batch(step)?;
            }
            if version == 0 {
                create_part(&tx, 1)?;
                let name = format!("{}", uuid::Builder::from_random_bytes(rand::random()).into_uuid());
                tx.execute("INSERT INTO about VALUES ('stream', ?1)", [name])?;
            }
            tx.pragma_update(None, "application_id", APPLICATION)?;
            tx.pragma_update(None, "user_version", VERSION)?;
            tx.commit()
        };
        run().map_err(|error| failed("could not make the tables of", &path, error))
    }
}

/// The path with its directory resolved, so that only the file itself must not be a link.
fn real(path: &Path) -> PathBuf {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = std::fs::canonicalize(dir.unwrap_or(Path::new(".")));
    match (dir, path.file_name()) {
        (Ok(dir), Some(name)) => dir.join(name),
        _ => path.to_owned(),
    }
}

/// Makes a new file that only its owner can read, before SQLite would make one that others can.
#[cfg(unix)]
fn private(place: &Place) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let Place::File(path) = place else { return Ok(()) };
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::io("could not make the database", path, error))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn private(_: &Place) -> Result<()> {
    Ok(())
}
