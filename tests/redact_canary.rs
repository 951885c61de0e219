//! A secret is searched for wherever it could have gone: a canary that must not show, and a control that must.

use std::error::Error;
use std::fmt;

use base64::Engine as _;
use parking_lot::Mutex;
use std::sync::Arc;
use tracing::{Level, event, field, info_span};
use tracing_audit::record::{Map, Record, Slot, Value};
use tracing_audit::sink::MemorySink;
use tracing_audit::testing::{Recording, capture};
use tracing_audit::{Audit, AuditContext, AuditedExt, CurrentContext, WithContext};

const CANARY: &str = "canary-5f2e1c";
const NUMBER: u64 = 7_340_112_845_117;
/// Stands where a secret was.
const MARKER: &str = "[REDACTED:secret]";

#[derive(Debug)]
struct Shown(#[expect(dead_code, reason = "its Debug form is what counts")] &'static str);

#[derive(Debug)]
struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed with {CANARY}")
    }
}

impl Error for Failed {}

/// Whether the canary shows in one of the forms that a value can take.
fn shows(text: &str) -> bool {
    let base64 = base64::engine::general_purpose::STANDARD.encode(CANARY);
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    [
        CANARY.to_owned(),
        NUMBER.to_string(),
        base64,
        hex,
        format!("{:?}", CANARY.as_bytes()),
    ]
    .iter()
    .any(|form| text.contains(form.as_str()))
}

/// How many kinds of value `report` reports.
const KINDS: usize = 10;

