//! Secrets from files and the environment: read once, wiped when dropped, and never shown.

use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// No key is longer.
const MOST: usize = 4096;

/// The content of a file that nobody but its owner may read or write, without the white space around it. `what` says
/// whose secret it is.
pub(crate) fn file(what: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let unread = |error| Error::io(format!("the file of {what} cannot be read:"), path, error);
    let file = std::fs::File::open(path).map_err(unread)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().map_err(unread)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(Error::config(format!(
                "the file of {what}, {}, has mode {mode:04o}; others can read it: set 0600, and think of a new key",
                path.display()
            )));
        }
    }
    let mut secret = Zeroizing::new(Vec::with_capacity(MOST));
    std::io::Read::read_to_end(&mut std::io::Read::take(file, MOST as u64), &mut secret).map_err(unread)?;
    Ok(Zeroizing::new(secret.trim_ascii().to_vec()))
}

/// The content of an environment variable, likewise. `remedy` says what to set it to.
pub(crate) fn env(what: &str, variable: &str, remedy: &str) -> Result<Zeroizing<Vec<u8>>> {
    let secret = std::env::var_os(variable).ok_or_else(|| {
        Error::config(format!(
            "the environment variable {variable} of {what} is not set; {remedy}"
        ))
    })?;
    let secret = Zeroizing::new(secret.into_encoded_bytes());
    Ok(Zeroizing::new(secret.trim_ascii().to_vec()))
}
