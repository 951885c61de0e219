//! Reads the lines of a segment from its end to its start, in constant memory.

use std::io::{self, Read, Seek, SeekFrom};

use crate::format::{MAX_READ, Piece};

/// How much is read at once.
const STEP: u64 = 128 * 1024;

/// The lines before a place of a source, last first: the same pieces as [`Lines`](crate::format::Lines) gives, in
/// the opposite order.
pub(super) struct BackLines<R> {
    source: R,
    /// The bytes of the source from `start` on that were read and not yet given out.
    buffer: Vec<u8>,
    start: u64,
    /// The line that was given last.
    line: Vec<u8>,
    /// Whether the newline at the end was taken off, so that what is left ends with a line.
    begun: bool,
}

impl<R: Read + Seek> BackLines<R> {
    /// Reads what lies before `end`.
    pub(super) fn before(source: R, end: u64) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: end,
            line: Vec::new(),
            begun: false,
        }
    }

    /// The next piece towards the start; `None` behind the first line.
    pub(super) fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        if self.start == 0 && self.buffer.is_empty() {
            return Ok(None);
        }
        if !self.begun {
            self.begun = true;
            self.fill()?;
            if self.buffer.last() != Some(&b'\n') {
                return self.piece_until_newline(true);
            }
        }
        // What is left ends with the newline of the line to give.
        self.buffer.pop();
        self.piece_until_newline(false)
    }

    /// Gives what stands behind the last newline, which stays for the next call.
    fn piece_until_newline(&mut self, torn: bool) -> io::Result<Option<Piece<'_>>> {
        let mut unsearched = self.buffer.len();
        let mut skipped: u64 = 0;
        loop {
            let head = self.buffer.get(..unsearched).unwrap_or_default();
            if let Some(at) = memchr::memrchr(b'\n', head) {
                return Ok(Some(self.give(at + 1, skipped, torn)));
            }
            if self.start == 0 {
                return Ok(Some(self.give(0, skipped, torn)));
            }
            if self.buffer.len() > MAX_READ {
                skipped += self.buffer.len() as u64;
                self.buffer.clear();
            }
            unsearched = self.fill()?;
        }
    }

    fn give(&mut self, at: usize, skipped: u64, torn: bool) -> Piece<'_> {
        let offset = self.start + at as u64;
        let len = (self.buffer.len() - at) as u64 + skipped;
        let long = len > MAX_READ as u64;
        if torn || long {
            self.buffer.truncate(at);
            return if torn {
                Piece::Torn { offset, len }
            } else {
                Piece::TooLong { offset, len }
            };
        }
        // The line moves out, so that it can be lent while its newline stays in front.
        self.line.clear();
        self.line
            .extend_from_slice(self.buffer.get(at..).unwrap_or_default());
        self.buffer.truncate(at);
        Piece::Line {
            offset,
            bytes: &self.line,
        }
    }

    /// Reads the step before `start` in front of the buffer and says how many bytes that were.
    fn fill(&mut self) -> io::Result<usize> {
        let count = STEP.min(self.start);
        let from = self.start - count;
        let count = usize::try_from(count).unwrap_or(0);
        let mut bytes = Vec::with_capacity(count + self.buffer.len());
        bytes.resize(count, 0);
        self.source.seek(SeekFrom::Start(from))?;
        self.source.read_exact(&mut bytes)?;
        bytes.append(&mut self.buffer);
        self.buffer = bytes;
        self.start = from;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::format::Lines;

    fn text(piece: Piece<'_>) -> String {
        match piece {
            Piece::Line { offset, bytes } => format!("{offset} {}", String::from_utf8_lossy(bytes)),
            other => format!("{other:?}"),
        }
    }

    /// What both readers say about a file; the one's order is the other's, reversed.
    fn both(file: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(file);
        let mut forwards = Vec::new();
        while let Some(piece) = lines.next_piece().unwrap() {
            forwards.push(text(piece));
        }
        let mut back = BackLines::before(Cursor::new(file), file.len() as u64);
        let mut backwards = Vec::new();
        while let Some(piece) = back.next_piece().unwrap() {
            backwards.push(text(piece));
        }
        assert!(back.next_piece().unwrap().is_none(), "the end stays the end");
        backwards.reverse();
        assert_eq!(forwards, backwards);
        forwards
    }

    #[test]
    fn lines_come_back_from_the_end_as_they_come_from_the_start() {
        assert_eq!(both(b""), [""; 0]);
        assert_eq!(both(b"\n"), ["0 "]);
        assert_eq!(both(b"a\n\nbc\n"), ["0 a", "2 ", "3 bc"]);
        assert_eq!(both(b"a\nfrag"), ["0 a", "Torn { offset: 2, len: 4 }"]);
        assert_eq!(both(b"frag"), ["Torn { offset: 0, len: 4 }"]);
    }

    #[test]
    fn lines_around_the_step_and_the_limit_are_told_apart_the_same_way() {
        let step = usize::try_from(STEP).unwrap();
        for len in [
            step - 2,
            step - 1,
            step,
            step + 1,
            3 * step,
            MAX_READ,
            MAX_READ + 1,
            3 * MAX_READ,
        ] {
            let mut file = b"first\n".to_vec();
            file.resize(6 + len, b'x');
            file.extend_from_slice(b"\nlast\n");
            let seen = both(&file);
            assert_eq!(seen.len(), 3, "{len}");
            assert_eq!(seen[1].starts_with("TooLong"), len > MAX_READ, "{len}");
            file.truncate(6 + len);
            assert_eq!(both(&file).len(), 2, "{len}");
        }
    }
}
