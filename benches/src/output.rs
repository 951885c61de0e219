//! Where the peers write, and what the outside reader finds there.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use memchr::memmem;

use crate::event::MARKER;

/// The buffer of every peer that has one, in bytes.
pub const BUFFER: usize = 256 * 1024;

/// The depth of every peer's queue, in records: our own default.
pub const QUEUE: usize = 8192;

/// A peer's file, and a second descriptor of it for the final fdatasync.
#[derive(Debug)]
pub struct Output {
    /// What the peer writes to.
    pub file: File,
    /// What [`Close`] syncs.
    pub twin: File,
}

impl Output {
    /// Creates the peer's file in `dir`.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(dir: &Path) -> Result<Self> {
        let path = dir.join("events.jsonl");
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let twin = file.try_clone()?;
        Ok(Self { file, twin })
    }
}

/// The end of a peer: everything it took is in its file and the file is on the disk.
pub struct Close(Box<dyn FnOnce() -> Result<()> + Send>);

impl std::fmt::Debug for Close {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Close")
    }
}

impl Close {
    /// Runs `close`, which must leave nothing to be written or synced.
    pub fn new(close: impl FnOnce() -> Result<()> + Send + 'static) -> Self {
        Self(Box::new(close))
    }

    /// Runs `drain`, which must leave nothing in memory, and then syncs the file.
    pub fn and_sync(twin: File, drain: impl FnOnce() -> Result<()> + Send + 'static) -> Self {
        Self::new(move || {
            drain()?;
            twin.sync_data().context("fdatasync failed")
        })
    }

    /// Ends the peer.
    ///
    /// # Errors
    /// When something could not be written.
    pub fn run(self) -> Result<()> {
        (self.0)()
    }
}

/// A buffered file behind a mutex, which a layer writes to and `main` flushes.
#[derive(Debug)]
pub struct Locked(Mutex<BufWriter<File>>);

impl Locked {
    /// A leaked one: the global subscriber lives as long as the process anyhow.
    #[must_use]
    pub fn leak(file: File) -> &'static Self {
        Box::leak(Box::new(Self(Mutex::new(BufWriter::with_capacity(BUFFER, file)))))
    }

    /// The writer for one line.
    pub fn writer(&self) -> LockedWriter<'_> {
        LockedWriter(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The right to write one line.
#[derive(Debug)]
pub struct LockedWriter<'a>(MutexGuard<'a, BufWriter<File>>);

impl Write for LockedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What the outside reader found.
#[derive(Debug, Default, Clone)]
pub struct Found {
    /// Lines that carry an event.
    pub lines: u64,
    /// Bytes of those lines, newlines included.
    pub bytes: u64,
    /// Traces of fields that are missing in the last of those lines.
    pub missing: Vec<&'static str>,
    last: String,
}

/// Reads every `*.jsonl` below `dir` and counts the lines that carry an event; `traces` must stand in the last one.
///
/// # Errors
/// When a file cannot be read or the last line is not JSON.
pub fn read(dir: &Path, traces: &[&'static str]) -> Result<Found> {
    let mut found = Found::default();
    for path in lines_files(dir)? {
        count(&path, &mut found).with_context(|| format!("cannot read {}", path.display()))?;
    }
    if found.lines > 0 {
        serde_json::from_str::<serde::de::IgnoredAny>(&found.last)
            .with_context(|| format!("the last line is not JSON: {}", found.last))?;
        let missing = traces.iter().filter(|trace| !found.last.contains(**trace));
        found.missing = missing.copied().collect();
    }
    Ok(found)
}

fn lines_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(lines_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn count(path: &Path, found: &mut Found) -> Result<()> {
    let marker = memmem::Finder::new(MARKER);
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut line = Vec::new();
    let mut last = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.ends_with(b"\n") && marker.find(&line).is_some() {
            found.lines += 1;
            found.bytes += line.len() as u64;
            std::mem::swap(&mut last, &mut line);
        }
        line.clear();
    }
    if !last.is_empty() {
        found.last = String::from_utf8_lossy(&last).into_owned();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_and_foreign_lines_are_not_counted_and_missing_fields_are_named() {
        let dir = std::env::temp_dir().join(format!("bench-read-{}", std::process::id()));
        fs::create_dir_all(dir.join("stream")).unwrap();
        let text = format!("{{\"event\":\"audit.open\"}}\n{{\"a\":\"{MARKER}\"}}\n{{\"a\":\"{MARKER}\"");
        fs::write(dir.join("stream/one.jsonl"), text).unwrap();
        let found = read(&dir, &["a", "path"]).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!((found.lines, found.missing), (1, vec!["path"]));
    }
}
