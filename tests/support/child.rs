//! Children that write a trail and end in their own way: their side, and what their parent reads of them.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tracing::info;
use tracing_audit::config::Mode;
use tracing_audit::{Audit, AuditBuilder, AuditedExt};
use tracing_subscriber::prelude::*;

use crate::torture;

/// Where a child writes.
const DIRECTORY: &str = "TRACING_AUDIT_TORTURE_DIRECTORY";

/// What a child says when it has come to its halt.
const HALTED: &str = "halted";

/// A child for `scenario` of `test` that writes to `directory`.
pub(crate) fn in_directory(test: &str, scenario: &str, directory: &Path) -> Command {
    let mut child = torture::child(test, scenario);
    child.env(DIRECTORY, directory);
    child
}

/// The directory that the parent named.
pub(crate) fn directory() -> PathBuf {
    PathBuf::from(std::env::var_os(DIRECTORY).expect("the parent names a directory"))
}

/// A trail in that directory, under the global dispatcher.
pub(crate) fn start() -> Audit {
    start_with(|builder| builder)
}

pub(crate) fn start_with(set: impl FnOnce(AuditBuilder) -> AuditBuilder) -> Audit {
    let audit = Audit::builder()
        .directory(directory())
        .service("torture")
        .mode_of_event("at.once", Mode::Durable);
    let audit = set(audit).start().expect("it starts");
    tracing_subscriber::registry().audited(&audit).init();
    audit
}

/// Reports records with these numbers.
pub(crate) fn report(numbers: std::ops::Range<usize>) {
    for n in numbers {
        info!(target: "audit", n, "acknowledged");
    }
}

/// Tells the parent that it has come this far, and goes on.
pub(crate) fn pass() {
    let mut output = std::io::stdout();
    // Once the parent has heard it, nobody listens any more.
    let _ = writeln!(output, "{HALTED}").and_then(|()| output.flush());
}

/// Tells the parent that all is done, and does nothing more until the parent ends this process.
pub(crate) fn halt() -> ! {
    pass();
    let _nothing = std::io::stdin().read_to_end(&mut Vec::new());
    // The parent is gone.
    std::process::exit(0);
}

/// Starts a child and waits until it has come to its [`halt`]. It stays there: its standard input is held open.
pub(crate) fn halted(mut command: Command) -> Child {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary can be started");
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    // The name of the test stands in the same line where the harness has written it first.
    while let Some(Ok(line)) = lines.next() {
        if line.ends_with(HALTED) {
            return child;
        }
        said.push_str(&line);
        said.push('\n');
    }
    panic!("the child ended before its halt: {:?}\n{said}", child.wait());
}

/// A stretch of equal lines: what they say, and how many they are.
pub(crate) type Run = (String, usize);

/// What a journal says from its beginning to its end: the control records by their event, the others by their summary or
/// event. Checks that every line is whole, that `seq` goes on without a hole, and that the records of [`report`] are
/// there once each, in their order.
#[track_caller]
pub(crate) fn story(directory: &Path) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut acknowledged = 0;
    for (seq, line) in torture::journal(directory).iter().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(line["seq"], seq, "no number is left out or used twice");
        let what = line["summary"].as_str().or(line["event"].as_str());
        let what = what.expect("a record says what happened").to_owned();
        if what == "acknowledged" {
            assert_eq!(line["attributes"]["n"], acknowledged, "records keep their order");
            acknowledged += 1;
        }
        match runs.last_mut() {
            Some((last, count)) if *last == what => *count += 1,
            _ => runs.push((what, 1)),
        }
    }
    runs
}

/// [`story`], as a test states what it expects.
#[track_caller]
pub(crate) fn tells(directory: &Path, expected: &[(&str, usize)], scenario: &str) {
    let found = story(directory);
    let found: Vec<_> = found
        .iter()
        .map(|(what, count)| (what.as_str(), *count))
        .collect();
    assert_eq!(found, expected, "{scenario}");
}
