//! Checkpoints on their way to a collector: what is kept there shows whether the trail was changed, or put back, here.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::encode::Encoder;
use super::mapping::{ANCHOR, PREFIX, UID};
use super::value::string;

/// Takes checkpoints for an [`OtlpSink`](super::OtlpSink), from
/// [`AuditBuilder::on_checkpoint`](crate::AuditBuilder::on_checkpoint).
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    newest: Arc<Mutex<Option<String>>>,
}

impl Anchors {
    /// Has the checkpoint sent behind the next records. Of several only the newest is: it covers the others.
    pub fn send(&self, note: &str) {
        *self.newest.lock() = Some(note.to_owned());
    }

    pub(super) fn take(&self) -> Option<String> {
        self.newest.lock().take()
    }

    /// It was not sent. A newer one is not replaced by it.
    pub(super) fn give_back(&self, note: String) {
        self.newest.lock().get_or_insert(note);
    }
}

impl Encoder {
    /// Appends a request with a checkpoint as its record. The record's id is made of the note, so that it is the same
    /// whenever the note is sent.
    pub(super) fn anchor(&self, note: &str, out: &mut Vec<u8>) {
        let hash: [u8; 32] = Sha256::digest(note.as_bytes()).into();
        let id = hash
            .first_chunk()
            .copied()
            .map(|bytes| uuid::Builder::from_custom_bytes(bytes).into_uuid())
            .unwrap_or_default()
            .to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).unwrap_or(0);
        self.single(ANCHOR, now, out, |put| {
            let own = |name: &'static str| [PREFIX, name];
            put(&[UID], &|out| string(out, &id));
            put(&own("record.id"), &|out| string(out, &id));
            for (name, value) in [
                ("actor.type", "system"),
                ("actor.id", "tracing-audit"),
                ("action", "checkpoint"),
                ("outcome", "success"),
                ("checkpoint.note", note),
            ] {
                put(&own(name), &|out| string(out, value));
            }
            // The text of a note begins with these three lines: see docs/format.md.
            for (name, line) in ["origin", "size", "root"].into_iter().zip(note.lines()) {
                put(&[PREFIX, "checkpoint.", name], &|out| string(out, line));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_checkpoint_waits_and_one_that_comes_back_replaces_no_newer_one() {
        let anchors = Anchors::default();
        let hook = anchors.clone();
        hook.send("1");
        hook.send("2");
        assert_eq!(anchors.take().as_deref(), Some("2"));
        hook.send("3");
        anchors.give_back("2".into());
        assert_eq!(anchors.take().as_deref(), Some("3"));
        anchors.give_back("3".into());
        assert_eq!((anchors.take().as_deref(), anchors.take()), (Some("3"), None));
    }
}
