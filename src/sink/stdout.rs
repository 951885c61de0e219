//! One line per entry to the standard output, or to any other writer.

use std::fmt;
use std::io::{self, Write};

use super::seen::Seen;
use super::{Accepted, Sink, SinkError};
use crate::format::Entry;

/// Writes each entry as one line, for containers whose standard output is collected.
///
/// A flush hands the lines to the operating system; nothing is durable by it. After an error in the middle of a
/// delivery, entries can come out twice: readers tell them apart by `seq`.
pub struct StdoutSink<W = io::Stdout> {
    writer: W,
    seen: Seen,
    /// Whether the last write may have ended inside a line.
    torn: bool,
}

impl StdoutSink {
    /// A sink that writes to the process's standard output.
    #[must_use]
    pub fn new() -> Self {
        Self::to(io::stdout())
    }
}

impl Default for StdoutSink {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: Write + Send> StdoutSink<W> {
    /// A sink that writes to `writer`.
    #[must_use]
    pub fn to(writer: W) -> Self {
        Self {
            writer,
            seen: Seen::default(),
            torn: false,
        }
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.writer.write_all(b"\n")?;
        }
        self.torn = true;
        self.writer.write_all(line)?;
        self.writer.write_all(b"\n")?;
        self.torn = false;
        Ok(())
    }
}

impl<W: Write + Send> Sink for StdoutSink<W> {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        for entry in batch {
            if !self.seen.is_new(entry) {
                continue;
            }
            self.line(entry.line())
                .map_err(|error| SinkError::retry(format_args!("could not write to the output: {error}")))?;
            self.seen.take(entry);
        }
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.writer
            .flush()
            .map_err(|error| SinkError::retry(format_args!("could not flush the output: {error}")))
    }

    /// It keeps nothing beyond the process.
    fn resumes(&self) -> bool {
        false
    }

    fn name(&self) -> &str {
        "stdout"
    }
}

impl<W> fmt::Debug for StdoutSink<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdoutSink")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}
