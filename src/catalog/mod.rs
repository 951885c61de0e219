//! Above the trail: typed events and strict entries, and the shapes of other systems' records, in and out.

pub mod dpa;
#[cfg(feature = "catalog")]
mod events;
pub mod profile;

#[cfg(feature = "catalog")]
pub use events::*;
