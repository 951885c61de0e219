//! The SQLite file: as a sink, as a store of its own, beside a journal, in the hands of others.
#![cfg(feature = "sqlite")]

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tracing_audit::format::{Entry, leaf_hash, write_line};
use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::{Sink as _, SinkError, SqliteSink};
use tracing_audit::store::{DirStore, Direction, List, SqliteStore, StatsOpts, Store as _, StoreWrite as _};
use tracing_audit::testing::sink_conformance;
use tracing_audit::{Audit, ErrorKind, Query};

/// 2025-11-21T10:00:00Z
const T0: u64 = 1_763_719_200_000_000_000;
const SECOND: u64 = 1_000_000_000;

fn line(stream: &str, seq: u64, text: &str) -> Vec<u8> {
    let time = T0 + seq * SECOND;
    let record = Record::builder("e").summary(text).time(time).build();
    write_line(&record, stream, seq, time, uuid::Uuid::from_u128(u128::from(seq)))
}

fn deliver(sink: &mut SqliteSink, lines: &[(u64, Vec<u8>)]) -> Result<u64, SinkError> {
    let entries: Vec<_> = lines
        .iter()
        .map(|(seq, line)| Entry::new(*seq, T0 + seq * SECOND, line))
        .collect();
    sink.deliver(&entries).map(|accepted| accepted.refused())
}

fn lines(store: &SqliteStore) -> Vec<Vec<u8>> {
    let list = List::default().direction(Direction::OldestFirst).limit(0);
    let page = store.list(&Query::all(), &list).unwrap();
    assert_eq!(page.findings, []);
    page.records.into_iter().map(|stored| stored.line).collect()
}

fn seqs(store: &SqliteStore, query: &str) -> Vec<u64> {
    let list = List::default().direction(Direction::OldestFirst).limit(0);
    let page = store.list(&Query::parse_at(query, T0).unwrap(), &list).unwrap();
    page.records.into_iter().map(|stored| stored.place.seq).collect()
}

#[test]
fn the_sqlite_sink_keeps_the_contract() {
    let place = tempfile::tempdir().unwrap();
    let mut files = 0;
    sink_conformance(
        || {
            files += 1;
            let path = place.path().join(format!("{files}.db"));
            SqliteSink::open(path).unwrap().part_records(64)
        },
        |sink| Some(lines(&SqliteStore::read_only(sink.path()).unwrap())),
    );
}

#[test]
fn an_entry_that_comes_again_is_there_once_and_another_under_its_number_is_refused_for_good() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let all: Vec<_> = (0..10).map(|seq| (seq, line("s", seq, "x"))).collect();
    let mut sink = SqliteSink::open(&path).unwrap().part_records(4);
    deliver(&mut sink, &all[..7]).unwrap();
    drop(sink);
    let mut sink = SqliteSink::open(&path).unwrap().part_records(4);
    deliver(&mut sink, &all[3..]).unwrap();
    let store = SqliteStore::read_only(&path).unwrap();
    let expected: Vec<_> = all.iter().map(|(_, line)| line.clone()).collect();
    assert_eq!(lines(&store), expected);
    let other = deliver(&mut sink, &[(2, line("s", 2, "y")), (10, line("s", 10, "z"))]);
    assert!(matches!(other, Err(SinkError::Fatal { cause }) if cause.contains("another line under seq 2")));
    assert_eq!(
        lines(&store),
        expected,
        "a batch is kept as a whole or not at all"
    );
    // Another stream has numbers of its own.
    deliver(&mut sink, &[(2, line("t", 2, "y"))]).unwrap();
    assert_eq!(lines(&store).len(), 11);
}

#[test]
fn what_is_no_record_is_refused_by_its_number_and_holds_nothing_up() {
    let place = tempfile::tempdir().unwrap();
    let mut sink = SqliteSink::open(place.path().join("audit.db")).unwrap();
    let batch = [
        (0, line("s", 0, "a")),
        (1, b"{}".to_vec()),
        (2, line("s", 2, "c")),
    ];
    let entries: Vec<_> = batch
        .iter()
        .map(|(seq, line)| Entry::new(*seq, T0, line))
        .collect();
    assert_eq!(sink.deliver(&entries).unwrap().which(), [1]);
    assert_eq!(lines(&SqliteStore::read_only(sink.path()).unwrap()).len(), 2);
}

