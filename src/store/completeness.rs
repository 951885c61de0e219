//! Whether a window of a trail is complete: what its files say was lost, and what nobody can know.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::quick::run_before;
use super::stream::{Files, StreamWalk};
use super::verdict::{Doubt, Verdict};
use super::{Cursor, DirStore, Direction, Filter, FindingKind, Item, Stored, Window};
use crate::clock::MAX_TIME;
use crate::error::Result;
use crate::format::read_line;
use crate::record::{Record, Slot, Value};

/// A gap record stands at most so many records behind what was lost: what the largest queue can hold, and a batch.
const BEHIND: u64 = (1 << 20) + 4096;

/// Says whether a window of a trail is complete. Reads the window, the records before it back to the begin of the run that it
/// begins in (of those only the trail's own), and behind it so many as a gap record can come later.
///
/// *Complete* means: numbers without a hole, every run that touches the window noted its end, no gap record counts anything that
/// was lost in it, no pause left anything out, every start has an outcome, in its own stream or another one of the trail, and the records reach back to the window's begin.
/// A window that begins at 0 begins with the trail. It is what the files say of themselves: whoever can write them can have
/// them say so.
///
/// What a sink beside the journal missed does not count: the journal has it.
///
/// # Errors
///
/// [`ErrorKind::Io`](crate::ErrorKind::Io) where a file cannot be read.
pub fn completeness(store: &DirStore, window: Window) -> Result<Verdict> {
    let streams = store.streams.iter().map(|files| files as &dyn Source);
    of_streams(&streams.collect::<Vec<_>>(), window)
}

/// One stream's records, wherever they lie.
pub(super) trait Source {
    /// What it is called, where no record of it says so.
    fn name(&self) -> Arc<str>;

    /// The last record before a time.
    fn last_before(&self, time: u64) -> Result<Option<Stored>>;

    /// The parts that were paused at a time: what the run that it lies in had begun and not ended by then.
    fn paused_before(&self, time: u64) -> Result<BTreeSet<String>>;

    /// Gives the records from a time on and behind a place to `take`, oldest first, with what is wrong between them, until
    /// that has enough. Of each, its execution and its phase are read; of the trail's own, the line is there.
    fn each(&self, from: u64, after: Option<&Cursor>, take: &mut dyn FnMut(Item) -> bool) -> Result<()>;

    /// Whether somebody removed records below this number from a copy.
    fn is_pruned_below(&self, seq: u64) -> Result<bool> {
        let _ = seq;
        Ok(false)
    }
}

impl Source for Files {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    fn last_before(&self, time: u64) -> Result<Option<Stored>> {
        let before = Every(Window { from: 0, until: time });
        let mut walk = StreamWalk::new(self, &before, Direction::NewestFirst, None)?;
        while let Some(item) = walk.next_item()? {
            if let Item::Record(stored) | Item::Gap(stored) = item {
                return Ok(Some(stored));
            }
        }
        Ok(None)
    }

    fn paused_before(&self, time: u64) -> Result<BTreeSet<String>> {
        run_before(self, time)
    }

    fn each(&self, from: u64, after: Option<&Cursor>, take: &mut dyn FnMut(Item) -> bool) -> Result<()> {
        // A walk that goes on behind a record has told them before; this one begins there.
        let strays = self.stray_findings().filter(|_| after.is_some());
        for stray in strays {
            if !take(Item::Finding(stray)) {
                return Ok(());
            }
        }
        let rest = Every::from(from);
        let mut walk = StreamWalk::new(self, &rest, Direction::OldestFirst, after)?.with_own_lines();
        while let Some(item) = walk.next_item()? {
            if !take(item) {
                break;
            }
        }
        Ok(())
    }
}

/// The verdict on a window of these streams.
pub(super) fn of_streams(streams: &[&dyn Source], window: Window) -> Result<Verdict> {
    let mut verdict = Verdict::of(window);
    if window.from < window.until {
        if streams.is_empty() {
            verdict.doubt(Doubt::NoStream);
        }
        let mut open = Vec::new();
        for (at, source) in streams.iter().enumerate() {
            let starts = Look::new(*source, window, &mut verdict).run(*source)?;
            open.extend(starts.into_iter().map(|starts| (at, starts)));
        }
        elsewhere(streams, window, &mut open)?;
        for (_, Starts { stream, ids }) in open {
            verdict.doubt(Doubt::NoOutcome {
                stream,
                starts: ids.len() as u64,
            });
            verdict.without_outcome.extend(ids);
        }
    }
    Ok(verdict)
}

/// Starts without an end in their own stream.
struct Starts {
    stream: Arc<str>,
    ids: BTreeSet<String>,
}

/// Takes the starts away whose ends stand in another stream: a rule about what is in a record can send the two apart.
fn elsewhere(streams: &[&dyn Source], window: Window, open: &mut Vec<(usize, Starts)>) -> Result<()> {
    for (at, source) in streams.iter().enumerate() {
        if !open.iter().any(|(of, _)| *of != at) {
            continue;
        }
        source.each(window.from, None, &mut |item| {
            if let Item::Record(Stored { record, .. }) = item
                && let Some(id) = record.text(Slot::ExecutionId)
                && record.text(Slot::Phase) != Some("start")
            {
                for (_, starts) in open.iter_mut().filter(|(of, _)| *of != at) {
                    starts.ids.remove(id);
                }
            }
            true
        })?;
        open.retain(|(_, starts)| !starts.ids.is_empty());
    }
    Ok(())
}

