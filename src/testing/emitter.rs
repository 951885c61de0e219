//! An emitter whose records a test can look at.

use std::fmt;

use super::captured::Captured;
use super::recording::{flush, start};
use crate::error::Result;
use crate::pipeline::{Audit, AuditBuilder, Emitter, Receipt, Submitted};
use crate::record::Record;
use crate::sink::MemorySink;

/// Takes records as values and keeps them as they would be written: redacted, with the context of the thread, in the
/// form of a line. Clones are handles to the same records.
///
/// It is the real trail with a memory at its end, so floors, policies and required actors work as they will in
/// production.
///
/// ```
/// use tracing_audit::Emitter;
/// use tracing_audit::record::{Record, Slot};
/// use tracing_audit::testing::MemoryEmitter;
///
/// fn login(audit: &dyn Emitter, user: &str) -> tracing_audit::Result<()> {
///     let record = Record::builder("user.login").actor("user", user);
///     audit.emit(record.attribute("password", "hunter2").build())?;
///     Ok(())
/// }
///
/// let emitter = MemoryEmitter::new();
/// login(&emitter, "u-1")?;
/// let captured = emitter.captured();
/// captured.only().assert_has(Slot::ActorId, "u-1").assert_attribute("password", "[REDACTED:secret]");
/// # Ok::<(), tracing_audit::Error>(())
/// ```
#[derive(Clone)]
pub struct MemoryEmitter {
    audit: Audit,
    sink: MemorySink,
}

impl MemoryEmitter {
    /// An emitter with the defaults of the builder.
    ///
    /// # Panics
    ///
    /// Where the system has no thread to give.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// An emitter with other settings: a clock, a policy, floors, required actors.
    ///
    /// # Panics
    ///
    /// Where the settings cannot work; the message is the builder's.
    #[track_caller]
    pub fn with(configure: impl FnOnce(AuditBuilder) -> AuditBuilder) -> Self {
        let (audit, sink) = start(configure);
        Self { audit, sink }
    }

    /// The records so far, in the order of the trail, without those that the trail writes about itself.
    ///
    /// # Panics
    ///
    /// Where the records do not arrive within 30 s.
    #[track_caller]
    pub fn captured(&self) -> Captured {
        flush(&self.audit);
        Captured::of(&self.sink)
    }

    /// The trail behind it, for its counters.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }
}

impl Default for MemoryEmitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Emitter for MemoryEmitter {
    fn emit(&self, record: Record) -> Result<Receipt> {
        self.audit.emit(record)
    }

    fn submit(&self, record: Record) -> Result<Submitted> {
        self.audit.submit(record)
    }
}

impl fmt::Debug for MemoryEmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEmitter")
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}
