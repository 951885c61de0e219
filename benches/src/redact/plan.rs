//! The parent's part: every scanner and case in every round, the fields, and the allocations.

use std::fs::{self, File};
use std::process::Command;

use anyhow::{Result, ensure};

use super::inputs;
use super::scanners::{AS_ONE, SCANNERS};
use crate::counts::counter;
use crate::output;
use crate::results::{Outcome, Results};
use crate::rounds::{Job, Plan, line, result_of, this_program};
use crate::run::fresh;

/// The fields whose cost is measured, with what must stand in the last line for each.
pub const FIELDS: [(&str, &str); 3] = [
    ("number", "\"items\":"),
    ("secret", "[REDACTED:secret]"),
    ("ip", "hmac-sha256:k1:"),
];

/// The cases whose allocations are counted.
pub const COUNTED: [&str; 5] = ["empty", "harmless", "ids", "sensitive", "prose"];

impl Plan {
    /// Runs every scanner and case, and every field, in every round, after the allocations.
    ///
    /// # Errors
    /// When a child fails.
    pub fn redact(&self, results: &mut Results, raw: &mut File) -> Result<()> {
        for scanner in SCANNERS.iter().filter(|scanner| !scanner.skipped.is_empty()) {
            println!("SKIPPED: {}: {}", scanner.name, scanner.skipped);
        }
        let jobs = self.redact_jobs();
        if jobs.is_empty() {
            return Ok(());
        }
        self.redact_allocations(results, raw)?;
        self.shuffled(&jobs, results, raw)
    }

    /// Says no to a name that neither a scanner nor a case has.
    ///
    /// # Errors
    /// When there is such a name.
    pub fn check_redact(&self) -> Result<()> {
        let names: Vec<_> = SCANNERS.iter().map(|scanner| scanner.name).collect();
        for name in &self.peers {
            ensure!(
                names.contains(&name.as_str()),
                "no scanner is called {name}; there are {}",
                names.join(", ")
            );
        }
        let cases = cases();
        for case in &self.cases {
            ensure!(
                cases.contains(case),
                "no case is called {case}; there are {}",
                cases.join(", ")
            );
        }
        Ok(())
    }

    fn takes_case(&self, case: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|name| name == case)
    }

    fn redact_jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for scanner in SCANNERS
            .iter()
            .filter(|scanner| scanner.skipped.is_empty() && self.takes(scanner.name))
        {
            let cases = inputs::cases().into_iter().filter(|case| {
                let is_meant = scanner.name != AS_ONE || inputs::is_longest(case);
                is_meant && self.takes_case(case)
            });
            jobs.extend(cases.map(|case| Job::Scan(scanner.name, case)));
        }
        if cfg!(feature = "ours") && self.takes(super::scanners::OURS) {
            let fields = FIELDS
                .into_iter()
                .filter(|(added, _)| self.takes_case(&field_case(added)));
            jobs.extend(fields.map(|(added, _)| Job::Field(added)));
        }
        jobs
    }

    pub(crate) fn scan(&self, scanner: &str, case: &str, round: u32) -> Result<Outcome> {
        let mut child = this_program()?;
        child.args(["redact-run", "--scanner", scanner, "--case", case, "--budget"]);
        child.arg(self.budget.to_string());
        Ok(Outcome::new(round, scanner, case, result_of(&mut child)?))
    }

    pub(crate) fn field(&self, added: &str, round: u32) -> Result<Outcome> {
        let scratch = self.scratch();
        let mut child = this_program()?;
        child.args([
            "field-run",
            "--added",
            added,
            "--pairs",
            &self.pairs.to_string(),
            "--out",
        ]);
        let mut outcome = Outcome::new(
            round,
            super::scanners::OURS,
            &field_case(added),
            result_of(child.arg(&scratch))?,
        );
        let trace = FIELDS
            .iter()
            .find(|(name, _)| *name == added)
            .map(|(_, trace)| *trace);
        let found = output::read(&scratch, trace.as_slice())?;
        ensure!(
            found.missing.is_empty() && found.lines == outcome.measured.expected,
            "the field `{added}` was not measured: {} lines of {}, without {:?}",
            found.lines,
            outcome.measured.expected,
            found.missing
        );
        outcome.found = Some(found.lines);
        Ok(outcome)
    }

    /// Counts allocations with the program `bench-allocations`.
    fn redact_allocations(&self, results: &mut Results, raw: &mut File) -> Result<()> {
        let program = counter()?;
        let mut count = |child: &mut Command, peer: &str, case: String| {
            let outcome = Outcome::new(1, peer, &format!("allocations-{case}"), result_of(child)?);
            println!("{}", line(&outcome));
            results.append(raw, outcome)
        };
        for job in self.redact_jobs() {
            match job {
                Job::Scan(scanner, case) if COUNTED.contains(&case.as_str()) => {
                    let mut child = Command::new(&program);
                    count(
                        child.args(["scan", "--scanner", scanner, "--case", &case]),
                        scanner,
                        case,
                    )?;
                }
                Job::Field(added) => {
                    fresh(&self.scratch())?;
                    let mut child = Command::new(&program);
                    child
                        .args(["field", "--added", added, "--out"])
                        .arg(self.scratch());
                    count(&mut child, super::scanners::OURS, field_case(added))?;
                    fs::remove_dir_all(self.scratch())?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The case's name for a field that is added.
#[must_use]
pub fn field_case(added: &str) -> String {
    format!("field {added}")
}

fn cases() -> Vec<String> {
    let fields = FIELDS.into_iter().map(|(added, _)| field_case(added));
    inputs::cases().into_iter().chain(fields).collect()
}
