//! The time of one call among equal calls: the median of many short stretches.

use std::time::{Duration, Instant};

/// Stretches; the median is taken.
const STRETCHES: usize = 41;

/// A stretch is at least this long where the budget allows.
const STRETCH: Duration = Duration::from_micros(500);

/// Nanoseconds of one `call`, which was made before, within about `budget`; one call is made however long it takes.
pub fn nanos(budget: Duration, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    call();
    let once = start.elapsed().max(Duration::from_nanos(1));
    let calls = (STRETCH.as_nanos() / once.as_nanos()).max(1) as u32;
    let mut times = vec![once.as_nanos() as f64];
    let begin = Instant::now();
    while times.len() <= STRETCHES && begin.elapsed() + once * calls < budget {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        times.push(start.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    // The single call was there only to learn how many make a stretch, and stands where no stretch fitted.
    if times.len() > 1 {
        times.remove(0);
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_longer_than_the_budget_is_made_once() {
        let mut calls = 0;
        let nanos = nanos(Duration::ZERO, || calls += 1);
        assert_eq!(calls, 1);
        assert!(nanos > 0.0);
    }
}
