//! What the macro finds out cannot be given, and what it never does needs no switch.

use tracing_audit::audited;

#[audited(outcome = "success")]
fn outcome() {}

#[audited(fields(error = "none"))]
fn error() {}

#[audited(err)]
fn err() {}

#[audited(skip_all)]
fn skip_all(_secret: &str) {}

#[audited(event = "document.delete")]
fn event() {}

#[audited(audit.outcome = "success")]
fn in_full() {}

#[audited(fields(audit.error.message = "none"))]
fn in_full_as_a_field() {}

#[audited(audit.event = "document.delete")]
fn event_in_full() {}

fn main() {}
