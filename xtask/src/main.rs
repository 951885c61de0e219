//! Project commands: `cargo xtask test`.
fn main() {}
