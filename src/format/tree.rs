//! The Merkle tree over a stream's lines: RFC 6962 §2.1, kept as the right-most tiles of each level.

use sha2::{Digest as _, Sha256};

use super::hash::{Hash, fold_row, node_hash};
use crate::error::{Error, Result};

/// How many hashes a full tile has: a level of the tiles is eight levels of the tree.
pub const TILE_WIDTH: usize = 256;

/// The root of a tree without a leaf: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The root of a complete tree over a power of two of hashes.
fn fold(hashes: &[Hash]) -> Hash {
    let mut row = [Hash::default(); TILE_WIDTH];
    let mut len = hashes.len();
    for (slot, hash) in row.iter_mut().zip(hashes) {
        *slot = *hash;
    }
    while len > 1 {
        fold_row(row.get_mut(..len).unwrap_or_default());
        len /= 2;
    }
    row.first().copied().unwrap_or_default()
}

/// A tree that grows at its right edge. It holds the tiles that are not full yet: at most 255 hashes of each level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    size: u64,
    /// Level by level, what stands in the right-most tile. A full tile is given away at once.
    edge: Vec<Vec<Hash>>,
}

/// A tile as it stands in a file: the hashes of one level, one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile<'a> {
    /// The level of the tiles: 0 holds leaves, 1 the roots of full tiles of level 0, and so on.
    pub level: u8,
    /// Its place in its level, from 0.
    pub index: u64,
    /// From 1 to 256 hashes.
    pub hashes: &'a [Hash],
}

impl Tree {
    /// A tree without a leaf.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of `size` leaves, from its tiles. `tile` gives at least `width` hashes of a tile.
    ///
    /// # Errors
    ///
    /// What `tile` answers, and [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) where it gives fewer hashes.
    pub fn resume(size: u64, mut tile: impl FnMut(u8, u64, usize) -> Result<Vec<Hash>>) -> Result<Self> {
        let mut edge = Vec::new();
        let mut count = size;
        let mut level = 0;
        while count > 0 {
            let width = (count % TILE_WIDTH as u64) as usize;
            let mut hashes = Vec::new();
            if width > 0 {
                hashes = tile(level, count / TILE_WIDTH as u64, width)?;
                hashes.truncate(width);
                if hashes.len() < width {
                    return Err(short(level, count / TILE_WIDTH as u64, hashes.len(), width));
                }
            }
            edge.push(hashes);
            count /= TILE_WIDTH as u64;
            level += 1;
        }
        Ok(Self { size, edge })
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf. Tiles that become full by it go to `full`, lower levels first.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(Tile<'_>)) {
        self.size += 1;
        let mut hash = leaf;
        let mut count = self.size;
        let mut level = 0;
        loop {
            if self.edge.len() <= level {
                self.edge.push(Vec::with_capacity(TILE_WIDTH));
            }
            let Some(hashes) = self.edge.get_mut(level) else {
                return;
            };
            hashes.push(hash);
            if hashes.len() < TILE_WIDTH {
                return;
            }
            count /= TILE_WIDTH as u64;
            full(Tile {
                level: u8::try_from(level).unwrap_or(u8::MAX),
                index: count - 1,
                hashes,
            });
            hash = fold(hashes);
            hashes.clear();
            level += 1;
        }
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut root = None;
        for hashes in &self.edge {
            root = join(hashes, root);
        }
        root.unwrap_or_else(empty_root)
    }

    /// Level by level, the hashes of the right-most tile, which is not full. A level can have none.
    #[must_use]
    pub fn edge(&self) -> &[Vec<Hash>] {
        &self.edge
    }

    /// The tiles at the right edge that are not full, lower levels first.
    pub fn partial(&self) -> impl Iterator<Item = Tile<'_>> {
        let mut count = self.size;
        self.edge.iter().enumerate().filter_map(move |(level, hashes)| {
            count /= TILE_WIDTH as u64;
            let tile = Tile {
                level: u8::try_from(level).unwrap_or(u8::MAX),
                index: count,
                hashes,
            };
            (!hashes.is_empty()).then_some(tile)
        })
    }
}

