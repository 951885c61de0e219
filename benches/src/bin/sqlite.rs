//! `bench-sqlite`: how fast the SQLite sink writes beside prepared inserts into one table with the same indexes, how long its
//! answers take, and how fast the same lines are read from files.

#[path = "sqlite/files.rs"]
mod files;
#[path = "sqlite/lines.rs"]
mod lines;
#[path = "sqlite/questions.rs"]
mod questions;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use rusqlite::{Connection, params, params_from_iter};
use tracing_audit::format::{Entry, read_line};
use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::{Sink as _, SqliteSink};

use lines::{BETWEEN, START, line};
use questions::Questions;

/// Writes generated records into SQLite in two ways, asks for some of them, and prints what each took.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many records.
    #[arg(long, default_value_t = 500_000)]
    records: u64,
    /// How many entries a delivery has; a follower's has 1,024 at most.
    #[arg(long, default_value_t = 1_024)]
    batch: u64,
    /// How many records a part of the file has.
    #[arg(long, default_value_t = 131_072)]
    part: u64,
    /// How many records the plain inserts are measured with; 0 leaves them out.
    #[arg(long, default_value_t = 500_000)]
    plain: u64,
    /// Where the files go; they are removed.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Keep the files, and ask those that are there instead of writing them.
    #[arg(long)]
    keep: bool,
    /// Ask each question some times more with nothing of the file in memory. Needs `dd`.
    #[arg(long)]
    cold: bool,
    /// Write the lines into segments as well, and read those.
    #[arg(long)]
    files: bool,
    /// The lines in segments alone.
    #[arg(long)]
    without_sqlite: bool,
}

fn remove(path: &Path) {
    for behind in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(behind);
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

/// What a way of writing took.
#[derive(Debug, Clone, Copy, Default)]
struct Took {
    seconds: f64,
    /// Of the processor, by this thread; the same whatever else the machine does. 0 where the system does not tell.
    processor: f64,
}

impl Took {
    fn add(&mut self, begun: &Begun) {
        self.seconds += begun.at.elapsed().as_secs_f64();
        self.processor += processor() - begun.processor;
    }

    fn show(&self, name: &str, records: u64) {
        let a_second = |seconds: f64| records as f64 / seconds.max(f64::MIN_POSITIVE);
        let micros = self.processor * 1e6 / records.max(1) as f64;
        println!(
            "{name}: {:.0} records a second, {micros:.1} µs of a processor each",
            a_second(self.seconds)
        );
    }
}

struct Begun {
    at: Instant,
    processor: f64,
}

fn begin() -> Begun {
    Begun {
        at: Instant::now(),
        processor: processor(),
    }
}

/// Seconds that the main thread has had a processor.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok());
    nanos.unwrap_or(0) as f64 / 1e9
}

/// Through the sink.
fn through_the_sink(path: &Path, arguments: &Arguments) -> Result<Took> {
    remove(path);
    let mut sink = SqliteSink::open(path)?.part_records(arguments.part);
    let mut took = Took::default();
    let mut seq = 0;
    while seq < arguments.records {
        let until = (seq + arguments.batch).min(arguments.records);
        let lines: Vec<Vec<u8>> = (seq..until).map(line).collect();
        let entries: Vec<Entry<'_>> = (seq..)
            .zip(&lines)
            .map(|(seq, line)| Entry::new(seq, START + seq * BETWEEN, line))
            .collect();
        let begun = begin();
        let accepted = sink.deliver(&entries)?;
        sink.flush()?;
        took.add(&begun);
        ensure!(accepted.refused() == 0, "the sink refused entries");
        seq = until;
        if seq % 1_000_000 < arguments.batch {
            took.show("  so far", seq);
        }
    }
    Ok(took)
}

/// The tables of the sink's file as one, with every index from the start.
fn plain_tables(sample: &Path, path: &Path, has_text: bool) -> Result<(Connection, usize)> {
    remove(path);
    let conn = Connection::open(path)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "cache_size", -65_536)?;
    let finished = Connection::open(sample)?;
    let mut statement = finished.prepare(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND type IN ('table', 'index')
         AND (tbl_name = 'entries_1' OR tbl_name = 'lines_1' OR name = 'text_1') ORDER BY type = 'index'",
    )?;
    let made: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for sql in made.iter().filter(|sql| has_text || !sql.contains("fts5")) {
        conn.execute_batch(sql)?;
    }
    let columns: Vec<String> = conn
        .prepare("SELECT name FROM pragma_table_info('entries_1')")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok((conn, columns.len()))
}

