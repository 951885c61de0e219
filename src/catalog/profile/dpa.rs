//! The shape `dpa`: an entry about an access to data, with the four groups of who, what, where and from.

use super::Profile;
use super::giving::{Exported, Giving, Why};
use super::iso;
use super::rules::{Form, Rule, To};
use super::shape::Shape;
use super::taking::{Fault, Filling, Taking, short, texts, truth};
use crate::catalog::dpa::{Action, ActorType, Outcome, SINGLE_TENANT, UNKNOWN};
use crate::error::{Error, ErrorKind, Result as Answer};
use crate::record::{Record, Slot, TraceId, Value};
use crate::redact::truncate_ip;

const ROLES: &str = "a list of texts, [] for somebody without roles: state the roles in the source";
const PII: &str = "true or false: declare in the source whether personal data is in what was touched";

const WHO: &[Rule] = &[
    Rule::slot("actorId", Slot::ActorId, Form::Text),
    Rule::slot("actorType", Slot::ActorType, Form::Text),
    Rule::slot("actorRoles", Slot::ActorRoles, Form::Texts),
];

const RESOURCE: &[Rule] = &[
    Rule::slot("type", Slot::ResourceType, Form::Text),
    Rule::slot("id", Slot::ResourceId, Form::Text),
];

const SCOPE: &[Rule] = &[
    Rule::slot("feature", Slot::ScopeFeature, Form::Text),
    Rule::slot("environment", Slot::ScopeEnvironment, Form::Text),
    Rule::slot("tenant", Slot::ScopeTenant, Form::Text),
];

const FROM: &[Rule] = &[
    Rule::slot("ipTruncated", Slot::ActorIp, Form::Text),
    Rule::slot("userAgent", Slot::ActorUserAgent, Form::Text),
];

const CHANGED: Rule = Rule::slot("changedFields", Slot::ChangedFields, Form::Texts);

const WHY: &[Rule] = &[
    Rule::slot("reason", Slot::Reason, Form::Text),
    Rule::slot("correlationId", Slot::CorrelationId, Form::Text),
    Rule::slot("requestId", Slot::RequestId, Form::Text),
];

const PII_DATA: &[Rule] = &[
    Rule::slot("containsPii", Slot::PiiContains, Form::Truth),
    Rule::slot("piiCategories", Slot::PiiCategories, Form::Texts),
];

const ERROR_CODE: Rule = Rule::slot("errorCode", Slot::ErrorCode, Form::Text);

/// The groups, each with what a reader of the shape expects in it.
const GROUPS: [(&str, &[Rule], &[&str]); 3] = [
    ("resource", RESOURCE, &["type"]),
    ("scope", SCOPE, &["feature", "environment", "tenant"]),
    ("from", FROM, &["ipTruncated", "userAgent"]),
];

pub(super) fn import(line: &[u8]) -> Result<Record, Fault> {
    let mut taking = Taking::open(line)?;
    let mut filling = Filling::new(Profile::Dpa);
    iso::take_time(&mut taking, "at", &mut filling)?;
    let action: Action = closed(&mut taking, "action", &Action::words())?;
    filling.put(Slot::Event, action.event());
    filling.put(Slot::Action, action.as_str());
    filling.put_some(
        Slot::Category,
        action.event().rsplit_once('.').map(|(category, _)| category),
    );
    let _: ActorType = closed_but_left(&mut taking, "actorType", &ActorType::words())?;
    let outcome: Outcome = closed(&mut taking, "outcome", &Outcome::words())?;
    filling.put(Slot::Outcome, outcome.in_a_record().as_str());
    taking.must_have("actorId", "the id of who acted: state it in the source")?;
    fits(&mut taking, "actorRoles", ROLES, texts)?;
    fits(&mut taking, "containsPii", PII, |value| {
        truth(value).map(Value::Bool)
    })?;
    for rule in WHO
        .iter()
        .chain([&CHANGED])
        .chain(WHY)
        .chain(PII_DATA)
        .chain([&ERROR_CODE])
    {
        rule.take(&mut taking.rest, &mut filling);
    }
    for (key, rules, needed) in GROUPS {
        take_group(&mut taking, (key, rules, needed), &mut filling)?;
    }
    prefix_len(&mut filling);
    let trace = filling.text(Slot::CorrelationId).and_then(TraceId::parse);
    filling.put_some(Slot::TraceId, trace.map(|trace| trace.to_string()));
    taking.check_names()?;
    filling.overlay(taking.rest);
    Ok(filling.finish())
}

