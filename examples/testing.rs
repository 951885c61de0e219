//! How an application tests what it records. In a crate, each of these functions stands under `#[test]`.
//!
//! `cargo run --example testing`

use std::time::Duration;

use tracing::{info, info_span, instrument};
use tracing_audit::clock::ManualClock;
use tracing_audit::record::{Record, Slot};
use tracing_audit::testing::{MemoryEmitter, Recording, capture};
use tracing_audit::{Actor, Emitter, Result, Submitted};

/// The code under test: a transfer that asks for a second pair of eyes above a limit.
#[instrument(target = "audit", name = "money.transfer", err, ret, skip_all,
             fields(resource.type = "account", resource.id = to, amount = amount))]
fn transfer(to: &str, amount: u64) -> std::result::Result<(), String> {
    if amount > 10_000 {
        info!(target: "audit", event = "approval.ask", resource.type = "account", resource.id = to, outcome = "pending");
        return Err("needs an approval".to_owned());
    }
    Ok(())
}

/// `capture` gives the code a trail of its own, in memory and on this thread only: tests can run side by side.
fn a_transfer_names_who_what_and_how_it_ended() {
    let captured = capture(|| {
        let _ = Actor::user("ana")
            .role("teller")
            .sync_scope(|| transfer("DE-7", 250));
    });
    captured
        .only()
        .assert_has(Slot::Event, "money.transfer")
        .assert_has(Slot::ActorId, "ana")
        .assert_has(Slot::ResourceId, "DE-7")
        .assert_has(Slot::Outcome, "success")
        .assert_attribute("amount", 250_u64);
}

fn a_refused_transfer_says_why_and_shares_the_trace_of_what_it_asked_for() {
    let captured = capture(|| drop(transfer("DE-7", 25_000)));
    captured.count(2);
    let ask = captured.with_event("approval.ask");
    let transfer = captured.with_event("money.transfer").with_outcome("failure");
    transfer
        .only()
        .assert_has(Slot::ErrorMessage, "needs an approval");
    let trace = transfer.only().record().text(Slot::TraceId).unwrap_or_default();
    ask.only().assert_has(Slot::TraceId, trace);
}

/// What must not leave the process is looked for in the whole line.
fn no_secret_is_kept() {
    let captured =
        capture(|| info!(target: "audit", event = "user.login", actor.id = "ana", password = "hunter2"));
    captured
        .only()
        .assert_hides("hunter2")
        .assert_attribute("password", "[REDACTED:secret]");
}

/// Which rule decides about a field is known without a value: of every callsite that the program has reached.
fn the_amount_is_kept_and_no_rule_is_needed_for_that() {
    let recording = Recording::new();
    recording.run(|| drop(transfer("DE-7", 250)));
    let callsites = recording.audit().explain();
    let transfer = callsites
        .iter()
        .find(|callsite| callsite.event == "money.transfer")
        .expect("it was reached");
    println!("{transfer}");
    let amount = transfer.fields.iter().find(|field| field.field == "amount");
    assert!(amount.is_some_and(|amount| amount.number.rule.is_none()));
}

/// A `Recording` has settings of its own: here a clock that only the test moves, and an actor that must be named.
fn an_import_without_an_actor_is_refused_and_one_with_an_actor_is_timed() {
    let clock = ManualClock::new(1_795_219_200_000_000_000);
    let recording = Recording::with(|audit| audit.clock(clock.clone()).require_actor(true));
    recording.run(|| {
        drop(info_span!(target: "audit", "data.import"));
        let import = info_span!(target: "audit", "data.import", actor.id = "ana");
        clock.advance(Duration::from_secs(2));
        drop(import);
    });
    recording
        .captured()
        .only()
        .assert_has(Slot::DurationNs, 2_000_000_000_u64);
    assert_eq!(recording.audit().stats().lost_policy, 1);
}

/// Code that takes `&dyn Emitter` needs no subscriber.
fn code_that_takes_an_emitter_is_tested_with_one_in_memory() -> Result<()> {
    fn rename(emitter: &dyn Emitter, id: &str) -> Result<Submitted> {
        emitter.submit(
            Record::builder("document.rename")
                .actor("user", "ana")
                .resource("document", id)
                .build(),
        )
    }
    let emitter = MemoryEmitter::new();
    assert_eq!(rename(&emitter, "d-1")?, Submitted::Queued);
    emitter.captured().only().assert_has(Slot::ResourceId, "d-1");
    Ok(())
}

fn main() -> Result<()> {
    a_transfer_names_who_what_and_how_it_ended();
    a_refused_transfer_says_why_and_shares_the_trace_of_what_it_asked_for();
    no_secret_is_kept();
    the_amount_is_kept_and_no_rule_is_needed_for_that();
    an_import_without_an_actor_is_refused_and_one_with_an_actor_is_timed();
    code_that_takes_an_emitter_is_tested_with_one_in_memory()?;
    println!("6 tests passed");
    Ok(())
}
