//! `hash`, `explain` and `redact --policy` as a process: a policy file in, answers on standard output, notes beside them.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use tracing_audit::record::{Map, Value};
use tracing_audit::redact::{Class, Policy, sha256};

const KEY: &[u8] = &[b'k'; 32];

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn run_with(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tracing-audit"))
        .args(args)
        .env("TRACING_AUDIT_TEST_KEY", std::str::from_utf8(KEY).expect("text"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A command that has refused its arguments reads nothing.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("ends")
}

fn run(args: &[&str]) -> Output {
    run_with(args, "")
}

/// What the command prints, which must go well.
fn line(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output).trim_end().to_owned()
}

fn write(path: &Path, text: &[u8]) {
    std::fs::write(path, text).expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("set");
    }
}

/// A directory with a policy of two keys, and one without.
fn place() -> TempDir {
    let place = tempfile::tempdir().expect("made");
    write(&place.path().join("old.key"), &[b'o'; 32]);
    write(&place.path().join("new.key"), KEY);
    let keys = "tenant = \"acme\"\n[[key]]\nid = \"old\"\nfile = \"old.key\"\n[[key]]\nid = \"new\"\nfile = \"new.key\"\n";
    write(&place.path().join("keys.toml"), keys.as_bytes());
    let rules = r#"
        [[rule]]
        id = "nicknames"
        words = "nickname"
        action = "drop"
        positives = ["nick_name_of_nickname"]
        negatives = ["nick"]
        [[rule]]
        id = "refund-notes"
        path = "note"
        event = "refund.*"
        action = "mask"
        positives = ["note"]
        negatives = ["notes"]
        [dry_run]
        mode = "strict"
    "#;
    write(&place.path().join("rules.toml"), rules.as_bytes());
    place
}

fn path(place: &TempDir, name: &str) -> String {
    place.path().join(name).display().to_string()
}

#[test]
fn hash_prints_the_pseudonym_that_the_library_makes() {
    let place = place();
    let key = path(&place, "new.key");
    let policy = Policy::balanced().key("k1", KEY).expect("a key");
    let email = Class::personal("email");
    let expected = policy.pseudonym(email, None, "ann@example.com").expect("made");
    let by_file = ["hash", "--class", "personal:email", "--key-file", &key];
    assert_eq!(line(&[&by_file[..], &["Ann@Example.com"]].concat()), expected);
    let by_variable = [
        "hash",
        "--class",
        "personal:email",
        "--key-env",
        "TRACING_AUDIT_TEST_KEY",
    ];
    assert_eq!(line(&[&by_variable[..], &["ann@example.com"]].concat()), expected);
    let piped = run_with(&[&by_file[..], &["-"]].concat(), "ann@example.com\r\n");
    assert_eq!(stdout(&piped), format!("{expected}\n"), "{}", stderr(&piped));
    let other = policy.tenant("acme").expect("a tenant");
    assert_eq!(
        line(
            &[
                &by_file[..],
                &["--tenant", "acme", "--key", "k9", "ann@example.com"]
            ]
            .concat()
        ),
        other
            .pseudonym(email, None, "ann@example.com")
            .expect("made")
            .replace(":k1:", ":k9:")
    );
}

