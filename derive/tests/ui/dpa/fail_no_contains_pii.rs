//! Whether personal data is in it is not declared.

use tracing_audit::catalog::dpa::{Entry, Outcome};

fn main() {
    let _ = Entry::update("patient")
        .user("u-4")
        .roles(["nurse"])
        .feature("admissions")
        .environment("production")
        .tenant("st-mary")
        .from_address("203.0.113.7", "Firefox/131")
        .outcome(Outcome::Success)
        .build();
}
