//! What the file sink tells: how it found the directory, and what it did there since.

use crate::format::SegmentName;

/// How the sink found its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The sequence number that the next entry must have.
    pub next_seq: u64,
    /// When the last record was taken, in nanoseconds since the Unix epoch; `None` in an empty trail.
    pub last_observed_at: Option<u64>,
    /// Whether the trail was closed properly: its last record is an `audit.close`, with nothing behind it. An empty
    /// trail is clean.
    pub clean: bool,
    /// Whether the trail is empty: nothing was ever written here.
    pub first: bool,
    /// What stands behind the last good record, if a write was cut short or the power failed: an incomplete line, or a
    /// hole and what follows it. None of it was ever confirmed to a caller. It stays where it is, and its numbers are
    /// given again.
    pub torn: Option<Torn>,
    /// First and last sequence number of records that are missing although a later segment's name says that they were
    /// confirmed or given up: somebody or something damaged the segment before it.
    pub missing: Option<(u64, u64)>,
    /// Tiles of the seal were missing or wrong, as a power failure leaves them, and were made again from the lines.
    pub tiles_rebuilt: bool,
}

/// Bytes at the end of a segment that are no part of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Torn {
    /// The segment.
    pub segment: SegmentName,
    /// Where they begin in it.
    pub offset: u64,
    /// How many they are, without newlines at their end.
    pub len: u64,
    /// Their SHA-256, in hexadecimal.
    pub sha256_hex: String,
}

/// Why a segment ended and the next one began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RollCause {
    /// A new UTC day.
    Midnight,
    /// The segment was full.
    Size,
    /// [`FileSink::rotate`](super::FileSink::rotate).
    Requested,
    /// Another file lies at the segment's path.
    Replaced,
    /// The segment was deleted. Its lines were saved into the next one.
    Deleted,
    /// The segment was moved to another name.
    Renamed,
    /// Somebody cut the segment shorter.
    Truncated,
    /// A write failed or was cut short.
    WriteError,
    /// The disk did not confirm the segment. The lines in question were copied into the next one.
    SyncError,
}

impl RollCause {
    /// The name used in control records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Midnight => "midnight",
            Self::Size => "size",
            Self::Requested => "requested",
            Self::Replaced => "replaced",
            Self::Deleted => "deleted",
            Self::Renamed => "renamed",
            Self::Truncated => "truncated",
            Self::WriteError => "write_error",
            Self::SyncError => "sync_error",
        }
    }
}

/// Which limit a segment was removed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemoveCause {
    /// Older than `keep_days`.
    Age,
    /// The stream was larger than `keep_bytes`.
    Size,
    /// The stream had more segments than `keep_segments`.
    Count,
}

impl RemoveCause {
    /// The name used in control records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Size => "size",
            Self::Count => "count",
        }
    }
}

/// What happened to the files, for the trail itself to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileEvent {
    /// A segment ended and the next one began. Both names are the same where the old one held no complete line and the
    /// sink goes on behind what is there, and where it was deleted or moved and the new one takes its place.
    Rolled {
        /// Why.
        cause: RollCause,
        /// The segment that ended.
        closed: SegmentName,
        /// The one that began.
        opened: SegmentName,
        /// First and last sequence number of the lines that were copied into the new segment.
        copied: Option<(u64, u64)>,
    },
    /// Lines that were written, but that the disk never confirmed and that could not be read back for a copy. They may
    /// or may not be there after a power failure; they must not be acknowledged.
    Unconfirmed {
        /// The first one's sequence number.
        first: u64,
        /// The last one's.
        last: u64,
    },
    /// Segments are due, and will be removed once a record that says so is on disk. A sink that is used alone removes at
    /// once, and tells [`FileEvent::Removed`] only.
    Removing {
        /// Which, oldest first.
        segments: Vec<SegmentName>,
        /// First and last sequence number of their records; `None` where they hold none that counts.
        records: Option<(u64, u64)>,
        /// Their bytes together.
        bytes: u64,
        /// By which limit.
        cause: RemoveCause,
    },
    /// Retention removed segments.
    Removed {
        /// Which, oldest first.
        segments: Vec<SegmentName>,
        /// Their bytes together.
        bytes: u64,
        /// By which limit.
        cause: RemoveCause,
    },
    /// The clock went forward by so much that age says nothing any more: no segment is removed by age until the clock
    /// has gone on for 24 hours from there, has gone back, or
    /// [`FileSink::confirm_clock`](super::FileSink::confirm_clock) is called.
    RetentionSuspended {
        /// The time before the step, in nanoseconds since the Unix epoch.
        before: u64,
        /// The time after it.
        after: u64,
    },
    /// A key begins to sign checkpoints.
    KeyBegan {
        /// The key, as a vkey.
        key: String,
        /// The smallest size that it signs.
        first: u64,
        /// The key that it takes over from.
        previous: Option<String>,
    },
    /// A checkpoint could not be signed or written. It is told once; the next ones are tried about every second.
    NotSealed {
        /// How many records the newest checkpoint covers.
        size: u64,
        /// Why, for people.
        cause: String,
    },
    /// Segments that are due stay, because followers have not passed them. Told once, until nothing is held back.
    Held {
        /// The oldest one.
        segment: SegmentName,
        /// The names of the sinks, as the files in `cursors/` have them.
        sinks: Vec<String>,
        /// The limit that it is beyond.
        cause: RemoveCause,
    },
    /// Retention removed entries that a follower, which does not run now, had not taken: its cursor was moved on.
    NotShipped {
        /// The name of its sink.
        sink: String,
        /// How many entries it will never be given.
        lost: u64,
    },
    /// A segment that is due could not be removed; the next clean-up tries again.
    NotRemoved {
        /// Which.
        segment: SegmentName,
        /// Why, for people.
        cause: String,
    },
    /// Segments were removed, and what speaks of their records could not be: the cursor of a follower that does not run, or
    /// erasable values. The next clean-up tries again.
    RemainsStay {
        /// Why, for people.
        cause: String,
    },
}

/// What [`FileSink::rotate`](super::FileSink::rotate) did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotated {
    /// The segment that ended; `None` where none was open or the open one was empty.
    pub closed: Option<SegmentName>,
    /// The segment that is open now.
    pub opened: SegmentName,
    /// Why.
    pub cause: RollCause,
}

/// What [`FileSink::cleanup`](super::FileSink::cleanup) did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleaned {
    /// The segments that it removed, oldest first.
    pub removed: Vec<SegmentName>,
    /// Their bytes together.
    pub bytes: u64,
    /// How many segments are left, the open one included.
    pub kept: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::FileSink;
    use crate::sink::file::memfs::MemFs;

    #[test]
    fn what_forbids_an_acknowledgement_is_never_given_up_for_want_of_room() {
        let sink = FileSink::builder("/audit").in_memory(&MemFs::default());
        let mut sink = sink.open().unwrap();
        let doubt = FileEvent::Unconfirmed { first: 3, last: 7 };
        sink.tell(doubt.clone());
        for n in 0..3_000 {
            sink.tell(FileEvent::RetentionSuspended { before: n, after: n });
        }
        sink.tell(doubt.clone());
        let events = sink.take_events();
        assert_eq!(events.len(), 1024);
        assert_eq!(events.iter().filter(|event| **event == doubt).count(), 2);
        let newest = FileEvent::RetentionSuspended {
            before: 2_999,
            after: 2_999,
        };
        assert!(events.contains(&newest), "of the others the oldest go first");
        assert!(sink.take_events().is_empty());
    }
}
