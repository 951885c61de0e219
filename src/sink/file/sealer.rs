//! The thread that writes tiles and checkpoints, so that neither a slow disk nor a slow signer holds up the writing.
//!
//! Nothing that it writes is the only place of anything: tiles are derived, and a checkpoint that is lost is followed by
//! the next one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};

use parking_lot::Mutex;

use super::fs::{self, Access, Fs};
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Checkpoint, Note, Signature, SigningKey, TILE_WIDTH, TileName};

/// The newest signed checkpoint.
pub(super) const CHECKPOINT: &str = "checkpoint";
/// Every signed checkpoint, each followed by an empty line.
pub(super) const HISTORY: &str = "checkpoints";
/// The newest checkpoint where there is no key.
pub(super) const UNSIGNED: &str = "checkpoint.unsigned";

/// So many tiles that cannot be written are kept: 8 MiB, of 262,144 records. Those beyond are told as missing by `verify`.
const MOST_OWED: usize = 1024;

/// A tile and its bytes.
pub(super) type TileFile = (TileName, Vec<u8>);

/// Called with each checkpoint that was written: the bytes of the note, or of the text where there is no key.
#[derive(Clone)]
pub(super) struct Hook(pub(super) Arc<dyn Fn(&str) + Send + Sync>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

/// Tiles to write, and perhaps a head over them.
pub(super) struct Publication {
    fs: Arc<dyn Fs>,
    home: PathBuf,
    access: Access,
    tiles: Vec<TileFile>,
    /// The tiles at the right edge of the head before, where this one has wider ones.
    narrower: Vec<TileName>,
    head: Option<(Checkpoint, Vec<SigningKey>, Option<Hook>)>,
}

/// A head that was written.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) checkpoint: Checkpoint,
}

impl Publication {
    pub(super) fn of_tiles(fs: &Arc<dyn Fs>, home: &Path, access: Access, tiles: Vec<TileFile>) -> Self {
        Self {
            fs: Arc::clone(fs),
            home: home.to_owned(),
            access,
            tiles,
            narrower: Vec::new(),
            head: None,
        }
    }

    pub(super) fn with_head(
        mut self,
        checkpoint: Checkpoint,
        signers: Vec<SigningKey>,
        hook: Option<Hook>,
    ) -> Self {
        self.head = Some((checkpoint, signers, hook));
        self
    }

    /// Names tiles that nobody needs once this is written.
    pub(super) fn instead_of(mut self, narrower: Vec<TileName>) -> Self {
        self.narrower = narrower;
        self
    }

    /// Writes it all, and stops before the next file where it is `abandoned`. Full tiles that are not written then are
    /// `owed`: the next job brings them.
    fn run(mut self, abandoned: &AtomicBool, owed: &Mutex<Vec<TileFile>>) -> Result<Published> {
        let mut written = 0;
        let answer = self.write(abandoned, &mut written);
        if answer.is_err() {
            let is_full = |name: &TileName| usize::from(name.width) == TILE_WIDTH;
            let rest = self
                .tiles
                .drain(..)
                .skip(written)
                .filter(|(name, _)| is_full(name));
            let mut owed = owed.lock();
            owed.extend(rest);
            owed.truncate(MOST_OWED);
        }
        answer
    }

    fn write(&self, abandoned: &AtomicBool, written: &mut usize) -> Result<Published> {
        let stop = || {
            Error::new(
                ErrorKind::Closed,
                "the stream was given up while its checkpoint was written",
            )
        };
        for (name, bytes) in &self.tiles {
            if abandoned.load(Ordering::Acquire) {
                return Err(stop());
            }
            self.tile(name, bytes)?;
            *written += 1;
        }
        let Some((checkpoint, signers, hook)) = &self.head else {
            return Err(stop());
        };
        let text = checkpoint.to_string();
        let signatures = signers.iter().map(|signer| signer.signature(&text));
        let signatures: Vec<Signature> = signatures.collect::<Result<_>>()?;
        if abandoned.load(Ordering::Acquire) {
            return Err(stop());
        }
        let text = if signatures.is_empty() {
            self.replace(UNSIGNED, &text)?;
            text
        } else {
            let note = Note { text, signatures }.to_string();
            self.remember(&note)?;
            self.replace(CHECKPOINT, &note)?;
            note
        };
        self.remove_narrower();
        if let Some(hook) = hook {
            // The application's code: its panic must not end the seal.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (hook.0)(&text)));
        }
        Ok(Published {
            checkpoint: checkpoint.clone(),
        })
    }

    /// A file for each second would fill a disk's table of files. What cannot be removed does no harm.
    fn remove_narrower(&self) {
        for name in &self.narrower {
            let path = self.home.join(name.to_string());
            let _ = self.fs.remove(&path);
            let _ = path.parent().map(|dir| self.fs.remove_dir(dir));
        }
    }

