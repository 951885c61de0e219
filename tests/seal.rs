//! The seal of a trail, from the builder to the files: receipts with leaves, heads at the end, keys, heartbeats.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{info, subscriber};
use tracing_audit::clock::ManualClock;
use tracing_audit::format::{Checkpoint, Note, SigningKey, Tree, leaf_hash};
use tracing_audit::record::Record;
use tracing_audit::{Audit, AuditBuilder, AuditedExt, ErrorKind};

const PATIENCE: Duration = Duration::from_secs(30);

/// The lines of all segments, in order; nothing here is repeated.
fn lines(dir: &Path) -> Vec<String> {
    let home = dir.join("main");
    let names = fs::read_dir(&home)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut segments: Vec<_> = names.filter(|name| name.ends_with(".jsonl")).collect();
    segments.sort();
    let texts = segments
        .iter()
        .map(|name| fs::read_to_string(home.join(name)).unwrap());
    texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn tree_of(lines: &[String]) -> Tree {
    let mut tree = Tree::new();
    for line in lines {
        tree.push(leaf_hash(line.as_bytes()), |_| {});
    }
    tree
}

fn records(lines: &[String], event: &str) -> Vec<serde_json::Value> {
    let values = lines
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    values.filter(|value| value["event"] == event).collect()
}

fn builder(dir: &Path) -> AuditBuilder {
    Audit::builder().directory(dir)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
}

/// The newest checkpoint of a signed trail, and its note.
fn newest(dir: &Path) -> (Checkpoint, Note) {
    let note = Note::parse(&fs::read(dir.join("main/checkpoint")).unwrap()).unwrap();
    (Checkpoint::parse(&note.text).unwrap(), note)
}

#[test]
fn the_end_of_a_trail_is_sealed_and_covers_every_line_of_it() {
    let key = SigningKey::generate("example.com/payments").unwrap();
    let place = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(String::new()));
    let hook = Arc::clone(&seen);
    let audit = builder(place.path())
        .signing_key(key.clone())
        .on_checkpoint(move |text| text.clone_into(&mut hook.lock()))
        .start()
        .unwrap();
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        for n in 0..700 {
            info!(target: "audit", event = "load.step", n);
        }
    });
    audit.shutdown(PATIENCE).unwrap();
    let lines = lines(place.path());
    let (head, note) = newest(place.path());
    assert!(lines.last().unwrap().contains("audit.close"));
    assert_eq!(
        (head.size, head.root),
        (lines.len() as u64, tree_of(&lines).root())
    );
    assert_eq!(audit.stats().sealed, head.size);
    let signer = key.for_stream(audit.stream().unwrap()).unwrap();
    assert!(note.is_signed_by(signer.verifier()));
    assert_eq!(*seen.lock(), note.to_string());
    let open = &records(&lines, "audit.open")[0]["attributes"]["config"];
    assert_eq!(
        (&open["seal"], &open["signed_by"]),
        (&"signed".into(), &key.verifier().to_string().into())
    );
    let began = &records(&lines, "audit.key")[0]["attributes"];
    assert_eq!(began["vkey"], signer.verifier().to_string());
}

#[test]
fn a_dropped_guard_has_sealed_what_it_has_written() {
    let place = tempfile::tempdir().unwrap();
    let audit = builder(place.path()).start().unwrap();
    let guard = audit.guard();
    audit.submit(Record::builder("load.step").build()).unwrap();
    drop(guard);
    let text = fs::read_to_string(place.path().join("main/checkpoint.unsigned")).unwrap();
    let lines = lines(place.path());
    assert_eq!(Checkpoint::parse(&text).unwrap().root, tree_of(&lines).root());
    assert!(lines.last().unwrap().contains("audit.close"));
}

#[test]
fn while_records_arrive_heads_follow_without_anybody_asking() {
    let place = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(1_795_305_540_000_000_000);
    let audit = builder(place.path()).clock(clock.clone()).start().unwrap();
    for n in 1..4 {
        audit.emit(Record::builder("load.step").build()).unwrap();
        clock.advance(Duration::from_secs(2));
        until("a head over the record", || audit.stats().sealed > n);
    }
}

