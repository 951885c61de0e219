//! What can be configured, apart from how: modes, level floors, parts and streams of a trail, kinds of ids, limits, the environment, and `Config` for a file.

mod call_stacks;
mod environment;
#[cfg(feature = "config")]
mod file;
mod floors;
mod glob;
mod id_kind;
#[cfg(feature = "config")]
mod keys;
pub mod limits;
mod mode;
mod part;
mod streams;
#[cfg(feature = "config")]
mod validate;

pub use call_stacks::CallStacks;
pub use environment::{RETENTION_DAYS, retention_days};
#[cfg(feature = "config")]
pub use file::{Config, Levels, ModeRule, Redaction, RedactionMode, Seal};
pub use floors::{Family, Floors};
pub use glob::Glob;
pub use id_kind::IdKind;
#[cfg(feature = "config")]
pub(crate) use keys::unknown;
pub use mode::{Mode, Modes};
pub use part::Part;
#[cfg(feature = "config")]
pub use streams::RouteRule;
pub(crate) use streams::check as check_streams;
pub use streams::{MAX_STREAMS, Selection, Stream};
