//! `#[audited]`: on what it stands, and what it records.

mod support;

use std::error::Error;
use std::fmt::Display;
use std::panic::catch_unwind;

use support::{Failed, assert_outcome, failed};
use tracing::{Span, info};
use tracing_audit::record::Slot;
use tracing_audit::testing::capture;
use tracing_audit::{Actor, audited};

struct Store<T> {
    held: Vec<T>,
}

impl<T: Clone + Display> Store<T> {
    #[audited(action = "store.put", fields(value = %value))]
    fn put(&mut self, value: T) -> usize {
        self.held.push(value);
        self.held.len()
    }

    #[audited(action = "store.first", resource = ("store", self.held.len()))]
    fn first<'a>(&'a self, otherwise: &'a T) -> &'a T {
        let Some(first) = self.held.first() else {
            return otherwise;
        };
        first
    }

    #[audited(action = "store.last")]
    fn last_mut(&mut self) -> Option<&mut T> {
        let last = self.held.last_mut()?;
        Some(last)
    }

    #[audited(action = "store.each")]
    fn each(&self) -> impl Iterator<Item = &T> + use<'_, T> {
        self.held.iter()
    }

    #[audited(action = "store.take")]
    fn take(self) -> Vec<T> {
        self.held
    }
}

trait Service {
    fn call(&self, number: &str) -> Result<u32, Box<dyn Error>>;

    #[audited]
    fn by_default(&self) -> u8 {
        7
    }
}

impl Service for () {
    #[audited(name = "service.call")]
    fn call(&self, number: &str) -> Result<u32, Box<dyn Error>> {
        let number: u32 = number.parse()?;
        Ok(number + 1)
    }
}

#[test]
fn methods_generics_references_and_early_returns_are_as_without_it() {
    let captured = capture(|| {
        let mut store = Store { held: Vec::new() };
        assert_eq!(store.first(&"none"), &"none");
        assert_eq!(store.put("a"), 1);
        assert_eq!(store.first(&"none"), &"a");
        *store.last_mut().expect("a value") = "b";
        assert_eq!(store.each().collect::<Vec<_>>(), [&"b"]);
        assert_eq!(store.take(), ["b"]);
        assert_eq!(().call("7").ok(), Some(8));
        assert!(().call("seven").is_err());
        assert_eq!(().by_default(), 7);
    });
    captured.count(9);
    captured
        .with_event("store.put")
        .only()
        .assert_attribute("value", "a");
    captured
        .with_event("store.first")
        .with(Slot::ResourceId, "0")
        .count(1);
    captured
        .with_event("service.call")
        .with_outcome("failure")
        .only()
        .assert_has(Slot::ErrorMessage, "invalid digit found in string");
    captured.with_outcome("success").count(8);
}

#[test]
fn each_call_of_a_recursion_is_a_record_in_the_one_around_it() {
    #[audited(action = "tree.walk", resource = ("node", depth), actor = depth)]
    fn walk(depth: u64) -> Result<u64, String> {
        match depth {
            3 => Err("too deep".to_owned()),
            _ => Ok(walk(depth + 1)? + 1),
        }
    }
    let captured = capture(|| assert!(walk(0).is_err()));
    captured.count(4).with_outcome("failure").count(4);
    let records = captured.records();
    for (inner, outer) in records.iter().zip(&records[1..]) {
        assert_eq!(inner.get(Slot::ParentSpanId), outer.get(Slot::SpanId));
        assert_eq!(inner.get(Slot::TraceId), outer.get(Slot::TraceId));
    }
}

macro_rules! numbered {
    ($name:ident, $number:expr) => {
        #[audited(fields(number = $number))]
        fn $name() -> Result<u8, String> {
            Ok($number)
        }
    };
}

numbered!(made_by_a_macro, 7);

struct Owner(Vec<u8>);

impl Owner {
    #[audited]
    fn boxed(self: Box<Self>) -> Result<impl Display, impl Error> {
        String::from_utf8(self.0)
    }
}

