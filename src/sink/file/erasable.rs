//! The side table of erasable values: rows are appended before their lines, and synced before these are confirmed; what is
//! erased is rewritten without it.
//!
//! Invariant: a line that is known to be durable has its rows on disk, or they were erased. The other way round nothing is
//! promised: a row whose line was never written belongs to nobody, and is erased with its subject like any other.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::FileSink;
use super::append::into_sink_error;
use super::fs::{Access, Fs, FsFile};
use super::steps;
use crate::error::{Error, Result};
use crate::format::{Batch, ROWS, Row, RowsName, json_string};
use crate::sink::SinkError;

/// A file of the table takes no further rows when it has so many bytes: what is erased is rewritten file by file, and
/// readers hold one file at a time.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// No cursor of a follower is longer.
const MAX_CURSOR: u64 = 4096;

/// What [`FileSink::erase`] removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// Records of which at least one value was erased.
    pub records: u64,
    /// Values that were erased.
    pub values: u64,
    /// The sequence numbers of the first and of the last of these records.
    pub range: Option<(u64, u64)>,
    /// Followers that have been given some of these records. They were given commitments, not values; who asked for the
    /// values of these records as well may hold copies.
    pub followers: Vec<String>,
}

impl Erased {
    pub(crate) fn new(records: u64, values: u64, range: Option<(u64, u64)>, followers: Vec<String>) -> Self {
        Self {
            records,
            values,
            range,
            followers,
        }
    }
}

/// The table of one stream.
#[derive(Debug)]
pub(super) struct Table {
    home: PathBuf,
    dir: PathBuf,
    access: Access,
    /// The file that takes rows.
    open: Option<OpenRows>,
    /// Rows that were written and that the disk has not confirmed, and the number of the first one's record. After a
    /// failed sync they are written again, into another file.
    pending: Vec<u8>,
    pending_from: Option<u64>,
    /// The rows of records below this were written.
    next: u64,
    /// No rows of records below this are left.
    forgotten: u64,
}

#[derive(Debug)]
struct OpenRows {
    path: PathBuf,
    file: Box<dyn FsFile>,
    len: u64,
}

impl Table {
    pub(super) fn new(home: &Path, access: Access) -> Self {
        Self {
            home: home.to_owned(),
            dir: home.join(ROWS),
            access,
            open: None,
            pending: Vec::new(),
            pending_from: None,
            next: 0,
            forgotten: 0,
        }
    }

    /// Appends the rows of a batch. Those that an earlier try has written are skipped.
    fn write(&mut self, fs: &dyn Fs, rows: &[(u64, Vec<u8>)]) -> Result<()> {
        for (seq, lines) in rows {
            if *seq < self.next {
                continue;
            }
            if self.open.as_ref().is_some_and(|open| open.len >= MAX_FILE) {
                self.sync(fs)?;
                self.open = None;
            }
            if self.open.is_none() {
                self.begin(fs, self.pending_from.unwrap_or(*seq))?;
            }
            self.append(lines)?;
            self.pending.extend_from_slice(lines);
            self.pending_from.get_or_insert(*seq);
            self.next = seq + 1;
        }
        Ok(())
    }

