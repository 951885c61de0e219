//! Above the trail: typed entries, the shapes of other systems' records, in and out, records as CSV, and as sentences
//! for people.

pub mod csv;
pub mod dpa;
mod harmless;
pub mod profile;
mod sentences;

pub use harmless::harmless;
pub use sentences::Sentences;
