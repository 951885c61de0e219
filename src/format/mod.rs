//! The persisted bytes: the canonical line, segment names and their reader. Described first in `docs/format.md`.

mod batch;
mod line;
mod lines;
mod read;
mod segment;

pub use batch::{Batch, Entry};
pub(crate) use line::{LineWriter, Place, Written};
pub use lines::{Lines, MAX_READ, Piece};
pub use read::read_line;
pub use segment::{Segment, SegmentName, segments};
