//! `completions`: the command's arguments as a script for a shell.

use std::io::Write as _;

use clap::CommandFactory as _;

use crate::args::Args;
use crate::asking::Completions;
use crate::out::{Failure, code};

pub(crate) fn run(completions: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    let mut command = Args::command();
    clap_complete::generate(completions.shell, &mut command, "tracing-audit", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(code::OK)
}
