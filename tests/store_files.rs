//! The store over files: order, pages, what is skipped, and what is said about files that are not whole.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tracing_audit::query::Query;
use tracing_audit::record::Record;
use tracing_audit::store::{
    Cursor, DirStore, Direction, FindingKind, Follow, Item, List, Store as _, Stored,
};

const SECOND: u64 = 1_000_000_000;
/// 2025-11-21T10:00:00Z.
const START: u64 = 1_763_719_200 * SECOND;

fn everything(_: &Record) -> bool {
    true
}

fn line(stream: &str, seq: u64, second: u64, more: &str) -> String {
    let at = format!(
        "2025-11-21T{:02}:{:02}:{:02}.000000000Z",
        10 + second / 3600,
        second / 60 % 60,
        second % 60
    );
    format!(
        r#"{{"event":"e","observed_at":"{at}","schema":1,"seq":{seq},"stream":"{stream}","time":"{at}"{more}}}"#
    )
}

fn segment(dir: &Path, first_seq: u64, content: &str) -> PathBuf {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join(format!("audit-2025-11-21-{first_seq:020}.jsonl"));
    fs::write(&path, content).unwrap();
    path
}

/// Segments of `each` records, one record a second.
fn stream(root: &Path, name: &str, records: u64, each: u64) {
    for first in (0..records).step_by(usize::try_from(each).unwrap()) {
        let lines: String = (first..records.min(first + each))
            .map(|seq| line(name, seq, seq, "") + "\n")
            .collect();
        segment(&root.join(name), first, &lines);
    }
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn walk(store: &DirStore, direction: Direction) -> Vec<Item> {
    store
        .walk(&everything, direction, None)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// Each item in short: `stream/seq`, or the finding.
fn short(items: &[Item]) -> Vec<String> {
    items
        .iter()
        .map(|item| match item {
            Item::Record(stored) => place(stored),
            Item::Gap(stored) => format!("gap {}", place(stored)),
            Item::Finding(finding) => format!("{:?}", finding.kind),
            other => format!("{other:?}"),
        })
        .collect()
}

fn place(stored: &Stored) -> String {
    format!("{}/{}", stored.place.stream, stored.place.seq)
}

#[test]
fn streams_are_merged_by_time_and_both_directions_give_the_same_records() {
    let root = tempfile::tempdir().unwrap();
    segment(
        &root.path().join("b"),
        0,
        &[line("b", 0, 1, ""), line("b", 1, 3, ""), String::new()].join("\n"),
    );
    segment(&root.path().join("a"), 0, &(line("a", 0, 1, "") + "\n"));
    segment(
        &root.path().join("a"),
        1,
        &[line("a", 1, 2, ""), line("a", 2, 4, ""), String::new()].join("\n"),
    );
    let store = DirStore::open(root.path()).unwrap();
    let expected = ["a/0", "b/0", "a/1", "b/1", "a/2"];
    assert_eq!(short(&walk(&store, Direction::OldestFirst)), expected);
    let mut back = short(&walk(&store, Direction::NewestFirst));
    back.reverse();
    assert_eq!(back, expected);
    let one = DirStore::open(root.path().join("a")).unwrap();
    assert_eq!(short(&walk(&one, Direction::OldestFirst)), ["a/0", "a/1", "a/2"]);
    let file = DirStore::open(root.path().join("a/audit-2025-11-21-00000000000000000001.jsonl")).unwrap();
    assert_eq!(short(&walk(&file, Direction::OldestFirst)), ["a/1", "a/2"]);
}

#[test]
fn a_record_comes_with_its_exact_line() {
    let root = tempfile::tempdir().unwrap();
    let spaced = line("a", 0, 0, r#" , "labels" : {"x":"\u0041"}"#);
    segment(&root.path().join("a"), 0, &format!("{spaced}\n"));
    let store = DirStore::open(root.path()).unwrap();
    let page = store.list(&everything, &List::default()).unwrap();
    assert_eq!(page.records[0].line, spaced.as_bytes());
    assert_eq!(page.next, None);
}

/// T000-07.
#[test]
fn what_is_not_a_record_is_a_finding_from_either_end_and_hides_no_record() {
    let (root, long) = (tempfile::tempdir().unwrap(), "x".repeat(2 * 1024 * 1024));
    let content = [
        line("a", 0, 0, ""),
        "not json".to_owned(),
        line("a", 2, 2, ""),
        long,
        line("a", 4, 4, ""),
        line("a", 7, 7, ""),
        line("a", 7, 7, ""),
        r#"{"event":"half"#.to_owned(),
    ]
    .join("\n");
    let path = segment(&root.path().join("a"), 0, &content);
    segment(&root.path().join("a"), 8, &(line("a", 8, 8, "") + "\n"));
    let store = DirStore::open(root.path()).unwrap();
    let items = walk(&store, Direction::OldestFirst);
    let kinds: Vec<&FindingKind> = items
        .iter()
        .filter_map(|item| match item {
            Item::Finding(finding) => {
                assert_eq!(finding.path, path);
                Some(&finding.kind)
            }
            _ => None,
        })
        .collect();
    assert!(
        matches!(
            kinds[..],
            [
                FindingKind::Unreadable { .. },
                FindingKind::TooLong { len: 2_097_152 },
                FindingKind::Hole { after: 4, before: 7 },
                FindingKind::Disorder { after: 7, found: 7 },
                FindingKind::Torn { len: 14 },
            ]
        ),
        "{kinds:?}"
    );
    let backwards = short(&walk(&store, Direction::NewestFirst));
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all
    };
    assert_eq!(
        sorted(short(&items)),
        sorted(backwards),
        "both directions meet the same things"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), content, "nothing is repaired");
}

#[test]
fn a_hole_between_segments_is_found_and_removed_old_segments_are_none() {
    let root = tempfile::tempdir().unwrap();
    segment(&root.path().join("a"), 5, &(line("a", 5, 5, "") + "\n"));
    segment(&root.path().join("a"), 9, &(line("a", 9, 9, "") + "\n"));
    let store = DirStore::open(root.path()).unwrap();
    let found = short(&walk(&store, Direction::OldestFirst));
    assert_eq!(found, ["a/5", "Hole { after: 5, before: 9 }", "a/9"]);
}

/// What the file sink leaves behind after a failed fdatasync, and after a power failure while it repeated lines.
#[test]
fn lines_that_the_writer_repeated_in_the_next_segment_are_given_once() {
    let root = tempfile::tempdir().unwrap();
    let lines =
        |seqs: &[u64]| -> String { seqs.iter().map(|seq| line("a", *seq, *seq, "") + "\n").collect() };
    let dir = root.path().join("a");
    segment(&dir, 0, &lines(&[0, 1, 2, 3, 4, 5]));
    segment(&dir, 6, &(lines(&[3, 4]) + "\n" + &lines(&[3, 4, 5, 6, 7])));
    segment(&dir, 8, &lines(&[7, 8]));
    let store = DirStore::open(root.path()).unwrap();
    let expected: Vec<String> = (0..=8).map(|seq| format!("a/{seq}")).collect();
    assert_eq!(short(&walk(&store, Direction::OldestFirst)), expected);
    let mut back = short(&walk(&store, Direction::NewestFirst));
    back.reverse();
    assert_eq!(back, expected);
    for direction in [Direction::NewestFirst, Direction::OldestFirst] {
        let mut pages = Vec::new();
        let mut list = List::default().direction(direction).limit(1);
        loop {
            let page = store.list(&everything, &list).unwrap();
            assert!(page.findings.is_empty(), "{:?}", page.findings);
            pages.extend(page.records.iter().map(|stored| stored.place.seq));
            let Some(next) = page.next else { break };
            list = list.after(next);
        }
        pages.sort_unstable();
        assert_eq!(pages, (0..=8).collect::<Vec<_>>(), "{direction:?}");
    }
    let followed = tempfile::tempdir().unwrap();
    let dir = followed.path().join("a");
    segment(&dir, 0, &lines(&[0, 1]));
    let mut follow = Follow::from_end(followed.path()).unwrap();
    segment(&dir, 2, &lines(&[0, 1, 2]));
    assert_eq!(polled(&mut follow), ["a/2"]);
}

#[test]
fn gap_records_are_given_even_where_the_filter_does_not_want_them() {
    let root = tempfile::tempdir().unwrap();
    let gap = line("a", 1, 1, r#","attributes":{"cause":"queue_full","lost":17}"#)
        .replace("\"e\"", "\"audit.gap\"");
    let content = [
        line("a", 0, 0, r#","outcome":"denied""#),
        gap,
        line("a", 2, 2, ""),
        String::new(),
    ]
    .join("\n");
    segment(&root.path().join("a"), 0, &content);
    let store = DirStore::open(root.path()).unwrap();
    let query = Query::parse("outcome=denied").unwrap();
    let page = store.list(&query, &List::default()).unwrap();
    assert_eq!(page.records.iter().map(place).collect::<Vec<_>>(), ["a/0"]);
    assert_eq!(
        page.gaps.iter().map(Stored::lost).collect::<Vec<_>>(),
        [Some((17, "queue_full"))]
    );
    let totals = store.totals(&query).unwrap();
    assert_eq!(
        (totals.records, totals.gaps, totals.lost, totals.findings),
        (1, 1, 17, 0)
    );
    assert_eq!(totals.outcomes.get("denied"), Some(&1));
    let outside = Query::all().until(START);
    assert_eq!(
        store
            .totals(&Query::parse("observed_at<2025-11-21T10:00").unwrap())
            .unwrap()
            .gaps,
        0
    );
    assert_eq!(store.totals(&outside).unwrap().records, 0);
}

#[test]
fn pages_put_together_are_the_whole_listing_in_either_direction() {
    let root = tempfile::tempdir().unwrap();
    stream(root.path(), "a", 40, 7);
    stream(root.path(), "b", 25, 25);
    let store = DirStore::open(root.path()).unwrap();
    for direction in [Direction::NewestFirst, Direction::OldestFirst] {
        let whole = store
            .list(&everything, &List::default().direction(direction).limit(0))
            .unwrap();
        assert_eq!(whole.records.len(), 65);
        for limit in [1, 2, 7, 64, 65, 66] {
            let mut pages = Vec::new();
            let mut after: Option<Cursor> = None;
            loop {
                let list = List::default()
                    .direction(direction)
                    .limit(limit)
                    .after(after.take());
                let page = store.list(&everything, &list).unwrap();
                assert!(page.findings.is_empty(), "{:?}", page.findings);
                pages.extend(page.records);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(pages, whole.records, "{direction:?} {limit}");
        }
    }
}

#[test]
fn a_page_deep_inside_a_large_segment_is_found_by_halving_and_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    let filler = format!(r#","summary":"{}""#, "x".repeat(2000));
    let mut content = String::new();
    for seq in 0..1500 {
        content += &line("a", seq, seq, &filler);
        content += "\n";
        if seq % 100 == 50 {
            content += "unreadable\n";
        }
    }
    segment(&root.path().join("a"), 0, &content);
    let store = DirStore::open(root.path()).unwrap();
    let mut after = None;
    let (mut records, mut findings) = (0, 0);
    loop {
        let page = store
            .list(&everything, &List::default().limit(100).after(after))
            .unwrap();
        records += page.records.len();
        findings += page.findings.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(
        (records, findings),
        (1500, 15),
        "each page told only its own findings"
    );
}

#[test]
fn segments_outside_the_window_are_not_read() {
    let root = tempfile::tempdir().unwrap();
    stream(root.path(), "a", 40, 10);
    let dir = root.path().join("a");
    // A reader that came here would report it.
    append(
        &dir.join(format!("audit-2025-11-21-{:020}.jsonl", 0)),
        "unreadable\n",
    );
    append(
        &dir.join(format!("audit-2025-11-21-{:020}.jsonl", 30)),
        "unreadable\n",
    );
    let store = DirStore::open(root.path()).unwrap();
    let query = Query::parse("observed_at>=2025-11-21T10:00:12 observed_at<2025-11-21T10:00:25").unwrap();
    for direction in [Direction::NewestFirst, Direction::OldestFirst] {
        let page = store.list(&query, &List::default().direction(direction)).unwrap();
        assert_eq!(page.records.len(), 13, "{direction:?}");
        assert!(page.findings.is_empty(), "{direction:?}: {:?}", page.findings);
    }
    assert_eq!(store.totals(&everything).unwrap().findings, 2);
}

#[test]
fn extents_tell_how_far_each_stream_reaches() {
    let root = tempfile::tempdir().unwrap();
    stream(root.path(), "a", 40, 7);
    segment(&root.path().join("b"), 3, &(line("b", 3, 9, "") + "\ntorn"));
    segment(&root.path().join("c"), 0, "");
    let extents = DirStore::open(root.path()).unwrap().extents().unwrap();
    let short: Vec<_> = extents
        .iter()
        .map(|extent| {
            (
                &*extent.stream,
                extent.first.seq,
                extent.last.seq,
                extent.records(),
            )
        })
        .collect();
    assert_eq!(short, [("a", 0, 39, 40), ("b", 3, 3, 1)]);
}

#[test]
fn a_path_that_is_not_there_is_an_error_and_an_empty_directory_an_empty_store() {
    let root = tempfile::tempdir().unwrap();
    let error = DirStore::open(root.path().join("gone")).unwrap_err();
    assert_eq!(error.kind(), tracing_audit::ErrorKind::Io);
    assert!(error.to_string().contains("gone"), "{error}");
    let store = DirStore::open(root.path()).unwrap();
    assert_eq!(store.streams(), 0);
    assert!(walk(&store, Direction::NewestFirst).is_empty());
}

#[cfg(unix)]
#[test]
fn a_loop_of_symbolic_links_ends() {
    let root = tempfile::tempdir().unwrap();
    stream(root.path(), "a", 2, 2);
    std::os::unix::fs::symlink(root.path(), root.path().join("a/loop")).unwrap();
    std::os::unix::fs::symlink(root.path(), root.path().join("loop")).unwrap();
    let store = DirStore::open(root.path()).unwrap();
    assert_eq!(walk(&store, Direction::OldestFirst).len(), 2);
}

fn polled(follow: &mut Follow) -> Vec<String> {
    let mut items = Vec::new();
    while follow.poll(&everything, &mut items).unwrap() {}
    short(&items)
}

#[test]
fn following_gives_each_line_once_across_torn_writes_new_segments_and_new_streams() {
    let root = tempfile::tempdir().unwrap();
    let a = segment(
        &root.path().join("a"),
        0,
        &(line("a", 0, 0, "") + "\n" + &line("a", 1, 1, "")),
    );
    let mut follow = Follow::from_end(root.path()).unwrap();
    assert_eq!(polled(&mut follow), [""; 0], "the half line is waited for");
    append(&a, "\n");
    assert_eq!(polled(&mut follow), ["a/1"]);
    let next = line("a", 2, 2, "") + "\n";
    append(&a, &next[..30]);
    assert_eq!(polled(&mut follow), [""; 0]);
    append(&a, &next[30..]);
    segment(&root.path().join("a"), 3, &(line("a", 3, 5, "") + "\n"));
    segment(&root.path().join("b"), 0, &(line("b", 0, 3, "") + "\n"));
    assert_eq!(polled(&mut follow), ["a/2", "b/0", "a/3"]);
    append(&a, "late\n");
    assert_eq!(
        polled(&mut follow),
        [""; 0],
        "a segment with a newer one behind it is not read again"
    );
}

#[test]
fn following_begins_in_an_empty_directory_and_tells_holes_and_torn_segments() {
    let root = tempfile::tempdir().unwrap();
    let mut follow = Follow::from_end(root.path()).unwrap();
    assert_eq!(polled(&mut follow), [""; 0]);
    segment(&root.path().join("a"), 0, &(line("a", 0, 0, "") + "\ntorn"));
    assert_eq!(polled(&mut follow), ["a/0"]);
    segment(&root.path().join("a"), 4, &(line("a", 4, 4, "") + "\n"));
    assert_eq!(
        polled(&mut follow),
        ["Torn { len: 4 }", "a/4", "Hole { after: 0, before: 4 }"].map(str::to_owned)
    );
}

#[test]
fn history_and_following_meet_without_a_hole_or_a_repetition() {
    let root = tempfile::tempdir().unwrap();
    stream(root.path(), "a", 20, 6);
    stream(root.path(), "b", 5, 5);
    let mut follow = Follow::from_end(root.path()).unwrap();
    // Written between the two calls.
    let last = root.path().join(format!("a/audit-2025-11-21-{:020}.jsonl", 18));
    append(&last, &(line("a", 20, 20, "") + "\n"));
    let history: Vec<String> = follow
        .history(&everything, 3)
        .unwrap()
        .iter()
        .map(|item| match item {
            Item::Record(stored) => place(stored),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(history, ["a/17", "a/18", "a/19"]);
    assert_eq!(polled(&mut follow), ["a/20"]);
    assert!(follow.history(&everything, 0).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Streams with equal times, cut into segments anywhere: the merge is a sort, and any cursor goes on behind it.
    #[test]
    fn the_merge_is_a_sort_and_any_cursor_goes_on_behind_it(
        streams in proptest::collection::vec(proptest::collection::vec((0..3_u64, any::<bool>()), 1..20), 1..4),
        at in any::<prop::sample::Index>(),
    ) {
        let root = tempfile::tempdir().unwrap();
        let mut expected = Vec::new();
        for (index, steps) in streams.iter().enumerate() {
            let name = format!("s{index}");
            let (mut second, mut first, mut content) = (0, 0, String::new());
            for (seq, (step, roll)) in steps.iter().enumerate() {
                let seq = seq as u64;
                second += step;
                if *roll && !content.is_empty() {
                    segment(&root.path().join(&name), first, &content);
                    (first, content) = (seq, String::new());
                }
                content += &(line(&name, seq, second, "") + "\n");
                expected.push(Cursor { observed_at: START + second * SECOND, stream: name.as_str().into(), seq });
            }
            segment(&root.path().join(&name), first, &content);
        }
        expected.sort();
        let cut = at.index(expected.len());
        let store = DirStore::open(root.path()).unwrap();
        let after = List::default().limit(0).after(expected[cut].clone());
        let places = |list: &List| -> Vec<Cursor> {
            store.list(&everything, list).unwrap().records.into_iter().map(|stored| stored.place).collect()
        };
        prop_assert_eq!(&places(&List::default().limit(0).direction(Direction::OldestFirst)), &expected);
        prop_assert_eq!(&places(&after.clone().direction(Direction::OldestFirst))[..], &expected[cut + 1..]);
        let mut older = places(&after);
        older.reverse();
        prop_assert_eq!(&older[..], &expected[..cut]);
    }
}
