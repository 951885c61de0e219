//! `[[rule]]` and `[[allow]]` of a policy file.

use super::table::{Given, Table};
use super::{examples, parsed};
use crate::error::Result;
use crate::redact::action::Action;
use crate::redact::class::Class;
use crate::redact::pattern::check_id;
use crate::redact::policy::{Policy, hides};
use crate::redact::rule::{About, Asked, FieldRule, ValueType};
use crate::redact::words::Words;

const RULE: &[&str] = &[
    "id",
    "words",
    "field",
    "path",
    "event",
    "category",
    "type",
    "class",
    "action",
    "positives",
    "negatives",
];

/// A rule of the file, and the names that it must fit.
pub(super) struct Read<'s, 't> {
    table: Table<'s, 't>,
    rule: FieldRule,
    positives: Vec<Given<&'s str>>,
}

/// Adds every rule, once its examples have been tried.
pub(super) fn read<'s, 't>(mut policy: Policy, file: &Table<'s, 't>) -> Result<(Policy, Vec<Read<'s, 't>>)> {
    let mut ids: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    for table in file.tables("rule", RULE)? {
        let mut rule = selector(&table)?;
        if let Some(id) = table.text("id")? {
            check_id("rule", id.value).map_err(|error| table.source.because(id.at, &error))?;
            if ids.contains(&id.value) {
                let message = format!(
                    "is `{}` a second time; counters could not tell the rules apart",
                    id.value
                );
                return Err(table.wrong("id", id.at, message));
            }
            ids.push(id.value);
            rule = rule.id(id.value);
        }
        rule = conditions(rule, &table)?;
        if let Some(class) = table.text("class")? {
            rule = rule.class(parsed::<Class>(&table, &class)?);
        }
        if let Some(action) = table.text("action")? {
            rule = rule.action(parsed::<Action>(&table, &action)?);
        }
        if rule.class.is_none() && rule.action.is_none() {
            return Err(
                table.error("says neither `class` nor `action`; say what the fields are, or what is done")
            );
        }
        let positives = try_names(&table, &rule)?;
        policy = policy.rule(rule.clone());
        all.push(Read {
            table,
            rule,
            positives,
        });
    }
    Ok((policy, all))
}

/// The fields that a rule is about: by exactly one of three keys.
fn selector(table: &Table<'_, '_>) -> Result<FieldRule> {
    let (words, field, path) = (table.text("words")?, table.text("field")?, table.text("path")?);
    match (words, field, path) {
        (Some(words), None, None) => {
            if Words::of(words.value).iter().next().is_none() {
                let message = format!("is `{}`, which has no word; write the words of a name", words.value);
                return Err(table.wrong("words", words.at, message));
            }
            Ok(FieldRule::words(words.value))
        }
        (None, Some(glob), None) => Ok(FieldRule::glob(glob.value)),
        (None, None, Some(path)) if path.value.contains('*') => {
            let message = format!("is `{0}`, which has a star; a pattern is written `field = \"{0}\"`", path.value);
            Err(table.wrong("path", path.at, message))
        }
        (None, None, Some(path)) => Ok(FieldRule::path(path.value)),
        (None, None, None) => Err(table.error(
            "names no fields; add one of `words`, `field` (a pattern over paths) and `path` (one path as it is)",
        )),
        _ => Err(table.error(
            "names fields in several ways; keep one of `words`, `field` and `path`, and write a rule for each other",
        )),
    }
}

fn conditions(mut rule: FieldRule, table: &Table<'_, '_>) -> Result<FieldRule> {
    if let Some(event) = table.text("event")? {
        rule = rule.event(event.value);
    }
    if let Some(category) = table.text("category")? {
        rule = rule.category(category.value);
    }
    if let Some(values) = table.text("type")? {
        rule = rule.values(match values.value {
            "text" => ValueType::Text,
            "number" => ValueType::Number,
            other => {
                let message = format!("is `{other}`; write text or number, or remove it for both");
                return Err(table.wrong("type", values.at, message));
            }
        });
    }
    Ok(rule)
}