/// Every record of a window.
pub(super) struct Every(Window);

impl Every {
    /// Every record from a time on.
    pub(super) fn from(time: u64) -> Self {
        Self(Window {
            from: time,
            until: MAX_TIME + 1,
        })
    }
}

impl Filter for Every {
    fn matches(&self, _: &Record) -> bool {
        true
    }

    fn window(&self) -> Window {
        self.0
    }

    fn looks_at(&self) -> Option<Vec<Slot>> {
        Some(Vec::new())
    }

    fn gives(&self) -> Option<Vec<Slot>> {
        Some(vec![Slot::ExecutionId, Slot::Phase])
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
    /// Starts whose run is over.
    unanswered: Vec<Starts>,
    removed_by: Option<String>,
    /// What is said of the begin of the stream, once it is known what removed the rest.
    begins: Option<u64>,
    last_event: Option<String>,
    /// Records behind the window.
    behind: u64,
    /// Whether a finding has said that numbers are missing.
    is_hole_told: bool,
}

impl<'v> Look<'v> {
    fn new(source: &dyn Source, window: Window, verdict: &'v mut Verdict) -> Self {
        Self {
            window,
            verdict,
            stream: source.name(),
            paused: BTreeSet::new(),
            open: BTreeSet::new(),
            unanswered: Vec::new(),
            removed_by: None,
            begins: None,
            last_event: None,
            behind: 0,
            is_hole_told: false,
        }
    }

    /// Gives back the starts that have no end here.
    fn run(mut self, source: &dyn Source) -> Result<Vec<Starts>> {
        let from = self.window.from;
        let before = source.last_before(from)?;
        if let Some(before) = &before {
            self.stream = Arc::clone(&before.place.stream);
            self.last_event = Some(before.record.event().to_owned());
            self.paused = source.paused_before(from)?;
        }
        // Behind the record before the window, so that what stands in front of that one is not this window's.
        let place = before.as_ref().map(|before| &before.place);
        let mut is_first = true;
        source.each(from, place, &mut |item| match item {
            Item::Record(mut stored) | Item::Gap(mut stored) => {
                // Of the trail's own, all of it is looked at.
                if stored.record.event().starts_with("audit.")
                    && let Ok(whole) = read_line(&stored.line)
                {
                    stored.record = whole;
                }
                if std::mem::take(&mut is_first) {
                    self.begin(place, &stored.place);
                }
                self.take(&stored);
                self.behind <= BEHIND || !self.open.is_empty() || !self.paused.is_empty()
            }
            // What stands in front of the first record behind the window is given before it.
            Item::Finding(finding) => {
                if self.behind == 0 {
                    self.is_hole_told |= is_hole(&finding.kind);
                    self.verdict.doubt(Doubt::Finding(finding));
                }
                true
            }
        })?;
        let is_pruned = match self.begins {
            Some(seq) => source.is_pruned_below(seq)?,
            None => false,
        };
        if is_pruned {
            self.removed_by = Some("prune".to_owned());
        }
        Ok(self.end())
    }

    /// How the first record follows what stands before the window.
    fn begin(&mut self, before: Option<&Cursor>, first: &Cursor) {
        self.stream = Arc::clone(&first.stream);
        let window = self.window;
        match before {
            None if first.seq > 0 || (window.from > 0 && first.observed_at < window.until) => {
                self.begins = Some(first.seq);
            }
            Some(before) if !self.is_hole_told && first.seq > before.seq.saturating_add(1) => {
                self.verdict.doubt(Doubt::Hole {
                    stream: Arc::clone(&self.stream),
                    after: before.seq,
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
            self.unanswered.push(Starts {
                stream: Arc::clone(&self.stream),
                ids: open,
            });
        }
    }

    fn end(mut self) -> Vec<Starts> {
        self.leave_open();
        if let Some(seq) = self.begins {
            let removed_by = self.removed_by.take().filter(|_| seq > 0);
            self.verdict.doubt(Doubt::Begins {
                stream: Arc::clone(&self.stream),
                seq,
                removed_by,
            });
        }
        if self.behind == 0 && self.last_event.as_deref() != Some("audit.close") {
            self.verdict.doubt(Doubt::NoEnd { stream: self.stream });
        }
        self.unanswered
    }
}

fn is_hole(kind: &FindingKind) -> bool {
    matches!(kind, FindingKind::Hole { .. } | FindingKind::Pruned { .. })
}

fn text<'r>(record: &'r Record, attribute: &str) -> Option<&'r str> {
    record.attribute(attribute)?.as_str()
}

/// A time as control records state it.
fn nanos(value: &Value) -> Option<u64> {
    let stamp: jiff::Timestamp = value.as_str()?.parse().ok()?;
    u64::try_from(stamp.as_nanosecond()).ok()
}