/// Takes a word of a closed vocabulary; any other is refused with the known ones.
fn closed<T: std::str::FromStr>(
    taking: &mut Taking<'_>,
    key: &'static str,
    known: &[&str],
) -> Result<T, Fault> {
    let expected = format!(
        "one of {}, because auditors sample by it: correct it in the source",
        known.join(", ")
    );
    taking.need(key, &expected, |value| {
        match value.as_str().and_then(|word| word.parse().ok()) {
            Some(word) => Ok(word),
            None => Err(value),
        }
    })
}

/// As [`closed`], for a word that stands in the record as it is.
fn closed_but_left<T: std::str::FromStr>(
    taking: &mut Taking<'_>,
    key: &'static str,
    known: &[&str],
) -> Result<T, Fault> {
    let given = taking.rest.get(key).cloned();
    let word = closed(taking, key, known)?;
    taking.rest.extend(given.map(|given| (key.to_owned(), given)));
    Ok(word)
}

/// Refuses a field that is missing or of another type, and leaves it.
fn fits(
    taking: &mut Taking<'_>,
    key: &'static str,
    expected: &str,
    fit: impl FnOnce(Value) -> Result<Value, Value>,
) -> Result<(), Fault> {
    let fitting = taking.take(key, fit);
    let value = fitting.ok_or_else(|| taking.refuse_kind(key, expected))?;
    taking.rest.insert(key.to_owned(), value);
    Ok(())
}

fn take_group(
    taking: &mut Taking<'_>,
    (key, rules, needed): (&'static str, &[Rule], &[&'static str]),
    filling: &mut Filling,
) -> Result<(), Fault> {
    let expected = format!("an object with {}: state it in the source", needed.join(", "));
    let taken = taking.within(key, |group| {
        for key in needed {
            group.must_have(key, "a text: state it in the source")?;
        }
        rules.iter().for_each(|rule| rule.take(&mut group.rest, filling));
        group.check_names()
    });
    taken.ok_or_else(|| taking.refuse_kind(key, &expected))?
}

/// How many bits of the address are left: fewer than all only where it is one that was truncated.
fn prefix_len(filling: &mut Filling) {
    let Some(given) = filling.text(Slot::ActorIp) else {
        return;
    };
    let truncated = truncate_ip(given).filter(|(address, _)| address == given);
    let whole = given.parse::<std::net::IpAddr>().ok();
    let bits = match truncated {
        Some((_, bits)) => bits,
        None => whole.map(|whole| if whole.is_ipv4() { 32 } else { 128 }),
    };
    filling.put_some(Slot::ActorIpPrefixLen, bits);
}

