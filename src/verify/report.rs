//! What verification answers: for every stream what was proven, by what, and what was noticed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::finding::{Finding, Weight};
use super::keys::KeyUse;
use crate::format::Hash;

/// What the verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Proof {
    /// No checkpoint was found right.
    Nothing,
    /// Unsigned checkpoints: the log agrees with itself. Whoever could write here could have rewritten it.
    Consistent,
    /// Signed by keys that only the directory itself names: whoever could write here could have put another key there.
    SelfSigned,
    /// Signed by a key that the caller gave, or by one that such a key endorsed.
    Signed,
}

impl Proof {
    /// Its name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Consistent => "consistent",
            Self::SelfSigned => "self_signed",
            Self::Signed => "signed",
        }
    }
}

/// What is to be made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// What was sealed stands there.
    Verified,
    /// It does; but the trail itself says that records were lost, or, where that was asked for, there is more than was
    /// sealed.
    Lossy,
    /// What is there does not suffice.
    Undecided,
    /// It does not.
    Tampered,
}

impl Outcome {
    /// Its name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Lossy => "lossy",
            Self::Undecided => "undecided",
            Self::Tampered => "tampered",
        }
    }
}

/// What the newest checkpoint that was found right seals.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sealed {
    /// How many records: those below this number.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// When the last of them was observed, as its line states it.
    pub last_time: Option<String>,
}

/// What was found about one stream.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StreamReport {
    /// The stream's id.
    pub stream: Arc<str>,
    /// Its directory.
    pub path: PathBuf,
    /// What the verdict rests on.
    pub proof: Proof,
    /// What is sealed; `None` where no checkpoint was found right.
    pub sealed: Option<Sealed>,
    /// When the first record that is there was observed, as its line states it.
    pub first_time: Option<String>,
    /// The number behind the last record.
    pub size: u64,
    /// Records that stand there.
    pub records: u64,
    /// Records below this number are gone; whether retention says so is among the findings.
    pub removed: u64,
    /// Gap records, and the records that they say were lost.
    pub gaps: u64,
    /// Records that gap records say were lost.
    pub lost: u64,
    /// Checkpoints of the directory that were looked at.
    pub checkpoints: u64,
    /// Those of them whose root could not be compared.
    pub unchecked: u64,
    /// The sizes of anchors that agree.
    pub anchored: Vec<u64>,
    /// The keys.
    pub keys: Vec<KeyUse>,
    /// Lines that stand twice, as after a failed write.
    pub copies: u64,
    /// Regions that crashes left, and that records name.
    pub torn_regions: u64,
    /// What was noticed, in the order of the walk.
    pub findings: Vec<Finding>,
    /// Findings beyond the thousand that are kept.
    pub more_findings: u64,
    pub(super) torn: Option<(u64, u64)>,
    pub(super) weight: Weight,
}

impl StreamReport {
    pub(super) fn new(stream: Arc<str>, path: &Path) -> Self {
        Self {
            stream,
            path: path.to_owned(),
            proof: Proof::Nothing,
            sealed: None,
            first_time: None,
            size: 0,
            records: 0,
            removed: 0,
            gaps: 0,
            lost: 0,
            checkpoints: 0,
            unchecked: 0,
            anchored: Vec::new(),
            keys: Vec::new(),
            copies: 0,
            torn_regions: 0,
            findings: Vec::new(),
            more_findings: 0,
            torn: None,
            weight: Weight::Note,
        }
    }

    /// How many records are sealed.
    pub(super) fn size(&self) -> u64 {
        self.sealed.as_ref().map_or(0, |sealed| sealed.size)
    }

    /// How many records stand behind the last checkpoint: nothing protects them yet.
    #[must_use]
    pub fn unsealed(&self) -> u64 {
        self.size.saturating_sub(self.size())
    }

    /// What is to be made of it. `strict`: what is not sealed counts as a loss.
    #[must_use]
    pub fn outcome(&self, strict: bool) -> Outcome {
        let is_open = self.unsealed() > 0 || self.torn.is_some();
        match self.weight {
            Weight::Tampered => Outcome::Tampered,
            Weight::Undecided => Outcome::Undecided,
            Weight::Note if self.lost > 0 || (strict && is_open) => Outcome::Lossy,
            Weight::Note => Outcome::Verified,
        }
    }

    /// What was proven and what was not, as sentences for people. Never a bare "ok".
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut said = vec![self.extent()];
        said.push(match self.proof {
            Proof::Nothing => "proven: nothing, because no checkpoint was found right".to_owned(),
            Proof::Consistent => {
                "only consistent: the checkpoints are not signed; anyone who could write here could have rewritten it".to_owned()
            }
            Proof::SelfSigned => "signed, by a key that only this directory names: anyone who could write here could have put \
                                  another key there; give the key (--key) to rule that out"
                .to_owned(),
            Proof::Signed => "signed by a key that was given".to_owned(),
        });
        for key in &self.keys {
            if let Some((first, last)) = key.signed {
                let by = if key.trusted { "trusted" } else { "not given" };
                said.push(format!(
                    "key {} ({by}): {} checkpoints, of the sizes {first} to {last}",
                    key.key, key.checkpoints
                ));
            }
        }
        said.push(match self.anchored.iter().max() {
            Some(size) => format!("anchored: the first {size} records are those of a checkpoint kept elsewhere"),
            None => "not provable without an anchor: that the log was not rolled back to an earlier state of its own, or \
                     rewritten by a thief of the key"
                .to_owned(),
        });
        if self.unsealed() > 0 || self.torn.is_some() {
            said.push(format!(
                "not sealed: {} records behind the last checkpoint; nothing protects them yet",
                self.unsealed()
            ));
        }
        if self.gaps > 0 {
            said.push(format!(
                "lost: {} records, say {} gap records",
                self.lost, self.gaps
            ));
        }
        if self.removed > 0 {
            said.push(format!(
                "removed: the records before {}, of which the hashes are left",
                self.removed
            ));
        }
        said
    }

    fn extent(&self) -> String {
        match &self.sealed {
            Some(sealed) if sealed.size > 0 => format!(
                "sealed: records {} to {} ({} to {}), {} checkpoints",
                self.removed,
                sealed.size - 1,
                self.first_time.as_deref().unwrap_or("unknown"),
                sealed.last_time.as_deref().unwrap_or("unknown"),
                self.checkpoints - self.unchecked.min(self.checkpoints)
            ),
            _ => "sealed: no record".to_owned(),
        }
    }
}

/// What was found about all streams.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// By directory.
    pub streams: Vec<StreamReport>,
    /// What concerns no single stream.
    pub findings: Vec<Finding>,
    pub(super) strict: bool,
}

impl Report {
    /// What is to be made of it: of the worst stream.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let weights = self.findings.iter().map(|finding| match finding.kind.weight() {
            Weight::Note => Outcome::Verified,
            Weight::Undecided => Outcome::Undecided,
            Weight::Tampered => Outcome::Tampered,
        });
        let streams = self.streams.iter().map(|stream| stream.outcome(self.strict));
        streams.chain(weights).max().unwrap_or(Outcome::Undecided)
    }

    /// Whether records that are not sealed yet count as a loss.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Every finding, stream by stream.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.streams
            .iter()
            .flat_map(|stream| &stream.findings)
            .chain(&self.findings)
    }
}
