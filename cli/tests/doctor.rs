//! `doctor` as a process: what it says of a trail in order, and of what wants to be looked at.

#[path = "support/trails.rs"]
mod trails;

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tracing_audit::Audit;
use tracing_audit::format::SigningKey;
use tracing_audit::record::Record;
use trails::{append, run, stderr, stdout};

const PATIENCE: Duration = Duration::from_secs(30);

/// A trail of ten records that ended in order.
fn trail(key: Option<&SigningKey>) -> TempDir {
    let place = tempfile::tempdir().expect("a directory");
    let builder = Audit::builder().directory(place.path().join("audit"));
    let builder = key
        .iter()
        .fold(builder, |builder, key| builder.signing_key((*key).clone()));
    let audit = builder.start().expect("it starts");
    for _ in 0..10 {
        audit
            .submit(Record::builder("load.step").build())
            .expect("there is room");
    }
    audit.shutdown(PATIENCE).expect("the disk works");
    place
}

fn home(place: &TempDir) -> std::path::PathBuf {
    place.path().join("audit/main")
}

/// What it says, and with which exit code.
fn said(dir: &Path) -> (String, Option<i32>) {
    let output = run(&["doctor"], dir);
    assert_eq!(stderr(&output), "");
    (stdout(&output), output.status.code())
}

#[test]
fn a_trail_in_order_has_nothing_to_look_at() {
    let key = SigningKey::generate("example.com/payments").expect("a name");
    let place = trail(Some(&key));
    let (text, code) = said(&place.path().join("audit"));
    assert_eq!(code, Some(0), "{text}");
    for part in [
        "mode 0700",
        "records 0 to ",
        "ended in order",
        "sealed up to",
        "signed as `example.com/payments/main-",
        "written last by pid",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(
        said(&home(&place)).1,
        Some(0),
        "a stream's own directory is a trail too"
    );
}

#[test]
fn what_is_not_signed_or_sealed_and_who_lags_is_named_with_the_remedy() {
    let place = trail(None);
    let home = home(&place);
    fs::create_dir(home.join("cursors")).expect("a directory");
    fs::write(
        home.join("cursors/otlp"),
        "{\"next\":4,\"schema\":1,\"sink\":\"otlp\",\"stream\":\"s\"}\n",
    )
    .expect("a file");
    fs::write(home.join("cursors/broken"), "?").expect("a file");
    fs::create_dir_all(home.join("requests")).expect("a directory");
    fs::write(home.join("requests/1.json"), "{}").expect("a file");
    let (text, code) = said(&home);
    assert_eq!(code, Some(2), "{text}");
    for part in [
        "not signed",
        "keygen",
        "sink `otlp` lacks",
        "cursors/otlp",
        "sink `broken` cannot be read",
        "1 request for the writer",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.ends_with("4 things to look at\n"), "{text}");
    fs::remove_file(home.join("checkpoint.unsigned")).expect("it is there");
    assert!(said(&home).0.contains("no checkpoint"));
}

#[test]
fn records_that_are_gone_below_the_checkpoint_are_told() {
    let place = trail(None);
    let home = home(&place);
    let names = fs::read_dir(&home)
        .expect("it is there")
        .flatten()
        .map(|entry| entry.path());
    let segment = names
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let segment = segment.expect("a segment");
    let text = fs::read_to_string(&segment).expect("text");
    let short: Vec<&str> = text.split_inclusive('\n').take(5).collect();
    fs::write(&segment, short.concat()).expect("a file");
    append(&segment, "{\"torn\":");
    let (text, code) = said(&home);
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("records are missing; run `tracing-audit verify`"),
        "{text}"
    );
    assert!(text.contains("at its end: "), "{text}");
}

#[test]
fn where_everybody_may_write_is_told_and_where_no_trail_is_has_a_code_of_its_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = trail(None);
    fs::set_permissions(home(&place), fs::Permissions::from_mode(0o707)).expect("it is ours");
    assert!(said(&home(&place)).0.contains("chmod o-w"));
    let nothing = tempfile::tempdir().expect("a directory");
    assert_eq!(run(&["doctor"], nothing.path()).status.code(), Some(3));
}

#[cfg(unix)]
#[test]
fn what_only_has_a_segments_name_wants_to_be_looked_at_and_show_says_so_too() {
    let place = trail(None);
    let dir = place.path().join("audit");
    let before = said(&dir).0;
    let name = "audit-2099-11-21-00000000000000009000.jsonl";
    std::os::unix::fs::symlink("/etc/hostname", home(&place).join(name)).expect("a link");
    let (text, code) = said(&dir);
    let line = format!("LOOK   `{name}` is named like a segment and is no regular file");
    assert!(text.contains(&line) && !before.contains(&line), "{text}");
    assert_eq!(code, Some(2));
    let shown = run(&["show", "--no-pager"], &dir);
    let all = format!("{}{}", stdout(&shown), stderr(&shown));
    assert!(all.contains(name) && all.contains("is no regular file"), "{all}");
    assert_eq!(text.matches(name).count(), 1, "{text}");
    let verified = run(&["verify"], &dir);
    assert!(stdout(&verified).contains(name), "{}", stdout(&verified));
}
