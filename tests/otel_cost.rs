//! What asking for the exported ids costs the caller's thread in allocations: nothing.

#[path = "support/otel.rs"]
mod otel;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use otel::{Form, Stage, Traces};
use tracing::{info, info_span};

/// Counts what each thread allocates, and passes on.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
}

#[expect(
    unsafe_code,
    reason = "a global allocator is an unsafe trait; there is no other way to see allocations"
)]
// SAFETY: every call goes to the system's allocator with the arguments as they came; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATED.try_with(|allocated| allocated.set(allocated.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often this thread allocates while `run` runs.
fn allocations(run: impl FnOnce()) -> u64 {
    let before = ALLOCATED.with(Cell::get);
    run();
    ALLOCATED.with(Cell::get) - before
}

#[test]
fn an_event_under_exported_ids_allocates_nothing_wherever_they_come_from() {
    for attach in [true, false] {
        for form in Form::ALL {
            let traces = Traces {
                attach,
                // The layer itself allocates for every event that it hears of.
                filter: true,
                ..Traces::default()
            };
            let stage = Stage::new(form, traces);
            let report = |parent: &tracing::Span| {
                for _ in 0..100 {
                    info!(target: "audit::hidden", event = "event", actor.id = "u-1");
                    info!(target: "audit::hidden", parent: parent, event = "named", actor.id = "u-1");
                }
            };
            let allocated = stage.run(|| {
                let named = info_span!("named");
                let _span = info_span!("span").entered();
                report(&named);
                allocations(|| report(&named))
            });
            assert_eq!(allocated, 0, "{form:?}, contexts are attached: {attach}");
            let records = stage.records();
            assert_eq!(records.len(), 400);
            let span = stage.span("span").span_context.span_id().to_string();
            let of_span = records
                .iter()
                .filter(|record| otel::ids(record).1.as_ref() == Some(&span));
            assert_eq!(of_span.count(), 200);
        }
    }
}
