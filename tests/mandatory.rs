//! What must be on record before it is done: `begin`, and categories that are mandatory by configuration.

#[path = "support/trail.rs"]
mod trail;

use std::future::Future as _;
use std::time::Duration;

use tracing_audit::config::{Family, Mode, Part};
use tracing_audit::record::{Level, Record, Slot};
use tracing_audit::redact::Policy;
use tracing_audit::{Actor, Audit, ErrorKind, State};
use trail::{LONG, Trail};

fn transfer() -> Record {
    let record = Record::builder("billing.transfer").actor("user", "u-17");
    record
        .resource("account", "4")
        .attribute("amount", 12_u64)
        .build()
}

fn text(record: &Record, slot: Slot) -> &str {
    record.text(slot).unwrap_or_default()
}

/// Whether the code panicked.
fn catch<R>(run: impl FnOnce() -> R) -> Result<(), ()> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    caught.map(drop).map_err(drop)
}

#[test]
fn begin_writes_a_durable_intent_and_the_outcome_follows_under_the_same_execution() {
    let trail = Trail::new();
    let pending = trail.audit.begin(transfer()).unwrap();
    assert_eq!(pending.receipt().state(), State::Durable);
    assert!(trail.text().contains("billing.transfer"));
    let id = pending.execution_id().unwrap().to_owned();
    let receipt = pending.success().unwrap();
    assert_eq!(receipt.state(), State::Durable);
    let told = trail.ask("event=billing.transfer");
    assert_eq!(told.len(), 2);
    for (record, phase, outcome) in [(&told[0], "start", "pending"), (&told[1], "", "success")] {
        assert_eq!(
            (text(record, Slot::Phase), text(record, Slot::Outcome)),
            (phase, outcome)
        );
        assert_eq!(text(record, Slot::ExecutionId), id);
        assert_eq!(
            (text(record, Slot::ActorId), text(record, Slot::ResourceId)),
            ("u-17", "4")
        );
        assert_eq!(record.attribute("amount"), Some(&12_u64.into()));
    }
    assert_ne!(told[0].text(Slot::Id), told[1].text(Slot::Id));
    assert!(told[1].uint(Slot::DurationNs).is_some() && told[0].uint(Slot::DurationNs).is_none());
}

