//! Timing calls: a cheap clock whose own cost is subtracted, and the figures of a set of times.

use std::time::{Duration, Instant};

use quanta::Clock;

/// Events per burst.
pub const BURST: u64 = 64;

/// What a caller does between two bursts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Sleeps for 1 ms: the queue is never full and the caches are cold.
    Sleep,
    /// Spins for 300 µs: the queue is never full and the caller stays hot.
    Spin,
}

impl Pause {
    /// Pauses once.
    pub fn take(self) {
        match self {
            Self::Sleep => std::thread::sleep(Duration::from_millis(1)),
            Self::Spin => {
                let start = Instant::now();
                while start.elapsed() < Duration::from_micros(300) {
                    std::hint::spin_loop();
                }
            }
        }
    }
}

/// Times of single calls.
#[derive(Debug)]
pub struct Times {
    clock: Clock,
    /// What two readings of the clock cost, in ticks.
    own: u64,
    ticks: Vec<u64>,
}

/// The figures of a set of times, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Half of the calls took at most this.
    pub p50: f64,
    /// 99 of 100 calls took at most this.
    pub p99: f64,
    /// 999 of 1,000 calls took at most this.
    pub p999: f64,
    /// The mean.
    pub mean: f64,
    /// What was subtracted from each time.
    pub timer: f64,
}

impl Times {
    /// Room for `count` times, touched in advance so that no page fault falls into a measured call.
    #[must_use]
    pub fn new(count: u64) -> Self {
        let clock = Clock::new();
        let mut ticks = vec![1; count as usize];
        for tick in &mut ticks {
            let start = clock.raw();
            *tick = clock.raw() - start;
        }
        ticks.sort_unstable();
        let own = ticks.get(ticks.len() / 2).copied().unwrap_or(0);
        ticks.clear();
        Self { clock, own, ticks }
    }

    /// Times one call.
    #[inline]
    pub fn time(&mut self, call: impl FnOnce()) {
        let start = self.clock.raw();
        call();
        let end = self.clock.raw();
        self.ticks.push(end.saturating_sub(start));
    }

    /// The figures of the times so far.
    #[must_use]
    pub fn figures(mut self) -> Figures {
        self.ticks.sort_unstable();
        let nanos = |ticks: u64| self.clock.delta_as_nanos(0, ticks) as f64;
        let at = |share: f64| {
            let place = (self.ticks.len() as f64 * share) as usize;
            let ticks = self.ticks.get(place).copied().unwrap_or(0);
            nanos(ticks.saturating_sub(self.own))
        };
        let sum: u64 = self
            .ticks
            .iter()
            .map(|ticks| ticks.saturating_sub(self.own))
            .sum();
        Figures {
            p50: at(0.50),
            p99: at(0.99),
            p999: at(0.999),
            mean: nanos(sum) / self.ticks.len().max(1) as f64,
            timer: nanos(self.own),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_leave_the_timer_out() {
        let mut times = Times::new(1000);
        times.own = 20;
        times.ticks = (0..1000).map(|n| n + 20).rev().collect();
        let one = times.clock.delta_as_nanos(0, 500) as f64;
        let figures = times.figures();
        assert!((figures.p50 - one).abs() <= 1.0);
        assert!(figures.p99 > figures.p50 && figures.p999 > figures.p99);
    }
}
