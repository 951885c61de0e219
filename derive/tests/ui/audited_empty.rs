//! What was done has a name.

use tracing_audit::audited;

#[audited(action = "")]
fn action() {}

#[audited(name = " ")]
fn name() {}

#[audited(name = 7)]
fn number() {}

#[audited(level = "loud")]
fn level() {}

#[audited(resource = ("a", 1, 2))]
fn resource() {}

fn main() {}
