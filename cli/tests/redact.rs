//! `tracing-audit redact` as a process: a value per line in, what a trail would show out.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Runs `redact` over `input`.
fn redact(input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tracing-audit"))
        .arg("redact")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("read");
    drop(stdin);
    child.wait_with_output().expect("ends")
}

#[test]
fn redact_answers_each_line_in_order_and_leaves_harmless_values_whole() {
    let lines = r#"{"id":7,"field":"message","value":"connect with password=hunter2 now"}
{"id":"b","field":"message","value":"the password policy was changed","tier":1}"#;
    let output = redact(lines);
    let answers = stdout(&output);
    assert!(!answers.contains("hunter2"), "{answers}");
    let mut answers = answers.lines();
    let first = answers.next().expect("an answer");
    assert!(
        first.contains(r#""id":7"#) && first.contains(r#""redactions":1"#),
        "{first}"
    );
    let second = answers.next().expect("an answer");
    assert!(second.contains("the password policy was changed"), "{second}");
    assert!(second.contains(r#""redactions":0"#), "{second}");
    assert_eq!(answers.next(), None);
}

#[test]
fn redact_names_the_line_that_it_cannot_read() {
    let output = redact("{\"id\":1,\"field\":\"a\",\"value\":\"b\"}\n{\"id\":2,\"field\":\"a\"}\n");
    let error = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("line 2") && error.contains("`value`"), "{error}");
}
