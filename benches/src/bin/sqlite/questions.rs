//! What `bench-sqlite` asks of a file: each question some times with what it reads in memory, and, where that is wanted, some
//! times with nothing of the file there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use tracing_audit::Query;
use tracing_audit::store::{Cursor, List, SqliteStore, StatsOpts, Store as _};

use crate::lines::{BETWEEN, START};
use crate::processor;

/// How often each question is asked.
const ASKED: usize = 15;

/// How often each is asked of a file of which nothing is in memory.
const COLD: usize = 5;

/// The file, and how it is asked.
#[derive(Debug)]
pub(crate) struct Questions {
    path: PathBuf,
    records: u64,
    is_cold: bool,
}

impl Questions {
    pub(crate) fn new(path: &Path, records: u64, is_cold: bool) -> Self {
        Self {
            path: path.to_owned(),
            records,
            is_cold,
        }
    }

    /// Asks all of them; prints of each the median, what it took of a processor, and the first.
    pub(crate) fn ask(&self) -> Result<()> {
        let now = START + self.records * BETWEEN;
        let middle = (START + self.records / 2 * BETWEEN) / 1_000_000_000;
        let questions = [
            ("actor, newest 50", "actor=u-77".to_owned()),
            (
                "actor in an old day, newest 50",
                format!("actor=u-78 time<@{middle}"),
            ),
            (
                "actor and outcome, newest 50",
                "actor=u-79 outcome=denied".to_owned(),
            ),
            ("resource, newest 50", "resource.id=4711".to_owned()),
            ("session, newest 50", "session=s-00000fff".to_owned()),
            ("outcome=denied, newest 50", "outcome=denied".to_owned()),
            ("an actor that is not there", "actor=nobody".to_owned()),
            ("all, newest 50", String::new()),
            ("a rare word", "flumphed".to_owned()),
            ("part of a rare word", "lumphe".to_owned()),
            ("a frequent word", "accounting".to_owned()),
            ("two frequent words", "accounting create".to_owned()),
            ("a word that is not there", "zzzzz".to_owned()),
            ("a level and a text", "level>=warn \"not allowed\"".to_owned()),
            ("an actor and a text", "actor=u-80 accounting".to_owned()),
        ];
        for (name, text) in &questions {
            let query = Query::parse_at(text, now)?;
            self.timed(name, |store| {
                Ok(store.list(&query, &List::default())?.records.len() as u64)
            })?;
        }
        let denied = Query::parse_at("outcome=denied", now)?;
        self.timed("count outcome=denied", |store| Ok(store.count(&denied)?))?;
        let opts = StatsOpts::default().now(now).per(3_600_000_000_000);
        let day = Query::all().since(now.saturating_sub(333_000 * BETWEEN));
        self.timed("stats of the newest 333,000", |store| {
            Ok(store.stats(&day, &opts)?.totals.records)
        })?;
        let until = middle * 1_000_000_000;
        let day = Query::all()
            .since(until.saturating_sub(333_000 * BETWEEN))
            .until(until);
        self.timed("stats of 333,000 in the middle", |store| {
            Ok(store.stats(&day, &opts)?.totals.records)
        })?;
        self.at_depths(&denied)
    }

    /// A page behind a cursor, at the beginning and far behind it: what is looked for there is what must not grow.
    fn at_depths(&self, query: &Query) -> Result<()> {
        let store = SqliteStore::read_only(&self.path)?;
        let mut cursors: Vec<(u64, Option<Cursor>)> = vec![(0, None)];
        let mut list = List::default().limit(1_000);
        for depth in (1_000..=300_000).step_by(1_000) {
            let Some(next) = store.list(query, &list)?.next else {
                break;
            };
            if depth == 1_000 || depth % 50_000 == 0 {
                cursors.push((depth, Some(next.clone())));
            }
            list = list.after(next);
        }
        for (depth, cursor) in cursors {
            let list = List::default().limit(50);
            let list = cursor.iter().fold(list, |list, after| list.after(after.clone()));
            self.timed(&format!("50 denied behind {depth}"), |store| {
                Ok(store.list(query, &list)?.records.len() as u64)
            })?;
        }
        Ok(())
    }

    fn timed(&self, name: &str, ask: impl Fn(&SqliteStore) -> Result<u64>) -> Result<()> {
        let cold = if self.is_cold {
            self.cold(&ask)?
        } else {
            String::new()
        };
        let store = SqliteStore::read_only(&self.path)?;
        let mut times = Vec::new();
        let (mut found, mut before) = (0, 0.0);
        for at in 0..ASKED {
            if at == 1 {
                // What the first one reads of the file, the others have.
                before = processor();
            }
            let begun = Instant::now();
            found = ask(&store)?;
            times.push(millis(begun));
        }
        let first = times.first().copied().unwrap_or_default();
        let processor = (processor() - before) * 1e3 / (ASKED - 1) as f64;
        println!(
            "  {name}: {:.2} ms, {processor:.2} ms of a processor (first {first:.2} ms, {found} found){cold}",
            median(&mut times)
        );
        Ok(())
    }

    /// The medians of opening the file and of the answer, with nothing of the file in memory, and the slowest answer.
    fn cold(&self, ask: impl Fn(&SqliteStore) -> Result<u64>) -> Result<String> {
        let (mut opened, mut answered) = (Vec::new(), Vec::new());
        for _ in 0..COLD {
            forget(&self.path)?;
            let begun = Instant::now();
            let store = SqliteStore::read_only(&self.path)?;
            opened.push(millis(begun));
            let begun = Instant::now();
            ask(&store)?;
            answered.push(millis(begun));
        }
        let slowest = answered.iter().copied().fold(0.0, f64::max);
        Ok(format!(
            "; cold: {:.2} ms (slowest {slowest:.2} ms), and {:.2} ms to open",
            median(&mut answered),
            median(&mut opened)
        ))
    }
}

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Has the system keep nothing of a file in memory: what its `dd` is for.
fn forget(path: &Path) -> Result<()> {
    let from = format!("if={}", path.display());
    let mut dd = Command::new("dd");
    dd.args([&from, "iflag=nocache", "count=0"]).stderr(Stdio::null());
    let status = dd.status().context("a cold file needs the system's `dd`")?;
    ensure!(status.success(), "`dd` could not have the file forgotten");
    Ok(())
}
