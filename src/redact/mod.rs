//! Redaction: the only door to the queue. A value enters through `Redacting`, and what it cannot say does not leave.

mod act;
mod action;
mod beside;
mod carried;
mod class;
mod counts;
mod erasable;
mod explain;
mod field;
#[cfg(feature = "config")]
mod file;
mod head;
mod hmac;
mod ink;
mod instead;
mod ip;
mod judge;
mod lent;
mod mac;
mod memo;
mod names;
mod normal;
mod one;
mod pattern;
#[cfg(test)]
mod pieces_tests;
mod plans;
mod policy;
#[doc(hidden)]
pub mod probe;
mod ready;
mod recording;
mod redacted;
mod redacting;
mod rule;
mod scalars;
mod scan;
pub mod sensitive;
mod short;
mod shown;
mod sift;
mod sourced;
mod step;
mod structured;
mod tables;
mod text;
mod texts;
mod typed;
mod view;
mod vocabulary;
mod words;

pub use action::Action;
pub use carried::Carry;
pub use class::{Class, ClassKind};
pub use explain::{Explained, Sought, Treatment};
pub(crate) use field::{FieldPlan, Of, sees};
pub use hmac::sha256;
pub use ip::truncate_ip;
pub(crate) use lent::{FewFields, FieldWords, HandedFields, Lending};
pub use one::{Applied, Treated};
pub use pattern::{Alphabet, Pattern};
pub use policy::Policy;
pub(crate) use redacted::{Constants, KeptFields, Names, Redacted, RedactedFields, Tally};
pub(crate) use redacting::Redacting;
pub(crate) use rule::About;
pub use rule::{FieldRule, ValueType};
pub(crate) use scan::Counted;
pub use scan::{Redaction, Scanned, scan};
pub use sensitive::{Classified, Sensitive};
pub(crate) use short::Shortcut;
pub(crate) use sourced::Sourced;
pub(crate) use step::{StepNode, StepText};
pub(crate) use tables::make_tables;
#[cfg(feature = "derive")]
pub use tracing_audit_derive::AuditFields;
pub use view::{AuditField, AuditFields, AuditView};
