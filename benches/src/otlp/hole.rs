//! A caller beside a collector that accepts and never answers.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tracing::subscriber::set_global_default;
use tracing_audit::sink::OtlpSink;
use tracing_audit::sink::otlp::Protocol;
use tracing_audit::{Audit, AuditedExt as _};
use tracing_subscriber::registry;

use crate::event::{Report as _, Samples};
use crate::measure::{BURST, Pause, Times};
use crate::results::Measured;

/// The journal alone.
pub const ALONE: &str = "journal";

/// The journal with a sink whose collector never answers, over HTTP, over HTTPS, where that begins with the handshake, and over
/// gRPC.
pub const HOLES: [&str; 3] = ["hole-http", "hole-https", "hole-grpc"];

/// How the caller is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Each event timed, bursts of 64, then 1 ms of sleep.
    Paced,
    /// Counted by callgrind.
    Callgrind,
}

/// One run.
#[derive(Debug, Clone, Args)]
pub struct Hole {
    /// `journal`, `hole-http`, `hole-https` or `hole-grpc`.
    #[arg(long)]
    pub beside: String,
    /// How the caller is measured.
    #[arg(long)]
    pub mode: Mode,
    /// Events.
    #[arg(long)]
    pub events: u64,
    /// An existing empty directory for the journal.
    #[arg(long)]
    pub out: PathBuf,
}

/// Bursts before the measurement begins.
const WARM_UP: u64 = 16;

impl Hole {
    /// Runs and returns what was measured.
    ///
    /// # Errors
    /// When the trail cannot start, or the sink does not connect.
    pub fn run(&self) -> Result<Measured> {
        let builder = Audit::builder().directory(&self.out).diagnostics(|_| {});
        let (at, accepted) = listen(self.beside == "hole-grpc")?;
        let protocol = match self.beside.as_str() {
            ALONE => None,
            "hole-http" | "hole-https" => Some(Protocol::HttpProtobuf),
            "hole-grpc" => Some(Protocol::Grpc),
            other => anyhow::bail!(
                "nothing is called {other}; there are {ALONE}, {}",
                HOLES.join(", ")
            ),
        };
        let builder = match protocol {
            None => builder,
            Some(protocol) => {
                let scheme = match self.beside.as_str() {
                    "hole-https" => "https",
                    _ => "http",
                };
                builder.sink(sink(protocol, &format!("{scheme}://{at}"))?)
            }
        };
        let audit = builder.start()?;
        set_global_default(registry().audited(&audit))?;
        let samples = Samples::default();
        for burst in 0..WARM_UP {
            for number in burst * BURST..(burst + 1) * BURST {
                samples.at(number).event(number).report();
            }
        }
        if protocol.is_some() {
            // From here on a request is under way.
            accepted
                .recv_timeout(Duration::from_secs(60))
                .context("the sink did not connect")?;
            std::thread::sleep(Duration::from_millis(200));
        }
        let figures = self.measure(&samples);
        // What the collector did not take is offered again after the next start, which there is none of.
        let _behind = audit.shutdown(Duration::from_secs(2));
        Ok(Measured {
            expected: WARM_UP * BURST + self.bursts() * BURST,
            figures,
            ..Measured::default()
        })
    }

    fn bursts(&self) -> u64 {
        self.events.div_ceil(BURST)
    }

    fn measure(&self, samples: &Samples) -> Option<crate::results::Latency> {
        let mut times = Times::new(self.bursts() * BURST);
        for burst in 0..self.bursts() {
            let first = burst * BURST;
            match self.mode {
                Mode::Callgrind => {
                    counted_reports(samples, first);
                    // Under valgrind the writer is slow too: its queue must never be full.
                    std::thread::sleep(Duration::from_millis(5));
                }
                Mode::Paced => {
                    for number in first..first + BURST {
                        times.time(|| samples.at(number).event(number).report());
                    }
                    Pause::Sleep.take();
                }
            }
        }
        (self.mode == Mode::Paced).then(|| times.figures().into())
    }
}

fn sink(protocol: Protocol, endpoint: &str) -> Result<OtlpSink> {
    let builder = OtlpSink::builder().protocol(protocol).endpoint(endpoint);
    // One request for the whole run: the hole is never seen to be one.
    let builder = builder.timeout(Duration::from_secs(600));
    Ok(builder.build_with(|_| None)?)
}

/// Accepts, and never answers. Over HTTP/2 it greets first, so that the client sends its request.
fn listen(greets: bool) -> Result<(SocketAddr, Receiver<()>)> {
    /// An empty SETTINGS frame, and one that confirms the client's.
    const GREETING: [u8; 18] = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let at = listener.local_addr()?;
    let (tell, accepted) = channel();
    std::thread::spawn(move || {
        let mut held: Vec<TcpStream> = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            if greets {
                let _ = stream.write_all(&GREETING);
            }
            held.push(stream);
            let _ = tell.send(());
        }
    });
    Ok((at, accepted))
}

// Callgrind is switched on and off by names that begin with `counted_`; see `counts::COUNTED`.

#[inline(never)]
fn counted_reports(samples: &Samples, first: u64) {
    for number in first..first + BURST {
        samples.at(number).event(number).report();
    }
}
