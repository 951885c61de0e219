//! Cursors: how far each follower has come, one small file each in `cursors/`, replaced as a whole; and beside it, between two
//! of these, its steps, which nobody waits for the disk with.
//!
//! Invariant: a cursor never lies behind an entry that its sink did not take. One that a power failure takes back only
//! repeats entries; the end of the process takes no step back.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::debt::{Debt, Debts};
use super::fs::{self, Access, Fs};
use super::steps::{self, Steps};
use crate::error::{Error, Result};

/// The directory of the cursors, in that of the stream.
const CURSORS: &str = "cursors";

/// No cursor file is longer.
const MAX_CURSOR: u64 = 4096;

/// The form of a cursor file.
const SCHEMA: u64 = 1;

/// The longest name of a sink that has a cursor.
const MAX_NAME: usize = 64;

/// Whether a name can be that of a cursor file on every system.
fn is_file_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && name.len() <= MAX_NAME && !name.starts_with('.') && name.bytes().all(good)
}

/// Checks the names of the sinks that have a cursor.
///
/// # Errors
///
/// `Config` where a name is not a file's, or where two differ at most in case: they would share a cursor.
pub(crate) fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut known = HashSet::new();
    for name in names {
        if !is_file_name(name) {
            return Err(Error::config(format!(
                "sink `{}` cannot have a cursor, which is a file of its name; have `Sink::name` give 1 to {MAX_NAME} of \
                 a-z, A-Z, 0-9, `.`, `_`, `-`, not beginning with a dot",
                name.escape_default()
            )));
        }
        if !known.insert(name.to_ascii_lowercase()) {
            return Err(Error::config(format!(
                "two sinks are named `{name}` and would share a cursor; have `Sink::name` give each a name of its own"
            )));
        }
    }
    Ok(())
}

/// What a cursor file says of its follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// There is none.
    Nothing,
    /// It has taken every entry before this one.
    Next(u64),
    /// It cannot be read, or is that of another stream.
    Unreadable,
}

/// The cursor of one follower.
#[derive(Debug)]
pub(crate) struct CursorFile {
    fs: Arc<dyn Fs>,
    access: Access,
    stream: String,
    sink: String,
    dir: PathBuf,
    /// What the cursor's file says since this life wrote it.
    kept: Option<u64>,
    /// The steps since then.
    steps: Steps,
}

impl CursorFile {
    pub(super) fn new(fs: Arc<dyn Fs>, access: Access, home: &Path, stream: &str, sink: &str) -> Self {
        let dir = home.join(CURSORS);
        Self {
            fs,
            access,
            stream: stream.to_owned(),
            sink: sink.to_owned(),
            kept: None,
            steps: Steps::new(&dir, sink),
            dir,
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.join(&self.sink)
    }

    pub(super) fn read(&self) -> Result<Said> {
        let kept = read(&*self.fs, &self.path(), &self.stream)?;
        Ok(match kept {
            Said::Next(next) => Said::Next(steps::reached(
                &*self.fs,
                &self.dir,
                &self.sink,
                &self.stream,
                next,
            )?),
            said => said,
        })
    }

    /// What its file says that no record is known to count.
    pub(super) fn debts(&self) -> Result<Debts> {
        debts(&*self.fs, &self.path(), &self.stream)
    }

    /// As [`Self::write_owing`], and it is on disk when this returns: retention respects a new cursor from then on, and what
    /// was not there is not forgotten.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub(crate) fn begin(&mut self, next: u64, debts: Debts) -> Result<()> {
        self.write_owing(next, debts)?;
        self.steps.remove(&*self.fs)?;
        let home = self.dir.parent().unwrap_or(&self.dir);
        for dir in [&self.dir, home] {
            self.fs
                .sync_dir(dir)
                .map_err(|error| Error::io("could not make durable the directory", dir, error))?;
        }
        Ok(())
    }

    /// Says that every entry before `next` was taken. Where the power fails, the cursor is this one or an earlier one.
    ///
    /// # Errors
    ///
    /// `Io` where the file cannot be replaced; the cursor is then as it was.
    pub(crate) fn write(&mut self, next: u64) -> Result<()> {
        self.write_owing(next, Debts::default())
    }

