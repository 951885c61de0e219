//! Every sink that we bring passes the suite that users run on theirs, and the suite fails sinks that break the contract.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is missing"
)]

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tracing_audit::format::{Entry, segments};
use tracing_audit::sink::{Accepted, FileSink, MemorySink, NoopSink, Sink, SinkError, StdoutSink};
use tracing_audit::testing::sink_conformance;

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap().to_vec())
        .collect()
}

fn read_dir(home: &Path) -> Vec<Vec<u8>> {
    let listed = segments(home).unwrap();
    listed
        .iter()
        .flat_map(|segment| lines(&std::fs::read(&segment.path).unwrap()))
        .collect()
}

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_memory_sink_keeps_the_contract() {
    sink_conformance(MemorySink::new, |sink| {
        Some(sink.entries().iter().map(|entry| entry.line().to_vec()).collect())
    });
}

#[test]
fn the_file_sink_keeps_the_contract() {
    let place = tempfile::tempdir().unwrap();
    let mut trails = 0;
    sink_conformance(
        || {
            trails += 1;
            FileSink::builder(place.path().join(trails.to_string()))
                .segment_bytes(65_536)
                .open()
                .unwrap()
        },
        |sink| Some(read_dir(sink.path())),
    );
}

#[test]
fn the_stdout_sink_keeps_the_contract() {
    let output = Shared::default();
    sink_conformance(
        || {
            output.0.lock().unwrap().clear();
            StdoutSink::to(output.clone())
        },
        |_| Some(lines(&output.0.lock().unwrap())),
    );
}

#[test]
fn the_noop_sink_keeps_the_contract() {
    sink_conformance(|| NoopSink, |_| None);
}

/// A memory sink with one thing wrong.
#[derive(Debug, Clone)]
struct Wrong {
    fault: &'static str,
    held: Vec<Vec<u8>>,
}

impl Sink for Wrong {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        let mut new: Vec<_> = batch.iter().map(|entry| entry.line().to_vec()).collect();
        match self.fault {
            "loses the last" if new.len() > 1 => drop(new.pop()),
            "turns them round" => new.reverse(),
            "changes a byte" => new.iter_mut().for_each(|line| line.push(b' ')),
            "fails on nothing" if new.is_empty() => return Err(SinkError::retry("nothing to do")),
            "refuses long lines" if new.iter().any(|line| line.len() > 60_000) => {
                return Ok(Accepted::all_but(new.len() as u64));
            }
            _ => {}
        }
        self.held.extend(new);
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        match self.fault {
            "cannot flush" => Err(SinkError::fatal("no")),
            _ => Ok(()),
        }
    }

    fn name(&self) -> &str {
        if self.fault == "has no name" { "" } else { "wrong" }
    }
}

#[test]
fn the_suite_fails_a_sink_that_breaks_the_contract_and_passes_one_that_repeats() {
    let run = |fault| {
        let make = || Wrong {
            fault,
            held: Vec::new(),
        };
        catch_unwind(AssertUnwindSafe(|| {
            sink_conformance(make, |sink| Some(sink.held.clone()))
        }))
        .is_ok()
    };
    assert!(run("nothing but repetitions"));
    for fault in [
        "loses the last",
        "turns them round",
        "changes a byte",
        "fails on nothing",
        "refuses long lines",
        "cannot flush",
        "has no name",
    ] {
        assert!(!run(fault), "the suite passes a sink that {fault}");
    }
}

#[test]
fn a_memory_sink_with_a_capacity_keeps_the_last_entries() {
    let handle = MemorySink::new().capacity(2);
    let mut sink = handle.clone();
    assert!(handle.is_empty());
    for seq in 0..5 {
        sink.deliver(&[Entry::new(seq, seq, format!("{{\"seq\":{seq}}}").as_bytes())])
            .unwrap();
    }
    assert_eq!(handle.lines(), ["{\"seq\":3}", "{\"seq\":4}"]);
    assert_eq!(handle.entries()[0].seq(), 3);
    assert_eq!(handle.entries()[0].observed_at(), 3);
    handle.clear();
    assert_eq!(handle.len(), 0);
    sink.deliver(&[Entry::new(4, 4, b"{}")]).unwrap();
    assert_eq!(handle.len(), 0, "a repetition is known even after `clear`");
}

/// A writer that fails once inside a line.
#[derive(Debug, Default)]
struct Breaks {
    output: Shared,
    left: usize,
    broken: bool,
}

impl Write for Breaks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.broken && bytes.len() > self.left {
            self.broken = self.left == 0;
            if self.broken {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let count = self.left;
            self.left = 0;
            return self.output.write(&bytes[..count]);
        }
        self.left = self.left.saturating_sub(bytes.len());
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stdout_sink_never_glues_a_line_to_a_fragment() {
    let output = Shared::default();
    let mut sink = StdoutSink::to(Breaks {
        output: output.clone(),
        left: 5,
        broken: false,
    });
    let batch = [Entry::new(0, 0, b"{}"), Entry::new(1, 1, b"{\"a\":1}")];
    assert!(matches!(sink.deliver(&batch), Err(SinkError::Retry { .. })));
    sink.deliver(&batch).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.0.lock().unwrap()),
        "{}\n{\"\n{\"a\":1}\n"
    );
}

#[test]
fn the_lines_of_the_suite_are_canonical_records() {
    let handles = std::cell::RefCell::new(Vec::new());
    sink_conformance(
        || {
            let sink = MemorySink::new();
            handles.borrow_mut().push(sink.clone());
            sink
        },
        |_| None,
    );
    let mut records = 0;
    for sink in handles.into_inner() {
        for entry in sink.entries().iter().filter(|entry| entry.line() != b"0") {
            let value: serde_json::Value = serde_json::from_slice(entry.line()).unwrap();
            assert_eq!(serde_jcs::to_vec(&value).unwrap(), entry.line());
            entry.record().unwrap();
            records += 1;
        }
    }
    assert!(records > 800);
}
