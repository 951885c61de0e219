//! The seal: the Merkle tree over the stream's lines, its tiles, and checkpoints over what the disk has confirmed.
//!
//! Invariants: the tree and what [`Leaves`] holds are exactly the lines below [`FileSink::next_seq`]; a head is taken at any time, and published
//! only when the disk has confirmed every line that it covers; a published head is never contradicted by a later one.

use super::FileSink;
use super::keyring::Keyring;
use super::leaves::Leaves;
use super::sealer::{Publication, Published, Sealer, TileFile};
use crate::error::{Error, Result};
use crate::format::{Checkpoint, Hash, TileName, Tree};

/// A head is taken after so many records, however short ago the last one was.
const MOST_RECORDS: u64 = 1 << 20;

/// And after so long, where there are any.
const INTERVAL: u64 = 1_000_000_000;

/// One call appends so many ordinary lines at most: their hashes have their memory from the begin.
const RECENT: usize = 2048;

/// So many full tiles are written together.
const TILES: usize = 16;

/// What the sink remembers of its tree.
#[derive(Debug)]
pub(super) struct Seal {
    /// Behind it come the lines whose hashes are being made: [`Seal::settle_leaves`] takes them.
    tree: Tree,
    leaves: Leaves,
    keys: Keyring,
    /// Full tiles that were not given to the thread yet.
    tiles: Vec<TileFile>,
    /// The tree as it was at sizes that lines may have to be taken back to, in their order.
    marks: Vec<Tree>,
    /// The first line that the last call appended, and the hashes of all that it did.
    recent: (u64, Vec<Hash>),
    /// A head that waits for the disk.
    head: Option<Head>,
    published: u64,
    /// The largest head that was given to the thread: signed perhaps, whatever it answered.
    attempted: u64,
    /// The tiles at the right edge of the head that was published last.
    edge: Vec<TileName>,
    /// When the last head was taken, by the sink's clock.
    last_head: u64,
    thread: Sealer,
    /// The last publication failed, and that was told.
    is_told: bool,
}

#[derive(Debug)]
struct Head {
    checkpoint: Checkpoint,
    /// The tiles at its right edge.
    tiles: Vec<TileFile>,
}

impl Seal {
    pub(super) fn new(tree: Tree, tiles: Vec<TileFile>, published: u64, keys: Keyring) -> Self {
        Self {
            // What a start finds is confirmed; a segment that it goes on with has no other mark.
            marks: vec![tree.clone()],
            tree,
            leaves: Leaves::default(),
            keys,
            tiles,
            recent: (0, Vec::with_capacity(RECENT)),
            head: None,
            published,
            attempted: published,
            edge: Vec::new(),
            last_head: 0,
            thread: Sealer::default(),
            is_told: false,
        }
    }

    fn push(&mut self, hash: Hash, is_recent: bool) {
        if is_recent {
            self.recent.1.push(hash);
        }
        let tiles = &mut self.tiles;
        self.tree.push(hash, |tile| {
            tiles.push((TileName::of(&tile), tile.hashes.as_flattened().to_vec()));
        });
    }

    /// Adds `count` lines that were just written, each ended by a newline.
    fn add(&mut self, lines: &[u8], count: u64) {
        self.settle_leaves();
        if !self.leaves.begin(lines, count) {
            let mut leaves = std::mem::take(&mut self.leaves);
            leaves.here(lines, |hash| self.push(hash, true));
            self.leaves = leaves;
        }
    }

    /// Takes the hashes that are being made into the tree. Whoever looks at the tree calls this first.
    fn settle_leaves(&mut self) {
        let mut leaves = std::mem::take(&mut self.leaves);
        leaves.take(|hash, is_recent| self.push(hash, is_recent));
        self.leaves = leaves;
    }

    /// How many lines there are.
    fn size(&self) -> u64 {
        self.tree.size() + self.leaves.waiting()
    }

    /// Lines that are appended from here on are those of one call.
    pub(super) fn begin_run(&mut self) {
        self.recent.0 = self.size();
        self.recent.1.clear();
        self.leaves.age();
    }

