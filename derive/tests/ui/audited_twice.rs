//! One thing is said once, and one call is one record.

use tracing_audit::audited;

#[audited(action = "a", action = "b")]
fn same() {}

#[audited(actor = "a", actor.id = "b")]
fn under_two_names() {}

#[audited(resource = ("a", 1), resource.id = 2)]
fn in_a_pair() {}

#[audited(resource.type = "a", resource = ("b", 1))]
fn before_a_pair() {}

#[audited(reason = "a", audit.reason = "b")]
fn in_full() {}

#[audited]
#[tracing::instrument(target = "audit", err)]
fn instrumented() -> Result<(), String> {
    Ok(())
}

fn main() {}
