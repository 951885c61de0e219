//! What is made once for a whole process.

use std::sync::LazyLock;

use super::{beside, scan, vocabulary};

/// Makes the tables, so that no record waits for them. And no forked child: where another thread is about to make one at
/// the fork, the child waits for a thread that it has not.
pub(crate) fn make_tables() {
    LazyLock::force(&beside::NAMELESS);
    LazyLock::force(&vocabulary::VOCABULARY);
    scan::make_tables();
}
