//! The end of one segment and the begin of the next, and what must move from one to the other.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::append::{into_sink_error, newlines};
use super::fs::{FsFile, Kind};
use super::salvage::{Region, Salvage};
use super::{FileEvent, FileSink, OpenSegment, RollCause, Rotated, recover};
use crate::error::{Error, Result};
use crate::format::SegmentName;
use crate::sink::SinkError;

const DAY: u64 = 86_400_000_000_000;

/// How much of a carry is held in memory at once.
const STEP: u64 = 1024 * 1024;

/// How often unconfirmed lines are tried to be read back before they are given up.
const MOST_FAILURES: u32 = 16;

/// How often a name is looked for: the latest one of a number, and the one behind it.
const MOST_NAMES: u32 = 4;

/// Lines in a closed segment that the next one must repeat before it takes new ones.
///
/// The descriptor stays open, so that even a deleted file can be read.
#[derive(Debug)]
pub(super) struct Carry {
    file: Arc<dyn FsFile>,
    path: PathBuf,
    /// The region's bytes.
    from: u64,
    to: u64,
    /// The sequence number of its first line, and the one behind its last.
    first: u64,
    next: u64,
    /// How often it could not be read.
    failures: u32,
    /// Where it cannot be read back whole: what is repeated, the same each time that it is tried.
    rest: Option<Salvage>,
}

/// The UTC day of a time, as segment names state it.
pub(super) fn day(nanos: u64) -> Date {
    let days = i64::try_from(day_number(nanos)).unwrap_or(i64::MAX);
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.checked_add(days.days()).unwrap_or(Date::MAX)
}

/// Days since the Unix epoch.
pub(super) fn day_number(nanos: u64) -> u64 {
    nanos / DAY
}

/// Days since the Unix epoch of a segment's date; 0 for one before it.
pub(super) fn number_of(date: Date) -> u64 {
    date.to_zoned(TimeZone::UTC)
        .map(|zoned| zoned.timestamp())
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .as_second()
        .try_into()
        .unwrap_or(0_u64)
        / 86_400
}

impl FileSink {
    /// Whether the open segment holds a line that its name does not promise yet. Without one, the next segment would
    /// have the same number.
    pub(super) fn has_lines(&self) -> bool {
        self.segment
            .as_ref()
            .is_some_and(|segment| self.next_seq > segment.name.first_seq)
    }

    pub(super) fn roll(&mut self, cause: RollCause, at: u64) -> Result<Rotated> {
        if let Some(segment) = &self.segment {
            if !self.has_lines() {
                let opened = segment.name;
                return Ok(Rotated {
                    closed: None,
                    opened,
                    cause,
                });
            }
            self.end_segment(cause);
        }
        let closed = self.ended.map(|(name, _)| name);
        let opened = self.begin(at)?;
        Ok(Rotated {
            closed,
            opened,
            cause,
        })
    }

    /// Closes the open segment. What the disk does not confirm now is carried into the next one.
    pub(super) fn end_segment(&mut self, cause: RollCause) {
        let confirmed = self.settle(true);
        let Some(mut segment) = self.segment.take() else {
            return;
        };
        if confirmed.is_err() || segment.dirty() && segment.file.sync().is_err() {
            self.carry_from(segment, RollCause::SyncError, false);
        } else {
            self.ended = Some((segment.name, cause));
            segment.confirmed = segment.len;
            self.let_go(segment);
            // Every line is on disk now. A failure is told, and the next head covers them.
            let _ = self.seal_now();
        }
    }

    /// Closes the open segment without trusting it to confirm anything: its unconfirmed lines, or `all` lines of this
    /// run, are carried into the next one.
    pub(super) fn give_up_segment(&mut self, cause: RollCause, all: bool) {
        // What a sync that is still under way confirms need not be repeated; if it fails, all of it is.
        let _ = self.settle(true);
        if let Some(segment) = self.segment.take() {
            self.carry_from(segment, cause, all);
        }
    }

    fn carry_from(&mut self, segment: OpenSegment, cause: RollCause, all: bool) {
        self.ended = Some((segment.name, cause));
        let (from, first) = if all {
            (segment.start, segment.start_seq)
        } else {
            (segment.confirmed, segment.confirmed_seq)
        };
        if from < segment.len {
            let (place, seqs) = ((from, segment.len), (first, self.next_seq));
            self.carry = Some(Carry::new(segment.file, segment.path, place, seqs));
        }
    }

