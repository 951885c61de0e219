//! `#[audited]`: what a record says of an error, whatever its type.

mod support;

use std::error::Error;
use std::fmt::{Debug, Display};

use support::{Failed, Refusal, assert_outcome, failed};
use tracing_audit::audited;
use tracing_audit::record::Slot;
use tracing_audit::testing::capture;

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

#[test]
fn an_error_of_any_type_is_a_failure() {
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

/// An error that is as it is because of another one.
#[derive(Debug)]
struct Wrapped(Box<dyn Error + Send + Sync>);
impl Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the request was not served")
    }
}
impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
/// One that is its own source.
#[derive(Debug)]
struct Endless;
impl Display for Endless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("endless")
    }
}
impl Error for Endless {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}
/// A type that is asked, and never returned.
#[derive(Debug)]
struct Never;
impl Display for Never {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        unreachable!("nobody returns it")
    }
}
impl Error for Never {}
impl tracing_audit::AuditError for Never {}

#[test]
fn an_error_in_a_box_is_asked_where_its_type_is_named() {
    #[audited(errors = [Never, Refusal])]
    fn boxed(error: impl Error + 'static) -> Result<(), Box<dyn Error>> {
        Err(Box::new(error))
    }
    #[audited(errors = Refusal)]
    fn sent(error: Refusal) -> Result<(), Box<dyn Error + Send>> {
        Err(Box::new(error))
    }
    #[audited(errors = [Refusal,])]
    async fn shared(error: Refusal) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(Box::new(error))
    }
    #[audited(errors = Refusal)]
    fn wrapped(error: Refusal) -> Result<(), Wrapped> {
        Err(Wrapped(Box::new(Wrapped(Box::new(error)))))
    }
    #[audited(errors = Never, denied = |_| true)]
    fn predicate(error: Refusal) -> Result<(), Refusal> {
        Err(error)
    }
    #[audited]
    fn unnamed(error: Refusal) -> Result<(), Box<dyn Error>> {
        Err(Box::new(error))
    }
    let captured = capture(|| {
        let _ = boxed(Refusal::NeedsRole);
        let _ = boxed(failed("in a box"));
        let _ = boxed(Endless);
        let _ = sent(Refusal::Broken);
        let mut shared = std::pin::pin!(shared(Refusal::NeedsRole));
        let waker = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(shared.as_mut().poll(&mut { waker }).is_ready());
        let _ = wrapped(Refusal::NeedsRole);
        let _ = wrapped(Refusal::NotModified);
        let _ = predicate(Refusal::Broken);
        let _ = unnamed(Refusal::NeedsRole);
    });
    let expected = [
        ("boxed", "denied", Some("needs_role")),
        ("boxed", "failure", None),
        ("boxed", "failure", None),
        ("sent", "failure", Some("broken")),
        ("shared", "denied", Some("needs_role")),
        ("wrapped", "denied", Some("needs_role")),
        ("wrapped", "success", None),
        ("predicate", "denied", Some("broken")),
        ("unnamed", "failure", None),
    ];
    let records = captured.count(expected.len()).records();
    for (record, (event, outcome, code)) in records.iter().zip(expected) {
        record.assert_has(Slot::Event, event);
        assert_outcome(record, outcome, None);
        assert_eq!(record.text(Slot::ErrorCode), code, "{record:?}");
    }
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
