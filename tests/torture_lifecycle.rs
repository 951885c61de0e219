//! flush, shutdown, drop and emit in any order, from anywhere: they answer, and never hang or panic.

#[path = "support/torture.rs"]
mod torture;

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use torture::{PATIENCE, Watchdog, child, messages, scenario, succeed, trail, trail_with, users};
use tracing::{Dispatch, info, info_span};
use tracing_audit::format::Entry;
use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::{Accepted, MemorySink, Sink, SinkError};
use tracing_audit::{Audit, AuditedExt, ErrorKind, State};
use tracing_subscriber::prelude::*;

fn record(n: u64) -> Record {
    Record::builder("e").actor("user", "u").attribute("n", n).build()
}

fn dispatch(audit: &Audit) -> Dispatch {
    tracing_subscriber::registry().audited(audit).into()
}

/// What a program can do to a trail.
#[derive(Debug, Clone, Copy)]
enum Step {
    Emit,
    EmitAsync,
    Abandon,
    Submit,
    Event,
    Span,
    OpenSpan,
    Flush,
    FlushAtOnce,
    Shutdown,
    ShutdownAtOnce,
    Guard,
    Clone,
    DropClone,
    Rotate,
    Cleanup,
    Check,
    Stats,
}

const STEPS: [Step; 18] = [
    Step::Emit,
    Step::EmitAsync,
    Step::Abandon,
    Step::Submit,
    Step::Event,
    Step::Span,
    Step::OpenSpan,
    Step::Flush,
    Step::FlushAtOnce,
    Step::Shutdown,
    Step::ShutdownAtOnce,
    Step::Guard,
    Step::Clone,
    Step::DropClone,
    Step::Rotate,
    Step::Cleanup,
    Step::Check,
    Step::Stats,
];

/// Does one step; counts what was taken.
fn take(
    step: Step,
    audit: &Audit,
    clones: &mut Vec<Audit>,
    open: &mut Vec<tracing::Span>,
    taken: &AtomicU64,
) {
    let told = |result: tracing_audit::Result<()>| match result {
        Ok(()) => {
            taken.fetch_add(1, Ordering::SeqCst);
        }
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::Closed | ErrorKind::Full),
            "{error}"
        ),
    };
    match step {
        Step::Emit => told(audit.emit(record(1)).map(drop)),
        Step::EmitAsync => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime");
            told(runtime.block_on(audit.emit_async(record(2))).map(drop));
        }
        Step::Abandon => drop(audit.emit_async(record(3))),
        Step::Submit => told(audit.submit(record(4)).map(drop)),
        Step::Event => info!(target: "audit", "event"),
        Step::Span => drop(info_span!(target: "audit", "span").entered()),
        Step::OpenSpan => open.push(info_span!(target: "audit", "open")),
        Step::Flush => drop(audit.flush(PATIENCE).expect("the trail works")),
        Step::FlushAtOnce => timed_out_at_most(audit.flush(Duration::ZERO)),
        Step::Shutdown => drop(audit.shutdown(PATIENCE)),
        Step::ShutdownAtOnce => timed_out_at_most(audit.shutdown(Duration::ZERO)),
        Step::Guard => drop(audit.guard()),
        Step::Clone => clones.push(audit.clone()),
        Step::DropClone => drop(clones.pop()),
        Step::Rotate => drop(audit.rotate()),
        Step::Cleanup => drop(audit.cleanup()),
        Step::Check => drop(audit.check()),
        Step::Stats => drop((audit.stats(), audit.openmetrics())),
    }
}

fn timed_out_at_most(result: tracing_audit::Result<tracing_audit::Report>) {
    if let Err(error) = result {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }
}

