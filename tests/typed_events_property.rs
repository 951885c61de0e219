//! A typed event of any values comes back equal: from its record, and from the lines that both doors write.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tracing_audit::record::{AuditEvent, EventPart, Outcome, Record, Value, Word};
use tracing_audit::redact::Policy;
use tracing_audit::testing::{Captured, MemoryEmitter, Recording};

#[derive(Debug, Clone, PartialEq)]
enum Tier {
    Bundled,
    Other(String),
}

impl Word for Tier {
    fn word(&self) -> &str {
        match self {
            Self::Bundled => "bundled",
            Self::Other(word) => word,
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "bundled" => Self::Bundled,
            other => Self::Other(other.to_owned()),
        })
    }
}

#[derive(Debug, Clone, PartialEq, AuditEvent)]
#[audit(event = "all.types", category = "all", action = "types", level = "debug")]
struct Everything {
    #[audit(detail = "a.text", internal)]
    text: String,
    #[audit(detail = "a.cow", internal)]
    cow: Option<Cow<'static, str>>,
    #[audit(detail = "a.number", internal)]
    number: u64,
    #[audit(detail = "a.signed", internal)]
    signed: Option<i64>,
    #[audit(detail = "a.wide", internal)]
    wide: i128,
    #[audit(detail = "a.float", internal)]
    float: f64,
    #[audit(detail = "a.truth", internal)]
    truth: Option<bool>,
    #[audit(detail = "b.texts", internal)]
    texts: Option<Vec<String>>,
    #[audit(detail = "b.numbers", internal)]
    numbers: Vec<u16>,
    #[audit(detail = "b.optional", internal)]
    optional: Vec<Option<bool>>,
    #[audit(detail = "b.map", internal)]
    map: BTreeMap<String, i32>,
    #[audit(detail = "b.tier", internal)]
    tier: Tier,
    #[audit(detail = "b.value", internal)]
    value: Option<Value>,
    #[audit(slot = "outcome", internal)]
    outcome: Outcome,
    #[audit(slot = "duration_ns", internal)]
    took: Option<Duration>,
    #[audit(slot = "actor.roles", internal)]
    roles: Option<Vec<String>>,
    #[audit(slot = "resource.id", internal)]
    thing: u32,
    #[audit(slot = "labels", internal)]
    labels: BTreeMap<String, String>,
    #[audit(slot = "call_stack", internal)]
    stack: Option<Value>,
    #[audit(attribute = "x.y", internal)]
    attribute: Option<f32>,
    #[audit(hash = "params", internal)]
    hash: Option<String>,
    #[audit(detail = "c", nested)]
    inner: Option<Inner>,
}

#[derive(Debug, Clone, PartialEq, EventPart)]
struct Inner {
    #[audit(internal)]
    bytes: Option<u64>,
    #[audit(internal, key = "type")]
    kind: String,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z ]{0,20}", 1 => "\\PC{0,12}", 1 => Just("a,\"b\"\n\\é😀".to_owned())]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            prop::collection::btree_map("[a-z$.]{1,6}", inner, 0..3).prop_map(Value::Map),
        ]
    })
}

fn some<T: std::fmt::Debug + Clone>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(of)
}

prop_compose! {
    fn scalars()(
        text in text(), cow in some(text()), number in any::<u64>(), signed in some(any::<i64>()), wide in any::<i128>(),
        float in any::<f64>().prop_filter("no NaN equals itself", |float| !float.is_nan()),
        truth in some(any::<bool>()), tier in prop_oneof![Just(Tier::Bundled), "[a-c]{1,3}".prop_map(Tier::Other)],
        outcome in prop_oneof![Just(Outcome::Denied), Just(Outcome::Other("ended".to_owned()))],
        thing in any::<u32>(),
    ) -> Everything {
        Everything {
            text, cow: cow.map(Cow::Owned), number, signed, wide, float, truth, tier, outcome, thing,
            texts: None, numbers: vec![], optional: vec![], map: BTreeMap::new(), value: None, took: None, roles: None,
            labels: BTreeMap::new(), stack: None, attribute: None, hash: None, inner: None,
        }
    }
}

prop_compose! {
    fn everything()(
        scalars in scalars(), texts in some(prop::collection::vec(text(), 0..4)),
        numbers in prop::collection::vec(any::<u16>(), 0..4), optional in prop::collection::vec(some(any::<bool>()), 0..3),
        map in prop::collection::btree_map("[a-z.$]{1,5}", any::<i32>(), 0..3), value in some(value()),
        took in some(any::<u64>()), roles in some(prop::collection::vec("[a-z]{1,8}", 0..3)),
        labels in prop::collection::btree_map("[a-m]{1,5}", "[a-z]{0,5}", 1..3),
        (stack, attribute, hash) in (some(value()), some(any::<i16>()), some("[a-f0-9]{8}")),
        inner in some((some(any::<u64>()), text()).prop_map(|(bytes, kind)| Inner { bytes, kind })),
    ) -> Everything {
        Everything {
            texts, numbers, optional, map, value, took: took.map(Duration::from_nanos), roles, labels, stack,
            attribute: attribute.map(|n| f32::from(n) / 8.0), hash, inner,
            ..scalars
        }
    }
}

fn read_back(captured: &Captured) -> Everything {
    let line = captured.only().line();
    Everything::from_record(&tracing_audit::format::read_line(line.as_bytes()).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_event_comes_back_equal_from_its_record_and_from_the_lines_of_both_doors(event in everything()) {
        prop_assert_eq!(&Everything::from_record(&Record::from(&event)).unwrap(), &event);
        let off = || Policy::off("a test");
        let recording = Recording::with(|audit| audit.policy(off()));
        recording.run(|| event.record());
        prop_assert_eq!(&read_back(&recording.captured()), &event);
        let emitter = MemoryEmitter::with(|audit| audit.policy(off()));
        emitter.audit().emit(&event).unwrap();
        prop_assert_eq!(&read_back(&emitter.captured()), &event);
    }
}
