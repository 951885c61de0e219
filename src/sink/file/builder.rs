//! The settings of a file sink, and the checks that need no disk.

use std::path::PathBuf;
use std::sync::Arc;

use super::FileSink;
use super::fs::{Access, Fs};
use super::keyring::Given;
use super::real::RealFs;
use super::retain::Unshipped;
use super::sealer::Hook;
use crate::clock::{Clock, SharedClock};
use crate::error::{Error, Result};
use crate::format::SigningKey;

/// The settings of a [`FileSink`].
#[derive(Debug, Clone)]
#[must_use = "the settings do nothing until `open` is called"]
pub struct FileSinkBuilder {
    settings: Settings,
    clock: SharedClock,
    fs: Arc<dyn Fs>,
}

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) dir: PathBuf,
    pub(super) stream: String,
    pub(super) segment_bytes: u64,
    pub(super) keep_days: u32,
    pub(super) keep_bytes: u64,
    pub(super) keep_segments: u64,
    /// Segments go only when a record that says so is on disk.
    pub(super) states_removal: bool,
    pub(super) unshipped: Unshipped,
    pub(super) access: Access,
    pub(super) is_sealed: bool,
    pub(super) keys: Given,
    pub(super) on_checkpoint: Option<Hook>,
}

/// Below this a segment's name would cost as much as its content.
const MIN_SEGMENT_BYTES: u64 = 64 * 1024;

impl FileSinkBuilder {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self {
            settings: Settings {
                dir,
                stream: "main".to_owned(),
                segment_bytes: 64 * 1024 * 1024,
                keep_days: 30,
                keep_bytes: 0,
                keep_segments: 0,
                states_removal: false,
                unshipped: Unshipped::Keep,
                access: Access {
                    mode: 0o600,
                    group: None,
                },
                is_sealed: true,
                keys: Given::default(),
                on_checkpoint: None,
            },
            clock: SharedClock::System,
            fs: Arc::new(RealFs),
        }
    }

    /// The stream's name, which is also its directory's: 1 to 64 of `a-z`, `0-9`, `.`, `_`, `-`, not beginning with a
    /// dot. Default: `main`.
    pub fn stream(mut self, name: impl Into<String>) -> Self {
        self.settings.stream = name.into();
        self
    }

    /// A segment ends before it would grow beyond this many bytes. Default: 64 MiB; at least 64 KiB.
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.settings.segment_bytes = bytes;
        self
    }

    /// Segments whose last record is older than this many days are removed. Default: 30; 0 keeps them for ever.
    pub fn keep_days(mut self, days: u32) -> Self {
        self.settings.keep_days = days;
        self
    }

    /// The oldest segments are removed while the stream has more bytes than this. Default: 0, no limit.
    pub fn keep_bytes(mut self, bytes: u64) -> Self {
        self.settings.keep_bytes = bytes;
        self
    }

    /// The oldest segments are removed while the stream has more of them than this, the open one counted. Default: 0,
    /// no limit.
    pub fn keep_segments(mut self, segments: u64) -> Self {
        self.settings.keep_segments = segments;
        self
    }

    /// Whether the owner states in the trail what is removed, before it is.
    pub(crate) fn states_removal(mut self) -> Self {
        self.settings.states_removal = true;
        self
    }

    /// What retention does with segments that a follower has not passed: one of this process, or one that left a cursor
    /// in `cursors/`. Default: [`Unshipped::Keep`].
    pub fn unshipped(mut self, unshipped: Unshipped) -> Self {
        self.settings.unshipped = unshipped;
        self
    }

    /// Permission bits of the files; a directory also gets the search bit for everyone who may read. Default: `0o600`,
    /// so directories `0o700`. Without effect on Windows.
    pub fn mode(mut self, mode: u32) -> Self {
        self.settings.access.mode = mode;
        self
    }

    /// The number of the group that owns what is created. Default: the process's own. Without effect on Windows.
    pub fn group(mut self, group: u32) -> Self {
        self.settings.access.group = Some(group);
        self
    }

    /// Whether the lines are sealed: a Merkle tree, its tiles and checkpoints (`docs/format.md`). Default: yes. A stream
    /// that was sealed and is then written without can be sealed again, as long as no segment is missing.
    pub fn sealed(mut self, is_sealed: bool) -> Self {
        self.settings.is_sealed = is_sealed;
        self
    }

    /// The key that signs checkpoints. Default: none; then `checkpoint.unsigned` is written, and whoever can write to the
    /// directory can also write another history.
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.settings.keys.signing = Some(key);
        self
    }

    /// The key that signed until now, where [`Self::signing_key`] takes over from it: both sign once.
    pub fn retiring_key(mut self, key: SigningKey) -> Self {
        self.settings.keys.retiring = Some(key);
        self
    }

    /// Called with each checkpoint that was written, on the thread that seals: to keep it where a writer of this
    /// directory cannot reach. Its text is the note, or where there is no key the checkpoint's three lines.
    pub fn on_checkpoint(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.settings.on_checkpoint = Some(Hook(Arc::new(hook)));
        self
    }

    /// Where the time comes from. Default: the system's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = SharedClock::Custom(Arc::new(clock));
        self
    }

    #[cfg(test)]
    pub(super) fn fs(mut self, fs: impl Fs + 'static) -> Self {
        self.fs = Arc::new(fs);
        self
    }

    /// A file system in memory, for the tests of other modules.
    #[cfg(test)]
    pub(crate) fn in_memory(self, fs: &super::memfs::MemFs) -> Self {
        self.fs(fs.clone())
    }

    /// Opens the stream: creates its directory where there is none, takes the lock, and finds where the trail ended.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a setting that cannot work and for a directory that is a
    /// file, that cannot be written or that everybody may write; [`ErrorKind::Locked`](crate::ErrorKind::Locked) where
    /// another writer has the stream; [`ErrorKind::Io`](crate::ErrorKind::Io) where the trail cannot be read. Each
    /// message names the path and the remedy.
    pub fn open(self) -> Result<FileSink> {
        self.settings.check()?;
        FileSink::open(self.settings, self.clock, self.fs)
    }
}

impl Settings {
    fn check(&self) -> Result<()> {
        let name = &self.stream;
        let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(good) {
            return Err(Error::config(format!(
                "stream `{}` is not a stream's name; use 1 to 64 of a-z, 0-9, `.`, `_`, `-`, not beginning with a dot",
                name.escape_default()
            )));
        }
        if self.segment_bytes < MIN_SEGMENT_BYTES {
            return Err(Error::config(format!(
                "segment_bytes {} is too small; use at least {MIN_SEGMENT_BYTES}",
                self.segment_bytes
            )));
        }
        let mode = self.access.mode;
        if mode & !0o666 != 0 || mode & 0o002 != 0 || mode & 0o600 != 0o600 {
            return Err(Error::config(format!(
                "mode {mode:#o} is not a mode for a trail; the owner must read and write, nobody may execute, and not \
                 everybody may write; use 0o600, or 0o640 with a group"
            )));
        }
        Ok(())
    }
}