/// One record for each kind of value, by an event, at a span's creation, and recorded later.
macro_rules! report {
    ($name:literal) => {
        let error: &(dyn Error + 'static) = &Failed;
        report!(@each $name;
            CANARY,
            CANARY.as_bytes(),
            field::debug(Shown(CANARY)),
            field::display(CANARY),
            error,
            NUMBER,
            -(NUMBER as i64),
            u128::from(NUMBER),
            -i128::from(NUMBER),
            NUMBER as f64
        );
    };
    (@each $name:literal; $($value:expr),+) => {$(
        event!(target: "audit", Level::INFO, event = "event", $name = $value);
        let span = info_span!(target: "audit", "span", $name = $value);
        span.in_scope(|| event!(target: "audit", Level::INFO, event = "inside"));
        drop(span);
        let span = info_span!(target: "audit", "late", $name = field::Empty);
        span.record($name, $value);
        drop(span);
    )+};
}

macro_rules! report_all {
    ($($name:literal),+ $(,)?) => {{
        $(report!($name);)+
        [$($name),+]
    }};
}

/// T003-22.
#[test]
fn a_secret_shows_in_no_spelling_and_by_no_kind_of_value() {
    let recording = Recording::new();
    let names = recording.run(|| {
        report_all!(
            "password",
            "userPassword",
            "user-password",
            "user.password",
            "USER_PASSWORD",
            "apiKey",
            "api_key",
            "APIKey",
            "x-api-key",
            "authToken",
            "access_token",
            "HTTPAuthorization",
            "private_key",
            "client.secret",
            "cookie",
            "label.password",
            "hash.token",
            "audit.label.apiKey"
        )
    });
    let captured = recording.captured();
    captured.count(names.len() * KINDS * 4);
    for record in &captured {
        assert!(!shows(record.line()), "{record:?}");
    }
    let marked = captured
        .records()
        .iter()
        .filter(|record| record.line().contains(MARKER))
        .count();
    // Labels are handed down, so the events inside their spans have the marker as well.
    assert_eq!(marked, names.len() * KINDS * 3 + 2 * KINDS);
    assert!(recording.audit().stats().redacted >= marked as u64 - 2 * KINDS as u64);
}

#[test]
fn a_harmless_name_shows_its_value_by_every_kind() {
    let recording = Recording::new();
    recording.run(|| {
        report!("note");
    });
    let captured = recording.captured();
    captured.count(KINDS * 4);
    for record in &captured {
        assert_eq!(shows(record.line()), record.event() != "inside", "{record:?}");
    }
    assert_eq!(recording.audit().stats().redacted, 0);
}

/// T003-36.
#[test]
fn redaction_says_what_it_did_and_nothing_of_the_value() {
    let captured = capture(|| {
        event!(target: "audit", Level::INFO, event = "x", password = CANARY, note = "kept", token = 7);
    });
    let record = captured.only();
    record
        .assert_attribute("note", "kept")
        .assert_attribute("password", MARKER);
    let redaction = record.map(Slot::Redaction).unwrap();
    assert_eq!(redaction.get("count"), Some(&Value::from(2_u64)), "{record:?}");
    assert_eq!(record.get(Slot::Truncated), None, "a length would say something");
}

#[test]
fn an_inherited_secret_is_redacted_in_every_record_that_inherits_it() {
    let captured = capture(|| {
        AuditContext::new()
            .label("sessionToken", CANARY)
            .set(Slot::ActorIp, "203.0.113.77")
            .sync_scope(|| {
                let _span = info_span!(target: "audit", "span").entered();
                event!(target: "audit", Level::INFO, event = "inside");
            });
    });
    captured.count(2);
    for record in &captured {
        assert!(!shows(record.line()));
        let labels = record.map(Slot::Labels).unwrap();
        assert_eq!(labels.get("sessionToken"), Some(&Value::from(MARKER)));
        record
            .assert_has(Slot::ActorIp, "203.0.113.0")
            .assert_hides("203.0.113.77");
    }
}

/// A record in which the canary stands under `key` in every place that takes one.
fn record(key: &str) -> Record {
    let inner = Map::from([
        (key.to_owned(), Value::from(CANARY)),
        ("kept".to_owned(), Value::from("yes")),
    ]);
    let deep = Value::from(vec![Value::from(Map::from([(
        "level".to_owned(),
        Value::from(inner.clone()),
    )]))]);
    let bytes = Map::from([(key.to_owned(), Value::from(CANARY.as_bytes()))]);
    Record::builder("emitted")
        .attribute(key, CANARY)
        .attribute("nested", deep.clone())
        .attribute("bytes", bytes)
        .label(key, CANARY)
        .hash(key, CANARY)
        .detail(inner)
        .call_stack(deep)
        .build()
}

#[test]
fn keys_inside_of_values_are_evidence_too() {
    let recording = Recording::new();
    for key in ["password", "apiKey", "x-auth-token", "db.connectionString"] {
        recording.audit().emit(record(key)).unwrap();
    }
    for secret in &recording.captured() {
        assert!(!shows(secret.line()), "{secret:?}");
        assert_eq!(secret.line().matches("\"kept\":\"yes\"").count(), 3);
        assert_eq!(secret.line().matches(MARKER).count(), 7);
    }
    recording.audit().emit(record("note")).unwrap();
    let captured = recording.captured();
    let control = captured.records().last().unwrap();
    assert_eq!(control.line().matches(CANARY).count(), 6, "{control:?}");
    assert!(!control.line().contains(MARKER));
}

/// All that a trail gives away: files, memory, sentences for people, counters, `Debug` forms and errors. The first text
/// is what was written, the second all the rest.
fn all_that_leaves(key: &str) -> (String, String) {
    let directory = tempfile::tempdir().unwrap();
    let (memory, sentences) = (MemorySink::new(), Arc::new(Mutex::new(String::new())));
    let heard = Arc::clone(&sentences);
    let audit = Audit::builder()
        .directory(directory.path())
        .sink(memory.clone())
        .require_actor(true)
        .diagnostics(move |sentence| heard.lock().push_str(sentence))
        .start()
        .unwrap();
    let subscriber = tracing_subscriber::registry().audited(&audit);
    let mut rest = format!("{subscriber:?} {audit:?}");
    let guard = tracing::subscriber::set_default(subscriber);
    let context = AuditContext::new()
        .actor(tracing_audit::Actor::user("alice"))
        .label(key, CANARY);
    rest += &format!("{context:?}");
    context.clone().sync_scope(|| {
        event!(target: "audit", Level::INFO, event = "x");
        rest += &format!("{:?}", CurrentContext::capture());
        rest += &format!("{:?}", std::future::ready(()).with_current_actor());
        rest += &format!("{:?}", audit.emit(record(key)).unwrap());
    });
    rest += &format!("{:?} {:?}", record(key), context.scope(std::future::ready(())));
    let refused = audit.emit(record(key)).unwrap_err();
    let late = Record::builder("late")
        .attribute(key, CANARY)
        .time(u64::MAX)
        .build();
    let future = audit.emit_async(record(key));
    rest += &format!(
        "{refused} {refused:?} {:?} {future:?}",
        audit.submit(late).unwrap_err()
    );
    drop((guard, future));
    rest += &format!(
        "{:?}",
        audit.shutdown(std::time::Duration::from_secs(10)).unwrap()
    );
    rest += &format!("{:?} {:?}", audit.emit(record(key)).unwrap_err(), audit.stats());
    rest += &format!("{} {memory:?} {:?}", audit.openmetrics(), memory.entries());
    rest += &sentences.lock();
    let mut written = memory.lines().concat();
    for entry in std::fs::read_dir(audit.path().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            written += &String::from_utf8(std::fs::read(path).unwrap()).unwrap();
        }
    }
    (written, rest)
}

#[test]
fn the_canary_is_nowhere_and_the_control_only_where_records_are_written() {
    let (written, rest) = all_that_leaves("user_password");
    assert!(!shows(&written), "{written}");
    assert!(!shows(&rest), "{rest}");
    // The event and the emitted record, each in the file and in memory.
    assert!(written.matches(MARKER).count() >= 2 * 8);
    let (written, rest) = all_that_leaves("note");
    assert_eq!(
        written.matches(CANARY).count(),
        2 * 7,
        "a label of the event and six places of the emitted record: {written}"
    );
    assert!(
        !shows(&rest),
        "no Debug form and no message holds a value: {rest}"
    );
}
