//! The walk through one stream: every line is hashed again, in order and in constant memory.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::claims::Claims;
use super::control::{Control, MARK, Peek, peek, stream_of};
use super::finding::{Findings, Kind};
use super::keys::Keys;
use super::lines::{Region, Suspect};
use super::report::{Sealed, StreamReport};
use super::seal::{KEYS, small};
use super::tiles::Tiles;
use super::trees::Trees;
use super::{Options, Progress};
use crate::error::{Error, Result};
use crate::format::{Hash, Lines, Piece, Segment, TILE_WIDTH, leaf_hash, leaf_hashes, segments, strays};

/// The largest `keys` file that is read.
const MAX_KEYS: u64 = 1024 * 1024;

/// So many bytes are read between two calls of the progress hook.
const STEP: u64 = 4 * 1024 * 1024;

/// What control records have said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) gaps: u64,
    pub(super) lost: u64,
    /// The last `audit.open` behind a stop that was not clean.
    pub(super) unclean: Option<u64>,
    /// The first retention record that says what is gone at the beginning.
    pub(super) removal: Option<u64>,
}

/// Sees every leaf as the walk settles on it: for proofs. The line is absent where only its hash is there.
pub(super) type Leaves<'o> = Box<dyn FnMut(u64, &Hash) + 'o>;

/// One stream, as far as it was walked.
pub(super) struct Check<'o> {
    pub(super) options: &'o Options,
    pub(super) findings: Findings,
    pub(super) segments: Vec<Segment>,
    /// The segment that is read, by its place; its first number, and that of the next one.
    pub(super) segment: usize,
    pub(super) first_seq: u64,
    pub(super) next_first: Option<u64>,
    /// Whether the segment has given no record of its own yet.
    pub(super) in_copies: bool,
    /// Where lines of this segment began to be repeated, and the number of the next one.
    pub(super) rerun: Option<(u64, u64)>,
    /// The number that is due.
    pub(super) due: u64,
    pub(super) tiles: Tiles,
    pub(super) trees: Trees,
    pub(super) claims: Claims,
    pub(super) claim_due: Option<u64>,
    pub(super) keys: Keys,
    pub(super) suspects: Vec<Suspect>,
    pub(super) regions: Vec<Region>,
    pub(super) said: Said,
    pub(super) copies: u64,
    /// Tiles of level 0 that are wrong.
    pub(super) bad_tiles: BTreeSet<u64>,
    /// Up to here a checkpoint has settled what is right, and the tree's root was the checkpoint's.
    pub(super) settled: u64,
    pub(super) rewritten: bool,
    pub(super) report: StreamReport,
    leaves: Option<Leaves<'o>>,
    control: Finder<'static>,
}

/// The hashes of the lines that come next, as far as they are in memory: many at a time take half as long.
#[derive(Default)]
struct Ahead {
    hashes: Vec<Hash>,
    used: usize,
}

impl Ahead {
    /// Looks ahead where nothing is left from the last time.
    fn fill<R: io::Read>(&mut self, lines: &Lines<R>) {
        if self.used >= self.hashes.len() {
            leaf_hashes(lines.ready(), &mut self.hashes);
            self.used = 0;
        }
    }

    fn next(&mut self) -> Option<Hash> {
        let hash = self.hashes.get(self.used).copied();
        self.used += 1;
        hash
    }
}

/// The id in the file `stream`, or else the one that the first line states; the directory's name where there is none.
fn stream_id(home: &Path, segments: &[Segment]) -> Result<Arc<str>> {
    let file = small(home, "stream", 4096)?;
    if let Some(id) = file.as_deref().and_then(stream_of) {
        return Ok(id.into());
    }
    for segment in segments.iter().take(4) {
        if let Ok(file) = File::open(&segment.path)
            && let Ok(Some(Piece::Line { bytes, .. })) = Lines::new(file).next_piece()
            && let Some(id) = stream_of(bytes)
        {
            return Ok(id.into());
        }
    }
    let name = home.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(name.unwrap_or_default().into())
}

