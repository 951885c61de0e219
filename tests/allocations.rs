//! What recording costs the caller's thread in allocations: nothing, after its first event.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/torture.rs"]
mod torture;

use std::fmt::Debug;

use counting::allocations;
use torture::{PATIENCE, trail_with};
use tracing::{Dispatch, info, info_span, instrument};
use tracing_audit::config::Stream;
use tracing_audit::{Actor, Audit, AuditContext, AuditedExt};
use tracing_subscriber::layer::Identity;
use tracing_subscriber::prelude::*;

#[derive(Debug)]
#[expect(dead_code, reason = "read by Debug")]
struct Document {
    id: u64,
    title: &'static str,
    tags: [&'static str; 3],
    owner: Option<Owner>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "read by Debug")]
struct Owner {
    name: &'static str,
    shares: (u32, f64),
}

const DOCUMENT: Document = Document {
    id: 7,
    title: "quarterly report",
    tags: ["finance", "internal", "2026"],
    owner: Some(Owner {
        name: "u-17",
        shares: (3, 0.5),
    }),
};

fn ten_fields(n: u64) {
    info!(
        target: "audit", action = "document.delete", resource.type = "document", resource.id = n, outcome = "success",
        reason = "asked for", bytes = 4_096_u64, ratio = 0.25, flag = true, negative = -5_i64, name = %"report",
        "deleted {n}"
    );
}

fn debug_struct() {
    info!(target: "audit", document = ?DOCUMENT, again = ?&DOCUMENT as &dyn Debug, "with a struct {:?}", DOCUMENT.tags);
}

fn kibibyte() {
    static TEXT: [u8; 1024] = [b'x'; 1024];
    let text = std::str::from_utf8(&TEXT).expect("it is ASCII");
    info!(target: "audit", text, "with 1 KiB");
}

#[instrument(target = "audit", fields(resource.type = "document", resource.id = id), ret, err)]
fn instrumented(id: u64) -> Result<u64, String> {
    ten_fields(id);
    Ok(id)
}

/// Two spans, an event, and both spans' ends.
fn operation(n: u64) {
    let request = info_span!(target: "audit", "request", actor.id = "u-17", tenant = "t-1", request_id = n);
    let _inside = request.enter();
    let step = info_span!(target: "audit", "step", resource.type = "document", resource.id = n, late = tracing::field::Empty);
    let _deeper = step.enter();
    ten_fields(n);
    step.record("late", n);
}

fn lent(n: u64) {
    let request = info_span!(target: "app", "request", actor.id = "u-17", request_id = n, other = 1);
    let _inside = request.enter();
    let step = info_span!(target: "app", "step", tenant = "t-1");
    let _deeper = step.enter();
    ten_fields(n);
}

/// Runs `work` on a fresh thread: once, and then often, counting.
fn steady(audit: &Audit, dispatch: &Dispatch, name: &str, work: fn(u64)) {
    let (audit, dispatch) = (audit.clone(), dispatch.clone());
    let count = std::thread::spawn(move || {
        tracing::dispatcher::with_default(&dispatch, || {
            work(0);
            let mut count = 0;
            for n in 1..=1_000 {
                count += allocations(|| work(n));
                if n % 200 == 0 {
                    // The queue is not what is measured; the pool's buffers come back.
                    audit.flush(PATIENCE).expect("a memory sink takes everything");
                }
            }
            count
        })
    });
    assert_eq!(count.join().expect("the work does not panic"), 0, "{name}");
}

