//! The environment is not said.

use tracing_audit::catalog::dpa::{Entry, Outcome};

fn main() {
    let _ = Entry::update("patient")
        .user("u-4")
        .roles(["nurse"])
        .feature("admissions")
        .tenant("st-mary")
        .from_address("203.0.113.7", "Firefox/131")
        .contains_pii(true)
        .outcome(Outcome::Success)
        .build();
}
