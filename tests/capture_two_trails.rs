//! Two trails in one process: what one of them knows by its own policy is not told to the other.

use tracing::{info, info_span};
use tracing_audit::record::Slot;
use tracing_audit::redact::{Action, Alphabet, Pattern, Policy};
use tracing_audit::testing::{CapturedRecord, Recording};
use tracing_audit::{Actor, AuditContext, AuditedExt, CurrentContext, WithContext};

/// What the context of a span of the first trail, opened under the second one, makes of a record and a span there.
fn under_the_second(make: impl FnOnce() -> CurrentContext) -> (Recording, Vec<CapturedRecord>) {
    let (first, second) = (Recording::new(), Recording::new());
    let context = first.run(make);
    second.run(|| {
        context.sync_scope(|| {
            info!(target: "audit", event = "event");
            drop(info_span!(target: "audit", "span"));
            drop(info_span!(target: "audit", "named", actor.id = "dave"));
        });
    });
    let captured = second.captured();
    captured.count(3);
    let records = captured.records().to_vec();
    (second, records)
}

#[test]
fn what_a_span_of_one_trail_hands_down_is_unknown_to_the_other_and_counted_there() {
    let (second, records) = under_the_second(|| {
        let span =
            info_span!(target: "audit", "request", actor.id = "bob", actor.type = "user", session.id = "s-1");
        span.in_scope(CurrentContext::capture)
    });
    for record in &records {
        let is_named = record.record().event() == "named";
        record
            .assert_has(Slot::ActorId, if is_named { "dave" } else { "unknown" })
            .assert_lacks(Slot::ActorType)
            .assert_lacks(Slot::SessionId);
    }
    assert_eq!(second.audit().stats().missing_actor, 2);
}

#[test]
fn where_the_second_trail_requires_an_actor_one_that_only_the_first_knows_is_none() {
    let first = Recording::new();
    let second = Recording::with(|audit| audit.require_actor(true));
    let span = || info_span!(target: "audit", "request", actor.id = "bob");
    let context = first.run(|| span().in_scope(CurrentContext::capture));
    second.run(|| context.sync_scope(|| info!(target: "audit", event = "event")));
    second.captured().none();
    assert_eq!(second.audit().stats().lost_policy, 1);
}

#[test]
fn an_actor_that_only_the_first_trail_knows_is_not_taken_for_the_one_outside() {
    let (second, records) = under_the_second(|| {
        // The span names somebody else than the scope around it: neither may be claimed by the second trail.
        Actor::user("alice").role("admin").sync_scope(|| {
            let span = info_span!("plain");
            let request = info_span!(target: "audit", "request", actor.id = "bob");
            span.in_scope(|| request.in_scope(CurrentContext::capture))
        })
    });
    for record in &records {
        record
            .assert_hides("alice")
            .assert_hides("bob")
            .assert_lacks(Slot::ActorRoles);
    }
    assert_eq!(second.audit().stats().missing_actor, 2);
}

#[test]
fn an_actor_that_only_the_first_trail_knows_is_not_taken_for_one_whom_the_second_knows_further_outside() {
    let (first, second) = (Recording::new(), Recording::new());
    let capture = || {
        let request = info_span!(target: "audit", "request", actor.id = "bob");
        request.in_scope(CurrentContext::capture)
    };
    second.run(|| {
        Actor::user("carol").role("admin").sync_scope(|| {
            first.run(capture).sync_scope(|| {
                info!(target: "audit", event = "in a scope");
                drop(info_span!(target: "audit", "span in a scope"));
                Actor::user("erin").sync_scope(|| info!(target: "audit", event = "named again"));
            });
        });
        let made = first.run(capture).sync_scope(|| info_span!("made in a scope"));
        Actor::user("carol")
            .sync_scope(|| made.in_scope(|| info!(target: "audit", event = "in a span made there")));
        let _outer =
            info_span!(target: "audit", "outer", actor.id = "carol", actor.roles = "admin").entered();
        first
            .run(capture)
            .sync_scope(|| info!(target: "audit", event = "in a span"));
    });
    let captured = second.captured();
    for event in [
        "in a scope",
        "span in a scope",
        "in a span made there",
        "in a span",
    ] {
        captured
            .with_event(event)
            .only()
            .assert_has(Slot::ActorId, "unknown")
            .assert_lacks(Slot::ActorType)
            .assert_lacks(Slot::ActorRoles);
    }
    captured
        .with_event("named again")
        .only()
        .assert_has(Slot::ActorId, "erin")
        .assert_lacks(Slot::ActorRoles);
    captured
        .with_event("outer")
        .only()
        .assert_has(Slot::ActorId, "carol");
}

#[test]
fn a_scope_is_carried_to_the_other_trail_and_redacted_by_that_trails_policy() {
    let first = Recording::new();
    let second =
        Recording::with(|audit| audit.policy(Policy::balanced().field("session.id", Action::Marker)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let future = first.run(|| {
        AuditContext::new()
            .actor(Actor::user("alice"))
            .session_id("s-1")
            .sync_scope(|| async { info!(target: "audit", event = "event") }.with_current_actor())
    });
    second.run(|| runtime.block_on(future));
    second
        .captured()
        .only()
        .assert_has(Slot::ActorId, "alice")
        .assert_has(Slot::SessionId, "[REDACTED]");
}

#[test]
fn a_span_of_the_first_trail_without_an_actor_leaves_the_scope_around_it_to_the_second() {
    let (first, second) = (Recording::new(), Recording::new());
    let context = first.run(|| {
        let request = info_span!(target: "audit", "request", session.id = "s-1");
        Actor::user("alice").sync_scope(|| request.in_scope(CurrentContext::capture))
    });
    second.run(|| context.sync_scope(|| info!(target: "audit", event = "event")));
    second
        .captured()
        .only()
        .assert_has(Slot::ActorId, "alice")
        .assert_lacks(Slot::SessionId);
}

#[test]
fn a_context_goes_from_one_stack_of_a_trail_to_another_stack_of_it_whole() {
    let recording = Recording::new();
    let other: tracing::Dispatch = tracing_subscriber::registry().audited(recording.audit()).into();
    let context = recording.run(|| {
        let request = info_span!(target: "audit", "request", actor.id = "bob", session.id = "s-1");
        request.in_scope(CurrentContext::capture)
    });
    tracing::dispatcher::with_default(&other, || {
        context.sync_scope(|| info!(target: "audit", event = "event"));
    });
    recording
        .captured()
        .with_event("event")
        .only()
        .assert_has(Slot::ActorId, "bob")
        .assert_has(Slot::SessionId, "s-1");
}

#[test]
fn a_text_that_passed_one_trails_patterns_has_not_passed_those_of_another() {
    let with = |literal: &str| {
        let pattern = Pattern::literal("own", literal, Alphabet::Digits, 6..=6);
        let policy = Policy::balanced().pattern(pattern).unwrap();
        Recording::with(|audit| audit.policy(policy))
    };
    let (first, second) = (with("acme-"), with("umbrella-"));
    let report = || info!(target: "audit", event = "paid", note = "by umbrella-123456");
    (0..3).for_each(|_| first.run(report));
    second.run(report);
    let records = first.captured();
    records.records()[2].assert_attribute("note", "by umbrella-123456");
    let record = second.captured();
    record.only().assert_attribute("note", "by [REDACTED:secret]");
}
