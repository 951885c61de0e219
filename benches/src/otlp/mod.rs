//! `bench otlp`: the way to a collector. Ours beside tracing's appender with the SDK's batch processor, from the first event
//! to the last record that a receiver in another process has decoded; and what a caller notices of a collector that accepts
//! and never answers.

pub mod decode;
pub mod hole;
pub mod peers;
pub mod plan;
pub mod receive;
pub mod report;
pub mod send;
