//! The SQLite store finds what the file scan finds, and what a naive filter over the lines finds.
#![cfg(feature = "sqlite")]

#[path = "support/python.rs"]
mod python;

use std::fs;

use proptest::prelude::*;
use tracing_audit::Query;
use tracing_audit::format::read_line;
use tracing_audit::record::{Level, Record, TraceContext, TraceId, Value};
use tracing_audit::store::{
    Cursor, DirStore, Direction, Filter, Item, List, SqliteStore, StatsOpts, Store, Window,
};

/// 2025-11-21T10:00:00Z
const T0: u64 = 1_763_719_200_000_000_000;
const SECOND: u64 = 1_000_000_000;

/// What a record of the test says: small choices, so that queries meet something.
#[derive(Debug, Clone)]
struct Said {
    stream: usize,
    step: u64,
    words: [usize; 7],
    gap: bool,
}

const STREAMS: [&str; 2] = ["main-b", "main-a"];
const ACTORS: [&str; 4] = ["ana", "anatol", "Ana", "50%_off"];
const OUTCOMES: [&str; 4] = ["success", "denied", "failure", "no"];
const TEXTS: [&str; 8] = [
    "not found: 100% of a_b",
    "straße ABC-def",
    "say \"hi\" \\ there\nnext",
    "deadbeef",
    "ΑΣ Kelvin K sign",
    "x",
    "",
    "a word that is longer than sixty-four letters: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg end",
];
const RESOURCES: [(&str, &str); 4] = [
    ("invoice", "9"),
    ("inv", "oice/9"),
    ("a/b", "c"),
    ("invoice", "10"),
];
const ADDRESSES: [&str; 4] = ["10.1.2.3", "::ffff:10.1.9.9", "2001:db8::1", "hmac:10."];
const LEVELS: [Level; 4] = [Level::Trace, Level::Info, Level::Warn, Level::Error];

fn said() -> impl Strategy<Value = Said> {
    (
        0..2_usize,
        0..3_u64,
        prop::array::uniform7(0..9_usize),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(stream, step, words, gap)| Said {
            stream,
            step,
            words,
            gap,
        })
}

fn record(said: &Said, time: u64) -> Record {
    let [actor, outcome, text, resource, address, level, more] = said.words;
    let mut record = Record::builder(if said.gap { "audit.gap" } else { "e.v" })
        .time(time)
        .level(&LEVELS[level % 4]);
    if let Some(actor) = ACTORS.get(actor) {
        record = record.actor("user", *actor);
    }
    if let Some(outcome) = OUTCOMES.get(outcome) {
        record = record.outcome(*outcome);
    }
    if let Some(text) = TEXTS.get(text) {
        record = record.summary(*text);
    }
    if let Some((kind, id)) = RESOURCES.get(resource) {
        record = record.resource(*kind, *id);
    }
    if let Some(address) = ADDRESSES.get(address) {
        record = record.set(tracing_audit::record::Slot::ActorIp, *address);
    }
    if more % 3 == 0 {
        record = record
            .attribute("port", Value::from(443 + more))
            .set(tracing_audit::record::Slot::DurationNs, (more as u64) << 61);
    }
    if more % 4 == 0 {
        let context = TraceContext {
            trace_id: TraceId::from_bytes([more as u8 + 1; 16]).unwrap(),
            span_id: tracing_audit::record::SpanId::from_bytes([7; 8]).unwrap(),
            flags: 1,
        };
        record = record.trace(context);
    }
    if more % 5 == 0 {
        record = record.correlation_id("c-1").category("auth");
    }
    record.build()
}

/// A trail of two streams, and the same lines in a SQLite store of small parts.
fn stores(root: &std::path::Path, all: &[Said]) -> (DirStore, SqliteStore) {
    let mut files: [Vec<Vec<u8>>; 2] = [Vec::new(), Vec::new()];
    let mut now = T0;
    for said in all {
        now += said.step * SECOND;
        let seq = files[said.stream].len() as u64;
        // What happened can lie before and behind what was observed.
        let time = now + SECOND * (said.words[0] as u64) - 4 * SECOND;
        let id = uuid::Uuid::from_u128(u128::from(now) << 8 | u128::from(seq));
        let line = tracing_audit::format::write_line(&record(said, time), STREAMS[said.stream], seq, now, id);
        files[said.stream].push(line);
    }
    for (name, lines) in STREAMS.iter().zip(&files).filter(|(_, lines)| !lines.is_empty()) {
        let dir = root.join(name);
        fs::create_dir(&dir).unwrap();
        let mut text = lines.join(&b'\n');
        text.push(b'\n');
        fs::write(dir.join("audit-2025-11-21-00000000000000000000.jsonl"), text).unwrap();
    }
    let dir = DirStore::open(root).unwrap();
    let mut sqlite = SqliteStore::in_memory().unwrap().part_records(12);
    sqlite.take_from(&dir).unwrap();
    (dir, sqlite)
}

