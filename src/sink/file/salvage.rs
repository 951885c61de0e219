//! Lines that the disk has lost: what is left of them is repeated, and the others' numbers are taken by gap records, so that
//! a stream has no hole.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::recover::number;
use crate::format::{LineWriter, Place};
use crate::record::{Level, Record, frame};

/// Which lines a damaged region held.
#[derive(Debug)]
pub(super) struct Region<'a> {
    pub(super) stream: &'a str,
    /// The first line's number.
    pub(super) first: u64,
    /// Numbers below this are sealed: nothing else can take them.
    pub(super) free: u64,
    /// The number behind the last line.
    pub(super) next: u64,
    /// The time that gap records state.
    pub(super) observed_at: u64,
}

/// What takes the place of the region.
#[derive(Debug)]
pub(super) struct Salvage {
    /// Lines, each ended by a newline.
    pub(super) lines: Vec<u8>,
    /// Where the lines begin that are not sealed.
    free: usize,
    /// First and last number of what is lost.
    pub(super) lost: Vec<(u64, u64)>,
}

impl Salvage {
    /// The lines that are not sealed.
    pub(super) fn free(&self) -> &[u8] {
        self.lines.get(self.free..).unwrap_or_default()
    }
}

impl Region<'_> {
    /// Finds the lines of the region in what could be read of it.
    pub(super) fn salvage(&self, bytes: &[u8]) -> Salvage {
        let lines = bytes.split(|byte| *byte == b'\n');
        let found: HashMap<u64, &[u8]> = lines.filter_map(|line| Some((number(line)?, line))).collect();
        let mut salvage = Salvage {
            lines: Vec::new(),
            free: 0,
            lost: Vec::new(),
        };
        for seq in self.first..self.next {
            if let Some(line) = found.get(&seq) {
                salvage.lines.extend_from_slice(line);
                salvage.lines.push(b'\n');
                if seq < self.free {
                    salvage.free = salvage.lines.len();
                }
                continue;
            }
            match salvage.lost.last_mut() {
                Some((_, last)) if *last + 1 == seq => *last = seq,
                _ => salvage.lost.push((seq, seq)),
            }
            if seq >= self.free {
                self.gap(seq, &mut salvage.lines);
            }
        }
        salvage
    }

    fn gap(&self, seq: u64, into: &mut Vec<u8>) {
        let record = Record::builder("audit.gap")
            .category("audit")
            .actor("system", "tracing-audit")
            .level(&Level::Info)
            .outcome("failure")
            .attribute("lost", 1)
            .attribute("cause", "unconfirmed")
            .build();
        let mut bytes = Vec::new();
        frame::encode(&record, self.observed_at, &mut bytes);
        // Not random: what is tried again must be the same line.
        let hash = Sha256::new()
            .chain_update(self.stream)
            .chain_update(seq.to_be_bytes())
            .finalize();
        let id = hash.first_chunk::<16>().copied().unwrap_or_default();
        let place = Place {
            stream: self.stream,
            seq,
            observed_at: self.observed_at,
            id: uuid::Builder::from_custom_bytes(id).into_uuid(),
        };
        LineWriter::new("", "", &[]).write(&bytes, &place, into);
        into.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::seq_of;

    #[test]
    fn whole_lines_are_repeated_and_only_what_is_lost_is_replaced() {
        let region = Region {
            stream: "main-0123456789ab",
            first: 5,
            free: 7,
            next: 11,
            observed_at: 1_795_305_540_000_000_000,
        };
        let bytes = b"{\"seq\":5}\n\0\0\0\0\0\0\n{\"seq\":7}\n{\"s\0q\":8}\n{\"seq\":10}\n{\"seq\":9";
        let salvage = region.salvage(bytes);
        assert_eq!(salvage.lost, [(6, 6), (8, 9)]);
        let lines: Vec<_> = salvage.lines.split(|byte| *byte == b'\n').collect();
        let numbers: Vec<_> = lines.iter().map(|line| seq_of(line)).collect();
        // Number 6 is sealed: no other line may have it.
        assert_eq!(numbers, [Some(5), Some(7), Some(8), Some(9), Some(10), None]);
        assert_eq!(salvage.free().first(), Some(&b'{'));
        assert_eq!(
            seq_of(salvage.free().split(|byte| *byte == b'\n').next().unwrap()),
            Some(7)
        );
        assert_eq!(region.salvage(bytes).lines, salvage.lines, "the same each time");
        for line in lines.iter().filter(|line| line.len() > 20) {
            let record = crate::format::read_line(line).unwrap();
            assert_eq!(record.event(), "audit.gap");
        }
    }

    #[test]
    fn where_every_number_is_sealed_no_line_goes_into_the_tree_again() {
        let region = Region {
            stream: "main-0123456789ab",
            first: 5,
            free: 8,
            next: 8,
            observed_at: 1_795_305_540_000_000_000,
        };
        let salvage = region.salvage(b"{\"seq\":5}\n\0\0\0\0\n{\"seq\":7}\n");
        assert_eq!(salvage.lines, b"{\"seq\":5}\n{\"seq\":7}\n");
        assert_eq!(salvage.free(), b"");
        assert_eq!(salvage.lost, [(6, 6)]);
    }
}
