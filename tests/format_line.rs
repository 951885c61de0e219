//! The canonical line: an independent RFC 8785 writer agrees with every byte, and the reader gives every record back.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/records.rs"]
mod records;

use std::collections::HashMap;

use proptest::prelude::*;
use records::{content, expected, line};
use tracing_audit::format::{MAX_LINE, read_line};
use tracing_audit::record::{Map, Record, Slot, Value};

/// The same JSON written by `serde_jcs`.
fn canonical(line: &[u8]) -> Vec<u8> {
    let tree: Tree = serde_json::from_slice(line).expect("a line is JSON");
    serde_jcs::to_vec(&tree).expect("a line's content can be canonicalised")
}

/// JSON as a general reader sees it: numbers are integers or doubles.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    List(Vec<Tree>),
    Map(HashMap<String, Tree>),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_independent_canonical_writer_agrees_with_every_byte(record in records::record()) {
        let line = line(&record);
        prop_assert_eq!(String::from_utf8(canonical(&line)).unwrap(), String::from_utf8(line).unwrap());
    }

    #[test]
    fn a_line_is_read_back_as_the_record_it_was_written_from(record in records::record()) {
        let read = read_line(&line(&record)).unwrap();
        prop_assert_eq!(content(&read), expected(&record));
        prop_assert_eq!(line(&read), line(&record), "writing what was read gives the same line");
    }

    #[test]
    fn distinct_records_have_distinct_bytes_and_equal_ones_equal(left in records::record(), name in records::text(),
        first in records::leaf(), second in records::leaf())
    {
        let with = |value: &Value| {
            let mut builder = Record::builder(left.event());
            for (key, value) in left.map(Slot::Attributes).cloned().unwrap_or_default() {
                builder = builder.attribute(key, value);
            }
            builder.attribute(name.clone(), value.clone()).build()
        };
        let (one, other) = (with(&first), with(&second));
        prop_assert_eq!(content(&one) == content(&other), line(&one) == line(&other));
    }

    #[test]
    fn the_reader_takes_what_a_general_json_reader_takes(record in records::record(), at in any::<prop::sample::Index>(),
        byte in any::<u8>(), cut in any::<bool>())
    {
        let mut line = line(&record);
        let at = at.index(line.len());
        if cut { line.truncate(at) } else { line[at] = byte }
        if read_line(&line).is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&line).is_ok());
        }
        if let Err(error) = serde_json::from_slice::<serde_json::Value>(&line) {
            prop_assert!(read_line(&line).is_err(), "{}", error);
        }
    }
}

#[test]
fn no_two_awkward_values_share_their_bytes() {
    let mut seen = HashMap::new();
    for value in records::pool() {
        let record = Record::builder("e").attribute("v", value.clone()).build();
        let read = read_line(&line(&record)).unwrap();
        assert_eq!(content(&read), expected(&record));
        if let Some(other) = seen.insert(line(&record), value.clone()) {
            panic!("{value:?} and {other:?} are written alike");
        }
    }
}

#[test]
fn the_width_of_an_integer_leaves_no_trace() {
    let with = |value: Value| line(&Record::builder("e").attribute("v", value).build());
    assert_eq!(with(Value::from(5_u8)), with(Value::from(5_i128)));
    assert_eq!(
        with(Value::from(u64::MAX)),
        with(Value::from(i128::from(u64::MAX)))
    );
    assert_eq!(with(Value::Uint(9)), with(Value::from(9_i64)));
}

#[test]
fn a_newer_writers_keys_are_kept_under_a_name_of_their_own() {
    let line = br#"{"actor":{"id":"u","mood":"good"},"attributes":{"unknown.later":1},"event":"e",
        "later":{"$int":"99999999999999999999"},"schema":2,"seq":0,"stream":"s","time":"2026-11-21T09:00:00.5Z"}"#;
    let record = read_line(line).unwrap();
    let attribute = |name| record.attribute(name).cloned();
    assert_eq!(attribute("unknown.later"), Some(Value::from(1)));
    assert_eq!(
        attribute("unknown.later#2"),
        Some(Value::from(99_999_999_999_999_999_999_u128))
    );
    assert_eq!(attribute("unknown.actor.mood"), Some(Value::from("good")));
    assert_eq!(record.uint(Slot::Time), Some(1_795_251_600_500_000_000));
    assert_eq!(record.uint(Slot::Schema), Some(2));
}

