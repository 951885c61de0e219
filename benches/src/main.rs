//! `bench`: one run, or all of them with the document that comes of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use tracing_audit_benches::document;
use tracing_audit_benches::foreign::Foreign;
#[cfg(feature = "ours")]
use tracing_audit_benches::redact::fields::Field;
use tracing_audit_benches::redact::report as redaction;
use tracing_audit_benches::redact::run::Scan;
use tracing_audit_benches::report;
use tracing_audit_benches::results::{Measured, Results};
use tracing_audit_benches::rounds::Plan;
use tracing_audit_benches::run::Run;

/// Benchmarks of tracing-audit against its peers.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One process, one peer, one mode; prints one JSON line.
    Run(Run),
    /// One form and case of what is not audited; prints one JSON line.
    ForeignRun(Foreign),
    /// The rounds of the peers' cases alone; prints the tables.
    Round(Plan),
    /// The rounds of what is not audited alone; prints the tables.
    Foreign(Plan),
    /// Instructions per call under callgrind; prints the tables.
    Instructions(Plan),
    /// Allocations per call; prints the tables.
    Allocations(Plan),
    /// Memory and idle time; prints the tables.
    Memory(Plan),
    /// One scanner and case; prints one JSON line.
    RedactRun(Scan),
    /// The cost of one more field; prints one JSON line.
    #[cfg(feature = "ours")]
    FieldRun(Field),
    /// What the seal and the disk cost: verification, opening, receipts, a slow disk, a sink that hangs.
    #[cfg(feature = "ours")]
    Seal(tracing_audit_benches::seal::Plan),
    /// Redaction alone: the value engine beside its rivals, and the cost of a field; writes its section of the document.
    Redact {
        /// How much.
        #[command(flatten)]
        plan: Plan,
        /// The document.
        #[arg(long, default_value = "docs/benchmarks.md")]
        doc: PathBuf,
    },
    /// The way to a collector; writes its section of the document.
    #[cfg(feature = "otlp")]
    Otlp {
        /// How much.
        #[command(flatten)]
        plan: Plan,
        /// The document.
        #[arg(long, default_value = "docs/benchmarks.md")]
        doc: PathBuf,
    },
    /// The receiver of `otlp`: prints its address and counts what comes.
    #[cfg(feature = "otlp")]
    OtlpReceive(tracing_audit_benches::otlp::receive::Receive),
    /// One peer of `otlp`; prints one JSON line.
    #[cfg(feature = "otlp")]
    OtlpSend(tracing_audit_benches::otlp::send::Send),
    /// A caller beside a collector that never answers; prints one JSON line.
    #[cfg(feature = "otlp")]
    OtlpHole(tracing_audit_benches::otlp::hole::Hole),
    /// Everything; writes the document.
    All {
        /// How much.
        #[command(flatten)]
        plan: Plan,
        /// The document.
        #[arg(long, default_value = "docs/benchmarks.md")]
        doc: PathBuf,
    },
    /// The document again, from raw results: of each file that is there, its section.
    Report {
        /// The working directory of the runs.
        #[arg(long, default_value = "target/bench")]
        out: PathBuf,
        /// The document.
        #[arg(long, default_value = "docs/benchmarks.md")]
        doc: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Run(run) => say(&run.run()?),
        #[cfg(feature = "ours")]
        Command::Seal(seal) => seal.run(),
        Command::ForeignRun(foreign) => say(&foreign.run()?),
        Command::Round(plan) => tables(&plan, Plan::peers),
        Command::Foreign(plan) => tables(&plan, Plan::foreign),
        Command::Instructions(plan) => tables(&plan, Plan::instructions),
        Command::Allocations(plan) => tables(&plan, Plan::allocations),
        Command::Memory(plan) => tables(&plan, Plan::memory),
        Command::RedactRun(scan) => say(&scan.run()?),
        #[cfg(feature = "ours")]
        Command::FieldRun(field) => say(&field.run()?),
        Command::Redact { plan, doc } => {
            plan.check_redact()?;
            redact(&plan, &doc)
        }
        #[cfg(feature = "otlp")]
        Command::Otlp { plan, doc } => {
            plan.check_otlp()?;
            otlp(&plan, &doc)
        }
        #[cfg(feature = "otlp")]
        Command::OtlpReceive(receive) => receive.run(),
        #[cfg(feature = "otlp")]
        Command::OtlpSend(send) => say(&send.run()?),
        #[cfg(feature = "otlp")]
        Command::OtlpHole(hole) => say(&hole.run()?),
        Command::All { plan, doc } => {
            let results = measure(&plan, everything)?;
            document::write(&doc, &report::document(&results))?;
            redact(&plan, &doc)?;
            #[cfg(feature = "otlp")]
            otlp(&plan, &doc)?;
            #[cfg(not(feature = "otlp"))]
            println!("SKIPPED: the way to a collector: built without the feature otlp");
            Ok(())
        }
        Command::Report { out, doc } => again(&out, &doc),
    }
}

/// A section of the document, from results.
type Section = fn(&Results) -> String;

type Part = fn(&Plan, &mut Results, &mut fs::File) -> Result<()>;

fn everything(plan: &Plan, results: &mut Results, raw: &mut fs::File) -> Result<()> {
    plan.allocations(results, raw)?;
    plan.instructions(results, raw)?;
    plan.foreign(results, raw)?;
    plan.peers(results, raw)?;
    plan.memory(results, raw)
}

fn measure(plan: &Plan, part: Part) -> Result<Results> {
    let mut results = Results::default();
    let mut raw = plan.begin(&plan.raw())?;
    part(plan, &mut results, &mut raw)?;
    Ok(results)
}

fn tables(plan: &Plan, part: Part) -> Result<()> {
    println!("\n{}", report::document(&measure(plan, part)?));
    Ok(())
}

fn redact(plan: &Plan, doc: &Path) -> Result<()> {
    let mut results = Results::default();
    let mut raw = plan.begin(&plan.raw_redact())?;
    plan.redact(&mut results, &mut raw)?;
    if results.0.is_empty() {
        // A plan for peers or cases of the other section.
        return Ok(());
    }
    let section = redaction::section(&results);
    println!("\n{section}");
    document::write(doc, &section)
}

#[cfg(feature = "otlp")]
fn otlp(plan: &Plan, doc: &Path) -> Result<()> {
    let mut results = Results::default();
    let mut raw = plan.begin(&plan.raw_otlp())?;
    plan.otlp(&mut results, &mut raw)?;
    if results.0.is_empty() {
        return Ok(());
    }
    let section = tracing_audit_benches::otlp::report::section(&results);
    println!("\n{section}");
    document::write(doc, &section)
}

fn again(out: &Path, doc: &Path) -> Result<()> {
    let sections: &[(PathBuf, Section)] = &[
        (out.join("results.jsonl"), report::document),
        (out.join("redact.jsonl"), redaction::section),
        #[cfg(feature = "otlp")]
        (
            out.join("otlp.jsonl"),
            tracing_audit_benches::otlp::report::section,
        ),
    ];
    let there: Vec<_> = sections.iter().filter(|(raw, _)| raw.exists()).collect();
    ensure!(!there.is_empty(), "there are no raw results in {}", out.display());
    for (raw, section) in there {
        document::write(doc, &section(&Results::load(raw)?))?;
    }
    Ok(())
}

fn say(measured: &Measured) -> Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}
