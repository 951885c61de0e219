//! Reading behind the writer: the entries of the stream from a number on, up to what the disk has confirmed.
//!
//! The reader goes through the segments in their order and gives each entry once. It steps over copies, over lines
//! whose numbers belong to the next segment (what a power failure left behind a hole), and over what is not a record.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::cursor::{CursorFile, Said};
use super::debt::Debts;
use super::fs::{Fs, FsLock};
use super::line_reader::{Ahead, Open, Places, has_room};
use super::{FileSink, recover};
use crate::error::{Error, Result};
use crate::format::{Batch, SegmentName};

/// The stream's lock, for as long as anybody holds it.
pub(crate) type Hold = Arc<Mutex<Box<dyn FsLock>>>;

/// How far the writer has come, for those who read behind it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    durable: AtomicU64,
    /// Changes whenever a segment begins or is removed.
    segments: AtomicU64,
}

impl Progress {
    /// Entries below this number are on disk.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Never takes back what was said: lines that are saved from a deleted segment were on disk before.
    pub(super) fn confirm(&self, durable: u64) {
        self.durable.fetch_max(durable, Ordering::AcqRel);
    }

    /// Said before the entries of the new segment are confirmed, so that who sees those sees the segment.
    pub(super) fn relist(&self) {
        self.segments.fetch_add(1, Ordering::AcqRel);
    }
}

/// Where a follower begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// At its cursor; without one, at the oldest record that is kept.
    Oldest,
    /// At its cursor; without one, with what is written from now on.
    Resume,
    /// With what is written from now on. It has no cursor.
    Now,
}

/// What a follower needs of the journal.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) reader: TrailReader,
    pub(crate) cursor: Option<CursorFile>,
    pub(crate) progress: Arc<Progress>,
    /// What an earlier life left untold.
    pub(crate) debts: Debts,
    /// Kept as long as the cursor may be written, so that no two processes write it.
    pub(crate) hold: Hold,
}

impl FileSink {
    /// Says how far the disk is, to those who read behind: entries below the number are on it.
    pub(crate) fn publish(&self) -> u64 {
        let durable = self.durable_seq();
        self.progress.confirm(durable);
        durable
    }

    /// Begins to follow the stream. The second answer is what people should know of the cursor that was found.
    ///
    /// # Errors
    ///
    /// `Io` where the directory cannot be listed or the cursor cannot be read or written.
    pub(crate) fn follow(&mut self, sink: &str, begin: Begin) -> Result<(Following, Option<String>)> {
        let mut told = None;
        let mut next = self.next_seq;
        let (mut cursor, mut debts) = (None, Debts::default());
        if begin != Begin::Now {
            let access = self.settings.access;
            let mut file = CursorFile::new(Arc::clone(&self.fs), access, &self.home, self.stream_id(), sink);
            let names = recover::segments(&*self.fs, &self.home)?;
            let oldest = names.first().map_or(self.next_seq, |name| name.first_seq);
            let said = file.read()?;
            match said {
                Said::Next(_) => debts = self.left_of(sink, file.debts()?)?,
                Said::Nothing | Said::Unreadable => file.forget_steps()?,
            }
            next = match said {
                Said::Next(next) if next > self.next_seq => {
                    told = Some(format!(
                        "the cursor of sink `{sink}` lies at {next}, behind the end of the stream at {}; it goes on \
                         from there. Was the directory put back from an older copy?",
                        self.next_seq
                    ));
                    self.next_seq
                }
                Said::Next(next) => next,
                Said::Nothing if begin == Begin::Resume => self.next_seq,
                Said::Nothing => oldest,
                Said::Unreadable => {
                    told = Some(format!(
                        "the cursor of sink `{sink}` cannot be read, or is that of another stream; the sink is given \
                         every record that is kept, from {oldest}"
                    ));
                    oldest
                }
            };
            file.begin(next, debts)?;
            self.running.push(sink.to_owned());
            cursor = Some(file);
        }
        let following = Following {
            reader: TrailReader {
                fs: Arc::clone(&self.fs),
                home: self.home.clone(),
                progress: Arc::clone(&self.progress),
                next,
                listed: None,
                names: Vec::new(),
                open: None,
                ahead: None,
                missing: 0,
                is_lost: false,
                places: Places::default(),
            },
            cursor,
            debts,
            progress: Arc::clone(&self.progress),
            hold: Arc::clone(&self.lock),
        };
        Ok((following, told))
    }
}

/// Reads entries behind the writer.
#[derive(Debug)]
pub(crate) struct TrailReader {
    fs: Arc<dyn Fs>,
    home: PathBuf,
    progress: Arc<Progress>,
    /// The entry that is due.
    next: u64,
    /// The state of [`Progress::segments`] that `names` were listed in.
    listed: Option<u64>,
    names: Vec<SegmentName>,
    open: Option<Open>,
    /// The line that was read last, where it was not given out yet.
    ahead: Option<Ahead>,
    /// Entries that were due, are no longer there, and were not told of.
    missing: u64,
    is_lost: bool,
    places: Places,
}

impl TrailReader {
    /// The entry that is due.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Whether the entry that is due was not found, although the disk has confirmed it.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// How many entries it is behind what the disk has confirmed.
    pub(crate) fn waiting(&self) -> u64 {
        self.progress.durable().saturating_sub(self.next)
    }

