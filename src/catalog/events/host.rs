//! A host of agents: its channels to people, and what stops an agent.

use std::time::Duration;

use super::Text;
use super::define::events;
use super::{ApprovalScope, NotBlank};
use crate::record::Value;

events! {
    /// A model was asked once, in a conversation that may take several rounds.
    #[audit(event = "llm.round", category = "llm", action = "round", level = "info", outcome = "success")]
    LlmRound<'a> {
        /// The model.
        #[audit(detail = "llm.model", internal)]
        model: Text<'a>,
        /// Which round it is.
        #[audit(detail = "llm.round", public)]
        round: u64,
    } on "model" model may {
        /// Who runs the model.
        #[audit(detail = "llm.provider", internal)]
        provider: Text<'a>,
        /// Who really ran it.
        #[audit(detail = "llm.upstream", internal)]
        upstream: Text<'a>,
        /// How many tokens went in.
        #[audit(detail = "llm.tokens_in", public)]
        tokens_in: u64,
        /// How many came out.
        #[audit(detail = "llm.tokens_out", public)]
        tokens_out: u64,
        /// How many of those that went in were remembered.
        #[audit(detail = "llm.tokens_cached", public)]
        tokens_cached: u64,
        /// All of them.
        #[audit(detail = "llm.tokens_total", public)]
        tokens_total: u64,
        /// What it cost.
        #[audit(detail = "llm.cost", internal)]
        cost: f64,
        /// Why it ended.
        #[audit(detail = "llm.finish_reason", internal)]
        finish_reason: Text<'a>,
        /// What it answered.
        #[audit(detail = "llm.response_text", personal = "content")]
        response_text: Text<'a>,
        /// Whether that was cut before it was recorded.
        #[audit(detail = "llm.response_truncated", public)]
        response_truncated: bool,
        /// What it thought.
        #[audit(detail = "llm.thinking", personal = "content")]
        thinking: Text<'a>,
        /// Whether that was cut before it was recorded.
        #[audit(detail = "llm.thinking_truncated", public)]
        thinking_truncated: bool,
        /// The tools that it wants to be called.
        #[audit(detail = "llm.tool_calls", personal = "content")]
        tool_calls: Value,
        /// How long it took.
        #[audit(slot = "duration_ns", public)]
        duration: Duration,
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
    } and agent;

    /// A channel to people was given to an agent.
    #[audit(event = "channel.route", category = "channel", action = "route", level = "info", outcome = "success")]
    ChannelRoute<'a> {
        /// The kind of channel.
        #[audit(slot = "actor.channel", internal)]
        adapter: Text<'a>,
        /// The channel.
        #[audit(detail = "channel.name", internal)]
        channel: Text<'a>,
    } on "channel" channel may {
        /// What the channel's own system calls the person.
        #[audit(slot = "actor.peer", internal)]
        external_id: Text<'a>,
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
    } and agent;

    /// A tool was allowed without a question, because a rule says so.
    #[audit(event = "approval.auto_approve", category = "approval", action = "auto_approve", level = "info", outcome = "success")]
    ApprovalAuto<'a> {
        /// The tool.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
    } on "tool" tool_name may {
        /// How long the rule holds.
        #[audit(detail = "approval.scope", public)]
        scope: ApprovalScope,
        /// The round of the conversation with the model.
        #[audit(detail = "approval.round", public)]
        round: u64,
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
    } and agent;

    /// One agent looked over another's shoulder.
    #[audit(event = "supervisor.review", category = "supervisor", action = "review", level = "info", outcome = "success")]
    SupervisorReview<'a> {
        /// The agent that looked.
        #[audit(detail = "supervisor.name", internal)]
        supervisor: Text<'a>,
        /// What it decided.
        #[audit(detail = "supervisor.decision", internal)]
        decided: Text<'a>,
    } may {
        /// Why.
        #[audit(detail = "supervisor.reason", internal)]
        reason: Text<'a>,
        /// The tool that it was about.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
        /// What the tool was given.
        #[audit(detail = "tool.args", personal = "content")]
        args: Value,
        /// All that it answered.
        #[audit(detail = "supervisor.raw_response", personal = "content")]
        raw_response: Text<'a>,
    } and agent;

    /// Somebody stopped all agents.
    #[audit(event = "safety.panic", category = "safety", action = "panic", level = "warn", outcome = "success")]
    SafetyPanic<'a> {} may {
        /// Who.
        #[audit(slot = "actor.id", internal)]
        user: Text<'a>,
        /// The kind of channel.
        #[audit(slot = "actor.channel", internal)]
        adapter: Text<'a>,
        /// What the channel's own system calls the person.
        #[audit(slot = "actor.peer", internal)]
        external_id: Text<'a>,
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
    } and agent;

    /// Somebody let the agents go on.
    #[audit(event = "safety.resume", category = "safety", action = "resume", level = "info", outcome = "success")]
    SafetyResume<'a> {} may {
        /// Who.
        #[audit(slot = "actor.id", internal)]
        user: Text<'a>,
        /// The kind of channel.
        #[audit(slot = "actor.channel", internal)]
        adapter: Text<'a>,
        /// What the channel's own system calls the person.
        #[audit(slot = "actor.peer", internal)]
        external_id: Text<'a>,
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
    } and agent;

    /// Somebody who may do so changed what an agent is allowed.
    #[audit(event = "governance.change", category = "governance", action = "change", level = "warn", outcome = "success")]
    OperatorChange<'a> {
        /// Who.
        #[audit(slot = "actor.id", internal)]
        operator: Text<'a>,
        /// What was done: `suspend_agent`, say.
        #[audit(detail = "config.op", internal)]
        op: Text<'a>,
        /// What it was done to.
        #[audit(slot = "resource.id", internal)]
        target: Text<'a>,
        /// Why. A reason that is blank is none.
        #[audit(slot = "reason", internal)]
        reason: NotBlank<'a>,
    } may {
        /// On whose behalf.
        #[audit(slot = "scope.tenant", internal)]
        tenant: Text<'a>,
        /// What was allowed before, by name.
        #[audit(detail = "config.before", internal)]
        before: Text<'a>,
        /// What is allowed now, by name.
        #[audit(detail = "config.after", internal)]
        after: Text<'a>,
    };
}
