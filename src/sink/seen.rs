//! How far a sink has come in each stream, to tell repeated entries from new ones.

use crate::format::Entry;

/// The number of the next entry that is new, by stream. Streams are few.
#[derive(Debug, Default)]
pub(super) struct Seen {
    next: Vec<(Box<str>, u64)>,
}

impl Seen {
    pub(super) fn is_new(&self, entry: &Entry<'_>) -> bool {
        let stream = entry.stream().unwrap_or_default();
        let known = self.next.iter().find(|(known, _)| **known == *stream);
        known.is_none_or(|(_, next)| entry.seq() >= *next)
    }

    pub(super) fn take(&mut self, entry: &Entry<'_>) {
        let stream = entry.stream().unwrap_or_default();
        let next = entry.seq().saturating_add(1);
        match self.next.iter_mut().find(|(known, _)| **known == *stream) {
            Some((_, known)) => *known = next,
            None => self.next.push((stream.into(), next)),
        }
    }
}
