//! Who looked at what: each look is a record of a stream of its own, written before anything is shown.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_audit::Audit;
use tracing_audit::config::Mode;
use tracing_audit::record::Record;

use super::asked::Asked;
use super::server::Peer;
use crate::out::Failure;

/// How long the disk may take at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The stream of looks.
pub(super) struct Views {
    audit: Audit,
    trail: PathBuf,
}

impl Views {
    /// Writes into the stream `views` of a directory.
    pub(super) fn open(home: &Path, trail: &Path) -> Result<Self, Failure> {
        let audit = Audit::builder()
            .directory(home)
            .stream("views")
            .service("tracing-audit")
            .mode(Mode::Durable)
            .keep_days(0)
            .start()?;
        Ok(Self {
            audit,
            trail: trail.to_owned(),
        })
    }

    /// Notes a look, and comes back when the note is on disk.
    pub(super) async fn note(&self, action: &str, asked: &Asked, peer: Peer) -> Result<(), Failure> {
        let mut record = Record::builder("trail.view")
            .actor("user", user())
            .action(action)
            .resource("trail", self.trail.to_string_lossy())
            .set(tracing_audit::record::Slot::ActorIp, peer.0.ip().to_string())
            .outcome("success");
        let said = [
            ("filter", asked.filter.clone()),
            ("since", asked.since.clone()),
            ("until", asked.until.clone()),
            (
                "record",
                asked.open.as_ref().map(ToString::to_string).unwrap_or_default(),
            ),
        ];
        for (name, text) in said {
            if !text.is_empty() {
                record = record.attribute(name, text);
            }
        }
        self.audit.emit_async(record.build()).await?;
        Ok(())
    }

    /// Ends the stream.
    pub(super) fn end(&self) -> Result<(), Failure> {
        self.audit.shutdown(PATIENCE)?;
        Ok(())
    }
}

/// Whose command this is; the token says nothing of who uses it.
fn user() -> String {
    #[cfg(unix)]
    {
        format!("uid-{}", rustix::process::geteuid().as_raw())
    }
    #[cfg(not(unix))]
    {
        std::env::var("USERNAME").unwrap_or_else(|_| "unknown".to_owned())
    }
}
