//! The file sink: a directory of segments with one writer, to which lines are only ever added.
//!
//! ```text
//! <dir>/<stream>/
//!   stream                                        who this stream is; written once
//!   lock                                          the one-writer lock, with its holder
//!   cursors/<sink>                                how far a follower has come; replaced as a whole
//!   audit-2026-11-21-00000000000000016384.jsonl   a segment: the day it was opened, the number of its first line
//!   erasable/rows-00000000000000016384-0.jsonl    erasable values; the one thing that is rewritten
//!   keys checkpoint checkpoints pruned tile/      the seal
//! ```
//!
//! A line that was written is never truncated, overwritten or renamed; only retention removes, and only whole segments
//! that are closed. `docs/failure-modes.md` says what happens when the disk, the clock or a person gets in the way.
//!
//! | file | what is in it |
//! |---|---|
//! | `builder.rs` | the settings and their checks |
//! | `open.rs`, `recover.rs` | directories, identity, lock; where the trail ended last time |
//! | `append.rs` | lines to bytes, failed writes |
//! | `background.rs` | syncs beside the writing |
//! | `roll.rs`, `salvage.rs` | the end of one segment and the begin of the next; what takes the place of lines that are lost |
//! | `seal.rs`, `leaves.rs`, `sealer.rs` | the tree over the lines; the thread that hashes them, and the one that writes tiles and checkpoints |
//! | `keyring.rs`, `reseal.rs`, `mend.rs` | whose turn it is to sign; the tree of a stream that is opened again, and its tiles |
//! | `place.rs` | files that are deleted or replaced under the sink |
//! | `space.rs` | the room of the file system |
//! | `retain.rs`, `remove.rs`, `base.rs` | age, size and number of segments; their removal, stated first; what stays of the tree |
//! | `follow.rs`, `cursor.rs` | reading behind the writer; how far each reader has come |
//! | `debt.rs` | what a reader was not given and no record says yet |
//! | `erasable.rs` | the side table of erasable values |

mod append;
mod background;
#[cfg(test)]
mod background_tests;
mod base;
mod builder;
#[cfg(test)]
mod call_tests;
mod cursor;
mod debt;
mod erasable;
#[cfg(test)]
mod erasable_tests;
mod events;
#[cfg(test)]
mod fault_tests;
mod follow;
#[cfg(test)]
mod follow_power_tests;
#[cfg(test)]
mod follow_tests;
mod fs;
mod keyring;
mod leaves;
mod line_reader;
mod lock;

#[cfg(test)]
pub(crate) mod memfs;
mod mend;
#[cfg(test)]
mod mend_tests;
mod open;
mod place;
#[cfg(test)]
mod planted;
mod read_ahead;
mod real;
mod recover;
#[cfg(test)]
mod recover_tests;
#[cfg(test)]
mod removal_tests;
mod remove;
mod reseal;
mod retain;
mod roll;
mod salvage;
mod seal;
#[cfg(test)]
mod seal_tests;
mod sealer;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod simulation_tests;
mod space;
mod steps;

pub use builder::FileSinkBuilder;
pub(crate) use cursor::{CursorFile, check_names};
pub(crate) use debt::{Debt, Debts};
pub use erasable::Erased;
pub use events::{Cleaned, FileEvent, Opened, RemoveCause, RollCause, Rotated, Torn};
pub(crate) use follow::{Begin, Following, Hold, Progress};
pub(crate) use read_ahead::ReadAhead;
pub use retain::Unshipped;

pub(crate) use space::Space;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::SharedClock;
use crate::error::Result;
use crate::format::{Entry, SegmentName};
use crate::sink::{Accepted, Sink, SinkError};

/// Events that wait for [`FileSink::take_events`]; the oldest are given up beyond this, but for those that forbid an
/// acknowledgement.
const MAX_EVENTS: usize = 1024;

/// Appends entries to the segments of one stream.
///
/// It can be used alone, or through the journal of a pipeline. Every call is synchronous and makes at most a bounded
/// number of system calls.
///
/// ```
/// use tracing_audit::format::Entry;
/// use tracing_audit::sink::{FileSink, Sink};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let place = tempfile::tempdir()?;
/// # let dir = place.path().join("audit");
/// let mut sink = FileSink::builder(&dir).keep_days(90).open()?;
/// let seq = sink.opened().next_seq;
/// sink.deliver(&[Entry::new(seq, 1_795_000_000_000_000_000, br#"{"event":"user.login","seq":0}"#)])?;
/// sink.flush()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FileSink {
    fs: Arc<dyn fs::Fs>,
    clock: SharedClock,
    settings: builder::Settings,
    /// `<dir>/<stream>`.
    home: PathBuf,
    identity: open::Identity,
    lock: follow::Hold,
    opened: Opened,
    next_seq: u64,
    last_observed_at: u64,
    segment: Option<OpenSegment>,
    /// A segment that ended by an error or by somebody's hand, until the next one begins.
    ended: Option<(SegmentName, RollCause)>,
    /// Lines that stand in a closed segment and must be copied into the next one before it takes new lines.
    carry: Option<roll::Carry>,
    background: background::Background,
    /// `None` where the stream is not sealed.
    seal: Option<seal::Seal>,
    /// How many records an earlier life sealed, where this one does not seal: [`FileSink::state_removal`] says what follows.
    sealed_before: Option<u64>,
    watch: retain::ClockWatch,
    /// How far the disk is, for those who read behind.
    progress: Arc<follow::Progress>,
    /// The followers that run: they move their cursors themselves.
    running: Vec<String>,
    /// What will be removed once the record that states it is on disk.
    stated: Option<remove::Stated>,
    /// What removals that were stated have done since somebody began to wait for them.
    cleaned: Option<Cleaned>,
    /// What was told of followers that do not run, until the records of it are on disk.
    owed: Vec<debt::Owed>,
    /// The cursors' files may hold debts that nobody has looked at.
    has_old_debts: bool,
    /// It was told that followers hold back the removal of segments.
    told_held: bool,
    /// It was told that nothing is removed of a stream that is not sealed any more.
    told_unsealed: bool,
    events: Vec<FileEvent>,
    scratch: Vec<u8>,
    /// The values whose commitments stand in the lines.
    erasable: erasable::Table,
}

