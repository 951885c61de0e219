//! The binary as a process: what it prints, where, and with which exit code.

#[path = "support/trails.rs"]
mod trails;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use tempfile::TempDir;
use trails::{append, binary, line, run, segment, stderr, stdout};

const READ: &str = r#","action":"read","actor":{"id":"u-1","type":"user"},"duration_ns":1250000,"outcome":"success","resource":{"id":"7","type":"document"},"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#;
const DENIED: &str = r#","actor":{"id":"nightly","type":"service"},"outcome":"denied","reason":"not the owner","resource":{"id":"9","type":"invoice"}"#;

fn trail() -> TempDir {
    let root = tempfile::tempdir().expect("a directory");
    segment(
        root.path(),
        "main",
        0,
        &[
            line("main", 0, "document.read", READ),
            line("main", 1, "invoice.delete", DENIED),
        ],
    );
    segment(root.path(), "pii", 0, &[line("pii", 0, "user.export", READ)]);
    root
}

#[test]
fn show_prints_a_table_with_a_head_and_a_closing_line() {
    let root = trail();
    let output = run(&["show"], root.path());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = "\
TIME (UTC)               OUTCOME  ACTOR            ACTION              RESOURCE    TOOK   TRACE     WHY
2025-11-21 10:00:00.250  success  u-1              document.read       document/7  1.2ms  4bf92f35
2025-11-21 10:00:00.250  success  u-1              user.export (read)  document/7  1.2ms  4bf92f35
2025-11-21 10:00:01.250  denied   service:nightly  invoice.delete      invoice/9   -      -         not the owner
3 records, 2 streams
completeness from the beginning to the end: unknown: `main` has no end: it is still written, or its process was killed; \
`pii` has no end: it is still written, or its process was killed
";
    assert_eq!(stdout(&output), table);
    assert_eq!(stderr(&output), "");
}

/// T001-30, T003-34.
#[test]
fn filters_and_ranges_narrow_and_the_closing_line_says_of_how_many() {
    let root = trail();
    let found = stdout(&run(&["show", "outcome=denied"], root.path()));
    assert!(
        found.contains("invoice.delete") && !found.contains("document.read"),
        "{found}"
    );
    assert!(found.contains("1 of 3 records, 2 streams\n"), "{found}");
    let range = [
        "show",
        "--since",
        "2025-11-21T11:00:01+01:00",
        "--until=2025-11-21T10:00:02",
    ];
    assert!(stdout(&run(&range, root.path())).contains("invoice.delete"));
    let newest = stdout(&run(&["show", "-n", "1"], root.path()));
    assert!(newest.contains("invoice.delete"), "{newest}");
    assert!(
        newest.contains("1 of 3 records, 2 streams (--limit 0 shows all)\ncompleteness from 2025-11-21 10:00:01.250 to the end"),
        "{newest}"
    );
    let oldest = stdout(&run(&["show", "-n", "1", "--oldest-first"], root.path()));
    assert!(oldest.contains("document.read"), "{oldest}");
}

#[test]
fn json_gives_the_exact_lines_and_nothing_else() {
    let root = trail();
    for limit in ["50", "0"] {
        let output = run(
            &["show", "--json", "--limit", limit, "actor=u-1", "actor=nightly"],
            root.path(),
        );
        let expected = [
            line("main", 0, "document.read", READ),
            line("pii", 0, "user.export", READ),
            line("main", 1, "invoice.delete", DENIED),
        ];
        assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), expected);
        let notes = stderr(&output);
        assert!(
            notes.lines().count() == 1 && notes.contains("completeness from"),
            "{notes}"
        );
    }
}

#[test]
fn gaps_and_findings_are_always_told() {
    let root = trail();
    let gap = r#","attributes":{"cause":"queue_full","lost":17}"#;
    let path = segment(root.path(), "main", 2, &[line("main", 2, "audit.gap", gap)]);
    append(&path, "not a record\ntorn");
    let table = stdout(&run(&["show", "outcome=success"], root.path()));
    assert!(
        table.contains("2 of 4 records, 2 streams; 1 gap record: 17 lost (queue_full)\n"),
        "{table}"
    );
    assert!(
        table.contains("line is not a record") && table.contains("ends inside a line (4 bytes)"),
        "{table}"
    );
    let lines = run(&["show", "--json", "outcome=success"], root.path());
    assert_eq!(stdout(&lines).lines().count(), 2);
    assert!(
        stderr(&lines).contains("17 lost (queue_full)"),
        "{}",
        stderr(&lines)
    );
    let nothing = run(&["show", "outcome=pending"], root.path());
    assert!(stdout(&nothing).contains("17 lost"), "{}", stdout(&nothing));
}

