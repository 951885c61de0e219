//! How a process ends, forks and begins: what was acknowledged is in the files, and nobody hangs.

#[path = "support/torture.rs"]
mod torture;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use torture::{PATIENCE, Watchdog, child, count, events, journal, scenario, succeed};
use tracing::{info, info_span};
use tracing_audit::config::Mode;
use tracing_audit::record::Record;
use tracing_audit::{Audit, AuditedExt, ErrorKind};
use tracing_subscriber::prelude::*;

/// Where a child writes.
const DIRECTORY: &str = "TRACING_AUDIT_TORTURE_DIRECTORY";

fn start() -> Audit {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("the parent names a directory"));
    let audit = Audit::builder()
        .directory(directory)
        .service("torture")
        .mode_of_event("at.once", Mode::Durable);
    let audit = audit.start().expect("it starts");
    tracing_subscriber::registry().audited(&audit).init();
    audit
}

fn report(records: usize) {
    for n in 0..records {
        info!(target: "audit", n, "acknowledged");
    }
}

/// A child for `scenario` of `test` that writes to `directory`.
fn in_directory(test: &str, scenario: &str, directory: &Path) -> Command {
    let mut child = child(test, scenario);
    child.env(DIRECTORY, directory);
    child
}

/// The lines that a child left, whatever its exit code.
fn left_by(test: &str, scenario: &str) -> (Option<i32>, Vec<String>) {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let output = in_directory(test, scenario, directory.path())
        .output()
        .expect("the child starts");
    let lines = journal(directory.path());
    for line in &lines {
        serde_json::from_str::<serde_json::Value>(line).expect("no line is torn");
    }
    if output.status.code().is_none() {
        panic!(
            "{scenario}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    (output.status.code(), lines)
}

const RECORDS: usize = 1_000;

#[test]
fn a_guard_that_is_dropped_early_or_never_loses_nothing() {
    let test = "a_guard_that_is_dropped_early_or_never_loses_nothing";
    if let Some(scenario) = scenario() {
        guard(&scenario);
        return;
    }
    // Early: it ends, begins again, and goes on.
    for (scenario, opens, closes) in [
        ("early", 2, 1),
        ("at once", 2, 1),
        ("kept", 1, 1),
        ("twice", 1, 1),
        ("leaked", 1, 0),
        ("handle", 2, 1),
    ] {
        let (code, lines) = left_by(test, scenario);
        assert_eq!(code, Some(0), "{scenario}");
        assert_eq!(count(&lines, "acknowledged"), RECORDS, "{scenario}");
        let found = (events(&lines, "audit.open"), events(&lines, "audit.close"));
        // The process may end between the last record and the trail's own last word, where nobody waits for it.
        assert!(
            found == (opens, closes) || (found.0 == opens && found.1 + 1 >= closes),
            "{scenario}: {found:?}"
        );
    }
}

/// What a child does with its guard.
fn guard(scenario: &str) {
    let _watchdog = Watchdog::start("a guard");
    let audit = start();
    match scenario {
        "early" => {
            let guard = audit.guard();
            report(RECORDS / 2);
            drop(guard);
            report(RECORDS / 2);
            audit.flush(PATIENCE).unwrap();
        }
        "at once" => {
            let _ = audit.guard();
            report(RECORDS);
            audit.flush(PATIENCE).unwrap();
        }
        "kept" => {
            let _guard = audit.guard();
            drop(audit);
            report(RECORDS);
        }
        "twice" => {
            let (first, second) = (audit.guard(), audit.guard());
            report(RECORDS);
            drop(first);
            drop(second);
        }
        "leaked" => {
            std::mem::forget(audit.guard());
            report(RECORDS);
            // The writer commits by itself: wait for it the way that an operator would see it.
            while audit.stats().durable < RECORDS as u64 {
                std::thread::yield_now();
            }
        }
        "handle" => {
            report(RECORDS / 2);
            drop(audit);
            report(RECORDS / 2);
            // The layers keep the trail alive; another handle's flush would need a handle.
            std::thread::sleep(Duration::from_millis(500));
        }
        other => panic!("no scenario {other}"),
    }
}

#[test]
fn what_was_acknowledged_survives_every_way_out_of_a_process() {
    let test = "what_was_acknowledged_survives_every_way_out_of_a_process";
    if let Some(scenario) = scenario() {
        let _watchdog = Watchdog::start("a way out");
        leave(&scenario);
        return;
    }
    for (scenario, code) in [
        ("return", 0),
        ("exit", 3),
        ("panic hook", 101),
        ("emit and abort", -1),
        ("exit in a thread", 4),
        ("atexit", 0),
    ] {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let output = in_directory(test, scenario, directory.path())
            .output()
            .expect("the child starts");
        assert_eq!(
            output.status.code().unwrap_or(-1),
            code,
            "{scenario}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let lines = journal(directory.path());
        assert_eq!(count(&lines, "acknowledged"), RECORDS, "{scenario}");
        if scenario == "panic hook" {
            assert_eq!(count(&lines, "the last word"), 1);
            assert!(
                lines.iter().any(|line| line.contains("\"still_open\"")),
                "the open span is written"
            );
        }
    }
}

fn leave(scenario: &str) {
    let audit = start();
    match scenario {
        "return" => {
            let guard = audit.guard();
            report(RECORDS);
            drop(guard);
        }
        "exit" => {
            report(RECORDS);
            audit.flush(PATIENCE).unwrap();
            std::process::exit(3);
        }
        "exit in a thread" => {
            report(RECORDS);
            std::thread::spawn(move || {
                audit.shutdown(PATIENCE).unwrap();
                std::process::exit(4);
            })
            .join()
            .unwrap();
        }
        "panic hook" => {
            let handle = audit.clone();
            std::panic::set_hook(Box::new(move |_| {
                info!(target: "audit", "the last word");
                handle.shutdown(PATIENCE).unwrap();
                std::process::exit(101);
            }));
            let _inside = info_span!(target: "audit", "work").entered();
            report(RECORDS);
            panic!("on purpose");
        }
        "emit and abort" => {
            for n in 0..RECORDS {
                let record = Record::builder("e")
                    .actor("user", "u")
                    .summary("acknowledged")
                    .attribute("n", n as u64);
                if n + 1 < RECORDS {
                    audit.submit(record.build()).unwrap();
                } else {
                    // The answer to the last one covers all before it.
                    audit.emit(record.build()).unwrap();
                }
            }
            std::process::abort();
        }
        "atexit" => {
            std::thread::spawn(move || {
                report(RECORDS);
                audit.flush(PATIENCE).unwrap();
            })
            .join()
            .unwrap();
        }
        other => panic!("no scenario {other}"),
    }
}

#[test]
#[cfg(unix)]
fn a_forked_child_is_told_that_it_has_no_writer_and_the_parents_trail_is_intact() {
    let test = "a_forked_child_is_told_that_it_has_no_writer_and_the_parents_trail_is_intact";
    if scenario().is_some() {
        fork();
        return;
    }
    let directory = tempfile::tempdir().expect("there is room for a directory");
    succeed(in_directory(test, "fork", directory.path()));
    let lines = journal(directory.path());
    assert_eq!(count(&lines, "acknowledged"), 20);
    assert_eq!(count(&lines, "from the child"), 0);
    assert_eq!(events(&lines, "audit.open"), 1);
    let seqs = lines.iter().map(|line| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"]
            .as_u64()
            .unwrap()
    });
    assert!(seqs.eq(0..lines.len() as u64), "no line is doubled or missing");
}

/// The parent's part, and the child's between fork and exit.
#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "there is no safe fork; the child only checks what the handle answers, and exits"
)]
fn fork() {
    let audit = start();
    let guard = audit.guard();
    report(10);
    // SAFETY: the child calls the library and `_exit`; this test process has no other work that holds a lock.
    let forked = unsafe { libc::fork() };
    assert!(forked >= 0);
    if forked == 0 {
        let _watchdog = Watchdog::within("the forked child", Duration::from_secs(20));
        let record = || {
            Record::builder("from.child")
                .actor("user", "u")
                .summary("from the child")
                .build()
        };
        let kinds = [
            audit.emit(record()).map(drop).map_err(|error| error.kind()),
            audit.submit(record()).map(drop).map_err(|error| error.kind()),
            audit.flush(PATIENCE).map(drop).map_err(|error| error.kind()),
            audit.shutdown(PATIENCE).map(drop).map_err(|error| error.kind()),
            audit.rotate().map(drop).map_err(|error| error.kind()),
            audit.cleanup().map(drop).map_err(|error| error.kind()),
        ];
        // Through the layer nobody can be told; far more than the queue holds, so that it would wait.
        for n in 0..20_000 {
            info!(target: "audit", n, "from the child");
        }
        for _ in 0..100 {
            info!(target: "audit", event = "at.once", "from the child");
        }
        drop(guard);
        let is_told = kinds.iter().all(|kind| *kind == Err(ErrorKind::Forked));
        if !is_told {
            eprintln!("{kinds:?}");
        }
        let lost = audit.stats().lost();
        // SAFETY: ends the child without the parent's destructors.
        unsafe {
            libc::_exit(if !is_told {
                1
            } else if lost == 0 {
                2
            } else {
                0
            })
        }
    }
    let mut status = 0;
    // SAFETY: waits for the child made above, with a place for its status.
    assert_eq!(unsafe { libc::waitpid(forked, &raw mut status, 0) }, forked);
    assert_eq!(
        libc::WEXITSTATUS(status),
        0,
        "1: not told; 2: nothing counted; status {status}"
    );
    assert!(libc::WIFEXITED(status));
    report(10);
    drop(guard);
}