/// The segment that takes lines.
#[derive(Debug)]
struct OpenSegment {
    name: SegmentName,
    path: PathBuf,
    file: Arc<dyn fs::FsFile>,
    id: Option<(u64, u64)>,
    /// The day in its name, counted from the Unix epoch.
    day: u64,
    /// Bytes in it, all of them complete lines or terminated fragments.
    len: u64,
    /// Where the lines of this run begin that the disk has not confirmed, and the first one's sequence number.
    confirmed: u64,
    confirmed_seq: u64,
    /// Where the lines of this run begin, and the first one's sequence number.
    start: u64,
    start_seq: u64,
    /// Where the bytes begin that the system was not told to let go of.
    cached: u64,
}

impl OpenSegment {
    fn dirty(&self) -> bool {
        self.confirmed < self.len
    }
}

impl FileSink {
    /// Starts the settings of a sink that writes below `dir`.
    pub fn builder(dir: impl Into<PathBuf>) -> FileSinkBuilder {
        FileSinkBuilder::new(dir.into())
    }

    /// The stream's id: its name and twelve hexadecimal digits that are drawn once, when it is created.
    #[must_use]
    pub fn stream_id(&self) -> &str {
        self.identity.id()
    }

    /// How the sink found its directory.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// The sequence number that the next entry must have. Entries below it are taken for repetitions.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The stream's directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.home
    }

    /// The segment that takes lines now; `None` before the first line and after an error.
    #[must_use]
    pub fn segment(&self) -> Option<SegmentName> {
        self.segment.as_ref().map(|segment| segment.name)
    }

    /// What happened to the files since the last call. A caller that acknowledges entries takes the events before it
    /// does so. At most 1,024 wait; the oldest are given up beyond that, except that an [`FileEvent::Unconfirmed`] is never
    /// given up.
    pub fn take_events(&mut self) -> Vec<FileEvent> {
        std::mem::take(&mut self.events)
    }

    /// Ends the open segment and begins the next one. An empty segment stays open.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where the next segment cannot be created. Nothing is lost by it; the
    /// next delivery tries again.
    pub fn rotate(&mut self) -> Result<Rotated> {
        self.roll(RollCause::Requested, self.now().max(self.last_observed_at))
    }

    /// Lets the sink see the time, so that a new UTC day ends the segment even when nothing is written. Call it about
    /// once a second. An empty segment stays open.
    ///
    /// # Errors
    ///
    /// As [`FileSink::rotate`].
    pub fn tick(&mut self, now: u64) -> Result<()> {
        self.look_at_clock(now);
        self.settle_debts()?;
        let due = self
            .segment
            .as_ref()
            .is_some_and(|segment| segment.day < roll::day_number(now));
        if due && self.has_lines() {
            self.roll(RollCause::Midnight, now)?;
        }
        Ok(())
    }

    /// Removes the closed segments that the limits allow no longer. Runs by itself whenever a segment begins.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where the directory cannot be listed.
    pub fn cleanup(&mut self) -> Result<Cleaned> {
        self.clean()
    }

    /// Says that the clock is right after a forward step, so that segments are removed by age again.
    pub fn confirm_clock(&mut self) {
        self.watch.confirm();
    }

    fn now(&self) -> u64 {
        self.clock.now()
    }

    fn tell(&mut self, event: FileEvent) {
        if self.events.len() >= MAX_EVENTS {
            let is_spare = |event: &FileEvent| !matches!(event, FileEvent::Unconfirmed { .. });
            if let Some(oldest) = self.events.iter().position(is_spare) {
                self.events.remove(oldest);
            }
        }
        self.events.push(event);
    }
}

impl Sink for FileSink {
    /// Appends the lines. After an error the entries below [`FileSink::next_seq`] stand in the file nevertheless; when
    /// they come again they are skipped.
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        self.append_entries(batch)
    }

    /// Waits until the disk has confirmed every line that was delivered (`fdatasync`). Does nothing where there is
    /// nothing to confirm.
    fn flush(&mut self) -> Result<(), SinkError> {
        self.confirm()
    }

    fn name(&self) -> &str {
        "file"
    }
}
