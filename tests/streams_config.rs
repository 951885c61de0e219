//! Several streams in a configuration: what a file says of them, and what is refused before anything is created.
#![cfg(feature = "config")]

use std::path::Path;
use std::time::Duration;

use tracing_audit::config::{Config, Stream};
use tracing_audit::record::{Record, Value};
use tracing_audit::store::{DirStore, Direction, List, Store as _};
use tracing_audit::{Audit, ErrorKind, Query};

const LONG: Duration = Duration::from_secs(60);

/// The record with which a stream begins.
fn open_of(dir: &Path) -> Record {
    let list = List::default().direction(Direction::OldestFirst).limit(1);
    let query = Query::parse("event=audit.open").unwrap();
    let mut found = DirStore::open(dir).unwrap().list(&query, &list).unwrap();
    found.records.remove(0).record
}

/// Asserts that a configuration is refused, and that the refusal names each of the parts.
fn refused_with(text: &str, parts: &[&str]) {
    let error = Config::from_json(text).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::Config, "{text}");
    let message = error.to_string();
    for part in parts {
        assert!(
            message.contains(part),
            "`{message}` does not say `{part}` about {text}"
        );
    }
}

const WRONG: &[(&str, &[&str])] = &[
    (
        r#"{"streams": [{"nme": "a"}]}"#,
        &["unknown key `streams[0].nme`", "did you mean `streams[0].name`?"],
    ),
    (
        r#"{"streams": [{"keep_days": 3}]}"#,
        &["`streams[0]`", "`stream` is \"\""],
    ),
    (
        r#"{"streams": [{"name": "a", "keep_days": 99999}]}"#,
        &["`streams[0]`", "`keep_days` is 99999"],
    ),
    (
        r#"{"streams": [{"name": "a", "keep_bytes": 5}]}"#,
        &["`streams[0]`", "less than one segment"],
    ),
    (
        r#"{"streams": [{"name": 5}]}"#,
        &["`streams[0]`", "expected a string"],
    ),
    (
        r#"{"routes": [{"even": "x"}]}"#,
        &["unknown key `routes[0].even`", "`routes[0].event`?"],
    ),
    (
        r#"{"routes": [{"stream": "a"}]}"#,
        &["`routes[0]`", "says none of"],
    ),
    (
        r#"{"routes": [{"pii": true}]}"#,
        &["`routes[0]`", "has no `stream`"],
    ),
    (
        r#"{"routes": [{"pii": false, "stream": "a"}]}"#,
        &["`routes[0]`", "says `pii` false"],
    ),
    (
        r#"{"routes": [{"event": "", "stream": "a"}]}"#,
        &["`routes[0]`", "an empty pattern"],
    ),
    (
        r#"{"routes": [{"event": "x", "pii": true, "stream": "a"}]}"#,
        &["`routes[0]`", "more than one of"],
    ),
];

#[test]
fn streams_and_their_rules_are_read_and_what_is_wrong_with_them_is_named() {
    let config = Config::from_json(
        r#"{
            "keep_days": 3650,
            "streams": [{"name": "personal", "keep_days": 90, "max_size_mb": 1}, {"name": "health"}],
            "routes": [
                {"event": "security.*", "stream": "main"},
                {"pii_category": "health*", "stream": "health"},
                {"pii": true, "stream": "personal"},
                {"category": "billing", "stream": "main"}
            ]
        }"#,
    )
    .unwrap();
    assert_eq!(
        config.streams[0],
        Stream::named("personal").keep_days(90).max_size_mb(1)
    );
    assert_eq!(config.routes[1].pii_category.as_deref(), Some("health*"));
    for (text, parts) in WRONG {
        refused_with(text, parts);
    }
}

#[test]
fn a_configuration_file_sets_streams_up_and_the_builders_rules_come_first() {
    let place = tempfile::tempdir().unwrap();
    let config = Config::from_json(
        r#"{
            "keep_days": 3650,
            "streams": [{"name": "personal", "keep_days": 90}],
            "routes": [{"pii": true, "stream": "personal"}, {"event": "p.*", "stream": "personal"}]
        }"#,
    );
    let builder = Audit::builder()
        .directory(place.path())
        .stream_of_event("p.main", "main");
    let audit = builder.config(&config.unwrap()).unwrap().start().unwrap();
    let stream = |name: &str| {
        audit
            .emit(Record::builder(name).actor("user", "u-1").build())
            .unwrap()
            .stream()
            .unwrap()
            .to_owned()
    };
    assert!(stream("p.main").starts_with("main-"));
    assert!(stream("p.other").starts_with("personal-"));
    audit.shutdown(LONG).unwrap();
    let open = open_of(&place.path().join("personal"));
    let config = open.attribute("config").and_then(Value::as_map).unwrap();
    assert_eq!(config["keep_days"], 90_u64.into());
    let unknown = Config::from_json(r#"{"routes": [{"pii": true, "stream": "nowhere"}]}"#);
    let error = Audit::builder()
        .config(&unknown.unwrap())
        .unwrap()
        .start()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the stream `nowhere`, which is not there"),
        "{error}"
    );
}

#[test]
fn streams_that_cannot_be_meant_are_refused_before_anything_is_created() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("audit");
    let two = || Audit::builder().directory(&dir).stream_beside(Stream::named("a"));
    let cases = [
        (
            two().stream_beside(Stream::named("a")).stream_of_pii("a"),
            "two streams have the name `a`",
        ),
        (
            two().stream("a").stream_of_pii("a"),
            "two streams have the name `a`",
        ),
        (two(), "no rule leads to the stream `a`"),
        (two().stream_of_pii("b"), "the stream `b`, which is not there"),
        (
            two().stream_of_event("*", "a").stream_of_pii("main"),
            "can never fit",
        ),
        (
            Audit::builder().directory(&dir).stream_of_pii("b"),
            "streams are main",
        ),
    ];
    for (builder, said) in cases {
        let error = builder.start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(
            error.to_string().contains(said),
            "`{error}` does not say `{said}`"
        );
        assert!(!dir.exists());
    }
}