#[test]
fn a_receipt_has_the_leaf_of_its_line() {
    let place = tempfile::tempdir().unwrap();
    let audit = builder(place.path()).start().unwrap();
    let receipts: Vec<_> = std::thread::scope(|scope| {
        let emit = |n: u64| {
            let audit = audit.clone();
            scope.spawn(move || {
                let record = |m: u64| Record::builder("load.step").attribute("n", n * 100 + m).build();
                (0..20)
                    .map(|m| audit.emit(record(m)).unwrap())
                    .collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = (0..8).map(emit).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    audit.shutdown(PATIENCE).unwrap();
    let lines = lines(place.path());
    for receipt in &receipts {
        let line = &lines[usize::try_from(receipt.seq().unwrap()).unwrap()];
        assert_eq!(receipt.leaf(), Some(leaf_hash(line.as_bytes())));
    }
    let unsealed = tempfile::tempdir().unwrap();
    let audit = builder(unsealed.path()).sealed(false).start().unwrap();
    assert_eq!(
        audit.emit(Record::builder("load.step").build()).unwrap().leaf(),
        None
    );
    audit.shutdown(PATIENCE).unwrap();
    assert!(!unsealed.path().join("main/checkpoint.unsigned").exists());
}

#[test]
fn after_an_hour_of_silence_a_heartbeat_is_written_and_sealed() {
    let place = tempfile::tempdir().unwrap();
    // Far from midnight, when the file's end would be a record.
    let clock = ManualClock::new(1_795_262_400_000_000_000);
    let audit = builder(place.path()).clock(clock.clone()).start().unwrap();
    audit.flush(PATIENCE).unwrap();
    for beats in 1..3 {
        clock.advance(Duration::from_secs(3_601));
        until("a heartbeat", || audit.stats().heartbeats == beats);
        clock.advance(Duration::from_secs(2));
        until("a head over the heartbeat", || audit.stats().sealed == beats + 1);
    }
    audit.shutdown(PATIENCE).unwrap();
    let lines = lines(place.path());
    assert_eq!(records(&lines, "audit.heartbeat").len(), 2);
}

#[test]
fn another_key_takes_over_with_both_signatures_and_a_record_that_says_so() {
    let place = tempfile::tempdir().unwrap();
    let key = || SigningKey::generate("example.com/payments").unwrap();
    let (old, new) = (key(), key());
    builder(place.path())
        .signing_key(old.clone())
        .start()
        .unwrap()
        .shutdown(PATIENCE)
        .unwrap();
    let error = builder(place.path())
        .signing_key(new.clone())
        .start()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let audit = builder(place.path())
        .signing_key(new.clone())
        .retiring_key(old.clone())
        .start()
        .unwrap();
    audit.shutdown(PATIENCE).unwrap();
    let (head, note) = newest(place.path());
    let stream = audit.stream().unwrap();
    for key in [&old, &new] {
        assert!(note.is_signed_by(key.for_stream(stream).unwrap().verifier()));
    }
    let lines = lines(place.path());
    assert_eq!(head.root, tree_of(&lines).root());
    let taken_over = &records(&lines, "audit.key")[1]["attributes"];
    assert_eq!(
        taken_over["previous"],
        old.for_stream(stream).unwrap().verifier().to_string()
    );
    builder(place.path())
        .signing_key(new.clone())
        .start()
        .unwrap()
        .shutdown(PATIENCE)
        .unwrap();
    let (_, note) = newest(place.path());
    assert_eq!(note.signatures.len(), 1);
    assert!(note.is_signed_by(new.for_stream(stream).unwrap().verifier()));
}

#[test]
fn keys_that_cannot_be_used_are_errors_at_the_start() {
    let place = tempfile::tempdir().unwrap();
    let key = || SigningKey::generate("example.com/payments").unwrap();
    for builder in [
        builder(place.path()).retiring_key(key()),
        builder(place.path()).signing_key(key()).sealed(false),
        builder(place.path()).signing_key(key()).without_journal(),
    ] {
        let error = builder.sink(tracing_audit::sink::NoopSink).start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    }
    assert!(!place.path().join("main").exists());
}
