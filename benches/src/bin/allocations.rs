//! `bench-allocations`: allocations per call on the caller's thread, after its first events.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use tracing_audit_benches::counts::listens_to_tracing;
use tracing_audit_benches::event::{Change, Samples, report_rich};
use tracing_audit_benches::measure::{BURST, Pause};
use tracing_audit_benches::output::Close;
use tracing_audit_benches::peers::{self, Hand, Job, Peer, Spec};
use tracing_audit_benches::results::Measured;
use tracing_audit_benches::run::WARM_UP;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Case {
    Event,
    Op,
    Rich,
}

/// Counts the allocations of one peer and case on one thread after its first event, and prints one result line.
#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long)]
    peer: String,
    #[arg(long)]
    case: Case,
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

fn main() -> Result<()> {
    let Arguments { peer, case, out } = Arguments::parse();
    let samples = Samples::default();
    let spec = Spec::named(&peer)?;
    ensure!(
        case != Case::Rich || listens_to_tracing(&peer),
        "{peer} does not listen to tracing: no rich event"
    );
    let control = allocation_counter::measure(|| {
        let line = serde_json::to_string(&samples.at(0).event(0)).map(|line| line.len());
        assert!(line.is_ok());
    });
    ensure!(
        control.count_total > 0,
        "the counter does not count: serde_json::to_string allocates"
    );
    let measured = peers::start(
        &peer,
        &out,
        Count {
            case,
            spec,
            samples: &samples,
        },
    )?;
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}
