//! Lines of other systems' shapes: arbitrary ones, the way through a trail and back, and how they are compared.
#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};
use tracing_audit::Audit;
use tracing_audit::catalog::profile::{Exported, Profile};
use tracing_audit::record::{Record, Slot};
use tracing_audit::redact::Policy;
use tracing_audit::sink::MemorySink;

/// So many cases, or as many as `PROPTEST_CASES` says; a failing one is told and not written to a file.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    let more = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(more.unwrap_or(count))
    }
}

/// A trail in memory that keeps what it is given.
static TRAIL: LazyLock<(Audit, MemorySink)> = LazyLock::new(|| {
    let sink = MemorySink::new();
    let audit = Audit::builder()
        .without_journal()
        .memory(&sink)
        .policy(Policy::off("the tests compare what comes back"))
        .start()
        .expect("a trail in memory");
    (audit, sink)
});

/// The record as it is read back from the line that the writer made of it.
pub(crate) fn through_a_trail(record: Record) -> Record {
    static ONE_BY_ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = ONE_BY_ONE.lock().expect("no test panics here");
    let (audit, sink) = &*TRAIL;
    sink.clear();
    audit.emit(record).expect("taken");
    let entries = sink.entries();
    let mut records = entries.iter().map(|entry| entry.record().expect("a record"));
    let is_own =
        |record: &Record| record.event().starts_with("audit.") && record.text(Slot::Profile).is_none();
    records.rfind(|record| !is_own(record)).expect("the record")
}

/// Imports the line, sends it through a trail, and exports it again.
pub(crate) fn round(profile: Profile, line: &str) -> Exported {
    let record = profile
        .import(line.as_bytes())
        .unwrap_or_else(|error| panic!("{error}\n{line}"));
    let direct = profile.export(&record).expect("exports");
    let through = profile.export(&through_a_trail(record)).expect("exports");
    assert_eq!(direct.line, through.line, "the writer changes nothing\n{line}");
    through
}

/// Fails unless the line comes back as what is expected of it, and nothing of it is said to have been lost.
pub(crate) fn comes_back(
    profile: Profile,
    line: &Value,
    expected: &Value,
) -> Result<Exported, TestCaseError> {
    let back = round(profile, &line.to_string());
    prop_assert_eq!(&back.unfit, &[]);
    let compared = same(&back.line, &expected.to_string());
    prop_assert!(compared.is_ok(), "{}", compared.unwrap_err());
    Ok(back)
}

/// Fails unless what is exported is the same bytes when it was imported and exported again.
pub(crate) fn comes_back_byte_for_byte(profile: Profile, line: &Value) -> Result<(), TestCaseError> {
    let once = round(profile, &line.to_string()).line;
    prop_assert_eq!(&round(profile, &once).line, &once);
    Ok(())
}

/// Whether both are the same JSON value: the order of keys and the spelling of numbers carry no meaning.
pub(crate) fn same(left: &str, right: &str) -> Result<(), String> {
    let parse = |text: &str| {
        serde_json::from_str(text)
            .map(plain)
            .map_err(|error| format!("{error}: {text}"))
    };
    let (left, right): (Value, Value) = (parse(left)?, parse(right)?);
    if left == right {
        Ok(())
    } else {
        Err(format!("{left}\nis not\n{right}"))
    }
}

/// A double without a fraction is the integer.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9.1e15 => {
                json!(float as i64)
            }
            _ => Value::Number(number),
        },
        Value::Array(values) => values.into_iter().map(plain).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (key, plain(value)))
            .collect(),
        other => other,
    }
}

/// Texts with everything that JSON, lines and terminals trip over.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z_.]{0,12}",
        3 => any::<String>(),
        1 => Just("unknown".to_owned()),
        1 => Just(String::new()),
        1 => Just("$int".to_owned()),
        1 => "[<>&\u{2028}\u{2029}\"\\\\/\u{0}-\u{1f}\u{7f}]{1,6}",
    ]
}

/// A key: a usual one, or one that means something to the profiles or to a trail's lines.
pub(crate) fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z_]{1,10}",
        2 => any::<String>().prop_filter("within a name", |key| key.len() <= 255),
        3 => prop::sample::select(vec![
            "", "$int", "$map", "$x", "flynn", "denkeeper", "detail_raw", "event", "result", "a.b", "actor.id",
            "outcome", "unknown.x", "sender", "user_id", "reason", "duration_ms", "metadata", "labels", "from",
        ]).prop_map(str::to_owned),
    ]
}

pub(crate) fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(|number| json!(number)),
        any::<u64>().prop_map(|number| json!(number)),
        (0_u32..100_000).prop_map(|number| json!(number)),
        (0_u32..1_000_000).prop_map(|number| json!(f64::from(number) / 1000.0)),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_filter_map("a number", |number| {
                Number::from_f64(number).map(Value::Number)
            }),
    ]
}

/// Any JSON value.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number(),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            object(inner).prop_map(Value::Object),
        ]
    })
}

pub(crate) fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(key(), value, 0..4).prop_map(|members| members.into_iter().collect())
}

/// A value of the kind that a field's declaration names; now and then any other.
pub(crate) fn of_kind(kind: &str) -> BoxedStrategy<Value> {
    let right: BoxedStrategy<Value> = match kind {
        "string" => text().prop_map(Value::String).boxed(),
        "number" => number().boxed(),
        "boolean" => any::<bool>().prop_map(Value::Bool).boxed(),
        "string[]" => prop::collection::vec(text(), 0..4)
            .prop_map(|texts| json!(texts))
            .boxed(),
        "result" => (any::<bool>(), text(), prop::option::of(text()))
            .prop_map(|(success, output, error)| match error {
                Some(error) => json!({"success": success, "output": output, "error": error}),
                None => json!({"success": success, "output": output}),
            })
            .boxed(),
        "unknown" => any_json().boxed(),
        words => prop::sample::select(words.split('|').map(str::to_owned).collect::<Vec<_>>())
            .prop_map(Value::String)
            .boxed(),
    };
    prop_oneof![12 => right, 1 => any_json()].boxed()
}

/// An object of declared fields (`name?: kind`, by commas), each of which may be missing, and of others.
pub(crate) fn declared(fields: &str) -> BoxedStrategy<Map<String, Value>> {
    let fields: Vec<(String, String)> = fields
        .split(',')
        .filter_map(|field| field.trim().split_once(':'))
        .map(|(name, kind)| {
            (
                name.trim().trim_end_matches('?').to_owned(),
                kind.trim().to_owned(),
            )
        })
        .collect();
    let members: Vec<_> = fields
        .into_iter()
        .map(|(name, kind)| {
            prop::option::weighted(0.9, of_kind(&kind)).prop_map(move |value| (name.clone(), value))
        })
        .collect();
    (members, object(any_json()), any::<bool>())
        .prop_map(|(members, others, has_others)| {
            let mut object = if has_others { others } else { Map::new() };
            object.extend(
                members
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
            object
        })
        .boxed()
}
