//! `events` as a process: the catalogue as a table, as JSON and as the page of the documentation.

use std::path::Path;
use std::process::{Command, Output};

use tracing_audit::catalog::EVENTS;

fn run(args: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_tracing-audit"))
        .arg("events")
        .args(args)
        .output();
    command.expect("starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn events_md_is_the_page_of_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let output = run(&["--md"]);
    assert!(output.status.success());
    assert!(stdout(&output) == page, "run the test that writes docs/events.md");
}

#[test]
fn events_lists_each_in_a_row_and_those_that_are_named_with_their_fields() {
    let list = stdout(&run(&[]));
    assert_eq!(list.lines().count(), EVENTS.len() + 1);
    for meta in EVENTS {
        let begins = |line: &str| line.split_whitespace().next() == Some(meta.name);
        assert_eq!(
            list.lines().filter(|line| begins(line)).count(),
            1,
            "{}",
            meta.name
        );
    }
    let cron = stdout(&run(&["cron.*", "webhook.receive"]));
    for text in [
        "cron.trigger: ",
        "cron.remove: ",
        "detail.webhook.body",
        "personal:content",
        "must",
    ] {
        assert!(cron.contains(text), "{text} in\n{cron}");
    }
    assert!(!cron.contains("tool.start"));
}

#[test]
fn events_json_has_an_object_for_each_event_and_an_unknown_name_is_wrong_usage() {
    let lines = stdout(&run(&["--json"]));
    let objects: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(objects.len(), EVENTS.len());
    let start = objects
        .iter()
        .find(|object| object["event"] == "tool.start")
        .expect("it is there");
    assert_eq!(start["outcome"], "pending");
    let fields = start["fields"].as_array().expect("a list");
    assert!(
        fields
            .iter()
            .any(|field| field["place"] == "detail.tool.args" && field["optional"] == false)
    );
    let output = run(&["tool.strat"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`tool.strat`"));
}
