//! Whether a window of a trail is complete: what its files say was lost, and what nobody can know.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::quick::run_before;
use super::stream::{Files, StreamWalk};
use super::verdict::{Doubt, Verdict};
use super::{Cursor, DirStore, Direction, Filter, Item, Stored, Window};
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
    let mut verdict = Verdict::of(window);
    if window.from < window.until {
        if store.streams.is_empty() {
            verdict.doubt(Doubt::NoStream);
        }
        let mut open = Vec::new();
        for files in &store.streams {
            let starts = Look::new(files, window, &mut verdict).run(files)?;
            open.extend(starts.into_iter().map(|starts| (files, starts)));
        }
        elsewhere(store, window, &mut open)?;
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
fn elsewhere(store: &DirStore, window: Window, open: &mut Vec<(&Files, Starts)>) -> Result<()> {
    let rest = Every(Window {
        from: window.from,
        until: MAX_TIME + 1,
    });
    for files in &store.streams {
        let is_other = |of: &Files| !std::ptr::eq(of, files);
        if !open.iter().any(|(of, _)| is_other(of)) {
            continue;
        }
        let mut walk = StreamWalk::new(files, &rest, Direction::OldestFirst, None)?;
        while let Some(item) = walk.next_item()? {
            let Item::Record(Stored { record, .. }) = item else {
                continue;
            };
            if let Some(id) = record.text(Slot::ExecutionId)
                && record.text(Slot::Phase) != Some("start")
            {
                for (_, starts) in open.iter_mut().filter(|(of, _)| is_other(of)) {
                    starts.ids.remove(id);
                }
            }
        }
        open.retain(|(_, starts)| !starts.ids.is_empty());
    }
    Ok(())
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
}

impl<'v> Look<'v> {
    fn new(files: &Files, window: Window, verdict: &'v mut Verdict) -> Self {
        Self {
            window,
            verdict,
            stream: Arc::clone(&files.name),
            paused: BTreeSet::new(),
            open: BTreeSet::new(),
            unanswered: Vec::new(),
            removed_by: None,
            begins: None,
            last_event: None,
            behind: 0,
        }
    }

    /// Gives back the starts that have no end here.
    fn run(mut self, files: &Files) -> Result<Vec<Starts>> {
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
                Item::Record(mut stored) | Item::Gap(mut stored) => {
                    // Of the trail's own, all of it is looked at.
                    if stored.record.event().starts_with("audit.")
                        && let Ok(whole) = read_line(&stored.line)
                    {
                        stored.record = whole;
                    }
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
        Ok(self.end())
    }

    /// How the first record follows what stands before the window.
    fn begin(&mut self, before: Option<&Stored>, first: &Cursor) {
        self.stream = Arc::clone(&first.stream);
        let window = self.window;
        match before {
            None if first.seq > 0 || (window.from > 0 && first.observed_at < window.until) => {
                self.begins = Some(first.seq);
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
