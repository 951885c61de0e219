//! What the fault lanes share: a child that writes with four threads and says what was acknowledged, and the oracle over
//! the trail that it left.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tracing_audit::format::segments;
use tracing_audit::record::Record;
use tracing_audit::verify::{Options, Outcome, verify};
use tracing_audit::{Audit, ErrorKind, State};

use crate::torture;

pub(crate) const THREADS: u64 = 4;

/// A record of the child's: its thread and its number there.
pub(crate) type Key = (u64, u64);

/// What a child acknowledged: the record, and the place in the stream that its receipt names.
pub(crate) type Acknowledged = BTreeMap<Key, u64>;

pub(crate) fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// How often a lane does its deed: at full size, usually, or in the quick lane.
pub(crate) fn rounds(full: usize, usual: usize, quick: usize) -> usize {
    match (is_set("TRACING_AUDIT_FULL"), is_set("TRACING_AUDIT_QUICK")) {
        (true, _) => full,
        (false, true) => quick,
        (false, false) => usual,
    }
}

/// Numbers that look random, the same ones each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// When the child says that a record is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Behind the receipt.
    Durable,
    /// Before the record is written: the bug that the lane must find.
    Before,
}

/// The child's side: four threads that emit until each has `count` receipts, or for ever.
pub(crate) fn write(directory: &Path, when: When, count: Option<u64>) {
    let audit = Audit::builder()
        .directory(directory)
        .diagnostics(|_| {})
        .start()
        .expect("it starts");
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            let audit = &audit;
            threads.spawn(move || {
                for n in (0..).take_while(|n| count.is_none_or(|count| *n < count)) {
                    write_one(audit, when, (thread, n));
                }
            });
        }
    });
    audit.shutdown(Duration::from_secs(20)).expect("the disk works");
}

fn write_one(audit: &Audit, when: When, (thread, n): Key) {
    let record = Record::builder("fault.step").actor("user", "u");
    let record = record.attribute("thread", thread).attribute("n", n).build();
    if when == When::Before {
        acknowledge((thread, n), 0);
    }
    let receipt = audit.emit(record);
    if let (Ok(receipt), When::Durable) = (&receipt, when)
        && receipt.state() == State::Durable
    {
        acknowledge((thread, n), receipt.seq().expect("it has a place"));
    }
}

/// One write to the pipe, so that a kill leaves it whole or not at all.
pub(crate) fn acknowledge((thread, n): Key, seq: u64) {
    let line = format!("acknowledged {thread} {n} {seq}\n");
    let _gone = std::io::stdout().lock().write_all(line.as_bytes());
}

/// A child that writes, and a thread that listens to it.
pub(crate) struct Writing {
    pub(crate) child: Child,
    heard: Arc<(Mutex<Acknowledged>, Condvar)>,
    listens: JoinHandle<()>,
}

impl Writing {
    pub(crate) fn start(mut command: Command) -> Self {
        // A group of its own, so that a kill also reaches a child of strace's.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let said = child.stdout.take().expect("it is piped");
        let heard = Arc::<(Mutex<Acknowledged>, Condvar)>::default();
        let ear = Arc::clone(&heard);
        let listens = std::thread::spawn(move || hear(said, &ear));
        Self {
            child,
            heard,
            listens,
        }
    }

    /// Waits until it has acknowledged something.
    pub(crate) fn until_it_writes(&self) {
        let heard = self.heard.0.lock().expect("nobody panics while listening");
        let none = |heard: &mut Acknowledged| heard.is_empty();
        let answer = self.heard.1.wait_timeout_while(heard, torture::PATIENCE, none);
        assert!(
            !answer.expect("nobody panics while listening").0.is_empty(),
            "the child does not write"
        );
    }

    /// What it has acknowledged until now.
    pub(crate) fn so_far(&self) -> Acknowledged {
        self.heard
            .0
            .lock()
            .expect("nobody panics while listening")
            .clone()
    }

    /// Kills it, unless it has ended, and gives what it acknowledged.
    pub(crate) fn kill(mut self) -> Acknowledged {
        let _ended = self.child.kill();
        let group = format!("kill -9 -{} 2> /dev/null", self.child.id());
        let _gone = Command::new("sh").args(["-c", &group]).status();
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Acknowledged {
        self.child.wait().expect("it can be waited for");
        self.listens.join().expect("it listens to the end");
        let mut heard = self.heard.0.lock().expect("nobody panics while listening");
        std::mem::take(&mut heard)
    }
}

fn hear(said: ChildStdout, (heard, changed): &(Mutex<Acknowledged>, Condvar)) {
    let mut lines = BufReader::new(said);
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
        // The name of the test stands before the first.
        if let Some((_, rest)) = line
            .strip_suffix('\n')
            .and_then(|line| line.split_once("acknowledged "))
        {
            let numbers: Vec<u64> = rest.split(' ').filter_map(|number| number.parse().ok()).collect();
            if let [thread, n, seq] = numbers[..] {
                let mut heard = heard.lock().expect("nobody panics while listening");
                heard.insert((thread, n), seq);
                changed.notify_all();
            }
        }
        line.clear();
    }
}

