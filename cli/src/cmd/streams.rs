//! The streams of a trail, for commands that change one: where they are, and how one is opened that nobody writes to.

use std::fs;
use std::path::{Path, PathBuf};

use tracing_audit::format::SigningKey;
use tracing_audit::{Audit, AuditBuilder};

use crate::out::Failure;

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

/// The settings of a writer for a stream that has none now. It removes no segment, and seals what was sealed.
pub(super) fn stopped(stream: &Path, signing_key: Option<&Path>) -> Result<AuditBuilder, Failure> {
    let (Some(dir), Some(name)) = (stream.parent(), stream.file_name().and_then(|name| name.to_str())) else {
        return Err(Failure::NoTrail(format!("`{}` is no stream", stream.display())));
    };
    let seal = ["keys", "checkpoint", "checkpoint.unsigned", "tile"];
    let is_sealed = seal.iter().any(|name| stream.join(name).exists());
    let builder = Audit::builder()
        .directory(dir)
        .stream(name)
        .keep_days(0)
        .keep_bytes(0)
        .keep_segments(0)
        .sealed(is_sealed);
    Ok(match signing_key {
        Some(path) => builder.signing_key(SigningKey::from_file(path)?),
        None => builder,
    })
}
