//! The README and the documents of `docs/`, as part of the crate's documentation: here their links are checked and their examples run.

#[doc = include_str!("../docs/fields.md")]
pub mod fields {}

#[doc = include_str!("../docs/format.md")]
pub mod format {}

#[doc = include_str!("../docs/failure-modes.md")]
pub mod failure_modes {}

#[cfg(feature = "sqlite")]
#[doc = include_str!("../docs/sqlite.md")]
pub mod sqlite {}

#[doc = include_str!("../docs/writing-a-sink.md")]
pub mod writing_a_sink {}

#[doc = include_str!("../docs/guarantees.md")]
pub mod guarantees {}

#[doc = include_str!("../docs/redaction.md")]
pub mod redaction {}

#[doc = include_str!("../docs/sensitive-types.md")]
pub mod sensitive_types {}

#[cfg(feature = "derive")]
#[doc = include_str!("../docs/short-forms.md")]
pub mod short_forms {}

#[doc = include_str!("../docs/typed-events.md")]
pub mod typed_events {}

#[doc = include_str!("../docs/missing-records.md")]
pub mod missing_records {}

#[doc = include_str!("../README.md")]
pub mod readme {}

#[doc = include_str!("../docs/benchmarks.md")]
pub mod benchmarks {}

#[doc = include_str!("../docs/policy-file.md")]
pub mod policy_file {}

#[doc = include_str!("../docs/profiles.md")]
pub mod profiles {}

#[doc = include_str!("../docs/seeds.md")]
pub mod seeds {}

#[doc = include_str!("../docs/events.md")]
pub mod events {}

#[doc = include_str!("../docs/dpa.md")]
pub mod dpa {}

#[doc = include_str!("../docs/opentelemetry.md")]
pub mod opentelemetry {}

#[doc = include_str!("../docs/opentelemetry-correlation.md")]
pub mod correlation {}

#[doc = include_str!("../docs/opentelemetry-exporter.md")]
pub mod opentelemetry_exporter {}

#[doc = include_str!("../docs/cli.md")]
pub mod cli {}

#[doc = include_str!("../docs/page.md")]
pub mod page {}
