//! One writer per stream: what the lock file says, and what a refusal says.

use std::path::Path;

use jiff::Timestamp;

use super::fs::{Access, Fs, FsLock, LockError};
use crate::error::{Error, ErrorKind, Result};

/// Takes the stream's lock.
pub(super) fn take(fs: &dyn Fs, path: &Path, access: Access, now: u64) -> Result<Box<dyn FsLock>> {
    let holder = format!(
        "pid {} on {} since {}\n",
        std::process::id(),
        host(),
        rfc3339(now)
    );
    fs.lock(path, access, &holder).map_err(|error| match error {
        LockError::Held(text) => refusal(path, &text),
        LockError::Io(source) => {
            let remedy = match source.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    "make room on its disk"
                }
                _ => "make the directory writable for this process, or choose another one",
            };
            Error::config(format!("could not lock `{}`; {remedy}", path.display())).because(source)
        }
    })
}

fn refusal(path: &Path, holder: &str) -> Error {
    let holder = match holder.trim() {
        "" => "another process".to_owned(),
        text => text.escape_debug().to_string(),
    };
    Error::new(
        ErrorKind::Locked,
        format!(
            "another writer has the stream: `{}` is held by {holder}; stop that process, or give this one its own \
             stream name or directory",
            path.display()
        ),
    )
}

/// The machine's name, without a system call that needs `unsafe`.
fn host() -> String {
    let known = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok());
    match known.as_deref().map(str::trim) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => "an unknown host".to_owned(),
    }
}

/// A time as it stands in lines: nine digits, `Z`.
pub(super) fn rfc3339(nanos: u64) -> String {
    Timestamp::from_nanosecond(i128::from(nanos))
        .map_or_else(|_| nanos.to_string(), |time| format!("{time:.9}"))
}
