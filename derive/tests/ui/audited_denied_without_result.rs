//! Only an error can be a refusal.

use tracing_audit::audited;

#[audited(denied = |_| true)]
fn nothing() {}

#[audited(denied = |_| true)]
fn number() -> u8 {
    7
}

fn main() {}
