//! The event types of the shape `flynn`, and what the fields of each fill.

use crate::record::Slot;

use super::super::rules::{Form, Rule, To};

/// What a type of event says beside its name.
#[derive(Debug)]
pub(super) struct Interface {
    /// In the order in which the interface declares them.
    fields: &'static [Rule],
    /// The names of those that it may leave out.
    optional: &'static [&'static str],
    /// What is acted on: its type, and where its id stands.
    pub(super) resource: Option<(&'static str, To)>,
}

impl Interface {
    /// The interface's fields, then those that any event may have and whose places it does not fill.
    pub(super) fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        let fields = self.fields;
        let is_free = move |rule: &&Rule| !fields.iter().any(|own| own.to == rule.to || own.key == rule.key);
        fields.iter().chain(COMMON.iter().filter(is_free))
    }

    /// Whether a reader of the interface expects the field.
    pub(super) fn requires(&self, rule: &Rule) -> bool {
        self.fields.iter().any(|own| own.key == rule.key) && !self.optional.contains(&rule.key)
    }
}

/// The one field that is an object of known fields.
pub(super) const RESULT: &str = "result";

const TOOL_NAME: Rule = Rule::detail("tool_name", "tool", "name", Form::Text);
const EXECUTION_ID: Rule = Rule::slot("execution_id", Slot::ExecutionId, Form::Text);
const ENVIRONMENT: Rule = Rule::detail("execution_environment", "tool", "environment", Form::Text);
const TOOL_SKILL: Rule = Rule::detail("skill_name", "tool", "skill", Form::Text);
const REDACTIONS: Rule = Rule::detail("redactions_applied", "tool", "redactions_applied", Form::Number);
const SESSION_ID: Rule = Rule::slot("session_id", Slot::SessionId, Form::Text);
const CHANNEL: Rule = Rule::slot("channel", Slot::ActorChannel, Form::Text);
const SENDER: Rule = Rule::slot("sender", Slot::ActorId, Form::Text);
const REASON: Rule = Rule::slot("reason", Slot::Reason, Form::Text);
const DURATION: Rule = Rule::slot("duration_ms", Slot::DurationNs, Form::Millis);

/// Fields whose meaning does not depend on the event, also in events that nobody has heard of.
const COMMON: &[Rule] = &[
    SESSION_ID,
    EXECUTION_ID,
    TOOL_NAME,
    CHANNEL,
    SENDER,
    Rule::slot("agent_tier", Slot::AgentTier, Form::Text),
    REASON,
    DURATION,
];

const OPTIONAL: &[&str] = &[
    "execution_id",
    "execution_environment",
    "skill_name",
    "redactions_applied",
    "session_id",
    "channel",
    "sender",
    "agent_tier",
    "reason",
    "until_ms",
    "ttl_ms",
];

const NAMED_TOOL: Option<(&str, To)> = Some(("tool", To::Detail("tool", "name")));

const START: Interface = Interface {
    fields: &[
        TOOL_NAME,
        Rule::detail("tool_args", "tool", "args", Form::Any),
        EXECUTION_ID,
        ENVIRONMENT,
        TOOL_SKILL,
        REDACTIONS,
        SESSION_ID,
        CHANNEL,
        SENDER,
        Rule::slot("agent_tier", Slot::AgentTier, Form::Text),
    ],
    optional: OPTIONAL,
    resource: NAMED_TOOL,
};

const SUCCESS: Interface = Interface {
    fields: &[
        TOOL_NAME,
        Rule::detail(RESULT, "tool", RESULT, Form::Any),
        DURATION,
        EXECUTION_ID,
        ENVIRONMENT,
        TOOL_SKILL,
        REDACTIONS,
        SESSION_ID,
    ],
    optional: OPTIONAL,
    resource: NAMED_TOOL,
};

const ERROR: Interface = Interface {
    fields: &[
        TOOL_NAME,
        Rule::slot("error", Slot::ErrorMessage, Form::Text),
        DURATION,
        REASON,
        EXECUTION_ID,
        ENVIRONMENT,
        TOOL_SKILL,
        REDACTIONS,
        SESSION_ID,
    ],
    optional: OPTIONAL,
    resource: NAMED_TOOL,
};

