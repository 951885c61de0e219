//! `tracing-audit redact` as a process: a value per line in, what a trail would show out.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Runs `redact` over `input`.
fn redact(input: impl AsRef<[u8]>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tracing-audit"))
        .arg("redact")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_ref()).expect("read");
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
fn redact_names_each_line_that_it_cannot_read_in_its_place_and_goes_on() {
    let lines = [
        &b"\xef\xbb\xbf{\"id\":1,\"field\":\"a\",\"value\":\"b\"}"[..],
        b"{\"id\":2,\"field\":\"a\"}",
        b"",
        b"{\"id\":3,\"field\":\"a\",\"value\":7}",
        b"{\"id\":4,\"field\":\"a\",\"value\":\"\\ud800\"}",
        b"{\"id\":5,\"field\":\"a\",\"value\":\"\xff\"}",
        b"no JSON, password=hunter2",
        b"{\"id\":7,\"field\":\"a\",\"value\":\"c\"}",
    ];
    let output = redact(lines.join(&b"\n"[..]));
    let answers = stdout(&output);
    let error = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("line 2") && error.contains("`value`"), "{error}");
    assert!(!answers.contains("hunter2") && !error.contains("hunter2"));
    let ids: Vec<(serde_json::Value, bool)> = answers
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an answer"))
        .map(|answer| (answer["id"].clone(), answer.get("error").is_some()))
        .collect();
    let null = serde_json::Value::Null;
    let expected = [
        (1.into(), false),
        (2.into(), true),
        (3.into(), true),
        (null.clone(), true),
        (null.clone(), true),
        (null, true),
        (7.into(), false),
    ];
    assert_eq!(ids, expected, "{answers}");
}
