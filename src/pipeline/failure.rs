//! Failures of auditing itself, as a program hears of them.

use std::sync::Arc;

/// Something that keeps the trail from its duty, or that is about to, or the end of that: what
/// [`AuditBuilder::on_failure`](crate::AuditBuilder::on_failure) is given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What it is about.
    pub kind: FailureKind,
    /// Whether it has passed.
    pub is_over: bool,
    /// One sentence for people. Of a sink it ends with what that said: of a receiver's answer its beginning, which may repeat
    /// what the receiver was sent; of nothing else a value of a record.
    pub message: String,
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The journal's file system is fuller than a threshold.
    DiskSpace,
    /// The journal cannot be written; records wait in memory.
    Write,
    /// The disk did not confirm what was written. There is no end of it: the next flush confirms it elsewhere, or says so.
    Sync,
    /// Records were lost; the trail counts them in a gap record. There is no end of it.
    Loss,
    /// A sink beside the journal has taken nothing for a minute; or it failed for good, and is given nothing more before the
    /// next start: there is no end of that.
    Sink,
}

/// The application's code, on the writer's thread.
pub(super) type OnFailure = Arc<dyn Fn(&Failure) + Send + Sync>;

/// The same, with the name of the stream that it is about, for a trail with several.
pub(super) fn of_stream(told: Option<OnFailure>, name: &str) -> Option<OnFailure> {
    let (told, name) = (told?, name.to_owned());
    Some(Arc::new(move |failure: &Failure| {
        let message = format!("stream `{name}`: {}", failure.message);
        told(&Failure {
            message,
            ..failure.clone()
        });
    }))
}

/// Tells the application, whose panic must not end the trail.
pub(super) fn tell(told: Option<&OnFailure>, kind: FailureKind, is_over: bool, message: &str) {
    let Some(told) = told else { return };
    let failure = Failure {
        kind,
        is_over,
        message: message.to_owned(),
    };
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| told(&failure)));
}
