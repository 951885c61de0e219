//! A runtime of the sink's own, which turns only while a request is under way, and where that may be waited for.

use std::{io, thread};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::hush::quietly;

/// How many names are looked up at once. One that takes too long is given up, but its thread goes on.
const LOOKUPS: usize = 8;

/// A runtime, made when it is first used, on the thread that uses it.
#[derive(Debug, Default)]
pub(super) struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    pub(super) fn get(&mut self) -> io::Result<&Runtime> {
        match &mut self.0 {
            Some(runtime) => Ok(runtime),
            none => {
                let mut builder = Builder::new_current_thread();
                let builder = builder.enable_all().max_blocking_threads(LOOKUPS);
                Ok(none.insert(builder.thread_name("audit-otlp").build()?))
            }
        }
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // Without waiting: that is not allowed within another runtime, and a name that cannot be looked up holds nobody up. The
        // connections that it drops here report that, on whatever thread the sink is dropped.
        if let Some(runtime) = self.0.take() {
            quietly(|| runtime.shutdown_background());
        }
    }
}

/// Calls: here, or, where this thread is another runtime's and none of ours may wait on it, on a thread beside it.
pub(super) fn apart<T: Send>(call: impl FnOnce() -> T + Send) -> io::Result<T> {
    if Handle::try_current().is_err() {
        return Ok(call());
    }
    thread::scope(|scope| {
        let beside = thread::Builder::new().name("audit-otlp".to_owned());
        let called = beside.spawn_scoped(scope, call)?.join();
        called.map_err(|_| io::Error::other("the client panicked"))
    })
}
