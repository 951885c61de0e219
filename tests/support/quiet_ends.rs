//! What the client of gRPC does when a sink ends is nobody's record, log line or span: streams are open still, connections are
//! lost, and all of that is dropped together with the sink's runtime.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use parking_lot::Mutex;
use tonic::{Request, Response, Status};
use tracing::Subscriber;
use tracing::subscriber::NoSubscriber;
use tracing_audit::record::Record;
use tracing_audit::sink::otlp::Protocol;
use tracing_audit::sink::{MemorySink, OtlpSink};
use tracing_audit::{Audit, AuditBuilder};
use tracing_subscriber::layer::{Context, Layer};

/// Trails that end, by each collector and each way.
const TRAILS: usize = 8;

/// Hears what the crates below the sink report.
#[derive(Clone, Default)]
pub(crate) struct Hears(Arc<Mutex<Vec<String>>>);

impl Hears {
    fn note(&self, metadata: &tracing::Metadata<'_>) {
        let crates = ["h2", "hyper", "hyper_util", "rustls", "tokio", "tonic", "tower"];
        let of = metadata.target().split("::").next().unwrap_or_default();
        if crates.contains(&of) {
            let thread = std::thread::current();
            let said = format!("{} on {:?}", metadata.name(), thread.name());
            self.0.lock().push(said);
        }
    }
}

impl<S: Subscriber> Layer<S> for Hears {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        self.note(event.metadata());
    }

    fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::span::Id, _: Context<'_, S>) {
        self.note(span.metadata());
    }
}

/// What a collector does with a request.
#[derive(Debug, Clone, Copy)]
enum Does {
    Answers,
    /// The stream is open until the sink gives up.
    Waits,
    /// The connection is lost.
    Closes,
}

struct Service(Does);

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        _: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        if matches!(self.0, Does::Waits) {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

/// A collector on a thread of its own, until the process ends.
fn collector(does: Does) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        // What the other end reports is not the sink's.
        let _quiet = tracing::subscriber::set_default(NoSubscriber::new());
        if matches!(does, Does::Closes) {
            for stream in listener.incoming() {
                let _ = stream.unwrap().read(&mut [0; 256]);
            }
            return;
        }
        listener.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let incoming = tonic::transport::server::TcpIncoming::from(listener);
            let server =
                tonic::transport::Server::builder().add_service(LogsServiceServer::new(Service(does)));
            server.serve_with_incoming(incoming).await.unwrap();
        });
    });
    address
}

fn sink(collector: SocketAddr) -> OtlpSink {
    let builder = OtlpSink::builder()
        .protocol(Protocol::Grpc)
        .endpoint(format!("http://localhost:{}", collector.port()))
        .batch_records(4)
        .timeout(Duration::from_millis(200));
    builder.build_with(|_| None).unwrap()
}

/// A trail that reports, and ends.
fn ends(builder: AuditBuilder, collector: SocketAddr) {
    let audit = builder.diagnostics(|_| {}).sink(sink(collector)).start().unwrap();
    for n in 0..12 {
        let record = Record::builder("good.step").attribute("n", n);
        audit.submit(record.build()).unwrap();
    }
    let _behind = audit.flush(Duration::from_millis(50));
    let _behind = audit.shutdown(Duration::from_millis(300));
}

/// Ends trails and sinks in every way, with what `install` puts around the layer as the subscriber of the process.
pub(crate) fn nothing_is_heard(install: impl FnOnce(&Audit, Hears)) {
    let hears = Hears::default();
    let audit = Audit::builder().memory(&MemorySink::new()).start().unwrap();
    install(&audit, hears.clone());
    tracing::trace!(target: "h2::test", "an application's own request");
    for does in [Does::Answers, Does::Waits, Does::Closes] {
        let collector = collector(does);
        std::thread::scope(|scope| {
            for _ in 0..TRAILS {
                scope.spawn(|| {
                    let place = tempfile::tempdir().unwrap();
                    ends(Audit::builder().directory(place.path()), collector);
                    ends(Audit::builder().without_journal(), collector);
                });
            }
        });
        // A sink that no trail has is dropped by the application, where that happens to be.
        for _ in 0..TRAILS {
            let mut alone = sink(collector);
            let _answer = alone.probe();
            drop(alone);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut alone = sink(collector);
                let _answer = alone.probe();
            });
        }
    }
    tracing::trace!(target: "h2::test", "another one");
    let heard = hears.0.lock();
    assert!(
        heard.len() == 2,
        "{} were heard: {:?}",
        heard.len(),
        heard.get(..heard.len().min(12))
    );
}
