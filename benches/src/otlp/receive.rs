//! The receiver: a process of its own that takes OTLP over HTTP, decodes it, and counts. The time is taken here: from the
//! moment at which a sender says that it begins to the last record that was decoded.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::decode;
use crate::event::MARKER;
use crate::rounds::this_program;

/// Takes records until the process is killed.
#[derive(Debug, Clone, Args)]
pub struct Receive {
    /// The events that will come.
    #[arg(long)]
    pub events: u64,
    /// Whether requests are only read, and decoded when the parent asks: the time then says what the sender can do.
    #[arg(long)]
    pub late: bool,
}

/// What arrived.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Arrived {
    /// Events, each counted once.
    pub events: u64,
    /// Events that came again.
    pub again: u64,
    /// From the beginning to the last event that was decoded for the first time.
    pub seconds: f64,
    /// Bytes of requests as they came, compressed or not.
    pub bytes: u64,
    /// Processor time of the receiver, in nanoseconds.
    pub processor: u64,
    /// The values of an event that the first record of a request did not have.
    pub missing: Vec<String>,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    seen: Vec<bool>,
    arrived: Arrived,
    is_late: bool,
    /// Requests that are not decoded yet, whether they are packed, and when they came.
    kept: Vec<(Vec<u8>, bool, Instant)>,
}

/// Where senders say that they begin, and where the parent asks what arrived.
const BEGIN: &str = "/begin";
const ASK: &str = "/arrived";

impl Receive {
    /// Says its address in its first line, and serves.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn run(&self) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{}", listener.local_addr()?);
        let state = &Mutex::new(State {
            begun: Instant::now(),
            seen: vec![false; usize::try_from(self.events)?],
            arrived: Arrived::default(),
            is_late: self.late,
            kept: Vec::new(),
        });
        std::thread::scope(|scope| {
            for stream in listener.incoming() {
                let stream = stream?;
                scope.spawn(move || serve(stream, state));
            }
            Ok(())
        })
    }
}

/// Answers requests until the connection ends. What is no request ends it, and whoever sent it loses what it sent.
fn serve(stream: TcpStream, state: &Mutex<State>) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    let (mut body, mut plain) = (Vec::new(), Vec::new());
    while let Ok(Some((path, is_packed))) = request(&mut reader, &mut body) {
        let answer = match path.as_str() {
            BEGIN => {
                lock(state).begun = Instant::now();
                Vec::new()
            }
            ASK => arrived(state),
            _ if lock(state).is_late => {
                lock(state).kept.push((body.clone(), is_packed, Instant::now()));
                ExportLogsServiceResponse::default().encode_to_vec()
            }
            _ => match take(&body, is_packed, &mut plain, state) {
                Ok(()) => ExportLogsServiceResponse::default().encode_to_vec(),
                Err(error) => {
                    eprintln!("a request of {} bytes: {error:#}", body.len());
                    return;
                }
            },
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        let stream = reader.get_mut();
        if stream.write_all(&[head.as_bytes(), &answer].concat()).is_err() {
            return;
        }
    }
}

/// What has arrived, as JSON, once what was kept is decoded.
fn arrived(state: &Mutex<State>) -> Vec<u8> {
    lock(state).arrived.processor = processor().unwrap_or_default();
    let kept = std::mem::take(&mut lock(state).kept);
    for (body, is_packed, at) in kept {
        if let Err(error) = take_late(&body, is_packed, at, state) {
            eprintln!("a request of {} bytes: {error:#}", body.len());
        }
    }
    serde_json::to_vec(&lock(state).arrived).unwrap_or_default()
}

/// The processor time of this process so far, threads that have ended included, in nanoseconds; known to 10 ms.
///
/// # Errors
/// When the system does not tell.
pub fn processor() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // Behind the program's name, which can have blanks in it.
    let (_, fields) = text.rsplit_once(')').context("no name in /proc/self/stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    Ok(ticks.sum::<Result<u64, _>>()? * 10_000_000)
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Path of the next request, whether its body is packed, and the body in the room that is given.
fn request(reader: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Result<Option<(String, bool)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut len, mut is_packed) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let lower = line.trim_end().to_ascii_lowercase();
        let Some((name, value)) = lower.split_once(':') else {
            break;
        };
        match name {
            "content-length" => len = value.trim().parse()?,
            "content-encoding" => is_packed = value.trim() == "gzip",
            "transfer-encoding" => anyhow::bail!("a body in pieces"),
            _ => {}
        }
    }
    body.resize(len, 0);
    reader.read_exact(body)?;
    Ok(Some((path, is_packed)))
}

/// Decodes a request and counts what is in it. OpenTelemetry's own reader reads its first event.
fn take(body: &[u8], is_packed: bool, plain: &mut Vec<u8>, state: &Mutex<State>) -> Result<()> {
    let plain = match is_packed {
        true => unpack(body, plain)?,
        false => body,
    };
    let (mut events, mut first) = (Vec::with_capacity(8_192), None);
    decode::request(plain, |number, record| {
        events.push(number);
        first.get_or_insert(record);
    })?;
    let decoded = Instant::now();
    let missing = first.map(|first| Ok::<_, anyhow::Error>(missing(&LogRecord::decode(first)?)));
    lock(state).count(
        &events,
        decoded,
        body.len(),
        missing.transpose()?.unwrap_or_default(),
    )
}

/// What a packed body holds, in room that is used again.
fn unpack<'r>(body: &[u8], room: &'r mut Vec<u8>) -> Result<&'r [u8]> {
    let (mut packed, mut len) = (GzDecoder::new(body), 0);
    loop {
        if len == room.len() {
            room.resize((2 * len).max(1 << 20), 0);
        }
        match packed.read(room.get_mut(len..).unwrap_or_default())? {
            0 => return Ok(room.get(..len).unwrap_or_default()),
            count => len += count,
        }
    }
}

