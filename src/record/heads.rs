//! Heads of entries by number. What stands before the values of a callsite's fields is the same each time, and has no fixed
//! length; its number has, and is written by one instruction. So has an entry that is the same each time, whatever the field's
//! value is, because a marker stands for it.
//!
//! Heads come from source code: a program has as many as it has slots and names of fields in its callsites. Ready entries come
//! from policies as well, so that they leave half of the numbers to the heads. Neither are ever forgotten, so that a frame of any
//! age can be read.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use parking_lot::RwLock;

use super::frame::mark;
use super::slots::Slot;
use crate::memory;

/// How many heads and ready entries get a number. What comes later is written out.
const MOST: usize = PAGES * PAGE;
const PAGES: usize = 64;
const PAGE: usize = 256;

type Page = [OnceLock<&'static [u8]>; PAGE];

/// The heads and entries by number. Who reads one waits for nobody: callers do, where a record's stream depends on its fields.
static HEADS: [OnceLock<Box<Page>>; PAGES] = [const { OnceLock::new() }; PAGES];

/// Their numbers. Only who holds it to write adds to [`HEADS`].
static NUMBERS: RwLock<BTreeMap<&'static [u8], u16>> = RwLock::new(BTreeMap::new());

/// The number of a head, which gets one now if it has none; `None` for a head that is neither a slot nor a member's, where all
/// numbers are given away, and where there is no memory for it.
pub(crate) fn number(head: &[u8]) -> Option<u16> {
    part(head)?;
    known(head, MOST)
}

/// The number of the entry of a map's member, with the remarks on it, as for [`number`]; `None` for what is none.
pub(crate) fn ready_number(entry: &[u8]) -> Option<u16> {
    ready_slot(entry)?;
    known(entry, MOST / 2)
}

fn known(bytes: &[u8], most: usize) -> Option<u16> {
    let known = NUMBERS.read().get(bytes).copied();
    known.or_else(|| add(bytes, most))
}

/// A new number below `most`.
fn add(head: &[u8], most: usize) -> Option<u16> {
    /// More than a leaf of the tree takes.
    const LEAF: usize = 1024;
    let mut numbers = NUMBERS.write();
    if let Some(known) = numbers.get(head) {
        return Some(*known);
    }
    let count = numbers.len();
    let number = u16::try_from(count).ok().filter(|_| count < most)?;
    // Nothing is lost without a number, so nothing is noted.
    if !memory::is_there(head.len() + size_of::<Page>() + LEAF) {
        return None;
    }
    let head: &'static [u8] = Box::leak(head.into());
    let page = HEADS
        .get(count / PAGE)?
        .get_or_init(|| Box::new([const { OnceLock::new() }; PAGE]));
    page.get(count % PAGE)?.set(head).ok()?;
    numbers.insert(head, number);
    Some(number)
}

/// The head, or the entry, with this number.
pub(crate) fn head(number: [u8; 2]) -> Option<&'static [u8]> {
    let [at, page] = number.map(usize::from);
    HEADS.get(page)?.get()?.get(at)?.get().copied()
}

/// The entry with this number, and the slot that it is a member of.
pub(crate) fn ready(number: [u8; 2]) -> Option<(&'static [u8], Slot)> {
    let entry = head(number)?;
    Some((entry, ready_slot(entry)?))
}

/// The slot of a member's entry; `None` for a head, which has no value, and for an entry that is no member's.
fn ready_slot(entry: &[u8]) -> Option<Slot> {
    match *entry {
        [mark::KEYED, slot, len, ref rest @ ..] if rest.len() > usize::from(len) => Slot::from_index(slot),
        _ => None,
    }
}

/// What a head says: a slot, or the slot of a map and the key in it.
pub(crate) fn part(head: &[u8]) -> Option<(Slot, Option<&[u8]>)> {
    match *head {
        [mark::KEYED, slot, len, ref key @ ..] if key.len() == usize::from(len) => {
            Some((Slot::from_index(slot)?, Some(key)))
        }
        [slot] => Some((Slot::from_index(slot)?, None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::frame::Put;

    #[test]
    fn a_head_keeps_its_number_and_no_two_have_the_same() {
        let keyed = |name: &str| {
            let mut head = Vec::new();
            Put::keyed(&mut head, Slot::Attributes, name);
            head
        };
        let heads = [keyed("heads.one"), keyed("heads.two"), vec![Slot::Action.index()]];
        let numbers = heads.each_ref().map(|bytes| number(bytes).unwrap());
        assert_eq!(heads.each_ref().map(|bytes| number(bytes).unwrap()), numbers);
        for (bytes, number) in heads.iter().zip(numbers) {
            assert_eq!(head(number.to_le_bytes()), Some(&**bytes));
        }
        assert_eq!(part(&heads[0]), Some((Slot::Attributes, Some(&b"heads.one"[..]))));
        assert_eq!(part(&heads[2]), Some((Slot::Action, None)));
    }

    #[test]
    fn what_is_no_head_gets_no_number() {
        let mut long = vec![mark::KEYED, Slot::Attributes.index(), 5];
        long.extend_from_slice(b"four");
        for bytes in [&[][..], &[mark::LEVEL], &[mark::ERASABLE, 0, 1], &[1, 2], &long] {
            assert_eq!(number(bytes), None, "{bytes:?}");
        }
        assert_eq!(head([0xFF; 2]), None);
    }

    #[test]
    fn an_entry_has_a_number_that_is_no_heads() {
        let mut entry = Vec::new();
        Put::keyed(&mut entry, Slot::Labels, "heads.ready");
        let head_number = number(&entry).unwrap().to_le_bytes();
        assert_eq!(ready_number(&entry), None);
        Put::str(&mut entry, "[REDACTED]");
        assert_eq!(number(&entry), None);
        let entry_number = ready_number(&entry).unwrap().to_le_bytes();
        assert_eq!(ready(entry_number), Some((&*entry, Slot::Labels)));
        assert_eq!((ready(head_number), part(&entry)), (None, None));
        let mut slot = vec![Slot::Action.index()];
        Put::str(&mut slot, "[REDACTED]");
        assert_eq!(ready_number(&slot), None);
    }
}
