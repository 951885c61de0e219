//! `#[audited]`: what a record says of how a call ended, where the function ends before it returns.

mod support;

use std::error::Error;
use std::fmt::{Debug, Display};
use std::panic::catch_unwind;

use support::{Failed, Refusal, assert_outcome, failed};
use tracing::{Span, info};
use tracing_audit::record::Slot;
use tracing_audit::testing::{Recording, capture};
use tracing_audit::{Actor, audited};

#[audited(action = "document.delete", resource = ("document", id))]
fn delete(id: u64) -> Result<&'static str, Failed> {
    match id {
        0 => Err(failed("cannot delete")),
        _ => Ok("canary-of-the-value"),
    }
}

#[test]
fn ok_is_a_success_and_its_value_is_not_recorded() {
    let captured = capture(|| assert_eq!(delete(7).ok(), Some("canary-of-the-value")));
    let record = captured.only();
    assert_outcome(record, "success", None);
    record
        .assert_has(Slot::Event, "document.delete")
        .assert_has(Slot::Action, "document.delete")
        .assert_has(Slot::Category, "document")
        .assert_has(Slot::ResourceType, "document")
        .assert_has(Slot::ResourceId, "7")
        .assert_lacks(Slot::ErrorMessage)
        .assert_lacks(Slot::Attributes)
        .assert_hides("canary");
    assert!(record.get(Slot::DurationNs).is_some());
}

#[test]
fn err_is_a_failure_with_its_message_and_its_sources() {
    let captured = capture(|| drop(delete(0)));
    let record = captured.only();
    assert_outcome(record, "failure", None);
    record
        .assert_has(Slot::ErrorMessage, "cannot delete")
        .assert_has(Slot::ErrorChain, vec!["cannot delete", "the disk is full"]);
}

#[test]
fn a_secret_in_an_error_is_cut_in_the_message_and_in_its_sources() {
    #[audited]
    fn connect(password: &'static str) -> Result<(), Failed> {
        let cause = Failed::new(format!("login with password={password} was refused"));
        Err(Failed::new(format!("no connection (token={password})")).because(cause))
    }
    let captured = capture(|| drop(connect("hunter2-hunter2")));
    let record = captured.only();
    assert_outcome(record, "failure", None);
    record.assert_hides("hunter2");
    assert!(
        record
            .text(Slot::ErrorMessage)
            .unwrap()
            .starts_with("no connection")
    );
    assert!(record.line().contains("was refused"), "{record:?}");
}

#[test]
fn a_value_with_a_class_inside_an_error_is_what_the_policy_leaves_of_it() {
    use tracing_audit::redact::sensitive::Email;
    use tracing_audit::redact::{Class, Classified as _, Policy};
    #[audited]
    fn invite(whom: &'static str) -> Result<(), Failed> {
        Err(Failed::new(format!("no mailbox at {}", Email::of(whom))))
    }
    // Formatted by the application: then its marker is all that is known.
    capture(|| drop(invite("ann@example.com")))
        .only()
        .assert_has(Slot::ErrorMessage, "no mailbox at [REDACTED:email]");

    #[derive(Debug)]
    struct NoMailbox(tracing_audit::redact::Sensitive<String, Email>);
    impl Display for NoMailbox {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "no mailbox at {}", self.0)
        }
    }
    impl Error for NoMailbox {}
    #[audited]
    fn typed(whom: &'static str) -> Result<(), NoMailbox> {
        Err(NoMailbox(Email::of(whom.to_owned())))
    }
    let policy = || Policy::balanced().key("k1", &[7; 32]).expect("a key");
    let recording = Recording::with(|audit| audit.policy(policy()));
    recording.run(|| drop(typed("ann@example.com")));
    let pseudonym = policy()
        .pseudonym(Class::personal("email"), None, "ann@example.com")
        .expect("a pseudonym");
    recording
        .captured()
        .only()
        .assert_has(Slot::ErrorMessage, format!("no mailbox at {pseudonym}").as_str());
}

#[audited]
fn refuse(refusal: Refusal) -> Result<(), Refusal> {
    Err(refusal)
}

#[test]
fn an_error_that_says_more_is_asked() {
    for (refusal, outcome, code) in [
        (Refusal::NeedsRole, "denied", Some("needs_role")),
        (Refusal::Broken, "failure", Some("broken")),
        (Refusal::Waiting, "pending", None),
        (Refusal::Other, "quarantined", None),
    ] {
        let message = refusal.to_string();
        let captured = capture(|| drop(refuse(refusal)));
        let record = captured.only();
        assert_outcome(record, outcome, None);
        record.assert_has(Slot::ErrorMessage, &*message);
        assert_eq!(record.text(Slot::ErrorCode), code, "{record:?}");
    }
    let captured = capture(|| drop(refuse(Refusal::NotModified)));
    assert_outcome(captured.only(), "success", None);
    captured
        .only()
        .assert_lacks(Slot::ErrorMessage)
        .assert_lacks(Slot::ErrorCode);
}

