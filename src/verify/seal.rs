//! The files of the seal: checkpoints, one or many, signed or not.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Take};
use std::path::Path;

use crate::error::{Error, Result};
use crate::format::{Checkpoint, MAX_NOTE, Note};

/// The name of the file with the newest checkpoint.
pub(super) const NEWEST: &str = "checkpoint";
/// The name of the file with all of them.
pub(super) const HISTORY: &str = "checkpoints";
/// The name of the file with the newest checkpoint where there is no key.
pub(super) const UNSIGNED: &str = "checkpoint.unsigned";
/// The name of the file with the keys.
pub(super) const KEYS: &str = "keys";

/// A checkpoint and who is said to have signed it.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    pub(super) checkpoint: Checkpoint,
    pub(super) note: Option<Note>,
}

impl Sealed {
    /// Reads a signed note, or the bare text of a checkpoint.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        match Note::parse(bytes) {
            Ok(note) => Ok(Self {
                checkpoint: Checkpoint::parse(&note.text)?,
                note: Some(note),
            }),
            Err(error) => match std::str::from_utf8(bytes).map(Checkpoint::parse) {
                Ok(Ok(checkpoint)) => Ok(Self {
                    checkpoint,
                    note: None,
                }),
                _ => Err(error),
            },
        }
    }

    /// Whether a signature is shorter than one is: the note was cut.
    fn is_cut(&self) -> bool {
        let notes = self.note.iter();
        notes
            .flat_map(|note| &note.signatures)
            .any(|signature| signature.bytes.len() < 64)
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.note {
            Some(note) => note.fmt(f),
            None => self.checkpoint.fmt(f),
        }
    }
}

/// The newest checkpoint of a directory.
pub(super) fn newest(home: &Path) -> Result<Option<Sealed>> {
    for name in [NEWEST, UNSIGNED] {
        if let Some(bytes) = small(home, name, MAX_NOTE as u64)? {
            return Sealed::parse(&bytes).map(Some);
        }
    }
    Ok(None)
}

/// What stands at a place of `checkpoints`.
#[derive(Debug)]
pub(super) enum Entry {
    /// A whole note.
    Whole(Box<Sealed>),
    /// The beginning of a note, as a crash leaves it.
    Cut,
    /// Anything else.
    Malformed(String),
}

/// Reads a file that holds one small thing; `None` where it is not there.
pub(super) fn small(home: &Path, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
    let path = home.join(name);
    let failed = |error| Error::io("could not read", &path, error);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

/// The notes of `checkpoints`, one after the other, as far as the file went when it was opened.
#[derive(Debug)]
pub(super) struct History<R> {
    source: R,
    stream: String,
    /// Where the next line begins.
    offset: u64,
    block: Block,
}

/// The lines of a note so far.
#[derive(Debug, Default)]
struct Block {
    start: u64,
    bytes: Vec<u8>,
    /// An empty line stands behind the text.
    text_ended: bool,
    signatures: usize,
}

impl History<BufReader<Take<File>>> {
    /// Opens it; `None` where it is not there.
    pub(super) fn open(home: &Path, stream: &str) -> Result<Option<Self>> {
        let path = home.join(HISTORY);
        let failed = |error| Error::io("could not read", &path, error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let len = file.metadata().map_err(failed)?.len();
        Ok(Some(Self::new(BufReader::new(file.take(len)), stream)))
    }
}

impl<R: BufRead> History<R> {
    pub(super) fn new(source: R, stream: &str) -> Self {
        Self {
            source,
            stream: stream.to_owned(),
            offset: 0,
            block: Block::default(),
        }
    }

    /// The next entry and where it begins; `None` at the end.
    pub(super) fn next_entry(&mut self) -> io::Result<Option<(u64, Entry)>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let most = MAX_NOTE as u64 + 1;
            let len = (&mut self.source).take(most).read_until(b'\n', &mut line)? as u64;
            let start = self.offset;
            self.offset += len;
            let begins = |line: &[u8]| !line.is_empty() && SIGNATURE.starts_with(line);
            let is_signature =
                line.starts_with(SIGNATURE) || begins(line.strip_suffix(b"\n").unwrap_or(&line));
            let done = match line.as_slice() {
                [] | [b'\n'] if self.block.signatures > 0 => self.give(),
                [] => return Ok(self.give()),
                [b'\n'] => {
                    if !self.block.bytes.is_empty() && !self.block.text_ended {
                        self.block.text_ended = true;
                        self.block.bytes.push(b'\n');
                    }
                    None
                }
                // A text without a signature, and the next one's begin.
                _ if self.block.text_ended && self.block.signatures == 0 && !is_signature => self.give(),
                _ => None,
            };
            if line.as_slice() != b"\n" && !line.is_empty() {
                self.block.take(start, &line, is_signature);
            }
            if done.is_some() {
                return Ok(done);
            }
        }
    }

    fn give(&mut self) -> Option<(u64, Entry)> {
        let block = std::mem::take(&mut self.block);
        (!block.bytes.is_empty()).then(|| (block.start, entry(&block.bytes, &self.stream)))
    }
}

impl Block {
    fn take(&mut self, start: u64, line: &[u8], is_signature: bool) {
        if self.bytes.is_empty() {
            self.start = start;
        }
        self.signatures += usize::from(is_signature && self.text_ended);
        // What is longer is no note; one byte more shows it.
        let room = (MAX_NOTE + 1).saturating_sub(self.bytes.len());
        self.bytes.extend(line.iter().take(room));
    }
}

