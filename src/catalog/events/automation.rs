//! Work at its time, calls from outside, and an application's own pulse.

use std::time::Duration;

use super::Text;
use super::define::events;
use crate::record::Outcome;

events! {
    /// The time of a job has come.
    #[audit(event = "cron.trigger", category = "cron", action = "trigger", level = "info", outcome = "success")]
    CronTrigger<'a> {
        /// The job.
        #[audit(detail = "schedule.job", internal)]
        job_name: Text<'a>,
        /// When it runs, as its configuration says it.
        #[audit(detail = "schedule.schedule", internal)]
        schedule: Text<'a>,
        /// What the agent is told.
        #[audit(detail = "schedule.message", personal = "content")]
        message: Text<'a>,
        /// The channel for what it answers.
        #[audit(detail = "schedule.output_channel", internal)]
        output_channel: Text<'a>,
        /// Who is answered there.
        #[audit(detail = "schedule.output_peer", internal)]
        output_peer: Text<'a>,
    } on "job" job_name;

    /// What a job gave was sent.
    #[audit(event = "cron.sent", category = "cron", action = "sent", level = "info", outcome = "success")]
    CronSent<'a> {
        /// The job.
        #[audit(detail = "schedule.job", internal)]
        job_name: Text<'a>,
    } on "job" job_name may {
        /// The channel.
        #[audit(detail = "schedule.output_channel", internal)]
        output_channel: Text<'a>,
        /// Who was sent it.
        #[audit(detail = "schedule.output_peer", internal)]
        output_peer: Text<'a>,
    };

    /// A job was added.
    #[audit(event = "cron.add", category = "cron", action = "add", level = "info", outcome = "success")]
    CronAdd<'a> {
        /// The job.
        #[audit(detail = "schedule.job", internal)]
        job_name: Text<'a>,
    } on "job" job_name may {
        /// When it runs, as its configuration says it.
        #[audit(detail = "schedule.schedule", internal)]
        schedule: Text<'a>,
    };

    /// A job was removed.
    #[audit(event = "cron.remove", category = "cron", action = "remove", level = "info", outcome = "success")]
    CronRemove<'a> {
        /// The job.
        #[audit(detail = "schedule.job", internal)]
        job_name: Text<'a>,
    } on "job" job_name;

    /// A host of agents began work at its time.
    #[audit(event = "schedule.fire", category = "schedule", action = "fire", level = "info", outcome = "success")]
    ScheduleFire<'a> {
        /// The job.
        #[audit(detail = "schedule.job", internal)]
        job_name: Text<'a>,
    } on "job" job_name may {
        /// What kind of job it is.
        #[audit(detail = "schedule.type", internal)]
        kind: Text<'a>,
        /// The skill that it runs.
        #[audit(detail = "schedule.skill", internal)]
        skill_name: Text<'a>,
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
    } and agent;

    /// Somebody called a webhook.
    #[audit(event = "webhook.receive", category = "webhook", action = "receive", level = "info", outcome = "success")]
    WebhookReceive<'a> {
        /// The webhook.
        #[audit(detail = "webhook.name", internal)]
        webhook_name: Text<'a>,
        /// What was sent.
        #[audit(detail = "webhook.body", personal = "content")]
        body: Text<'a>,
        /// Whether its signature is right.
        #[audit(detail = "webhook.signature_verified", public)]
        signature_verified: bool,
        /// The channel for what is answered.
        #[audit(detail = "webhook.output_channel", internal)]
        output_channel: Text<'a>,
        /// Who is answered there.
        #[audit(detail = "webhook.output_peer", internal)]
        output_peer: Text<'a>,
    } on "webhook" webhook_name;

    /// What a webhook gave was sent.
    #[audit(event = "webhook.sent", category = "webhook", action = "sent", level = "info", outcome = "success")]
    WebhookSent<'a> {
        /// The webhook.
        #[audit(detail = "webhook.name", internal)]
        webhook_name: Text<'a>,
    } on "webhook" webhook_name may {
        /// The channel.
        #[audit(detail = "webhook.output_channel", internal)]
        output_channel: Text<'a>,
        /// Who was sent it.
        #[audit(detail = "webhook.output_peer", internal)]
        output_peer: Text<'a>,
    };

    /// Somebody called a webhook that there is not.
    #[audit(event = "webhook.not_found", category = "webhook", action = "not_found", level = "warn", outcome = "failure")]
    WebhookNotFound<'a> {
        /// What it was called.
        #[audit(detail = "webhook.name", internal)]
        webhook_name: Text<'a>,
    } on "webhook" webhook_name;

    /// Somebody called a webhook and was refused.
    #[audit(event = "webhook.denied", category = "webhook", action = "denied", level = "warn", outcome = "denied")]
    WebhookDenied<'a> {
        /// The webhook.
        #[audit(detail = "webhook.name", internal)]
        webhook_name: Text<'a>,
    } on "webhook" webhook_name may {
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
    };

    /// All checks were made once.
    #[audit(event = "heartbeat.cycle", category = "heartbeat", action = "cycle", level = "debug")]
    HeartbeatCycle<'a> {
        /// How long it is to the next, in milliseconds.
        #[audit(detail = "health.interval_ms", public)]
        interval_ms: u64,
        /// What was checked.
        #[audit(detail = "health.checks", internal)]
        checks: Vec<Text<'a>>,
        /// Whether all is well.
        #[audit(detail = "health.healthy", public)]
        healthy: bool,
        /// How many cycles in a row it was not.
        #[audit(detail = "health.consecutive_failures", public)]
        consecutive_failures: u64,
    } set {
        /// The same in the words of every record.
        #[audit(slot = "outcome", public)]
        outcome: Outcome = if healthy { Outcome::Success } else { Outcome::Failure },
    };

    /// One thing was checked.
    #[audit(event = "heartbeat.check", category = "heartbeat", action = "check", level = "debug")]
    HeartbeatCheck<'a> {
        /// What was checked.
        #[audit(detail = "health.check", internal)]
        check_name: Text<'a>,
        /// Whether it is well.
        #[audit(detail = "health.healthy", public)]
        healthy: bool,
        /// What the check says.
        #[audit(detail = "health.message", internal)]
        message: Text<'a>,
        /// How long it took.
        #[audit(slot = "duration_ns", public)]
        duration: Duration,
    } on "check" check_name set {
        /// The same in the words of every record.
        #[audit(slot = "outcome", public)]
        outcome: Outcome = if healthy { Outcome::Success } else { Outcome::Failure },
    };

    /// Too many cycles in a row were not well.
    #[audit(event = "heartbeat.fail", category = "heartbeat", action = "fail", level = "error", outcome = "failure")]
    HeartbeatFail<'a> {
        /// What failed.
        #[audit(detail = "health.failed", internal)]
        checks_failed: Vec<Text<'a>>,
        /// How many cycles in a row.
        #[audit(detail = "health.consecutive_failures", public)]
        consecutive_failures: u64,
        /// How many are too many.
        #[audit(detail = "health.threshold", public)]
        threshold: u64,
    };

    /// All is well again.
    #[audit(event = "heartbeat.recover", category = "heartbeat", action = "recover", level = "info", outcome = "success")]
    HeartbeatRecover {
        /// How many cycles in a row it was not.
        #[audit(detail = "health.consecutive_failures_before", public)]
        consecutive_failures_before: u64,
    };

    /// A server of tools did not answer its checks.
    #[audit(event = "mcp.health_fail", category = "mcp", action = "health_fail", level = "warn", outcome = "failure")]
    McpHealthFail<'a> {
        /// The server.
        #[audit(detail = "health.server", internal)]
        server: Text<'a>,
        /// How many checks in a row.
        #[audit(detail = "health.consecutive_failures", public)]
        consecutive_failures: u64,
    } on "server" server may {
        /// What went wrong.
        #[audit(slot = "error.message", internal)]
        error: Text<'a>,
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
    } and agent;
}
