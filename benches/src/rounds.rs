//! The parent process: it starts one child per peer and case, in an order shuffled anew in each round, and reads what
//! the child left behind.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::event::{DESCRIBED_TRACES, EVENT_TRACES, SPAN_TRACES};
use crate::foreign;
use crate::output;
use crate::peers::{PEERS, Spec};
use crate::results::{Measured, Outcome, Results};
use crate::run::{fresh, put_aside};
use crate::turns::{self, Peer};

/// The cases with times of single calls.
pub const TIMED: [&str; 4] = ["paced", "hot", "paced-op", "hot-op"];

/// Threads of the saturating cases `sat1`, `sat2`, ….
pub const THREADS: [u64; 5] = [1, 2, 4, 8, 16];

/// How much is measured, and where.
#[derive(Debug, Clone, Args)]
pub struct Plan {
    /// Rounds; medians are of these.
    #[arg(long, default_value_t = 7)]
    pub rounds: u32,
    /// The order's seed; another one each time where it is not given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Only these peers, or of `redact` only these scanners.
    #[arg(long, value_delimiter = ',')]
    pub peers: Vec<String>,
    /// Only these cases (paced, hot, paced-op, hot-op, sat1, sat2, …; of `redact`: harmless, prose, "hex 64 KiB", …).
    #[arg(long, value_delimiter = ',')]
    pub cases: Vec<String>,
    /// Events of a saturating case, in all threads together.
    #[arg(long, default_value_t = 400_000)]
    pub events: u64,
    /// Timed calls of the other cases.
    #[arg(long, default_value_t = 32_768)]
    pub timed_events: u64,
    /// About how long one scan of `redact` is measured, in milliseconds.
    #[arg(long, default_value_t = 200)]
    pub budget: u64,
    /// Pairs of bursts of 64 events for what one more field costs.
    #[arg(long, default_value_t = 600)]
    pub pairs: u64,
    /// Working directory: the peers' files, removed after each run, `results.jsonl` and `redact.jsonl`.
    #[arg(long, default_value = "target/bench")]
    pub out: PathBuf,
}

