//! The section on OTLP, from the results.

use std::fmt::Write as _;

use super::hole::{ALONE, BUSY, HOLES};
use super::peers::{DIRECT, JOURNAL, LARGE, PACKINGS, PEERS, RIVALS};
use super::plan::{COUNTED, PACED};
use crate::goals::{Goal, Measure};
use crate::report::{judged, number, opening, show, word};
use crate::results::{Figure, Results, Spread, figure};

const HEAD: &str = "\
# Benchmarks of OTLP

Written by `bench otlp` (package `tracing-audit-benches`); do not edit.

One sender and one receiver process per peer and packing, over OTLP/HTTP with protobuf; within a round the order is
shuffled; figures are medians (lowest–highest) of the rounds, ratios are taken within each round and only then the median.
One thread reports events of ten fields, without spans, as fast as it can. The receiver's clock runs from before the first
event until it has decoded the last one: it goes through every field of every record, checks every text and copies nothing,
so that not the receiver is what is measured; it counts each event once, and has OpenTelemetry's own reader look for its ten
values in the first event of every request. What a peer adds is its own affair: ours adds id, sequence number, stream and more
to each record. In the cases that end in `-late` the receiver only reads and answers, and OpenTelemetry's own reader decodes all
of it when all is over: the time to the last byte is then the sender's alone. With `gzip` only the format is the same: the
rivals pack at level 6, which cannot be set, and ours at level 1; the case `none` compares without that. Both processes share
the machine, so what a receiver needs is taken from the sender: their processor times stand beside the rates. A peer that lost
events is shown and not compared; of the rivals the best that lost none counts.

";

/// A caller beside a collector that never answers may need so many times what it needs without one.
const BESIDE: f64 = 1.05;

fn goals() -> Vec<Goal> {
    let ours = [
        (
            DIRECT,
            "first event to last record decoded, no journal, times the SDK's batch processor",
        ),
        (LARGE, "the same with larger requests"),
        (JOURNAL, "the first behind a sealed journal"),
    ];
    let goal = |(ours, what), case| Goal {
        what,
        ours,
        theirs: RIVALS,
        case,
        measure: Measure::Faster(figure::rate),
        bound: 3.0,
        aim: Some(8.0),
    };
    PACKINGS
        .into_iter()
        .flat_map(|case| ours.map(|ours| goal(ours, case)))
        .collect()
}

/// The section.
#[must_use]
pub fn section(results: &Results) -> String {
    let mut text = opening(HEAD, results, PEERS.iter().map(|peer| (peer.name, peer.about)));
    goals_table(&mut text, results);
    for packing in PACKINGS {
        peers_table(&mut text, results, packing);
    }
    holes_table(&mut text, results);
    text
}

fn goals_table(text: &mut String, results: &Results) {
    text.push_str("\n## Goals\n\n| figure | goal | measured | against | verdict |\n|-|-|-|-|-|\n");
    for goal in goals() {
        let verdict = goal.judge(results);
        let aim = goal
            .aim
            .map_or_else(String::new, |aim| format!(", aim ≥ {}", number(aim)));
        let _ = writeln!(
            text,
            "| {}, `{}` | ≥ {}{aim} | {} | {} | {} |",
            goal.what,
            goal.case,
            number(goal.bound),
            show(verdict.reached),
            verdict.rival,
            judged(&verdict)
        );
    }
    let lost: i64 = PACKINGS
        .into_iter()
        .flat_map(|case| [DIRECT, LARGE, JOURNAL].map(|peer| results.lost(peer, case)))
        .sum();
    let were_run = results
        .0
        .iter()
        .any(|outcome| [DIRECT, LARGE, JOURNAL].contains(&outcome.peer.as_str()));
    let _ = writeln!(
        text,
        "| events lost by ours, all runs | ≤ 0 | {lost} | | {} |",
        word(were_run.then_some(lost == 0))
    );
    for hole in HOLES {
        let figures: [(&str, Figure); 2] = [("p50", figure::p50), ("p99", figure::p99)];
        for (name, figure) in figures {
            let what = format!("a caller's {name}, collector never answers (`{hole}`) ÷ no collector");
            beside(text, &what, BESIDE, ratio(results, hole, PACED, figure));
        }
        let what = format!("an event's instructions, the same (`{hole}`)");
        beside(
            text,
            &what,
            1.0,
            ratio(results, hole, COUNTED, figure::instructions),
        );
    }
    let seen = ratio(results, BUSY, PACED, figure::p50);
    let (is_seen, seen) = (seen.map(|seen| seen.median > BESIDE), shown(seen));
    let _ = writeln!(
        text,
        "| the control: a caller's p50 beside threads that never rest (`{BUSY}`) | > {BESIDE} | {seen} | {ALONE} | {} |",
        word(is_seen)
    );
}

