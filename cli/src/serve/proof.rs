//! What is proven of one record: whether a checkpoint covers it, and whether the hashes lead from its line to the root.

use std::fs;
use std::path::Path;

use tracing_audit::format::{
    Hash, TILE_WIDTH, TileName, inclusion_proof, leaf_hash, root_of_proof, tile_hashes,
};
use tracing_audit::store::Stored;
use tracing_audit::{Error, ErrorKind};

use crate::heads::{Head, Signed};

/// The bytes of a full tile.
const TILE: u64 = 32 * TILE_WIDTH as u64;

/// What is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// No checkpoint covers it yet.
    Open,
    /// It stands in the log that the checkpoint seals: the hashes lead from its line to that root.
    Included {
        /// How many records the checkpoint seals.
        size: u64,
        signed: Signed,
    },
    /// The hashes that are there lead to another root.
    Contradicted {
        /// How many records the checkpoint seals.
        size: u64,
    },
    /// A checkpoint covers it, and hashes are missing.
    Unproven {
        /// How many records the checkpoint seals.
        size: u64,
        why: String,
    },
}

impl Proof {
    /// Proves by the tiles that lie there. Where they are wrong the root is another one, so they need not be trusted.
    pub(super) fn of(stored: &Stored, heads: &[Head]) -> Self {
        let seq = stored.place.seq;
        let head = heads.iter().find(|head| head.stream == *stored.place.stream);
        let Some((head, checkpoint)) = head.and_then(|head| Some((head, head.checkpoint.as_ref()?))) else {
            return Self::Open;
        };
        let size = checkpoint.size;
        if seq >= size {
            return Self::Open;
        }
        let tile = |level: u8, index: u64, wanted: usize| tile(&head.home, size, level, index, wanted);
        let leaf = leaf_hash(&stored.line);
        match inclusion_proof(seq, size, tile) {
            Ok(proof) if root_of_proof(seq, size, leaf, &proof) == Some(checkpoint.root) => Self::Included {
                size,
                signed: head.signed,
            },
            Ok(_) => Self::Contradicted { size },
            Err(error) => Self::Unproven {
                size,
                why: error.to_string(),
            },
        }
    }
}

/// At least `wanted` hashes of a tile, from its own file or from that of its beginning.
fn tile(home: &Path, size: u64, level: u8, index: u64, wanted: usize) -> Result<Vec<Hash>, Error> {
    let full = TileName::full(level, index);
    let have = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
    let width = have.saturating_sub(index.saturating_mul(TILE_WIDTH as u64));
    let mut names = vec![full];
    if let Some(width) = u16::try_from(width)
        .ok()
        .filter(|width| usize::from(*width) < TILE_WIDTH)
    {
        names.push(TileName { width, ..full });
    }
    for name in names {
        let path = home.join(name.to_string());
        let is_small = fs::symlink_metadata(&path).is_ok_and(|about| about.is_file() && about.len() <= TILE);
        let hashes = is_small.then(|| fs::read(&path).ok()).flatten();
        if let Some(hashes) = hashes
            .and_then(|bytes| tile_hashes(&bytes))
            .filter(|hashes| hashes.len() >= wanted)
        {
            return Ok(hashes);
        }
    }
    Err(Error::new(
        ErrorKind::Io,
        format!("`{full}` is not there; `tracing-audit verify` makes the hashes from the lines"),
    ))
}
