//! Which closed segments may go: by age, by size, by number. A file that is not ours is never touched.

use std::time::Instant;

use super::{Cleaned, FileEvent, FileSink, RemoveCause, recover};
use crate::clock::SharedClock;
use crate::error::Result;
use crate::format::SegmentName;

const DAY: u64 = 86_400_000_000_000;

/// Watches the clock for forward steps after which the age of a record says nothing.
#[derive(Debug)]
pub(super) struct ClockWatch {
    /// The last time that was seen, and when that was by the monotonic clock (only beside the system's clock: a clock
    /// that a test moves has no other).
    seen: Option<(u64, Option<Instant>)>,
    /// The times before and after a step that is not confirmed yet.
    doubt: Option<(u64, u64)>,
    told: bool,
}

impl ClockWatch {
    /// `last` is when the last record was taken. A pause that is longer than everything that is kept would remove the
    /// whole trail at once, so it is doubted like a step.
    pub(super) fn new(last: Option<u64>, keep_days: u32, clock: &SharedClock) -> Self {
        let now = clock.now();
        let limit = DAY.saturating_mul(u64::from(keep_days).max(1));
        let doubt = last
            .filter(|last| now.saturating_sub(*last) > limit)
            .map(|last| (last, now));
        Self {
            seen: Some((now, instant(clock))),
            doubt,
            told: false,
        }
    }

    fn look(&mut self, now: u64, instant: Option<Instant>) {
        if let Some((before, then)) = self.seen {
            let passed = match (then, instant) {
                (Some(then), Some(instant)) => {
                    u64::try_from(instant.saturating_duration_since(then).as_nanos()).unwrap_or(u64::MAX)
                }
                _ => 0,
            };
            if self.doubt.is_none() && now.saturating_sub(before).saturating_sub(passed) > DAY {
                self.doubt = Some((before, now));
                self.told = false;
            } else if let Some((old, new)) = self.doubt {
                // Back again, or a whole day further without another step.
                let back = now < new && now.saturating_sub(old) <= new.saturating_sub(now);
                let stepped = now.saturating_sub(before).saturating_sub(passed) > DAY;
                if stepped {
                    self.doubt = Some((old, now));
                } else if back || now.saturating_sub(new) >= DAY {
                    self.doubt = None;
                }
            }
        }
        self.seen = Some((now, instant));
    }

    pub(super) fn confirm(&mut self) {
        self.doubt = None;
    }
}

fn instant(clock: &SharedClock) -> Option<Instant> {
    matches!(clock, SharedClock::System).then(Instant::now)
}

/// A closed segment that retention looks at.
struct Candidate {
    name: SegmentName,
    len: u64,
}

impl FileSink {
    pub(super) fn look_at_clock(&mut self, now: u64) {
        self.watch.look(now, instant(&self.clock));
    }

    pub(super) fn clean(&mut self) -> Result<Cleaned> {
        let mut closed = Vec::new();
        let mut open = (0, 0);
        let names = recover::segments(&*self.fs, &self.home)?;
        // Without an open segment the newest one stays: it says where the trail ended.
        let newest = names.last().copied();
        for name in names {
            let Ok(about) = self.fs.meta(&self.home.join(name.to_string())) else {
                continue;
            };
            if Some(name) == self.segment() || Some(name) == newest {
                open = (open.0 + 1, open.1 + about.len);
            } else {
                closed.push(Candidate { name, len: about.len });
            }
        }
        let mut cleaned = Cleaned::default();
        let old = self.too_old(&closed);
        let mut rest = self.remove(closed, old, RemoveCause::Age, &mut cleaned);
        let limit = self.settings.keep_segments;
        let surplus = (rest.len() + open.0).saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        let surplus = if limit == 0 { 0 } else { surplus };
        rest = self.remove(rest, surplus, RemoveCause::Count, &mut cleaned);
        let large = self.too_large(&rest, open.1);
        rest = self.remove(rest, large, RemoveCause::Size, &mut cleaned);
        cleaned.kept = rest.len() + open.0;
        let oldest = rest.first().map(|segment| segment.name).or(newest);
        if let (Some(oldest), false) = (oldest, cleaned.removed.is_empty()) {
            self.forget_rows(oldest.first_seq)?;
        }
        Ok(cleaned)
    }

    /// How many of the oldest segments are beyond `keep_days`.
    fn too_old(&mut self, closed: &[Candidate]) -> usize {
        let now = self.now();
        self.look_at_clock(now);
        let keep = DAY.saturating_mul(u64::from(self.settings.keep_days));
        if keep == 0 {
            return 0;
        }
        if let Some((before, after)) = self.watch.doubt {
            if !self.watch.told {
                self.watch.told = true;
                self.tell(FileEvent::RetentionSuspended { before, after });
            }
            return 0;
        }
        let horizon = now.saturating_sub(keep);
        // Records are in the order of their times, so the first segment that is young enough ends the search.
        closed
            .iter()
            .take_while(|segment| self.last_time(segment.name).is_some_and(|time| time < horizon))
            .count()
    }

    /// When the last record of a segment was taken; a segment without one is as old as the end of its day.
    fn last_time(&self, name: SegmentName) -> Option<u64> {
        let tail = recover::tail(&*self.fs, &self.home.join(name.to_string())).ok()?;
        match tail.last {
            Some(last) => Some(last.observed_at),
            None => Some((super::roll::number_of(name.date) + 1).saturating_mul(DAY)),
        }
    }

    /// How many of the oldest segments must go for the stream to be within `keep_bytes`.
    fn too_large(&self, closed: &[Candidate], open: u64) -> usize {
        let limit = self.settings.keep_bytes;
        if limit == 0 {
            return 0;
        }
        let mut total = closed.iter().map(|segment| segment.len).sum::<u64>() + open;
        closed
            .iter()
            .take_while(|segment| {
                let over = total > limit;
                total -= segment.len;
                over
            })
            .count()
    }

    /// Removes the first `count` segments and returns the others. One that cannot be removed stays, and so do those
    /// behind it: the trail has no holes in its middle.
    fn remove(
        &mut self,
        closed: Vec<Candidate>,
        count: usize,
        cause: RemoveCause,
        cleaned: &mut Cleaned,
    ) -> Vec<Candidate> {
        let mut rest = closed.into_iter().peekable();
        let mut segments = Vec::new();
        let mut bytes = 0;
        while segments.len() < count {
            let Some(segment) = rest.peek() else { break };
            if let Err(error) = self.fs.remove(&self.home.join(segment.name.to_string())) {
                let (segment, cause) = (segment.name, error.to_string());
                self.tell(FileEvent::NotRemoved { segment, cause });
                break;
            }
            segments.push(segment.name);
            bytes += segment.len;
            rest.next();
        }
        if !segments.is_empty() {
            cleaned.removed.extend(&segments);
            cleaned.bytes += bytes;
            self.tell(FileEvent::Removed {
                segments,
                bytes,
                cause,
            });
        }
        rest.collect()
    }
}
