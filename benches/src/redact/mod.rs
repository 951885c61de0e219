//! Benchmarks of redaction: the value engine beside two kinds of rivals, and what a field costs inside a record.

pub mod checks;
pub mod cost;
#[cfg(feature = "ours")]
pub mod fields;
pub mod inputs;
pub mod plan;
pub mod report;
pub mod rules;
pub mod run;
pub mod scanners;
#[cfg(feature = "sds")]
pub mod sds;
