//! `erase` and `prune`: on a trail whose writer runs in this process, and on one that nobody writes to.

#[path = "support/trails.rs"]
mod trails;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tracing_audit::Audit;
use tracing_audit::format::SigningKey;
use tracing_audit::record::Record;
use tracing_audit::redact::{Action, Policy};
use trails::{binary, run, stderr, stdout};

const LONG: Duration = Duration::from_secs(60);

fn writer(dir: &Path) -> Audit {
    Audit::builder()
        .directory(dir)
        .policy(Policy::balanced().field("email", Action::Erasable("actor.id")))
        .start()
        .expect("a trail starts")
}

fn emit(audit: &Audit, actor: &str, email: &str) {
    let record = Record::builder("mail.sent").actor("user", actor);
    audit
        .emit(record.attribute("email", email).build())
        .expect("written");
}

#[test]
fn erase_asks_the_writer_that_runs_and_show_says_erased() {
    let place = tempfile::tempdir().expect("a directory");
    let audit = writer(place.path());
    emit(&audit, "u-17", "ana@example.com");
    emit(&audit, "u-18", "bob@example.com");
    let shown = run(&["show", "attributes.email=ana@example.com"], place.path());
    assert!(stdout(&shown).contains("mail.sent"), "{}", stdout(&shown));
    let planned = run(&["erase", "--subject", "u-17", "--dry-run"], place.path());
    assert!(
        stdout(&planned).contains("1 value of 1 record (seq 1 to 1) would be erased"),
        "{}",
        stdout(&planned)
    );
    let erased = run(&["erase", "--subject", "u-17"], place.path());
    assert_eq!(erased.status.code(), Some(0), "{}", stderr(&erased));
    assert!(
        stdout(&erased).contains("1 value of 1 record (seq 1 to 1) erased"),
        "{}",
        stdout(&erased)
    );
    let nothing = run(&["erase", "--subject", "u-17", "--fail-if-empty"], place.path());
    assert_eq!(nothing.status.code(), Some(5), "{}", stderr(&nothing));
    let left = run(&["show", "attributes.email=[ERASED]", "actor=u-17"], place.path());
    assert!(stdout(&left).contains("mail.sent"), "{}", stdout(&left));
    audit.shutdown(LONG).expect("an end");
}

#[test]
fn erase_takes_the_place_of_a_writer_that_does_not_run_and_reads_the_subject_from_standard_input() {
    let place = tempfile::tempdir().expect("a directory");
    let audit = writer(place.path());
    emit(&audit, "u-17", "ana@example.com");
    audit.shutdown(LONG).expect("an end");
    let mut child = binary()
        .args(["erase", "--subject", "-"])
        .arg(place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"u-17\n")
        .expect("written");
    let output = child.wait_with_output().expect("ends");
    assert!(
        stdout(&output).contains("1 value of 1 record"),
        "{}",
        stdout(&output)
    );
    let told = stdout(&run(&["show", "event=audit.erase", "--json"], place.path()));
    assert!(told.contains("\"values\":1") && !told.contains("u-17"), "{told}");
}

#[test]
fn a_signed_trail_is_erased_from_with_its_key_only() {
    let place = tempfile::tempdir().expect("a directory");
    let key = SigningKey::generate("example.com/t").expect("a key");
    let file = place.path().join("key");
    let text = key.to_text().expect("a secret");
    fs::write(&file, text.as_bytes()).expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    let dir = place.path().join("trail");
    let audit = Audit::builder()
        .directory(&dir)
        .signing_key(key)
        .policy(Policy::balanced().field("email", Action::Erasable("actor.id")))
        .start()
        .expect("a trail starts");
    emit(&audit, "u-17", "ana@example.com");
    audit.shutdown(LONG).expect("an end");
    let refused = run(&["erase", "--subject", "u-17"], &dir);
    assert_eq!(refused.status.code(), Some(4), "{}", stdout(&refused));
    assert!(stderr(&refused).contains("signing key"), "{}", stderr(&refused));
    let file = file.display().to_string();
    let erased = run(&["erase", "--subject", "u-17", "--signing-key", &file], &dir);
    assert!(
        stdout(&erased).contains("1 value"),
        "{}{}",
        stdout(&erased),
        stderr(&erased)
    );
}

