//! The in-memory form of a record between threads: one flat byte string, written without allocation.
//!
//! A frame is self-contained, but for what has a number in this process (see `heads.rs`). It is never persisted.
//!
//! ```text
//! frame     = time(u64 LE) entry*          a later entry for the same slot or key wins
//! entry     = slot(u8) value               slot < Slot::COUNT
//!           | KEYED(u8) slot(u8) key value  one member of attributes, labels or hashes; or a place inside detail, whose
//!                                           key is the keys that lead there, with `STEP` between them
//!           | NUMBERED(u8) number(u16 LE) value
//!                                           one of these two, whose head (what stands before its value) has this number
//!           | READY(u8) number(u16 LE)      an entry with the remarks on it, all of which has this number
//!           | REMARK(u8) action(u8) n(u16 LE) key(rule) key(kind of personal data) key(field)
//!           | LEVEL(u8)                       what follows is said by a span, scope or event further inside
//!           | CUT(u8) original_len(u64 LE, 0 = not stated) key
//!           | ERASABLE(u8) key(field that names the subject) entry
//!                                           the value of the entry does not stand in the line: a commitment does
//! value     = tag(u8) payload              see `tag`
//! key       = len(u8) bytes                longer names are cut on a character boundary
//! ```

/// What follows a value's tag.
pub(crate) mod tag {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const FALSE: u8 = 1;
    pub(crate) const TRUE: u8 = 2;
    /// `i64` LE.
    pub(crate) const I64: u8 = 3;
    /// `u64` LE.
    pub(crate) const U64: u8 = 4;
    /// `i128` LE.
    pub(crate) const I128: u8 = 5;
    /// `u128` LE.
    pub(crate) const U128: u8 = 6;
    /// `f64` LE bits.
    pub(crate) const F64: u8 = 7;
    /// `len(u32 LE)`, then UTF-8.
    pub(crate) const STR: u8 = 8;
    /// `len(u32 LE)`, then bytes.
    pub(crate) const BYTES: u8 = 9;
    /// `count(u32 LE)`, then values.
    pub(crate) const LIST: u8 = 10;
    /// `count(u32 LE)`, then `len(u32 LE) key` and value, in turn.
    pub(crate) const MAP: u8 = 11;
    /// As `STR`; the text came from `Debug` or `Display`, so it may be the form of a list.
    pub(crate) const FORMATTED: u8 = 12;
    /// 32 bytes: the commitment that stands for an erasable value.
    pub(crate) const COMMITMENT: u8 = 13;
}

/// First bytes of entries that are not a slot of their own.
pub(crate) mod mark {
    pub(crate) const KEYED: u8 = 0xF0;
    pub(crate) const REMARK: u8 = 0xF1;
    pub(crate) const CUT: u8 = 0xF2;
    /// An actor named behind this mark is somebody else than one named before it: of that one nothing is inherited.
    pub(crate) const LEVEL: u8 = 0xF3;
    /// The value of the entry behind this mark is erasable; what names its subject stands between.
    pub(crate) const ERASABLE: u8 = 0xF4;
    /// The head of the entry stands elsewhere, under the number behind this mark.
    pub(crate) const NUMBERED: u8 = 0xF5;
    /// The entry, its value and the remarks on it stand elsewhere, under the number behind this mark.
    pub(crate) const READY: u8 = 0xF6;
}

/// Stands between the keys that lead to a place inside `detail`. It is below every other character, so that places in
/// the order of their keys' bytes are in the order in which a line has them.
pub(crate) const STEP: u8 = 0;

/// Bytes before the first entry.
pub(crate) const HEADER: usize = 8;

/// The longest text that a frame takes as one value; the line's own limit is close to it.
pub(crate) const MAX_VALUE: usize = 64 * 1024;

/// The deepest nesting of lists and maps that is written; deeper values become a marker.
pub(crate) const MAX_DEPTH: usize = 60;

use super::slots::Slot;
use super::value::Value;

/// Cuts `text` to at most `limit` bytes, on a character boundary.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    // `str::floor_char_boundary` is newer than the Rust version that this crate supports.
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A byte string that grows at its end.
pub(crate) trait Out {
    fn extend(&mut self, bytes: &[u8]);
}

impl Out for Vec<u8> {
    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Appends frame parts to a byte string. Free functions in a type's clothes: the bytes belong to the caller.
pub(crate) struct Put;

impl Put {
    #[inline]
    pub(crate) fn key(buf: &mut impl Out, name: &str) {
        let name = cut(name, 255);
        buf.extend(&[u8::try_from(name.len()).unwrap_or(0)]);
        buf.extend(name.as_bytes());
    }

    /// The head of a keyed entry: what stands before its value.
    pub(crate) fn keyed(buf: &mut impl Out, slot: Slot, name: &str) {
        buf.extend(&[mark::KEYED, slot.index()]);
        Self::key(buf, name);
    }

    #[inline]
    pub(crate) fn bool(buf: &mut impl Out, truth: bool) {
        buf.extend(&[if truth { tag::TRUE } else { tag::FALSE }]);
    }

    #[inline]
    pub(crate) fn i64(buf: &mut impl Out, number: i64) {
        Self::tagged(buf, tag::I64, number.to_le_bytes());
    }

    #[inline]
    pub(crate) fn u64(buf: &mut impl Out, number: u64) {
        Self::tagged(buf, tag::U64, number.to_le_bytes());
    }

    pub(crate) fn i128(buf: &mut impl Out, number: i128) {
        Self::tagged(buf, tag::I128, number.to_le_bytes());
    }

