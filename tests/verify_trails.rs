//! Trails as the writer leaves them, in every way that a run ends, verify; and what was changed in them is found.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

use std::fs;
use std::path::Path;

use tracing_audit::Audit;
use tracing_audit::format::SigningKey;
use tracing_audit::record::Record;
use tracing_audit::verify::{Kind, Options, Outcome, Proof, Receipt, StreamReport, verify};

fn start(dir: &Path, key: Option<&SigningKey>, retiring: Option<&SigningKey>) -> Audit {
    let mut builder = Audit::builder().directory(dir).service("verified");
    if let Some(key) = key {
        builder = builder.signing_key(key.clone());
    }
    if let Some(key) = retiring {
        builder = builder.retiring_key(key.clone());
    }
    builder.start().unwrap()
}

fn write(audit: &Audit, count: u64) {
    for n in 0..count {
        let record = Record::builder("invoice.update").actor("user", "u-1");
        audit.submit(record.attribute("n", n).build()).unwrap();
    }
    audit.flush(std::time::Duration::from_secs(30)).unwrap();
}

#[track_caller]
fn clean(dir: &Path, options: &Options) -> StreamReport {
    let report = verify(dir, options).unwrap();
    let told: Vec<String> = report.findings().map(ToString::to_string).collect();
    assert_eq!(told, [""; 0]);
    assert_eq!(report.outcome(), Outcome::Verified);
    report.streams.into_iter().next().unwrap()
}

#[test]
fn a_trail_verifies_while_it_is_written_to_after_its_end_and_after_another_start() {
    for key in [None, Some(SigningKey::generate("example.com/payments").unwrap())] {
        let dir = tempfile::tempdir().unwrap();
        let options = key
            .iter()
            .fold(Options::new(), |options, key| options.key(key.verifier().clone()));
        let audit = start(dir.path(), key.as_ref(), None);
        write(&audit, 500);
        audit.rotate().unwrap();
        clean(dir.path(), &options);
        write(&audit, 300);
        audit.shutdown(std::time::Duration::from_secs(30)).unwrap();
        let strict = clean(dir.path(), &options.clone().strict(true));
        assert_eq!(strict.unsealed(), 0);
        assert_eq!(
            strict.proof,
            if key.is_some() {
                Proof::Signed
            } else {
                Proof::Consistent
            }
        );
        let audit = start(dir.path(), key.as_ref(), None);
        write(&audit, 20);
        audit.shutdown(std::time::Duration::from_secs(30)).unwrap();
        assert!(clean(dir.path(), &options).records > 820);
    }
}

#[test]
fn keys_that_take_over_at_a_start_are_trusted_by_whoever_has_any_of_them() {
    let keys: Vec<_> = (0..3)
        .map(|n| SigningKey::generate(&format!("example.com/k{n}")).unwrap())
        .collect();
    let dir = tempfile::tempdir().unwrap();
    for at in 0..keys.len() {
        let audit = start(
            dir.path(),
            Some(&keys[at]),
            at.checked_sub(1).map(|before| &keys[before]),
        );
        write(&audit, 30);
        audit.shutdown(std::time::Duration::from_secs(30)).unwrap();
    }
    for key in &keys {
        let stream = clean(dir.path(), &Options::new().key(key.verifier().clone()));
        assert_eq!((stream.proof, stream.keys.len()), (Proof::Signed, 3));
    }
    let stranger = SigningKey::generate("example.com/k0").unwrap();
    let report = verify(dir.path(), &Options::new().key(stranger.verifier().clone())).unwrap();
    assert_eq!(
        report.findings().map(|finding| finding.kind).collect::<Vec<_>>(),
        [Kind::Untrusted]
    );
}

/// T003-13.
#[test]
fn a_record_that_was_changed_in_a_trail_is_found_and_one_that_was_not_has_a_receipt() {
    let key = SigningKey::generate("example.com/payments").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let audit = start(dir.path(), Some(&key), None);
    write(&audit, 700);
    audit.shutdown(std::time::Duration::from_secs(30)).unwrap();
    let options = Options::new().key(key.verifier().clone());
    let home = dir.path().join("main");
    let name = tracing_audit::format::segments(&home).unwrap().remove(0);
    let text = fs::read_to_string(&name.path).unwrap();
    let line = text.lines().nth(40).unwrap();
    let id = serde_json::from_str::<serde_json::Value>(line).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let receipt = Receipt::of(dir.path(), &id, &options).unwrap();
    assert_eq!((receipt.index, receipt.line.as_str()), (40, line));
    assert!(receipt.check(&[key.verifier().clone()]).unwrap().signed);
    fs::write(
        &name.path,
        text.replacen(line, &line.replace("invoice", "invoise"), 1),
    )
    .unwrap();
    let report = verify(dir.path(), &options).unwrap();
    assert_eq!(report.outcome(), Outcome::Tampered);
    let found = report.findings().next().unwrap();
    assert_eq!((found.kind, found.seq()), (Kind::Changed, Some(40)));
}

