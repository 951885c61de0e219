//! Slots that no field can fill.

use tracing_audit::record::AuditEvent;

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", level = "info", outcome = "pending")]
struct Slots {
    #[audit(slot = "actor.idd", internal)]
    misspelt: String,
    #[audit(slot = "seq", internal)]
    reserved: u64,
}

#[derive(AuditEvent)]
#[audit(event = "tool.stop", category = "tool", action = "stop", level = "info", outcome = "success")]
struct Parts {
    #[audit(detail = "tool.result", nested)]
    text: String,
}

fn main() {}
