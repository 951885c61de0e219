//! A scan of files skips what cannot be wanted and reads little of the rest: it finds what a test on every whole record finds.

use std::fs;

use proptest::prelude::*;
use tracing_audit::Query;
use tracing_audit::record::{Record, Slot};
use tracing_audit::store::{DirStore, Direction, Item, Only, Store as _};

/// Values that differ in case, hold each other, need escapes, look like numbers, or are no ASCII.
const WORDS: [&str; 16] = [
    "u-1",
    "u-12",
    "U-1",
    "denied",
    "success",
    "a\"b",
    "a\\u0075",
    "line\nbreak",
    "\u{1}",
    "Straße",
    "\u{212a}elvin",
    "7",
    "7.0",
    "true",
    "a/b",
    "x*y",
];

/// How a foreign writer may spell a line.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Ours,
    Spaced,
    Escaped,
    Backwards,
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&WORDS[..])
}

fn line() -> impl Strategy<Value = (serde_json::Value, Spelling)> {
    let spelling = prop_oneof![
        6 => Just(Spelling::Ours),
        1 => Just(Spelling::Spaced),
        1 => Just(Spelling::Escaped),
        1 => Just(Spelling::Backwards),
    ];
    let level = prop::sample::select(&["trace", "info", "warn", "error", "WARN"][..]);
    let fields = (word(), word(), word(), word(), prop::option::of(word()), level);
    (fields, spelling, prop::bool::weighted(0.1)).prop_map(
        |((actor, outcome, id, own, reason, level), spelling, gap)| {
            let mut line = serde_json::json!({
                "actor": {"id": actor, "roles": [own, "reader"], "type": "user"},
                "attributes": {"port": 7, "own": own, "inner": {"key": id}},
                "duration_ns": 250,
                "event": if gap { "audit.gap" } else { "document.read" },
                "labels": {"team": own},
                "level": level,
                "outcome": outcome,
                "resource": {"id": id, "type": "document"},
                "schema": 1,
                "stream": "main",
            });
            if let Some(reason) = reason {
                line["reason"] = reason.into();
            }
            (line, spelling)
        },
    )
}

