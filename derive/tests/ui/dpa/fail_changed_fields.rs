//! Only an update has changed fields.

use tracing_audit::catalog::dpa::{Action, Entry};

fn main() {
    let _ = Entry::view("patient").changed_fields(["address"]);
    let _ = Entry::of(Action::Update, "patient").changed_fields(["address"]);
}
