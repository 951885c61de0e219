//! The shape `code_executor`: an entry of eleven flat fields with free `metadata`, and the other entry that the same
//! system writes where code was executed.

use super::Profile;
use super::giving::{Exported, Giving, Why};
use super::iso;
use super::rules::{Form, Rule, To};
use super::shape::Shape;
use super::taking::{Fault, Filling, Taking, text, truth};
use crate::record::{Map, Record, Slot, Value};

const EVENT_TYPE: &str = "the name of an event, such as \"tool_call\": name it in the source";
const STATUS: &str = "\"success\", \"failure\" or \"rejected\": state it in the source";
const CORRELATION_ID: &str = "the id of the request: state it in the source";

/// The event of an entry about executed code, which has no `eventType`.
const EXECUTION: &str = "code_execution";

/// What an entry says beside its time, its type, its status and its metadata.
const ENTRY: &[Rule] = &[
    Rule::slot("clientId", Slot::ActorClientHash, Form::Text),
    Rule::slot("clientIp", Slot::ActorIp, Form::Text),
    Rule::detail("toolName", "tool", "name", Form::Text),
];

const RESULT: &[Rule] = &[
    Rule::slot("errorMessage", Slot::ErrorMessage, Form::Text),
    Rule::slot("latencyMs", Slot::DurationNs, Form::Millis),
];

/// What the metadata of a sampling says.
const SAMPLING: &[Rule] = &[
    Rule::detail("round", "llm", "round", Form::Number),
    Rule::detail("model", "llm", "model", Form::Text),
    Rule::detail("tokensUsed", "llm", "tokens_total", Form::Number),
    Rule::slot("originalStatus", Slot::ReasonCode, Form::Text),
];

const SAMPLING_HASHES: [(&str, &str); 2] = [("promptHash", "prompt"), ("responseHash", "response")];

const VIOLATIONS: &str = "contentViolations";

/// What an entry about executed code says beside its time, its hash and its success.
const EXECUTED: &[Rule] = &[
    Rule::detail("executor", "code_exec", "executor", Form::Text),
    Rule::detail("codeLength", "code_exec", "code_len", Form::Number),
    Rule::detail("allowedTools", "code_exec", "allowed_tools", Form::Texts),
    Rule::detail("toolsCalled", "code_exec", "tools_called", Form::Texts),
    Rule::slot("executionTimeMs", Slot::DurationNs, Form::Millis),
    Rule::slot("error", Slot::ErrorMessage, Form::Text),
    Rule::slot("clientId", Slot::ActorId, Form::Text),
    Rule::detail("memoryUsage", "code_exec", "memory", Form::Any),
];

const STATUSES: [(&str, &str); 3] = [
    ("success", "success"),
    ("failure", "failure"),
    ("rejected", "denied"),
];

/// The families of the event types that the seven have.
fn category(event: &str) -> Option<&str> {
    match event {
        "auth_failure" | "rate_limited" | "circuit_open" | "queue_full" => Some("security"),
        "shutdown" | "discovery" => Some("system"),
        "tool_call" => Some("tool_call"),
        _ => event
            .rsplit_once('.')
            .map(|(category, _)| category)
            .filter(|category| !category.is_empty()),
    }
}

fn is_sampling(event: &str, tool: Option<&str>) -> bool {
    event == "tool_call" && tool == Some("sampling")
}

pub(super) fn import(line: &[u8]) -> Result<Record, Fault> {
    let mut taking = Taking::open(line)?;
    let mut filling = Filling::new(Profile::CodeExecutor);
    iso::take_time(&mut taking, "timestamp", &mut filling)?;
    if taking.rest.contains_key("executor") && !taking.rest.contains_key("eventType") {
        take_executed(&mut taking, &mut filling);
    } else {
        take_entry(&mut taking, &mut filling)?;
    }
    taking.check_names()?;
    filling.overlay(taking.rest);
    Ok(filling.finish())
}

