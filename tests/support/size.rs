//! How much a test of a campaign does, and where.
#![allow(dead_code, reason = "each test file uses a part")]

/// What `cargo xtask campaign LANE --size N` said; else the full size in a campaign, and the short one in every other run.
pub(crate) fn size(short: u64, full: u64) -> u64 {
    let said = std::env::var("TRACING_AUDIT_SIZE").ok();
    match said {
        Some(said) => said.parse().expect("TRACING_AUDIT_SIZE is a number"),
        None if std::env::var_os("TRACING_AUDIT_FULL").is_some() => full,
        None => short,
    }
}

/// A directory that goes with the test; in `TRACING_AUDIT_PLACE` if that is set, where there is room for much.
pub(crate) fn place() -> tempfile::TempDir {
    match std::env::var_os("TRACING_AUDIT_PLACE") {
        Some(place) => tempfile::tempdir_in(place),
        None => tempfile::tempdir(),
    }
    .expect("there is room for a directory")
}
