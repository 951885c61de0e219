//! Which closed segments may go: by age, by size, by number. A file that is not ours is never touched.

use std::io;
use std::time::Instant;

use super::remove::Plan;
use super::{FileEvent, FileSink, RemoveCause, cursor, recover};
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

/// What retention does with segments that are beyond a limit and that a follower has not passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Unshipped {
    /// They stay, until every follower has passed them: the limit is exceeded, and the trail says so. A follower that
    /// never comes back holds them for ever; remove its file in `cursors/` to give it up.
    #[default]
    Keep,
    /// They go: a follower that has not passed them will never be given their entries, and the trail says how many.
    Drop,
}

impl Unshipped {
    /// The name used in `audit.open`: `keep` or `drop_unshipped`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop_unshipped",
        }
    }
}

/// A closed segment that retention looks at.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) name: SegmentName,
    pub(super) len: u64,
    /// The number that the next segment begins with: who has come so far needs this one no more.
    pub(super) end: u64,
}

impl FileSink {
    pub(super) fn look_at_clock(&mut self, now: u64) {
        self.watch.look(now, instant(&self.clock));
    }

    /// What the limits allow no longer, and no follower holds back.
    pub(super) fn due(&mut self) -> Result<Plan> {
        // Without its lines a record that no checkpoint covers could never be sealed, nor any behind it.
        let sealed = self.sealed().or(self.sealed_before).unwrap_or(u64::MAX);
        let mut closed = Vec::new();
        let mut open = (0, 0);
        let mut first_open = None;
        let names = recover::segments(&*self.fs, &self.home)?;
        // Without an open segment the newest one stays: it says where the trail ended.
        let newest = names.last().copied();
        for (at, &name) in names.iter().enumerate() {
            let path = self.home.join(name.to_string());
            let about = match self.fs.meta(&path) {
                Ok(about) => about,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                // One that is passed over would stay while later ones go: a hole in the middle.
                Err(error) => return Err(super::roll::look(&path, error)),
            };
            let is_unsealed = names.get(at + 1).is_some_and(|next| next.first_seq > sealed);
            if Some(name) == self.segment() || Some(name) == newest || is_unsealed {
                open = (open.0 + 1, open.1 + about.len);
                first_open = first_open.or(Some(name));
            } else {
                let end = names.get(at + 1).map_or(self.next_seq, |next| next.first_seq);
                let len = about.len;
                closed.push(Candidate { name, len, end });
            }
        }
        let mut plan = Plan {
            cursors: cursor::all(&*self.fs, &self.home, self.stream_id(), &self.running)?,
            ..Plan::default()
        };
        let old = self.too_old(&closed);
        let mut rest = self.take_due(closed, old, RemoveCause::Age, &mut plan);
        let limit = self.settings.keep_segments;
        let surplus = (rest.len() + open.0).saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        let surplus = if limit == 0 { 0 } else { surplus };
        rest = self.take_due(rest, surplus, RemoveCause::Count, &mut plan);
        let large = self.too_large(&rest, open.1);
        rest = self.take_due(rest, large, RemoveCause::Size, &mut plan);
        plan.kept = rest.len() + open.0;
        plan.oldest = rest.first().map(|segment| segment.name).or(first_open);
        self.told_held = plan.is_held;
        Ok(plan)
    }

    /// Puts the first `count` segments into the plan and returns the others. One that a follower holds back stays, and so
    /// do those behind it: the trail has no holes in its middle.
    fn take_due(
        &mut self,
        closed: Vec<Candidate>,
        count: usize,
        cause: RemoveCause,
        plan: &mut Plan,
    ) -> Vec<Candidate> {
        let mut rest = closed.into_iter().peekable();
        let mut due = Vec::new();
        while due.len() < count {
            let is_held = rest.peek().is_none_or(|next| self.is_held(next, cause, plan));
            let Some(segment) = rest.next_if(|_| !is_held) else {
                break;
            };
            due.push(segment);
        }
        if !due.is_empty() {
            plan.rounds.push((cause, due));
        }
        rest.collect()
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
        let path = self.home.join(name.to_string());
        match recover::tail_below(&*self.fs, &path, u64::MAX).ok()? {
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

    /// Whether a follower that has not passed the segment keeps it; told once.
    pub(super) fn is_held(&mut self, segment: &Candidate, cause: RemoveCause, plan: &mut Plan) -> bool {
        if self.settings.unshipped == Unshipped::Drop {
            return false;
        }
        let behind = plan.cursors.iter().filter(|(_, next)| *next < segment.end);
        let sinks: Vec<String> = behind.map(|(sink, _)| sink.clone()).collect();
        if sinks.is_empty() {
            return false;
        }
        if !self.told_held && !plan.is_held {
            let segment = segment.name;
            self.tell(FileEvent::Held {
                segment,
                sinks,
                cause,
            });
        }
        plan.is_held = true;
        true
    }
}