const DENIED: Interface = Interface {
    fields: &[
        TOOL_NAME,
        REASON,
        EXECUTION_ID,
        ENVIRONMENT,
        TOOL_SKILL,
        REDACTIONS,
        SESSION_ID,
        Rule::slot("denial_type", Slot::ReasonCode, Form::Text),
    ],
    optional: &[
        "execution_id",
        "execution_environment",
        "skill_name",
        "redactions_applied",
        "session_id",
    ],
    resource: NAMED_TOOL,
};

const APPROVAL: Interface = Interface {
    fields: &[
        TOOL_NAME,
        Rule::detail("approved", "approval", "approved", Form::Truth),
        REASON,
        EXECUTION_ID,
        ENVIRONMENT,
        TOOL_SKILL,
        REDACTIONS,
        SESSION_ID,
    ],
    optional: OPTIONAL,
    resource: NAMED_TOOL,
};

const EXECUTION_BLOCKED: Interface = Interface {
    fields: &[
        Rule::detail("skill_name", "skill_install", "skill", Form::Text),
        Rule::detail("phase", "skill_install", "phase", Form::Text),
        Rule::detail(
            "execution_requested",
            "skill_install",
            "execution_requested",
            Form::Truth,
        ),
        Rule::detail(
            "execution_enabled",
            "skill_install",
            "execution_enabled",
            Form::Truth,
        ),
        REASON,
        Rule::detail(
            "attempted_command_count",
            "skill_install",
            "attempted_command_count",
            Form::Number,
        ),
    ],
    optional: &[],
    resource: Some(("skill", To::Detail("skill_install", "skill"))),
};

const COMMAND_RESULT: Interface = Interface {
    fields: &[
        Rule::detail("skill_name", "skill_install", "skill", Form::Text),
        Rule::detail("phase", "skill_install", "phase", Form::Text),
        Rule::detail("installer_type", "skill_install", "installer_type", Form::Text),
        Rule::detail("command", "skill_install", "command", Form::Text),
        Rule::detail("status", "skill_install", "status", Form::Text),
        REASON,
    ],
    optional: &[],
    resource: Some(("skill", To::Detail("skill_install", "skill"))),
};

const SCAN: Interface = Interface {
    fields: &[
        Rule::detail("skill_name", "skill_scan", "skill", Form::Text),
        Rule::detail("tier", "skill_scan", "tier", Form::Text),
        Rule::detail("phase", "skill_scan", "phase", Form::Text),
        Rule::detail("ok", "skill_scan", "ok", Form::Truth),
        Rule::detail("error_count", "skill_scan", "error_count", Form::Number),
        Rule::detail("warn_count", "skill_scan", "warn_count", Form::Number),
        Rule::detail("issue_codes", "skill_scan", "issue_codes", Form::Texts),
    ],
    optional: &[],
    resource: Some(("skill", To::Detail("skill_scan", "skill"))),
};

const ELEVATION: Interface = Interface {
    fields: &[
        SESSION_ID,
        CHANNEL,
        SENDER,
        Rule::detail("elevation_id", "elevation", "id", Form::Text),
        Rule::detail("until_ms", "elevation", "until_ms", Form::Number),
        Rule::detail("ttl_ms", "elevation", "ttl_ms", Form::Number),
        REASON,
    ],
    optional: &["until_ms", "ttl_ms", "reason"],
    resource: Some(("session", To::Slot(Slot::SessionId))),
};

const SESSION: Option<(&str, To)> = Some(("session", To::Slot(Slot::SessionId)));

const SESSION_CREATE: Interface = Interface {
    fields: &[
        SESSION_ID,
        Rule::slot("frontend", Slot::ActorFrontend, Form::Text),
        Rule::slot("user_id", Slot::ActorId, Form::Text),
    ],
    optional: &[],
    resource: SESSION,
};

const SESSION_MESSAGE: Interface = Interface {
    fields: &[
        SESSION_ID,
        Rule::detail("role", "session", "role", Form::Text),
        Rule::detail("content_length", "session", "content_length", Form::Number),
    ],
    optional: &[],
    resource: SESSION,
};

const SESSION_DELETE: Interface = Interface {
    fields: &[
        SESSION_ID,
        Rule::detail("message_count", "session", "message_count", Form::Number),
    ],
    optional: &[],
    resource: SESSION,
};

const SESSION_COMPACT: Interface = Interface {
    fields: &[
        SESSION_ID,
        Rule::detail("messages_before", "session", "messages_before", Form::Number),
        Rule::detail("messages_after", "session", "messages_after", Form::Number),
        Rule::detail("tokens_before", "session", "tokens_before", Form::Number),
        Rule::detail("tokens_after", "session", "tokens_after", Form::Number),
    ],
    optional: &[],
    resource: SESSION,
};

