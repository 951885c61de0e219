//! Reads a segment line by line in constant memory, and says what is not a line. It never repairs anything.

use std::fmt;
use std::io::{self, Read};

/// The longest line that a reader takes whole: 1 MiB. The writer's own limit is 65,535 bytes.
pub const MAX_READ: usize = 1024 * 1024;

/// How much is asked of the source at once.
const STEP: usize = 128 * 1024;

/// What stands at a place of a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece<'a> {
    /// A line.
    Line {
        /// Where it begins, in bytes from the start of the file.
        offset: u64,
        /// The line without its newline. It may be empty, and need not be a record.
        bytes: &'a [u8],
    },
    /// The file ends without a newline: a write was cut short, or is under way. What follows is `None`.
    Torn {
        /// Where the fragment begins. A reader that waits for the rest starts again here.
        offset: u64,
        /// How many bytes it has.
        len: u64,
    },
    /// A line above [`MAX_READ`]. It was skipped; the next piece is the line behind it.
    TooLong {
        /// Where it begins.
        offset: u64,
        /// How many bytes it has, without its newline.
        len: u64,
    },
}

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, offset, len) = match *self {
            Self::Line { offset, bytes } => ("Line", offset, bytes.len() as u64),
            Self::Torn { offset, len } => ("Torn", offset, len),
            Self::TooLong { offset, len } => ("TooLong", offset, len),
        };
        f.debug_struct(name)
            .field("offset", &offset)
            .field("len", &len)
            .finish()
    }
}

/// Reads lines from any source. Memory stays below 2.5 MiB whatever the source holds.
pub struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// The part of `buffer` that was read and not yet given out.
    start: usize,
    end: usize,
    /// Where `start` lies in the source.
    offset: u64,
    ended: bool,
}

impl<R: Read> Lines<R> {
    /// Reads from the start of a source.
    pub fn new(source: R) -> Self {
        Self::at(source, 0)
    }

