//! The file that `tail` keeps its places in: one line for each stream, so that the next one goes on behind it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use tracing_audit::store::Cursor;

use crate::out::Failure;

/// A file of places is no larger.
const MOST: u64 = 1024 * 1024;

/// The places; `None` where there is no file yet.
pub(super) fn read(path: &Path) -> Result<Option<Vec<Cursor>>, Failure> {
    let failed =
        |why: String| Failure::Input(format!("cannot read the places in `{}`: {why}", path.display()));
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    if !about.is_file() || about.len() > MOST {
        return Err(failed("it is not a file that `tail` has written".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let places = text.lines().map(str::parse::<Cursor>);
    let places: Result<Vec<Cursor>, _> = places.collect();
    places.map(Some).map_err(|error| {
        failed(format!(
            "{error}; remove the file to begin at the end of the trail"
        ))
    })
}

/// Replaces the file in one step.
pub(super) fn write(path: &Path, places: &[Cursor]) -> Result<(), Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = Path::new(&name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text: String = places.iter().map(|place| format!("{place}\n")).collect();
    let written = options
        .open(new)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(new, path));
    written.map_err(|error| {
        Failure::Input(format!(
            "cannot write the places to `{}`: {error}",
            path.display()
        ))
    })
}
