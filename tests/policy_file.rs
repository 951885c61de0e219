//! A policy as a file: what it says is what is done, a mistake is named with its line, and examples are run.
#![cfg(feature = "config")]

use std::path::Path;

use tempfile::TempDir;
use tracing::info;
use tracing_audit::config::Config;
use tracing_audit::record::Value;
use tracing_audit::redact::{Action, Alphabet, Class, FieldRule, Pattern, Policy, ValueType, sha256};
use tracing_audit::testing::Recording;
use tracing_audit::{Audit, ErrorKind};

const KEY: &[u8] = &[b'k'; 32];

fn refused(text: &str) -> String {
    let error = Policy::from_toml(text).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::Config, "{text}");
    error.to_string()
}

/// Asserts that the refusal of `text` has each part.
fn refused_with(text: &str, parts: &[&str]) {
    let message = refused(text);
    for part in parts {
        assert!(message.contains(part), "`{message}` does not say `{part}`");
    }
}

/// A rule with the examples that its selector needs.
fn rule(lines: &str) -> String {
    format!("[[rule]]\n{lines}\npositives = [\"note\"]\nnegatives = [\"other\"]\n")
}

fn pattern(lines: &str) -> String {
    format!("[[pattern]]\nid = \"mine\"\nalphabet = \"digits\"\nlen = \"4\"\nliteral = \"acme-\"\n{lines}\n")
}

/// The files that the document shows, by their names.
fn documented() -> TempDir {
    let document = include_str!("../docs/policy-file.md");
    let place = tempfile::tempdir().unwrap();
    for block in document.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let name = text.lines().next().unwrap().trim_start_matches("# ");
        std::fs::write(place.path().join(name), text).unwrap();
    }
    write_key(&place.path().join("k1.key"));
    place
}

