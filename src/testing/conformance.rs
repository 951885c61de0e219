//! The contract of [`Sink`] as a suite that any sink can be put through.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::format::Entry;
use crate::sink::{Sink, SinkError};

/// No call of a sink may take longer here.
const BOUND: Duration = Duration::from_secs(10);

/// 2026-11-21T00:00:00Z, the time of the suite's first entry.
const START: u64 = 1_795_219_200_000_000_000;

/// The longest line that a writer makes.
const LONGEST: usize = 65_535;

/// Puts a sink through its contract and panics with a sentence where it breaks it.
///
/// `make` gives a fresh, empty sink for each of the checks. `read_back` gives the lines that a sink holds, in its
/// order, or `None` for a sink whose entries cannot be read back; it is called after a flush. Lines may come back more
/// than once, next to each other or not, because delivery is at least once; but none may be missing, changed or in
/// another order by its first appearance.
///
/// ```
/// use tracing_audit::sink::MemorySink;
/// use tracing_audit::testing::sink_conformance;
///
/// sink_conformance(MemorySink::new, |sink| {
///     Some(sink.entries().iter().map(|entry| entry.line().to_vec()).collect())
/// });
/// ```
///
/// # Panics
///
/// Where the sink breaks its contract.
pub fn sink_conformance<S, M, R>(mut make: M, mut read_back: R)
where
    S: Sink,
    M: FnMut() -> S,
    R: FnMut(&S) -> Option<Vec<Vec<u8>>>,
{
    for (name, check) in CHECKS {
        let mut sink = make();
        let mut bench = Bench {
            name,
            sink: &mut sink,
            lines: Vec::new(),
        };
        bench.has_a_name();
        check(&mut bench);
        bench.flush();
        let sent = bench.lines;
        if let Some(held) = read_back(&sink) {
            compare(name, &sent, &held);
        }
    }
}

type Check = fn(&mut Bench<'_>);

const CHECKS: [(&str, Check); 9] = [
    ("a flush before any delivery", |bench| {
        bench.flush();
        bench.send(1);
    }),
    ("an empty batch", |bench| {
        bench.deliver(0..0);
        bench.send(2);
        bench.deliver(0..0);
    }),
    ("entries keep their order", |bench| bench.send(500)),
    ("two flushes", |bench| {
        bench.send(3);
        bench.flush();
        bench.flush();
    }),
    ("a flush with nothing new", |bench| {
        bench.send(3);
        bench.flush();
        bench.deliver(0..0);
        bench.flush();
        bench.send(1);
    }),
    ("many small batches", |bench| {
        for _ in 0..300 {
            bench.send(1);
        }
    }),
    ("entries that come again after an error", |bench| {
        bench.send(10);
        bench.deliver(0..10);
        bench.flush();
        // The sink took over a part that the caller does not know: the whole batch comes again, with more behind it.
        bench.add(5);
        bench.deliver(4..15);
    }),
    ("the longest lines", |bench| {
        bench.send(1);
        for _ in 0..3 {
            bench.add_line(LONGEST);
        }
        bench.deliver(1..4);
        bench.send(1);
    }),
    ("a line of one byte", |bench| {
        bench.send(1);
        bench.tiny();
    }),
];

/// One check under way.
struct Bench<'a> {
    name: &'static str,
    sink: &'a mut dyn Sink,
    /// The lines so far; the index is the sequence number.
    lines: Vec<Vec<u8>>,
}

