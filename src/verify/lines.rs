//! Lines against the numbers that are due: which line is which record, and what is missing, changed or too much.

use std::collections::BTreeMap;
use std::ops::Range;

use super::control::{Peek, peek};
use super::finding::Kind;
use super::stream::Check;
use crate::error::Result;
use crate::format::Hash;

/// So many lines in a row that are not what is due are looked at one by one.
const MOST: usize = 4_096;

/// A line that is not the record that was due, until a later line shows what it was.
#[derive(Debug, Clone)]
pub(super) struct Suspect {
    /// The segment, by its place among the segments.
    pub(super) segment: usize,
    pub(super) offset: u64,
    /// Its bytes and its newline.
    pub(super) len: u64,
    /// The number that was due.
    due: u64,
    pub(super) peek: Option<Peek>,
    hash: Hash,
    /// It holds zero bytes, which no line of ours does: an unwritten page.
    has_zeros: bool,
    /// Its number belongs to a later segment.
    dead: bool,
}

impl Suspect {
    pub(super) fn seq(&self) -> Option<u64> {
        self.peek.as_ref().filter(|_| !self.dead).map(|peek| peek.seq)
    }
}

/// Bytes that belong to no record, unless the trail says that a crash left them there.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub(super) segment: usize,
    pub(super) offset: u64,
    pub(super) end: u64,
    pub(super) due: u64,
    pub(super) lines: u64,
    /// The number that the first line states.
    pub(super) seq: Option<u64>,
    /// The first line is a record of the log, at another place.
    pub(super) known: bool,
}

