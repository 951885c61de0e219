//! `bench-sqlite`: how fast the SQLite sink writes beside prepared inserts into one table with the same indexes, how long its
//! answers take, and how fast the same lines are read from files.

#[path = "sqlite/lines.rs"]
mod lines;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use rusqlite::{Connection, params, params_from_iter};
use tracing_audit::Query;
use tracing_audit::format::{Entry, read_line};
use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::{Sink as _, SqliteSink};
use tracing_audit::store::{Cursor, DirStore, List, SqliteStore, StatsOpts, Store as _};

use lines::{BETWEEN, START, line};

/// How many records a segment of the files has.
const SEGMENT: u64 = 100_000;

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
    /// Write the lines into segments as well, and read those.
    #[arg(long)]
    files: bool,
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

/// How often each question is asked.
const ASKED: usize = 15;

/// Each question asked some times; prints the median, what each took of a processor, and the first.
fn ask(path: &Path, records: u64) -> Result<()> {
    let now = START + records * BETWEEN;
    let questions = [
        ("actor, newest 50", format!("actor=u-{}", 77)),
        ("resource, newest 50", "resource.id=4711".to_owned()),
        ("outcome=denied, newest 50", "outcome=denied".to_owned()),
        ("an actor that is not there", "actor=nobody".to_owned()),
        ("all, newest 50", String::new()),
        ("a rare word", "flumphed".to_owned()),
        ("part of a rare word", "lumphe".to_owned()),
        ("a frequent word", "accounting".to_owned()),
        ("a word that is not there", "zzzzz".to_owned()),
        ("a level and a text", "level>=warn \"not allowed\"".to_owned()),
    ];
    for (name, text) in &questions {
        let query = Query::parse_at(text, now)?;
        timed(name, path, |store| {
            Ok(store.list(&query, &List::default())?.records.len() as u64)
        })?;
    }
    let denied = Query::parse_at("outcome=denied", now)?;
    timed("count outcome=denied", path, |store| Ok(store.count(&denied)?))?;
    let day = Query::all().since(now.saturating_sub(333_000 * BETWEEN));
    let opts = StatsOpts::default().now(now).per(3_600_000_000_000);
    timed("stats of the newest 333,000", path, |store| {
        Ok(store.stats(&day, &opts)?.totals.records)
    })?;
    at_depths(path, &denied)
}

/// A page behind a cursor, at the beginning and far behind it: what is looked for there is what must not grow.
fn at_depths(path: &Path, query: &Query) -> Result<()> {
    let store = SqliteStore::read_only(path)?;
    let mut cursors: Vec<(u64, Option<Cursor>)> = vec![(0, None)];
    let mut list = List::default().limit(1_000);
    for depth in (1_000..=100_000).step_by(1_000) {
        let Some(next) = store.list(query, &list)?.next else {
            break;
        };
        if depth == 1_000 || depth % 20_000 == 0 {
            cursors.push((depth, Some(next.clone())));
        }
        list = list.after(next);
    }
    for (depth, cursor) in cursors {
        let list = List::default().limit(50);
        let list = cursor.iter().fold(list, |list, after| list.after(after.clone()));
        timed(&format!("50 denied behind {depth}"), path, |store| {
            Ok(store.list(query, &list)?.records.len() as u64)
        })?;
    }
    Ok(())
}

/// The lines in segments, as a journal has them.
fn write_files(dir: &Path, records: u64) -> Result<()> {
    use std::io::Write as _;
    let stream = dir.join("main");
    std::fs::create_dir_all(&stream)?;
    for first in (0..records).step_by(usize::try_from(SEGMENT)?) {
        let path = stream.join(format!("audit-2026-11-21-{first:020}.jsonl"));
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        for seq in first..(first + SEGMENT).min(records) {
            let mut line = line(seq);
            line.push(b'\n');
            file.write_all(&line)?;
        }
        file.flush()?;
    }
    Ok(())
}

/// Scans of all files, by the processor: what a query costs that nothing narrows.
fn scan(dir: &Path, records: u64) -> Result<()> {
    let store = DirStore::open(dir)?;
    let bytes: u64 = store.extents()?.iter().map(|extent| extent.bytes).sum();
    let now = START + records * BETWEEN;
    let last = START + (records - 1).saturating_sub(333_000) * BETWEEN;
    for (name, text) in [
        ("an actor that is not there", "actor=nobody".to_owned()),
        ("a resource", "resource.id=4711".to_owned()),
        ("a text", "flumphed".to_owned()),
        ("what was refused", "outcome=denied level>=warn".to_owned()),
        (
            "the newest 333,000 of an actor",
            format!("actor=u-77 observed_at>=@{}", last / 1_000_000_000),
        ),
    ] {
        let query = Query::parse_at(&text, now)?;
        let begun = begin();
        let found = store.count(&query)?;
        let mut took = Took::default();
        took.add(&begun);
        println!(
            "  files, {name}: {:.0} MB a second of a processor, {:.2} s by the clock ({found} found)",
            bytes as f64 / 1e6 / took.processor.max(f64::MIN_POSITIVE),
            took.seconds
        );
    }
    let query = Query::parse_at("outcome=denied", now)?;
    let begun = Instant::now();
    let found = store.list(&query, &List::default())?.records.len();
    println!(
        "  files, the newest {found} denied: {:.2} ms",
        begun.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}

fn timed(name: &str, path: &Path, ask: impl Fn(&SqliteStore) -> Result<u64>) -> Result<()> {
    let store = SqliteStore::read_only(path)?;
    let mut times = Vec::new();
    let (mut found, mut before) = (0, 0.0);
    for at in 0..ASKED {
        if at == 1 {
            // What the first one reads of the file, the others have.
            before = processor();
        }
        let begun = Instant::now();
        found = ask(&store)?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let first = times.first().copied().unwrap_or_default();
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let processor = (processor() - before) * 1e3 / (ASKED - 1) as f64;
    println!(
        "  {name}: {median:.2} ms, {processor:.2} ms of a processor (first {first:.2} ms, {found} found)"
    );
    Ok(())
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    lines::check()?;
    let ours = arguments.dir.join("bench-sqlite-ours.db");
    let plain = arguments.dir.join("bench-sqlite-plain.db");
    if !(arguments.keep && ours.exists()) {
        println!("{} records, {} bytes a line", arguments.records, line(1).len());
        let took = through_the_sink(&ours, &arguments).context("the sink")?;
        took.show("sink", arguments.records);
        let bytes = std::fs::metadata(&ours)?.len();
        println!("  {} bytes a record", bytes / arguments.records.max(1));
        for (has_text, name) in [
            (true, "plain inserts with the same indexes and text"),
            (false, "plain inserts with the same indexes, without text"),
        ] {
            if arguments.plain == 0 {
                continue;
            }
            let plain =
                by_plain_inserts(&ours, &plain, arguments.plain, has_text).context("plain inserts")?;
            plain.show(name, arguments.plain);
            let share = arguments.records as f64 / arguments.plain as f64;
            println!(
                "  ratio {:.2} by the clock, {:.2} by the processor",
                plain.seconds / took.seconds * share,
                plain.processor / took.processor * share
            );
        }
    }
    ask(&ours, arguments.records)?;
    let files = arguments.dir.join("bench-sqlite-files");
    if arguments.files {
        if !files.exists() {
            write_files(&files, arguments.records)?;
        }
        scan(&files, arguments.records)?;
    }
    if !arguments.keep {
        remove(&ours);
        let _ = std::fs::remove_dir_all(&files);
    }
    remove(&plain);
    Ok(())
}
