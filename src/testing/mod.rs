//! Helpers for the tests of applications and of sinks.

mod conformance;

pub use conformance::sink_conformance;
