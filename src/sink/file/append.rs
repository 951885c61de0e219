//! Lines to bytes: one write for each run of lines that goes into one segment.

use std::io;

use super::roll::day_number;
use super::{FileSink, OpenSegment, RollCause};
use crate::error::Error;
use crate::format::{Batch, Entry};
use crate::sink::{Accepted, SinkError};

/// A scratch buffer above this size is given back after use.
const KEEP_SCRATCH: usize = 1024 * 1024;

/// Where a line stands in a buffer of lines.
struct Place {
    seq: u64,
    observed_at: u64,
    /// The line's bytes and its newline.
    len: usize,
}

/// Lines behind one another in a buffer that will be written together.
#[derive(Default)]
struct Part {
    start: usize,
    end: usize,
    lines: u64,
    observed_at: u64,
}

impl FileSink {
    /// Appends a batch as it is, without a copy. The lines of a [`Batch`] hold no newline.
    ///
    /// # Errors
    ///
    /// As [`Sink::deliver`](crate::sink::Sink::deliver).
    pub(crate) fn append(&mut self, batch: &Batch) -> Result<Accepted, SinkError> {
        self.write_rows(batch)?;
        let places = batch.entries().map(|entry| place(&entry));
        self.append_run(batch.bytes(), places)
    }

    pub(super) fn append_entries(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        let answer = fill(&mut bytes, batch).and_then(|()| self.append_run(&bytes, batch.iter().map(place)));
        if bytes.capacity() <= KEEP_SCRATCH {
            self.scratch = bytes;
        }
        answer
    }

    fn append_run(
        &mut self,
        bytes: &[u8],
        places: impl Iterator<Item = Place>,
    ) -> Result<Accepted, SinkError> {
        if let Some(seal) = &mut self.seal {
            seal.begin_run();
        }
        let mut part = Part::default();
        let mut next = self.next_seq;
        for place in places {
            let end = part.end + place.len;
            if place.seq > next {
                self.append_part(bytes, &part)?;
                return Err(SinkError::fatal(format!(
                    "entry {} came where {next} was due; a stream has no holes: deliver the entries between first",
                    place.seq
                )));
            }
            if place.seq < next {
                // A repetition: it stands in the file already.
                self.append_part(bytes, &part)?;
                part = Part {
                    start: end,
                    end,
                    ..Part::default()
                };
                continue;
            }
            if let Some(cause) = self.roll_due(&part, &place) {
                self.append_part(bytes, &part)?;
                part = Part {
                    start: part.end,
                    end: part.end,
                    ..Part::default()
                };
                self.roll(cause, place.observed_at).map_err(into_sink_error)?;
            } else if self.segment.is_none() {
                self.begin(place.observed_at).map_err(into_sink_error)?;
            }
            part.end = end;
            part.lines += 1;
            part.observed_at = place.observed_at;
            next += 1;
        }
        self.append_part(bytes, &part)?;
        Ok(Accepted::default())
    }

    /// Why the next line cannot go into the open segment behind the part that waits.
    fn roll_due(&self, part: &Part, place: &Place) -> Option<RollCause> {
        let segment = self.segment.as_ref()?;
        if part.lines == 0 && !self.has_lines() {
            return None;
        }
        let today = day_number(place.observed_at);
        // A day that lies far ahead was opened by a clock that was wrong; one day is the jitter around midnight of
        // callers that do not order their times.
        if today > segment.day || today + 1 < segment.day {
            return Some(RollCause::Midnight);
        }
        let len = segment.len + (part.end - part.start + place.len) as u64;
        (len > self.settings.segment_bytes).then_some(RollCause::Size)
    }

    fn append_part(&mut self, bytes: &[u8], part: &Part) -> Result<(), SinkError> {
        let (Some(bytes), true) = (bytes.get(part.start..part.end), part.lines > 0) else {
            return Ok(());
        };
        let Some(segment) = &mut self.segment else {
            return Err(SinkError::retry("the segment is closed"));
        };
        match segment.write(bytes) {
            Ok(()) => {
                self.next_seq += part.lines;
                self.last_observed_at = part.observed_at;
                self.seal_lines(bytes, part.lines);
                Ok(())
            }
            Err(failed) => {
                // What stands there complete is taken over; the rest of the batch comes again.
                self.next_seq += failed.lines;
                let path = segment.path.clone();
                self.seal_lines(first_lines(bytes, failed.lines), failed.lines);
                self.end_segment(RollCause::WriteError);
                Err(into_sink_error(Error::io("could not write", &path, failed.cause)))
            }
        }
    }
}

/// A write that did not go through.
pub(super) struct FailedWrite {
    /// Complete lines that it wrote nevertheless.
    pub(super) lines: u64,
    pub(super) cause: io::Error,
}

impl OpenSegment {
    /// Writes lines with one system call. After an error nothing more may be written through this descriptor.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FailedWrite> {
        let written = loop {
            match self.file.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let (count, cause) = match written {
            Ok(count) if count >= bytes.len() => {
                self.len += bytes.len() as u64;
                return Ok(());
            }
            Ok(count) => {
                let text = format!(
                    "the system wrote {count} of {} bytes; is the disk full?",
                    bytes.len()
                );
                (count, io::Error::new(io::ErrorKind::WriteZero, text))
            }
            Err(error) => (0, error),
        };
        let mut done = bytes.get(..count).unwrap_or_default();
        if done.last().is_some_and(|last| *last != b'\n') {
            // The fragment becomes a line of its own, so that nothing is ever glued to it.
            let is_ended = self.file.write(b"\n").is_ok_and(|count| count == 1);
            if is_ended && bytes.get(count) == Some(&b'\n') {
                // It lacked nothing else: it is one of ours, and must not come again.
                done = bytes.get(..=count).unwrap_or_default();
            }
        }
        let complete = done.iter().rposition(|byte| *byte == b'\n');
        self.len += complete.map_or(0, |at| at as u64 + 1);
        let lines = newlines(done);
        Err(FailedWrite { lines, cause })
    }
}

/// The first `count` lines, the newline of the last one included.
fn first_lines(bytes: &[u8], count: u64) -> &[u8] {
    let mut ends = memchr::memchr_iter(b'\n', bytes);
    let last = usize::try_from(count)
        .ok()
        .and_then(|count| ends.nth(count.checked_sub(1)?));
    bytes.get(..last.map_or(0, |at| at + 1)).unwrap_or_default()
}

pub(super) fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// An error of this crate as a sink's answer: it may pass, except where a person must decide.
pub(super) fn into_sink_error(error: Error) -> SinkError {
    match error.kind() {
        crate::ErrorKind::Io => SinkError::retry(error),
        _ => SinkError::fatal(error),
    }
}

fn place(entry: &Entry<'_>) -> Place {
    Place {
        seq: entry.seq(),
        observed_at: entry.observed_at(),
        len: entry.line().len() + 1,
    }
}

/// Puts the lines of a batch behind one another.
fn fill(bytes: &mut Vec<u8>, batch: &[Entry<'_>]) -> Result<(), SinkError> {
    for entry in batch {
        if entry.line().is_empty() || entry.line().contains(&b'\n') {
            return Err(SinkError::fatal(format!(
                "entry {} is not one line: it is empty or holds a newline; write it as canonical JSON",
                entry.seq()
            )));
        }
        bytes.extend_from_slice(entry.line());
        bytes.push(b'\n');
    }
    Ok(())
}