    /// Reads from a source whose next byte is the one at `offset`, so that pieces state their place in the whole file.
    pub fn at(source: R, offset: u64) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset,
            ended: false,
        }
    }

    /// Where the next piece begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whole lines that were read and not yet given out, each with its newline: the next pieces, without a further read.
    #[must_use]
    pub(crate) fn ready(&self) -> &[u8] {
        let pending = self.pending();
        let end = memchr::memrchr(b'\n', pending).map_or(0, |at| at + 1);
        pending.get(..end).unwrap_or_default()
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// What the source returns, except `Interrupted`, which is tried again. The reader's place is then still that of
    /// the last piece, so the call can be repeated.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        let mut searched = 0;
        loop {
            let pending = self.pending();
            if let Some(at) = memchr::memchr(b'\n', pending.get(searched..).unwrap_or_default()) {
                return Ok(Some(self.give(searched + at)));
            }
            searched = pending.len();
            if searched > MAX_READ {
                return self.skip().map(Some);
            }
            if !self.fill()? {
                return Ok(self.tail(searched as u64));
            }
        }
    }

    fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Gives out the next `len` bytes and steps over the newline behind them.
    fn give(&mut self, len: usize) -> Piece<'_> {
        let (start, offset) = (self.start, self.offset);
        self.start += len + 1;
        self.offset += len as u64 + 1;
        if len > MAX_READ {
            let len = len as u64;
            return Piece::TooLong { offset, len };
        }
        let bytes = self.buffer.get(start..start + len).unwrap_or_default();
        Piece::Line { offset, bytes }
    }

    /// What is left when the source has ended: `len` bytes without a newline.
    fn tail(&mut self, len: u64) -> Option<Piece<'static>> {
        let offset = self.offset;
        self.offset += len;
        self.start = self.end;
        (len > 0).then_some(Piece::Torn { offset, len })
    }

    /// Steps over a line that is already longer than allowed, without keeping it.
    fn skip(&mut self) -> io::Result<Piece<'static>> {
        let offset = self.offset;
        let mut len = 0_u64;
        loop {
            let pending = self.pending();
            if let Some(at) = memchr::memchr(b'\n', pending) {
                len += at as u64;
                self.start += at + 1;
                self.offset = offset + len + 1;
                return Ok(Piece::TooLong { offset, len });
            }
            len += pending.len() as u64;
            self.start = self.end;
            match self.fill() {
                Ok(true) => {}
                Ok(false) => {
                    self.offset = offset + len;
                    return Ok(Piece::Torn { offset, len });
                }
                Err(error) => {
                    // What was skipped is gone; the next piece is what is left of the line.
                    self.offset = offset + len;
                    return Err(error);
                }
            }
        }
    }

    /// Reads more behind what is pending; `false` at the end of the source.
    fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + STEP {
            self.buffer.resize(self.end + STEP, 0);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        loop {
            match self.source.read(room) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(count) => {
                    self.end += count;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl<R> fmt::Debug for Lines<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most `step` bytes at a time, and an interruption before each.
    struct Slow<'a> {
        rest: &'a [u8],
        step: usize,
        interrupt: bool,
    }

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.interrupt = !self.interrupt;
            if self.interrupt {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let count = self.step.min(self.rest.len()).min(into.len());
            into[..count].copy_from_slice(&self.rest[..count]);
            self.rest = &self.rest[count..];
            Ok(count)
        }
    }

    fn slow(rest: &[u8], step: usize) -> Lines<Slow<'_>> {
        let interrupt = false;
        Lines::new(Slow {
            rest,
            step,
            interrupt,
        })
    }

    fn all(mut lines: Lines<impl Read>) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(piece) = lines.next_piece().unwrap() {
            seen.push(match piece {
                Piece::Line { offset, bytes } => format!("{offset} {}", String::from_utf8_lossy(bytes)),
                other => format!("{other:?}"),
            });
        }
        assert!(lines.next_piece().unwrap().is_none(), "the end stays the end");
        seen
    }

    #[test]
    fn lines_and_the_torn_end_are_told_apart_whatever_the_source_gives_at_once() {
        let file = b"{}\n\n{\"a\":1}\nfrag";
        for step in 1..=file.len() {
            let seen = all(slow(file, step));
            assert_eq!(seen, ["0 {}", "3 ", "4 {\"a\":1}", "Torn { offset: 12, len: 4 }"]);
        }
        assert!(all(Lines::new(&b""[..])).is_empty());
        assert_eq!(all(Lines::at(&b"x\n"[..], 40)), ["40 x"]);
    }

    #[test]
    fn a_line_of_a_hundred_megabytes_is_a_finding_and_takes_no_memory() {
        let long = 100 * 1024 * 1024;
        let source = (&b"first\n"[..])
            .chain(io::repeat(b'x').take(long))
            .chain(&b"\nlast\n"[..]);
        let mut lines = Lines::new(source);
        assert!(matches!(
            lines.next_piece().unwrap(),
            Some(Piece::Line {
                offset: 0,
                bytes: b"first"
            })
        ));
        let piece = lines.next_piece().unwrap();
        assert_eq!(piece, Some(Piece::TooLong { offset: 6, len: long }));
        let offset = 6 + long + 1;
        assert_eq!(
            lines.next_piece().unwrap(),
            Some(Piece::Line {
                offset,
                bytes: b"last"
            })
        );
        assert_eq!(lines.next_piece().unwrap(), None);
        assert!(
            lines.buffer.capacity() <= 2 * MAX_READ + 2 * STEP,
            "{}",
            lines.buffer.capacity()
        );
    }

    #[test]
    fn the_longest_line_that_fits_is_given_and_one_byte_more_is_not() {
        for (len, fits) in [(MAX_READ, true), (MAX_READ + 1, false)] {
            for step in [4096, usize::MAX] {
                let mut file = vec![b'x'; len];
                file.push(b'\n');
                let mut lines = slow(&file, step);
                match lines.next_piece().unwrap() {
                    Some(Piece::Line { bytes, .. }) => assert!(fits && bytes.len() == len),
                    Some(Piece::TooLong { len: said, .. }) => assert!(!fits && said == len as u64),
                    other => panic!("{other:?}"),
                }
                assert_eq!(lines.next_piece().unwrap(), None);
            }
        }
    }

    #[test]
    fn a_long_fragment_without_a_newline_is_torn() {
        let len = 3 * MAX_READ;
        let file = vec![b'x'; len];
        let mut lines = slow(&file, 70_000);
        assert_eq!(
            lines.next_piece().unwrap(),
            Some(Piece::Torn {
                offset: 0,
                len: len as u64
            })
        );
        assert_eq!(lines.next_piece().unwrap(), None);
        assert_eq!(lines.offset(), len as u64);
    }
}