/// The oracle: what was acknowledged is in the trail, at its place, and nothing is there twice; the numbers go on without a
/// hole, the trail opens again, goes on behind what was there, and what was there stays. `Err` says what is wrong.
pub(crate) fn survives(directory: &Path, acknowledged: &Acknowledged, when: When) -> Result<(), String> {
    go_on(directory)?;
    let lines = live(&directory.join("main"))?;
    let mut found = BTreeMap::new();
    for (seq, line) in lines.iter().enumerate() {
        let attributes = &line["attributes"];
        let key = attributes["thread"].as_u64().zip(attributes["n"].as_u64());
        if let Some(key) = key
            && found.insert(key, seq as u64).is_some()
        {
            return Err(format!("record {key:?} is there twice"));
        }
    }
    for (key, seq) in acknowledged {
        match found.get(key) {
            None => return Err(format!("record {key:?} was acknowledged and is lost")),
            Some(there) if when == When::Durable && there != seq => {
                return Err(format!(
                    "record {key:?} has the number {there}, and its receipt says {seq}"
                ));
            }
            Some(_) => {}
        }
    }
    go_on(directory)?;
    let again = live(&directory.join("main"))?;
    if !again.starts_with(&lines) {
        return Err("a later start changed what was there".to_owned());
    }
    verified(directory, again.len() as u64)
}

/// Whether verification finds nothing but what the trail itself says, and its seal covers all of it.
fn verified(directory: &Path, records: u64) -> Result<(), String> {
    let report = verify(directory, &Options::new()).map_err(|error| error.to_string())?;
    let sealed = report
        .streams
        .iter()
        .all(|stream| stream.records == records && stream.unsealed() == 0);
    match report.outcome() {
        Outcome::Verified | Outcome::Lossy if sealed => Ok(()),
        outcome => {
            let said: Vec<String> = report
                .streams
                .iter()
                .flat_map(|stream| stream.sentences())
                .collect();
            Err(format!(
                "verification says {outcome:?} of {records} records: {}",
                said.join("; ")
            ))
        }
    }
}

/// Opens the trail as the next process does, writes one record and ends.
fn go_on(directory: &Path) -> Result<(), String> {
    let failed = |error: tracing_audit::Error| format!("it does not go on: {error}");
    let start = || Audit::builder().directory(directory).diagnostics(|_| {}).start();
    let begun = Instant::now();
    let audit = loop {
        match start() {
            // Under strace a process is seen to end a moment before the kernel has closed the last of its files.
            Err(error) if error.kind() == ErrorKind::Locked && begun.elapsed() < torture::PATIENCE => {
                std::thread::yield_now();
            }
            other => break other.map_err(failed)?,
        }
    };
    let record = Record::builder("fault.again").actor("user", "u").build();
    audit.emit(record).map_err(failed)?;
    audit.shutdown(Duration::from_secs(60)).map(drop).map_err(failed)
}

/// The records of a stream by the rule of docs/format.md: a line whose number is not below the one in the next segment's name
/// is dead. Each number once, from 0, in order.
pub(crate) fn live(directory: &Path) -> Result<Vec<Value>, String> {
    let segments = segments(directory).map_err(|error| error.to_string())?;
    let mut lines: Vec<Value> = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let limit = segments.get(at + 1).map_or(u64::MAX, |next| next.name.first_seq);
        let bytes = std::fs::read(&segment.path).map_err(|error| error.to_string())?;
        for text in bytes.split(|byte| *byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<Value>(text) else {
                continue;
            };
            let seq = line["seq"].as_u64().ok_or("a line without a number")?;
            if seq >= limit {
                continue;
            }
            if seq != lines.len() as u64 {
                return Err(format!(
                    "{seq} stands where {} is due, in {}",
                    lines.len(),
                    segment.name
                ));
            }
            lines.push(line);
        }
    }
    Ok(lines)
}

/// Whether a program is there; says aloud that something is skipped where it is not.
pub(crate) fn has(program: &str, what: &str) -> bool {
    let there = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let is_there = there.is_ok();
    if !is_there {
        println!("SKIPPED: {what}: there is no {program}");
    }
    is_there
}

/// The same command under `strace` with these arguments. Without its `--seccomp-bpf`, with which it miscounts calls.
pub(crate) fn traced(inner: &Command, arguments: &[&str]) -> Command {
    let mut outer = Command::new("strace");
    outer
        .args(["-f", "-qq", "-o", "/dev/null"])
        .args(arguments)
        .arg("--");
    outer.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}
