//! Above the trail: the shapes of other systems' records, in and out.

pub mod profile;
