//! The streams of a trail, for commands that change one: where they are, and how one is opened that nobody writes to.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_audit::format::SigningKey;
use tracing_audit::{Audit, AuditBuilder, Done, ErrorKind, Request};

use crate::out::Failure;

/// The service that lines of this command name. What such a start states is not how the application has its trail.
pub(super) const SERVICE: &str = "tracing-audit";

/// The directories of the streams: this one, or those in it.
pub(super) fn of(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let root = fs::canonicalize(dir)
        .map_err(|error| Failure::NoTrail(format!("cannot open `{}`: {error}", dir.display())))?;
    if is_stream(&root) {
        return Ok(vec![root]);
    }
    let listed = fs::read_dir(&root)
        .map_err(|error| Failure::NoTrail(format!("cannot list `{}`: {error}", dir.display())))?;
    let paths = listed.flatten().map(|entry| entry.path());
    let mut streams: Vec<PathBuf> = paths.filter(|path| is_stream(path)).collect();
    streams.sort();
    if streams.is_empty() {
        return Err(Failure::NoTrail(format!(
            "`{}` holds no stream; name the directory that the application writes its trail to",
            dir.display()
        )));
    }
    Ok(streams)
}

fn is_stream(dir: &Path) -> bool {
    dir.join("stream").is_file()
}

/// A writer for a stream that has none now, with settings that `more` adds; `None` where one runs, or where only a writer
/// of another user may write here. It removes no segment by itself, and seals what was sealed.
pub(super) fn take_over(
    stream: &Path,
    signing_key: Option<&Path>,
    more: impl FnOnce(AuditBuilder) -> AuditBuilder,
) -> Result<Option<Audit>, Failure> {
    let (Some(dir), Some(name)) = (stream.parent(), stream.file_name().and_then(|name| name.to_str())) else {
        return Err(Failure::NoTrail(format!("`{}` is no stream", stream.display())));
    };
    if stranger(stream).is_some() {
        return Ok(None);
    }
    let seal = ["keys", "checkpoint", "checkpoint.unsigned", "tile"];
    let is_sealed = seal.iter().any(|name| stream.join(name).exists());
    let mut builder = Audit::builder()
        .directory(dir)
        .stream(name)
        .service(SERVICE)
        .keep_days(0)
        .keep_bytes(0)
        .keep_segments(0)
        .sealed(is_sealed);
    if let Some(path) = signing_key {
        builder = builder.signing_key(SigningKey::from_file(path)?);
    }
    match more(builder).start() {
        Ok(audit) => Ok(Some(audit)),
        Err(error) if error.kind() == ErrorKind::Locked => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Asks the writer that runs.
pub(super) fn ask(request: &Request, stream: &Path, patience: Duration) -> Result<Done, Failure> {
    match (request.ask(stream, patience), stranger(stream)) {
        (Err(error), Some(owner)) if error.kind() == ErrorKind::Timeout => Err(Failure::NoTrail(format!(
            "no writer runs in `{}`, which belongs to user {owner}; run this as that user, who could not open what another \
             one writes there",
            stream.display()
        ))),
        (done, _) => Ok(done?),
    }
}

/// The user whom the stream belongs to, where that is another one.
#[cfg(unix)]
fn stranger(stream: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let owner = fs::metadata(stream).ok()?.uid();
    (owner != rustix::process::geteuid().as_raw()).then_some(owner)
}

#[cfg(not(unix))]
fn stranger(_stream: &Path) -> Option<u32> {
    None
}