fn forms(audit: &Audit) -> [(&'static str, Dispatch); 4] {
    let beside = tracing_subscriber::registry().with(Identity::new());
    [
        ("wrapper", tracing_subscriber::registry().audited(audit).into()),
        ("wrapper around a layer", beside.audited(audit).into()),
        ("layer", tracing_subscriber::registry().with(audit.layer()).into()),
        (
            "shell",
            tracing_subscriber::registry().with(audit.filter_shell()).into(),
        ),
    ]
}

#[cfg(feature = "derive")]
mod short_forms {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use tracing_audit::{audit, audited};

    use super::ten_fields;

    #[audited(action = "document.delete", resource = ("document", id), changed = ["title", "body"])]
    pub(super) fn audited(id: u64) -> Result<u64, std::fmt::Error> {
        ten_fields(id);
        Ok(id)
    }

    #[audited(action = "document.fetch", resource = ("document", id), denied = |_| false)]
    async fn fetch(id: u64) -> Result<u64, std::fmt::Error> {
        let mut is_first = true;
        std::future::poll_fn(|_| match std::mem::take(&mut is_first) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
        ten_fields(id);
        Ok(id)
    }

    /// A future that is polled to its end.
    pub(super) fn awaited(id: u64) {
        let mut fetching = pin!(fetch(id));
        let context = &mut Context::from_waker(Waker::noop());
        assert!(fetching.as_mut().poll(context).is_pending());
        assert_eq!(fetching.poll(context), Poll::Ready(Ok(id)));
    }

    /// A future that is dropped before its end.
    pub(super) fn cancelled(id: u64) {
        let mut fetching = pin!(fetch(id));
        assert!(
            fetching
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }

    pub(super) fn event(n: u64) {
        audit!(
            action = "document.delete",
            actor.id = "u-17",
            resource = ("document", n),
            outcome = "success",
            "deleted {n}"
        );
    }
}

type Work = (&'static str, fn(u64));

const WORK: &[Work] = &[
    #[cfg(feature = "derive")]
    ("an audited function", |n| {
        assert!(short_forms::audited(n).is_ok())
    }),
    #[cfg(feature = "derive")]
    ("an audited future", short_forms::awaited),
    #[cfg(feature = "derive")]
    ("an audited future that is cancelled", short_forms::cancelled),
    #[cfg(feature = "derive")]
    ("an event of audit!", short_forms::event),
    ("ten fields", ten_fields),
    ("two audit spans, an event and their ends", operation),
    ("an event inside two spans that lend", lent),
    ("an instrumented function", |n| drop(instrumented(n))),
    ("structs by Debug", |_| debug_struct()),
    ("structs by Debug inside two spans", |n| {
        let _outer = info_span!(target: "audit", "outer", document = ?DOCUMENT).entered();
        let _inner = info_span!(target: "audit", "inner", n).entered();
        debug_struct();
    }),
    ("strings of 1 KiB", |_| kibibyte()),
    ("strings of 1 KiB inside two spans", |n| {
        let _outer = info_span!(target: "audit", "outer", actor.id = "u-17").entered();
        let _inner = info_span!(target: "audit", "inner", n).entered();
        kibibyte();
    }),
];

#[test]
fn after_its_first_event_a_thread_allocates_nothing() {
    let (audit, sink) = trail_with(|builder| builder.lend("actor.id").lend("request_id").lend("tenant"));
    for (form, dispatch) in forms(&audit) {
        for (name, work) in WORK {
            steady(&audit, &dispatch, &format!("{form}: {name}"), *work);
            sink.clear();
        }
    }
    assert_eq!(audit.stats().pool_empty, 0);
    assert_eq!(audit.stats().large_frames, 0);
}

#[test]
fn where_rules_say_the_stream_of_a_record_a_thread_allocates_nothing_either() {
    let (audit, sink) = trail_with(|builder| {
        let builder = builder.stream_beside(Stream::named("side")).stream_of_pii("side");
        builder
            .stream_of_category("document", "side")
            .stream_of_event("*.late", "main")
    });
    let [(form, dispatch), ..] = forms(&audit);
    for (name, work) in WORK {
        steady(&audit, &dispatch, &format!("{form}: {name}"), *work);
        sink.clear();
    }
    let [main, side] = audit.streams().try_into().expect("there are two");
    assert!(main.stats().taken > 1_000 && side.stats().taken > 1_000);
    assert_eq!(audit.stats().pool_empty, 0);
}

#[test]
fn inside_an_actors_scope_a_thread_allocates_nothing_either() {
    let (audit, sink) = trail_with(|builder| builder);
    let context = AuditContext::new()
        .actor(Actor::user("u-17").role("admin").ip("203.0.113.9"))
        .tenant("t-1");
    for (form, dispatch) in forms(&audit) {
        for (name, work) in WORK {
            let scope = context.clone();
            let (audit, dispatch) = (audit.clone(), dispatch.clone());
            let count = std::thread::spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    scope.sync_scope(|| {
                        work(0);
                        let count = (1..=500).map(|n| allocations(|| work(n))).sum::<u64>();
                        audit.flush(PATIENCE).expect("a memory sink takes everything");
                        count
                    })
                })
            });
            assert_eq!(
                count.join().expect("the work does not panic"),
                0,
                "{form}: {name}"
            );
            sink.clear();
        }
    }
}

#[test]
fn spans_in_places_that_no_span_has_been_in_allocate_nothing_up_to_the_reserve() {
    let (audit, _) = trail_with(|builder| builder);
    let dispatch: Dispatch = tracing_subscriber::registry().audited(&audit).into();
    let count = std::thread::spawn(move || {
        // What the registry itself allocates for its slots comes first, through ordinary spans.
        tracing::dispatcher::with_default(&dispatch, || {
            let ordinary: Vec<_> = (0..40).map(|_| info_span!(target: "app", "ordinary")).collect();
            drop(ordinary);
            let make = |n: u64| info_span!(target: "audit", "open", n, actor.id = "u-17");
            drop(make(0));
            let mut open = Vec::with_capacity(30);
            allocations(|| {
                open.extend((0..30).map(make));
                open.clear();
            })
        })
    });
    assert_eq!(count.join().expect("the work does not panic"), 0);
}

