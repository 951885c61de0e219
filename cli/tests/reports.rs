//! Reports, completions, hostile lines in every question, and a tail that goes on: the binary as a process.

#[path = "support/asked.rs"]
mod asked;
#[path = "support/trails.rs"]
mod trails;

use std::fs;
use std::path::Path;

use asked::{TRACE, lines, trail};
use serde_json::Value;
use tracing_audit::Audit;
use trails::{append, binary, line, run, segment, stderr, stdout};

/// A trail that the library writes.
fn started(dir: &Path) -> Audit {
    let audit = Audit::builder().directory(dir).service("test");
    audit.start().expect("started")
}

#[test]
fn a_report_says_what_an_auditor_asks_in_each_form() {
    let root = trail();
    let output = run(&["report"], root.path());
    // Trails that were written by hand are not sealed.
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let said = stdout(&output);
    for part in [
        "# Audit trail report",
        "| success | 4 | 57.1% |",
        "| 2025-11-21 | 7 | 1 | 1 |",
        "| service:nightly | invoice.delete | 1 |",
        "| queue\\_full |  | 17 |",
        "| session.login | 1 | 14.2% |",
        "| name.secret | marker | 2 | 1 |",
        "1 redaction more than records can list",
        "No step of the clock.",
        "audit.gap: 1 record.",
        "has no end",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let windowed = stdout(&run(&["report", "--until", "2025-11-21T10:00:03"], root.path()));
    assert!(windowed.contains("| records in this range | 4 |"), "{windowed}");
    let page = root.path().join("report.html");
    let name = page.display().to_string();
    let written = run(&["report", "--format", "html", "-o", &name], root.path());
    assert_eq!(written.status.code(), Some(3));
    let text = fs::read_to_string(&page).expect("the report");
    assert!(
        text.starts_with("<!doctype html>") && text.contains("<td class=\"n\">57.1%</td>"),
        "{text}"
    );
    assert!(
        !text.contains("http://") && !text.contains("https://"),
        "nothing is fetched"
    );
    let again = run(&["report", "-o", &name], root.path());
    assert_eq!(again.status.code(), Some(4), "a report is not overwritten");
    let data = &lines(&run(&["report", "--format", "json"], root.path()))[0];
    let sections = data["sections"].as_array().expect("a list");
    let outcomes = sections
        .iter()
        .find(|section| section["heading"] == "Records by outcome")
        .expect("counts");
    assert_eq!(
        outcomes["tables"][0]["rows"][0],
        serde_json::json!(["success", 4, "57.1%"])
    );
}

#[test]
fn a_report_counts_days_and_rules_that_it_has_no_row_for() {
    let root = tempfile::tempdir().expect("a directory");
    let lines: Vec<String> = (0..10_003_u64)
        .map(|seq| {
            let day = jiff::Timestamp::from_second(i64::try_from(seq * 86_400).expect("a time")).expect("a time");
            let time = day.strftime("%Y-%m-%dT%H:%M:%S.%9fZ");
            format!(
                r#"{{"event":"e","observed_at":"2025-11-21T10:00:00.{seq:09}Z","redaction":{{"count":1,"fields":[{{"action":"marker","field":"f","n":2,"rule":"r{seq}"}}]}},"schema":1,"seq":{seq},"stream":"main","time":"{time}"}}"#
            )
        })
        .collect();
    segment(root.path(), "main", 0, &lines);
    let said = stdout(&run(&["report"], root.path()));
    assert!(said.contains("\n| (others) | 3 | 0 | 0 |\n"), "days");
    assert!(
        said.contains("; 6 redactions more than records can list"),
        "rules"
    );
}

#[test]
fn a_report_on_a_whole_sealed_trail_is_exit_code_0_and_on_a_changed_one_1() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("trail");
    let audit = started(&dir);
    for at in 0..5_u64 {
        let record = tracing_audit::record::Record::builder("document.read")
            .actor("user", "u-1")
            .attribute("at", at);
        audit.emit(record.build()).expect("written");
    }
    let path = audit.path().expect("a journal");
    audit
        .shutdown(std::time::Duration::from_secs(30))
        .expect("closed");
    let output = run(&["report"], &dir);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}{}", stderr(&output));
    assert!(
        said.contains("Complete: by what") && said.contains("Every record names who acted."),
        "{said}"
    );
    assert!(said.contains("| 30 | no limit | no limit |"), "retention: {said}");
    let segment = tracing_audit::format::segments(path)
        .expect("listed")
        .remove(0)
        .path;
    let text = fs::read_to_string(&segment).expect("read");
    fs::write(&segment, text.replacen("u-1", "u-2", 1)).expect("changed");
    let output = run(&["report"], &dir);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("TAMPERED WITH OR CORRUPT"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn completions_name_every_command_in_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = binary().args(["completions", shell]).output().expect("runs");
        assert!(output.status.success());
        let script = stdout(&output);
        for name in ["history", "completions", "--cursor-file"] {
            let name = if shell == "fish" {
                name.trim_start_matches('-')
            } else {
                name
            };
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
    let unknown = binary().args(["completions", "dos"]).output().expect("runs");
    assert_eq!(unknown.status.code(), Some(4));
}

#[test]
fn the_help_of_every_question_has_examples_and_exit_codes() {
    for command in [
        "history",
        "who",
        "trace",
        "count",
        "fields",
        "stats",
        "report",
        "completions",
    ] {
        let output = binary().args([command, "--help"]).output().expect("runs");
        let said = stdout(&output);
        assert!(
            said.contains(&format!("Examples:\n  tracing-audit {command}")),
            "{command}: {said}"
        );
        assert!(said.contains("Exit codes: 0 done"), "{command}");
        assert!(
            said.lines().all(|line| line.chars().count() <= 100),
            "{command} fits a terminal: {said}"
        );
    }
}

/// Every question, in every form.
const ASKED: &[&[&str]] = &[
    &["history", "*"],
    &["who", "*"],
    &["who", "\u{1b}[31m"],
    &["trace", "4b"],
    &["trace", "4b", "--json"],
    &["count", "--by", "actor.id,outcome,resource,event"],
    &["count", "--by", "outcome", "--per", "1ns", "--json"],
    &["count", "--by", "outcome", "--per", "1d"],
    &["fields"],
    &["fields", "resource"],
    &["fields", "resource", "--json"],
    &["stats"],
    &["stats", "--json"],
    &["report"],
    &["report", "--format", "html"],
    &["report", "--format", "json"],
];

#[test]
fn hostile_lines_steer_no_terminal_and_stop_no_command() {
    let root = tempfile::tempdir().expect("a directory");
    let hostile = format!(
        r#","actor":{{"id":"\u001b]0;owned\u0007\u009b31m"}},"attributes":{{"\u001b[2J":"\u202e"}},"duration_ns":18446744073709551615,"labels":{{"<b>":"x"}},"outcome":"\u202esseccus","redaction":{{"count":1,"fields":[{{"action":"\u001b[1m","field":"x","n":18446744073709551615,"rule":"\u2066|"}},7],"more":18446744073709551615}},"resource":{{"id":"a\r\nb\u0000","type":"\u2066x"}},"span_id":"\u001b[31mabc","trace_id":"{TRACE}""#
    );
    let path = segment(
        root.path(),
        "main",
        0,
        &[line("main", 0, "e\\u001b[1m", &hostile)],
    );
    let deep = format!("{}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    append(&path, "\x1b[31m not json\n\0\0\0\n");
    append(&path, &deep);
    append(&path, &format!("{}\n", "x".repeat(3_000_000)));
    append(
        &path,
        &line(
            "main",
            1,
            "audit.erase",
            r#","attributes":{"subject":"\u001b[5m"}"#,
        ),
    );
    append(&path, "\n{\"action\":\"torn");
    std::os::unix::fs::symlink(root.path(), root.path().join("loop")).expect("a link");
    std::os::unix::fs::symlink("nowhere", root.path().join("dangling")).expect("a link");
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    for args in ASKED {
        let output = run(args, root.path());
        assert!(
            matches!(output.status.code(), Some(0 | 1 | 3)),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(!stdout(&output).is_empty(), "{args:?}");
        for said in [stdout(&output), stderr(&output)] {
            assert_eq!(said.chars().find(|c| bad(*c)), None, "{args:?}: {said:?}");
            assert!(!said.contains("panicked"), "{said}");
        }
    }
}

#[test]
fn a_tail_with_a_cursor_file_goes_on_where_the_one_before_ended() {
    let root = tempfile::tempdir().expect("a directory");
    let places = tempfile::tempdir().expect("a directory");
    let file = places.path().join("place").display().to_string();
    let lines: Vec<String> = (0..6)
        .map(|seq| line("main", seq, if seq % 2 == 0 { "even" } else { "odd" }, ""))
        .collect();
    let path = segment(root.path(), "main", 0, &lines[..2]);
    let tail = |more: &[&str]| {
        let mut args = vec!["tail", "--json", "--cursor-file", &file];
        args.extend(more);
        let output = run(&args, root.path());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(tail(&["-n", "1"]), lines[1..2], "without a file, the newest ones");
    assert_eq!(tail(&[]), [""; 0], "nothing is new");
    append(&path, &format!("{}\n{}\n", lines[2], lines[3]));
    segment(root.path(), "main", 4, &lines[4..5]);
    let other = line("web", 0, "even", "");
    segment(root.path(), "web", 0, std::slice::from_ref(&other));
    assert_eq!(
        tail(&["event=even"]),
        [other.as_str(), &lines[2], &lines[4]],
        "new segments and streams too"
    );
    // What the filter did not want was passed as well.
    assert_eq!(tail(&[]), [""; 0]);
    append(
        &root.path().join(format!("main/audit-2025-11-21-{:020}.jsonl", 4)),
        &format!("{}\n", lines[5]),
    );
    assert_eq!(tail(&[]), lines[5..]);
    fs::write(&file, "nonsense\n").expect("written");
    let wrong = run(&["tail", "--cursor-file", &file], root.path());
    assert_eq!(wrong.status.code(), Some(3));
    assert!(stderr(&wrong).contains("not a cursor"), "{}", stderr(&wrong));
}

#[test]
fn a_tail_whose_place_was_removed_by_retention_says_what_is_missing() {
    let root = tempfile::tempdir().expect("a directory");
    let places = tempfile::tempdir().expect("a directory");
    let file = places.path().join("place").display().to_string();
    let lines: Vec<String> = (0..6).map(|seq| line("main", seq, "e", "")).collect();
    let path = segment(root.path(), "main", 0, &lines[..2]);
    run(&["tail", "--cursor-file", &file], root.path());
    segment(root.path(), "main", 4, &lines[4..]);
    fs::remove_file(path).expect("removed");
    let output = run(&["tail", "--json", "--cursor-file", &file], root.path());
    assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), lines[4..]);
    assert!(
        stderr(&output).contains("numbers missing between seq 1 and 4 (2)"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_changes_a_trail_or_looks_after_it_can_be_told_as_data() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("trail");
    let audit = started(&dir);
    audit
        .shutdown(std::time::Duration::from_secs(30))
        .expect("closed");
    let data = lines(&run(&["doctor", "--json"], &dir));
    assert!(
        data.len() > 2
            && data
                .iter()
                .all(|line| line["ok"].is_boolean() && line["stream"].is_string()),
        "{data:?}"
    );
    let data = lines(&run(
        &["prune", "--json", "--dry-run", "--keep-segments", "1"],
        &dir,
    ));
    assert_eq!(
        (&data[0]["dry_run"], &data[0]["removed"]),
        (&Value::from(true), &serde_json::json!([]))
    );
    let data = lines(&run(&["erase", "--json", "--dry-run", "--subject", "ana"], &dir));
    assert_eq!(
        (&data[0]["values"], &data[0]["first"]),
        (&Value::from(0), &Value::Null)
    );
}
