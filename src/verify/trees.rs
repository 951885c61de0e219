//! The tree over the lines, and beside it the one over the tiles where the two disagree, until a checkpoint says which is right.

use crate::format::{Hash, Tile, Tree};

use super::finding::Finding;
use super::tiles::{Flaw, Tiles};

/// So many doubts are kept until the next checkpoint settles them; more are counted.
const MOST: usize = 1_000;

/// A list of which only the beginning is kept.
#[derive(Debug)]
pub(super) struct Held<T> {
    pub(super) list: Vec<T>,
    pub(super) more: u64,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            more: 0,
        }
    }
}

impl<T> Held<T> {
    pub(super) fn push(&mut self, item: T) {
        if self.list.len() < MOST {
            self.list.push(item);
        } else {
            self.more += 1;
        }
    }
}

/// What a checkpoint's root has settled.
#[derive(Debug)]
pub(super) enum Settled {
    /// The lines are those that were sealed; these tiles are not.
    Lines(Held<Flaw>),
    /// Where they disagree, the tiles are right, and these records were changed.
    Tiles(Held<Finding>, Held<Flaw>),
    /// Neither is what was sealed.
    Neither(Held<Finding>, Held<Flaw>),
}

/// The trees, and what is in doubt since the last checkpoint.
#[derive(Debug, Default)]
pub(super) struct Trees {
    lines: Tree,
    /// With the tiles' hashes where they differ from the lines'.
    other: Option<Tree>,
    doubts: Held<Finding>,
    flaws: Held<Flaw>,
    other_flaws: Held<Flaw>,
    /// A leaf is known from nowhere: no later root can be checked.
    pub(super) broken: bool,
}

impl Trees {
    pub(super) fn root(&self) -> Hash {
        self.lines.root()
    }

    /// A finding that holds only if the tile is right where it and the line disagree.
    pub(super) fn doubt(&mut self, finding: Finding) {
        self.doubts.push(finding);
    }

    /// What was in doubt about these records does not matter.
    pub(super) fn forget(&mut self, seqs: std::ops::Range<u64>) {
        self.doubts
            .list
            .retain(|doubt| !doubt.seq().is_some_and(|seq| seqs.contains(&seq)));
    }

    /// Whether lines and tiles disagree since the last checkpoint.
    pub(super) fn in_doubt(&self) -> bool {
        self.other.is_some()
    }

    /// Adds the leaf that is due, as its line and as its tile have it. `sealed`: full tiles below this size must be there.
    pub(super) fn push(&mut self, line: Option<Hash>, tile: Option<Hash>, tiles: &mut Tiles, sealed: u64) {
        let (Some(by_line), Some(by_tile)) = (line.or(tile), tile.or(line)) else {
            self.broken = true;
            return;
        };
        if self.broken {
            return;
        }
        if by_line != by_tile && self.other.is_none() {
            self.other = Some(self.lines.clone());
        }
        let expected = self.lines.size() < sealed;
        let flaws = &mut self.flaws;
        self.lines.push(by_line, |tile| {
            tiles
                .check(&tile, expected)
                .into_iter()
                .for_each(|flaw| flaws.push(flaw));
        });
        if let Some(other) = &mut self.other {
            let flaws = &mut self.other_flaws;
            other.push(by_tile, |tile| {
                // Missing tiles are counted once.
                tiles
                    .check(&tile, false)
                    .into_iter()
                    .for_each(|flaw| flaws.push(flaw));
            });
        }
    }

    /// Compares with the tiles at the right edge, which are not full.
    pub(super) fn edge(&mut self, tiles: &mut Tiles) {
        let check = |tree: &Tree, tiles: &mut Tiles, flaws: &mut Held<Flaw>| {
            let found: Vec<Flaw> = tree
                .partial()
                .flat_map(|tile: Tile<'_>| tiles.check(&tile, false))
                .collect();
            found.into_iter().for_each(|flaw| flaws.push(flaw));
        };
        check(&self.lines, tiles, &mut self.flaws);
        if let Some(other) = &self.other {
            check(other, tiles, &mut self.other_flaws);
        }
    }

    /// Settles what is in doubt by the root that was sealed at this size.
    pub(super) fn settle(&mut self, root: &Hash) -> Settled {
        if self.lines.root() == *root {
            self.other = None;
            self.doubts = Held::default();
            self.other_flaws = Held::default();
            return Settled::Lines(std::mem::take(&mut self.flaws));
        }
        match self.other.take() {
            Some(other) if other.root() == *root => {
                self.lines = other;
                self.flaws = Held::default();
                Settled::Tiles(
                    std::mem::take(&mut self.doubts),
                    std::mem::take(&mut self.other_flaws),
                )
            }
            _ => self.leave(),
        }
    }

    /// Gives out what nothing has settled.
    pub(super) fn leave(&mut self) -> Settled {
        self.other = None;
        self.other_flaws = Held::default();
        Settled::Neither(std::mem::take(&mut self.doubts), std::mem::take(&mut self.flaws))
    }
}
