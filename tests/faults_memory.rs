//! No memory: a record for which an allocation fails is lost and counted, whatever way it came and whichever allocation it
//! was. The process, the trail and the next record go on.

#![cfg(unix)]

#[path = "support/child.rs"]
mod child;
#[path = "support/starving.rs"]
mod starving;
#[path = "support/torture.rs"]
mod torture;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use child::{in_directory, report, start_with, tells};
use serde_json::Value as Json;
use starving::{Fed, starve_others, starved};
use torture::{PATIENCE, scenario, succeed};
use tracing::{error, info, info_span};
use tracing_audit::record::{Record, Slot, Value};
use tracing_audit::redact::Classified as _;
use tracing_audit::redact::sensitive::Internal;
use tracing_audit::verify::{Options, Outcome, verify};
use tracing_audit::{Audit, ErrorKind, Stats, Submitted};

/// What a record is made of, made before anything fails: what the application allocates is its own.
struct Matter {
    text: String,
    /// Holds something in every few words that the value engine replaces.
    secrets: String,
    error: Chain,
    shown: Shown,
    tree: Value,
}

#[derive(Debug)]
struct Shown {
    _name: &'static str,
    _rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    _number: usize,
    _word: String,
}

/// An error and the one that caused it.
#[derive(Debug)]
struct Chain {
    message: String,
    source: Option<Box<Chain>>,
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Chain {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Matter {
    fn of(size: usize) -> Self {
        let words = |word: &str| word.repeat(size / word.len() + 1);
        let chain = (0..4).fold(None, |source, _| {
            Some(Box::new(Chain {
                message: words("it went wrong, "),
                source,
            }))
        });
        let row = |number| Row {
            _number: number,
            _word: "a \"quoted\" word".to_owned(),
        };
        let leaf = |number| Value::Map([(format!("key_{number}"), Value::from("a word of it"))].into());
        Self {
            text: words("nothing of note "),
            secrets: words("mail bob@example.com, call 10.1.2.3; "),
            error: *chain.unwrap(),
            shown: Shown {
                _name: "shown",
                _rows: (0..size / 40).map(row).collect(),
            },
            tree: Value::List((0..size / 40).map(leaf).collect()),
        }
    }
}

/// Reports one record; says with which kind of error, where it is told.
type Way = fn(&Audit, &Matter, &mut dyn FnMut(&mut dyn FnMut())) -> Option<ErrorKind>;

/// Every way in: what it is called, and how it reports. What is given to the last argument gets no memory.
const WAYS: &[(&str, Way)] = &[
    ("event", |_, matter, starve| {
        starve(&mut || info!(target: "audit", note = matter.text, "told"));
        None
    }),
    ("secrets", |_, matter, starve| {
        starve(&mut || info!(target: "audit", note = matter.secrets, actor.id = "ana", "told"));
        None
    }),
    ("bytes", |_, matter, starve| {
        starve(&mut || info!(target: "audit", note = matter.secrets.as_bytes(), "told"));
        None
    }),
    ("debug", |_, matter, starve| {
        starve(&mut || info!(target: "audit", note = ?matter.shown, "told"));
        None
    }),
    ("chain", |_, matter, starve| {
        let error: &(dyn Error + 'static) = &matter.error;
        starve(&mut || error!(target: "audit", error, "told"));
        None
    }),
    ("durable", |_, matter, starve| {
        starve(&mut || info!(target: "audit", event = "at.once", note = matter.text, "told"));
        None
    }),
    ("sensitive", |_, matter, starve| {
        starve(&mut || info!(target: "audit", note = ?Internal::of(&matter.secrets), "told"));
        None
    }),
    ("span", |_, matter, starve| {
        starve(&mut || {
            let span =
                info_span!(target: "audit", "told", note = matter.secrets, late = tracing::field::Empty);
            let _inside = span.enter();
            span.record("late", matter.text.as_str());
        });
        None
    }),
    ("emit", |audit, matter, starve| {
        let mut record = Some(of(matter));
        let mut kind = None;
        starve(&mut || kind = audit.emit(record.take().unwrap()).err().map(|error| error.kind()));
        kind
    }),
    ("submit", |audit, matter, starve| {
        let mut record = Some(of(matter));
        let mut kind = None;
        starve(&mut || {
            kind = audit
                .submit(record.take().unwrap())
                .err()
                .map(|error| error.kind())
        });
        kind
    }),
    ("async", |audit, matter, starve| {
        let mut future = Box::pin(audit.emit_async(of(matter)));
        let mut kind = None;
        starve(&mut || kind = block_on(future.as_mut()).err().map(|error| error.kind()));
        kind
    }),
];

/// Ways whose values are copied or made at once: memory for them is asked for before, as a sum.
const WHOLE: &[(&str, Way)] = &[
    ("tree", |audit, matter, starve| {
        let record = Record::builder("it.told").attribute("tree", matter.tree.clone());
        let mut record = Some(record.build());
        let mut kind = None;
        starve(&mut || kind = audit.emit(record.take().unwrap()).err().map(|error| error.kind()));
        kind
    }),
    // Two records: the intent, which has all the memory that there is, and what came of it.
    (OUTCOME, |audit, matter, starve| {
        let mut pending = Some(audit.begin(of(matter)).unwrap());
        let mut kind = None;
        starve(&mut || kind = pending.take().unwrap().success().err().map(|error| error.kind()));
        kind
    }),
];

const OUTCOME: &str = "outcome";

/// How many records it takes.
fn records_of(way: &str) -> u64 {
    1 + u64::from(way == OUTCOME)
}

/// Runs a future to its end on this thread, which sleeps while there is nothing to do.
fn block_on<F: Future>(mut future: Pin<&mut F>) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    thread_local! {
        static WAKER: Waker = Arc::new(Unpark(std::thread::current())).into();
    }
    WAKER.with(|waker| {
        loop {
            match future.as_mut().poll(&mut Context::from_waker(waker)) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => std::thread::park(),
            }
        }
    })
}

fn of(matter: &Matter) -> Record {
    Record::builder("it.told")
        .attribute("note", matter.secrets.clone())
        .attribute("more", matter.text.clone())
        .build()
}

fn begin() -> Audit {
    start_with(|builder| builder)
}

/// How many records were lost, and how many callers were told.
fn given_up(stats: &Stats) -> (u64, u64) {
    (stats.lost_memory, stats.rejected_memory)
}

/// Reports once in each way with all the memory that there is: what is made once is there from here on.
fn warm(audit: &Audit, ways: &[(&str, Way)], matter: &Matter) -> u64 {
    for (_, way) in ways {
        for _ in 0..3 {
            assert_eq!(way(audit, matter, &mut |run| run()), None);
        }
    }
    ways.iter().map(|(name, _)| 3 * records_of(name)).sum()
}

/// Ends the trail, and checks that each of `submitted` records has exactly one fate, and that the lost ones are those that
/// failed for want of memory.
fn settle(audit: &Audit, submitted: u64, told: u64) {
    audit.shutdown(PATIENCE).unwrap();
    let stats = audit.stats();
    let (lost, rejected) = given_up(&stats);
    assert_eq!(stats.submitted(), submitted, "{stats:?}");
    assert_eq!((stats.lost(), stats.rejected()), (lost, rejected), "{stats:?}");
    assert_eq!(rejected, told, "who was told was counted");
    assert_eq!(stats.taken, submitted - lost - rejected);
    assert_eq!(stats.gap_recorded, lost);
    assert!(lost > 0 && rejected > 0, "something failed: {stats:?}");
    println!("{lost} lost, {rejected} rejected, {} taken", stats.taken);
}

/// What the journal says, and that it proves it.
fn check(place: &Path) {
    let report = verify(place, &Options::new()).unwrap();
    let whole = matches!(report.outcome(), Outcome::Verified | Outcome::Lossy);
    assert!(whole, "{report:?}");
    assert!(directory_is_free(place));
}

/// Whether the next process can go on.
fn directory_is_free(place: &Path) -> bool {
    let next = Audit::builder().directory(place).start();
    next.is_ok_and(|audit| audit.shutdown(PATIENCE).is_ok())
}

/// Runs a child that is starved and one that is not, and checks that the first one's journal says nothing that the
/// second one's does not: a record that was not lost is whole.
fn run_beside_one_that_is_fed(test: &str, write: impl FnOnce(bool)) {
    if let Some(scenario) = scenario() {
        return write(scenario == "starved");
    }
    let said = ["fed", "starved"].map(|scenario| {
        let place = tempfile::tempdir().expect("there is room for a directory");
        let output = succeed(in_directory(test, scenario, place.path()));
        print!("{}", String::from_utf8_lossy(&output.stdout));
        let said: BTreeSet<String> = torture::journal(place.path())
            .iter()
            .filter_map(|line| content(line))
            .collect();
        check(place.path());
        said
    });
    let [fed, starved] = said;
    assert!(fed.len() > WAYS.len() && !starved.is_empty());
    let damaged: Vec<&String> = starved.difference(&fed).collect();
    assert!(
        damaged.is_empty(),
        "{} of them, such as {}",
        damaged.len(),
        damaged[0]
    );
}

/// What a record of the application says, without what is another each time.
fn content(line: &str) -> Option<String> {
    let mut line: Json = serde_json::from_str(line).expect("a line is JSON");
    let record = line.as_object_mut()?;
    if record["event"].as_str()?.starts_with("audit.") {
        return None;
    }
    for other in [
        "id",
        "seq",
        "stream",
        "time",
        "observed_at",
        "duration_ns",
        "execution_id",
        "trace_id",
        "span_id",
    ] {
        record.remove(other);
    }
    Some(line.to_string())
}

fn run(test: &str, write: impl FnOnce()) {
    if scenario().is_some() {
        return write();
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    let output = succeed(in_directory(test, "starved", place.path()));
    print!("{}", String::from_utf8_lossy(&output.stdout));
    check(place.path());
}

#[test]
fn without_memory_a_thread_that_recorded_before_still_records() {
    let test = "without_memory_a_thread_that_recorded_before_still_records";
    if scenario().is_none() {
        let place = tempfile::tempdir().expect("there is room for a directory");
        succeed(in_directory(test, "small", place.path()));
        return tells(place.path(), &[("audit.open", 1), ("acknowledged", 200)], "small");
    }
    let audit = begin();
    // The callsite and the thread are known from here on.
    report(0..100);
    audit.flush(PATIENCE).unwrap();
    starved(Fed::Nothing, || report(100..200));
    audit.flush(PATIENCE).unwrap();
    std::mem::forget(audit);
}

#[test]
fn a_record_too_large_for_the_memory_is_one_lost_record_whatever_way_it_came() {
    let test = "a_record_too_large_for_the_memory_is_one_lost_record_whatever_way_it_came";
    run(test, || {
        let audit = begin();
        let ways: Vec<_> = WAYS.iter().chain(WHOLE).copied().collect();
        let mut submitted = warm(&audit, &ways, &Matter::of(1 << 10));
        let mut told = 0;
        for size in [10, 12, 14, 16, 18, 20, 23].map(|bits| 1_usize << bits) {
            let matter = Matter::of(size);
            for limit in [512, 4 << 10, 32 << 10, 256 << 10] {
                for (name, way) in &ways {
                    let before = given_up(&audit.stats());
                    let mut failed = 0;
                    let kind = way(&audit, &matter, &mut |run| {
                        failed = starved(Fed::Below(limit), run).1;
                    });
                    submitted += records_of(name);
                    told += u64::from(kind.is_some());
                    let after = given_up(&audit.stats());
                    let lost = after.0 - before.0 + after.1 - before.1;
                    assert_eq!(lost, u64::from(failed > 0), "{name} of {size} under {limit}");
                    assert!(matches!(kind, None | Some(ErrorKind::Memory)), "{kind:?}");
                }
                // The next record is taken.
                report_one(&audit, &mut submitted);
            }
        }
        settle(&audit, submitted, told);
    });
}

/// Reports a record that nothing stands in the way of.
fn report_one(audit: &Audit, submitted: &mut u64) {
    let answer = audit.submit(Record::builder("it.went.on").set(Slot::ActorId, "ana").build());
    assert_eq!(answer.unwrap(), Submitted::Queued);
    *submitted += 1;
}

#[test]
fn whichever_allocation_fails_it_costs_one_record_and_the_next_is_taken() {
    let test = "whichever_allocation_fails_it_costs_one_record_and_the_next_is_taken";
    run_beside_one_that_is_fed(test, |is_starved| {
        let audit = begin();
        let (mut submitted, mut told) = (0, 0);
        for size in [64, 3 << 10, 40 << 10, 400 << 10] {
            let matter = Matter::of(size);
            submitted += warm(&audit, WAYS, &matter);
            if !is_starved {
                report_one(&audit, &mut submitted);
                continue;
            }
            for (name, way) in WAYS {
                let mut nth = 0;
                loop {
                    let before = given_up(&audit.stats());
                    let mut failed = 0;
                    let kind = way(&audit, &matter, &mut |run| {
                        failed = starved(Fed::AllButOne(nth), run).1;
                    });
                    submitted += records_of(name);
                    told += u64::from(kind.is_some());
                    let after = given_up(&audit.stats());
                    let lost = after.0 - before.0 + after.1 - before.1;
                    if failed == 0 {
                        assert_eq!(lost, 0, "{name} of {size}: nothing failed");
                        break;
                    }
                    assert!(lost <= 1, "{name} of {size}, allocation {nth}: {lost}");
                    nth += 1;
                    report_one(&audit, &mut submitted);
                }
                println!("{name} of {size}: {nth} allocations");
            }
        }
        if !is_starved {
            drop(audit.shutdown(PATIENCE).unwrap());
            return;
        }
        settle(&audit, submitted, told);
    });
}

#[test]
fn without_memory_for_the_writer_the_process_ends_and_what_was_acknowledged_stands_there() {
    let test = "without_memory_for_the_writer_the_process_ends_and_what_was_acknowledged_stands_there";
    if scenario().is_some() {
        let audit = begin();
        report(0..100);
        audit.flush(PATIENCE).unwrap();
        starve_others(64);
        // Together more than the writer's memory for a batch has ever held.
        let text = "x".repeat(60_000);
        for _ in 0..100 {
            info!(target: "audit", text, "too much");
        }
        let _answer = audit.flush(PATIENCE);
        return;
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    let output = in_directory(test, "writer", place.path()).output();
    let output = output.expect("the child starts");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("memory allocation of"), "{told}");
    let story = child::story(place.path());
    assert_eq!(
        story.get(..2),
        Some([("audit.open".to_owned(), 1), ("acknowledged".to_owned(), 100)].as_slice())
    );
    // It may have ended before its first checkpoint; the next start seals what it finds.
    assert!(directory_is_free(place.path()));
    check(place.path());
}

#[test]
fn with_little_memory_for_the_trails_own_threads_ordinary_records_reach_the_disk() {
    let test = "with_little_memory_for_the_trails_own_threads_ordinary_records_reach_the_disk";
    if scenario().is_none() {
        let place = tempfile::tempdir().expect("there is room for a directory");
        succeed(in_directory(test, "little", place.path()));
        let told = [("audit.open", 1), ("acknowledged", 4000), ("audit.close", 1)];
        tells(place.path(), &told, "little");
        return check(place.path());
    }
    let audit = begin();
    report(0..2000);
    audit.flush(PATIENCE).unwrap();
    starve_others(16 << 10);
    report(2000..4000);
    audit.shutdown(PATIENCE).unwrap();
    // The harness has a thread of its own.
    std::process::exit(0);
}