/// Whether what begins there holds zero bytes, as an unwritten page does: in its first 64 KiB.
fn has_zeros(path: &Path, offset: u64) -> bool {
    let read = || -> io::Result<bool> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(64 * 1024).read_to_end(&mut bytes)?;
        Ok(bytes.contains(&0))
    };
    read().unwrap_or(false)
}

impl<'o> Check<'o> {
    pub(super) fn new(home: &Path, options: &'o Options, leaves: Option<Leaves<'o>>) -> Result<Self> {
        // Ids and checkpoints first: whatever they cover is on the disk already.
        let id = stream_id(home, &segments(home)?)?;
        let mut findings = Findings::new(Arc::clone(&id));
        let keys = Keys::new(
            small(home, KEYS, MAX_KEYS)?.as_deref(),
            &options.keys,
            &mut findings,
        );
        let claims = Claims::open(home, &keys, &options.anchors, &mut findings)?;
        for stray in strays(home)? {
            let name = stray.file_name().unwrap_or_default().to_string_lossy();
            let sentence =
                "is named like a segment and is no regular file: it is never read, and proves nothing";
            let finding = findings.of(Kind::NotAFile, sentence).file(name);
            findings.add(finding);
        }
        Ok(Self {
            options,
            segments: segments(home)?,
            segment: 0,
            first_seq: 0,
            next_first: None,
            in_copies: false,
            rerun: None,
            due: 0,
            tiles: Tiles::new(home),
            trees: Trees::default(),
            claim_due: claims.due(),
            claims,
            keys,
            suspects: Vec::new(),
            regions: Vec::new(),
            said: Said::default(),
            copies: 0,
            bad_tiles: BTreeSet::new(),
            settled: 0,
            rewritten: false,
            report: StreamReport::new(id, home),
            leaves,
            control: Finder::new(MARK),
            findings,
        })
    }

    pub(super) fn run(mut self) -> Result<StreamReport> {
        let total = self.segments.iter().map(|segment| segment.len).sum();
        self.claims_at(None)?;
        self.removed_prefix()?;
        let mut done = 0;
        for at in 0..self.segments.len() {
            let Some(segment) = self.segments.get(at).cloned() else {
                break;
            };
            self.segment = at;
            self.first_seq = segment.name.first_seq;
            self.in_copies = at > 0;
            self.rerun = None;
            self.next_first = self.segments.get(at + 1).map(|next| next.name.first_seq);
            self.walk(&segment, &mut done, total)?;
        }
        self.end()
    }

    /// What stands before the first segment: its hashes come from the tiles.
    fn removed_prefix(&mut self) -> Result<()> {
        let first = self.segments.first().map_or(0, |segment| segment.name.first_seq);
        while self.due < first {
            let Some(tile) = self.tiles.due(self.due) else {
                let sentence = format!(
                    "records before {first} are gone, and the hash of record {} is in no tile: nothing behind it can be \
                     checked against a checkpoint",
                    self.due
                );
                self.findings.say(Kind::Unprovable, sentence);
                self.trees.broken = true;
                self.due = first;
                break;
            };
            self.push(None, Some(tile))?;
        }
        self.report.removed = first;
        Ok(())
    }

    fn walk(&mut self, segment: &Segment, done: &mut u64, total: u64) -> Result<()> {
        let failed = |error: io::Error| {
            let what = if error.kind() == io::ErrorKind::NotFound {
                "the segment was removed while the trail was verified; run it again:"
            } else {
                "could not read the segment"
            };
            Error::io(what, &segment.path, error)
        };
        let file = File::open(&segment.path).map_err(failed)?;
        // What is appended from now on belongs to the next run.
        let mut lines = Lines::new(io::Read::take(file, segment.len));
        let is_last = self.next_first.is_none();
        let mut told = 0;
        let mut ahead = Ahead::default();
        loop {
            ahead.fill(&lines);
            match lines.next_piece().map_err(failed)? {
                None => break,
                Some(Piece::Line { offset, bytes }) => {
                    let hash = ahead.next().unwrap_or_else(|| leaf_hash(bytes));
                    self.line(offset, bytes, hash)?;
                    if offset >= told + STEP {
                        told = offset;
                        self.tell(*done + offset, total);
                    }
                }
                Some(Piece::Torn { offset, len }) => {
                    if is_last {
                        self.report.torn = Some((offset, len));
                    }
                    self.no_line(offset, len, has_zeros(&segment.path, offset));
                }
                Some(Piece::TooLong { offset, len }) => {
                    ahead.next();
                    self.no_line(offset, len + 1, has_zeros(&segment.path, offset));
                }
            }
        }
        *done += segment.len;
        self.tell(*done, total);
        Ok(())
    }