fn entry(bytes: &[u8], stream: &str) -> Entry {
    match Note::parse(bytes).and_then(|_| Sealed::parse(bytes)) {
        Ok(sealed) if sealed.is_cut() => Entry::Cut,
        Ok(sealed) => Entry::Whole(Box::new(sealed)),
        Err(_) if is_beginning(bytes, stream) => Entry::Cut,
        Err(error) => Entry::Malformed(error.to_string()),
    }
}

/// How a signature's line begins.
const SIGNATURE: &[u8] = "\u{2014} ".as_bytes();

/// Whether the bytes are the beginning of a note of this stream: what a write that was cut short leaves.
fn is_beginning(bytes: &[u8], stream: &str) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    // The newline behind a line that was cut came with what follows.
    let cut = bytes
        .iter()
        .rposition(|byte| *byte != b'\n')
        .map_or(0, |at| at + 1);
    let mut lines = bytes
        .get(..cut)
        .unwrap_or_default()
        .split_inclusive(|byte| *byte == b'\n');
    let parts: Vec<&[u8]> = lines.by_ref().take(6).collect();
    let whole = |part: &[u8]| part.ends_with(b"\n");
    let suffix = format!("{stream}\n");
    parts.iter().enumerate().all(|(at, part)| {
        let text = part.strip_suffix(b"\n").unwrap_or(part);
        let is_last = at + 1 == parts.len();
        match at {
            // A name has no space.
            0 if !whole(part) => !part.iter().any(|byte| byte.is_ascii_whitespace()),
            0 => part.ends_with(suffix.as_bytes()),
            1 => text.iter().all(u8::is_ascii_digit),
            2 => text.iter().all(is_base64) && (is_last || text.len() == 44),
            3 => text.is_empty(),
            _ => is_beginning_of_signature(text, parts.first().copied().unwrap_or_default(), is_base64),
        }
    })
}

fn is_beginning_of_signature(text: &[u8], origin: &[u8], is_base64: impl Fn(&u8) -> bool) -> bool {
    let Some(rest) = text.strip_prefix(SIGNATURE) else {
        return SIGNATURE.starts_with(text);
    };
    let mut words = rest.splitn(2, |byte| *byte == b' ');
    let name = words.next().unwrap_or_default();
    // A whole signature of 68 bytes is 92 characters.
    match words.next() {
        Some(base64) => base64.len() < 92 && base64.iter().all(is_base64),
        None => origin.starts_with(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{SigningKey, empty_root};

    fn note(size: u64) -> String {
        let key = SigningKey::generate("example.com/log")
            .unwrap()
            .for_stream("main-0123456789ab")
            .unwrap();
        let origin = key.verifier().name().to_owned();
        let checkpoint = Checkpoint {
            origin,
            size,
            root: empty_root(),
        };
        key.sign(&checkpoint).unwrap().to_string()
    }

    fn read(text: &str) -> Vec<String> {
        let mut history = History::new(text.as_bytes(), "main-0123456789ab");
        let mut found = Vec::new();
        while let Some((offset, entry)) = history.next_entry().unwrap() {
            found.push(match entry {
                Entry::Whole(sealed) => format!("{offset}: {}", sealed.checkpoint.size),
                Entry::Cut => format!("{offset}: cut"),
                Entry::Malformed(_) => format!("{offset}: malformed"),
            });
        }
        found
    }

    #[test]
    fn notes_are_read_one_after_the_other_with_their_places() {
        let (one, two) = (note(1), note(22));
        let at = one.len() + 1;
        assert_eq!(
            read(&format!("{one}\n{two}\n")),
            ["0: 1".to_owned(), format!("{at}: 22")]
        );
        assert_eq!(
            read(&format!("{one}\n{two}")),
            ["0: 1".to_owned(), format!("{at}: 22")]
        );
        assert_eq!(read(""), [""; 0]);
    }

    #[test]
    fn a_note_that_was_cut_anywhere_is_the_beginning_of_one_and_the_next_is_read() {
        let (one, two) = (note(1), note(2));
        for len in 1..one.len() - 1 {
            if !one.is_char_boundary(len) {
                continue;
            }
            let found = read(&format!("{}\n\n{two}\n", &one[..len]));
            assert!(
                found[0] == "0: cut" && found[1].ends_with(": 2"),
                "{len}: {found:?}"
            );
            assert_eq!(read(&one[..len]), ["0: cut"], "{len}");
        }
    }

    #[test]
    fn a_note_of_which_a_byte_was_changed_is_never_the_beginning_of_one() {
        let one = note(1);
        for at in 0..one.len() {
            let mut bytes = one.clone().into_bytes();
            bytes[at] ^= 0x20;
            let mut history = History::new(bytes.as_slice(), "main-0123456789ab");
            let mut entries = Vec::new();
            while let Some((_, entry)) = history.next_entry().unwrap() {
                entries.push(entry);
            }
            let is_last_newline = at + 1 == one.len();
            let only_cut = entries.iter().all(|entry| matches!(entry, Entry::Cut));
            assert!(is_last_newline || !only_cut, "{at}: {entries:?}");
        }
    }
}
