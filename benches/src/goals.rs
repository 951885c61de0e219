//! The goals as data: what ours must reach against whom, and whether it did.

use crate::results::{Figure, Results, Spread, figure};
use crate::rounds::THREADS;

/// How a goal is judged.
#[derive(Debug, Clone, Copy)]
pub enum Measure {
    /// Theirs ÷ ours, within each round, then the median: times cheaper. At least the bound.
    Cheaper(Figure),
    /// Ours ÷ theirs, within each round, then the median: times faster. At least the bound.
    Faster(Figure),
    /// Ours alone; at most the bound.
    AtMost(Figure),
    /// Ours minus theirs, within each round, then the median; at most the bound.
    Over(Figure),
}

/// One goal.
#[derive(Debug, Clone, Copy)]
pub struct Goal {
    /// What is promised, in words.
    pub what: &'static str,
    /// Our variant.
    pub ours: &'static str,
    /// The rivals; the one with the best median counts. Empty for a figure that stands alone.
    pub theirs: &'static [&'static str],
    /// The case.
    pub case: &'static str,
    /// How it is judged.
    pub measure: Measure,
    /// The bound.
    pub bound: f64,
    /// A further bound that is wished for, not promised.
    pub aim: Option<f64>,
}

/// A goal with what was measured.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The goal.
    pub goal: Goal,
    /// The rival that counted.
    pub rival: &'static str,
    /// What was measured; nothing where a figure is missing or the rival lost events.
    pub reached: Option<Spread>,
}

/// The tracing peers with JSON output.
pub const TRACING_JSON: &[&str] = &[
    "fmtjson-nb",
    "fmtjson-syncbuf",
    "jsonsub-nbbuf",
    "jsonsub-syncbuf",
];

const JSONSUB_SCAN: &[&str] = &["jsonsub-nbbuf-scan", "jsonsub-syncbuf-scan"];

const JSONSUB: &[&str] = &["jsonsub-nbbuf", "jsonsub-syncbuf"];

