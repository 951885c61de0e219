//! What a thread remembers of the context that it reported in last, so that the next record in there asks nobody.
//!
//! A span's state in a box is read under its lock. Taking a lock is an atomic exchange, and that waits until all that the thread
//! wrote before has arrived in its cache: the record before this one too, in memory of the queue that the cache had long
//! forgotten.
//! Invariant: what is remembered is what the state says whose version is the key's. Whoever changes what a state hands down
//! gives it another version under its lock, and versions of a place never come again.

use std::cell::RefCell;

use super::span_state::HandedDown;
use crate::redact::{KeptFields, Redacting};

/// Whose context it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// The span.
    pub(super) id: u64,
    /// How often what stands in its place was changed.
    pub(super) version: u64,
    /// The stack that the span is of.
    pub(super) instance: u32,
}

impl Key {
    /// A span's id is never 0.
    const NOBODY: Self = Self {
        id: 0,
        version: 0,
        instance: 0,
    };
}

struct Handed {
    /// Whose context was asked for last. It is remembered when it is asked for again: many a span has one record inside.
    asked: Key,
    key: Key,
    has_actor: bool,
    fields: KeptFields,
}

thread_local! {
    /// Needs no destructor, and so no check at each access.
    static HANDED: RefCell<Handed> = const {
        RefCell::new(Handed {
            asked: Key::NOBODY,
            key: Key::NOBODY,
            has_actor: false,
            fields: KeptFields::NONE,
        })
    };
}

/// Appends what `key` hands down, if that is remembered; answers whether an actor is among it.
#[inline(always)]
pub(super) fn append(key: Key, into: &mut Redacting<'_>) -> Option<bool> {
    HANDED
        .try_with(|handed| {
            let handed = handed.try_borrow().ok().filter(|handed| handed.key == key)?;
            into.inherit_kept(&handed.fields);
            Some(handed.has_actor)
        })
        .ok()
        .flatten()
}

/// Remembers what the span of `key` hands down, if it is short and asked for again.
#[inline]
pub(super) fn keep(key: Key, from: &HandedDown<'_>) {
    let _ = HANDED.try_with(|handed| {
        let Ok(mut handed) = handed.try_borrow_mut() else {
            return;
        };
        if handed.asked != key {
            handed.asked = key;
            return;
        }
        handed.key = match handed.fields.keep(from.fields) {
            true => key,
            false => Key::NOBODY,
        };
        handed.has_actor = from.has_actor;
    });
}
