//! A sink of your own, in thirty lines, and the proof that it keeps the contract.
//!
//! `cargo run --example custom_sink`

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use tracing::info;
use tracing_audit::format::Entry;
use tracing_audit::sink::{Accepted, Sink, SinkError};
use tracing_audit::testing::sink_conformance;
use tracing_audit::{Audit, AuditedExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Sends each entry as a line to whoever listens: a collector that reads JSON lines from a socket.
#[derive(Debug)]
struct LineSocket {
    address: std::net::SocketAddr,
    connection: Option<TcpStream>,
}

impl Sink for LineSocket {
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        // The line is passed on as it is; its number (`Entry::seq`) stands in it, so the receiver knows repetitions.
        let lines: Vec<u8> = batch
            .iter()
            .flat_map(|entry| [entry.line(), b"\n"].concat())
            .collect();
        // `retry`: the same entries are offered again, with growing pauses. After an error the connection is not
        // trusted, because nobody knows how much of the batch arrived.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(SinkError::retry)?,
        };
        connection.write_all(&lines).map_err(SinkError::retry)?;
        self.connection = Some(connection);
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.connection
            .as_mut()
            .map_or(Ok(()), TcpStream::flush)
            .map_err(SinkError::retry)
    }

    fn name(&self) -> &str {
        "line-socket"
    }
}

impl LineSocket {
    /// With a time limit: a sink owes an answer within a bounded time.
    fn connect(&self) -> std::io::Result<TcpStream> {
        let connection = TcpStream::connect_timeout(&self.address, Duration::from_secs(2))?;
        connection.set_write_timeout(Some(Duration::from_secs(2)))?;
        Ok(connection)
    }
}

/// A collector: gives the lines that arrive, until the connection is closed.
fn collector() -> std::io::Result<(LineSocket, mpsc::Receiver<Vec<u8>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (line, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let Ok((connection, _)) = listener.accept() else {
            return;
        };
        for read in BufReader::new(connection).split(b'\n').map_while(Result::ok) {
            let _ = line.send(read);
        }
    });
    Ok((
        LineSocket {
            address,
            connection: None,
        },
        lines,
    ))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Beside the journal: each sink has a thread of its own, and a slow one delays nobody.
    let folder = std::env::temp_dir().join(format!("tracing-audit-custom-sink-{}", std::process::id()));
    let (sink, lines) = collector()?;
    let audit = Audit::builder().directory(&folder).sink(sink).start()?;
    tracing_subscriber::registry().audited(&audit).try_init()?;
    info!(target: "audit", event = "user.login", actor.id = "ana", outcome = "success");
    let report = audit.shutdown(Duration::from_secs(5))?;
    std::fs::remove_dir_all(&folder)?;

    let [sent] = report.sinks.as_slice() else {
        return Err("one sink was configured".into());
    };
    println!(
        "{}: {} accepted, {} missed",
        sent.name, sent.accepted, sent.missed
    );
    for _ in 0..sent.accepted {
        println!(
            "{}",
            String::from_utf8(lines.recv_timeout(Duration::from_secs(5))?)?
        );
    }

    // The suite that our own sinks pass: order, repetitions, long lines, flushes in any place, bounded calls. A fresh
    // sink for each check, and what arrived at the other end of it.
    let arriving = RefCell::new(None);
    let make = || {
        let (sink, lines) = collector().expect("a port is free");
        arriving.replace(Some(lines));
        sink
    };
    sink_conformance(make, |sink| {
        sink.connection.as_ref()?.shutdown(Shutdown::Write).ok()?;
        Some(arriving.take()?.iter().collect())
    });
    println!("the sink keeps its contract");
    Ok(())
}
