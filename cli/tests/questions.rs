//! The commands that answer questions about many records, as processes: what they print, where, and with which exit code.

#[path = "support/trails.rs"]
mod trails;

use std::fs;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;
use trails::{append, binary, line, run, segment, stderr, stdout};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Eight records in two streams: a request with spans inside each other, a denied deletion, a job, a gap.
fn trail() -> TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let span = |id: &str, parent: &str, took: u64| {
        let parent = if parent.is_empty() {
            String::new()
        } else {
            format!(r#""parent_span_id":"{parent}","#)
        };
        format!(
            r#","actor":{{"id":"u-1","ip":"192.0.2.7","roles":["editor","owner"],"type":"user"}},"duration_ns":{took},"outcome":"success",{parent}"resource":{{"id":"7","type":"document"}},"span_id":"{id}","trace_id":"{TRACE}""#
        )
    };
    let denied = r#","actor":{"id":"nightly","type":"service"},"outcome":"denied","reason":"not the owner","resource":{"id":"9","type":"invoice"}"#;
    let changed = r#","actor":{"id":"u-1","type":"user"},"changed_fields":["title","owner"],"outcome":"success","resource":{"id":"7","type":"document"}"#;
    let redacted = r#","outcome":"failure","redaction":{"count":3,"fields":[{"action":"marker","field":"password","n":2,"rule":"name.secret"}],"more":1}"#;
    let main = [
        line(
            "main",
            0,
            "db.query",
            &span("00f067aa0ba902b7", "00f067aa0ba902b6", 200_000_000),
        ),
        line(
            "main",
            1,
            "document.update",
            &span("00f067aa0ba902b6", "00f067aa0ba902b5", 1_500_000_000),
        ),
        line("main", 2, "invoice.delete", denied),
        line("main", 3, "document.update", changed),
        line("main", 4, "session.login", redacted),
        line(
            "main",
            3605,
            "audit.gap",
            r#","attributes":{"cause":"queue_full","lost":17}"#,
        ),
    ]
    .map(|line| line.replace("T10:60:", "T11:00:"));
    let mut main = main.to_vec();
    main[5] = main[5].replace("\"seq\":3605", "\"seq\":5");
    segment(root.path(), "main", 0, &main);
    let request = span("00f067aa0ba902b5", "", 3_000_000_000);
    segment(
        root.path(),
        "web",
        0,
        &[line("web", 2, "http.request", &request).replace("\"seq\":2", "\"seq\":0")],
    );
    root
}

