//! `audit!`: one event in the vocabulary of the record.

mod support;

use std::error::Error;

use support::failed;
use tracing_audit::record::{Outcome, Slot};
use tracing_audit::testing::capture;
use tracing_audit::{Actor, audit};

#[test]
fn an_event_says_what_it_is_given() {
    let (id, bytes) = (7, 4096_u64);
    let captured = capture(|| {
        audit!(
            action = "document.delete",
            actor = "ana",
            actor.type = "service",
            resource = ("document", id),
            outcome = "denied",
            reason_code = "needs_role",
            changed = ["title", "body"],
            bytes,
            shape = ?("a", 1),
            "deleted {} of {id}", 1
        );
    });
    let record = captured.only();
    for (slot, text) in [
        (Slot::Event, "document.delete"),
        (Slot::Action, "document.delete"),
        (Slot::Category, "document"),
        (Slot::ActorId, "ana"),
        (Slot::ActorType, "service"),
        (Slot::ResourceType, "document"),
        (Slot::ResourceId, "7"),
        (Slot::Outcome, "denied"),
        (Slot::ReasonCode, "needs_role"),
        (Slot::Summary, "deleted 1 of 7"),
        (Slot::Level, "info"),
    ] {
        record.assert_has(slot, text);
    }
    record
        .assert_has(Slot::ChangedFields, vec!["title", "body"])
        .assert_attribute("bytes", 4096_u64)
        .assert_attribute("shape", "(\"a\", 1)");
    assert_eq!(record.map(Slot::Attributes).map(|map| map.len()), Some(2));
}

#[test]
fn a_name_with_a_dot_may_come_first() {
    let captured = capture(|| {
        audit!(actor.id = "ana", action = "login");
        audit!(actor.id = "ana", action = "login", "with a message");
        audit!(resource.id = 7, name = "login");
        audit!(
            label.team = "red",
            event = "login",
            level = "warn",
            target = "audit::auth"
        );
    });
    captured.count(4).with_event("login").count(4);
    captured.with_actor("ana").count(2);
    captured.with(Slot::ResourceId, "7").count(1);
    captured
        .with(Slot::Level, "warn")
        .with(Slot::Category, "auth")
        .count(1);
}

#[test]
fn values_are_shown_as_they_are_or_by_their_display_form() {
    let error: Box<dyn Error> = Box::new(failed("no"));
    let captured = capture(|| {
        audit!(
            action = "x",
            outcome = Outcome::Failure,
            error,
            tenant = Some("t-1"),
            session_id = None::<&str>,
            request_id = std::net::Ipv4Addr::LOCALHOST,
            size = 1.5,
            grade = 'A',
        );
    });
    captured
        .only()
        .assert_has(Slot::Outcome, "failure")
        .assert_has(Slot::ErrorMessage, "no")
        .assert_has(Slot::ErrorChain, vec!["no", "the disk is full"])
        .assert_has(Slot::ScopeTenant, "t-1")
        .assert_has(Slot::RequestId, "127.0.0.1")
        .assert_lacks(Slot::SessionId)
        .assert_attribute("size", 1.5)
        .assert_attribute("grade", "A");
}

#[test]
fn what_a_macro_of_the_applications_own_hands_on_is_as_if_it_were_written_there() {
    macro_rules! told {
        ($action:literal, $outcome:expr) => {{
            #[tracing_audit::audited(action = $action)]
            fn call() {}
            call();
            audit!(action = $action, outcome = $outcome);
        }};
    }
    let captured = capture(|| told!("document.read", "success"));
    captured
        .count(2)
        .with_event("document.read")
        .with(Slot::Category, "document")
        .with_outcome("success")
        .count(2);
}

#[test]
fn it_inherits_and_is_an_expression() {
    let told = |outcome: Option<&str>| match outcome {
        Some(outcome) => audit!(action = "inside", outcome = outcome),
        None => audit!(action = "inside"),
    };
    let captured = capture(|| {
        Actor::user("ana").sync_scope(|| {
            told(None);
            told(Some("success"));
        });
    });
    captured.count(2).with_actor("ana").count(2);
    captured.with_outcome("success").count(1);
}

#[test]
fn an_event_of_a_type_is_recorded_as_such() {
    use tracing_audit::record::AuditEvent;

    /// A document was removed.
    #[derive(AuditEvent)]
    #[audit(
        event = "document.delete",
        category = "document",
        action = "delete",
        level = "info",
        outcome = "success"
    )]
    struct DocumentDeleted {
        #[audit(slot = "resource.id", internal)]
        id: u64,
    }
    impl DocumentDeleted {
        /// Something else altogether.
        #[expect(dead_code, reason = "it is not what is meant")]
        fn record(&self) -> u64 {
            self.id
        }
    }
    let captured = capture(|| {
        let event = DocumentDeleted { id: 7 };
        audit!(event);
        audit!(&event);
        audit!(DocumentDeleted { id: 7 },);
    });
    captured
        .count(3)
        .with_event("document.delete")
        .with(Slot::ResourceId, "7")
        .with_outcome("success")
        .count(3);
}
