//! The value engine: finds in a text what must not stay in it, by shape and by the key beside it.
//! One pass of detectors over one buffer; what they claim is merged and cut once.
#![allow(
    dead_code,
    reason = "the detectors land one by one; the engine's own entry uses them all"
)]

mod account;
mod address;
mod bytes;
mod card;
mod clue;
mod digits;
mod email;
pub(crate) mod encoded;
mod escapes;
pub(crate) mod fold;
mod fold_table;
mod government;
pub(crate) mod hits;
mod iban;
mod named;
pub(crate) mod numbers;
mod phone;
