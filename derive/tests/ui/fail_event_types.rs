//! Slots that no field can fill, and types that no place takes.

use tracing_audit::record::AuditEvent;

struct Own;

#[derive(AuditEvent)]
#[audit(event = "tool.start", category = "tool", action = "start", level = "info", outcome = "pending")]
struct Types {
    #[audit(detail = "tool.name", internal)]
    own: Own,
}

fn main() {}
