//! `#[audited]`: what a record says of an error, whatever its type.

mod support;

use std::error::Error;
use std::fmt::{Debug, Display};

use support::{Failed, failed};
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
