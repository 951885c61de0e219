//! Memory over an idle process, and the processor's time when nothing happens.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::event::Samples;
use crate::output::Close;
use crate::peers::{self, Hand, Job, Peer, Spec};
use crate::results::{Measured, Memory};
use crate::run::{Run, WARM_UP};

/// How long the idle process is watched.
const IDLE: Duration = Duration::from_secs(10);

/// Runs the mode `memory`: reads the memory, starts the peer, writes the events, waits and watches.
///
/// # Errors
/// When the peer cannot start or write, or the kernel does not tell.
pub fn child(run: &Run, samples: &Samples) -> Result<Measured> {
    let before_kib = status("VmRSS")?;
    let spec = Spec::named(&run.peer)?;
    peers::start(
        &run.peer,
        &run.out,
        Watch {
            events: run.events,
            spec,
            samples,
            before_kib,
        },
    )
}

struct Watch<'a> {
    events: u64,
    spec: Spec,
    samples: &'a Samples,
    before_kib: u64,
}

impl Job for Watch<'_> {
    type Out = Measured;

    fn run<P: Peer>(self, peer: P, close: Close) -> Result<Measured> {
        let mut hand = peer.hand(self.spec.spans().then(|| self.samples.at(0)));
        for number in 0..WARM_UP {
            hand.event(self.samples.at(number), number);
        }
        let started_kib = status("VmRSS")?;
        // Lowers the high-water mark to what is resident now; where the kernel refuses, the mark is of the whole run.
        let _ = fs::write("/proc/self/clear_refs", "5");
        for number in 0..self.events {
            hand.event(self.samples.at(number), number);
        }
        let peak_kib = status("VmHWM")?;
        // Until the queue is empty and the writer has found that nothing more comes.
        std::thread::sleep(Duration::from_secs(2));
        let (begin, start) = (processor_nanos()?, Instant::now());
        std::thread::sleep(IDLE);
        let idle_share = (processor_nanos()? - begin) as f64 / start.elapsed().as_nanos() as f64;
        drop((hand, peer));
        close.run()?;
        let memory = Memory {
            before_kib: self.before_kib,
            started_kib,
            peak_kib,
            idle_share,
        };
        Ok(Measured {
            expected: WARM_UP + self.events,
            memory: Some(memory),
            ..Measured::default()
        })
    }
}

fn status(key: &str) -> Result<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|line| line.starts_with(key));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("the kernel does not tell {key}"))
}

/// Processor time of every thread of this process, in nanoseconds.
fn processor_nanos() -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir("/proc/self/task")? {
        let path = task?.path().join("schedstat");
        sum += first_number(&path).with_context(|| format!("the kernel does not tell {}", path.display()))?;
    }
    Ok(sum)
}

fn first_number(path: &Path) -> Option<u64> {
    fs::read_to_string(path)
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
