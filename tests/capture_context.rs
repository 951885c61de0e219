//! What a record inherits from spans: actor, tenant, session, labels; and what it may not inherit.

use tracing::{Span, field, info, info_span, instrument};
use tracing_audit::record::{Slot, Value};
use tracing_audit::testing::{Captured, Recording, capture};

fn label(captured: &Captured, event: &str, name: &str) -> Option<String> {
    let of_event = captured.with_event(event);
    let labels = of_event.only().map(Slot::Labels)?;
    Some(labels.get(name)?.as_str()?.to_owned())
}

#[test]
fn a_record_inherits_from_the_spans_around_it_and_the_nearest_wins() {
    let captured = capture(|| {
        let _outer = info_span!(
            target: "audit", "outer", actor.id = "alice", tenant = "t-1", session.id = "s-1",
            label.region = "eu", label.tier = "gold", action = "outermost", resource.id = 7, note = "mine"
        )
        .entered();
        let _plain = info_span!("plain", actor.id = "an ordinary span says nothing").entered();
        let _inner = info_span!(target: "audit", "inner", tenant = "t-2", label.tier = "silver").entered();
        info!(target: "audit", event = "x", session.id = "s-2");
    });
    captured
        .with_event("x")
        .only()
        .assert_has(Slot::ActorId, "alice")
        .assert_has(Slot::ScopeTenant, "t-2")
        .assert_has(Slot::SessionId, "s-2")
        .assert_has(Slot::Action, "x")
        .assert_lacks(Slot::ResourceId)
        .assert_lacks(Slot::Attributes)
        .assert_lacks(Slot::DurationNs);
    assert_eq!(label(&captured, "x", "region").as_deref(), Some("eu"));
    assert_eq!(label(&captured, "x", "tier").as_deref(), Some("silver"));
    captured
        .with_event("inner")
        .only()
        .assert_has(Slot::ActorId, "alice")
        .assert_has(Slot::ScopeTenant, "t-2")
        .assert_has(Slot::SessionId, "s-1")
        .assert_lacks(Slot::ResourceId);
    captured
        .with_event("outer")
        .only()
        .assert_has(Slot::ScopeTenant, "t-1")
        .assert_has(Slot::ResourceId, "7")
        .assert_attribute("note", "mine");
    assert_eq!(label(&captured, "outer", "tier").as_deref(), Some("gold"));
}

#[test]
fn a_value_that_is_recorded_later_counts_for_what_follows() {
    let captured = capture(|| {
        let span = info_span!(target: "audit", "span", actor.id = field::Empty, reason = field::Empty);
        let _entered = span.enter();
        info!(target: "audit", event = "before");
        span.record("actor.id", "alice");
        info!(target: "audit", event = "between");
        span.record("actor.id", "bob");
        span.record("reason", "because");
        info!(target: "audit", event = "after");
    });
    for (event, actor) in [
        ("before", "unknown"),
        ("between", "alice"),
        ("after", "bob"),
        ("span", "bob"),
    ] {
        captured.with_event(event).only().assert_has(Slot::ActorId, actor);
    }
    captured
        .with_event("span")
        .only()
        .assert_has(Slot::Reason, "because");
    captured.with_event("after").only().assert_lacks(Slot::Reason);
}

/// Of each round, three records inside with that round's actor.
fn assert_three_of_each(captured: &Captured) {
    let inside = captured.with_event("inside");
    inside.count(12);
    for (at, record) in inside.records().iter().enumerate() {
        record.assert_has(Slot::ActorId, format!("user-{}", at / 3));
    }
}

#[test]
fn what_is_recorded_on_another_thread_counts_for_the_next_record_however_many_there_were() {
    let captured = capture(|| {
        let span = info_span!(target: "audit", "span", actor.id = field::Empty, tenant = "t-1");
        let _entered = span.enter();
        for round in 0..4 {
            let actor = format!("user-{round}");
            let recorded = span.clone();
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            let recording = std::thread::spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || recorded.record("actor.id", actor.as_str()));
            });
            recording.join().unwrap();
            for _ in 0..3 {
                info!(target: "audit", event = "inside", round);
            }
        }
    });
    assert_three_of_each(&captured);
}

#[test]
fn a_span_opened_after_another_was_closed_does_not_hand_down_what_that_one_did() {
    let captured = capture(|| {
        for round in 0..4 {
            let span = info_span!(target: "audit", "span", actor.id = %format_args!("user-{round}"));
            let _entered = span.enter();
            for _ in 0..3 {
                info!(target: "audit", event = "inside", round);
            }
        }
    });
    assert_three_of_each(&captured);
}

