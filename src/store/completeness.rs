//! Whether a window of a trail is complete: what its files say was lost, and what nobody can know.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::quick::run_before;
use super::stream::{Files, StreamWalk};
use super::{Cursor, DirStore, Direction, Filter, Finding, Item, Stored, Window};
use crate::clock::MAX_TIME;
use crate::error::Result;
use crate::record::{Record, Slot, Value};

/// A gap record stands at most so many records behind what was lost: what the largest queue can hold, and a batch.
const BEHIND: u64 = (1 << 20) + 4096;

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

/// What is known of a window: see [`completeness`].
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

/// Says whether a window of a trail is complete. Reads the window, the records before it back to the begin of the run that it
/// begins in (of those only the trail's own), and behind it so many as a gap record can come later.
///
/// *Complete* means: numbers without a hole, every run that touches the window noted its end, no gap record counts anything that
/// was lost in it, no pause left anything out, every start has an outcome, and the records reach back to the window's begin.
/// A window that begins at 0 begins with the trail. It is what the files say of themselves: whoever can write them can have
/// them say so.
///
/// What a sink beside the journal missed does not count: the journal has it.
///
/// # Errors
///
/// [`ErrorKind::Io`](crate::ErrorKind::Io) where a file cannot be read.
pub fn completeness(store: &DirStore, window: Window) -> Result<Verdict> {
    let mut verdict = Verdict {
        window,
        losses: Vec::new(),
        doubts: Vec::new(),
        more_doubts: 0,
        without_outcome: BTreeSet::new(),
    };
    if window.from < window.until {
        for files in &store.streams {
            Look::new(files, window, &mut verdict).run(files)?;
        }
    }
    Ok(verdict)
}

impl Verdict {
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

    fn doubt(&mut self, doubt: Doubt) {
        if self.doubts.len() < MOST {
            self.doubts.push(doubt);
        } else {
            self.more_doubts += 1;
        }
    }

    fn lose(&mut self, cause: &str, category: &str, records: u64) {
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

/// Every record of a window.
struct Every(Window);

impl Filter for Every {
    fn matches(&self, _: &Record) -> bool {
        true
    }

    fn window(&self) -> Window {
        self.0
    }
}

/// One stream's records, one after the other.
struct Look<'v> {
    window: Window,
    verdict: &'v mut Verdict,
    stream: Arc<str>,
    /// The parts that are paused, each with what it left out in other words: nothing is known until it ends.
    paused: BTreeSet<String>,
    /// Starts in the window that have no end yet.
    open: BTreeSet<String>,
    removed_by: Option<String>,
    /// What is said of the begin of the stream, once it is known what removed the rest.
    begins: Option<u64>,
    last_event: Option<String>,
    /// Records behind the window.
    behind: u64,
}

impl<'v> Look<'v> {
    fn new(files: &Files, window: Window, verdict: &'v mut Verdict) -> Self {
        Self {
            window,
            verdict,
            stream: Arc::clone(&files.name),
            paused: BTreeSet::new(),
            open: BTreeSet::new(),
            removed_by: None,
            begins: None,
            last_event: None,
            behind: 0,
        }
    }

    fn run(mut self, files: &Files) -> Result<()> {
        let window = self.window;
        let before = last_before(files, window.from)?;
        if let Some(before) = &before {
            self.stream = Arc::clone(&before.place.stream);
            self.last_event = Some(before.record.event().to_owned());
            self.paused = run_before(files, window.from)?;
        }
        let rest = Every(Window {
            from: window.from,
            until: MAX_TIME + 1,
        });
        // Behind the record before the window, so that what stands in front of that one is not this window's.
        let place = before.as_ref().map(|before| &before.place);
        let mut walk = StreamWalk::new(files, &rest, Direction::OldestFirst, place)?;
        let mut is_first = true;
        while let Some(item) = walk.next_item()? {
            match item {
                Item::Record(stored) | Item::Gap(stored) => {
                    if std::mem::take(&mut is_first) {
                        self.begin(before.as_ref(), &stored.place);
                    }
                    self.take(&stored);
                    if self.behind > BEHIND && self.open.is_empty() && self.paused.is_empty() {
                        break;
                    }
                }
                // What stands in front of the first record behind the window is given before it.
                Item::Finding(finding) if self.behind == 0 => self.verdict.doubt(Doubt::Finding(finding)),
                Item::Finding(_) => {}
            }
        }
        self.end();
        Ok(())
    }

    /// How the first record follows what stands before the window.
    fn begin(&mut self, before: Option<&Stored>, first: &Cursor) {
        self.stream = Arc::clone(&first.stream);
        let window = self.window;
        match before {
            None if first.seq > 0 || window.from > 0 => {
                if first.observed_at < window.until || first.seq > 0 {
                    self.begins = Some(first.seq);
                }
            }
            Some(before) if first.seq > before.place.seq.saturating_add(1) => {
                self.verdict.doubt(Doubt::Hole {
                    stream: Arc::clone(&self.stream),
                    after: before.place.seq,
                    before: first.seq,
                });
            }
            _ => {}
        }
    }

