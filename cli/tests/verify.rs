//! `verify`, `prove`, `keygen` and `checkpoint` as processes: what they print, where, and with which exit code.

#[path = "../../tests/support/sealer.rs"]
mod sealer;
#[path = "support/trails.rs"]
mod trails;

use std::fs;
use std::path::Path;
use std::process::Output;

use sealer::{Sealer, ordinary};
use serde_json::Value;
use tracing_audit::format::SigningKey;
use trails::{binary, stderr, stdout};

fn run(args: &[&str]) -> Output {
    binary().args(args).output().expect("runs")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// A key made by the command, and a trail that is sealed with it.
fn trail(dir: &Path) -> (Sealer, String) {
    let file = dir.join("trail.key");
    let made = run(&["keygen", "--name", "example.com/payments", "-o", text(&file)]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let vkey = stdout(&made).trim().to_owned();
    let key = SigningKey::from_file(&file).expect("the key that was made");
    assert_eq!(key.verifier().to_string(), vkey);
    let mut sealer = Sealer::new(Some(&key));
    sealer.records(40);
    sealer.seal();
    (sealer, vkey)
}

#[test]
fn a_key_is_made_for_its_owner_only_and_no_file_is_overwritten() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("k");
    let made = run(&["keygen", "--name", "example.com/x", "-o", text(&file)]);
    assert!(stdout(&made).starts_with("example.com/x+"), "{}", stdout(&made));
    let secret = fs::read_to_string(&file).expect("a key");
    assert!(secret.starts_with("PRIVATE+KEY+example.com/x+"));
    assert!(!stdout(&made).contains(secret.rsplit('+').next().expect("a part").trim()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = run(&["keygen", "--name", "example.com/x", "-o", text(&file)]);
    assert_eq!(again.status.code(), Some(3), "{}", stderr(&again));
    assert_eq!(fs::read_to_string(&file).expect("a key"), secret);
    let wrong = run(&["keygen", "--name", "a b", "-o", text(&dir.path().join("other"))]);
    assert_eq!(wrong.status.code(), Some(4), "{}", stderr(&wrong));
}

#[test]
fn a_verdict_says_what_was_proven_and_the_exit_code_how_it_ended() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut sealer, vkey) = trail(dir.path());
    let path = text(sealer.path()).to_owned();
    let verified = run(&["verify", &path, "--key", &vkey]);
    assert_eq!(verified.status.code(), Some(0), "{}", stdout(&verified));
    let said = stdout(&verified);
    for part in [
        "main-0123456789ab: verified",
        "records 0 to 39",
        "signed by a key that was given",
        "not provable without an anchor",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(stderr(&verified), "", "no progress bar where nobody looks");
    // The key from a file, as it is kept.
    let file = dir.path().join("trail.pub");
    fs::write(&file, format!("# payments\n{vkey}\n")).expect("written");
    assert_eq!(
        run(&["verify", &path, "--key", text(&file)]).status.code(),
        Some(0)
    );
    // An unsealed tail.
    sealer.records(2);
    assert_eq!(run(&["verify", &path, "--key", &vkey]).status.code(), Some(0));
    let strict = run(&["verify", &path, "--key", &vkey, "--strict"]);
    assert_eq!(strict.status.code(), Some(2), "{}", stdout(&strict));
    assert!(
        stdout(&strict).contains("not sealed: 2 records"),
        "{}",
        stdout(&strict)
    );
    // A change, and what is said of it as data.
    let segment = sealer.home.join(sealer.segment_name());
    let changed = String::from_utf8(fs::read(&segment).expect("read"))
        .expect("text")
        .replacen("number 7:", "number 8:", 1);
    fs::write(&segment, changed).expect("written");
    let tampered = run(&["verify", &path, "--key", &vkey, "--json"]);
    assert_eq!(tampered.status.code(), Some(1));
    let json: Value = serde_json::from_str(&stdout(&tampered)).expect("JSON");
    assert_eq!(json["verdict"], "tampered");
    let finding = &json["streams"][0]["findings"][0];
    assert_eq!(
        (finding["kind"].as_str(), finding["first"].as_u64()),
        (Some("changed"), Some(7))
    );
    assert_eq!(finding["rule"], "leaf hash");
}

#[test]
fn what_cannot_be_decided_and_what_is_wrongly_asked_have_codes_of_their_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let (sealer, _) = trail(dir.path());
    let path = text(sealer.path());
    let mut unsealed = Sealer::new(None);
    unsealed.put(ordinary(1));
    for (args, code) in [
        (vec!["verify", text(unsealed.path())], 3),
        (vec!["verify", text(dir.path())], 3),
        (vec!["verify", "/no/such/trail"], 3),
        (vec!["verify"], 4),
        (vec!["verify", path, "--key", "nonsense"], 4),
        (vec!["verify", path, "--min-size", "x"], 4),
        (vec!["verify", path, "--min-size", "41"], 1),
        (vec!["verify", path, "--anchor", "/no/such/file"], 3),
        (vec!["prove", path, "no-such-id"], 4),
    ] {
        let output = run(&args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}: {} {}",
            stdout(&output),
            stderr(&output)
        );
    }
}

