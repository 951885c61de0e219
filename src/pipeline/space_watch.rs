//! How full the journal's file system is: looked at once a second, told where a threshold is crossed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::control;
use super::failure::{self, FailureKind};
use super::writer::{Phase, Writer};
use crate::record::Record;
use crate::sink::file::Space;
use crate::stats::add;

/// Between two looks. By the monotonic clock of the system: the room can run out whatever the trail's clock shows.
const EVERY: Duration = Duration::from_secs(1);

/// How far usage must fall below a threshold, in hundredths, before that is told: a file system at the edge of one would
/// otherwise be a record each second.
const BACK: u64 = 1;

/// Records that wait until something can be written. Where there are more, the oldest is left out: the newest says how it is.
const MOST_UNSAID: usize = 16;

/// At which usage the trail says so, in hundredths; 0 = never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thresholds {
    pub(super) warn: u64,
    pub(super) critical: u64,
}

impl Thresholds {
    /// These, or none.
    pub(super) fn filter(self, is_watched: bool) -> Self {
        if is_watched {
            return self;
        }
        Self { warn: 0, critical: 0 }
    }
}

/// How full it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fill {
    Enough,
    Warn,
    Critical,
}

impl Fill {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Enough => "enough",
            Self::Warn => "warn",
            Self::Critical => "critical",
        }
    }
}

/// A threshold was crossed, in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crossing {
    pub(super) fill: Fill,
    /// Going up, the threshold that was reached; going down, the one that was left. In hundredths.
    pub(super) threshold: u64,
    pub(super) is_over: bool,
}

/// What the last look saw, for whoever asks for the counters. 0 where the system does not tell.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    pub(super) free: AtomicU64,
    pub(super) used: AtomicU64,
}

/// Remembers what was seen and told.
#[derive(Debug)]
pub(super) struct SpaceWatch {
    thresholds: Thresholds,
    fill: Fill,
    next: Option<Instant>,
    unsaid: Vec<Record>,
    /// The usage that the trail began with, where it was above a threshold: `audit.open` says so.
    pub(super) at_start: Option<u64>,
}

impl SpaceWatch {
    pub(super) fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            fill: Fill::Enough,
            next: None,
            unsaid: Vec::new(),
            at_start: None,
        }
    }

    /// Whether it is time for a look. If so, the next one is a second away.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.next.is_none_or(|next| now >= next);
        if is_due {
            self.next = Some(now + EVERY);
        }
        is_due
    }

    /// Takes what a look saw. Gives the crossing, if there was one since the look before.
    fn seen(&mut self, percent: u64) -> Option<Crossing> {
        let before = self.fill;
        // Where it was told already, usage must have fallen a little below the threshold.
        let holds = |threshold: u64, fill: Fill| {
            let slack = if before >= fill { BACK } else { 0 };
            threshold > 0 && percent.saturating_add(slack) >= threshold
        };
        let Thresholds { warn, critical } = self.thresholds;
        let fill = if holds(critical, Fill::Critical) {
            Fill::Critical
        } else if holds(warn, Fill::Warn) {
            Fill::Warn
        } else {
            Fill::Enough
        };
        self.fill = fill;
        let threshold = if before.max(fill) == Fill::Critical {
            critical
        } else {
            warn
        };
        (fill != before).then_some(Crossing {
            fill,
            threshold,
            is_over: fill < before,
        })
    }
}

impl Writer {
    /// Looks at the journal's file system, if it is time. A crossing is told at once; its record follows as soon as anything can
    /// be written.
    pub(super) fn watch_space(&mut self) {
        if self.journal.is_none() {
            return;
        }
        if self.space_watch.is_due(Instant::now()) {
            self.look_at_space(false);
        }
        if self.state.retry.is_none() && self.state.phase == Phase::Open {
            for record in std::mem::take(&mut self.space_watch.unsaid) {
                self.control(&record);
            }
        }
    }

    /// What is found at the start was not crossed by this run: the record of the start says it.
    pub(super) fn look_at_space(&mut self, is_start: bool) {
        let Some(space) = self.journal.as_ref().and_then(crate::sink::FileSink::space) else {
            return;
        };
        self.inbox.space.free.store(space.free, Ordering::Relaxed);
        self.inbox.space.used.store(space.used, Ordering::Relaxed);
        let Some(crossing) = self.space_watch.seen(space.percent()) else {
            return;
        };
        self.tell_crossing(crossing, space, is_start);
        if is_start {
            self.space_watch.at_start = Some(space.percent());
            self.space_watch.unsaid.clear();
        }
    }

    fn tell_crossing(&mut self, crossing: Crossing, space: Space, is_start: bool) {
        let percent = space.percent();
        let Crossing {
            threshold, is_over, ..
        } = crossing;
        let message = if is_over {
            format!("the file system of the audit journal is {percent} % full, below {threshold} % again")
        } else {
            add(&self.inbox.counters.disk_filled, 1);
            format!(
                "the file system of the audit journal is {percent} % full (threshold {threshold} %, {} bytes free); \
                 make room, or keep less",
                space.free
            )
        };
        if is_start && crossing.fill == Fill::Warn {
            // Nothing has changed by this start: a program can act on it, and people need no sentence at each one.
            failure::tell(
                self.on_failure.as_ref(),
                FailureKind::DiskSpace,
                is_over,
                &message,
            );
        } else {
            self.failed(FailureKind::DiskSpace, is_over, &message);
        }
        let unsaid = &mut self.space_watch.unsaid;
        if unsaid.len() >= MOST_UNSAID {
            unsaid.remove(0);
        }
        unsaid.push(control::disk_space(crossing, space));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> SpaceWatch {
        SpaceWatch::new(Thresholds {
            warn: 75,
            critical: 90,
        })
    }

    #[test]
    fn each_crossing_of_a_threshold_is_told_once_and_so_is_its_end() {
        let mut watch = watch();
        let seen: Vec<_> = [10, 74, 75, 76, 89, 90, 100, 89, 88, 74, 73, 10, 95, 2]
            .into_iter()
            .filter_map(|percent| watch.seen(percent).map(|told| (percent, told)))
            .map(|(percent, told)| (percent, told.fill, told.threshold, told.is_over))
            .collect();
        let expected = [
            (75, Fill::Warn, 75, false),
            (90, Fill::Critical, 90, false),
            (88, Fill::Warn, 90, true),
            (73, Fill::Enough, 75, true),
            (95, Fill::Critical, 90, false),
            (2, Fill::Enough, 90, true),
        ];
        assert_eq!(seen, expected, "89 and 74 are within the slack of what was told");
    }

    #[test]
    fn a_threshold_of_zero_is_never_reached() {
        let mut watch = SpaceWatch::new(Thresholds { warn: 0, critical: 0 });
        assert_eq!(watch.seen(100), None);
        let mut watch = SpaceWatch::new(Thresholds {
            warn: 0,
            critical: 90,
        });
        assert_eq!(watch.seen(89), None);
        assert_eq!(watch.seen(90).map(|told| told.fill), Some(Fill::Critical));
    }

    #[test]
    fn looks_are_a_second_apart() {
        let mut watch = watch();
        let now = Instant::now();
        assert!(watch.is_due(now) && !watch.is_due(now));
        assert!(!watch.is_due(now + Duration::from_millis(999)));
        assert!(watch.is_due(now + Duration::from_secs(1)));
    }
}
