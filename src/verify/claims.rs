//! What is said about the log's size and root: by checkpoints in the directory, and by anchors from elsewhere.

use std::fs::File;
use std::io::{BufReader, Take};
use std::path::Path;

use super::Anchor;
use super::finding::{Findings, Kind};
use super::keys::{Keys, Signed};
use super::seal::{Entry, HISTORY, History, NEWEST, Sealed, UNSIGNED, small};
use crate::error::Result;
use crate::format::{Hash, MAX_NOTE};

/// Who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A file of the directory, and where in it.
    File(&'static str, u64),
    /// An anchor.
    Anchor,
}

/// The root of the log at a size.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) size: u64,
    pub(super) root: Hash,
    pub(super) source: Source,
    /// Who of the known keys signed it.
    pub(super) by: Vec<usize>,
}

/// A note in `checkpoints` that was cut short, and the size of the one before it.
#[derive(Debug)]
pub(super) struct CutNote {
    pub(super) offset: u64,
    pub(super) behind: u64,
}

/// All claims, by size.
pub(super) struct Claims {
    stream: String,
    history: Option<History<BufReader<Take<File>>>>,
    next: Option<Claim>,
    /// Claims that are not of the history, the largest first.
    others: Vec<Claim>,
    pub(super) cuts: Vec<CutNote>,
    /// Sizes of the last in `checkpoints` and of `checkpoint`.
    pub(super) last: u64,
    pub(super) newest: Option<u64>,
    /// Whether anything of the directory is a checkpoint, and whether any is signed.
    pub(super) any: bool,
    pub(super) signed: bool,
    pub(super) no_key: bool,
    /// Whether a file was there in which checkpoints should be.
    pub(super) files: bool,
}

impl Claims {
    /// Opens what the directory has. What is wrong goes to `findings`.
    pub(super) fn open(
        home: &Path,
        keys: &Keys,
        anchors: &[Anchor],
        findings: &mut Findings,
    ) -> Result<Self> {
        let stream = findings.stream.to_string();
        let mut claims = Self {
            history: History::open(home, &stream)?,
            stream,
            next: None,
            others: Vec::new(),
            cuts: Vec::new(),
            last: 0,
            newest: None,
            any: false,
            signed: false,
            no_key: false,
            files: false,
        };
        claims.files = claims.history.is_some();
        for (name, is_signed) in [(NEWEST, true), (UNSIGNED, false)] {
            if let Some(bytes) = small(home, name, MAX_NOTE as u64)? {
                claims.files = true;
                claims.one(&bytes, name, is_signed, keys, findings);
            }
        }
        let of_stream = anchors.iter().filter(|anchor| anchor.is_of(&claims.stream));
        claims.others.extend(of_stream.map(|anchor| Claim {
            size: anchor.checkpoint.size,
            root: anchor.checkpoint.root,
            source: Source::Anchor,
            by: Vec::new(),
        }));
        claims.others.sort_by_key(|claim| std::cmp::Reverse(claim.size));
        claims.advance(0, keys, findings)?;
        Ok(claims)
    }

    fn one(
        &mut self,
        bytes: &[u8],
        name: &'static str,
        is_signed: bool,
        keys: &Keys,
        findings: &mut Findings,
    ) {
        match Sealed::parse(bytes) {
            Ok(sealed) if sealed.note.is_some() == is_signed => {
                if let Some(claim) = self.judge(&sealed, Source::File(name, 0), keys, findings) {
                    if is_signed {
                        self.newest = Some(claim.size);
                    }
                    self.others.push(claim);
                }
            }
            Ok(_) => findings.add(
                findings
                    .of(Kind::Signature, "the checkpoint has no signature")
                    .file(name),
            ),
            Err(error) => findings.add(findings.of(Kind::Checkpoint, error.to_string()).file(name)),
        }
    }

