//! Events that do not say what they are.

use tracing_audit::record::AuditEvent;

#[derive(AuditEvent)]
struct Nothing {}

#[derive(AuditEvent)]
#[audit(category = "tool", action = "start", level = "info", outcome = "pending")]
struct NoName {}

#[derive(AuditEvent)]
#[audit(event = "tool.start", action = "start", level = "info", outcome = "pending")]
struct NoCategory {}

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", level = "info", outcome = "pending")]
struct NoAction {}

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", outcome = "pending")]
struct NoLevel {}

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", level = "info")]
struct NoOutcome {}

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", level = "notice", outcome = "pending")]
struct OddLevel {}

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", level = "info", outcome = "done")]
struct OddOutcome {}

#[derive(AuditEvent)]
#[audit(event = "tool start", category = "tool", action = "start", level = "info", outcome = "pending")]
struct TwoWords {}

#[derive(AuditEvent)]
#[audit(event = "tool.start", event = "tool.stop", category = "tool", action = "start", level = "info", outcome = "pending")]
struct Twice {}

#[derive(AuditEvent)]
#[audit(event = "tool.start", severity = "info")]
struct OddPart {}

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", level = "info", outcome = "pending")]
enum Several {}

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", level = "info", outcome = "pending")]
struct Unnamed(#[audit(attribute = "x", public)] u8);

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", level = "info", outcome = "pending")]
struct Generic<T> {
    #[audit(attribute = "x", public)]
    x: T,
}

fn main() {}