const CRON_TRIGGER: Interface = Interface {
    fields: &[
        Rule::detail("job_name", "schedule", "job", Form::Text),
        Rule::detail("schedule", "schedule", "schedule", Form::Text),
        Rule::detail("message", "schedule", "message", Form::Text),
        Rule::detail("output_channel", "schedule", "output_channel", Form::Text),
        Rule::detail("output_peer", "schedule", "output_peer", Form::Text),
    ],
    optional: &[],
    resource: Some(("job", To::Detail("schedule", "job"))),
};

const WEBHOOK_RECEIVE: Interface = Interface {
    fields: &[
        Rule::detail("webhook_name", "webhook", "name", Form::Text),
        Rule::detail("body", "webhook", "body", Form::Text),
        Rule::detail("signature_verified", "webhook", "signature_verified", Form::Truth),
        Rule::detail("output_channel", "webhook", "output_channel", Form::Text),
        Rule::detail("output_peer", "webhook", "output_peer", Form::Text),
    ],
    optional: &[],
    resource: Some(("webhook", To::Detail("webhook", "name"))),
};

const HEARTBEAT_CYCLE: Interface = Interface {
    fields: &[
        Rule::detail("interval_ms", "health", "interval_ms", Form::Number),
        Rule::detail("checks", "health", "checks", Form::Texts),
        Rule::detail("healthy", "health", "healthy", Form::Truth),
        Rule::detail(
            "consecutive_failures",
            "health",
            "consecutive_failures",
            Form::Number,
        ),
    ],
    optional: &[],
    resource: None,
};

const HEARTBEAT_CHECK: Interface = Interface {
    fields: &[
        Rule::detail("check_name", "health", "check", Form::Text),
        Rule::detail("healthy", "health", "healthy", Form::Truth),
        Rule::detail("message", "health", "message", Form::Text),
        DURATION,
    ],
    optional: &[],
    resource: Some(("check", To::Detail("health", "check"))),
};

const HEARTBEAT_FAIL: Interface = Interface {
    fields: &[
        Rule::detail("checks_failed", "health", "failed", Form::Texts),
        Rule::detail(
            "consecutive_failures",
            "health",
            "consecutive_failures",
            Form::Number,
        ),
        Rule::detail("threshold", "health", "threshold", Form::Number),
    ],
    optional: &[],
    resource: None,
};

const HEARTBEAT_RECOVER: Interface = Interface {
    fields: &[Rule::detail(
        "consecutive_failures_before",
        "health",
        "consecutive_failures_before",
        Form::Number,
    )],
    optional: &[],
    resource: None,
};

const GMAIL_POLL: Interface = Interface {
    fields: &[
        Rule::detail("mode", "mail", "mode", Form::Text),
        Rule::detail("interval_ms", "mail", "interval_ms", Form::Number),
        Rule::detail("emails_processed", "mail", "processed", Form::Number),
        Rule::detail("new_emails", "mail", "new", Form::Number),
    ],
    optional: &["interval_ms"],
    resource: None,
};

const GMAIL_NEW: Interface = Interface {
    fields: &[
        Rule::detail("email_id", "mail", "email_id", Form::Text),
        Rule::detail("from", "mail", "from", Form::Text),
        Rule::detail("subject", "mail", "subject", Form::Text),
        Rule::detail("labels", "mail", "labels", Form::Texts),
    ],
    optional: &[],
    resource: Some(("email", To::Detail("mail", "email_id"))),
};

const CRON_OTHER: Interface = Interface {
    fields: &[
        Rule::detail("job_name", "schedule", "job", Form::Text),
        Rule::detail("schedule", "schedule", "schedule", Form::Text),
        Rule::detail("output_channel", "schedule", "output_channel", Form::Text),
        Rule::detail("output_peer", "schedule", "output_peer", Form::Text),
    ],
    optional: &["job_name", "schedule", "output_channel", "output_peer"],
    resource: Some(("job", To::Detail("schedule", "job"))),
};

const WEBHOOK_OTHER: Interface = Interface {
    fields: &[
        Rule::detail("webhook_name", "webhook", "name", Form::Text),
        Rule::detail("output_channel", "webhook", "output_channel", Form::Text),
        Rule::detail("output_peer", "webhook", "output_peer", Form::Text),
    ],
    optional: &["webhook_name", "output_channel", "output_peer"],
    resource: Some(("webhook", To::Detail("webhook", "name"))),
};

