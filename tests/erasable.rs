//! Erasable fields: a commitment in the line, the value in a side table, and nothing but the line after an erasure.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use tracing::{info, info_span};
use tracing_audit::format::read_line;
use tracing_audit::record::{Map, Record, Slot, Value};
use tracing_audit::redact::sensitive::Email;
use tracing_audit::redact::{Action, Class, FieldRule, Policy, Sensitive};
use tracing_audit::store::{
    self, DirStore, Direction, ERASED, FindingKind, Item, List, MISMATCH, Store as _, Stored,
};
use tracing_audit::testing::Recording;
use tracing_audit::{Audit, AuditBuilder, AuditedExt as _, ErrorKind, Query};
use tracing_subscriber::registry;

const LONG: Duration = Duration::from_secs(60);

struct Trail {
    place: tempfile::TempDir,
    audit: Audit,
}

fn policy() -> Policy {
    Policy::balanced()
        .field("email", Action::Erasable("actor.id"))
        .field("shipping address", Action::Erasable("customer"))
}

impl Trail {
    fn new() -> Self {
        Self::with(policy(), |builder| builder)
    }

    fn with(policy: Policy, configure: impl FnOnce(AuditBuilder) -> AuditBuilder) -> Self {
        let place = tempfile::tempdir().unwrap();
        let builder = Audit::builder().directory(place.path()).service("t").host("t");
        let audit = configure(builder.policy(policy)).start().unwrap();
        Self { place, audit }
    }

    fn stream(&self) -> PathBuf {
        self.place.path().join("main")
    }

    fn run(&self, report: impl FnOnce()) {
        tracing::subscriber::with_default(registry().audited(&self.audit), report);
        self.audit.flush(LONG).unwrap();
    }

    /// The bytes of the log, without what is read by joining.
    fn log(&self) -> Vec<u8> {
        let mut names: Vec<_> = fs::read_dir(self.stream())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect();
        names.sort();
        names.iter().flat_map(|path| fs::read(path).unwrap()).collect()
    }

    fn lines(&self, event: &str) -> Vec<Record> {
        let log = self.log();
        let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let records = lines.map(|line| read_line(line).unwrap());
        records.filter(|record| record.event() == event).collect()
    }

    /// The records that a reader is given.
    fn read(&self, event: &str) -> Vec<Stored> {
        let query = Query::parse(&format!("event={event}")).unwrap();
        let list = List::default().direction(Direction::OldestFirst).limit(0);
        DirStore::open(self.place.path())
            .unwrap()
            .list(&query, &list)
            .unwrap()
            .records
    }

    fn rows(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.stream().join("erasable")) else {
            return Vec::new();
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// Whether the bytes stand anywhere in the trail's directory.
    fn holds(&self, bytes: &str) -> bool {
        fn any(dir: &Path, bytes: &[u8]) -> bool {
            fs::read_dir(dir).unwrap().any(|entry| {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    return any(&path, bytes);
                }
                memchr::memmem::find(&fs::read(path).unwrap(), bytes).is_some()
            })
        }
        any(self.place.path(), bytes.as_bytes())
    }
}

