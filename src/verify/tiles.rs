//! The tiles of a stream as they lie there: a second opinion on every leaf, and something to be checked itself.

use std::fs;
use std::path::{Path, PathBuf};

use crate::format::{Hash, TILE_WIDTH, Tile, TileName, tile_hashes};

/// A tile's file that is not what the records make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Relative to the stream's directory.
    pub(super) path: String,
    /// Whether it only lacks something or holds zeros: a power failure does that, and no change of records needs it.
    pub(super) damaged: bool,
    /// The records below it.
    pub(super) first: u64,
    pub(super) count: u64,
}

/// What was read of a tile of level 0.
#[derive(Debug, Default)]
struct Loaded {
    index: Option<u64>,
    hashes: Vec<Hash>,
    /// Whether it is the full tile's file.
    whole: bool,
}

/// Reads tiles, at most two at a time.
#[derive(Debug)]
pub(super) struct Tiles {
    home: PathBuf,
    /// The tile of the record that is due.
    near: Loaded,
    /// The tile of another record.
    far: Loaded,
    /// A directory of tiles, and the directories of partial tiles in it: hardly ever is there one, and to look for each tile's
    /// costs as much as to hash its records.
    partials: (PathBuf, Vec<String>),
    /// Full tiles that are not there, and the first one's path.
    pub(super) missing: u64,
    pub(super) first_missing: Option<String>,
}

impl Tiles {
    pub(super) fn new(home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            near: Loaded::default(),
            far: Loaded::default(),
            partials: (PathBuf::new(), Vec::new()),
            missing: 0,
            first_missing: None,
        }
    }

    /// The hash of the record that is due.
    pub(super) fn due(&mut self, seq: u64) -> Option<Hash> {
        leaf(&mut self.near, &self.home, seq)
    }

    /// The hash of any record.
    pub(super) fn any(&mut self, seq: u64) -> Option<Hash> {
        let index = Some(seq / TILE_WIDTH as u64);
        if self.near.index == index {
            return self.due(seq);
        }
        leaf(&mut self.far, &self.home, seq)
    }

    /// What lies there of a tile, compared with what the records make of it. `expected` says that the full tile should
    /// be there.
    pub(super) fn check(&mut self, tile: &Tile<'_>, expected: bool) -> Vec<Flaw> {
        let full = TileName::full(tile.level, tile.index).to_string();
        let mut flaws = Vec::new();
        if tile.hashes.len() == TILE_WIDTH {
            let known = self.near.whole && tile.level == 0 && self.near.index == Some(tile.index);
            if !(known && self.near.hashes == tile.hashes) {
                match fs::read(self.home.join(&full)) {
                    Ok(bytes) => flaws.extend(compare(&full, &bytes, tile, TILE_WIDTH)),
                    Err(_) if expected => {
                        self.missing += 1;
                        self.first_missing.get_or_insert_with(|| full.clone());
                    }
                    Err(_) => {}
                }
            }
        }
        let partials = if self.may_be_partial(&full) {
            partial(&self.home, &full)
        } else {
            Vec::new()
        };
        for (width, path) in partials {
            let Ok(bytes) = fs::read(self.home.join(&path)) else {
                continue;
            };
            if width <= tile.hashes.len() {
                flaws.extend(compare(&path, &bytes, tile, width));
            }
        }
        flaws
    }
}

impl Tiles {
    /// Whether there was a directory of partial tiles beside this full one when the first tile of its directory was looked at.
    fn may_be_partial(&mut self, full: &str) -> bool {
        let path = self.home.join(full);
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
            return true;
        };
        if self.partials.0 != dir {
            let entries = fs::read_dir(dir).into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            let names = names.filter_map(|name| name.strip_suffix(".p").map(str::to_owned));
            self.partials = (dir.to_owned(), names.collect());
        }
        let name = name.to_string_lossy();
        self.partials.1.iter().any(|partial| *partial == name)
    }
}

fn leaf(loaded: &mut Loaded, home: &Path, seq: u64) -> Option<Hash> {
    let index = seq / TILE_WIDTH as u64;
    if loaded.index != Some(index) {
        *loaded = load(home, index);
    }
    loaded.hashes.get((seq % TILE_WIDTH as u64) as usize).copied()
}

/// The full tile, or the fullest that is there.
fn load(home: &Path, index: u64) -> Loaded {
    let full = TileName::full(0, index).to_string();
    let read = |path: &str| {
        fs::read(home.join(path))
            .ok()
            .and_then(|bytes| tile_hashes(&bytes))
    };
    let whole = read(&full).filter(|hashes| hashes.len() == TILE_WIDTH);
    let is_whole = whole.is_some();
    let fullest = || {
        let (_, path) = partial(home, &full).into_iter().max()?;
        read(&path)
    };
    Loaded {
        index: Some(index),
        hashes: whole.or_else(fullest).unwrap_or_default(),
        whole: is_whole,
    }
}

/// The files of a tile that is not full, with their widths.
fn partial(home: &Path, full: &str) -> Vec<(usize, String)> {
    let Ok(entries) = fs::read_dir(home.join(format!("{full}.p"))) else {
        return Vec::new();
    };
    let named = entries.filter_map(|entry| {
        let path = format!("{full}.p/{}", entry.ok()?.file_name().to_str()?);
        let name = TileName::parse(&path)?;
        Some((usize::from(name.width), path))
    });
    named.take(TILE_WIDTH).collect()
}

fn compare(path: &str, bytes: &[u8], tile: &Tile<'_>, width: usize) -> Option<Flaw> {
    let (found, rest) = bytes.as_chunks::<32>();
    let wanted = tile.hashes.get(..width)?;
    if found == wanted && rest.is_empty() {
        return None;
    }
    let is_short = bytes.len() < width * 32;
    let mut pairs = found.iter().zip(wanted);
    let only_zeros = pairs.all(|(found, wanted)| found == wanted || *found == Hash::default());
    let cut = wanted.get(found.len()).map_or(&[][..], |hash| hash.as_slice());
    let unit = (TILE_WIDTH as u64).saturating_pow(u32::from(tile.level));
    Some(Flaw {
        path: path.to_owned(),
        damaged: only_zeros && found.len() <= width && (!is_short || cut.starts_with(rest)),
        first: unit.saturating_mul(tile.index * TILE_WIDTH as u64),
        count: unit.saturating_mul(width as u64),
    })
}
