//! Listings with a total, an offset and a limit, and statistics, over files.

use std::fs;

use tracing_audit::record::Record;
use tracing_audit::store::{Completeness, DirStore, List, MAX_INTERVALS, MAX_LIMIT, StatsOpts, Store as _};
use tracing_audit::{ErrorKind, Query};

/// 2025-11-21T10:00:00Z
const T0: u64 = 1_763_719_200_000_000_000;
const MINUTE: u64 = 60_000_000_000;

/// Ten records a minute apart: categories and outcomes in turns, no actor stated for the last.
fn store(root: &std::path::Path) -> DirStore {
    let dir = root.join("main");
    fs::create_dir(&dir).unwrap();
    let lines: Vec<Vec<u8>> = (0..10)
        .map(|seq| {
            let time = T0 + seq * MINUTE;
            let mut record = Record::builder("e")
                .category(if seq % 2 == 0 { "auth" } else { "data" })
                .outcome(if seq % 5 == 0 { "denied" } else { "success" })
                .action(format!("a{}", seq % 3))
                .time(time);
            if seq < 9 {
                record = record.actor("user", "ana");
            }
            let id = uuid::Uuid::from_u128(u128::from(seq));
            tracing_audit::format::write_line(&record.build(), "s", seq, time, id)
        })
        .collect();
    let mut text = lines.join(&b'\n');
    text.push(b'\n');
    fs::write(dir.join("audit-2025-11-21-00000000000000000000.jsonl"), text).unwrap();
    DirStore::open(root).unwrap()
}

#[test]
fn a_total_stays_the_same_on_every_page_and_pages_are_disjoint() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    let every = Query::all();
    let list = List::default().limit(3).total(true);
    let mut seen = Vec::new();
    for offset in [0, 3, 6, 9, 12] {
        let page = store.list(&every, &list.clone().offset(offset)).unwrap();
        assert_eq!((page.total, page.limit, page.offset), (Some(10), 3, offset));
        seen.extend(page.records.into_iter().map(|stored| stored.place.seq));
    }
    assert_eq!(seen, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);

    let first = store.list(&every, &list).unwrap();
    let second = store.list(&every, &list.clone().after(first.next)).unwrap();
    assert_eq!(second.total, Some(10));
    assert_eq!(second.records[0].place.seq, 6);
    assert_eq!(store.list(&every, &List::default()).unwrap().total, None);
    let denied = Query::parse("outcome=denied").unwrap();
    assert_eq!(store.list(&denied, &list).unwrap().total, Some(2));
    assert_eq!(store.count(&denied).unwrap(), 2);
}

#[test]
fn a_limit_above_the_most_is_refused_with_both_numbers() {
    let root = tempfile::tempdir().unwrap();
    let error = store(root.path())
        .list(&Query::all(), &List::default().limit(MAX_LIMIT + 1))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Query);
    assert!(error.to_string().contains("10001") && error.to_string().contains("10000"));
}

#[test]
fn statistics_count_by_word_by_interval_and_in_the_last_hour_and_obey_the_filter() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    let opts = StatsOpts::default()
        .now(T0 + 4 * MINUTE + 60 * MINUTE)
        .per(5 * MINUTE)
        .completeness(true);
    let stats = store.stats(&Query::all(), &opts).unwrap();
    assert_eq!(stats.totals.records, 10);
    assert_eq!(
        stats.by_category.words,
        [("auth".to_owned(), 5), ("data".to_owned(), 5)]
    );
    assert_eq!(
        (stats.by_outcome.of("denied"), stats.by_outcome.of("success")),
        (Some(2), Some(8))
    );
    assert_eq!(stats.by_action.words[0], ("a0".to_owned(), 4));
    assert_eq!(
        stats.by_actor.words,
        [("ana".to_owned(), 9), ("unknown".to_owned(), 1)]
    );
    assert_eq!(stats.last_hour, 6, "the hour begins with the record at 10:04");
    let intervals: Vec<_> = stats
        .intervals
        .iter()
        .map(|one| (one.from, one.records))
        .collect();
    assert_eq!(intervals, [(T0, 5), (T0 + 5 * MINUTE, 5)]);
    assert_eq!(stats.intervals[0].outcomes.get("denied"), Some(&1));
    let verdict = stats.verdict.expect("files tell");
    assert_eq!(
        verdict.completeness(),
        Completeness::Unknown,
        "the trail has no end"
    );

    let data = Query::parse("category=data").unwrap();
    let stats = store.stats(&data, &opts.clone().most(1)).unwrap();
    assert_eq!((stats.totals.records, stats.last_hour), (5, 3));
    assert_eq!(stats.by_action.words, [("a0".to_owned(), 2)]);
    assert_eq!(stats.by_action.other, 3);
}

#[test]
fn an_interval_that_cannot_be_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    let zero = store
        .stats(&Query::all(), &StatsOpts::default().per(0))
        .unwrap_err();
    assert_eq!(zero.kind(), ErrorKind::Query);
    let mut lines: Vec<Vec<u8>> = (0..=MAX_INTERVALS as u64)
        .map(|seq| {
            let record = Record::builder("e").time(T0 + seq).build();
            tracing_audit::format::write_line(&record, "t", seq, T0 + seq, uuid::Uuid::from_u128(1))
        })
        .collect();
    // A newline behind the last line, too.
    lines.push(Vec::new());
    let path = root.path().join("many.jsonl");
    fs::write(&path, lines.join(&b'\n')).unwrap();
    let store = DirStore::open(path).unwrap();
    let many = store
        .stats(&Query::all(), &StatsOpts::default().per(1))
        .unwrap_err();
    assert_eq!(many.kind(), ErrorKind::Query);
    assert!(store.stats(&Query::all(), &StatsOpts::default().per(2)).is_ok());
}