/// Tries the names that a rule must fit, which it gives back, and those that it must not.
fn try_names<'s>(table: &Table<'s, '_>, rule: &FieldRule) -> Result<Vec<Given<&'s str>>> {
    let positives = examples(table, "positives", "name of a field that the rule must fit")?;
    let negatives = examples(table, "negatives", "name of a field that the rule must not fit")?;
    let fits = |name: &str| rule.fit(&asked(name), &Words::of(name)).is_some();
    let named = name_of(table, rule);
    if let Some(example) = positives.iter().find(|example| !fits(example.value)) {
        let message = format!(
            "`{}` is not fitted by {named}; correct the rule or the example",
            example.value
        );
        return Err(table.wrong("positives", example.at, message));
    }
    if let Some(example) = negatives.iter().find(|example| fits(example.value)) {
        let message = format!(
            "`{}` is fitted by {named}; correct the rule or the example",
            example.value
        );
        return Err(table.wrong("negatives", example.at, message));
    }
    Ok(positives)
}

fn name_of(table: &Table<'_, '_>, rule: &FieldRule) -> String {
    let id = if table.has("id") { rule.id } else { "" };
    match id {
        "" => format!("the rule for `{}`", rule.target()),
        id => format!("rule `{id}`"),
    }
}

fn asked(name: &str) -> Asked<'_> {
    Asked {
        name,
        path: name,
        about: About::default(),
    }
}

/// Refuses rules that would keep what a secret's name forbids: the policy would not follow them, and nobody would know.
pub(super) fn check(policy: &Policy, rules: &[Read<'_, '_>]) -> Result<()> {
    for read in rules {
        let action = read
            .rule
            .action
            .or_else(|| read.rule.class.map(|class| policy.action_for(class)));
        if action.is_none_or(hides) || read.rule.values == Some(ValueType::Number) {
            continue;
        }
        for example in &read.positives {
            let judged = policy.judge(&asked(example.value), None);
            if judged.text.class == Class::SECRET && judged.text.rule == "name.secret" {
                let message = format!(
                    "`{}` is the name of a secret, which no rule keeps; write drop, marker, mask or hmac, or say in \
                     `[[declassify]]` why it is none",
                    example.value
                );
                return Err(read.table.wrong("positives", example.at, message));
            }
        }
    }
    Ok(())
}

/// Adds the rules of an allow-list.
pub(super) fn allow(policy: Policy, table: &Table<'_, '_>) -> Result<Policy> {
    let fields = table.texts("fields")?.unwrap_or_default();
    if fields.is_empty() {
        return Err(table.error("has no `fields`; list the paths of the fields that are public"));
    }
    let target = table.text("target")?;
    if let (Some(target), true) = (&target, table.has("category")) {
        let message = "says the same as `category`; remove one of the two";
        return Err(table.wrong("target", target.at, message));
    }
    // A record's category is what stands behind the first `::` of its target.
    let target = target.map(|target| {
        target
            .value
            .split_once("::")
            .map_or(target.value, |(_, rest)| rest)
    });
    let mut policy = policy;
    for field in &fields {
        if field.value.contains('*') {
            let message = format!(
                "`{}` has a star; an allow-list names each field as it is, a `[[rule]]` takes patterns",
                field.value
            );
            return Err(table.wrong("fields", field.at, message));
        }
        let rule = FieldRule::path(field.value).id("allowed").class(Class::PUBLIC);
        policy = policy.rule(conditions_of_allow(rule, table, target)?);
    }
    Ok(policy)
}

fn conditions_of_allow(rule: FieldRule, table: &Table<'_, '_>, target: Option<&str>) -> Result<FieldRule> {
    let rule = conditions(rule, table)?;
    Ok(match target {
        Some(category) => rule.category(category),
        None => rule,
    })
}
