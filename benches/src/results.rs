//! What a child process says, and what the parent makes of it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::measure::Figures;

/// Times of calls, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the calls took at most this.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p999: f64,
    /// The mean.
    pub mean: f64,
    /// What was subtracted for the timer.
    pub timer: f64,
}

impl From<Figures> for Latency {
    fn from(figures: Figures) -> Self {
        let Figures {
            p50,
            p99,
            p999,
            mean,
            timer,
        } = figures;
        Self {
            p50,
            p99,
            p999,
            mean,
            timer,
        }
    }
}

/// Memory around the events, and the processor's time when idle.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Resident KiB before the peer was started.
    pub before_kib: u64,
    /// Resident KiB after it was started and had written the warm-up.
    pub started_kib: u64,
    /// The highest resident KiB while the events were written.
    pub peak_kib: u64,
    /// Processor seconds of all threads per second, over 10 s without an event.
    pub idle_share: f64,
}

/// One child's result line.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Events that were reported, the warm-up included: the lines that must be found.
    pub expected: u64,
    /// Times of calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Latency>,
    /// Until the last caller had returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_seconds: Option<f64>,
    /// Until everything was synced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Events per second until everything was synced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Memory and idle time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Nanoseconds per call of what is not audited, per scanned value, or for one more field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nanos: Option<f64>,
    /// Nanoseconds per call that were taken off these: the loop and the call around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<f64>,
    /// Bytes per scanned value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<f64>,
    /// Share of the scanned values in which something was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<f64>,
    /// How many times as long a byte takes in the second and the third size of a text as in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<[f64; 2]>,
    /// Processor nanoseconds of the whole process per event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<f64>,
    /// The same of the process that received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<f64>,
    /// Instructions per call on the caller's thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<f64>,
    /// Allocations per call on the caller's thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocations: Option<f64>,
}

/// One run as the parent saw it: one line of the raw results.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Which round, from 1.
    pub round: u32,
    /// The peer, or the form in the foreign cases.
    pub peer: String,
    /// The case, for example `paced` or `sat4`.
    pub case: String,
    /// What the child measured.
    pub measured: Measured,
    /// Lines that the outside reader found; absent for a peer that writes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// Bytes per line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_line: Option<f64>,
    /// Fields that the last line does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

impl Outcome {
    /// Expected lines that were not found, or lines too many as a negative number; 0 for a peer that writes nothing.
    #[must_use]
    pub fn lost(&self) -> i64 {
        self.found
            .map_or(0, |found| self.measured.expected as i64 - found as i64)
    }
}

/// Everything that was measured, in order.
#[derive(Debug, Default)]
pub struct Results(pub Vec<Outcome>);

/// Median and range of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The median; the mean of the middle two for an even number.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// How many there were.
    pub count: usize,
}

impl Spread {
    /// Median and range of `values`; nothing for none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let count = values.len();
        let (low, high) = (values.get(count.checked_sub(1)? / 2)?, values.get(count / 2)?);
        Some(Self {
            median: f64::midpoint(*low, *high),
            min: *values.first()?,
            max: *values.last()?,
            count,
        })
    }
}

/// A figure of an outcome.
pub type Figure = fn(&Outcome) -> Option<f64>;

/// The figures that the tables and goals speak of.
pub mod figure {
    use super::Outcome;

    /// The median time of a call.
    #[must_use]
    pub fn p50(outcome: &Outcome) -> Option<f64> {
        Some(outcome.measured.figures?.p50)
    }

    /// The time that one call of a hundred exceeds.
    #[must_use]
    pub fn p99(outcome: &Outcome) -> Option<f64> {
        Some(outcome.measured.figures?.p99)
    }

    /// The time that one call of a thousand exceeds.
    #[must_use]
    pub fn p999(outcome: &Outcome) -> Option<f64> {
        Some(outcome.measured.figures?.p999)
    }

    /// The mean time.
    #[must_use]
    pub fn mean(outcome: &Outcome) -> Option<f64> {
        Some(outcome.measured.figures?.mean)
    }

    /// Events per second until synced.
    #[must_use]
    pub fn rate(outcome: &Outcome) -> Option<f64> {
        outcome.measured.rate
    }

    /// Nanoseconds per call of what is not audited, per scanned value, or for one more field.
    #[must_use]
    pub fn nanos(outcome: &Outcome) -> Option<f64> {
        outcome.measured.nanos
    }

    /// Nanoseconds per call of the loop and the call around, which were taken off [`nanos`].
    #[must_use]
    pub fn around(outcome: &Outcome) -> Option<f64> {
        outcome.measured.around
    }

    /// Processor nanoseconds of the whole process per event.
    #[must_use]
    pub fn processor(outcome: &Outcome) -> Option<f64> {
        outcome.measured.processor
    }

    /// Scanned megabytes (10^6 bytes) per second.
    #[must_use]
    pub fn megabytes(outcome: &Outcome) -> Option<f64> {
        Some(outcome.measured.bytes? * 1000.0 / outcome.measured.nanos?)
    }