    /// Remembers the tree as it is: lines behind this place may have to be taken back.
    pub(super) fn mark(&mut self) {
        self.settle_leaves();
        let size = self.tree.size();
        if self.marks.last().is_none_or(|mark| mark.size() < size) {
            self.marks.push(self.tree.clone());
        }
    }

    /// Lines below `seq` will never be taken back, but for the whole of the segment that begins at `start`.
    pub(super) fn settle(&mut self, start: u64, seq: u64) {
        let last = self.marks.iter().rposition(|mark| mark.size() <= seq);
        let mut at = 0;
        self.marks.retain(|mark| {
            let keep = mark.size() == start || last.is_none_or(|last| at >= last);
            at += 1;
            keep
        });
    }

    /// The lines from `first` on are not on disk and will be replaced by others. Gives the number from which that is
    /// possible: what is sealed already stays as it was sealed.
    pub(super) fn take_back(&mut self, first: u64) -> u64 {
        self.settle_leaves();
        let first = first.max(self.attempted);
        let mark = self.marks.iter().position(|mark| mark.size() >= first);
        let Some(at) = mark else { return self.tree.size() };
        self.marks.truncate(at + 1);
        if let Some(mark) = self.marks.last() {
            self.tree = mark.clone();
        }
        let size = self.tree.size();
        self.recent = (size, Vec::new());
        self.tiles.retain(|(name, _)| is_within(name, size));
        self.head.take_if(|head| head.checkpoint.size > size);
        size
    }

    fn take_head(&mut self, now: u64) {
        self.settle_leaves();
        let edge = self.tree.partial();
        self.head = Some(Head {
            checkpoint: Checkpoint {
                origin: self.keys.origin().to_owned(),
                size: self.tree.size(),
                root: self.tree.root(),
            },
            tiles: edge
                .map(|tile| (TileName::of(&tile), tile.hashes.as_flattened().to_vec()))
                .collect(),
        });
        self.last_head = now;
    }

    fn is_due(&self, now: u64) -> bool {
        let waiting = self.size() - self.published;
        // A clock that went back must not hold the seal up until it has caught up.
        let is_time = now < self.last_head || now - self.last_head >= INTERVAL;
        self.head.is_none() && waiting > 0 && (is_time || waiting >= MOST_RECORDS)
    }
}

/// Whether all leaves below a tile are among the first `size`.
fn is_within(name: &TileName, size: u64) -> bool {
    let reach = (name.index + 1).checked_shl(8 * (u32::from(name.level) + 1));
    reach.is_some_and(|reach| reach <= size)
}

impl FileSink {
    /// Takes lines that were just written into the tree.
    pub(super) fn seal_lines(&mut self, lines: &[u8], count: u64) {
        let Some(seal) = &mut self.seal else { return };
        seal.add(lines, count);
        if seal.tiles.len() >= TILES {
            let mut tiles = seal.thread.take_owed();
            tiles.append(&mut seal.tiles);
            let job = Publication::of_tiles(&self.fs, &self.home, self.settings.access, tiles);
            if let Err(tiles) = seal.thread.hand(job) {
                seal.tiles = tiles;
            }
        }
    }

    /// Lines behind this place may have to be taken back.
    pub(super) fn mark_seal(&mut self) {
        if let Some(seal) = &mut self.seal {
            seal.mark();
        }
    }

    /// Lines before what is confirmed will not be, but where the whole segment is lost.
    pub(super) fn settle_seal(&mut self) {
        if let (Some(seal), Some(segment)) = (&mut self.seal, &self.segment) {
            seal.settle(segment.start_seq, segment.confirmed_seq);
        }
    }

    /// The hash of a line of the run that was written last.
    pub(crate) fn leaf(&mut self, seq: u64) -> Option<Hash> {
        let seal = self.seal.as_mut()?;
        seal.settle_leaves();
        let (first, hashes) = &seal.recent;
        let at = usize::try_from(seq.checked_sub(*first)?).ok()?;
        hashes.get(at).copied()
    }