fn spelled(mut line: serde_json::Value, spelling: Spelling, seq: usize) -> String {
    let time = format!("2025-11-21T10:{:02}:{:02}.000000000Z", seq / 60 % 60, seq % 60);
    line["seq"] = seq.into();
    line["time"] = time.as_str().into();
    line["observed_at"] = time.into();
    let text = line.to_string();
    match spelling {
        Spelling::Ours => text,
        Spelling::Spaced => serde_json::to_string_pretty(&line)
            .expect("JSON")
            .replace('\n', " "),
        Spelling::Escaped => text
            .replace("u-1", "\\u0075-1")
            .replace("a/b", "a\\/b")
            .replace("denied", "d\\u0065nied"),
        Spelling::Backwards => {
            let members = line.as_object().expect("an object").iter().rev();
            let members: Vec<String> = members
                .map(|(key, value)| format!("{}:{value}", serde_json::Value::from(key.as_str())))
                .collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

/// A text for the language: the word in quotes.
fn quoted(word: &str) -> String {
    let escaped = word
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('*', "\\*");
    format!("\"{escaped}\"")
}

fn term() -> impl Strategy<Value = String> {
    let field = prop::sample::select(
        &[
            "actor.id",
            "outcome",
            "reason",
            "resource",
            "resource.id",
            "attributes.own",
            "attributes.port",
            "attributes.inner.key",
            "label.team",
            "actor.roles",
            "event",
            "correlation_id",
            "level~",
        ][..],
    );
    let operator = prop::sample::select(&["=", "!=", "~", "!~"][..]);
    let plain = (field, operator, word()).prop_map(|(field, operator, word)| match field {
        "level~" => format!("level~{}", quoted(word)),
        field => format!("{field}{operator}{}", quoted(word)),
    });
    let glob = (word(), word()).prop_map(|(left, right)| {
        let (left, right) = (quoted(left), quoted(right));
        format!(
            "reason=\"{}*{}\"",
            left.trim_matches('"'),
            right.trim_matches('"')
        )
    });
    prop_oneof![
        8 => plain,
        1 => glob,
        2 => word().prop_map(quoted),
        1 => (word(), word()).prop_map(|(left, right)| format!("outcome in ({}, {})", quoted(left), quoted(right))),
        1 => word().prop_map(|word| format!("resource={}", quoted(&format!("document/{word}")))),
        1 => prop::sample::select(&["level>=warn", "level>info", "level<warn", "reason=*", "reason!=*", "duration>=250",
            "attributes.port>6", "time>=2025-11-21T10:00:05", "observed_at<2025-11-21T10:00:09"][..]).prop_map(str::to_owned),
    ]
}

fn query() -> impl Strategy<Value = String> {
    term().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) ({right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) or ({right})")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

/// What a walk gives: records and gaps by number, findings by their text.
fn walked(store: &DirStore, filter: &dyn tracing_audit::store::Filter, direction: Direction) -> Vec<String> {
    let items = store.walk(filter, direction, None).expect("a walk");
    items
        .map(|item| match item.expect("readable") {
            Item::Record(stored) => format!("{:?}", (stored.place.seq, stored.record, stored.line)),
            Item::Gap(stored) => format!("gap {:?}", (stored.place.seq, stored.record)),
            Item::Finding(finding) => finding.to_string(),
            _ => "something else".to_owned(),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_scan_finds_what_a_test_on_every_whole_record_finds(
        lines in prop::collection::vec(line(), 1..30),
        query in query(),
    ) {
        let place = tempfile::tempdir().expect("a directory");
        let mut text = String::new();
        for (seq, (line, spelling)) in lines.into_iter().enumerate() {
            text.push_str(&spelled(line, spelling, seq));
            text.push('\n');
            if seq == 7 {
                text.push_str("not a record\n");
            }
        }
        fs::write(place.path().join("audit-2025-11-21-00000000000000000000.jsonl"), text).expect("written");
        let store = DirStore::open(place.path()).expect("a store");
        let query = Query::parse(&query).expect(&query);
        let window = tracing_audit::store::Filter::window(&query);
        for direction in [Direction::OldestFirst, Direction::NewestFirst] {
            let naive = Naive(&query, window);
            let found = walked(&store, &query, direction);
            prop_assert_eq!(&found, &walked(&store, &naive, direction), "{}", query);
            let few = Only::new(&query, [Slot::Outcome]);
            let count = walked(&store, &few, direction).len();
            prop_assert_eq!(count, found.len(), "{}", query);
        }
    }
}

/// The same question, of which nothing is known but how it answers for a whole record.
struct Naive<'q>(&'q Query, tracing_audit::store::Window);

impl tracing_audit::store::Filter for Naive<'_> {
    fn matches(&self, record: &Record) -> bool {
        self.0.matches(record)
    }

    fn window(&self) -> tracing_audit::store::Window {
        self.1
    }
}

#[test]
fn records_of_a_filter_that_needs_little_have_what_it_asks_for_and_their_whole_lines() {
    let place = tempfile::tempdir().expect("a directory");
    let line = spelled(
        serde_json::json!({"actor": {"id": "u-1"}, "attributes": {"a": 1}, "event": "e", "outcome": "denied", "reason": "x",
            "schema": 1, "stream": "main"}),
        Spelling::Ours,
        0,
    );
    fs::write(
        place.path().join("audit-2025-11-21-00000000000000000000.jsonl"),
        format!("{line}\n"),
    )
    .expect("written");
    let store = DirStore::open(place.path()).expect("a store");
    let query = Query::parse("reason=x").expect("a query");
    let few = Only::new(&query, [Slot::Outcome]);
    let found = store
        .list(&few, &tracing_audit::store::List::default())
        .expect("a page");
    let [stored] = found.records.as_slice() else {
        panic!("one record")
    };
    assert_eq!(stored.record.text(Slot::Outcome), Some("denied"));
    assert_eq!(stored.record.get(Slot::Attributes), None, "nobody asked for it");
    assert_eq!(stored.line, line.as_bytes());
    let whole = store
        .list(&query, &tracing_audit::store::List::default())
        .expect("a page");
    assert!(whole.records[0].record.attribute("a").is_some());
}