/// The root over hashes of one level, in the order of leaves, and over what stands to their right.
fn join(hashes: &[Hash], mut right: Option<Hash>) -> Option<Hash> {
    let mut rest = hashes;
    while !rest.is_empty() {
        let block = 1 << rest.len().trailing_zeros();
        let (left, complete) = rest.split_at(rest.len() - block);
        let root = fold(complete);
        right = Some(right.map_or(root, |right| node_hash(&root, &right)));
        rest = left;
    }
    right
}

fn short(level: u8, index: u64, found: usize, wanted: usize) -> Error {
    Error::corrupt(format!(
        "tile {index} of level {level} has {found} hashes where {wanted} are needed; rebuild the tiles from the segments"
    ))
}

/// The hashes that lead from a leaf to the root of the tree of `size` leaves (RFC 6962 §2.1.1), the lowest first.
/// `tile` gives at least as many hashes of a tile as it is asked for.
///
/// # Errors
///
/// What `tile` answers; [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) where it gives fewer hashes, and
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for an index that the tree does not have.
pub fn inclusion_proof(
    index: u64,
    size: u64,
    mut tile: impl FnMut(u8, u64, usize) -> Result<Vec<Hash>>,
) -> Result<Vec<Hash>> {
    if index >= size {
        return Err(Error::config(format!(
            "a tree of {size} leaves has no leaf {index}"
        )));
    }
    let mut proof = Vec::new();
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let half = from + largest_below(to - from);
        let sibling = if index < half {
            let right = range_root(half, to, &mut tile)?;
            to = half;
            right
        } else {
            let left = range_root(from, half, &mut tile)?;
            from = half;
            left
        };
        proof.push(sibling);
    }
    proof.reverse();
    Ok(proof)
}

