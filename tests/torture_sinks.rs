//! A sink that uses `tracing` itself, under the global dispatcher: it feeds nothing to the trail that it serves.

#[path = "support/torture.rs"]
mod torture;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use torture::{PATIENCE, Watchdog, child, scenario, succeed, users};
use tracing::{info, info_span};
use tracing_audit::format::Entry;
use tracing_audit::record::Record;
use tracing_audit::sink::{Accepted, MemorySink, Sink, SinkError};
use tracing_audit::{Audit, AuditedExt};
use tracing_subscriber::prelude::*;

/// A sink that reports what it does, as any library may.
#[derive(Debug)]
struct Talks(MemorySink);

impl Sink for Talks {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        info!(target: "audit", "delivering");
        info_span!(target: "audit", "delivery").in_scope(|| info!(target: "sink", "delivering"));
        self.0.deliver(batch)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        info!(target: "audit", "flushing");
        Ok(())
    }
}

#[test]
fn what_a_sink_reports_under_the_global_dispatcher_reaches_other_layers_and_never_the_trail() {
    let test = "what_a_sink_reports_under_the_global_dispatcher_reaches_other_layers_and_never_the_trail";
    if scenario().is_none() {
        succeed(child(test, "talks"));
        return;
    }
    let _watchdog = Watchdog::start("a sink that talks");
    let entries = MemorySink::new();
    let builder = Audit::builder().without_journal().sink(Talks(entries.clone()));
    let audit = builder.start().expect("it starts");
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    let count = tracing_subscriber::filter::dynamic_filter_fn(move |metadata, _| {
        counter.fetch_add(u64::from(metadata.is_event()), Ordering::SeqCst);
        true
    });
    let quiet = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    tracing_subscriber::registry()
        .with(quiet.with_filter(count))
        .audited(&audit)
        .init();
    for n in 0..10_u64 {
        audit
            .emit(Record::builder("e").actor("user", "u").attribute("n", n).build())
            .expect("the trail works");
    }
    info!(target: "audit", "ours");
    audit.shutdown(PATIENCE).expect("it ends");
    assert_eq!(users(&entries).len(), 11, "nothing from the sink is in the trail");
    assert!(seen.load(Ordering::SeqCst) > 20, "others see all of it");
    assert_eq!(audit.stats().lost(), 0, "a gap for it would cause the next one");
}
