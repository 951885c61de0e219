//! Lines under Python's eyes: PyPI's `rfc8785` writes every line byte for byte as we do, `jsonschema` accepts it.
//!
//! `TRACING_AUDIT_PYTHON` names an interpreter with the pinned packages; `cargo xtask` sets it up. Without it the
//! tests say aloud that they were skipped.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/records.rs"]
mod records;

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tracing_audit::record::{Record, Value};

const CANONICAL: &str = r#"
import json, sys
from importlib.metadata import version
import rfc8785
assert version("rfc8785") == "0.1.4", version("rfc8785")
count = 0
for line in sys.stdin.buffer:
    line = line[:-1]
    again = rfc8785.dumps(json.loads(line))
    assert again == line, f"{line!r}\n{again!r}"
    count += 1
print(count)
"#;

const SCHEMA: &str = r#"
import json, sys
from importlib.metadata import version
from jsonschema import Draft202012Validator
assert version("jsonschema") == "4.26.0", version("jsonschema")
with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
count = 0
for line in sys.stdin.buffer:
    errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(line))]
    assert not errors, f"{line!r}\n{errors}"
    count += 1
for breaking in ({"seq": -1}, {"later": 1}, {"time": "2026-11-21T09:00:00Z"}, {"schema": 2}, {"event": ""},
                 {"attributes": {"$int": "1"}}, {"attributes": {"v": {"$new": "1"}}}, {"attributes": {"v": 9007199254740992}},
                 {"actor": {}}, {"truncated": []}):
    assert not validator.is_valid({**json.loads(line), **breaking}), breaking
print(count)
"#;

/// Random records and each awkward value, one line each.
fn lines() -> (Vec<u8>, usize) {
    let mut runner = TestRunner::deterministic();
    let strategy = records::record();
    let random = (0..1_000).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let awkward = records::pool()
        .into_iter()
        .map(|value| Record::builder("e").attribute("v", value).build());
    let long = Record::builder("e")
        .attribute("long", "é\0😀".repeat(40_000))
        .attribute("list", Value::from(vec!["x".repeat(900); 200]))
        .build();
    let mut count = 0;
    let mut bytes = Vec::new();
    for record in random.chain(awkward).chain([long]) {
        bytes.extend_from_slice(&records::line(&record));
        bytes.push(b'\n');
        count += 1;
    }
    (bytes, count)
}

/// Runs a program over all lines; it prints how many it has seen.
fn check(package: &str, program: &str) {
    let Some(python) = std::env::var_os("TRACING_AUDIT_PYTHON") else {
        println!("SKIPPED: TRACING_AUDIT_PYTHON names no interpreter, so {package} has checked nothing");
        return;
    };
    let (lines, count) = lines();
    let mut child = Command::new(python)
        .args([
            "-c",
            program,
            concat!(env!("CARGO_MANIFEST_DIR"), "/docs/record.schema.json"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the interpreter that TRACING_AUDIT_PYTHON names can be started");
    let sent = child
        .stdin
        .take()
        .expect("a pipe was asked for")
        .write_all(&lines);
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("ModuleNotFoundError") {
        println!("SKIPPED: the interpreter has no {package}: {complaint}");
        return;
    }
    assert!(output.status.success(), "{complaint}");
    sent.expect("the program reads all lines");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), count.to_string());
}

#[test]
fn the_rfc8785_package_of_python_writes_every_line_as_we_do() {
    check("rfc8785", CANONICAL);
}

#[test]
fn the_published_schema_accepts_every_line_and_refuses_broken_ones() {
    check("jsonschema", SCHEMA);
}
