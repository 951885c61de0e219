//! Adding lines: one transaction for a batch, and each line once, however often it is offered.

use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use super::columns::{COLUMNS, Column, number};
use super::row::{Cells, Columns};
use super::schema::create_part;
use super::text::Texts;
use super::{Database, Known, MAX_SEQ, MAX_STREAMS, Stream, failed, finish, key, row};
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Batch, Entry, leaf_hash};
use crate::record::marks::is_gap;
use crate::record::{Record, Slot};

/// A line on its way into the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) seq: u64,
    pub(crate) observed_at: u64,
    pub(crate) line: &'a [u8],
}

/// A line, and what it says.
struct Read<'a> {
    line: Line<'a>,
    said: Said<'a>,
}

/// What is known of a line: what stands in columns, or its record.
enum Said<'a> {
    Columns(Box<Columns<'a>>),
    Record(Record),
}

impl Read<'_> {
    fn stream(&self) -> &str {
        match &self.said {
            Said::Columns(columns) => columns.stream,
            Said::Record(record) => record.text(Slot::Stream).unwrap_or_default(),
        }
    }

    fn time(&self) -> u64 {
        match &self.said {
            Said::Columns(columns) => columns.time,
            Said::Record(record) => record.uint(Slot::Time).unwrap_or(0),
        }
    }

    fn is_gap(&self) -> bool {
        match &self.said {
            Said::Columns(columns) => columns.is_gap,
            Said::Record(record) => is_gap(record),
        }
    }

    fn cell(&self, at: usize, column: &Column) -> ValueRef<'_> {
        match &self.said {
            Said::Columns(columns) => columns.cells.get(at).copied().unwrap_or(ValueRef::Null),
            Said::Record(record) => column.cell(record),
        }
    }
}

/// The statements that add a row, for a batch of them.
struct Adding<'c> {
    entry: CachedStatement<'c>,
    line: CachedStatement<'c>,
}

