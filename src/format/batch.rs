//! Entries on their way to sinks: canonical lines in one buffer, each with its place.

use std::fmt;

/// A record with its place in a stream: its sequence number, its time of observation and its canonical line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    seq: u64,
    observed_at: u64,
    line: &'a [u8],
}

impl<'a> Entry<'a> {
    /// An entry made of its parts. `line` is one line in the form of `docs/format.md`, without its newline.
    #[must_use]
    pub fn new(seq: u64, observed_at: u64, line: &'a [u8]) -> Self {
        Self {
            seq,
            observed_at,
            line,
        }
    }

    /// The place in the stream, from 0, without holes.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The id of the stream that [`seq`](Self::seq) counts in, as the line states it; `None` where the line is not a
    /// record. It costs a search in the line.
    #[must_use]
    pub fn stream(&self) -> Option<&'a str> {
        super::stream_of(self.line)
    }

    /// When the writer took the record, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn observed_at(&self) -> u64 {
        self.observed_at
    }

    /// The canonical JSON line, without its newline.
    #[must_use]
    pub fn line(&self) -> &'a [u8] {
        self.line
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("seq", &self.seq)
            .field("bytes", &self.line.len())
            .finish_non_exhaustive()
    }
}

/// Entries with consecutive sequence numbers whose lines lie one behind the other, each ended by a newline.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    places: Vec<Place>,
    /// Rows of the side table that belong to the lines, each with the number of its line.
    rows: Vec<(u64, Vec<u8>)>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// Where the line ends, before its newline.
    end: usize,
    seq: u64,
    observed_at: u64,
}

impl Batch {
    /// An empty batch with room for so many lines and bytes.
    pub(crate) fn with_room(lines: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            places: Vec::with_capacity(lines),
            rows: Vec::new(),
        }
    }

    /// Appends a line that `write` puts at the end of the buffer; the newline is added here.
    pub(crate) fn push(&mut self, seq: u64, observed_at: u64, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.places.push(Place {
            end: self.bytes.len(),
            seq,
            observed_at,
        });
        self.bytes.push(b'\n');
    }

    /// Adds the rows of erasable values that belong to the line `seq`.
    pub(crate) fn push_rows(&mut self, seq: u64, rows: Vec<u8>) {
        self.rows.push((seq, rows));
    }

    pub(crate) fn rows(&self) -> &[(u64, Vec<u8>)] {
        &self.rows
    }

    /// All lines, each ended by a newline.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The numbers of the first and the last entry.
    pub(crate) fn ends(&self) -> Option<(u64, u64)> {
        Some((self.places.first()?.seq, self.places.last()?.seq))
    }

    /// The entries in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        let mut start = 0;
        self.places.iter().map(move |place| {
            let line = self.bytes.get(start..place.end).unwrap_or_default();
            start = place.end + 1;
            Entry {
                seq: place.seq,
                observed_at: place.observed_at,
                line,
            }
        })
    }

    /// Empties the batch and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
        self.rows.clear();
    }
}
