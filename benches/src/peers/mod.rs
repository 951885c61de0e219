//! The peers: one door for all of them, so that every measurement drives every peer in the same way.

#[cfg(feature = "ours")]
pub mod audit;
pub mod channel;
pub mod slog_async;
pub mod tracing_json;

use std::path::Path;

use anyhow::{Result, anyhow, bail};

use crate::event::{Db, OpenSpans, Report, Request, Sample, request};
use crate::output::{Close, Output};

/// What the name of a peer with [`Described`](crate::event::Described) events ends in.
const SCAN: &str = "-scan";

/// What the name of a peer with [`Typed`](crate::typed::Typed) events ends in.
const TYPED: &str = "-typed";

/// A peer that the tables list.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The name on the command line and in the tables; with `-nospan` behind it, the event stands outside any span, and
    /// with `-scan` it has a message and an id for redaction to look into.
    pub name: &'static str,
    /// Whether the lines are written, so that they can be counted.
    pub writes: bool,
    /// What it is, for the reader of the tables.
    pub about: &'static str,
}

/// Every peer, in the order of the tables.
pub const PEERS: &[Spec] = &[
    #[cfg(feature = "ours")]
    spec(
        "audit",
        true,
        "this crate, the wrapper around a registry without layers, without the seal, six fields lent by the two ordinary spans",
    ),
    #[cfg(feature = "ours")]
    spec(
        "audit-beside",
        true,
        "`audit` around a registry with an empty layer: what it costs where others listen as well",
    ),
    #[cfg(feature = "ours")]
    spec(
        "audit-sealed",
        true,
        "the same with the seal, as it is by default, and a key: a Merkle tree, its tiles, signed checkpoints",
    ),
    #[cfg(feature = "ours")]
    spec("audit-nospan", true, "`audit`, event outside any span"),
    #[cfg(feature = "ours")]
    spec(
        "audit-scan",
        true,
        "`audit` with two texts more in the event: a message, and a UUID; the balanced policy looks into them",
    ),
    #[cfg(feature = "ours")]
    spec(
        "audit-typed",
        true,
        "`audit`, the event as a struct with `derive(AuditEvent)` instead of a macro; counted, not timed",
    ),
    #[cfg(feature = "ours")]
    spec("audit-layer", true, "this crate as a plain layer"),
    spec(
        "noop",
        false,
        "registry and an empty layer: the floor of any tracing layer",
    ),
    spec(
        "fmtjson-nb",
        true,
        "`fmt().json()`, tracing-appender `non_blocking`, not lossy",
    ),
    spec(
        "fmtjson-nb-scan",
        true,
        "the same, with the event of `audit-scan`",
    ),
    spec(
        "fmtjson-syncbuf",
        true,
        "`fmt().json()`, 256 KiB `BufWriter` behind a mutex",
    ),
    spec(
        "jsonsub-nbbuf",
        true,
        "json-subscriber, `non_blocking` over a 256 KiB `BufWriter`, not lossy",
    ),
    spec(
        "jsonsub-nbbuf-scan",
        true,
        "the same, with the event of `audit-scan`",
    ),
    spec(
        "jsonsub-syncbuf",
        true,
        "json-subscriber, 256 KiB `BufWriter` behind a mutex",
    ),
    spec(
        "jsonsub-syncbuf-scan",
        true,
        "the same, with the event of `audit-scan`",
    ),
    spec(
        "slog-async",
        true,
        "slog-json behind slog-async, blocking; spans as child loggers",
    ),
    spec(
        "channel",
        true,
        "the channel baseline, both spans' fields in its line",
    ),
    spec(
        "channel-nospan",
        true,
        "the channel baseline, the event's ten fields only",
    ),
];

const fn spec(name: &'static str, writes: bool, about: &'static str) -> Spec {
    Spec { name, writes, about }
}

impl Spec {
    /// The peer with this name.
    ///
    /// # Errors
    /// When there is none; the message lists those there are.
    pub fn named(name: &str) -> Result<Self> {
        let found = PEERS.iter().copied().find(|spec| spec.name == name);
        found.ok_or_else(|| {
            let names: Vec<_> = PEERS.iter().map(|spec| spec.name).collect();
            anyhow!("no peer is called {name}; there are {}", names.join(", "))
        })
    }

    /// Whether the event stands inside the two spans.
    #[must_use]
    pub fn spans(&self) -> bool {
        !self.name.ends_with("-nospan")
    }

    /// Whether the event is a typed one, which is only counted: what it costs differs by instructions, not by kind.
    #[must_use]
    pub fn typed(&self) -> bool {
        self.name.ends_with(TYPED)
    }

    /// Whether the event has a message and an id for redaction to look into.
    #[must_use]
    pub fn scanned(&self) -> bool {
        self.name.ends_with(SCAN)
    }
}

/// One application thread's end of a peer.
pub trait Hand {
    /// Reports the event with this number from `sample`, inside the spans that the hand holds open, if any.
    fn event(&mut self, sample: &Sample, number: u64);
    /// Opens both spans, reports the event inside them, and closes them.
    fn op(&mut self, sample: &Sample, number: u64);
}

/// A running peer.
pub trait Peer: Sync {
    /// What each thread works with.
    type Hand: Hand;
    /// A thread's end, made on that thread; `inside` holds both spans open as long as it lives.
    fn hand(&self, inside: Option<&Sample>) -> Self::Hand;
}

/// What is done with a peer, whichever it is.
pub trait Job {
    /// What comes out.
    type Out;
    /// Does it. `close` ends the peer and syncs its file; every hand must be gone by then.
    ///
    /// # Errors
    /// When the peer cannot write.
    fn run<P: Peer>(self, peer: P, close: Close) -> Result<Self::Out>;
}

