//! Which context a span stands in: its nearest ancestor with a context of ours, or itself if it has one.
//!
//! An ordinary span costs two stores here, and only while there is a context to inherit. Places are found by the
//! registry's slab address, which stands in an id's low bits; a second span for the same place goes to a map.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// A power of two.
const PLACES: usize = 4096;

pub(super) struct Links {
    places: Box<[Link]>,
    /// Spans whose place was taken.
    crowded: Mutex<HashMap<u64, u64>>,
    crowd: AtomicUsize,
}

#[derive(Default)]
struct Link {
    /// The span, or 0.
    id: AtomicU64,
    /// Its nearest ancestor with a context, or 0.
    tracked: AtomicU64,
}

/// Spreads ids of different threads' slabs, whose low bits are alike.
pub(super) fn place(id: u64, places: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
    let mixed = (id ^ (id >> 38).wrapping_mul(0x9E37)) as usize;
    mixed & (places - 1)
}

impl Links {
    pub(super) fn new() -> Self {
        Self {
            places: (0..PLACES).map(|_| Link::default()).collect(),
            crowded: Mutex::new(HashMap::new()),
            crowd: AtomicUsize::new(0),
        }
    }

    /// Remembers that `id` stands in the context of `tracked` (0: in none, whatever surrounds it).
    ///
    /// Only the thread that creates the span calls this, before anybody else has the id: plain stores suffice,
    /// and what hands the span to another thread orders them.
    #[inline]
    pub(super) fn insert(&self, id: u64, tracked: u64) {
        let Some(link) = self.places.get(place(id, PLACES)) else {
            return;
        };
        if link
            .id
            .compare_exchange(0, id, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
        {
            link.tracked.store(tracked, Ordering::Release);
        } else {
            self.crowded.lock().insert(id, tracked);
            self.crowd.fetch_add(1, Ordering::Release);
        }
    }

    /// The context of `id`: `None` where nothing was remembered.
    #[inline]
    pub(super) fn get(&self, id: u64) -> Option<u64> {
        let link = self.places.get(place(id, PLACES))?;
        if link.id.load(Ordering::Acquire) == id {
            return Some(link.tracked.load(Ordering::Acquire));
        }
        if self.crowd.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.crowded.lock().get(&id).copied()
    }

    /// Forgets a closed span, and says which context it stood in.
    #[inline]
    pub(super) fn remove(&self, id: u64) -> Option<u64> {
        let link = self.places.get(place(id, PLACES))?;
        if link.id.load(Ordering::Acquire) == id {
            let tracked = link.tracked.load(Ordering::Acquire);
            link.id.store(0, Ordering::Release);
            return Some(tracked);
        }
        if self.crowd.load(Ordering::Acquire) == 0 {
            return None;
        }
        let tracked = self.crowded.lock().remove(&id)?;
        self.crowd.fetch_sub(1, Ordering::Release);
        Some(tracked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_span_for_the_same_place_is_found_and_forgotten() {
        let links = Links::new();
        let (first, second) = (7, 7 + PLACES as u64);
        links.insert(first, 100);
        links.insert(second, 200);
        assert_eq!((links.get(first), links.get(second)), (Some(100), Some(200)));
        links.remove(first);
        assert_eq!((links.get(first), links.get(second)), (None, Some(200)));
        links.remove(second);
        assert_eq!(links.get(second), None);
        assert_eq!(links.crowd.load(Ordering::Relaxed), 0);
    }
}
