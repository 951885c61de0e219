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
use crate::results::{Latency, Measured};
use crate::turns;

/// The journal alone.
pub const ALONE: &str = "journal";

/// The journal with a sink whose collector never answers, over HTTP, over HTTPS, where that begins with the handshake, and over
/// gRPC.
pub const HOLES: [&str; 3] = ["hole-http", "hole-https", "hole-grpc"];

/// The control: the journal, and threads that never rest and have no end of memory to look at. What a caller notices of that
/// must be seen.
pub const BUSY: &str = "journal-busy";

/// How the caller is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Each event timed, bursts of 64, then 1 ms of sleep; in turns.
    Paced,
    /// Counted by callgrind.
    Callgrind,
}

/// One run.
#[derive(Debug, Clone, Args)]
pub struct Hole {
    /// `journal`, `hole-http`, `hole-https`, `hole-grpc` or `journal-busy`.
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

/// Timed bursts of a turn; one more before them is not timed, because another process had the caches.
const TURN: u64 = 16;

impl Hole {
    /// Runs and returns what was measured.
    ///
    /// # Errors
    /// When the trail cannot start, or the sink does not connect.
    pub fn run(&self) -> Result<Measured> {
        let builder = Audit::builder().directory(&self.out).diagnostics(|_| {});
        let (at, accepted) = listen(self.beside == "hole-grpc")?;
        let protocol = match self.beside.as_str() {
            ALONE | BUSY => None,
            "hole-http" | "hole-https" => Some(Protocol::HttpProtobuf),
            "hole-grpc" => Some(Protocol::Grpc),
            other => anyhow::bail!(
                "nothing is called {other}; there are {ALONE}, {BUSY}, {}",
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
        let mut caller = Caller::default();
        for _ in 0..WARM_UP {
            caller.burst(|report| report());
        }
        if protocol.is_some() {
            // From here on a request is under way.
            accepted
                .recv_timeout(Duration::from_secs(60))
                .context("the sink did not connect")?;
            std::thread::sleep(Duration::from_millis(200));
        }
        if self.beside == BUSY {
            // One would have a processor for itself, and nobody would notice.
            (0..4).for_each(|_| drop(std::thread::spawn(never_rests)));
        }
        let figures = match self.mode {
            Mode::Paced => Some(caller.turns(self.events)?),
            Mode::Callgrind => {
                for _ in 0..self.events.div_ceil(BURST) {
                    caller.burst(counted_report);
                    // Under valgrind the writer is slow too: its queue must never be full.
                    std::thread::sleep(Duration::from_millis(5));
                }
                None
            }
        };
        // What the collector did not take is offered again after the next start, which there is none of.
        let _behind = audit.shutdown(Duration::from_secs(2));
        Ok(Measured {
            expected: caller.reported,
            figures,
            ..Measured::default()
        })
    }
}

/// Who reports events, and how many it has reported.
#[derive(Debug, Default)]
struct Caller {
    samples: Samples,
    reported: u64,
}

impl Caller {
    /// A burst of events; `with` is given each one to report.
    fn burst(&mut self, mut with: impl FnMut(&dyn Fn())) {
        for number in self.reported..self.reported + BURST {
            with(&|| self.samples.at(number).event(number).report());
        }
        self.reported += BURST;
    }

    /// Turns until there are no more. There is room for the times of `events`.
    fn turns(&mut self, events: u64) -> Result<Latency> {
        let mut times = Times::new(events);
        turns::take(|| {
            self.burst(|report| report());
            for _ in 0..TURN {
                Pause::Sleep.take();
                self.burst(|report| times.time(report));
            }
        })?;
        Ok(times.figures().into())
    }
}

/// Changes 16 MiB line by line, again and again, until the process ends.
fn never_rests() {
    let mut memory = vec![0_u8; 16 << 20];
    loop {
        for byte in memory.iter_mut().step_by(64) {
            *byte = byte.wrapping_add(1);
        }
        std::hint::black_box(&memory);
    }
}

/// Turns in which `events` are timed.
#[must_use]
pub fn turns(events: u64) -> u64 {
    events.div_ceil(TURN * BURST)
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
fn counted_report(report: &dyn Fn()) {
    report();
}
