//! Above the trail: typed entries, and the shapes of other systems' records, in and out.

pub mod dpa;
pub mod profile;