#[test]
fn every_way_to_end_a_pending_action_is_an_outcome() {
    let trail = Trail::new();
    let begin = || trail.audit.begin(transfer()).unwrap();
    begin()
        .failure(&std::io::Error::other("no such account"))
        .unwrap();
    begin().denied("over the limit").unwrap();
    let partial = Record::builder("").outcome("success").attribute("rows", 3_u64);
    begin().finish(partial.build()).unwrap();
    begin()
        .finish(Record::builder("billing.transferred").build())
        .unwrap();
    drop(begin());
    let caught = catch(|| {
        let _pending = begin();
        panic!("in the middle");
    });
    caught.unwrap_err();
    let caught = catch(|| begin().finish_with(|_| panic!("while it says how it ended")));
    caught.unwrap_err();
    let told = trail.ask("event~billing and phase!=start");
    let said: Vec<_> = told
        .iter()
        .map(|record| {
            (
                text(record, Slot::Outcome),
                text(record, Slot::ReasonCode),
                text(record, Slot::ActorId),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            ("failure", "", "u-17"),
            ("denied", "", "u-17"),
            ("success", "", "u-17"),
            ("unknown", "not_reported", "u-17"),
            ("unknown", "not_reported", "u-17"),
            ("unknown", "panic", "u-17"),
            ("unknown", "panic", "u-17"),
        ]
    );
    assert_eq!(text(&told[0], Slot::ErrorMessage), "no such account");
    assert_eq!(text(&told[1], Slot::Reason), "over the limit");
    assert_eq!(
        (told[2].event(), told[2].attribute("rows")),
        ("billing.transfer", Some(&3_u64.into()))
    );
    assert_eq!(
        told[2].attribute("amount"),
        None,
        "only who and what is taken over"
    );
    assert_eq!(told[3].event(), "billing.transferred");
}

#[test]
fn the_outcome_has_the_context_of_the_place_where_the_action_began() {
    let trail = Trail::with(|audit| audit.require_actor(true));
    let export = || Record::builder("data.export").build();
    assert_eq!(
        trail.audit.begin(export()).unwrap_err().kind(),
        ErrorKind::Refused
    );
    let pending = Actor::user("ana").sync_scope(|| trail.audit.begin(export()).unwrap());
    // Ended by a thread that knows nobody.
    let audit = trail.audit.clone();
    std::thread::spawn(move || pending.success().unwrap())
        .join()
        .unwrap();
    let told = trail.ask("event=data.export");
    assert_eq!(told.len(), 2);
    assert!(
        told.iter().all(|record| text(record, Slot::ActorId) == "ana"),
        "{told:?}"
    );
    drop(audit);
}

#[test]
fn where_the_intent_cannot_be_on_record_nothing_is_begun() {
    let trail = Trail::new();
    trail.audit.shutdown(LONG).unwrap();
    assert_eq!(
        trail.audit.begin(transfer()).unwrap_err().kind(),
        ErrorKind::Closed
    );
    let off = Audit::builder().enabled(false).start().unwrap();
    let pending = off.begin(transfer()).unwrap();
    assert_eq!(
        (pending.receipt().state(), pending.execution_id()),
        (State::Disabled, None)
    );
    assert_eq!(pending.success().unwrap().state(), State::Disabled);
}

#[test]
fn neither_a_floor_nor_a_pause_leaves_an_intent_or_a_mandatory_record_out() {
    let trail = Trail::with(|audit| {
        let audit = audit
            .event_floor("*", Level::Error)
            .family_floor(Family::Tools, Level::Error);
        audit.mode(Mode::Lossy).mandatory("billing.*").mandatory("keys")
    });
    trail.audit.pause_part(Part::All, "a test").unwrap();
    trail.audit.begin(transfer()).unwrap().success().unwrap();
    trail
        .audit
        .emit(Record::builder("billing.refund").build())
        .unwrap();
    trail.run(|| {
        tracing::info!(target: "audit::keys", event = "rotated");
        tracing::info!(target: "audit", event = "user.login");
    });
    let events = trail.events("phase!=start");
    assert_eq!(events, ["billing.transfer", "billing.refund", "rotated"]);
    assert_eq!(trail.audit.stats().durable, 4);
}

#[test]
fn a_mandatory_span_has_a_durable_start_before_its_body_runs_and_others_have_none() {
    let trail = Trail::with(|audit| {
        audit
            .mandatory("billing.*")
            .commit_interval(Duration::from_secs(10))
    });
    let durable = || trail.audit.stats().durable;
    trail.run(|| {
        let span = tracing::info_span!(target: "audit", "billing.charge", actor.id = "u-1");
        assert_eq!(durable(), 1, "before the body runs");
        drop(span);
        assert_eq!(durable(), 2, "and its end");
        let named = tracing::info_span!(target: "audit", "step", event = "billing.named");
        assert_eq!(durable(), 3, "a field can give the name");
        drop(named);
        drop(tracing::info_span!(target: "audit", "other.step"));
    });
    let told = trail.ask("event~billing");
    let said: Vec<_> = told
        .iter()
        .map(|record| (record.event(), text(record, Slot::Phase)))
        .collect();
    let (charge, named) = ("billing.charge", "billing.named");
    assert_eq!(
        said,
        [(charge, "start"), (charge, ""), (named, "start"), (named, "")]
    );
    assert_eq!(
        text(&told[0], Slot::ExecutionId),
        text(&told[1], Slot::ExecutionId)
    );
    assert_eq!(trail.events("event=other.step").len(), 1);
}

#[test]
fn an_intent_is_whole_under_the_strict_policy() {
    // The key is assembled here, so that none stands in the source.
    let key = [7_u8; 32];
    let trail = Trail::with(|audit| audit.policy(Policy::strict().key("k1", &key).unwrap()));
    trail.audit.begin(transfer()).unwrap().success().unwrap();
    let told = trail.ask("event=billing.transfer");
    assert_eq!(
        (text(&told[0], Slot::Phase), text(&told[0], Slot::Outcome)),
        ("start", "pending")
    );
    assert_eq!(
        text(&told[0], Slot::ExecutionId),
        text(&told[1], Slot::ExecutionId)
    );
}

#[test]
fn begin_and_finish_wait_without_blocking_and_a_cancelled_begin_is_said_not_to_have_begun() {
    let trail = Trail::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let begun =
            Actor::user("ana").sync_scope(|| trail.audit.begin_async(Record::builder("data.export").build()));
        let pending = begun.await.unwrap();
        assert_eq!(pending.receipt().state(), State::Durable);
        let finished = pending.finish_async(|outcome| outcome.outcome("success")).await;
        assert_eq!(finished.unwrap().state(), State::Durable);
        // Never polled: nothing is submitted.
        drop(trail.audit.begin_async(Record::builder("data.export").build()));
        let mut cancelled = Box::pin(trail.audit.begin_async(Record::builder("data.cancelled").build()));
        let once = std::future::poll_fn(|context| {
            let _ = cancelled.as_mut().poll(context);
            std::task::Poll::Ready(())
        });
        once.await;
        drop(cancelled);
    });
    let told = trail.ask("event=data.export");
    let said: Vec<_> = told
        .iter()
        .map(|record| (text(record, Slot::Outcome), text(record, Slot::ActorId)))
        .collect();
    assert_eq!(said, [("pending", "ana"), ("success", "ana")]);
    let told = trail.ask("event=data.cancelled");
    assert_eq!(
        told.last().map(|record| text(record, Slot::ReasonCode)),
        Some("not_begun")
    );
}