/// A run that the parent can start.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    Peer(Spec, String),
    Foreign(&'static str),
    Scan(&'static str, String),
    Field(&'static str),
    #[cfg(feature = "otlp")]
    Otlp(&'static str, &'static str),
    #[cfg(feature = "otlp")]
    Holes(Vec<&'static str>),
}

impl Plan {
    /// Whether the plan takes this peer.
    #[must_use]
    pub fn takes(&self, peer: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|name| name == peer)
    }

    /// The file of raw results.
    #[must_use]
    pub fn raw(&self) -> PathBuf {
        self.out.join("results.jsonl")
    }

    /// The file of raw results of `redact`: one of its own, so that neither part wipes the other.
    #[must_use]
    pub fn raw_redact(&self) -> PathBuf {
        self.out.join("redact.jsonl")
    }

    /// The directory of a child's files.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.out.join("run")
    }

    /// Where children's emptied files lie until all is measured.
    fn aside(&self) -> PathBuf {
        self.out.join("done")
    }

    /// Starts a file of raw results anew.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn begin(&self, raw: &Path) -> Result<File> {
        fs::create_dir_all(&self.out)?;
        File::create(raw).with_context(|| format!("cannot create {}", raw.display()))
    }

    fn case_names(&self) -> Result<Vec<String>> {
        let timed = TIMED.into_iter().map(str::to_owned);
        let all: Vec<_> = timed
            .chain(THREADS.map(|threads| format!("sat{threads}")))
            .collect();
        if self.cases.is_empty() {
            return Ok(all);
        }
        let unknown = self.cases.iter().find(|case| !all.contains(case));
        ensure!(
            unknown.is_none(),
            "no case is called {}; there are {}",
            unknown.unwrap_or(&String::new()),
            all.join(", ")
        );
        Ok(self.cases.clone())
    }

    fn peer_jobs(&self) -> Result<Vec<Job>> {
        for name in &self.peers {
            Spec::named(name)?;
        }
        let cases = self.case_names()?;
        let mut jobs = Vec::new();
        let timed = PEERS.iter().filter(|spec| self.takes(spec.name) && !spec.typed());
        for spec in timed {
            for case in &cases {
                // An op without spans is an event; what is not written has no time until it is on the disk.
                let empty =
                    (case.ends_with("-op") && !spec.spans()) || (case.starts_with("sat") && !spec.writes);
                if !empty {
                    jobs.push(Job::Peer(*spec, case.clone()));
                }
            }
        }
        Ok(jobs)
    }

    /// Runs every peer and case in every round.
    ///
    /// # Errors
    /// When a child fails or its files cannot be read.
    pub fn peers(&self, results: &mut Results, raw: &mut File) -> Result<()> {
        let jobs = self.peer_jobs()?;
        self.shuffled(&jobs, results, raw)
    }

    /// Runs every form and case of what is not audited, in every round.
    ///
    /// # Errors
    /// When a child fails.
    pub fn foreign(&self, results: &mut Results, raw: &mut File) -> Result<()> {
        let cases = foreign::CASES.iter().map(|(_, case)| Job::Foreign(case));
        self.shuffled(&cases.collect::<Vec<_>>(), results, raw)
    }

    pub(crate) fn shuffled(&self, jobs: &[Job], results: &mut Results, raw: &mut File) -> Result<()> {
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        println!(
            "seed {seed}: {} runs in each of {} rounds",
            jobs.len(),
            self.rounds
        );
        let mut order = fastrand::Rng::with_seed(seed);
        for round in 1..=self.rounds {
            let mut jobs = jobs.to_vec();
            order.shuffle(&mut jobs);
            for job in &jobs {
                for outcome in self.one(job, round)? {
                    println!("{}", line(&outcome));
                    results.append(raw, outcome)?;
                }
            }
        }
        let aside = self.aside();
        if aside.exists() {
            fs::remove_dir_all(aside)?;
        }
        Ok(())
    }

    fn one(&self, job: &Job, round: u32) -> Result<Vec<Outcome>> {
        let scratch = self.scratch();
        fresh(&scratch)?;
        let outcomes = match job {
            Job::Peer(spec, case) => self.peer(spec, case, round).map(|outcome| vec![outcome]),
            Job::Foreign(case) => self.not_audited(case, round),
            Job::Scan(scanner, case) => self.scan(scanner, case, round).map(|outcome| vec![outcome]),
            Job::Field(added) => self.field(added, round).map(|outcome| vec![outcome]),
            #[cfg(feature = "otlp")]
            Job::Otlp(peer, packing) => self.sent(peer, packing, round).map(|outcome| vec![outcome]),
            #[cfg(feature = "otlp")]
            Job::Holes(callers) => self.beside(callers, round),
        };
        put_aside(&scratch, &self.aside())?;
        outcomes
    }

    /// Every form, in turns.
    fn not_audited(&self, case: &str, round: u32) -> Result<Vec<Outcome>> {
        let start = |form: &foreign::Form| {
            let place = self.scratch().join(form.name);
            fs::create_dir_all(&place)?;
            let mut child = this_program()?;
            child.args(["foreign-run", "--form", form.name, "--case", case, "--out"]);
            Peer::start(form.name, child.arg(place))
        };
        let forms = foreign::FORMS.iter().map(start).collect::<Result<_>>()?;
        let measured = turns::give(forms, foreign::CHUNKS, &mut self.order(round))?;
        let case = format!("foreign-{case}");
        let outcomes = foreign::FORMS.iter().zip(measured);
        Ok(outcomes
            .map(|(form, measured)| Outcome::new(round, form.name, &case, measured))
            .collect())
    }

    /// An order of its own for each round's turns.
    pub(crate) fn order(&self, round: u32) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed.unwrap_or_default() ^ u64::from(round))
    }

    fn peer(&self, spec: &Spec, case: &str, round: u32) -> Result<Outcome> {
        let (mode, threads) = match case.strip_prefix("sat") {
            Some(threads) => ("sat", threads),
            None => (case, "1"),
        };
        let events = if mode == "sat" {
            self.events
        } else {
            self.timed_events
        };
        let mut child = this_program()?;
        child.args(["run", "--peer", spec.name, "--mode", mode, "--threads", threads]);
        child
            .arg("--events")
            .arg(events.to_string())
            .arg("--out")
            .arg(self.scratch());
        let outcome = Outcome::new(round, spec.name, case, result_of(&mut child)?);
        outcome.counted(spec, &self.scratch())
    }
}

