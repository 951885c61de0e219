//! The tree of a stream that is opened again: from its newest checkpoint and tiles, and from the lines behind it.

use std::io::{self, Read as _};
use std::path::Path;

use super::base;
use super::builder::Settings;
use super::fs::Fs;
use super::keyring::{Began, Keyring};
use super::mend::mend;
use super::recover;
use super::roll::look;
use super::seal::Seal;
use super::sealer::{CHECKPOINT, HISTORY, TileFile, UNSIGNED};
use crate::error::{Error, Result};
use crate::format::{Checkpoint, Hash, MAX_NOTE, Note, TILE_WIDTH, TileName, Tree, leaf_hash, tile_hashes};

/// The end of the history that is looked at for its last whole note.
const HISTORY_END: u64 = 2 * MAX_NOTE as u64;

/// What was found of the seal.
pub(super) struct Resealed {
    pub(super) seal: Seal,
    pub(super) began: Option<Began>,
    /// Tiles were missing or wrong, and were made again from the lines.
    pub(super) is_rebuilt: bool,
}

/// The newest checkpoint, and the note that it stands in where it is signed.
struct Newest {
    checkpoint: Checkpoint,
    note: Option<Note>,
}

/// Takes up the seal of a stream that has the lines before `end`.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) where lines and checkpoint contradict each other: nothing may be signed
/// on top of that.
pub(super) fn reseal(
    fs: &dyn Fs,
    home: &Path,
    settings: &Settings,
    stream: &str,
    end: u64,
) -> Result<Resealed> {
    let newest = newest(fs, home)?;
    let size = newest.as_ref().map_or(0, |newest| newest.checkpoint.size);
    if size > end {
        return Err(contradiction(
            home,
            &format!("the newest checkpoint covers {size} records, and only {end} are there"),
        ));
    }
    let signed = newest
        .as_ref()
        .and_then(|newest| Some((size, newest.note.as_ref()?)));
    let (keys, began) = Keyring::open(fs, home, settings.access, stream, &settings.keys, end, signed)?;
    let mut tiles = Vec::new();
    let root = newest.as_ref().map(|newest| newest.checkpoint.root);
    let resumed = Tree::resume(size, |level, index, width| tile(fs, home, level, index, width));
    let (mut tree, is_rebuilt) = match resumed {
        Ok(tree) if root.is_none_or(|root| root == tree.root()) => {
            if let Some(newest) = &newest {
                tiles = mend(fs, home, &newest.checkpoint)?;
            }
            (tree, !tiles.is_empty())
        }
        // A power failure may have taken tiles, which nobody waits for the disk to keep; the lines are the evidence.
        _ => (rebuild(fs, home, size, &mut tiles)?, true),
    };
    if root.is_some_and(|root| root != tree.root()) {
        return Err(contradiction(
            home,
            &format!("the first {size} records are not those that the newest checkpoint covers"),
        ));
    }
    add_lines(fs, home, &mut tree, end, &mut tiles)?;
    if tree.size() != end {
        return Err(contradiction(
            home,
            &format!("record {} is missing, and others follow it", tree.size()),
        ));
    }
    Ok(Resealed {
        seal: Seal::new(tree, tiles, size, keys),
        began,
        is_rebuilt,
    })
}

fn contradiction(home: &Path, what: &str) -> Error {
    Error::corrupt(format!(
        "the trail in `{}` contradicts its seal: {what}; find out what happened to it (`tracing-audit verify`), and write to \
         another stream or directory meanwhile",
        home.display()
    ))
}

fn push(tree: &mut Tree, leaf: Hash, tiles: &mut Vec<TileFile>) {
    tree.push(leaf, |tile| {
        tiles.push((TileName::of(&tile), tile.hashes.as_flattened().to_vec()));
    });
}

/// How many records the newest checkpoint covers; `None` where there is none.
pub(super) fn sealed_before(fs: &dyn Fs, home: &Path) -> Result<Option<u64>> {
    Ok(newest(fs, home)?.map(|newest| newest.checkpoint.size))
}

/// The checkpoint with the largest size: a crash can come between the history and the file beside it.
fn newest(fs: &dyn Fs, home: &Path) -> Result<Option<Newest>> {
    let one = read(fs, &home.join(CHECKPOINT), MAX_NOTE as u64)?.and_then(|bytes| signed(&bytes));
    let other = last_of_history(fs, home)?;
    let newest = match (one, other) {
        (Some(one), Some(other)) if one.checkpoint.size < other.checkpoint.size => Some(other),
        (one, other) => one.or(other),
    };
    if newest.is_some() {
        return Ok(newest);
    }
    let text = read(fs, &home.join(UNSIGNED), MAX_NOTE as u64)?;
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
    let checkpoint = text.and_then(|text| Checkpoint::parse(&text).ok());
    Ok(checkpoint.map(|checkpoint| Newest {
        checkpoint,
        note: None,
    }))
}