    fn tell(&self, done: u64, total: u64) {
        if let Some(hook) = &self.options.progress {
            hook(&Progress {
                stream: &self.findings.stream,
                done,
                total,
            });
        }
    }

    /// Takes the record that is due.
    pub(super) fn accept(
        &mut self,
        hash: Hash,
        tile: Option<Hash>,
        bytes: &[u8],
        known: Option<Peek>,
    ) -> Result<()> {
        self.report.records += 1;
        let seq = self.due;
        self.in_copies &= seq < self.first_seq;
        if self.report.first_time.is_none() {
            let time = known.as_ref().and_then(|peek| peek.observed_at.clone());
            self.report.first_time = time.or_else(|| peek(bytes)?.observed_at);
        }
        if self.control.find(bytes).is_some() {
            let said = known.or_else(|| peek(bytes)).and_then(|peek| peek.control);
            if let Some(said) = said {
                self.control(seq, &said);
            }
        }
        self.put(Some(hash), tile);
        if self.claim_due == Some(self.due) {
            return self.claims_at(Some(bytes));
        }
        Ok(())
    }

    /// Puts the leaf that is due into the tree, and checks what is said about that size.
    pub(super) fn push(&mut self, line: Option<Hash>, tile: Option<Hash>) -> Result<()> {
        self.put(line, tile);
        if self.claim_due == Some(self.due) {
            self.claims_at(None)?;
        }
        Ok(())
    }

    fn put(&mut self, line: Option<Hash>, tile: Option<Hash>) {
        if let (Some(leaves), Some(hash)) = (&mut self.leaves, line.or(tile)) {
            leaves(self.due, &hash);
        }
        self.trees.push(line, tile, &mut self.tiles, self.claims.last);
        self.due += 1;
    }

    /// Takes what a control record says.
    pub(super) fn control(&mut self, seq: u64, control: &Control) {
        if let Some(lost) = control.lost {
            self.said.gaps += 1;
            self.said.lost = self.said.lost.saturating_add(lost);
        }
        if control.unclean {
            self.said.unclean = Some(seq);
        }
        let first = self.report.removed;
        if control
            .removal
            .as_ref()
            .is_some_and(|removal| removal.leaves(first))
        {
            self.said.removal.get_or_insert(seq);
        }
        if let Some(takeover) = &control.takeover {
            self.keys.takeover(seq, takeover);
        }
        for torn in &control.torn {
            self.torn(torn);
        }
        if control.leaves_rubbish {
            self.rubbish();
        }
    }

    /// The name of the segment that is read.
    pub(super) fn segment_name(&self) -> String {
        self.name_of(self.segment)
    }

    pub(super) fn name_of(&self, segment: usize) -> String {
        self.segments
            .get(segment)
            .map(|segment| segment.name.to_string())
            .unwrap_or_default()
    }

    /// The checkpoint of the largest size that was found right.
    pub(super) fn sealed(&mut self, size: u64, root: Hash, bytes: Option<&[u8]>) {
        let time = bytes.and_then(|bytes| peek(bytes)?.observed_at);
        self.report.sealed = Some(Sealed {
            size,
            root,
            last_time: time,
        });
        self.settled = size;
    }

    pub(super) fn mark_tile(&mut self, first: u64) {
        self.bad_tiles.insert(first / TILE_WIDTH as u64);
    }
}
