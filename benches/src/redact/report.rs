//! The section on redaction, from the results.

use std::fmt::Write as _;

use super::inputs::{ADVERSARIAL, COMMON, KIB, adversarial, growing};
use super::plan::{COUNTED, FIELDS, field_case};
use super::scanners::{AS_ONE, OURS, SCANNERS};
use crate::machine;
use crate::report::{number, show, word};
use crate::results::{Figure, Results, Spread, figure};

const HEAD: &str = "\
# Benchmarks of redaction

Written by `bench redact` (package `tracing-audit-benches`); do not edit.

One process per scanner and case; within a round the order is shuffled; figures are medians (lowest–highest) of the rounds,
ratios are taken within each round and only then the median. Each figure of a round is the median of up to 41 stretches.
Every scanner gets the same values, one field at a time, and makes the redacted text; the rivals have the same rules of our
own writing, which are fewer than what ours looks for. *harmless*: texts of 25 bytes. *ids*: short ids. *sensitive*: short
values with one secret, card, account, address or key each. *prose*: 1 MiB in lines, in fields of 4 KiB. MB are 10^6 bytes.

";

/// Time per byte may grow by half from the smallest to the largest adversarial text before it is called not linear.
const LINEAR: f64 = 1.5;

/// A goal of the section: what is promised, the bound, and what was measured.
struct Line {
    what: String,
    bound: f64,
    /// Whether more is better.
    more: bool,
    reached: Option<Spread>,
}

/// The section.
#[must_use]
pub fn section(results: &Results) -> String {
    let mut text = String::from(HEAD);
    text.push_str(&machine::describe());
    let _ = writeln!(text, "\nRounds: {}.\n", results.rounds());
    text.push_str("| scanner | what it is |\n|-|-|\n");
    for scanner in SCANNERS {
        let _ = writeln!(text, "| {} | {} |", scanner.name, scanner.about);
    }
    for scanner in SCANNERS.iter().filter(|scanner| !measured(results, scanner.name)) {
        let why = if scanner.skipped.is_empty() {
            "left out of this run"
        } else {
            scanner.skipped
        };
        let _ = writeln!(text, "\n**SKIPPED: {}: {why}.**", scanner.name);
    }
    goals(&mut text, results);
    short_values(&mut text, results);
    speeds(&mut text, results);
    linearity(&mut text, results);
    fields(&mut text, results);
    found(&mut text, results);
    text
}

fn measured(results: &Results, scanner: &str) -> bool {
    results.0.iter().any(|outcome| outcome.peer == scanner)
}

/// The rivals that were measured.
fn rivals(results: &Results) -> Vec<&'static str> {
    let names = SCANNERS.iter().map(|scanner| scanner.name);
    names
        .filter(|name| !matches!(*name, OURS | AS_ONE) && measured(results, name))
        .collect()
}

fn goals(text: &mut String, results: &Results) {
    text.push_str("\n## Goals\n\n| figure | goal | measured | verdict |\n|-|-|-|-|\n");
    for line in lines(results) {
        let reaches = |spread: Spread| {
            if line.more {
                spread.median >= line.bound
            } else {
                spread.median <= line.bound
            }
        };
        let sign = if line.more { "≥" } else { "≤" };
        let (bound, reached) = (number(line.bound), show(line.reached));
        let verdict = word(line.reached.map(reaches));
        let _ = writeln!(text, "| {} | {sign} {bound} | {reached} | {verdict} |", line.what);
    }
}

fn lines(results: &Results) -> Vec<Line> {
    let mut lines = speed_lines(results);
    lines.extend(field_lines(results));
    lines
}

fn at_most(results: &Results, what: &str, bound: f64, case: &str, figure: Figure) -> Line {
    Line {
        what: what.to_owned(),
        bound,
        more: false,
        reached: results.spread(OURS, case, figure),
    }
}

