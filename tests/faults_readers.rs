//! What readers make of a trail behind a power failure: the lines behind a hole were never confirmed, and their numbers
//! were given again in the next segment.

use std::fs;
use std::path::{Path, PathBuf};

use tracing_audit::record::Record;
use tracing_audit::store::{DirStore, Direction, Follow, Item, List, Store as _};

fn everything(_: &Record) -> bool {
    true
}

/// A line of one of two lives, with a second for each number; the second life goes on a minute later.
fn line(seq: u64, life: u64) -> String {
    let at = format!("2025-11-21T10:{life:02}:{seq:02}.000000000Z");
    format!(
        r#"{{"event":"life.{life}","observed_at":"{at}","schema":1,"seq":{seq},"stream":"main-1","time":"{at}"}}"#
    )
}

fn lines(seqs: std::ops::Range<u64>, life: u64) -> String {
    seqs.map(|seq| line(seq, life) + "\n").collect()
}

fn segment(dir: &Path, day: u64, first_seq: u64, content: &str) -> PathBuf {
    fs::create_dir_all(dir).expect("there is room");
    let path = dir.join(format!("audit-2025-11-{day}-{first_seq:020}.jsonl"));
    fs::write(&path, content).expect("there is room");
    path
}

/// Each record in short: its number and its life.
fn short(items: impl IntoIterator<Item = Item>) -> Vec<String> {
    let short = |item| match item {
        Item::Record(stored) => format!("{}/{}", stored.place.seq, stored.record.event()),
        other => panic!("{other:?}"),
    };
    items
        .into_iter()
        .filter(|item| !matches!(item, Item::Finding(_)))
        .map(short)
        .collect()
}

fn walk(dir: &Path, direction: Direction) -> Vec<String> {
    let store = DirStore::open(dir).expect("it can be read");
    let items = store.walk(&everything, direction, None).expect("it can be read");
    let items: Vec<_> = items.map(|item| item.expect("it can be read")).collect();
    let holes = items.iter().filter(|item| format!("{item:?}").contains("Hole"));
    assert_eq!(holes.count(), 0, "{items:?}");
    short(items)
}

/// Lines 0 to 2, a hole where 3 was, and 4 to 6 behind it; then the second life from 3 on.
fn with_a_hole(dir: &Path) {
    let hole = "\0".repeat(150);
    let first = lines(0..3, 1) + &hole + "\n" + &lines(4..7, 1);
    segment(dir, 21, 0, &first);
    segment(dir, 21, 3, &lines(3..6, 2));
}

#[test]
fn lines_behind_a_hole_are_not_given_and_their_numbers_are_those_of_the_next_segment() {
    let place = tempfile::tempdir().expect("there is room");
    with_a_hole(&place.path().join("main"));
    let mut expected: Vec<_> = (0..3).map(|seq| format!("{seq}/life.1")).collect();
    expected.extend((3..6).map(|seq| format!("{seq}/life.2")));
    assert_eq!(walk(place.path(), Direction::OldestFirst), expected);
    expected.reverse();
    assert_eq!(walk(place.path(), Direction::NewestFirst), expected);
    let store = DirStore::open(place.path()).expect("it can be read");
    let extents = store.extents().expect("it can be read");
    assert_eq!((extents[0].first.seq, extents[0].last.seq), (0, 5));
    let totals = store.totals(&everything).expect("it can be read");
    assert_eq!(
        (totals.records, totals.findings),
        (6, 1),
        "the hole itself is a finding"
    );
    for direction in [Direction::OldestFirst, Direction::NewestFirst] {
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let list = List::default().direction(direction).limit(1).after(after);
            let page = store.list(&everything, &list).expect("it can be read");
            paged.extend(page.records.into_iter().map(Item::Record));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(short(paged), walk(place.path(), direction));
    }
}

#[test]
fn a_segment_that_is_dead_from_its_first_line_on_is_followed_by_one_of_the_same_number_and_a_later_day() {
    let place = tempfile::tempdir().expect("there is room");
    let dir = place.path().join("main");
    segment(&dir, 20, 0, &lines(0..3, 1));
    segment(&dir, 21, 3, &("\0\0\n".to_owned() + &lines(4..9, 1)));
    segment(&dir, 22, 3, &lines(3..6, 2));
    let expected = [
        "0/life.1", "1/life.1", "2/life.1", "3/life.2", "4/life.2", "5/life.2",
    ];
    assert_eq!(walk(place.path(), Direction::OldestFirst), expected);
    let store = DirStore::open(place.path()).expect("it can be read");
    assert_eq!(store.extents().expect("it can be read")[0].last.seq, 5);
}

#[test]
fn who_follows_is_given_lines_once_that_a_failed_sync_had_written_again() {
    let place = tempfile::tempdir().expect("there is room");
    let dir = place.path().join("main");
    let mut follow = Follow::from_end(place.path()).expect("it can be read");
    let mut polled = || {
        let mut items = Vec::new();
        while follow.poll(&everything, &mut items).expect("it can be read") {}
        short(items)
    };
    segment(&dir, 21, 0, &lines(0..5, 1));
    assert_eq!(polled().len(), 5);
    // Lines 3 and 4 were not confirmed: they stand at the begin of the next segment, which is named by them.
    segment(&dir, 21, 3, &lines(3..7, 1));
    assert_eq!(polled(), ["5/life.1", "6/life.1"]);
    assert_eq!(walk(place.path(), Direction::OldestFirst).len(), 7);
}
