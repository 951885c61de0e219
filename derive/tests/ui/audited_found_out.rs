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

fn main() {}
