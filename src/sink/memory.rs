//! Entries in memory, for tests and for a look at the last ones.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::seen::Seen;
use super::{Accepted, Sink, SinkError};
use crate::error::Result;
use crate::format::{Entry, read_line};
use crate::record::Record;

/// An entry that owns its line.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedEntry {
    seq: u64,
    observed_at: u64,
    line: Box<[u8]>,
}

impl OwnedEntry {
    /// The place in the stream.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// When the writer took the record, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn observed_at(&self) -> u64 {
        self.observed_at
    }

    /// The canonical JSON line, without its newline.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// The record that the line states.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`](crate::ErrorKind::Format) where the line is not a record.
    pub fn record(&self) -> Result<Record> {
        read_line(&self.line)
    }
}

impl fmt::Debug for OwnedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedEntry")
            .field("seq", &self.seq)
            .field("bytes", &self.line.len())
            .finish_non_exhaustive()
    }
}

/// Keeps entries in memory. Clones are handles on the same entries, so a test keeps one and gives the other away.
#[derive(Clone, Default)]
pub struct MemorySink {
    shared: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<OwnedEntry>,
    /// 0: no limit.
    capacity: usize,
    seen: Seen,
}

impl MemorySink {
    /// A sink without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps only the last `entries`; 0 keeps all, the default.
    #[must_use]
    pub fn capacity(self, entries: usize) -> Self {
        let mut kept = self.shared.lock();
        kept.capacity = entries;
        kept.trim();
        drop(kept);
        self
    }

    /// The entries that are kept, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<OwnedEntry> {
        self.shared.lock().entries.iter().cloned().collect()
    }

    /// The records that are kept, oldest first; lines that are not records are left out.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let entries = self.entries();
        entries.iter().filter_map(|entry| entry.record().ok()).collect()
    }

    /// The lines that are kept, oldest first. Bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let kept = self.shared.lock();
        let text = |entry: &OwnedEntry| String::from_utf8_lossy(&entry.line).into_owned();
        kept.entries.iter().map(text).collect()
    }

    /// How many entries are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.lock().entries.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the entries; repetitions of them are still known.
    pub fn clear(&self) {
        self.shared.lock().entries.clear();
    }
}

impl Kept {
    fn trim(&mut self) {
        if self.capacity > 0 {
            let surplus = self.entries.len().saturating_sub(self.capacity);
            self.entries.drain(..surplus);
        }
    }
}

impl Sink for MemorySink {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> std::result::Result<Accepted, SinkError> {
        let mut kept = self.shared.lock();
        for entry in batch {
            if !kept.seen.is_new(entry) {
                continue;
            }
            kept.seen.take(entry);
            kept.entries.push_back(OwnedEntry {
                seq: entry.seq(),
                observed_at: entry.observed_at(),
                line: entry.line().into(),
            });
            kept.trim();
        }
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> std::result::Result<(), SinkError> {
        Ok(())
    }

    /// It keeps nothing beyond the process.
    fn resumes(&self) -> bool {
        false
    }

    fn name(&self) -> &str {
        "memory"
    }
}

impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.shared.lock();
        f.debug_struct("MemorySink")
            .field("entries", &kept.entries.len())
            .field("seen", &kept.seen)
            .finish_non_exhaustive()
    }
}