impl Check<'_> {
    /// Takes a line, and its hash.
    pub(super) fn line(&mut self, offset: u64, bytes: &[u8], hash: Hash) -> Result<()> {
        let tile = self.tiles.due(self.due);
        if self.rerun.is_some() && tile == Some(hash) {
            self.end_rerun(offset);
        }
        if tile == Some(hash) && !self.is_beyond(self.due) {
            if !self.suspects.is_empty() {
                self.resolve(self.due)?;
            }
            return self.accept(hash, tile, bytes, None);
        }
        self.odd_line(offset, bytes, hash, tile)
    }

    /// A line that the tile does not confirm at once.
    fn odd_line(&mut self, offset: u64, bytes: &[u8], hash: Hash, tile: Option<Hash>) -> Result<()> {
        let peek = peek(bytes);
        let Some(seq) = peek.as_ref().map(|peek| peek.seq) else {
            self.suspect(offset, bytes, hash, None);
            return Ok(());
        };
        if self.is_beyond(seq) {
            self.suspect(offset, bytes, hash, peek);
            return Ok(());
        }
        if seq < self.due {
            let is_earlier = self.in_copies && seq < self.first_seq && self.is_copy(seq, &hash);
            if !is_earlier && !self.is_rerun(offset, seq, &hash) {
                self.suspect(offset, bytes, hash, peek);
            }
            return Ok(());
        }
        if seq == self.due {
            if tile.is_some() {
                self.suspect(offset, bytes, hash, peek);
                return Ok(());
            }
            if !self.suspects.is_empty() {
                self.resolve(seq)?;
            }
            return self.accept(hash, None, bytes, peek);
        }
        self.ahead(offset, bytes, hash, peek)
    }

    /// A line whose number is larger than the one that is due. It may be a stranger here; two in a row are not.
    fn ahead(&mut self, offset: u64, bytes: &[u8], hash: Hash, peek: Option<Peek>) -> Result<()> {
        let seq = peek.as_ref().map_or(0, |peek| peek.seq);
        let tile = self.tiles.any(seq);
        let last = self.suspects.last().and_then(Suspect::seq);
        let follows = last.is_some_and(|last| last >= self.due && last + 1 == seq);
        let is_next = seq == self.due + 1 && !self.suspects.is_empty();
        // Behind the last seal nothing says which number comes next: a crash may have left a hole.
        if tile.is_none() && self.is_open_end() {
            self.suspect(offset, bytes, hash, peek);
            return Ok(());
        }
        let is_sealed = tile == Some(hash);
        if follows || (is_next && (is_sealed || tile.is_none())) {
            self.resolve(seq)?;
            if is_sealed || tile.is_none() {
                return self.accept(hash, tile, bytes, peek);
            }
        }
        self.suspect(offset, bytes, hash, peek);
        Ok(())
    }

    /// Whether records of this number stand in a later segment.
    fn is_beyond(&self, seq: u64) -> bool {
        self.next_first.is_some_and(|next| seq >= next)
    }

    /// Whether nothing is known of what comes: no segment follows, and no checkpoint.
    pub(super) fn is_open_end(&self) -> bool {
        self.next_first.is_none() && self.claim_due.is_none()
    }

    fn suspect(&mut self, offset: u64, bytes: &[u8], hash: Hash, peek: Option<Peek>) {
        let dead = peek.as_ref().is_some_and(|peek| self.is_beyond(peek.seq));
        let suspect = Suspect {
            segment: self.segment,
            offset,
            len: bytes.len() as u64 + 1,
            due: self.due,
            peek,
            hash,
            has_zeros: bytes.contains(&0),
            dead,
        };
        self.keep(suspect);
    }

    /// A line that ends too late, or not at all: its bytes are not known.
    pub(super) fn no_line(&mut self, offset: u64, len: u64, has_zeros: bool) {
        let suspect = Suspect {
            segment: self.segment,
            offset,
            len,
            due: self.due,
            peek: None,
            hash: Hash::default(),
            has_zeros,
            dead: false,
        };
        self.keep(suspect);
    }

    fn keep(&mut self, suspect: Suspect) {
        if self.suspects.len() < MOST {
            self.suspects.push(suspect);
        } else {
            self.region(&suspect, false);
        }
    }

    /// Whether a line at the beginning of a segment is one that stands in the segment before.
    fn is_copy(&mut self, seq: u64, hash: &Hash) -> bool {
        let is_copy = match self.tiles.any(seq) {
            Some(tile) if tile != *hash => {
                // The tile is not to be believed either.
                let is_open = seq >= self.settled && self.trees.in_doubt();
                is_open || self.bad_tiles.contains(&(seq / 256))
            }
            _ => true,
        };
        self.copies += u64::from(is_copy);
        is_copy
    }

    /// Whether a line is one of a segment that is repeated in the segment itself, from its first record on: where a new
    /// segment would have had the name of the one that failed.
    fn is_rerun(&mut self, offset: u64, seq: u64, hash: &Hash) -> bool {
        let (begin, next) = match self.rerun {
            Some(rerun) if rerun.1 == seq => rerun,
            _ if seq == self.first_seq && self.suspects.is_empty() => (offset, seq),
            _ => return false,
        };
        if self.tiles.any(seq).is_some_and(|tile| tile != *hash) {
            return false;
        }
        self.rerun = Some((begin, next + 1));
        self.copies += 1;
        if next + 1 == self.due {
            // The later lines count: what was said of the earlier ones does not hold.
            self.trees.forget(self.first_seq..self.due);
            self.rerun = None;
        }
        true
    }

    /// A line comes before the repetition was complete.
    pub(super) fn end_rerun(&mut self, offset: u64) {
        if let Some((begin, next)) = self.rerun.take() {
            self.regions.push(Region {
                segment: self.segment,
                offset: begin,
                end: offset,
                due: self.due,
                lines: next - self.first_seq,
                seq: Some(self.first_seq),
                known: true,
            });
        }
    }

    /// The records up to `until` will not come any more: says what became of them, and what the suspects are.
    pub(super) fn resolve(&mut self, until: u64) -> Result<()> {
        let mut suspects = std::mem::take(&mut self.suspects);
        let wanted = self.due..until;
        let mut stands_for: BTreeMap<u64, Suspect> = BTreeMap::new();
        suspects.retain(|suspect| match suspect.seq() {
            Some(seq) if wanted.contains(&seq) && !stands_for.contains_key(&seq) => {
                stands_for.insert(seq, suspect.clone());
                false
            }
            _ => true,
        });
        // A line that states no number, or a wrong one, stands where the next missing record should.
        let mut free = wanted
            .clone()
            .filter(|seq| !stands_for.contains_key(seq))
            .take(MOST)
            .collect::<Vec<_>>()
            .into_iter();
        let mut instead: BTreeMap<u64, Suspect> = BTreeMap::new();
        let mut left = Vec::new();
        for suspect in suspects {
            let is_known = suspect
                .peek
                .as_ref()
                .is_some_and(|peek| self.tiles.any(peek.seq) == Some(suspect.hash));
            // Behind a line of a later segment a line of this one came nevertheless: it stands in the place of a record.
            let is_dead = suspect.dead && suspect.segment != self.segment;
            let place = if is_dead || is_known { None } else { free.next() };
            match place {
                Some(seq) => drop(instead.insert(seq, suspect)),
                None => left.push((suspect, is_known)),
            }
        }
        for (suspect, is_known) in left {
            self.left_over(suspect, is_known);
        }
        self.fill(wanted, &stands_for, &instead)
    }

    /// Puts a leaf into the tree for each record that did not come as it should.
    fn fill(
        &mut self,
        wanted: Range<u64>,
        stands_for: &BTreeMap<u64, Suspect>,
        instead: &BTreeMap<u64, Suspect>,
    ) -> Result<()> {
        let mut missing: Option<Range<u64>> = None;
        while self.due < wanted.end {
            let seq = self.due;
            let tile = self.tiles.due(seq);
            let suspect = stands_for.get(&seq).or_else(|| instead.get(&seq));
            if let Some(suspect) = suspect {
                if let Some(range) = missing.take() {
                    self.missing(range);
                }
                let is_instead = instead.contains_key(&seq);
                self.stand_in(seq, suspect, is_instead, tile)?;
                continue;
            }
            let range = missing.get_or_insert(seq..seq);
            if tile.is_none() && !stands_for.range(seq..).chain(instead.range(seq..)).any(|_| true) {
                // Nothing is known of what follows.
                range.end = wanted.end;
                self.trees.broken = true;
                self.due = wanted.end;
                break;
            }
            range.end = seq + 1;
            self.push(None, tile)?;
        }
        if let Some(range) = missing {
            self.missing(range);
        }
        Ok(())
    }

    /// A line stands where the record `seq` should, and its hash is not the tile's.
    fn stand_in(&mut self, seq: u64, suspect: &Suspect, is_instead: bool, tile: Option<Hash>) -> Result<()> {
        let peek = suspect.peek.as_ref();
        let Some(tile) = tile else {
            if is_instead {
                self.changed(seq, suspect, false);
            } else if let Some(control) = peek.and_then(|peek| peek.control.clone()) {
                self.control(seq, &control);
            }
            return self.push(Some(suspect.hash), None);
        };
        if tile == suspect.hash {
            // It came late: the lines before it were in doubt.
            if let Some(control) = peek.and_then(|peek| peek.control.clone()) {
                self.control(seq, &control);
            }
            return self.push(Some(tile), Some(tile));
        }
        self.changed(seq, suspect, !is_instead);
        let line = if is_instead { tile } else { suspect.hash };
        self.push(Some(line), Some(tile))
    }

    /// `in_doubt`: the tile may be what was changed.
    fn changed(&mut self, seq: u64, suspect: &Suspect, in_doubt: bool) {
        let sentence = match &suspect.peek {
            Some(peek) if peek.seq == seq => format!("record {seq} is not the one that was sealed"),
            Some(peek) => format!(
                "a line with the number {} stands where record {seq} was sealed",
                peek.seq
            ),
            None => format!("what stands where record {seq} was sealed is not a record"),
        };
        let finding = self.findings.of(Kind::Changed, sentence).seqs(seq..seq + 1);
        let finding = finding.file(self.name_of(suspect.segment)).offset(suspect.offset);
        if in_doubt {
            self.trees.doubt(finding);
        } else {
            self.findings.add(finding);
        }
    }

    fn missing(&mut self, range: Range<u64>) {
        let sentence = match range.end - range.start {
            1 => format!("record {} is missing", range.start),
            count => format!(
                "records {} to {} are missing ({count})",
                range.start,
                range.end - 1
            ),
        };
        let finding = self
            .findings
            .of(Kind::Missing, sentence)
            .seqs(range)
            .file(self.segment_name());
        self.findings.add(finding);
    }

    /// A line that stands for no record.
    fn left_over(&mut self, suspect: Suspect, is_known: bool) {
        let next = self
            .segments
            .get(suspect.segment + 1)
            .map_or(0, |segment| segment.name.first_seq);
        if suspect.segment == self.segment || suspect.due >= next {
            return self.region(&suspect, is_known);
        }
        // What was due came as a copy in the segment behind.
        if suspect.has_zeros {
            let sentence = format!(
                "what a failed write left of record {}; its copy stands in the next segment",
                suspect.due
            );
            let finding = self
                .findings
                .of(Kind::Replaced, sentence)
                .seqs(suspect.due..suspect.due + 1);
            let finding = finding.file(self.name_of(suspect.segment)).offset(suspect.offset);
            return self.findings.add(finding);
        }
        self.changed(suspect.seq().unwrap_or(suspect.due), &suspect, false);
    }

    /// Adds to what no record explains yet.
    pub(super) fn region(&mut self, suspect: &Suspect, is_known: bool) {
        let end = suspect.offset + suspect.len;
        if let Some(last) = self.regions.last_mut()
            && last.segment == suspect.segment
            && last.end == suspect.offset
        {
            last.end = end;
            last.lines += 1;
            return;
        }
        if self.regions.len() >= MOST {
            self.findings.more += 1;
            self.findings.weight = super::Weight::Tampered;
            return;
        }
        self.regions.push(Region {
            segment: suspect.segment,
            offset: suspect.offset,
            end,
            due: suspect.due,
            lines: 1,
            seq: suspect.peek.as_ref().map(|peek| peek.seq),
            known: is_known,
        });
    }
}