#[test]
fn what_a_killed_process_left_verifies_after_the_next_start_and_a_torn_line_is_accounted_for() {
    let key = SigningKey::generate("example.com/payments").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new().key(key.verifier().clone());
    let audit = start(dir.path(), Some(&key), None);
    write(&audit, 100);
    // A copy of the directory is what a kill would leave.
    let killed = tempfile::tempdir().unwrap();
    copy(dir.path(), killed.path());
    let segments = tracing_audit::format::segments(&killed.path().join("main")).unwrap();
    let mut bytes = fs::read(&segments[0].path).unwrap();
    bytes.extend_from_slice(b"{\"action\":\"upd");
    fs::write(&segments[0].path, bytes).unwrap();
    let again = start(killed.path(), Some(&key), None);
    write(&again, 50);
    again.shutdown(std::time::Duration::from_secs(30)).unwrap();
    let stream = clean(killed.path(), &options);
    assert_eq!(stream.torn_regions, 1);
    drop(audit);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// PyPI's `aics-tlog`, which `cargo xtask test` installs: `xtask/tlog-requirements.txt`.
#[test]
fn a_verifier_that_we_did_not_write_accepts_a_trail_and_refuses_a_changed_line() {
    let Some(program) = std::env::var_os("TRACING_AUDIT_TLOG") else {
        println!("SKIPPED: TRACING_AUDIT_TLOG names no `aics-tlog`: its verdict on a trail is not asked");
        return;
    };
    let key = SigningKey::generate("example.com/payments").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let audit = start(dir.path(), Some(&key), None);
    write(&audit, 700);
    audit.shutdown(std::time::Duration::from_secs(30)).unwrap();
    let home = dir.path().join("main");
    let stream = clean(dir.path(), &Options::new()).stream;
    let vkey = key.for_stream(&stream).unwrap().verifier().to_string();
    let run = |arguments: &[&str]| {
        let mut tool = std::process::Command::new(&program);
        let output = tool
            .args(arguments)
            .args(["--log-key", &vkey, "--tiles", "."])
            .current_dir(&home)
            .output()
            .unwrap();
        (
            output.status.success(),
            format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
        )
    };
    let (is_right, said) = run(&["verify-checkpoint"]);
    assert!(is_right, "{said}");
    let segment = tracing_audit::format::segments(&home).unwrap().remove(0);
    let path = segment.path.to_str().unwrap();
    let proof = |line: &str| {
        run(&[
            "verify-inclusion",
            "--leaves-file",
            path,
            "--leaf-line",
            line,
            "--index",
            "40",
        ])
    };
    let (is_right, said) = proof("41");
    assert!(is_right, "{said}");
    assert!(!proof("42").0);
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().nth(40).unwrap();
    fs::write(path, text.replacen(line, &line.replace("invoice", "invoise"), 1)).unwrap();
    assert!(!proof("41").0);
}

#[test]
fn a_trail_whose_records_of_removals_were_removed_in_their_turn_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let audit = Audit::builder()
        .directory(dir.path())
        .keep_segments(2)
        .start()
        .unwrap();
    for _ in 0..6 {
        write(&audit, 50);
        audit.rotate().unwrap();
    }
    audit.shutdown(std::time::Duration::from_secs(30)).unwrap();
    let home = dir.path().join("main");
    let left = tracing_audit::format::segments(&home).unwrap();
    let text: String = left
        .iter()
        .map(|segment| fs::read_to_string(home.join(segment.name.to_string())).unwrap())
        .collect();
    let oldest = "00000000000000000000.jsonl";
    assert!(
        !text.contains(oldest),
        "nothing that is left names the first segment"
    );
    assert!(clean(dir.path(), &Options::new()).removed > 250);
    // What goes without a record is still found.
    fs::remove_file(home.join(left[0].name.to_string())).unwrap();
    let report = verify(dir.path(), &Options::new()).unwrap();
    assert_eq!(report.outcome(), Outcome::Tampered);
    assert!(report.findings().any(|finding| finding.kind == Kind::Unrecorded));
}