    /// How many times as long a byte takes in the second size of a text as in the first.
    #[must_use]
    pub fn growth_to_second(outcome: &Outcome) -> Option<f64> {
        outcome.measured.growth.map(|[second, _]| second)
    }

    /// How many times as long a byte takes in the third size of a text as in the first.
    #[must_use]
    pub fn growth_to_third(outcome: &Outcome) -> Option<f64> {
        outcome.measured.growth.map(|[_, third]| third)
    }

    /// Share of the scanned values in which something was found.
    #[must_use]
    pub fn changed(outcome: &Outcome) -> Option<f64> {
        outcome.measured.changed
    }

    /// Allocations per call.
    #[must_use]
    pub fn allocations(outcome: &Outcome) -> Option<f64> {
        outcome.measured.allocations
    }

    /// Highest resident KiB over the process before the peer was started.
    #[must_use]
    pub fn growth_kib(outcome: &Outcome) -> Option<f64> {
        let memory = outcome.measured.memory?;
        Some(memory.peak_kib.saturating_sub(memory.before_kib) as f64)
    }

    /// Share of a core that the idle process uses.
    #[must_use]
    pub fn idle_share(outcome: &Outcome) -> Option<f64> {
        Some(outcome.measured.memory?.idle_share)
    }

    /// Instructions per call.
    #[must_use]
    pub fn instructions(outcome: &Outcome) -> Option<f64> {
        outcome.measured.instructions
    }
}

impl Results {
    /// Reads raw results that [`Results::append`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read or a line is not a result.
    pub fn load(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let lines = BufReader::new(file).lines();
        let outcomes = lines
            .map(|line| Ok(serde_json::from_str(&line?)?))
            .collect::<Result<_>>()?;
        Ok(Self(outcomes))
    }

    /// Keeps an outcome, and writes it to the raw results.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, raw: &mut File, outcome: Outcome) -> Result<()> {
        writeln!(raw, "{}", serde_json::to_string(&outcome)?)?;
        self.0.push(outcome);
        Ok(())
    }

    /// The outcome of this peer and case in this round.
    #[must_use]
    pub fn get(&self, peer: &str, case: &str, round: u32) -> Option<&Outcome> {
        let mut outcomes = self.0.iter();
        outcomes.find(|outcome| outcome.peer == peer && outcome.case == case && outcome.round == round)
    }

    /// How many rounds there are.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.0.iter().map(|outcome| outcome.round).max().unwrap_or(0)
    }

    /// Median and range of a figure over the rounds.
    #[must_use]
    pub fn spread(&self, peer: &str, case: &str, figure: Figure) -> Option<Spread> {
        let rounds = 1..=self.rounds();
        Spread::of(
            rounds
                .filter_map(|round| figure(self.get(peer, case, round)?))
                .collect(),
        )
    }

    /// Median and range of `combine(figure of a, figure of b)`, computed within each round.
    #[must_use]
    pub fn paired(
        &self,
        (peer_a, case_a): (&str, &str),
        (peer_b, case_b): (&str, &str),
        figure: Figure,
        combine: fn(f64, f64) -> f64,
    ) -> Option<Spread> {
        let in_round = |round| {
            let a = figure(self.get(peer_a, case_a, round)?)?;
            let b = figure(self.get(peer_b, case_b, round)?)?;
            Some(combine(a, b))
        };
        Spread::of((1..=self.rounds()).filter_map(in_round).collect())
    }

    /// Events that this peer lost in this case, over all rounds.
    #[must_use]
    pub fn lost(&self, peer: &str, case: &str) -> i64 {
        let of = self
            .0
            .iter()
            .filter(|outcome| outcome.peer == peer && outcome.case == case);
        of.map(|outcome| outcome.lost().abs()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(round: u32, peer: &str, rate: f64) -> Outcome {
        let measured = Measured {
            expected: 10,
            rate: Some(rate),
            ..Measured::default()
        };
        Outcome {
            round,
            peer: peer.into(),
            case: "sat1".into(),
            measured,
            found: Some(9),
            bytes_per_line: None,
            missing: Vec::new(),
        }
    }

    #[test]
    fn ratios_are_taken_within_a_round_and_only_then_the_median() {
        let rates = [(1, 10.0, 1.0), (2, 4.0, 2.0), (3, 100.0, 20.0)];
        let both = |(round, a, b)| [outcome(round, "a", a), outcome(round, "b", b)];
        let results = Results(rates.into_iter().flat_map(both).collect());
        let ratio = results
            .paired(("a", "sat1"), ("b", "sat1"), figure::rate, |a, b| a / b)
            .unwrap();
        assert_eq!(
            (ratio.median, ratio.min, ratio.max, ratio.count),
            (5.0, 2.0, 10.0, 3)
        );
        assert_eq!(results.lost("a", "sat1"), 3);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(Spread::of(vec![4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
