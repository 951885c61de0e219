//! Silence on a thread of ours: what a client below a sink reports through `tracing` is nobody's record, log line or span.

use std::cell::Cell;

use tracing_core::dispatcher::{Dispatch, get_default, with_default};
use tracing_core::subscriber::NoSubscriber;
use tracing_core::{Interest, Metadata};

thread_local! {
    static IS_HUSHED: Cell<bool> = const { Cell::new(false) };
}

/// What a wrapper of ours answers to: it has nothing enabled where a thread is hushed. It has no size and no content, so any
/// pointer can stand for it.
pub(crate) struct Hushes;

/// The crates below a sink that report through `tracing`.
const CRATES: [&str; 6] = ["h2", "hyper", "hyper_util", "rustls", "tonic", "tower"];

/// Calls what reports through `tracing`, and has nobody hear it.
///
/// Where a wrapper of ours is the subscriber, it is deaf meanwhile on this thread. Else this thread has a subscriber of its own
/// that takes nothing; while any thread has one, `tracing` asks every thread which one it has, a few nanoseconds for each
/// callsite that is passed.
pub(crate) fn quietly<T>(call: impl FnOnce() -> T) -> T {
    if get_default(|dispatch| dispatch.is::<Hushes>()) {
        let _hushed = Hushed::begin();
        return call();
    }
    with_default(&Dispatch::new(NoSubscriber::new()), call)
}

/// The interest of a callsite that is not ours, where `inner` is that of the stack inside: of one that a sink's thread can
/// pass the wrapper is asked each time.
pub(crate) fn interest(metadata: &Metadata<'_>, inner: Interest) -> Interest {
    let of = metadata.target().split("::").next().unwrap_or_default();
    if inner.is_always() && CRATES.contains(&of) {
        return Interest::sometimes();
    }
    inner
}

/// Whether wrappers of ours are deaf on this thread.
#[inline]
pub(crate) fn is_hushed() -> bool {
    IS_HUSHED.try_with(Cell::get).unwrap_or_default()
}

/// The thread is hushed until this is dropped.
struct Hushed(bool);

impl Hushed {
    fn begin() -> Self {
        Self(IS_HUSHED.replace(true))
    }
}

impl Drop for Hushed {
    fn drop(&mut self) {
        IS_HUSHED.set(self.0);
    }
}