/// What a record's plan does once per callsite, `scan` does for each value: an empty one shows how much that is.
fn beyond_name(results: &Results, what: &str, bound: f64, cases: (&str, &str), figure: Figure) -> Line {
    Line {
        what: format!("{what}, over an empty value"),
        bound,
        more: false,
        reached: results.paired((OURS, cases.0), (OURS, cases.1), figure, |value, empty| {
            value - empty
        }),
    }
}

fn speed_lines(results: &Results) -> Vec<Line> {
    let slowest = |what: &str, scanner: &str, names: &[&'static str]| {
        let speed = |name: &str| results.spread(scanner, &adversarial(name, 64), figure::megabytes);
        let (name, reached) = worst(names, speed, false);
        Line {
            what: format!("{what}, MB/s (`{name}`)"),
            bound: 50.0,
            more: true,
            reached,
        }
    };
    let all = ADVERSARIAL.map(|(name, _)| name);
    let grows = |what: &str, figure| {
        let (name, reached) = worst(&all, |name| results.spread(OURS, &growing(name), figure), true);
        Line {
            what: format!("time per byte, {what}, the worst (`{name}`)"),
            bound: LINEAR,
            more: false,
            reached,
        }
    };
    let (harmless, both) = ("harmless text of 25 bytes", ("harmless", "empty"));
    vec![
        at_most(
            results,
            &format!("{harmless} and its field's name, ns"),
            100.0,
            "harmless",
            figure::nanos,
        ),
        beyond_name(
            results,
            &format!("{harmless} alone, ns"),
            100.0,
            both,
            figure::nanos,
        ),
        Line {
            what: "prose, MB/s".into(),
            bound: 250.0,
            more: true,
            reached: results.spread(OURS, "prose", figure::megabytes),
        },
        slowest("the slowest adversarial 64 KiB as one value", AS_ONE, &all),
        slowest(
            "the slowest of the common ones, in pieces of 16 KiB",
            OURS,
            &COMMON,
        ),
        slowest("the slowest of all, in pieces of 16 KiB", OURS, &all),
        grows("64 KiB in pieces ÷ 4 KiB", figure::growth_to_third),
        grows("16 KiB whole ÷ 4 KiB", figure::growth_to_second),
    ]
}

fn field_lines(results: &Results) -> Vec<Line> {
    let nanos = |what: &str, bound, added| {
        let what = format!("{what} inside a record, ns more");
        at_most(results, &what, bound, &field_case(added), figure::nanos)
    };
    let allocations = |added| {
        let what = format!("allocations, event with the field `{added}`");
        let case = format!("allocations-{}", field_case(added));
        at_most(results, &what, 0.0, &case, figure::allocations)
    };
    let scanned = |what: &str, case: &str| {
        let case = format!("allocations-{case}");
        let what = format!("allocations, {what}");
        let cases = (case.as_str(), "allocations-empty");
        beyond_name(results, &what, 0.0, cases, figure::allocations)
    };
    vec![
        nanos("an IP address pseudonymised", 250.0, "ip"),
        nanos("a field kept because of its type", 25.0, "number"),
        nanos("a field marked because of its name", 25.0, "secret"),
        allocations("number"),
        allocations("secret"),
        scanned("harmless text", "harmless"),
        scanned("id", "ids"),
        scanned("4 KiB of prose", "prose"),
    ]
}

