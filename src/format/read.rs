//! Reads a line back into the record that it was written from.

use crate::error::Result;
use crate::record::Record;

/// Reads one line.
///
/// # Errors
///
/// [`ErrorKind::Format`](crate::ErrorKind::Format).
pub fn read_line(line: &[u8]) -> Result<Record> {
    let _ = line;
    todo!()
}
