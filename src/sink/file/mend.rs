//! Tiles that are not at the tree's edge and that a power failure took: a start makes them again from the lines, as far back as
//! there are any. Nothing is written unless the tree of these lines has the root that the newest checkpoint states.

use std::path::Path;

use super::base;
use super::fs::Fs;
use super::recover;
use super::reseal::{add_lines, tile};
use super::sealer::TileFile;
use crate::error::Result;
use crate::format::{Checkpoint, TILE_WIDTH, TileName, Tree};

/// The bytes of a full tile.
const FULL: u64 = TILE_WIDTH as u64 * 32;

/// Makes the full tiles below a checkpoint that are not there, or not whole; and with them all behind the first one. Empty
/// where there is nothing to do, and where lines and checkpoint contradict each other: then nothing that stands there is
/// touched, and `verify` says what is wrong.
///
/// # Errors
///
/// [`ErrorKind::Io`](crate::ErrorKind::Io) where the lines cannot be read.
pub(super) fn mend(fs: &dyn Fs, home: &Path, checkpoint: &Checkpoint) -> Result<Vec<TileFile>> {
    let size = checkpoint.size;
    let oldest = recover::segments(fs, home)?
        .first()
        .map_or(size, |name| name.first_seq);
    let Some(first) = first_missing(fs, home, size, oldest) else {
        return Ok(Vec::new());
    };
    let resumed = if first < oldest {
        base::read(fs, home)?.filter(|tree| (first..=size).contains(&tree.size()))
    } else {
        Tree::resume(first, |level, index, width| tile(fs, home, level, index, width)).ok()
    };
    // What stands before the first missing tile may be wrong as well; then everything is made from the first line on.
    let from_start = (oldest == 0).then(Tree::new);
    for mut tree in resumed.into_iter().chain(from_start) {
        let mut tiles = Vec::new();
        add_lines(fs, home, &mut tree, size, &mut tiles)?;
        if tree.size() == size && tree.root() == checkpoint.root {
            return Ok(tiles);
        }
    }
    Ok(Vec::new())
}

/// The first record below a full tile that is not there, or too short, and whose hashes can be made from lines.
fn first_missing(fs: &dyn Fs, home: &Path, size: u64, oldest: u64) -> Option<u64> {
    let mut first = None;
    let mut level = 0_u8;
    let mut unit = TILE_WIDTH as u64;
    while unit <= size {
        // Behind the last record that is gone; a higher tile may begin before it.
        let begin = if level == 0 {
            oldest.div_ceil(unit)
        } else {
            oldest / unit
        };
        let is_missing = |index: &u64| {
            let path = home.join(TileName::full(level, *index).to_string());
            fs.meta(&path).map_or(true, |about| about.len != FULL)
        };
        if let Some(index) = (begin..size / unit).find(is_missing) {
            first = first.into_iter().chain([index * unit]).min();
        }
        let Some(next) = unit.checked_mul(TILE_WIDTH as u64) else {
            break;
        };
        (level, unit) = (level + 1, next);
    }
    first
}
