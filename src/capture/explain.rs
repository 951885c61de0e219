//! What a trail makes of the callsites that the program has reached: their plans as plain data.

use std::collections::HashSet;
use std::fmt;

use super::core::Capture;
use super::plan::{Plan, Role};
use crate::redact::Explained;

/// What a trail makes of a callsite: a place in the program that reports an event or opens a span.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Callsite {
    /// The name of the event, or of the span; `""` where only a field says it.
    pub event: String,
    /// The source file.
    pub file: Option<&'static str>,
    /// The line in it.
    pub line: Option<u32>,
    /// What is done to each field that is taken, in the order in which the callsite declares them.
    pub fields: Vec<Explained>,
}

impl Capture {
    /// The callsites that any stack of this trail was told of, in the order of the source.
    pub(crate) fn explain(&self) -> Vec<Callsite> {
        let beside = self.stacks.others();
        let mut seen = HashSet::new();
        let plans = beside
            .iter()
            .flat_map(|capture| capture.plans_made())
            .chain(self.plans_made())
            .filter(|plan| seen.insert(std::ptr::from_ref::<Plan>(plan).addr()));
        let mut callsites: Vec<_> = plans.filter_map(Plan::explain).collect();
        callsites.sort_by(|left, right| {
            (left.file, left.line, &left.event).cmp(&(right.file, right.line, &right.event))
        });
        callsites
    }
}

impl Plan {
    /// `None` where nothing of the callsite is taken.
    fn explain(&self) -> Option<Callsite> {
        match self.role {
            Role::Ignored | Role::NotAllowed | Role::Probe => None,
            _ => Some(Callsite {
                event: self.event.clone().into_owned(),
                file: self.file,
                line: self.line,
                fields: self
                    .fields
                    .iter()
                    .flatten()
                    .map(|field| field.explain())
                    .collect(),
            }),
        }
    }
}

impl fmt::Display for Callsite {
    /// The callsite in a line, and one line for each field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = if self.event.is_empty() {
            "(a field names the event)"
        } else {
            &self.event
        };
        f.write_str(event)?;
        if let Some(file) = self.file {
            write!(f, ", {file}")?;
        }
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        for field in &self.fields {
            write!(f, "\n  {field}")?;
        }
        Ok(())
    }
}