#[test]
fn patterns_mutable_arguments_qualifiers_and_macros_are_as_without_it() {
    /// A documented function.
    #[audited(resource = ("pair", a))]
    #[must_use]
    #[track_caller]
    fn patterns((a, b): (u8, u8), mut sum: u16, [first, ..]: [u8; 3]) -> u16 {
        sum += u16::from(a) + u16::from(b) + u16::from(first);
        sum
    }
    #[audited]
    async fn awaited((a, _): (u8, u8), mut sum: u16) -> u16 {
        sum += u16::from(a);
        std::future::ready(sum).await
    }
    #[audited]
    extern "C" fn called_from_elsewhere(number: i32) -> i32 {
        number + 1
    }
    let captured = capture(|| {
        assert_eq!(patterns((1, 2), 3, [4, 5, 6]), 10);
        let mut future = std::pin::pin!(awaited((1, 2), 3));
        let polled = future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        assert_eq!(polled, std::task::Poll::Ready(4));
        assert_eq!(called_from_elsewhere(1), 2);
        assert_eq!(made_by_a_macro(), Ok(7));
        assert_eq!(
            Box::new(Owner(vec![b'a']))
                .boxed()
                .map(|text| text.to_string())
                .ok()
                .as_deref(),
            Some("a")
        );
        assert!(Box::new(Owner(vec![255])).boxed().is_err());
    });
    captured.count(6);
    captured.with_outcome("success").count(5);
    captured
        .with_event("patterns")
        .with(Slot::ResourceId, "1")
        .count(1);
    captured
        .with_event("made_by_a_macro")
        .with_attribute("number", 7_i64)
        .count(1);
    captured.with_event("boxed").with_outcome("failure").count(1);
}

#[test]
fn a_future_is_no_larger_than_under_instrument() {
    async fn plain(bytes: [u8; 4096]) -> u8 {
        std::future::ready(()).await;
        bytes[0]
    }
    #[audited]
    async fn audited(bytes: [u8; 4096]) -> u8 {
        std::future::ready(()).await;
        bytes[0]
    }
    #[tracing::instrument(skip_all)]
    async fn instrumented(bytes: [u8; 4096]) -> u8 {
        std::future::ready(()).await;
        bytes[0]
    }
    let [plain, audited, instrumented] = [
        size_of_val(&plain([0; 4096])),
        size_of_val(&audited([0; 4096])),
        size_of_val(&instrumented([0; 4096])),
    ];
    assert!(
        audited <= instrumented,
        "{plain}, {audited}, instrumented {instrumented}"
    );
}

#[test]
fn changed_fields_are_names_from_an_expression_or_from_what_was_returned() {
    struct Updated {
        names: Vec<String>,
    }
    #[audited(changed = ["title", "body, text"])]
    fn known() {}
    #[audited(changed = names)]
    fn given(names: &[String]) {
        let _ = names;
    }
    #[audited(changed = "title")]
    fn one() {}
    #[audited(changed = |updated| &updated.names)]
    fn after(is_ok: bool) -> Result<Updated, String> {
        let names = vec!["title".to_owned(), "tags".to_owned()];
        if is_ok {
            Ok(Updated { names })
        } else {
            Err("no".to_owned())
        }
    }
    #[audited(changed = |updated| updated.iter().map(|field| field.0).collect::<Vec<_>>())]
    fn plain() -> Vec<(&'static str, u8)> {
        vec![("size", 1), ("kind", 2)]
    }
    let captured = capture(|| {
        known();
        given(&["a".to_owned(), "b".to_owned()]);
        one();
        let _ = after(true);
        let _ = after(false);
        plain();
    });
    let changed = |event: &str| {
        captured
            .with_event(event)
            .with_outcome("success")
            .only()
            .get(Slot::ChangedFields)
            .cloned()
    };
    assert_eq!(changed("known"), Some(vec!["title", "body, text"].into()));
    assert_eq!(changed("given"), Some(vec!["a", "b"].into()));
    assert_eq!(changed("one"), Some(vec!["title"].into()));
    assert_eq!(changed("after"), Some(vec!["title", "tags"].into()));
    assert_eq!(changed("plain"), Some(vec!["size", "kind"].into()));
    captured
        .with_event("after")
        .with_outcome("failure")
        .only()
        .assert_lacks(Slot::ChangedFields);
}

#[test]
fn what_is_named_is_recorded_and_nothing_else() {
    struct Uuid;
    impl Display for Uuid {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("0f8b")
        }
    }
    #[audited(
        action = "delete",
        category = "document",
        actor = user,
        actor.type = "service",
        resource = ("document", %id),
        reason = "asked for",
        reason_code = "gdpr",
        tenant = tenant,
        level = "warn",
        target = "audit::documents",
        fields(size = password.len(), shape = ?("a", 1), late, label.team = "red"),
    )]
    fn everything(user: Uuid, id: Uuid, tenant: Option<&str>, password: &str) {
        Span::current().record("late", "then");
        let _ = (user, id, tenant, password);
    }
    let captured = capture(|| everything(Uuid, Uuid, Some("t-1"), "hunter2"));
    let record = captured.only();
    for (slot, text) in [
        (Slot::Event, "document.delete"),
        (Slot::Action, "delete"),
        (Slot::Category, "document"),
        (Slot::ActorId, "0f8b"),
        (Slot::ActorType, "service"),
        (Slot::ResourceType, "document"),
        (Slot::ResourceId, "0f8b"),
        (Slot::Reason, "asked for"),
        (Slot::ReasonCode, "gdpr"),
        (Slot::ScopeTenant, "t-1"),
        (Slot::Level, "warn"),
        (Slot::Outcome, "success"),
    ] {
        record.assert_has(slot, text);
    }
    record
        .assert_attribute("size", 7_u64)
        .assert_attribute("shape", "(\"a\", 1)")
        .assert_attribute("late", "then")
        .assert_hides("hunter2");
    assert_eq!(record.map(Slot::Attributes).map(|map| map.len()), Some(3));
}