impl Outcome {
    /// An outcome whose files nobody has read.
    #[must_use]
    pub fn new(round: u32, peer: &str, case: &str, measured: Measured) -> Self {
        let (peer, case) = (peer.to_owned(), case.to_owned());
        Self {
            round,
            peer,
            case,
            measured,
            found: None,
            bytes_per_line: None,
            missing: Vec::new(),
        }
    }

    /// Reads what the child left in `dir`: this process is the outside reader.
    ///
    /// # Errors
    /// When the files cannot be read, or the lines do not carry the fields that make the comparison a fair one.
    pub fn counted(mut self, spec: &Spec, dir: &Path) -> Result<Self> {
        if !spec.writes {
            return Ok(self);
        }
        let mut traces = EVENT_TRACES.to_vec();
        if spec.spans() {
            traces.extend(SPAN_TRACES);
        }
        if spec.scanned() {
            traces.extend(DESCRIBED_TRACES);
        }
        let found = output::read(dir, &traces).with_context(|| format!("{} {}", self.peer, self.case))?;
        self.found = Some(found.lines);
        self.bytes_per_line = (found.lines > 0).then(|| found.bytes as f64 / found.lines as f64);
        self.missing = found.missing.into_iter().map(str::to_owned).collect();
        Ok(self)
    }
}

/// This program, to be started as a child.
///
/// # Errors
/// When the system does not tell where it is.
pub fn this_program() -> Result<Command> {
    Ok(Command::new(std::env::current_exe()?))
}

/// Runs a child and reads its result, the last line that it prints.
///
/// # Errors
/// When it fails; its own message is in the error.
pub fn result_of(child: &mut Command) -> Result<Measured> {
    let output = child
        .output()
        .with_context(|| format!("cannot start {child:?}"))?;
    if !output.status.success() {
        bail!(
            "{child:?} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    read_result(&String::from_utf8_lossy(&output.stdout)).with_context(|| format!("{child:?}"))
}

/// Reads a child's result from what it printed: the last line.
///
/// # Errors
/// When that is no result.
pub fn read_result(text: &str) -> Result<Measured> {
    let last = text.lines().last().context("printed nothing")?;
    serde_json::from_str(last).with_context(|| format!("printed {last}"))
}

/// An outcome in one line, for whoever watches.
#[must_use]
pub fn line(outcome: &Outcome) -> String {
    let Outcome {
        round,
        peer,
        case,
        measured,
        ..
    } = outcome;
    let mut text = format!("{round} {peer} {case}:");
    let mut say = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            text.push_str(&format!(" {name} {value:.1}"));
        }
    };
    say("p50", measured.figures.map(|figures| figures.p50));
    say("p99", measured.figures.map(|figures| figures.p99));
    say("events/s", measured.rate);
    say("ns", measured.nanos);
    say("MB/s", crate::results::figure::megabytes(outcome));
    say("instructions", measured.instructions);
    say("allocations", measured.allocations);
    say("peak KiB over idle", crate::results::figure::growth_kib(outcome));
    say("idle %", measured.memory.map(|memory| memory.idle_share * 100.0));
    say("bytes/line", outcome.bytes_per_line);
    if outcome.lost() != 0 {
        text.push_str(&format!(" LOST {}", outcome.lost()));
    }
    if !outcome.missing.is_empty() {
        text.push_str(&format!(" MISSING {}", outcome.missing.join(" ")));
    }
    text
}
