//! Who acts: actor scopes around, inside and between spans, over threads and tasks. The innermost wins.

use std::sync::Arc;

use tokio::sync::Barrier;
use tracing::instrument::{Instrument, WithSubscriber};
use tracing::{info, info_span, instrument};
use tracing_audit::record::{ActorType, Slot};
use tracing_audit::testing::{CapturedRecord, Recording, capture};
use tracing_audit::{Actor, AuditContext, AuditedExt, CurrentContext, WithContext};

#[test]
fn every_record_inside_a_scope_names_its_actor() {
    let captured = capture(|| {
        Actor::user("alice")
            .role("editor")
            .role("reviewer")
            .ip("203.0.113.77")
            .user_agent("curl/8")
            .sync_scope(|| {
                info!(target: "audit", event = "inside");
                drop(info_span!(target: "audit", "span"));
            });
        info!(target: "audit", event = "after");
    });
    for event in ["inside", "span"] {
        captured
            .with_event(event)
            .only()
            .assert_has(Slot::ActorId, "alice")
            .assert_has(Slot::ActorType, "user")
            .assert_has(Slot::ActorRoles, vec!["editor", "reviewer"])
            .assert_has(Slot::ActorIp, "203.0.113.0")
            .assert_has(Slot::ActorIpPrefixLen, 24_u64)
            .assert_has(Slot::ActorUserAgent, "curl/8");
    }
    captured
        .with_event("after")
        .only()
        .assert_has(Slot::ActorId, "unknown")
        .assert_lacks(Slot::ActorRoles);
}

#[test]
fn each_kind_of_actor_says_what_it_is() {
    let captured = capture(|| {
        for actor in [
            Actor::system(),
            Actor::service("billing"),
            Actor::agent("a-1"),
            Actor::new(&ActorType::from("robot"), "r2"),
        ] {
            actor.sync_scope(|| info!(target: "audit", event = "x"));
        }
    });
    let found: Vec<_> = captured
        .records()
        .iter()
        .map(|record| (record.text(Slot::ActorType), record.text(Slot::ActorId)))
        .collect();
    let expected = [
        ("system", "system"),
        ("service", "service-billing"),
        ("agent", "a-1"),
        ("robot", "r2"),
    ];
    assert_eq!(found, expected.map(|(kind, id)| (Some(kind), Some(id))));
}

#[test]
fn a_scope_reaches_through_ordinary_spans() {
    let captured = capture(|| {
        Actor::user("alice").sync_scope(|| {
            let _handler = info_span!("handler").entered();
            info!(target: "audit", event = "one deep");
            let _query = info_span!("query").entered();
            info!(target: "audit", event = "two deep");
            drop(info_span!(target: "audit", "span"));
        });
    });
    assert_eq!(captured.count(3).with_actor("alice").len(), 3, "{captured:?}");
}

#[test]
fn a_scope_reaches_into_a_span_that_was_created_outside_of_it() {
    let captured = capture(|| {
        let request = info_span!("request");
        let job = info_span!(target: "audit", "job");
        Actor::user("alice").sync_scope(|| {
            request.in_scope(|| info!(target: "audit", event = "in an ordinary span"));
            job.in_scope(|| info!(target: "audit", event = "in an audit span"));
        });
    });
    for event in ["in an ordinary span", "in an audit span"] {
        captured
            .with_event(event)
            .only()
            .assert_has(Slot::ActorId, "alice");
    }
    // The span began when nobody acted.
    captured
        .with_event("job")
        .only()
        .assert_has(Slot::ActorId, "unknown");
}

#[test]
fn a_span_keeps_the_scope_that_it_was_created_in() {
    let captured = capture(|| {
        let make = || (info_span!("request"), info_span!(target: "audit", "job"));
        let (request, job) = Actor::user("alice").sync_scope(make);
        request.in_scope(|| info!(target: "audit", event = "later in the request"));
        job.in_scope(|| info!(target: "audit", event = "later in the job"));
    });
    assert_eq!(captured.count(3).with_actor("alice").len(), 3, "{captured:?}");
}

#[test]
fn of_a_scope_and_a_span_the_inner_one_names_the_actor() {
    let captured = capture(|| {
        Actor::user("alice").sync_scope(|| {
            let _bob = info_span!(target: "audit", "bob's", actor.id = "bob").entered();
            info!(target: "audit", event = "a span inside a scope");
            Actor::user("carol").sync_scope(|| {
                info!(target: "audit", event = "a scope inside that span");
                let _plain = info_span!("plain").entered();
                info!(target: "audit", event = "an ordinary span inside that scope");
                info!(target: "audit", event = "named by itself", actor.id = "dave");
                Actor::user("erin").sync_scope(|| info!(target: "audit", event = "a scope inside a scope"));
            });
            info!(target: "audit", event = "the span again");
        });
    });
    for (event, actor) in [
        ("a span inside a scope", "bob"),
        ("bob's", "bob"),
        ("a scope inside that span", "carol"),
        ("an ordinary span inside that scope", "carol"),
        ("named by itself", "dave"),
        ("a scope inside a scope", "erin"),
        ("the span again", "bob"),
    ] {
        captured.with_event(event).only().assert_has(Slot::ActorId, actor);
    }
}

