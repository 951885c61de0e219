//! The parent's part: every peer in both packings, and the callers beside the holes in turns, in every round.

use std::fs::File;
use std::path::Path;

use anyhow::{Result, ensure};

use super::hole::{self, ALONE, BUSY, HOLES};
use super::peers::{LATE, PACKINGS, PEERS};
use super::receive::Receiver;
use crate::counts::{CALLS, have_valgrind};
use crate::event::EVENT_TRACES;
use crate::output;
use crate::results::{Outcome, Results};
use crate::rounds::{Job, Plan, line, result_of, this_program};
use crate::run::fresh;
use crate::turns::{self, Peer};

/// The case of a caller beside a hole, each call timed.
pub const PACED: &str = "paced";
/// The same, counted by callgrind.
pub const COUNTED: &str = "callgrind";

impl Plan {
    /// Runs every peer and every hole in every round, after the instructions.
    ///
    /// # Errors
    /// When a child fails.
    pub fn otlp(&self, results: &mut Results, raw: &mut File) -> Result<()> {
        let mut jobs = Vec::new();
        for peer in PEERS.iter().filter(|peer| self.takes(peer.name)) {
            let packings = PACKINGS.into_iter().filter(|packing| self.takes_packing(packing));
            jobs.extend(packings.map(|packing| Job::Otlp(peer.name, packing)));
        }
        if self.takes_packing(PACED) {
            jobs.push(Job::Holes(callers().filter(|name| self.takes(name)).collect()));
        }
        if self.takes_packing(COUNTED) {
            self.hole_instructions(results, raw)?;
        }
        self.shuffled(&jobs, results, raw)
    }

    /// The file of raw results of `otlp`.
    #[must_use]
    pub fn raw_otlp(&self) -> std::path::PathBuf {
        self.out.join("otlp.jsonl")
    }

    /// Says no to a name that neither a peer nor a case has.
    ///
    /// # Errors
    /// When there is such a name.
    pub fn check_otlp(&self) -> Result<()> {
        let names: Vec<_> = PEERS.iter().map(|peer| peer.name).chain(callers()).collect();
        for name in &self.peers {
            ensure!(
                names.contains(&name.as_str()),
                "no peer is called {name}; there are {}",
                names.join(", ")
            );
        }
        let cases: Vec<_> = PACKINGS.into_iter().chain([PACED, COUNTED]).collect();
        for case in &self.cases {
            ensure!(
                cases.contains(&case.as_str()),
                "no case is called {case}; there are {}",
                cases.join(", ")
            );
        }
        Ok(())
    }

    fn takes_packing(&self, case: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|name| name == case)
    }

    pub(crate) fn sent(&self, peer: &str, packing: &str, round: u32) -> Result<Outcome> {
        let how = packing.strip_suffix(LATE);
        let receiver = Receiver::start(self.events, how.is_some())?;
        let mut child = this_program()?;
        child.args([
            "otlp-send",
            "--peer",
            peer,
            "--packing",
            how.unwrap_or(packing),
            "--at",
        ]);
        child
            .arg(receiver.at.to_string())
            .arg("--events")
            .arg(self.events.to_string());
        // What the SDK reads must not come from whoever runs this.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
            child.env_remove(name);
        }
        let mut measured = result_of(child.arg("--out").arg(self.scratch()))?;
        let arrived = receiver.arrived()?;
        ensure!(arrived.events > 0, "{peer} sent nothing");
        measured.seconds = Some(arrived.seconds);
        measured.rate = Some(arrived.events as f64 / arrived.seconds);
        measured.receiver = Some(arrived.processor as f64 / (arrived.events + arrived.again) as f64);
        let mut outcome = Outcome::new(round, peer, packing, measured);
        outcome.found = Some(arrived.events);
        outcome.bytes_per_line = Some(arrived.bytes as f64 / (arrived.events + arrived.again) as f64);
        outcome.missing = arrived.missing;
        ensure!(
            outcome.missing.is_empty(),
            "an event of {peer} arrived without {:?}",
            outcome.missing
        );
        Ok(outcome)
    }

    /// The callers, in turns.
    pub(crate) fn beside(&self, names: &[&'static str], round: u32) -> Result<Vec<Outcome>> {
        let place = |name: &str| self.scratch().join(name);
        let start = |name: &&'static str| {
            std::fs::create_dir_all(place(name))?;
            let mut child = this_program()?;
            child
                .args(["otlp-hole", "--mode", PACED, "--beside", name, "--events"])
                .arg(self.timed_events.to_string())
                .arg("--out")
                .arg(place(name));
            Peer::start(name, &mut child)
        };
        let callers = names.iter().map(start).collect::<Result<_>>()?;
        let turns = hole::turns(self.timed_events);
        let measured = turns::give(callers, turns, &mut self.order(round))?;
        let outcomes = names.iter().zip(measured).map(|(name, measured)| {
            let outcome = Outcome::new(round, name, PACED, measured);
            self.written(outcome, &place(name))
        });
        outcomes.collect()
    }

    /// An outcome with what stands in the journal in `dir`.
    fn written(&self, mut outcome: Outcome, dir: &Path) -> Result<Outcome> {
        let found = output::read(dir, &EVENT_TRACES)?;
        outcome.found = Some(found.lines);
        outcome.missing = found.missing.into_iter().map(str::to_owned).collect();
        ensure!(
            outcome.lost() == 0 && outcome.missing.is_empty(),
            "the journal beside {} has {} events of {}, without {:?}",
            outcome.peer,
            found.lines,
            outcome.measured.expected,
            outcome.missing
        );
        Ok(outcome)
    }

    fn hole_instructions(&self, results: &mut Results, raw: &mut File) -> Result<()> {
        if !have_valgrind() {
            println!(
                "SKIPPED: instructions are not counted, because valgrind is not installed and cannot be"
            );
            return Ok(());
        }
        for caller in callers().filter(|name| *name != BUSY && self.takes(name)) {
            fresh(&self.scratch())?;
            let calls = CALLS.to_string();
            let place = self.scratch();
            let place = place.to_string_lossy();
            let arguments = [
                "otlp-hole",
                "--mode",
                COUNTED,
                "--beside",
                caller,
                "--events",
                &calls,
                "--out",
                &place,
            ];
            let outcome = Outcome::new(1, caller, COUNTED, self.callgrind(&arguments)?);
            let outcome = self.written(outcome, &self.scratch())?;
            println!("{}", line(&outcome));
            results.append(raw, outcome)?;
        }
        Ok(())
    }
}

fn callers() -> impl Iterator<Item = &'static str> {
    [ALONE].into_iter().chain(HOLES).chain([BUSY])
}
