//! The next request is written while one is under way: the collector reads, and does not have to wait for it.

use std::io;
use std::panic::resume_unwind;
use std::thread::{Builder, scope};

use super::answer::Verdict;
use super::transport::Exchange;
use crate::format::Entry;

/// Writes a request with entries; what is in its place is behind nothing.
pub(super) type Encode<'e> = dyn FnMut(&[Entry<'_>], &mut Vec<u8>) -> io::Result<()> + Send + 'e;

/// Fewer entries are written sooner than a thread begins.
const WORTH: usize = 64;

/// Sends a request, and meanwhile has the next entries written, in their room; `None` where they were not.
pub(super) fn ask(
    request: &[u8],
    (next, room): (&[Entry<'_>], &mut Vec<u8>),
    encode: &mut Encode<'_>,
    to: &mut impl Exchange,
) -> (Verdict, Option<io::Result<()>>) {
    if next.len() < WORTH {
        return (to.exchange(request), None);
    }
    scope(|scope| {
        let write = || {
            room.clear();
            encode(next, room)
        };
        // It is the writing that goes elsewhere: what a client of HTTP reports is hushed on this thread.
        let writing = Builder::new()
            .name("audit-encode".to_owned())
            .spawn_scoped(scope, write);
        let verdict = to.exchange(request);
        // Without a thread it is written when it is due.
        let written = writing.ok().map(|writing| writing.join());
        let written = written.map(|written| written.unwrap_or_else(|panic| resume_unwind(panic)));
        (verdict, written)
    })
}
