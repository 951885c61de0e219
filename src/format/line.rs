//! The line writer: one frame becomes one canonical JSON line (RFC 8785), without an intermediate tree.

/// Where a record is put: what the writer knows and the frame does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The stream's id.
    pub(crate) stream: &'a str,
    pub(crate) seq: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) observed_at: u64,
    /// The record's id, unless the frame holds one.
    pub(crate) id: uuid::Uuid,
}

/// What writing a line did beside writing it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Values that were cut or left out: by the caller's thread and here.
    pub(crate) truncated: u32,
    /// Fields that redaction changed or dropped.
    pub(crate) redacted: u32,
}

/// Writes frames as lines. Keeps its memory, so that a usual record costs no allocation.
#[derive(Debug)]
pub(crate) struct LineWriter {
    service: String,
    host: String,
    rules: &'static [&'static str],
    actions: &'static [&'static str],
}

impl LineWriter {
    /// `rules` and `actions` give the words for the numbers in a frame's remarks.
    pub(crate) fn new(
        service: &str,
        host: &str,
        rules: &'static [&'static str],
        actions: &'static [&'static str],
    ) -> Self {
        Self {
            service: service.to_owned(),
            host: host.to_owned(),
            rules,
            actions,
        }
    }

    /// Appends the frame's line, without a newline, to `out`.
    pub(crate) fn write(&mut self, frame: &[u8], place: &Place<'_>, out: &mut Vec<u8>) -> Written {
        let _ = (
            frame,
            place,
            out,
            &self.service,
            &self.host,
            self.rules,
            self.actions,
        );
        todo!()
    }
}
