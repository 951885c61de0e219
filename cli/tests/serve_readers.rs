//! Many readers of the page beside an application that records steadily: its callers wait no longer than without them, and
//! nothing is lost.
#![cfg(all(feature = "serve", target_os = "linux"))]

#[path = "support/client.rs"]
mod client;
#[path = "support/trails.rs"]
mod trails;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use client::Server;
use tracing::info;
use tracing_audit::store::{DirStore, Store as _};
use tracing_audit::{Audit, AuditedExt as _, Query};
use tracing_subscriber::registry;

/// How many records a second are written, in bursts that are so far apart.
const RATE: u64 = 20_000;
const BURST: Duration = Duration::from_millis(1);

/// What a reader looks at, once a second: everything, or what was refused.
const PAGES: [&str; 2] = ["/", "/?q=outcome%3Ddenied"];

/// How large the scenario is.
struct Size {
    readers: u32,
    rounds: usize,
    /// Of the time without readers, and of the time with them.
    round: Duration,
}

impl Size {
    fn of_this_run() -> Self {
        match std::env::var_os("TRACING_AUDIT_FULL") {
            Some(_) => Self {
                readers: 200,
                rounds: 9,
                round: Duration::from_secs(5),
            },
            None => Self {
                readers: 20,
                rounds: 1,
                round: Duration::from_millis(1500),
            },
        }
    }
}

/// Records at the steady rate for so long; what each call took, in nanoseconds, in order of size.
fn record(round: Duration, submitted: &mut u64) -> Vec<u64> {
    let begun = Instant::now();
    let mut took = Vec::new();
    while begun.elapsed() < round {
        let due = u64::try_from(begun.elapsed().as_micros()).expect("short") * RATE / 1_000_000;
        while (took.len() as u64) < due {
            let n = *submitted;
            let at = Instant::now();
            info!(
                target: "audit",
                event = "document.read",
                actor.id = format_args!("u-{}", n % 1_000),
                outcome = if n.is_multiple_of(25) { "denied" } else { "success" },
                n,
                "read of a document by its owner"
            );
            took.push(u64::try_from(at.elapsed().as_nanos()).expect("short"));
            *submitted += 1;
        }
        std::thread::park_timeout(BURST);
    }
    took.sort_unstable();
    took
}

/// What is at this part of a hundred.
fn percentile(sorted: &[u64], hundredths: usize) -> u64 {
    sorted[(sorted.len() - 1) * hundredths / 100]
}

fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    percentile(&numbers, 50)
}

/// Looks at the page once a second until it is told to end: how long each answer took, in milliseconds; none where it was told
/// to try again.
fn read(server: &Server, reader: u32, readers: u32, ended: &AtomicBool) -> Vec<Option<u64>> {
    let mut due = Instant::now() + Duration::from_secs(1) * reader / readers;
    let mut took = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let now = Instant::now();
        if now < due {
            std::thread::park_timeout(due - now);
            continue;
        }
        let page = PAGES[reader as usize % PAGES.len()];
        let answer = server.get(page);
        due += Duration::from_secs(1);
        if answer.status == 503 {
            // On a machine that is busy with something else readers are told to try again, as whoever looks at the page is.
            assert!(answer.text().contains("too many requests"), "{}", answer.text());
            took.push(None);
            continue;
        }
        assert_eq!(answer.status, 200, "{page}: {}", answer.text());
        took.push(Some(u64::try_from(now.elapsed().as_millis()).expect("short")));
    }
    took
}

/// A round without readers, and one with them: what each call took in either, and what each answer took.
fn round(server: &Server, size: &Size, submitted: &mut u64) -> ([Vec<u64>; 2], Vec<Option<u64>>) {
    let alone = record(size.round, submitted);
    let ended = AtomicBool::new(false);
    let (beside, answers) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..size.readers)
            .map(|reader| {
                let ended = &ended;
                scope.spawn(move || read(server, reader, size.readers, ended))
            })
            .collect();
        let beside = record(size.round, submitted);
        ended.store(true, Ordering::Relaxed);
        let answers = readers.into_iter().flat_map(|reader| {
            reader.thread().unpark();
            reader.join().expect("a reader ends")
        });
        (beside, answers.collect())
    });
    ([alone, beside], answers)
}

/// Ends the trail: nothing of it was lost, and every record that was written is there.
fn ends_whole(audit: &Audit, home: &Path, submitted: u64) {
    audit.shutdown(Duration::from_secs(30)).expect("ends");
    let stats = audit.stats();
    assert_eq!(
        (stats.lost(), stats.rejected(), stats.in_memory()),
        (0, 0, 0),
        "{stats:?}"
    );
    let query = Query::parse("event=document.read").expect("a filter");
    let found = DirStore::open(home).expect("a trail").count(&query);
    assert_eq!(found.expect("counts"), submitted);
}

#[test]
fn whoever_records_waits_no_longer_while_the_page_is_read_by_many_and_loses_nothing() {
    let root = tempfile::tempdir().expect("a directory");
    let home = root.path().join("audit");
    let audit = Audit::builder().directory(&home).start().expect("starts");
    let size = Size::of_this_run();
    let server = Server::start(&home, &[]);
    let (mut submitted, mut calls, mut answers) = (0, [Vec::new(), Vec::new()], Vec::new());
    tracing::subscriber::with_default(registry().audited(&audit), || {
        // The first second is for what is made once.
        record(Duration::from_secs(1).min(size.round), &mut submitted);
        for _ in 0..size.rounds {
            let (took, answered) = round(&server, &size, &mut submitted);
            for (calls, took) in calls.iter_mut().zip(&took) {
                calls.push([percentile(took, 50), percentile(took, 99)]);
            }
            println!(
                "{} calls alone, p50 and p99 {:?} ns; {} beside readers, {:?} ns; {} answers",
                took[0].len(),
                calls[0].last(),
                took[1].len(),
                calls[1].last(),
                answered.len()
            );
            answers.extend(answered);
        }
    });
    ends_whole(&audit, &home, submitted);
    let asked = answers.len();
    let mut answers: Vec<u64> = answers.into_iter().flatten().collect();
    assert!(
        answers.len() * 2 > asked,
        "{} of {asked} were answered",
        answers.len()
    );
    answers.sort_unstable();
    let [alone, beside] = calls.map(|calls| median(calls.iter().map(|[_, p99]| *p99).collect()));
    println!(
        "p99 of a call, median of rounds: {alone} ns alone, {beside} ns beside {} readers: {:.2} times; {} answers in {} s, \
         p50 {} ms, p99 {} ms",
        size.readers,
        beside as f64 / alone as f64,
        answers.len(),
        (size.round * u32::try_from(size.rounds).expect("few")).as_secs(),
        percentile(&answers, 50),
        percentile(&answers, 99)
    );
    if std::env::var_os("TRACING_AUDIT_FULL").is_some() {
        let asked = u64::from(size.readers) * size.round.as_secs() * size.rounds as u64;
        assert!(
            answers.len() as u64 * 10 >= asked * 9,
            "{} of {asked} were answered",
            answers.len()
        );
        assert!(beside * 10 <= alone * 12, "{beside} ns instead of {alone} ns");
    }
}
