//! What is named like a segment and is no regular file: never read, and named by whoever reads the trail.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tracing_audit::format::{segments, strays};
use tracing_audit::record::Record;
use tracing_audit::store::{
    Completeness, DirStore, Direction, Doubt, FindingKind, Follow, Item, List, Store as _, Window,
    completeness,
};
use tracing_audit::verify::{Kind, Options, Outcome, verify};
use tracing_audit::{Audit, Query};

/// A sealed trail of five records, and a file elsewhere that a link leads to.
fn trail() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let audit = Audit::builder()
        .directory(place.path().join("audit"))
        .start()
        .unwrap();
    for _ in 0..5 {
        audit.emit(Record::builder("load.step").build()).unwrap();
    }
    let home = audit.path().unwrap().to_owned();
    audit.shutdown(std::time::Duration::from_secs(30)).unwrap();
    (place, home)
}

/// Puts a link, a directory and a pipe there, named like later segments.
fn plant(home: &Path, elsewhere: &Path) -> Vec<PathBuf> {
    let name = |seq: u64| home.join(format!("audit-2099-11-21-{seq:020}.jsonl"));
    fs::write(elsewhere, "{\"event\":\"planted\"}\n").unwrap();
    symlink(elsewhere, name(100)).unwrap();
    fs::create_dir(name(101)).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(name(102))
        .status()
        .unwrap();
    assert!(pipe.success());
    vec![name(100), name(101), name(102)]
}

fn not_files(store: &DirStore, direction: Direction) -> Vec<PathBuf> {
    let list = List::default().limit(2).direction(direction);
    let findings = store.list(&Query::all(), &list).unwrap().findings;
    assert!(
        findings
            .iter()
            .all(|finding| finding.kind == FindingKind::NotAFile),
        "{findings:?}"
    );
    findings.into_iter().map(|finding| finding.path).collect()
}

#[test]
fn every_reader_names_what_only_has_a_segments_name_and_reads_none_of_it() {
    let (place, home) = trail();
    let planted = plant(&home, &place.path().join("elsewhere"));
    assert_eq!(strays(&home).unwrap(), planted);
    assert_eq!(segments(&home).unwrap().len(), 1);
    let store = DirStore::open(place.path().join("audit")).unwrap();
    for direction in [Direction::NewestFirst, Direction::OldestFirst] {
        assert_eq!(not_files(&store, direction), planted);
    }
    // A later page has told it already.
    let page = store.list(&Query::all(), &List::default().limit(2)).unwrap();
    let behind = List::default().limit(2).after(page.next.unwrap());
    assert_eq!(store.list(&Query::all(), &behind).unwrap().findings, []);
    let verdict = completeness(&store, Window::ALL).unwrap();
    assert_eq!(verdict.completeness(), Completeness::Unknown);
    let is_named = |path: &PathBuf| {
        verdict
            .doubts
            .iter()
            .any(|doubt| matches!(doubt, Doubt::Finding(finding) if finding.path == *path))
    };
    assert!(planted.iter().all(is_named), "{verdict}");
    // Of a window that begins behind the first record as well: nobody knows what they stand in the place of.
    let list = List::default().limit(3).direction(Direction::NewestFirst);
    let last = store.list(&Query::all(), &list).unwrap().records.remove(0);
    let late = Window {
        from: last.place.observed_at,
        until: u64::MAX,
    };
    let verdict = completeness(&store, late).unwrap();
    let is_named = |path: &PathBuf| {
        verdict
            .doubts
            .iter()
            .any(|doubt| matches!(doubt, Doubt::Finding(finding) if finding.path == *path))
    };
    assert!(planted.iter().all(is_named), "{verdict}");
    let follow = Follow::from_end(place.path().join("audit")).unwrap();
    let told = follow.history(&Query::all(), 100).unwrap();
    assert_eq!(
        told.iter()
            .filter(|item| matches!(item, Item::Finding(_)))
            .count(),
        3
    );
}

#[test]
fn verification_names_them_and_what_was_sealed_is_proven_beside_them() {
    let (place, home) = trail();
    let before = verify(&place.path().join("audit"), &Options::new()).unwrap();
    let planted = plant(&home, &place.path().join("elsewhere"));
    let after = verify(&place.path().join("audit"), &Options::new()).unwrap();
    assert_eq!(after.outcome(), before.outcome());
    let named: Vec<_> = after
        .findings()
        .filter(|finding| finding.kind == Kind::NotAFile)
        .map(|finding| home.join(finding.file.as_deref().unwrap()))
        .collect();
    assert_eq!(named, planted);
    // In the place of a segment, what it held is missing besides.
    let segment = segments(&home).unwrap().remove(0).path;
    let moved = place.path().join("moved");
    fs::rename(&segment, &moved).unwrap();
    symlink(&moved, &segment).unwrap();
    let report = verify(&place.path().join("audit"), &Options::new()).unwrap();
    assert_eq!(report.outcome(), Outcome::Tampered);
    assert_eq!(strays(&home).unwrap().len(), 4);
    let store = DirStore::open(place.path().join("audit")).unwrap();
    assert_eq!((store.streams(), store.count(&Query::all()).unwrap()), (0, 0));
    assert_eq!(not_files(&store, Direction::NewestFirst).len(), 4);
}

#[test]
fn a_directory_that_is_named_like_a_segment_is_no_stream_whatever_stands_in_it() {
    let (place, home) = trail();
    let stray = home.join(format!("audit-2099-11-21-{:020}.jsonl", 100));
    fs::create_dir(&stray).unwrap();
    let segment = segments(&home).unwrap().remove(0).path;
    fs::copy(&segment, stray.join(segment.file_name().unwrap())).unwrap();
    for path in [home.clone(), place.path().join("audit")] {
        let store = DirStore::open(&path).unwrap();
        // Begin and end among them.
        assert_eq!((store.streams(), store.count(&Query::all()).unwrap()), (1, 7));
        assert_eq!(
            not_files(&store, Direction::OldestFirst),
            std::slice::from_ref(&stray)
        );
    }
}
