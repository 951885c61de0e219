//! `ship`: a trail's records to an OpenTelemetry collector, from outside of the application, with a checkpoint file of its own.
//!
//! Invariant: the checkpoint moves only over records that the collector has taken, or that stand in the file of the refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args as ClapArgs, ValueEnum};
use serde_json::{Value, json};
use tracing_audit::Query;
use tracing_audit::format::{Entry, segments, strays};
use tracing_audit::sink::otlp::Protocol;
use tracing_audit::sink::{OtlpSink, Sink as _, SinkError};
use tracing_audit::store::{Cursor, DirStore, Direction, Finding, FindingKind, Item, Store as _, Stored};

use super::streams;
use crate::out::{Failure, code, note, wait};
use crate::words::{counted, harmless};

const SHIP: &str = "\
What is not given here is taken from the environment: OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
OTEL_EXPORTER_OTLP_ENDPOINT, …_PROTOCOL, …_HEADERS, …_CERTIFICATE and so on.

Every record arrives at least once. FILE says how far the collector has come, and is
replaced as a whole; FILE.refused lists the records that the collector will never take,
a JSON object each; FILE.lock keeps two of these commands apart. Retention does not know
of FILE: where it removes records first, they are named, and the exit code is 2. So are
records that cannot be read. The values of erasable fields are not sent, only their
commitments.

Exit codes: 0 everything there was shipped, 2 the collector refused records, or some
  were gone or could not be read, 3 no trail there, the collector did not take
  records in time, or a file cannot be read or written, 4 wrong usage.";

/// How many records are handed over at once.
const BATCH: usize = 1024;

/// How long to wait where nothing new is there.
const PAUSE: Duration = Duration::from_millis(200);

/// A collector that names a longer time is asked again after this one, as by the library.
const LONGEST: Duration = Duration::from_secs(3600);

/// `ship`.
#[derive(Debug, ClapArgs)]
#[command(after_help = SHIP)]
pub(crate) struct Ship {
    /// A trail: the directory of its streams, or one stream's directory
    dir: PathBuf,
    /// The file that says how far the collector has come; made where it is not there
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// The collector: http://host:4318, or a URL with its path
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// How requests travel
    #[arg(long, value_name = "NAME")]
    protocol: Option<Wire>,
    /// Go on with what is written from then on, until this command is ended
    #[arg(long, short = 'f')]
    follow: bool,
    /// Without --follow: how many seconds the collector may take nothing before this command gives up
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
}

/// The protocols of OTLP that are spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wire {
    Http,
    Grpc,
}

/// A sink to the collector, for one stream.
fn sink(endpoint: Option<&str>, protocol: Option<Wire>) -> Result<OtlpSink, Failure> {
    let mut builder = OtlpSink::builder();
    if let Some(url) = endpoint {
        builder = builder.endpoint(url);
    }
    match protocol {
        Some(Wire::Http) => builder = builder.protocol(Protocol::HttpProtobuf),
        Some(Wire::Grpc) => builder = builder.protocol(Protocol::Grpc),
        None => {}
    }
    Ok(builder.build()?)
}

/// Whether a collector is there and takes requests; where it is.
pub(super) fn probe(endpoint: Option<&str>) -> Result<String, Failure> {
    let mut sink = sink(endpoint, None)?;
    sink.probe()?;
    Ok(sink.endpoint().to_owned())
}

pub(crate) fn run(args: &Ship) -> Result<u8, Failure> {
    let mut state = State::open(&args.state)?;
    let mut ways = BTreeMap::new();
    let mut shipped = 0;
    loop {
        let mut moved = 0;
        for stream in streams::of(&args.dir)? {
            if !ways.contains_key(&stream) {
                ways.insert(stream.clone(), sink(args.endpoint.as_deref(), args.protocol)?);
                state.lost += name_strays(&stream)?;
            }
            if let Some(sink) = ways.get_mut(&stream) {
                moved += ship(args, &stream, sink, &mut state)?;
            }
        }
        shipped += moved;
        match (args.follow, moved) {
            (true, 0) => wait(PAUSE)?,
            (false, 0) => break,
            _ => {}
        }
    }
    note(&format!("{} shipped", counted(shipped - state.refused, "record")));
    Ok(if state.lost > 0 { code::LOSSY } else { code::OK })
}

/// Names what is named like a segment of the stream and is never read; how many there are.
fn name_strays(stream: &Path) -> Result<u64, Failure> {
    let strays = strays(stream)?;
    for path in &strays {
        note(&harmless(&format!(
            "{}: is named like a segment and is no regular file: it is never read, nor shipped",
            path.display()
        )));
    }
    Ok(strays.len() as u64)
}

