//! Which closed segments may go: by age, by size, by number. A file that is not ours is never touched.

use std::sync::Arc;
use std::time::Instant;

use super::cursor::{self, CursorFile};
use super::{Cleaned, FileEvent, FileSink, RemoveCause, base, recover};
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
struct Candidate {
    name: SegmentName,
    len: u64,
    /// The number that the next segment begins with: who has come so far needs this one no more.
    end: u64,
}

/// One clean-up.
#[derive(Default)]
struct Round {
    cleaned: Cleaned,
    /// The followers' cursors.
    cursors: Vec<(String, u64)>,
    is_held: bool,
}

impl FileSink {
    pub(super) fn look_at_clock(&mut self, now: u64) {
        self.watch.look(now, instant(&self.clock));
    }

    pub(super) fn clean(&mut self) -> Result<Cleaned> {
        // Without its lines a record that no checkpoint covers could never be sealed, nor any behind it.
        let sealed = self.sealed().unwrap_or(u64::MAX);
        let mut closed = Vec::new();
        let mut open = (0, 0);
        let names = recover::segments(&*self.fs, &self.home)?;
        // Without an open segment the newest one stays: it says where the trail ended.
        let newest = names.last().copied();
        for (at, &name) in names.iter().enumerate() {
            let Ok(about) = self.fs.meta(&self.home.join(name.to_string())) else {
                continue;
            };
            let is_unsealed = names.get(at + 1).is_some_and(|next| next.first_seq > sealed);
            if Some(name) == self.segment() || Some(name) == newest || is_unsealed {
                open = (open.0 + 1, open.1 + about.len);
            } else {
                let end = names.get(at + 1).map_or(self.next_seq, |next| next.first_seq);
                let len = about.len;
                closed.push(Candidate { name, len, end });
            }
        }
        let mut round = Round {
            cursors: cursor::all(&*self.fs, &self.home, self.stream_id())?,
            ..Round::default()
        };
        let old = self.too_old(&closed);
        let mut rest = self.remove(closed, old, RemoveCause::Age, &mut round);
        let limit = self.settings.keep_segments;
        let surplus = (rest.len() + open.0).saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        let surplus = if limit == 0 { 0 } else { surplus };
        rest = self.remove(rest, surplus, RemoveCause::Count, &mut round);
        let large = self.too_large(&rest, open.1);
        rest = self.remove(rest, large, RemoveCause::Size, &mut round);
        round.cleaned.kept = rest.len() + open.0;
        let oldest = rest.first().map(|segment| segment.name).or(newest);
        self.move_on(&round, oldest)?;
        if let (Some(oldest), false) = (oldest, round.cleaned.removed.is_empty()) {
            self.forget_rows(oldest.first_seq)?;
        }
        self.told_held = round.is_held;
        Ok(round.cleaned)
    }

    /// Moves the cursors of followers that do not run, and whose entries are gone, to what is left. The others see for
    /// themselves. Looks at what is there, so that a stop in the middle is made good by the next clean-up.
    fn move_on(&mut self, round: &Round, oldest: Option<SegmentName>) -> Result<()> {
        let Some(oldest) = oldest.filter(|_| self.settings.unshipped == Unshipped::Drop) else {
            return Ok(());
        };
        for (sink, next) in &round.cursors {
            if *next >= oldest.first_seq || self.running.contains(sink) {
                continue;
            }
            let access = self.settings.access;
            let file = CursorFile::new(Arc::clone(&self.fs), access, &self.home, self.stream_id(), sink);
            file.write(oldest.first_seq)?;
            let (sink, lost) = (sink.clone(), oldest.first_seq - next);
            self.tell(FileEvent::NotShipped { sink, lost });
        }
        Ok(())
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

    /// Removes the first `count` segments and returns the others. One that cannot be removed stays, and so do those
    /// behind it: the trail has no holes in its middle.
    fn remove(
        &mut self,
        closed: Vec<Candidate>,
        count: usize,
        cause: RemoveCause,
        round: &mut Round,
    ) -> Vec<Candidate> {
        let mut rest = closed.into_iter().peekable();
        let mut segments = Vec::new();
        let mut bytes = 0;
        while segments.len() < count {
            let Some(segment) = rest.peek() else { break };
            if self.is_held(segment, cause, round) {
                break;
            }
            if let Err(cause) = self.remove_one(segment) {
                let segment = segment.name;
                self.tell(FileEvent::NotRemoved { segment, cause });
                break;
            }
            segments.push(segment.name);
            bytes += segment.len;
            rest.next();
        }
        if !segments.is_empty() {
            self.progress.relist();
            round.cleaned.removed.extend(&segments);
            round.cleaned.bytes += bytes;
            self.tell(FileEvent::Removed {
                segments,
                bytes,
                cause,
            });
        }
        rest.collect()
    }

    /// Removes a segment, once what must stay of its lines is on disk.
    fn remove_one(&self, segment: &Candidate) -> std::result::Result<(), String> {
        if self.seal.is_some() {
            let access = self.settings.access;
            let of = (segment.name, segment.end);
            base::keep(&*self.fs, &self.home, access, of).map_err(|error| error.to_string())?;
        }
        let path = self.home.join(segment.name.to_string());
        self.fs.remove(&path).map_err(|error| error.to_string())
    }

    /// Whether a follower that has not passed the segment keeps it; told once.
    fn is_held(&mut self, segment: &Candidate, cause: RemoveCause, round: &mut Round) -> bool {
        if self.settings.unshipped == Unshipped::Drop {
            return false;
        }
        let behind = round.cursors.iter().filter(|(_, next)| *next < segment.end);
        let sinks: Vec<String> = behind.map(|(sink, _)| sink.clone()).collect();
        if sinks.is_empty() {
            return false;
        }
        if !self.told_held && !round.is_held {
            let segment = segment.name;
            self.tell(FileEvent::Held {
                segment,
                sinks,
                cause,
            });
        }
        round.is_held = true;
        true
    }
}