#[test]
fn the_newest_checkpoint_is_printed_and_is_an_anchor() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut sealer, vkey) = trail(dir.path());
    let path = text(sealer.path()).to_owned();
    let printed = run(&["checkpoint", &path]);
    let kept = dir.path().join("kept");
    fs::write(&kept, stdout(&printed)).expect("written");
    sealer.records(9);
    sealer.seal();
    let anchored = run(&["verify", &path, "--key", &vkey, "--anchor", text(&kept)]);
    assert!(
        stdout(&anchored).contains("anchored: the first 40 records"),
        "{}",
        stdout(&anchored)
    );
    let other = run(&["verify", &path, "--anchor", text(&sealer.home.join("checkpoint"))]);
    assert_eq!(other.status.code(), Some(0), "{}", stdout(&other));
}

#[test]
fn a_receipt_is_written_and_accepted_without_the_trail() {
    let dir = tempfile::tempdir().expect("a directory");
    let (sealer, vkey) = trail(dir.path());
    let line: Value = serde_json::from_slice(&sealer.lines[17]).expect("JSON");
    let file = dir.path().join("r.json");
    let made = run(&[
        "prove",
        text(sealer.path()),
        line["id"].as_str().expect("an id"),
        "-o",
        text(&file),
    ]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    drop(sealer);
    let checked = run(&["verify", "--receipt", text(&file), "--key", &vkey]);
    assert_eq!(checked.status.code(), Some(0), "{}", stdout(&checked));
    assert!(
        stdout(&checked).contains("record 17 of example.com/payments/main-0123456789ab"),
        "{}",
        stdout(&checked)
    );
    let alone = run(&["verify", "--receipt", text(&file)]);
    assert!(
        stdout(&alone).contains("could have made it up"),
        "{}",
        stdout(&alone)
    );
    let forged = fs::read_to_string(&file)
        .expect("text")
        .replace("success", "failure");
    fs::write(&file, forged).expect("written");
    let refused = run(&["verify", "--receipt", text(&file), "--key", &vkey]);
    assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
}

#[test]
fn what_a_file_says_does_nothing_to_the_terminal() {
    let dir = tempfile::tempdir().expect("a directory");
    let (sealer, _) = trail(dir.path());
    let evil = "main-\u{1b}[31m\u{202e}x";
    fs::write(
        sealer.home.join("stream"),
        format!("{{\"stream\":{}}}", Value::from(evil)),
    )
    .expect("written");
    let output = run(&["verify", text(sealer.path())]);
    let said = stdout(&output);
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
}

#[test]
fn what_is_told_as_data_steers_no_terminal_and_says_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let stream = "a\u{202e}\u{9b}b";
    fs::create_dir(dir.path().join(stream)).expect("a directory");
    let segment = dir
        .path()
        .join(stream)
        .join(format!("audit-2025-11-21-{:020}.jsonl", 0));
    fs::write(segment, "not a record\n").expect("a file");
    for args in [
        &["verify", "--json", text(dir.path())][..],
        &["explain", "--json", stream],
    ] {
        let said = stdout(&run(args));
        assert!(
            said.contains("a\\u202e\\u009bb") && !said.contains(stream),
            "{said:?}"
        );
        let data: Value = serde_json::from_str(&said).expect("JSON");
        let of = if args[0] == "verify" {
            &data["streams"][0]["stream"]
        } else {
            &data["field"]
        };
        assert_eq!(of, stream);
    }
}