    pub(crate) fn u128(buf: &mut impl Out, number: u128) {
        Self::tagged(buf, tag::U128, number.to_le_bytes());
    }

    #[inline]
    pub(crate) fn f64(buf: &mut impl Out, number: f64) {
        Self::tagged(buf, tag::F64, number.to_bits().to_le_bytes());
    }

    #[inline]
    fn tagged<const N: usize>(buf: &mut impl Out, tag: u8, bytes: [u8; N]) {
        buf.extend(&[tag]);
        buf.extend(&bytes);
    }

    /// Text as it is: the caller has cut it to [`MAX_VALUE`].
    #[inline]
    pub(crate) fn str(buf: &mut impl Out, text: &str) {
        Self::sized(buf, tag::STR, text.as_bytes());
    }

    /// A list of texts.
    pub(crate) fn texts<'t>(buf: &mut impl Out, texts: impl ExactSizeIterator<Item = &'t str>) {
        let count = u32::try_from(texts.len()).unwrap_or(u32::MAX).to_le_bytes();
        buf.extend(&[tag::LIST, count[0], count[1], count[2], count[3]]);
        texts.for_each(|text| Self::str(buf, text));
    }

    #[inline]
    pub(crate) fn bytes(buf: &mut impl Out, bytes: &[u8]) {
        Self::sized(buf, tag::BYTES, bytes);
    }

    #[inline]
    fn sized(buf: &mut impl Out, tag: u8, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        buf.extend(&[tag, len[0], len[1], len[2], len[3]]);
        buf.extend(bytes);
    }

    /// Any value, without redaction. Text above [`MAX_VALUE`] is cut; what lies below [`MAX_DEPTH`] is a marker.
    pub(crate) fn value(buf: &mut impl Out, value: &Value, depth: usize) {
        match value {
            Value::Null => buf.extend(&[tag::NULL]),
            Value::Bool(truth) => Self::bool(buf, *truth),
            Value::Int(number) => match i64::try_from(*number) {
                Ok(number) => Self::i64(buf, number),
                Err(_) => Self::i128(buf, *number),
            },
            Value::Uint(number) => Self::u128(buf, *number),
            Value::Float(number) => Self::f64(buf, *number),
            Value::Bytes(bytes) => {
                Self::bytes(buf, bytes.get(..bytes.len().min(MAX_VALUE)).unwrap_or_default())
            }
            Value::Str(text) => Self::str(buf, cut(text, MAX_VALUE)),
            Value::Commitment(hash) => Self::tagged(buf, tag::COMMITMENT, *hash),
            Value::List(_) | Value::Map(_) if depth >= MAX_DEPTH => Self::str(buf, TOO_DEEP),
            Value::List(values) => {
                Self::tagged(buf, tag::LIST, count(values.len()));
                values.iter().for_each(|value| Self::value(buf, value, depth + 1));
            }
            Value::Map(map) => {
                Self::tagged(buf, tag::MAP, count(map.len()));
                for (key, value) in map {
                    let key = cut(key, MAX_VALUE);
                    buf.extend(&count(key.len()));
                    buf.extend(key.as_bytes());
                    Self::value(buf, value, depth + 1);
                }
            }
        }
    }
}

/// Writes a record as a frame, without redaction. `default_time` stands where the record has no time.
///
/// What only the writer of a line fills (its place, its schema, who wrote it, its own two lists) is left out, so a
/// record that was read from a line can be written again.
pub(crate) fn encode(record: &super::Record, default_time: u64, buf: &mut impl Out) {
    let time = record.uint(Slot::Time).unwrap_or(default_time);
    buf.extend(&time.to_le_bytes());
    for (slot, value) in record.slots() {
        let is_writers = matches!(
            slot,
            Slot::Time
                | Slot::ObservedAt
                | Slot::Seq
                | Slot::Stream
                | Slot::Schema
                | Slot::Service
                | Slot::Host
                | Slot::Redaction
                | Slot::Truncated
        );
        if !is_writers {
            buf.extend(&[slot.index()]);
            Put::value(buf, value, 0);
            note_cuts(buf, value, slot.path(), 0);
        }
    }
}

/// Notes which texts and byte strings of a value [`Put::value`] has cut.
fn note_cuts(buf: &mut impl Out, value: &Value, path: &str, depth: usize) {
    let len = match value {
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(values) if depth < MAX_DEPTH => {
            for (index, value) in values.iter().enumerate() {
                if is_long(value) {
                    note_cuts(buf, value, &format!("{path}.{index}"), depth + 1);
                }
            }
            0
        }
        Value::Map(map) if depth < MAX_DEPTH => {
            for (key, value) in map.iter().filter(|(_, value)| is_long(value)) {
                note_cuts(buf, value, &format!("{path}.{}", cut(key, 255)), depth + 1);
            }
            0
        }
        _ => 0,
    };
    if len > MAX_VALUE {
        buf.extend(&[mark::CUT]);
        buf.extend(&(len as u64).to_le_bytes());
        Put::key(buf, path);
    }
}

/// Whether a value may have been cut, or hold one that was.
fn is_long(value: &Value) -> bool {
    match value {
        Value::Str(text) => text.len() > MAX_VALUE,
        Value::Bytes(bytes) => bytes.len() > MAX_VALUE,
        Value::List(_) | Value::Map(_) => true,
        _ => false,
    }
}

/// Stands where a value was nested too deeply.
pub(crate) const TOO_DEEP: &str = "[TOO DEEP]";

fn count(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}
