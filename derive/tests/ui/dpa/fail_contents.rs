//! There is nothing that takes contents, bodies, old and new values, or fields of the caller's own.

use tracing_audit::catalog::dpa::Entry;

fn main() {
    let _ = Entry::update("patient").payload("address", "New Street 2");
    let _ = Entry::update("patient").body("address", "New Street 2");
    let _ = Entry::update("patient").old_value("address", "New Street 2");
    let _ = Entry::update("patient").new_value("address", "New Street 2");
    let _ = Entry::update("patient").attribute("address", "New Street 2");
    let _ = Entry::update("patient").detail("address", "New Street 2");
    let _ = Entry::update("patient").label("address", "New Street 2");
    let _ = Entry::update("patient").set("address", "New Street 2");
}