/// An event with a field of each kind that needs no copy.
#[cfg(feature = "derive")]
#[derive(tracing_audit::record::AuditEvent)]
#[audit(
    event = "document.delete",
    category = "document",
    action = "delete",
    level = "info",
    outcome = "success"
)]
struct Typed<'a> {
    #[audit(slot = "actor.id", internal)]
    actor: u64,
    #[audit(slot = "actor.roles", internal)]
    roles: &'a [&'a str],
    #[audit(slot = "resource.id", internal)]
    id: &'a str,
    #[audit(slot = "duration_ns", internal)]
    took: std::time::Duration,
    #[audit(detail = "document.title", internal)]
    title: std::borrow::Cow<'a, str>,
    #[audit(detail = "document.tags", public)]
    tags: [&'a str; 3],
    #[audit(detail = "document.shares", public)]
    shares: Option<f64>,
    #[audit(detail = "document.kind", public)]
    kind: tracing_audit::record::ActorType,
    #[audit(detail = "document.absent", public)]
    absent: Option<i64>,
    #[audit(attribute = "cached", public)]
    cached: bool,
}

#[cfg(feature = "derive")]
fn typed(n: u64) {
    use tracing_audit::record::{ActorType, AuditEvent as _};
    let event = Typed {
        actor: n,
        roles: &["editor", "admin"],
        id: "doc-7",
        took: std::time::Duration::from_nanos(n),
        title: "quarterly report".into(),
        tags: DOCUMENT.tags,
        shares: Some(0.5),
        kind: ActorType::Service,
        absent: None,
        cached: true,
    };
    event.record();
}

#[cfg(feature = "derive")]
#[test]
fn a_typed_event_allocates_nothing_after_its_first() {
    let (audit, sink) = trail_with(|builder| builder);
    for (form, dispatch) in forms(&audit) {
        steady(&audit, &dispatch, &format!("{form}: a typed event"), typed);
        steady(
            &audit,
            &dispatch,
            &format!("{form}: a typed event in a span"),
            |n| {
                let _inside = info_span!(target: "audit", "request", tenant = "t-1", n).entered();
                typed(n);
            },
        );
        sink.clear();
    }
}

/// An event with values that are not for everybody's eyes, and of which nothing is left but markers.
#[cfg(feature = "derive")]
#[derive(tracing_audit::record::AuditEvent)]
#[audit(
    event = "account.change",
    category = "account",
    action = "change",
    level = "info",
    outcome = "success"
)]
struct Closed<'a> {
    #[audit(slot = "reason", personal = "content")]
    reason: &'a str,
    #[audit(detail = "account.password", secret)]
    password: Option<&'a str>,
    #[audit(detail = "account.pin", secret)]
    pin: u16,
    #[audit(detail = "account.share", secret)]
    share: f64,
    #[audit(detail = "account.question", secret)]
    question: std::borrow::Cow<'a, str>,
    #[audit(detail = "account.illness", special = "health", action = "marker")]
    illness: String,
    #[audit(attribute = "note", unclassified)]
    note: &'a str,
}

#[cfg(feature = "derive")]
#[test]
fn a_typed_event_whose_values_are_hidden_allocates_nothing_after_its_first_either() {
    use tracing_audit::record::AuditEvent as _;

    let (audit, sink) = trail_with(|builder| builder);
    let closed = |n: u64| {
        let event = Closed {
            reason: "he asked for it",
            password: Some("hunter2"),
            pin: 1_234,
            share: 0.25,
            question: "the name of the cat".into(),
            // Where nothing is, nothing is allocated for the event itself.
            illness: String::new(),
            note: if n == 0 { "first" } else { "called twice" },
        };
        event.record();
    };
    for (form, dispatch) in forms(&audit) {
        steady(&audit, &dispatch, &format!("{form}: what is hidden"), closed);
        sink.clear();
    }
}

#[cfg(feature = "catalog")]
#[test]
fn an_event_of_the_catalogue_that_borrows_what_it_says_openly_allocates_nothing_after_its_first() {
    use tracing_audit::catalog::{DenialType, Role, SessionMessage, ToolDenied, ToolEnvironment};
    use tracing_audit::record::AuditEvent as _;

    let denied = |n| {
        ToolDenied::new("rm", "outside of the workspace", DenialType::Policy)
            .execution_id("x-7")
            .execution_environment(ToolEnvironment::Sandbox)
            .redactions_applied(n)
            .session_id("s-1")
            .record();
    };
    let message = |n| SessionMessage::new("s-1", Role::Assistant, n).record();
    let (audit, sink) = trail_with(|builder| builder);
    for (form, dispatch) in forms(&audit) {
        steady(&audit, &dispatch, &format!("{form}: a denied tool"), denied);
        steady(&audit, &dispatch, &format!("{form}: a message"), message);
        sink.clear();
    }
}

#[test]
fn the_counter_sees_what_a_usual_json_encoder_allocates() {
    let count = allocations(|| {
        let record =
            serde_json::json!({"action": "document.delete", "resource": {"type": "document", "id": 7}});
        assert!(serde_json::to_vec(&record).expect("it can be encoded").len() > 20);
    });
    assert!(count > 0);
}
