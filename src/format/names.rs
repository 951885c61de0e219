//! The names in a frame, for whoever must ask what a record is called, or who acted, before it is a line.

use super::rules::bit;
use super::walk::{Scan, Walk};
use crate::record::Slot;

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

    /// The last text that was given for the slot, if it is not empty.
    fn text(&self, slot: Slot) -> Option<&'f str> {
        if self.scan.present & bit(slot) == 0 {
            return None;
        }
        let at = self.scan.at.get(usize::from(slot.index())).copied()?;
        let text = std::str::from_utf8(Walk::at(self.frame, at).text()?).ok()?;
        Some(text).filter(|text| !text.is_empty())
    }
}
