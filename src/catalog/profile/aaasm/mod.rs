//! The shape `aaasm`: an event with its agent, decision, labels and stack of calls, in the nine fields of the client
//! library or in all those of the wire, with names in capitals inside (`agentId`) or with underscores (`agent_id`).

mod export;
mod stack;
mod table;

pub(super) use self::export::export;
use self::table::{
    ACTION_TYPES, AGENT, ARGUMENTS, DECISIONS, LINEAGE, MILLIS, PLAIN, SUBJECTS, SUCCEEDED, Subject,
    TOOL_CALL, snake,
};
use super::giving::{Exported, Giving, Why};
use super::number::millis_of_nanos;
use super::plain::{self, Style};
use super::rules::{Rule, To};
use super::shape::Shape;
use super::taking::{Fault, Filling, Taking, millis, truth, uint};
use super::{Profile, giving};
use crate::clock::MAX_TIME;
use crate::record::{Map, Record, Slot, SpanId, TraceId, Value};

const EVENT_ID: &str = "the event's own id, a UUID: state it in the source";
const AGENT_ID: &str = "the agent's id: state it in the source";
const ACTION_TYPE: &str = "the type of action, such as \"tool_call\": state it in the source";
const DECISION: &str = "the decision, \"\" where there is none: state it in the source";
const OCCURRED_AT: &str = "milliseconds since 1970, from 0 to 9223372036854: correct the time in the source";
const BOTH: &str = "names of both spellings: write either agentId or agent_id in the whole line";

/// The attribute that says in which form the line was, unless it was the client library's.
const FORM: &str = "aaasm_form";

/// How names of two words are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// `agentId`.
    Camel,
    /// `agent_id`.
    Snake,
}

/// What a line says of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    spelling: Spelling,
    /// Whether it says when.
    is_timed: bool,
}

impl Form {
    const ALL: [(&'static str, Self); 4] = [
        ("sdk", Self::of(Spelling::Camel, false)),
        ("sdk_timed", Self::of(Spelling::Camel, true)),
        ("wire_untimed", Self::of(Spelling::Snake, false)),
        ("wire", Self::of(Spelling::Snake, true)),
    ];

    const fn of(spelling: Spelling, is_timed: bool) -> Self {
        Self { spelling, is_timed }
    }

    fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, form)| *form == self);
        found.map_or("sdk", |(word, _)| word)
    }
}

pub(super) fn import(line: &[u8]) -> Result<Record, Fault> {
    let mut taking = Taking::open(line)?;
    let mut filling = Filling::new(Profile::Aaasm);
    let spelling = spelling(&taking)?;
    must_have(&taking, spelling)?;
    let is_timed = take_time(&mut taking, spelling, &mut filling)?;
    if spelling == Spelling::Snake {
        respell(&mut taking.rest, &|name| (snake(name), name.to_owned()));
    }
    let form = Form { spelling, is_timed };
    take_ids(&mut taking, &mut filling);
    take_agent(&mut taking, spelling, &mut filling);
    take_action_type(&mut taking, spelling, &mut filling);
    take_decision(&mut taking, &mut filling);
    for rule in PLAIN {
        rule.take(&mut taking.rest, &mut filling);
    }
    take_object(&mut taking, "lineage", LINEAGE, &mut filling);
    take_subject(&mut taking, &mut filling);
    derive_outcome(&mut filling);
    take_labels(&mut taking, &mut filling)?;
    take_stack(&mut taking, spelling, &mut filling);
    if form != Form::of(Spelling::Camel, false) {
        filling.member(Slot::Attributes, FORM, form.word());
    }
    if spelling == Spelling::Snake {
        respell(&mut taking.rest, &|name| (name.to_owned(), snake(name)));
    }
    taking.check_names()?;
    filling.overlay(taking.rest);
    Ok(filling.finish())
}

fn spelling(taking: &Taking<'_>) -> Result<Spelling, Fault> {
    let has = |name: &str| taking.rest.contains_key(name);
    let telling = ["eventId", "agentId", "actionType"];
    let camel = telling.iter().any(|name| has(name));
    let snake_cased = telling.iter().any(|name| has(&snake(name)));
    if !snake_cased {
        return Ok(Spelling::Camel);
    }
    let is_mixed = |object: &str, members: &Map| {
        let names = table::names(object);
        names
            .iter()
            .any(|name| snake(name) != *name && members.contains_key(*name))
    };
    let inner = |object: &str| taking.rest.get(&snake(object)).and_then(Value::as_map);
    let mixed_inside =
        table::objects().any(|object| inner(object).is_some_and(|inner| is_mixed(object, inner)));
    if camel || is_mixed("", &taking.rest) || mixed_inside {
        return Err(taking.fault("", &format!("the event has {BOTH}")));
    }
    Ok(Spelling::Snake)
}

