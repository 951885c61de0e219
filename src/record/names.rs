//! Which field name means which slot.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::slots::{Fill, Slot};

/// How a recognised name is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Naming {
    /// The value fills the slot as it is.
    Plain,
    /// The value is in milliseconds; the slot in nanoseconds.
    Millis,
    /// A W3C `traceparent` header, which fills the trace ids.
    Traceparent,
    /// `start = true` asks for a record when the span begins.
    Start,
}

/// What a field name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolved<'a> {
    /// A slot of the record.
    Slot(Slot, Naming),
    /// A key of `labels`.
    Label(&'a str),
    /// A key of `hashes`.
    Hash(&'a str),
    /// A place inside `detail`: the keys that lead there, with dots between them.
    Detail(&'a str),
    /// Not recognised, or reserved: a key of `attributes`.
    Attribute(&'a str),
}

/// The names that are read in a way of their own, with the slot whose place they take.
const SPECIAL: &[(&str, Slot, Naming)] = &[
    ("duration_ms", Slot::DurationNs, Naming::Millis),
    ("latency_ms", Slot::DurationNs, Naming::Millis),
    ("traceparent", Slot::TraceId, Naming::Traceparent),
    ("start", Slot::Phase, Naming::Start),
];

static NAMES: LazyLock<HashMap<&'static str, (Slot, Naming)>> = LazyLock::new(|| {
    let settable = Slot::ALL
        .iter()
        .copied()
        .filter(|slot| slot.fill() != Fill::Reserved);
    let plain = settable.flat_map(|slot| {
        let names = std::iter::once(slot.path()).chain(slot.aliases().iter().copied());
        names.map(move |name| (name, (slot, Naming::Plain)))
    });
    plain
        .chain(SPECIAL.iter().map(|&(name, slot, naming)| (name, (slot, naming))))
        .collect()
});

/// Makes the table of names, so that no record waits for it.
pub(crate) fn make_table() {
    LazyLock::force(&NAMES);
}

impl<'a> Resolved<'a> {
    /// Looks a field name up, with or without the prefix `audit.`.
    #[must_use]
    pub fn of(name: &'a str) -> Self {
        let bare = name.strip_prefix("audit.").unwrap_or(name);
        if let Some(&(slot, naming)) = NAMES.get(bare) {
            return Self::Slot(slot, naming);
        }
        match bare.split_once('.') {
            Some(("label" | "labels", key)) if !key.is_empty() => Self::Label(key),
            Some(("hash" | "hashes", key)) if !key.is_empty() => Self::Hash(key),
            Some(("detail", path)) if is_path(path) => Self::Detail(path),
            _ => Self::Attribute(name),
        }
    }

    /// Every name that fills a slot, with how it is read: what `docs/fields.md` lists.
    pub fn names() -> impl Iterator<Item = (&'static str, Slot, Naming)> {
        let mut names: Vec<_> = NAMES
            .iter()
            .map(|(&name, &(slot, naming))| (name, slot, naming))
            .collect();
        names.sort_unstable();
        names.into_iter()
    }
}

/// The most keys that lead to a place inside `detail`, and the most bytes of them.
const MAX_KEYS: usize = 16;
const MAX_PATH: usize = 255;

/// Whether this leads to a place inside a value. A name that does not is an attribute like any other.
const fn is_path(path: &str) -> bool {
    let bytes = path.as_bytes();
    let (mut at, mut keys, mut before) = (0, 1, b'.');
    while at < bytes.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "a loop over its own length; `get` is not const"
        )]
        let byte = bytes[at];
        if byte < b' ' || (byte == b'.' && before == b'.') {
            return false;
        }
        keys += (byte == b'.') as usize;
        before = byte;
        at += 1;
    }
    before != b'.' && keys <= MAX_KEYS && bytes.len() <= MAX_PATH
}

impl PartialOrd for Naming {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Naming {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_two_slots() {
        let mut seen = std::collections::HashMap::new();
        for slot in Slot::ALL
            .iter()
            .copied()
            .filter(|slot| slot.fill() != Fill::Reserved)
        {
            for name in std::iter::once(slot.path()).chain(slot.aliases().iter().copied()) {
                assert_eq!(seen.insert(name, slot), None, "{name} is claimed twice");
            }
        }
        for (name, ..) in SPECIAL {
            assert_eq!(seen.get(name), None, "{name} is claimed twice");
        }
    }

    #[test]
    fn a_name_below_detail_is_a_place_in_it_where_its_keys_can_be() {
        for name in ["detail.tool.name", "detail.x", "audit.detail.tool.name"] {
            let path = name.trim_start_matches("audit.").trim_start_matches("detail.");
            assert_eq!(Resolved::of(name), Resolved::Detail(path));
        }
        let deep = format!("detail{}", ".x".repeat(MAX_KEYS + 1));
        let long = format!("detail.{}", "x".repeat(MAX_PATH + 1));
        for name in [
            "detail",
            "detail.",
            "detail..x",
            "detail.x.",
            "detail.x..y",
            "detail.\0",
            "details.x",
            &deep,
            &long,
        ] {
            assert_eq!(Resolved::of(name), Resolved::Attribute(name));
        }
    }

    #[test]
    fn reserved_names_are_attributes() {
        for slot in Slot::ALL
            .iter()
            .copied()
            .filter(|slot| slot.fill() == Fill::Reserved)
        {
            assert_eq!(Resolved::of(slot.path()), Resolved::Attribute(slot.path()));
        }
    }
}
