//! Where it came from is not said.

use tracing_audit::catalog::dpa::{Entry, Outcome};

fn main() {
    let _ = Entry::update("patient")
        .user("u-4")
        .roles(["nurse"])
        .feature("admissions")
        .environment("production")
        .tenant("st-mary")
        .contains_pii(true)
        .outcome(Outcome::Success)
        .build();
}
