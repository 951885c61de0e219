//! The persisted bytes: the canonical line, segment names and their reader. Described first in `docs/format.md`.

mod batch;

pub use batch::{Batch, Entry};