impl Bench<'_> {
    fn has_a_name(&self) {
        assert!(
            !self.sink.name().is_empty(),
            "a sink must have a name for counters and messages"
        );
    }

    /// Makes new lines and delivers them together.
    fn send(&mut self, count: usize) {
        let from = self.lines.len();
        self.add(count);
        self.deliver(from..from + count);
    }

    fn add(&mut self, count: usize) {
        for _ in 0..count {
            self.add_line(0);
        }
    }

    /// Adds a canonical line, filled up to `len` bytes.
    fn add_line(&mut self, len: usize) {
        let seq = self.lines.len() as u64;
        let with = |pad: usize| line(seq, pad);
        let bare = with(0).len();
        self.lines.push(with(len.saturating_sub(bare)));
    }

    fn deliver(&mut self, range: std::ops::Range<usize>) {
        let from = range.start as u64;
        let lines = self.lines.get(range).unwrap_or_default();
        let entries: Vec<_> = (from..)
            .zip(lines)
            .map(|(seq, line)| Entry::new(seq, observed_at(seq), line))
            .collect();
        let begun = Instant::now();
        let answer = self.sink.deliver(&entries);
        self.in_time("deliver", begun);
        match answer {
            Ok(accepted) => assert_eq!(
                accepted.refused(),
                0,
                "{}: the sink refused entries that nothing is wrong with",
                self.name
            ),
            Err(error) => self.broken("deliver", &error),
        }
    }

    /// A line that is not a record: the sink may keep it, refuse it and count it, or answer an error; it must come back.
    fn tiny(&mut self) {
        let seq = self.lines.len() as u64;
        let begun = Instant::now();
        let answer = self.sink.deliver(&[Entry::new(seq, observed_at(seq), b"0")]);
        self.in_time("deliver", begun);
        match answer {
            Ok(accepted) if accepted.refused() == 0 => self.lines.push(b"0".to_vec()),
            Ok(accepted) => assert_eq!(
                accepted.refused(),
                1,
                "{}: one entry cannot be refused twice",
                self.name
            ),
            Err(_) => {}
        }
    }

    fn flush(&mut self) {
        let begun = Instant::now();
        let answer = self.sink.flush();
        self.in_time("flush", begun);
        if let Err(error) = answer {
            self.broken("flush", &error);
        }
    }

    fn in_time(&self, call: &str, begun: Instant) {
        let took = begun.elapsed();
        assert!(
            took < BOUND,
            "{}: `{call}` took {took:?}; a sink must return in a bounded time",
            self.name
        );
    }

    fn broken(&self, call: &str, error: &SinkError) -> ! {
        panic!(
            "{}: `{call}` answered an error where nothing is wrong: {error}",
            self.name
        )
    }
}

fn observed_at(seq: u64) -> u64 {
    START + seq
}

fn line(seq: u64, pad: usize) -> Vec<u8> {
    let pad = "x".repeat(pad);
    let time = format!("2026-11-21T00:00:00.{seq:09}Z");
    format!(
        "{{\"attributes\":{{\"pad\":\"{pad}\"}},\"event\":\"conformance.check\",\
         \"id\":\"019aa3c8-0000-7000-8000-{seq:012x}\",\"observed_at\":\"{time}\",\"outcome\":\"success\",\"schema\":1,\
         \"seq\":{seq},\"stream\":\"conformance-000000000000\",\"time\":\"{time}\"}}"
    )
    .into_bytes()
}

/// Every line that was sent is held unchanged, and the first appearances are in order.
fn compare(name: &str, sent: &[Vec<u8>], held: &[Vec<u8>]) {
    let mut due = sent.iter();
    let mut seen = HashSet::new();
    for (at, line) in held.iter().enumerate() {
        if seen.contains(line) {
            continue;
        }
        let expected = due.next();
        assert!(
            expected == Some(line),
            "{name}: line {at} that the sink holds is not the one that was due; due: {}, held: {}",
            text(expected),
            text(Some(line))
        );
        seen.insert(line);
    }
    let next = due.next();
    assert!(
        next.is_none(),
        "{name}: the sink answered `Ok` for a line that it does not hold: {}",
        text(next)
    );
}

fn text(line: Option<&Vec<u8>>) -> String {
    line.map_or_else(
        || "none".to_owned(),
        |line| String::from_utf8_lossy(line.get(..200).unwrap_or(line)).into_owned(),
    )
}
