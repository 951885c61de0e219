//! What is not recorded need not be listed.

#[tracing_audit::sensitive_instrument(name = "x", skip_all, fields(id = 1))]
fn a(_id: u64) {}

#[tracing_audit::sensitive_instrument(skip(password))]
fn b(_password: &str) {}

fn main() {}