/// Renames the fields that are written in two ways, in the event and in its objects.
fn respell(event: &mut Map, pair: &impl Fn(&str) -> (String, String)) {
    let rename = |members: &mut Map, object: &str| {
        for name in table::names(object) {
            let (from, to) = pair(name);
            if from == to {
                continue;
            }
            if let Some(value) = members.remove(&from) {
                members.insert(to, value);
            }
        }
    };
    for object in table::objects() {
        let (from, _) = pair(object);
        // `network`, for one, is written in one way only.
        let key = if event.contains_key(&from) {
            from
        } else {
            object.to_owned()
        };
        if let Some(Value::Map(members)) = event.get_mut(&key) {
            rename(members, object);
        }
    }
    rename(event, "");
}

/// The client library always has four fields; the wire leaves out what says nothing, but an event needs its id.
fn must_have(taking: &Taking<'_>, spelling: Spelling) -> Result<(), Fault> {
    match spelling {
        Spelling::Snake => taking.must_have("event_id", EVENT_ID),
        Spelling::Camel => {
            taking.must_have("eventId", EVENT_ID)?;
            taking.must_have("agentId", AGENT_ID)?;
            taking.must_have("actionType", ACTION_TYPE)?;
            taking.must_have("decision", DECISION)
        }
    }
}

/// Takes the time, a number or, as 64 bits are written by others, a text of digits. Answers whether there is one.
fn take_time(taking: &mut Taking<'_>, spelling: Spelling, filling: &mut Filling) -> Result<bool, Fault> {
    let (object, millis) = match spelling {
        Spelling::Camel => ("occurredAt", MILLIS),
        Spelling::Snake => ("occurred_at", "unix_ms"),
    };
    let taken = taking.within(object, |at| {
        if !at.rest.contains_key(millis) {
            return Ok::<_, Fault>(false);
        }
        let given = at.need(millis, OCCURRED_AT, |value| match nanos(&value) {
            Some(nanos) => Ok((value, nanos)),
            None => Err(value),
        })?;
        if let (Value::Str(digits), _) = given {
            at.rest.insert(millis.to_owned(), Value::Str(digits));
        }
        filling.put(Slot::Time, given.1);
        Ok(true)
    });
    Ok(taken.transpose()?.unwrap_or(false))
}

fn nanos(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Str(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            Value::from(digits.parse::<u64>().ok()?)
        }
        other => other.clone(),
    };
    millis(number).ok().filter(|nanos| *nanos <= MAX_TIME)
}

/// Takes the event's own id and those of its trace. What is written otherwise than a record does, or is none, is kept
/// as it was; an empty id of a trace says nothing.
fn take_ids(taking: &mut Taking<'_>, filling: &mut Filling) {
    take_id(taking, filling, "eventId", Slot::Id, |given| {
        uuid::Uuid::try_parse(given).ok().map(|id| id.to_string())
    });
    take_id(taking, filling, "traceId", Slot::TraceId, |given| {
        TraceId::parse(given).map(|id| id.to_string())
    });
    for (key, slot) in [("spanId", Slot::SpanId), ("parentSpanId", Slot::ParentSpanId)] {
        take_id(taking, filling, key, slot, |given| {
            SpanId::parse(given).map(|id| id.to_string())
        });
    }
    for key in ["traceId", "spanId", "parentSpanId"] {
        taking.take(key, |value| {
            if value.as_str() == Some("") {
                Ok(())
            } else {
                Err(value)
            }
        });
    }
}

fn take_id(
    taking: &mut Taking<'_>,
    filling: &mut Filling,
    key: &'static str,
    slot: Slot,
    parse: impl Fn(&str) -> Option<String>,
) {
    let Some(given) = taking.rest.get(key).and_then(Value::as_str) else {
        return;
    };
    let Some(id) = parse(given) else { return };
    if id == given {
        taking.rest.remove(key);
    }
    filling.put(slot, id);
}