/// Without the steps whose loss is their purpose.
fn lossless(steps: &[Step]) -> bool {
    !steps.iter().any(|step| matches!(step, Step::ShutdownAtOnce))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_steps_on_a_memory_trail_answers(steps in prop::collection::vec(prop::sample::select(&STEPS[..]), 1..24)) {
        let _watchdog = Watchdog::start("steps on a memory trail");
        let (audit, sink) = trail();
        let taken = AtomicU64::new(0);
        let (mut clones, mut open) = (Vec::new(), Vec::new());
        tracing::dispatcher::with_default(&dispatch(&audit), || {
            for step in &steps {
                take(*step, &audit, &mut clones, &mut open, &taken);
            }
        });
        drop(open);
        let _ = audit.shutdown(PATIENCE);
        if lossless(&steps) {
            let found = users(&sink).iter().filter(|record| record.event() == "e").count() as u64;
            prop_assert_eq!(found, taken.load(Ordering::SeqCst));
        }
    }

    #[test]
    fn any_order_of_steps_on_a_journal_answers(steps in prop::collection::vec(prop::sample::select(&STEPS[..]), 1..24)) {
        let _watchdog = Watchdog::start("steps on a journal");
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let audit = Audit::builder().directory(directory.path()).start().expect("it starts");
        let taken = AtomicU64::new(0);
        let (mut clones, mut open) = (Vec::new(), Vec::new());
        tracing::dispatcher::with_default(&dispatch(&audit), || {
            for step in &steps {
                take(*step, &audit, &mut clones, &mut open, &taken);
            }
        });
        drop(open);
        let _ = audit.shutdown(PATIENCE);
        if lossless(&steps) {
            let lines = torture::journal(directory.path());
            prop_assert_eq!(torture::events(&lines, "e") as u64, taken.load(Ordering::SeqCst));
        }
    }
}

