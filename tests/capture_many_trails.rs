//! What a program that starts and ends many trails keeps of them: nothing that grows with their number.
#![cfg(target_os = "linux")]

#[path = "support/torture.rs"]
mod torture;

use torture::{PATIENCE, records, trail_with};
use tracing::{info, info_span};
use tracing_audit::AuditedExt;
use tracing_audit::redact::{Action, Policy};

/// A trail that starts, is used at callsites with many fields, and ends. Of two kinds, in turn.
fn one(n: usize) {
    let (audit, sink) = trail_with(|builder| {
        let policy = Policy::balanced().field("note", Action::Marker);
        let key = [u8::try_from(n % 251).unwrap(); 32];
        let builder = builder
            .queue_records(64)
            .queue_bytes(1 << 20)
            .policy(policy.key("key", &key).unwrap());
        if n.is_multiple_of(2) {
            builder.lend("tenant")
        } else {
            builder.callsite(true)
        }
    });
    let dispatch: tracing::Dispatch = tracing_subscriber::registry().audited(&audit).into();
    tracing::dispatcher::with_default(&dispatch, || {
        macro_rules! report {
            ($($name:ident)*) => {
                info!(target: "audit", event = "many", $($name = 1,)* "fields");
                let _span = info_span!(target: "audit", "span", $($name = 1,)*).entered();
                info!(target: "audit", event = "many", $($name = 1,)* "fields again");
                info!(target: "audit::more", event = "many", $($name = 1,)* "and again");
            };
        }
        report!(a b c d e f g h i j k l m n o p q r s t u v w x y z note);
    });
    assert_eq!(records(&audit, &sink).len(), 4);
    audit.shutdown(PATIENCE).unwrap();
}

/// What the process holds in memory, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_thousand_trails_keep_no_more_memory_than_a_hundred() {
    (0..100).for_each(one);
    let before = resident();
    (100..1_100).for_each(one);
    let grown = resident().saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB more after a thousand trails more");
}
