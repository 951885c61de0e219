//! Erasable values, put back into the records whose lines state commitments to them, as long as they are there.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::format::{MAX_ROW, ROWS, Row, RowsName};
use crate::record::marks::{COMMITMENT, ERASED};
use crate::record::{Record, Slot, Value};

use super::FindingKind;

/// Stands in the place of a value that is not the one that the line states.
pub const MISMATCH: &str = "[MISMATCH]";

/// A stream's side table, of which the part that was asked for last is in memory.
#[derive(Debug, Clone)]
pub(super) struct Values {
    dir: PathBuf,
    names: Option<Vec<RowsName>>,
    /// The number that the loaded files begin with, and what they were when they were loaded.
    loaded: Option<(u64, Vec<State>)>,
    rows: HashMap<(u64, String), Vec<Row>>,
}

/// What tells that a file was rewritten or written to.
type State = (RowsName, u64, Option<SystemTime>);

impl Values {
    /// The values that belong to the lines in `dir`.
    pub(super) fn beside(dir: &Path) -> Self {
        Self {
            dir: dir.join(ROWS),
            names: None,
            loaded: None,
            rows: HashMap::new(),
        }
    }

    /// Puts values in the place of the record's commitments. Says which of them are not what the line states.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where the table is there and cannot be read.
    pub(super) fn join(&mut self, line: &[u8], record: &mut Record) -> Result<Option<FindingKind>> {
        if memchr::memmem::find(line, COMMITMENT).is_none() {
            return Ok(None);
        }
        self.open_all(record)
    }

    /// As [`Values::join`], of a line that has commitments.
    pub(super) fn open_all(&mut self, record: &mut Record) -> Result<Option<FindingKind>> {
        let (Some(seq), Some(id)) = (record.uint(Slot::Seq), record.text(Slot::Id)) else {
            return Ok(None);
        };
        let Ok(id) = id.parse::<uuid::Uuid>() else {
            return Ok(None);
        };
        let mut wrong = Vec::new();
        let mut opened = Vec::new();
        for (slot, value) in record.slots() {
            let mut value = value.clone();
            let mut place = slot.path().to_owned();
            if self.open(&mut value, &mut place, (seq, id), &mut wrong)? {
                opened.push((slot, value));
            }
        }
        opened
            .into_iter()
            .for_each(|(slot, value)| record.put(slot, value));
        let fields = wrong.join(", ");
        Ok((!fields.is_empty()).then_some(FindingKind::Mismatch { seq, fields }))
    }

    /// Puts values in the place of the commitments in a value; `false` where there is none.
    fn open(
        &mut self,
        value: &mut Value,
        place: &mut String,
        of: (u64, uuid::Uuid),
        wrong: &mut Vec<String>,
    ) -> Result<bool> {
        match value {
            Value::Commitment(hash) => {
                *value = match self.row(of, place, hash)? {
                    Some(Ok(found)) => found,
                    Some(Err(())) => {
                        wrong.push(place.clone());
                        Value::from(MISMATCH)
                    }
                    None => Value::from(ERASED),
                };
                Ok(true)
            }
            Value::Map(members) => {
                let mut any = false;
                let outside = place.len();
                for (key, value) in members {
                    place.push('.');
                    place.push_str(key);
                    any |= self.open(value, place, of, wrong)?;
                    place.truncate(outside);
                }
                Ok(any)
            }
            _ => Ok(false),
        }
    }

    /// The value of a row; `None` where there is no row, an error where none has the value that was committed to.
    fn row(
        &mut self,
        (seq, id): (u64, uuid::Uuid),
        field: &str,
        hash: &[u8; 32],
    ) -> Result<Option<Result<Value, ()>>> {
        self.load(seq)?;
        let rows = self.rows.get(&(seq, field.to_owned()));
        // A run that was killed before it wrote the line leaves a row under a number that another record has now.
        let mut rows = rows.into_iter().flatten().filter(|row| row.id == id).peekable();
        if rows.peek().is_none() {
            return Ok(None);
        }
        let fitting = rows.find(|row| row.commitment() == *hash);
        Ok(Some(fitting.and_then(Row::value).ok_or(())))
    }

    /// Has the files in memory that hold the rows of this record, as they are now.
    fn load(&mut self, seq: u64) -> Result<()> {
        let known = self.names.as_ref().and_then(|names| first_for(names, seq));
        if let (Some(first), Some((loaded, states))) = (known, &self.loaded)
            && first == *loaded
            && states.iter().all(|state| *state == self.state(state.0))
        {
            return Ok(());
        }
        let names = self.list()?;
        let first = first_for(&names, seq);
        let wanted: Vec<RowsName> = names
            .iter()
            .copied()
            .filter(|name| Some(name.first_seq) == first)
            .collect();
        self.names = Some(names);
        self.rows.clear();
        // Taken before the files are read: what is written meanwhile is then read again.
        self.loaded = first.map(|first| (first, wanted.iter().map(|name| self.state(*name)).collect()));
        for name in wanted {
            let rows = &mut self.rows;
            each(&self.dir.join(name.to_string()), |row| {
                rows.entry((row.seq, row.field.clone())).or_default().push(row);
            })?;
        }
        Ok(())
    }

    fn state(&self, name: RowsName) -> State {
        let about = fs::metadata(self.dir.join(name.to_string())).ok();
        let len = about.as_ref().map_or(0, fs::Metadata::len);
        (name, len, about.and_then(|about| about.modified().ok()))
    }

    fn list(&self) -> Result<Vec<RowsName>> {
        list(&self.dir)
    }
}

/// The number that the files begin with in which the rows of this record are.
fn first_for(names: &[RowsName], seq: u64) -> Option<u64> {
    let before = names.partition_point(|name| name.first_seq <= seq);
    names.get(before.checked_sub(1)?).map(|name| name.first_seq)
}

/// The files of a table, in order; none where there is no table.
fn list(dir: &Path) -> Result<Vec<RowsName>> {
    let failed = |error| Error::io("could not list the side table", dir, error);
    let entries = match fs::read_dir(dir) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        other => other.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        names.extend(name.to_str().and_then(|name| name.parse::<RowsName>().ok()));
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads the rows of a file, which may have been removed. What is no row is passed over: a write that was cut short.
fn each(path: &Path, mut take: impl FnMut(Row)) -> Result<()> {
    let failed = |error| Error::io("could not read the side table", path, error);
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    let mut file = BufReader::with_capacity(64 * 1024, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = MAX_ROW as u64;
        let count = file
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)
            .map_err(failed)?;
        if count == 0 {
            return Ok(());
        }
        if let Ok(row) = Row::read(&line) {
            take(row);
        }
    }
}

/// What an erasure of a subject would remove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erasable {
    /// Records with a value of the subject's.
    pub records: u64,
    /// These values.
    pub values: u64,
    /// The sequence numbers of the first and of the last of these records.
    pub range: Option<(u64, u64)>,
}

/// What an erasure of this subject would remove from the stream in `dir`. Reads only.
///
/// # Errors
///
/// [`ErrorKind::Io`](crate::ErrorKind::Io) where the side table cannot be read.
pub fn erasable(dir: &Path, subject: &str) -> Result<Erasable> {
    let rows = dir.join(ROWS);
    let mut values = 0;
    let mut records = BTreeSet::new();
    for name in list(&rows)? {
        each(&rows.join(name.to_string()), |row| {
            if row.subject == subject {
                values += 1;
                records.insert(row.seq);
            }
        })?;
    }
    Ok(Erasable {
        records: records.len() as u64,
        values,
        range: records.first().copied().zip(records.last().copied()),
    })
}
