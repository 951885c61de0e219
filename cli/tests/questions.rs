//! The commands that answer questions about many records, as processes: what they print, where, and with which exit code.

#[path = "support/asked.rs"]
mod asked;
#[path = "support/trails.rs"]
mod trails;

use asked::{TRACE, lines, trail};
use serde_json::Value;
use trails::{append, line, run, segment, stderr, stdout};

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
fn the_id_of_a_trace_is_an_id_whatever_stands_in_it() {
    let root = trail();
    let begun = run(&["trace", "4bf9"], root.path());
    assert!(
        stdout(&begun).starts_with(&format!("trace {TRACE}: ")),
        "{}",
        stdout(&begun)
    );
    for id in ["4bf9 or outcome=denied", "4bf9\" or event=\"*", "0 or event=*"] {
        let output = run(&["trace", id], root.path());
        assert_eq!(output.status.code(), Some(4), "{id}: {}", stdout(&output));
        assert!(stderr(&output).contains("32 hex digits"), "{}", stderr(&output));
    }
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
}

#[test]
fn intervals_without_a_record_are_told_and_what_cannot_be_counted_is_refused() {
    let root = trail();
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
    let slip = run(&["count", "outcome=sucess"], root.path());
    assert!(
        stderr(&slip).contains("did you mean `success` instead of `sucess`?"),
        "{}",
        stderr(&slip)
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
