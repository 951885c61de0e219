//! `docs/benchmarks.md` from the results.

use std::fmt::Write as _;

use crate::foreign::{CASES, FORMS};
use crate::goals::{self, GOALS, Verdict};
use crate::machine;
use crate::peers::{PEERS, Spec};
use crate::results::{Figure, Results, Spread, figure};
use crate::rounds::{THREADS, TIMED};

const HEAD: &str = "\
# Benchmarks

Written by `bench all` (package `tracing-audit-benches`); do not edit.

One process per peer and case; within a round the order is shuffled; figures are medians (lowest–highest) of the rounds,
ratios are taken within each round and only then the median. *event*: ten fields, inside two already open spans of three
fields each; of the peers named `-scan`, with a message and an id for redaction to look into. *op*: two `#[instrument]` functions opened, the event, both closed. *paced*: bursts of 64, then 1 ms of
sleep. *hot*: bursts of 64, then 300 µs of spinning. *satN*: N threads report as fast as they can until everything is in
the file and fdatasync has returned; every queue is 8,192 deep and makes its callers wait. Lines are counted by another
process: a peer that lost events is shown and not compared. The timer's own cost is subtracted.

";

/// The document.
#[must_use]
pub fn document(results: &Results) -> String {
    let mut text = opening(HEAD, results, PEERS.iter().map(|spec| (spec.name, spec.about)));
    goals_table(&mut text, results);
    timed_tables(&mut text, results);
    rate_table(&mut text, results);
    advantage_table(&mut text, results);
    foreign_table(&mut text, results);
    counts_table(&mut text, results);
    memory_table(&mut text, results);
    complaints(&mut text, results);
    text
}

/// The machine, the rounds, and the peers with what they are.
pub(crate) fn opening<'p>(
    head: &str,
    results: &Results,
    peers: impl Iterator<Item = (&'p str, &'p str)>,
) -> String {
    let mut text = String::from(head);
    text.push_str(&machine::describe());
    let _ = writeln!(text, "\nRounds: {}.\n", results.rounds());
    text.push_str("| peer | what it is |\n|-|-|\n");
    for (name, about) in peers {
        let _ = writeln!(text, "| {name} | {about} |");
    }
    text
}

/// A figure with its range: as many digits as it deserves.
pub(crate) fn show(spread: Option<Spread>) -> String {
    let Some(Spread {
        median,
        min,
        max,
        count,
    }) = spread
    else {
        return "–".into();
    };
    if count == 1 {
        number(median)
    } else {
        format!("{} ({}–{})", number(median), number(min), number(max))
    }
}

pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        1000.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.1.. => format!("{value:.2}"),
        0.0 => "0".into(),
        _ => format!("{value:.4}"),
    }
}

fn ours(results: &Results) -> bool {
    results.0.iter().any(|outcome| outcome.peer.starts_with("audit"))
}

fn goals_table(text: &mut String, results: &Results) {
    text.push_str("\n## Goals\n\n");
    if !ours(results) {
        text.push_str("Ours was not part of this run, so no goal is judged.\n");
        return;
    }
    text.push_str("| figure | goal | measured | against | verdict |\n|-|-|-|-|-|\n");
    for goal in GOALS {
        let verdict = goal.judge(results);
        let sign = if matches!(
            goal.measure,
            goals::Measure::Cheaper(_) | goals::Measure::Faster(_)
        ) {
            "≥"
        } else {
            "≤"
        };
        let aim = goal
            .aim
            .map_or_else(String::new, |aim| format!(", aim {sign} {}", number(aim)));
        let _ = writeln!(
            text,
            "| {} | {sign} {}{aim} | {} | {} | {} |",
            goal.what,
            number(goal.bound),
            show(verdict.reached),
            verdict.rival,
            judged(&verdict),
        );
    }
    for (threads, share) in goals::threads(results, "audit") {
        let held = share.map(|share| share.median >= goals::THREADS_BOUND);
        let bound = goals::THREADS_BOUND;
        let _ = writeln!(
            text,
            "| {threads} threads ÷ 1 thread, events/s | ≥ {bound} | {} | itself | {} |",
            show(share),
            word(held),
        );
    }
    let lost: i64 = results
        .0
        .iter()
        .filter(|o| o.peer.starts_with("audit"))
        .map(|o| o.lost().abs())
        .sum();
    let _ = writeln!(
        text,
        "| events lost, all runs | ≤ 0 | {lost} | | {} |",
        word(Some(lost == 0))
    );
}

pub(crate) fn judged(verdict: &Verdict) -> String {
    let aim = verdict.goal.aim.and_then(|aim| verdict.reaches(aim));
    let aim = match aim {
        Some(true) => ", aim reached",
        Some(false) => ", aim missed",
        None => "",
    };
    format!("{}{aim}", word(verdict.holds()))
}