/// T003-30.
#[test]
fn the_file_is_in_wal_mode_synchronous_full_and_for_its_owner_alone() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let store = SqliteStore::open(&path).unwrap();
    let conn = Connection::open(&path).unwrap();
    let mode: String = conn
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    assert_eq!(store.durability().unwrap(), ("wal".to_owned(), 2));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for entry in ["audit.db", "audit.db-wal", "audit.db-shm"].map(|name| place.path().join(name)) {
            assert_eq!(fs::metadata(entry).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

/// T003-25.
#[test]
fn a_follower_fills_the_file_and_goes_on_where_it_was_after_a_start() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let journal = place.path().join("journal");
    for round in 0..2 {
        let sink = SqliteSink::open(&path).unwrap().part_records(16);
        let audit = Audit::builder()
            .directory(&journal)
            .service("test")
            .sink(sink)
            .start()
            .unwrap();
        for at in 0..20 {
            audit
                .emit(
                    Record::builder("e")
                        .outcome("denied")
                        .summary(format!("{round} {at}"))
                        .build(),
                )
                .unwrap();
        }
        audit.shutdown(Duration::from_secs(30)).unwrap();
    }
    let dir = DirStore::open(&journal).unwrap();
    let store = SqliteStore::read_only(&path).unwrap();
    let list = List::default().limit(0);
    let (left, right) = (
        store.list(&Query::all(), &list).unwrap(),
        dir.list(&Query::all(), &list).unwrap(),
    );
    assert_eq!(left.records, right.records);
    assert!(left.records.len() > 40);
    assert_eq!(store.count(&Query::parse("outcome=denied").unwrap()).unwrap(), 40);
    let mut extents = dir.extents().unwrap();
    let mut own = store.extents().unwrap();
    extents
        .iter_mut()
        .chain(&mut own)
        .for_each(|extent| extent.bytes = 0);
    assert_eq!(own, extents);
    // Made anew from the journal, the file says the same.
    let mut anew = SqliteStore::in_memory().unwrap();
    assert_eq!(anew.take_from(&dir).unwrap(), left.records.len() as u64);
    assert_eq!(lines(&anew), lines(&store));
    assert_eq!(
        anew.take_from(&dir).unwrap(),
        left.records.len() as u64,
        "again, and nothing is added"
    );
    assert_eq!(lines(&anew).len(), left.records.len());
}

#[derive(Debug)]
struct Still(u64);

impl tracing_audit::clock::Clock for Still {
    fn now(&self) -> u64 {
        self.0
    }
}

fn records(count: u64) -> Vec<Record> {
    (0..count)
        .map(|at| {
            Record::builder("e")
                .category(if at % 2 == 0 { "auth" } else { "data" })
                .summary(format!("number {at}"))
                .time(T0 + at * SECOND)
                .build()
        })
        .collect()
}

fn memory() -> SqliteStore {
    SqliteStore::in_memory()
        .unwrap()
        .part_records(4)
        .clock(Arc::new(Still(T0 + 100 * SECOND)))
}

#[test]
fn a_batch_is_inserted_as_a_whole_and_an_empty_one_is_nothing_done() {
    let mut store = memory();
    assert_eq!(store.insert_batch(&[]).unwrap(), []);
    assert_eq!(store.extents().unwrap(), []);
    let places = store.insert_batch(&records(3)).unwrap();
    let one = store.insert(&records(1)[0]).unwrap();
    assert_eq!(
        places.iter().map(|place| place.seq).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!((one.seq, &one.stream), (3, &places[0].stream));
    let late = Record::builder("e").time(u64::MAX).build();
    let refused = store.insert_batch(&[records(1).remove(0), late]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert_eq!(lines(&store).len(), 4);
    store.close().unwrap();
}

#[test]
fn a_secret_that_is_inserted_is_not_in_the_file() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let secret = ["ghp_", "A1b2C3d4E5f6G7h8I9j0", "K1l2M3n4O5p6Q7"].concat();
    let mut store = SqliteStore::open(&path).unwrap().part_records(1);
    let record = Record::builder("e")
        .summary(format!("token {secret}"))
        .attribute("password", "hunter2")
        .build();
    store.insert(&record).unwrap();
    store.insert(&record).unwrap();
    for entry in fs::read_dir(place.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for canary in [secret.as_bytes(), secret.to_lowercase().as_bytes(), b"hunter2"] {
            assert!(!bytes.windows(canary.len()).any(|window| window == canary));
        }
    }
}

#[test]
fn a_prune_removes_what_is_strictly_before_keeps_hashes_and_leaves_no_trace_of_the_rest() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let mut store = SqliteStore::open(&path)
        .unwrap()
        .part_records(4)
        .clock(Arc::new(Still(T0 + 100 * SECOND)));
    let marked: Vec<Record> = (0..10)
        .map(|at| {
            let text = format!("findme{at} marker");
            Record::builder("e").summary(text).time(T0 + at * SECOND).build()
        })
        .collect();
    store.insert_batch(&marked[..7]).unwrap();
    store.insert_batch(&marked[7..]).unwrap();
    let before = lines(&store);
    assert_eq!(store.prune_before(T0 + 6 * SECOND).unwrap(), 6);
    assert_eq!(store.prune_before(T0 + 6 * SECOND).unwrap(), 0, "strictly before");
    assert_eq!(lines(&store), before[6..]);
    assert_eq!(seqs(&store, "findme"), [6, 7, 8, 9]);
    assert_eq!(seqs(&store, "findme7"), [7]);
    assert_eq!(
        store
            .stats(&Query::all(), &StatsOpts::default())
            .unwrap()
            .totals
            .records,
        4
    );
    let pruned = store.pruned().unwrap();
    assert_eq!(pruned.len(), 1);
    assert_eq!(
        (pruned[0].first, pruned[0].last, pruned[0].before),
        (0, 5, T0 + 6 * SECOND)
    );
    let conn = Connection::open(&path).unwrap();
    let hashes: Vec<Vec<u8>> = conn
        .prepare("SELECT hash FROM leaves ORDER BY id")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let expected: Vec<Vec<u8>> = before[..6].iter().map(|line| leaf_hash(line).to_vec()).collect();
    assert_eq!(hashes, expected);
    // The numbers go on, and what was removed does not come back.
    assert_eq!(store.insert(&marked[9]).unwrap().seq, 10);
    drop((conn, store));
    for entry in fs::read_dir(place.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!((0..6).all(|at| !has(format!("findme{at}").as_bytes())));
    }
}

#[test]
fn a_prune_of_all_leaves_a_store_that_can_be_used() {
    let mut store = memory();
    store.insert_batch(&records(10)).unwrap();
    assert_eq!(store.prune_before(u64::MAX).unwrap(), 10);
    assert_eq!(lines(&store), Vec::<Vec<u8>>::new());
    assert_eq!(store.insert(&records(1)[0]).unwrap().seq, 10);
    assert_eq!(lines(&store).len(), 1);
}

#[test]
fn readers_go_on_while_a_writer_writes_and_a_walk_sees_what_was_there_at_its_begin() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let mut writer = SqliteStore::open(&path).unwrap().part_records(8);
    writer.insert_batch(&records(20)).unwrap();
    let reader = SqliteStore::read_only(&path).unwrap();
    let every = Query::all();
    let mut walk = reader.walk(&every, Direction::OldestFirst, None).unwrap();
    assert!(walk.next().is_some());
    writer.insert_batch(&records(20)).unwrap();
    assert_eq!(writer.prune_before(T0 + 10 * SECOND).unwrap(), 20);
    assert_eq!(walk.count(), 19, "records of before, to the last");
    assert_eq!(lines(&reader).len(), 20);
    let other = SqliteStore::open(&path).unwrap().insert(&records(1)[0]).unwrap();
    let mine = writer.insert(&records(1)[0]).unwrap();
    assert_eq!(mine.seq, other.seq + 1, "two writers take turns");
    let log = fs::metadata(place.path().join("audit.db-wal")).unwrap().len();
    assert!(log < 200_000, "what was removed is in the log no more: {log}");
}