/// Takes the agent: a text, or an object with its organisation and team. Each is the usual form of one spelling; the
/// other is kept as it was too.
fn take_agent(taking: &mut Taking<'_>, spelling: Spelling, filling: &mut Filling) {
    let given = taking.rest.get("agentId").cloned();
    if let Some(id) = taking.text("agentId") {
        filling.put(Slot::AgentId, id);
        if spelling == Spelling::Snake {
            taking
                .rest
                .extend(given.map(|given| ("agentId".to_owned(), given)));
        }
    } else if taking.rest.get("agentId").and_then(Value::as_str) == Some("") && spelling == Spelling::Camel {
        taking.rest.remove("agentId");
    } else {
        take_object(taking, "agentId", AGENT, filling);
        let has_more = [Slot::AgentOrg, Slot::AgentTeam]
            .iter()
            .any(|slot| filling.text(*slot).is_some());
        if spelling == Spelling::Camel && !has_more {
            taking
                .rest
                .extend(given.map(|given| ("agentId".to_owned(), given)));
        }
    }
    if let Some(id) = filling.text(Slot::AgentId).map(str::to_owned) {
        filling.put(Slot::ActorId, id);
        filling.put(Slot::ActorType, "agent");
    }
}

fn take_object(taking: &mut Taking<'_>, key: &'static str, rules: &[Rule], filling: &mut Filling) {
    taking.within(key, |object| {
        rules.iter().for_each(|rule| rule.take(&mut object.rest, filling));
    });
}

/// A word of a vocabulary as records have it: small letters, without the vocabulary's name; a number by its table.
fn word(value: &Value, prefix: &str, numbers: &[&str]) -> Option<String> {
    match value {
        Value::Str(text) => {
            let word = text.to_lowercase();
            Some(word.strip_prefix(prefix).unwrap_or(&word).to_owned())
        }
        number => {
            let nth = usize::try_from(uint(number.clone()).ok()?).ok()?;
            Some(match nth.checked_sub(1) {
                None => UNSPECIFIED.to_owned(),
                Some(nth) => numbers
                    .get(nth)
                    .map_or_else(|| format!("{prefix}{}", nth + 1), |word| (*word).to_owned()),
            })
        }
    }
}

const UNSPECIFIED: &str = "unspecified";

/// Takes the type of action, which names the event. What is written otherwise is kept too.
fn take_action_type(taking: &mut Taking<'_>, spelling: Spelling, filling: &mut Filling) {
    let given = taking.rest.remove("actionType");
    let word = given
        .as_ref()
        .and_then(|given| word(given, "action_type_", &ACTION_TYPES));
    let word = word
        .filter(|word| !word.is_empty())
        .unwrap_or_else(|| UNSPECIFIED.to_owned());
    let is_same = given.as_ref().and_then(Value::as_str) == Some(word.as_str()) && word != UNSPECIFIED;
    // The client library's empty text is what it has where nothing is said.
    let is_empty = spelling == Spelling::Camel && given.as_ref().and_then(Value::as_str) == Some("");
    if !is_same && !is_empty {
        taking
            .rest
            .extend(given.map(|given| ("actionType".to_owned(), given)));
    }
    for slot in [Slot::Event, Slot::Category, Slot::Action] {
        filling.put(slot, word.as_str());
    }
}

/// Takes the decision. The word for none is none, and so is an empty text.
fn take_decision(taking: &mut Taking<'_>, filling: &mut Filling) {
    let Some(given) = taking.rest.remove("decision") else {
        return;
    };
    let text = given.as_str();
    match word(&given, "decision_", &DECISIONS) {
        Some(word) if word.is_empty() && text == Some("") => {}
        Some(word) if word == UNSPECIFIED || word.is_empty() => {
            taking.rest.insert("decision".to_owned(), given);
        }
        Some(word) => {
            if text != Some(word.as_str()) {
                taking.rest.insert("decision".to_owned(), given);
            }
            filling.put(Slot::DecisionEnforced, word);
        }
        None => {
            taking.rest.insert("decision".to_owned(), given);
        }
    }
}