pub(crate) fn word(held: Option<bool>) -> &'static str {
    match held {
        Some(true) => "holds",
        Some(false) => "**missed**",
        None => "not measured",
    }
}

fn timed_tables(text: &mut String, results: &Results) {
    for case in TIMED {
        let present: Vec<&Spec> = peers_of(results, case);
        if present.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n## Time of a call, {case} (ns)\n");
        text.push_str("| peer | p50 | p99 | p99.9 | mean | bytes per line | lost |\n|-|-|-|-|-|-|-|\n");
        for spec in present {
            let column = |figure: Figure| show(results.spread(spec.name, case, figure));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                spec.name,
                column(figure::p50),
                column(figure::p99),
                column(figure::p999),
                column(figure::mean),
                show(results.spread(spec.name, case, |outcome| outcome.bytes_per_line)),
                lost(results, spec, case),
            );
        }
    }
}

fn peers_of(results: &Results, case: &str) -> Vec<&'static Spec> {
    let has = |spec: &&Spec| {
        results
            .0
            .iter()
            .any(|outcome| outcome.peer == spec.name && outcome.case == case)
    };
    PEERS.iter().filter(has).collect()
}

fn lost(results: &Results, spec: &Spec, case: &str) -> String {
    match results.lost(spec.name, case) {
        _ if !spec.writes => "–".into(),
        0 => "0".into(),
        lost => format!("**{lost}, not compared**"),
    }
}

fn rate_table(text: &mut String, results: &Results) {
    let cases = THREADS.map(|threads| format!("sat{threads}"));
    let mut rows = String::new();
    for spec in PEERS {
        let spreads = cases
            .iter()
            .map(|case| results.spread(spec.name, case, |o| Some(figure::rate(o)? / 1000.0)));
        let spreads: Vec<_> = spreads.collect();
        if spreads.iter().any(Option::is_some) {
            let columns: Vec<_> = spreads.into_iter().map(show).collect();
            let lost: i64 = cases.iter().map(|case| results.lost(spec.name, case)).sum();
            let lost = if lost == 0 {
                "0".into()
            } else {
                format!("**{lost}, not compared**")
            };
            let _ = writeln!(rows, "| {} | {} | {lost} |", spec.name, columns.join(" | "));
        }
    }
    if !rows.is_empty() {
        text.push_str("\n## Thousand events per second until fdatasync has returned\n\n");
        let _ = writeln!(
            text,
            "| peer | {} | lost |\n|-|-|-|-|-|-|-|\n{rows}",
            cases.join(" | ")
        );
    }
}

/// Ours against everybody in every case, the losing ones included.
fn advantage_table(text: &mut String, results: &Results) {
    if !ours(results) {
        return;
    }
    text.push_str("\n## Ours against each peer\n\nAbove 1 ours is better; a **bold** figure is a loss.\n\n");
    text.push_str("| peer | paced p50 | paced p99 | hot p50 | hot p99 | op p50 | sat1 | sat2 | sat16 |\n");
    text.push_str("|-|-|-|-|-|-|-|-|-|\n");
    let columns: [(&str, Figure, bool); 8] = [
        ("paced", figure::p50, false),
        ("paced", figure::p99, false),
        ("hot", figure::p50, false),
        ("hot", figure::p99, false),
        ("paced-op", figure::p50, false),
        ("sat1", figure::rate, true),
        ("sat2", figure::rate, true),
        ("sat16", figure::rate, true),
    ];
    for spec in PEERS
        .iter()
        .filter(|spec| spec.writes && !spec.name.starts_with("audit"))
    {
        let ours = match (spec.scanned(), spec.spans()) {
            (true, _) => "audit-scan",
            (false, true) => "audit",
            (false, false) => "audit-nospan",
        };
        let _ = write!(text, "| {} ÷ {ours} |", spec.name);
        for (case, figure, more_is_better) in columns {
            let _ = write!(
                text,
                " {} |",
                advantage(results, (ours, spec.name), case, figure, more_is_better)
            );
        }
        text.push('\n');
    }
}

fn advantage(
    results: &Results,
    (ours, peer): (&str, &str),
    case: &str,
    figure: Figure,
    more: bool,
) -> String {
    if results.lost(peer, case) != 0 {
        return "lossy".into();
    }
    let combine: fn(f64, f64) -> f64 = if more {
        |ours, theirs| ours / theirs
    } else {
        |ours, theirs| theirs / ours.max(1.0)
    };
    let spread = results.paired((ours, case), (peer, case), figure, combine);
    let shown = show(spread);
    if spread.is_some_and(|spread| spread.median < 1.0) {
        format!("**{shown}**")
    } else {
        shown
    }
}

