//! One process, one peer, one mode: what the parent process starts.

use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::event::Samples;
use crate::measure::{BURST, Pause, Times};
use crate::memory;
use crate::output::Close;
use crate::peers::{self, Hand, Job, Peer, Spec};
use crate::results::Measured;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Each event timed; the caller sleeps between bursts.
    Paced,
    /// Each op (two spans and an event) timed; the caller sleeps between bursts.
    PacedOp,
    /// Each event timed; the caller spins between bursts.
    Hot,
    /// Each op timed; the caller spins between bursts.
    HotOp,
    /// Events as fast as possible, timed together until all are synced.
    Sat,
    /// 10,000 events in a function that callgrind looks at.
    CallgrindEvent,
    /// 10,000 ops in a function that callgrind looks at.
    CallgrindOp,
    /// Resident memory around `events` events, then the idle processor time of 10 s.
    Memory,
}

/// One run.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// The peer.
    #[arg(long)]
    pub peer: String,
    /// What is measured.
    #[arg(long)]
    pub mode: Mode,
    /// Measured events in all threads together; a multiple of the burst (64) for the timed modes.
    #[arg(long)]
    pub events: u64,
    /// Threads, in the mode `sat`.
    #[arg(long, default_value_t = 1)]
    pub threads: u64,
    /// An existing empty directory for the peer's files.
    #[arg(long)]
    pub out: PathBuf,
}

/// Events per thread before the measurement begins: callsites registered, threads started, buffers grown.
pub const WARM_UP: u64 = 1024;

impl Run {
    /// Runs and returns what was measured.
    ///
    /// # Errors
    /// When the peer is unknown, cannot start or cannot write.
    pub fn run(&self) -> Result<Measured> {
        let spec = Spec::named(&self.peer)?;
        ensure!(self.events > 0, "events must be at least 1");
        ensure!(
            self.threads > 0 && (self.threads == 1 || self.mode == Mode::Sat),
            "threads must be at least 1, and 1 in every mode but sat"
        );
        let samples = Samples::default();
        if self.mode == Mode::Memory {
            return memory::child(self, &samples);
        }
        peers::start(
            &self.peer,
            &self.out,
            Driver {
                run: self,
                spec,
                samples: &samples,
            },
        )
    }

    /// Whether the two spans are opened for each event.
    #[must_use]
    pub fn is_op(&self) -> bool {
        matches!(self.mode, Mode::PacedOp | Mode::HotOp | Mode::CallgrindOp)
    }
}

struct Driver<'a> {
    run: &'a Run,
    spec: Spec,
    samples: &'a Samples,
}

impl Job for Driver<'_> {
    type Out = Measured;

    fn run<P: Peer>(self, peer: P, close: Close) -> Result<Measured> {
        match self.run.mode {
            Mode::Paced | Mode::PacedOp => self.timed(peer, close, Pause::Sleep),
            Mode::Hot | Mode::HotOp => self.timed(peer, close, Pause::Spin),
            Mode::Sat => self.saturating(peer, close),
            Mode::CallgrindEvent | Mode::CallgrindOp => self.callgrind(peer, close),
            Mode::Memory => bail!("the mode memory starts its peer itself"),
        }
    }
}

