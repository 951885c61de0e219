//! The steps of a cursor: how far its follower has come since the cursor's file was replaced last, a line each in a file
//! beside it that nobody waits for the disk with.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::fs::{self, Access, Fs, FsFile};
use crate::error::{Error, Result};

/// No file of steps is longer: whoever makes so many has the cursor written.
const MAX_STEPS: u64 = 64 * 1024;

/// The steps that one life makes.
#[derive(Debug)]
pub(super) struct Steps {
    path: PathBuf,
    /// The file, and how many bytes it has.
    file: Option<(Box<dyn FsFile>, u64)>,
}

/// Where the steps of a sink's cursor stand.
fn path(dir: &Path, sink: &str) -> PathBuf {
    // No sink has such a name.
    dir.join(format!(".{sink}~"))
}

impl Steps {
    pub(super) fn new(dir: &Path, sink: &str) -> Self {
        Self {
            path: path(dir, sink),
            file: None,
        }
    }

    /// Makes one from a cursor that says `on`; `false` where the cursor must be written instead.
    pub(super) fn make(
        &mut self,
        fs: &dyn Fs,
        access: Access,
        stream: &str,
        on: u64,
        next: u64,
    ) -> io::Result<bool> {
        // Not kept where it fails: what was written of it would stand before the next one.
        let (file, len) = match self.file.take() {
            Some(file) => file,
            None => (fs::fresh(fs, &self.path, access)?, 0),
        };
        let line = format!("{{\"next\":{next},\"on\":{on},\"stream\":\"{stream}\"}}\n");
        let len = len + line.len() as u64;
        if len > MAX_STEPS || file.write(line.as_bytes())? < line.len() {
            return Ok(false);
        }
        self.file = Some((file, len));
        Ok(true)
    }

    /// Ends those of this life; `true` where there were any.
    pub(super) fn end(&mut self) -> bool {
        self.file.take().is_some()
    }

    /// Removes what is there of them, which need not be anything.
    pub(super) fn remove(&mut self, fs: &dyn Fs) -> Result<()> {
        self.end();
        fs::remove(fs, &self.path).map_err(|error| Error::io("could not remove", &self.path, error))
    }

    /// As [`Self::remove`], and the disk knows it when this returns.
    pub(super) fn forget(&mut self, fs: &dyn Fs) -> Result<()> {
        self.end();
        match fs.remove(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => removed.map_err(|error| Error::io("could not remove", &self.path, error))?,
        }
        let dir = self.path.parent().unwrap_or(Path::new("."));
        fs.sync_dir(dir)
            .map_err(|error| Error::io("could not make durable the directory", dir, error))
    }
}

/// How far they lead from what the cursor's file says. What a power failure left of them counts as far as it is whole.
pub(super) fn reached(fs: &dyn Fs, dir: &Path, sink: &str, stream: &str, kept: u64) -> Result<u64> {
    let path = path(dir, sink);
    let text = match fs.read(&path, MAX_STEPS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(kept),
        read => read.map_err(|error| Error::io("could not read the cursor", &path, error))?,
    };
    let mut reached = kept;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let step: Value = line
            .strip_suffix(b"\n")
            .and_then(|line| serde_json::from_slice(line).ok())
            .unwrap_or_default();
        let number = |key: &str| step.get(key).and_then(Value::as_u64);
        let is_ours =
            step.get("stream").and_then(Value::as_str) == Some(stream) && number("on") == Some(kept);
        match number("next").filter(|next| is_ours && *next >= reached) {
            Some(next) => reached = next,
            None => break,
        }
    }
    Ok(reached)
}
