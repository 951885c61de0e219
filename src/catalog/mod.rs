//! Above the trail: typed events and strict entries, the shapes of other systems' records, in and out, records as CSV, and
//! as sentences for people.

pub mod csv;
pub mod dpa;
#[cfg(feature = "catalog")]
mod events;
mod harmless;
pub mod profile;
mod sentences;

#[cfg(feature = "catalog")]
pub use events::*;
pub use harmless::harmless;
pub use sentences::Sentences;
