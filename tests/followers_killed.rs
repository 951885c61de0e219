//! A process with a follower is killed, between any two steps of a delivery and in the middle of things: every record
//! arrives, in order, and of what arrives again there is at most the one batch that was under way.

#[path = "support/child.rs"]
mod child;
#[path = "support/torture.rs"]
mod torture;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;

use torture::{PATIENCE, scenario};
use tracing_audit::Audit;
use tracing_audit::format::Entry;
use tracing_audit::record::Record;
use tracing_audit::sink::{Accepted, Sink, SinkError};

const TEST: &str =
    "a_process_that_is_killed_at_any_step_of_a_delivery_has_every_record_arrive_and_at_most_one_batch_twice";

/// Where a child stops, or goes on and is killed wherever it is then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// The receiver has nothing of the batch.
    Before,
    /// It has a part of the batch.
    Within,
    /// It has the batch; the follower does not know it yet.
    Behind,
    /// The follower knows it, and its cursor has not moved.
    Flush,
    /// It does not stop.
    Anywhere,
}

const POINTS: [Point; 5] = [
    Point::Before,
    Point::Within,
    Point::Behind,
    Point::Flush,
    Point::Anywhere,
];

/// A receiver in another world: a file that outlives the process, with the numbers of what arrived. A run begins with a
/// line that says so.
#[derive(Debug)]
struct Receiver {
    file: File,
    point: Point,
    /// The batches that come before it stops.
    left: u32,
}

impl Receiver {
    fn new(place: &Path, point: Point, left: u32) -> Self {
        let mut options = OpenOptions::new();
        let path = place.join("arrived");
        let mut file = options.append(true).create(true).open(path).unwrap();
        file.write_all(b"run\n").unwrap();
        Self { file, point, left }
    }

    fn write(&mut self, entries: &[Entry<'_>]) {
        let line = |entry: &Entry<'_>| format!("{}\n", entry.seq());
        let text: String = entries.iter().map(line).collect();
        self.file.write_all(text.as_bytes()).unwrap();
    }

    fn stop_at(&self, point: Point) {
        if self.left == 0 && self.point == point {
            child::halt();
        }
    }
}

impl Sink for Receiver {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        self.stop_at(Point::Before);
        let (first, rest) = batch.split_at(batch.len() / 2);
        self.write(first);
        self.stop_at(Point::Within);
        self.write(rest);
        // The end of a batch.
        self.file.write_all(b"-\n").unwrap();
        self.stop_at(Point::Behind);
        if self.left == 0 && self.point == Point::Anywhere {
            child::pass();
        }
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.stop_at(Point::Flush);
        self.left = self.left.saturating_sub(1);
        Ok(())
    }

    fn name(&self) -> &str {
        "receiver"
    }
}

fn record(n: u64) -> Record {
    let record = Record::builder("load.step").actor("user", "u-1");
    record.attribute("n", n).build()
}

/// The child's side: it writes until it is killed.
fn write_on(scenario: &str) -> ! {
    let (point, left) = scenario.split_once(' ').unwrap();
    let point = POINTS[point.parse::<usize>().unwrap()];
    let place = child::directory();
    let receiver = Receiver::new(&place, point, left.parse().unwrap());
    let builder = Audit::builder().directory(place.join("audit"));
    let audit = builder.sink(receiver).start().unwrap();
    for n in 0.. {
        // Some come together, so that a batch is more than one of them.
        let _ = audit.submit(record(n));
        if n % 40 == 0 {
            audit.emit(record(n)).unwrap();
        }
    }
    unreachable!("there are numbers enough")
}

/// What arrived in one run: the batches, the last one perhaps a part.
fn batches(run: &str) -> Vec<RangeInclusive<u64>> {
    let mut batches = Vec::new();
    for batch in run.split("-\n") {
        let numbers: Vec<u64> = batch.lines().map(|line| line.parse().unwrap()).collect();
        let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
            continue;
        };
        assert!(numbers.iter().copied().eq(*first..=*last), "{numbers:?}");
        batches.push(*first..=*last);
    }
    batches
}

#[test]
fn a_process_that_is_killed_at_any_step_of_a_delivery_has_every_record_arrive_and_at_most_one_batch_twice() {
    if let Some(scenario) = scenario() {
        write_on(&scenario);
    }
    let place = tempfile::tempdir().unwrap();
    let mut kills = 0;
    for left in [0, 1, 2, 5] {
        for point in 0..POINTS.len() {
            let scenario = format!("{point} {left}");
            let mut victim = child::halted(child::in_directory(TEST, &scenario, place.path()));
            victim.kill().unwrap();
            victim.wait().unwrap();
            kills += 1;
        }
    }
    let receiver = Receiver::new(place.path(), Point::Anywhere, u32::MAX);
    let builder = Audit::builder().directory(place.path().join("audit"));
    let audit = builder.sink(receiver).start().unwrap();
    audit.shutdown(PATIENCE).unwrap();
    // A kill can cut a write short; what is left of that line is no record.
    let mut lines = torture::journal(&place.path().join("audit"));
    lines.retain(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
    let lines = lines.len() as u64;
    let text = std::fs::read_to_string(place.path().join("arrived")).unwrap();
    let runs: Vec<_> = text.split("run\n").skip(1).map(batches).collect();
    assert_eq!(runs.len(), kills + 1);
    // Where the next run may begin: at the batch that was under way, or behind it.
    let (mut under_way, mut due, mut twice) = (0, 0, 0);
    for (at, run) in runs.iter().enumerate() {
        let mut next = None;
        for batch in run {
            let first = *batch.start();
            match next {
                Some(next) => assert_eq!(first, next, "run {at}: in order, without a hole"),
                None => {
                    assert!(
                        (under_way..=due).contains(&first),
                        "run {at}: {first} {under_way} {due}"
                    );
                    twice += u32::from(first < due);
                }
            }
            under_way = first;
            next = Some(batch.end() + 1);
        }
        due = next.unwrap_or(due).max(due);
    }
    assert_eq!(due, lines, "everything arrived");
    assert!(
        twice > 5,
        "most of the kills came in the middle of a batch: {twice}"
    );
}
