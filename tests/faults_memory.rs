//! No memory left: a thread that recorded before still records, and where a record needs more than there is, the process
//! ends as Rust ends it, with what was acknowledged in the trail.

#![cfg(unix)]

#[path = "support/child.rs"]
mod child;
#[path = "support/torture.rs"]
mod torture;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::os::unix::process::ExitStatusExt as _;

use child::{in_directory, report, start, tells};
use torture::{PATIENCE, scenario, succeed};
use tracing::info;

/// Gives nothing to a thread that is starved.
struct Starving;

thread_local! {
    static IS_STARVED: Cell<bool> = const { Cell::new(false) };
}

fn is_starved() -> bool {
    IS_STARVED.try_with(Cell::get).unwrap_or(false)
}

#[expect(
    unsafe_code,
    reason = "a global allocator is an unsafe trait; there is no other way to let allocations fail"
)]
// SAFETY: a call goes to the system's allocator with the arguments as they came, or answers that there is no memory.
unsafe impl GlobalAlloc for Starving {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_starved() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static STARVING: Starving = Starving;

/// Runs code that gets no memory.
fn starved(run: impl FnOnce()) {
    IS_STARVED.with(|is_starved| is_starved.set(true));
    run();
    IS_STARVED.with(|is_starved| is_starved.set(false));
}

fn write(scenario: &str) {
    let audit = start();
    // The callsite and the thread are known from here on.
    report(0..100);
    audit.flush(PATIENCE).unwrap();
    match scenario {
        "small" => {
            starved(|| report(100..200));
            audit.flush(PATIENCE).unwrap();
        }
        _ => {
            let text = "x".repeat(200_000);
            starved(|| info!(target: "audit", text, "too much"));
        }
    }
    std::mem::forget(audit);
}

#[test]
fn without_memory_a_thread_that_recorded_before_still_records() {
    let test = "without_memory_a_thread_that_recorded_before_still_records";
    if let Some(scenario) = scenario() {
        return write(&scenario);
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    succeed(in_directory(test, "small", place.path()));
    tells(place.path(), &[("audit.open", 1), ("acknowledged", 200)], "small");
}

#[test]
fn a_record_for_which_there_is_no_memory_ends_the_process_and_takes_nothing_that_was_acknowledged() {
    let test =
        "a_record_for_which_there_is_no_memory_ends_the_process_and_takes_nothing_that_was_acknowledged";
    if let Some(scenario) = scenario() {
        return write(&scenario);
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    let output = in_directory(test, "large", place.path()).output();
    let output = output.expect("the child starts");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("memory allocation of"), "{told}");
    tells(place.path(), &[("audit.open", 1), ("acknowledged", 100)], "large");
    assert!(directory_is_free(place.path()));
}

/// Whether the next process can go on.
fn directory_is_free(place: &std::path::Path) -> bool {
    let next = tracing_audit::Audit::builder().directory(place).start();
    next.is_ok_and(|audit| audit.shutdown(PATIENCE).is_ok())
}