#[test]
fn the_line_has_a_commitment_and_the_reader_gives_the_value_back() {
    let trail = Trail::new();
    trail.run(
        || info!(target: "audit", event = "user.invite", actor.id = "u-17", email = "ana@example.com", n = 3),
    );
    let line = &trail.lines("user.invite")[0];
    assert!(
        matches!(line.attribute("email"), Some(Value::Commitment(_))),
        "{line:?}"
    );
    assert!(
        !String::from_utf8(trail.log())
            .unwrap()
            .contains("ana@example.com")
    );
    let stored = &trail.read("user.invite")[0];
    assert_eq!(
        stored.record.attribute("email"),
        Some(&Value::from("ana@example.com"))
    );
    assert_eq!(stored.record.attribute("n"), Some(&Value::from(3)));
    assert!(String::from_utf8_lossy(&stored.line).contains(r#""email":{"$commit":""#));
}

#[test]
fn anyone_can_check_a_commitment_from_its_row() {
    let trail = Trail::new();
    trail.run(|| info!(target: "audit", event = "user.invite", actor.id = "u-17", email = "ana \"x\" é"));
    let rows = fs::read_to_string(&trail.rows()[0]).unwrap();
    let row: serde_json::Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    let base64 = base64::engine::general_purpose::STANDARD;
    let salt = base64.decode(row["salt"].as_str().unwrap()).unwrap();
    assert_eq!(salt.len(), 32);
    let hash = Sha256::new()
        .chain_update(salt)
        .chain_update(row["value"].to_string())
        .finalize();
    let line = &trail.lines("user.invite")[0];
    assert_eq!(line.attribute("email"), Some(&Value::Commitment(hash.into())));
    assert_eq!(row["id"].as_str(), line.text(Slot::Id));
    assert_eq!(row["seq"].as_u64(), line.uint(Slot::Seq));
    assert_eq!(
        (row["field"].as_str(), row["subject"].as_str()),
        (Some("attributes.email"), Some("u-17"))
    );
}

#[test]
fn equal_values_have_different_commitments_in_different_records() {
    let trail = Trail::new();
    trail.run(|| {
        for _ in 0..3 {
            info!(target: "audit", event = "user.invite", actor.id = "u-17", email = "ana@example.com");
        }
    });
    let commitments: Vec<_> = trail
        .lines("user.invite")
        .iter()
        .map(|line| line.attribute("email").cloned().unwrap())
        .collect();
    assert!(
        commitments[0] != commitments[1]
            && commitments[1] != commitments[2]
            && commitments[0] != commitments[2]
    );
}

#[test]
fn after_an_erasure_the_value_is_nowhere_and_the_lines_are_as_they_were() {
    let trail = Trail::new();
    trail.run(|| {
        info!(target: "audit", event = "user.invite", actor.id = "u-17", email = "ana@example.com");
        info!(target: "audit", event = "user.invite", actor.id = "u-18", email = "bob@example.com");
    });
    let before = trail.log();
    assert!(trail.holds("ana@example.com"));
    let erased = trail.audit.erase("u-17").unwrap();
    assert_eq!((erased.records, erased.values), (1, 1));
    let seq = trail.lines("user.invite")[0].uint(Slot::Seq).unwrap();
    assert_eq!(erased.range, Some((seq, seq)));
    assert!(!trail.holds("ana@example.com"));
    assert!(trail.log().starts_with(&before), "a line was changed");
    let records = trail.read("user.invite");
    assert_eq!(records[0].record.attribute("email"), Some(&Value::from(ERASED)));
    assert_eq!(
        records[1].record.attribute("email"),
        Some(&Value::from("bob@example.com"))
    );
    let told = &trail.lines("audit.erase")[0];
    assert_eq!(told.attribute("records"), Some(&Value::from(1)));
    assert_eq!(told.attribute("values"), Some(&Value::from(1)));
    assert_eq!(
        told.attribute("subject"),
        None,
        "without a key the subject is not stated"
    );
}

#[test]
fn the_record_of_an_erasure_names_the_subject_by_pseudonym_only() {
    let policy = policy().key("k1", &[7; 32]).unwrap();
    let pseudonym = policy.pseudonym(Class::personal("subject"), None, "ana.subject@example.com");
    let trail = Trail::with(policy, |builder| builder);
    trail.audit.erase("ana.subject@example.com").unwrap();
    let told = &trail.lines("audit.erase")[0];
    assert_eq!(told.attribute("subject"), pseudonym.map(Value::from).as_ref());
    assert!(!trail.holds("ana.subject"));
}

#[test]
fn all_of_25_000_records_of_one_subject_are_erased_and_the_log_does_not_change() {
    let trail = Trail::new();
    trail.run(|| {
        for n in 0..25_000 {
            let email = format!("gone-{n}@example.com");
            info!(target: "audit", event = "user.mail", actor.id = "u-17", email);
            if n % 100 == 0 {
                info!(target: "audit", event = "user.keep", actor.id = "u-18", email = "bob@example.com");
            }
        }
    });
    let before = trail.log();
    let planned = store::erasable(&trail.stream(), "u-17").unwrap();
    assert_eq!((planned.records, planned.values), (25_000, 25_000));
    let erased = trail.audit.erase("u-17").unwrap();
    assert_eq!((erased.records, erased.values), (25_000, 25_000));
    assert_eq!(erased.range, planned.range);
    assert!(trail.log().starts_with(&before));
    assert!(!trail.holds("gone-"));
    let records = trail.read("user.mail");
    assert_eq!(records.len(), 25_000);
    assert!(
        records
            .iter()
            .all(|stored| stored.record.attribute("email") == Some(&Value::from(ERASED)))
    );
    let kept = trail.read("user.keep");
    assert_eq!(kept.len(), 250);
    assert!(
        kept.iter()
            .all(|stored| stored.record.attribute("email") == Some(&Value::from("bob@example.com")))
    );
    assert_eq!(store::erasable(&trail.stream(), "u-17").unwrap().values, 0);
}

#[test]
fn records_that_were_submitted_before_an_erasure_are_part_of_it_and_later_ones_are_not() {
    let trail = Trail::new();
    tracing::subscriber::with_default(registry().audited(&trail.audit), || {
        for _ in 0..2_000 {
            info!(target: "audit", event = "user.mail", actor.id = "u-17", email = "gone@example.com");
        }
        assert_eq!(trail.audit.erase("u-17").unwrap().values, 2_000);
        info!(target: "audit", event = "user.mail", actor.id = "u-17", email = "new@example.com");
    });
    trail.audit.flush(LONG).unwrap();
    assert!(!trail.holds("gone@example.com"));
    let last = trail.read("user.mail").pop().unwrap();
    assert_eq!(
        last.record.attribute("email"),
        Some(&Value::from("new@example.com"))
    );
}

#[test]
fn any_field_can_name_the_subject_wherever_it_stands() {
    let trail = Trail::new();
    trail.run(|| {
        info!(target: "audit", event = "order", actor.id = "clerk", shipping_address = "1 Main St", customer = "c-9");
        info!(target: "audit", event = "order", actor.id = "clerk", customer = 10, shipping_address = "2 Main St");
        info!(target: "audit", event = "order", actor.id = "clerk", shipping_address = "3 Main St");
    });
    assert_eq!(trail.audit.erase("clerk").unwrap().values, 0);
    assert_eq!(trail.audit.erase("c-9").unwrap().values, 1);
    assert_eq!(trail.audit.erase("10").unwrap().values, 1);
    assert_eq!(
        trail.audit.erase("unknown").unwrap().values,
        1,
        "nobody was named"
    );
    assert!(!trail.holds("Main St"));
}

#[test]
fn a_span_hands_erasable_values_down_and_each_record_has_its_own_commitment() {
    let policy = Policy::balanced().field("label.mail", Action::Erasable("actor.id"));
    let trail = Trail::with(policy, |builder| builder);
    trail.run(|| {
        let span = info_span!(target: "audit", "job", actor.id = "u-17", label.mail = "ana@example.com");
        let _entered = span.enter();
        info!(target: "audit", event = "job.step");
        info!(target: "audit", event = "job.step");
    });
    let lines = trail.lines("job.step");
    let of = |record: &Record| {
        record
            .map(Slot::Labels)
            .and_then(|labels| labels.get("mail"))
            .cloned()
    };
    assert!(
        matches!(of(&lines[0]), Some(Value::Commitment(_))),
        "{:?}",
        of(&lines[0])
    );
    assert_ne!(of(&lines[0]), of(&lines[1]));
    assert_eq!(
        of(&trail.read("job.step")[1].record),
        Some(Value::from("ana@example.com"))
    );
    assert_eq!(trail.audit.erase("u-17").unwrap().records, 3);
    assert!(!trail.holds("ana@example.com"));
}

#[test]
fn places_of_the_record_can_be_erasable_and_the_subject_among_them() {
    let policy = Policy::balanced()
        .rule(FieldRule::path("actor.id").action(Action::Erasable("actor.id")))
        .rule(FieldRule::path("actor.ip").action(Action::Erasable("actor.id")))
        .rule(FieldRule::path("message").action(Action::Erasable("actor.id")))
        .rule(FieldRule::path("error").action(Action::Erasable("actor.id")));
    let trail = Trail::with(policy, |builder| builder);
    trail.run(|| {
        let error: Box<dyn std::error::Error> = Box::new(std::io::Error::other("no mailbox of ana's"));
        info!(target: "audit", event = "login", actor.id = "ana", actor.ip = "203.0.113.7", error = &*error, "ana came in");
    });
    assert!(!String::from_utf8(trail.log()).unwrap().contains("ana"));
    assert!(!String::from_utf8(trail.log()).unwrap().contains("203.0.113"));
    let stored = trail.read("login").remove(0);
    assert_eq!(stored.record.text(Slot::ActorId), Some("ana"));
    assert_eq!(stored.record.text(Slot::ActorIp), Some("203.0.113.7"));
    assert_eq!(stored.record.text(Slot::Summary), Some("ana came in"));
    assert_eq!(
        stored.record.text(Slot::ErrorMessage),
        Some("no mailbox of ana's")
    );
    assert_eq!(trail.audit.erase("ana").unwrap().records, 1);
    assert!(!trail.holds("no mailbox") && !trail.holds("ana came in"));
    assert_eq!(trail.read("login")[0].record.text(Slot::ActorId), Some(ERASED));
}

#[test]
fn an_actor_who_is_erasable_keeps_the_rights_of_nobody_else() {
    let policy = Policy::balanced().rule(FieldRule::path("actor.id").action(Action::Erasable("actor.id")));
    let trail = Trail::with(policy, |builder| builder);
    trail.run(|| {
        let span = info_span!(target: "audit", "job", actor.id = "root", actor.roles = "admin");
        let _entered = span.enter();
        info!(target: "audit", event = "same", actor.id = "root");
        info!(target: "audit", event = "other", actor.id = "ana");
    });
    assert_eq!(
        trail.lines("same")[0].texts(Slot::ActorRoles),
        Some(vec!["admin"])
    );
    assert_eq!(trail.lines("other")[0].texts(Slot::ActorRoles), None);
}

#[test]
fn what_says_what_a_record_is_always_stands_in_its_line() {
    let policy = Policy::balanced().rule(FieldRule::glob("**").action(Action::Erasable("actor.id")));
    let trail = Trail::with(policy, |builder| builder);
    trail.run(|| info!(target: "audit", event = "user.login", action = "login", outcome = "denied", category = "user", x = 1));
    let line = &trail.lines("user.login")[0];
    assert_eq!(line.text(Slot::Action), Some("login"));
    assert_eq!(line.text(Slot::Outcome), Some("denied"));
    assert_eq!(line.text(Slot::Category), Some("user"));
    assert!(matches!(line.attribute("x"), Some(Value::Commitment(_))));
    assert_eq!(
        trail.read("user.login")[0].record.attribute("x"),
        Some(&Value::from(1))
    );
}

#[test]
fn no_secret_becomes_erasable() {
    let policy = policy().field("password", Action::Erasable("actor.id"));
    let trail = Trail::with(policy, |builder| builder);
    let secret = ["correct", "horse", "9"].join("-");
    trail.run(|| {
        info!(target: "audit", event = "a", actor.id = "u", password = "hunter2-hunter2");
        info!(target: "audit", event = "a", actor.id = "u", email = format!("ana@example.com password={secret}"));
    });
    assert!(!trail.holds("hunter2") && !trail.holds(&secret));
    let stored = trail.read("a");
    assert_eq!(
        stored[0].record.attribute("password"),
        Some(&Value::from("[REDACTED:secret]"))
    );
    let email = stored[1]
        .record
        .attribute("email")
        .and_then(Value::as_str)
        .unwrap();
    assert!(email.contains("[REDACTED"), "{email}");
}

#[test]
fn every_kind_of_value_comes_back_as_it_was() {
    let policy =
        Policy::balanced().rule(FieldRule::glob("attributes.x*").action(Action::Erasable("actor.id")));
    let policy = policy.rule(FieldRule::glob("x*").action(Action::Erasable("actor.id")));
    let trail = Trail::with(policy, |builder| builder);
    let values = [
        Value::Null,
        Value::from(true),
        Value::from(u128::MAX),
        Value::from(-7),
        Value::from(2.0),
        Value::Bytes(vec![0xDE, 0xAD]),
        Value::from("text"),
        Value::List(vec![Value::from(1), Value::from("a")]),
        Value::Map(Map::from([("$or".to_owned(), Value::from(1))])),
        Value::Map(Map::from([("$commit".to_owned(), Value::from("x"))])),
        Value::Map(Map::from([("value".to_owned(), Value::from(",\"value\":"))])),
    ];
    for (n, value) in values.iter().enumerate() {
        let record = Record::builder("kinds")
            .actor("user", "u")
            .attribute(format!("x{n}"), value.clone());
        trail.audit.emit(record.build()).unwrap();
    }
    for (n, stored) in trail.read("kinds").iter().enumerate() {
        assert!(String::from_utf8_lossy(&stored.line).contains("\"$commit\""));
        assert_eq!(stored.record.attribute(&format!("x{n}")), Some(&values[n]));
    }
    assert_eq!(trail.read("kinds").len(), values.len());
}

#[test]
fn a_value_whose_type_says_what_it_is_can_be_erasable() {
    let policy = Policy::balanced().class(Class::personal("email"), Action::Erasable("actor.id"));
    let trail = Trail::with(policy, |builder| builder);
    let mail: Sensitive<String, Email> = Sensitive::new("ana@example.com".to_owned());
    trail.run(|| {
        info!(target: "audit", event = "typed", actor.id = "u-17", contact = ?mail);
        info!(target: "audit", event = "found", actor.id = "u-17", note = "write to ana@example.com");
    });
    let line = &trail.lines("typed")[0];
    assert!(
        matches!(line.attribute("contact"), Some(Value::Commitment(_))),
        "{line:?}"
    );
    assert_eq!(line.flag(Slot::PiiContains), Some(true));
    assert_eq!(
        trail.read("typed")[0].record.attribute("contact"),
        Some(&Value::from("ana@example.com"))
    );
    // Within a text no commitment can stand.
    let note = trail.read("found")[0].record.attribute("note").cloned();
    assert_eq!(note, Some(Value::from("write to [REDACTED:email]")));
}

#[test]
fn a_member_of_a_structure_that_is_erasable_by_its_name_becomes_the_marker() {
    let trail = Trail::new();
    let inner = Value::Map(Map::from([("email".to_owned(), Value::from("ana@example.com"))]));
    let record = Record::builder("nested")
        .actor("user", "u")
        .attribute("body", inner);
    trail.audit.emit(record.build()).unwrap();
    assert!(!trail.holds("ana@example.com"));
}

#[test]
fn a_filter_finds_values_until_they_are_erased() {
    let trail = Trail::new();
    trail.run(|| info!(target: "audit", event = "user.invite", actor.id = "u-17", email = "ana@example.com"));
    let query = Query::parse("attributes.email=ana@example.com").unwrap();
    let found = || {
        let store = DirStore::open(trail.place.path()).unwrap();
        store.list(&query, &List::default()).unwrap().records.len()
    };
    assert_eq!(found(), 1);
    trail.audit.erase("u-17").unwrap();
    assert_eq!(found(), 0);
}

#[test]
fn a_value_that_somebody_changed_is_a_finding() {
    let trail = Trail::new();
    trail.run(|| info!(target: "audit", event = "user.invite", actor.id = "u-17", email = "ana@example.com"));
    let rows = &trail.rows()[0];
    let changed = fs::read_to_string(rows).unwrap().replace("ana@", "eve@");
    fs::write(rows, changed).unwrap();
    let store = DirStore::open(trail.place.path()).unwrap();
    let items: Vec<Item> = store
        .walk(&Query::all(), Direction::OldestFirst, None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let is_mismatch = |item: &Item| {
        matches!(item, Item::Finding(finding)
            if matches!(&finding.kind, FindingKind::Mismatch { fields, .. } if fields == "attributes.email"))
    };
    assert_eq!(items.iter().filter(|item| is_mismatch(item)).count(), 1);
    let shown = trail.read("user.invite")[0].record.attribute("email").cloned();
    assert_eq!(shown, Some(Value::from(MISMATCH)));
}

#[test]
fn followers_that_have_passed_an_erased_record_are_named() {
    let trail = Trail::new();
    trail.run(|| info!(target: "audit", event = "user.invite", actor.id = "u-17", email = "ana@example.com"));
    let seq = trail.lines("user.invite")[0].uint(Slot::Seq).unwrap();
    let cursors = trail.stream().join("cursors");
    fs::create_dir_all(&cursors).unwrap();
    for (name, next) in [("ahead", seq + 1), ("behind", seq)] {
        let stream = trail.audit.stream().unwrap();
        let cursor =
            format!("{{\"next\":{next},\"schema\":1,\"sink\":\"{name}\",\"stream\":\"{stream}\"}}\n");
        fs::write(cursors.join(name), cursor).unwrap();
    }
    assert_eq!(trail.audit.erase("u-17").unwrap().followers, ["ahead"]);
    let told = &trail.lines("audit.erase")[0];
    assert_eq!(
        told.attribute("followers"),
        Some(&Value::List(vec![Value::from("ahead")]))
    );
}

#[test]
fn a_trail_without_a_journal_refuses_erasable_values_and_a_test_does_not() {
    let refused = Audit::builder()
        .memory(&tracing_audit::sink::MemorySink::new())
        .policy(policy())
        .start();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Config);
    let recording = Recording::with(|audit| audit.policy(policy()));
    recording.run(|| info!(target: "audit", event = "user.invite", email = "ana@example.com"));
    let captured = recording.captured();
    assert!(matches!(
        captured.only().attribute("email"),
        Some(Value::Commitment(_))
    ));
}

#[test]
fn what_a_stopped_trail_holds_can_be_erased_by_the_next_run() {
    let mut trail = Trail::new();
    trail.run(|| info!(target: "audit", event = "user.invite", actor.id = "u-17", email = "ana@example.com"));
    trail.audit.shutdown(LONG).unwrap();
    trail.audit = Audit::builder().directory(trail.place.path()).start().unwrap();
    assert_eq!(trail.audit.erase("u-17").unwrap().values, 1);
    assert!(!trail.holds("ana@example.com"));
    assert_eq!(trail.audit.erase("u-17").unwrap().values, 0);
}
