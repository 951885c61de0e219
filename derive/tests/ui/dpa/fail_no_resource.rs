//! What kind of thing it was done to is not said.

use tracing_audit::catalog::dpa::Entry;

fn main() {
    let _ = Entry::view();
}