impl Database {
    /// Adds lines, all of them or none, in one transaction. Those that stand here already are left as they are. Gives the
    /// numbers of those that are seen to be no records: they are not kept. A value that no column holds is not looked at: a line
    /// that is no record for that alone stands here, and is a finding to who reads it.
    ///
    /// # Errors
    ///
    /// `Corrupt` where another line stands under the same stream and number; `Refused` where none does, and later ones of the
    /// stream do; `Io`, `Locked`, `Format` as SQLite says.
    pub(crate) fn append<'a>(&mut self, lines: impl Iterator<Item = Line<'a>>) -> Result<Vec<u64>> {
        // Read before the file is locked, so that others wait less.
        let (read, refused) = read_all(&mut self.cells, lines);
        if !read.is_empty() {
            self.begin()?;
            let added = self.add_all(&read);
            self.end(added, "could not write to")?;
            self.finish_if_full()?;
        }
        Ok(refused)
    }

    /// Adds records that are numbered here: `make` is given the stream's next number and the time of its last record, and
    /// gives their lines.
    ///
    /// # Errors
    ///
    /// As [`Database::append`], and what `make` says; `Refused` where a line is no record.
    pub(crate) fn append_own(
        &mut self,
        stream: &str,
        make: impl FnOnce(u64, u64) -> Result<Batch>,
    ) -> Result<()> {
        // An error says that nothing was kept: a part that could not be finished behind other records is tried before these.
        self.finish_if_full()?;
        self.begin()?;
        let added = self.add_own(stream, make);
        self.end(added, "could not write to")?;
        let _ = self.finish_if_full();
        Ok(())
    }

    fn add_own(&mut self, stream: &str, make: impl FnOnce(u64, u64) -> Result<Batch>) -> Result<()> {
        let Stream { next, last, .. } = self.stream(stream)?;
        let batch = make(next, last)?;
        let (read, refused) = read_all(&mut self.cells, batch.entries().map(Line::from));
        match refused.first() {
            None => self.add_all(&read),
            Some(seq) => Err(Error::new(
                ErrorKind::Refused,
                format!(
                    "the record that would be seq {seq} of `{}` cannot be kept there",
                    self.path.display()
                ),
            )),
        }
    }

    fn finish_if_full(&mut self) -> Result<()> {
        if self.known.rows >= self.part_rows {
            self.finish_part()?;
        }
        Ok(())
    }

    /// Begins to write. What other processes have written since is looked at first.
    pub(super) fn begin(&mut self) -> Result<()> {
        let mut begin = || -> rusqlite::Result<()> {
            self.conn.execute_batch("BEGIN IMMEDIATE")?;
            let version: i64 = self
                .conn
                .pragma_query_value(None, "data_version", |row| row.get(0))?;
            if version != self.known.version {
                self.look()?;
            }
            Ok(())
        };
        begin().map_err(|error| {
            let _ = self.conn.execute_batch("ROLLBACK");
            self.failed("could not write to", error)
        })
    }

    /// Ends what was begun: as a whole, or not at all.
    pub(super) fn end<T>(&mut self, done: Result<T>, what: &str) -> Result<T> {
        let done = done.and_then(|value| {
            let committed = self.conn.execute_batch("COMMIT");
            committed
                .map(|()| value)
                .map_err(|error| self.failed(what, error))
        });
        if done.is_err() {
            let _ = self.conn.execute_batch("ROLLBACK");
            // What was remembered may be of what was not written.
            self.known.version = -1;
            self.known.texts = Texts::default();
        } else if self.is_log_old {
            self.empty_log();
        }
        done
    }

    /// Looks at what the file says of its streams and its newest part.
    pub(super) fn look(&mut self) -> rusqlite::Result<()> {
        let known = &mut self.known;
        known.version = self
            .conn
            .pragma_query_value(None, "data_version", |row| row.get(0))?;
        known.streams = self
            .conn
            .prepare("SELECT stream, no, next_seq, last_observed FROM streams")?
            .query_map([], |row| {
                let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
                let stream = Stream {
                    no: row.get(1)?,
                    next: number(2)?,
                    last: number(3)?,
                };
                Ok((row.get(0)?, stream))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let part: i64 = self
            .conn
            .query_row("SELECT max(part) FROM parts", [], |row| row.get(0))?;
        let count = format!("SELECT count(*) FROM entries_{part}");
        let rows: i64 = self.conn.query_row(&count, [], |row| row.get(0))?;
        known.is_unordered = false;
        known.begin_part(part, rows.unsigned_abs());
        Ok(())
    }

    fn add_all(&mut self, read: &[Read<'_>]) -> Result<()> {
        let Self {
            conn, path, known, ..
        } = self;
        let wrong = |error| failed("could not write to", path, error);
        let mut adding = Adding::new(conn, known).map_err(wrong)?;
        for one in read {
            let name = one.stream();
            let stream = known.stream(conn, path, name)?;
            let id = key(stream.no, one.line.seq);
            if one.line.seq < stream.next {
                stands_here(conn, path, id, name, one)?;
                continue;
            }
            adding.add(id, one).map_err(wrong)?;
            if one.is_gap() {
                known.add_gap(conn, id, one).map_err(wrong)?;
            }
            known.rows += 1;
            match &one.said {
                Said::Columns(columns) => known.texts.add_line(id, columns.line),
                Said::Record(record) => known.texts.add(id, record),
            }
            known.is_unordered |= one.line.observed_at < stream.last;
            if let Some(stream) = known.streams.get_mut(name) {
                stream.next = one.line.seq + 1;
                stream.last = stream.last.max(one.line.observed_at);
            }
        }
        drop(adding);
        self.keep_streams(read)
            .map_err(|error| self.failed("could not write to", error))
    }

    /// The stream of this name; a new one is given a number.
    fn stream(&mut self, name: &str) -> Result<Stream> {
        self.known.stream(&self.conn, &self.path, name)
    }

    /// Writes down how far each stream has come.
    fn keep_streams(&self, read: &[Read<'_>]) -> rusqlite::Result<()> {
        let mut names: Vec<&str> = read.iter().map(Read::stream).collect();
        names.dedup();
        let sql = "UPDATE streams SET next_seq = ?2, last_observed = ?3 WHERE no = ?1";
        let mut statement = self.conn.prepare_cached(sql)?;
        for stream in names.iter().filter_map(|name| self.known.streams.get(*name)) {
            statement.execute(params![stream.no, number(stream.next), number(stream.last)])?;
        }
        if self.known.is_unordered {
            self.conn
                .execute("INSERT OR IGNORE INTO about VALUES ('unordered', '1')", [])?;
        }
        Ok(())
    }

    /// Finishes the newest part, if it is full, and begins another.
    fn finish_part(&mut self) -> Result<()> {
        self.begin()?;
        let Known { part, rows, .. } = self.known;
        if rows < self.part_rows {
            // Another process was first: this is the part that it began.
            return self.end(Ok(()), "could not index");
        }
        let texts = Some(&self.known.texts).filter(|texts| texts.len() == rows);
        let finish = || -> rusqlite::Result<()> {
            finish::finish(&self.conn, part, texts)?;
            create_part(&self.conn, part + 1)
        };
        let finished = finish().map_err(|error| self.failed("could not index", error));
        self.end(finished, "could not index")?;
        self.known.begin_part(part + 1, 0);
        Ok(())
    }
}

impl<'c> Adding<'c> {
    fn new(conn: &'c Connection, known: &Known) -> rusqlite::Result<Self> {
        Ok(Self {
            entry: conn.prepare_cached(&known.insert_entry)?,
            line: conn.prepare_cached(&known.insert_line)?,
        })
    }

    fn add(&mut self, id: i64, one: &Read<'_>) -> rusqlite::Result<()> {
        let entry = &mut self.entry;
        entry.raw_bind_parameter(1, id)?;
        entry.raw_bind_parameter(2, number(one.line.observed_at))?;
        entry.raw_bind_parameter(3, number(one.time()))?;
        for (at, column) in COLUMNS.iter().enumerate() {
            entry.raw_bind_parameter(at + 4, ToSqlOutput::Borrowed(one.cell(at, column)))?;
        }
        entry.raw_execute()?;
        self.line.execute(params![id, one.line.line]).map(drop)
    }
}

/// A line that was offered before: the same one stands here, or its hash where it was pruned.
fn stands_here(conn: &Connection, path: &Path, id: i64, name: &str, one: &Read<'_>) -> Result<()> {
    let find = || -> rusqlite::Result<Option<bool>> {
        let mut parts = conn.prepare_cached("SELECT part FROM parts ORDER BY part DESC")?;
        let parts = parts.query_map([], |row| row.get::<_, i64>(0))?;
        for part in parts {
            let sql = format!("SELECT line = ?2 FROM lines_{} WHERE id = ?1", part?);
            let same = conn
                .prepare_cached(&sql)?
                .query_row(params![id, one.line.line], |row| row.get(0))
                .optional()?;
            if same.is_some() {
                return Ok(same);
            }
        }
        conn.prepare_cached("SELECT hash = ?2 FROM leaves WHERE id = ?1")?
            .query_row(params![id, leaf_hash(one.line.line).as_slice()], |row| row.get(0))
            .optional()
    };
    let seq = one.line.seq;
    match find().map_err(|error| failed("could not read", path, error))? {
        Some(true) => Ok(()),
        Some(false) => Err(Error::corrupt(format!(
            "`{}` has another line under seq {seq} of stream `{name}`: two journals have the same stream, or one was changed",
            path.display()
        ))),
        None => Err(Error::new(
            ErrorKind::Refused,
            format!(
                "`{}` has later records of stream `{name}` and never had seq {seq}: each stream is taken in the order of its numbers; make the file anew",
                path.display()
            ),
        )),
    }
}

impl Known {
    /// The stream of this name; a new one is given a number.
    fn stream(&mut self, conn: &Connection, path: &Path, name: &str) -> Result<Stream> {
        if let Some(known) = self.streams.get(name) {
            return Ok(*known);
        }
        let no = 1 + self.streams.values().map(|stream| stream.no).max().unwrap_or(0);
        if no > MAX_STREAMS {
            let message = format!(
                "`{}` has {MAX_STREAMS} streams and takes no more; begin another file",
                path.display()
            );
            return Err(Error::new(ErrorKind::Refused, message));
        }
        conn.execute("INSERT INTO streams VALUES (?1, ?2, 0, 0)", params![no, name])
            .map_err(|error| failed("could not write to", path, error))?;
        let stream = Stream { no, next: 0, last: 0 };
        self.streams.insert(name.to_owned(), stream);
        Ok(stream)
    }

    fn add_gap(&self, conn: &Connection, id: i64, one: &Read<'_>) -> rusqlite::Result<()> {
        conn.prepare_cached("INSERT INTO gaps VALUES (?1, ?2, ?3)")?
            .execute(params![id, self.part, number(one.line.observed_at)])
            .map(drop)
    }

    /// Rows are added to this part from now on.
    fn begin_part(&mut self, part: i64, rows: u64) {
        let places: String = COLUMNS.iter().map(|_| ", ?").collect();
        self.part = part;
        self.rows = rows;
        self.texts = Texts::default();
        self.insert_entry = format!("INSERT INTO entries_{part} VALUES (?1, ?2, ?3{places})");
        self.insert_line = format!("INSERT INTO lines_{part} VALUES (?1, ?2)");
    }
}

fn read_all<'a>(cells: &mut Cells, lines: impl Iterator<Item = Line<'a>>) -> (Vec<Read<'a>>, Vec<u64>) {
    let (mut read, mut refused) = (Vec::new(), Vec::new());
    for line in lines {
        let said = match cells.of(line.line) {
            Some(columns) => Some(Said::Columns(columns)),
            None => row::read(line.line).map(Said::Record),
        };
        match said.filter(|_| line.seq <= MAX_SEQ) {
            Some(said) => read.push(Read { line, said }),
            None => refused.push(line.seq),
        }
    }
    (read, refused)
}

impl<'a> From<Entry<'a>> for Line<'a> {
    fn from(entry: Entry<'a>) -> Self {
        Self {
            seq: entry.seq(),
            observed_at: entry.observed_at(),
            line: entry.line(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::Place;

    #[test]
    fn a_part_that_another_process_has_finished_meanwhile_is_not_followed_by_an_empty_one() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::File(root.path().join("audit.db"));
        let [mut mine, mut other] = [(); 2].map(|()| Database::open(&place).unwrap());
        for database in [&mut mine, &mut other] {
            database.set_part_rows(2);
        }
        let line = |seq| {
            let record = Record::builder("e").time(1).build();
            let line = crate::format::write_line(&record, "s", seq, 1, uuid::Uuid::nil());
            (seq, line)
        };
        for (seq, line) in [line(0), line(1)] {
            let database = if seq == 0 { &mut mine } else { &mut other };
            let line = Line {
                seq,
                observed_at: 1,
                line: &line,
            };
            assert!(database.append([line].into_iter()).unwrap().is_empty());
        }
        mine.finish_part().unwrap();
        let parts = mine.parts().unwrap();
        assert_eq!(
            parts.iter().map(|part| part.is_finished).collect::<Vec<_>>(),
            [true, false]
        );
    }

    #[test]
    fn a_line_is_seen_to_be_no_record_by_what_stands_in_columns_alone() {
        let record = Record::builder("e").time(1).summary("x").build();
        let line = crate::format::write_line(&record, "s", 0, 1, uuid::Uuid::nil());
        let text = String::from_utf8(line).unwrap();
        for (from, to, is_seen) in [
            ("\"summary\":\"x\"", "\"summary\":7", false),
            ("\"event\":\"e\"", "\"event\":7", true),
        ] {
            let changed = text.replace(from, to);
            let line = Line {
                seq: 0,
                observed_at: 1,
                line: changed.as_bytes(),
            };
            assert!(row::read(line.line).is_none(), "{to}");
            let mut database = Database::open(&Place::Memory).unwrap();
            let refused = database.append([line].into_iter()).unwrap();
            assert_eq!(refused, [0][..usize::from(is_seen)], "{to}");
        }
    }
}