/// Terms of queries, each of which meets some of the records or comes near.
const TERMS: &[&str] = &[
    "actor=ana",
    "actor=ana*",
    "actor=*a",
    "actor!=ana",
    "actor=50%_off",
    "actor=*",
    "actor!=*",
    "actor~AN",
    "outcome=denied",
    "outcome in (denied, no)",
    "outcome=success",
    "outcome=*",
    "outcome!=*",
    "outcome~e",
    "level>=warn",
    "level<error",
    "level=info",
    "resource=invoice/9",
    "resource=invoice",
    "resource=a/b/c",
    "resource=inv*",
    "resource=invoice/*",
    "resource=*9",
    "resource=*",
    "resource.id=c",
    "resource~voice/9",
    "ip=10.0.0.0/8",
    "ip=10.1.0.0/16",
    "ip=10.1.2.3",
    "ip=10.1.9.9",
    "ip=2001:db8::/32",
    "ip=10.*",
    "ip=0.0.0.0/0",
    "attributes.port=443",
    "attributes.port>=446",
    "duration>=1",
    "duration<9223372036854775807",
    "duration>=9223372036854775807",
    "duration=18446744073709551615",
    "duration>9223372036854775807",
    "duration>6917529027641081855",
    "duration<=6917529027641081856",
    "trace=0101",
    "trace=*",
    "correlation=c-1",
    "correlation=*",
    "correlation=01010101010101010101010101010101",
    "correlation=0101*",
    "category=auth",
    "event=audit.gap",
    "event=e.*",
    "seq<5",
    "seq=3",
    "stream=main-a",
    "time>=2025-11-21T10:00:05Z",
    "time<2025-11-21T10:00:09Z",
    "time>2025-11-21T10:00:04.999999999Z",
    "time<=2025-11-21T10:00:05Z",
    "observed_at>2025-11-21T10:00:04.999999999Z",
    "observed_at<=2025-11-21T10:00:05Z",
    "observed_at>=2025-11-21T10:00:03Z",
    "observed_at<2025-11-21T10:00:12Z",
    "found",
    "FOUND",
    "100%",
    "a_b",
    "a_",
    "straße",
    "STRASSE",
    "deadbeef",
    "dead",
    "abc-d",
    "bc-de",
    "\"hi\\\" \\\\\"",
    "\"there\"",
    "kelvin",
    "\"k sign\"",
    "ας",
    "α",
    "x",
    "e",
    "\"sixty-four letters\"",
    "aaaabbbb",
    "ffgggg",
    "\"gggg end\"",
    "\"not*b\"",
    "zzz",
    "f:",
    "-",
    "0101",
];

fn term() -> impl Strategy<Value = String> {
    prop::sample::select(TERMS).prop_map(str::to_owned)
}

