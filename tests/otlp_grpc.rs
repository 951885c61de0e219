//! The same sink over gRPC: what each status does to the records, and where the sink runs.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/otlp.rs"]
mod otlp;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use collector::{Collector, held};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use otlp::Held;
use parking_lot::Mutex;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Request, Response, Status};
use tracing_audit::record::Record;
use tracing_audit::sink::OtlpSink;
use tracing_audit::sink::otlp::{OtlpBuilder, Protocol};
use tracing_audit::{Audit, State};

const LONG: Duration = Duration::from_secs(60);

type Answer = dyn FnMut(&[Held]) -> Result<ExportLogsServiceResponse, Status> + Send;

struct Service {
    answer: Mutex<Box<Answer>>,
    took: Arc<Mutex<Vec<Held>>>,
    tenants: Arc<Mutex<BTreeSet<String>>>,
}

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let tenant = request
            .metadata()
            .get("x-tenant")
            .map(|value| value.to_str().unwrap().to_owned());
        self.tenants.lock().extend(tenant);
        let records = held(request.into_inner());
        let answer = (self.answer.lock())(&records)?;
        if answer.partial_success.is_none() {
            self.took.lock().extend(records);
        }
        Ok(Response::new(answer))
    }
}

/// A collector over gRPC, on a thread and a runtime of its own.
struct Grpc {
    address: SocketAddr,
    took: Arc<Mutex<Vec<Held>>>,
    tenants: Arc<Mutex<BTreeSet<String>>>,
    end: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Grpc {
    fn start(
        answer: impl FnMut(&[Held]) -> Result<ExportLogsServiceResponse, Status> + Send + 'static,
    ) -> Self {
        let (took, tenants) = (
            Arc::<Mutex<Vec<Held>>>::default(),
            Arc::<Mutex<BTreeSet<String>>>::default(),
        );
        let service = LogsServiceServer::new(Service {
            answer: Mutex::new(Box::new(answer)),
            took: Arc::clone(&took),
            tenants: Arc::clone(&tenants),
        });
        let service = service.accept_compressed(CompressionEncoding::Gzip);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let incoming = tonic::transport::server::TcpIncoming::from(
                    tokio::net::TcpListener::from_std(listener).unwrap(),
                );
                let server = tonic::transport::Server::builder().add_service(service);
                let served = server.serve_with_incoming_shutdown(incoming, async {
                    let _ = ended.await;
                });
                served.await.unwrap();
            });
        });
        Self {
            address,
            took,
            tenants,
            end: Some(end),
        }
    }

    fn sink(&self) -> OtlpBuilder {
        let builder = OtlpSink::builder()
            .protocol(Protocol::Grpc)
            .endpoint(format!("http://{}", self.address));
        builder
            .batch_records(16)
            .timeout(Duration::from_secs(5))
            .header("x-tenant", "blue")
    }
}

impl Drop for Grpc {
    fn drop(&mut self) {
        drop(self.end.take());
    }
}

fn fine() -> ExportLogsServiceResponse {
    ExportLogsServiceResponse::default()
}

fn record(event: &str, n: u64) -> Record {
    Record::builder(event)
        .actor("user", "alice")
        .attribute("n", n)
        .build()
}

/// A trail of 30 records, of which the 7th is bad. Gives back which arrived, in order, and how many were refused.
fn run(place: &Path, collector: &Grpc) -> (Vec<u64>, u64) {
    let sink = collector.sink().build_with(|_| None).unwrap();
    let audit = Audit::builder()
        .directory(place)
        .diagnostics(|_| {})
        .sink(sink)
        .start()
        .unwrap();
    for n in 1..=30 {
        audit
            .submit(record(if n == 7 { "bad.step" } else { "good.step" }, n))
            .unwrap();
    }
    let _says_what_was_refused = audit.flush(LONG);
    let _says_it_too = audit.shutdown(LONG);
    let stats = audit.stats();
    assert_eq!(
        (stats.sinks[0].missed, stats.sinks[0].waiting),
        (0, 0),
        "{stats:?}"
    );
    let took = collector.took.lock();
    let steps = took
        .iter()
        .filter(|held| !held.record.event_name.starts_with("audit."));
    let numbers = steps
        .map(|held| u64::try_from(held.number("n").unwrap()).unwrap())
        .collect();
    (numbers, stats.sinks[0].refused)
}

