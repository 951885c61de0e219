//! Redaction: the only door to the queue. A value enters through `Redacting`, and what it cannot say does not leave.

mod act;
mod action;
mod beside;
mod class;
mod counts;
mod field;
mod hmac;
mod ink;
mod ip;
mod judge;
mod names;
mod normal;
mod plans;
mod policy;
mod redacted;
mod redacting;
mod rule;
mod scalars;
mod scan;
mod shown;
mod sift;
mod structured;
mod text;
mod vocabulary;
mod words;

pub use action::Action;
pub use class::{Class, ClassKind};
pub(crate) use field::{FieldPlan, Of, sees};
pub use ip::truncate_ip;
pub use policy::Policy;
pub(crate) use redacted::{Constants, Names, Redacted, RedactedFields, Tally};
pub(crate) use redacting::Redacting;
pub(crate) use rule::About;
pub use rule::{FieldRule, ValueType};
pub use scan::{Redaction, Scanned, scan};