#[test]
fn an_error_that_says_more_is_asked_behind_a_box_and_an_arc() {
    #[audited]
    fn boxed() -> Result<(), Box<Refusal>> {
        Err(Box::new(Refusal::NeedsRole))
    }
    #[audited]
    fn shared() -> Result<(), std::sync::Arc<Refusal>> {
        Err(std::sync::Arc::new(Refusal::NeedsRole))
    }
    let captured = capture(|| {
        let _ = boxed();
        let _ = shared();
    });
    captured.count(2);
    captured
        .with_outcome("denied")
        .with(Slot::ErrorCode, "needs_role")
        .count(2);
}

#[test]
fn a_predicate_says_which_errors_are_refusals() {
    fn is_forbidden(error: &std::io::Error) -> bool {
        error.kind() == std::io::ErrorKind::PermissionDenied
    }
    #[audited(denied = |error| error.kind() == std::io::ErrorKind::PermissionDenied)]
    fn by_closure(kind: std::io::ErrorKind) -> std::io::Result<()> {
        Err(kind.into())
    }
    #[audited(denied = is_forbidden)]
    fn by_function(kind: std::io::ErrorKind) -> std::io::Result<()> {
        Err(kind.into())
    }
    let captured = capture(|| {
        for kind in [std::io::ErrorKind::PermissionDenied, std::io::ErrorKind::NotFound] {
            let _ = by_closure(kind);
            let _ = by_function(kind);
        }
    });
    for event in ["by_closure", "by_function"] {
        let records = captured.with_event(event);
        records.count(2);
        records
            .with_outcome("denied")
            .only()
            .assert_has(Slot::ErrorMessage, "permission denied");
        records
            .with_outcome("failure")
            .only()
            .assert_has(Slot::ErrorMessage, "entity not found");
    }
}

#[test]
fn what_returns_no_result_is_a_success() {
    #[audited]
    fn unit() {}
    #[audited]
    fn number() -> u8 {
        7
    }
    #[audited]
    fn option() -> Option<u8> {
        None
    }
    let captured = capture(|| {
        unit();
        assert_eq!(number(), 7);
        assert_eq!(option(), None);
    });
    captured.count(3);
    captured.with_outcome("success").count(3);
}

#[test]
fn a_panic_is_unknown_and_says_so() {
    #[audited]
    fn unwinds(is_inner: bool) -> u8 {
        if !is_inner {
            let _ = unwinds(true);
        }
        panic!("on purpose")
    }
    let captured = capture(|| assert!(catch_unwind(|| unwinds(false)).is_err()));
    captured.count(2);
    for record in &captured {
        assert_outcome(record, "unknown", Some("panic"));
    }
}

#[test]
fn a_panic_that_the_body_catches_is_not_its_end() {
    #[audited]
    fn outer() -> u8 {
        assert!(catch_unwind(inner).is_err());
        7
    }
    #[audited]
    fn inner() {
        panic!("on purpose")
    }
    let captured = capture(|| assert_eq!(outer(), 7));
    assert_outcome(captured.with_event("outer").only(), "success", None);
    assert_outcome(captured.with_event("inner").only(), "unknown", Some("panic"));
}

#[test]
fn what_runs_and_returns_while_a_panic_unwinds_is_a_success_and_what_panics_there_a_panic() {
    struct Cleanup;
    impl Drop for Cleanup {
        fn drop(&mut self) {
            cleaned();
            assert!(catch_unwind(spoiled).is_err());
        }
    }
    #[audited]
    fn cleaned() {}
    #[audited]
    fn spoiled() {
        panic!("within a panic, and caught")
    }
    let captured = capture(|| {
        let unwinds = catch_unwind(|| {
            let _cleanup = Cleanup;
            panic!("on purpose");
        });
        assert!(unwinds.is_err());
    });
    assert_outcome(captured.with_event("cleaned").only(), "success", None);
    assert_outcome(captured.with_event("spoiled").only(), "unknown", Some("panic"));
}