    /// How many records the newest checkpoint covers; `None` where the stream is not sealed.
    #[must_use]
    pub fn sealed(&self) -> Option<u64> {
        self.seal.as_ref().map(|seal| seal.published)
    }

    /// Publishes heads beside the writing: takes the answer of the last one, gives the thread the next one once the disk
    /// has confirmed what it covers, and takes a new one about once a second. Waits for nothing.
    pub(crate) fn seal_behind(&mut self) {
        let now = self.now();
        let durable = self.durable_seq();
        let Some(seal) = &mut self.seal else { return };
        if let Some(answer) = seal.thread.answer(false) {
            self.published(answer);
        }
        let Some(seal) = &mut self.seal else { return };
        if seal.thread.is_busy() {
            return;
        }
        if seal.is_due(now) {
            seal.take_head(now);
        }
        if seal
            .head
            .as_ref()
            .is_some_and(|head| head.checkpoint.size <= durable)
            && let Some(job) = self.publication()
            && let Some(seal) = &mut self.seal
            && let Err(tiles) = seal.thread.publish(job)
        {
            seal.tiles = tiles;
        }
    }

    /// Confirms and seals everything that was delivered, and waits for it. Gives the checkpoint that covers it; `None`
    /// where the stream is not sealed, or has no record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where the disk does not confirm the lines, or where the checkpoint cannot
    /// be signed or written.
    pub fn seal(&mut self) -> Result<Option<Checkpoint>> {
        self.confirm()
            .map_err(|error| Error::new(crate::ErrorKind::Io, error.to_string()))?;
        self.seal_now()
    }

    /// As [`Self::seal`], where the disk has confirmed every line.
    pub(super) fn seal_now(&mut self) -> Result<Option<Checkpoint>> {
        let now = self.now();
        let Some(seal) = &mut self.seal else {
            return Ok(None);
        };
        if let Some(answer) = seal.thread.answer(true) {
            self.published(answer);
        }
        let Some(seal) = &mut self.seal else {
            return Ok(None);
        };
        seal.settle_leaves();
        if seal.tree.size() == 0 || seal.tree.size() == seal.published && seal.tiles.is_empty() {
            return Ok(seal.thread.newest().cloned());
        }
        seal.take_head(now);
        let Some(job) = self.publication() else {
            return Ok(None);
        };
        let Some(seal) = &mut self.seal else {
            return Ok(None);
        };
        let answer = seal.thread.publish_now(job);
        let newest = answer.as_ref().map(|published| published.checkpoint.clone());
        let newest = newest.map_err(|error| Error::new(error.kind(), error.to_string()));
        self.published(answer);
        newest.map(Some)
    }

    /// Everything of the head that waits, for the thread.
    fn publication(&mut self) -> Option<Publication> {
        let seal = self.seal.as_mut()?;
        let head = seal.head.take()?;
        let mut tiles = seal.thread.take_owed();
        tiles.append(&mut seal.tiles);
        seal.attempted = seal.attempted.max(head.checkpoint.size);
        let edge: Vec<TileName> = head.tiles.iter().map(|(name, _)| *name).collect();
        let narrower = seal
            .edge
            .iter()
            .filter(|name| !edge.contains(name))
            .copied()
            .collect();
        seal.edge = edge;
        tiles.extend(head.tiles);
        let signers = seal.keys.signers(head.checkpoint.size);
        let job = Publication::of_tiles(&self.fs, &self.home, self.settings.access, tiles);
        let job = job.instead_of(narrower);
        Some(job.with_head(head.checkpoint, signers, self.settings.on_checkpoint.clone()))
    }

    fn published(&mut self, answer: Result<Published>) {
        let Some(seal) = &mut self.seal else { return };
        match answer {
            Ok(published) => {
                seal.published = published.checkpoint.size;
                seal.is_told = false;
                seal.thread.set_newest(published.checkpoint);
            }
            Err(error) => {
                if !std::mem::replace(&mut seal.is_told, true) {
                    let cause = error.to_string();
                    let size = seal.published;
                    self.tell(super::FileEvent::NotSealed { size, cause });
                }
            }
        }
    }
}
