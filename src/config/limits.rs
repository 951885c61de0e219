//! The numbers of a configuration: for each its default, the range it may have, and why the range ends there.
//!
//! The builder and a configuration file check against the same table, so they refuse the same values in the same
//! words.

use crate::error::{Error, Result};

/// A configurable number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// The key in a configuration file, which is also the name of the builder's setter. One with a dot stands in an
    /// object, and its setter is that of the object's type.
    pub key: &'static str,
    /// What one of it is: `records`, `bytes`, `days`.
    pub unit: &'static str,
    /// What holds when nothing is said.
    pub default: u64,
    /// The least value.
    pub least: u64,
    /// The greatest value.
    pub greatest: u64,
    /// What to do instead of a value outside the range.
    pub remedy: &'static str,
}

impl Limit {
    /// Accepts a value inside the range.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), naming the key, the value, the range and the remedy.
    pub fn check(&self, value: u64) -> Result<u64> {
        if (self.least..=self.greatest).contains(&value) {
            return Ok(value);
        }
        Err(Error::config(format!(
            "`{}` is {value}; {}; {}",
            self.key,
            self.allowed(),
            self.remedy
        )))
    }

    /// The range and the default in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        format!(
            "allowed are {} to {} {} (default {})",
            self.least, self.greatest, self.unit, self.default
        )
    }
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $key:literal $unit:literal $default:expr, $least:expr, $greatest:expr; $remedy:literal;)*) => {
        $(
            $(#[$doc])*
            pub const $name: Limit = Limit {
                key: $key,
                unit: $unit,
                default: $default,
                least: $least,
                greatest: $greatest,
                remedy: $remedy,
            };
        )*

        /// Every limit.
        pub const ALL: &[Limit] = &[$($name),*];
    };
}

limits! {
    /// Records that may wait in the queue. A quarter is reserved for durable records, so fewer than 16 would leave
    /// a mode without room for a burst.
    QUEUE_RECORDS = "queue_records" "records" 8_192, 16, 1_048_576;
        "a longer queue only delays the loss: use mode `durable` for what must not be lost";
    /// Bytes that waiting records may hold. The least value holds one record of the greatest size in the quarter
    /// that is reserved for durable records.
    QUEUE_BYTES = "queue_bytes" "bytes" 16 << 20, 256 << 10, 4 << 30;
        "allow at least as much as the longest record needs four times over";
    /// Size at which a segment is closed and the next one opened.
    MAX_SIZE_MB = "max_size_mb" "mebibytes" 64, 1, 65_536;
        "segments are read whole by nobody, so a size near the default fits most services";
    /// Age at which a closed segment is removed; 0 keeps all for ever.
    KEEP_DAYS = "keep_days" "days" 30, 0, 36_500;
        "use 0 to keep everything for ever";
    /// Total size above which the oldest closed segments are removed; 0 sets no limit.
    KEEP_BYTES = "keep_bytes" "bytes" 0, 0, 1 << 60;
        "use 0 for no limit by size";
    /// Number of segments above which the oldest closed ones are removed; 0 sets no limit.
    KEEP_SEGMENTS = "keep_segments" "segments" 0, 0, 1_000_000;
        "use 0 for no limit by count";
    /// Longest time that a written record waits for the group commit that makes it durable.
    COMMIT_INTERVAL_MS = "commit_interval_ms" "milliseconds" 50, 1, 10_000;
        "a durable caller never waits for this timer, so a short interval buys nothing for it";
    /// How long the guard, when dropped, waits for the writer to finish.
    GUARD_TIMEOUT_MS = "guard_timeout_ms" "milliseconds" 5_000, 1, 600_000;
        "call `shutdown` with a timeout of your own to wait differently once";
    /// How full the journal's file system may be before the trail says so; 0 = never.
    DISK_WARN_PERCENT = "disk_warn_percent" "percent" 75, 0, 100;
        "use 0 to be told nothing";
    /// How full the journal's file system may be before the trail says that records will soon wait in memory; 0 = never.
    DISK_CRITICAL_PERCENT = "disk_critical_percent" "percent" 90, 0, 100;
        "use 0 to be told nothing";
    /// Steps of one call stack. Each takes up to six of the 512 keys that the structures of a line may have together.
    CALL_STACK_NODES = "call_stacks.nodes" "steps" 64, 1, 80;
        "more would not fit a line; leave spans out that are no steps";
    /// How deep the steps of a call stack stand. Each depth is two of the 64 that a line may have.
    CALL_STACK_DEPTH = "call_stacks.depth" "steps" 16, 1, 24;
        "more would not fit a line; leave spans out that are no steps";
}

/// Checks the two thresholds of the disk against each other.
pub(crate) fn disk_percents(warn: u64, critical: u64) -> Result<()> {
    if critical != 0 && warn > critical {
        return Err(Error::config(format!(
            "`disk_warn_percent` is {warn} and `disk_critical_percent` is {critical}; allowed are warnings up to the critical \
             threshold: lower the one or raise the other"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_lies_within_its_range() {
        for limit in ALL {
            assert_eq!(limit.check(limit.default).unwrap(), limit.default);
        }
    }

    #[test]
    fn the_ends_of_a_range_are_allowed_and_their_neighbours_are_not() {
        for limit in ALL {
            limit.check(limit.least).unwrap();
            limit.check(limit.greatest).unwrap();
            limit.check(limit.greatest + 1).unwrap_err();
            if let Some(below) = limit.least.checked_sub(1) {
                limit.check(below).unwrap_err();
            }
        }
    }

    #[test]
    fn a_refusal_names_the_key_the_value_the_range_and_the_remedy() {
        let error = QUEUE_RECORDS.check(3).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "`queue_records` is 3; allowed are 16 to 1048576 records (default 8192); a longer queue only delays \
             the loss: use mode `durable` for what must not be lost"
        );
    }
}
