//! `cargo xtask test`: every test of the workspace, one closing line over all of them.

use std::fs;
use std::process::{Command, ExitStatus};

use crate::sh::{Outcome, cargo, output, root, tee};
use crate::tally::Tally;
use crate::tools::Tools;

/// What a test prints, at the beginning of a line, when it could not test for want of a tool.
const SKIPPED: &str = "SKIPPED: ";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let quick = match arguments {
        [] => false,
        [flag] if flag == "--quick" => true,
        _ => return Err(format!("unknown arguments {arguments:?}; there is only --quick")),
    };
    let tools = Tools::find(!quick);
    let mut total = Tally {
        skipped: tools.missing.len() as u64,
        ..Tally::default()
    };
    let mut skips: Vec<String> = tools
        .missing
        .iter()
        .map(|what| format!("{SKIPPED}{what}"))
        .collect();

    let nextest = output(&mut cargo(&["nextest", "--version"])).is_ok();
    let (tally, said) = if nextest {
        with_nextest(&tools, quick)?
    } else {
        with_cargo_test(&tools, quick)?
    };
    total.add(tally);
    skips.extend(said);

    // Doctests are compiled one by one, and nextest does not run them.
    let mut doctests = prepared(
        &["test", "--doc", "--workspace", "--all-features", "--no-fail-fast"],
        &tools,
        quick,
    );
    let (status, said) = tee(&mut doctests)?;
    total.add(judged(status, Tally::of_cargo_test(&said)));

    skips.sort();
    println!();
    for skip in &skips {
        println!("{skip}");
    }
    println!("{total}");
    match (total.failed, total.passed) {
        (0, 0) => Err("no test was run".into()),
        (0, _) => Ok(()),
        (failed, _) => Err(format!("{failed} failed")),
    }
}

/// Cargo with what tests look for in their environment.
fn prepared(arguments: &[&str], tools: &Tools, quick: bool) -> Command {
    let mut command = cargo(arguments);
    if quick {
        // Slow tests look for this and step aside; the peers that benchmarks compare with take minutes to compile.
        command
            .env("TRACING_AUDIT_QUICK", "1")
            .args(["--exclude", "tracing-audit-benches"]);
    }
    if let Some(python) = &tools.python {
        command.env("TRACING_AUDIT_PYTHON", python);
    }
    if let Some(peers) = &tools.peers {
        command.env("TRACING_AUDIT_PEERS", peers);
    }
    if let Some(tlog) = &tools.tlog {
        command.env("TRACING_AUDIT_TLOG", tlog);
    }
    if let Some(clickhouse) = &tools.clickhouse {
        command.env("TRACING_AUDIT_CLICKHOUSE", clickhouse);
    }
    if let Some(page) = &tools.page {
        command.env("TRACING_AUDIT_PAGE_MODULES", page);
    }
    command
}

fn with_nextest(tools: &Tools, quick: bool) -> Outcome<(Tally, Vec<String>)> {
    // Nextest keeps its reports here whatever the folder that cargo builds into.
    let report = root().join("target/nextest/default/junit.xml");
    // A report of an earlier run must not speak for this one.
    let _absent = fs::remove_file(&report);
    let mut command = prepared(
        &[
            "nextest",
            "run",
            "--workspace",
            "--all-features",
            "--no-fail-fast",
        ],
        tools,
        quick,
    );
    let (status, said) = tee(command.args(["--status-level", "slow", "--final-status-level", "slow"]))?;
    let mut tally = judged(status, Tally::of_nextest(&said));
    // Nextest shows nothing of a test that passed; its report (.config/nextest.toml) keeps what the test printed.
    let skips = skips(&fs::read_to_string(&report).unwrap_or_default());
    tally.skip(skips.len() as u64);
    Ok((tally, skips))
}

fn with_cargo_test(tools: &Tools, quick: bool) -> Outcome<(Tally, Vec<String>)> {
    let arguments = [
        "test",
        "--workspace",
        "--all-features",
        "--no-fail-fast",
        "--lib",
        "--bins",
        "--tests",
    ];
    let mut command = prepared(&arguments, tools, quick);
    let (status, said) = tee(command.args(["--", "--show-output", "--test-threads=2"]))?;
    let mut tally = judged(status, Tally::of_cargo_test(&said));
    let skips = skips(&said);
    tally.skip(skips.len() as u64);
    Ok((tally, skips))
}

/// The lines by which tests say that they were skipped.
fn skips(said: &str) -> Vec<String> {
    let lines = said
        .lines()
        .filter_map(|line| Some(line.get(line.find(SKIPPED)?..)?.trim_end().to_owned()));
    lines.filter(|line| line.len() > SKIPPED.len()).collect()
}

/// A runner that ended badly without a count, or with a count that has no failure, failed all the same.
fn judged(status: ExitStatus, tally: Option<Tally>) -> Tally {
    let mut tally = tally.unwrap_or_default();
    if !status.success() && tally.failed == 0 {
        tally.failed = 1;
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_test_says_about_being_skipped_is_found_in_a_report() {
        let report =
            "<system-out>running 1 test\nSKIPPED: no duckdb\n</system-out>\n<system-err>SKIPPED: no jq\n";
        assert_eq!(skips(report), ["SKIPPED: no duckdb", "SKIPPED: no jq"]);
        assert!(skips("nothing SKIPPED here").is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_runner_that_ended_badly_counts_as_a_failure() {
        use std::os::unix::process::ExitStatusExt;
        let (good, bad) = (ExitStatus::from_raw(0), ExitStatus::from_raw(256));
        let some = Tally {
            passed: 3,
            ..Tally::default()
        };
        assert_eq!(judged(good, Some(some)), some);
        assert_eq!(judged(bad, Some(some)).failed, 1);
        assert_eq!(judged(bad, None).failed, 1);
        assert_eq!(judged(good, None), Tally::default());
    }
}
