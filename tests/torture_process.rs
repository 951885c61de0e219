//! How a process forks, and how its threads begin: nothing is doubled or lost, and nobody hangs.

#[path = "support/child.rs"]
mod child;
#[path = "support/torture.rs"]
mod torture;

use std::sync::{Arc, Barrier};
use std::time::Duration;

use child::{in_directory, report, start, tells};
use torture::{PATIENCE, Watchdog, scenario, succeed};
use tracing::{info, info_span};
use tracing_audit::record::Record;
use tracing_audit::{Audit, AuditedExt, ErrorKind};
use tracing_subscriber::prelude::*;

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
    // Nothing from the child, and no line twice: what was in the writer's hands at the fork is written by one of them.
    let expected = [("audit.open", 1), ("acknowledged", 20), ("audit.close", 1)];
    tells(directory.path(), &expected, "fork");
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
    report(0..10);
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
        let stats = audit.stats();
        // Who asks for something else has no record to be refused.
        let checks = [is_told, stats.lost() > 0, stats.rejected_forked == 2];
        let wrong = checks.iter().position(|is_right| !is_right);
        let code = wrong.map_or(0, |at| at as i32 + 1);
        // SAFETY: ends the child without the parent's destructors.
        unsafe { libc::_exit(code) }
    }
    let mut status = 0;
    // SAFETY: waits for the child made above, with a place for its status.
    assert_eq!(unsafe { libc::waitpid(forked, &raw mut status, 0) }, forked);
    assert_eq!(
        libc::WEXITSTATUS(status),
        0,
        "1: not told; 2: nothing counted; 3: counted wrong; status {status}"
    );
    assert!(libc::WIFEXITED(status));
    report(10..20);
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
    let is_set = |name| std::env::var_os(name).is_some();
    let processes = match (is_set("TRACING_AUDIT_FULL"), is_set("TRACING_AUDIT_QUICK")) {
        (true, _) => 3_000,
        (false, true) => 60,
        (false, false) => 300,
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
        let mut child = torture::child(test, "race");
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