#[test]
fn a_child_that_was_created_before_keeps_what_it_inherited() {
    let captured = capture(|| {
        let parent = info_span!(target: "audit", "parent", actor.id = "alice");
        let child = parent.in_scope(|| info_span!(target: "audit", "child"));
        parent.record("actor.id", "bob");
        child.in_scope(|| info!(target: "audit", event = "x"));
    });
    captured.with_event("x").only().assert_has(Slot::ActorId, "alice");
    captured
        .with_event("parent")
        .only()
        .assert_has(Slot::ActorId, "bob");
}

#[test]
fn an_explicit_parent_decides_whose_context_counts() {
    let captured = capture(|| {
        let other = info_span!(target: "audit", "other", actor.id = "bob");
        let plain = other.in_scope(|| info_span!("plain"));
        let _here = info_span!(target: "audit", "here", actor.id = "alice").entered();
        info!(target: "audit", event = "contextual");
        info!(target: "audit", parent: &other, event = "of another");
        info!(target: "audit", parent: &plain, event = "below another");
        info!(target: "audit", parent: None, event = "of nobody");
        drop(info_span!(target: "audit", parent: &other, "child of another"));
        drop(info_span!(target: "audit", parent: None, "child of nobody"));
        let below = info_span!(parent: &plain, "ordinary");
        below.in_scope(|| info!(target: "audit", event = "in an ordinary span of another"));
        let root = info_span!(parent: None, "ordinary root");
        root.in_scope(|| info!(target: "audit", event = "in a root"));
    });
    for (event, actor) in [
        ("contextual", "alice"),
        ("of another", "bob"),
        ("below another", "bob"),
        ("of nobody", "unknown"),
        ("child of another", "bob"),
        ("child of nobody", "unknown"),
        ("in an ordinary span of another", "bob"),
        ("in a root", "unknown"),
    ] {
        captured.with_event(event).only().assert_has(Slot::ActorId, actor);
    }
}

#[test]
fn a_span_that_is_entered_elsewhere_takes_its_own_context_along() {
    let recording = Recording::new();
    let span = recording.run(|| {
        let _outer = info_span!(target: "audit", "outer", actor.id = "alice").entered();
        info_span!("ordinary")
    });
    let dispatch = recording.dispatch().clone();
    let elsewhere = move || {
        let _bob = info_span!(target: "audit", "bob's", actor.id = "bob").entered();
        let _ordinary = span.entered();
        info!(target: "audit", event = "x");
    };
    let on_its_thread = move || tracing::dispatcher::with_default(&dispatch, elsewhere);
    std::thread::spawn(on_its_thread).join().unwrap();
    let captured = recording.captured();
    captured.with_event("x").only().assert_has(Slot::ActorId, "alice");
}

#[test]
fn guards_may_be_dropped_in_any_order() {
    let captured = capture(|| {
        let outer = info_span!(target: "audit", "outer", actor.id = "alice");
        let inner = info_span!(target: "audit", "inner", actor.id = "bob");
        let outer = outer.entered();
        let inner = inner.entered();
        drop(outer);
        info!(target: "audit", event = "in the inner one");
        drop(inner);
        info!(target: "audit", event = "outside");
    });
    captured
        .with_event("in the inner one")
        .only()
        .assert_has(Slot::ActorId, "bob");
    captured
        .with_event("outside")
        .only()
        .assert_has(Slot::ActorId, "unknown");
}

#[test]
fn a_span_becomes_a_record_only_when_its_last_child_is_gone() {
    let recording = Recording::new();
    recording.run(|| {
        let parent = info_span!(target: "audit", "parent");
        let child = parent.in_scope(|| info_span!("ordinary child"));
        drop(parent);
        assert!(recording.captured().is_empty());
        drop(child);
    });
    recording.captured().with_event("parent").count(1);
}

#[instrument(
    name = "request",
    fields(
        user = "alice",
        tenant = "t-1",
        path = "/x",
        password = "hunter2",
        attempt = 3
    )
)]
fn lends() {
    info!(target: "audit", event = "lent", path = "/mine");
    drop(info_span!(target: "audit", "span"));
    let _inner = info_span!("inner", user = field::Empty).entered();
    Span::current().record("user", "bob");
    info!(target: "audit", event = "recorded");
}

