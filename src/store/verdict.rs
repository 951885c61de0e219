//! Verdicts: how complete a window is, what is lost in it and what is not known.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{Finding, Window};

/// The most losses and doubts that are told one by one, and the most doubts that are told in a sentence.
const MOST: usize = 64;
const SAID: usize = 5;

/// How complete a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Completeness {
    /// Every record that was submitted in the window is there, as far as its files can tell.
    Complete,
    /// Records are missing, and it is known how many.
    Lossy,
    /// Something is not known: more may be missing than is counted, or the outcome of an action.
    Unknown,
}

/// What is known of a window: see [`completeness`](super::completeness).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// The window.
    pub window: Window,
    /// What the trail itself says is missing, by cause and category; at most 64 rows, the others together as `other`.
    pub losses: Vec<Lost>,
    /// What is not known; at most 64.
    pub doubts: Vec<Doubt>,
    /// How many doubts there are beyond those.
    pub more_doubts: u64,
    /// The `execution_id` of every start in the window that has no end anywhere behind it.
    pub without_outcome: BTreeSet<String>,
}

/// Records that are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// Why: the cause of gap records, or `paused`.
    pub cause: String,
    /// Their category, where it is known.
    pub category: String,
    /// How many.
    pub records: u64,
}

/// Why a window cannot be called complete, nor its losses be counted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Doubt {
    /// There is no stream at all.
    NoStream,
    /// Something in the files that is not a record, or that shows one to be missing.
    Finding(Finding),
    /// Numbers are missing between the record before the window and the first one in it.
    Hole {
        /// The stream.
        stream: Arc<str>,
        /// The number before.
        after: u64,
        /// The number behind.
        before: u64,
    },
    /// A process ended without an end of its trail; what was in its memory is gone.
    Unclean {
        /// The stream.
        stream: Arc<str>,
        /// The number of the record in which the next process says so.
        seq: u64,
        /// How many records may be missing at most, where that is stated.
        missing_at_most: Option<u64>,
    },
    /// The stream's last record is not the note of its end: it is still written, or its process was killed.
    NoEnd {
        /// The stream.
        stream: Arc<str>,
    },
    /// The stream's records begin within the window.
    Begins {
        /// The stream.
        stream: Arc<str>,
        /// The number of its first record; 0 where nothing was ever before it.
        seq: u64,
        /// By which rule retention removed what was before, where the trail says so.
        removed_by: Option<String>,
    },
    /// A pause was in effect, and nothing says how many records it left out.
    Pause {
        /// The stream.
        stream: Arc<str>,
        /// The part of the trail that was paused.
        part: String,
    },
    /// Actions without an outcome: nobody knows what came of them.
    NoOutcome {
        /// The stream.
        stream: Arc<str>,
        /// How many.
        starts: u64,
    },
}

impl Verdict {
    /// A verdict over nothing yet.
    pub(super) fn of(window: Window) -> Self {
        Self {
            window,
            losses: Vec::new(),
            doubts: Vec::new(),
            more_doubts: 0,
            without_outcome: BTreeSet::new(),
        }
    }

    /// How complete the window is.
    #[must_use]
    pub fn completeness(&self) -> Completeness {
        if !self.doubts.is_empty() {
            Completeness::Unknown
        } else if self.lost() > 0 {
            Completeness::Lossy
        } else {
            Completeness::Complete
        }
    }

    /// How many records are known to be missing.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.losses
            .iter()
            .fold(0, |sum, lost| sum.saturating_add(lost.records))
    }

    pub(super) fn doubt(&mut self, doubt: Doubt) {
        if self.doubts.len() < MOST {
            self.doubts.push(doubt);
        } else {
            self.more_doubts += 1;
        }
    }

    pub(super) fn lose(&mut self, cause: &str, category: &str, records: u64) {
        if records == 0 {
            return;
        }
        let is_full = self.losses.len() >= MOST;
        let at = |cause: &str, category: &str, losses: &[Lost]| {
            losses
                .iter()
                .position(|lost| lost.cause == cause && lost.category == category)
        };
        let known = at(cause, category, &self.losses);
        let (cause, category) = if known.is_none() && is_full {
            ("other", "")
        } else {
            (cause, category)
        };
        match at(cause, category, &self.losses).and_then(|at| self.losses.get_mut(at)) {
            Some(lost) => lost.records = lost.records.saturating_add(records),
            None => self.losses.push(Lost {
                cause: cause.to_owned(),
                category: category.to_owned(),
                records,
            }),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lost = |f: &mut fmt::Formatter<'_>| {
            for (at, lost) in self.losses.iter().enumerate() {
                f.write_str(if at == 0 { "" } else { ", " })?;
                write!(f, "{} ({}", lost.records, lost.cause)?;
                if !lost.category.is_empty() {
                    write!(f, " in {}", lost.category)?;
                }
                f.write_str(")")?;
            }
            Ok(())
        };
        match self.completeness() {
            Completeness::Complete => f.write_str("complete"),
            Completeness::Lossy => {
                f.write_str("lossy: lost are ")?;
                lost(f)
            }
            Completeness::Unknown => {
                f.write_str("unknown: ")?;
                for (at, doubt) in self.doubts.iter().take(SAID).enumerate() {
                    f.write_str(if at == 0 { "" } else { "; " })?;
                    doubt.fmt(f)?;
                }
                let more = self.more_doubts + self.doubts.len().saturating_sub(SAID) as u64;
                if more > 0 {
                    write!(f, "; and {more} more")?;
                }
                if self.lost() > 0 {
                    f.write_str("; known to be lost are ")?;
                    lost(f)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStream => f.write_str("there is no stream"),
            Self::Finding(finding) => finding.fmt(f),
            Self::Hole {
                stream,
                after,
                before,
            } => {
                let missing = before.saturating_sub(*after).saturating_sub(1);
                write!(f, "`{stream}` lacks {missing} numbers behind seq {after}")
            }
            Self::Unclean {
                stream,
                seq,
                missing_at_most,
            } => {
                write!(
                    f,
                    "a process that wrote `{stream}` ended without a note (seq {seq})"
                )?;
                missing_at_most.map_or(Ok(()), |most| {
                    write!(f, ", at most {most} records may be missing")
                })
            }
            Self::NoEnd { stream } => {
                write!(
                    f,
                    "`{stream}` has no end: it is still written, or its process was killed"
                )
            }
            Self::Begins {
                stream,
                seq,
                removed_by,
            } => {
                write!(f, "`{stream}` begins within the window, at seq {seq}")?;
                removed_by.as_ref().map_or(Ok(()), |rule| {
                    write!(f, "; retention by {rule} removed what was before")
                })
            }
            Self::Pause { stream, part } => write!(f, "a pause of `{part}` in `{stream}` has no end"),
            Self::NoOutcome { stream, starts } => {
                let (start, have) = if *starts == 1 {
                    ("start", "has")
                } else {
                    ("starts", "have")
                };
                write!(f, "{starts} {start} in `{stream}` {have} no outcome")
            }
        }
    }
}