#[test]
fn a_file_that_is_no_trail_is_refused_and_left_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    fs::write(
        path("text"),
        "hello, this is not a database at all, but long enough to be read",
    )
    .unwrap();
    let foreign = Connection::open(path("foreign")).unwrap();
    foreign
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
        .unwrap();
    drop(foreign);
    fs::write(path("empty"), "").unwrap();
    for name in ["text", "foreign"] {
        let before = fs::read(path(name)).unwrap();
        for error in [
            SqliteStore::read_only(path(name)).unwrap_err(),
            SqliteStore::open(path(name)).unwrap_err(),
            SqliteSink::open(path(name)).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Format, "{name}: {error}");
            assert!(error.to_string().contains(name));
        }
        assert_eq!(fs::read(path(name)).unwrap(), before, "{name}");
    }
    assert_eq!(
        SqliteStore::read_only(path("empty")).unwrap_err().kind(),
        ErrorKind::Format
    );
    assert_eq!(
        SqliteStore::read_only(path("none")).unwrap_err().kind(),
        ErrorKind::Io
    );
    assert!(!path("none").exists());

    drop(SqliteStore::open(path("newer")).unwrap());
    Connection::open(path("newer"))
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let newer = SqliteStore::open(path("newer")).unwrap_err();
    assert!(newer.to_string().contains("newer version"), "{newer}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(path("foreign"), path("link")).unwrap();
        assert!(SqliteStore::open(path("link")).is_err());
    }
}

