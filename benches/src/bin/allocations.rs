//! `bench-allocations`: allocations per call on the caller's thread, after its first calls.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, Parser, ValueEnum};
use tracing_audit_benches::counts::listens_to_tracing;
use tracing_audit_benches::event::{Change, Samples, report_rich};
use tracing_audit_benches::measure::{BURST, Pause};
use tracing_audit_benches::output::Close;
use tracing_audit_benches::peers::{self, Hand, Job, Peer, Spec};
#[cfg(feature = "ours")]
use tracing_audit_benches::redact::fields;
use tracing_audit_benches::redact::{inputs, scanners};
use tracing_audit_benches::results::Measured;
use tracing_audit_benches::run::WARM_UP;

/// Counts allocations on one thread after its first calls, and prints one result line.
#[derive(Debug, Parser)]
enum Arguments {
    /// Of a peer.
    Peer(OfPeer),
    /// Of a scanner.
    Scan(OfScan),
    /// Of an event with one more field.
    #[cfg(feature = "ours")]
    Field(OfField),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Case {
    Event,
    Op,
    Rich,
}

#[derive(Debug, Args)]
struct OfPeer {
    #[arg(long)]
    peer: String,
    #[arg(long)]
    case: Case,
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct OfScan {
    #[arg(long)]
    scanner: String,
    #[arg(long)]
    case: String,
}

#[cfg(feature = "ours")]
#[derive(Debug, Args)]
struct OfField {
    #[arg(long)]
    added: fields::Added,
    #[arg(long)]
    out: PathBuf,
}

struct Count<'a> {
    case: Case,
    spec: Spec,
    samples: &'a Samples,
}

impl Count<'_> {
    fn call<H: Hand>(&self, hand: &mut H, number: u64, text: &str) {
        let sample = self.samples.at(number);
        match self.case {
            Case::Event => hand.event(sample, number),
            Case::Op => hand.op(sample, number),
            Case::Rich => {
                let change = Change {
                    before: "viewer",
                    after: ["editor", "owner"],
                    revision: number as u32,
                };
                report_rich(&change, text);
            }
        }
    }
}

impl Job for Count<'_> {
    type Out = Measured;

    fn run<P: Peer>(self, peer: P, close: Close) -> Result<Measured> {
        let text = "The quick brown fox jumps over the lazy dog. ".repeat(23);
        let inside = self.spec.spans() && self.case != Case::Op;
        let mut hand = peer.hand(inside.then(|| self.samples.at(0)));
        self.call(&mut hand, 0, &text);
        let mut count = 0;
        for burst in 0..WARM_UP / BURST {
            let first = burst * BURST;
            let info = allocation_counter::measure(|| {
                for number in first..first + BURST {
                    self.call(&mut hand, number, &text);
                }
            });
            count += info.count_total;
            Pause::Sleep.take();
        }
        drop((hand, peer));
        close.run()?;
        let allocations = count as f64 / WARM_UP as f64;
        Ok(Measured {
            expected: WARM_UP + 1,
            allocations: Some(allocations),
            ..Measured::default()
        })
    }
}

impl OfPeer {
    fn count(&self) -> Result<Measured> {
        let samples = Samples::default();
        let spec = Spec::named(&self.peer)?;
        ensure!(
            self.case != Case::Rich || listens_to_tracing(&self.peer),
            "{} does not listen to tracing: no rich event",
            self.peer
        );
        let count = Count {
            case: self.case,
            spec,
            samples: &samples,
        };
        peers::start(&self.peer, &self.out, count)
    }
}

impl OfScan {
    /// Two turns through the values; the first one builds what is built on first use.
    fn count(&self) -> Result<Measured> {
        let values = inputs::values(&self.case)?;
        let mut scanner = scanners::start(&self.scanner)?;
        let mut turn = || {
            values
                .iter()
                .try_for_each(|value| scanner.scan(value).map(|_| ()))
        };
        turn()?;
        let mut outcome = Ok(());
        let info = allocation_counter::measure(|| outcome = turn());
        outcome?;
        Ok(Measured {
            allocations: Some(info.count_total as f64 / values.len() as f64),
            ..Measured::default()
        })
    }
}

#[cfg(feature = "ours")]
impl OfField {
    fn count(&self) -> Result<Measured> {
        let audit = fields::install(&self.out)?;
        let texts = fields::Texts::default();
        let burst = || (0..BURST).for_each(|number| fields::report(Some(self.added), &texts, number));
        let mut count = 0;
        burst();
        for _ in 0..WARM_UP / BURST {
            Pause::Sleep.take();
            count += allocation_counter::measure(burst).count_total;
        }
        fields::end(&audit)?;
        Ok(Measured {
            expected: WARM_UP + BURST,
            allocations: Some(count as f64 / WARM_UP as f64),
            ..Measured::default()
        })
    }
}

/// Fails where the counter does not count.
fn control() -> Result<()> {
    let samples = Samples::default();
    let control = allocation_counter::measure(|| {
        let line = serde_json::to_string(&samples.at(0).event(0)).map(|line| line.len());
        assert!(line.is_ok());
    });
    ensure!(
        control.count_total > 0,
        "the counter does not count: serde_json::to_string allocates"
    );
    Ok(())
}

fn main() -> Result<()> {
    control()?;
    let measured = match Arguments::parse() {
        Arguments::Peer(of) => of.count()?,
        Arguments::Scan(of) => of.count()?,
        #[cfg(feature = "ours")]
        Arguments::Field(of) => of.count()?,
    };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}
