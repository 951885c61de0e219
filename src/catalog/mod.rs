//! Above the trail: events that are ready to be recorded, and the shapes of other systems' records, in and out.

#[cfg(feature = "catalog")]
mod events;
pub mod profile;

#[cfg(feature = "catalog")]
pub use events::*;
