//! The sink that keeps nothing.

use super::{Accepted, Sink, SinkError};
use crate::format::Entry;

/// Takes every entry and keeps none: for measurements, and for a trail that is switched off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoopSink;

impl Sink for NoopSink {
    fn deliver(&mut self, _batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        Ok(Accepted::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// It keeps nothing beyond the process.
    fn resumes(&self) -> bool {
        false
    }

    fn name(&self) -> &str {
        "noop"
    }
}
