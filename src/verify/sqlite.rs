//! Verification of a SQLite file: whether its lines are those that checkpoints seal, and its columns what the lines say.

use std::fmt;
use std::sync::Arc;

use super::Anchor;
use crate::error::Result;
use crate::format::{Hash, Tree, leaf_hash, read_line};
use crate::record::Slot;
use crate::store::{Kept, SqliteStore};

/// The most findings that are told one by one.
const MOST: usize = 1_000;

/// What was found about one stream of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteReport {
    /// The stream's id.
    pub stream: Arc<str>,
    /// The number of the first record that is there, or was.
    pub first: u64,
    /// The number behind the last one.
    pub size: u64,
    /// Records that stand there.
    pub records: u64,
    /// Records that prunes removed; of each the hash of its line is there.
    pub pruned: u64,
    /// The root over all of them; `None` where numbers are missing, as in a file that began in the middle of a trail.
    pub root: Option<Hash>,
    /// The sizes of checkpoints whose root is the one over the lines that are there and the hashes of those that are not.
    pub agreed: Vec<u64>,
    /// What was noticed.
    pub findings: Vec<SqliteFinding>,
    /// Findings beyond the thousand that are kept.
    pub more_findings: u64,
}

/// What verification noticed in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqliteFinding {
    /// What stands under a number is not a line of this stream with this number.
    Line {
        /// The number.
        seq: u64,
    },
    /// Columns say something else than the line; what is found by them may be wrong.
    Columns {
        /// The number.
        seq: u64,
        /// The columns.
        columns: Vec<&'static str>,
    },
    /// Numbers are missing, and no prune removed them.
    Hole {
        /// The number before; `None` where the stream's first number is not there.
        after: Option<u64>,
        /// The number behind.
        before: u64,
    },
    /// A checkpoint seals something else: a line was changed, or it is another trail's.
    Checkpoint {
        /// How many records it seals.
        size: u64,
    },
    /// A checkpoint could not be compared: the file has not so many records, or not all of them.
    Beyond {
        /// How many records it seals.
        size: u64,
    },
}

impl SqliteReport {
    /// Whether nothing contradicts the lines. What no checkpoint sealed is not proven by it: see
    /// [`agreed`](Self::agreed).
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let is_contradiction = |finding: &SqliteFinding| {
            !matches!(
                finding,
                SqliteFinding::Beyond { .. } | SqliteFinding::Hole { after: None, .. }
            )
        };
        self.more_findings == 0 && !self.findings.iter().any(is_contradiction)
    }

    fn note(&mut self, finding: SqliteFinding) {
        if self.findings.len() < MOST {
            self.findings.push(finding);
        } else {
            self.more_findings += 1;
        }
    }
}

/// Verifies the lines of a SQLite file: each is hashed again, compared with its columns, and the tree over all of them with
/// the checkpoints, which belong to the stream that their origin ends with. It goes on behind a prune, because the file
/// keeps the hash of each line that one removed; how many those are is in the answer. What was lost before it could be a
/// line, `Store::completeness` tells of a window.
///
/// A checkpoint's signature is not looked at: take it from [`verify`](super::verify) over the journal, or from where it was kept.
/// Without one, the file is only said to agree with itself, which whoever could write it could have brought about.
///
/// # Errors
///
/// [`ErrorKind::Io`](crate::ErrorKind::Io) or [`ErrorKind::Format`](crate::ErrorKind::Format) where the file cannot be read.
pub fn verify_sqlite(store: &SqliteStore, checkpoints: &[Anchor]) -> Result<Vec<SqliteReport>> {
    let names = store.stream_names()?;
    let reports = names.into_iter().map(|name| of_stream(store, name, checkpoints));
    reports.collect()
}

