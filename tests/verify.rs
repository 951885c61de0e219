//! Verification of whole trails: what it proves, what it says about what it cannot prove, and every mistake of
//! verifiers that people trusted (V1 to V10), each as a test.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/sealer.rs"]
mod sealer;

use std::fs;
use std::path::Path;

use sealer::{STREAM, Sealer, checkpoint, copy, edit, key, ordinary, with};
use tracing_audit::format::Tree;
use tracing_audit::record::Value;
use tracing_audit::verify::{Anchor, Finding, Kind, Options, Outcome, Proof, Report, StreamReport, verify};

fn check(path: &Path, options: &Options) -> Report {
    verify(path, options).unwrap()
}

#[track_caller]
fn clean(path: &Path, options: &Options) -> StreamReport {
    let report = check(path, options);
    let told: Vec<String> = report.findings().map(ToString::to_string).collect();
    assert_eq!(told, [""; 0]);
    assert_eq!(report.outcome(), Outcome::Verified);
    report.streams.into_iter().next().unwrap()
}

#[track_caller]
fn tampered(path: &Path, options: &Options) -> Vec<Finding> {
    let report = check(path, options);
    let found: Vec<Finding> = report.findings().cloned().collect();
    assert_eq!(report.outcome(), Outcome::Tampered, "{found:#?}");
    found
}

fn kinds(findings: &[Finding]) -> Vec<Kind> {
    findings.iter().map(|finding| finding.kind).collect()
}

fn without(sealer: &Sealer, names: &[&str]) {
    for name in names {
        let path = sealer.home.join(name);
        let _gone = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
    }
}

