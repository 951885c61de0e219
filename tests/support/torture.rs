//! What the torture tests share: trails in memory, children that are this test binary again, and a watchdog.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::MemorySink;
use tracing_audit::{Audit, AuditBuilder};

/// Long enough for anything that ends at all, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Names the scenario to a child.
const SCENARIO: &str = "TRACING_AUDIT_TORTURE";

/// A trail in memory, and its entries.
pub fn trail() -> (Audit, MemorySink) {
    trail_with(|builder| builder)
}

/// A trail in memory with settings of its own.
pub fn trail_with(set: impl FnOnce(AuditBuilder) -> AuditBuilder) -> (Audit, MemorySink) {
    let sink = MemorySink::new();
    let audit = set(Audit::builder().memory(&sink).service("torture"))
        .start()
        .expect("the settings are good");
    (audit, sink)
}

/// The application's records so far: everything but the control records.
pub fn records(audit: &Audit, sink: &MemorySink) -> Vec<Record> {
    audit.flush(PATIENCE).expect("a memory sink takes everything");
    users(sink)
}

/// The application's records that are there now.
pub fn users(sink: &MemorySink) -> Vec<Record> {
    sink.records()
        .into_iter()
        .filter(|record| !is_control(record))
        .collect()
}

pub fn is_control(record: &Record) -> bool {
    record.text(Slot::ActorId) == Some("tracing-audit")
}

/// The messages of the application's records.
pub fn messages(audit: &Audit, sink: &MemorySink) -> Vec<String> {
    let message = |record: &Record| record.text(Slot::Summary).unwrap_or_default().to_owned();
    records(audit, sink).iter().map(message).collect()
}

/// What gap records count, by cause.
pub fn gaps(sink: &MemorySink) -> Vec<(String, u64)> {
    let gap = |record: Record| {
        let cause = record.attribute("cause")?.as_str()?.to_owned();
        (record.event() == "audit.gap").then_some((cause, record.attribute("lost")?.as_u64()?))
    };
    sink.records().into_iter().filter_map(gap).collect()
}

/// The lines of a journal, as text, oldest first.
pub fn journal(directory: &Path) -> Vec<String> {
    let mut segments: Vec<_> = std::fs::read_dir(directory.join("main"))
        .expect("the stream has a directory")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    segments.sort();
    let text = |path: &std::path::PathBuf| std::fs::read_to_string(path).expect("a segment is text");
    segments
        .iter()
        .map(text)
        .collect::<String>()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// How many lines of a journal state this message.
pub fn count(lines: &[String], message: &str) -> usize {
    let stated = format!("\"summary\":\"{message}\"");
    lines.iter().filter(|line| line.contains(&stated)).count()
}

/// How many lines of a journal are this control record.
pub fn events(lines: &[String], event: &str) -> usize {
    let stated = format!("\"event\":\"{event}\"");
    lines.iter().filter(|line| line.contains(&stated)).count()
}

/// The scenario that this process is a child for, if it is one.
pub fn scenario() -> Option<String> {
    std::env::var(SCENARIO).ok()
}

/// Runs this test binary again as a child that only does `scenario`, inside the test `test`.
pub fn child(test: &str, scenario: &str) -> Command {
    let mut child = Command::new(std::env::current_exe().expect("the test binary knows its path"));
    child
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(SCENARIO, scenario);
    child.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
    child
}

/// Runs a child to its end; fails where it does not end well.
pub fn succeed(mut child: Command) -> Output {
    let output = child.output().expect("the test binary can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

/// Ends the process where what it watches is not over in time: a hang becomes a failure with a name.
pub struct Watchdog(Arc<AtomicBool>);

impl Watchdog {
    pub fn start(what: &'static str) -> Self {
        Self::within(what, PATIENCE + PATIENCE / 2)
    }

    pub fn within(what: &'static str, patience: Duration) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&over);
        std::thread::spawn(move || {
            let deadline = Instant::now() + patience;
            while !watched.load(Ordering::Acquire) {
                if Instant::now() > deadline {
                    eprintln!("hang: {what} is not over after {patience:?}");
                    std::process::abort();
                }
                std::thread::park_timeout(Duration::from_millis(100));
            }
        });
        Self(over)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Takes diagnostics instead of standard error.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    pub fn sentences(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics while telling").clone()
    }

    pub fn hear(&self, sentence: &str) {
        self.0
            .lock()
            .expect("nobody panics while telling")
            .push(sentence.to_owned());
    }
}
