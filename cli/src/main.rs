//! The `tracing-audit` command: arguments in, exit code out.
#![deny(unsafe_code, clippy::unwrap_used, clippy::indexing_slicing)]

mod args;
mod asking;
mod cmd;
mod grid;
mod heads;
mod out;
mod sealing;
#[cfg(feature = "serve")]
mod serve;
mod table;
mod words;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind as Usage;

use crate::args::{Args, Command};
use crate::out::{Failure, code};

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return match error.kind() {
                Usage::DisplayHelp | Usage::DisplayVersion => ExitCode::from(code::OK),
                _ => ExitCode::from(code::USAGE),
            };
        }
    };
    let done = match &args.command {
        Command::Checkpoint(checkpoint) => cmd::seal::checkpoint(checkpoint),
        Command::Completions(completions) => cmd::completions::run(completions),
        Command::Count(count) => cmd::count::run(count),
        Command::Demo(demo) => cmd::demo::run(demo),
        Command::Doctor(doctor) => cmd::doctor::run(doctor),
        Command::Export(export) => cmd::export::run(export),
        Command::Erase(erase) => cmd::erase::run(erase),
        Command::Events(events) => cmd::events::run(events),
        Command::Explain(explain) => cmd::explain::run(explain),
        Command::Fields(fields) => cmd::fields::run(fields),
        Command::Hash(hash) => cmd::hash::run(hash),
        Command::History(history) => cmd::about::history(history),
        Command::Import(import) => cmd::import::run(import),
        Command::Keygen(keygen) => cmd::seal::keygen(keygen),
        Command::Prove(prove) => cmd::seal::prove(prove),
        Command::Prune(prune) => cmd::prune::run(prune),
        Command::Redact(redact) => cmd::redact::run(redact),
        Command::Report(report) => cmd::report::run(report),
        #[cfg(feature = "serve")]
        Command::Serve(serve) => cmd::serve::run(serve),
        Command::Ship(ship) => cmd::ship::run(ship),
        Command::Show(show) => cmd::show::run(show),
        Command::Stats(stats) => cmd::stats::run(stats),
        Command::Tail(tail) => cmd::tail::run(tail),
        Command::Trace(trace) => cmd::trace::run(trace),
        Command::Verify(verify) => cmd::verify::run(verify),
        Command::Who(who) => cmd::about::who(who),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        // The reader of our output has seen enough.
        Err(Failure::Closed) => ExitCode::from(code::OK),
        Err(failure) => {
            eprintln!("tracing-audit: {}", words::harmless(&failure.to_string()));
            ExitCode::from(failure.code())
        }
    }
}
