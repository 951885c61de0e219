//! An error of any lifetime, with its sources, as the value of a field.
//!
//! `tracing` takes an error only where it borrows nothing. This value is shown by its `Debug` form, as any other, and that is the
//! error's message; a writer of ours is told beside it how many sources there are, and asks for their messages one by one.

use std::cell::Cell;
use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};

use super::recording::{self, Told};
use super::text::{MAX_CHAIN, source_of};

thread_local! {
    /// Which link of the chain the next [`Sourced`] shows: 0 is the error itself.
    static LINK: Cell<usize> = const { Cell::new(0) };
}

/// An error whose `Debug` form is its message, and that a trail takes with its sources.
#[derive(Clone, Copy)]
pub struct Sourced<'e>(&'e (dyn StdError + 'e));

impl<'e> Sourced<'e> {
    /// An error to record.
    #[must_use]
    pub fn new(error: &'e (dyn StdError + 'e)) -> Self {
        Self(error)
    }

    /// The errors below it, at most as many as a record states.
    fn sources(self) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
        std::iter::successors(source_of(self.0), |error| source_of(*error)).take(MAX_CHAIN - 1)
    }
}

impl Debug for Sourced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What its own code shows meanwhile is shown from the top.
        match LINK.try_with(Cell::take).unwrap_or_default() {
            0 => {
                // Before the message: its code may panic.
                let sources = self.sources().count();
                if sources != 0 && recording::is_ours(f, recording::silently())? {
                    recording::tell(f, recording::silently(), Told::Sources(sources))?;
                }
                Display::fmt(self.0, f)
            }
            link => self
                .sources()
                .nth(link - 1)
                .map_or(Ok(()), |error| Display::fmt(error, f)),
        }
    }
}

/// Runs what formats a value, of which the given link is to be shown.
pub(super) fn at_link<R>(link: usize, format: impl FnOnce() -> R) -> R {
    let _ = LINK.try_with(|cell| cell.set(link));
    let formatted = format();
    let _ = LINK.try_with(Cell::take);
    formatted
}
