//! How an application tests what it records. In a crate, each of these functions stands under `#[test]`.
//!
//! `cargo run --example testing`

use std::time::Duration;

use tracing::{info, instrument, subscriber};
use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::MemorySink;
use tracing_audit::{Actor, Audit, AuditedExt, Emitter, Result, Submitted};

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

/// Runs code under a trail of its own, in memory, on this thread only, and gives its records: tests can run side by
/// side. `shutdown` is what makes the records arrive; the trail's own (`audit.open`, `audit.close`) are left out.
fn recorded(run: impl FnOnce()) -> Result<Vec<Record>> {
    let sink = MemorySink::new();
    let audit = Audit::builder().memory(&sink).start()?;
    subscriber::with_default(tracing_subscriber::registry().audited(&audit), run);
    audit.shutdown(Duration::from_secs(5))?;
    let is_own = |record: &Record| record.event().starts_with("audit.");
    Ok(sink
        .records()
        .into_iter()
        .filter(|record| !is_own(record))
        .collect())
}

fn a_transfer_names_who_what_and_how_it_ended() -> Result<()> {
    let records = recorded(|| {
        Actor::user("ana")
            .role("teller")
            .sync_scope(|| drop(transfer("DE-7", 250)))
    })?;
    let [transfer] = records.as_slice() else {
        panic!("one record, not {records:#?}")
    };
    assert_eq!(transfer.event(), "money.transfer");
    assert_eq!(transfer.text(Slot::ActorId), Some("ana"));
    assert_eq!(transfer.texts(Slot::ActorRoles), Some(vec!["teller"]));
    assert_eq!(transfer.text(Slot::ResourceId), Some("DE-7"));
    assert_eq!(transfer.text(Slot::Outcome), Some("success"));
    assert_eq!(
        transfer.attribute("amount").and_then(|amount| amount.as_u64()),
        Some(250)
    );
    assert!(transfer.uint(Slot::DurationNs).is_some());
    Ok(())
}

fn a_refused_transfer_says_why_and_shares_the_trace_of_what_it_asked_for() -> Result<()> {
    let records = recorded(|| drop(transfer("DE-7", 25_000)))?;
    let [ask, transfer] = records.as_slice() else {
        panic!("two records, not {records:#?}")
    };
    assert_eq!(ask.event(), "approval.ask");
    assert_eq!(transfer.text(Slot::Outcome), Some("failure"));
    assert_eq!(transfer.text(Slot::ErrorMessage), Some("needs an approval"));
    assert_eq!(ask.text(Slot::TraceId), transfer.text(Slot::TraceId));
    assert_eq!(ask.text(Slot::ActorId), Some("unknown"), "nobody was named");
    Ok(())
}

fn no_secret_is_kept() -> Result<()> {
    let records =
        recorded(|| info!(target: "audit", event = "user.login", actor.id = "ana", password = "hunter2"))?;
    let [login] = records.as_slice() else {
        panic!("one record, not {records:#?}")
    };
    assert_eq!(
        login.attribute("password").and_then(|kept| kept.as_str()),
        Some("[REDACTED:secret]")
    );
    Ok(())
}

/// Code that takes `&dyn Emitter` needs no subscriber, and in a test no trail either.
fn code_that_takes_an_emitter_is_tested_with_one_in_memory() -> Result<()> {
    fn rename(emitter: &dyn Emitter, id: &str) -> Result<Submitted> {
        emitter.submit(
            Record::builder("document.rename")
                .actor("user", "ana")
                .resource("document", id)
                .build(),
        )
    }
    let sink = MemorySink::new();
    let audit = Audit::builder().memory(&sink).start()?;
    assert_eq!(rename(&audit, "d-1")?, Submitted::Queued);
    audit.flush(Duration::from_secs(5))?;
    let renamed = sink
        .records()
        .into_iter()
        .find(|record| record.event() == "document.rename");
    assert_eq!(
        renamed.as_ref().and_then(|record| record.text(Slot::ResourceId)),
        Some("d-1")
    );
    Ok(())
}

fn main() -> Result<()> {
    a_transfer_names_who_what_and_how_it_ended()?;
    a_refused_transfer_says_why_and_shares_the_trace_of_what_it_asked_for()?;
    no_secret_is_kept()?;
    code_that_takes_an_emitter_is_tested_with_one_in_memory()?;
    println!("4 tests passed");
    Ok(())
}
