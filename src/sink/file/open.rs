//! Opening a stream: directories, lock, identity, and the place where the trail goes on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::background::UNCONFIRMED;
use super::builder::Settings;
use super::fs::{Access, Fs, FsFile, Kind};
use super::recover::{self, Last};
use super::retain::ClockWatch;
use super::roll::{day, look};
use super::{FileEvent, FileSink, OpenSegment, Opened, Torn, lock, reseal};
use crate::clock::SharedClock;
use crate::error::{Error, Result};
use crate::format::SegmentName;

pub(super) const LOCK: &str = "lock";
const IDENTITY: &str = "stream";

/// No identity file is longer.
const MAX_IDENTITY: u64 = 64 * 1024;

/// Who the stream is: the content of its identity file.
#[derive(Debug)]
pub(super) struct Identity {
    id: String,
    line: String,
}

impl FileSink {
    pub(super) fn open(settings: Settings, clock: SharedClock, fs: Arc<dyn Fs>) -> Result<Self> {
        let home = settings.dir.join(&settings.stream);
        let now = clock.now();
        prepare(&*fs, &settings.dir, &home, settings.access)?;
        let lock = lock::take(&*fs, &home.join(LOCK), settings.access, now)?;
        let identity = Identity::load(&*fs, &home, &settings, now)?;
        sync_dirs(&*fs, &settings.dir, &home)?;
        let found = Found::look(&*fs, &home)?;
        let segment = found.go_on(&*fs, &home, &settings, now)?;
        let mut opened = found.opened;
        let mut events = Vec::new();
        let mut seal = None;
        let mut sealed_before = None;
        if settings.is_sealed {
            let resealed = reseal::reseal(&*fs, &home, &settings, identity.id(), opened.next_seq)?;
            opened.tiles_rebuilt = resealed.is_rebuilt;
            events.extend(resealed.began.map(|began| FileEvent::KeyBegan {
                key: began.key,
                first: began.first,
                previous: began.previous,
            }));
            seal = Some(resealed.seal);
        } else {
            sealed_before = reseal::sealed_before(&*fs, &home)?;
        }
        let mut sink = Self {
            erasable: super::erasable::Table::new(&home, settings.access),
            watch: ClockWatch::new(opened.last_observed_at, settings.keep_days, &clock),
            next_seq: opened.next_seq,
            last_observed_at: opened.last_observed_at.unwrap_or(0),
            fs,
            clock,
            settings,
            home,
            identity,
            lock: Arc::new(parking_lot::Mutex::new(lock)),
            opened,
            segment,
            ended: None,
            carry: None,
            background: super::background::Background::default(),
            seal,
            progress: Arc::default(),
            running: Vec::new(),
            stated: None,
            sealed_before,
            cleaned: None,
            owed: Vec::new(),
            has_old_debts: true,
            told_held: false,
            told_unsealed: false,
            events,
            scratch: Vec::new(),
        };
        // What the last life wrote and did not seal. Where that fails it is told, and tried again a second later.
        let _ = sink.seal_now();
        // What was found is on disk: the last segment has been confirmed above.
        sink.publish();
        Ok(sink)
    }
}

/// Creates what is missing and refuses what cannot hold a trail.
fn prepare(fs: &dyn Fs, dir: &Path, home: &Path, access: Access) -> Result<()> {
    for path in [dir, home] {
        refuse_unfit(fs, path)?;
    }
    fs.create_dir(home, access).map_err(|error| {
        Error::config(format!(
            "could not create the directory `{}`; make its parent writable for this process, or choose another one",
            home.display()
        ))
        .because(error)
    })?;
    for path in [dir, home] {
        refuse_unfit(fs, path)?;
    }
    Ok(())
}

