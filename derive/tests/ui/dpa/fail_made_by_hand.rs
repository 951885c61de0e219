//! An entry comes from its builder, and nobody says that a part was given which was not.

use tracing_audit::catalog::dpa::{Entry, EntryBuilder, Given, Other};
use tracing_audit::record::Record;

fn main() {
    let _: Entry = Record::builder("data_access.view").build().into();
    let _: EntryBuilder<Other, Given> = Entry::view("patient");
}