#[test]
fn start_writes_a_record_when_the_call_begins_under_the_same_execution_id() {
    #[audited(action = "job.run", start = true)]
    fn run() -> Result<(), String> {
        info!(target: "audit", event = "job.step");
        Err("no".to_owned())
    }
    let captured = capture(|| drop(run()));
    captured.count(3);
    let jobs = captured.with_event("job.run");
    let [start, end] = jobs.records() else {
        panic!("{jobs:?}")
    };
    start
        .assert_has(Slot::Phase, "start")
        .assert_has(Slot::Outcome, "pending");
    end.assert_lacks(Slot::Phase).assert_has(Slot::Outcome, "failure");
    assert!(start.get(Slot::ExecutionId).is_some());
    assert_eq!(start.get(Slot::ExecutionId), end.get(Slot::ExecutionId));
}

#[test]
fn what_is_reported_inside_inherits_the_actor_and_the_trace() {
    #[audited(action = "outer", tenant = "t-1")]
    fn outer() {
        info!(target: "audit", event = "inside");
    }
    let captured = capture(|| Actor::user("ana").sync_scope(outer));
    let (outer, inside) = (captured.with_event("outer"), captured.with_event("inside"));
    inside
        .only()
        .assert_has(Slot::ActorId, "ana")
        .assert_has(Slot::ScopeTenant, "t-1");
    assert_eq!(inside.only().get(Slot::TraceId), outer.only().get(Slot::TraceId));
    assert_eq!(inside.only().get(Slot::SpanId), outer.only().get(Slot::SpanId));
}

#[test]
fn a_function_that_never_returns_can_only_panic() {
    #[audited]
    fn never() -> ! {
        panic!("on purpose")
    }
    let captured = capture(|| assert!(catch_unwind(|| never()).is_err()));
    assert_outcome(captured.only(), "unknown", Some("panic"));
}

#[deny(unused_braces, unfulfilled_lint_expectations)]
mod linted {
    use super::audited;

    #[audited]
    pub(super) fn called() -> u8 {
        #![expect(unused_variables, reason = "the compiler is to say so")]
        let unused = 1;
        2
    }

    #[audited]
    #[expect(unused_variables, reason = "the compiler is to say so")]
    pub(super) async fn awaited() -> u8 {
        let unused = 1;
        2
    }

    #[audited]
    pub(super) fn delayed() -> impl Future<Output = Result<u8, u8>> {
        async move { Ok(2) }
    }

    /// The target is none of a trail's.
    #[audited]
    #[tracing::instrument(target = "auditorium")]
    pub(super) fn instrumented() {}
}

#[test]
fn the_compiler_says_of_a_body_what_it_would_say_without_it() {
    let captured = capture(|| {
        assert_eq!(linted::called(), 2);
        drop((linted::awaited(), linted::delayed()));
        linted::instrumented();
    });
    captured.count(2).with_outcome("success").count(2);
}

#[test]
fn instrument_inside_reports_its_error_to_others_and_adds_no_record() {
    #[audited(action = "both")]
    #[tracing::instrument(err, ret)]
    fn both() -> Result<u8, Failed> {
        Err(failed("once"))
    }
    let captured = capture(|| drop(both()));
    assert_outcome(captured.only(), "failure", None);
    captured
        .only()
        .assert_has(Slot::Event, "both")
        .assert_has(Slot::ErrorMessage, "once");
}

#[test]
fn the_macros_and_the_library_know_the_same_names() {
    let source = include_str!("../src/audited_names.rs");
    let list = source
        .split_once("NAMES: &[&str] = &[")
        .expect("the list")
        .1
        .split_once("];")
        .expect("its end")
        .0;
    let listed: Vec<&str> = list
        .split(',')
        .map(|name| name.trim().trim_matches('"'))
        .filter(|name| !name.is_empty())
        .collect();
    let known: Vec<&str> = tracing_audit::record::Resolved::names()
        .map(|(name, ..)| name)
        .collect();
    assert_eq!(listed, known);
}

#[test]
fn what_cannot_be_recorded_does_not_compile_and_says_what_can() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/audited_*.rs");
    cases.compile_fail("tests/ui/audit_*.rs");
}
