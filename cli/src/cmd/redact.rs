//! `redact`: what a policy, or the balanced policy's value engine, makes of given values, as a filter: JSON lines in,
//! JSON lines out.

use std::collections::BTreeMap;
use std::io::BufRead as _;

use serde_json::{Value, json};
use tracing_audit::redact::{Policy, scan};

use crate::args::Redact;
use crate::out::{Failure, Out, code, note};
use crate::words::{self, counted};

pub(crate) fn run(args: &Redact) -> Result<u8, Failure> {
    let mut filter = Filter {
        policy: args.policy.as_ref().map(Policy::load).transpose()?,
        counts: BTreeMap::new(),
    };
    let mut out = Out::new(crate::args::Color::Never);
    let mut unreadable = 0;
    for (number, line) in (1_u64..).zip(std::io::stdin().lock().split(b'\n')) {
        let line = line.map_err(|error| Failure::Input(format!("line {number}: {error}")))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        // A line that cannot be read has its answer as well: what comes behind it is not its fault.
        let mut answer = filter.answer(&line).unwrap_or_else(|(id, why)| {
            unreadable += 1;
            note(&format!("line {number}: {why}"));
            json!({"id": id, "error": format!("line {number}: {why}")})
        });
        if let Some(answer) = answer.as_object_mut().filter(|_| args.dry_run) {
            answer.remove("value");
        }
        out.json(&answer)?;
    }
    out.flush()?;
    filter.tell(args.dry_run);
    Ok(if unreadable > 0 { code::IO } else { code::OK })
}

/// What answers, and how often which rule did something.
struct Filter {
    policy: Option<Policy>,
    counts: BTreeMap<&'static str, u64>,
}

impl Filter {
    /// The answer to one question; other keys of it are left alone. Otherwise its id, if there is one, and why there is none.
    fn answer(&mut self, line: &[u8]) -> Result<Value, (Value, String)> {
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        let question: Value = serde_json::from_slice(line).map_err(|error| {
            let why = format!(r#"not a JSON object ({error}); expected {{"id":…,"field":"…","value":"…"}}"#);
            (Value::Null, why)
        })?;
        let id = question.get("id").cloned().unwrap_or(Value::Null);
        let text = |key: &str| {
            question.get(key).and_then(Value::as_str).ok_or_else(|| {
                let why = format!(
                    r#"`{key}` is missing or not a text; expected {{"id":…,"field":"…","value":"…"}}"#
                );
                (id.clone(), why)
            })
        };
        let (value, redactions) = self.treat(text("field")?, text("value")?);
        Ok(json!({
            "id": id,
            "value": value,
            "redactions": redactions,
        }))
    }

    /// The value as it is left, and how many times something was done to it.
    fn treat(&mut self, field: &str, value: &str) -> (Option<String>, u64) {
        let (value, done): (_, Vec<(&'static str, u32)>) = match &self.policy {
            Some(policy) => {
                let treated = policy.redact(field, value);
                let done = treated.redactions.iter().map(|done| (done.rule, done.n));
                (treated.value.map(String::from), done.collect())
            }
            None => {
                let scanned = scan(field, value);
                let done = scanned.redactions.iter().map(|done| (done.rule, done.n));
                (Some(scanned.value.into_owned()), done.collect())
            }
        };
        let mut sum = 0;
        for (rule, n) in done {
            *self.counts.entry(rule).or_default() += u64::from(n);
            sum += u64::from(n);
        }
        (value, sum)
    }

    /// Says what was done by rule, where that was asked for, and what a policy under trial would have done.
    fn tell(&self, dry_run: bool) {
        if dry_run {
            report("would redact", self.counts.iter().map(|(rule, n)| (*rule, *n)));
        }
        let stats = self.policy.as_ref().map(Policy::stats).unwrap_or_default();
        let trial: Vec<_> = stats.iter().filter(|rule| rule.trial > 0).collect();
        if !trial.is_empty() {
            report(
                "under trial, would redact",
                trial.iter().map(|rule| (rule.rule.as_str(), rule.trial)),
            );
        }
    }
}

fn report<'r>(what: &str, rules: impl Iterator<Item = (&'r str, u64)>) {
    let rules: Vec<_> = rules.collect();
    let sum = rules.iter().map(|(_, n)| n).sum();
    note(&format!("{what} {}", counted(sum, "value or part")));
    let width = rules
        .iter()
        .map(|(rule, _)| words::width(rule))
        .max()
        .unwrap_or(0);
    for (rule, n) in rules {
        note(&format!("  {rule:<width$}  {}", words::count(n)));
    }
}
