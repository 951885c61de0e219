//! The time of one call among equal calls, and how much longer others take: the median of many short stretches.

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

/// How many times as long as the first call each of the others takes. They are made in turn, so that a machine which is slower
/// for a while is slower for all of them; one turn is taken however long it lasts.
pub fn ratios<const N: usize>(budget: Duration, mut call: impl FnMut(usize)) -> [f64; N] {
    let mut turns = [const { Vec::new() }; N];
    let begin = Instant::now();
    while turns.iter().any(Vec::is_empty)
        || turns.iter().all(|turns| turns.len() < STRETCHES) && begin.elapsed() < budget
    {
        let mut time = |number| {
            let start = Instant::now();
            call(number);
            start.elapsed().as_nanos().max(1) as f64
        };
        let first = time(0);
        for (number, turns) in turns.iter_mut().enumerate() {
            turns.push(time(number + 1) / first);
        }
    }
    turns.map(|mut turns| {
        turns.sort_by(f64::total_cmp);
        turns.get(turns.len() / 2).copied().unwrap_or_default()
    })
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

    #[test]
    fn calls_are_compared_in_turn() {
        let mut order = Vec::new();
        let [second, third] = ratios(Duration::ZERO, |number| order.push(number));
        assert_eq!(order, [0, 1, 2]);
        assert!(second > 0.0 && third > 0.0);
    }
}