fn take_entry(taking: &mut Taking<'_>, filling: &mut Filling) -> Result<(), Fault> {
    let event = taking.need("eventType", EVENT_TYPE, text)?;
    filling.put(Slot::Event, event.as_str());
    filling.put(Slot::Action, super::taking::split(&event).1);
    filling.put_some(Slot::Category, category(&event));
    taking.must_have("correlationId", CORRELATION_ID)?;
    filling.put_some(Slot::CorrelationId, taking.text("correlationId"));
    taking.must_have("status", STATUS)?;
    let outcome = taking.take("status", |value| {
        let known = STATUSES.iter().find(|(status, _)| value.as_str() == Some(status));
        known.map(|(_, outcome)| *outcome).ok_or(value)
    });
    filling.put(Slot::Outcome, outcome.unwrap_or("unknown"));
    for rule in ENTRY.iter().chain(RESULT) {
        rule.take(&mut taking.rest, filling);
    }
    iso::take_hash(&mut taking.rest, "paramsHash", "params", filling);
    whole_address(filling);
    let tool = filling.value(TOOL).and_then(Value::as_str).map(str::to_owned);
    if let Some(tool) = tool.as_deref().filter(|tool| !tool.is_empty()) {
        filling.put(Slot::ResourceType, "tool");
        filling.put(Slot::ResourceId, tool);
    }
    take_metadata(taking, is_sampling(&event, tool.as_deref()), filling)?;
    if event == EXECUTION {
        // Kept, so that this entry is not taken for the other kind.
        taking.rest.insert("eventType".to_owned(), Value::Str(event));
    }
    Ok(())
}

const TOOL: To = To::Detail("tool", "name");

/// The address is the whole one, where it is an address.
fn whole_address(filling: &mut Filling) {
    let address = filling
        .text(Slot::ActorIp)
        .and_then(|ip| ip.parse::<std::net::IpAddr>().ok());
    filling.put_some(
        Slot::ActorIpPrefixLen,
        address.map(|address| if address.is_ipv4() { 32_u8 } else { 128 }),
    );
}

fn take_metadata(taking: &mut Taking<'_>, is_sampling: bool, filling: &mut Filling) -> Result<(), Fault> {
    let mut own = None;
    let taken = taking.within("metadata", |metadata| {
        if metadata.rest.is_empty() {
            return Ok::<_, Fault>(());
        }
        if is_sampling {
            take_sampling(&mut metadata.rest, filling);
        }
        own = metadata.rest.remove(Profile::CodeExecutor.as_str());
        metadata.check_names()?;
        for (name, value) in std::mem::take(&mut metadata.rest) {
            filling.member(Slot::Attributes, &name, value);
        }
        Ok(())
    });
    taken.transpose()?;
    if let Some(own) = own {
        let own = Map::from([(Profile::CodeExecutor.as_str().to_owned(), own)]);
        taking.rest.insert("metadata".to_owned(), Value::Map(own));
    }
    Ok(())
}

fn take_sampling(fields: &mut Map, filling: &mut Filling) {
    for rule in SAMPLING {
        rule.take(fields, filling);
    }
    for (key, name) in SAMPLING_HASHES {
        iso::take_hash(fields, key, name, filling);
    }
    let violations = fields
        .get(VIOLATIONS)
        .filter(|value| are_violations(value))
        .cloned();
    if let Some(violations) = violations {
        fields.remove(VIOLATIONS);
        filling.detail("llm", "violations", violations);
    }
}

/// Whether a value is `[{type, count}]`, as the typed event has it too. Not counts by type: the name of a kind, such as
/// `email`, would speak of its count, and redaction would take that for what is named.
fn are_violations(value: &Value) -> bool {
    let is_violation = |entry: &Value| {
        entry.as_map().is_some_and(|entry| {
            let has = |name: &str, is: fn(&Value) -> bool| entry.get(name).is_some_and(is);
            entry.len() == 2
                && has("type", |kind| kind.as_str().is_some())
                && has("count", |count| count.as_u64().is_some())
        })
    };
    value
        .as_list()
        .is_some_and(|entries| entries.iter().all(is_violation))
}

fn take_executed(taking: &mut Taking<'_>, filling: &mut Filling) {
    filling.put(Slot::Event, EXECUTION);
    filling.put(Slot::Action, EXECUTION);
    for rule in EXECUTED {
        rule.take(&mut taking.rest, filling);
    }
    iso::take_hash(&mut taking.rest, "codeHash", "code", filling);
    let success = taking.take("success", truth);
    filling.put_some(
        Slot::Outcome,
        success.map(|success| if success { "success" } else { "failure" }),
    );
}

pub(super) fn export(record: &Record) -> Exported {
    let mut giving = Giving::new(Profile::CodeExecutor, record);
    let mut shape = Shape::default();
    shape.put("timestamp", iso::give_time(&mut giving));
    let is_entry = giving
        .overlay()
        .is_some_and(|overlay| overlay.contains_key("eventType"));
    if record.event() == EXECUTION && !is_entry {
        give_executed(&mut giving, &mut shape);
    } else {
        give_entry(&mut giving, &mut shape);
    }
    giving.finish(shape)
}

