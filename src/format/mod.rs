//! The persisted bytes: the canonical line, segment names and their reader. Described first in `docs/format.md`.

mod batch;
mod json;
mod line;
mod lines;
mod notes;
mod read;
mod segment;
mod shrink;
mod text;
mod texts;
mod values;
mod walk;

pub use batch::{Batch, Entry};
pub(crate) use line::{LineWriter, Place, Written};
pub use line::{MAX_LINE, SCHEMA};
pub use lines::{Lines, MAX_READ, Piece};
pub use read::read_line;
pub use segment::{Segment, SegmentName, segments};
