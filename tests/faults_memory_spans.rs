//! No memory for a span, or for a text that is redacted apart from any record: nobody is taken for somebody else, and what comes
//! next is whole.

#![cfg(unix)]

#[path = "support/starving.rs"]
mod starving;
#[path = "support/torture.rs"]
mod torture;

use starving::{Fed, starved};
use torture::PATIENCE;
use tracing::{info, info_span};
use tracing_audit::AuditedExt as _;
use tracing_audit::record::{Record, Slot};
use tracing_audit::redact::Policy;

#[test]
fn a_span_without_memory_for_what_it_hands_down_names_no_other_actor_inside() {
    let (audit, sink) = torture::trail();
    let roles = "auditor ".repeat(1500);
    let inside = |starve: bool| {
        let _outer = info_span!(target: "audit", "outer", actor.id = "ana").entered();
        let fed = if starve { Fed::Below(1024) } else { Fed::All };
        let make =
            || info_span!(target: "audit", "inner", actor.id = "bob", tenant.id = "t1", session.id = roles);
        let (span, failed) = starved(fed, make);
        assert_eq!(failed > 0, starve);
        let _inner = span.entered();
        info!(target: "audit", "inside");
    };
    tracing::subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        inside(false);
        inside(true);
    });
    let actors: Vec<_> = torture::records(&audit, &sink)
        .iter()
        .filter(|record| record.text(Slot::Summary) == Some("inside"))
        .map(|record| record.text(Slot::ActorId).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(actors, ["bob", "unknown"]);
    let stats = audit.stats();
    assert_eq!((stats.not_handed_down, stats.lost_memory), (1, 1), "{stats:?}");
    audit.shutdown(PATIENCE).unwrap();
    assert_eq!(torture::gaps(&sink), [("no_memory".to_owned(), 1)]);
}

#[test]
fn a_span_that_could_not_be_made_for_want_of_memory_names_no_actor_of_the_one_around_it() {
    let (audit, sink) = torture::trail();
    tracing::subscriber::with_default(tracing_subscriber::registry().audited(&audit), || {
        let make = || info_span!(target: "audit", "inner", actor.id = "bob");
        // What the registry needs for so many is there from here on.
        drop((0..200).map(|_| make()).collect::<Vec<_>>());
        let _outer = info_span!(target: "audit", "outer", actor.id = "ana").entered();
        // Those that are kept for such a time, and more: in the end there is none.
        let mut open = Vec::with_capacity(150);
        starved(Fed::Nothing, || {
            for _ in 0..150 {
                open.push(make());
            }
        });
        for span in open {
            span.in_scope(|| info!(target: "audit", "inside"));
        }
    });
    let records = torture::records(&audit, &sink);
    let inside = records
        .iter()
        .filter(|record| record.text(Slot::Summary) == Some("inside"));
    let actors: Vec<_> = inside
        .map(|record| record.text(Slot::ActorId).unwrap_or_default())
        .collect();
    let of = |name: &str| actors.iter().filter(|actor| **actor == name).count();
    assert_eq!(actors.len(), 150);
    assert_eq!(of("ana"), 0, "bob acts in each of them");
    assert!(of("bob") > 0 && of("unknown") > 0, "{actors:?}");
    assert_eq!(audit.stats().not_handed_down, of("unknown") as u64);
    audit.shutdown(PATIENCE).unwrap();
}

#[test]
fn a_text_that_is_redacted_without_memory_is_nothing_and_the_next_one_and_the_next_record_are_whole() {
    let (audit, sink) = torture::trail();
    let policy = Policy::balanced();
    let text = "mail bob@example.com ".repeat(400);
    let whole = policy.redact("note", &text).value.unwrap().into_owned();
    assert!(whole.contains("mail") && !whole.contains("bob@"));
    for limit in [1024, 4096] {
        let redact = || policy.redact("note", &text).value.map(|said| said.len());
        let (said, failed) = starved(Fed::Below(limit), redact);
        assert!(failed > 0);
        assert_eq!(said, Some(0), "under {limit}");
        assert_eq!(policy.redact("note", &text).value.as_deref(), Some(&*whole));
        audit.submit(Record::builder("it.went.on").build()).unwrap();
    }
    assert_eq!(torture::records(&audit, &sink).len(), 2);
    assert_eq!(audit.stats().rejected_memory + audit.stats().lost_memory, 0);
}