    fn take(&mut self, stored: &Stored) {
        let is_inside = stored.place.observed_at < self.window.until;
        let is_next = !is_inside && self.behind == 0;
        self.behind += u64::from(!is_inside);
        let record = &stored.record;
        match record.event() {
            super::GAP => self.gap(stored, is_inside),
            "audit.open" => self.opened(stored, is_inside || is_next),
            "audit.pause" if is_inside => {
                self.paused.extend(text(record, "part").map(str::to_owned));
            }
            "audit.resume" => self.resumed(record),
            "audit.retention" => self.removed_by = text(record, "cause").map(str::to_owned),
            _ => {}
        }
        if let Some(id) = record.text(Slot::ExecutionId) {
            if record.text(Slot::Phase) != Some("start") {
                self.open.remove(id);
            } else if is_inside {
                self.open.insert(id.to_owned());
            }
        }
        if is_inside || is_next {
            self.last_event = Some(record.event().to_owned());
        }
    }

    fn gap(&mut self, stored: &Stored, is_inside: bool) {
        let record = &stored.record;
        // The journal has what a sink beside it missed.
        if record.attribute("sink").is_some() {
            return;
        }
        let window = self.window;
        let time = |name: &str| nanos(record.attribute(name)?);
        let meets = |first: u64, last: u64| first < window.until && last >= window.from;
        let is_meant = time("first_time")
            .zip(time("last_time"))
            .is_some_and(|(first, last)| meets(first, last));
        if let (true, Some((lost, cause))) = (is_inside || is_meant, stored.lost()) {
            let category = text(record, "of_category").unwrap_or_default();
            self.verdict.lose(cause, category, lost);
        }
    }

    fn opened(&mut self, stored: &Stored, is_near: bool) {
        let record = &stored.record;
        let is_clean = record.attribute("clean").and_then(Value::as_bool);
        if is_clean == Some(false) && is_near {
            self.verdict.doubt(Doubt::Unclean {
                stream: Arc::clone(&self.stream),
                seq: stored.place.seq,
                missing_at_most: record.attribute("missing_at_most").and_then(Value::as_u64),
            });
        }
        if is_clean.is_some() {
            // Another process: it can neither end what the one before it began, nor say what its pauses left out.
            self.leave_open();
        }
    }

    fn resumed(&mut self, record: &Record) {
        let Some(part) = text(record, "part") else { return };
        // One that neither began before the window's end nor ends in it has nothing to do with it.
        if !self.paused.remove(part) && self.behind > 0 {
            return;
        }
        let left_out = record.attribute("left_out").and_then(Value::as_u64).unwrap_or(0);
        let mut stated = 0;
        for row in record
            .attribute("by_category")
            .and_then(Value::as_list)
            .unwrap_or_default()
        {
            let Some(row) = row.as_map() else { continue };
            let count = row.get("left_out").and_then(Value::as_u64).unwrap_or(0);
            let category = row.get("category").and_then(Value::as_str).unwrap_or_default();
            self.verdict.lose("paused", category, count);
            stated += count;
        }
        self.verdict.lose("paused", "", left_out.saturating_sub(stated));
    }

    /// Nobody can say any more what became of starts and pauses.
    fn leave_open(&mut self) {
        for part in std::mem::take(&mut self.paused) {
            self.verdict.doubt(Doubt::Pause {
                stream: Arc::clone(&self.stream),
                part,
            });
        }
        let open = std::mem::take(&mut self.open);
        if !open.is_empty() {
            self.verdict.doubt(Doubt::NoOutcome {
                stream: Arc::clone(&self.stream),
                starts: open.len() as u64,
            });
            self.verdict.without_outcome.extend(open);
        }
    }

    fn end(mut self) {
        self.leave_open();
        if let Some(seq) = self.begins {
            let removed_by = self.removed_by.take().filter(|_| seq > 0);
            self.verdict.doubt(Doubt::Begins {
                stream: Arc::clone(&self.stream),
                seq,
                removed_by,
            });
        }
        if self.behind == 0
            && self
                .last_event
                .as_deref()
                .is_some_and(|event| event != "audit.close")
        {
            self.verdict.doubt(Doubt::NoEnd { stream: self.stream });
        }
    }
}

/// The last record before a time.
fn last_before(files: &Files, time: u64) -> Result<Option<Stored>> {
    let before = Every(Window { from: 0, until: time });
    let mut walk = StreamWalk::new(files, &before, Direction::NewestFirst, None)?;
    while let Some(item) = walk.next_item()? {
        if let Item::Record(stored) | Item::Gap(stored) = item {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

fn text<'r>(record: &'r Record, attribute: &str) -> Option<&'r str> {
    record.attribute(attribute)?.as_str()
}

/// A time as control records state it.
fn nanos(value: &Value) -> Option<u64> {
    let stamp: jiff::Timestamp = value.as_str()?.parse().ok()?;
    u64::try_from(stamp.as_nanosecond()).ok()
}