const fn goal(
    what: &'static str,
    (ours, theirs): (&'static str, &'static [&'static str]),
    case: &'static str,
    measure: Measure,
    bound: f64,
) -> Goal {
    Goal {
        what,
        ours,
        theirs,
        case,
        measure,
        bound,
        aim: None,
    }
}

const fn aiming(goal: Goal, aim: f64) -> Goal {
    Goal {
        aim: Some(aim),
        ..goal
    }
}

const P50: Measure = Measure::Cheaper(figure::p50);
const P99: Measure = Measure::Cheaper(figure::p99);
const RATE: Measure = Measure::Faster(figure::rate);
const NANOS: Measure = Measure::Over(figure::nanos);
const INSTRUCTIONS: Measure = Measure::AtMost(figure::instructions);
const ALLOCATIONS: Measure = Measure::AtMost(figure::allocations);

/// Every goal that this program can judge.
pub const GOALS: &[Goal] = &[
    goal(
        "event in two spans, p50, times cheaper than fmt-JSON + non_blocking",
        ("audit", &["fmtjson-nb"]),
        "paced",
        P50,
        25.0,
    ),
    goal(
        "the same, than json-subscriber",
        ("audit", JSONSUB),
        "paced",
        P50,
        15.0,
    ),
    aiming(
        goal(
            "the same, than slog-async",
            ("audit", &["slog-async"]),
            "paced",
            P50,
            1.5,
        ),
        2.0,
    ),
    aiming(
        goal(
            "the same, than the channel baseline",
            ("audit", &["channel"]),
            "paced",
            P50,
            1.5,
        ),
        2.0,
    ),
    aiming(
        goal(
            "the same, than the channel baseline without our spans' fields",
            ("audit", &["channel-nospan"]),
            "paced",
            P50,
            1.5,
        ),
        2.0,
    ),
    aiming(
        goal(
            "no spans on either side, than the channel baseline",
            ("audit-nospan", &["channel-nospan"]),
            "paced",
            P50,
            1.5,
        ),
        2.0,
    ),
    goal(
        "event in two spans, p99, hot caller, times cheaper than the channel baseline",
        ("audit", &["channel"]),
        "hot",
        P99,
        10.0,
    ),
    goal(
        "the same, without our spans' fields in the baseline",
        ("audit", &["channel-nospan"]),
        "hot",
        P99,
        10.0,
    ),
    goal(
        "two spans + event, p50, times cheaper than json-subscriber",
        ("audit", JSONSUB),
        "paced-op",
        P50,
        7.0,
    ),
    aiming(
        goal(
            "event with message and ids, redacted, p50, times cheaper than fmt-JSON + non_blocking",
            ("audit-scan", &["fmtjson-nb-scan"]),
            "paced",
            P50,
            12.0,
        ),
        20.0,
    ),
    aiming(
        goal(
            "the same, than json-subscriber",
            ("audit-scan", JSONSUB_SCAN),
            "paced",
            P50,
            7.0,
        ),
        12.0,
    ),
    goal(
        "the same, allocations",
        ("audit-scan", &[]),
        "allocations-event",
        ALLOCATIONS,
        0.0,
    ),
    goal(
        "the same with its two spans, allocations",
        ("audit-scan", &[]),
        "allocations-op",
        ALLOCATIONS,
        0.0,
    ),
    goal(
        "instructions per event",
        ("audit", &[]),
        "callgrind-event",
        INSTRUCTIONS,
        1500.0,
    ),
    goal(
        "instructions per two spans + event",
        ("audit", &[]),
        "callgrind-op",
        INSTRUCTIONS,
        4500.0,
    ),
    goal(
        "allocations per typed event",
        ("audit-typed", &[]),
        "allocations-event",
        ALLOCATIONS,
        0.0,
    ),
    goal(
        "allocations per event",
        ("audit", &[]),
        "allocations-event",
        ALLOCATIONS,
        0.0,
    ),
    goal(
        "allocations per two spans + event",
        ("audit", &[]),
        "allocations-op",
        ALLOCATIONS,
        0.0,
    ),
    goal(
        "allocations per event with a Debug struct and 1 KiB of text",
        ("audit", &[]),
        "allocations-rich",
        ALLOCATIONS,
        0.0,
    ),
    goal(
        "disabled `debug!`, ns (its loop and call taken off)",
        ("wrapper", &[]),
        "foreign-disabled",
        Measure::AtMost(figure::nanos),
        1.0,
    ),
    goal(
        "foreign event, ns over the same stack without us",
        ("wrapper", &["empty"]),
        "foreign-event",
        NANOS,
        2.0,
    ),
    goal(
        "foreign span, ns over",
        ("wrapper", &["empty"]),
        "foreign-span",
        NANOS,
        10.0,
    ),
    goal(
        "foreign span with a lent field, ns over",
        ("wrapper-lend", &["empty"]),
        "foreign-span",
        NANOS,
        30.0,
    ),
    goal(
        "events/s until synced, 1 thread, times the best tracing JSON peer",
        ("audit", TRACING_JSON),
        "sat1",
        RATE,
        3.0,
    ),
    goal("the same, 2 threads", ("audit", TRACING_JSON), "sat2", RATE, 2.0),
    aiming(
        goal(
            "sealed, 1 thread, times ours unsealed",
            ("audit-sealed", &["audit"]),
            "sat1",
            RATE,
            0.4,
        ),
        0.5,
    ),
    goal(
        "sealed, 1 thread, times the best tracing JSON peer",
        ("audit-sealed", TRACING_JSON),
        "sat1",
        RATE,
        2.0,
    ),
    goal(
        "the same, 2 threads",
        ("audit-sealed", TRACING_JSON),
        "sat2",
        RATE,
        1.3,
    ),
    goal(
        "typed event, instructions, times cheaper than the macro's",
        ("audit-typed", &["audit"]),
        "callgrind-event",
        Measure::Cheaper(figure::instructions),
        1.0 / 1.05,
    ),
    goal(
        "no spans, 1 thread, times the channel baseline",
        ("audit-nospan", &["channel-nospan"]),
        "sat1",
        RATE,
        1.3,
    ),
    goal(
        "no spans, 2 threads, times the channel baseline",
        ("audit-nospan", &["channel-nospan"]),
        "sat2",
        RATE,
        1.3,
    ),
    goal(
        "idle writer, share of a core",
        ("audit", &[]),
        "memory-1e6",
        Measure::AtMost(figure::idle_share),
        0.005,
    ),
    // 1.25 × the default queue of 16 MiB, and 4 MB.
    goal(
        "growth over an idle process, KiB, 10^5 events",
        ("audit", &[]),
        "memory-1e5",
        Measure::AtMost(figure::growth_kib),
        24_386.0,
    ),
    goal(
        "the same, 10^6 events",
        ("audit", &[]),
        "memory-1e6",
        Measure::AtMost(figure::growth_kib),
        24_386.0,
    ),
];

/// The share of its one-thread speed below which ours must not fall with more threads.
pub const THREADS_BOUND: f64 = 0.65;

impl Goal {
    /// What was measured.
    #[must_use]
    pub fn judge(&self, results: &Results) -> Verdict {
        let (rival, reached) = match self.measure {
            Measure::AtMost(figure) => ("", results.spread(self.ours, self.case, figure)),
            Measure::Cheaper(figure) => {
                self.against(results, figure, |ours, theirs| theirs / ours.max(1.0), false)
            }
            Measure::Faster(figure) => self.against(results, figure, |ours, theirs| ours / theirs, true),
            Measure::Over(figure) => self.against(results, figure, |ours, theirs| ours - theirs, false),
        };
        Verdict {
            goal: *self,
            rival,
            reached,
        }
    }

    fn against(
        &self,
        results: &Results,
        figure: Figure,
        combine: fn(f64, f64) -> f64,
        more_is_better: bool,
    ) -> (&'static str, Option<Spread>) {
        let complete = self
            .theirs
            .iter()
            .copied()
            .filter(|peer| results.lost(peer, self.case) == 0);
        let median = |peer: &str| {
            results
                .spread(peer, self.case, figure)
                .map(|spread| spread.median)
        };
        let mut ranked: Vec<_> = complete.filter_map(|peer| Some((median(peer)?, peer))).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let best = if more_is_better {
            ranked.last()
        } else {
            ranked.first()
        };
        let Some((_, rival)) = best.copied() else {
            return ("", None);
        };
        (
            rival,
            results.paired((self.ours, self.case), (rival, self.case), figure, combine),
        )
    }
}

impl Verdict {
    /// Whether the median reaches the bound; nothing where it was not measured.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        self.reaches(self.goal.bound)
    }

    /// Whether the median reaches this bound.
    #[must_use]
    pub fn reaches(&self, bound: f64) -> Option<bool> {
        let median = self.reached?.median;
        Some(match self.goal.measure {
            Measure::Cheaper(_) | Measure::Faster(_) => median >= bound,
            Measure::AtMost(_) | Measure::Over(_) => median <= bound,
        })
    }
}

/// For each number of threads above one: our speed ÷ our speed on one thread, within each round.
#[must_use]
pub fn threads(results: &Results, peer: &str) -> Vec<(u64, Option<Spread>)> {
    let more = THREADS.into_iter().filter(|threads| *threads > 1);
    let share = |threads| {
        let case = format!("sat{threads}");
        results.paired((peer, &case), (peer, "sat1"), figure::rate, |many, one| {
            many / one
        })
    };
    more.map(|threads| (threads, share(threads))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Latency, Measured, Outcome};

    fn outcome(round: u32, peer: &str, p50: f64, lost: u64) -> Outcome {
        let figures = Some(Latency {
            p50,
            ..Latency::default()
        });
        let mut outcome = Outcome::new(
            round,
            peer,
            "paced",
            Measured {
                expected: 9,
                figures,
                ..Measured::default()
            },
        );
        outcome.found = Some(9 - lost);
        outcome
    }

    #[test]
    fn the_best_rival_that_lost_nothing_counts() {
        let peers = [
            ("audit", 100.0, 0),
            ("jsonsub-nbbuf", 1600.0, 0),
            ("jsonsub-syncbuf", 900.0, 1),
        ];
        let outcomes = peers.map(|(peer, p50, lost)| outcome(1, peer, p50, lost));
        let verdict = GOALS[1].judge(&Results(outcomes.into()));
        assert_eq!(
            (verdict.rival, verdict.reached.unwrap().median),
            ("jsonsub-nbbuf", 16.0)
        );
        assert_eq!(verdict.holds(), Some(true));
        assert_eq!(verdict.reaches(17.0), Some(false));
    }

    #[test]
    fn a_goal_without_figures_is_neither_reached_nor_missed() {
        assert_eq!(GOALS[0].judge(&Results::default()).holds(), None);
    }
}
