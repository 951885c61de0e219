//! Typed events, ready made: the layer above the pipeline, where what a kind of event must say is a type.

pub mod dpa;