#[test]
fn ordinary_spans_lend_only_the_fields_that_were_named() {
    let recording = Recording::with(|audit| {
        let names = ["user", "tenant", "path", "password", "action"];
        names.into_iter().fold(audit, |audit, name| audit.lend(name))
    });
    recording.run(lends);
    recording.run(|| {
        let _span = info_span!("request", action = "an ordinary span's").entered();
        info!(target: "audit", event = "not overwritten");
    });
    let captured = recording.captured();
    captured
        .with_event("lent")
        .only()
        .assert_has(Slot::ScopeTenant, "t-1")
        .assert_attribute("user", "alice")
        .assert_attribute("path", "/mine")
        .assert_attribute("password", "[REDACTED:secret]")
        .assert_hides("hunter2");
    assert_eq!(captured.with_event("lent").only().attribute("attempt"), None);
    captured
        .with_event("span")
        .only()
        .assert_attribute("user", "alice");
    captured
        .with_event("recorded")
        .only()
        .assert_attribute("user", "bob");
    captured
        .with_event("not overwritten")
        .only()
        .assert_has(Slot::Action, "not overwritten")
        .assert_attribute("action", "an ordinary span's");
    // Only the audit spans and events are records.
    captured.count(4);
}

#[test]
fn a_record_given_as_a_value_inherits_as_well() {
    use tracing_audit::record::Record;
    let recording = Recording::new();
    recording.run(|| {
        let _span = info_span!(target: "audit", "span", actor.id = "alice", tenant = "t-1").entered();
        let emit = |record: Record| recording.audit().emit(record).unwrap();
        emit(Record::builder("inherits").build());
        emit(Record::builder("names").actor("user", "bob").build());
    });
    let captured = recording.captured();
    captured
        .with_event("inherits")
        .only()
        .assert_has(Slot::ActorId, "alice")
        .assert_has(Slot::ScopeTenant, "t-1");
    captured
        .with_event("names")
        .only()
        .assert_has(Slot::ActorId, "bob");
}

#[test]
fn two_trails_in_one_process_do_not_share_contexts() {
    let (first, second) = (Recording::new(), Recording::new());
    let span = first.run(|| info_span!(target: "audit", "span", actor.id = "alice"));
    first.run(|| {
        let _entered = span.enter();
        second.run(|| info!(target: "audit", event = "x"));
    });
    second.captured().only().assert_has(Slot::ActorId, "unknown");
}

#[test]
fn correlation_is_the_trace_unless_the_caller_says_otherwise() {
    let captured = capture(|| {
        let _span = info_span!(target: "audit", "span").entered();
        info!(target: "audit", event = "by trace");
        info!(target: "audit", event = "by caller", correlation_id = "c-1");
    });
    let by_trace = captured.with_event("by trace");
    let trace = by_trace.only().text(Slot::TraceId).unwrap();
    assert_eq!(by_trace.only().correlation_id(), Some(trace));
    let by_caller = captured.with_event("by caller");
    assert_eq!(by_caller.only().correlation_id(), Some("c-1"));
    by_caller.only().assert_has(Slot::TraceId, Value::from(trace));
}

#[test]
fn an_actor_named_further_inside_is_not_given_the_rights_of_the_one_outside() {
    use tracing_audit::Actor;
    use tracing_audit::record::Record;
    let recording = Recording::new();
    recording.run(|| {
        Actor::user("alice").role("admin").ip("203.0.113.7").sync_scope(|| {
            info!(target: "audit", event = "alice", actor.id = "alice");
            info!(target: "audit", event = "bob", actor.id = "bob");
            let span = info_span!(target: "audit", "span", action = "act", actor.id = "carol", actor.roles = "guest");
            span.in_scope(|| info!(target: "audit", event = "carol"));
            drop(span);
            Actor::user("dave").sync_scope(|| info!(target: "audit", event = "dave"));
            recording.audit().emit(Record::builder("erin").actor("user", "erin").build()).unwrap();
        });
    });
    let captured = recording.captured();
    for event in ["bob", "dave", "erin"] {
        let records = captured.with_event(event);
        records
            .only()
            .assert_lacks(Slot::ActorRoles)
            .assert_lacks(Slot::ActorIp);
    }
    let roles = |event: &str| {
        captured
            .with_event(event)
            .only()
            .texts(Slot::ActorRoles)
            .map(|roles| roles.join(","))
    };
    assert_eq!(
        roles("alice").as_deref(),
        Some("admin"),
        "the same actor, named again"
    );
    assert_eq!(
        roles("carol").as_deref(),
        Some("guest"),
        "inherited from the span that names carol"
    );
    assert_eq!(roles("span").as_deref(), Some("guest"));
}
