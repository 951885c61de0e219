//! Whole files of a shape: one line after the other, in constant memory, each answer with its line's number.

use std::fmt;
use std::io::{self, BufRead, Read as _};

use super::Profile;
use crate::error::{Error, ErrorKind, Result};
use crate::record::Record;

/// The longest line that is read. What a record cannot hold of it is cut later, and listed.
const MAX_LINE: u64 = 16 << 20;

/// Gives the records of a file's lines, in order; lines of white space only are passed over.
///
/// An error of kind [`ErrorKind::Format`] is about one line, and the next call goes on behind it. After one of kind
/// [`ErrorKind::Io`] there is nothing more.
pub struct Reader<R> {
    profile: Profile,
    input: R,
    line: Vec<u8>,
    number: u64,
    has_ended: bool,
}

/// Without the line that is being read, which nothing has been taken out of yet.
impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("profile", &self.profile)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(profile: Profile, input: R) -> Self {
        Self {
            profile,
            input,
            line: Vec::new(),
            number: 0,
            has_ended: false,
        }
    }

    /// The number of the line that was read last, from 1.
    #[must_use]
    pub fn line_number(&self) -> u64 {
        self.number
    }

    /// Reads the next line that holds something; whether there is one.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            self.line.clear();
            let read = (&mut self.input)
                .take(MAX_LINE + 1)
                .read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(false);
            }
            self.number += 1;
            if !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Passes over what is left of a line that is too long.
    fn pass(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let end = memchr::memchr(b'\n', buffer);
            let len = end.map_or(buffer.len(), |end| end + 1);
            self.input.consume(len);
            if end.is_some() || len == 0 {
                return Ok(());
            }
        }
    }

    fn failed(&mut self, error: io::Error) -> Error {
        self.has_ended = true;
        let message = format!("line {}: the input cannot be read", self.number + 1);
        Error::new(ErrorKind::Io, message).because(error)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        match self.advance() {
            Ok(true) => {}
            Ok(false) => {
                self.has_ended = true;
                return None;
            }
            Err(error) => return Some(Err(self.failed(error))),
        }
        if self.line.len() as u64 > MAX_LINE && self.line.last() != Some(&b'\n') {
            if let Err(error) = self.pass() {
                return Some(Err(self.failed(error)));
            }
            let message = format!(
                "line {}, column 1: the line is longer than {} MiB; no record is: look for a missing line break",
                self.number,
                MAX_LINE >> 20
            );
            return Some(Err(Error::new(ErrorKind::Format, message)));
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let read = self.profile.read(line);
        Some(read.map_err(|fault| Error::new(ErrorKind::Format, fault.told(line, Some(self.number)))))
    }
}
