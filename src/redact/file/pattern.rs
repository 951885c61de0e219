//! `[[pattern]]` of a policy file.

use std::ops::RangeInclusive;

use super::table::{Given, Table};
use super::{examples, parsed};
use crate::error::Result;
use crate::redact::class::Class;
use crate::redact::judge::Judged;
use crate::redact::pattern::{Alphabet, Pattern};
use crate::redact::policy::Policy;

const PATTERN: &[&str] = &[
    "id",
    "literal",
    "start",
    "alphabet",
    "len",
    "class",
    "positives",
    "negatives",
];

/// Adds every pattern, then tries the examples of all: they are cut as a record's texts would be.
pub(super) fn read(mut policy: Policy, file: &Table<'_, '_>) -> Result<Policy> {
    let tables = file.tables("pattern", PATTERN)?;
    for table in &tables {
        policy = add(policy, table)?;
    }
    for table in &tables {
        let id = table.needed("id", "acme-token")?;
        try_texts(&policy, table, id.value)?;
    }
    Ok(policy)
}

fn add(policy: Policy, table: &Table<'_, '_>) -> Result<Policy> {
    let id = table.needed("id", "acme-token")?;
    let alphabet: Alphabet = parsed(table, &table.needed("alphabet", "alnum")?)?;
    let given = table.needed("len", "20..40")?;
    let Some(len) = length(given.value) else {
        let message = format!(
            "is `{}`; write `32`, `20..40` or `20..`, both ends included",
            given.value
        );
        return Err(table.wrong("len", given.at, message));
    };
    let mut pattern = match (table.text("literal")?, table.text("start")?) {
        (Some(literal), None) => Pattern::literal(id.value, literal.value, alphabet, len),
        (None, Some(start)) => Pattern::starting(id.value, parsed(table, &start)?, alphabet, len),
        (None, None) => {
            let message = "says neither `literal` nor `start`; give the text that it begins with, three bytes or more, or \
                           the alphabet of its first byte";
            return Err(table.error(message));
        }
        (Some(_), Some(_)) => {
            return Err(
                table.error("says both `literal` and `start`; it begins with one of them: remove the other")
            );
        }
    };
    if let Some(class) = table.text("class")? {
        pattern = pattern.class(parsed::<Class>(table, &class)?);
    }
    policy
        .pattern(pattern)
        .map_err(|error| table.source.because(table.at, &error))
}

/// `32`, `20..40`, `20..`.
fn length(text: &str) -> Option<RangeInclusive<usize>> {
    let Some((min, max)) = text.split_once("..") else {
        let exact = text.trim().parse().ok()?;
        return Some(exact..=exact);
    };
    let max = match max.trim() {
        "" => usize::MAX,
        max => max.parse().ok()?,
    };
    Some(min.trim().parse().ok()?..=max)
}

/// Tries the texts that a pattern must cut, and those that must stay. No message repeats a text: it might be a real one.
fn try_texts(policy: &Policy, table: &Table<'_, '_>, id: &str) -> Result<()> {
    let positives = examples(table, "positives", "text that the pattern must cut")?;
    let negatives = examples(table, "negatives", "text that must stay as it is")?;
    let nowhere = Judged::free_text();
    let rules = |example: &Given<&str>| -> Vec<&'static str> {
        let treated = policy.treat(&nowhere, None, example.value);
        treated.redactions.iter().map(|done| done.rule).collect()
    };
    for (nth, example) in positives.iter().enumerate() {
        let rules = rules(example);
        if !rules.contains(&id) {
            let instead = match rules.first() {
                Some(rule) => format!("; the rule `{rule}` cuts there"),
                None => String::new(),
            };
            let message = format!(
                "is not cut by pattern `{id}`{instead}; correct the pattern or the example, or look at the action of \
                         its class"
            );
            return Err(table.wrong(&format!("positives[{nth}]"), example.at, message));
        }
    }
    for (nth, example) in negatives.iter().enumerate() {
        if let Some(rule) = rules(example).first() {
            let message = format!("is cut by the rule `{rule}`; correct pattern `{id}` or the example");
            return Err(table.wrong(&format!("negatives[{nth}]"), example.at, message));
        }
    }
    Ok(())
}