pub(super) fn export(record: &Record) -> Answer<Exported> {
    let mut giving = Giving::new(Profile::Dpa, record);
    let mut shape = Shape::default();
    giving.imply(&[Slot::Event, Slot::Category, Slot::Level, Slot::ActorIpPrefixLen]);
    give_who(&mut giving, &mut shape)?;
    shape.put("action", action(&mut giving)?);
    give_group(&mut giving, &mut shape, "resource");
    CHANGED.give(&mut giving, &mut shape);
    shape.put("at", iso::give_time(&mut giving));
    give_group(&mut giving, &mut shape, "scope");
    for rule in WHY {
        rule.give(&mut giving, &mut shape);
    }
    let trace = giving.text(Slot::TraceId);
    if !shape.has("correlationId") {
        shape.put_some("correlationId", trace);
    }
    give_group(&mut giving, &mut shape, "from");
    for rule in PII_DATA {
        rule.give(&mut giving, &mut shape);
    }
    if !shape.has("containsPii") {
        return Err(lacks(
            "pii.contains",
            "whether it contains personal data; declare `pii.contains` where it is recorded",
        ));
    }
    shape.put("outcome", outcome(&mut giving)?.as_str());
    ERROR_CODE.give(&mut giving, &mut shape);
    giving.refuse_rest();
    Ok(giving.finish(shape))
}

#[cold]
fn lacks(path: &str, what: &str) -> Error {
    let message = format!("the record cannot be given as `dpa`: its `{path}` does not say {what}");
    Error::new(ErrorKind::Format, message)
}

fn give_who(giving: &mut Giving<'_>, shape: &mut Shape) -> Answer<()> {
    let kept = giving
        .overlay()
        .is_some_and(|overlay| overlay.contains_key("actorId"));
    for rule in WHO {
        rule.give(giving, shape);
    }
    if giving.native || kept {
        return Ok(());
    }
    if !shape.has("actorId") {
        return Err(lacks("actor.id", "who acted; name an actor where it is recorded"));
    }
    if !shape.has("actorRoles") {
        giving.note(Slot::ActorRoles.path(), Why::Replaced);
        shape.put("actorRoles", Value::List(Vec::new()));
    }
    let kind = giving.record().text(Slot::ActorType);
    if kind.is_none_or(|kind| kind.parse::<ActorType>().is_err()) {
        // An agent is a program; of somebody whose kind is not said nothing better is known.
        giving.note(Slot::ActorType.path(), Why::Replaced);
        let kind = if kind == Some("agent") {
            ActorType::Service
        } else {
            ActorType::User
        };
        shape.put("actorType", kind.as_str());
    }
    Ok(())
}

fn action(giving: &mut Giving<'_>) -> Answer<&'static str> {
    let given = giving.text(Slot::Action).unwrap_or_default();
    let last = given.rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
    let action: Action = last
        .parse()
        .map_err(|error: Error| lacks("action", "what was done in the words of the shape").because(error))?;
    if action.as_str() != given {
        giving.note(Slot::Action.path(), Why::Replaced);
    }
    Ok(action.as_str())
}

fn outcome(giving: &mut Giving<'_>) -> Answer<Outcome> {
    let word = giving.text(Slot::Outcome).unwrap_or("unknown");
    let known = Outcome::ALL
        .iter()
        .find(|outcome| outcome.in_a_record().as_str() == word);
    known.copied().ok_or_else(|| {
        lacks(
            "outcome",
            &format!(
                "how it ended: `{}` is none of success, denied and failure",
                short(word)
            ),
        )
    })
}

fn give_group(giving: &mut Giving<'_>, shape: &mut Shape, name: &str) {
    let Some((_, rules, needed)) = GROUPS.iter().find(|(key, ..)| *key == name) else {
        return;
    };
    let mut group = Shape::default();
    rules.iter().for_each(|rule| rule.give(giving, &mut group));
    if !giving.native {
        let missing = rules.iter().filter(|rule| needed.contains(&rule.key));
        for rule in missing {
            if group.has(rule.key) {
                continue;
            }
            if let To::Slot(slot) = rule.to {
                giving.note(slot.path(), Why::Replaced);
            }
            group.put(rule.key, stand_in(rule.key));
        }
    }
    if !group.is_empty() {
        shape.put_shape(name, group);
    }
}

/// The word that stands for what a record does not say.
fn stand_in(key: &str) -> &'static str {
    match key {
        "tenant" => SINGLE_TENANT,
        _ => UNKNOWN,
    }
}
