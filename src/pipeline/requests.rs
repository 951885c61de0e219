//! Work on a trail that runs: asked for through the handle, or by another process through files in `requests/`.
//!
//! Only the writer touches a stream, so whoever wants something done to it asks the writer. A process that cannot call the
//! handle leaves a file in `<stream>/requests/`, at which the writer looks about twice a second, and finds the answer beside
//! it. A request that a crash leaves behind is carried out by the next writer: every job can be done twice.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::control;
use super::ticket::Promise;
use super::writer::{Phase, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::redact::{Class, Policy};
use crate::sink::file::{Cleaned, Erased};

/// The directory of requests, in that of the stream.
const REQUESTS: &str = "requests";

/// How often the writer looks for requests.
const LOOK: Duration = Duration::from_millis(500);

/// No request and no answer is longer.
const MAX_REQUEST: u64 = 64 * 1024;

/// The form of requests and answers.
const SCHEMA: u64 = 1;

/// A job for the writer of a stream that runs in another process.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// Removes the values of this subject: see [`Audit::erase`](crate::Audit::erase).
    Erase(String),
    /// Removes the segments that retention allows no longer: see [`Audit::cleanup`](crate::Audit::cleanup).
    Prune,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Whose values are erased is nobody's business.
        f.write_str(self.job())
    }
}

/// What the writer did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Done {
    /// The values that were erased.
    Erased(Erased),
    /// The segments that were removed.
    Pruned(Cleaned),
}

impl Request {
    fn job(&self) -> &'static str {
        match self {
            Self::Erase(_) => "erase",
            Self::Prune => "prune",
        }
    }

    /// Leaves the request for the writer of the stream in `dir`, and waits for the answer, at most for `patience`.
    ///
    /// # Errors
    ///
    /// `Timeout` where no writer answered in time: the request is taken back. `Io` where its file cannot be written or
    /// read. What the writer could not do is its own error.
    pub fn ask(&self, dir: &Path, patience: Duration) -> Result<Done> {
        let requests = dir.join(REQUESTS);
        make_dir(&requests).map_err(|error| Error::io("could not create", &requests, error))?;
        let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
        let path = requests.join(format!("{id}.json"));
        let answer = answer_to(&path);
        let text = match self {
            Self::Erase(subject) => json!({"job": self.job(), "schema": SCHEMA, "subject": subject}),
            Self::Prune => json!({"job": self.job(), "schema": SCHEMA}),
        };
        put(&path, &text).map_err(|error| Error::io("could not write the request", &path, error))?;
        let deadline = crate::clock::deadline(patience);
        loop {
            match read(&answer) {
                Ok(given) => {
                    let _ = fs::remove_file(&answer);
                    return self.done(&given);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("could not read the answer", &answer, error)),
            }
            if Instant::now() >= deadline {
                let _ = fs::remove_file(&path);
                return Err(Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "the writer of `{}` did not answer within {patience:?}; is it hung, or of a version without \
                         requests? The request was taken back",
                        dir.display()
                    ),
                ));
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Reads a request.
    fn of(given: &Value) -> Option<Self> {
        if given.get("schema").and_then(Value::as_u64) != Some(SCHEMA) {
            return None;
        }
        match given.get("job").and_then(Value::as_str)? {
            "erase" => Some(Self::Erase(given.get("subject")?.as_str()?.to_owned())),
            "prune" => Some(Self::Prune),
            _ => None,
        }
    }

    /// Reads the answer.
    fn done(&self, given: &Value) -> Result<Done> {
        if let Some(error) = given.get("error").and_then(Value::as_str) {
            return Err(Error::new(ErrorKind::Io, format!("the writer answered: {error}")));
        }
        let number = |name: &str| given.get(name).and_then(Value::as_u64);
        let texts = |name: &str| -> Vec<String> {
            let list = given.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let unread = || Error::new(ErrorKind::Format, "the writer's answer is of an unknown form");
        Ok(match self {
            Self::Erase(_) => Done::Erased(Erased::new(
                number("records").ok_or_else(unread)?,
                number("values").ok_or_else(unread)?,
                number("first").zip(number("last")),
                texts("followers"),
            )),
            Self::Prune => Done::Pruned(Cleaned {
                removed: texts("segments")
                    .iter()
                    .filter_map(|name| crate::format::SegmentName::parse(name))
                    .collect(),
                bytes: number("bytes").ok_or_else(unread)?,
                kept: usize::try_from(number("kept").ok_or_else(unread)?).unwrap_or(usize::MAX),
            }),
        })
    }
}

/// Where the answer to a request stands.
fn answer_to(path: &Path) -> PathBuf {
    path.with_extension("done")
}

/// Puts a file there that is complete as soon as its name is there.
fn put(path: &Path, text: &Value) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}"));
    match fs::remove_file(&new) {
        // Somebody who was killed in the middle of this may have left one.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(text.to_string().as_bytes())?;
    file.sync_data()?;
    give_to_owner(&new)?;
    fs::rename(&new, path)
}