#[test]
fn a_span_without_an_actor_does_not_hide_the_scope_that_surrounds_its_use() {
    let captured = capture(|| {
        let span = Actor::user("alice").sync_scope(|| info_span!("plain"));
        Actor::user("bob").sync_scope(|| {
            // Whoever made the span is nearer than whoever happens to run it.
            span.in_scope(|| info!(target: "audit", event = "alice's span in bob's scope"));
            let tenant = info_span!(target: "audit", "tenant's", tenant = "t-1");
            tenant.in_scope(|| info!(target: "audit", event = "a tenant's span"));
        });
    });
    captured
        .with_event("alice's span in bob's scope")
        .only()
        .assert_has(Slot::ActorId, "alice");
    captured
        .with_event("a tenant's span")
        .only()
        .assert_has(Slot::ActorId, "bob")
        .assert_has(Slot::ScopeTenant, "t-1");
}

#[test]
fn a_panic_leaves_its_scope() {
    let captured = capture(|| {
        let inside = || Actor::user("alice").sync_scope(|| panic!("on purpose"));
        assert!(std::panic::catch_unwind(inside).is_err());
        info!(target: "audit", event = "after");
    });
    captured.only().assert_has(Slot::ActorId, "unknown");
}

#[test]
fn a_context_hands_down_all_that_it_was_given() {
    let captured = capture(|| {
        AuditContext::new()
            .actor(Actor::user("alice").role("editor"))
            .tenant("t-1")
            .feature("search")
            .environment("production")
            .session_id("s-1")
            .request_id("r-1")
            .correlation_id("c-1")
            .conversation_id("v-1")
            .source("web")
            .label("region", "eu")
            .set(Slot::AgentId, "agent-7")
            .set(Slot::Action, "not inherited")
            .sync_scope(|| info!(target: "audit", event = "x"));
    });
    captured
        .only()
        .assert_has(Slot::ActorId, "alice")
        .assert_has(Slot::ActorRoles, vec!["editor"])
        .assert_has(Slot::ScopeTenant, "t-1")
        .assert_has(Slot::ScopeFeature, "search")
        .assert_has(Slot::ScopeEnvironment, "production")
        .assert_has(Slot::SessionId, "s-1")
        .assert_has(Slot::RequestId, "r-1")
        .assert_has(Slot::CorrelationId, "c-1")
        .assert_has(Slot::ConversationId, "v-1")
        .assert_has(Slot::Source, "web")
        .assert_has(Slot::AgentId, "agent-7")
        .assert_has(Slot::Action, "x")
        .assert_attribute("action", "not inherited");
    let labels = captured.only().map(Slot::Labels).unwrap();
    assert_eq!(labels.get("region").and_then(|label| label.as_str()), Some("eu"));
}

#[instrument(target = "audit", skip_all, fields(action = "work"))]
async fn work(name: &'static str, barrier: &Barrier) {
    info!(target: "audit", event = "before", actor.peer = name);
    barrier.wait().await;
    tokio::task::yield_now().await;
    let _query = info_span!("query").entered();
    info!(target: "audit", event = "after", actor.peer = name);
}

#[test]
fn tasks_that_take_turns_on_several_threads_keep_their_own_actors() {
    const TASKS: usize = 16;
    let names: Vec<&'static str> = (0..TASKS).map(|n| &*format!("user-{n}").leak()).collect();
    let recording = Recording::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    let barrier = Arc::new(Barrier::new(TASKS));
    let spawn = |name: &&'static str| {
        let (name, barrier) = (*name, Arc::clone(&barrier));
        let task = async move {
            let handler = info_span!("handler");
            work(name, &barrier).instrument(handler).await;
        };
        runtime.spawn(
            Actor::user(name)
                .scope(task)
                .with_subscriber(recording.dispatch().clone()),
        )
    };
    let tasks: Vec<_> = names.iter().map(spawn).collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    let captured = recording.captured();
    captured.count(3 * TASKS);
    for name in names {
        let own = captured.with_actor(name);
        own.count(3);
        assert_eq!(own.with(Slot::ActorPeer, name).len(), 2, "{own:?}");
    }
}

#[test]
fn a_spawned_task_takes_the_current_actor_along() {
    let recording = Recording::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let dispatch = recording.dispatch().clone();
    let parent = async move {
        let with = async { info!(target: "audit", event = "with") }.with_current_actor();
        let without = async { info!(target: "audit", event = "without") };
        tokio::spawn(with.with_subscriber(dispatch.clone()))
            .await
            .unwrap();
        tokio::spawn(without.with_subscriber(dispatch)).await.unwrap();
    };
    runtime.block_on(Actor::user("alice").scope(parent));
    let captured = recording.captured();
    captured
        .with_event("with")
        .only()
        .assert_has(Slot::ActorId, "alice");
    captured
        .with_event("without")
        .only()
        .assert_has(Slot::ActorId, "unknown");
}