/// Takes what the event is about. Where nothing of it stands under `detail`, it is kept as it was too, because export
/// would not know of it.
fn take_subject(taking: &mut Taking<'_>, filling: &mut Filling) {
    let Some(subject) = SUBJECTS
        .iter()
        .find(|subject| taking.rest.contains_key(subject.key))
    else {
        return;
    };
    let given = taking.rest.get(subject.key).cloned();
    taking.within(subject.key, |object| {
        subject
            .fields
            .iter()
            .for_each(|rule| rule.take(&mut object.rest, filling));
        if subject.succeeds {
            let success = object.take(SUCCEEDED, truth);
            filling.put_some(
                Slot::Outcome,
                success.map(|success| if success { "success" } else { "failure" }),
            );
        }
        if subject.key == TOOL_CALL {
            take_arguments(object, filling);
        }
    });
    if !filling.has_detail(subject.variant) {
        taking
            .rest
            .extend(given.map(|given| (subject.key.to_owned(), given)));
    }
    name_resource(subject, filling);
    if let Some(approver) = filling.value(APPROVER).and_then(Value::as_str).map(str::to_owned)
        && !approver.is_empty()
    {
        // Who approves acts; for whom stands under `agent`.
        filling.put(Slot::ActorId, approver);
        filling.put(Slot::ActorType, "user");
    }
}

const APPROVER: To = To::Detail("approval", "approver");

/// The arguments are JSON in a text: they are taken apart, so that redaction sees what is in them. A text that is written
/// otherwise than export does is kept too.
fn take_arguments(object: &mut Taking<'_>, filling: &mut Filling) {
    let Some(given) = object.rest.get(ARGUMENTS).and_then(Value::as_str) else {
        return;
    };
    let Ok(arguments) = plain::read(given.as_bytes()) else {
        return;
    };
    if plain::text(&arguments, Style::Plain) == given {
        object.rest.remove(ARGUMENTS);
    }
    filling.detail("tool", "args", arguments);
}

fn resource(subject: &Subject) -> Option<(&'static str, &'static str)> {
    match subject.variant {
        "tool" => Some(("tool", "name")),
        "file" => Some(("file", "path")),
        "network" => Some(("host", "host")),
        "process" => Some(("process", "command")),
        _ => None,
    }
}

fn name_resource(subject: &Subject, filling: &mut Filling) {
    let Some((kind, field)) = resource(subject) else {
        return;
    };
    let id = filling.value(To::Detail(subject.variant, field));
    if let Some(id) = id
        .and_then(Value::as_str)
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
    {
        filling.put(Slot::ResourceType, kind);
        filling.put(Slot::ResourceId, id);
    }
}

/// What became of it: what the event says of its success; else what was decided, and obeyed.
fn derive_outcome(filling: &mut Filling) {
    let is_dry = filling.value(To::Slot(Slot::DecisionDryRun)) == Some(&Value::Bool(true));
    if filling.text(Slot::Outcome).is_some() || is_dry {
        return;
    }
    let approved = filling
        .value(To::Detail("approval", "approved"))
        .and_then(Value::as_bool);
    let outcome = match approved {
        Some(true) => Some("success"),
        Some(false) => Some("denied"),
        None => outcome_of_decision(filling.text(Slot::DecisionEnforced)),
    };
    filling.put_some(Slot::Outcome, outcome);
}

fn outcome_of_decision(decision: Option<&str>) -> Option<&'static str> {
    match decision? {
        "deny" => Some("denied"),
        "pending" => Some("pending"),
        _ => None,
    }
}

/// Takes labels that have a name and are texts; others, and an object without any, are kept as they were.
fn take_labels(taking: &mut Taking<'_>, filling: &mut Filling) -> Result<(), Fault> {
    let taken = taking.within("labels", |labels| {
        labels.check_names()?;
        let (texts, others): (Map, Map) = std::mem::take(&mut labels.rest)
            .into_iter()
            .partition(|(name, value)| !name.is_empty() && value.as_str().is_some());
        labels.rest = others;
        for (name, value) in texts {
            filling.member(Slot::Labels, &name, value);
        }
        Ok(())
    });
    taken.unwrap_or(Ok(()))
}

/// Takes the stack. One that export could not give back as it was, is kept as it was too.
fn take_stack(taking: &mut Taking<'_>, spelling: Spelling, filling: &mut Filling) {
    let Some(given) = taking
        .rest
        .get("callStack")
        .filter(|given| given.as_list().is_some())
    else {
        return;
    };
    let (taken, kept) = stack::taken(given, spelling);
    filling.put(Slot::CallStack, taken);
    taking.rest.remove("callStack");
    taking
        .rest
        .extend(kept.map(|kept| ("callStack".to_owned(), kept)));
}