fn signed(bytes: &[u8]) -> Option<Newest> {
    let note = Note::parse(bytes).ok()?;
    Some(Newest {
        checkpoint: Checkpoint::parse(&note.text).ok()?,
        note: Some(note),
    })
}

/// The last note of the history that is whole.
fn last_of_history(fs: &dyn Fs, home: &Path) -> Result<Option<Newest>> {
    let path = home.join(HISTORY);
    let file = match fs.open_read(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(look(&path, error)),
    };
    let failed = |error| look(&path, error);
    let len = file.meta().map_err(failed)?.len;
    let from = len.saturating_sub(HISTORY_END);
    let mut bytes = Vec::new();
    let end = recover::Forwards {
        file: &*file,
        at: from,
    };
    end.take(HISTORY_END).read_to_end(&mut bytes).map_err(failed)?;
    // Text, empty line, signatures, empty line: a note is two paragraphs.
    let text = String::from_utf8_lossy(&bytes);
    let parts: Vec<&str> = text.split("\n\n").collect();
    let notes = parts.windows(2).rev().filter_map(|pair| match pair {
        [text, signatures] => {
            signed(format!("{}\n\n{signatures}\n", text.trim_start_matches('\n')).as_bytes())
        }
        _ => None,
    });
    Ok(notes.max_by_key(|newest| newest.checkpoint.size))
}

fn read(fs: &dyn Fs, path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    match fs.read(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(look(path, error)),
    }
}

/// At least `width` hashes of a tile: of the full one, or of a partial one that is wide enough.
pub(super) fn tile(fs: &dyn Fs, home: &Path, level: u8, index: u64, width: usize) -> Result<Vec<Hash>> {
    let partial = TileName {
        level,
        index,
        width: u16::try_from(width).unwrap_or(u16::MAX),
    };
    let hashes = |name: TileName| {
        let path = home.join(name.to_string());
        let bytes = read(fs, &path, (TILE_WIDTH * 32) as u64 + 1)?;
        let hashes = bytes.and_then(|bytes| tile_hashes(&bytes));
        Ok(hashes.filter(|hashes| hashes.len() >= width))
    };
    for name in [partial, TileName::full(level, index)] {
        if let Some(hashes) = hashes(name)? {
            return Ok(hashes);
        }
    }
    let path = home.join(partial.to_string());
    let others = path
        .parent()
        .and_then(|dir| fs.list(dir).ok())
        .unwrap_or_default();
    let widths = others.iter().filter_map(|name| name.parse().ok());
    if let Some(widest) = widths.max().filter(|widest| usize::from(*widest) > width)
        && let Some(hashes) = hashes(TileName {
            width: widest,
            ..partial
        })?
    {
        return Ok(hashes);
    }
    Err(Error::corrupt(format!(
        "tile {index} of level {level} is not there"
    )))
}

/// Adds the lines from the tree's end to before `to`, as far as there is none missing.
pub(super) fn add_lines(
    fs: &dyn Fs,
    home: &Path,
    tree: &mut Tree,
    to: u64,
    tiles: &mut Vec<TileFile>,
) -> Result<()> {
    if tree.size() >= to {
        return Ok(());
    }
    recover::scan_forward(fs, home, tree.size(), &mut |seq, line| {
        if seq == tree.size() && seq < to {
            push(tree, leaf_hash(line), tiles);
        }
    })?;
    Ok(())
}

/// Makes the tree of the first `size` records anew. What retention has removed is taken from what it has kept of the tree.
fn rebuild(fs: &dyn Fs, home: &Path, size: u64, tiles: &mut Vec<TileFile>) -> Result<Tree> {
    let oldest = recover::segments(fs, home)?
        .first()
        .map_or(0, |name| name.first_seq);
    let first = oldest.min(size);
    let kept = base::read(fs, home)?.filter(|tree| (first..=size).contains(&tree.size()));
    let mut tree = match kept {
        Some(tree) => tree,
        None if first == 0 => Tree::new(),
        None => Tree::resume(first, |level, index, width| tile(fs, home, level, index, width))?,
    };
    add_lines(fs, home, &mut tree, size, tiles)?;
    if tree.size() < size {
        return Err(contradiction(
            home,
            &format!(
                "record {} is missing, and the newest checkpoint covers it",
                tree.size()
            ),
        ));
    }
    Ok(tree)
}
