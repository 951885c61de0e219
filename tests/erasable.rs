//! Erasable fields: a commitment in the line, the value in a side table, and nothing but the line after an erasure.

#[path = "support/erasable.rs"]
mod erasable;

use std::fs;

use base64::Engine as _;
use erasable::{LONG, Trail, policy};
use sha2::{Digest as _, Sha256};
use tracing::info;
use tracing_audit::record::{Slot, Value};
use tracing_audit::redact::Class;
use tracing_audit::store::{
    self, DirStore, Direction, ERASED, FindingKind, Item, List, MISMATCH, Store as _,
};
use tracing_audit::testing::Recording;
use tracing_audit::{Audit, AuditedExt as _, ErrorKind, Query};
use tracing_subscriber::registry;

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

/// T004-05, T004-07.
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

/// T004-11.
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
