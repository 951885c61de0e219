//! What verification of a SQLite file finds, before and after a prune, and after somebody changed it.
#![cfg(feature = "sqlite")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use tracing_audit::record::Record;
use tracing_audit::sink::SqliteSink;
use tracing_audit::store::{SqliteStore, StoreWrite as _};
use tracing_audit::verify::{Anchor, SqliteFinding, SqliteReport, verify_sqlite};
use tracing_audit::{Audit, clock::MAX_TIME};

/// A sealed journal and its copy in SQLite, in parts of 16 records.
fn trail() -> (TempDir, PathBuf, Vec<Anchor>) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let sink = SqliteSink::open(&path).unwrap().part_records(16);
    let audit = Audit::builder()
        .directory(place.path().join("journal"))
        .sink(sink)
        .start()
        .unwrap();
    for at in 0..40 {
        audit
            .emit(
                Record::builder("e")
                    .actor("user", "ana")
                    .summary(format!("{at}"))
                    .build(),
            )
            .unwrap();
    }
    let stream = audit.path().unwrap().to_owned();
    audit.shutdown(Duration::from_secs(30)).unwrap();
    let note = ["checkpoint", "checkpoint.unsigned"]
        .iter()
        .find_map(|name| std::fs::read(stream.join(name)).ok())
        .unwrap();
    let anchors = Anchor::parse(&note).unwrap();
    (place, path, anchors)
}

fn report(path: &Path, anchors: &[Anchor]) -> SqliteReport {
    let store = SqliteStore::read_only(path).unwrap();
    let mut reports = verify_sqlite(&store, anchors).unwrap();
    // The file's own stream begins with the first record that is inserted.
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

/// Changes the file as somebody would who can write it and knows it. `_N` stands for the part that has seq 20.
fn change(path: &Path, sql: &str) {
    let conn = Connection::open(path).unwrap();
    let has_it = |part: &i64| {
        let sql = format!("SELECT count(*) FROM entries_{part} WHERE id & 281474976710655 = 20");
        conn.query_row(&sql, [], |row| row.get::<_, i64>(0))
            .is_ok_and(|found| found == 1)
    };
    let part = (1..9).find(has_it).unwrap_or_default();
    let sql = &sql.replace("_N", &format!("_{part}"));
    let triggers: Vec<String> = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for name in triggers {
        conn.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    assert!(conn.execute(sql, []).unwrap() > 0, "{sql}");
}

#[test]
fn the_lines_of_a_file_are_those_that_the_journals_checkpoint_seals() {
    let (_place, path, anchors) = trail();
    let report = report(&path, &anchors);
    assert_eq!(report.findings, []);
    assert!(report.is_intact());
    assert_eq!((report.first, report.pruned), (0, 0));
    assert!(report.records >= 41 && report.size == report.records);
    assert_eq!(report.agreed.len(), 1, "the last checkpoint");
    assert!(report.root.is_some());
}

#[test]
fn a_pruned_file_still_agrees_with_the_checkpoint_and_says_how_much_was_removed() {
    let (_place, path, anchors) = trail();
    let whole = report(&path, &anchors);
    let mut store = SqliteStore::open(&path).unwrap();
    let conn = Connection::open(&path).unwrap();
    let middle: i64 = conn
        .query_row("SELECT time FROM records WHERE seq = 20", [], |row| row.get(0))
        .unwrap();
    let removed = store.prune_before(middle.unsigned_abs()).unwrap();
    assert!(removed >= 16, "a whole part and more: {removed}");
    let rest = report(&path, &anchors);
    assert_eq!(rest.findings, []);
    assert_eq!((rest.pruned, rest.records), (removed, whole.records - removed));
    assert_eq!((rest.root, &rest.agreed), (whole.root, &whole.agreed));
    store.prune_before(MAX_TIME).unwrap();
    let none = report(&path, &anchors);
    assert_eq!((none.records, none.root), (0, whole.root));
}

#[test]
fn every_change_is_found_and_named() {
    let is_line = |finding: &SqliteFinding| matches!(finding, SqliteFinding::Line { seq: 20 });
    let is_head = |finding: &SqliteFinding| matches!(finding, SqliteFinding::Checkpoint { .. });
    let is_column = |finding: &SqliteFinding| matches!(finding, SqliteFinding::Columns { seq: 20, columns } if columns == &["actor_id"]);
    let is_hole = |finding: &SqliteFinding| {
        matches!(
            finding,
            SqliteFinding::Hole {
                after: Some(19),
                before: 21
            }
        )
    };
    let at = "WHERE id & 281474976710655 = 20";
    let other = "replace(CAST(line AS TEXT), '\"ana\"', '\"bob\"')";
    type Is<'a> = &'a dyn Fn(&SqliteFinding) -> bool;
    let cases: [(String, Vec<Is<'_>>); 6] = [
        (
            format!("UPDATE lines_N SET line = x'7b7d' {at}"),
            vec![&is_line, &is_head],
        ),
        (
            format!("UPDATE lines_N SET line = CAST({other} AS BLOB) {at}"),
            vec![&is_column, &is_head],
        ),
        (
            format!("UPDATE entries_N SET actor_id = 'bob' {at}"),
            vec![&is_column],
        ),
        (format!("DELETE FROM lines_N {at}"), vec![&is_line, &is_head]),
        (
            format!("UPDATE entries_N SET id = id + 1000 {at}"),
            vec![&|finding: &SqliteFinding| matches!(finding, SqliteFinding::Columns { seq: 20, .. })],
        ),
        (
            "UPDATE streams SET stream = 'main-000000000000' WHERE no = 1".to_owned(),
            vec![&|finding: &SqliteFinding| matches!(finding, SqliteFinding::Line { seq: 0 })],
        ),
    ];
    for (sql, expected) in cases {
        let (_place, path, anchors) = trail();
        change(&path, &sql);
        let report = report(&path, &anchors);
        assert!(!report.is_intact(), "{sql}");
        for is in expected {
            assert!(report.findings.iter().any(is), "{sql}: {:?}", report.findings);
        }
    }
    let (_place, path, anchors) = trail();
    change(&path, &format!("DELETE FROM lines_N {at}"));
    change(&path, &format!("DELETE FROM entries_N {at}"));
    let report = report(&path, &anchors);
    assert!(report.findings.iter().any(is_hole), "{:?}", report.findings);
    assert_eq!(report.root, None);
}

#[test]
fn a_hash_that_was_kept_for_a_pruned_line_cannot_be_changed_unnoticed() {
    let (_place, path, anchors) = trail();
    SqliteStore::open(&path).unwrap().prune_before(MAX_TIME).unwrap();
    change(
        &path,
        "UPDATE leaves SET hash = zeroblob(32) WHERE id & 281474976710655 = 3",
    );
    let report = report(&path, &anchors);
    assert!(matches!(
        report.findings.as_slice(),
        [SqliteFinding::Checkpoint { .. }]
    ));
}