fn query() -> impl Strategy<Value = String> {
    term().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) and ({right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) or ({right})")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

/// Terms without parentheses: what binds more, and that the same field twice is either.
fn plain_query() -> impl Strategy<Value = String> {
    let between = prop::sample::select(&[" ", " ", " and ", " or "][..]);
    let negation = prop::sample::select(&["", "", "not "][..]);
    let more = prop::collection::vec((between, negation, term()), 0..4);
    (term(), more).prop_map(|(first, more)| {
        let more = more
            .iter()
            .map(|(between, not, term)| format!("{between}{not}{term}"));
        std::iter::once(first).chain(more).collect()
    })
}

fn places(store: &dyn Store, query: &Query, list: &List) -> Vec<Cursor> {
    let page = store.list(query, list).unwrap();
    assert_eq!(page.findings, []);
    page.records.into_iter().map(|stored| stored.place).collect()
}

/// What is met on a walk, as text: records and gaps, each with its place.
fn walked(store: &dyn Store, query: &Query, direction: Direction) -> Vec<String> {
    let items = store.walk(query, direction, None).unwrap();
    let shown = items.map(|item| match item.unwrap() {
        Item::Record(stored) => format!(
            "record {} {}",
            stored.place,
            String::from_utf8(stored.line).unwrap()
        ),
        Item::Gap(stored) => format!("gap {}", stored.place),
        other => panic!("{other:?}"),
    });
    shown.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn sql_finds_what_the_file_scan_and_a_naive_filter_find(
        mut all in prop::collection::vec(said(), 0..48),
        is_one_stream in any::<bool>(),
        text in prop_oneof![query(), plain_query()],
        cut in any::<prop::sample::Index>(),
    ) {
        if is_one_stream {
            all.iter_mut().for_each(|said| said.stream = 0);
        }
        let root = tempfile::tempdir().unwrap();
        let (dir, sqlite) = stores(root.path(), &all);
        let query = Query::parse_at(&text, T0).unwrap();
        for direction in [Direction::OldestFirst, Direction::NewestFirst] {
            prop_assert_eq!(walked(&sqlite, &query, direction), walked(&dir, &query, direction), "{}", text);
            let whole = List::default().limit(0).direction(direction);
            let found = places(&sqlite, &query, &whole);
            let mut naive: Vec<Cursor> = naive(&dir, &query);
            if let Some(found) = python::found(&text, &lines(&dir)) {
                prop_assert_eq!(&naive, &found, "Python: {}", text);
            }
            if direction == Direction::NewestFirst {
                naive.reverse();
            }
            prop_assert_eq!(&found, &naive, "{}", text);
            prop_assert_eq!(sqlite.count(&query).unwrap(), found.len() as u64);
            if !found.is_empty() {
                let at = cut.index(found.len());
                let behind = whole.clone().after(found[at].clone());
                prop_assert_eq!(places(&sqlite, &query, &behind), &found[at + 1..]);
                let page = List::default().limit(3).offset(at as u64).direction(direction).total(true);
                let page = sqlite.list(&query, &page).unwrap();
                prop_assert_eq!(page.total, Some(found.len() as u64));
                prop_assert_eq!(page.records[0].place.clone(), found[at].clone());
            }
        }
        let opts = StatsOpts::default().now(T0 + 10 * SECOND).per(5 * SECOND).most(2).completeness(true);
        prop_assert_eq!(sqlite.stats(&query, &opts).unwrap(), dir.stats(&query, &opts).unwrap(), "{}", text);
        prop_assert_eq!(sqlite.totals(&query).unwrap(), dir.totals(&query).unwrap());
    }
}

/// Every line of the files.
fn lines(dir: &DirStore) -> Vec<String> {
    let mut all = Vec::new();
    for name in STREAMS {
        let path = dir
            .path()
            .join(name)
            .join("audit-2025-11-21-00000000000000000000.jsonl");
        if let Ok(text) = fs::read_to_string(path) {
            // `str::lines` would take a carriage return for a part of the end.
            all.extend(text.split_terminator('\n').map(str::to_owned));
        }
    }
    all
}

/// The lines read and asked one by one, without a window, a walk or an index.
fn naive(dir: &DirStore, query: &Query) -> Vec<Cursor> {
    use tracing_audit::record::Slot;
    let records = lines(dir)
        .into_iter()
        .map(|line| read_line(line.as_bytes()).unwrap());
    let mut found: Vec<Cursor> = records
        .filter(|record| query.matches(record))
        .map(|record| Cursor {
            observed_at: record.uint(Slot::ObservedAt).unwrap(),
            stream: record.text(Slot::Stream).unwrap().into(),
            seq: record.uint(Slot::Seq).unwrap(),
        })
        .collect();
    found.sort();
    found
}

#[test]
fn the_filter_in_python_is_asked_and_finds_what_it_should() {
    let lines = |times: std::ops::Range<u64>| -> Vec<String> {
        let line = |seq| {
            let said = Record::builder("e.v").time(T0).actor("user", format!("u-{seq}"));
            let id = uuid::Uuid::from_u128(u128::from(seq));
            let line = tracing_audit::format::write_line(&said.build(), "main-a", seq, T0 + seq, id);
            String::from_utf8(line).unwrap()
        };
        times.map(line).collect()
    };
    let Some(found) = python::found("actor in (u-1, u-3) or actor=u-2 actor=\"u-4\"", &lines(0..9)) else {
        return;
    };
    let found: Vec<u64> = found.iter().map(|place| place.seq).collect();
    assert_eq!(found, [1, 2, 3, 4]);
}

#[test]
fn a_window_and_a_closure_are_filters_too() {
    struct Early;
    impl Filter for Early {
        fn matches(&self, _: &Record) -> bool {
            true
        }
        fn window(&self) -> Window {
            Window {
                from: T0 + 2 * SECOND,
                until: T0 + 5 * SECOND,
            }
        }
    }
    let root = tempfile::tempdir().unwrap();
    let all: Vec<Said> = (0..30)
        .map(|at| Said {
            stream: at % 2,
            step: 1,
            words: [at % 9; 7],
            gap: false,
        })
        .collect();
    let (dir, sqlite) = stores(root.path(), &all);
    assert_eq!(sqlite.count(&Early).unwrap(), 3);
    assert_eq!(dir.count(&Early).unwrap(), 3);
    let denied = |record: &Record| record.text(tracing_audit::record::Slot::Outcome) == Some("denied");
    assert_eq!(sqlite.count(&denied).unwrap(), dir.count(&denied).unwrap());
    assert!(sqlite.count(&denied).unwrap() > 0);
}

/// A line as somebody else may write it: `actor` is the actor's id as JSON.
fn foreign(seq: u64, actor: &str) -> String {
    let id = uuid::Uuid::from_u128(seq.into());
    format!(
        r#"{{"actor":{{"id":{actor}}},"event":"e","id":"{id}","level":"info","observed_at":"2025-11-21T10:00:{seq:02}.000000000Z","schema":1,"seq":{seq},"stream":"main","time":"2025-11-21T10:00:{seq:02}.000000000Z"}}"#
    )
}

/// These lines in a directory, and in a SQLite store of small parts.
fn of_lines(root: &std::path::Path, lines: &[String]) -> (DirStore, SqliteStore) {
    let text = lines.join("\n") + "\n";
    fs::write(root.join("audit-2025-11-21-00000000000000000000.jsonl"), text).unwrap();
    let dir = DirStore::open(root).unwrap();
    let mut sqlite = SqliteStore::in_memory().unwrap().part_records(2);
    sqlite.take_from(&dir).unwrap();
    (dir, sqlite)
}

#[test]
fn a_text_is_found_where_the_line_spells_it_otherwise_or_states_a_commitment() {
    let root = tempfile::tempdir().unwrap();
    let erased = format!(r#"{{"$commit":"{}="}}"#, "A".repeat(43));
    let actors = [r#""\u0061nabel""#, &erased, r#""anabel""#, r#""a\/b""#, r#""x""#];
    let lines: Vec<String> = (0..)
        .zip(actors)
        .map(|(seq, actor)| foreign(seq, actor))
        .collect();
    let (dir, sqlite) = of_lines(root.path(), &lines);
    for (text, seqs) in [
        ("anabel", &[0, 2][..]),
        ("actor~NABE", &[0, 2]),
        ("erased", &[1]),
        ("actor~erased", &[1]),
        ("actor=\"[ERASED]\"", &[1]),
        ("\"a/b\"", &[3]),
    ] {
        let query = Query::parse(text).unwrap();
        let list = List::default().limit(0).direction(Direction::OldestFirst);
        for store in [&dir as &dyn Store, &sqlite] {
            let found: Vec<u64> = places(store, &query, &list)
                .iter()
                .map(|place| place.seq)
                .collect();
            assert_eq!(found, seqs, "{text}");
        }
    }
}

#[test]
fn a_query_that_is_too_long_for_sqlite_is_answered_by_reading() {
    let root = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..9).map(|seq| foreign(seq, &format!("\"u{seq}\""))).collect();
    let (dir, sqlite) = of_lines(root.path(), &lines);
    let joined = |last: u32, between: &str, of: &dyn Fn(u32) -> String| {
        let terms: Vec<String> = (3..last).map(of).collect();
        terms.join(between)
    };
    for text in [
        joined(1_200, " ", &|at| format!("actor!=u{at}")),
        joined(1_200, " or ", &|at| format!("(actor=u{at} event=e)")),
        joined(1_200, " or ", &|at| format!("u{at}")),
        format!("actor in ({})", joined(40_000, ",", &|at| format!("u{at}"))),
        format!("not \"{}\"", joined(3_000, " ", &|at| format!("u{at}"))),
    ] {
        let query = Query::parse(&text).unwrap();
        let list = List::default().total(true);
        let (left, right) = (
            sqlite.list(&query, &list).unwrap(),
            dir.list(&query, &list).unwrap(),
        );
        assert_eq!(left.records, right.records);
        assert_eq!((left.total, left.records.len() % 3), (right.total, 0));
        let opts = StatsOpts::default().now(T0);
        assert_eq!(
            sqlite.stats(&query, &opts).unwrap(),
            dir.stats(&query, &opts).unwrap()
        );
    }
}
