//! Formatting user values into a frame: bounded, panic-proof, without a buffer in between.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ink::Ink;
use super::judge::Judged;
use super::policy::Policy;
use super::recording::{self, Declaring, Heard, Told, Wish};
use super::sift::{Link, Note};
use super::sourced::at_link;
use crate::memory;
use crate::record::frame::Out;

/// Stands where a value's own formatting code panicked.
pub(super) const PANICKED: &str = "[PANICKED]";

/// The most links of an error chain that are kept.
pub(super) const MAX_CHAIN: usize = 8;

/// What came of formatting.
pub(super) struct Formatted {
    pub(super) panicked: bool,
    /// The length that the text would have had, where it was cut.
    pub(super) cut_from: Option<usize>,
}

/// Begins a text whose length is not known yet.
#[inline]
pub(super) fn open(ink: &mut Ink, tag: u8) {
    ink.put([tag, 0, 0, 0, 0], &[]);
}

/// States the length of the text that begins at `text_at` and ends with what is written.
#[inline]
pub(super) fn close(ink: &mut Ink, text_at: usize) {
    let len = u32::try_from(ink.len().saturating_sub(text_at))
        .unwrap_or(u32::MAX)
        .to_le_bytes();
    if let Some(place) = ink.written_from(text_at - 4).first_chunk_mut() {
        *place = len;
    }
}

/// Formats into `ink`, at most `limit` bytes. A panic in user code takes back all of its text.
pub(super) fn format(
    ink: &mut Ink,
    limit: usize,
    declaring: &mut Declaring<'_>,
    arguments: fmt::Arguments<'_>,
) -> Formatted {
    let start = ink.len();
    let mut capped = Capped {
        ink,
        declaring,
        start,
        left: limit,
        total: 0,
        full: false,
    };
    // Unwind safety: the text is cut back to where it was, and nothing else is shared with the closure.
    let panicked = caught(|| {
        let _ = capped.write_fmt(arguments);
    })
    .is_none();
    let (total, full) = (capped.total, capped.full);
    if panicked {
        declaring.clear();
        ink.wipe_back(start);
        ink.extend(PANICKED.as_bytes());
        return Formatted {
            panicked,
            cut_from: None,
        };
    }
    Formatted {
        panicked,
        cut_from: full.then_some(total),
    }
}

/// The messages of an error and of its sources.
pub(super) struct Links {
    pub(super) links: Vec<Link>,
    /// What was done to parts of values with a class.
    pub(super) inside: Vec<Note>,
    /// Whether the code of one panicked.
    pub(super) panicked: bool,
}

/// Shows an error, which is a [`Sourced`](super::sourced::Sourced), and its sources, outermost first, in at most `room`
/// bytes.
pub(super) fn links(
    error: &dyn Debug,
    sources: usize,
    room: usize,
    (policy, judged): (&Policy, &Judged),
) -> Links {
    let mut links = Links {
        links: Vec::new(),
        inside: Vec::new(),
        panicked: false,
    };
    let mut left = room;
    for link in (0..=sources).take(MAX_CHAIN) {
        // Wide enough from the start: memory that is grown leaves a copy behind.
        let mut ink = Ink::over(memory::zeros(left.min(LINK)));
        let mut declaring = Declaring::new(policy, judged);
        let formatted = at_link(link, || {
            format(
                &mut ink,
                left.min(LINK),
                &mut declaring,
                format_args!("{error:?}"),
            )
        });
        links.panicked |= formatted.panicked;
        if ink.is_lost() {
            memory::lack();
            break;
        }
        if formatted.cut_from.is_some() {
            // Half of a secret could stand at the end, which nobody would recognise.
            let gap = ink
                .written()
                .iter()
                .rev()
                .take(1024)
                .position(u8::is_ascii_whitespace);
            ink.wipe_back(ink.len() - gap.unwrap_or(ink.len().min(1024)));
            let kept = ink.len();
            declaring.pieces.retain(|piece| piece.end <= kept);
        }
        left -= ink.len().min(left);
        declaring.rehearse();
        declaring
            .inside
            .drain(..)
            .for_each(|note| memory::push(&mut links.inside, note));
        let link = Link {
            text: memory::owned(&String::from_utf8_lossy(ink.written())),
            pieces: declaring.pieces,
        };
        memory::push(&mut links.links, link);
        ink.wipe_back(0);
        if memory::lacks() {
            // Before the next one's code runs: see `Redacting::settle`.
            break;
        }
    }
    links
}