/// The same of a request that came before, wholly by OpenTelemetry's own reader.
fn take_late(body: &[u8], is_packed: bool, came: Instant, state: &Mutex<State>) -> Result<()> {
    let mut plain = Vec::new();
    if is_packed {
        GzDecoder::new(body).read_to_end(&mut plain)?;
    }
    let request = ExportLogsServiceRequest::decode(if is_packed { plain.as_slice() } else { body })?;
    let scopes = request.resource_logs.iter().flat_map(|logs| &logs.scope_logs);
    let records: Vec<_> = scopes.flat_map(|scope| &scope.log_records).collect();
    // The trail's own records are not events.
    let events: Vec<_> = records.iter().filter_map(|record| number(record)).collect();
    let first = records.iter().find(|record| number(record).is_some());
    let missing = first.map(|record| missing(record)).unwrap_or_default();
    lock(state).count(&events, came, body.len(), missing)
}

impl State {
    /// Counts the events of a request that was there at this moment.
    fn count(&mut self, events: &[u64], there: Instant, bytes: usize, missing: Vec<String>) -> Result<()> {
        let arrived = &mut self.arrived;
        for number in events {
            let seen = self.seen.get_mut(usize::try_from(*number)?);
            let seen = seen.context("an event too many")?;
            if std::mem::replace(seen, true) {
                arrived.again += 1;
            } else {
                arrived.events += 1;
                let seconds = there.saturating_duration_since(self.begun).as_secs_f64();
                arrived.seconds = arrived.seconds.max(seconds);
            }
        }
        arrived.bytes += bytes as u64;
        if arrived.missing.is_empty() {
            arrived.missing = missing;
        }
        Ok(())
    }
}

fn values(record: &LogRecord) -> impl Iterator<Item = &Value> {
    let values = record.attributes.iter().filter_map(|pair| pair.value.as_ref());
    values.filter_map(|value| value.value.as_ref())
}

/// The number of an event, in the attribute that every peer calls the same.
fn number(record: &LogRecord) -> Option<u64> {
    let pair = record.attributes.iter().find(|pair| pair.key == "bytes")?;
    match pair.value.as_ref()?.value.as_ref()? {
        Value::IntValue(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// Which of the event's ten values are in no attribute, whatever it is called.
fn missing(record: &LogRecord) -> Vec<String> {
    let text = |begin: &str| {
        values(record).any(|value| matches!(value, Value::StringValue(text) if text.starts_with(begin)))
    };
    let there = [
        ("actor", text("u-1")),
        ("action", text(MARKER)),
        ("resource type", text("document")),
        ("resource id", text("doc-")),
        ("outcome", text("denied") || text("success")),
        ("tenant", text("tenant-")),
        ("bytes", number(record).is_some()),
        (
            "attempt",
            values(record).any(|value| *value == Value::IntValue(1)),
        ),
        (
            "cached",
            values(record).any(|value| *value == Value::BoolValue(false)),
        ),
        (
            "ratio",
            values(record).any(|value| matches!(value, Value::DoubleValue(_))),
        ),
    ];
    let missing = there.into_iter().filter(|(_, is_there)| !is_there);
    missing.map(|(name, _)| name.to_owned()).collect()
}

/// Tells the receiver that the first event comes now. The answer is awaited: its clock runs before the first event.
///
/// # Errors
/// When the receiver does not answer.
pub fn begin(at: SocketAddr) -> Result<()> {
    call(at, BEGIN).map(drop)
}

fn call(at: SocketAddr, path: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(stream, "GET {path} HTTP/1.1\r\n\r\n")?;
    let mut reader = BufReader::new(stream);
    let mut body = Vec::new();
    let (status, _) = request(&mut reader, &mut body)?.context("the receiver is gone")?;
    ensure!(status == "200", "the receiver answers {status}");
    Ok(body)
}

/// A receiver as its parent has it; killed when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    child: Child,
    /// Where it listens.
    pub at: SocketAddr,
}

impl Receiver {
    /// Starts one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(events: u64, is_late: bool) -> Result<Self> {
        let mut command: Command = this_program()?;
        command.args(["otlp-receive", "--events", &events.to_string()]);
        if is_late {
            command.arg("--late");
        }
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let said = child.stdout.take().context("it is piped")?;
        BufReader::new(said).read_line(&mut line)?;
        let at = line
            .trim()
            .parse()
            .with_context(|| format!("the receiver said {line:?}"))?;
        Ok(Self { child, at })
    }

    /// What has arrived.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn arrived(&self) -> Result<Arrived> {
        Ok(serde_json::from_slice(&call(self.at, ASK)?)?)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

    use super::*;

    fn pair(key: &str, value: Value) -> KeyValue {
        KeyValue {
            key: key.into(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        }
    }

    #[test]
    fn an_event_is_known_by_its_number_and_what_it_lacks_is_named() {
        let text = |text: &str| Value::StringValue(text.into());
        let record = LogRecord {
            attributes: vec![
                pair("bytes", Value::IntValue(7)),
                pair("audit.actor.id", text("u-100003")),
                pair("ratio", Value::DoubleValue(0.5)),
            ],
            ..LogRecord::default()
        };
        assert_eq!(number(&record), Some(7));
        assert_eq!(
            missing(&record),
            [
                "action",
                "resource type",
                "resource id",
                "outcome",
                "tenant",
                "attempt",
                "cached"
            ]
        );
        assert_eq!(number(&LogRecord::default()), None);
    }
}