#[test]
fn what_is_not_a_record_is_refused_with_the_place_and_the_reason() {
    let whole = r#"{"event":"e","schema":1,"seq":0,"stream":"s","time":"2026-11-21T09:00:00Z"}"#;
    assert!(read_line(whole.as_bytes()).is_ok());
    assert!(read_line(format!("{whole}\n").as_bytes()).is_ok());
    let with = |member: &str| format!("{},{member}}}", &whole[..whole.len() - 1]);
    for (line, reason) in [
        (String::new(), "a value at byte 0"),
        ("[]".into(), "expected an object"),
        ("{}".into(), "no `event`"),
        (whole.replace(r#""seq":0,"#, ""), "no `seq`"),
        (whole[..40].to_owned(), "at byte 40"),
        (format!("{whole}x"), "the end of the line at byte 75"),
        (with(r#""event":"f""#), "the key `event` twice"),
        (
            with(r#""attributes":{"a":[{"x":1,"y":2,"x":3}]}"#),
            "the key `x` twice",
        ),
        (with(r#""actor":"u""#), "an object in `actor`"),
        (with(r#""actor":{"id":7}"#), "a string in `actor.id`"),
        (
            with(r#""actor":{"roles":"admin"}"#),
            "a list of strings in `actor.roles`",
        ),
        (
            with(r#""duration_ns":-1"#),
            "an integer from 0 to 2^64 - 1 in `duration_ns`",
        ),
        (with(r#""detail":{"$int":"x"}"#), "`$int`"),
        (with(r#""detail":{"$int":"+1"}"#), "`$int`"),
        (with(r#""detail":{"$f64":"inf"}"#), "`$f64`"),
        (with(r#""detail":{"$f64":"1e999"}"#), "`$f64`"),
        (with(r#""detail":{"$bytes":"AA"}"#), "base64"),
        (with(r#""detail":{"$new":"1"}"#), "instead of `$new`"),
        (
            with(r#""detail":1e999"#),
            "a number within range instead of `1e999`",
        ),
        (with(r#""detail":01"#), "`,` or `}`"),
        (with(r#""detail":1."#), "a digit"),
        (with(r#""detail":"\ud800""#), "half of a surrogate pair"),
        (with("\"detail\":\"\u{1}\""), "an escape for a control character"),
        (
            with(&format!("\"detail\":{}{}", "[".repeat(200), "]".repeat(200))),
            "128 levels",
        ),
        (whole.replace("2026-11-21T", "1969-11-21T"), "a time"),
        (whole.replace("2026-11-21T", "2263-11-21T"), "a time"),
    ] {
        let error = read_line(line.as_bytes()).expect_err(&line);
        assert_eq!(error.kind(), tracing_audit::ErrorKind::Format);
        assert!(
            error.to_string().contains(reason),
            "{error}, not {reason}, for {line}"
        );
    }
    let error = read_line(b"{\"event\":\"\xff\"}").unwrap_err().to_string();
    assert!(error.contains("UTF-8 at byte 10"), "{error}");
}

/// The entries of `truncated`: path, original length, omitted.
fn truncated(record: &Record) -> Vec<(String, Option<u64>, Option<u64>)> {
    let Some(list) = record.get(Slot::Truncated).and_then(Value::as_list) else {
        return Vec::new();
    };
    let entry = |value: &Value| {
        let map = value.as_map()?;
        let number = |key: &str| map.get(key).and_then(Value::as_u64);
        Some((
            map.get("path")?.as_str()?.to_owned(),
            number("original_len"),
            number("omitted"),
        ))
    };
    list.iter().filter_map(entry).collect()
}

fn fitting(record: &Record) -> Record {
    let line = line(record);
    assert!(line.len() <= MAX_LINE, "{} bytes", line.len());
    assert_eq!(canonical(&line), line);
    read_line(&line).unwrap()
}

#[test]
fn the_longest_values_are_cut_on_a_character_boundary_and_listed() {
    let record = Record::builder("document.export")
        .actor("user", "u-1")
        .summary("short")
        .attribute("body", "é😀".repeat(200_000))
        .attribute("note", "x".repeat(500))
        .attribute("raw", Value::Bytes(vec![7; 60_000]))
        .build();
    let read = fitting(&record);
    assert_eq!(read.text(Slot::Summary), Some("short"));
    assert_eq!(read.attribute("note"), Some(&Value::from("x".repeat(500))));
    let body = read.attribute("body").and_then(Value::as_str).unwrap();
    assert!(
        "é😀".repeat(200_000).starts_with(body) && body.len() > 25_000,
        "{}",
        body.len()
    );
    let Some(Value::Bytes(raw)) = read.attribute("raw") else {
        panic!("bytes stay bytes")
    };
    assert!(
        raw.len() > 20_000 && raw.iter().all(|byte| *byte == 7),
        "{}",
        raw.len()
    );
    let mut listed = truncated(&read);
    listed.sort();
    assert_eq!(
        listed,
        [
            ("attributes.body".to_owned(), Some(1_200_000), None),
            ("attributes.raw".to_owned(), Some(60_000), None),
        ]
    );
    assert!(
        line(&record).len() > MAX_LINE - 200,
        "no more is cut than must be: {}",
        line(&record).len()
    );
}

#[test]
fn control_characters_count_as_what_their_escapes_take() {
    let record = Record::builder("e").attribute("nul", "\0".repeat(60_000)).build();
    let read = fitting(&record);
    let kept = read.attribute("nul").and_then(Value::as_str).unwrap();
    assert!(kept.len() > 10_000, "{}", kept.len());
    assert_eq!(
        truncated(&read),
        [("attributes.nul".to_owned(), Some(60_000), None)]
    );
}

#[test]
fn keys_beyond_the_limit_are_left_out_and_counted_once() {
    let mut builder = Record::builder("e");
    for index in 0..600 {
        builder = builder.attribute(format!("key{index:04}"), index);
    }
    let read = fitting(&builder.build());
    assert_eq!(read.map(Slot::Attributes).map(Map::len), Some(512));
    assert_eq!(truncated(&read), [("attributes".to_owned(), None, Some(88))]);
}

#[test]
fn a_record_of_many_large_parts_keeps_its_envelope() {
    let mut builder = Record::builder("bulk.load")
        .actor("user", "u-1")
        .resource("doc", "d-1")
        .outcome("success");
    for index in 0..500 {
        builder = builder.attribute(format!("{index:04}{}", "k".repeat(400)), vec!["v"; 100]);
    }
    let read = fitting(&builder.build());
    assert_eq!(
        (read.event(), read.text(Slot::ActorId), read.text(Slot::Outcome)),
        ("bulk.load", Some("u-1"), Some("success"))
    );
    let listed = truncated(&read);
    assert_eq!(listed.len(), 32, "the list is bounded, and the rest counted");
    assert!(
        listed
            .iter()
            .all(|(path, _, omitted)| path.starts_with("attributes.") && *omitted == Some(1))
    );
    let last = read
        .get(Slot::Truncated)
        .and_then(Value::as_list)
        .and_then(<[_]>::last)
        .cloned();
    let more = last
        .as_ref()
        .and_then(Value::as_map)
        .and_then(|map| map.get("more"))
        .and_then(Value::as_u64);
    let kept = read.map(Slot::Attributes).map_or(0, Map::len) as u64;
    assert_eq!(more, Some(500 - 32 - kept));
}

#[test]
fn every_slot_at_its_worst_still_fits() {
    let mut builder = Record::builder("\u{1}".repeat(70_000));
    for slot in Slot::ALL.iter().copied() {
        builder = builder
            .set(slot, "\u{1}".repeat(70_000))
            .set(slot, Value::List(vec!["\u{2}".repeat(9_000).into(); 50]));
    }
    for index in 0..600 {
        builder = builder.label(format!("{index}{}", "\u{3}".repeat(300)), "\u{4}".repeat(3_000));
    }
    let read = fitting(&builder.build());
    assert!(read.event().starts_with('\u{1}'));
}

#[test]
fn deep_values_end_in_a_marker_and_stay_within_the_depth_of_a_line() {
    for key in ["k", "$k"] {
        let mut value = Value::from(u128::MAX);
        for _ in 0..10_000 {
            value = Value::Map(Map::from([(key.to_owned(), value)]));
        }
        let record = Record::builder("e").attribute("deep", value).build();
        let line = line(&record);
        let (mut depth, mut deepest) = (0, 0);
        for byte in &line {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        assert!((50..=64).contains(&deepest), "{deepest}");
        assert!(String::from_utf8(line).unwrap().contains("[TOO DEEP]"));
        // A recursive drop of this many levels would not fit a test thread's stack.
        std::mem::forget(record);
    }
}
