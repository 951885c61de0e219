//! Calls are recorded, and only those that happen when the program runs.

use tracing_audit::audited;

#[audited]
struct Document;

#[audited]
const fn constant() -> u8 {
    7
}

trait Service {
    #[audited]
    fn call(&self);
}

fn main() {}