#[test]
fn many_threads_take_any_steps_at_the_same_time() {
    let _watchdog = Watchdog::start("steps from many threads");
    for round in 0..12_u64 {
        let (audit, sink) =
            trail_with(|builder| builder.queue_records(16).room_timeout(Duration::from_millis(50)));
        let taken = Arc::new(AtomicU64::new(0));
        let dispatch = dispatch(&audit);
        let threads: Vec<_> = (0..8_u64)
            .map(|thread| {
                let (audit, dispatch, taken) = (audit.clone(), dispatch.clone(), Arc::clone(&taken));
                std::thread::spawn(move || {
                    let (mut clones, mut open) = (Vec::new(), Vec::new());
                    let mut state = round * 8 + thread + 1;
                    tracing::dispatcher::with_default(&dispatch, || {
                        for _ in 0..60 {
                            state = state
                                .wrapping_mul(6_364_136_223_846_793_005)
                                .wrapping_add(1_442_695_040_888_963_407);
                            let step = STEPS[usize::try_from(state >> 33).unwrap() % STEPS.len()];
                            let ends = matches!(step, Step::ShutdownAtOnce | Step::Shutdown);
                            // The end comes from one thread, at a time of its own.
                            if !ends || (thread == 0 && round % 2 == 0 && state >> 60 == 0) {
                                take(step, &audit, &mut clones, &mut open, &taken);
                            }
                        }
                    });
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no step panics");
        }
        timed_out_at_most(audit.shutdown(PATIENCE));
        let found = users(&sink).iter().filter(|record| record.event() == "e").count() as u64;
        if round % 2 == 1 {
            assert_eq!(found, taken.load(Ordering::SeqCst));
        }
        assert_eq!(audit.stats().in_queue, 0);
    }
}

#[test]
fn after_the_end_every_call_answers_and_what_is_reported_is_counted() {
    let _watchdog = Watchdog::start("calls after the end");
    let (audit, sink) = trail();
    let dispatch = dispatch(&audit);
    let first = audit.shutdown(PATIENCE).unwrap();
    assert_eq!(audit.shutdown(PATIENCE).unwrap(), first);
    assert_eq!(audit.flush(PATIENCE).unwrap(), first);
    assert_eq!(audit.emit(record(1)).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(audit.submit(record(1)).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(audit.rotate().unwrap_err().kind(), ErrorKind::Closed);
    tracing::dispatcher::with_default(&dispatch, || {
        info!(target: "audit", "late");
        assert!(!audit.check().is_live());
    });
    drop(audit.guard());
    assert_eq!((audit.stats().lost_closed, audit.stats().rejected_closed), (1, 2));
    assert!(users(&sink).is_empty());
}

#[test]
fn a_shutdown_from_a_panic_hook_keeps_the_last_word() {
    let test = "a_shutdown_from_a_panic_hook_keeps_the_last_word";
    if scenario().is_none() {
        succeed(child(test, "hook"));
        return;
    }
    let _watchdog = Watchdog::start("a panic hook");
    let (audit, sink) = trail();
    tracing_subscriber::registry().audited(&audit).init();
    let handle = audit.clone();
    std::panic::set_hook(Box::new(move |_| {
        info!(target: "audit", "in the hook");
        handle.emit(record(1)).expect("the trail works in a hook");
        handle.flush(PATIENCE).expect("the trail works in a hook");
    }));
    // In a value, too, that is just being recorded.
    struct Bad;
    impl std::fmt::Debug for Bad {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("on purpose")
        }
    }
    let panicked = std::thread::spawn(|| panic!("on purpose")).join();
    assert!(panicked.is_err());
    let handle = audit.clone();
    std::panic::set_hook(Box::new(move |_| {
        info!(target: "audit", "in the hook, in a value");
        assert_eq!(
            handle
                .emit(record(2))
                .expect_err("it would wait for itself")
                .kind(),
            ErrorKind::Reentrant
        );
        handle.flush(PATIENCE).expect("the trail works in a hook");
    }));
    info!(target: "audit", bad = ?Bad, "event");
    assert_eq!(
        messages(&audit, &sink),
        ["in the hook", "", "in the hook, in a value", "event"]
    );
}

#[test]
fn a_current_thread_runtime_can_emit_flush_and_end() {
    let _watchdog = Watchdog::start("a current-thread runtime");
    let (audit, sink) = trail();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let receipt = audit.emit_async(record(1)).await.expect("it works");
        assert_eq!(receipt.state(), State::Delivered);
        audit
            .emit(record(2))
            .expect("it blocks, and does not need the runtime");
        let both = tokio::join!(audit.emit_async(record(3)), audit.emit_async(record(4)));
        assert!(both.0.is_ok() && both.1.is_ok());
        audit.flush(PATIENCE).expect("it works");
        let handle = audit.clone();
        tokio::task::spawn_blocking(move || handle.shutdown(PATIENCE))
            .await
            .expect("no panic")
            .expect("it works");
    });
    assert_eq!(users(&sink).len(), 4);
}

/// A sink that calls the trail it belongs to.
#[derive(Debug, Default)]
struct Calls {
    audit: Arc<Mutex<Option<(Audit, Dispatch)>>>,
    seen: Arc<Mutex<Vec<Result<(), ErrorKind>>>>,
    inner: MemorySink,
}

impl Sink for Calls {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        if let Some((audit, dispatch)) = &*self.audit.lock().expect("nobody panics") {
            let mut seen = self.seen.lock().expect("nobody panics");
            let kind = |error: tracing_audit::Error| error.kind();
            seen.push(audit.emit(record(9)).map(drop).map_err(kind));
            seen.push(audit.submit(record(9)).map(drop).map_err(kind));
            seen.push(audit.flush(PATIENCE).map(drop).map_err(kind));
            seen.push(audit.shutdown(PATIENCE).map(drop).map_err(kind));
            seen.push(audit.rotate().map(drop).map_err(kind));
            tracing::dispatcher::with_default(dispatch, || {
                info!(target: "audit", "from the sink");
                drop(info_span!(target: "audit", "from the sink"));
            });
            drop(audit.guard());
        }
        self.inner.deliver(batch)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[test]
fn a_sink_that_calls_its_own_trail_is_told_and_nothing_hangs() {
    let _watchdog = Watchdog::start("a sink that calls");
    let sink = Calls::default();
    let (given, seen, entries) = (
        Arc::clone(&sink.audit),
        Arc::clone(&sink.seen),
        sink.inner.clone(),
    );
    let audit = Audit::builder()
        .without_journal()
        .sink(sink)
        .start()
        .expect("it starts");
    *given.lock().expect("nobody panics") = Some((audit.clone(), dispatch(&audit)));
    audit.emit(record(1)).expect("the trail works");
    *given.lock().expect("nobody panics") = None;
    audit.emit(record(2)).expect("the trail still works");
    audit.shutdown(PATIENCE).expect("it ends");
    let seen = seen.lock().expect("nobody panics");
    assert!(seen.len() >= 5);
    assert!(
        seen.iter().all(|result| *result == Err(ErrorKind::Reentrant)),
        "{seen:?}"
    );
    assert_eq!(users(&entries).len(), 2, "nothing from the sink is in the trail");
    assert_eq!(audit.stats().lost(), 0, "a gap for it would cause the next one");
}

#[test]
fn a_flush_covers_what_was_submitted_just_before_it_while_others_flush_as_well() {
    let _watchdog = Watchdog::start("flushes beside each other");
    let (audit, sink) = trail();
    let threads: Vec<_> = (0..4)
        .map(|thread: u64| {
            let (audit, sink) = (audit.clone(), sink.clone());
            std::thread::spawn(move || {
                for n in 0..100 {
                    let number = thread * 1_000 + n;
                    audit.submit(record(number)).expect("there is room");
                    audit.flush(PATIENCE).expect("the trail works");
                    let is_it =
                        |record: &Record| record.attribute("n").and_then(|n| n.as_u64()) == Some(number);
                    assert!(
                        sink.records().iter().any(is_it),
                        "{number} is not there after its flush"
                    );
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("every flush covers what was before it");
    }
    audit.shutdown(PATIENCE).expect("it ends");
    assert_eq!(users(&sink).len(), 400);
}

/// Reports and calls while its thread's locals are destroyed.
struct Last {
    audit: Audit,
    told: mpsc::Sender<bool>,
}

impl Drop for Last {
    fn drop(&mut self) {
        info!(target: "audit", "from a destructor");
        // No span: the registry's own slab panics when it is asked for one this late.
        let emitted = self.audit.emit(record(1)).is_ok();
        let flushed = self.audit.flush(PATIENCE).is_ok();
        drop(self.audit.guard());
        let _ = self.told.send(emitted && flushed);
    }
}

thread_local! {
    static EARLY: RefCell<Option<Last>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<Last>> = const { RefCell::new(None) };
}

#[test]
fn a_report_from_a_thread_locals_destructor_is_recorded() {
    let test = "a_report_from_a_thread_locals_destructor_is_recorded";
    if scenario().is_none() {
        succeed(child(test, "destructor"));
        return;
    }
    let _watchdog = Watchdog::start("a destructor");
    let (audit, sink) = trail();
    tracing_subscriber::registry().audited(&audit).init();
    let (told, hears) = mpsc::channel();
    let (handle, early) = (audit.clone(), told.clone());
    std::thread::spawn(move || {
        // One is registered before our own locals and one after: destroyed after and before them.
        EARLY.with(|place| {
            *place.borrow_mut() = Some(Last {
                audit: handle.clone(),
                told: early,
            })
        });
        info_span!(target: "audit", "warm").in_scope(|| info!(target: "audit", "warm"));
        LATE.with(|place| *place.borrow_mut() = Some(Last { audit: handle, told }));
    })
    .join()
    .expect("no destructor panics");
    assert_eq!(hears.iter().collect::<Vec<_>>(), [true, true]);
    let records = torture::records(&audit, &sink);
    let count = |summary: &str| {
        records
            .iter()
            .filter(|record| record.text(Slot::Summary) == Some(summary))
            .count()
    };
    assert_eq!(count("from a destructor"), 2);
    assert_eq!(records.iter().filter(|record| record.event() == "e").count(), 2);
    assert_eq!(audit.stats().lost(), 0);
}
