//! `bench seal`: what the seal and the disk cost. Verification beside plain SHA-256 over the same bytes, the opening of a
//! large trail, receipts beside bare `fdatasync`, a slow disk, and the wait of a caller beside a sink that hangs.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use sha2::{Digest as _, Sha256};
use tracing::subscriber::with_default;
use tracing_audit::config::Mode;
use tracing_audit::format::{Entry, SigningKey, segments};
use tracing_audit::record::Record;
use tracing_audit::sink::{Accepted, FileSink, Sink, SinkError};
use tracing_audit::verify::{self, Outcome};
use tracing_audit::{Audit, AuditBuilder, AuditedExt as _, ErrorKind};
use tracing_subscriber::registry;

use crate::run::fresh;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Case {
    /// Verification beside SHA-256 of the same crate over the same bytes, in turns, in one process.
    Verify,
    /// The opening of a sealed trail for writing.
    Open,
    /// Receipts of 1, 8 and 64 callers who wait, beside bare `fdatasync` of the same bytes.
    Durable,
    /// Saturation with `fdatasync` every 50 ms beside none at all, and on a disk whose every one takes 50 ms longer; needs
    /// `strace`.
    SlowDisk,
    /// The 99th percentile of a caller's wait beside a sink that hangs, and without one.
    HungSink,
    /// The memory of one verification, in a process that does nothing else.
    Resident,
    /// Verification and opening of a tenth of the records and of all of them, each in a process that does nothing else.
    Linear,
    /// One opening for writing, in a process that does nothing else; makes its own key again from `BENCH_SEAL_KEY`.
    Opening,
}

/// How much is measured, and where.
#[derive(Debug, Clone, Args)]
pub struct Plan {
    /// The case.
    #[arg(value_enum)]
    pub case: Case,
    /// Records of the trail, or calls.
    #[arg(long, default_value_t = 300_000)]
    pub records: u64,
    /// Turns; the best of each side counts, because the machine may have other work.
    #[arg(long, default_value_t = 5)]
    pub turns: u32,
    /// Working directory, made anew and removed; `resident` and `opening` read the trail that is in it.
    #[arg(long, default_value = "target/bench/seal")]
    pub out: PathBuf,
}

/// How long anything may take that is not measured.
const PATIENCE: Duration = Duration::from_secs(600);

/// The variable that carries the key of a trail to a child process.
const KEY: &str = "BENCH_SEAL_KEY";

impl Plan {
    /// Measures and prints.
    ///
    /// # Errors
    /// When something cannot be written, or does not verify.
    pub fn run(&self) -> Result<()> {
        match self.case {
            Case::Resident => return self.resident(),
            Case::Opening => return self.opening(),
            _ => {}
        }
        fresh(&self.out)?;
        match self.case {
            Case::Verify => self.verify()?,
            Case::Open => self.open()?,
            Case::Durable => self.durable()?,
            Case::SlowDisk => self.slow_disk()?,
            Case::HungSink => self.hung_sink()?,
            Case::Linear => self.linear()?,
            Case::Resident | Case::Opening => {}
        }
        Ok(fs::remove_dir_all(&self.out)?)
    }

    fn builder(&self, key: &SigningKey) -> AuditBuilder {
        let builder = Audit::builder().directory(&self.out).keep_days(0);
        builder.signing_key(key.clone())
    }

    /// A signed trail of typical records, and its key.
    fn trail(&self) -> Result<SigningKey> {
        let key = SigningKey::generate("bench.example/trail")?;
        self.grow(&key, 0..self.records)?;
        Ok(key)
    }

    /// Adds typical records to the trail.
    fn grow(&self, key: &SigningKey, numbers: Range<u64>) -> Result<()> {
        let audit = self.builder(key).start()?;
        for n in numbers {
            let record = typical(n);
            while let Err(error) = audit.submit(record.clone()) {
                ensure!(error.kind() == ErrorKind::Full, "{error}");
                std::thread::yield_now();
            }
        }
        audit.shutdown(PATIENCE)?;
        Ok(())
    }

    fn linear(&self) -> Result<()> {
        let key = SigningKey::generate("bench.example/trail")?;
        let mut from = 0;
        for to in [self.records / 10, self.records] {
            let start = Instant::now();
            self.grow(&key, from..to)?;
            println!("linear: {} records more in {:?}", to - from, start.elapsed());
            from = to;
            for _ in 0..self.turns {
                self.child("resident", &key)?;
                self.child("opening", &key)?;
            }
        }
        Ok(())
    }

    fn verify(&self) -> Result<()> {
        let key = self.trail()?;
        let bytes: u64 = segments(&self.home())?.iter().map(|segment| segment.len).sum();
        let (mut plain, mut ours) = (Duration::MAX, Duration::MAX);
        for _ in 0..self.turns {
            let start = processor()?;
            self.plain()?;
            plain = plain.min(processor()? - start);
            let start = processor()?;
            let report = verify::verify(&self.out, &verify::Options::new())?;
            ours = ours.min(processor()? - start);
            ensure!(report.outcome() == Outcome::Verified, "it does not verify");
        }
        let rate = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e6;
        println!(
            "verify: {} records, {bytes} bytes, by the thread's processor time: SHA-256 alone {:.0} MB/s, verify {:.0} MB/s: \
             ratio {:.2}",
            self.records,
            rate(plain),
            rate(ours),
            plain.as_secs_f64() / ours.as_secs_f64()
        );
        self.child("resident", &key)
    }

