//! `bench`: one run, or all of them with the document that comes of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tracing_audit_benches::foreign::Foreign;
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
    /// Everything; writes the document.
    All {
        /// How much.
        #[command(flatten)]
        plan: Plan,
        /// The document.
        #[arg(long, default_value = "docs/benchmarks.md")]
        doc: PathBuf,
    },
    /// The document again, from raw results.
    Report {
        /// The raw results.
        #[arg(long, default_value = "target/bench/results.jsonl")]
        raw: PathBuf,
        /// The document.
        #[arg(long, default_value = "docs/benchmarks.md")]
        doc: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Run(run) => say(&run.run()?),
        Command::ForeignRun(foreign) => say(&foreign.run()?),
        Command::Round(plan) => tables(&plan, Plan::peers),
        Command::Foreign(plan) => tables(&plan, Plan::foreign),
        Command::Instructions(plan) => tables(&plan, Plan::instructions),
        Command::Allocations(plan) => tables(&plan, Plan::allocations),
        Command::Memory(plan) => tables(&plan, Plan::memory),
        Command::All { plan, doc } => write(&doc, &measure(&plan, everything)?),
        Command::Report { raw, doc } => write(&doc, &Results::load(&raw)?),
    }
}

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
    let mut raw = plan.begin()?;
    part(plan, &mut results, &mut raw)?;
    Ok(results)
}

fn tables(plan: &Plan, part: Part) -> Result<()> {
    println!("\n{}", report::document(&measure(plan, part)?));
    Ok(())
}

fn write(doc: &Path, results: &Results) -> Result<()> {
    if let Some(parent) = doc.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(doc, report::document(results)).with_context(|| format!("cannot write {}", doc.display()))?;
    println!("wrote {}", doc.display());
    Ok(())
}

fn say(measured: &Measured) -> Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}
