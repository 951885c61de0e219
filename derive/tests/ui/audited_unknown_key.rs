//! Keys that are none.

use tracing_audit::audited;

#[audited(acton = "document.delete")]
fn misspelt() {}

#[audited(resource.kind = "document")]
fn no_place() {}

#[audited(colour = "red")]
fn of_its_own() {}

#[audited("document.delete")]
fn bare() {}

#[audited(action)]
fn without_value() {}

#[audited(fields(actor.name = "ana"))]
fn no_place_in_fields() {}

fn main() {}