    /// Appends the entries that are due, in order, as far as the batch has room and the disk has confirmed them. Gives
    /// back how many were due that the journal no longer has; they are counted once.
    ///
    /// # Errors
    ///
    /// `Io` where a segment cannot be read; what the batch holds is good, and the call can be repeated.
    pub(crate) fn fill(&mut self, batch: &mut Batch) -> Result<u64> {
        // Read before the segments are listed: a line below it that a later segment supersedes has that one listed.
        let durable = self.progress.durable();
        self.is_lost = false;
        while self.next < durable && has_room(batch) {
            self.list()?;
            if self.take(durable, batch)? {
                continue;
            }
            let Some(seq) = self.find()? else {
                self.is_lost = true;
                break;
            };
            if seq > self.next {
                if self.is_elsewhere()? {
                    continue;
                }
                if !batch.is_empty() {
                    break;
                }
                let to = seq.min(durable);
                self.missing += to - self.next;
                self.next = to;
                continue;
            }
            let Some(ahead) = self.ahead.take() else { break };
            batch.push(seq, ahead.observed_at, |out| out.extend_from_slice(&ahead.line));
            self.next = seq + 1;
        }
        Ok(std::mem::take(&mut self.missing))
    }

    /// Appends entries that are due and stand one behind the other where the reader is; `false` where none do.
    fn take(&mut self, durable: u64, batch: &mut Batch) -> Result<bool> {
        let below = self.open.as_ref().map(|open| durable.min(self.end(open.name)));
        let (Some(open), Some(below), None) = (&mut self.open, below, &self.ahead) else {
            return Ok(false);
        };
        let before = self.next;
        open.take((&mut self.next, below), &mut self.places, &mut self.ahead, batch)?;
        Ok(self.next > before)
    }

    /// Lists the segments, where they may have changed.
    fn list(&mut self) -> Result<()> {
        let now = self.progress.segments.load(Ordering::Acquire);
        if self.listed == Some(now) {
            return Ok(());
        }
        self.names = recover::segments(&*self.fs, &self.home)?;
        self.listed = Some(now);
        Ok(())
    }

    /// The segment behind another one.
    fn after(&self, name: SegmentName) -> Option<SegmentName> {
        let key = |name: &SegmentName| (name.first_seq, name.date);
        let at = self.names.partition_point(|listed| key(listed) <= key(&name));
        self.names.get(at).copied()
    }

    /// The number from which on the lines of a segment are dead.
    fn end(&self, name: SegmentName) -> u64 {
        self.after(name).map_or(u64::MAX, |next| next.first_seq)
    }

    /// The number of the next record that is due or lies behind the one that is; `None` where there is none yet.
    fn find(&mut self) -> Result<Option<u64>> {
        loop {
            if let (Some(ahead), Some(open)) = (&self.ahead, &self.open) {
                if (self.next..self.end(open.name)).contains(&ahead.seq) {
                    return Ok(Some(ahead.seq));
                }
                self.ahead = None;
            }
            let Some(open) = &mut self.open else {
                let Some(name) = self.holder() else {
                    return Ok(None);
                };
                if !self.go_to(name)? {
                    return Ok(None);
                }
                continue;
            };
            if open.read(self.next, &mut self.places, &mut self.ahead)? {
                continue;
            }
            let name = open.name;
            open.again();
            match self.after(name) {
                None => return Ok(None),
                Some(next) if self.open.as_ref().is_some_and(|open| open.is_whole) => {
                    if !self.go_to(next)? {
                        return Ok(None);
                    }
                }
                // It may have grown between the last look at it and the begin of the later one.
                Some(_) => self.open.iter_mut().for_each(|open| open.is_whole = true),
            }
        }
    }

    /// The segment in which the entry that is due should stand.
    fn holder(&self) -> Option<SegmentName> {
        let behind = self.names.partition_point(|name| name.first_seq <= self.next);
        let at = behind.saturating_sub(1);
        self.names.get(at).copied()
    }

    /// Opens a segment; `false` where it is gone, and another look at the directory is due.
    fn go_to(&mut self, name: SegmentName) -> Result<bool> {
        self.ahead = None;
        self.open = self.look_at(name)?;
        if self.open.is_none() {
            self.listed = None;
        }
        Ok(self.open.is_some())
    }

    fn look_at(&self, name: SegmentName) -> Result<Option<Open>> {
        let path = self.home.join(name.to_string());
        match self.fs.open_read(&path) {
            Ok(file) => {
                let is_whole = self.after(name).is_some();
                Ok(Some(Open::new(name, path, Arc::from(file), is_whole)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("could not open the segment", &path, error)),
        }
    }

    /// Where the entry that is due stands further on, or where a later segment begins with copies of it, goes there. A
    /// sync that failed can have taken lines out of the middle of a segment; all of those that it should have confirmed
    /// stand again in the next one.
    fn is_elsewhere(&mut self) -> Result<bool> {
        if let Some(open) = &mut self.open
            && open.skip_to(self.next, &mut self.places, &mut self.ahead)?
        {
            return Ok(true);
        }
        let mut at = self.open.as_ref().map(|open| open.name);
        while let Some(name) = at.and_then(|name| self.after(name)) {
            at = Some(name);
            let Some(mut open) = self.look_at(name)? else {
                continue;
            };
            let mut first = None;
            if open.read(0, &mut self.places, &mut first)? {
                let has_copies = first.is_some_and(|first| first.seq <= self.next);
                return if has_copies { self.go_to(name) } else { Ok(false) };
            }
        }
        Ok(false)
    }
}
