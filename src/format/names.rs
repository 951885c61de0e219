//! The names in a frame, for whoever must ask what a record is called, what it is about or who acted, before it is a line.

use std::cell::RefCell;

use super::rules::bit;
use super::walk::{Scan, Walk};
use crate::record::Slot;
use crate::record::frame::tag;

/// What a frame says of a record's event, action, category and actor.
pub(crate) struct Names<'f> {
    frame: &'f [u8],
    scan: Scan,
}

impl<'f> Names<'f> {
    /// Reads a frame, finished or not.
    pub(crate) fn of(frame: &'f [u8]) -> Self {
        let mut scan = Scan::default();
        scan.read(frame);
        Self { frame, scan }
    }

    pub(crate) fn event(&self) -> Option<&'f str> {
        self.text(Slot::Event)
    }

    pub(crate) fn action(&self) -> Option<&'f str> {
        self.text(Slot::Action)
    }

    pub(crate) fn category(&self) -> Option<&'f str> {
        self.text(Slot::Category)
    }

    /// Nobody where a value of the record is erasable: it may be this one, and what is made of it would stay.
    pub(crate) fn actor(&self) -> Option<&'f str> {
        self.text(Slot::ActorId).filter(|_| !self.scan.is_erasable)
    }

    fn text(&self, slot: Slot) -> Option<&'f str> {
        text(self.frame, &self.scan, slot)
    }
}

/// The last text that was given for the slot, if it is not empty.
fn text<'f>(frame: &'f [u8], scan: &Scan, slot: Slot) -> Option<&'f str> {
    let text = std::str::from_utf8(value(frame, scan, slot)?.text()?).ok()?;
    Some(text).filter(|text| !text.is_empty())
}

/// Where the slot's value stands.
fn value<'f>(frame: &'f [u8], scan: &Scan, slot: Slot) -> Option<Walk<'f>> {
    if scan.present & bit(slot) == 0 {
        return None;
    }
    let at = scan.at.get(usize::from(slot.index())).copied()?;
    Some(Walk::at(frame, at))
}

thread_local! {
    /// Reused from frame to frame, so that asking what one is about costs no allocation.
    static SCAN: RefCell<Scan> = RefCell::default();
}

/// What a finished frame is about, as its line will say it.
pub(crate) struct Matter<'a> {
    frame: &'a [u8],
    scan: &'a Scan,
}

impl Matter<'_> {
    /// Reads a finished frame, and answers a question about it.
    pub(crate) fn with<T>(frame: &[u8], ask: impl Fn(&Matter<'_>) -> T) -> T {
        let asked = |scan: &mut Scan| {
            scan.read(frame);
            ask(&Matter { frame, scan })
        };
        let kept = SCAN.try_with(|scan| Some(asked(&mut *scan.try_borrow_mut().ok()?)));
        // Where the thread ends, its own memory can be gone already.
        kept.ok().flatten().unwrap_or_else(|| asked(&mut Scan::default()))
    }

    /// The event's name; what stands for it where there is none.
    pub(crate) fn event(&self) -> &str {
        let named = text(self.frame, self.scan, Slot::Event);
        named
            .or_else(|| text(self.frame, self.scan, Slot::Action))
            .unwrap_or("event")
    }

    /// The category that was given, or what stands before the last dot of the event's name; empty where there is none.
    pub(crate) fn category(&self) -> &str {
        let given = text(self.frame, self.scan, Slot::Category);
        given.unwrap_or_else(|| self.event().rsplit_once('.').map_or("", |(family, _)| family))
    }

    /// Whether there is personal data in the record, as far as anybody knows: declared by the caller, or seen by redaction,
    /// also where the caller declared none.
    pub(crate) fn has_pii(&self) -> bool {
        let declared = value(self.frame, self.scan, Slot::PiiContains);
        declared.is_some_and(|mut value| value.byte() == Some(tag::TRUE))
            || self.scan.present & bit(Slot::PiiUndeclared) != 0
            || self.any_pii_category(|_| true)
    }

    /// Whether any of the kinds of personal data fits: declared ones, and those that redaction saw.
    pub(crate) fn any_pii_category(&self, fits: impl Fn(&str) -> bool) -> bool {
        let is_fit = |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| !text.is_empty() && fits(text));
        let remarked = self.scan.pii().any(|remark| is_fit(remark.pii.of(self.frame)));
        let seen = remarked || self.scan.ready_pii().any(is_fit);
        let declared = value(self.frame, self.scan, Slot::PiiCategories);
        seen || declared.is_some_and(|value| any_text(value, is_fit).unwrap_or(false))
    }
}

/// Whether any text fits of a list, or of a text that lists words: `a,b`, or `["a", "b"]` where it came from `Debug`.
fn any_text(mut value: Walk<'_>, is_fit: impl Fn(&[u8]) -> bool) -> Option<bool> {
    if let Some(listed) = value.text() {
        let quotes: &[u8] = b"[]\" ";
        let plain = |part: &[u8]| {
            let from = part.iter().position(|byte| !quotes.contains(byte))?;
            let to = part.iter().rposition(|byte| !quotes.contains(byte))?;
            part.get(from..=to).map(&is_fit)
        };
        return Some(
            listed
                .split(|byte| *byte == b',')
                .any(|part| plain(part).unwrap_or(false)),
        );
    }
    if value.byte()? != tag::LIST {
        return Some(false);
    }
    for _ in 0..value.count()? {
        if value.text().is_some_and(&is_fit) {
            return Some(true);
        }
        value.skip(0)?;
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::frame::{HEADER, Put, mark};
    use crate::record::heads;

    /// A frame in which redaction saw this kind of personal data in a value that always becomes a marker.
    fn ready(kind: &str) -> Vec<u8> {
        let mut entry = Vec::new();
        Put::keyed(&mut entry, Slot::Attributes, "names.ready");
        Put::str(&mut entry, "[REDACTED]");
        entry.extend([mark::REMARK, 1, 1, 0]);
        ["a rule", kind, "names.ready"]
            .iter()
            .for_each(|name| Put::key(&mut entry, name));
        let [low, high] = heads::ready_number(&entry).expect("a number").to_le_bytes();
        let mut frame = vec![0; HEADER];
        frame.extend([mark::READY, low, high]);
        frame
    }

    #[test]
    fn personal_data_in_an_entry_that_has_a_number_is_seen() {
        Matter::with(&ready("email"), |matter| {
            assert!(matter.has_pii());
            assert!(matter.any_pii_category(|kind| kind == "email"));
            assert!(!matter.any_pii_category(|kind| kind == "phone"));
        });
        Matter::with(&ready(""), |matter| assert!(!matter.has_pii()));
    }
}
