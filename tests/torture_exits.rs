//! Every way out of a process: what was acknowledged is in the files, what may be missing has a bound, nobody hangs.

#![cfg(unix)]

#[path = "support/child.rs"]
mod child;
#[path = "support/torture.rs"]
mod torture;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use child::{directory, halt, halted, in_directory, report, start, story, tells};
use serde_json::Value;
use torture::{PATIENCE, Watchdog, journal, scenario};
use tracing::{info, info_span};
use tracing_audit::Audit;
use tracing_audit::record::Record;

const RECORDS: usize = 1_000;
const HALF: usize = RECORDS / 2;

/// Ends a child as an operator does.
fn send(signal: &str, child: &Child) {
    let line = format!("kill -{signal} {}", child.id());
    let status = Command::new("sh").args(["-c", &line]).status();
    assert!(status.expect("there is a shell").success(), "{line}");
}

/// Kills a child that has halted: nothing of it can run any more, so what it left is what it had written.
fn kill(mut child: Child) {
    child.kill().expect("it still runs");
    child.wait().expect("it can be waited for");
}

#[test]
fn a_guard_or_handle_that_is_dropped_early_or_never_loses_nothing() {
    let test = "a_guard_or_handle_that_is_dropped_early_or_never_loses_nothing";
    if let Some(scenario) = scenario() {
        guard(&scenario);
        halt();
    }
    let (open, close) = (("audit.open", 1), ("audit.close", 1));
    let (all, half) = (("acknowledged", RECORDS), ("acknowledged", HALF));
    let scenarios: [(&str, Story<'_>); 6] = [
        ("early", &[open, half, close, open, half]),
        ("at once", &[open, close, open, all]),
        ("kept", &[open, all, close]),
        ("twice", &[open, all, close]),
        ("leaked", &[open, all]),
        ("handle", &[open, half, close, open, half]),
    ];
    for (scenario, expected) in scenarios {
        let place = tempfile::tempdir().expect("there is room for a directory");
        kill(halted(in_directory(test, scenario, place.path())));
        tells(place.path(), expected, scenario);
    }
}

/// What a child does with its guard, until all that it has reported must be in the files.
fn guard(scenario: &str) {
    let _watchdog = Watchdog::start("a guard");
    let audit = start();
    match scenario {
        "early" => {
            let guard = audit.guard();
            report(0..HALF);
            drop(guard);
            report(HALF..RECORDS);
            audit.flush(PATIENCE).unwrap();
            // The handle stays: its end would be another one of the trail.
            std::mem::forget(audit);
        }
        "at once" => {
            let _ = audit.guard();
            report(0..RECORDS);
            audit.flush(PATIENCE).unwrap();
            std::mem::forget(audit);
        }
        "kept" => {
            let _guard = audit.guard();
            drop(audit);
            report(0..RECORDS);
        }
        "twice" => {
            let (first, second) = (audit.guard(), audit.guard());
            report(0..RECORDS);
            drop(first);
            drop(second);
        }
        "leaked" => {
            std::mem::forget(audit.guard());
            report(0..RECORDS);
            // Nobody asks the writer for anything: it commits by itself.
            wait_until(|| audit.stats().durable == RECORDS as u64);
            std::mem::forget(audit);
        }
        "handle" => {
            report(0..HALF);
            drop(audit);
            // Only the layers are left. Nobody can ask any more; who looks at the files sees the records come.
            report(HALF..RECORDS);
            wait_until(|| torture::count(&journal(&directory()), "acknowledged") == RECORDS);
        }
        other => panic!("no scenario {other}"),
    }
}

/// Looks again and again; the watchdog ends what never comes.
fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

/// What a journal must say, as [`tells`] takes it.
type Story<'a> = &'a [(&'a str, usize)];

/// How a process ended: its code, or the signal that ended it.
#[derive(Debug, PartialEq)]
enum End {
    Code(i32),
    Signal(i32),
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> Self {
        let signal = || Self::Signal(status.signal().expect("a code or a signal"));
        status.code().map_or_else(signal, Self::Code)
    }
}

/// T003-29.
#[test]
fn what_was_acknowledged_survives_every_way_out_of_a_process() {
    let test = "what_was_acknowledged_survives_every_way_out_of_a_process";
    if let Some(scenario) = scenario() {
        let _watchdog = Watchdog::start("a way out");
        leave(&scenario, start());
        return;
    }
    let (open, all, close) = (("audit.open", 1), ("acknowledged", RECORDS), ("audit.close", 1));
    let hook = [open, all, ("the last word", 1), ("work", 1), close];
    let scenarios: [(&str, End, Story<'_>); 10] = [
        ("return with a guard", End::Code(0), &[open, all, close]),
        ("return without one", End::Code(0), &[open, all]),
        ("exit after a flush", End::Code(3), &[open, all]),
        (
            "exit after a shutdown in a thread",
            End::Code(4),
            &[open, all, close],
        ),
        ("shutdown in an exit handler", End::Code(5), &[open, all, close]),
        ("a panic hook that exits", End::Code(101), &hook),
        ("a panic hook that aborts", End::Signal(libc::SIGABRT), &hook),
        (
            "a panic that aborts beside a guard",
            End::Signal(libc::SIGABRT),
            &[open, all],
        ),
        ("abort after an emit", End::Signal(libc::SIGABRT), &[open, all]),
        ("a stack that overflows", End::Signal(libc::SIGABRT), &[open, all]),
    ];
    // All of them 50 times are 500 ways out.
    let rounds = if std::env::var_os("TRACING_AUDIT_FULL").is_some() {
        50
    } else {
        1
    };
    for (scenario, end, expected) in std::iter::repeat_n(&scenarios, rounds).flatten() {
        let place = tempfile::tempdir().expect("there is room for a directory");
        let output = in_directory(test, scenario, place.path()).output();
        let output = output.expect("the child starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(End::from(output.status), *end, "{scenario}\n{told}");
        tells(place.path(), expected, scenario);
        if expected.len() == hook.len() {
            let lines = journal(place.path());
            let open = lines.iter().filter(|line| line.contains("\"still_open\""));
            assert_eq!(open.count(), 1, "the span that the panic came from is written");
        }
        let is_clean = next_start(place.path())["clean"].clone();
        assert_eq!(is_clean, expected.contains(&close), "{scenario}");
    }
}

/// For the handler that C calls.
static AT_EXIT: OnceLock<Audit> = OnceLock::new();

extern "C" fn end_the_trail() {
    // Its thread's locals are gone already.
    let ended = AT_EXIT.get().expect("it was set").shutdown(PATIENCE);
    ended.expect("the writer still runs");
}

fn leave(scenario: &str, audit: Audit) {
    match scenario {
        "return with a guard" => {
            let _guard = audit.guard();
            report(0..RECORDS);
        }
        "return without one" => {
            report(0..RECORDS);
            audit.flush(PATIENCE).unwrap();
            // As in a static: no destructor runs.
            std::mem::forget(audit);
        }
        "exit after a flush" => {
            report(0..RECORDS);
            audit.flush(PATIENCE).unwrap();
            std::process::exit(3);
        }
        "exit after a shutdown in a thread" => {
            report(0..RECORDS);
            let ends = move || {
                audit.shutdown(PATIENCE).unwrap();
                std::process::exit(4);
            };
            std::thread::spawn(ends).join().unwrap();
        }
        "shutdown in an exit handler" => {
            report(0..RECORDS);
            AT_EXIT.set(audit).expect("it is set once");
            at_exit();
            std::process::exit(5);
        }
        "a panic hook that exits" => panics(audit, || std::process::exit(101)),
        // What `panic = "abort"` does, in the same order: the hook runs, no destructor does, the process aborts.
        "a panic hook that aborts" => panics(audit, || std::process::abort()),
        // The same where nothing is called in the hook: no destructor, so the guard does nothing, and neither does the end
        // of the span.
        "a panic that aborts beside a guard" => {
            std::panic::set_hook(Box::new(|_| std::process::abort()));
            let _guard = audit.guard();
            let _inside = info_span!(target: "audit", "work").entered();
            report(0..RECORDS);
            audit.flush(PATIENCE).unwrap();
            panic!("on purpose");
        }
        "abort after an emit" => {
            emit_all(&audit);
            std::process::abort();
        }
        "a stack that overflows" => {
            emit_all(&audit);
            overflow(0);
        }
        other => panic!("no scenario {other}"),
    }
}

#[expect(unsafe_code, reason = "there is no safe way to register an exit handler")]
fn at_exit() {
    // SAFETY: the handler is a function without a state of its own; it calls the library, whose writer still runs.
    assert_eq!(unsafe { libc::atexit(end_the_trail) }, 0);
}

fn panics(audit: Audit, end: impl Fn() + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |_| {
        info!(target: "audit", "the last word");
        audit.shutdown(PATIENCE).unwrap();
        end();
    }));
    let _inside = info_span!(target: "audit", "work").entered();
    report(0..RECORDS);
    panic!("on purpose");
}

/// The answer to the last one covers all before it.
fn emit_all(audit: &Audit) {
    for n in 0..RECORDS {
        let record = Record::builder("e").actor("user", "u").summary("acknowledged");
        let record = record.attribute("n", n as u64).build();
        if n + 1 < RECORDS {
            audit.submit(record).unwrap();
        } else {
            audit.emit(record).unwrap();
        }
    }
}

#[expect(unconditional_recursion, reason = "its end is the end of the stack")]
fn overflow(depth: usize) -> usize {
    let here = std::hint::black_box([depth; 64]);
    overflow(here[0] + 1) + here[1]
}

/// Starts a trail behind a process that ended; what its `audit.open` says of that end.
fn next_start(directory: &Path) -> Value {
    let audit = Audit::builder().directory(directory).start().expect("it starts");
    audit.shutdown(PATIENCE).expect("the disk works");
    let lines = journal(directory);
    let mut opens = lines.iter().filter(|line| line.contains("\"audit.open\""));
    let last = opens.next_back().expect("there is one");
    let last: Value = serde_json::from_str(last).expect("a line is JSON");
    last["attributes"].clone()
}

#[test]
fn a_signal_ends_the_trail_where_it_is_handled_and_loses_nothing_that_was_flushed_where_it_is_not() {
    let test =
        "a_signal_ends_the_trail_where_it_is_handled_and_loses_nothing_that_was_flushed_where_it_is_not";
    if let Some(scenario) = scenario() {
        let audit = start();
        report(0..RECORDS);
        if scenario == "handled" {
            return handle(&audit);
        }
        audit.flush(PATIENCE).unwrap();
        halt();
    }
    let (open, all, close) = (("audit.open", 1), ("acknowledged", RECORDS), ("audit.close", 1));
    let scenarios: [(&str, &str, End, Story<'_>); 5] = [
        ("handled", "TERM", End::Code(7), &[open, all, close]),
        ("not handled", "TERM", End::Signal(libc::SIGTERM), &[open, all]),
        ("not handled", "INT", End::Signal(libc::SIGINT), &[open, all]),
        ("not handled", "HUP", End::Signal(libc::SIGHUP), &[open, all]),
        ("not handled", "KILL", End::Signal(libc::SIGKILL), &[open, all]),
    ];
    for (scenario, signal, end, expected) in scenarios {
        let place = tempfile::tempdir().expect("there is room for a directory");
        let mut child = halted(in_directory(test, scenario, place.path()));
        send(signal, &child);
        // Waiting would close the child's standard input first, and so end its halt.
        let _open = child.stdin.take();
        let status = child.wait().expect("it can be waited for");
        assert_eq!(End::from(status), end, "{scenario} {signal}");
        tells(place.path(), expected, signal);
        let is_clean = next_start(place.path())["clean"].clone();
        assert_eq!(is_clean, expected.contains(&close), "{scenario} {signal}");
    }
}

/// A service with a task for the signal, on a runtime of one thread.
fn handle(audit: &Audit) {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.expect("a runtime").block_on(async {
        let mut terminated = signal(SignalKind::terminate()).expect("it can be listened for");
        // The listener is there: the parent may send. Its own end of the pipe stays open, so this thread returns never.
        std::thread::spawn(|| halt());
        terminated.recv().await;
        let handle = audit.clone();
        tokio::task::spawn_blocking(move || handle.shutdown(PATIENCE)).await
    });
    ended.expect("no panic").expect("the disk works");
    std::process::exit(7);
}

#[test]
fn what_a_killed_process_may_have_lost_has_the_bound_that_the_next_start_states() {
    let test = "what_a_killed_process_may_have_lost_has_the_bound_that_the_next_start_states";
    if scenario().is_some() {
        let audit = start();
        report(0..HALF);
        audit.flush(PATIENCE).unwrap();
        // Nobody waits for these: they are in the queue, in the writer's hands, or in the file.
        report(HALF..RECORDS);
        std::mem::forget(audit);
        halt();
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    kill(halted(in_directory(test, "killed", place.path())));
    let written = torture::count(&journal(place.path()), "acknowledged");
    assert!(written >= HALF, "{written}: what was flushed is there");
    let said = next_start(place.path());
    assert_eq!(said["clean"], false);
    let bound = said["missing_at_most"].as_u64().expect("a number");
    assert!(
        (RECORDS - written) as u64 <= bound,
        "{written} of {RECORDS}, {bound}"
    );
    // `story` checks that what is there is the beginning of what was reported, without a hole.
    let found = story(place.path());
    let expected = [
        ("audit.open", 1),
        ("acknowledged", written),
        ("audit.open", 1),
        ("audit.close", 1),
    ];
    assert_eq!(found, expected.map(|(what, count)| (what.to_owned(), count)));
}

#[test]
fn a_process_that_is_killed_while_its_trail_is_paused_leaves_a_pause_without_an_end_and_the_next_start_says_so()
 {
    let test = "a_process_that_is_killed_while_its_trail_is_paused_leaves_a_pause_without_an_end_and_the_next_start_says_so";
    if scenario().is_some() {
        let audit = start();
        report(0..HALF);
        audit.pause("test").unwrap();
        report(HALF..RECORDS);
        std::mem::forget(audit);
        halt();
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    kill(halted(in_directory(test, "killed", place.path())));
    let said = next_start(place.path());
    assert_eq!(said["clean"], false);
    let expected = [
        ("audit.open", 1),
        ("acknowledged", HALF),
        ("audit.pause", 1),
        ("audit.open", 1),
        ("audit.close", 1),
    ];
    let expected = expected.map(|(what, count)| (what.to_owned(), count));
    assert_eq!(story(place.path()), expected);
}

#[test]
fn an_exit_while_other_threads_report_leaves_each_of_them_a_beginning_without_holes() {
    let test = "an_exit_while_other_threads_report_leaves_each_of_them_a_beginning_without_holes";
    if scenario().is_some() {
        return exit_in_the_middle();
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    let status = in_directory(test, "exit", place.path()).status();
    assert_eq!(status.expect("the child starts").code(), Some(6));
    let mut next: BTreeMap<u64, u64> = BTreeMap::new();
    let mut lines = journal(place.path());
    if serde_json::from_str::<Value>(lines.last().expect("there are lines")).is_err() {
        // The writer was in the middle of it.
        lines.pop();
    }
    for (seq, line) in lines.iter().enumerate() {
        let line: Value = serde_json::from_str(line).expect("only the last line can be torn");
        assert_eq!(line["seq"], seq);
        if let Some(thread) = line["attributes"]["thread"].as_u64() {
            let next = next.entry(thread).or_default();
            assert_eq!(line["attributes"]["n"], *next, "thread {thread}");
            *next += 1;
        }
    }
    assert_eq!(next.len(), 4);
    assert!(
        next.values().all(|count| *count >= RECORDS as u64),
        "what was flushed is there: {next:?}"
    );
    assert_eq!(next_start(place.path())["clean"], false);
}

fn exit_in_the_middle() {
    let _watchdog = Watchdog::start("an exit in the middle");
    let audit = start();
    let done = std::sync::Arc::new(std::sync::Barrier::new(5));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for thread in 0..4_u64 {
            let (done, is_over) = (&done, &is_over);
            threads.spawn(move || {
                for n in 0.. {
                    info!(target: "audit", thread, n, "in the middle");
                    if n + 1 == RECORDS as u64 {
                        done.wait();
                    }
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        done.wait();
        audit.flush(PATIENCE).unwrap();
        std::process::exit(6);
    });
}