/// The lines of standard output as JSON.
fn lines(output: &Output) -> Vec<Value> {
    let text = stdout(output);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn history_shows_what_was_done_to_a_resource_and_what_it_comes_to() {
    let root = trail();
    let said = stdout(&run(&["history", "document/7"], root.path()));
    assert!(
        said.contains("changed title, owner") && !said.contains("invoice"),
        "{said}"
    );
    assert!(
        said.contains("in all   4 records, from 2025-11-21 10:00:00.250"),
        "{said}"
    );
    assert!(
        said.contains("by       u-1 (4)\ndid      document.update (2), db.query (1), http.request (1)\n"),
        "{said}"
    );
    let by_id = stdout(&run(&["history", "9"], root.path()));
    assert!(
        by_id.contains("invoice.delete") && !by_id.contains("document.update"),
        "{by_id}"
    );
    let both = run(&["history", "invoice/*", "--json"], root.path());
    assert_eq!(lines(&both).len(), 1, "a star stands for any id");
    let exact = run(&["history", "inv*", "--json", "outcome=denied"], root.path());
    assert_eq!(lines(&exact)[0]["seq"], 2, "the exact lines");
    let nothing = run(&["history", "document/8", "--fail-if-empty"], root.path());
    assert_eq!(nothing.status.code(), Some(5));
    assert_eq!(run(&["history", ""], root.path()).status.code(), Some(4));
}

#[test]
fn who_shows_what_somebody_did_from_where_and_to_what() {
    let root = trail();
    let said = stdout(&run(&["who", "u-1", "-n", "1"], root.path()));
    assert_eq!(said.matches("document.update  ").count(), 1, "one row: {said}");
    for part in [
        "in all   4 records",
        "did      document.update (2)",
        "to       7 (4)",
        "from     192.0.2.7 (3)",
        "as       editor (3), owner (3)",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // Quotes and `or` in a name are the name's own.
    let tricky = run(&["who", "x\" or actor.id=\"u-1", "--fail-if-empty"], root.path());
    assert_eq!(tricky.status.code(), Some(5), "{}", stdout(&tricky));
}

#[test]
fn trace_shows_spans_under_their_parents_across_streams_with_when_and_how_long() {
    let root = trail();
    let said = stdout(&run(&["trace", &TRACE[..8]], root.path()));
    let tree: Vec<&str> = said.lines().collect();
    assert!(
        tree[0].contains("3 records, 3 spans") && tree[0].ends_with("3.0s"),
        "{said}"
    );
    assert!(
        tree[2].contains("+0ns") && tree[2].contains("  http.request "),
        "{said}"
    );
    assert!(
        tree[3].contains("└ document.update") && tree[3].contains("1.5s"),
        "{said}"
    );
    assert!(
        tree[4].contains("  └ db.query") && tree[4].contains("200ms"),
        "{said}"
    );
    let data = lines(&run(&["trace", TRACE, "--json"], root.path()));
    let depths: Vec<&Value> = data[0]["tree"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|node| &node["depth"])
        .collect();
    assert_eq!(depths, [0, 1, 2]);
    assert_eq!(data[0]["tree"][2]["duration_ns"], 200_000_000);
    let none = run(&["trace", "ffff", "--fail-if-empty"], root.path());
    assert_eq!(none.status.code(), Some(5));
    assert!(stdout(&none).contains("no record of the trace `ffff` found"));
    assert_eq!(run(&["trace", "no-hex"], root.path()).status.code(), Some(4));
}

#[test]
fn spans_that_are_each_others_parents_and_chains_without_end_are_shown_once_each() {
    let root = tempfile::tempdir().expect("a directory");
    let span = |seq: u64, id: u64, parent: u64| {
        let more = format!(
            r#","duration_ns":5,"parent_span_id":"{parent:016x}","span_id":"{id:016x}","trace_id":"{TRACE}""#
        );
        line("main", seq, "e", &more)
    };
    let mut spans = vec![span(0, 1, 2), span(1, 2, 1), span(2, 3, 3)];
    spans.extend((3..3000).map(|seq| span(seq, seq + 10, seq + 11)));
    segment(root.path(), "main", 0, &spans);
    let output = run(&["trace", TRACE], root.path());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stdout(&output).lines().count(),
        3000 + 3,
        "a head, a head, each record once, and an empty line"
    );
}

#[test]
fn count_counts_by_values_by_intervals_and_by_both() {
    let root = trail();
    let counted = stdout(&run(&["count"], root.path()));
    assert_eq!(counted, "7 records\n");
    let by = stdout(&run(&["count", "--by", "outcome"], root.path()));
    assert!(
        by.contains("success        4  57.1%") && by.contains("-              1  14.2%"),
        "{by}"
    );
    assert!(by.ends_with("7 records, 4 different\n"), "{by}");
    let data = lines(&run(
        &["count", "--by=event,outcome", "--json", "actor=u-1"],
        root.path(),
    ));
    assert_eq!(
        data[0],
        serde_json::json!({"by": {"event": "document.update", "outcome": "success"}, "records": 2})
    );
    let absent = lines(&run(
        &["count", "--by", "outcome", "--json", "event=audit.gap"],
        root.path(),
    ));
    assert_eq!(
        absent,
        [serde_json::json!({"by": {"outcome": null}, "records": 1})]
    );
    let lists = lines(&run(
        &["count", "--by", "actor.roles", "--json", "actor.roles=*"],
        root.path(),
    ));
    assert_eq!(
        lists.len(),
        2,
        "a list counts under each of its values: {lists:?}"
    );
    let per = stdout(&run(&["count", "--per", "30m", "--by", "outcome"], root.path()));
    let rows: Vec<&str> = per.lines().collect();
    assert!(rows[0].starts_with("FROM (UTC)        success"), "{per}");
    assert!(rows[1].starts_with("2025-11-21 10:00        4"), "{per}");
    assert!(
        rows[2].starts_with("2025-11-21 10:30        0"),
        "an interval without a record is told: {per}"
    );
    assert!(rows[3].starts_with("2025-11-21 11:00        0"), "{per}");
    let wrong = run(&["count", "--by", "outcom"], root.path());
    assert_eq!(wrong.status.code(), Some(4));
    assert!(
        stderr(&wrong).contains("did you mean `outcome`"),
        "{}",
        stderr(&wrong)
    );
    assert_eq!(
        run(&["count", "--per", "soon"], root.path()).status.code(),
        Some(4)
    );
    let none = run(&["count", "actor=nobody", "--fail-if-empty"], root.path());
    assert_eq!(
        (none.status.code(), stdout(&none).as_str()),
        (Some(5), "0 records\n")
    );
}

#[test]
fn a_gap_and_a_finding_are_told_beside_every_count() {
    let root = trail();
    append(
        &root.path().join(format!("main/audit-2025-11-21-{:020}.jsonl", 0)),
        "not a record\n",
    );
    for args in [
        &["count", "outcome=denied"][..],
        &["fields", "outcome", "outcome=denied"],
        &["trace", TRACE],
    ] {
        let said = stderr(&run(args, root.path()));
        assert!(
            said.contains("17 lost (queue_full)") && said.contains("not a record"),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn fields_lists_the_values_of_a_field_or_the_fields() {
    let root = trail();
    let values = stdout(&run(&["fields", "actor"], root.path()));
    assert!(
        values.starts_with("ACTOR.ID  RECORDS  SHARE\nu-1             4  57.1%"),
        "{values}"
    );
    assert!(
        values.ends_with("2 values in 7 records; 2 records without\n"),
        "{values}"
    );
    let data = lines(&run(&["fields", "actor", "-n", "1", "--json"], root.path()));
    let expected = [
        serde_json::json!({"value": "u-1", "records": 4}),
        serde_json::json!({"value": null, "other": true, "records": 1}),
        serde_json::json!({"value": null, "without": true, "records": 2}),
    ];
    assert_eq!(data, expected);
    let names = stdout(&run(&["fields", "--limit", "0"], root.path()));
    assert!(
        names.contains("\nattributes.cause ") && names.contains("\nactor.roles "),
        "{names}"
    );
    assert_eq!(
        run(&["fields", "nothing.known"], root.path()).status.code(),
        Some(4)
    );
}

#[test]
fn stats_tell_totals_words_and_how_complete_the_window_is() {
    let root = trail();
    let said = stdout(&run(&["stats"], root.path()));
    for part in [
        "records     7\n",
        "lost        17 in 1 gap record\n",
        "files       2 streams",
        "complete    unknown: ",
        "\nsuccess        4  57.1%",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let data = &lines(&run(&["stats", "--json", "outcome=success"], root.path()))[0];
    assert_eq!(data["records"], 4);
    assert_eq!(data["lost"], 17, "a gap is told whatever the filter");
    assert_eq!(data["by_outcome"]["words"]["success"], 4);
    assert_eq!(data["completeness"]["verdict"], "unknown");
    assert_eq!(data["streams"][1]["stream"], "web");
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
fn a_report_on_a_whole_sealed_trail_is_exit_code_0_and_on_a_changed_one_1() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("trail");
    let audit = tracing_audit::Audit::builder()
        .directory(&dir)
        .service("test")
        .start()
        .expect("started");
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
    let segment = tracing_audit::format::segments(&path)
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
    for args in [
        &["history", "*"][..],
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
    ] {
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
    let audit = tracing_audit::Audit::builder()
        .directory(&dir)
        .service("test")
        .start()
        .expect("started");
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
