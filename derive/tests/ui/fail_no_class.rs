//! A field says nothing, and another of a second variant too.

use tracing_audit::redact::AuditFields;

#[derive(AuditFields)]
struct Login {
    #[audit(internal)]
    attempts: u32,
    password: String,
}

#[derive(AuditFields)]
enum Step {
    One,
    Two(String),
}

fn main() {}
