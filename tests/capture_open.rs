//! Spans that say when they begin, and spans that are still open when the trail ends.

use std::time::Duration;

use tracing::{info, info_span, instrument};
use tracing_audit::clock::ManualClock;
use tracing_audit::record::Slot;
use tracing_audit::testing::{Recording, capture};

const START: u64 = 1_795_219_200_000_000_000;

#[instrument(target = "audit", err, fields(start = true, actor.id = "alice", resource.id = 7))]
fn import(fails: bool) -> Result<(), String> {
    info!(target: "audit", event = "step");
    if fails { Err("no".to_owned()) } else { Ok(()) }
}

#[test]
fn a_start_record_and_its_end_share_an_execution_id() {
    let captured = capture(|| {
        let _ = import(true);
        let _ = import(false);
    });
    let spans = captured.with_event("import");
    spans.count(4);
    let starts = spans.with(Slot::Phase, "start");
    starts.count(2).with_outcome("pending").count(2);
    let mut executions = Vec::new();
    for start in starts.records() {
        start
            .assert_has(Slot::ActorId, "alice")
            .assert_has(Slot::ResourceId, "7")
            .assert_lacks(Slot::DurationNs)
            .assert_lacks(Slot::ReasonCode);
        let execution = start.text(Slot::ExecutionId).unwrap();
        let end = spans.with(Slot::ExecutionId, execution).without(Slot::Phase);
        let end = end.only();
        assert!(end.get(Slot::DurationNs).is_some());
        for slot in [Slot::TraceId, Slot::SpanId] {
            assert_eq!(start.text(slot), end.text(slot));
        }
        assert!(start.uint(Slot::Seq) < end.uint(Slot::Seq));
        executions.push(execution.to_owned());
    }
    assert_ne!(executions[0], executions[1]);
    // What is inside belongs to no execution by itself, and is no start.
    let steps = captured.with_event("step");
    steps.count(2).without(Slot::Phase).count(2);
    captured.with_attribute("start", true).none();
}

#[test]
fn an_execution_id_of_the_callers_own_is_kept() {
    let captured = capture(|| {
        drop(info_span!(target: "audit", "job", start = true, execution_id = "run-7"));
    });
    captured.count(2).with(Slot::ExecutionId, "run-7").count(2);
}

#[test]
fn start_is_asked_for_by_a_truth_value_only() {
    let recording = Recording::new();
    recording.run(|| {
        drop(info_span!(target: "audit", "false", start = false));
        drop(info_span!(target: "audit", "text", start = "yes"));
        info!(target: "audit", event = "event", start = true);
    });
    let captured = recording.captured();
    captured.count(3).without(Slot::Phase).count(3);
    captured
        .with_event("text")
        .only()
        .assert_attribute("start", "yes");
    assert_eq!(recording.audit().stats().wrong_type, 1);
}

#[test]
fn spans_that_are_still_open_at_the_end_become_records() {
    let clock = ManualClock::new(START);
    let recording = Recording::with(|audit| audit.clock(clock.clone()));
    recording.run(|| {
        let outer = info_span!(target: "audit", "outer", actor.id = "alice");
        clock.advance(Duration::from_secs(1));
        let inner = outer.in_scope(|| info_span!(target: "audit", "inner", start = true));
        let plain = info_span!("ordinary");
        clock.advance(Duration::from_secs(1));
        recording.audit().shutdown(Duration::from_secs(10)).unwrap();
        drop((inner, outer, plain));
    });
    let captured = recording.captured();
    captured.count(3);
    let open = captured.with(Slot::ReasonCode, "still_open");
    open.count(2).with_outcome("unknown").count(2);
    let events: Vec<_> = open.records().iter().map(|record| record.event()).collect();
    assert_eq!(events, ["outer", "inner"], "oldest first");
    open.with_event("outer")
        .only()
        .assert_has(Slot::DurationNs, 2_000_000_000_u64);
    let inner = open.with_event("inner");
    inner.only().assert_has(Slot::ActorId, "alice");
    captured
        .with(Slot::ExecutionId, inner.only().text(Slot::ExecutionId).unwrap())
        .count(2);
    // The spans that closed afterwards are neither records nor losses: they stand in the trail already.
    assert_eq!(recording.audit().stats().lost(), 0);
}

#[test]
fn a_recorded_outcome_stands_also_where_the_span_is_still_open() {
    let recording = Recording::new();
    recording.run(|| {
        let _span = info_span!(target: "audit", "span", outcome = "success");
        recording.audit().shutdown(Duration::from_secs(10)).unwrap();
    });
    let captured = recording.captured();
    captured
        .only()
        .assert_has(Slot::Outcome, "success")
        .assert_lacks(Slot::ReasonCode);
}

#[test]
fn a_duration_is_measured_or_what_the_span_said() {
    let clock = ManualClock::new(START);
    let recording = Recording::with(|audit| audit.clock(clock.clone()));
    recording.run(|| {
        let measured = info_span!(target: "audit", "measured");
        let said = info_span!(target: "audit", "said", duration_ms = 1.5);
        clock.advance(Duration::from_millis(7));
        drop((measured, said));
    });
    let captured = recording.captured();
    captured
        .with_event("measured")
        .only()
        .assert_has(Slot::DurationNs, 7_000_000_u64)
        .assert_has(Slot::Time, START + 7_000_000);
    captured
        .with_event("said")
        .only()
        .assert_has(Slot::DurationNs, 1_500_000_u64);
}
