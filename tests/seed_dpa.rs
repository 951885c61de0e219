//! Acceptance cases of seed 004, the data-processing audit, beside those that other tests serve: docs/seeds.md lists all.

#[path = "support/held.rs"]
mod held;
#[path = "support/trail.rs"]
mod trail;

use std::time::Duration;

use held::HeldClock;
use tracing_audit::record::{Record, Slot, TraceContext};
use tracing_audit::{Actor, Audit, AuditContext, Submitted};
use trail::Trail;

/// T004-06: what is seen automatically costs the reader nothing where the trail has no room for it.
#[test]
fn a_read_goes_on_where_the_trail_cannot_take_the_record_of_it() {
    let clock = HeldClock::new();
    let least = tracing_audit::config::limits::QUEUE_RECORDS.least;
    let audit = Audit::builder()
        .without_journal()
        .sink(tracing_audit::sink::MemorySink::new())
        .clock(clock.clone())
        .queue_records(least)
        .room_timeout(Duration::from_millis(20))
        .start()
        .unwrap();
    audit.flush(trail::LONG).unwrap();
    clock.shut();
    let held = || Record::builder("held").build();
    audit.submit(held()).unwrap();
    clock.wait_for_the_writer();
    let view = || {
        Record::builder("data.view")
            .action("VIEW")
            .actor("system", "system")
            .build()
    };
    let read = |document: u64| -> u64 {
        let _ = audit.submit(view());
        document
    };
    assert_eq!((0..4 * least).map(read).max(), Some(4 * least - 1));
    assert!(audit.submit(view()).is_err(), "the one who asks is told");
    clock.open();
    audit.flush(trail::LONG).unwrap();
    assert_eq!(audit.submit(view()).unwrap(), Submitted::Queued);
}

/// T004-06, where the address of the reader is concerned.
#[test]
fn the_address_of_a_reader_is_cut_before_it_is_written() {
    let trail = Trail::new();
    let view = |address: &str| {
        Record::builder("data.view")
            .action("VIEW")
            .actor("user", "u-1")
            .set(Slot::ActorIp, address)
            .build()
    };
    for address in [
        "10.1.2.3",
        "2001:db8:1:2::3",
        "::ffff:10.1.2.3",
        "system",
        "somewhere near 10.1.2.3",
    ] {
        trail.submit(view(address));
    }
    let found = trail.ask("action=VIEW");
    let addresses: Vec<_> = found
        .iter()
        .map(|record| {
            (
                record.text(Slot::ActorIp).unwrap_or("-"),
                record.uint(Slot::ActorIpPrefixLen),
            )
        })
        .collect();
    assert_eq!(
        addresses[..4],
        [
            ("10.1.2.0", Some(24)),
            ("2001:db8:1::", Some(48)),
            ("10.1.2.0", Some(24)),
            ("system", None)
        ]
    );
    assert!(
        !trail.text().contains("2.3\""),
        "what is no address never passes as one"
    );
}

/// T004-08.
#[test]
fn the_trace_correlates_unless_the_caller_names_an_id_of_its_own() {
    let trail = Trail::new();
    let given = "4bf92f3577b34da6a3ce929d0e0e4736";
    let trace = TraceContext::parse(&format!("00-{given}-00f067aa0ba902b7-01")).unwrap();
    let entry = || Record::builder("data.view").action("VIEW").trace(trace);
    trail.submit(entry().request_id("filled").build());
    trail.submit(entry().request_id("explicit").correlation_id("ticket-9").build());
    Actor::system().sync_scope(|| {
        AuditContext::new().correlation_id("from outside").sync_scope(|| {
            trail.run(|| {
                trail.submit(entry().request_id("inherited").build());
            });
        });
    });
    let correlation = |request: &str| {
        let [found] = trail.ask(&format!("request_id={request}")).try_into().unwrap();
        found.correlation_id().unwrap().to_owned()
    };
    assert_eq!(correlation("filled"), given);
    assert_eq!(correlation("explicit"), "ticket-9");
    assert_eq!(correlation("inherited"), "from outside");
    assert_eq!(trail.ask("correlation=ticket-9").len(), 1);
    assert_eq!(trail.ask(&format!("correlation={given}")).len(), 1);
}
