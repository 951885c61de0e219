//! The `tracing-audit` command.
fn main() {}
