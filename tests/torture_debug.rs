//! Values whose formatting panics, reports, or reads the span: under a scoped dispatcher, where `tracing` hides what
//! is reported meanwhile, and under the global one, where it does not.

#[path = "support/torture.rs"]
mod torture;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use torture::{PATIENCE, Watchdog, child, gaps, messages, records, scenario, succeed, trail, users};
use tracing::{Dispatch, Span, debug, info, info_span};
use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::MemorySink;
use tracing_audit::{Audit, AuditedExt, ErrorKind};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, fmt as format};

/// A value whose `Debug` does something.
struct Does<F>(F);

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Debug for Does<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

/// What tracing-error does: a layer keeps something in each span, and a value reads it back through the dispatcher.
struct Traces;

/// Put into the extensions and taken out again: that needs them for writing.
struct Mark;

/// What the layer keeps in the span's extensions.
struct Kept(String);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Traces {
    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        id: &tracing::Id,
        context: Context<'_, S>,
    ) {
        if let Some(span) = context.span(id) {
            span.extensions_mut()
                .insert(Kept(attributes.metadata().name().to_owned()));
        }
    }
}

/// Reads every span from the current one upwards, with its extensions, also for writing.
fn backtrace(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut names = Vec::new();
    Span::current().with_subscriber(|(id, dispatch)| {
        let Some(registry) = dispatch.downcast_ref::<tracing_subscriber::Registry>() else {
            return;
        };
        let mut next = registry.span(id);
        while let Some(span) = next {
            span.extensions_mut().insert(Mark);
            span.extensions_mut().remove::<Mark>();
            names.extend(span.extensions().get::<Kept>().map(|kept| kept.0.clone()));
            next = span.parent();
        }
    });
    f.write_str(&names.join(" < "))
}

/// Without `fmt`, which formats values while it holds the extensions: such a `Debug` deadlocks in it.
fn subscriber(audit: &Audit) -> Dispatch {
    tracing_subscriber::registry()
        .with(EnvFilter::new("info"))
        .with(Traces)
        .audited(audit)
        .into()
}

fn attribute(record: &Record, name: &str) -> String {
    record
        .attribute(name)
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_debug_that_reads_the_current_span_and_its_extensions_does_not_deadlock() {
    let _watchdog = Watchdog::start("a Debug that reads the span");
    let (audit, sink) = trail();
    tracing::dispatcher::with_default(&subscriber(&audit), || {
        let outer = info_span!(target: "audit", "outer", at = ?Does(backtrace));
        outer.in_scope(|| {
            let inner =
                info_span!(target: "audit", "inner", at = ?Does(backtrace), late = tracing::field::Empty);
            let _inside = inner.enter();
            info!(target: "audit", at = ?Does(backtrace), "event {:?}", Does(backtrace));
            inner.record("late", tracing::field::debug(Does(backtrace)));
        });
    });
    let records = records(&audit, &sink);
    let shown: Vec<_> = records.iter().map(|record| attribute(record, "at")).collect();
    // Under a scoped dispatcher a value that is being recorded sees no current span: `tracing` hides it.
    assert_eq!(records.len(), 3);
    assert!(
        shown
            .iter()
            .all(|shown| ["", "inner < outer", "outer"].contains(&&**shown)),
        "{shown:?}"
    );
}

#[test]
fn a_debug_that_panics_leaves_a_marker_and_a_count_and_the_event_stays() {
    let (audit, sink) = trail();
    let panics = || {
        Does(|f: &mut fmt::Formatter<'_>| {
            f.write_str("half of a secret")?;
            panic!("on purpose")
        })
    };
    // Only ours stands here: `fmt` would let the panic through to the caller.
    let dispatch: Dispatch = tracing_subscriber::registry().audited(&audit).into();
    tracing::dispatcher::with_default(&dispatch, || {
        let span =
            info_span!(target: "audit", "span", bad = ?panics(), good = 1, late = tracing::field::Empty);
        span.record("late", tracing::field::debug(panics()));
        span.in_scope(|| info!(target: "audit", bad = ?panics(), good = 2, actor.id = ?panics(), "event"));
        info!(target: "audit", good = 3, "next");
    });
    let records = records(&audit, &sink);
    assert_eq!(records.len(), 3);
    for record in &records {
        assert!(record.attribute("good").is_some());
    }
    let marked = |record: &&Record| attribute(record, "bad") == "[PANICKED]";
    assert_eq!(records.iter().filter(marked).count(), 2);
    assert_eq!(audit.stats().panicked, 4);
    assert!(sink.lines().iter().all(|line| !line.contains("half of")));
}

