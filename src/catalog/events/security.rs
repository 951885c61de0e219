//! Security: rights that are lent for a time, and what a server refuses at its door.

use std::time::Duration;

use super::Text;
use super::define::events;

events! {
    /// Rights were lent to a session.
    #[audit(event = "security.elevation.enabled", category = "security.elevation", action = "enabled", level = "warn", outcome = "success")]
    ElevationEnabled<'a> {
        /// The session.
        #[audit(slot = "session_id", internal)]
        session_id: Text<'a>,
        /// The channel through which they were asked for.
        #[audit(slot = "actor.channel", internal)]
        channel: Text<'a>,
        /// Who asked for them.
        #[audit(slot = "actor.id", internal)]
        sender: Text<'a>,
        /// The loan's own id.
        #[audit(detail = "elevation.id", internal)]
        elevation_id: Text<'a>,
    } on "session" session_id may {
        /// Until when, in milliseconds since 1970.
        #[audit(detail = "elevation.until_ms", public)]
        until_ms: u64,
        /// For how long, in milliseconds.
        #[audit(detail = "elevation.ttl_ms", public)]
        ttl_ms: u64,
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
    };

    /// Lent rights were given back.
    #[audit(event = "security.elevation.disabled", category = "security.elevation", action = "disabled", level = "info", outcome = "success")]
    ElevationDisabled<'a> {
        /// The session.
        #[audit(slot = "session_id", internal)]
        session_id: Text<'a>,
        /// The channel through which they were given back.
        #[audit(slot = "actor.channel", internal)]
        channel: Text<'a>,
        /// Who gave them back.
        #[audit(slot = "actor.id", internal)]
        sender: Text<'a>,
        /// The loan's own id.
        #[audit(detail = "elevation.id", internal)]
        elevation_id: Text<'a>,
    } on "session" session_id may {
        /// Until when they were lent, in milliseconds since 1970.
        #[audit(detail = "elevation.until_ms", public)]
        until_ms: u64,
        /// For how long they were lent, in milliseconds.
        #[audit(detail = "elevation.ttl_ms", public)]
        ttl_ms: u64,
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
    };

    /// Lent rights ended by themselves.
    #[audit(event = "security.elevation.expired", category = "security.elevation", action = "expired", level = "info", outcome = "success")]
    ElevationExpired<'a> {
        /// The session.
        #[audit(slot = "session_id", internal)]
        session_id: Text<'a>,
        /// The channel through which they were asked for.
        #[audit(slot = "actor.channel", internal)]
        channel: Text<'a>,
        /// Who had asked for them.
        #[audit(slot = "actor.id", internal)]
        sender: Text<'a>,
        /// The loan's own id.
        #[audit(detail = "elevation.id", internal)]
        elevation_id: Text<'a>,
    } on "session" session_id may {
        /// Until when they were lent, in milliseconds since 1970.
        #[audit(detail = "elevation.until_ms", public)]
        until_ms: u64,
        /// For how long they were lent, in milliseconds.
        #[audit(detail = "elevation.ttl_ms", public)]
        ttl_ms: u64,
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
    };

    /// A client could not show who it is.
    #[audit(event = "auth_failure", category = "security", action = "auth_failure", level = "warn", outcome = "failure")]
    AuthFailure<'a> {
        /// What ties the records of the request together.
        #[audit(slot = "correlation_id", internal)]
        correlation_id: Text<'a>,
    } may {
        /// A hash that stands for the client's key, never the key.
        #[audit(slot = "actor.client_hash", internal)]
        client_id: Text<'a>,
        /// The client's address.
        #[audit(slot = "actor.ip", network)]
        client_ip: Text<'a>,
        /// What was wrong.
        #[audit(slot = "error.message", internal)]
        error_message: Text<'a>,
        /// How long the request took.
        #[audit(slot = "duration_ns", public)]
        latency: Duration,
    };

    /// A client asked too often.
    #[audit(event = "rate_limited", category = "security", action = "rate_limited", level = "warn", outcome = "denied")]
    RateLimited<'a> {
        /// What ties the records of the request together.
        #[audit(slot = "correlation_id", internal)]
        correlation_id: Text<'a>,
    } may {
        /// A hash that stands for the client's key, never the key.
        #[audit(slot = "actor.client_hash", internal)]
        client_id: Text<'a>,
        /// The client's address.
        #[audit(slot = "actor.ip", network)]
        client_ip: Text<'a>,
        /// How often it may ask.
        #[audit(detail = "security.limit", public)]
        limit: u64,
        /// How often it asked.
        #[audit(detail = "security.count", public)]
        count: u64,
        /// What it was told.
        #[audit(slot = "error.message", internal)]
        error_message: Text<'a>,
    };

    /// Requests are no longer handed on, because too many failed.
    #[audit(event = "circuit_open", category = "security", action = "circuit_open", level = "warn", outcome = "denied")]
    CircuitOpen<'a> {
        /// What ties the records of the request together.
        #[audit(slot = "correlation_id", internal)]
        correlation_id: Text<'a>,
    } may {
        /// The tool behind the circuit.
        #[audit(detail = "tool.name", internal)]
        tool_name: Text<'a>,
        /// How many failures opened it.
        #[audit(detail = "security.count", public)]
        count: u64,
        /// What the client was told.
        #[audit(slot = "error.message", internal)]
        error_message: Text<'a>,
    };

    /// A request was refused, because too many wait.
    #[audit(event = "queue_full", category = "security", action = "queue_full", level = "warn", outcome = "denied")]
    QueueFull<'a> {
        /// What ties the records of the request together.
        #[audit(slot = "correlation_id", internal)]
        correlation_id: Text<'a>,
    } may {
        /// How many may wait.
        #[audit(detail = "security.limit", public)]
        limit: u64,
        /// How many wait.
        #[audit(detail = "security.count", public)]
        count: u64,
        /// What the client was told.
        #[audit(slot = "error.message", internal)]
        error_message: Text<'a>,
    };
}