#[test]
fn a_file_that_can_only_be_read_is_read() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let mut store = SqliteStore::open(&path).unwrap();
    store.insert_batch(&records(5)).unwrap();
    store.close().unwrap();
    let mut reader = SqliteStore::read_only(&path).unwrap();
    assert_eq!(lines(&reader).len(), 5);
    assert_eq!(
        reader.insert(&records(1)[0]).unwrap_err().kind(),
        ErrorKind::Refused
    );
    assert_eq!(
        reader.prune_before(u64::MAX).unwrap_err().kind(),
        ErrorKind::Refused
    );
    assert_eq!(lines(&reader).len(), 5);
}

#[test]
fn a_damaged_file_gives_errors_and_findings_and_never_a_panic() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let mut store = SqliteStore::open(&path).unwrap().part_records(64);
    store.insert_batch(&records(200)).unwrap();
    store.close().unwrap();
    let whole = fs::read(&path).unwrap();
    let query = Query::parse("category=auth number").unwrap();
    let damaged = place.path().join("damaged.db");
    let mut troubled = 0;
    for round in 0..200_usize {
        let mut bytes = whole.clone();
        // A stretch of another value, somewhere behind the header.
        let at = 100 + round * (bytes.len() - 200) / 200;
        bytes[at..at + 64].fill((round * 37) as u8);
        fs::write(&damaged, &bytes).unwrap();
        let _ = fs::remove_file(place.path().join("damaged.db-wal"));
        let ask = || -> tracing_audit::Result<bool> {
            let store = SqliteStore::read_only(&damaged)?;
            let page = store.list(&query, &List::default().limit(0).total(true))?;
            store.stats(&query, &StatsOpts::default())?;
            store.extents()?;
            Ok(page.findings.is_empty() && page.records.len() == 100)
        };
        troubled += u32::from(!matches!(ask(), Ok(true)));
    }
    assert!(troubled > 20, "{troubled}: damage was noticed");
    for cut in [0, 50, 100, 4096, 10_000, whole.len() / 2, whole.len() - 1] {
        fs::write(&damaged, &whole[..cut]).unwrap();
        let _ = SqliteStore::read_only(&damaged).and_then(|store| store.list(&query, &List::default()));
    }
}

#[test]
fn a_line_cannot_be_changed_or_removed_by_a_slip() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    SqliteStore::open(&path)
        .unwrap()
        .insert_batch(&records(3))
        .unwrap();
    let conn = Connection::open(&path).unwrap();
    for sql in ["UPDATE lines_1 SET line = x'00'", "DELETE FROM lines_1"] {
        assert!(conn.execute_batch(sql).is_err(), "{sql}");
    }
}

#[test]
fn other_programs_see_every_record_in_two_views() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let mut store = SqliteStore::open(&path).unwrap().part_records(2);
    store.insert_batch(&records(2)).unwrap();
    // More parts than are joined in one view.
    for _ in 0..70 {
        store.insert_batch(&records(2)).unwrap();
    }
    let conn = Connection::open(&path).unwrap();
    let one = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(one("SELECT CAST(count(*) AS TEXT) FROM records"), "142");
    assert_eq!(one("SELECT CAST(count(*) AS TEXT) FROM lines"), "142");
    assert_eq!(
        one("SELECT at FROM records WHERE seq = 1"),
        "2025-11-21T10:00:01.000Z"
    );
    assert_eq!(
        one("SELECT line ->> 'summary' FROM lines WHERE seq = 3"),
        "number 1"
    );
    assert_eq!(one("SELECT category FROM records WHERE seq = 3"), "data");
    let first = store.list(&Query::all(), &List::default().limit(1)).unwrap();
    assert_eq!(first.records[0].record.text(Slot::Category), Some("data"));
}
