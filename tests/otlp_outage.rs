//! A collector that is away for a day, at 1,000 records a second, and comes back: the journal drains in order, segment by
//! segment, none missing and none twice, and the sender's memory stays as it was. The clock is the test's, so that a day takes
//! as long as its records take to be written.

#![cfg(target_os = "linux")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/child.rs"]
mod child;
#[path = "support/collector.rs"]
mod collector;
#[path = "support/otlp.rs"]
mod otlp;
#[path = "support/size.rs"]
mod size;
#[path = "support/torture.rs"]
mod torture;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use collector::{Call, Collector, Reply};
use torture::{PATIENCE, scenario};
use tracing_audit::clock::ManualClock;
use tracing_audit::record::Record;
use tracing_audit::sink::OtlpSink;
use tracing_audit::{Audit, ErrorKind};

const TEST: &str =
    "after_an_outage_of_a_day_every_record_arrives_once_and_in_order_and_memory_stays_as_it_was";

/// 2026-11-21T00:00:00Z.
const MIDNIGHT: u64 = 1_795_219_200_000_000_000;

/// 1,000 records a second.
const STEP: Duration = Duration::from_millis(1);

/// How much more resident memory a long outage may take than its first tenth did, in KiB. The queue is a part of it: it fills when
/// the disk is slow, whenever that is.
const GROWTH: u64 = 32 * 1024;

/// The sender: it records while nobody listens, says so, and waits until everything is delivered.
fn send(port: &str, records: u64) -> ! {
    let clock = ManualClock::new(MIDNIGHT);
    let sink = OtlpSink::builder().endpoint(format!("http://127.0.0.1:{port}"));
    let builder = Audit::builder()
        .directory(child::directory().join("audit"))
        .keep_days(0);
    let builder = builder.max_size_mb(8).clock(clock.clone()).diagnostics(|_| {});
    let audit = builder.sink(sink.build_with(|_| None).unwrap()).start().unwrap();
    let mut early = 0;
    // Behind the writer's first record, which has the time from before the day.
    audit
        .emit(Record::builder("load.begin").actor("user", "u-1").build())
        .unwrap();
    for n in 0..records {
        clock.advance(STEP);
        let record = Record::builder("load.step")
            .actor("user", "u-1")
            .attribute("n", n)
            .build();
        while let Err(error) = audit.submit(record.clone()) {
            assert_eq!(error.kind(), ErrorKind::Full, "{error}");
            std::thread::yield_now();
        }
        if n == records / 10 {
            early = resident();
        }
    }
    let stats = audit.stats();
    assert!(
        stats.sinks[0].retries > 0 && stats.sinks[0].accepted == 0,
        "{stats:?}"
    );
    let written = resident();
    child::pass();
    // Each time that another twentieth has arrived.
    let mut seen = Vec::new();
    let mut due = audit.stats().sinks[0].waiting;
    let part = due / 20;
    while due > 0 {
        due = due.saturating_sub(part.max(1));
        while audit.stats().sinks[0].waiting > due {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        seen.push(resident());
    }
    audit.flush(PATIENCE).unwrap();
    let most = *seen.iter().max().unwrap();
    let report = format!("{early} {written} {most} {seen:?}");
    std::fs::write(child::directory().join("resident"), report).unwrap();
    assert_eq!(audit.stats().sinks[0].refused, 0);
    audit.shutdown(PATIENCE).unwrap();
    // The parent does not listen any more, and the harness would say that the test passed.
    std::process::exit(0);
}

/// The memory that this process has now, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// The collector: of each request, the first and the last number stand in a file before it answers, and the first and the last
/// time of what was recorded.
fn collect_on(port: &str) -> ! {
    let path = child::directory().join("arrived");
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    let keep = move |call: &Call| {
        let records = &call.records;
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return (true, Reply::ok());
        };
        let is_whole = records.iter().map(otlp::Held::seq).eq(first.seq()..=last.seq());
        // Not of the trail's own: what it says while records wait in its queue has a later time than those.
        let mut asked = records
            .iter()
            .filter(|held| !held.record.event_name.starts_with("audit."));
        let time = |held: Option<&otlp::Held>| held.map_or(0, |held| held.record.time_unix_nano);
        let times = (time(asked.next()), time(asked.next_back()));
        let line = format!(
            "{} {} {is_whole} {} {}\n",
            first.seq(),
            last.seq(),
            times.0,
            times.1
        );
        file.write_all(line.as_bytes()).unwrap();
        (true, Reply::ok())
    };
    let _collector = Collector::forgetful(format!("127.0.0.1:{port}").parse().unwrap(), keep);
    child::halt()
}

