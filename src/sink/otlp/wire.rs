//! The protobuf wire format, as far as OTLP's logs need it: a writer that appends, and a reader of answers.

/// A request's bytes, whose room is used again. Not shown: they are records.
#[derive(Default)]
pub(super) struct Room(pub(super) Vec<u8>);

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Room(…)")
    }
}

/// Appends a varint.
#[inline]
pub(super) fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// What stands before every field of this number, below 16, and kind.
#[inline]
pub(super) const fn first(field: u32, kind: u8) -> u8 {
    (field << 3) as u8 | kind
}

#[inline]
pub(super) fn tag(out: &mut Vec<u8>, field: u32, kind: u8) {
    varint(out, u64::from(field << 3 | u32::from(kind)));
}

/// A field of kind varint: integers, truth values, enumerations.
#[inline]
pub(super) fn number(out: &mut Vec<u8>, field: u32, number: u64) {
    tag(out, field, 0);
    varint(out, number);
}

/// A field of eight bytes: `fixed64`, `double`.
pub(super) fn fixed64(out: &mut Vec<u8>, field: u32, bits: u64) {
    tag(out, field, 1);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// A field of four bytes.
pub(super) fn fixed32(out: &mut Vec<u8>, field: u32, bits: u32) {
    tag(out, field, 5);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// A field of bytes: text, bytes.
#[inline]
pub(super) fn bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    tag(out, field, 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A field of text that is given in parts.
#[inline]
pub(super) fn text(out: &mut Vec<u8>, field: u32, parts: &[&str]) {
    tag(out, field, 2);
    varint(out, parts.iter().map(|part| part.len() as u64).sum());
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

/// What stands before the content of a message, or of text, that has so many bytes.
#[inline]
pub(super) fn head(out: &mut Vec<u8>, field: u32, len: usize) {
    tag(out, field, 2);
    varint(out, len as u64);
}

/// How many bytes a varint takes.
#[inline]
pub(super) fn width(number: u64) -> usize {
    // One for every seven bits that are begun.
    (70 - (number | 1).leading_zeros() as usize) / 7
}

/// A message that is being written. Its length is known afterwards, and stands before it: room is left for it, and what
/// was written moves where that is not enough or too much.
#[derive(Debug)]
pub(super) struct Open {
    place: usize,
    room: usize,
}

/// Begins a field that is a message, whose length will probably take so many bytes.
#[inline]
pub(super) fn open(out: &mut Vec<u8>, field: u32, room: usize) -> Open {
    tag(out, field, 2);
    open_content(out, room)
}

/// The same behind its tag.
#[inline]
pub(super) fn open_content(out: &mut Vec<u8>, room: usize) -> Open {
    let place = out.len();
    out.extend_from_slice([0; 10].get(..room).unwrap_or_default());
    Open { place, room }
}

/// Ends a message at the end of what was written.
#[inline]
pub(super) fn close(out: &mut Vec<u8>, open: &Open) {
    let start = open.place + open.room;
    let len = out.len() - start;
    let needed = width(len as u64);
    if needed != open.room {
        let moved = open.place + needed;
        out.resize(out.len().max(moved + len), 0);
        out.copy_within(start..start + len, moved);
        out.truncate(moved + len);
    }
    let mut rest = len as u64;
    for at in open.place..open.place + needed {
        let more = if at + 1 < open.place + needed { 0x80 } else { 0 };
        if let Some(byte) = out.get_mut(at) {
            *byte = (rest & 0x7F) as u8 | more;
        }
        rest >>= 7;
    }
}

/// A field that is a short message, which `write` appends.
#[inline]
pub(super) fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let message = open(out, field, 1);
    write(out);
    close(out, &message);
}

/// A field of a message that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes.
    Fixed(u64),
}

/// Reads a message field by field; `None` in the place of a field says that the bytes are not a message.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Field::Number(self.varint()?),
            1 => Field::Fixed(little(self.take(8)?)),
            2 => {
                let len = self.varint()?;
                Field::Bytes(self.take(len)?)
            }
            5 => Field::Fixed(little(self.take(4)?)),
            _ => return None,
        };
        (tag >> 3 > 0).then_some((tag >> 3, value))
    }
}

/// The number of up to eight bytes, lowest first.
fn little(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_length_before_it_however_long_it_is() {
        for len in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
            for room in 0..6 {
                let mut out = vec![7];
                let message = open(&mut out, 2, room);
                out.resize(out.len() + len, b'x');
                close(&mut out, &message);
                let fields: Vec<_> = Fields::of(&out[1..]).collect();
                assert_eq!(fields, [Some((2, Field::Bytes(&vec![b'x'; len][..])))], "{len}");
                assert_eq!(out.len(), 2 + width(len as u64) + len);
            }
        }
    }

    #[test]
    fn a_varint_takes_as_many_bytes_as_are_said() {
        for bits in 0..64 {
            for number in [1_u64 << bits, (1 << bits) - 1, u64::MAX] {
                let mut out = Vec::new();
                varint(&mut out, number);
                assert_eq!(out.len(), width(number), "{number}");
            }
        }
    }

    #[test]
    fn what_is_no_message_is_told_and_ends_the_reading() {
        for wrong in [
            &b"<html>"[..],
            b"\x0a",
            b"\x0a\x05abc",
            b"\xff",
            b"\x00\x01",
            &[0x80; 11],
        ] {
            let fields: Vec<_> = Fields::of(wrong).collect();
            assert_eq!(fields.last(), Some(&None), "{wrong:?}");
        }
        assert_eq!(Fields::of(b"").next(), None);
    }
}
