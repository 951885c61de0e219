//! `#[audited]`: what a record says of how a call ended, where the function ends before it returns.

mod support;

use std::error::Error;
use std::fmt::{Debug, Display};
use std::panic::catch_unwind;

use support::{Failed, Refusal, assert_outcome, failed};
use tracing::Span;
use tracing_audit::audited;
use tracing_audit::record::Slot;
use tracing_audit::testing::{Recording, capture};

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