    /// Whether a checkpoint of the directory is of this stream and signed as it should be.
    fn judge(
        &mut self,
        sealed: &Sealed,
        source: Source,
        keys: &Keys,
        findings: &mut Findings,
    ) -> Option<Claim> {
        let Source::File(name, offset) = source else {
            return None;
        };
        let of = |findings: &Findings, kind, why: &str| findings.of(kind, why).file(name).offset(offset);
        let origin = sealed.checkpoint.origin.as_str();
        let is_signed = sealed.note.is_some();
        let signed = sealed.note.as_ref().map(|note| keys.judge(note));
        // What a signature does not hold says nothing about the rest of the text.
        if signed == Some(Signed::Not) {
            let why = "no known key has signed this text: text, signature or key was changed";
            findings.add(of(findings, Kind::Signature, why));
            return None;
        }
        let rest = origin.strip_suffix(self.stream.as_str());
        if !rest.is_some_and(|rest| {
            if is_signed {
                rest.ends_with('/')
            } else {
                rest.is_empty()
            }
        }) {
            findings.add(of(
                findings,
                Kind::Checkpoint,
                "it is the checkpoint of another log",
            ));
            return None;
        }
        self.any = true;
        self.signed |= is_signed;
        self.no_key |= signed == Some(Signed::Unknown);
        Some(Claim {
            size: sealed.checkpoint.size,
            root: sealed.checkpoint.root,
            source: Source::File(name, offset),
            by: match signed {
                Some(Signed::By(by)) => by,
                _ => Vec::new(),
            },
        })
    }

    /// Reads on in the history, to the next checkpoint that can be checked.
    fn advance(&mut self, size: u64, keys: &Keys, findings: &mut Findings) -> Result<()> {
        self.next = None;
        while let Some(history) = &mut self.history {
            let entry = history.next_entry();
            let entry = entry.map_err(|error| {
                crate::Error::new(crate::ErrorKind::Io, format!("could not read `{HISTORY}`")).because(error)
            })?;
            let (offset, entry) = match entry {
                Some(entry) => entry,
                None => {
                    self.history = None;
                    return Ok(());
                }
            };
            match entry {
                Entry::Cut => {
                    if self.cuts.len() < 1_000 {
                        self.cuts.push(CutNote {
                            offset,
                            behind: self.last,
                        });
                    }
                }
                Entry::Malformed(why) => findings.add(
                    findings
                        .of(
                            Kind::Checkpoint,
                            format!("what stands here is no checkpoint: {why}"),
                        )
                        .file(HISTORY)
                        .offset(offset),
                ),
                Entry::Whole(sealed) => {
                    let source = Source::File(HISTORY, offset);
                    let Some(claim) = self.judge(&sealed, source, keys, findings) else {
                        continue;
                    };
                    if claim.size < self.last.max(size) {
                        let why = format!(
                            "its size {} is below that of the one before it, {}: sizes never fall",
                            claim.size, self.last
                        );
                        findings.add(findings.of(Kind::Checkpoint, why).file(HISTORY).offset(offset));
                        continue;
                    }
                    self.last = claim.size;
                    self.next = Some(claim);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The smallest size that something is said about.
    pub(super) fn due(&self) -> Option<u64> {
        let next = self.next.as_ref().map(|claim| claim.size);
        let other = self.others.last().map(|claim| claim.size);
        next.into_iter().chain(other).min()
    }

    /// Takes a claim about this size.
    pub(super) fn take(&mut self, size: u64, keys: &Keys, findings: &mut Findings) -> Result<Option<Claim>> {
        if self.next.as_ref().is_some_and(|claim| claim.size == size) {
            let claim = self.next.take();
            self.advance(size, keys, findings)?;
            return Ok(claim);
        }
        if self.others.last().is_some_and(|claim| claim.size == size) {
            return Ok(self.others.pop());
        }
        Ok(None)
    }

    /// The largest size that the directory itself states, as far as is known by now.
    pub(super) fn largest(&self) -> u64 {
        let others = self.others.iter().filter(|claim| claim.source != Source::Anchor);
        others
            .map(|claim| claim.size)
            .chain([self.last])
            .max()
            .unwrap_or(0)
    }
}

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claims")
            .field("due", &self.due())
            .finish_non_exhaustive()
    }
}
