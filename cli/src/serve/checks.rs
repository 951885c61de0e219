//! What takes reading everything: verification and the verdict on completeness. One at a time, and its answer is kept.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tracing_audit::clock::{Clock as _, SystemClock};
use tracing_audit::store::{Completeness, DirStore, Window, completeness};
use tracing_audit::verify::{Options, Outcome, Proof, verify};

use super::App;
use crate::out::Failure;

/// How long a page waits for an answer before it says that it is under way.
const WAIT: Duration = Duration::from_secs(3);

/// A trail of so many bytes is read whole without being asked.
const SMALL: u64 = 32 * 1024 * 1024;

/// How long an answer about a small trail is good for.
const FRESH: u64 = 5_000_000_000;

/// What a check found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// When it ended, in nanoseconds since the Unix epoch.
    pub(super) at: u64,
    /// `good`, `consistent`, `lossy`, `open`, `damaged`.
    pub(super) kind: &'static str,
    pub(super) verdict: String,
    pub(super) lines: Vec<String>,
    /// For each stream, how many records were there, and how many of them sealed.
    pub(super) sizes: Vec<(String, u64, u64)>,
}

/// A check and its last answer.
#[derive(Debug, Default)]
pub(super) struct Check {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    runs: bool,
    found: Option<Result<Found, String>>,
}

/// The checks.
#[derive(Debug, Default)]
pub(super) struct Checks {
    pub(super) verified: Arc<Check>,
    pub(super) complete: Arc<Check>,
}

/// What is known now.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) runs: bool,
    pub(super) found: Option<Result<Found, String>>,
}

impl Check {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn known(&self) -> Known {
        let state = self.lock();
        Known {
            runs: state.runs,
            found: state.found.clone(),
        }
    }

    /// Runs it where that was asked for, or where it costs little and the answer is old; waits a little for it.
    pub(super) async fn run(
        self: &Arc<Self>,
        asked: bool,
        bytes: u64,
        work: impl FnOnce() -> Result<Found, Failure> + Send + 'static,
    ) -> Known {
        let now = SystemClock.now();
        {
            let mut state = self.lock();
            let age = match &state.found {
                Some(Ok(found)) => now.saturating_sub(found.at),
                _ => u64::MAX,
            };
            if state.runs || !(asked || (bytes <= SMALL && age > FRESH)) {
                drop(state);
                return self.known();
            }
            state.runs = true;
        }
        let check = Arc::clone(self);
        let running = tokio::task::spawn_blocking(move || {
            // Also where the work panics: what runs for ever would never be run again.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            let mut state = check.lock();
            state.runs = false;
            state.found = Some(match done {
                Ok(found) => found.map_err(|failure| failure.to_string()),
                Err(_) => Err("the check failed; the command's standard error says why".to_owned()),
            });
        });
        // It goes on where it takes longer, and the next page has its answer.
        let _ = tokio::time::timeout(WAIT, running).await;
        self.known()
    }
}

/// Verifies the whole trail.
pub(super) fn verified(app: &App) -> Result<Found, Failure> {
    let options = app.keys.iter().cloned().fold(Options::new(), Options::key);
    let report = verify(&app.dir, &options)?;
    let proof = report.streams.iter().map(|stream| stream.proof).min();
    let (kind, verdict) = match report.outcome() {
        // What agrees only with itself is not called verified.
        Outcome::Verified => match proof {
            Some(Proof::Signed) => ("good", "Verified"),
            Some(Proof::SelfSigned) => (
                "consistent",
                "Consistent, signed by a key that only the trail names",
            ),
            Some(Proof::Consistent) => ("consistent", "Consistent, not signed"),
            _ => ("open", "Nothing is sealed"),
        },
        Outcome::Lossy => ("lossy", "Consistent, but not complete"),
        Outcome::Tampered => ("damaged", "Tampered with or corrupt"),
        _ => ("open", "Cannot be decided"),
    };
    let mut lines = Vec::new();
    for stream in &report.streams {
        let said = stream.sentences();
        lines.extend(said.iter().map(|line| format!("{}: {line}", stream.stream)));
    }
    lines.extend(report.findings().take(50).map(ToString::to_string));
    let sizes = report.streams.iter();
    let sizes = sizes.map(|stream| {
        (
            stream.stream.to_string(),
            stream.size,
            stream.size - stream.unsealed().min(stream.size),
        )
    });
    Ok(Found {
        at: SystemClock.now(),
        kind,
        verdict: verdict.to_owned(),
        lines,
        sizes: sizes.collect(),
    })
}

/// Says whether the whole trail is complete.
pub(super) fn complete(app: &App) -> Result<Found, Failure> {
    let verdict = completeness(&DirStore::open(&app.dir)?, Window::ALL)?;
    let (kind, word) = match verdict.completeness() {
        Completeness::Complete => ("good", "Complete"),
        Completeness::Lossy => ("lossy", "Lossy"),
        Completeness::Unknown => ("open", "Not known"),
    };
    Ok(Found {
        at: SystemClock.now(),
        kind,
        verdict: word.to_owned(),
        lines: vec![verdict.to_string()],
        sizes: Vec::new(),
    })
}