/// The root that a proof leads to; `None` where the proof is not one for this leaf and size.
#[must_use]
pub fn root_of_proof(index: u64, size: u64, leaf: Hash, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let mut at = index;
    let mut last = size - 1;
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at > 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// The largest power of two below a number above 1.
fn largest_below(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// The root over the leaves from `from` to before `to`, where `from` is a multiple of a power of two that is not
/// smaller than their number.
fn range_root(
    from: u64,
    to: u64,
    tile: &mut impl FnMut(u8, u64, usize) -> Result<Vec<Hash>>,
) -> Result<Hash> {
    let mut root = None;
    let (mut end, mut blocks) = (to, Vec::new());
    while end > from {
        let block = 1_u64 << (end - from).trailing_zeros();
        blocks.push((end - block, block));
        end -= block;
    }
    for (start, block) in blocks {
        let level = block.trailing_zeros() / 8;
        let unit = 1_u64 << (8 * level);
        let (first, count) = (start / unit, (block / unit) as usize);
        let (index, offset) = (first / TILE_WIDTH as u64, (first % TILE_WIDTH as u64) as usize);
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let hashes = tile(level, index, offset + count)?;
        let Some(block) = hashes.get(offset..offset + count) else {
            return Err(short(level, index, hashes.len(), offset + count));
        };
        root = join(block, root);
    }
    Ok(root.unwrap_or_else(empty_root))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::hash::leaf_hash;
    use super::*;

    /// A tree with every tile that it gave away, as a directory would hold them.
    #[derive(Default)]
    struct Grown {
        tree: Tree,
        tiles: BTreeMap<(u8, u64), Vec<Hash>>,
    }

    impl Grown {
        fn of(size: u64) -> Self {
            let mut grown = Self::default();
            for n in 0..size {
                grown.push(n);
            }
            grown
        }

        fn push(&mut self, n: u64) {
            let tiles = &mut self.tiles;
            self.tree.push(leaf_hash(&line(n)), |tile| {
                tiles.insert((tile.level, tile.index), tile.hashes.to_vec());
            });
        }

        fn tile(&self, level: u8, index: u64, width: usize) -> Result<Vec<Hash>> {
            let edge = self
                .tree
                .partial()
                .find(|tile| (tile.level, tile.index) == (level, index));
            let hashes = edge.map(|tile| tile.hashes.to_vec());
            let hashes = hashes.or_else(|| self.tiles.get(&(level, index)).cloned());
            hashes
                .filter(|hashes| hashes.len() >= width)
                .ok_or_else(|| short(level, index, 0, width))
        }
    }

    fn line(n: u64) -> Vec<u8> {
        format!("{{\"seq\":{n}}}").into_bytes()
    }

    /// The definition of RFC 6962 §2.1, word for word.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(largest_below(leaves.len() as u64) as usize);
                node_hash(&defined(left), &defined(right))
            }
        }
    }

    /// T003-02.
    #[test]
    fn the_root_is_the_one_that_the_standard_defines_at_every_size() {
        let mut grown = Grown::default();
        let mut leaves = Vec::new();
        for n in 0..520 {
            assert_eq!(grown.tree.root(), defined(&leaves), "at {n}");
            grown.push(n);
            leaves.push(leaf_hash(&line(n)));
        }
        for n in 520..66_000 {
            grown.push(n);
            leaves.push(leaf_hash(&line(n)));
        }
        assert_eq!(grown.tree.root(), defined(&leaves));
    }

    #[test]
    fn a_tree_goes_on_from_its_tiles_at_every_size_as_if_it_had_never_stopped() {
        for size in (0..20)
            .chain([255, 256, 257, 511, 513, 700])
            .chain([65_535, 65_537])
        {
            let mut grown = Grown::of(size);
            let again = Tree::resume(size, |level, index, width| grown.tile(level, index, width)).unwrap();
            assert_eq!(again.root(), grown.tree.root(), "at {size}");
            grown.tree = again;
            for n in size..size + 300 {
                grown.push(n);
            }
            assert_eq!(
                grown.tree.root(),
                Grown::of(size + 300).tree.root(),
                "from {size}"
            );
        }
    }

    /// T003-04.
    #[test]
    fn every_proof_leads_to_the_root_and_no_other_leaf_index_or_length_does() {
        for size in [1, 2, 3, 7, 8, 255, 256, 257, 600, 1_000] {
            let grown = Grown::of(size);
            for index in (0..size).step_by(if size < 20 { 1 } else { 37 }) {
                let proof = inclusion_proof(index, size, |l, i, w| grown.tile(l, i, w)).unwrap();
                let leaf = leaf_hash(&line(index));
                assert_eq!(root_of_proof(index, size, leaf, &proof), Some(grown.tree.root()));
                assert_ne!(
                    root_of_proof(index, size, leaf_hash(b"x"), &proof),
                    Some(grown.tree.root())
                );
                let longer = [proof.clone(), vec![leaf]].concat();
                assert_ne!(root_of_proof(index, size, leaf, &longer), Some(grown.tree.root()));
                if size > 1 {
                    let other = (index + 1) % size;
                    assert_ne!(root_of_proof(other, size, leaf, &proof), Some(grown.tree.root()));
                    assert_ne!(
                        root_of_proof(index, size, leaf, &proof[..proof.len() - 1]),
                        Some(grown.tree.root())
                    );
                }
            }
        }
    }

    #[test]
    fn a_proof_of_a_smaller_size_is_read_from_the_tiles_of_a_larger_tree() {
        let grown = Grown::of(70_000);
        for size in [1, 256, 300, 65_800, 70_000] {
            let index = size / 2;
            let proof = inclusion_proof(index, size, |l, i, w| grown.tile(l, i, w)).unwrap();
            let root = root_of_proof(index, size, leaf_hash(&line(index)), &proof);
            assert_eq!(root, Some(Grown::of(size).tree.root()), "{size}");
        }
    }

    #[test]
    fn a_leaf_that_the_tree_does_not_have_has_no_proof() {
        let error = inclusion_proof(3, 3, |_, _, _| Ok(Vec::new())).unwrap_err();
        assert!(error.to_string().contains("has no leaf 3"), "{error}");
        assert_eq!(root_of_proof(3, 3, Hash::default(), &[]), None);
    }

    #[test]
    fn a_tile_that_is_too_short_is_named() {
        let error = Tree::resume(300, |_, _, _| Ok(Vec::new())).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("tile 1 of level 0 has 0 hashes where 44"),
            "{error}"
        );
    }
}