    /// SHA-256 over the segments, read in blocks as large as the verifier's.
    fn plain(&self) -> Result<()> {
        let mut buffer = vec![0; 128 * 1024];
        for segment in segments(&self.home())? {
            let mut file = File::open(&segment.path)?;
            let mut hash = Sha256::new();
            loop {
                let count = file.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                hash.update(buffer.get(..count).unwrap_or_default());
            }
            std::hint::black_box(hash.finalize());
        }
        Ok(())
    }

    fn child(&self, case: &str, key: &SigningKey) -> Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["seal", case, "--out"]).arg(&self.out);
        let text = key.to_text().context("the key has no text")?;
        command.env(KEY, text.as_str());
        ensure!(command.status()?.success(), "the case {case} failed");
        Ok(())
    }

    fn resident(&self) -> Result<()> {
        let before = peak()?;
        let (start, ours) = (Instant::now(), processor()?);
        let report = verify::verify(&self.out, &verify::Options::new())?;
        let (took, ours) = (start.elapsed(), processor()? - ours);
        ensure!(report.outcome() == Outcome::Verified, "it does not verify");
        let records: u64 = report.streams.iter().map(|stream| stream.records).sum();
        println!(
            "resident: {records} records in {took:?}, {ours:?} of a processor, {} ns each; {before} KiB at its peak before, \
             {} KiB behind",
            ours.as_nanos() / u128::from(records.max(1)),
            peak()?
        );
        Ok(())
    }

    fn opening(&self) -> Result<()> {
        let key = SigningKey::from_env(KEY)?;
        let before = peak()?;
        let start = Instant::now();
        let sink = FileSink::builder(&self.out).keep_days(0).signing_key(key);
        let sink = sink.open()?;
        println!(
            "opening: {} records in {:?}; {before} KiB at its peak before, {} KiB behind",
            sink.next_seq(),
            start.elapsed(),
            peak()?
        );
        Ok(())
    }

    fn open(&self) -> Result<()> {
        let key = self.trail()?;
        let mut best = Duration::MAX;
        let mut first = None;
        for _ in 0..self.turns {
            let start = Instant::now();
            let sink = FileSink::builder(&self.out).keep_days(0).signing_key(key.clone());
            let sink = sink.open()?;
            let took = start.elapsed();
            drop(sink);
            first.get_or_insert(took);
            best = best.min(took);
        }
        println!(
            "open: {} records; first {:?}, best {best:?}",
            self.records,
            first.unwrap_or_default()
        );
        Ok(())
    }

    fn home(&self) -> PathBuf {
        self.out.join("main")
    }

    fn durable(&self) -> Result<()> {
        let key = SigningKey::generate("bench.example/trail")?;
        for callers in [1, 8, 64] {
            let mut turns = Vec::new();
            for _ in 0..self.turns {
                turns.push(self.durable_turn(&key, callers)?);
            }
            let median = |of: fn(&Durable) -> f64| {
                let mut all: Vec<f64> = turns.iter().map(of).collect();
                all.sort_by(f64::total_cmp);
                all.get(all.len() / 2).copied().unwrap_or_default()
            };
            println!(
                "durable, {callers} callers, {} bytes a line, medians of {} turns: {:.0} records a second; the same lines by one \
                 fdatasync each {:.0}: {:.2}; by one fdatasync for {callers} lines {:.0}: {:.2}",
                turns.first().map_or(0, |turn| turn.line),
                turns.len(),
                median(|turn| turn.ours),
                median(|turn| turn.single),
                median(|turn| turn.ours / turn.single),
                median(|turn| turn.grouped),
                median(|turn| turn.ours / turn.grouped),
            );
        }
        Ok(())
    }

    /// Our receipts, and the very lines that were written for them by bare `fdatasync`, beside each other: what else the
    /// disk has to do changes from minute to minute.
    fn durable_turn(&self, key: &SigningKey, callers: u64) -> Result<Durable> {
        fresh(&self.out)?;
        let audit = self.builder(key).start()?;
        let share = self.records / callers;
        let start = Instant::now();
        let done = std::thread::scope(|scope| {
            let calls = (0..callers).map(|caller| {
                let audit = &audit;
                scope.spawn(move || {
                    (0..share).try_for_each(|n| audit.emit(typical(caller * share + n)).map(drop))
                })
            });
            let calls: Vec<_> = calls.collect();
            calls.into_iter().all(|call| matches!(call.join(), Ok(Ok(()))))
        });
        let ours = (share * callers) as f64 / start.elapsed().as_secs_f64();
        ensure!(done, "a record was not durable");
        audit.shutdown(PATIENCE)?;
        let mut bytes = Vec::new();
        for segment in segments(&self.home())? {
            bytes.extend(fs::read(&segment.path)?);
        }
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        Ok(Durable {
            ours,
            single: self.bare(&lines, 1)?,
            grouped: self.bare(&lines, usize::try_from(callers)?)?,
            line: bytes.len() / lines.len().max(1),
        })
    }

    /// How many lines a second can be appended and synced, so many together.
    fn bare(&self, lines: &[&[u8]], together: usize) -> Result<f64> {
        let path = self.out.join(format!("bare-{together}"));
        let mut file = File::options().create(true).append(true).open(&path)?;
        let start = Instant::now();
        for group in lines.chunks(together) {
            file.write_all(&group.concat())?;
            file.sync_data()?;
        }
        Ok(lines.len() as f64 / start.elapsed().as_secs_f64())
    }

    fn slow_disk(&self) -> Result<()> {
        let exe = std::env::current_exe()?;
        let run = |instead: &str| -> Result<f64> {
            let place = self.out.join("run");
            fresh(&place)?;
            let mut command = Command::new("strace");
            command.args([
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "--seccomp-bpf",
                "-e",
                "trace=fdatasync",
            ]);
            command.args(["-e", &format!("inject=fdatasync:{instead}")]);
            command
                .arg(&exe)
                .args(["run", "--peer", "audit-sealed", "--mode", "sat", "--events"]);
            let said = command
                .arg(self.records.to_string())
                .arg("--out")
                .arg(&place)
                .output();
            let said = said.context("this case needs strace")?;
            let json: serde_json::Value = serde_json::from_slice(&said.stdout)?;
            json.get("rate")
                .and_then(serde_json::Value::as_f64)
                .context("the run gave no rate")
        };
        let (mut never, mut without, mut with) = (0_f64, 0_f64, 0_f64);
        for _ in 0..self.turns {
            // The system is not asked at all, and the caller told that it has succeeded.
            never = never.max(run("retval=0")?);
            without = without.max(run("delay_exit=0")?);
            with = with.max(run("delay_exit=50000")?);
        }
        println!(
            "fdatasync: {never:.0} records a second with none, {without:.0} with one every 50 ms or 8 MiB: {:.2}; {with:.0} where \
             each takes 50 ms longer: {:.2}",
            without / never,
            with / without
        );
        Ok(())
    }

    fn hung_sink(&self) -> Result<()> {
        let (mut without, mut with) = (Duration::MAX, Duration::MAX);
        for turn in 0..self.turns {
            without = without.min(self.wait_beside(None, turn)?);
            with = with.min(self.wait_beside(Some(Hung), turn)?);
        }
        println!("hung sink: p99 of a call {without:?} without, {with:?} with one");
        Ok(())
    }

    fn wait_beside(&self, sink: Option<Hung>, turn: u32) -> Result<Duration> {
        let place = self.out.join(format!("{turn}-{}", sink.is_some()));
        let builder = Audit::builder()
            .directory(&place)
            .mode(Mode::Bounded)
            .keep_days(0);
        let builder = builder.diagnostics(|_| {});
        let audit = match sink {
            Some(sink) => builder.sink(sink).start()?,
            None => builder.start()?,
        };
        let mut times = Vec::new();
        with_default(registry().audited(&audit), || {
            for n in 0..self.records {
                let start = Instant::now();
                tracing::info!(target: "audit", event = "bench.step", n, "a step");
                times.push(start.elapsed());
            }
        });
        // The sink that hangs is waited for in vain.
        let _late = audit.shutdown(Duration::from_secs(1));
        times.sort_unstable();
        times
            .get(times.len() * 99 / 100)
            .copied()
            .context("no call was made")
    }
}

