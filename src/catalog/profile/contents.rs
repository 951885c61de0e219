//! What the shapes carry of other people's content, and the rules by which a policy keeps it out of a trail.

use crate::redact::{Class, FieldRule, Policy};

/// The class of texts that people, tools and models wrote, as typed events state it.
const CONTENT: Class = Class::personal("content");

/// Where content stands in an imported record, by path.
const PATHS: &[&str] = &[
    "detail.webhook.body",
    "detail.schedule.message",
    "detail.tool.args",
    "detail.tool.result",
    "detail.mail.subject",
    "detail.llm.response_text",
    "detail.llm.thinking",
    "detail.llm.tool_calls",
    "detail.process.args",
    "detail.supervisor.raw_response",
    // Where a shape's line holds another type than declared, the same stands under the shape's own name.
    "body",
    "message",
    "subject",
    "tool_args",
    "result",
    "arguments",
    "response_text",
    "thinking_content",
    "tool_calls",
    "raw_response",
    "excerpt",
    "detail_raw",
    "flynn.event",
    "denkeeper.detail",
    "aaasm.toolCall.argsJson",
    "aaasm.tool_call.args_json",
    "aaasm.process.args",
];

/// Where the sender of a mail stands, in the same way.
const SENDERS: &[&str] = &["detail.mail.from", "from"];

/// Adds to a policy what the shapes' fields are: the content of webhooks, mails, tools and models is `personal:content`,
/// and the sender of a mail `personal:email`, as the catalogue's typed events state it by their types. Without it, a policy
/// looks into these texts and keeps what is left.
///
/// ```
/// use tracing_audit::catalog::profile::classified;
/// use tracing_audit::redact::Policy;
///
/// let policy = classified(Policy::balanced());
/// # drop(policy);
/// ```
#[must_use]
pub fn classified(policy: Policy) -> Policy {
    let rule = |path: &&str| FieldRule::path(path).id("content").class(CONTENT);
    let policy = PATHS.iter().map(rule).fold(policy, Policy::rule);
    let sender = |path: &&str| {
        FieldRule::path(path)
            .id("content")
            .class(Class::personal("email"))
    };
    SENDERS.iter().map(sender).fold(policy, Policy::rule)
}
