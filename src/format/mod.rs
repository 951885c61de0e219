//! The persisted bytes: the canonical line, segment names and their reader. Described first in `docs/format.md`.

mod batch;
mod checkpoint;
mod draw;
mod erase;
mod fill;
mod filled;
mod grammar;
mod hash;
mod hot;
mod json;
mod line;
#[cfg(test)]
mod line_tests;
mod lines;
mod member;
mod names;
mod note;
mod notes;
mod params;
#[cfg(test)]
mod place_tests;
mod read;
mod room;
mod rows;
mod rules;
mod segment;
mod seq;
mod shrink;
mod signing;
mod skim;
mod spelled;
mod stencil;
#[cfg(test)]
mod stencil_tests;
mod step;
mod text;
mod texts;
mod tile;
mod track;
mod tree;
mod values;
mod walk;

use std::sync::LazyLock;

pub use batch::{Batch, Entry};
pub use checkpoint::Checkpoint;
pub(crate) use hash::leaf_hashes;
pub use hash::{Hash, leaf_hash, node_hash};
pub(crate) use json::{Flaw, Json, locate, parse_json};
pub(crate) use line::{LineWriter, Place};
pub use line::{MAX_LINE, SCHEMA};
pub use lines::{Lines, MAX_READ, Piece};
pub(crate) use names::{Matter, Names};
pub use note::{MAX_NOTE, Note, Signature, VerifierKey};
pub use params::canonical_json;
pub use read::read_line;
pub(crate) use read::{Times, time};
pub(crate) use rows::{MAX_ROW, ROWS, Row, RowsName};
pub(crate) use segment::Listing;
pub use segment::{Segment, SegmentName, segments, strays};
pub(crate) use seq::{seq_of, stream_of};
pub use signing::{Signer, SigningKey};
pub(crate) use skim::{Skim, Skimmed};
#[cfg(feature = "sqlite")]
pub(crate) use skim::{Slots, Stands};
pub(crate) use step::Plain;
pub(crate) use text::string as json_string;
pub use tile::{TileName, tile_hashes};
pub(crate) use track::{Reader, Spot, Track};
pub use tree::{TILE_WIDTH, Tile, Tree, empty_root, inclusion_proof, root_of_proof};

/// Makes the tables of the process, so that no thread of a forked child waits for one that it has not.
pub(crate) fn make_tables() {
    LazyLock::force(&hash::TOGETHER);
    LazyLock::force(&read::KEYS);
    LazyLock::force(&seq::SEQ_FINDER);
}

/// Writes a record as a line without redaction: for this crate's own tests, and for tools that convert trails.
#[doc(hidden)]
#[must_use]
pub fn write_line(
    record: &crate::record::Record,
    stream: &str,
    seq: u64,
    observed_at: u64,
    id: uuid::Uuid,
) -> Vec<u8> {
    let mut frame = Vec::new();
    crate::record::frame::encode(record, observed_at, &mut frame);
    let place = Place {
        stream,
        seq,
        observed_at,
        id,
    };
    let mut line = Vec::new();
    LineWriter::new("service", "host", &[]).write(&frame, &place, &mut line);
    line
}