const GMAIL_ERROR: Interface = Interface {
    fields: &[
        Rule::detail("email_id", "mail", "email_id", Form::Text),
        Rule::slot("error", Slot::ErrorMessage, Form::Text),
    ],
    optional: &["email_id", "error"],
    resource: Some(("email", To::Detail("mail", "email_id"))),
};

const SESSION_TRANSFER: Interface = Interface {
    fields: &[
        SESSION_ID,
        Rule::detail("from", "session", "from", Form::Text),
        Rule::detail("to", "session", "to", Form::Text),
    ],
    optional: &["session_id", "from", "to"],
    resource: SESSION,
};

/// Of events without an interface of which nothing is known.
const OTHER: Interface = Interface {
    fields: &[],
    optional: &[],
    resource: None,
};

/// The types for which the document declares no interface. What they are likely to say is taken where it is there.
const UNTYPED: &[(&str, &Interface)] = &[
    ("session.transfer", &SESSION_TRANSFER),
    ("cron.sent", &CRON_OTHER),
    ("cron.add", &CRON_OTHER),
    ("cron.remove", &CRON_OTHER),
    ("webhook.sent", &WEBHOOK_OTHER),
    ("webhook.not_found", &WEBHOOK_OTHER),
    ("webhook.denied", &WEBHOOK_OTHER),
    ("gmail.error", &GMAIL_ERROR),
    ("system.start", &OTHER),
    ("system.stop", &OTHER),
    ("system.config", &OTHER),
];

/// The types for which it declares one.
const TYPED: &[(&str, &Interface)] = &[
    ("tool.start", &START),
    ("tool.success", &SUCCESS),
    ("tool.error", &ERROR),
    ("tool.denied", &DENIED),
    ("tool.approval", &APPROVAL),
    ("security.elevation.enabled", &ELEVATION),
    ("security.elevation.disabled", &ELEVATION),
    ("security.elevation.expired", &ELEVATION),
    ("skills.scan.pass", &SCAN),
    ("skills.scan.fail", &SCAN),
    ("skills.installer.execution_blocked", &EXECUTION_BLOCKED),
    ("skills.installer.command_result", &COMMAND_RESULT),
    ("session.create", &SESSION_CREATE),
    ("session.message", &SESSION_MESSAGE),
    ("session.delete", &SESSION_DELETE),
    ("session.compact", &SESSION_COMPACT),
    ("cron.trigger", &CRON_TRIGGER),
    ("webhook.receive", &WEBHOOK_RECEIVE),
    ("heartbeat.cycle", &HEARTBEAT_CYCLE),
    ("heartbeat.check", &HEARTBEAT_CHECK),
    ("heartbeat.fail", &HEARTBEAT_FAIL),
    ("heartbeat.recover", &HEARTBEAT_RECOVER),
    ("gmail.poll", &GMAIL_POLL),
    ("gmail.new_email", &GMAIL_NEW),
];

/// The interface of an event.
pub(super) fn interface(event: &str) -> &'static Interface {
    let found = TYPED.iter().chain(UNTYPED).find(|(name, _)| *name == event);
    found.map_or(&OTHER, |(_, interface)| interface)
}

/// Whether this is one of the 35 types.
pub(super) fn is_known(event: &str) -> bool {
    TYPED.iter().chain(UNTYPED).any(|(name, _)| *name == event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_35_types_and_24_of_them_have_one_of_21_interfaces_with_112_fields() {
        assert_eq!(TYPED.len() + UNTYPED.len(), 35);
        assert_eq!(TYPED.len(), 24);
        let fields: usize = TYPED.iter().map(|(_, interface)| interface.fields.len()).sum();
        // One interface serves three types and one serves two.
        assert_eq!(fields, 112 + 2 * 7 + 7);
    }

    #[test]
    fn no_two_fields_of_an_event_fill_the_same_place() {
        for (name, _) in TYPED.iter().chain(UNTYPED) {
            let rules: Vec<&Rule> = interface(name).rules().collect();
            for (at, rule) in rules.iter().enumerate() {
                let later = rules.get(at + 1..).unwrap_or_default();
                assert!(
                    later
                        .iter()
                        .all(|other| other.to != rule.to && other.key != rule.key),
                    "{name}: {}",
                    rule.key
                );
            }
        }
    }
}