#[test]
fn a_debug_that_emits_by_the_handle_is_told_that_it_must_not() {
    let _watchdog = Watchdog::start("a Debug that emits");
    let (audit, sink) = trail();
    let handle = audit.clone();
    let emits = Does(move |f: &mut fmt::Formatter<'_>| {
        let record = || Record::builder("nested").actor("user", "u").build();
        let emitted = handle.emit(record()).map_err(|error| error.kind());
        let submitted = handle.submit(record()).map_err(|error| error.kind());
        write!(f, "{:?} {:?}", emitted.unwrap_err(), submitted.unwrap_err())
    });
    let dispatch: Dispatch = tracing_subscriber::registry().audited(&audit).into();
    tracing::dispatcher::with_default(&dispatch, || info!(target: "audit", told = ?emits, "outer"));
    let records = records(&audit, &sink);
    assert_eq!(records.len(), 1);
    assert_eq!(
        attribute(&records[0], "told"),
        format!("{0:?} {0:?}", ErrorKind::Reentrant)
    );
    assert_eq!(audit.stats().rejected_reentrant, 2);
}

#[test]
fn a_macro_with_all_the_fields_that_it_can_have_is_one_record_with_all_of_them() {
    let (audit, sink) = trail();
    let dispatch: Dispatch = tracing_subscriber::registry().audited(&audit).into();
    macro_rules! thirty_two {
        ($macro:ident $($name:ident)*) => { $macro!(target: "audit", $($name = 1_u64,)*) };
        ($macro:ident ($first:literal) $($name:ident)*) => { $macro!(target: "audit", $first, $($name = 1_u64,)*) };
    }
    tracing::dispatcher::with_default(&dispatch, || {
        thirty_two!(info a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1);
        let span = thirty_two!(info_span ("wide") a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1);
        drop(span);
    });
    let records = records(&audit, &sink);
    assert_eq!(records.len(), 2);
    for record in &records {
        assert_eq!(
            record.map(Slot::Attributes).map(|attributes| attributes.len()),
            Some(32)
        );
    }
}

/// Under the global dispatcher: each scenario is a child of its own.
#[test]
fn under_the_global_dispatcher_what_a_debug_reports_is_recorded_or_counted() {
    let Some(scenario) = scenario() else {
        let test = "under_the_global_dispatcher_what_a_debug_reports_is_recorded_or_counted";
        for scenario in ["audit", "ordinary", "endless", "both ways", "span", "reads"] {
            succeed(child(test, scenario));
        }
        return;
    };
    let _watchdog = Watchdog::start("a scenario under the global dispatcher");
    let (audit, sink) = trail();
    match &*scenario {
        "audit" => nested_audit(&audit, &sink),
        "ordinary" => nested_ordinary(&audit, &sink),
        "endless" => endless(&audit, &sink),
        "both ways" => both_ways(&audit, &sink),
        "span" => nested_in_a_span(&audit, &sink),
        "reads" => reads_the_span(&audit, &sink),
        other => panic!("no scenario {other}"),
    }
}

/// An audit event, and an audit span, whose value reports another one.
fn nested_audit(audit: &Audit, sink: &MemorySink) {
    tracing_subscriber::registry().audited(audit).init();
    let nested = |_: &mut fmt::Formatter<'_>| {
        info!(target: "audit", "inner");
        Ok(())
    };
    info!(target: "audit", value = ?Does(nested), "outer");
    info_span!(target: "audit", "span", value = ?Does(nested)).in_scope(|| {});
    assert_eq!(messages(audit, sink), ["inner", "outer", "inner", ""]);
}

