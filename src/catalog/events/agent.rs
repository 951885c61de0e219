//! What an agent does under somebody's rules: models, tools, files, connections, programs, other agents, and decisions.

use std::time::Duration;

use super::define::events;
use super::{ApprovalScope, Detection, FileOperation, Protocol, Text, ToolSource, Violation};
use crate::record::{Outcome, Value};

events! {
    /// A model was asked.
    #[audit(event = "llm_call", category = "llm_call", action = "llm_call", level = "info")]
    LlmCall<'a> {
        /// The model.
        #[audit(detail = "llm.model", internal)]
        model: Text<'a>,
        /// What became of it.
        #[audit(slot = "outcome", public)]
        outcome: Outcome,
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
        /// The round of the conversation with the model.
        #[audit(detail = "llm.round", public)]
        round: u64,
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
        /// A hash that stands for what it was asked, in the form `algorithm:hex`.
        #[audit(hash = "prompt", internal)]
        prompt_hash: Text<'a>,
        /// A hash that stands for what it answered.
        #[audit(hash = "response", internal)]
        response_hash: Text<'a>,
        /// Whether personal data was found in it.
        #[audit(detail = "llm.pii_detected", public)]
        pii_detected: bool,
        /// Whether it was removed.
        #[audit(detail = "llm.pii_redacted", public)]
        pii_redacted: bool,
        /// What a filter found in the answer.
        #[audit(detail = "llm.violations", public)]
        violations: Vec<Violation<'a>>,
        /// The source's own word for what became of it.
        #[audit(slot = "reason_code", internal)]
        status: Text<'a>,
        /// How long it took.
        #[audit(slot = "duration_ns", public)]
        latency: Duration,
        /// What went wrong.
        #[audit(slot = "error.message", internal)]
        error_message: Text<'a>,
    } and governed;

    /// An agent called a tool.
    #[audit(event = "tool_call", category = "tool_call", action = "tool_call", level = "info")]
    ToolCall<'a> {
        /// The tool.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
        /// What became of it.
        #[audit(slot = "outcome", public)]
        outcome: Outcome,
    } on "tool" tool_name may {
        /// Where the tool comes from.
        #[audit(detail = "tool.source", public)]
        tool_source: ToolSource,
        /// The server that has it.
        #[audit(detail = "tool.server", internal)]
        server: Text<'a>,
        /// The round of the conversation with the model.
        #[audit(detail = "tool.round", public)]
        round: u64,
        /// The round whose result was given again.
        #[audit(detail = "tool.cached_from_round", public)]
        cached_from_round: u64,
        /// What the tool was given.
        #[audit(detail = "tool.args", personal = "content")]
        args: Value,
        /// What it gave.
        #[audit(detail = "tool.result", personal = "content")]
        result: Value,
        /// Whether that was cut before it was recorded.
        #[audit(detail = "tool.result_truncated", public)]
        result_truncated: bool,
        /// A hash that stands for what it was given, in the form `algorithm:hex`.
        #[audit(hash = "params", internal)]
        params_hash: Text<'a>,
        /// A hash that stands for the client's key, never the key.
        #[audit(slot = "actor.client_hash", internal)]
        client_id: Text<'a>,
        /// The client's address.
        #[audit(slot = "actor.ip", network)]
        client_ip: Text<'a>,
        /// How long it took.
        #[audit(slot = "duration_ns", public)]
        latency: Duration,
        /// What went wrong.
        #[audit(slot = "error.message", internal)]
        error_message: Text<'a>,
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
    } and governed;

    /// A tool's result came back to the agent.
    #[audit(event = "tool_result", category = "tool_result", action = "tool_result", level = "info")]
    ToolResult<'a> {
        /// The tool.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
        /// What became of it.
        #[audit(slot = "outcome", public)]
        outcome: Outcome,
    } on "tool" tool_name may {
        /// What it gave.
        #[audit(detail = "tool.result", personal = "content")]
        result: Value,
        /// How long that is, in bytes.
        #[audit(detail = "tool.result_len", public)]
        result_len: u64,
        /// How long it took.
        #[audit(slot = "duration_ns", public)]
        latency: Duration,
        /// What went wrong.
        #[audit(slot = "error.message", internal)]
        error_message: Text<'a>,
    } and governed;

    /// An agent read, wrote, made or removed a file.
    #[audit(event = "file_op", category = "file_op", action = "file_op", level = "info")]
    FileOp<'a> {
        /// What it did.
        #[audit(detail = "file.operation", public)]
        operation: FileOperation,
        /// The file.
        #[audit(detail = "file.path", internal)]
        path: Text<'a>,
        /// What became of it.
        #[audit(slot = "outcome", public)]
        outcome: Outcome,
    } on "file" path may {
        /// How much of it, in bytes.
        #[audit(detail = "file.bytes", public)]
        bytes: u64,
        /// How it was noticed.
        #[audit(detail = "file.source", public)]
        detection: Detection,
        /// Whether the file is one that matters.
        #[audit(detail = "file.sensitive", public)]
        sensitive: bool,
        /// How long it took.
        #[audit(slot = "duration_ns", public)]
        latency: Duration,
    } and governed;

    /// An agent connected to somewhere.
    #[audit(event = "network_call", category = "network_call", action = "network_call", level = "info")]
    NetworkCall<'a> {
        /// Where to.
        #[audit(detail = "network.host", internal)]
        host: Text<'a>,
        /// What became of it.
        #[audit(slot = "outcome", public)]
        outcome: Outcome,
    } on "host" host may {
        /// The port.
        #[audit(detail = "network.port", public)]
        port: u16,
        /// The protocol.
        #[audit(detail = "network.protocol", public)]
        protocol: Protocol,
        /// The method of the request.
        #[audit(detail = "network.method", public)]
        method: Text<'a>,
        /// The path of the request.
        #[audit(detail = "network.path", internal)]
        path: Text<'a>,
        /// The status of the answer.
        #[audit(detail = "network.status_code", public)]
        status_code: u16,
        /// How long it took.
        #[audit(slot = "duration_ns", public)]
        latency: Duration,
    } and governed;

    /// An agent ran a program.
    #[audit(event = "process_exec", category = "process_exec", action = "process_exec", level = "info")]
    ProcessExec<'a> {
        /// The program.
        #[audit(detail = "process.command", internal)]
        command: Text<'a>,
        /// What became of it.
        #[audit(slot = "outcome", public)]
        outcome: Outcome,
    } may {
        /// What it was given.
        #[audit(detail = "process.args", personal = "content")]
        args: Vec<Text<'a>>,
        /// The code that it ended with.
        #[audit(detail = "process.exit_code", public)]
        exit_code: i32,
        /// How long it ran.
        #[audit(slot = "duration_ns", public)]
        duration: Duration,
    } and governed;

    /// An agent started another agent.
    #[audit(event = "agent_spawn", category = "agent_spawn", action = "agent_spawn", level = "info")]
    AgentSpawn<'a> {
        /// The agent that was started.
        #[audit(slot = "resource.id", internal)]
        spawned: Text<'a>,
        /// What became of it.
        #[audit(slot = "outcome", public)]
        outcome: Outcome,
    } set {
        /// What was acted on.
        #[audit(slot = "resource.type", public)]
        resource_type: Text<'a> = Text::Borrowed("agent"),
    } and governed;

    /// An agent was kept from what a rule forbids.
    #[audit(event = "policy_violation", category = "policy_violation", action = "policy_violation", level = "warn", outcome = "denied")]
    PolicyViolation<'a> {
        /// The rule.
        #[audit(detail = "policy_violation.rule", internal)]
        policy_rule: Text<'a>,
        /// What it was kept from.
        #[audit(detail = "policy_violation.blocked_action", internal)]
        blocked_action: Text<'a>,
    } may {
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
        /// How long it took to decide.
        #[audit(slot = "duration_ns", public)]
        latency: Duration,
    } and governed;

    /// Somebody decided what an agent had asked for.
    #[audit(event = "approval.decide", category = "approval", action = "decide", level = "info")]
    ApprovalDecide<'a> {
        /// The question's own id.
        #[audit(detail = "approval.id", internal)]
        approval_id: Text<'a>,
        /// Whether it may.
        #[audit(detail = "approval.approved", public)]
        approved: bool,
    } on "approval" approval_id set {
        /// The same in the words of every record.
        #[audit(slot = "outcome", public)]
        outcome: Outcome = if approved { Outcome::Success } else { Outcome::Denied },
    } may {
        /// Who decided.
        #[audit(detail = "approval.approver", internal)]
        approver_id: Text<'a>,
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
        /// How long the agent waited.
        #[audit(slot = "duration_ns", public)]
        wait_time: Duration,
        /// The tool that it is about.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
        /// How long the decision holds.
        #[audit(detail = "approval.scope", public)]
        scope: ApprovalScope,
    } and governed;
}
