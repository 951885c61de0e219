//! The vocabulary: what a record can say. Plain data, no I/O, no `tracing` types.

mod builder;
mod call_stack;
mod declared;
pub(crate) mod frame;
mod ids;
mod names;
mod slots;
mod value;
mod vocabulary;

pub use builder::{Record, RecordBuilder};
pub use call_stack::{CallNode, CallStack};
pub(crate) use declared::{Declared, Plaintext};
pub use ids::{SpanId, TraceContext, TraceId};
pub use names::{Naming, Resolved};
pub use slots::{Fill, Kind, Slot};
pub use value::{Map, Value};
pub use vocabulary::{ActorType, Level, Outcome, Verdict};