fn foreign_table(text: &mut String, results: &Results) {
    let [disabled, event, span] = CASES.map(|(_, name)| format!("foreign-{name}"));
    let cases = [disabled, event, span];
    if results.spread("none", &cases[0], figure::nanos).is_none() {
        return;
    }
    text.push_str(
        "\n## What is not audited (ns per call; in brackets behind it, over the same stack without us)\n\n",
    );
    text.push_str(
        "The forms take turns, each in a process of its own; the others stand still meanwhile. Of a disabled `debug!` the loop \
         and the call around it are taken off, timed in the same turn.",
    );
    if let Some(around) = results.spread("wrapper", &cases[0], figure::around) {
        let _ = write!(text, " (With our wrapper they took {} ns.)", show(Some(around)));
    }
    text.push_str("\n\n");
    text.push_str("| form | what it is | disabled `debug!` | `info!` | `#[instrument]` |\n|-|-|-|-|-|\n");
    for form in FORMS {
        let _ = write!(text, "| {} | {} |", form.name, form.about);
        for case in &cases {
            let own = show(results.spread(form.name, case, figure::nanos));
            let over = results.paired(
                (form.name, case),
                (form.base, case),
                figure::nanos,
                |own, base| own - base,
            );
            let over = over.map_or_else(String::new, |over| format!(" [{:+.1}]", over.median));
            let _ = write!(text, " {own}{over} |");
        }
        text.push('\n');
    }
}

fn counts_table(text: &mut String, results: &Results) {
    let columns: [(&str, Figure); 5] = [
        ("callgrind-event", figure::instructions),
        ("callgrind-op", figure::instructions),
        ("allocations-event", figure::allocations),
        ("allocations-op", figure::allocations),
        ("allocations-rich", figure::allocations),
    ];
    let mut rows = String::new();
    for spec in PEERS {
        let shown = columns.map(|(case, figure)| results.spread(spec.name, case, figure));
        if shown.iter().any(Option::is_some) {
            let _ = writeln!(rows, "| {} | {} |", spec.name, shown.map(show).join(" | "));
        }
    }
    if !rows.is_empty() {
        text.push_str("\n## Instructions and allocations per call, caller's thread alone\n\n");
        text.push_str(
            "Instructions by callgrind, where it was there. Rich: a `Debug` struct and a text of 1 KiB.\n\n",
        );
        text.push_str(
            "| peer | instructions, event | op | allocations, event | op | rich |\n|-|-|-|-|-|-|\n",
        );
        text.push_str(&rows);
    }
}

fn memory_table(text: &mut String, results: &Results) {
    let mut rows = String::new();
    for spec in PEERS {
        let growth =
            ["memory-1e5", "memory-1e6"].map(|case| results.spread(spec.name, case, figure::growth_kib));
        if growth.iter().any(Option::is_some) {
            let idle = results.spread(spec.name, "memory-1e6", |o| Some(figure::idle_share(o)? * 100.0));
            let _ = writeln!(
                rows,
                "| {} | {} | {} |",
                spec.name,
                growth.map(show).join(" | "),
                show(idle)
            );
        }
    }
    if !rows.is_empty() {
        text.push_str("\n## Memory and idle time\n\n");
        text.push_str("Highest resident memory over the process before the peer was started, in KiB, and the share of\n");
        text.push_str("a core that the whole process uses in 10 s without an event.\n\n");
        text.push_str("| peer | 10^5 events | 10^6 events | idle, % |\n|-|-|-|-|\n");
        text.push_str(&rows);
    }
}

/// Comparisons that are unequal because a peer's lines do not carry what ours do.
fn complaints(text: &mut String, results: &Results) {
    let mut said: Vec<String> = Vec::new();
    for outcome in results.0.iter().filter(|outcome| !outcome.missing.is_empty()) {
        let line = format!(
            "- {} does not write: {}",
            outcome.peer,
            outcome.missing.join(", ")
        );
        if !said.contains(&line) {
            said.push(line);
        }
    }
    if !said.is_empty() {
        let _ = writeln!(text, "\n## Unequal\n\n{}", said.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Measured, Outcome};

    #[test]
    fn a_lossy_peer_is_shown_and_not_compared_and_a_loss_is_printed() {
        let outcome = |peer: &str, rate: f64, found: u64| {
            let measured = Measured {
                expected: 9,
                rate: Some(rate),
                ..Measured::default()
            };
            let mut outcome = Outcome::new(1, peer, "sat1", measured);
            outcome.found = Some(found);
            outcome
        };
        let results = Results(vec![
            outcome("audit", 1e6, 9),
            outcome("channel", 2e6, 9),
            outcome("slog-async", 9e6, 8),
        ]);
        let against = |peer| advantage(&results, ("audit", peer), "sat1", figure::rate, true);
        assert_eq!(against("channel"), "**0.50**");
        assert_eq!(against("slog-async"), "lossy");
        assert!(document(&results).contains("| slog-async | 9000 | – | – | – | – | **1, not compared** |"));
    }
}
