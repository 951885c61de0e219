//! `bench-sqlite`: how fast the SQLite sink writes beside prepared inserts into one table with the same indexes, and how long
//! its answers take.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use rusqlite::{Connection, params, params_from_iter};
use tracing_audit::Query;
use tracing_audit::format::{Entry, read_line, write_line};
use tracing_audit::record::{Level, Record, Slot, TraceContext, TraceId};
use tracing_audit::sink::{Sink as _, SqliteSink};
use tracing_audit::store::{List, SqliteStore, StatsOpts, Store as _};

/// 2026-11-21T00:00:00Z
const START: u64 = 1_795_219_200_000_000_000;
const STREAM: &str = "0192f0c1-2b5e-7c3a-8f00-0123456789ab";

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
    /// Keep the file, and ask the one that is there instead of writing it.
    #[arg(long)]
    keep: bool,
}

/// The record of a number: the same for each run.
fn line(seq: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seq);
    let time = START + seq * 250_000_000;
    let action = ["read", "update", "create", "delete", "login"][random.usize(..5)];
    let kind = ["invoice", "document", "account", "order"][random.usize(..4)];
    let outcome = match random.u32(..100) {
        0..90 => "success",
        90..96 => "failure",
        _ => "denied",
    };
    let mut bytes = [1; 16];
    random.fill(&mut bytes[1..]);
    let mut record = Record::builder(format!("{kind}.{action}"))
        .action(format!("{kind}.{action}"))
        .category(kind)
        .outcome(outcome)
        .actor("user", format!("u-{}", random.u32(..20_000)))
        .resource(kind, random.u32(..1_000_000).to_string())
        .session_id(format!("s-{:08x}", random.u32(..200_000)))
        .request_id(format!("{:016x}", random.u64(..)))
        .level(if outcome == "success" {
            &Level::Info
        } else {
            &Level::Warn
        })
        .set(Slot::DurationNs, random.u64(10_000..900_000_000))
        .summary(format!(
            "{action} of {kind} by the {} department",
            random.choice(DEPARTMENTS).unwrap_or(&"")
        ))
        .time(time);
    if let (Some(trace_id), Some(span_id)) = (
        TraceId::from_bytes(bytes),
        tracing_audit::record::SpanId::from_bytes(random.u64(1..).to_le_bytes()),
    ) {
        record = record.trace(TraceContext {
            trace_id,
            span_id,
            flags: 1,
        });
    }
    if outcome != "success" {
        record = record.error_message(if seq % 50_000 == 77 {
            "the quota flumphed"
        } else {
            "not allowed for this role"
        });
    }
    let id = uuid::Builder::from_unix_timestamp_millis(
        time / 1_000_000,
        &random.u128(..).to_le_bytes()[..10].try_into().unwrap_or_default(),
    );
    write_line(&record.build(), STREAM, seq, time, id.into_uuid())
}

const DEPARTMENTS: &[&str] = &[
    "accounting",
    "sales",
    "legal",
    "support",
    "engineering",
    "marketing",
    "logistics",
    "security",
    "research",
    "design",
];

fn remove(path: &Path) {
    for behind in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(behind);
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

/// Records a second, through the sink.
fn through_the_sink(path: &Path, arguments: &Arguments) -> Result<f64> {
    remove(path);
    let mut sink = SqliteSink::open(path)?.part_records(arguments.part);
    let mut took = 0.0;
    let mut seq = 0;
    while seq < arguments.records {
        let until = (seq + arguments.batch).min(arguments.records);
        let lines: Vec<Vec<u8>> = (seq..until).map(line).collect();
        let entries: Vec<Entry<'_>> = (seq..)
            .zip(&lines)
            .map(|(seq, line)| Entry::new(seq, START + seq * 250_000_000, line))
            .collect();
        let begun = Instant::now();
        let accepted = sink.deliver(&entries)?;
        sink.flush()?;
        took += begun.elapsed().as_secs_f64();
        ensure!(accepted.refused() == 0, "the sink refused entries");
        seq = until;
        if seq % 1_000_000 < arguments.batch {
            println!("  {seq} records: {:.0} a second so far", seq as f64 / took);
        }
    }
    Ok(arguments.records as f64 / took)
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

/// Records a second, by prepared inserts in transactions of 1,000.
fn by_plain_inserts(sample: &Path, path: &Path, records: u64, has_text: bool) -> Result<f64> {
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
    let mut took = 0.0;
    for from in (0..records).step_by(1_000) {
        let lines: Vec<Vec<u8>> = (from..(from + 1_000).min(records)).map(line).collect();
        let begun = Instant::now();
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
        took += begun.elapsed().as_secs_f64();
    }
    drop((entry, kept, text));
    Ok(records as f64 / took)
}

/// Each question asked some times; prints the median and the worst.
fn ask(path: &Path, records: u64) -> Result<()> {
    let now = START + records * 250_000_000;
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
    let day = Query::all().since(now.saturating_sub(333_000 * 250_000_000));
    let opts = StatsOpts::default().now(now).per(3_600_000_000_000);
    timed("stats of the newest 333,000", path, |store| {
        Ok(store.stats(&day, &opts)?.totals.records)
    })?;
    let store = SqliteStore::read_only(path)?;
    let mut list = List::default().limit(1_000);
    let (mut first, mut last, mut pages) = (0.0, 0.0, 0);
    while pages < 200 {
        let begun = Instant::now();
        let page = store.list(&denied, &list)?;
        last = begun.elapsed().as_secs_f64() * 1e3;
        if pages == 0 {
            first = last;
        }
        pages += 1;
        let Some(next) = page.next else { break };
        list = list.after(next);
    }
    println!("  1,000 denied behind a cursor: {first:.1} ms on page 1, {last:.1} ms on page {pages}");
    Ok(())
}

fn timed(name: &str, path: &Path, ask: impl Fn(&SqliteStore) -> Result<u64>) -> Result<()> {
    let store = SqliteStore::read_only(path)?;
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..15 {
        let begun = Instant::now();
        found = ask(&store)?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let first = times.first().copied().unwrap_or_default();
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!("  {name}: {median:.2} ms (first {first:.2} ms, {found} found)");
    Ok(())
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let ours = arguments.dir.join("bench-sqlite-ours.db");
    let plain = arguments.dir.join("bench-sqlite-plain.db");
    if !(arguments.keep && ours.exists()) {
        println!("{} records, {} bytes a line", arguments.records, line(1).len());
        let speed = through_the_sink(&ours, &arguments).context("the sink")?;
        let bytes = std::fs::metadata(&ours)?.len();
        println!(
            "sink: {speed:.0} records a second, {} bytes a record",
            bytes / arguments.records.max(1)
        );
        for has_text in [true, false] {
            if arguments.plain > 0 {
                let beside =
                    by_plain_inserts(&ours, &plain, arguments.plain, has_text).context("plain inserts")?;
                let what = if has_text {
                    "the same indexes and text"
                } else {
                    "the same indexes without text"
                };
                println!(
                    "plain inserts, {what}: {beside:.0} a second; ratio {:.2}",
                    speed / beside
                );
            }
        }
    }
    ask(&ours, arguments.records)?;
    if !arguments.keep {
        remove(&ours);
    }
    remove(&plain);
    Ok(())
}
