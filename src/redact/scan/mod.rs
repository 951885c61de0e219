//! The value engine: finds in a text what must not stay in it, by shape and by the key beside it.
//! One pass of detectors over one buffer; what they claim is merged and cut once.
#![allow(
    dead_code,
    reason = "the detectors land one by one; the engine's own entry uses them all"
)]

pub(crate) mod hits;
