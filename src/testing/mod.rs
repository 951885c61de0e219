//! Helpers for the tests of applications and of sinks.

mod captured;
mod conformance;
mod emitter;
mod recording;

pub use captured::{Captured, CapturedRecord};
pub use conformance::sink_conformance;
pub use emitter::MemoryEmitter;
pub use recording::{Recording, capture};