#[test]
fn prune_asks_the_writer_that_runs_and_else_goes_by_the_limits_that_it_stated() {
    let place = tempfile::tempdir().expect("a directory");
    let audit = writer(place.path());
    for _ in 0..3 {
        emit(&audit, "u-17", "ana@example.com");
        audit.rotate().expect("a segment");
    }
    let pruned = run(&["prune"], place.path());
    assert!(
        stdout(&pruned).contains("0 segments removed"),
        "{}{}",
        stdout(&pruned),
        stderr(&pruned)
    );
    let refused = run(&["prune", "--keep-segments", "1"], place.path());
    assert_eq!(refused.status.code(), Some(4), "{}", stderr(&refused));
    audit.shutdown(LONG).expect("an end");
    let stated = run(&["prune", "--dry-run"], place.path());
    assert!(
        stdout(&stated).contains("0 segments would be removed"),
        "{}{}",
        stdout(&stated),
        stderr(&stated)
    );
    let planned = run(&["prune", "--dry-run", "--keep-segments", "2"], place.path());
    assert!(
        stdout(&planned).contains("2 segments would be removed"),
        "{}",
        stdout(&planned)
    );
    let pruned = run(&["prune", "--keep-segments", "2"], place.path());
    assert!(
        stdout(&pruned).contains("2 segments removed"),
        "{}{}",
        stdout(&pruned),
        stderr(&pruned)
    );
    let told = stdout(&run(&["show", "event=audit.retention", "--json"], place.path()));
    assert!(told.contains("\"cause\":\"count\""), "{told}");
}

#[test]
fn prune_goes_by_the_limits_of_the_application_also_behind_an_erasure_that_took_its_place() {
    let place = tempfile::tempdir().expect("a directory");
    let audit = writer(place.path());
    for _ in 0..3 {
        emit(&audit, "u-17", "ana@example.com");
        audit.rotate().expect("a segment");
    }
    audit.shutdown(LONG).expect("an end");
    let segments = || tracing_audit::format::segments(&place.path().join("main")).expect("listed");
    let before: Vec<_> = segments()
        .into_iter()
        .map(|segment| (fs::read(&segment.path).expect("read"), segment.path))
        .collect();
    // The application comes back with a limit.
    let audit = Audit::builder()
        .directory(place.path())
        .keep_segments(2)
        .start()
        .expect("a trail starts");
    audit.shutdown(LONG).expect("an end");
    // It was stopped before it could remove what it said would go.
    let gone: Vec<_> = before.iter().filter(|(_, path)| !path.exists()).collect();
    assert_eq!(gone.len(), 2);
    for (bytes, path) in gone {
        fs::write(path, bytes).expect("written");
    }
    let erased = run(&["erase", "--subject", "nobody"], place.path());
    assert!(erased.status.success(), "{}", stderr(&erased));
    let planned = run(&["prune", "--dry-run"], place.path());
    assert!(
        stdout(&planned).contains("2 segments would be removed"),
        "{}{}",
        stdout(&planned),
        stderr(&planned)
    );
}

#[test]
fn a_directory_without_a_stream_is_named() {
    let place = tempfile::tempdir().expect("a directory");
    for command in [&["erase", "--subject", "u"][..], &["prune"]] {
        let output = run(command, place.path());
        assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
        assert!(stderr(&output).contains("no stream"), "{}", stderr(&output));
    }
}

#[cfg(unix)]
#[test]
fn where_the_trail_is_another_users_its_writer_is_asked_and_nobody_writes_in_its_place() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let place = tempfile::tempdir().expect("a directory");
    if fs::metadata(place.path()).expect("there").uid() != 0 {
        eprintln!("skipped: only the administrator can give a directory away");
        return;
    }
    let audit = writer(place.path());
    emit(&audit, "u-17", "ana@example.com");
    let stream = audit.path().expect("a journal").to_owned();
    chown(&stream, Some(12_345), None).expect("given away");
    let erased = run(&["erase", "--subject", "u-17"], place.path());
    assert!(
        stdout(&erased).contains("1 value"),
        "{}{}",
        stdout(&erased),
        stderr(&erased)
    );
    let requests = fs::metadata(stream.join("requests")).expect("there");
    assert_eq!(requests.uid(), 12_345, "the owner must be able to read requests");
    audit.shutdown(LONG).expect("an end");
    let before = fs::read_dir(&stream).expect("listed").count();
    let refused = run(&["erase", "--subject", "u-17", "--wait", "0"], place.path());
    assert_eq!(refused.status.code(), Some(3), "{}", stdout(&refused));
    assert!(
        stderr(&refused).contains("belongs to user 12345"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(fs::read_dir(&stream).expect("listed").count(), before);
}