/// What stands in the columns behind the times, in their order.
const SLOTS: &[Slot] = &[
    Slot::Event,
    Slot::Action,
    Slot::Category,
    Slot::Outcome,
    Slot::Level,
    Slot::ActorType,
    Slot::ActorId,
    Slot::ActorIp,
    Slot::ResourceType,
    Slot::ResourceId,
    Slot::AgentId,
    Slot::SessionId,
    Slot::ConversationId,
    Slot::RequestId,
    Slot::CorrelationId,
    Slot::TraceId,
    Slot::ExecutionId,
    Slot::Source,
    Slot::ScopeTenant,
    Slot::Service,
    Slot::DecisionEnforced,
    Slot::ReasonCode,
];

/// The words of a record's texts but for its random ids, as the sink lists them.
fn words(record: &Record) -> String {
    let mut words = std::collections::BTreeSet::new();
    for (slot, value) in record.slots() {
        if let (false, Some(text)) = (
            matches!(slot, Slot::Id | Slot::Stream | Slot::TraceId | Slot::SpanId),
            value.as_str(),
        ) {
            let text = text.to_lowercase();
            words.extend(text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
        }
    }
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// By prepared inserts in transactions of 1,000.
fn by_plain_inserts(sample: &Path, path: &Path, records: u64, has_text: bool) -> Result<Took> {
    let (conn, columns) = plain_tables(sample, path, has_text)?;
    ensure!(
        columns == SLOTS.len() + 4,
        "the columns are not those that are written here"
    );
    let places = vec!["?"; columns].join(", ");
    let mut entry = conn.prepare(&format!("INSERT INTO entries_1 VALUES ({places})"))?;
    let mut kept = conn.prepare("INSERT INTO lines_1 VALUES (?, ?)")?;
    let mut text = if has_text {
        Some(conn.prepare("INSERT INTO text_1 (rowid, words) VALUES (?, ?)")?)
    } else {
        None
    };
    let mut took = Took::default();
    for from in (0..records).step_by(1_000) {
        let lines: Vec<Vec<u8>> = (from..(from + 1_000).min(records)).map(line).collect();
        let begun = begin();
        conn.execute_batch("BEGIN IMMEDIATE")?;
        for (seq, line) in (from..).zip(&lines) {
            let record = read_line(line)?;
            let number = |slot| record.uint(slot).and_then(|number| i64::try_from(number).ok());
            let id = i64::try_from(seq)?;
            let mut cells: Vec<rusqlite::types::Value> = vec![
                id.into(),
                number(Slot::ObservedAt).into(),
                number(Slot::Time).into(),
            ];
            cells.extend(
                SLOTS
                    .iter()
                    .map(|slot| record.text(*slot).map(str::to_owned).into()),
            );
            cells.push(number(Slot::DurationNs).into());
            entry.execute(params_from_iter(cells))?;
            kept.execute(params![id, line])?;
            if let Some(text) = &mut text {
                text.execute(params![id, words(&record)])?;
            }
        }
        conn.execute_batch("COMMIT")?;
        took.add(&begun);
    }
    drop((entry, kept, text));
    Ok(took)
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    lines::check()?;
    let ours = arguments.dir.join("bench-sqlite-ours.db");
    if !arguments.without_sqlite {
        if !(arguments.keep && ours.exists()) {
            write(&ours, &arguments)?;
        }
        Questions::new(&ours, arguments.records, arguments.cold).ask()?;
    }
    let files = arguments.dir.join("bench-sqlite-files");
    if arguments.files || arguments.without_sqlite {
        if !files.exists() {
            files::write(&files, arguments.records)?;
        }
        files::scan(&files, arguments.records)?;
    }
    if !arguments.keep {
        remove(&ours);
        let _ = std::fs::remove_dir_all(&files);
    }
    Ok(())
}

/// Writes the file in both ways, and says what each took.
fn write(ours: &Path, arguments: &Arguments) -> Result<()> {
    println!("{} records, {} bytes a line", arguments.records, line(1).len());
    let took = through_the_sink(ours, arguments).context("the sink")?;
    took.show("sink", arguments.records);
    let bytes = std::fs::metadata(ours)?.len();
    println!("  {} bytes a record", bytes / arguments.records.max(1));
    let path = arguments.dir.join("bench-sqlite-plain.db");
    for (has_text, name) in [
        (true, "plain inserts with the same indexes and text"),
        (false, "plain inserts with the same indexes, without text"),
    ] {
        if arguments.plain == 0 {
            continue;
        }
        let plain = by_plain_inserts(ours, &path, arguments.plain, has_text).context("plain inserts")?;
        plain.show(name, arguments.plain);
        let share = arguments.records as f64 / arguments.plain as f64;
        println!(
            "  ratio {:.2} by the clock, {:.2} by the processor",
            plain.seconds / took.seconds * share,
            plain.processor / took.processor * share
        );
    }
    remove(&path);
    Ok(())
}
