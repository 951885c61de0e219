//! What the fields of the shape `aaasm` fill, by the objects that they stand in.

use super::super::rules::{Form, Rule};
use crate::record::Slot;

/// One kind of what an event is about: the object's name, the variant of `detail` that it is, and its fields.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) key: &'static str,
    pub(super) variant: &'static str,
    pub(super) fields: &'static [Rule],
    /// Whether it says that it succeeded.
    pub(super) succeeds: bool,
    /// The type of action of an event that says nothing else.
    pub(super) action_type: &'static str,
}

const LATENCY: Rule = Rule::slot("latencyMs", Slot::DurationNs, Form::Millis);

/// An event has at most one of them.
pub(super) const SUBJECTS: &[Subject] = &[
    Subject {
        key: "llmCall",
        variant: "llm",
        fields: &[
            Rule::detail("model", "llm", "model", Form::Text),
            Rule::detail("promptTokens", "llm", "tokens_in", Form::Number),
            Rule::detail("completionTokens", "llm", "tokens_out", Form::Number),
            LATENCY,
            Rule::detail("piiDetected", "llm", "pii_detected", Form::Truth),
            Rule::detail("piiRedacted", "llm", "pii_redacted", Form::Truth),
            Rule::detail("provider", "llm", "provider", Form::Text),
        ],
        succeeds: false,
        action_type: "llm_call",
    },
    Subject {
        key: "toolCall",
        variant: "tool",
        fields: &[
            Rule::detail("toolName", "tool", "name", Form::Text),
            Rule::detail("toolSource", "tool", "source", Form::Text),
            LATENCY,
            Rule::slot("errorMessage", Slot::ErrorMessage, Form::Text),
        ],
        succeeds: true,
        action_type: "tool_call",
    },
    Subject {
        key: "fileOp",
        variant: "file",
        fields: &[
            Rule::detail("operation", "file", "operation", Form::Text),
            Rule::detail("path", "file", "path", Form::Text),
            Rule::detail("bytes", "file", "bytes", Form::Number),
            Rule::detail("source", "file", "source", Form::Text),
            LATENCY,
            Rule::detail("sensitive", "file", "sensitive", Form::Truth),
        ],
        succeeds: false,
        action_type: "file_op",
    },
    Subject {
        key: "network",
        variant: "network",
        fields: &[
            Rule::detail("host", "network", "host", Form::Text),
            Rule::detail("port", "network", "port", Form::Number),
            Rule::detail("protocol", "network", "protocol", Form::Text),
            LATENCY,
            Rule::detail("statusCode", "network", "status_code", Form::Number),
        ],
        succeeds: true,
        action_type: "network_call",
    },
    Subject {
        key: "process",
        variant: "process",
        fields: &[
            Rule::detail("command", "process", "command", Form::Text),
            Rule::detail("args", "process", "args", Form::Texts),
            Rule::detail("exitCode", "process", "exit_code", Form::Number),
            Rule::slot("durationMs", Slot::DurationNs, Form::Millis),
        ],
        succeeds: true,
        action_type: "process_exec",
    },
    Subject {
        key: "violation",
        variant: "policy_violation",
        fields: &[
            Rule::detail("policyRule", "policy_violation", "rule", Form::Text),
            Rule::detail("blockedAction", "policy_violation", "blocked_action", Form::Text),
            Rule::slot("reason", Slot::Reason, Form::Text),
            LATENCY,
        ],
        succeeds: false,
        action_type: "policy_violation",
    },
    Subject {
        key: "approval",
        variant: "approval",
        fields: &[
            Rule::detail("approvalId", "approval", "id", Form::Text),
            Rule::detail("approverId", "approval", "approver", Form::Text),
            Rule::detail("approved", "approval", "approved", Form::Truth),
            Rule::slot("reason", Slot::Reason, Form::Text),
            Rule::slot("waitTimeMs", Slot::DurationNs, Form::Millis),
        ],
        succeeds: false,
        action_type: "approval",
    },
];