/// Ships what a stream has now, up to one batch. How many records it was.
fn ship(args: &Ship, stream: &Path, sink: &mut OtlpSink, state: &mut State) -> Result<u64, Failure> {
    let name = stream
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let store = DirStore::open(stream)?;
    let after = state.cursors.get(&name).cloned();
    let mut found = gather(&store, after.as_ref())?;
    if state.is_anew(after.as_ref(), &found) {
        note(&harmless(&format!(
            "stream {name}: it is another one than was shipped before; all of it is shipped"
        )));
        found = gather(&store, None)?;
    }
    let Gathered { batch, behind, .. } = found;
    let Some(last) = batch.last() else {
        if let Some(found) = behind.filter(|_| !args.follow) {
            state.lost += 1;
            note(&harmless(&format!(
                "stream {name}: behind its last record: {found}"
            )));
        }
        return Ok(0);
    };
    let next = match after {
        Some(after) if after.stream == last.place.stream => after.seq.saturating_add(1),
        // A trail that was begun anew has numbers of its own, and all of it was to be shipped.
        Some(_) => 0,
        // What retention removed before the first run was never to be shipped.
        None => segments(stream)?.first().map_or(0, |first| first.name.first_seq),
    };
    state.lost += holes(&name, next, &batch);
    let refused = deliver(args, sink, &batch)?;
    state.refuse(&batch, &refused)?;
    state.cursors.insert(name, last.place.clone());
    state.write()?;
    Ok(batch.len() as u64)
}

/// What lies behind a place.
struct Gathered {
    /// The records, one batch of them at most.
    batch: Vec<Stored>,
    /// The last finding behind them.
    behind: Option<Finding>,
    /// The id of the stream that stands there.
    stream: Option<Arc<str>>,
}

fn gather(store: &DirStore, after: Option<&Cursor>) -> Result<Gathered, Failure> {
    let everything = Query::all();
    let mut batch: Vec<Stored> = Vec::new();
    let mut behind = None;
    for item in store.walk(&everything, Direction::OldestFirst, after)? {
        match item? {
            Item::Record(stored) | Item::Gap(stored) => {
                batch.push(stored);
                behind = None;
            }
            // A line that is being written is no news, and strays were named at the begin.
            Item::Finding(found)
                if !matches!(found.kind, FindingKind::Torn { .. } | FindingKind::NotAFile) =>
            {
                behind = Some(found);
            }
            _ => {}
        }
        if batch.len() == BATCH {
            break;
        }
    }
    let first = batch.first().map(|stored| Arc::clone(&stored.place.stream));
    let stream = match first {
        Some(stream) => Some(stream),
        None => newest(store)?,
    };
    Ok(Gathered {
        batch,
        behind,
        stream,
    })
}

/// The stream of the newest record.
fn newest(store: &DirStore) -> Result<Option<Arc<str>>, Failure> {
    for item in store.walk(&Query::all(), Direction::NewestFirst, None)? {
        if let Item::Record(stored) | Item::Gap(stored) = item? {
            return Ok(Some(stored.place.stream));
        }
    }
    Ok(None)
}

/// Names the numbers that the batch lacks; how many they are. A trail has no holes of its own.
fn holes(name: &str, mut next: u64, batch: &[Stored]) -> u64 {
    let mut lost = 0;
    for stored in batch {
        let seq = stored.place.seq;
        if seq > next {
            let which = match seq - 1 {
                last if last == next => format!("record {next} is"),
                last => format!("records {next} to {last} are"),
            };
            lost += seq - next;
            note(&harmless(&format!(
                "stream {name}: {which} no longer there, or cannot be read, and not shipped; `tracing-audit verify` says more"
            )));
        }
        next = next.max(seq.saturating_add(1));
    }
    lost
}

/// Has the collector take the records; which ones it refused. This is who repeats requests: the sink names the pauses.
fn deliver(args: &Ship, sink: &mut OtlpSink, batch: &[Stored]) -> Result<Vec<u64>, Failure> {
    let entries: Vec<Entry<'_>> = batch
        .iter()
        .map(|stored| Entry::new(stored.place.seq, stored.place.observed_at, &stored.line))
        .collect();
    let since = Instant::now();
    let mut told = String::new();
    loop {
        let (after, cause) = match sink.deliver(&entries) {
            Ok(accepted) => return Ok(accepted.which().to_vec()),
            Err(SinkError::Retry { after, cause }) => (after.unwrap_or(PAUSE), cause),
            Err(error) => return Err(Failure::Input(error.to_string())),
        };
        let left = Duration::from_secs(args.patience).saturating_sub(since.elapsed());
        if !args.follow && after >= left {
            return Err(Failure::Input(format!(
                "{}: {}; what is shipped stands in `{}`, and the next run goes on from there",
                sink.endpoint(),
                harmless(&cause),
                args.state.display()
            )));
        }
        if cause != told {
            note(&format!("{}: {}", sink.endpoint(), harmless(&cause)));
            told = cause;
        }
        wait(after.min(LONGEST))?;
    }
}