/// Gives what was just made to the owner of the directory that it stands in: an administrator may ask a writer that is
/// somebody else, who could not read it otherwise. Anybody but the administrator is that owner already.
#[cfg(unix)]
fn give_to_owner(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, lchown};
    let Some(dir) = path.parent() else { return Ok(()) };
    let (owner, made) = (fs::metadata(dir)?, fs::symlink_metadata(path)?);
    if owner.uid() == made.uid() {
        return Ok(());
    }
    lchown(path, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(not(unix))]
fn give_to_owner(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Reads a file that is one of ours, and no link to another.
fn read(path: &Path) -> io::Result<Value> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_REQUEST).read_to_end(&mut bytes)?;
    serde_json::from_slice(&bytes).map_err(io::Error::other)
}

fn make_dir(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    let made = {
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir)
    };
    #[cfg(not(unix))]
    let made = fs::create_dir(dir);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => give_to_owner(dir),
    }
}

/// What waits for the writer.
pub(super) struct Requests {
    waiting: VecDeque<Asked>,
    /// Answers whose files could not be written yet, with their requests: these jobs are done.
    untold: Vec<(PathBuf, Value)>,
    /// Makes the pseudonym of a subject.
    policy: Policy,
    look_again: Instant,
}

/// A job, and the number of records that must have been taken first.
struct Asked {
    behind: u64,
    request: Request,
    answer: Answer,
}

/// Who waits for the outcome.
enum Answer {
    Caller(Promise<Erased>),
    File(PathBuf),
}

impl Answer {
    /// Whether nobody waits any more: who asked through a file takes that away.
    fn is_taken_back(&self) -> bool {
        matches!(self, Self::File(path) if is_gone(path))
    }
}

fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

