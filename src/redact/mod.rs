//! Redaction: the only door to the queue. A value enters through `Redacting`, and what it cannot say does not leave.

mod act;
mod field;
mod hmac;
mod ink;
mod ip;
mod names;
mod policy;
mod redacted;
mod redacting;
mod scan;
mod shown;
mod structured;
mod text;
mod vocabulary;
mod words;

pub(crate) use field::{FieldPlan, sees};
pub use ip::truncate_ip;
pub use policy::{Action, Policy, Rule};
pub(crate) use redacted::{Constants, Names, Redacted, RedactedFields, Tally};
pub(crate) use redacting::Redacting;
pub use scan::{Redaction, Scanned, scan};