/// One turn of `durable`: lines a second.
struct Durable {
    ours: f64,
    /// Bare, each line by an `fdatasync` of its own.
    single: f64,
    /// Bare, as many lines by one `fdatasync` as there are callers.
    grouped: f64,
    /// Bytes of a line, on average.
    line: usize,
}

/// A sink that accepts, and never answers.
#[derive(Debug)]
struct Hung;

impl Sink for Hung {
    fn deliver(&mut self, _batch: &[Entry<'_>]) -> Result<Accepted, SinkError> {
        loop {
            std::thread::park();
        }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// A record of some 660 bytes as a line.
fn typical(n: u64) -> Record {
    let record = Record::builder("document.share").actor("user", format!("u-{:06}", n % 999_983));
    let record = record.resource("document", format!("doc-{:08x}", n.wrapping_mul(2_654_435_761)));
    let record = record.outcome("success").attribute("bytes", n);
    record
        .attribute("method", "POST")
        .attribute("path", format!("/v1/documents/{n}/shares"))
        .attribute(
            "statement",
            "insert into shares (id, document, person) values (?, ?, ?)",
        )
        .build()
}

/// The time that this thread has had a processor: other work of the machine counts less in it than in a clock's.
fn processor() -> Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().context("no time")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

/// The most memory that the process ever had in use, in KiB.
fn peak() -> Result<u64> {
    let status = fs::read_to_string(Path::new("/proc/self/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.context("no VmHWM")?.parse().context("VmHWM is no number")
}