    /// Begins a segment on the day of `at`, at the number of its first line: of the first that is carried into it, or of
    /// the next one.
    ///
    /// So the lines behind that number in the segment before are dead, whatever a failed sync or a power failure left
    /// of them there.
    pub(super) fn begin(&mut self, at: u64) -> Result<SegmentName> {
        self.look_at_carry()?;
        let first = self.carry.as_ref().map_or(self.next_seq, Carry::first);
        let (name, file) = self.create(first, at)?;
        let path = self.home.join(name.to_string());
        let mut segment = OpenSegment::adopt(name, path, file, first, self.carry.is_some())?;
        self.fs
            .sync_dir(&self.home)
            .map_err(|error| Error::io("could not make durable the directory", &self.home, error))?;
        self.progress.relist();
        let copied = self.unload(&mut segment)?;
        self.segment = Some(segment);
        self.mark_seal();
        if let Some((closed, cause)) = self.ended.take() {
            self.tell(FileEvent::Rolled {
                cause,
                closed,
                opened: name,
                copied,
            });
        }
        if let Err(error) = self.cleanup() {
            self.tell(FileEvent::NotRemoved {
                segment: name,
                cause: error.to_string(),
            });
        }
        Ok(name)
    }

    /// Creates the file of a segment. A file of that name that holds no record (a terminated fragment) is continued,
    /// through a new descriptor. One that holds records is left behind: they are dead, and of two segments with the same
    /// number the one with the later day is the later one.
    fn create(&mut self, first: u64, at: u64) -> Result<(SegmentName, Box<dyn FsFile>)> {
        let mut name = SegmentName::new(day(at), first);
        let failed = |path: &Path, error| Error::io("could not create the segment", path, error);
        let names = match self.fs.list(&self.home) {
            Ok(names) => names,
            // Somebody removed the directory: it is made again below.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(look(&self.home, error)),
        };
        let names = names.iter().filter_map(|name| SegmentName::parse(name));
        if let Some(last) = names
            .filter(|there| there.first_seq == first)
            .map(|there| there.date)
            .max()
        {
            name.date = name.date.max(last);
        }
        for _ in 0..MOST_NAMES {
            let path = self.home.join(name.to_string());
            let created = match self.fs.create_new(&path, self.settings.access) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.restore_home()?;
                    self.fs.create_new(&path, self.settings.access)
                }
                other => other,
            };
            match created {
                Ok(file) => return Ok((name, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&path, error)),
            }
            // What somebody put in the place of a segment is left alone.
            if self.ended != Some((name, RollCause::Replaced)) {
                let there = self.fs.open_append(&path).map_err(|error| failed(&path, error))?;
                if !recover::holds_record(&*there).map_err(|error| look(&path, error))? {
                    return Ok((name, there));
                }
            }
            name.date = name.date.tomorrow().unwrap_or(Date::MAX);
        }
        let path = self.home.join(name.to_string());
        Err(failed(&path, io::ErrorKind::AlreadyExists.into()))
    }

    /// Finds out whether what is carried can be repeated. Where a part of it cannot, other lines take its numbers. A read
    /// that fails may go well the next time.
    fn look_at_carry(&mut self) -> Result<()> {
        let Some(carry) = self.carry.as_mut().filter(|carry| carry.rest.is_none()) else {
            return Ok(());
        };
        match carry.is_intact() {
            Ok(true) => return Ok(()),
            Err(error) if carry.failures < MOST_FAILURES => {
                carry.failures += 1;
                return Err(error);
            }
            Ok(false) | Err(_) => {}
        }
        let free = match &mut self.seal {
            Some(seal) => seal.take_back(carry.first).min(carry.next),
            None => carry.first,
        };
        let region = Region {
            stream: self.identity.id(),
            first: carry.first,
            free,
            next: carry.next,
            observed_at: self.last_observed_at,
        };
        carry.rest = Some(region.salvage(&carry.readable()));
        Ok(())
    }

    /// Copies what is carried into a segment that just began.
    fn unload(&mut self, segment: &mut OpenSegment) -> Result<Option<(u64, u64)>> {
        let Some(carry) = &self.carry else {
            return Ok(None);
        };
        let copied = Some((carry.first, carry.next.saturating_sub(1)));
        let Some(rest) = &carry.rest else {
            carry.copy(segment)?;
            self.carry = None;
            return Ok(copied);
        };
        segment
            .write(&rest.lines)
            .map_err(|failed| Error::io("could not repeat lines into", &segment.path, failed.cause))?;
        let Some(rest) = self.carry.take().and_then(|carry| carry.rest) else {
            return Ok(None);
        };
        self.seal_lines(rest.free(), newlines(rest.free()));
        for (first, last) in rest.lost {
            self.doubt_removal(first, last);
            self.doubt_debts(first, last);
            self.tell(FileEvent::Unconfirmed { first, last });
        }
        Ok(copied)
    }

    /// `flush`: everything delivered is on disk, in files that lie where they should.
    pub(super) fn confirm(&mut self) -> Result<(), SinkError> {
        self.confirm_rows()?;
        self.check_place().map_err(into_sink_error)?;
        if self.ended.is_some() || self.carry.is_some() {
            let at = if self.last_observed_at > 0 {
                self.last_observed_at
            } else {
                self.now()
            };
            self.begin(at).map_err(into_sink_error)?;
        }
        self.settle_or_give_up(true)?;
        let Some(segment) = self.segment.as_mut().filter(|segment| segment.dirty()) else {
            return Ok(());
        };
        match segment.file.sync() {
            Ok(()) => {
                segment.confirmed = segment.len;
                segment.confirmed_seq = self.next_seq;
                self.mark_seal();
                self.settle_seal();
                Ok(())
            }
            Err(error) => Err(self.unconfirmed(error)),
        }
    }
}

