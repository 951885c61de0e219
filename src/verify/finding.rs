//! What verification noticed: data for the caller to show, each with its place and the rule that it breaks.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Weight {
    /// Worth knowing; nothing that was sealed is in doubt.
    Note,
    /// Something that was asked for cannot be proven with what is there.
    Undecided,
    /// What stands there is not what was sealed.
    Tampered,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A record's bytes are not those that were sealed.
    Changed,
    /// Records that were sealed are not there.
    Missing,
    /// A line that belongs to no record of the log.
    Inserted,
    /// A record that stands where it does not belong, or stands there once more.
    Misplaced,
    /// Records and hashes were changed together: only the interval between two checkpoints is known.
    Rewritten,
    /// A region that the trail says a crash has left holds other bytes now.
    Region,
    /// A tile is not made of the records' hashes.
    Tile,
    /// A checkpoint cannot be read, is of another log, or is smaller than the one before it.
    Checkpoint,
    /// A checkpoint without a valid signature.
    Signature,
    /// A key was given, and the log is not signed.
    Unsigned,
    /// A checkpoint is signed by a key whose range is another one.
    KeyRange,
    /// A key took over without the record or the double signature that say so.
    KeyNotEndorsed,
    /// The log is signed, by no key that was given.
    Untrusted,
    /// The file `keys` cannot be read.
    Keys,
    /// Records at the beginning are gone, and no retention record says so.
    Unrecorded,
    /// The log has fewer records than an anchor or the caller says.
    Shrunk,
    /// The log is not the one that an anchor is of.
    Anchor,
    /// There is no checkpoint at all.
    Unsealed,
    /// The log is signed, and no key is known.
    NoKey,
    /// What would be needed for the proof is not there.
    Unprovable,
    /// An anchor that is of none of the streams.
    AnchorUnused,
    /// The file ends inside a line: a write was cut short, or is under way.
    TornTail,
    /// What is named like a segment and is no regular file: it was not read.
    NotAFile,
    /// Lines behind the last checkpoint that are not records, as a crash leaves them.
    UnreadableTail,
    /// Tiles are missing. They can be made again.
    TilesMissing,
    /// A tile is too short or holds zeros, as after a power failure. It can be made again.
    TileDamaged,
    /// A line that a failed write damaged, of which a good copy stands in the next segment.
    Replaced,
    /// `checkpoint` and `checkpoints` do not end with the same one, as after a crash.
    Stale,
    /// A checkpoint in `checkpoints` was cut short by a crash.
    Cut,
}

impl Kind {
    /// How much it weighs.
    #[must_use]
    pub fn weight(self) -> Weight {
        match self {
            Self::TornTail
            | Self::NotAFile
            | Self::UnreadableTail
            | Self::TilesMissing
            | Self::TileDamaged
            | Self::Replaced
            | Self::Stale
            | Self::Cut => Weight::Note,
            Self::Unsealed | Self::NoKey | Self::Unprovable | Self::AnchorUnused => Weight::Undecided,
            _ => Weight::Tampered,
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Inserted => "inserted",
            Self::Misplaced => "misplaced",
            Self::Rewritten => "rewritten",
            Self::Region => "region",
            Self::Tile => "tile",
            Self::Checkpoint => "checkpoint",
            Self::Signature => "signature",
            Self::Unsigned => "unsigned",
            Self::KeyRange => "key_range",
            Self::KeyNotEndorsed => "key_not_endorsed",
            Self::Untrusted => "untrusted",
            Self::Keys => "keys",
            Self::Unrecorded => "unrecorded",
            Self::Shrunk => "shrunk",
            Self::Anchor => "anchor",
            Self::Unsealed => "unsealed",
            Self::NoKey => "no_key",
            Self::Unprovable => "unprovable",
            Self::AnchorUnused => "anchor_unused",
            Self::TornTail => "torn_tail",
            Self::NotAFile => "not_a_file",
            Self::UnreadableTail => "unreadable_tail",
            Self::TilesMissing => "tiles_missing",
            Self::TileDamaged => "tile_damaged",
            Self::Replaced => "replaced",
            Self::Stale => "stale",
            Self::Cut => "cut",
        }
    }

    /// The rule that it breaks, or that could not be applied, in a few words.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::Changed | Self::Inserted | Self::Misplaced | Self::Replaced => "leaf hash",
            Self::Missing | Self::Unrecorded | Self::NotAFile => "count from the sealed size",
            Self::Rewritten => "root of a checkpoint",
            Self::Region | Self::TornTail | Self::UnreadableTail => "region behind a crash",
            Self::Tile | Self::TilesMissing | Self::TileDamaged => "tile",
            Self::Checkpoint | Self::Stale | Self::Cut => "checkpoint",
            Self::Signature => "signature",
            Self::Unsigned | Self::Untrusted | Self::NoKey => "key given",
            Self::KeyRange => "range of a key",
            Self::KeyNotEndorsed | Self::Keys => "succession of keys",
            Self::Shrunk | Self::Anchor | Self::AnchorUnused => "anchor",
            Self::Unsealed | Self::Unprovable => "seal",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that verification noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// The stream's id.
    pub stream: Arc<str>,
    /// The records that it is about, half-open, where they are known.
    pub seqs: Option<Range<u64>>,
    /// The file, relative to the stream's directory: a segment, a tile, `checkpoint`.
    pub file: Option<String>,
    /// Where in the file, in bytes from its start.
    pub offset: Option<u64>,
    /// What was noticed, as a sentence for people.
    pub sentence: String,
}

impl Finding {
    pub(super) fn new(stream: &Arc<str>, kind: Kind, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            stream: Arc::clone(stream),
            seqs: None,
            file: None,
            offset: None,
            sentence: sentence.into(),
        }
    }

    pub(super) fn seqs(mut self, seqs: Range<u64>) -> Self {
        self.seqs = Some(seqs);
        self
    }

    pub(super) fn file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    pub(super) fn offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The first record that it is about.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.seqs.as_ref().map(|seqs| seqs.start)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.offset) {
            (Some(file), Some(offset)) => write!(f, "{}/{file} at byte {offset}: ", self.stream)?,
            (Some(file), None) => write!(f, "{}/{file}: ", self.stream)?,
            (None, _) => write!(f, "{}: ", self.stream)?,
        }
        f.write_str(&self.sentence)
    }
}

/// So many findings of a stream are kept; the others are counted. A file full of them takes no memory.
const MOST: usize = 1_000;

/// The findings of a stream.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) stream: Arc<str>,
    pub(super) list: Vec<Finding>,
    pub(super) more: u64,
    pub(super) weight: Weight,
}

impl Findings {
    pub(super) fn new(stream: Arc<str>) -> Self {
        Self {
            stream,
            list: Vec::new(),
            more: 0,
            weight: Weight::Note,
        }
    }

    pub(super) fn of(&self, kind: Kind, sentence: impl Into<String>) -> Finding {
        Finding::new(&self.stream, kind, sentence)
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.weight = self.weight.max(finding.kind.weight());
        if self.list.len() < MOST {
            self.list.push(finding);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn say(&mut self, kind: Kind, sentence: impl Into<String>) {
        self.add(self.of(kind, sentence));
    }
}