/// T003-09.
#[test]
fn lines_of_another_version_verify_as_they_stand() {
    let key = key();
    let mut sealer = Sealer::new(Some(&key));
    for (schema, more) in [(0, ""), (1, ""), (2, r#","zeta":{"new":[1]}"#)] {
        let seq = sealer.records_so_far();
        let line = format!(
            r#"{{"event":"of.version","observed_at":"2026-11-21T09:00:00.000000000Z","schema":{schema},"seq":{seq},"stream":"{STREAM}"{more}}}"#
        );
        sealer.raw(format!("{line}\n").as_bytes());
        sealer.leaf(line.into_bytes());
    }
    sealer.seal();
    let stream = clean(sealer.path(), &with(&key));
    assert_eq!((stream.records, stream.unsealed()), (3, 0));
}

#[test]
fn a_sealed_trail_verifies_and_says_by_what_and_how_far() {
    let key = key();
    let sealer = Sealer::three_segments(&key);
    let stream = clean(sealer.path(), &with(&key));
    assert_eq!(
        (stream.proof, stream.records, stream.unsealed()),
        (Proof::Signed, 322, 0)
    );
    assert_eq!((stream.checkpoints, stream.keys[0].checkpoints), (5, 5));
    let sealed = stream.sealed.clone().unwrap();
    assert_eq!(
        (sealed.size, sealed.last_time.as_deref()),
        (322, Some("2026-11-21T09:00:00.321000000Z"))
    );
    let said = stream.sentences().join("\n");
    assert!(
        said.contains("records 0 to 321 (2026-11-21T09:00:00.000000000Z to"),
        "{said}"
    );
    assert!(said.contains("not provable without an anchor"), "{said}");
}

#[test]
fn a_directory_of_streams_and_a_streams_own_directory_are_both_a_trail() {
    let key = key();
    let sealer = Sealer::three_segments(&key);
    clean(&sealer.home, &with(&key));
    copy(&sealer.home, &sealer.path().join("second"));
    let report = check(sealer.path(), &with(&key));
    assert_eq!((report.streams.len(), report.outcome()), (2, Outcome::Verified));
    let error = verify(&sealer.home.join("tile"), &Options::new()).unwrap_err();
    assert!(error.to_string().contains("no trail in"), "{error}");
}

#[test]
fn without_a_key_of_the_callers_the_verdict_says_that_the_key_is_the_directorys_own() {
    let key = key();
    let sealer = Sealer::three_segments(&key);
    let stream = clean(sealer.path(), &Options::new());
    assert_eq!(stream.proof, Proof::SelfSigned);
    assert!(
        stream
            .sentences()
            .join("\n")
            .contains("only this directory names")
    );
}

#[test]
fn an_unsigned_trail_is_only_consistent_and_the_verdict_says_who_could_have_rewritten_it() {
    let mut sealer = Sealer::new(None);
    sealer.records(300);
    sealer.seal();
    let stream = clean(sealer.path(), &Options::new());
    assert_eq!(stream.proof, Proof::Consistent);
    assert!(
        stream
            .sentences()
            .join("\n")
            .contains("anyone who could write here could have rewritten it")
    );
    let segment = sealer.segment();
    edit(&sealer.home.join(segment), "number 17:", "number 18:");
    assert_eq!(tampered(sealer.path(), &Options::new())[0].seq(), Some(17));
}

#[test]
fn a_trail_without_a_checkpoint_decides_nothing() {
    let mut sealer = Sealer::new(None);
    sealer.records(3);
    let report = check(sealer.path(), &Options::new());
    assert_eq!(report.outcome(), Outcome::Undecided);
    assert_eq!(report.findings().next().unwrap().kind, Kind::Unsealed);
}

#[test]
fn records_behind_the_last_checkpoint_are_told_and_count_as_a_loss_where_that_is_asked_for() {
    let key = key();
    let mut sealer = Sealer::three_segments(&key);
    sealer.records(5);
    sealer.raw(b"{\"action\":\"upd");
    let report = check(sealer.path(), &with(&key));
    assert_eq!(report.outcome(), Outcome::Verified);
    assert_eq!(report.streams[0].unsealed(), 5);
    assert_eq!(kinds(&report.streams[0].findings), [Kind::TornTail]);
    assert_eq!(
        check(sealer.path(), &with(&key).strict(true)).outcome(),
        Outcome::Lossy
    );
    let sealed = Sealer::three_segments(&key);
    assert_eq!(
        check(sealed.path(), &with(&key).strict(true)).outcome(),
        Outcome::Verified
    );
}

#[test]
fn gap_records_make_a_trail_lossy_and_those_about_a_sink_do_not() {
    let mut sealer = Sealer::new(None);
    sealer.control(
        "audit.gap",
        &[("lost", Value::from(4_u64)), ("sink", Value::from("otlp"))],
    );
    sealer.seal();
    assert_eq!(clean(sealer.path(), &Options::new()).lost, 0);
    sealer.control(
        "audit.gap",
        &[
            ("lost", Value::from(17_u64)),
            ("cause", Value::from("queue_full")),
        ],
    );
    sealer.seal();
    let report = check(sealer.path(), &Options::new());
    assert_eq!((report.outcome(), report.streams[0].lost), (Outcome::Lossy, 17));
}

// V1: journald calls a file that was rewritten without seals as good as a sealed one.
#[test]
fn v1_with_a_key_given_a_log_that_was_rewritten_without_a_seal_fails() {
    let key = key();
    let sealer = Sealer::three_segments(&key);
    without(&sealer, &["checkpoint", "checkpoints", "keys", "tile"]);
    assert!(kinds(&tampered(sealer.path(), &with(&key))).contains(&Kind::Unsigned));
    let mut unsigned = Sealer::new(None);
    unsigned.records(10);
    unsigned.seal();
    assert_eq!(kinds(&tampered(unsigned.path(), &with(&key))), [Kind::Unsigned]);
    assert_eq!(
        check(unsigned.path(), &Options::new()).outcome(),
        Outcome::Verified
    );
}

// V2, CVE-2023-31439: old entries that were sealed again with the current key pass.
#[test]
fn v2_a_checkpoint_below_the_range_of_the_key_that_signed_it_fails() {
    let (old, new) = (key(), key());
    let mut sealer = Sealer::new(Some(&old));
    sealer.records(40);
    sealer.seal();
    let (size, root) = (sealer.seq, sealer.tree.root());
    sealer.records(3);
    sealer.rotate(&new);
    sealer.seal();
    sealer.records(3);
    sealer.seal();
    clean(sealer.path(), &with(&old));
    clean(sealer.path(), &with(&new));
    let history = fs::read_to_string(sealer.home.join("checkpoints")).unwrap();
    let signer = new.for_stream(STREAM).unwrap();
    let again = checkpoint(&[signer], size, root);
    let rest = history
        .split_once("\n\n")
        .and_then(|(_, rest)| rest.split_once("\n\n"))
        .unwrap()
        .1;
    fs::write(sealer.home.join("checkpoints"), format!("{again}\n{rest}")).unwrap();
    let found = tampered(sealer.path(), &with(&old));
    assert_eq!(kinds(&found), [Kind::KeyRange]);
    assert_eq!(found[0].file.as_deref(), Some("checkpoints"));
}

// V3, CVE-2023-31438: a log that was cut and then continued passes.
#[test]
fn v3_a_log_that_was_cut_and_then_continued_fails() {
    let key = key();
    let sealer = Sealer::three_segments(&key);
    let mut other = Sealer::new(Some(&key));
    other.control("audit.open", &[("clean", Value::from(true))]);
    other.records(300);
    for name in ["checkpoint", "checkpoints", "keys"] {
        fs::copy(sealer.home.join(name), other.home.join(name)).unwrap();
    }
    other.roll();
    for n in 0..60 {
        other.put(ordinary(1_000 + n));
    }
    // The seals of the log before stay in the history, as an append-only file keeps them.
    other.seal();
    let found = tampered(other.path(), &with(&key));
    assert!(kinds(&found).contains(&Kind::Rewritten), "{found:#?}");
    let interval = found
        .iter()
        .find(|finding| finding.kind == Kind::Rewritten)
        .unwrap()
        .seqs
        .clone();
    assert_eq!(interval, Some(300..320));
}

// V3: checkpoints are totally ordered.
#[test]
fn v3_a_checkpoint_that_is_smaller_than_the_one_before_it_fails() {
    let key = key();
    let mut sealer = Sealer::new(Some(&key));
    sealer.records(10);
    sealer.seal();
    let early = sealer.note(&[key.for_stream(STREAM).unwrap()]);
    sealer.records(10);
    sealer.seal();
    sealer.append("checkpoints", format!("{early}\n").as_bytes());
    let found = tampered(sealer.path(), &with(&key));
    assert_eq!(kinds(&found), [Kind::Checkpoint]);
    assert!(found[0].sentence.contains("sizes never fall"), "{}", found[0]);
}

// V4: immudb calls an edited value consistent, because only stored hashes were compared.
/// T003-03.
#[test]
fn v4_a_changed_record_fails_also_where_every_stored_hash_was_left_as_it_was() {
    let key = key();
    let sealer = Sealer::three_segments(&key);
    let segment = sealer.home.join("audit-2026-11-21-00000000000000000010.jsonl");
    edit(&segment, "number 77:", "number 78:");
    let found = tampered(sealer.path(), &with(&key));
    assert_eq!(kinds(&found), [Kind::Changed]);
    assert_eq!(found[0].seq(), Some(77));
    let offset: usize = sealer.lines[10..77].iter().map(|line| line.len() + 1).sum();
    assert_eq!(found[0].offset, Some(offset as u64));
}

// V5: CloudTrail does not notice two digests that are gone in a row.
#[test]
fn v5_segments_that_are_gone_are_counted_from_the_sealed_size_one_two_or_all() {
    let key = key();
    let names = |from: usize, to: usize| {
        ["00", "10", "210", "300"][from..to]
            .iter()
            .map(|seq| format!("audit-2026-11-21-{seq:0>20}.jsonl"))
            .collect::<Vec<_>>()
    };
    for (gone, missing) in [
        (1..2, 10..210),
        (1..3, 10..300),
        (2..4, 210..322),
        (3..4, 300..322),
        (0..4, 0..322),
    ] {
        let sealer = Sealer::three_segments(&key);
        for name in names(gone.start, gone.end) {
            fs::remove_file(sealer.home.join(name)).unwrap();
        }
        let found = tampered(sealer.path(), &with(&key));
        assert_eq!(found[0].seqs, Some(missing.clone()), "{gone:?}");
        assert_eq!(kinds(&found), [Kind::Missing], "{gone:?}");
    }
    let sealer = Sealer::three_segments(&key);
    for name in names(0, 2) {
        fs::remove_file(sealer.home.join(name)).unwrap();
    }
    let found = tampered(sealer.path(), &with(&key));
    assert_eq!(
        (found[0].kind, found[0].seqs.clone()),
        (Kind::Unrecorded, Some(0..210))
    );
}

// V6: CloudTrail's "public key not found" at the instant of a rotation.
#[test]
fn v6_a_key_may_take_over_at_every_boundary() {
    for (before, twice) in [
        (0, false),
        (1, false),
        (254, false),
        (255, false),
        (256, true),
        (10, true),
    ] {
        let keys = [key(), key(), key()];
        let mut sealer = Sealer::new(Some(&keys[0]));
        sealer.records(before);
        if before == 255 {
            // At a segment's end as well.
            sealer.seal();
            sealer.roll();
        }
        sealer.rotate(&keys[1]);
        if twice {
            sealer.rotate(&keys[2]);
        }
        sealer.seal();
        sealer.records(5);
        sealer.seal();
        for given in &keys[..if twice { 3 } else { 2 }] {
            let stream = clean(sealer.path(), &with(given));
            assert_eq!(stream.proof, Proof::Signed, "{before} {twice}");
        }
        let stranger = key();
        assert_eq!(
            kinds(&tampered(sealer.path(), &with(&stranger))),
            [Kind::Untrusted]
        );
    }
}

// V7: nobody can know what was cut behind the last seal, or what an owner of the key rewrote: it must be said.
#[test]
fn v7_a_rollback_and_a_stolen_key_verify_and_are_found_with_an_anchor() {
    let key = key();
    let mut sealer = Sealer::three_segments(&key);
    let early = tempfile::tempdir().unwrap();
    copy(&sealer.home, early.path());
    sealer.records(50);
    sealer.seal();
    let kept = fs::read(sealer.home.join("checkpoint")).unwrap();
    let anchored = |options: Options| {
        Anchor::parse(&kept)
            .unwrap()
            .into_iter()
            .fold(options, Options::anchor)
    };
    let stream = clean(sealer.path(), &anchored(with(&key)));
    assert_eq!(stream.anchored, [372]);
    assert!(
        stream
            .sentences()
            .join("\n")
            .contains("anchored: the first 372 records")
    );

    let rolled_back = clean(early.path(), &with(&key));
    assert!(
        rolled_back
            .sentences()
            .join("\n")
            .contains("not provable without an anchor")
    );
    let found = tampered(early.path(), &anchored(with(&key)));
    assert_eq!(kinds(&found), [Kind::Shrunk]);
    assert!(
        found[0]
            .sentence
            .contains("an anchor has 372 records, the log 322"),
        "{}",
        found[0]
    );
    assert_eq!(
        kinds(&tampered(early.path(), &with(&key).min_size(372))),
        [Kind::Shrunk]
    );
    clean(early.path(), &with(&key).min_size(322));

    let mut rewritten = Sealer::new(Some(&key));
    rewritten.records(400);
    rewritten.seal();
    clean(rewritten.path(), &with(&key));
    assert_eq!(
        kinds(&tampered(rewritten.path(), &anchored(with(&key)))),
        [Kind::Anchor]
    );
}

// V8: sealed logs that fail because a clock jumped.
#[test]
fn v8_times_decide_nothing() {
    let mut sealer = Sealer::new(None);
    for time in [5_000, 1_000, 9_000_000_000_000_000_000, 0, 7] {
        let id = uuid::Uuid::from_u128(u128::from(sealer.seq) + 1);
        let line = tracing_audit::format::write_line(&ordinary(time), STREAM, sealer.seq, time, id);
        let mut bytes = line.clone();
        bytes.push(b'\n');
        sealer.raw(&bytes);
        sealer.leaf(line);
    }
    sealer.seal();
    clean(sealer.path(), &Options::new());
}

#[test]
fn a_trail_that_is_written_to_meanwhile_is_verified_as_far_as_its_checkpoints_went() {
    let key = key();
    let mut sealer = Sealer::three_segments(&key);
    // Records and tiles of the second that is not sealed yet.
    sealer.records(300);
    for tile in sealer.tree.partial() {
        sealer::write_tile(&sealer.home, &tile);
    }
    assert_eq!(clean(sealer.path(), &with(&key)).unsealed(), 300);
}

#[test]
fn an_anchor_of_another_log_decides_nothing() {
    let key = key();
    let sealer = Sealer::three_segments(&key);
    let stranger = checkpoint(
        &[key.for_stream("main-ffffffffffff").unwrap()],
        7,
        Tree::new().root(),
    );
    let anchor = Anchor::parse(stranger.as_bytes()).unwrap().remove(0);
    let report = check(sealer.path(), &with(&key).anchor(anchor));
    assert_eq!(report.outcome(), Outcome::Undecided);
    assert_eq!(report.findings().next().unwrap().kind, Kind::AnchorUnused);
}