impl Driver<'_> {
    fn hand<P: Peer>(&self, peer: &P) -> P::Hand {
        let inside = self.spec.spans() && !self.run.is_op();
        peer.hand(inside.then(|| self.samples.at(0)))
    }

    fn call<H: Hand>(&self, hand: &mut H, number: u64) {
        let sample = self.samples.at(number);
        if self.run.is_op() {
            hand.op(sample, number);
        } else {
            hand.event(sample, number);
        }
    }

    fn warm_up<H: Hand>(&self, hand: &mut H, pause: Pause) {
        for burst in 0..WARM_UP / BURST {
            for number in 0..BURST {
                self.call(hand, burst * BURST + number);
            }
            pause.take();
        }
    }

    fn timed<P: Peer>(&self, peer: P, close: Close, pause: Pause) -> Result<Measured> {
        let bursts = self.run.events.div_ceil(BURST);
        let mut hand = self.hand(&peer);
        let mut times = Times::new(bursts * BURST);
        self.warm_up(&mut hand, pause);
        for burst in 0..bursts {
            let first = burst * BURST;
            if self.run.is_op() {
                for number in first..first + BURST {
                    times.time(|| hand.op(self.samples.at(number), number));
                }
            } else {
                for number in first..first + BURST {
                    times.time(|| hand.event(self.samples.at(number), number));
                }
            }
            pause.take();
        }
        drop((hand, peer));
        close.run()?;
        Ok(Measured {
            expected: WARM_UP + bursts * BURST,
            figures: Some(times.figures().into()),
            ..Measured::default()
        })
    }

    fn saturating<P: Peer>(&self, peer: P, close: Close) -> Result<Measured> {
        let threads = self.run.threads;
        let share = self.run.events.div_ceil(threads);
        let (ready, go) = (
            Barrier::new(threads as usize + 1),
            Barrier::new(threads as usize + 1),
        );
        let start = std::thread::scope(|scope| {
            for thread in 0..threads {
                let (ready, go, peer) = (&ready, &go, &peer);
                scope.spawn(move || {
                    let mut hand = self.hand(peer);
                    self.warm_up(&mut hand, Pause::Sleep);
                    ready.wait();
                    go.wait();
                    for number in thread * share..(thread + 1) * share {
                        hand.event(self.samples.at(number), number);
                    }
                });
            }
            ready.wait();
            // The warm-up's lines must not be written on the measured time.
            std::thread::sleep(Duration::from_millis(100));
            let start = Instant::now();
            go.wait();
            start
        });
        let submitted = start.elapsed();
        drop(peer);
        close.run()?;
        let durable = start.elapsed();
        Ok(Measured {
            expected: threads * (WARM_UP + share),
            submitted_seconds: Some(submitted.as_secs_f64()),
            seconds: Some(durable.as_secs_f64()),
            rate: Some((threads * share) as f64 / durable.as_secs_f64()),
            ..Measured::default()
        })
    }

    fn callgrind<P: Peer>(&self, peer: P, close: Close) -> Result<Measured> {
        let bursts = self.run.events.div_ceil(BURST);
        let mut hand = self.hand(&peer);
        self.warm_up(&mut hand, Pause::Sleep);
        for burst in 0..bursts {
            if self.run.is_op() {
                counted_ops(&mut hand, self.samples, burst * BURST);
            } else {
                counted_events(&mut hand, self.samples, burst * BURST);
            }
            // Under valgrind the writer is slow too: the queue must never fill, or waiting would be counted.
            std::thread::sleep(Duration::from_millis(5));
        }
        drop((hand, peer));
        close.run()?;
        Ok(Measured {
            expected: WARM_UP + bursts * BURST,
            ..Measured::default()
        })
    }
}

// Callgrind is switched on and off by these functions' names (see `counts::COUNTED`), so nothing that they call
// may have a name that begins with `counted_`.

#[inline(never)]
fn counted_events<H: Hand>(hand: &mut H, samples: &Samples, first: u64) {
    for number in first..first + BURST {
        hand.event(samples.at(number), number);
    }
}

#[inline(never)]
fn counted_ops<H: Hand>(hand: &mut H, samples: &Samples, first: u64) {
    for number in first..first + BURST {
        hand.op(samples.at(number), number);
    }
}

/// The directory for one run below `out`, made anew.
///
/// # Errors
/// When it cannot be made.
pub fn fresh(out: &Path) -> Result<()> {
    if out.exists() {
        std::fs::remove_dir_all(out)?;
    }
    Ok(std::fs::create_dir_all(out)?)
}

/// Empties a run's files and puts their directory aside, below `aside`, to be removed when everything is measured.
///
/// For minutes after a file is removed ext4 does not use its inode again, but looks at each such one when a file is created: a
/// run that removes a thousand files would be paid by the next peer that creates some.
///
/// # Errors
/// When a file cannot be emptied or moved.
pub fn put_aside(out: &Path, aside: &Path) -> Result<()> {
    std::fs::create_dir_all(aside)?;
    let count = std::fs::read_dir(aside)?.count();
    let place = aside.join(count.to_string());
    std::fs::rename(out, &place)?;
    let mut left = vec![place];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                left.push(entry.path());
            } else {
                std::fs::File::create(entry.path())?;
            }
        }
    }
    Ok(())
}