    /// A tile takes the place of an older one of its name: that is one of a life whose last lines the power took.
    fn tile(&self, name: &TileName, bytes: &[u8]) -> Result<()> {
        let path = self.home.join(name.to_string());
        let create = || match self.fs.create_new(&path, self.access) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.fs
                    .create_dir(path.parent().unwrap_or(&self.home), self.access)?;
                self.fs.create_new(&path, self.access)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.fs.remove(&path)?;
                self.fs.create_new(&path, self.access)
            }
            other => other,
        };
        let written = create().and_then(|file| whole(file.write(bytes)?, bytes.len()));
        written.map_err(|error| Error::io("could not write the tile", &path, error))
    }

    /// Adds a note to the history. Behind one that was cut short it begins a paragraph of its own.
    fn remember(&self, note: &str) -> Result<()> {
        let path = self.home.join(HISTORY);
        let failed = |error| Error::io("could not add the checkpoint to", &path, error);
        let file = match self.fs.create_new(&path, self.access) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.fs.open_append(&path),
            other => other,
        }
        .map_err(failed)?;
        let len = file.meta().map_err(failed)?.len;
        let mut end = [b'\n'; 2];
        let from = len.saturating_sub(2);
        let tail = end
            .get_mut(..usize::try_from(len - from).unwrap_or(0))
            .unwrap_or_default();
        if !tail.is_empty() {
            let count = file.read_at(from, tail).map_err(failed)?;
            whole(count, tail.len()).map_err(failed)?;
        }
        let start = if end == *b"\n\n" { "" } else { "\n\n" };
        let text = format!("{start}{note}\n");
        whole(file.write(text.as_bytes()).map_err(failed)?, text.len()).map_err(failed)?;
        file.sync().map_err(failed)
    }

    fn replace(&self, name: &str, text: &str) -> Result<()> {
        let path = self.home.join(name);
        let replaced = fs::replace(&*self.fs, &path, text.as_bytes(), self.access);
        let replaced = replaced.and_then(|()| self.fs.sync_dir(&self.home));
        replaced.map_err(|error| Error::io("could not write", &path, error))
    }
}

/// A write of ours that was cut short is one that failed.
fn whole(count: usize, wanted: usize) -> io::Result<()> {
    if count == wanted {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::WriteZero,
        format!("{count} of {wanted} bytes"),
    ))
}

enum Job {
    Tiles(Publication),
    Head(Publication),
}

#[derive(Debug)]
struct Thread {
    jobs: Sender<Job>,
    answers: Receiver<Result<Published>>,
}

/// The thread, begun when it is needed first. Dropped, it writes no further file.
#[derive(Debug, Default)]
pub(super) struct Sealer {
    thread: Option<Thread>,
    is_busy: bool,
    abandoned: Arc<AtomicBool>,
    owed: Arc<Mutex<Vec<TileFile>>>,
    newest: Option<Checkpoint>,
}

impl Sealer {
    /// Gives the thread tiles to write. Where there is none, they come back.
    pub(super) fn hand(&mut self, job: Publication) -> std::result::Result<(), Vec<TileFile>> {
        self.send(Job::Tiles(job))
    }

    /// Gives it a head to publish, whose answer [`Self::answer`] gives.
    pub(super) fn publish(&mut self, job: Publication) -> std::result::Result<(), Vec<TileFile>> {
        self.send(Job::Head(job))?;
        self.is_busy = true;
        Ok(())
    }

    /// As [`Self::publish`], and waits. All files are written by one thread, in the order of the jobs; where the system gives
    /// none, here.
    pub(super) fn publish_now(&mut self, job: Publication) -> Result<Published> {
        if self.thread.is_none() {
            self.thread = start(&self.abandoned, &self.owed).ok();
        }
        if self.thread.is_none() {
            return job.run(&self.abandoned, &self.owed);
        }
        let lost = || Err(Error::new(ErrorKind::Io, "the thread that seals has ended"));
        match self.publish(job) {
            Ok(()) => self.answer(true).unwrap_or_else(lost),
            Err(tiles) => {
                self.owed.lock().extend(tiles);
                lost()
            }
        }
    }

    /// Full tiles that could not be written, for the next job.
    pub(super) fn take_owed(&mut self) -> Vec<TileFile> {
        std::mem::take(&mut self.owed.lock())
    }

    fn send(&mut self, job: Job) -> std::result::Result<(), Vec<TileFile>> {
        if self.thread.is_none() {
            self.thread = start(&self.abandoned, &self.owed).ok();
        }
        let back = |job| match job {
            Job::Tiles(job) | Job::Head(job) => job.tiles,
        };
        let Some(thread) = &self.thread else {
            return Err(back(job));
        };
        thread.jobs.send(job).map_err(|mpsc::SendError(job)| {
            self.thread = None;
            back(job)
        })
    }

    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// What became of the head that is being published, if it is done, or if `wait` says to wait.
    pub(super) fn answer(&mut self, wait: bool) -> Option<Result<Published>> {
        if !self.is_busy {
            return None;
        }
        let lost = || Err(Error::new(ErrorKind::Io, "the thread that seals has ended"));
        let answer = match &self.thread {
            None => lost(),
            Some(thread) if wait => thread.answers.recv().unwrap_or_else(|_| lost()),
            Some(thread) => match thread.answers.try_recv() {
                Ok(answer) => answer,
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => lost(),
            },
        };
        self.is_busy = false;
        Some(answer)
    }

    pub(super) fn newest(&self) -> Option<&Checkpoint> {
        self.newest.as_ref()
    }

    pub(super) fn set_newest(&mut self, newest: Checkpoint) {
        self.newest = Some(newest);
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Release);
    }
}

fn start(abandoned: &Arc<AtomicBool>, owed: &Arc<Mutex<Vec<TileFile>>>) -> io::Result<Thread> {
    let (jobs, received) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    let (abandoned, owed) = (Arc::clone(abandoned), Arc::clone(owed));
    let work = move || {
        for job in received {
            match job {
                // What it could not write is owed, and the next head says so where it fails as well.
                Job::Tiles(job) => drop(job.run(&abandoned, &owed)),
                Job::Head(job) => {
                    if answer.send(job.run(&abandoned, &owed)).is_err() {
                        return;
                    }
                }
            }
        }
    };
    std::thread::Builder::new()
        .name("audit-seal".to_owned())
        .spawn(work)?;
    Ok(Thread { jobs, answers })
}