#[test]
fn an_outcome_that_the_body_records_wins_and_the_error_stays() {
    #[audited]
    fn decided(outcome: &str, is_ok: bool) -> Result<(), Failed> {
        Span::current().record("outcome", outcome);
        if is_ok { Ok(()) } else { Err(failed("no")) }
    }
    let captured = capture(|| {
        let _ = decided("pending", true);
        let _ = decided("denied", false);
    });
    captured.count(2);
    captured.with_outcome("pending").count(1);
    captured
        .with_outcome("denied")
        .only()
        .assert_has(Slot::ErrorMessage, "no");
}

#[test]
fn an_error_of_any_type_is_a_failure() {
    #[derive(Clone)]
    struct Silent;
    #[derive(Debug)]
    struct Debugged;
    struct Borrowing<'a>(&'a str, Failed);
    impl Debug for Borrowing<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Borrowing")
        }
    }
    impl Display for Borrowing<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "borrowed {}", self.0)
        }
    }
    impl Error for Borrowing<'_> {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.1)
        }
    }
    #[audited]
    fn silent() -> Result<(), Silent> {
        Err(Silent)
    }
    #[audited]
    fn debugged() -> Result<(), Debugged> {
        Err(Debugged)
    }
    #[audited]
    fn text() -> Result<(), String> {
        Err("a text".to_owned())
    }
    #[audited]
    fn boxed() -> Result<(), Box<dyn Error>> {
        Err(failed("boxed"))?;
        Ok(())
    }
    #[audited]
    fn sent() -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(failed("sent"))?;
        Ok(())
    }
    #[audited]
    fn borrowing(from: &str) -> Result<(), Borrowing<'_>> {
        Err(Borrowing(from, failed("below")))
    }
    #[audited]
    fn by_reference(error: &Failed) -> Result<(), &Failed> {
        Err(error)
    }
    let captured = capture(|| {
        let _ = silent();
        let _ = debugged();
        let _ = text();
        let _ = boxed();
        let _ = sent();
        let _ = borrowing(&String::from("here"));
        let _ = by_reference(&failed("referred to"));
    });
    captured.count(7);
    captured.with_outcome("failure").count(7);
    let message = |event: &str| {
        captured
            .with_event(event)
            .only()
            .text(Slot::ErrorMessage)
            .map(str::to_owned)
    };
    assert_eq!(message("silent"), None);
    assert_eq!(message("debugged").as_deref(), Some("Debugged"));
    assert_eq!(message("text").as_deref(), Some("a text"));
    for (event, chain) in [
        ("boxed", vec!["boxed", "the disk is full"]),
        ("sent", vec!["sent", "the disk is full"]),
        ("borrowing", vec!["borrowed here", "below", "the disk is full"]),
        ("by_reference", vec!["referred to", "the disk is full"]),
    ] {
        assert_eq!(message(event).as_deref(), chain.first().copied());
        captured
            .with_event(event)
            .only()
            .assert_has(Slot::ErrorChain, chain);
    }
}

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
fn a_generic_error_is_shown_by_what_its_bounds_allow() {
    #[audited]
    fn shown<E: Error>(error: E) -> Result<(), E> {
        Err(error)
    }
    #[audited]
    fn displayed<T: Display, E: Display>(_value: T, error: E) -> Result<T, E> {
        Err(error)
    }
    #[audited]
    fn unknown<E>(error: E) -> Result<(), E> {
        Err(error)
    }
    let captured = capture(|| {
        let _ = shown(failed("an error"));
        let _ = displayed(1, "a text");
        let _ = unknown(failed("nobody knows"));
    });
    captured
        .with_event("shown")
        .only()
        .assert_has(Slot::ErrorChain, vec!["an error", "the disk is full"]);
    captured
        .with_event("displayed")
        .only()
        .assert_has(Slot::ErrorMessage, "a text");
    captured
        .with_event("unknown")
        .only()
        .assert_has(Slot::Outcome, "failure")
        .assert_lacks(Slot::ErrorMessage);
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
fn without_a_listener_nothing_is_asked() {
    thread_local!(static ASKED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    fn asked<T>(value: T) -> T {
        ASKED.set(ASKED.get() + 1);
        value
    }
    #[audited(resource = ("x", asked(1)), changed = |_| asked("x"), denied = |_| asked(true), fields(x = asked(1)))]
    fn quiet(is_ok: bool) -> Result<u8, u8> {
        if is_ok { Ok(1) } else { Err(2) }
    }
    assert_eq!((quiet(true), quiet(false)), (Ok(1), Err(2)));
    assert_eq!(ASKED.get(), 0);
    capture(|| assert_eq!(quiet(true), Ok(1))).count(1);
    assert_eq!(ASKED.get(), 3);
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