/// A value that reports what is not audited.
fn nested_ordinary(audit: &Audit, sink: &MemorySink) {
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    let count = tracing_subscriber::filter::dynamic_filter_fn(move |metadata, _| {
        counter.fetch_add(
            u64::from(metadata.target() == "app" && metadata.is_event()),
            Ordering::SeqCst,
        );
        true
    });
    let quiet = format::layer().with_writer(std::io::sink).with_filter(count);
    tracing_subscriber::registry().with(quiet).audited(audit).init();
    let nested = |_: &mut fmt::Formatter<'_>| {
        debug!(target: "app", "ordinary");
        info_span!(target: "app", "ordinary").in_scope(|| debug!(target: "app", "inside"));
        Ok(())
    };
    for _ in 0..3 {
        info!(target: "audit", value = ?Does(nested), "outer");
    }
    assert_eq!(messages(audit, sink), ["outer", "outer", "outer"]);
    assert!(seen.load(Ordering::SeqCst) >= 6);
}

/// Two values whose formatting reports the other.
fn both_ways(audit: &Audit, sink: &MemorySink) {
    tracing_subscriber::registry().with(audit.layer()).init();
    fn ping(_: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!(target: "audit", value = ?Does(pong), "ping");
        Ok(())
    }
    fn pong(_: &mut fmt::Formatter<'_>) -> fmt::Result {
        info_span!(target: "audit", "pong", value = ?Does(ping)).in_scope(|| {});
        Ok(())
    }
    info!(target: "audit", value = ?Does(ping), "start");
    audit.flush(PATIENCE).unwrap();
    let lost = audit.stats().lost_reentrant;
    assert!(lost >= 1);
    assert_eq!(gaps(sink).iter().map(|gap| gap.1).sum::<u64>(), lost);
}

/// A value that reports, and records, inside of a span.
fn nested_in_a_span(audit: &Audit, sink: &MemorySink) {
    tracing_subscriber::registry().audited(audit).init();
    let span = info_span!(target: "audit", "outer", actor.id = "ann", late = tracing::field::Empty);
    let inside = span.enter();
    let nested = |_: &mut fmt::Formatter<'_>| {
        info!(target: "audit", "inner");
        Span::current().record("late", 5);
        Ok(())
    };
    info!(target: "audit", value = ?Does(nested), "event");
    drop(inside);
    drop(span);
    let records = records(audit, sink);
    assert_eq!(records.len(), 3);
    assert!(
        records
            .iter()
            .all(|record| record.text(Slot::ActorId) == Some("ann"))
    );
    assert_eq!(
        records[2].attribute("late").and_then(|late| late.as_u64()),
        Some(5)
    );
}

/// A value that reads the span with its extensions.
fn reads_the_span(audit: &Audit, sink: &MemorySink) {
    tracing_subscriber::registry().with(Traces).audited(audit).init();
    let outer = info_span!(target: "audit", "outer").entered();
    let inner = info_span!(target: "audit", "inner", at = ?Does(backtrace)).entered();
    info!(target: "audit", at = ?Does(backtrace), "event");
    drop((inner, outer));
    let records = records(audit, sink);
    assert_eq!(attribute(&records[0], "at"), "inner < outer");
    assert_eq!(attribute(&records[1], "at"), "outer");
}

/// A value that reports itself, for ever.
fn endless(audit: &Audit, sink: &MemorySink) {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    fn again(_: &mut fmt::Formatter<'_>) -> fmt::Result {
        CALLS.fetch_add(1, Ordering::SeqCst);
        info!(target: "audit", value = ?Does(again), "again");
        Ok(())
    }
    tracing_subscriber::registry().audited(audit).init();
    info!(target: "audit", value = ?Does(again), "first");
    audit.flush(PATIENCE).unwrap();
    let calls = CALLS.load(Ordering::SeqCst);
    assert!((1..16).contains(&calls), "{calls} levels");
    let lost = audit.stats().lost_reentrant;
    assert_eq!(
        users(sink).len() as u64 + lost,
        calls + 1,
        "every report is a record or counted"
    );
    assert_eq!(gaps(sink), [("reentrant".to_owned(), lost)]);
    // The thread records as before.
    info!(target: "audit", "after");
    assert_eq!(messages(audit, sink).last().map(String::as_str), Some("after"));
}
