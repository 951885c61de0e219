//! The application itself: its start, its end, and changes of its configuration.

use std::time::Duration;

use super::Text;
use super::define::events;
use crate::record::Outcome;

events! {
    /// The application has started.
    #[audit(event = "system.start", category = "system", action = "start", level = "info", outcome = "success")]
    SystemStart<'a> {} may {
        /// Its version.
        #[audit(detail = "system.version", public)]
        version: Text<'a>,
        /// How long the start took.
        #[audit(slot = "duration_ns", public)]
        duration: Duration,
    };

    /// The application ends.
    #[audit(event = "system.stop", category = "system", action = "stop", level = "info", outcome = "success")]
    SystemStop<'a> {} may {
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
        /// How long it ran.
        #[audit(slot = "duration_ns", public)]
        uptime: Duration,
    };

    /// The configuration was read or changed.
    #[audit(event = "system.config", category = "system", action = "config", level = "info", outcome = "success")]
    SystemConfig<'a> {} may {
        /// What was done with it.
        #[audit(detail = "config.op", internal)]
        op: Text<'a>,
        /// The settings that changed, by name.
        #[audit(slot = "changed_fields", internal)]
        changed_fields: Vec<Text<'a>>,
    };

    /// A server ends, and first answers what it has begun.
    #[audit(event = "shutdown", category = "system", action = "shutdown", level = "info")]
    Shutdown<'a> {
        /// What became of it.
        #[audit(slot = "outcome", public)]
        outcome: Outcome,
    } may {
        /// What ties the records of the end together.
        #[audit(slot = "correlation_id", internal)]
        correlation_id: Text<'a>,
        /// How long it waits for what it has begun, in milliseconds.
        #[audit(detail = "system.drain_timeout_ms", public)]
        drain_timeout_ms: u64,
        /// What went wrong.
        #[audit(slot = "error.message", internal)]
        error_message: Text<'a>,
    };

    /// A client asked which tools there are.
    #[audit(event = "discovery", category = "system", action = "discovery", level = "info", outcome = "success")]
    Discovery<'a> {
        /// What ties the records of the request together.
        #[audit(slot = "correlation_id", internal)]
        correlation_id: Text<'a>,
    } may {
        /// A hash that stands for the client's key, never the key.
        #[audit(slot = "actor.client_hash", internal)]
        client_id: Text<'a>,
        /// How many tools it was told of.
        #[audit(detail = "security.count", public)]
        count: u64,
        /// How long it took.
        #[audit(slot = "duration_ns", public)]
        latency: Duration,
    };

    /// A host of agents was configured otherwise.
    #[audit(event = "config.change", category = "config", action = "change", level = "info", outcome = "success")]
    ConfigChange<'a> {
        /// What was done: `create_provider`, say.
        #[audit(detail = "config.op", internal)]
        op: Text<'a>,
    } may {
        /// What it was done to.
        #[audit(detail = "config.name", internal)]
        name: Text<'a>,
        /// The settings that changed, by name.
        #[audit(slot = "changed_fields", internal)]
        changed_fields: Vec<Text<'a>>,
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
    } and agent;
}
