//! Words that nobody knows, labels where there are none, and more than one class.

use tracing_audit::redact::AuditFields;

#[derive(AuditFields)]
struct Wrong {
    #[audit(privat)]
    a: u8,
    #[audit(personal)]
    b: u8,
    #[audit(public = "x")]
    c: u8,
    #[audit(personal = "E-Mail")]
    d: u8,
    #[audit(internal, secret)]
    e: u8,
    #[audit(internal, action = "keep")]
    f: u8,
    #[audit(skip, action = "drop")]
    g: u8,
}

fn main() {}
