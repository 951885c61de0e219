//! The sender and the collector are killed again and again, wherever they are: every record arrives, in order by its first
//! arrival, and a kill has at most one batch arrive again.

#![cfg(unix)]
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
use std::process::Child;
use std::time::Duration;

use collector::{Call, Collector, Reply};
use torture::{PATIENCE, scenario};
use tracing_audit::Audit;
use tracing_audit::record::Record;
use tracing_audit::sink::OtlpSink;

const TEST: &str = "whoever_is_killed_every_record_arrives_and_a_kill_has_at_most_one_batch_arrive_again";

/// The records of a request, and of a batch that a follower is given at most. What was answered of the latter when the sender
/// is killed is sent once more.
const BATCH: usize = 32;
const FOLLOWED: u64 = 1024;

fn sink(port: &str) -> OtlpSink {
    let builder = OtlpSink::builder()
        .endpoint(format!("http://127.0.0.1:{port}"))
        .batch_records(BATCH);
    builder
        .timeout(Duration::from_secs(5))
        .build_with(|_| None)
        .unwrap()
}

fn record(n: u64) -> Record {
    Record::builder("load.step")
        .actor("user", "u-1")
        .attribute("n", n)
        .build()
}

/// The sender: it records until it is killed.
fn send_on(port: &str) -> ! {
    let audit = Audit::builder()
        .directory(child::directory().join("audit"))
        .diagnostics(|_| {});
    let audit = audit.sink(sink(port)).start().unwrap();
    child::pass();
    for n in 0.. {
        let _ = audit.submit(record(n));
        if n % 50 == 0 {
            audit.emit(record(n)).unwrap();
        }
    }
    unreachable!("there are numbers enough")
}

/// The collector: what it takes stands in a file before it answers. A request is one line of that file.
fn collect_on(port: &str) -> ! {
    let path = child::directory().join("arrived");
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    let keep = move |call: &Call| {
        let seqs: Vec<String> = call.records.iter().map(|held| held.seq().to_string()).collect();
        file.write_all(format!("{}\n", seqs.join(" ")).as_bytes())
            .unwrap();
        (true, Reply::ok())
    };
    let _collector = Collector::wrapped(format!("127.0.0.1:{port}").parse().unwrap(), None, keep);
    child::halt()
}

fn start(role: &str, port: u16, place: &Path) -> Child {
    child::halted(child::in_directory(TEST, &format!("{role} {port}"), place))
}

fn end(mut victim: Child) {
    victim.kill().unwrap();
    victim.wait().unwrap();
}

/// Where the numbers of this run begin: what `TRACING_AUDIT_SEED` gives, else another one each time. Printed, so that a failure can
/// be repeated.
fn seed() -> u64 {
    let given = std::env::var("TRACING_AUDIT_SEED").ok();
    let seed = given
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random);
    println!("TRACING_AUDIT_SEED={seed}");
    seed
}

/// The requests that arrived, whole ones only: a kill can cut the last one short.
fn arrived(place: &Path) -> Vec<Vec<u64>> {
    let text = std::fs::read_to_string(place.join("arrived")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let numbers = |line: &str| line.split(' ').filter_map(|number| number.parse().ok()).collect();
    whole
        .lines()
        .map(numbers)
        .filter(|numbers: &Vec<u64>| !numbers.is_empty())
        .collect()
}

/// T003-32.
#[test]
fn whoever_is_killed_every_record_arrives_and_a_kill_has_at_most_one_batch_arrive_again() {
    if let Some(scenario) = scenario() {
        match scenario.split_once(' ').unwrap() {
            ("send", port) => send_on(port),
            (_, port) => collect_on(port),
        }
    }
    let kills = size::size(20, 200);
    let place = size::place();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut collector = start("collect", port, place.path());
    let mut sender = start("send", port, place.path());
    let mut seed = seed();
    for kill in 0..kills {
        // So many more requests have arrived, and somebody is killed in the middle of what comes next.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let until = arrived(place.path()).len() + (seed >> 33) as usize % 40;
        while arrived(place.path()).len() < until {
            std::thread::yield_now();
        }
        if kill % 2 == 0 {
            end(sender);
            sender = start("send", port, place.path());
        } else {
            end(collector);
            collector = start("collect", port, place.path());
        }
    }
    end(sender);
    let audit = Audit::builder()
        .directory(place.path().join("audit"))
        .sink(sink(&port.to_string()))
        .start()
        .unwrap();
    // After many kills much is left, and it is slow where the machine is busy; but it must become less.
    let mut left = u64::MAX;
    while let Err(error) = audit.flush(PATIENCE) {
        let waiting = audit.stats().sinks[0].waiting;
        assert!(waiting < left, "{error}");
        left = waiting;
    }
    audit.shutdown(PATIENCE).unwrap();
    end(collector);

    let mut lines = torture::journal(&place.path().join("audit"));
    lines.retain(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
    let requests = arrived(place.path());
    let (backs, again) = compared(requests, lines.len() as u64);
    assert!(backs > 0 && backs <= kills, "{backs}");
    assert!(again <= backs * FOLLOWED, "{again}");
    println!(
        "{} records, {kills} kills, after {backs} of them records came again, {again} together",
        lines.len()
    );
}

/// Numbers go on, or go back by no more than a follower's batch, up to `lines`. How often they go back, and how many come
/// again.
fn compared(requests: Vec<Vec<u64>>, lines: u64) -> (u64, u64) {
    let (mut due, mut next, mut backs, mut again) = (0, 0, 0, 0);
    for seq in requests.into_iter().flatten() {
        if seq != next {
            assert!(seq < next && next - seq <= FOLLOWED, "{seq} behind {next}");
            backs += 1;
        }
        again += u64::from(seq < due);
        next = seq + 1;
        due = due.max(next);
    }
    assert_eq!(due, lines, "every record arrived, in order");
    (backs, again)
}
