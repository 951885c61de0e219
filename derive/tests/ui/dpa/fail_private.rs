//! The record of an entry is nobody's to set.

use tracing_audit::catalog::dpa::Entry;
use tracing_audit::record::Record;

fn main() {
    let record = Record::builder("data_access.view").build();
    let _ = Entry { record };
}
