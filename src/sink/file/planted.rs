//! Bugs on purpose: a file system between the sink and the disk that acts as if the sink had one of them. Each must be
//! caught by the simulation, or the simulation shows nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::fs::{Access, Fs, FsFile, FsLock, LockError, Meta};
use super::memfs::MemFs;
use crate::format::SegmentName;

/// What the sink would do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    /// `fdatasync` does nothing and answers that it went well.
    SyncIsStubbed,
    /// A failed sync is tried again on the same descriptor, and believed.
    SyncIsRetried,
    /// The directory is not synced behind a new name.
    DirectoryIsNotSynced,
    /// What a failed sync left unconfirmed is not written into the next segment.
    CopiesAreNotWritten,
    /// Lines that were carried into the next segment are acknowledged before that one is synced.
    CarriedLinesAreAcknowledged,
    /// Behind a fragment the last number is given a second time.
    NumberIsReused,
    /// No newline is put behind a fragment.
    FragmentIsNotEnded,
    /// The lock is not taken.
    LockIsNotTaken,
    /// A short write counts as a whole one.
    ShortWriteIsComplete,
    /// The recovery cuts a fragment off.
    SegmentIsCut,
    /// The newest segment is given another name when the next one begins.
    SegmentIsRenamed,
    /// Zeros that a power failure left in the place of a line count as nothing: what stands behind them is the end.
    HoleIsJumped,
    /// What was stated is removed before the record that states it is on disk.
    RemovalIsNotAwaited,
}

/// All of them. Two more are controls of the lanes over processes: an acknowledgement before the write, and a stubbed
/// `fdatasync` under a real file system (`tests/faults_kill.rs`, `tests/faults_power.rs`).
pub(super) const BUGS: [Bug; 13] = [
    Bug::SyncIsStubbed,
    Bug::SyncIsRetried,
    Bug::DirectoryIsNotSynced,
    Bug::CopiesAreNotWritten,
    Bug::CarriedLinesAreAcknowledged,
    Bug::NumberIsReused,
    Bug::FragmentIsNotEnded,
    Bug::LockIsNotTaken,
    Bug::ShortWriteIsComplete,
    Bug::SegmentIsCut,
    Bug::SegmentIsRenamed,
    Bug::HoleIsJumped,
    Bug::RemovalIsNotAwaited,
];

/// A disk, and the bug of the program above it, if there is one.
#[derive(Debug, Clone)]
pub(super) struct Planted {
    pub(super) disk: MemFs,
    pub(super) bug: Option<Bug>,
    /// A sync failed, and no file was made since.
    failed: Arc<AtomicBool>,
}

#[derive(Debug)]
struct PlantedFile {
    inner: Box<dyn FsFile>,
    bug: Option<Bug>,
    failed: Arc<AtomicBool>,
    /// It was made behind a failed sync, and neither written nor synced since.
    carries: AtomicBool,
    /// Reads end here.
    end: Option<u64>,
}

#[derive(Debug)]
struct NoLock(Box<dyn FsFile>);

impl FsLock for NoLock {
    fn meta(&self) -> io::Result<Meta> {
        self.0.meta()
    }
}

impl Planted {
    pub(super) fn new(bug: Option<Bug>) -> Self {
        Self {
            disk: MemFs::default(),
            bug,
            failed: Arc::default(),
        }
    }

    fn file(&self, inner: Box<dyn FsFile>, carries: bool, end: Option<u64>) -> Box<dyn FsFile> {
        Box::new(PlantedFile {
            inner,
            bug: self.bug,
            failed: Arc::clone(&self.failed),
            carries: AtomicBool::new(carries),
            end,
        })
    }

    /// What the sink would do to the segments besides, when it opens one of them or makes a new one.
    fn meddle(&self, path: &Path, is_new: bool) {
        match self.bug {
            Some(Bug::SegmentIsCut) if !is_new && is_segment(path) => {
                let bytes = self.disk.get(path);
                self.disk.cut(path, whole(&bytes));
            }
            Some(Bug::SegmentIsRenamed) if is_new && is_segment(path) => {
                let mut names = self.disk.names();
                names.retain(|name| is_segment(Path::new(name)));
                if let Some(newest) = names.last() {
                    let newest = path.with_file_name(newest);
                    let to: PathBuf = newest.with_extension("jsonl.1");
                    self.disk.move_away(&newest, to);
                }
            }
            _ => {}
        }
    }