#[test]
fn a_context_is_carried_to_another_thread() {
    let recording = Recording::new();
    let dispatch = recording.dispatch().clone();
    recording.run(|| {
        let thread = Actor::user("alice").sync_scope(|| {
            let context = CurrentContext::capture();
            std::thread::spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    context
                        .clone()
                        .sync_scope(|| info!(target: "audit", event = "carried"));
                    info!(target: "audit", event = "not carried");
                });
            })
        });
        thread.join().unwrap();
        CurrentContext::capture().sync_scope(|| info!(target: "audit", event = "carried nothing"));
    });
    let captured = recording.captured();
    captured
        .with_event("carried")
        .only()
        .assert_has(Slot::ActorId, "alice");
    for event in ["not carried", "carried nothing"] {
        captured
            .with_event(event)
            .only()
            .assert_has(Slot::ActorId, "unknown");
    }
}

#[test]
fn nested_contexts_are_carried_whole() {
    let captured = capture(|| {
        AuditContext::new().tenant("t-1").sync_scope(|| {
            Actor::user("alice").sync_scope(|| {
                let context = CurrentContext::capture();
                info!(target: "audit", event = "here");
                let elsewhere = || context.sync_scope(|| info!(target: "audit", event = "elsewhere"));
                std::thread::scope(|scope| {
                    let dispatch = tracing::dispatcher::get_default(Clone::clone);
                    let run = move || tracing::dispatcher::with_default(&dispatch, elsewhere);
                    scope.spawn(run).join().unwrap();
                });
            });
        });
    });
    for event in ["here", "elsewhere"] {
        captured
            .with_event(event)
            .only()
            .assert_has(Slot::ActorId, "alice")
            .assert_has(Slot::ScopeTenant, "t-1");
    }
}

#[test]
fn what_an_audit_span_hands_down_is_carried_too() {
    let captured = capture(|| {
        Actor::user("alice").sync_scope(|| {
            let span = info_span!(target: "audit", "impersonate", actor.id = "bob", session.id = "s-1");
            let context = span.in_scope(CurrentContext::capture);
            context.sync_scope(|| {
                info!(target: "audit", event = "elsewhere");
                drop(info_span!(target: "audit", "child"));
            });
        });
    });
    for event in ["elsewhere", "child"] {
        captured
            .with_event(event)
            .only()
            .assert_has(Slot::ActorId, "bob")
            .assert_has(Slot::SessionId, "s-1");
    }
    let parent = captured.with_event("impersonate");
    let id = parent.only().text(Slot::SpanId).unwrap();
    let child = captured.with_event("child");
    child.only().assert_has(Slot::ParentSpanId, id);
}

#[test]
fn where_there_is_nothing_around_nothing_is_carried_though_a_span_has_lent() {
    // Around a registry without layers, where a place of the table is not asked for by every span.
    let recording = Recording::with(|audit| audit.lend("actor.id"));
    let stack = tracing_subscriber::registry().audited(recording.audit());
    tracing::subscriber::with_default(stack, || {
        for lent in ["bob", "carol"] {
            drop(info_span!("job", actor.id = lent));
            drop(info_span!(parent: None, "linked"));
            CurrentContext::capture().sync_scope(|| info!(target: "audit", event = "outside"));
            let inside = info_span!("job", actor.id = lent).in_scope(CurrentContext::capture);
            inside.sync_scope(|| info!(target: "audit", event = "inside"));
        }
    });
    let captured = recording.captured();
    let actors = |event| {
        let records = captured.with_event(event);
        let actor = |record: &CapturedRecord| record.text(Slot::ActorId).map(str::to_owned);
        records.records().iter().map(actor).collect::<Vec<_>>()
    };
    let named = |names: [&str; 2]| names.map(|name| Some(name.to_owned()));
    assert_eq!(actors("outside"), named(["unknown", "unknown"]));
    assert_eq!(actors("inside"), named(["bob", "carol"]));
}

#[test]
fn two_trails_redact_one_scope_by_their_own_policies() {
    use tracing_audit::redact::{Action, Policy};
    let open = Recording::new();
    let strict = Recording::with(|audit| {
        audit.policy(
            Policy::balanced()
                .field("session.id", Action::Marker)
                .field("session_id", Action::Marker),
        )
    });
    AuditContext::new().session_id("s-1").sync_scope(|| {
        for recording in [&open, &strict] {
            recording.run(|| info!(target: "audit", event = "x"));
        }
    });
    open.captured().only().assert_has(Slot::SessionId, "s-1");
    strict.captured().only().assert_has(Slot::SessionId, "[REDACTED]");
    let redacted = [&open, &strict].map(|recording| recording.audit().stats().redacted);
    assert_eq!(redacted, [0, 1]);
}
