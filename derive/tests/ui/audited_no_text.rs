//! A value without a text needs a sigil: what `Debug` shows is more than somebody may have thought of.

use tracing_audit::{audit, audited};

#[derive(Debug)]
struct User;

#[audited(actor = user)]
fn of(user: User) {
    let _ = user;
}

#[audited(changed = 7)]
fn changed() {}

fn main() {
    audit!(action = "x", user = User);
}
