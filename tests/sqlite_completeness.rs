//! The verdict on a window of a SQLite file: the one on the files that its lines are from; and what a prune does to it.
#![cfg(feature = "sqlite")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tracing_audit::record::{Record, Slot, Value};
use tracing_audit::store::{
    Completeness, DirStore, Doubt, FindingKind, SqliteStore, Store, StoreWrite as _, Verdict, Window,
};

const SECOND: u64 = 1_000_000_000;
const T0: u64 = 1_763_719_200 * SECOND; // 2025-11-21T10:00:00Z
const STREAMS: [&str; 2] = ["main-a", "main-b"];
const PARTS: [&str; 2] = ["all", "capture"];

/// What is written next.
#[derive(Debug, Clone)]
struct Step {
    stream: usize,
    /// Seconds since the one before.
    later: u64,
    /// Numbers that are left out before it.
    missing: u64,
    rolls: bool,
    said: Said,
}

#[derive(Debug, Clone)]
enum Said {
    Plain,
    Start(u8),
    End(u8),
    Open(Option<bool>),
    Close,
    Pause(usize),
    Resume(usize, u64),
    /// How many records a gap counts, and how many seconds before it they were; whether a sink beside the journal lost them.
    Gap(u64, u64, bool),
    Retention,
}

fn step() -> impl Strategy<Value = Step> {
    let said = prop_oneof![
        6 => Just(Said::Plain),
        2 => (0..4_u8).prop_map(Said::Start),
        2 => (0..4_u8).prop_map(Said::End),
        1 => prop::option::weighted(0.3, any::<bool>()).prop_map(Said::Open),
        2 => Just(Said::Close),
        1 => (0..2_usize).prop_map(Said::Pause),
        1 => (0..2_usize, 0..5_u64).prop_map(|(part, left_out)| Said::Resume(part, left_out)),
        1 => (1..5_u64, 0..8_u64, any::<bool>()).prop_map(|(lost, ago, beside)| Said::Gap(lost, ago, beside)),
        1 => Just(Said::Retention),
    ];
    let missing = prop_oneof![40 => Just(0), 1 => 1..4_u64];
    (0..2_usize, 0..4_u64, missing, prop::bool::weighted(0.1), said).prop_map(
        |(stream, later, missing, rolls, said)| Step {
            stream,
            later,
            missing,
            rolls,
            said,
        },
    )
}

fn time(nanos: u64) -> Value {
    jiff::Timestamp::from_nanosecond(i128::from(nanos))
        .unwrap()
        .to_string()
        .into()
}

fn record(said: &Said, now: u64) -> Record {
    let part =
        |builder: tracing_audit::record::RecordBuilder, part: &usize| builder.attribute("part", PARTS[*part]);
    let with_id = |phase: &str, id: &u8| {
        Record::builder("load.step")
            .set(Slot::Phase, phase)
            .set(Slot::ExecutionId, format!("run-{id}"))
    };
    let builder = match said {
        Said::Plain => Record::builder("load.step"),
        Said::Start(id) => with_id("start", id),
        Said::End(id) => with_id("end", id),
        Said::Open(clean) => {
            let open = Record::builder("audit.open").attribute("missing_at_most", 9_u64);
            match clean {
                Some(clean) => open.attribute("clean", *clean),
                None => open,
            }
        }
        Said::Close => Record::builder("audit.close"),
        Said::Pause(at) => part(Record::builder("audit.pause"), at),
        Said::Resume(at, left_out) => {
            part(Record::builder("audit.resume"), at).attribute("left_out", *left_out)
        }
        Said::Gap(lost, ago, beside) => {
            let gap = Record::builder("audit.gap")
                .attribute("lost", *lost)
                .attribute("cause", "queue_full")
                .attribute("first_time", time(now - ago * SECOND))
                .attribute("last_time", time(now));
            if *beside {
                gap.attribute("sink", "sqlite")
            } else {
                gap
            }
        }
        Said::Retention => Record::builder("audit.retention").attribute("cause", "age"),
    };
    builder.time(now).build()
}