fn refuse_unfit(fs: &dyn Fs, path: &Path) -> Result<()> {
    // With the dot a link to a directory is as good as the directory.
    let about = match fs.meta(&path.join(".")) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(not_a_directory(path)),
        Err(error) => {
            return Err(Error::config(format!(
                "could not look at `{}`; give this process access to it, or choose another directory",
                path.display()
            ))
            .because(error));
        }
    };
    if about.kind != Kind::Dir {
        return Err(not_a_directory(path));
    }
    if about.mode & 0o002 != 0 {
        return Err(Error::config(format!(
            "everybody may write to `{0}` (mode {1:#o}), so anybody could replace the trail; run `chmod o-w {0}`, or \
             choose another directory",
            path.display(),
            about.mode
        )));
    }
    Ok(())
}

fn not_a_directory(path: &Path) -> Error {
    Error::config(format!(
        "`{}` is not a directory, or lies below a file; choose another directory, or move the file away",
        path.display()
    ))
}

/// Makes the names of the stream's directory, and its own, durable.
pub(super) fn sync_dirs(fs: &dyn Fs, dir: &Path, home: &Path) -> Result<()> {
    for path in [dir, home] {
        fs.sync_dir(path)
            .map_err(|error| Error::io("could not make durable the directory", path, error))?;
    }
    Ok(())
}

impl Identity {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    fn load(fs: &dyn Fs, home: &Path, settings: &Settings, now: u64) -> Result<Self> {
        let path = home.join(IDENTITY);
        if let Some(known) = Self::read(fs, &path)? {
            return Ok(known);
        }
        let id = format!("{}-{:012x}", settings.stream, rand::random::<u64>() >> 16);
        let line = format!("{{\"created\":\"{}\",\"stream\":\"{id}\"}}\n", lock::rfc3339(now));
        let new = Self { id, line };
        new.write(fs, &path, settings.access)?;
        Ok(new)
    }

    /// The last line of the file that states an identity; a crash can leave an unfinished one before it.
    fn read(fs: &dyn Fs, path: &Path) -> Result<Option<Self>> {
        let bytes = match fs.read(path, MAX_IDENTITY) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(look(path, error)),
        };
        let known = bytes.split(|byte| *byte == b'\n').rev().find_map(|line| {
            let value: Value = serde_json::from_slice(line).ok()?;
            Some(Self {
                id: value.get("stream")?.as_str()?.to_owned(),
                line: format!("{}\n", std::str::from_utf8(line).ok()?),
            })
        });
        Ok(known)
    }

    fn write(&self, fs: &dyn Fs, path: &Path, access: Access) -> Result<()> {
        let failed = |error| Error::io("could not write the stream's identity", path, error);
        let mut text = self.line.clone();
        let file = match fs.create_new(path, access) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                text.insert(0, '\n');
                fs.open_append(path).map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
        match file.write(text.as_bytes()) {
            Ok(count) if count == text.len() => file.sync().map_err(failed),
            Ok(_) => Err(failed(io::ErrorKind::WriteZero.into())),
            Err(error) => Err(failed(error)),
        }
    }

    /// Puts the identity back where its file is gone; refuses a directory that belongs to another stream.
    pub(super) fn restore(&self, fs: &dyn Fs, home: &Path, access: Access) -> Result<()> {
        let path = home.join(IDENTITY);
        match Self::read(fs, &path)? {
            Some(there) if there.id == self.id => Ok(()),
            Some(there) => Err(Error::config(format!(
                "`{}` now belongs to the stream {}, not to {}; put the directory back, or restart to write there",
                home.display(),
                there.id,
                self.id
            ))),
            None => self.write(fs, &path, access),
        }
    }
}

/// The end of the trail.
struct Found {
    opened: Opened,
    last: Option<SegmentName>,
}

