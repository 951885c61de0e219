//! A web service that sends its traces and its audit trail to one collector, under the same trace ids.
//!
//! `cargo run --example collector --features opentelemetry,otlp`
//!
//! Without a collector it receives both itself, and ends with an error unless each record names a span that arrived.
//! `COLLECTOR=http://127.0.0.1:4318` sends both to yours instead.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prost::Message as _;
use tracing::{Instrument as _, Span, field::Empty, info, info_span, instrument};
use tracing_audit::sink::OtlpSink;
use tracing_audit::{Audit, AuditedExt, Ids};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What each request asks for, from whom, and the trace that it is part of, if there is one.
const REQUESTS: [(u64, &str); 3] = [
    (
        1,
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
    ),
    (2, ""),
    (3, ""),
];

/// An audit span, which is a span of the traces as well, and an audit event inside.
#[instrument(target = "audit", name = "document.read", skip_all,
             fields(actor.id = "ana", resource.type = "document", resource.id = id, outcome = Empty))]
async fn read(Path(id): Path<u64>) -> (StatusCode, String) {
    let is_allowed = id != 2;
    info!(target: "audit", event = "document.check", decision = if is_allowed { "allow" } else { "deny" });
    Span::current().record("outcome", if is_allowed { "success" } else { "denied" });
    match is_allowed {
        true => (StatusCode::OK, "the plan\n".to_owned()),
        false => (StatusCode::FORBIDDEN, "not yours\n".to_owned()),
    }
}

/// A header map, for the propagator.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|key| key.as_str()).collect()
    }
}

/// A span for each request, in the trace that the caller is in. The trail never starts a span early, so the parent can be set
/// here, after the span was made.
async fn traced(request: Request, next: Next) -> Response {
    let span = info_span!("request", path = request.uri().path());
    let caller = TraceContextPropagator::new().extract(&Headers(request.headers()));
    if let Err(error) = span.set_parent(caller) {
        eprintln!("the request has no place in the caller's trace: {error}");
    }
    next.run(request).instrument(span).await
}

/// Posts what the exporter of the traces gives it. An application takes a feature of opentelemetry-otlp instead, such as
/// `reqwest-blocking-client`; this is here so that the example needs no HTTP client.
#[derive(Debug)]
struct Post;

#[async_trait::async_trait]
impl opentelemetry_http::HttpClient for Post {
    async fn send_bytes(
        &self,
        request: opentelemetry_http::Request<Bytes>,
    ) -> Result<opentelemetry_http::Response<Bytes>, opentelemetry_http::HttpError> {
        let (path, host) = (
            request.uri().path(),
            request.uri().authority().ok_or("no host")?.as_str(),
        );
        let mut connection = TcpStream::connect(host)?;
        let body = request.body();
        let length = body.len();
        write!(
            connection,
            "POST {path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/x-protobuf\r\nContent-Length: {length}\r\n\r\n"
        )?;
        connection.write_all(body)?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer)?;
        let status = std::str::from_utf8(answer.get(9..12).ok_or("no answer")?)?;
        Ok(opentelemetry_http::Response::builder()
            .status(status)
            .body(Bytes::new())?)
    }
}

fn traces(collector: &str) -> Result<SdkTracerProvider, Failure> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Post)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{collector}/v1/traces"))
        .build()?;
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).build())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let received = Received::default();
    let (collector, is_ours) = match std::env::var("COLLECTOR") {
        Ok(collector) => (collector, false),
        Err(_) => (received.listen().await?, true),
    };
    let provider = traces(&collector)?;
    let telemetry = tracing_opentelemetry::layer().with_tracer(provider.tracer("documents"));
    let audit = Audit::builder()
        .service("documents")
        .ids(Ids::opentelemetry())
        .sink(OtlpSink::builder().endpoint(&collector).build()?)
        .start()?;
    tracing_subscriber::registry()
        .with(telemetry)
        .audited(&audit)
        .try_init()?;
    print!("{}", audit.check());

    let app = Router::new()
        .route("/documents/{id}", get(read))
        .layer(from_fn(traced));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let client = tokio::task::spawn_blocking(move || use_the_service(address));
    tokio::select! {
        ended = axum::serve(listener, app) => ended?,
        asked = client => asked??,
    }

    // Both block until what they have is delivered, so they do not run on the runtime's own threads.
    let stats = tokio::task::spawn_blocking(move || -> Result<_, Failure> {
        audit.shutdown(Duration::from_secs(10))?;
        provider.shutdown()?;
        Ok(audit.stats())
    });
    println!("records without trace ids: {}", stats.await??.trace_unavailable);
    if is_ours { received.compare() } else { Ok(()) }
}

fn use_the_service(address: SocketAddr) -> Result<(), Failure> {
    for (id, headers) in REQUESTS {
        let mut connection = TcpStream::connect(address)?;
        write!(
            connection,
            "GET /documents/{id} HTTP/1.1\r\nHost: example\r\n{headers}Connection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        println!(
            "GET /documents/{id}: {}",
            answer.lines().next().unwrap_or_default()
        );
    }
    Ok(())
}

/// A trace id and a span id.
type Place = (Vec<u8>, Vec<u8>);

/// What a collector of our own got: spans by their ids, and the records of the service with theirs.
#[derive(Clone, Default)]
struct Received {
    spans: Arc<Mutex<BTreeMap<Place, String>>>,
    records: Arc<Mutex<Vec<(String, Place)>>>,
}

impl Received {
    async fn listen(&self) -> Result<String, Failure> {
        let routes = Router::new()
            .route("/v1/traces", post(take_spans))
            .route("/v1/logs", post(take_records))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(format!("http://{address}"))
    }

    /// Each record must name a span that arrived.
    fn compare(&self) -> Result<(), Failure> {
        let (spans, records) = (lock(&self.spans)?, lock(&self.records)?);
        for (event, place) in &*records {
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let span = spans
                .get(place)
                .ok_or_else(|| format!("{event} names a span that did not arrive"))?;
            println!(
                "{event:<16} trace {}  span {}  {span}",
                hex(&place.0),
                hex(&place.1)
            );
        }
        match records.len() {
            6 => Ok(()),
            count => Err(format!("{count} records arrived, not two for each request").into()),
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> Result<std::sync::MutexGuard<'_, T>, Failure> {
    shared.lock().map_err(|_| "a request panicked".into())
}

async fn take_spans(State(received): State<Received>, body: Bytes) -> Result<(), StatusCode> {
    let request = ExportTraceServiceRequest::decode(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let scopes = request
        .resource_spans
        .into_iter()
        .flat_map(|resource| resource.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    lock(&received.spans)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
        .extend(spans.map(|span| ((span.trace_id, span.span_id), span.name)));
    Ok(())
}

/// The records of the service; those that the trail writes about itself are in no trace. The sink compresses what it sends.
async fn take_records(State(received): State<Received>, body: Bytes) -> Result<(), StatusCode> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&*body)
        .read_to_end(&mut plain)
        .map_err(|_| StatusCode::BAD_REQUEST)?;
    let request = ExportLogsServiceRequest::decode(&*plain).map_err(|_| StatusCode::BAD_REQUEST)?;
    let scopes = request
        .resource_logs
        .into_iter()
        .flat_map(|resource| resource.scope_logs);
    let records = scopes.flat_map(|scope| scope.log_records);
    let of_the_service = records.filter(|record| record.event_name.starts_with("document."));
    lock(&received.records)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
        .extend(of_the_service.map(|record| (record.event_name, (record.trace_id, record.span_id))));
    Ok(())
}