/// Of the adversarial texts with these names, the one with the highest or the lowest median.
fn worst(
    names: &[&'static str],
    figure: impl Fn(&str) -> Option<Spread>,
    highest: bool,
) -> (&'static str, Option<Spread>) {
    let mut ranked: Vec<_> = names
        .iter()
        .filter_map(|name| Some((*name, figure(name)?)))
        .collect();
    ranked.sort_by(|a, b| a.1.median.total_cmp(&b.1.median));
    let worst = if highest { ranked.last() } else { ranked.first() };
    worst.map_or(("none", None), |(name, spread)| (name, Some(*spread)))
}

/// Ours over each rival; above 1 ours is better.
fn advantages(results: &Results, case: &str, figure: Figure, more: bool) -> Vec<String> {
    let combine: fn(f64, f64) -> f64 = if more {
        |ours, theirs| ours / theirs
    } else {
        |ours, theirs| theirs / ours
    };
    let shown = |rival| {
        let spread = results.paired((OURS, case), (rival, case), figure, combine);
        let text = show(spread);
        if spread.is_some_and(|spread| spread.median < 1.0) {
            format!("**{text}**")
        } else {
            text
        }
    };
    rivals(results).into_iter().map(shown).collect()
}

/// A table: for each case the figure of every scanner, then ours over each rival.
fn compared(text: &mut String, results: &Results, cases: &[String], figure: Figure, more: bool) {
    let rivals = rivals(results);
    let over: Vec<_> = rivals.iter().map(|rival| format!("audit over {rival}")).collect();
    let heads: Vec<_> = [OURS].into_iter().chain(rivals.iter().copied()).collect();
    let _ = writeln!(text, "| | {} | {} |", heads.join(" | "), over.join(" | "));
    let _ = writeln!(text, "|-|{}", "-|".repeat(heads.len() + over.len().max(1)));
    for case in cases {
        let figures: Vec<_> = heads
            .iter()
            .map(|name| show(results.spread(name, case, figure)))
            .collect();
        let over = advantages(results, case, figure, more);
        let _ = writeln!(
            text,
            "| `{case}` | {} | {} |",
            figures.join(" | "),
            over.join(" | ")
        );
    }
}

fn short_values(text: &mut String, results: &Results) {
    text.push_str("\n## Time of a short value (ns)\n\n");
    text.push_str("The empty value shows what `scan` spends on the field's name, which it knows from the call before; a record's plan asks once per callsite.\n");
    text.push_str("Behind it: how many times cheaper ours is; a **bold** figure is a loss.\n\n");
    let cases = ["empty", "harmless", "ids", "sensitive"].map(str::to_owned);
    compared(text, results, &cases, figure::nanos, false);
}

fn speeds(text: &mut String, results: &Results) {
    text.push_str("\n## Speed of long values (MB/s)\n\n");
    text.push_str("Ours scans at most 16 KiB of a value: 64 KiB are given to it in four pieces of 16 KiB, to the rivals whole.\n");
    text.push_str("Behind it: how many times faster ours is; a **bold** figure is a loss.\n\n");
    let hard = ADVERSARIAL
        .iter()
        .flat_map(|(name, _)| KIB.map(|kib| adversarial(name, kib)));
    let cases: Vec<_> = ["prose".to_owned()].into_iter().chain(hard).collect();
    compared(text, results, &cases, figure::megabytes, true);
}

fn linearity(text: &mut String, results: &Results) {
    text.push_str("\n## Time per byte, 64 KiB ÷ 4 KiB\n\n");
    text.push_str("1 is linear. The sizes are scanned in turn in one process, as many bytes of each; a round's figure is the median of up to 41 turns. Ours is in pieces of 16 KiB at 64 KiB, so its first column says how it grows within one value.\n\n");
    let rivals = rivals(results);
    let heads: Vec<_> = rivals.iter().map(|name| format!(" {name} |")).collect();
    let _ = writeln!(text, "| | audit, 16 ÷ 4 KiB | audit |{}", heads.concat());
    let _ = writeln!(text, "|-|-|-|{}", "-|".repeat(rivals.len()));
    for (name, _) in ADVERSARIAL {
        let case = growing(name);
        let whole = show(results.spread(OURS, &case, figure::growth_to_second));
        let names = [OURS].into_iter().chain(rivals.iter().copied());
        let columns: Vec<_> = names
            .map(|scanner| show(results.spread(scanner, &case, figure::growth_to_third)))
            .collect();
        let _ = writeln!(text, "| `{name}` | {whole} | {} |", columns.join(" | "));
    }
}

fn fields(text: &mut String, results: &Results) {
    text.push_str("\n## One more field in an event of five, through the layer\n\n");
    text.push_str("Bursts of 64 events without and with it in turn, 300 µs of spinning between them; the median difference.\n\n");
    text.push_str("| field | ns more | allocations of the whole event |\n|-|-|-|\n");
    for (added, trace) in FIELDS {
        let case = field_case(added);
        let nanos = show(results.spread(OURS, &case, figure::nanos));
        let allocations = show(results.spread(OURS, &format!("allocations-{case}"), figure::allocations));
        let _ = writeln!(
            text,
            "| {added} (in the line: `{trace}`) | {nanos} | {allocations} |"
        );
    }
}

fn found(text: &mut String, results: &Results) {
    text.push_str("\n## What each finds, and allocations per value\n\n");
    text.push_str("The share of the values in which something was cut: a fast scanner that finds nothing is no rival.\n\n");
    let heads = COUNTED.map(|case| format!(" {case}, cut % |")).concat()
        + &COUNTED.map(|case| format!(" {case}, allocations |")).concat();
    let _ = writeln!(text, "| scanner |{heads}\n|-|{}", "-|".repeat(2 * COUNTED.len()));
    let short = SCANNERS.iter().filter(|scanner| scanner.name != AS_ONE);
    for scanner in short.filter(|scanner| measured(results, scanner.name)) {
        let cut = COUNTED.map(|case| {
            show(results.spread(scanner.name, case, |outcome| {
                Some(figure::changed(outcome)? * 100.0)
            }))
        });
        let made = COUNTED.map(|case| {
            show(results.spread(scanner.name, &format!("allocations-{case}"), figure::allocations))
        });
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            scanner.name,
            cut.join(" | "),
            made.join(" | ")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Measured, Outcome};

    fn scanned(peer: &str, case: &str, nanos: f64, bytes: f64) -> Outcome {
        let measured = Measured {
            nanos: Some(nanos),
            bytes: Some(bytes),
            ..Measured::default()
        };
        Outcome::new(1, peer, case, measured)
    }

    fn grown(name: &str, growth: [f64; 2]) -> Outcome {
        let measured = Measured {
            growth: Some(growth),
            ..Measured::default()
        };
        Outcome::new(1, OURS, &growing(name), measured)
    }

    #[test]
    fn the_slowest_text_is_named_a_loss_is_printed_and_who_was_not_measured_is_said_aloud() {
        let results = Results(vec![
            scanned("audit", "hex 64 KiB", 65536.0 * 25.0, 65536.0),
            scanned("audit", "a@ 64 KiB", 65536.0 * 2.0, 65536.0),
            scanned("audit", "token:  64 KiB", 65536.0 * 50.0, 65536.0),
            scanned("audit-as-one", "token:  64 KiB", 65536.0 * 12.5, 65536.0),
            scanned("audit", "harmless", 100.0, 25.0),
            scanned("regex-set", "harmless", 50.0, 25.0),
            grown("a=", [1.25, 1.75]),
            grown("eyJ", [1.0, 1.0]),
        ]);
        let text = section(&results);
        let said = |line: &str| assert!(text.contains(line), "{line} is not in {text}");
        said("common ones, in pieces of 16 KiB, MB/s (`hex`) | ≥ 50.0 | 40.0 | **missed** |");
        said("of all, in pieces of 16 KiB, MB/s (`token: `) | ≥ 50.0 | 20.0 | **missed** |");
        said("as one value, MB/s (`token: `) | ≥ 50.0 | 80.0 | holds |");
        said("| harmless text of 25 bytes and its field's name, ns | ≤ 100.0 | 100.0 | holds |");
        said("64 KiB in pieces ÷ 4 KiB, the worst (`a=`) | ≤ 1.50 | 1.75 | **missed** |");
        said("16 KiB whole ÷ 4 KiB, the worst (`a=`) | ≤ 1.50 | 1.25 | holds |");
        said("| prose, MB/s | ≥ 250.0 | – | not measured |");
        said("| `harmless` | 100.0 | 50.0 | **0.50** |");
        said("**SKIPPED: regex-many: left out of this run.**");
    }
}