    /// Begins a file at the number of its first row's record, and writes again what is not confirmed.
    fn begin(&mut self, fs: &dyn Fs, first_seq: u64) -> Result<()> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| Error::io("could not create in the side table", &path, error)
        };
        let mut copy = 0;
        let (path, file) = loop {
            let path = self.dir.join(RowsName { first_seq, copy }.to_string());
            match fs.create_new(&path, self.access) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => copy += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound && copy == 0 => {
                    fs.create_dir(&self.dir, self.access).map_err(failed(&self.dir))?;
                    fs.sync_dir(&self.home).map_err(failed(&self.home))?;
                    let file = fs.create_new(&path, self.access).map_err(failed(&path))?;
                    break (path, file);
                }
                Err(error) => return Err(failed(&path)(error)),
            }
        };
        fs.sync_dir(&self.dir).map_err(failed(&self.dir))?;
        self.open = Some(OpenRows { path, file, len: 0 });
        let pending = std::mem::take(&mut self.pending);
        let written = self.append(&pending);
        self.pending = pending;
        written
    }

    /// Writes lines into the open file, which is given up where that fails.
    fn append(&mut self, lines: &[u8]) -> Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let written = write_all(&*open.file, lines);
        open.len += lines.len() as u64;
        let Err(error) = written else { return Ok(()) };
        let error = Error::io("could not write", &open.path, error);
        self.open = None;
        Err(error)
    }

    /// Makes every row durable.
    fn sync(&mut self, fs: &dyn Fs) -> Result<()> {
        let Some(from) = self.pending_from else {
            return Ok(());
        };
        if self.open.is_none() {
            self.begin(fs, from)?;
        }
        let Some(open) = &self.open else { return Ok(()) };
        if let Err(error) = open.file.sync() {
            // What the system says of this file from now on proves nothing.
            let error = Error::io("the disk did not confirm", &open.path, error);
            self.open = None;
            return Err(error);
        }
        self.pending.clear();
        self.pending_from = None;
        Ok(())
    }

    /// Rewrites the files without the rows that are to go, and without what is no row; files of which `may` says that they
    /// hold none of those rows stay as they are. Gives the numbers of the records of rows that went, each as often as it
    /// had rows.
    fn rewrite(
        &mut self,
        fs: &dyn Fs,
        may: &dyn Fn(RowsName, &[u8]) -> bool,
        goes: &dyn Fn(&Row) -> bool,
    ) -> Result<Vec<u64>> {
        self.sync(fs)?;
        self.open = None;
        let mut gone = Vec::new();
        for name in self.names(fs)? {
            let path = self.dir.join(name.to_string());
            let bytes = match fs.read(&path, u64::MAX) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io("could not read", &path, error)),
            };
            if !may(name, &bytes) {
                continue;
            }
            let (kept, went) = without(&bytes, goes);
            if kept.len() < bytes.len() {
                self.replace(fs, &path, &kept)?;
            }
            gone.extend(went);
        }
        Ok(gone)
    }

    fn replace(&self, fs: &dyn Fs, path: &Path, kept: &[u8]) -> Result<()> {
        let failed = |error| Error::io("could not rewrite", path, error);
        if kept.is_empty() {
            return fs.erase(path, None).map_err(failed);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let new = self.dir.join(format!("{NEW}{name}"));
        let file = fs.create_new(&new, self.access).map_err(failed)?;
        write_all(&*file, kept).map_err(failed)?;
        file.sync().map_err(failed)?;
        fs.erase(path, Some(&new)).map_err(failed)
    }

    /// The files of the table. What a rewriting left that a crash cut short is removed.
    fn names(&self, fs: &dyn Fs) -> Result<Vec<RowsName>> {
        let mut names = Vec::new();
        let listed = match fs.list(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            other => other.map_err(|error| Error::io("could not list", &self.dir, error))?,
        };
        for name in listed {
            if name.starts_with(NEW) {
                let path = self.dir.join(&name);
                fs.erase(&path, None)
                    .map_err(|error| Error::io("could not remove", &path, error))?;
            }
            names.extend(name.parse::<RowsName>());
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// What the name of a file begins with that is not complete yet.
const NEW: &str = ".new-";

/// The rows that stay, as they stand, and the numbers of those that go.
fn without(bytes: &[u8], goes: &dyn Fn(&Row) -> bool) -> (Vec<u8>, Vec<u64>) {
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match Row::read(line) {
            Ok(row) if goes(&row) => gone.push(row.seq),
            Ok(_) => kept.extend_from_slice(line),
            // A write that was cut short. Nobody can say whose it was.
            Err(_) => {}
        }
    }
    (kept, gone)
}

fn write_all(file: &dyn FsFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl FileSink {
    /// Removes the values of a subject from the side table: all that were handed over. The lines of the log stay as they
    /// are, byte for byte, with commitments that nobody can open any more.
    ///
    /// The files that held the values are rewritten without them, and what was there is overwritten before it is let go
    /// of. A file system that writes elsewhere than in place (copy on write, a journal of data, flash), snapshots and
    /// backups may hold copies all the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where a file cannot be read or rewritten: then some of the values may be
    /// there still. Call it again.
    pub fn erase(&mut self, subject: &str) -> Result<Erased> {
        // Most files of a large table hold nothing of one subject: they are searched, and not read row by row.
        let mut text = Vec::new();
        json_string(&mut text, subject.as_bytes());
        let searched = memchr::memmem::Finder::new(&text);
        let may = |_: RowsName, bytes: &[u8]| searched.find(bytes).is_some() || !bytes.ends_with(b"\n");
        let gone = self
            .erasable
            .rewrite(&*self.fs, &may, &|row| row.subject == subject)?;
        let values = gone.len() as u64;
        let records: BTreeSet<u64> = gone.into_iter().collect();
        let range = records.first().copied().zip(records.last().copied());
        Ok(Erased {
            records: records.len() as u64,
            values,
            range,
            followers: match range {
                Some((first, _)) => followers(&*self.fs, &self.home, first)?,
                None => Vec::new(),
            },
        })
    }

    /// Removes the values of records whose lines retention has removed.
    pub(super) fn forget_rows(&mut self, oldest: u64) -> Result<()> {
        if self.erasable.forgotten >= oldest {
            return Ok(());
        }
        let has_older = self
            .erasable
            .names(&*self.fs)?
            .first()
            .is_some_and(|name| name.first_seq < oldest);
        if has_older {
            let may = |name: RowsName, _: &[u8]| name.first_seq < oldest;
            self.erasable.rewrite(&*self.fs, &may, &|row| row.seq < oldest)?;
        }
        self.erasable.forgotten = oldest;
        Ok(())
    }

    /// Writes the rows that belong to a batch.
    pub(super) fn write_rows(&mut self, batch: &Batch) -> std::result::Result<(), SinkError> {
        let written = self.erasable.write(&*self.fs, batch.rows());
        written.map_err(into_sink_error)
    }

    /// Makes the rows durable that were written so far.
    pub(super) fn confirm_rows(&mut self) -> std::result::Result<(), SinkError> {
        self.erasable.sync(&*self.fs).map_err(into_sink_error)
    }

    /// Rows of records from this one on may not be durable.
    pub(super) fn rows_durable_to(&self) -> u64 {
        self.erasable.pending_from.unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
impl FileSink {
    /// Has the open file of the table look full.
    pub(super) fn fill_table(&mut self) {
        self.erasable.open.iter_mut().for_each(|open| open.len = MAX_FILE);
    }
}

/// The followers that have passed the record with this number.
fn followers(fs: &dyn Fs, home: &Path, first: u64) -> Result<Vec<String>> {
    let dir = home.join("cursors");
    let mut names = match fs.list(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(|error| Error::io("could not list", &dir, error))?,
    };
    // A cursor that cannot be read may be anywhere.
    names.retain(|name| {
        let bytes = fs.read(&dir.join(name), MAX_CURSOR).unwrap_or_default();
        let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let next = said.get("next").and_then(Value::as_u64);
        let stream = said.get("stream").and_then(Value::as_str).unwrap_or_default();
        let next = next.and_then(|next| steps::reached(fs, &dir, name, stream, next).ok());
        !name.starts_with('.') && next.is_none_or(|next| next > first)
    });
    names.sort_unstable();
    Ok(names)
}