#[test]
fn an_empty_answer_says_where_it_looked_and_what_may_be_meant() {
    let root = trail();
    let output = run(&["show", "outcome=denyed", "--fail-if-empty"], root.path());
    assert_eq!(output.status.code(), Some(5));
    let said = stdout(&output);
    assert!(said.contains("no record found for `outcome=denyed`"), "{said}");
    assert!(
        said.contains("3 records from 2025-11-21 10:00:00.250 to 2025-11-21 10:00:01.250 UTC"),
        "{said}"
    );
    assert!(
        said.contains("did you mean `denied` instead of `denyed`?"),
        "{said}"
    );
    assert_eq!(
        run(&["show", "outcome=denyed"], root.path()).status.code(),
        Some(0)
    );
}

#[test]
fn wrong_usage_is_four_and_a_trail_that_is_not_there_is_three() {
    let root = trail();
    for (args, code, says) in [
        (vec!["show", "outcom=denied"], 4, "did you mean `outcome`?"),
        (vec!["show", "--since", "tomorrow"], 4, "is not a time"),
        (vec!["show", "--colour", "never"], 4, "--color"),
        (vec!["shwo"], 4, "show"),
    ] {
        let output = run(&args, root.path());
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(stderr(&output).contains(says), "{args:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{args:?}");
    }
    let gone = run(&["show"], &root.path().join("gone"));
    assert_eq!(gone.status.code(), Some(3));
    assert!(
        stderr(&gone).contains("gone` does not exist"),
        "{}",
        stderr(&gone)
    );
    let empty = tempfile::tempdir().expect("a directory");
    for command in ["show", "tail"] {
        let output = run(&[command], empty.path());
        assert_eq!(output.status.code(), Some(3));
        assert!(stderr(&output).contains("no trail in"), "{}", stderr(&output));
    }
}

#[test]
fn what_is_not_a_trail_is_three_and_what_has_just_begun_is_not() {
    let root = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    let prose = file("notes.txt", "Dear diary,\n\ntoday nothing happened.\n");
    let no_line = file("one.txt", "no newline at all");
    let other = file("other.jsonl", "{\"a\":1}\n{\"a\":2}\n");
    for path in [&prose, &no_line, &other] {
        for args in [
            &["show"][..],
            &["show", "--json"],
            &["show", "--open"],
            &["tail"],
            &["tail", "-f"],
        ] {
            let output = run(args, path);
            assert_eq!(output.status.code(), Some(3), "{args:?} {path:?}");
            assert_eq!(stdout(&output), "", "{args:?} {path:?}");
            let said = stderr(&output);
            assert!(
                said.contains("is not a trail: at byte 0,") && said.contains("name the directory"),
                "{said}"
            );
        }
    }
    let stream = root.path().join("main");
    let begun = segment(&stream, "main", 0, &[]);
    append(&begun, "{\"event\":\"audit.op");
    let mixed = segment(&stream, "mixed", 0, &[line("mixed", 0, "x", "")]);
    append(&mixed, "not a record\n");
    for path in [&begun, &mixed, &file("empty", "")] {
        let output = run(&["show"], path);
        assert_eq!(output.status.code(), Some(0), "{path:?}: {}", stderr(&output));
    }
}

#[test]
fn help_fits_eighty_columns() {
    for args in [
        &["--help"][..],
        &["demo", "--help"],
        &["events", "--help"],
        &["explain", "--help"],
        &["export", "--help"],
        &["hash", "--help"],
        &["import", "--help"],
        &["redact", "--help"],
        &["show", "--help"],
        &["tail", "--help"],
    ] {
        let output = binary().args(args).env("COLUMNS", "80").output().expect("runs");
        assert_eq!(output.status.code(), Some(0));
        let said = stdout(&output);
        let long: Vec<_> = said.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{args:?}: {long:?}");
    }
}

#[test]
fn every_help_lists_the_exit_codes_and_names_no_option_that_the_command_has_not() {
    let output = binary().arg("--help").output().expect("runs");
    let said = stdout(&output);
    let (_, listed) = said.split_once("Commands:\n").expect("a list of commands");
    let (listed, _) = listed.split_once("\n\n").expect("its end");
    let commands: Vec<&str> = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        commands.contains(&"verify") && commands.len() > 15,
        "{commands:?}"
    );
    for command in commands {
        let output = binary().args([command, "--help"]).output().expect("runs");
        let said = stdout(&output);
        let (before, codes) = said.split_once("Exit codes: 0 ").expect(command);
        for option in codes.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = option.trim_end_matches(['.', ',']);
            assert!(before.contains(option), "{command} has no {option}");
        }
    }
}

#[test]
fn open_gives_starts_without_an_end() {
    let root = tempfile::tempdir().expect("a directory");
    let start = |seq, id: &str| {
        line(
            "main",
            seq,
            "job.run",
            &format!(r#","execution_id":"{id}","phase":"start""#),
        )
    };
    let end = |seq, id: &str| {
        line(
            "main",
            seq,
            "job.run",
            &format!(r#","execution_id":"{id}","outcome":"success""#),
        )
    };
    segment(
        root.path(),
        "main",
        0,
        &[start(0, "a"), start(1, "b"), end(2, "a"), start(3, "c")],
    );
    segment(root.path(), "main", 4, &[end(4, "c"), start(5, "d")]);
    let output = run(&["show", "--open", "--json"], root.path());
    assert_eq!(
        stdout(&output).lines().collect::<Vec<_>>(),
        [start(1, "b"), start(5, "d")]
    );
    // The range is about the start; its end may come later.
    let output = run(
        &["show", "--open", "--json", "--until", "2025-11-21T10:00:04"],
        root.path(),
    );
    assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), [start(1, "b")]);
}

