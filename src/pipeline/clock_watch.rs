//! Steps of the wall clock, told from the passing of time by the monotonic clock.

use super::control;
use super::writer::{Phase, Writer};

/// The least step that is told: 1 s, in nanoseconds. Slewing a clock moves it by less than a second in half an hour.
const LEAST: u64 = 1_000_000_000;

/// Compares the two clocks, from look to look. The looks of a writer are 50 ms apart at most, unless the disk holds it up.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    /// Wall clock and monotonic clock at the last look, in nanoseconds.
    last: Option<(u64, u64)>,
}

/// The wall clock was set, or stood while the machine slept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// What the wall clock would have shown by the monotonic one, in nanoseconds since the Unix epoch.
    pub(super) before: u64,
    /// What it showed.
    pub(super) after: u64,
}

impl Step {
    pub(super) fn direction(self) -> &'static str {
        if self.after < self.before {
            "backward"
        } else {
            "forward"
        }
    }

    fn is_told(self) -> bool {
        self.after.abs_diff(self.before) > LEAST
    }
}

impl ClockWatch {
    /// What the two clocks say now. Gives the step since the last look, if there was one of more than a second.
    pub(super) fn look(&mut self, wall: u64, monotonic: u64) -> Option<Step> {
        let (before, since) = self.last.replace((wall, monotonic))?;
        let passed = monotonic.saturating_sub(since);
        let step = Step {
            before: before.saturating_add(passed).min(crate::clock::MAX_TIME),
            after: wall,
        };
        step.is_told().then_some(step)
    }
}

impl Writer {
    /// Writes a record where the wall clock has stepped. While nothing can be written, and while the trail rests, nobody looks:
    /// the next look finds what came to pass meanwhile.
    pub(super) fn watch_clock(&mut self) {
        if self.state.retry.is_some() || self.state.phase != Phase::Open || self.clock_watch.is_none() {
            return;
        }
        let clock = &self.inbox.clock;
        let (before, monotonic, wall) = (clock.now(), clock.monotonic(), clock.now());
        if wall.abs_diff(before) > LEAST {
            // Set between the readings, or the thread stood still: which of the two, the next look will tell.
            return;
        }
        let watch = self.clock_watch.as_mut();
        if let Some(step) = watch.and_then(|watch| watch.look(wall, monotonic)) {
            self.control(&control::clock(step));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const NOON: u64 = 1_795_000_000 * SECOND;

    #[test]
    fn only_a_step_of_more_than_a_second_between_the_clocks_is_told() {
        let mut watch = ClockWatch::default();
        assert_eq!(watch.look(NOON, 5), None, "the first look knows nothing");
        // An hour passes by both.
        assert_eq!(watch.look(NOON + 3600 * SECOND, 5 + 3600 * SECOND), None);
        let mut wall = NOON + 3600 * SECOND;
        let monotonic = 5 + 3600 * SECOND;
        // Slewed, second by second of difference, and never more at once.
        for _ in 0..100 {
            wall += SECOND;
            assert_eq!(watch.look(wall, monotonic), None);
        }
        let step = watch.look(wall + SECOND + 1, monotonic).unwrap();
        assert_eq!(
            (step.before, step.after, step.direction()),
            (wall, wall + SECOND + 1, "forward")
        );
        let step = watch.look(wall - SECOND, monotonic).unwrap();
        assert_eq!(step.direction(), "backward");
        assert_eq!(watch.look(wall - SECOND, monotonic), None, "told once");
    }

    #[test]
    fn the_ends_of_time_are_steps_like_others() {
        let mut watch = ClockWatch::default();
        watch.look(NOON, 0);
        let step = watch.look(0, SECOND).unwrap();
        assert_eq!(
            (step.before, step.after, step.direction()),
            (NOON + SECOND, 0, "backward")
        );
        let step = watch.look(crate::clock::MAX_TIME, 2 * SECOND).unwrap();
        assert_eq!((step.before, step.direction()), (SECOND, "forward"));
        assert_eq!(
            watch.look(crate::clock::MAX_TIME, 9 * SECOND),
            None,
            "it cannot go further"
        );
    }
}
