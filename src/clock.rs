//! Time as a parameter: the system's clock, or one that a test moves by hand.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The last instant that a line can state: 2262-04-11T23:47:16.854775807Z, in nanoseconds since the Unix epoch.
///
/// The limit is that of a signed 64-bit count, so that every reader (SQLite, DuckDB, OTLP) can hold it.
pub const MAX_TIME: u64 = i64::MAX as u64;

/// Where wall-clock time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
    fn now(&self) -> u64;

    /// Nanoseconds since some fixed instant, never decreasing: what durations are measured by.
    /// Default: [`Clock::now`].
    fn monotonic(&self) -> u64 {
        self.now()
    }
}

/// The operating system's clock. A clock set before 1970 reads as 0, one after [`MAX_TIME`] as [`MAX_TIME`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> u64 {
        system::since_epoch().min(MAX_TIME)
    }

    #[inline]
    fn monotonic(&self) -> u64 {
        system::monotonic()
    }
}

/// Every record asks for the time, and half of what `SystemTime` costs is the `Duration` that it answers with. What the
/// system's call answers is two numbers.
#[cfg(target_os = "linux")]
mod system {
    use rustix::time::{ClockId, clock_gettime};

    use super::MAX_TIME;

    /// Nanoseconds; 0 before the epoch.
    #[inline]
    pub(super) fn since_epoch() -> u64 {
        read(ClockId::Realtime)
    }

    /// Nanoseconds since the machine was started.
    #[inline]
    pub(super) fn monotonic() -> u64 {
        read(ClockId::Monotonic)
    }

    #[inline]
    fn read(clock: ClockId) -> u64 {
        let now = clock_gettime(clock);
        let (Ok(seconds), Ok(nanos)) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec)) else {
            return 0;
        };
        // One question instead of one for each step: what is later cannot be stated anyway.
        if seconds >= MAX_TIME / 1_000_000_000 {
            return MAX_TIME;
        }
        seconds * 1_000_000_000 + nanos
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    /// Nanoseconds; 0 before the epoch.
    pub(super) fn since_epoch() -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        nanos(since.unwrap_or_default())
    }

    /// Nanoseconds since the first call.
    pub(super) fn monotonic() -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        nanos(START.get_or_init(Instant::now).elapsed())
    }

    fn nanos(since: Duration) -> u64 {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Clock for Arc<dyn Clock> {
    fn now(&self) -> u64 {
        (**self).now()
    }

    fn monotonic(&self) -> u64 {
        (**self).monotonic()
    }
}

/// A clock that stands still until a test moves it. Clones share the same hands.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows `nanos` since the Unix epoch.
    #[must_use]
    pub fn new(nanos: u64) -> Self {
        Self {
            now: Arc::new(AtomicU64::new(nanos)),
        }
    }

    /// Moves the hands to `nanos`, forwards or backwards.
    pub fn set(&self, nanos: u64) {
        self.now.store(nanos, Ordering::SeqCst);
    }

    /// Moves the hands forward.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.now.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }
}

/// When a wait that begins now ends. One that is too long to be stated ends in thirty years.
pub(crate) fn deadline(timeout: std::time::Duration) -> std::time::Instant {
    let now = std::time::Instant::now();
    let longest = Duration::from_secs(30 * 365 * 24 * 3600);
    now.checked_add(timeout)
        .or_else(|| now.checked_add(longest))
        .unwrap_or(now)
}

/// A clock as components hold it: the system's without a virtual call, any other behind one.
#[derive(Debug, Clone, Default)]
pub(crate) enum SharedClock {
    #[default]
    System,
    Custom(Arc<dyn Clock>),
}

impl SharedClock {
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match self {
            Self::System => SystemClock.now(),
            // A line can state no later time, and a record is not refused because a clock is wrong.
            Self::Custom(clock) => clock.now().min(MAX_TIME),
        }
    }

    #[inline]
    pub(crate) fn monotonic(&self) -> u64 {
        match self {
            Self::System => SystemClock.monotonic(),
            Self::Custom(clock) => clock.monotonic(),
        }
    }
}