fn of_stream(store: &SqliteStore, stream: Arc<str>, anchors: &[Anchor]) -> Result<SqliteReport> {
    let mut heads: Vec<(u64, Hash)> = anchors
        .iter()
        .map(|anchor| &anchor.checkpoint)
        .filter(|head| head.origin.rsplit('/').next() == Some(&*stream))
        .map(|head| (head.size, head.root))
        .collect();
    heads.sort_unstable();
    heads.dedup();
    let mut check = Check {
        report: SqliteReport {
            stream: Arc::clone(&stream),
            first: 0,
            size: 0,
            records: 0,
            pruned: 0,
            root: None,
            agreed: Vec::new(),
            findings: Vec::new(),
            more_findings: 0,
        },
        tree: Some(Tree::new()),
        heads: heads.into_iter().peekable(),
        last: None,
    };
    check.compare();
    store.each_row(&stream, &mut |seq, kept| {
        check.take(seq, &kept);
        Ok(())
    })?;
    Ok(check.end())
}

/// One stream under way.
struct Check {
    report: SqliteReport,
    /// The tree over everything so far; none once a number is missing.
    tree: Option<Tree>,
    heads: std::iter::Peekable<std::vec::IntoIter<(u64, Hash)>>,
    last: Option<u64>,
}

impl Check {
    fn take(&mut self, seq: u64, kept: &Kept<'_>) {
        let due = self.last.map_or(0, |last| last.saturating_add(1));
        if seq != due {
            self.tree = None;
            self.report.note(SqliteFinding::Hole {
                after: self.last,
                before: seq,
            });
        }
        if self.last.is_none() {
            self.report.first = seq;
        }
        self.last = Some(seq);
        self.report.size = seq.saturating_add(1);
        let leaf = match kept {
            Kept::Removed(hash) => {
                self.report.pruned += 1;
                *hash
            }
            Kept::Line(line, columns) => {
                self.report.records += 1;
                self.look(seq, line, columns.as_deref());
                leaf_hash(line)
            }
        };
        if let Some(tree) = &mut self.tree {
            tree.push(leaf, |_| {});
            self.compare();
        }
    }

    fn look(&mut self, seq: u64, line: &[u8], columns: Option<&[&'static str]>) {
        let is_own = read_line(line).is_ok_and(|record| {
            record.uint(Slot::Seq) == Some(seq) && record.text(Slot::Stream) == Some(&*self.report.stream)
        });
        match columns {
            Some([]) if is_own => {}
            Some(columns) if is_own => self.report.note(SqliteFinding::Columns {
                seq,
                columns: columns.to_vec(),
            }),
            _ => self.report.note(SqliteFinding::Line { seq }),
        }
    }

    /// Compares the checkpoints of this size with the tree.
    fn compare(&mut self) {
        let Some(tree) = &self.tree else { return };
        let size = tree.size();
        while let Some((_, root)) = self.heads.next_if(|(sealed, _)| *sealed == size) {
            if root == tree.root() {
                self.report.agreed.push(size);
            } else {
                self.report.note(SqliteFinding::Checkpoint { size });
            }
        }
    }

    fn end(mut self) -> SqliteReport {
        for (size, _) in self.heads.by_ref().collect::<Vec<_>>() {
            self.report.note(SqliteFinding::Beyond { size });
        }
        self.report.root = self.tree.map(|tree| tree.root());
        self.report
    }
}

impl fmt::Display for SqliteFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { seq } => write!(f, "what stands under seq {seq} is not its line"),
            Self::Columns { seq, columns } => {
                write!(
                    f,
                    "columns of seq {seq} say something else than its line: {}",
                    columns.join(", ")
                )
            }
            Self::Hole { after: None, before } => {
                write!(f, "records below seq {before} are not in the file")
            }
            Self::Hole {
                after: Some(after),
                before,
            } => write!(
                f,
                "numbers between seq {after} and {before} are missing, and no prune removed them"
            ),
            Self::Checkpoint { size } => {
                write!(
                    f,
                    "the checkpoint over {size} records seals something else than stands here"
                )
            }
            Self::Beyond { size } => {
                write!(
                    f,
                    "the checkpoint over {size} records cannot be compared: they are not all here"
                )
            }
        }
    }
}