/// How many records arrived, and the times of the first and the last. Fails where one comes again or is left out.
fn arrived(place: &Path) -> (u64, u64, u64) {
    let text = std::fs::read_to_string(place.join("arrived")).unwrap();
    let (mut next, mut first_time, mut last_time) = (0, 0, 0);
    for line in text.lines() {
        let parts: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| parts[at].parse::<u64>().unwrap();
        assert_eq!(
            (number(0), parts[2]),
            (next, "true"),
            "in order, without a hole: {line}"
        );
        next = number(1) + 1;
        if number(3) == 0 {
            continue;
        }
        assert!(number(3) > last_time, "{line}");
        if first_time == 0 {
            first_time = number(3);
        }
        last_time = number(4).max(number(3));
    }
    (next, first_time, last_time)
}

#[test]
fn after_an_outage_of_a_day_every_record_arrives_once_and_in_order_and_memory_stays_as_it_was() {
    if let Some(scenario) = scenario() {
        match scenario.split(' ').collect::<Vec<_>>()[..] {
            ["send", port, records] => send(port, records.parse().unwrap()),
            ["collect", port] => collect_on(port),
            _ => panic!("{scenario}"),
        }
    }
    let records = size::size(200_000, 86_400_000);
    let place = size::place();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let command = child::in_directory(TEST, &format!("send {port} {records}"), place.path());
    let mut sender = child::halted(command);
    assert!(!place.path().join("arrived").exists(), "nobody was there");
    let command = child::in_directory(TEST, &format!("collect {port}"), place.path());
    let mut collector = child::halted(command);
    assert!(sender.wait().unwrap().success());
    collector.kill().unwrap();
    collector.wait().unwrap();

    let (count, first, last) = arrived(place.path());
    // And the trail's own, which say what it thinks of such a collector.
    let (segments, lines) = journal(place.path());
    assert_eq!(count, lines);
    assert!((records + 2..records + 100_000).contains(&lines), "{lines}");
    assert!(last - first >= (records - 1) * u64::try_from(STEP.as_nanos()).unwrap());
    assert!(segments > records / 100_000, "{segments}");
    let said = std::fs::read_to_string(place.path().join("resident")).unwrap();
    let resident: Vec<u64> = said.split(' ').take(3).map(|kib| kib.parse().unwrap()).collect();
    println!("resident KiB while the journal drains, each twentieth: {said}");
    println!(
        "{records} records in {segments} segments, {} s of the trail's time; resident KiB: {} after a tenth, {} when all were \
         written, at most {} while they were sent",
        (last - first) / 1_000_000_000,
        resident[0],
        resident[1],
        resident[2]
    );
    assert!(
        resident[1].max(resident[2]) <= resident[0] + GROWTH,
        "{resident:?}"
    );
}

/// How many segments there are, and lines in them.
fn journal(place: &Path) -> (u64, u64) {
    let (mut segments, mut lines) = (0, 0);
    for entry in std::fs::read_dir(place.join("audit/main")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "jsonl") {
            segments += 1;
            let bytes = std::fs::read(path).unwrap();
            lines += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        }
    }
    (segments, lines)
}
