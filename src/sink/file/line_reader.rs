//! The lines of one segment that are records, from a place on, while others are still written behind them.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::fs::FsFile;
use crate::error::{Error, Result};
use crate::format::{Batch, Json, Lines, Piece, Plain, Reader, SegmentName, Spot, Times, Track, time};

/// A batch is full with so many entries, or so many bytes.
const MOST_ENTRIES: usize = 1024;
const MOST_BYTES: usize = 1024 * 1024;

/// Whether a batch is not full.
pub(super) fn has_room(batch: &Batch) -> bool {
    batch.len() < MOST_ENTRIES && batch.bytes().len() < MOST_BYTES
}

/// A line that was read and not given out yet.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) seq: u64,
    pub(super) observed_at: u64,
    pub(super) line: Vec<u8>,
}

/// The segment that is read. Its descriptor outlives the removal of its name.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) name: SegmentName,
    path: PathBuf,
    file: Arc<dyn FsFile>,
    lines: Lines<Source>,
    /// Where the next line begins.
    offset: u64,
    /// A later segment was there before `lines` began: nothing more will be written to this one.
    pub(super) is_whole: bool,
    /// The numbers from here to the end are known to rise: what is missing does not stand further on.
    rises: bool,
}

/// A file from a place on.
#[derive(Debug)]
struct Source {
    file: Arc<dyn FsFile>,
    at: u64,
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(self.at, into)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Open {
    pub(super) fn new(name: SegmentName, path: PathBuf, file: Arc<dyn FsFile>, is_whole: bool) -> Self {
        let lines = lines(&file, 0);
        Self {
            name,
            path,
            file,
            lines,
            offset: 0,
            is_whole,
            rises: false,
        }
    }

    /// Reads the next line that is a record into `ahead`; `false` at the end of what there is.
    pub(super) fn read(&mut self, from: u64, places: &mut Places, ahead: &mut Option<Ahead>) -> Result<bool> {
        loop {
            let piece = self.lines.next_piece();
            match piece.map_err(|error| Error::io("could not read the segment", &self.path, error))? {
                Some(Piece::Line { offset, bytes }) => {
                    self.offset = offset + bytes.len() as u64 + 1;
                    let Some((seq, observed_at)) = places.of(bytes).filter(|(seq, _)| *seq >= from) else {
                        continue;
                    };
                    let line = bytes.to_vec();
                    *ahead = Some(Ahead {
                        seq,
                        observed_at,
                        line,
                    });
                    return Ok(true);
                }
                Some(Piece::TooLong { offset, len }) => self.offset = offset + len + 1,
                Some(Piece::Torn { .. }) | None => return Ok(false),
            }
        }
    }

    /// Puts lines into the batch, as long as there is room and each is the entry that is due, and below `below`. What stands
    /// there instead waits in `ahead`.
    pub(super) fn take(
        &mut self,
        (due, below): (&mut u64, u64),
        places: &mut Places,
        ahead: &mut Option<Ahead>,
        batch: &mut Batch,
    ) -> Result<()> {
        while *due < below && has_room(batch) {
            let piece = self.lines.next_piece();
            match piece.map_err(|error| Error::io("could not read the segment", &self.path, error))? {
                Some(Piece::Line { offset, bytes }) => {
                    self.offset = offset + bytes.len() as u64 + 1;
                    match places.of(bytes) {
                        Some((seq, observed_at)) if seq == *due => {
                            batch.push(seq, observed_at, |out| out.extend_from_slice(bytes));
                            *due += 1;
                        }
                        Some((seq, observed_at)) if seq > *due => {
                            let line = bytes.to_vec();
                            *ahead = Some(Ahead {
                                seq,
                                observed_at,
                                line,
                            });
                            break;
                        }
                        _ => {}
                    }
                }
                Some(Piece::TooLong { offset, len }) => self.offset = offset + len + 1,
                Some(Piece::Torn { .. }) | None => break,
            }
        }
        Ok(())
    }

    /// Goes to the line of an entry that is due, where it stands further on; `false` where it does not. Whoever goes on
    /// in a segment after a power failure writes behind lines that have numbers without what was before them.
    pub(super) fn skip_to(
        &mut self,
        due: u64,
        places: &mut Places,
        ahead: &mut Option<Ahead>,
    ) -> Result<bool> {
        if self.rises {
            return Ok(false);
        }
        let mut scan = Self::new(
            self.name,
            self.path.clone(),
            Arc::clone(&self.file),
            self.is_whole,
        );
        scan.offset = self.offset;
        scan.again();
        let mut last = ahead.as_ref().map_or(0, |ahead| ahead.seq);
        let mut rises = true;
        let mut line = None;
        while scan.read(0, places, &mut line)? {
            let seq = line.as_ref().map_or(0, |line: &Ahead| line.seq);
            if seq == due {
                *self = scan;
                *ahead = line;
                return Ok(true);
            }
            rises &= seq > last;
            last = seq;
        }
        self.rises = rises;
        Ok(false)
    }

    /// Looks again at what lies behind the last line.
    pub(super) fn again(&mut self) {
        self.lines = lines(&self.file, self.offset);
    }
}

fn lines(file: &Arc<dyn FsFile>, at: u64) -> Lines<Source> {
    let file = Arc::clone(file);
    Lines::at(Source { file, at }, at)
}

/// What a key has to do with the place of a record.
#[derive(Debug, Clone, Copy, Default)]
enum Part {
    #[default]
    None,
    Seq,
    ObservedAt,
}

/// Reads number and time of lines that are records.
#[derive(Debug, Default)]
pub(super) struct Places {
    track: Track<Part>,
    times: Times,
}

/// Those of one line.
#[derive(Debug)]
struct Found<'t> {
    seq: Option<u64>,
    observed_at: Option<u64>,
    times: &'t mut Times,
}

impl<'a> Reader<'a, Part> for Found<'_> {
    fn enters(&self, _: &str) -> bool {
        true
    }

    fn keeps(&self, spot: Spot<'_>) -> Part {
        match (spot.object, spot.key) {
            (None, "seq") => Part::Seq,
            (None, "observed_at") => Part::ObservedAt,
            _ => Part::None,
        }
    }

    fn skips(&self, part: &Part) -> bool {
        matches!(part, Part::None)
    }

    #[inline]
    fn value(&mut self, part: &Part, value: Json<'a>) {
        match (part, value) {
            (Part::Seq, Json::Number(digits)) => self.seq = digits.parse().ok(),
            (Part::ObservedAt, Json::Str(text)) => self.observed_at = time(&text),
            _ => {}
        }
    }

    #[inline(always)]
    fn text(&mut self, part: &Part, text: Plain<'a>) {
        if let Part::ObservedAt = part {
            self.observed_at = self.times.nanos(text);
        }
    }

    #[inline(always)]
    fn digits(&mut self, part: &Part, digits: Plain<'a>) {
        if let Part::Seq = part {
            self.seq = Some(digits.number());
        }
    }
}

impl Places {
    /// Number and time of a line that is a record.
    fn of(&mut self, line: &[u8]) -> Option<(u64, u64)> {
        let mut found = Found {
            seq: None,
            observed_at: None,
            times: &mut self.times,
        };
        self.track.read(line, &mut found).ok()?;
        found.seq.zip(found.observed_at)
    }
}
