//! Tools of an agent: start and end of a call, and who allowed it.

use std::time::Duration;

use super::define::events;
use super::{DenialType, Text};
use crate::record::{Outcome, Value};

events! {
    /// A tool is about to run.
    #[audit(event = "tool.start", category = "tool", action = "start", level = "info", outcome = "pending")]
    ToolStart<'a> {
        /// The tool.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
        /// What it is given.
        #[audit(detail = "tool.args", personal = "content")]
        tool_args: Value,
    } on "tool" tool_name may {
        /// The channel through which the work was asked for.
        #[audit(slot = "actor.channel", internal)]
        channel: Text<'a>,
        /// Who asked for it.
        #[audit(slot = "actor.id", internal)]
        sender: Text<'a>,
        /// The agent's tier of trust.
        #[audit(slot = "agent.tier", internal)]
        agent_tier: Text<'a>,
    } and tool;

    /// A tool has run, and gave a result.
    #[audit(event = "tool.success", category = "tool", action = "success", level = "info", outcome = "success")]
    ToolSuccess<'a> {
        /// The tool.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
        /// What it gave.
        #[audit(detail = "tool.result", personal = "content")]
        output: Text<'a>,
        /// How long it took.
        #[audit(slot = "duration_ns", public)]
        duration: Duration,
    } on "tool" tool_name may {
        /// What went wrong although it gave a result.
        #[audit(slot = "error.message", internal)]
        error: Text<'a>,
    } and tool;

    /// A tool has run, and failed.
    #[audit(event = "tool.error", category = "tool", action = "error", level = "error", outcome = "failure")]
    ToolError<'a> {
        /// The tool.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
        /// What went wrong.
        #[audit(slot = "error.message", internal)]
        error: Text<'a>,
        /// How long it took.
        #[audit(slot = "duration_ns", public)]
        duration: Duration,
    } on "tool" tool_name may {
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
    } and tool;

    /// A tool was not allowed to run.
    #[audit(event = "tool.denied", category = "tool", action = "denied", level = "warn", outcome = "denied")]
    ToolDenied<'a> {
        /// The tool.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
        /// Why not.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
        /// What denied it.
        #[audit(slot = "reason_code", public)]
        denial_type: DenialType,
    } on "tool" tool_name and tool;

    /// Somebody decided whether a tool may run.
    #[audit(event = "tool.approval", category = "tool", action = "approval", level = "info")]
    ToolApproval<'a> {
        /// The tool.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
        /// Whether it may.
        #[audit(detail = "approval.approved", public)]
        approved: bool,
    } on "tool" tool_name set {
        /// What became of the question.
        #[audit(slot = "outcome", public)]
        outcome: Outcome = if approved { Outcome::Success } else { Outcome::Denied },
    } may {
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
    } and tool;
}