fn write_key(path: &Path) {
    std::fs::write(path, KEY).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn the_policies_of_the_document_load_and_do_what_it_says() {
    let place = documented();
    let policy = Policy::load(place.path().join("policy.toml")).unwrap();
    Policy::load(place.path().join("strict.toml")).unwrap();
    let token = format!("acme_{}", "0a".repeat(16));
    let recording = Recording::with(|audit| audit.policy(policy.clone()));
    recording.run(|| {
        info!(target: "audit", event = "refund.paid", x_insuranceNumber = "QQ 12 34 56 C", customer.loyalty = "LC-123456789012",
              note = "n".repeat(300), design_token = "blue", told = format!("sent {token} by MX4411822"));
        info!(target: "audit", event = "other", note = "n".repeat(300));
    });
    let captured = recording.captured();
    let insurance = policy.pseudonym(Class::personal("insurance"), None, "QQ 12 34 56 C");
    let refund = captured.with_event("refund.paid");
    refund
        .only()
        .assert_attribute("x_insuranceNumber", insurance.unwrap())
        .assert_attribute("customer.loyalty", "****9012")
        .assert_attribute("design_token", "blue")
        .assert_hides(&token)
        .assert_hides("MX4411822");
    // A field may say what the event is called, so that the rule for refunds counts everywhere.
    for record in &captured {
        assert_eq!(record.attribute("note").unwrap().as_str().unwrap().len(), 200);
    }
}

/// Every key that needs no file.
const WHOLE: &str = r#"
    mode = "strict"
    scan_limit = 300
    [[class]]
    name = "personal:member"
    action = "mask"
    [[rule]]
    id = "members"
    field = "**.member"
    event = "a.*"
    category = "billing"
    type = "number"
    class = "personal:member"
    positives = ["x.member"]
    negatives = ["member.x"]
    [[allow]]
    fields = ["amount"]
    target = "audit::billing"
    [[declassify]]
    name = "token style"
    reason = "a style"
    [[pattern]]
    id = "acme"
    literal = "acme_"
    alphabet = "hex"
    len = "8.."
    class = "personal:member"
    positives = ["acme_0123456789"]
    negatives = ["acme_0123456"]
"#;

/// The same by the builder.
fn whole(member: Class) -> Policy {
    Policy::strict()
        .scan_limit(300)
        .class(member, Action::Mask)
        .rule(
            FieldRule::glob("**.member")
                .id("members")
                .event("a.*")
                .category("billing")
                .values(ValueType::Number)
                .class(member),
        )
        .rule(
            FieldRule::path("amount")
                .id("allowed")
                .class(Class::PUBLIC)
                .category("billing"),
        )
        .declassify("token style", "a style")
        .pattern(Pattern::literal("acme", "acme_", Alphabet::Hex, 8..=usize::MAX).class(member))
        .unwrap()
}

#[test]
fn what_the_code_says_is_what_the_file_says() {
    let file = Policy::from_toml(WHOLE).unwrap();
    let member = Class::personal("member");
    let code = whole(member);
    let long = "acme_0123456789 ".repeat(40);
    for name in ["x.member", "amount", "token_style", "password", "message", "else"] {
        for about in [
            (None, None),
            (Some("a.b"), Some("billing")),
            (Some("b"), Some("users")),
        ] {
            let (event, category) = about;
            let explained = file.explain(name, event, category);
            assert_eq!(explained, code.explain(name, event, category), "{name} {about:?}");
        }
        for value in ["1", "an acme_0123456789 here", long.as_str()] {
            assert_eq!(
                file.redact(name, value),
                code.redact(name, value),
                "{name} {value}"
            );
        }
    }
    assert_eq!(
        file.explain("amount", None, Some("billing")).text.action,
        Action::Keep
    );
    assert_eq!(
        file.explain("amount", None, Some("users")).text.action,
        Action::Drop
    );
    assert_eq!(
        file.redact("message", "an acme_0123456789 here").value.unwrap(),
        "an **** here"
    );
}

#[test]
fn a_key_that_is_not_known_is_named_with_its_line_and_the_one_that_was_meant() {
    refused_with(
        "mode = \"strict\"\nscan_limits = 3",
        &["line 2", "`scan_limits`", "`scan_limit`"],
    );
    refused_with(
        &rule("words = \"note\"\nacton = \"drop\""),
        &["line 3", "`rule[0].acton`", "`rule[0].action`"],
    );
    refused_with(
        "[[key]]\nid = \"k\"\nvalue = \"x\"",
        &["line 3", "`key[0].value`", "id, file, env"],
    );
    refused_with(
        "[dry_run]\nmod = \"strict\"",
        &["line 2", "`dry_run.mod`", "`dry_run.mode`"],
    );
    refused_with("mode = ", &["line 1", "not TOML"]);
}

#[test]
fn a_value_that_cannot_work_is_refused_with_its_place_and_a_remedy() {
    for (text, parts) in [
        (
            "mode = \"loose\"",
            &["line 1", "`mode`", "`loose`", "balanced or strict"][..],
        ),
        ("mode = \"off\"", &["`off`", "Policy::off"]),
        ("mode = 1", &["`mode`", "integer", "in quotes"]),
        ("scan_limit = 1", &["`scan_limit` is 1", "256"]),
        ("scan_limit = \"a\"", &["`scan_limit`", "without quotes"]),
        ("tenant = \"\"", &["`tenant`", "empty"]),
        ("rule = 1", &["`rule`", "[[rule]]"]),
        (
            "[[class]]\nname = \"persnal:x\"\naction = \"drop\"",
            &["line 2", "`persnal:x`", "personal"],
        ),
        (
            "[[class]]\nname = \"secret\"\naction = \"keep\"",
            &["line 3", "`keep`", "marker"],
        ),
        (
            "[[class]]\nname = \"network\"\naction = \"hash\"",
            &["line 3", "`hash`", "hmac"],
        ),
        ("[[class]]\nname = \"network\"", &["`class[0]`", "no `action`"]),
        (
            "[[declassify]]\nname = \"token style\"",
            &["`declassify[0]`", "no `reason`"],
        ),
        ("[[allow]]\ncategory = \"x\"", &["`allow[0]`", "no `fields`"]),
        ("[[allow]]\nfields = [\"a.*\"]", &["`a.*`", "star"]),
        (
            "[[allow]]\nfields = [\"a\"]\ntarget = \"x\"\ncategory = \"x\"",
            &["`allow[0].target`", "`category`"],
        ),
        ("[[key]]\nid = \"k1\"", &["`key[0]`", "neither `file` nor `env`"]),
        (
            "[[key]]\nid = \"k1\"\nfile = \"a\"\nenv = \"b\"",
            &["both `file` and `env`"],
        ),
        (
            "[[key]]\nid = \"k1\"\nenv = \"TRACING_AUDIT_UNSET\"",
            &["line 3", "TRACING_AUDIT_UNSET", "not set"],
        ),
        ("[dry_run]\ndry_run = \"x\"", &["`dry_run`", "trial of its own"]),
    ] {
        refused_with(text, parts);
    }
    let twice = "[[class]]\nname = \"network\"\naction = \"drop\"\n".repeat(2);
    refused_with(&twice, &["line 5", "`class[1].name`", "`network`", "second time"]);
}

#[test]
fn a_rule_that_says_nothing_or_contradicts_itself_is_refused() {
    let action = "action = \"drop\"";
    for (lines, parts) in [
        (
            action.to_owned(),
            &["`rule[0]`", "names no fields", "`words`"][..],
        ),
        (
            format!("words = \"note\"\npath = \"note\"\n{action}"),
            &["several ways"],
        ),
        ("words = \"note\"".to_owned(), &["neither `class` nor `action`"]),
        (
            format!("words = \"--\"\n{action}"),
            &["`rule[0].words`", "no word"],
        ),
        (format!("path = \"no*\"\n{action}"), &["`no*`", "field = \"no*\""]),
        (
            format!("words = \"note\"\ntype = \"texts\"\n{action}"),
            &["`texts`", "text or number"],
        ),
        (
            format!("words = \"note\"\nid = \"name.secret\"\n{action}"),
            &["`name.secret`"],
        ),
        (
            format!("words = \"note\"\nid = \"email\"\n{action}"),
            &["`email`", "built-in"],
        ),
    ] {
        refused_with(&rule(&lines), parts);
    }
    let twice = rule("words = \"note\"\nid = \"a\"\naction = \"drop\"").repeat(2);
    refused_with(&twice, &["`rule[1].id`", "`a`", "second time"]);
}

#[test]
fn an_example_that_fails_names_the_rule_and_the_example() {
    let rule = |positives: &str, negatives: &str| {
        format!(
            "[[rule]]\nid = \"notes\"\nwords = \"note\"\naction = \"drop\"\npositives = [{positives}]\nnegatives = [{negatives}]"
        )
    };
    assert!(Policy::from_toml(&rule("\"note\"", "\"noted\"")).is_ok());
    refused_with(
        &rule("\"note\", \"noted\"", "\"x\""),
        &["line 5", "`noted`", "rule `notes`", "positives"],
    );
    refused_with(
        &rule("\"note\"", "\"my_note\""),
        &["line 6", "`my_note`", "rule `notes`", "negatives"],
    );
    refused_with(&rule("", "\"x\""), &["`rule[0]`", "no `positives`"]);
    refused_with(&rule("\"note\"", ""), &["`rule[0]`", "no `negatives`"]);
    for (positives, negatives, parts) in [
        (
            "\"acme-123\"",
            "\"x\"",
            &["positives[0]", "pattern `mine`", "line 6"][..],
        ),
        (
            "\"acme-1234\"",
            "\"of acme-1234\"",
            &["negatives[0]", "pattern `mine`", "line 7"],
        ),
        (
            "\"acme-1234\"",
            "\"password=hunter2\"",
            &["negatives[0]", "kv.secret"],
        ),
        (
            "\"password=hunter2 acme-12\"",
            "\"x\"",
            &["positives[0]", "kv.secret"],
        ),
    ] {
        let text = pattern(&format!("positives = [{positives}]\nnegatives = [{negatives}]"));
        refused_with(&text, parts);
        assert!(
            !refused(&text).contains("hunter2") && !refused(&text).contains("acme-1"),
            "no text of an example"
        );
    }
    refused_with(
        &pattern("positives = [\"acme-1234\"]"),
        &["`pattern[0]`", "no `negatives`"],
    );
}

#[test]
fn a_pattern_whose_finds_are_kept_fails_by_its_own_example() {
    let kept = "class = \"internal:ticket\"\npositives = [\"acme-1234\"]\nnegatives = [\"x\"]";
    refused_with(&pattern(kept), &["positives[0]", "action of its class"]);
    let hidden = format!(
        "{}[[class]]\nname = \"internal:ticket\"\naction = \"marker\"",
        pattern(kept)
    );
    let policy = Policy::from_toml(&hidden).unwrap();
    assert_eq!(
        policy.redact("x", "see acme-1234").value.unwrap(),
        "see [REDACTED:ticket]"
    );
}

#[test]
fn a_rule_that_would_keep_what_a_secrets_name_forbids_is_refused() {
    let text = "[[rule]]\nwords = \"api token\"\naction = \"keep\"\npositives = [\"api_token\"]\nnegatives = [\"x\"]\n";
    refused_with(text, &["`api_token`", "name of a secret", "[[declassify]]"]);
    let declassified = format!("{text}[[declassify]]\nname = \"api token\"\nreason = \"an id\"\n");
    let policy = Policy::from_toml(&declassified).unwrap();
    assert_eq!(policy.redact("api_token", "x").value.unwrap(), "x");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let place = tempfile::tempdir().unwrap();
    let error = Policy::load(place.path().join("none.toml")).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Io && error.to_string().contains("none.toml"),
        "{error}"
    );
    let path = place.path().join("policy.toml");
    std::fs::write(&path, "\n[[key]]\nid = \"k1\"\nfile = \"none.key\"\n").unwrap();
    let error = Policy::load(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let message = error.to_string();
    assert!(
        message.contains("policy.toml line 4") && message.contains("none.key"),
        "{message}"
    );
    std::fs::write(&path, "dry_run = \"none.toml\"").unwrap();
    let message = Policy::load(&path).unwrap_err().to_string();
    assert!(
        message.contains("policy.toml line 1") && message.contains("none.toml"),
        "{message}"
    );
    std::fs::write(&path, "dry_run = \"policy.toml\"").unwrap();
    assert!(Policy::load(&path).is_err(), "a policy that tries itself ends");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused_and_never_shown() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = documented();
    let key = place.path().join("k1.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let message = Policy::load(place.path().join("policy.toml"))
        .unwrap_err()
        .to_string();
    assert!(message.contains("0644") && message.contains("k1"), "{message}");
    assert!(!message.contains("kkkk"), "{message}");
}

#[test]
fn the_configuration_names_the_file_and_the_trail_states_its_hash() {
    let place = documented();
    let path = place.path().join("strict.toml");
    let name = path.display();
    let refused = |text: &str| {
        let error = Config::from_json(text)
            .and_then(|config| Audit::builder().config(&config))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    let config =
        |more: &str| format!(r#"{{"redaction": {{"policy_file": "{name}"{more}}}}}"#).replace('\\', "/");
    let message = refused(&config(r#", "mode": "strict""#));
    assert!(
        message.contains("`redaction.policy_file`") && message.contains("`redaction.mode`"),
        "{message}"
    );
    assert!(refused(r#"{"redaction": {"policy_file": ""}}"#).contains("`redaction.policy_file`"));
    let with_key = format!(r#", "key_file": "{}""#, place.path().join("k1.key").display());
    let own_keys = config(&with_key).replace("strict.toml", "policy.toml");
    assert!(refused(&own_keys).contains("one place for keys"), "{own_keys}");

    let sink = tracing_audit::sink::MemorySink::new();
    let config = Config::from_json(&config(&with_key)).unwrap();
    let builder = Audit::builder().config(&config).unwrap();
    let audit = builder.sink(sink.clone()).start().unwrap();
    audit.shutdown(std::time::Duration::from_secs(30)).unwrap();
    let open = sink.records().remove(0);
    let Some(Value::Map(stated)) = open.attribute("config") else {
        panic!("{open:?}")
    };
    let Some(Value::Map(stated)) = stated.get("redaction") else {
        panic!("{stated:?}")
    };
    let hash = sha256(&std::fs::read(&path).unwrap());
    assert_eq!(stated.get("policy_file"), Some(&Value::from(hash)));
    assert_eq!(stated.get("policy"), Some(&Value::from("strict")));
}