    /// Where the recovery believes that a segment ends.
    fn end(&self, path: &Path) -> Option<u64> {
        if self.bug != Some(Bug::NumberIsReused) || !is_segment(path) {
            return None;
        }
        let bytes = self.disk.get(path);
        let whole = whole(&bytes);
        let before = bytes[..whole.saturating_sub(1)]
            .iter()
            .rposition(|byte| *byte == b'\n');
        (whole < bytes.len()).then(|| before.map_or(0, |at| at as u64 + 1))
    }
}

fn is_segment(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(SegmentName::parse).is_some()
}

/// How many bytes there are up to the last newline.
fn whole(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1)
}

impl FsFile for PlantedFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.bug {
            Some(Bug::FragmentIsNotEnded) if bytes == b"\n" => self.inner.write(b" "),
            Some(Bug::CopiesAreNotWritten) if self.carries.swap(false, Ordering::Relaxed) => {
                self.inner.write(&vec![b'\n'; bytes.len()])
            }
            Some(Bug::ShortWriteIsComplete) => self.inner.write(bytes).map(|_| bytes.len()),
            _ => self.inner.write(bytes),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let is_stub =
            self.bug == Some(Bug::CarriedLinesAreAcknowledged) && self.carries.swap(false, Ordering::Relaxed);
        if is_stub || self.bug == Some(Bug::SyncIsStubbed) {
            return Ok(());
        }
        let mut answer = self.inner.sync();
        if answer.is_err() && self.bug == Some(Bug::SyncIsRetried) {
            answer = self.inner.sync();
        }
        if answer.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        answer
    }

    fn meta(&self) -> io::Result<Meta> {
        let mut meta = self.inner.meta()?;
        meta.len = self.end.unwrap_or(meta.len);
        Ok(meta)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        if let Some(end) = self.end {
            let room = usize::try_from(end.saturating_sub(offset)).unwrap_or(0);
            let room = room.min(into.len());
            return self.inner.read_at(offset, &mut into[..room]);
        }
        let count = self.inner.read_at(offset, into)?;
        if self.bug == Some(Bug::HoleIsJumped) {
            // A recovery that takes the last line for the end sees no hole: a line of the number that is due stands in it.
            for byte in into[..count].iter_mut().filter(|byte| **byte == 0) {
                *byte = b'?';
            }
        }
        Ok(count)
    }

    fn forget(&self, from: u64, to: u64) {
        if self.bug.is_none() {
            self.inner.forget(from, to);
        }
    }
}

impl Fs for Planted {
    fn create_dir(&self, path: &Path, access: Access) -> io::Result<()> {
        self.disk.create_dir(path, access)
    }

    fn create_new(&self, path: &Path, access: Access) -> io::Result<Box<dyn FsFile>> {
        self.meddle(path, true);
        let file = self.disk.create_new(path, access)?;
        let carries = self.failed.swap(false, Ordering::Relaxed);
        Ok(self.file(file, carries, None))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        let file = self.disk.open_append(path)?;
        self.meddle(path, false);
        Ok(self.file(file, false, None))
    }

    fn renew(&self, path: &Path, from: u64) -> io::Result<()> {
        self.disk.renew(path, from)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.disk.read(path, limit)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        let file = self.disk.open_read(path)?;
        Ok(self.file(file, false, self.end(path)))
    }

    fn meta(&self, path: &Path) -> io::Result<Meta> {
        self.disk.meta(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn erase(&self, path: &Path, new: Option<&Path>) -> io::Result<()> {
        self.disk.erase(path, new)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        if self.bug == Some(Bug::DirectoryIsNotSynced) {
            return Ok(());
        }
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &Path, access: Access, holder: &str) -> Result<Box<dyn FsLock>, LockError> {
        match self.disk.lock(path, access, holder) {
            Err(LockError::Held(_)) if self.bug == Some(Bug::LockIsNotTaken) => {
                let file = self.disk.open_read(path).map_err(LockError::Io)?;
                Ok(Box::new(NoLock(file)))
            }
            other => other,
        }
    }
}
