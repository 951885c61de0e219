//! Words with a meaning of their own in records and their lines, for every reader of them.

use super::{Record, Slot};

/// The event name of a record that stands for records known to be lost.
pub const GAP: &str = "audit.gap";

/// Stands in the place of a value that was erased.
pub const ERASED: &str = "[ERASED]";

/// What every commitment in a line begins with.
pub(crate) const COMMITMENT: &[u8] = b"{\"$commit\":\"";

/// Whether a record stands for records that this trail has lost. One that was imported speaks of another system.
#[must_use]
pub fn is_gap(record: &Record) -> bool {
    record.event() == GAP && record.get(Slot::Profile).is_none()
}
