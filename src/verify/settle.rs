//! What is said about the log against what it is: checkpoints, regions behind crashes, retention, the end.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use sha2::{Digest as _, Sha256};

use super::claims::{Claim, CutNote, Source};
use super::control::Torn;
use super::finding::{Finding, Kind};
use super::lines::Region;
use super::report::{Proof, StreamReport};
use super::seal::{HISTORY, KEYS, NEWEST};
use super::stream::Check;
use super::tiles::Flaw;
use super::trees::{Held, Settled};
use crate::error::Result;

impl Check<'_> {
    /// Checks everything that is said about the size that the tree has now. `last` is the line of the last record.
    pub(super) fn claims_at(&mut self, last: Option<&[u8]>) -> Result<()> {
        while let Some(claim) = self.claims.take(self.due, &self.keys, &mut self.findings)? {
            self.claim(&claim, last);
        }
        self.claim_due = self.claims.due();
        Ok(())
    }

    fn claim(&mut self, claim: &Claim, last: Option<&[u8]>) {
        let is_anchor = claim.source == Source::Anchor;
        // `checkpoint` is the last one of `checkpoints` once more.
        let again = matches!(claim.source, Source::File(NEWEST, _)) && claim.size == self.report.size();
        if !is_anchor && !again {
            self.report.checkpoints += 1;
        }
        if self.trees.broken {
            self.report.unchecked += 1;
            return;
        }
        if !claim.by.is_empty() && !again {
            self.signer(claim);
        }
        let was_doubted = self.trees.in_doubt();
        match self.trees.settle(&claim.root) {
            Settled::Lines(flaws) => self.flaws(flaws),
            Settled::Tiles(records, flaws) => {
                self.hold(records);
                self.flaws(flaws);
            }
            Settled::Neither(records, flaws) => {
                self.differs(claim, was_doubted);
                self.hold(records);
                self.flaws(flaws);
                return;
            }
        }
        self.rewritten = false;
        if is_anchor {
            self.report.anchored.push(claim.size);
        } else {
            self.sealed(claim.size, claim.root, last);
            self.explain_cuts(claim.size);
        }
    }

    fn signer(&mut self, claim: &Claim) {
        let removed = self.report.removed;
        if let Some(why) = self.keys.signed(claim.size, &claim.by, removed) {
            let finding = self.findings.of(Kind::KeyRange, why);
            self.findings.add(at(finding, &claim.source));
        }
    }

    /// The root is not the one that was sealed or kept elsewhere.
    fn differs(&mut self, claim: &Claim, in_doubt: bool) {
        if std::mem::replace(&mut self.rewritten, true) && claim.source != Source::Anchor {
            return;
        }
        let (from, size) = (self.settled, claim.size);
        let finding = if claim.source == Source::Anchor {
            let why = format!("the first {size} records are not those that the anchor is of");
            self.findings.of(Kind::Anchor, why)
        } else {
            let both = if in_doubt {
                ""
            } else {
                " together with their hashes"
            };
            let what = if claim.by.is_empty() {
                "records or this checkpoint"
            } else {
                "records"
            };
            let why = format!(
                "{what} between the sizes {from} and {size} were changed{both}: the root is another one"
            );
            self.findings.of(Kind::Rewritten, why)
        };
        self.findings
            .add(at(finding.seqs(from.min(size)..size), &claim.source));
    }

    fn hold(&mut self, records: Held<Finding>) {
        self.findings.more += records.more;
        for finding in records.list {
            self.findings.add(finding);
        }
    }

    fn flaws(&mut self, flaws: Held<Flaw>) {
        self.findings.more += flaws.more;
        for flaw in flaws.list {
            let (kind, why) = if flaw.damaged {
                (
                    Kind::TileDamaged,
                    "the tile is cut short or holds zeros; it can be made again from the records",
                )
            } else {
                (Kind::Tile, "the tile holds hashes that are not the records'")
            };
            if flaw.count <= 256 {
                self.mark_tile(flaw.first);
            }
            let finding = self.findings.of(kind, why).file(flaw.path);
            self.findings
                .add(finding.seqs(flaw.first..flaw.first.saturating_add(flaw.count)));
        }
    }

    /// Notes that were cut short before a checkpoint of this size: a crash does that, and the next start says so.
    fn explain_cuts(&mut self, size: u64) {
        let cuts = std::mem::take(&mut self.claims.cuts);
        for CutNote { offset, behind } in cuts {
            if behind >= size {
                self.claims.cuts.push(CutNote { offset, behind });
                continue;
            }
            let explained = self.said.unclean.is_some_and(|seq| seq >= behind);
            let (kind, why) = if explained {
                (Kind::Cut, "a checkpoint that a crash cut short")
            } else {
                (
                    Kind::Checkpoint,
                    "a checkpoint that is cut short, and no start behind a crash explains it",
                )
            };
            let finding = self.findings.of(kind, why).file(HISTORY).offset(offset);
            self.findings.add(finding);
        }
    }

    /// A record says that a crash left a region in a segment.
    pub(super) fn torn(&mut self, torn: &Torn) {
        let segments = self.segments.iter();
        let found = segments
            .enumerate()
            .find(|(_, segment)| segment.name.to_string() == torn.segment);
        // Retention may have removed it.
        let Some((at, segment)) = found else { return };
        let ends = self
            .regions
            .iter()
            .filter(|region| region.segment == at)
            .map(|region| region.end);
        // Without an offset it is the fragment at the segment's end; a newline may have been put behind it.
        let offsets: Vec<u64> = match torn.offset {
            Some(offset) => vec![offset],
            None => ends
                .flat_map(|end| [end.saturating_sub(torn.len), end.saturating_sub(torn.len + 1)])
                .collect(),
        };
        let is_it =
            |offset: &&u64| hash_of(&segment.path, **offset, torn.len).is_ok_and(|hash| hash == torn.sha256);
        if let Some(offset) = offsets.iter().find(is_it).copied() {
            let end = offset.saturating_add(torn.len).saturating_add(1);
            self.regions
                .retain(|region| !(region.segment == at && region.offset >= offset && region.end <= end));
            self.report.torn_regions += 1;
            return;
        }
        let why = format!(
            "the {} bytes that a crash left here are not those that the trail names",
            torn.len
        );
        let finding = self.findings.of(Kind::Region, why).file(torn.segment.clone());
        self.findings.add(match torn.offset {
            Some(offset) => finding.offset(offset),
            None => finding,
        });
    }

    /// A crash, or a write or sync that failed, has left what stands behind the last record of earlier segments: lines that
    /// do not count, because they are repeated, and rubbish.
    pub(super) fn rubbish(&mut self) {
        let (segments, now) = (&self.segments, self.segment);
        let is_end = |region: &Region| {
            let next = segments.get(region.segment + 1).map(|next| next.name.first_seq);
            let own = segments.get(region.segment).map(|own| own.name.first_seq);
            (region.segment < now && next.is_some_and(|next| region.due >= next))
                || (region.segment == now && own == Some(region.due))
        };
        let before = self.regions.len();
        self.regions.retain(|region| !is_end(region));
        self.report.torn_regions += (before - self.regions.len()) as u64;
    }

    /// Everything was read.
    pub(super) fn end(mut self) -> Result<StreamReport> {
        self.last_suspects()?;
        let stated = self.claims.largest();
        if stated > self.due {
            self.resolve(stated)?;
        }
        self.beyond();
        self.trees.edge(&mut self.tiles);
        if self.trees.in_doubt() {
            if let Settled::Neither(records, flaws) = self.trees.leave() {
                self.hold(records);
                self.flaws(flaws);
            }
        } else if !self.rewritten {
            let root = self.trees.root();
            if let Settled::Lines(flaws) = self.trees.settle(&root) {
                self.flaws(flaws);
            }
        }
        self.rest_of_claims()?;
        self.rest_of_regions();
        self.retention();
        self.conclude();
        Ok(self.finish())
    }

    /// Lines behind the last record that was found.
    fn last_suspects(&mut self) -> Result<()> {
        // A hole in the numbers alone is no crash's; rubbish in front of it can be.
        let is_crash = self.is_open_end() && self.suspects.first().is_some_and(|first| first.peek.is_none());
        let last = self.suspects.iter().filter_map(super::lines::Suspect::seq).max();
        match last {
            Some(last) if last >= self.due && !is_crash => self.resolve(last + 1),
            _ => self.resolve(self.due.max(self.claims.largest())),
        }
    }

    /// A tile that has more hashes than there are records.
    fn beyond(&mut self) {
        let from = self.due;
        let mut until = from;
        while until < from + 512 && self.tiles.any(until).is_some() {
            until += 1;
        }
        if until > from && !self.trees.broken {
            let why = format!(
                "tiles have hashes of the records {from} to {}, and the records are not there",
                until - 1
            );
            let finding = self
                .findings
                .of(Kind::Missing, why)
                .seqs(from..until)
                .file(self.segment_name());
            self.findings.add(finding);
        }
    }

    /// What was said about sizes that the log does not have.
    fn rest_of_claims(&mut self) -> Result<()> {
        while let Some(size) = self.claims.due() {
            let Some(claim) = self.claims.take(size, &self.keys, &mut self.findings)? else {
                break;
            };
            if claim.source == Source::Anchor {
                let why = format!(
                    "an anchor has {size} records, the log {}: it was cut or rolled back",
                    self.due
                );
                self.findings
                    .add(self.findings.of(Kind::Shrunk, why).seqs(self.due.min(size)..size));
            } else if size <= self.due || self.trees.broken {
                self.report.checkpoints += 1;
                self.report.unchecked += 1;
            }
        }
        if let Some(least) = self.options.min_size
            && self.report.size() < least
        {
            let why = format!(
                "the log has {} sealed records, and at least {least} were expected",
                self.report.size()
            );
            self.findings.add(
                self.findings
                    .of(Kind::Shrunk, why)
                    .seqs(self.report.size()..least),
            );
        }
        Ok(())
    }

    /// What stands there and is explained by nothing.
    fn rest_of_regions(&mut self) {
        let last = self.segments.len().saturating_sub(1);
        for region in std::mem::take(&mut self.regions) {
            let is_tail =
                region.segment == last && region.due >= self.report.size() && region.due == self.due;
            let Region {
                offset,
                end,
                due,
                seq,
                ..
            } = region;
            let len = end - offset;
            let (kind, why) = match (is_tail, seq) {
                (true, _) if self.report.torn == Some((offset, len)) => (
                    Kind::TornTail,
                    format!(
                        "the file ends inside a line ({len} bytes): a write was cut short, or is under way"
                    ),
                ),
                (true, _) if self.report.sealed.is_some() || self.claims.files => (
                    Kind::UnreadableTail,
                    format!("{len} bytes behind the last checkpoint are no record that is due"),
                ),
                (_, Some(seq)) if region.known => (
                    Kind::Misplaced,
                    format!("record {seq} stands before record {due}, where it does not belong"),
                ),
                _ => (
                    Kind::Inserted,
                    format!("{len} bytes before record {due} belong to no record that was sealed"),
                ),
            };
            if kind == Kind::Misplaced {
                // It is not missing: it is somewhere else.
                let is_same = |finding: &Finding| {
                    finding.kind == Kind::Missing && finding.seqs == seq.map(|seq| seq..seq + 1)
                };
                self.findings.list.retain(|finding| !is_same(finding));
            }
            let seqs = if kind == Kind::Misplaced {
                seq.unwrap_or(due)
            } else {
                due
            };
            let finding = self.findings.of(kind, why).seqs(seqs..seqs + 1);
            self.findings
                .add(finding.file(self.name_of(region.segment)).offset(offset));
        }
    }

    /// Whether retention records name what is gone at the beginning. Those that name the oldest segments can be gone with
    /// the next ones: retention removes from the front, so who names a segment says that all before it went already.
    fn retention(&mut self) {
        let first = self.report.removed;
        if first == 0 {
            return;
        }
        let removed = &self.said.removed;
        let why = if removed.is_empty() {
            Some("no record `audit.retention` names a segment that is gone".to_owned())
        } else if removed.range(first..).next().is_some() {
            Some(format!(
                "a record `audit.retention` names segments from {first} on, and they are there"
            ))
        } else if let Some(until) = self.said.removed_until.filter(|until| *until != first) {
            Some(format!(
                "retention says that it removed the records before {until}"
            ))
        } else {
            let closed = self
                .said
                .closed
                .filter(|closed| *closed < first && !removed.contains(closed));
            closed.map(|closed| {
                format!("the segment that began with record {closed} was not removed by retention")
            })
        };
        if let Some(why) = why {
            let sentence = format!("the records before {first} are gone: {why}");
            self.findings
                .add(self.findings.of(Kind::Unrecorded, sentence).seqs(0..first));
        }
    }

    /// What is known about the log as a whole.
    fn conclude(&mut self) {
        for finding in self.keys.findings(&self.findings, self.report.removed) {
            self.findings.add(finding);
        }
        for CutNote { offset, .. } in std::mem::take(&mut self.claims.cuts) {
            let finding = self.findings.of(
                Kind::Cut,
                "the last checkpoint is cut short, as a crash leaves it",
            );
            self.findings.add(finding.file(HISTORY).offset(offset));
        }
        if let Some(newest) = self.claims.newest.filter(|newest| *newest != self.claims.last) {
            let why = format!(
                "it has size {newest}, the last one in `{HISTORY}` has {}",
                self.claims.last
            );
            self.findings.add(self.findings.of(Kind::Stale, why).file(NEWEST));
        }
        if let Some(first) = self.tiles.first_missing.clone() {
            let why = format!(
                "{} of the tiles are missing, the first is {first}: changes are found less exactly",
                self.tiles.missing
            );
            self.findings.say(Kind::TilesMissing, why);
        }
        if self.report.unchecked > 0 {
            let why = format!(
                "{} checkpoints could not be checked, because hashes of missing records are in no tile",
                self.report.unchecked
            );
            self.findings.say(Kind::Unprovable, why);
        }
        self.report.keys = self.keys.uses();
        self.trust();
    }

    /// By what the log is proven.
    fn trust(&mut self) {
        let has_key = !self.options.keys.is_empty();
        let size = self.report.size();
        let newest = self.report.keys.iter().rev().find(|key| key.signed.is_some());
        let trusted = newest.is_some_and(|key| key.trusted);
        self.report.proof = match (self.report.sealed.is_some(), newest.is_some()) {
            (false, _) => Proof::Nothing,
            (true, false) => Proof::Consistent,
            (true, true) if trusted => Proof::Signed,
            (true, true) => Proof::SelfSigned,
        };
        if !self.claims.any && self.findings.weight < super::Weight::Tampered {
            self.findings.say(
                Kind::Unsealed,
                "there is no checkpoint: nothing says what stood here",
            );
        }
        if has_key && !self.claims.signed {
            let why = "a key was given, and the log has no signed checkpoint";
            self.findings.say(Kind::Unsigned, why);
        } else if has_key && !trusted {
            let why = format!(
                "the newest checkpoint (size {size}) is signed by no key that was given, nor by one that such a key endorsed"
            );
            self.findings.say(Kind::Untrusted, why);
        } else if self.claims.no_key {
            let why =
                format!("checkpoints are signed, and the signer's key is neither given nor in `{KEYS}`");
            self.findings.say(Kind::NoKey, why);
        }
    }

    fn finish(self) -> StreamReport {
        let mut report = self.report;
        report.size = self.due;
        report.gaps = self.said.gaps;
        report.lost = self.said.lost;
        report.copies = self.copies;
        report.findings = self.findings.list;
        report.more_findings = self.findings.more;
        report.weight = self.findings.weight;
        report
    }
}

fn at(finding: Finding, source: &Source) -> Finding {
    match source {
        Source::File(file, offset) => finding.file(*file).offset(*offset),
        Source::Anchor => finding,
    }
}

/// The SHA-256 of a part of a file, in hexadecimal.
fn hash_of(path: &std::path::Path, offset: u64, len: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut hash = Sha256::new();
    let read = io::copy(&mut file.take(len), &mut HashWriter(&mut hash))?;
    if read < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct HashWriter<'h>(&'h mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