fn ratio(results: &Results, hole: &str, case: &str, figure: Figure) -> Option<Spread> {
    results.paired((hole, case), (ALONE, case), figure, |hole, alone| hole / alone)
}

fn beside(text: &mut String, what: &str, bound: f64, ratio: Option<Spread>) {
    // Two counts of the same work differ by some ten thousandths: queues meet their ends at other places.
    let holds = ratio.map(|ratio| ratio.median <= bound + 0.001);
    let _ = writeln!(
        text,
        "| {what} | ≤ {bound} | {} | {ALONE} | {} |",
        shown(ratio),
        word(holds)
    );
}

fn shown(ratio: Option<Spread>) -> String {
    ratio.map_or_else(
        || "–".to_owned(),
        |ratio| format!("{:.3} ({:.3}–{:.3})", ratio.median, ratio.min, ratio.max),
    )
}

fn peers_table(text: &mut String, results: &Results, case: &str) {
    let _ = writeln!(text, "\n## Compression: {case}\n");
    text.push_str(
        "| peer | events/s until decoded | s until reported | processor ns/event, sender | receiver | bytes/event on the wire | lost, all rounds | `",
    );
    let _ = writeln!(
        text,
        "{DIRECT}` over it | `{JOURNAL}` over it |\n|-|-|-|-|-|-|-|-|-|"
    );
    for peer in PEERS {
        let lost = results.lost(peer.name, case);
        let over = |ours| {
            if lost > 0 || results.lost(ours, case) > 0 {
                return "not compared".to_owned();
            }
            show(
                results.paired((ours, case), (peer.name, case), figure::rate, |ours, theirs| {
                    ours / theirs
                }),
            )
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {lost} | {} | {} |",
            peer.name,
            show(results.spread(peer.name, case, figure::rate)),
            show(results.spread(peer.name, case, |outcome| outcome.measured.submitted_seconds)),
            show(results.spread(peer.name, case, figure::processor)),
            show(results.spread(peer.name, case, |outcome| outcome.measured.receiver)),
            show(results.spread(peer.name, case, |outcome| outcome.bytes_per_line)),
            over(DIRECT),
            over(JOURNAL)
        );
    }
}

fn holes_table(text: &mut String, results: &Results) {
    text.push_str("\n## A caller beside a collector that never answers\n\n");
    text.push_str("Bursts of 64 events, then 1 ms of sleep, into a journal; the sink's request is under way all the time. The callers take\n");
    text.push_str("turns of 16 bursts, each in a process of its own; the others stand still meanwhile.\n\n");
    text.push_str("| | p50, ns | p99, ns | instructions/event |\n|-|-|-|-|\n");
    for caller in [ALONE].into_iter().chain(HOLES).chain([BUSY]) {
        let _ = writeln!(
            text,
            "| {caller} | {} | {} | {} |",
            show(results.spread(caller, PACED, figure::p50)),
            show(results.spread(caller, PACED, figure::p99)),
            show(results.spread(caller, COUNTED, figure::instructions))
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Measured, Outcome};

    fn outcome(peer: &str, rate: f64, lost: u64) -> Outcome {
        let measured = Measured {
            expected: 100,
            rate: Some(rate),
            ..Measured::default()
        };
        let mut outcome = Outcome::new(1, peer, "gzip", measured);
        outcome.found = Some(100 - lost);
        outcome
    }

    #[test]
    fn who_loses_events_is_shown_and_the_best_of_the_others_counts() {
        let results = Results(vec![
            outcome(DIRECT, 800.0, 0),
            outcome("appender-default", 400.0, 30),
            outcome("appender-8192", 50.0, 0),
            outcome("appender-generous", 100.0, 0),
        ]);
        let text = section(&results);
        let said = |line: &str| assert!(text.contains(line), "{line} is not in {text}");
        said("`gzip` | ≥ 3.00, aim ≥ 8.00 | 8.00 | appender-generous | holds, aim reached |");
        said("| appender-default | 400.0 | – | – | – | – | 30 | not compared | not compared |");
        said("| events lost by ours, all runs | ≤ 0 | 0 | | holds |");
        said("(`hole-grpc`) | ≤ 1 | – | journal | not measured |");
    }
}