/// How far the collector has come, by stream.
struct State {
    path: PathBuf,
    cursors: BTreeMap<String, Cursor>,
    /// The ids of streams that were begun anew in this run: each is, once.
    anew: BTreeSet<Arc<str>>,
    /// Records that were refused, in this run: some of those that it moved over.
    refused: u64,
    /// Records that were refused, gone or damaged, in this run.
    lost: u64,
    /// Held as long as this command runs.
    _lock: File,
}

impl State {
    fn open(path: &Path) -> Result<Self, Failure> {
        let unusable = |what: &str, error: &dyn std::fmt::Display| {
            Failure::Input(format!("the state file `{}` {what}: {error}", path.display()))
        };
        let lock = beside(path, "lock");
        let mut options = OpenOptions::new();
        let lock = options
            .create(true)
            .append(true)
            .open(&lock)
            .map_err(|error| unusable("cannot be locked", &error))?;
        lock.try_lock()
            .map_err(|error| unusable("is in use by another `ship`", &error))?;
        let cursors = match fs::read(path) {
            Ok(text) => cursors(&text)
                .map_err(|why| unusable("cannot be used; move it away to ship everything again", &why))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(unusable("cannot be read", &error)),
        };
        let path = path.to_owned();
        Ok(Self {
            path,
            cursors,
            anew: BTreeSet::new(),
            refused: 0,
            lost: 0,
            _lock: lock,
        })
    }

    /// Whether another stream stands there than the one that was shipped up to `after`. By their places alone, its records that
    /// are older would pass as shipped.
    fn is_anew(&mut self, after: Option<&Cursor>, found: &Gathered) -> bool {
        match (after, &found.stream) {
            (Some(after), Some(stream)) if *stream != after.stream => self.anew.insert(Arc::clone(stream)),
            _ => false,
        }
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::Input(format!(
            "the state file `{}` cannot be written: {error}",
            self.path.display()
        ))
    }

    /// Replaces the file as a whole: after a crash it is the last one or the one before.
    fn write(&self) -> Result<(), Failure> {
        let cursors: BTreeMap<_, _> = self
            .cursors
            .iter()
            .map(|(name, place)| (name, place.to_string()))
            .collect();
        let text = format!("{}\n", json!({"schema": 1, "streams": cursors}));
        let new = beside(&self.path, "new");
        let replace = || {
            let mut file = File::create(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        };
        replace().map_err(|error| self.failed(&error))
    }

    /// Writes down what the collector will never take, before the state moves over it.
    fn refuse(&mut self, batch: &[Stored], refused: &[u64]) -> Result<(), Failure> {
        if refused.is_empty() {
            return Ok(());
        }
        self.lost += refused.len() as u64;
        self.refused += refused.len() as u64;
        let mut text = String::new();
        for stored in batch.iter().filter(|stored| refused.contains(&stored.place.seq)) {
            let (seq, stream) = (stored.place.seq, &*stored.place.stream);
            text.push_str(&format!("{}\n", json!({"seq": seq, "stream": stream})));
        }
        let path = beside(&self.path, "refused");
        let append = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        append().map_err(|error| self.failed(&error))?;
        note(&format!(
            "the collector refused {}; `{}` lists them",
            counted(refused.len() as u64, "record"),
            path.display()
        ));
        Ok(())
    }
}

/// `FILE.end`.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    PathBuf::from(name)
}

fn cursors(text: &[u8]) -> Result<BTreeMap<String, Cursor>, String> {
    let state: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let streams = state
        .get("streams")
        .and_then(Value::as_object)
        .ok_or("it has no `streams`")?;
    let cursor = |(name, place): (&String, &Value)| {
        let place = place.as_str().ok_or("a place is not text")?;
        Ok((
            name.clone(),
            place
                .parse()
                .map_err(|error: tracing_audit::Error| error.to_string())?,
        ))
    };
    streams.iter().map(cursor).collect()
}