macro_rules! many_callsites {
    ($thread:expr, $($n:literal)*) => {$(
        info!(target: "audit", thread = $thread, n = $n, "first use");
        {
            let span = info_span!(target: "audit", "first span", n = $n);
            let _inside = span.enter();
            info!(target: "audit", "inside");
        }
    )*};
}

/// Two threads that meet the same callsites for the first time at the same time.
fn race() {
    let sink = tracing_audit::sink::MemorySink::new();
    let audit = Audit::builder().memory(&sink).start().unwrap();
    match std::process::id() % 3 {
        0 => tracing_subscriber::registry().audited(&audit).init(),
        1 => tracing_subscriber::registry().with(audit.layer()).init(),
        _ => tracing_subscriber::registry().with(audit.filter_shell()).init(),
    }
    let start = Arc::new(Barrier::new(2));
    let threads: Vec<_> = (0..2)
        .map(|thread| {
            let start = Arc::clone(&start);
            std::thread::spawn(move || {
                start.wait();
                many_callsites!(thread, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29
                    30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    audit.flush(PATIENCE).unwrap();
    let users = torture::users(&sink);
    assert_eq!(users.len(), 2 * 60 * 3);
}

#[test]
fn in_fresh_processes_no_first_use_of_a_callsite_loses_a_record() {
    let test = "in_fresh_processes_no_first_use_of_a_callsite_loses_a_record";
    if scenario().is_some() {
        let _watchdog = Watchdog::start("a race");
        return race();
    }
    let processes = if std::env::var_os("TRACING_AUDIT_QUICK").is_some() {
        60
    } else {
        300
    };
    let mut running = std::collections::VecDeque::new();
    let end = |(child, n): (std::process::Child, usize)| {
        let output = child.wait_with_output().expect("the child can be waited for");
        assert!(
            output.status.success(),
            "process {n}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    for n in 0..processes {
        let mut child = child(test, "race");
        child
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        running.push_back((child.spawn().expect("the child starts"), n));
        if running.len() >= 4 {
            end(running.pop_front().expect("it was just filled"));
        }
    }
    running.into_iter().for_each(end);
}