impl Requests {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            waiting: VecDeque::new(),
            untold: Vec::new(),
            policy,
            look_again: Instant::now(),
        }
    }

    /// Takes what a caller in this process asks for.
    pub(super) fn erase(&mut self, behind: u64, subject: String, promise: Promise<Erased>) {
        self.waiting.push_back(Asked {
            behind,
            request: Request::Erase(subject),
            answer: Answer::Caller(promise),
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Writer {
    /// Carries out what was asked for, each behind the records that were submitted before.
    pub(super) fn carry_out(&mut self) {
        self.look_for_requests();
        if self.state.retry.is_some() {
            return;
        }
        while let Some(asked) = self.requests.waiting.pop_front() {
            let is_behind = self.state.popped >= asked.behind || self.inbox.queue.used().records == 0;
            self.hand_on();
            if !is_behind || !self.batch.is_empty() {
                return self.requests.waiting.push_front(asked);
            }
            if asked.answer.is_taken_back() {
                continue;
            }
            let done = match &asked.request {
                Request::Erase(subject) => self.erase(subject).map(Done::Erased),
                Request::Prune => self.clean_up().map(Done::Pruned),
            };
            self.answer(asked, done);
        }
    }

    fn erase(&mut self, subject: &str) -> Result<Erased> {
        let Some(journal) = &mut self.journal else {
            return Err(Error::config(
                "cannot erase: this trail has no journal, and so no side table; give `directory`",
            ));
        };
        let done = journal.erase(subject);
        if self.state.phase == Phase::Resting {
            self.open("an erasure after the end");
        }
        // Never the subject as it is: the record of its erasure would keep it.
        let pseudonym = self
            .requests
            .policy
            .pseudonym(Class::personal("subject"), None, subject);
        self.control(&control::erase(done.as_ref(), pseudonym));
        self.hand_on();
        self.commit();
        done
    }

    fn answer(&mut self, asked: Asked, done: Result<Done>) {
        match (asked.answer, done) {
            (Answer::Caller(promise), Ok(Done::Erased(erased))) => promise.answer(Ok(erased)),
            (Answer::Caller(_), Ok(Done::Pruned(_))) => {}
            (Answer::Caller(promise), Err(error)) => promise.answer(Err(error)),
            (Answer::File(path), done) => {
                let text = said(&done);
                if let Err(error) = tell(&path, &text) {
                    (self.report)(&format!(
                        "a request to the audit trail could not be answered: {error}"
                    ));
                    self.requests.untold.push((path, text));
                }
            }
        }
    }

    /// Takes the requests that other processes left.
    fn look_for_requests(&mut self) {
        let now = Instant::now();
        if now < self.requests.look_again {
            return;
        }
        self.requests.look_again = now + LOOK;
        let Some(dir) = self.journal.as_ref().map(|journal| journal.path().join(REQUESTS)) else {
            return;
        };
        self.requests
            .untold
            .retain(|(path, text)| tell(path, text).is_err());
        let Ok(found) = fs::read_dir(&dir) else { return };
        let mut paths: Vec<PathBuf> = found
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| is_request(path))
            .collect();
        paths.sort_unstable();
        for path in paths {
            let is_known = |asked: &Asked| matches!(&asked.answer, Answer::File(known) if *known == path);
            let is_done = |(known, _): &(PathBuf, Value)| *known == path;
            if self.requests.waiting.iter().any(is_known) || self.requests.untold.iter().any(is_done) {
                continue;
            }
            let behind = self.submitted();
            let answer = Answer::File(path.clone());
            let request = read(&path).ok().as_ref().and_then(Request::of);
            let Some(request) = request else {
                let error = Error::new(ErrorKind::Format, "it is not a request of a known form");
                let asked = Asked {
                    behind,
                    request: Request::Prune,
                    answer,
                };
                self.answer(asked, Err(error));
                continue;
            };
            self.requests.waiting.push_back(Asked {
                behind,
                request,
                answer,
            });
        }
    }
}

/// Answers a request, unless it was taken back.
fn tell(path: &Path, text: &Value) -> io::Result<()> {
    if is_gone(path) {
        return Ok(());
    }
    put(&answer_to(path), text).and_then(|()| fs::remove_file(path))
}

/// Whether a path is that of a request: a UUID, and nothing that somebody could have meant otherwise.
fn is_request(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    path.extension().is_some_and(|extension| extension == "json")
        && stem.is_some_and(|stem| uuid::Uuid::try_parse(stem).is_ok())
}

/// An answer as its file holds it.
fn said(done: &Result<Done>) -> Value {
    match done {
        Ok(Done::Erased(erased)) => json!({
            "job": "erase",
            "schema": SCHEMA,
            "records": erased.records,
            "values": erased.values,
            "first": erased.range.map(|(first, _)| first),
            "last": erased.range.map(|(_, last)| last),
            "followers": erased.followers,
        }),
        Ok(Done::Pruned(cleaned)) => {
            let segments: Vec<String> = cleaned.removed.iter().map(ToString::to_string).collect();
            json!({
                "job": "prune",
                "schema": SCHEMA,
                "segments": segments,
                "bytes": cleaned.bytes,
                "kept": cleaned.kept,
            })
        }
        Err(error) => json!({"error": error.to_string(), "schema": SCHEMA}),
    }
}
