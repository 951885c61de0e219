//! The documents of `docs/`, as part of the crate's documentation: here their links are checked and their examples run.

#[doc = include_str!("../docs/fields.md")]
pub mod fields {}

#[doc = include_str!("../docs/format.md")]
pub mod format {}

#[doc = include_str!("../docs/failure-modes.md")]
pub mod failure_modes {}

#[doc = include_str!("../docs/writing-a-sink.md")]
pub mod writing_a_sink {}