/// Starts the peer with this name, writing into `dir`, and gives it to `job`.
///
/// # Errors
/// When the peer is unknown or cannot start, and whatever `job` returns.
pub fn start<J: Job>(name: &str, dir: &Path, job: J) -> Result<J::Out> {
    if let Some(plain) = name.strip_suffix(SCAN) {
        let close = install(plain, dir)?;
        return job.run(Tracing::<SCANNED>, close);
    }
    #[cfg(feature = "ours")]
    if let Some(plain) = name.strip_suffix(TYPED) {
        let close = install(plain, dir)?;
        return job.run(Tracing::<AS_STRUCT>, close);
    }
    match name.trim_end_matches("-nospan") {
        "channel" => {
            let Output { file, twin } = Output::create(dir)?;
            let (channel, writer) = channel::Channel::start(file);
            let close = Close::and_sync(twin, move || {
                Ok(writer
                    .join()
                    .map_err(|_| anyhow!("the channel's writer panicked"))??)
            });
            job.run(channel, close)
        }
        "slog-async" => {
            let Output { file, twin } = Output::create(dir)?;
            let (logger, guard) = slog_async::start(file);
            let close = Close::and_sync(twin, move || {
                drop(guard);
                Ok(())
            });
            job.run(logger, close)
        }
        plain => {
            let close = install(plain, dir)?;
            job.run(Tracing::<PLAIN>, close)
        }
    }
}

/// Installs a peer that listens to `tracing` as the global subscriber.
fn install(name: &str, dir: &Path) -> Result<Close> {
    match name {
        #[cfg(feature = "ours")]
        ours if ours.starts_with("audit") => audit::install(ours, dir),
        other => tracing_json::install(other, dir),
    }
}

/// The event that a peer of [`Tracing`] reports: the ten fields, those with a message and an id, those of a struct.
const PLAIN: u8 = 0;
const SCANNED: u8 = 1;
#[cfg(feature = "ours")]
const AS_STRUCT: u8 = 2;

/// Every peer that listens to `tracing`: it is installed globally, so a hand is only the open spans. `EVENT` says which
/// event it reports.
#[derive(Debug)]
pub struct Tracing<const EVENT: u8>;

/// A thread with or without both spans open.
#[derive(Debug)]
pub struct TracingHand<const EVENT: u8> {
    _inside: Option<OpenSpans>,
}

impl<const EVENT: u8> Peer for Tracing<EVENT> {
    type Hand = TracingHand<EVENT>;

    fn hand(&self, inside: Option<&Sample>) -> Self::Hand {
        TracingHand {
            _inside: inside.map(OpenSpans::open),
        }
    }
}

impl<const EVENT: u8> Hand for TracingHand<EVENT> {
    #[inline]
    fn event(&mut self, sample: &Sample, number: u64) {
        match EVENT {
            SCANNED => sample.described(number).report(),
            #[cfg(feature = "ours")]
            AS_STRUCT => crate::typed::Typed::from(sample.event(number)).report(),
            _ => sample.event(number).report(),
        }
    }

    #[inline]
    fn op(&mut self, sample: &Sample, number: u64) {
        match EVENT {
            SCANNED => spanned(sample, &sample.described(number)),
            #[cfg(feature = "ours")]
            AS_STRUCT => spanned(sample, &crate::typed::Typed::from(sample.event(number))),
            _ => spanned(sample, &sample.event(number)),
        }
    }
}

#[inline]
fn spanned(sample: &Sample, event: &impl Report) {
    let (outer, db) = (&sample.request, &sample.db);
    request(outer.method, &outer.path, &outer.request_id, db, event);
}

impl Peer for slog::Logger {
    type Hand = SlogHand;

    fn hand(&self, inside: Option<&Sample>) -> SlogHand {
        let logger = inside.map_or_else(|| self.clone(), |sample| slog_async::inside(self, sample));
        SlogHand(logger)
    }
}

/// A thread's logger.
#[derive(Debug)]
pub struct SlogHand(slog::Logger);

impl Hand for SlogHand {
    #[inline]
    fn event(&mut self, sample: &Sample, number: u64) {
        slog_async::log(&self.0, &sample.event(number));
    }

    #[inline]
    fn op(&mut self, sample: &Sample, number: u64) {
        slog_async::log(&slog_async::inside(&self.0, sample), &sample.event(number));
    }
}

/// A thread's end of the channel, and the context it writes into each line.
#[derive(Debug)]
pub struct ChannelHand {
    channel: channel::Channel,
    spans: Option<(Request, Db)>,
}

impl Peer for channel::Channel {
    type Hand = ChannelHand;

    fn hand(&self, inside: Option<&Sample>) -> ChannelHand {
        let spans = inside.map(|sample| (sample.request.clone(), sample.db.clone()));
        ChannelHand {
            channel: self.clone(),
            spans,
        }
    }
}

impl Hand for ChannelHand {
    #[inline]
    fn event(&mut self, sample: &Sample, number: u64) {
        let spans = self.spans.as_ref().map(|(request, db)| (request, db));
        self.channel.log(&sample.event(number), spans);
    }

    #[inline]
    fn op(&mut self, sample: &Sample, number: u64) {
        self.channel
            .log(&sample.event(number), Some((&sample.request, &sample.db)));
    }
}

/// An error for a name that no module knows.
pub(crate) fn unknown(name: &str) -> Result<Close> {
    bail!("no peer is called {name}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_channel_baseline_is_at_most_sixty_lines() {
        assert!(include_str!("channel.rs").lines().count() <= 60);
    }
}