#[test]
fn hash_takes_keys_and_tenant_from_a_policy() {
    let place = place();
    let policy = path(&place, "keys.toml");
    let read = Policy::load(&policy).expect("a policy");
    let args = ["hash", "--class", "network", "--policy", &policy];
    for key in [None, Some("old"), Some("new")] {
        let key_args: Vec<&str> = key.into_iter().flat_map(|key| ["--key", key]).collect();
        let hash = line(&[&args[..], &key_args, &["192.0.2.7"]].concat());
        assert_eq!(Some(hash), read.pseudonym(Class::NETWORK, key, "192.0.2.7"));
    }
    let output = run(&[&args[..], &["--key", "k7", "192.0.2.7"]].concat());
    assert_eq!(output.status.code(), Some(4));
    assert!(
        stderr(&output).contains("`k7`") && stderr(&output).contains("old, new"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn hash_of_json_is_that_of_its_canonical_form() {
    let place = place();
    let key = path(&place, "new.key");
    let policy = Policy::balanced().key("k1", KEY).expect("a key");
    let params = Map::from([
        ("limit".to_owned(), Value::from(10_u64)),
        (
            "of".to_owned(),
            Value::List(vec![Value::from("é"), Value::Null, Value::from(0.5)]),
        ),
    ]);
    let expected = policy.params_hash(None, &Value::from(params)).expect("made");
    for text in [
        r#"{"limit":10,"of":["é",null,0.5]}"#,
        "{ \"of\": [\"\\u00e9\", null, 5e-1], \"limit\": 10.0 }",
    ] {
        assert_eq!(
            line(&["hash", "--json", "--key-file", &key, text]),
            expected,
            "{text}"
        );
    }
    let output = run(&["hash", "--json", "--key-file", &key, "{\"secret\":"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(!stderr(&output).contains("secret"), "{}", stderr(&output));
}

#[test]
fn a_bare_hash_is_only_made_by_name_and_says_what_it_is_worth() {
    let output = run(&["hash", "--algorithm", "sha256", "192.0.2.7"]);
    assert_eq!(stdout(&output).trim_end(), sha256(b"192.0.2.7"));
    assert!(
        stderr(&output).contains("minutes on one core"),
        "{}",
        stderr(&output)
    );
    assert_eq!(output.status.code(), Some(0));
    let json = run(&[
        "hash",
        "--algorithm",
        "sha256",
        "--json",
        "{ \"b\": 1, \"a\": 2 }",
    ]);
    assert_eq!(stdout(&json).trim_end(), sha256(br#"{"a":2,"b":1}"#));
    let with_key = run(&["hash", "--algorithm", "sha256", "--key-env", "X", "192.0.2.7"]);
    assert_eq!(
        (with_key.status.code(), stdout(&with_key).as_str()),
        (Some(4), "")
    );
}

/// Arguments that cannot work, with the exit code and a part of what is said.
fn wrong_hashes<'a>(key: &'a str, short: &'a str, none: &'a str) -> Vec<(Vec<&'a str>, i32, &'static str)> {
    vec![
        (vec!["hash", "x"], 4, "--class"),
        (vec!["hash", "--class", "network", "x"], 4, "--key-file"),
        (
            vec!["hash", "--class", "netwrk", "--key-file", key, "x"],
            4,
            "`netwrk`",
        ),
        (
            vec!["hash", "--class", "network", "--key-file", short, "x"],
            4,
            "6 bytes",
        ),
        (
            vec!["hash", "--class", "network", "--key-file", none, "x"],
            3,
            "none.key",
        ),
        (
            vec![
                "hash",
                "--class",
                "network",
                "--key-env",
                "TRACING_AUDIT_UNSET",
                "x",
            ],
            4,
            "TRACING_AUDIT_UNSET",
        ),
        (
            vec!["hash", "--class", "network", "--policy", none, "x"],
            3,
            "none.key",
        ),
        (
            vec![
                "hash", "--class", "network", "--policy", key, "--tenant", "a", "x",
            ],
            4,
            "--tenant",
        ),
        (
            vec![
                "hash",
                "--class",
                "network",
                "--key-file",
                key,
                "--algorithm",
                "md5",
                "x",
            ],
            4,
            "sha256",
        ),
    ]
}

#[test]
fn hash_says_what_is_missing_and_shows_no_key() {
    let place = place();
    let (key, short) = (path(&place, "new.key"), path(&place, "short.key"));
    write(Path::new(&short), b"sesame");
    let none = path(&place, "none.key");
    for (args, code, part) in wrong_hashes(&key, &short, &none) {
        let output = run(&args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(part), "{args:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("sesame") && stdout(&output).is_empty());
    }
}

#[test]
fn explain_prints_a_plan_for_each_field() {
    let place = place();
    let policy = path(&place, "rules.toml");
    let table = line(&[
        "explain",
        "--policy",
        &policy,
        "user.password",
        "user.id",
        "nickname",
        "city",
    ]);
    let row = |field: &str| -> Vec<String> {
        let row = table.lines().find(|line| line.starts_with(field)).expect("a row");
        row.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(
        row("user.password"),
        [
            "user.password",
            "attributes.user.password",
            "all",
            "secret",
            "marker",
            "name.secret",
            "nothing"
        ]
    );
    assert_eq!(
        row("user.id")[..5],
        ["user.id", "actor.id", "texts", "internal", "keep"]
    );
    assert_eq!(row("nickname")[4..6], ["drop", "nicknames"]);
    assert!(
        table.contains("on trial") && table.contains("strict.unlisted"),
        "{table}"
    );
    let plain = line(&["explain", "city"]);
    assert!(
        plain.contains("attributes.city") && !plain.contains("trial"),
        "{plain}"
    );
}

#[test]
fn explain_knows_the_event_and_answers_in_json_too() {
    let place = place();
    let policy = path(&place, "rules.toml");
    let args = ["explain", "--policy", &policy, "--json", "note"];
    let action = |more: &[&str]| {
        let text = line(&[&args[..], more].concat());
        let plan: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(plan["field"], "note");
        assert_eq!(plan["trial"]["text"]["rule"], "strict.unlisted");
        (plan["text"]["action"].clone(), plan["text"]["rule"].clone())
    };
    assert_eq!(
        action(&["--event", "refund.paid"]),
        ("mask".into(), "refund-notes".into())
    );
    assert_eq!(
        action(&["--event", "login"]),
        ("keep".into(), serde_json::Value::Null)
    );
    let output = run(&["explain"]);
    assert_eq!(output.status.code(), Some(4));
    let output = run(&["explain", "--policy", &path(&place, "old.key"), "x"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("old.key line 1"), "{}", stderr(&output));
}

const LINES: &str = r#"{"id":1,"field":"nickname","value":"canary-1"}
{"id":2,"field":"message","value":"password=canary-2 mail canary@example.com"}
{"id":3,"field":"city","value":"canary-3"}
"#;

#[test]
fn redact_follows_a_policy_and_says_what_its_trial_would_have_done() {
    let place = place();
    let policy = path(&place, "rules.toml");
    let output = run_with(&["redact", "--policy", &policy], LINES);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answers = stdout(&output);
    let answers: Vec<serde_json::Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        answers[0],
        serde_json::json!({"id": 1, "redactions": 1, "value": null})
    );
    assert_eq!(
        answers[1]["value"],
        "password=[REDACTED:secret] mail [REDACTED:email]"
    );
    assert_eq!(answers[1]["redactions"], 2);
    assert_eq!(answers[2]["value"], "canary-3");
    let notes = stderr(&output);
    assert!(
        notes.contains("under trial") && notes.contains("strict.unlisted  2"),
        "{notes}"
    );
    assert!(!notes.contains("canary"), "{notes}");
}

#[test]
fn a_dry_run_counts_by_rule_and_writes_no_value() {
    let place = place();
    let policy = path(&place, "rules.toml");
    for (args, rules) in [
        (
            &["redact", "--dry-run", "--policy", &policy][..],
            &["nicknames", "kv.secret", "email"][..],
        ),
        (&["redact", "--dry-run"], &["kv.secret", "email"]),
    ] {
        let output = run_with(args, LINES);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let (answers, notes) = (stdout(&output), stderr(&output));
        assert_eq!(answers.lines().count(), 3, "{answers}");
        assert!(answers.contains(r#"{"id":2,"redactions":2}"#), "{answers}");
        for rule in rules {
            assert!(
                notes
                    .lines()
                    .any(|line| line.trim().starts_with(rule) && line.ends_with(" 1")),
                "{notes}"
            );
        }
        assert!(notes.contains("would redact"), "{notes}");
        assert!(
            !format!("{answers}{notes}").contains("canary"),
            "{answers}{notes}"
        );
    }
}

#[test]
fn redact_refuses_a_policy_that_it_cannot_read() {
    let place = place();
    let output = run_with(&["redact", "--policy", &path(&place, "none.toml")], LINES);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(3), ""));
    write(&place.path().join("bad.toml"), b"[[rule]]\nwords = \"x\"\n");
    let output = run_with(&["redact", "--policy", &path(&place, "bad.toml")], LINES);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(4), ""));
    assert!(
        stderr(&output).contains("line 1") && stderr(&output).contains("`rule[0]`"),
        "{}",
        stderr(&output)
    );
}
