//! Benchmarks against peers; the rivals are dependencies of this package alone.
//!
//! `bench all` starts one process per peer and case, in an order shuffled anew in each round, and writes
//! `docs/benchmarks.md`; `bench redact` measures redaction alone and writes its section. Every peer gets the same events
//! ([`event`]), ends in fdatasync ([`output`]), and is counted by the parent process, which knows nothing of the peer but
//! its files.

pub mod counts;
pub mod document;
pub mod event;
pub mod foreign;
pub mod goals;
pub mod machine;
pub mod measure;
pub mod memory;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod output;
pub mod peers;
pub mod redact;
pub mod report;
pub mod results;
pub mod rounds;
pub mod run;
#[cfg(feature = "ours")]
pub mod seal;
pub mod turns;
#[cfg(feature = "ours")]
pub mod typed;
