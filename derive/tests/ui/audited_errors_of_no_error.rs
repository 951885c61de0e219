//! Types are looked for in what is an error, and in nothing else.

use std::borrow::Cow;

use tracing_audit::{AuditError, audited};

#[derive(Debug)]
struct Refused;
impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}
impl std::error::Error for Refused {}
impl AuditError for Refused {
    fn code(&self) -> Option<Cow<'_, str>> {
        None
    }
}

#[audited(errors = Refused)]
fn nothing() {}

#[audited(errors = [])]
fn none() -> Result<(), Refused> {
    Ok(())
}

#[audited(errors = Refused)]
fn text() -> Result<(), String> {
    Ok(())
}

#[audited(errors = std::fmt::Error)]
fn not_asked() -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

fn main() {}