#[test]
fn an_intent_without_an_outcome_is_shown_as_unknown_and_one_with_it_as_it_is() {
    let root = tempfile::tempdir().expect("a directory");
    let intent = |seq, id: &str| {
        let more = format!(r#","execution_id":"{id}","outcome":"pending","phase":"start""#);
        line("main", seq, "billing.transfer", &more)
    };
    let end = line(
        "main",
        2,
        "billing.transfer",
        r#","execution_id":"a","outcome":"success""#,
    );
    let close = line("main", 3, "audit.close", r#","outcome":"success""#);
    segment(
        root.path(),
        "main",
        0,
        &[intent(0, "a"), intent(1, "b"), end, close],
    );
    for args in [
        vec!["show"],
        vec!["show", "-n", "0"],
        vec!["show", "--oldest-first"],
    ] {
        let said = stdout(&run(&args, root.path()));
        let outcomes: Vec<&str> = said
            .lines()
            .skip(1)
            .take(4)
            .filter_map(|row| row.split_whitespace().nth(2))
            .collect();
        assert_eq!(outcomes, ["pending", "unknown", "success", "success"], "{said}");
        assert!(said.contains("1 start in `main` has no outcome"), "{said}");
    }
    // What is asked for as data is given as it stands.
    let lines = stdout(&run(&["show", "--json"], root.path()));
    assert_eq!(lines.matches("\"pending\"").count(), 2);
}

#[test]
fn a_whole_trail_is_shown_as_complete_and_a_window_of_it_by_its_times() {
    let root = tempfile::tempdir().expect("a directory");
    let close = line("main", 2, "audit.close", r#","outcome":"success""#);
    segment(
        root.path(),
        "main",
        0,
        &[line("main", 0, "a", READ), line("main", 1, "b", READ), close],
    );
    let said = stdout(&run(&["show"], root.path()));
    assert!(
        said.ends_with("completeness from the beginning to the end: complete\n"),
        "{said}"
    );
    let said = stdout(&run(
        &["show", "--until", "2025-11-21T10:00:01", "event=a"],
        root.path(),
    ));
    assert!(
        said.ends_with("completeness from the beginning to 2025-11-21 10:00:01.000: complete\n"),
        "{said}"
    );
}

#[test]
fn hostile_values_reach_no_terminal() {
    let root = tempfile::tempdir().expect("a directory");
    let hostile = r#","actor":{"id":"\u001b]0;owned\u0007\u009b31m"},"outcome":"\u202esseccus","resource":{"id":"a\r\nb\u0000","type":"\u2066x"},"reason":"\u001b[2J","trace_id":"\u001b[31mabc""#;
    segment(root.path(), "main", 0, &[line("main", 0, "e\\u001b[1m", hostile)]);
    append(
        &root.path().join(format!("main/audit-2025-11-21-{:020}.jsonl", 0)),
        "\x1b[31m not json\n",
    );
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    let output = run(&["show", "--color", "never"], root.path());
    let said = stdout(&output);
    assert!(said.contains("owned") && said.contains("\\u{1b}"), "{said:?}");
    assert_eq!(said.chars().find(|c| bad(*c)), None, "{said:?}");
    assert_eq!(
        said.lines().count(),
        5,
        "one row, a closing line, a finding and a verdict: {said}"
    );
    let nothing = run(&["show", "\u{1b}[31mx"], root.path());
    assert_eq!(stdout(&nothing).chars().find(|c| bad(*c)), None);
    let wrong = run(&["show", "\u{1b}[31m=x"], root.path());
    assert_eq!(
        stderr(&wrong).chars().find(|c| bad(*c)),
        None,
        "{:?}",
        stderr(&wrong)
    );
}

#[test]
fn colour_comes_only_where_it_is_asked_for_or_there_is_a_terminal() {
    let root = trail();
    assert!(!stdout(&run(&["show"], root.path())).contains('\x1b'));
    let always = stdout(&run(&["show", "--color", "always"], root.path()));
    assert!(always.contains("\x1b[1;31mdenied\x1b[0m"), "{always}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let root = tempfile::tempdir().expect("a directory");
    let lines: Vec<String> = (0..3600)
        .map(|seq| line("main", seq, "document.read", READ))
        .collect();
    segment(root.path(), "main", 0, &lines);
    let mut child = binary()
        .args(["show", "--json", "--limit", "0"])
        .arg(root.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut first = String::new();
    BufReader::with_capacity(64, child.stdout.take().expect("piped"))
        .read_line(&mut first)
        .expect("a line");
    let output = child.wait_with_output().expect("ends");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}
