//! Tiles in files: names and contents after C2SP `tlog-tiles`, below `tile/` of a stream's directory.

use std::fmt;

use super::hash::Hash;
use super::tree::{TILE_WIDTH, Tile};

/// Which tile a file holds.
///
/// The name of tile 1,234,067 of level 0 is `tile/0/x001/x234/067`; with only 5 of its 256 hashes it is
/// `tile/0/x001/x234/067.p/5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileName {
    /// The level: 0 holds leaves.
    pub level: u8,
    /// The place in the level, from 0.
    pub index: u64,
    /// How many hashes it holds, from 1 to 256.
    pub width: u16,
}

impl TileName {
    /// The name of a tile.
    #[must_use]
    pub fn of(tile: &Tile<'_>) -> Self {
        Self {
            level: tile.level,
            index: tile.index,
            width: u16::try_from(tile.hashes.len()).unwrap_or(u16::MAX),
        }
    }

    /// A full tile.
    #[must_use]
    pub fn full(level: u8, index: u64) -> Self {
        Self {
            level,
            index,
            width: TILE_WIDTH as u16,
        }
    }

    /// Reads a path as it is written; `None` for every other one.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/")?;
        let (level, rest) = rest.split_once('/')?;
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (rest, TILE_WIDTH as u16),
        };
        let mut index = 0_u64;
        for part in number.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let name = Self {
            level: level.parse().ok()?,
            index,
            width,
        };
        // One tile has one name: no leading zeros, no wrong `x`, no partial tile of 256 hashes.
        (width >= 1 && name.to_string() == path).then_some(name)
    }
}

impl fmt::Display for TileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        let mut parts = Vec::new();
        let mut rest = self.index;
        loop {
            parts.push(rest % 1000);
            rest /= 1000;
            if rest == 0 {
                break;
            }
        }
        while let Some(part) = parts.pop() {
            let (before, after) = if parts.is_empty() { ("", "") } else { ("x", "/") };
            write!(f, "{before}{part:03}{after}")?;
        }
        if usize::from(self.width) < TILE_WIDTH {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// The hashes in a tile's file; `None` where it is not a whole number of hashes, or more than 256.
#[must_use]
pub fn tile_hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && hashes.len() <= TILE_WIDTH).then(|| hashes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_standard_and_come_back() {
        for (name, text) in [
            ((0, 0, 256), "tile/0/000"),
            ((0, 1_234_067, 256), "tile/0/x001/x234/067"),
            ((1, 999, 255), "tile/1/999.p/255"),
            ((2, 1_000, 1), "tile/2/x001/000.p/1"),
        ] {
            let name = TileName {
                level: name.0,
                index: name.1,
                width: name.2,
            };
            assert_eq!(name.to_string(), text);
            assert_eq!(TileName::parse(text), Some(name));
        }
    }

    #[test]
    fn a_path_that_is_not_exactly_a_tiles_is_none() {
        for path in [
            "",
            "tile/0",
            "tile/0/",
            "tile/0/00",
            "tile/0/0000",
            "tile/00/000",
            "tile/0/x000/000",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/0/000.p/256",
            "tile/0/000.p/0",
            "tile/0/000.p/05",
            "tile/0/000.p/",
            "tile/256/000",
            "tile/0/000/",
            "tile/-1/000",
            "tile/0/+01",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(TileName::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_tiles_file_holds_whole_hashes() {
        assert_eq!(tile_hashes(&[7; 64]), Some(vec![[7; 32]; 2]));
        assert_eq!(tile_hashes(&[7; 63]), None);
        assert_eq!(tile_hashes(&[7; 32 * 257]), None);
    }
}