impl Found {
    fn look(fs: &dyn Fs, home: &Path) -> Result<Self> {
        let names = recover::segments(fs, home)?;
        let mut opened = Opened {
            next_seq: 0,
            last_observed_at: None,
            clean: true,
            first: true,
            torn: None,
            missing: None,
            tiles_rebuilt: false,
        };
        let Some((&newest, before)) = names.split_last() else {
            return Ok(Self { opened, last: None });
        };
        let mut scan = recover::scan_forward(fs, home, newest.first_seq, &mut |_, _| {})?;
        opened.first = false;
        opened.torn = scan.torn.take().map(|region| Torn {
            segment: newest,
            offset: region.offset,
            len: region.len,
            sha256_hex: region.sha256_hex,
        });
        let known = match scan.last {
            Some(last) => Some(last),
            None => last_before(fs, home, before, newest.first_seq)?,
        };
        opened.clean = opened.torn.is_none() && known.is_none_or(|last| last.close);
        // Without any record the oldest segment's number is where the trail began, as far as it is kept.
        let oldest = names.first().map_or(0, |name| name.first_seq);
        let behind = known.map_or(oldest, |last| last.seq.saturating_add(1));
        opened.next_seq = scan.next_seq.max(newest.first_seq);
        if behind < newest.first_seq {
            opened.missing = Some((behind, newest.first_seq - 1));
        }
        opened.last_observed_at = known.map(|last| last.observed_at);
        Ok(Self {
            opened,
            last: Some(newest),
        })
    }

    /// Continues a segment that was closed properly, today, and has room. Any other end gets its fragment terminated
    /// and the trail goes on in the next segment. In every case the lines that are there are confirmed first: what
    /// survived a kill of the process may exist in memory only.
    fn go_on(&self, fs: &dyn Fs, home: &Path, settings: &Settings, now: u64) -> Result<Option<OpenSegment>> {
        let Some(name) = self.last else {
            return Ok(None);
        };
        let path = path_of(home, name);
        let opened = &self.opened;
        let file = fs.open_append(&path).map_err(|error| look(&path, error))?;
        let len = file.meta().map_err(|error| look(&path, error))?.len;
        if let Some(torn) = &opened.torn
            && !ends_a_line(&*file, len)
            && !recover::lacks_its_end(&*file, torn.offset, torn.len).unwrap_or(true)
        {
            // Where that fails the fragment is left as it is; the next segment does not depend on it. So is one that the newline
            // would make a record of, which the next start would find after this one has said that there is none.
            let _ = file.write(b"\n");
        }
        if !opened.clean {
            // A sync of an earlier life may have failed, or that of an earlier start: this one would confirm what is not there.
            let from = len.saturating_sub(UNCONFIRMED);
            fs.renew(&path, from).map_err(|error| {
                let what = "could not write once more the end of a segment whose last sync is not known to have \
                            succeeded; check the disk and start again:";
                Error::io(what, &path, error)
            })?;
        }
        // Not copied where that fails: callers of an earlier life may have been told that these lines are on disk, and in a
        // segment that repeats them they would depend on the next power failure.
        file.sync()
            .map_err(|error| Error::io("the disk did not confirm", &path, error))?;
        if !opened.clean || name.date != day(now) || len >= settings.segment_bytes {
            return Ok(None);
        }
        OpenSegment::adopt(name, path, file, opened.next_seq, false).map(Some)
    }
}

/// The last record of the newest segment that has one below the number in the name behind it.
fn last_before(fs: &dyn Fs, home: &Path, names: &[SegmentName], mut limit: u64) -> Result<Option<Last>> {
    for &name in names.iter().rev() {
        if let Some(last) = recover::tail_below(fs, &path_of(home, name), limit)? {
            return Ok(Some(last));
        }
        limit = limit.min(name.first_seq);
    }
    Ok(None)
}

fn ends_a_line(file: &dyn FsFile, len: u64) -> bool {
    let mut last = [0];
    len == 0 || file.read_at(len - 1, &mut last).is_ok() && last == *b"\n"
}

fn path_of(home: &Path, name: SegmentName) -> PathBuf {
    home.join(name.to_string())
}
