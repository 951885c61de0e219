//! What stands before the values of a field.

use crate::record::frame::{Out, mark};
use crate::record::heads;

/// What stands before a value: a slot's number, or a map's key. Of fixed width, so that it is copied without a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) bytes: [u8; Self::WIDTH],
    pub(super) len: u8,
    is_long: bool,
    /// The head by its number, as the four bytes that begin an entry of which the last one, the tag, is missing; 0 where it has
    /// none.
    pub(super) numbered: u32,
    /// The whole head, where it is longer.
    long: Box<[u8]>,
}

impl Head {
    pub(super) const WIDTH: usize = 32;

    pub(super) fn new(head: &[u8]) -> Self {
        let mut bytes = [0; Self::WIDTH];
        match bytes.get_mut(..head.len()).filter(|_| head.len() < Self::WIDTH) {
            Some(place) => {
                place.copy_from_slice(head);
                Self {
                    bytes,
                    len: u8::try_from(head.len()).unwrap_or(0),
                    is_long: false,
                    numbered: 0,
                    long: Box::default(),
                }
            }
            None => Self {
                bytes,
                len: 0,
                is_long: true,
                numbered: 0,
                long: head.into(),
            },
        }
    }

    /// The same head with its number, if it can have one.
    pub(super) fn by_number(mut self) -> Self {
        self.numbered = heads::number(self.as_bytes()).map_or(0, |number| {
            let [low, high] = number.to_le_bytes();
            u32::from_le_bytes([mark::NUMBERED, low, high, 0])
        });
        self
    }

    /// Writes the head, by its number where it has one: whatever a field's values are, their entries begin alike.
    #[inline]
    pub(super) fn put(&self, out: &mut impl Out) {
        match self.numbered.to_le_bytes() {
            [0, ..] => out.extend(self.as_bytes()),
            [mark, low, high, _] => out.extend(&[mark, low, high]),
        }
    }

    /// Where the value stands in an entry that begins with this head, spelled out or by its number.
    pub(super) fn end_in(&self, entry: &[u8]) -> usize {
        match entry.first() {
            Some(&mark::NUMBERED) => 3,
            _ => self.len(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.as_bytes().len()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self.is_long {
            true => &self.long,
            false => self.bytes.get(..usize::from(self.len)).unwrap_or_default(),
        }
    }

    pub(super) fn is_short(&self) -> bool {
        !self.is_long
    }
}
