//! A union has no fields that anybody could name.

use tracing_audit::redact::AuditFields;

#[derive(AuditFields)]
union Either {
    a: u8,
    b: i8,
}

fn main() {}