/// The lines as two streams of segments, and in a SQLite store of small parts.
fn stores(root: &Path, steps: &[Step]) -> (DirStore, SqliteStore) {
    let mut now = T0;
    let mut files = BTreeMap::new();
    let (mut next, mut segments) = ([0_u64; 2], [None::<String>, None]);
    for step in steps {
        now += step.later * SECOND;
        let at = step.stream;
        let seq = next[at] + step.missing;
        next[at] = seq + 1;
        if step.rolls || segments[at].is_none() {
            segments[at] = Some(format!("audit-2025-11-21-{seq:020}.jsonl"));
        }
        let path = Path::new(STREAMS[at]).join(segments[at].as_deref().unwrap());
        let id = uuid::Uuid::from_u128(u128::from(now) << 8 | u128::from(seq));
        let line = tracing_audit::format::write_line(&record(&step.said, now), STREAMS[at], seq, now, id);
        let text: &mut Vec<u8> = files.entry(path).or_default();
        text.extend(line);
        text.push(b'\n');
    }
    for (path, text) in files {
        fs::create_dir_all(root.join(&path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
    let dir = DirStore::open(root).unwrap();
    let mut sqlite = SqliteStore::in_memory().unwrap().part_records(7);
    sqlite.take_from(&dir).unwrap();
    (dir, sqlite)
}

fn verdict(store: &dyn Store, window: Window) -> Verdict {
    store.completeness(window).unwrap().unwrap()
}

/// The doubts without the files in which they arose.
fn doubts(verdict: &Verdict) -> Vec<String> {
    let doubts = verdict.doubts.iter().map(|doubt| match doubt {
        Doubt::Finding(finding) => finding.kind.to_string(),
        doubt => format!("{doubt:?}"),
    });
    doubts.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_window_is_as_complete_in_a_sqlite_file_as_in_the_files_that_it_is_from(
        mut steps in prop::collection::vec(step(), 0..60),
        ends in prop::bool::weighted(0.8),
        windows in prop::collection::vec((0..90_u64, 0..90_u64), 6),
    ) {
        if ends {
            let closed = |stream| Step { stream, later: 1, missing: 0, rolls: false, said: Said::Close };
            steps.extend((0..2).map(closed));
        }
        let root = tempfile::tempdir().unwrap();
        let (dir, sqlite) = stores(root.path(), &steps);
        let windows = windows.into_iter().map(|(from, length)| Window {
            from: T0 + from * SECOND,
            until: T0 + (from + length) * SECOND,
        });
        let first = Window { from: 0, until: T0 + 20 * SECOND };
        for window in windows.chain([Window::ALL, Window::NONE, first]) {
            let (left, right) = (verdict(&sqlite, window), verdict(&dir, window));
            prop_assert_eq!(left.completeness(), right.completeness(), "{} / {}", left, right);
            prop_assert_eq!(&left.losses, &right.losses);
            prop_assert_eq!(&left.without_outcome, &right.without_outcome);
            prop_assert_eq!(doubts(&left), doubts(&right));
            prop_assert_eq!(left.more_doubts, right.more_doubts);
        }
    }
}

/// One run of twelve records, a second apart.
fn run() -> Vec<Step> {
    let plain = |said| Step {
        stream: 0,
        later: 1,
        missing: 0,
        rolls: false,
        said,
    };
    let mut steps = vec![plain(Said::Open(None))];
    steps.extend((0..10).map(|_| plain(Said::Plain)));
    steps.push(plain(Said::Close));
    steps
}

#[test]
fn what_a_prune_removed_from_a_window_is_a_doubt_and_a_window_behind_it_is_as_complete_as_before() {
    let root = tempfile::tempdir().unwrap();
    let (_, mut sqlite) = stores(root.path(), &run());
    assert_eq!(
        verdict(&sqlite, Window::ALL).completeness(),
        Completeness::Complete
    );
    assert_eq!(sqlite.prune_before(T0 + 5 * SECOND).unwrap(), 4);
    let all = verdict(&sqlite, Window::ALL);
    assert_eq!(
        all.to_string(),
        "unknown: `main-a` begins within the window, at seq 4; retention by prune removed what was before"
    );
    let behind = Window {
        from: T0 + 6 * SECOND,
        until: Window::ALL.until,
    };
    assert_eq!(verdict(&sqlite, behind).completeness(), Completeness::Complete);
}

#[test]
fn what_a_prune_removed_from_the_middle_is_no_loss_and_yet_not_there() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("main-a");
    fs::create_dir(&dir).unwrap();
    // What happened an hour before it was written goes first.
    let lines = (0..6_u64).map(|seq| {
        let said = match seq {
            0 => Said::Open(None),
            5 => Said::Close,
            _ => Said::Plain,
        };
        let now = T0 + seq * SECOND;
        let happened = if (2..4).contains(&seq) {
            now - 3_600 * SECOND
        } else {
            now
        };
        let id = uuid::Uuid::from_u128(u128::from(seq));
        tracing_audit::format::write_line(&record(&said, happened), "main-a", seq, now, id)
    });
    let text = lines.collect::<Vec<_>>().join(&b'\n');
    fs::write(
        dir.join("audit-2025-11-21-00000000000000000000.jsonl"),
        [text, b"\n".to_vec()].concat(),
    )
    .unwrap();
    let mut sqlite = SqliteStore::in_memory().unwrap().part_records(4);
    sqlite.take_from(&DirStore::open(root.path()).unwrap()).unwrap();
    assert_eq!(sqlite.prune_before(T0).unwrap(), 2);
    let middle = Window {
        from: T0 + 2 * SECOND,
        until: T0 + 5 * SECOND,
    };
    for window in [Window::ALL, middle] {
        let verdict = verdict(&sqlite, window);
        assert_eq!(
            doubts(&verdict),
            [FindingKind::Pruned { after: 1, before: 4 }.to_string()]
        );
        assert!(
            verdict
                .to_string()
                .contains("a prune removed what stood between seq 1 and 4 (2)")
        );
    }
    let early = Window {
        from: 0,
        until: T0 + 2 * SECOND,
    };
    let verdict = verdict(&sqlite, early);
    assert_eq!(verdict.completeness(), Completeness::Unknown, "{verdict}");
}

#[test]
fn a_store_that_is_written_by_itself_has_no_end_and_an_empty_one_no_stream() {
    let mut store = SqliteStore::in_memory().unwrap();
    assert_eq!(verdict(&store, Window::ALL).doubts, [Doubt::NoStream]);
    store.insert(&Record::builder("login").build()).unwrap();
    let verdict = verdict(&store, Window::ALL);
    assert!(matches!(verdict.doubts[..], [Doubt::NoEnd { .. }]), "{verdict}");
}
