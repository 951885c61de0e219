//! The tree of a stream that is opened again: from its newest checkpoint and tiles, and from the lines behind it.

use std::io::{self, Read};
use std::path::Path;

use super::builder::Settings;
use super::fs::{Fs, FsFile};
use super::keyring::{Began, Keyring};
use super::recover;
use super::roll::look;
use super::seal::Seal;
use super::sealer::{CHECKPOINT, HISTORY, TileFile, UNSIGNED};
use crate::error::{Error, Result};
use crate::format::{
    Checkpoint, Hash, Lines, MAX_NOTE, Note, Piece, SegmentName, TILE_WIDTH, TileName, Tree, leaf_hash,
    seq_of, tile_hashes,
};

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
    let mut walk = Walk::new(fs, home)?;
    let mut tiles = Vec::new();
    let root = newest.as_ref().map(|newest| newest.checkpoint.root);
    let resumed = Tree::resume(size, |level, index, width| tile(fs, home, level, index, width));
    let (mut tree, is_rebuilt) = match resumed {
        Ok(tree) if root.is_none_or(|root| root == tree.root()) => (tree, false),
        // A power failure may have taken tiles, which nobody waits for the disk to keep; the lines are the evidence.
        _ => (walk.rebuild(size, &mut tiles)?, true),
    };
    if root.is_some_and(|root| root != tree.root()) {
        return Err(contradiction(
            home,
            &format!("the first {size} records are not those that the newest checkpoint covers"),
        ));
    }
    walk.lines(size, end, |line| push(&mut tree, leaf_hash(line), &mut tiles))?;
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
    At {
        file: &*file,
        offset: from,
    }
    .take(HISTORY_END)
    .read_to_end(&mut bytes)
    .map_err(failed)?;
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

/// At least `width` hashes of a tile: of the full one, or of the partial one of this width.
fn tile(fs: &dyn Fs, home: &Path, level: u8, index: u64, width: usize) -> Result<Vec<Hash>> {
    let partial = TileName {
        level,
        index,
        width: u16::try_from(width).unwrap_or(u16::MAX),
    };
    for name in [partial, TileName::full(level, index)] {
        let path = home.join(name.to_string());
        let bytes = read(fs, &path, (TILE_WIDTH * 32) as u64 + 1)?;
        if let Some(hashes) = bytes
            .and_then(|bytes| tile_hashes(&bytes))
            .filter(|hashes| hashes.len() >= width)
        {
            return Ok(hashes);
        }
    }
    Err(Error::corrupt(format!(
        "tile {index} of level {level} is not there"
    )))
}

/// Reads a file on from a place.
struct At<'a> {
    file: &'a dyn FsFile,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(self.offset, into)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// The lines of a stream in the order of their numbers.
struct Walk<'a> {
    fs: &'a dyn Fs,
    home: &'a Path,
    segments: Vec<SegmentName>,
}

impl<'a> Walk<'a> {
    fn new(fs: &'a dyn Fs, home: &'a Path) -> Result<Self> {
        let segments = recover::segments(fs, home)?;
        Ok(Self { fs, home, segments })
    }

    /// Gives the lines with the numbers from `from` to before `to`, each once, as far as there is none missing.
    fn lines(&self, from: u64, to: u64, mut take: impl FnMut(&[u8])) -> Result<()> {
        let mut due = from;
        for (at, name) in self.segments.iter().enumerate() {
            // What has the number of a line in the next segment was not confirmed, and is repeated or replaced there.
            let bound = self.segments.get(at + 1).map_or(u64::MAX, |next| next.first_seq);
            if due >= to || bound <= due {
                continue;
            }
            let path = self.home.join(name.to_string());
            let file = self.fs.open_read(&path).map_err(|error| look(&path, error))?;
            let mut lines = Lines::new(At {
                file: &*file,
                offset: 0,
            });
            while let Some(piece) = lines.next_piece().map_err(|error| look(&path, error))? {
                let Piece::Line { bytes, .. } = piece else {
                    continue;
                };
                if due < to.min(bound) && seq_of(bytes) == Some(due) {
                    take(bytes);
                    due += 1;
                }
            }
        }
        Ok(())
    }

    /// Makes the tree of the first `size` records anew. What retention has removed is taken from its tiles.
    fn rebuild(&mut self, size: u64, tiles: &mut Vec<TileFile>) -> Result<Tree> {
        let mut tree = Tree::new();
        let first = self.segments.first().map_or(0, |name| name.first_seq).min(size);
        while tree.size() < first {
            let index = tree.size() / TILE_WIDTH as u64;
            let width = (first - tree.size()).min(TILE_WIDTH as u64) as usize;
            for hash in tile(self.fs, self.home, 0, index, width)?.into_iter().take(width) {
                push(&mut tree, hash, tiles);
            }
        }
        self.lines(first, size, |line| push(&mut tree, leaf_hash(line), tiles))?;
        if tree.size() < size {
            return Err(contradiction(
                self.home,
                &format!(
                    "record {} is missing, and the newest checkpoint covers it",
                    tree.size()
                ),
            ));
        }
        Ok(tree)
    }
}