fn give_entry(giving: &mut Giving<'_>, shape: &mut Shape) {
    let record = giving.record();
    imply_what_the_type_says(giving);
    shape.put("correlationId", correlation_id(giving));
    shape.put("eventType", record.event());
    for rule in ENTRY {
        rule.give(giving, shape);
    }
    shape.put_some("paramsHash", iso::give_hash(giving, "params"));
    shape.put("status", status(giving));
    for rule in RESULT {
        rule.give(giving, shape);
    }
    let metadata = metadata(giving);
    if !metadata.is_empty() {
        shape.put_shape("metadata", metadata);
    }
}

/// Marks what the entry's type and tool say, so that it is not said twice.
fn imply_what_the_type_says(giving: &mut Giving<'_>) {
    let record = giving.record();
    let event = record.event();
    let tool = super::giving::detail(record, "tool", "name").and_then(Value::as_str);
    let said = [
        (Slot::Event, Some(event)),
        (Slot::Action, Some(super::taking::split(event).1)),
        (Slot::Category, category(event)),
        (Slot::Level, Some("info")),
        (Slot::ResourceType, tool.map(|_| "tool")),
        (Slot::ResourceId, tool),
    ];
    for (slot, word) in said {
        if giving.native || record.text(slot) == word {
            giving.imply(&[slot]);
        }
    }
    let len = record.uint(Slot::ActorIpPrefixLen);
    if giving.native || len.is_none_or(|len| len == 32 || len == 128) {
        giving.imply(&[Slot::ActorIpPrefixLen]);
    }
}

/// The shape requires one: a record without it is tied to its request by its trace.
fn correlation_id(giving: &mut Giving<'_>) -> String {
    if let Some(id) = giving.text(Slot::CorrelationId) {
        return id.to_owned();
    }
    if giving.native {
        return String::new();
    }
    giving.text(Slot::TraceId).unwrap_or_default().to_owned()
}

fn status(giving: &mut Giving<'_>) -> String {
    let outcome = giving.text(Slot::Outcome).unwrap_or("unknown");
    if let Some((status, _)) = STATUSES.iter().find(|(_, word)| *word == outcome) {
        return (*status).to_owned();
    }
    if !giving.native {
        giving.note(Slot::Outcome.path(), Why::Replaced);
    }
    outcome.to_owned()
}

fn metadata(giving: &mut Giving<'_>) -> Shape {
    let mut metadata = Shape::default();
    let record = giving.record();
    let tool = super::giving::detail(record, "tool", "name").and_then(Value::as_str);
    let mut given = vec!["params"];
    if is_sampling(record.event(), tool) {
        give_sampling(giving, &mut metadata);
        given.extend(SAMPLING_HASHES.map(|(_, name)| name));
    }
    giving.imply(&[Slot::Hashes]);
    let hashes = record.map(Slot::Hashes).into_iter().flatten();
    for (name, value) in hashes.filter(|(name, _)| !given.contains(&name.as_str())) {
        giving.give_other(&mut metadata, &format!("hashes.{name}"), value.clone());
    }
    giving.give_others(&mut metadata);
    metadata
}

fn give_sampling(giving: &mut Giving<'_>, metadata: &mut Shape) {
    for rule in SAMPLING {
        rule.give_in_free_part(giving, metadata);
    }
    for (key, name) in SAMPLING_HASHES {
        metadata.put_some(key, iso::give_hash(giving, name));
    }
    if let Some(violations) = giving.detail("llm", "violations") {
        metadata.put(VIOLATIONS, violations.clone());
    }
}

fn give_executed(giving: &mut Giving<'_>, shape: &mut Shape) {
    giving.imply(&[
        Slot::Event,
        Slot::Action,
        Slot::Category,
        Slot::Level,
        Slot::Hashes,
    ]);
    for rule in EXECUTED {
        rule.give(giving, shape);
    }
    shape.put_some("codeHash", iso::give_hash(giving, "code"));
    match giving.text(Slot::Outcome) {
        Some("success") => shape.put("success", true),
        None if giving.native => {}
        Some("failure") => shape.put("success", false),
        _ => {
            giving.note(Slot::Outcome.path(), Why::Replaced);
            shape.put("success", false);
        }
    }
    let given = |name: &String| name == "code";
    let others: Vec<_> = giving
        .record()
        .map(Slot::Hashes)
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .collect();
    for name in others.into_iter().filter(|name| !given(name)) {
        giving.note(&format!("hashes.{name}"), Why::NoPlace);
    }
    giving.refuse_rest();
}