/// The longest message of one link, in bytes.
const LINK: usize = 4096;

/// The error below this one; none where its code panics.
pub(super) fn source_of<'e>(error: &'e (dyn StdError + 'e)) -> Option<&'e (dyn StdError + 'static)> {
    caught(|| error.source()).flatten()
}

/// What user code answers; `None` where it panics. What it panicked with is user code as well when it is dropped, and may
/// panic again.
pub(super) fn caught<R>(run: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(answer) => Some(answer),
        Err(payload) => {
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(again);
            }
            None
        }
    }
}

/// Takes text up to a limit and counts the rest. It never reports an error: well-behaved code would stop there,
/// and other code would panic.
struct Capped<'b, 'p> {
    ink: &'b mut Ink,
    /// The values with a class that have said so.
    declaring: &'b mut Declaring<'p>,
    /// Where the text begins.
    start: usize,
    left: usize,
    total: usize,
    full: bool,
}

impl Capped<'_, '_> {
    /// Takes what a value with a class told, and gives all up where there is no memory for it.
    #[cold]
    fn told(&mut self, told: Told) {
        self.take_told(told);
        if memory::take_lack() {
            self.ink.lose();
        }
    }

    fn take_told(&mut self, told: Told) {
        let at = self.ink.len() - self.start;
        match told {
            Told::Carried(carried) if at == 0 && self.declaring.carried.is_none() => {
                self.declaring.carried = Some(carried);
            }
            Told::Carried(carried) => self.take(&carried.text()),
            // Nobody hands parts to who wants the whole.
            Told::Text | Told::Texts(_) => {}
            Told::Opened => self.declaring.opened(at),
            Told::Closed => self.declaring.closed(at),
            Told::Sources(sources) => self.declaring.sources = sources,
            Told::Value(stated) => {
                let (form, note) = self.declaring.form(&stated);
                self.take(&form);
                let end = self.ink.len() - self.start;
                drop(form);
                if end > at || !self.full {
                    self.declaring.stands(stated, note, at, end);
                }
            }
        }
    }

    #[inline]
    fn take(&mut self, text: &str) {
        if let Some(carried) = self.declaring.carried.take() {
            self.take(&carried.text());
        }
        self.total += text.len();
        if !self.full && text.len() <= self.left {
            self.left -= text.len();
            self.ink.extend(text.as_bytes());
        } else if !self.full {
            let kept = crate::record::frame::cut(text, self.left);
            self.ink.extend(kept.as_bytes());
            self.full = true;
        }
    }
}

impl Write for Capped<'_, '_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match recording::hear(text, Wish::Whole) {
            Heard::Text => self.take(text),
            Heard::Question => {}
            Heard::Told(told) => self.told(told),
        }
        Ok(())
    }
}

/// A short text on the stack: numbers and addresses on their way to a pseudonym.
pub(super) struct Small {
    bytes: [u8; SMALL],
    len: usize,
}

/// Long enough for the longest `Display` form of a float, which has over 300 digits.
const SMALL: usize = 400;

impl Default for Small {
    fn default() -> Self {
        Self {
            bytes: [0; SMALL],
            len: 0,
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Only what was written: to wipe all of it would take longer than all else that is done with a number.
        if let Some(written) = self.bytes.get_mut(..self.len) {
            zeroize::Zeroize::zeroize(written);
        }
    }
}

impl Small {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Write for Small {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = (self.len + text.len()).min(self.bytes.len());
        let room = end - self.len;
        if let (Some(place), Some(text)) = (self.bytes.get_mut(self.len..end), text.as_bytes().get(..room)) {
            place.copy_from_slice(text);
            self.len = end;
        }
        Ok(())
    }
}
