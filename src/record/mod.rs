//! The vocabulary: what a record can say. Plain data, no I/O, no `tracing` types.

mod builder;
mod call_stack;
mod declared;
pub(crate) mod event;
mod failure;
mod field_type;
mod field_value;
mod fold;
pub(crate) mod frame;
pub(crate) mod heads;
mod ids;
pub(crate) mod marks;
mod names;
pub(crate) mod part;
mod slots;
mod value;
mod vocabulary;
mod word;

pub use builder::{Record, RecordBuilder};
pub use call_stack::{CallNode, CallStack};
pub(crate) use declared::{Declared, Plaintext};
pub(crate) use event::Place;
pub use event::{AuditEvent, EventMeta, FieldClass, FieldMeta};
pub use failure::AuditError;
pub use field_type::FieldType;
pub use field_value::{FieldValue, Misfit, Texts, View};
pub(crate) use fold::fold;
pub use ids::{SpanId, TraceContext, TraceId};
pub(crate) use names::make_table as make_names;
pub use names::{Naming, Resolved};
pub use slots::{Fill, Kind, Slot};
#[cfg(feature = "derive")]
pub use tracing_audit_derive::{AuditEvent, EventPart};
pub use value::{Map, Value};

#[cfg(feature = "catalog")]
pub(crate) use vocabulary::vocabulary;
pub use vocabulary::{ActorType, Level, Outcome, Verdict};
pub use word::Word;
