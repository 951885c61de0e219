//! A type of somebody else's that is called the same states no class.

use tracing_audit::redact::AuditFields;

struct Sensitive<T>(T);

#[derive(AuditFields)]
struct Login {
    password: Sensitive<String>,
}

fn main() {}