    /// As [`Self::write`], where some of these entries were not there any more, and no record is known to say so.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub(crate) fn write_owing(&mut self, next: u64, debts: Debts) -> Result<()> {
        // Steps stand on what the file says: on the new one, none do.
        self.kept = None;
        let steps_were_made = self.steps.end();
        self.replace(next, debts)
            .map_err(|error| Error::io("could not write the cursor", &self.path(), error))?;
        self.kept = Some(next);
        if steps_were_made {
            // Where that fails, they mean nothing all the same.
            let _ = self.steps.remove(&*self.fs);
        }
        Ok(())
    }

    /// As [`Self::write`], but a power failure may take the cursor back to what was written last. Nobody waits for the disk.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub(crate) fn step(&mut self, next: u64) -> Result<()> {
        if self.try_step(next).unwrap_or(false) {
            return Ok(());
        }
        self.write(next)
    }

    /// Whether the step could be made.
    fn try_step(&mut self, next: u64) -> io::Result<bool> {
        let Some(kept) = self.kept else { return Ok(false) };
        self.steps.make(&*self.fs, self.access, &self.stream, kept, next)
    }

    /// Forgets steps whose cursor is gone or cannot be read: the next cursor may say what theirs did, and they would lead on
    /// from it. For who begins without a cursor, before [`Self::begin`].
    ///
    /// # Errors
    ///
    /// `Io` where they cannot be removed.
    pub(super) fn forget_steps(&mut self) -> Result<()> {
        self.steps.forget(&*self.fs)
    }

    fn replace(&self, next: u64, debts: Debts) -> io::Result<()> {
        let (sink, stream) = (&self.sink, &self.stream);
        let said = |key: &str, debt: Option<Debt>| {
            let said = |Debt { count, from }| format!("\"{key}\":{{\"count\":{count},\"from\":{from}}},");
            debt.map(said).unwrap_or_default()
        };
        let (missed, refused) = (said("missed", debts.missed), said("refused", debts.refused));
        let text = format!(
            "{{{missed}\"next\":{next},{refused}\"schema\":{SCHEMA},\"sink\":\"{sink}\",\"stream\":\"{stream}\"}}\n"
        );
        fs::replace(&*self.fs, &self.path(), text.as_bytes(), self.access)
    }
}

/// The cursors of a stream, by the names of their sinks. One that cannot be read counts as at the beginning: its follower
/// will begin there. Steps count where the sink is not one of those that run: theirs a power failure may take back.
pub(super) fn all(fs: &dyn Fs, home: &Path, stream: &str, running: &[String]) -> Result<Vec<(String, u64)>> {
    let dir = home.join(CURSORS);
    let names = match fs.list(&dir) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("could not list the cursors in", &dir, error)),
    };
    let mut cursors = Vec::new();
    for name in names.into_iter().filter(|name| is_file_name(name)) {
        match read(fs, &dir.join(&name), stream)? {
            Said::Nothing => {}
            Said::Next(next) if running.contains(&name) => cursors.push((name, next)),
            Said::Next(next) => {
                let next = steps::reached(fs, &dir, &name, stream, next)?;
                cursors.push((name, next));
            }
            Said::Unreadable => cursors.push((name, 0)),
        }
    }
    cursors.sort_unstable();
    Ok(cursors)
}

fn read(fs: &dyn Fs, path: &Path, stream: &str) -> Result<Said> {
    let Some(value) = value(fs, path, stream)? else {
        return Ok(Said::Nothing);
    };
    let next = value.get("next").and_then(Value::as_u64);
    Ok(next.map_or(Said::Unreadable, Said::Next))
}

fn debts(fs: &dyn Fs, path: &Path, stream: &str) -> Result<Debts> {
    let value = value(fs, path, stream)?.unwrap_or_default();
    let debt = |of: &str| {
        let number = |key: &str| value.get(of)?.get(key)?.as_u64();
        let (count, from) = number("count").zip(number("from"))?;
        Some(Debt { count, from })
    };
    Ok(Debts {
        missed: debt("missed"),
        refused: debt("refused"),
    })
}

/// What a cursor file holds: null where that is not a cursor of this stream.
fn value(fs: &dyn Fs, path: &Path, stream: &str) -> Result<Option<Value>> {
    let bytes = match fs.read(path, MAX_CURSOR) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("could not read the cursor", path, error)),
    };
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let is_ours = value.get("stream").and_then(Value::as_str) == Some(stream);
    Ok(Some(if is_ours { value } else { Value::Null }))
}