pub(super) const AGENT: &[Rule] = &[
    Rule::slot("orgId", Slot::AgentOrg, Form::Text),
    Rule::slot("teamId", Slot::AgentTeam, Form::Text),
    Rule::slot("agentId", Slot::AgentId, Form::Text),
];

pub(super) const LINEAGE: &[Rule] = &[
    Rule::slot("rootAgentId", Slot::LineageRoot, Form::Text),
    Rule::slot("parentAgentId", Slot::LineageParent, Form::Text),
    Rule::detail("teamId", "lineage", "team", Form::Text),
    Rule::slot("sessionId", Slot::SessionId, Form::Text),
    Rule::slot("delegationReason", Slot::LineageDelegationReason, Form::Text),
    Rule::slot("spawnedByTool", Slot::LineageSpawnedBy, Form::Text),
    Rule::slot("depth", Slot::LineageDepth, Form::Uint),
];

/// Fields that stand in the event itself.
pub(super) const PLAIN: &[Rule] = &[
    Rule::slot("dryRun", Slot::DecisionDryRun, Form::Truth),
    Rule::slot("shadowDecision", Slot::DecisionShadow, Form::Text),
    Rule::slot("matchedRuleId", Slot::DecisionRuleId, Form::Text),
];

/// The names of the event's own fields, of which some are written in two ways.
const TOP: &[&str] = &[
    "eventId",
    "agentId",
    "occurredAt",
    "actionType",
    "traceId",
    "spanId",
    "parentSpanId",
    "callStack",
    "llmCall",
    "toolCall",
    "fileOp",
    "dryRun",
    "shadowDecision",
    "matchedRuleId",
];

/// The names of the fields of an object of the event; of the event itself where `object` is empty.
pub(super) fn names(object: &str) -> Vec<&'static str> {
    let keys = |rules: &'static [Rule]| rules.iter().map(|rule| rule.key).collect::<Vec<_>>();
    match object {
        "" => TOP.to_vec(),
        "agentId" => keys(AGENT),
        "lineage" => keys(LINEAGE),
        "occurredAt" => vec![MILLIS],
        _ => {
            let subject = SUBJECTS.iter().find(|subject| subject.key == object);
            let mut names = subject.map(|subject| keys(subject.fields)).unwrap_or_default();
            names.extend(
                subject
                    .filter(|subject| subject.key == TOOL_CALL)
                    .map(|_| ARGUMENTS),
            );
            names
        }
    }
}

/// The objects of the event whose fields are known.
pub(super) fn objects() -> impl Iterator<Item = &'static str> {
    let subjects = SUBJECTS.iter().map(|subject| subject.key);
    ["agentId", "lineage", "occurredAt"].into_iter().chain(subjects)
}

pub(super) const MILLIS: &str = "unixMs";
pub(super) const TOOL_CALL: &str = "toolCall";
pub(super) const ARGUMENTS: &str = "argsJson";
pub(super) const SUCCEEDED: &str = "succeeded";

/// `agentId` as `agent_id`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The numbers of the types of action, from 1.
pub(super) const ACTION_TYPES: [&str; 7] = [
    "llm_call",
    "tool_call",
    "file_operation",
    "network_call",
    "process_exec",
    "agent_spawn",
    "tool_result",
];

/// The numbers of the decisions, from 1.
pub(super) const DECISIONS: [&str; 4] = ["allow", "deny", "pending", "redact"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_in_two_ways_and_each_is_known_once() {
        assert_eq!(snake("parentSpanId"), "parent_span_id");
        assert_eq!(snake("decision"), "decision");
        for object in objects().chain([""]) {
            let names = names(object);
            assert!(!names.is_empty(), "{object}");
            for (at, name) in names.iter().enumerate() {
                assert!(!names[at + 1..].contains(name), "{object}.{name}");
            }
        }
    }
}
