//! Random and awkward records and values, and what a reader must give back for them.
#![allow(dead_code, reason = "each test file uses a part")]

use proptest::prelude::*;
use tracing_audit::record::{Fill, Kind, Map, Record, Slot, Value};

pub(crate) const STREAM: &str = "0192f0c1-2b5e-7c3a-8f00-0123456789ab";
pub(crate) const OBSERVED_AT: u64 = 1_795_251_600_123_456_789;

pub(crate) fn id() -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0192_f0c1_2b5e_7c3a_8f00_aaaa_bbbb_cccc)
}

/// The record's line at place 7 of a stream.
pub(crate) fn line(record: &Record) -> Vec<u8> {
    tracing_audit::format::write_line(record, STREAM, 7, OBSERVED_AT, id())
}

/// Texts in which every rule of escaping and ordering shows.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(vec![
        "",
        "$",
        "$int",
        "$f64",
        "$bytes",
        "$map",
        "$new",
        "a",
        "a.b",
        "\0",
        "\u{1}\u{1f}",
        "\u{7f}\u{80}\u{9f}",
        "\"",
        "\\",
        "\\u0000",
        "\n\r\t\u{8}\u{c}",
        "é",
        "\u{2028}\u{2029}",
        "\u{e000}",
        "\u{ffff}",
        "\u{fffd}",
        "\u{10000}",
        "😀",
        "\u{10ffff}",
        "</script>",
        "1e21",
        "NaN",
        "null",
    ])
    .prop_map(str::to_owned);
    prop_oneof![
        2 => awkward,
        2 => "[a-z_.]{1,12}",
        1 => prop::collection::vec(any::<char>(), 0..24).prop_map(String::from_iter),
    ]
}

pub(crate) fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-20_i64..20).prop_map(|near| Value::from((1_i64 << 53) + near)),
        (-20_i64..20).prop_map(|near| Value::from(-(1_i64 << 53) + near)),
        any::<u64>().prop_map(Value::from),
        any::<i128>().prop_map(Value::from),
        any::<u128>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 64.0)),
        prop::sample::select(floats()).prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        text().prop_map(Value::Str),
    ]
}

pub(crate) fn floats() -> Vec<f64> {
    let mut all = vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        1e21,
        1e-7,
        1.5e300,
        5e-324,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        9_007_199_254_740_992.0,
        4_503_599_627_370_495.5,
    ];
    all.push(f64::EPSILON);
    all
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::btree_map(text(), inner, 0..6).prop_map(Value::Map),
        ]
    })
}

fn filled(slot: Slot) -> BoxedStrategy<Value> {
    match slot.kind() {
        Kind::Uint => any::<u64>().prop_map(Value::from).boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Texts => prop::collection::vec(text(), 0..4).prop_map(Value::from).boxed(),
        _ => text()
            .prop_filter("an empty text is absent", |text| !text.is_empty())
            .prop_map(Value::Str)
            .boxed(),
    }
}

/// Records with any of the slots that a caller can fill, and attributes of any kind.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    let settable: Vec<Slot> = Slot::ALL
        .iter()
        .copied()
        .filter(|slot| slot.fill() != Fill::Reserved && *slot != Slot::Event)
        .collect();
    let slots = prop::sample::subsequence(settable, 0..8).prop_flat_map(|slots| {
        slots
            .into_iter()
            .map(|slot| filled(slot).prop_map(move |value| (slot, value)))
            .collect::<Vec<_>>()
    });
    let members = prop::collection::vec((text(), value()), 0..6);
    let labels = prop::collection::vec((text(), text()), 0..3);
    let event = text().prop_filter("an event has a name", |text| !text.is_empty());
    (event, slots, members, labels, prop::option::of(value())).prop_map(
        |(event, slots, members, labels, detail)| {
            let mut builder = Record::builder(event);
            for (slot, value) in slots {
                builder = builder.set(slot, value);
            }
            for (name, value) in members {
                builder = builder.attribute(name, value);
            }
            for (name, value) in labels {
                builder = builder.label(name, value);
            }
            match detail {
                Some(detail) => builder.detail(detail).build(),
                None => builder.build(),
            }
        },
    )
}

/// What a record holds, in a form that tells -0 from 0 and takes one NaN for another.
pub(crate) fn content(record: &Record) -> Vec<(&'static str, String)> {
    record
        .slots()
        .map(|(slot, value)| (slot.path(), format!("{value:?}")))
        .collect()
}

/// What a reader must give back: the record, what the writer derives, and its place.
pub(crate) fn expected(record: &Record) -> Vec<(&'static str, String)> {
    let event = record.event();
    let (family, last) = event.rsplit_once('.').unwrap_or(("", event));
    let mut content = content(record);
    let mut add = |slot: Slot, value: Value| {
        if record.get(slot).is_none() {
            content.push((slot.path(), format!("{value:?}")));
        }
    };
    add(
        Slot::Action,
        Value::from(if last.is_empty() { event } else { last }),
    );
    if !family.is_empty() {
        add(Slot::Category, Value::from(family));
    }
    add(Slot::ActorId, Value::from("unknown"));
    add(Slot::Time, Value::from(OBSERVED_AT));
    add(Slot::ObservedAt, Value::from(OBSERVED_AT));
    add(Slot::Seq, Value::from(7_u64));
    add(Slot::Schema, Value::from(1_u64));
    add(Slot::Stream, Value::from(STREAM));
    add(Slot::Id, Value::from(id().to_string()));
    add(Slot::Service, Value::from("service"));
    add(Slot::Host, Value::from("host"));
    content.sort_by_key(|(path, _)| path.replace('.', "\u{1}"));
    content
}

/// Values of which no two are equal.
pub(crate) fn pool() -> Vec<Value> {
    let mut pool = vec![
        Value::Null,
        Value::from(true),
        Value::from(false),
        Value::Map(Map::new()),
        Value::List(vec![]),
        Value::Bytes(vec![]),
        Value::Bytes(vec![0]),
        Value::Bytes(vec![0, 0]),
    ];
    let texts = [
        "", "null", "true", "0", "1", "-0", "NaN", "Infinity", "1e+21", "AA==", "[]", "{}", "\0", "\\u0000",
    ];
    pool.extend(texts.map(Value::from));
    for edge in [0, 1, 1 << 53, u64::MAX.into(), i128::MAX] {
        for near in [-1, 0, 1_i128] {
            pool.extend(edge.checked_add(near).map(Value::from));
            pool.extend((-edge).checked_add(near).map(Value::from));
        }
    }
    pool.extend([u128::MAX, 1 << 127, (1 << 127) + 1].map(Value::from));
    pool.extend(floats().into_iter().map(Value::from));
    for key in ["", "$", "$int", "$f64", "$bytes", "$map", "$new"] {
        for inner in [Value::from("1"), Value::from(1), Value::Map(Map::new())] {
            pool.push(Value::Map(Map::from([(key.to_owned(), inner)])));
        }
    }
    let wrap = |value: &Value| Value::Map(Map::from([("$map".to_owned(), value.clone())]));
    let wrapped: Vec<_> = pool.iter().map(wrap).collect();
    let listed: Vec<_> = pool
        .iter()
        .map(|value| Value::List(vec![value.clone()]))
        .collect();
    pool.extend(wrapped);
    pool.extend(listed);
    let mut seen = std::collections::HashSet::new();
    pool.retain(|value| seen.insert(format!("{value:?}")));
    pool
}