impl OpenSegment {
    /// Takes over a file as the open segment: empty, or with something in it that stays as it is.
    ///
    /// In `doubt` about what the disk made of its content, an empty line stands before what follows: zeros in the
    /// place of lost bytes must not swallow a line.
    pub(super) fn adopt(
        name: SegmentName,
        path: PathBuf,
        file: Box<dyn FsFile>,
        next_seq: u64,
        doubt: bool,
    ) -> Result<Self> {
        let about = file.meta().map_err(|error| look(&path, error))?;
        if about.kind != Kind::File {
            return Err(look(
                &path,
                io::Error::other("it is not a regular file; remove it"),
            ));
        }
        let mut len = about.len;
        if len > 0 {
            let mut last = [0];
            file.read_at(len - 1, &mut last)
                .map_err(|error| look(&path, error))?;
            if doubt || last != *b"\n" {
                match file.write(b"\n") {
                    Ok(1) => len += 1,
                    other => {
                        let error = other.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                        return Err(Error::io("could not end the fragment in", &path, error));
                    }
                }
            }
        }
        Ok(Self {
            name,
            path,
            file: Arc::from(file),
            id: about.id,
            day: number_of(name.date),
            len,
            confirmed: len,
            confirmed_seq: next_seq,
            start: len,
            start_seq: next_seq,
            cached: len,
        })
    }
}

impl Carry {
    /// The lines between two places of a file, with the number of the first and the one behind the last.
    pub(super) fn new(
        file: Arc<dyn FsFile>,
        path: PathBuf,
        (from, to): (u64, u64),
        (first, next): (u64, u64),
    ) -> Self {
        Self {
            file,
            path,
            from,
            to,
            first,
            next,
            failures: 0,
            rest: None,
        }
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Whether the region can be read back as the lines that were written: after a failed sync the system may have
    /// dropped them, and after a cut they are gone.
    fn is_intact(&self) -> Result<bool> {
        let mut lines = 0;
        let mut last = 0;
        let mut has_zeros = false;
        let whole = self.each(|bytes| {
            lines += newlines(bytes);
            last = bytes.last().copied().unwrap_or(last);
            has_zeros |= bytes.contains(&0);
            Ok(())
        })?;
        Ok(whole && !has_zeros && lines == self.next - self.first && last == b'\n')
    }

    /// What can be read of the region, from its start.
    fn readable(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let _ = self.each(|bytes| {
            all.extend_from_slice(bytes);
            Ok(())
        });
        all
    }

    fn copy(&self, segment: &mut OpenSegment) -> Result<()> {
        let whole = self.each(|bytes| {
            segment.write(bytes).map_err(|failed| {
                Error::io(
                    "could not copy unconfirmed lines into",
                    &segment.path,
                    failed.cause,
                )
            })
        })?;
        if whole {
            return Ok(());
        }
        Err(look(&self.path, io::ErrorKind::UnexpectedEof.into()))
    }

    /// Reads the region; `false` where the file ends before it does.
    fn each(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        let room = usize::try_from((self.to - self.from).min(STEP)).unwrap_or(usize::MAX);
        let mut buffer = vec![0; room];
        let mut at = self.from;
        while at < self.to {
            let want = usize::try_from((self.to - at).min(STEP)).unwrap_or(usize::MAX);
            let into = buffer.get_mut(..want).unwrap_or_default();
            match self.file.read_at(at, into) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    take(buffer.get(..count).unwrap_or_default())?;
                    at += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(look(&self.path, error)),
            }
        }
        Ok(true)
    }
}

pub(super) fn look(path: &Path, error: io::Error) -> Error {
    Error::io("could not read", path, error)
}