#[test]
fn every_status_of_grpc_leaves_every_record_where_it_should() {
    let is_bad = |held: &Held| held.record.event_name == "bad.step";
    let all: Vec<u64> = (1..=30).collect();
    let good: Vec<u64> = (1..=30).filter(|n| *n != 7).collect();
    for code in [
        Code::Unavailable,
        Code::ResourceExhausted,
        Code::Internal,
        Code::Unauthenticated,
        Code::Unimplemented,
    ] {
        let place = tempfile::tempdir().unwrap();
        let mut count = 0;
        let collector = Grpc::start(move |_| {
            count += 1;
            if count == 1 {
                Err(Status::new(code, "not now"))
            } else {
                Ok(fine())
            }
        });
        assert_eq!(run(place.path(), &collector), (all.clone(), 0), "{code:?}");
        assert!(collector.tenants.lock().contains("blue"));
    }
    let place = tempfile::tempdir().unwrap();
    let small = Grpc::start(|records| match records.len() {
        5.. => Err(Status::new(Code::OutOfRange, "too large")),
        _ => Ok(fine()),
    });
    assert_eq!(run(place.path(), &small), (all, 0));
    let place = tempfile::tempdir().unwrap();
    let picky = Grpc::start(move |records| match records.iter().any(is_bad) {
        true => Err(Status::invalid_argument("no")),
        false => Ok(fine()),
    });
    assert_eq!(run(place.path(), &picky), (good, 1));
    let place = tempfile::tempdir().unwrap();
    let partly = Grpc::start(move |records| {
        let refused = records.iter().filter(|held| is_bad(held)).count();
        let partial_success = (refused > 0).then(|| ExportLogsPartialSuccess {
            rejected_log_records: i64::try_from(refused).unwrap(),
            error_message: String::new(),
        });
        Ok(ExportLogsServiceResponse { partial_success })
    });
    assert_eq!(run(place.path(), &partly).1, 1);
}

#[test]
fn a_collector_that_is_not_there_or_speaks_no_grpc_is_told_by_the_probe() {
    let probe = |url: String| {
        let sink = OtlpSink::builder()
            .protocol(Protocol::Grpc)
            .endpoint(url)
            .timeout(Duration::from_secs(2));
        sink.build_with(|_| None).unwrap().probe()
    };
    let collector = Grpc::start(|_| Ok(fine()));
    probe(format!("http://{}", collector.address)).unwrap();
    probe("http://127.0.0.1:1".into()).unwrap_err();
    probe(Collector::good().url()).unwrap_err();
    let error = OtlpSink::builder()
        .protocol(Protocol::Grpc)
        .endpoint("http://c/v1/logs")
        .build_with(|_| None)
        .unwrap_err();
    assert!(error.to_string().contains("/v1/logs"), "{error}");
}

#[test]
fn it_works_from_within_a_current_thread_runtime_and_from_none_over_both_protocols() {
    let (http, grpc) = (Collector::good(), Grpc::start(|_| Ok(fine())));
    let place = tempfile::tempdir().unwrap();
    let both = |dir: &str| {
        let http = OtlpSink::builder()
            .endpoint(http.url())
            .name("http")
            .build_with(|_| None)
            .unwrap();
        let mut grpc = grpc.sink().name("grpc").build_with(|_| None).unwrap();
        grpc.probe().unwrap();
        Audit::builder()
            .directory(place.path().join(dir))
            .sink(http)
            .sink(grpc)
            .start()
            .unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // One that is dropped here, with a runtime of its own inside.
        let mut dropped = grpc.sink().build_with(|_| None).unwrap();
        dropped.probe().unwrap();
        drop(dropped);
        let audit = both("inside");
        let receipt = audit.emit_async(record("good.step", 1)).await.unwrap();
        assert_eq!(receipt.state(), State::Durable);
        audit.shutdown(LONG).unwrap();
    });
    let audit = both("outside");
    audit.emit(record("good.step", 2)).unwrap();
    audit.shutdown(LONG).unwrap();
    for took in [http.took(), grpc.took.lock().clone()] {
        let steps: Vec<_> = took.iter().filter_map(|held| held.number("n")).collect();
        assert_eq!(steps, [1, 2]);
    }
}
