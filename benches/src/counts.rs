//! Figures without noise: instructions under callgrind, and allocations, both on the caller's thread alone.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::peers::{PEERS, Spec};
use crate::results::{Measured, Outcome, Results};
use crate::rounds::{Plan, line, result_of, this_program};
use crate::run::fresh;

/// The functions between whose entry and return callgrind counts.
pub const COUNTED: &str = "*counted_*";

/// Calls that are counted.
pub const CALLS: u64 = 9_984;

/// Peers whose instructions are counted: the floor, the baseline and ours.
const INSTRUCTION_PEERS: [&str; 9] = [
    "noop",
    "channel",
    "channel-nospan",
    "audit",
    "audit-beside",
    "audit-nospan",
    "audit-scan",
    "audit-typed",
    "audit-layer",
];

impl Plan {
    /// Counts instructions per event and per op under callgrind; without valgrind it says so and does nothing.
    ///
    /// # Errors
    /// When a child fails or valgrind's file cannot be read.
    pub fn instructions(&self, results: &mut Results, raw: &mut File) -> Result<()> {
        if !have_valgrind() {
            println!(
                "SKIPPED: instructions are not counted, because valgrind is not installed and cannot be"
            );
            return Ok(());
        }
        let known = PEERS.iter().filter(|spec| INSTRUCTION_PEERS.contains(&spec.name));
        for spec in known.filter(|spec| self.takes(spec.name)) {
            for mode in ["callgrind-event", "callgrind-op"] {
                if mode == "callgrind-event" || spec.spans() {
                    let outcome = self.under_callgrind(spec, mode)?;
                    println!("{}", line(&outcome));
                    results.append(raw, outcome)?;
                }
            }
        }
        Ok(())
    }

    fn under_callgrind(&self, spec: &Spec, mode: &str) -> Result<Outcome> {
        let scratch = self.scratch();
        fresh(&scratch)?;
        let (calls, place) = (CALLS.to_string(), scratch.to_string_lossy());
        let arguments = [
            "run", "--peer", spec.name, "--mode", mode, "--events", &calls, "--out", &place,
        ];
        let measured = self.callgrind(&arguments)?;
        let outcome = Outcome::new(1, spec.name, mode, measured).counted(spec, &scratch)?;
        fs::remove_dir_all(&scratch)?;
        Ok(outcome)
    }

    /// Runs this program with these arguments under callgrind. What was measured, with the instructions for each of
    /// [`CALLS`] on its main thread within the functions called [`COUNTED`].
    pub(crate) fn callgrind(&self, arguments: &[&str]) -> Result<Measured> {
        let counts = self.out.join("callgrind");
        fresh(&counts)?;
        let program = this_program()?.get_program().to_owned();
        let mut child = Command::new("valgrind");
        child.args([
            "--tool=callgrind",
            "--separate-threads=yes",
            "--fair-sched=try",
            "--collect-atstart=no",
        ]);
        child.arg(format!("--toggle-collect={COUNTED}"));
        child.arg(format!("--callgrind-out-file={}", counts.join("out").display()));
        let mut measured = result_of(child.arg(program).args(arguments))?;
        // The main thread is the first; it is the caller.
        measured.instructions = Some(total(&counts.join("out-01"))? as f64 / CALLS as f64);
        fs::remove_dir_all(&counts)?;
        Ok(measured)
    }

    /// Counts allocations per event, op and rich event with the program `bench-allocations` beside this one.
    ///
    /// # Errors
    /// When that program is not built, a child fails, or its control finds no allocation.
    pub fn allocations(&self, results: &mut Results, raw: &mut File) -> Result<()> {
        let program = counter()?;
        for spec in PEERS.iter().filter(|spec| self.takes(spec.name)) {
            for case in ["event", "op", "rich"] {
                let rich = listens_to_tracing(spec.name) && !spec.scanned() && !spec.typed();
                if (case == "op" && !spec.spans()) || (case == "rich" && !rich) {
                    continue;
                }
                fresh(&self.scratch())?;
                let mut child = Command::new(&program);
                child
                    .args(["peer", "--peer", spec.name, "--case", case, "--out"])
                    .arg(self.scratch());
                let outcome = Outcome::new(
                    1,
                    spec.name,
                    &format!("allocations-{case}"),
                    result_of(&mut child)?,
                );
                println!("{}", line(&outcome));
                results.append(raw, outcome)?;
            }
        }
        Ok(())
    }

    /// Measures memory and idle time of every peer that writes (not again with a longer event), with 10^5 and with 10^6 events.
    ///
    /// # Errors
    /// When a child fails.
    pub fn memory(&self, results: &mut Results, raw: &mut File) -> Result<()> {
        let watched = PEERS
            .iter()
            .filter(|spec| spec.writes && !spec.scanned() && !spec.typed());
        for spec in watched.filter(|spec| self.takes(spec.name)) {
            for (events, case) in [("100000", "memory-1e5"), ("1000000", "memory-1e6")] {
                fresh(&self.scratch())?;
                let mut child = this_program()?;
                child.args([
                    "run", "--peer", spec.name, "--mode", "memory", "--events", events, "--out",
                ]);
                child.arg(self.scratch());
                let outcome = Outcome::new(1, spec.name, case, result_of(&mut child)?);
                let outcome = outcome.counted(spec, &self.scratch())?;
                println!("{}", line(&outcome));
                results.append(raw, outcome)?;
                fs::remove_dir_all(self.scratch())?;
            }
        }
        Ok(())
    }
}

/// The program that counts allocations, beside this one.
///
/// # Errors
/// When it is not built.
pub fn counter() -> Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("bench-allocations");
    ensure!(
        program.exists(),
        "bench-allocations is not built; build the whole package tracing-audit-benches"
    );
    Ok(program)
}

/// Whether the peer's callers use the macros of `tracing`.
#[must_use]
pub fn listens_to_tracing(peer: &str) -> bool {
    !peer.starts_with("slog") && !peer.starts_with("channel")
}

/// Whether valgrind is there, or could be installed.
#[must_use]
pub fn have_valgrind() -> bool {
    if succeeds(Command::new("valgrind").arg("--version")) {
        return true;
    }
    println!("valgrind is missing; trying to install it");
    succeeds(Command::new("apt-get").args(["install", "-y", "-q", "valgrind"]))
        && succeeds(Command::new("valgrind").arg("--version"))
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The instructions of one thread: the file's line `totals: N` or `summary: N`.
fn total(path: &Path) -> Result<u64> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let totals = text.lines().filter_map(|line| {
        let count = line
            .strip_prefix("totals: ")
            .or_else(|| line.strip_prefix("summary: "))?;
        count.split_whitespace().next()?.parse().ok()
    });
    let total: Option<u64> = totals.max();
    total
        .filter(|total| *total > 0)
        .with_context(|| format!("callgrind counted nothing within {COUNTED}"))
}