#[cfg(test)]
mod tests {
    use super::super::memfs::{Fault, MemFs};
    use super::*;

    const HOME: &str = "/audit/main";

    fn cursor(fs: &MemFs, sink: &str) -> CursorFile {
        let access = Access {
            mode: 0o600,
            group: None,
        };
        CursorFile::new(Arc::new(fs.clone()), access, Path::new(HOME), "main-1", sink)
    }

    #[test]
    fn a_cursor_is_one_small_canonical_line_that_is_replaced_as_a_whole() {
        let fs = MemFs::default();
        let mut cursor = cursor(&fs, "otlp");
        assert_eq!(cursor.read().unwrap(), Said::Nothing);
        cursor.begin(0, Debts::default()).unwrap();
        cursor.write(16_384).unwrap();
        assert_eq!(cursor.read().unwrap(), Said::Next(16_384));
        let text = fs.get(Path::new("/audit/main/cursors/otlp"));
        let expected = b"{\"next\":16384,\"schema\":1,\"sink\":\"otlp\",\"stream\":\"main-1\"}\n";
        assert_eq!(text, expected);
        let value: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            serde_jcs::to_vec(&value).unwrap(),
            text.strip_suffix(b"\n").unwrap()
        );
        assert_eq!(fs.names(), ["otlp"], "nothing else is left there");
        let debts = Debts {
            missed: Some(Debt { count: 3, from: 9 }),
            refused: Some(Debt { count: 2, from: 8 }),
        };
        cursor.write_owing(12, debts).unwrap();
        let (said, owed) = (cursor.read().unwrap(), cursor.debts().unwrap());
        assert_eq!((said, owed), (Said::Next(12), debts));
        let text = fs.get(Path::new("/audit/main/cursors/otlp"));
        let value: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            serde_jcs::to_vec(&value).unwrap(),
            text.strip_suffix(b"\n").unwrap()
        );
        cursor.write(13).unwrap();
        assert_eq!(cursor.debts().unwrap(), Debts::default());
    }

    #[test]
    fn at_any_failing_call_and_after_a_power_failure_a_cursor_is_a_whole_one_that_was_written() {
        for fault in [Fault::Eio, Fault::Enospc, Fault::Short, Fault::Sync, Fault::Zeros] {
            for nth in 0..12 {
                let fs = MemFs::default();
                let mut cursor = cursor(&fs, "otlp");
                cursor.begin(7, Debts::default()).unwrap();
                fs.fail(nth, 1, fault);
                let is_written = cursor.write(8).is_ok();
                fs.heal();
                let expected = if is_written { Said::Next(8) } else { Said::Next(7) };
                assert_eq!(cursor.read().unwrap(), expected, "{fault:?} {nth}");
                fs.crash();
                let after = cursor.read().unwrap();
                assert!(matches!(after, Said::Next(7 | 8)), "{after:?} {fault:?} {nth}");
                cursor.write(9).unwrap();
                assert_eq!(
                    cursor.read().unwrap(),
                    Said::Next(9),
                    "what was left does not stop it"
                );
            }
        }
    }

    #[test]
    fn a_step_outlives_the_process_and_after_a_power_failure_the_cursor_is_one_that_was_written_or_a_later_step()
     {
        for fault in [Fault::Eio, Fault::Enospc, Fault::Short, Fault::Sync, Fault::Zeros] {
            for nth in 0..20 {
                let fs = MemFs::default();
                let mut one = cursor(&fs, "otlp");
                one.begin(7, Debts::default()).unwrap();
                one.step(8).unwrap();
                one.step(9).unwrap();
                // Another life.
                let mut other = cursor(&fs, "otlp");
                assert_eq!(other.read().unwrap(), Said::Next(9));
                other.begin(9, Debts::default()).unwrap();
                fs.fail(nth, 1, fault);
                let mut last = 9;
                for next in 10..14 {
                    last = if other.step(next).is_ok() { next } else { last };
                    let said = cursor(&fs, "otlp").read();
                    // Only a reader that meets the fault itself sees nothing of it.
                    if let Ok(said) = said {
                        assert_eq!(said, Said::Next(last), "{fault:?} {nth}");
                    }
                }
                fs.heal();
                fs.crash();
                let after = cursor(&fs, "otlp").read().unwrap();
                assert!(matches!(after, Said::Next(9..=13)), "{after:?} {fault:?} {nth}");
                other.write(20).unwrap();
                assert_eq!(cursor(&fs, "otlp").read().unwrap(), Said::Next(20));
            }
        }
    }

    #[test]
    fn steps_stand_on_the_cursor_that_they_were_made_from_and_are_nothing_without_it() {
        let fs = MemFs::default();
        let file = Path::new("/audit/main/cursors/otlp");
        let mut one = cursor(&fs, "otlp");
        one.begin(7, Debts::default()).unwrap();
        for next in 8..5_000 {
            one.step(next).unwrap();
        }
        assert_eq!(one.read().unwrap(), Said::Next(4_999));
        let running = ["otlp".to_owned()];
        let kept = all(&fs, Path::new(HOME), "main-1", &running).unwrap()[0].1;
        assert!(
            (8..4_999).contains(&kept),
            "it is written where steps are many: {kept}"
        );
        let known = all(&fs, Path::new(HOME), "main-1", &[]).unwrap();
        assert_eq!(known, [("otlp".to_owned(), 4_999)]);
        let steps = fs.get(Path::new("/audit/main/cursors/.otlp~"));
        for behind in [
            "{\"next\":6000",
            "{\"next\":6000,\"on\":7,\"stream\":\"main-2\"}\n",
            "\0\0\0\n",
        ] {
            fs.put(
                Path::new("/audit/main/cursors/.otlp~"),
                &[&steps, behind.as_bytes()].concat(),
            );
            assert_eq!(one.read().unwrap(), Said::Next(4_999), "{behind}");
        }
        fs.put(
            file,
            b"{\"next\":3,\"schema\":1,\"sink\":\"otlp\",\"stream\":\"main-1\"}\n",
        );
        assert_eq!(one.read().unwrap(), Said::Next(3), "another cursor was put there");
        fs.remove(file).unwrap();
        assert_eq!(one.read().unwrap(), Said::Nothing);
        let mut other = cursor(&fs, "otlp");
        other.begin(kept, Debts::default()).unwrap();
        assert_eq!(
            other.read().unwrap(),
            Said::Next(kept),
            "an earlier life's are gone"
        );
        other.step(kept + 5).unwrap();
        fs.remove(file).unwrap();
        let mut third = cursor(&fs, "otlp");
        third.forget_steps().unwrap();
        // The power fails, or the process is ended, before anything else is done.
        fs.crash();
        third.write(kept).unwrap();
        assert_eq!(
            third.read().unwrap(),
            Said::Next(kept),
            "nothing leads on from it"
        );
        third.forget_steps().unwrap();
    }

    #[test]
    fn a_cursor_that_cannot_be_read_counts_as_at_the_beginning() {
        let fs = MemFs::default();
        cursor(&fs, "good").begin(5, Debts::default()).unwrap();
        for text in ["", "{\"next\":", "{\"next\":-1,\"stream\":\"main-1\"}", "[]"] {
            fs.put(Path::new("/audit/main/cursors/bad"), text.as_bytes());
            assert_eq!(cursor(&fs, "bad").read().unwrap(), Said::Unreadable, "{text}");
        }
        // Of another stream: its numbers mean other entries.
        fs.put(
            Path::new("/audit/main/cursors/bad"),
            b"{\"next\":9,\"stream\":\"main-2\"}",
        );
        fs.put(Path::new("/audit/main/cursors/.new"), b"");
        fs.put(Path::new("/audit/main/cursors/no cursor"), b"");
        let known = all(&fs, Path::new(HOME), "main-1", &[]).unwrap();
        assert_eq!(known, [("bad".to_owned(), 0), ("good".to_owned(), 5)]);
    }

    #[test]
    fn a_name_that_is_not_a_files_and_a_name_of_two_are_refused_with_the_remedy() {
        check_names(["otlp", "Sqlite-2", "a.b_c"].into_iter()).unwrap();
        let long = "x".repeat(65);
        for wrong in ["", ".hidden", "a/b", "..", "a b", "é", "Vec<u8>", &long] {
            let error = check_names([wrong].into_iter()).unwrap_err().to_string();
            assert!(error.contains("have `Sink::name` give"), "{error}");
        }
        for two in [["otlp", "otlp"], ["otlp", "OTLP"]] {
            let error = check_names(two.into_iter()).unwrap_err().to_string();
            assert!(error.contains("would share a cursor"), "{error}");
        }
    }
}
