//! What the details of the shape `denkeeper` say, by category: which of their fields have a place of their own.

use crate::record::{Slot, Value};

use super::super::giving::Giving;
use super::super::plain;
use super::super::rules::{Form, Rule, To};
use super::super::shape::Shape;
use super::super::taking::Filling;

const ERROR: Rule = Rule::slot("error", Slot::ErrorMessage, Form::Text);
const REASON: Rule = Rule::slot("reason", Slot::Reason, Form::Text);
const TOOL: Rule = Rule::detail("tool", "tool", "name", Form::Text);
const ARGUMENTS: Rule = Rule::detail("arguments", "tool", "args", Form::Any);
const ADAPTER: Rule = Rule::slot("adapter", Slot::ActorChannel, Form::Text);

const TOOL_CALL: &[Rule] = &[
    TOOL,
    ARGUMENTS,
    Rule::detail("server", "tool", "server", Form::Text),
    Rule::detail("round", "tool", "round", Form::Number),
    Rule::detail("result", "tool", "result", Form::Any),
    Rule::detail("result_truncated", "tool", "result_truncated", Form::Truth),
    Rule::detail("cached_from_round", "tool", "cached_from_round", Form::Number),
    ERROR,
];

const LLM: &[Rule] = &[
    Rule::detail("model", "llm", "model", Form::Text),
    Rule::detail("provider", "llm", "provider", Form::Text),
    Rule::detail("upstream", "llm", "upstream", Form::Text),
    Rule::detail("tokens", "llm", "tokens_total", Form::Number),
    Rule::detail("tokens_prompt", "llm", "tokens_in", Form::Number),
    Rule::detail("tokens_completion", "llm", "tokens_out", Form::Number),
    Rule::detail("tokens_cached", "llm", "tokens_cached", Form::Number),
    Rule::detail("cost", "llm", "cost", Form::Number),
    Rule::detail("finish_reason", "llm", "finish_reason", Form::Text),
    Rule::detail("response_text", "llm", "response_text", Form::Text),
    Rule::detail("response_truncated", "llm", "response_truncated", Form::Truth),
    Rule::detail("thinking_content", "llm", "thinking", Form::Text),
    Rule::detail("thinking_truncated", "llm", "thinking_truncated", Form::Truth),
    Rule::detail("tool_calls", "llm", "tool_calls", Form::Any),
    Rule::detail("round", "llm", "round", Form::Number),
    ERROR,
];

const APPROVAL: &[Rule] = &[
    TOOL,
    Rule::detail("scope", "approval", "scope", Form::Text),
    Rule::detail("round", "approval", "round", Form::Number),
    REASON,
];

const SUPERVISOR: &[Rule] = &[
    TOOL,
    ARGUMENTS,
    Rule::detail("supervisor", "supervisor", "name", Form::Text),
    Rule::detail("decision", "supervisor", "decision", Form::Text),
    Rule::detail("reason", "supervisor", "reason", Form::Text),
    Rule::detail("raw_response", "supervisor", "raw_response", Form::Text),
];

const SCHEDULE: &[Rule] = &[
    Rule::detail("name", "schedule", "job", Form::Text),
    Rule::detail("type", "schedule", "kind", Form::Text),
    Rule::detail("skill", "schedule", "skill", Form::Text),
    Rule::detail("succeeded", "schedule", "succeeded", Form::Number),
    Rule::detail("failed", "schedule", "failed", Form::Number),
    Rule::detail("last_error", "schedule", "last_error", Form::Text),
    ERROR,
];

const MCP: &[Rule] = &[
    Rule::detail("server", "health", "server", Form::Text),
    Rule::detail(
        "consecutive_failures",
        "health",
        "consecutive_failures",
        Form::Number,
    ),
    ERROR,
];

const CHANNEL: &[Rule] = &[ADAPTER, REASON];

const CONFIG: &[Rule] = &[Rule::detail("name", "config", "name", Form::Text), ERROR];

const OTHER: &[Rule] = &[ERROR, REASON];

fn rules(category: &str) -> &'static [Rule] {
    match category {
        "tool_call" => TOOL_CALL,
        "llm" => LLM,
        "approval" => APPROVAL,
        "supervisor" => SUPERVISOR,
        "schedule" => SCHEDULE,
        "mcp" => MCP,
        "channel" | "safety" => CHANNEL,
        "config" => CONFIG,
        _ => OTHER,
    }
}

/// Takes the detail apart; whether it was an object whose names a record can keep.
pub(super) fn take(detail: &str, filling: &mut Filling, reserved: &[&str]) -> bool {
    let Ok(Value::Map(mut fields)) = plain::read(detail.as_bytes()) else {
        return false;
    };
    if fields
        .keys()
        .any(|key| key.len() > 255 || reserved.contains(&key.as_str()))
    {
        return false;
    }
    let category = filling.text(Slot::Category).unwrap_or_default().to_owned();
    for rule in rules(&category) {
        rule.take(&mut fields, filling);
    }
    let tool = filling.value(To::Detail("tool", "name")).and_then(Value::as_str);
    if let Some(tool) = tool.filter(|tool| !tool.is_empty()).map(str::to_owned) {
        filling.put(Slot::ResourceType, "tool");
        filling.put(Slot::ResourceId, tool);
    }
    for (name, value) in fields {
        filling.member(Slot::Attributes, &name, value);
    }
    true
}

/// Gives what was taken, under the names of the shape.
pub(super) fn give(giving: &mut Giving<'_>, detail: &mut Shape) {
    for rule in chosen(giving) {
        rule.give_in_free_part(giving, detail);
    }
    imply(giving);
}

/// Marks what is said by the tool's name.
pub(super) fn imply(giving: &mut Giving<'_>) {
    let record = giving.record();
    let tool = super::super::giving::detail(record, "tool", "name").and_then(Value::as_str);
    if giving.native || record.text(Slot::ResourceId) == tool {
        giving.imply(&[Slot::ResourceType, Slot::ResourceId]);
    }
    if giving.native {
        giving.imply(&[
            Slot::ErrorMessage,
            Slot::Reason,
            Slot::ActorChannel,
            Slot::ActorId,
            Slot::ActorType,
            Slot::AgentName,
        ]);
    }
}

fn chosen(giving: &Giving<'_>) -> &'static [Rule] {
    rules(giving.record().text(Slot::Category).unwrap_or_default())
}
