//! The SQLite file where something goes wrong: records that come late, an index that cannot be made, a kill, a prune under
//! a reader.
#![cfg(feature = "sqlite")]

use std::fs;

use tracing_audit::record::Record;
use tracing_audit::store::{
    Condition, DirStore, Direction, Filter, SqliteStore, StatsOpts, Store as _, StoreWrite as _, Window,
};
use tracing_audit::{ErrorKind, Query};

/// 2025-11-21T10:00:00Z
const T0: u64 = 1_763_719_200_000_000_000;
const SECOND: u64 = 1_000_000_000;

fn record(at: u64) -> Record {
    Record::builder("e")
        .summary(format!("findme{at}"))
        .time(T0 + at * SECOND)
        .build()
}

fn count(store: &SqliteStore) -> u64 {
    store.count(&Query::all()).unwrap()
}

#[test]
fn records_before_those_that_stand_there_are_refused_by_name_and_not_left_out_in_silence() {
    let root = tempfile::tempdir().unwrap();
    let lines = |seqs: std::ops::Range<u64>, text: u64| -> String {
        let line = |seq: u64| {
            let (time, id) = (T0 + seq * SECOND, uuid::Uuid::from_u128(seq.into()));
            tracing_audit::format::write_line(&record(seq + text), "main", seq, time, id)
        };
        seqs.map(|seq| String::from_utf8(line(seq)).unwrap() + "\n")
            .collect()
    };
    let segment = |seq: u64| root.path().join(format!("audit-2025-11-21-{seq:020}.jsonl"));
    fs::write(segment(5), lines(5..10, 0)).unwrap();
    let mut store = SqliteStore::in_memory().unwrap();
    let take = |store: &mut SqliteStore| store.take_from(&DirStore::open(root.path()).unwrap());
    assert_eq!(take(&mut store).unwrap(), 5);
    // What an archive had is put beside it.
    fs::write(segment(0), lines(0..5, 0)).unwrap();
    let late = take(&mut store).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Refused);
    assert!(late.to_string().contains("never had seq 0"), "{late}");
    // What was pruned stood there: it is known, and does not come back; another line in its place is.
    let mut store = SqliteStore::in_memory().unwrap();
    take(&mut store).unwrap();
    store.prune_before(T0 + 5 * SECOND).unwrap();
    assert_eq!((take(&mut store).unwrap(), count(&store)), (10, 5));
    fs::write(segment(0), lines(0..5, 7)).unwrap();
    let other = take(&mut store).unwrap_err();
    assert!(other.to_string().contains("another line under seq 0"), "{other}");
}

#[test]
fn an_insertion_that_fails_has_kept_nothing_and_one_that_was_kept_does_not_fail() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("audit.db");
    let mut store = SqliteStore::open(&path).unwrap().part_records(2);
    store.insert(&record(0)).unwrap();
    // In the place of the next part, so that this one cannot be finished.
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE entries_2 (x)").unwrap();
    store.insert(&record(1)).unwrap();
    assert_eq!(count(&store), 2);
    for _ in 0..2 {
        assert_eq!(store.insert(&record(2)).unwrap_err().kind(), ErrorKind::Format);
        assert_eq!(count(&store), 2);
    }
    conn.execute_batch("DROP TABLE entries_2").unwrap();
    assert_eq!(store.insert(&record(2)).unwrap().seq, 2);
    assert_eq!(count(&store), 3);
}

#[test]
fn what_was_pruned_is_not_left_in_the_log_of_a_process_that_was_killed() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let log_has = |name: &str| {
        let log = fs::read(path(name)).unwrap();
        log.windows(7).any(|window| window == b"findme0")
    };
    let mut store = SqliteStore::open(path("audit.db")).unwrap();
    store.insert(&record(0)).unwrap();
    let reader = SqliteStore::read_only(path("audit.db")).unwrap();
    let every = Query::all();
    let mut walk = reader.walk(&every, Direction::OldestFirst, None).unwrap();
    assert!(walk.next().is_some());
    assert_eq!(store.prune_before(T0 + 1).unwrap(), 1);
    // What a kill leaves: the reader still needed the log.
    for (from, to) in [("audit.db", "killed.db"), ("audit.db-wal", "killed.db-wal")] {
        fs::copy(path(from), path(to)).unwrap();
    }
    assert!(log_has("killed.db-wal"));
    let mut store = SqliteStore::open(path("killed.db")).unwrap();
    store.insert(&record(1)).unwrap();
    assert!(!log_has("killed.db-wal"));
    assert_eq!(count(&store), 1);
}

#[test]
fn statistics_are_of_one_moment_whatever_is_written_meanwhile() {
    /// Wants everything; each time it is asked for its window, somebody else writes.
    struct Busy<'w>(std::cell::RefCell<&'w mut SqliteStore>);
    impl Filter for Busy<'_> {
        fn matches(&self, _: &Record) -> bool {
            true
        }
        fn window(&self) -> Window {
            let gap = Record::builder("audit.gap").attribute("lost", 1).build();
            self.0.borrow_mut().insert(&gap).unwrap();
            Window::ALL
        }
        fn condition(&self) -> Condition {
            Condition::All(Vec::new())
        }
    }
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("audit.db");
    let mut writer = SqliteStore::open(&path).unwrap().part_records(2);
    let reader = SqliteStore::read_only(&path).unwrap();
    for _ in 0..3 {
        let busy = Busy(std::cell::RefCell::new(&mut writer));
        let totals = reader.stats(&busy, &StatsOpts::default()).unwrap().totals;
        assert_eq!(totals.gaps, totals.records, "every record here is a gap");
    }
}
