//! What an OTLP sink does is nobody's record, log line or span: over HTTP, TLS and gRPC, with requests that fail.

use std::sync::Arc;
use std::time::Duration;

use super::collector::{Both, Call, Collector, Reply, Wrap};
use parking_lot::Mutex;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tracing_audit::Audit;
use tracing_audit::sink::OtlpSink;
#[cfg(feature = "otlp-grpc")]
use tracing_audit::sink::otlp::Protocol;
use tracing_subscriber::layer::Context;

const LONG: Duration = Duration::from_secs(60);

/// Hears every span and event of the process, `log` records too.
#[derive(Clone, Default)]
pub(crate) struct Hears(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Hears {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        self.0
            .lock()
            .push(format!("event of {} {event:?}", event.metadata().target()));
    }

    fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::span::Id, _: Context<'_, S>) {
        self.0.lock().push(format!(
            "span {} of {}",
            span.metadata().name(),
            span.metadata().target()
        ));
    }
}

/// Takes every other request.
fn every_other() -> impl FnMut(&Call) -> (bool, Reply) + Send + 'static {
    let mut count = 0;
    move |_| {
        count += 1;
        if count % 2 == 1 {
            (false, Reply::status(503))
        } else {
            (true, Reply::ok())
        }
    }
}

/// One by TLS, and a sink for it.
fn by_tls() -> (Collector, OtlpSink) {
    let place = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = place.path().join("collector.pem");
    std::fs::write(&file, signed.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key);
    let config = Arc::new(config.unwrap());
    let wrap: Box<Wrap> = Box::new(move |stream| {
        // What the other end reports is not the sink's.
        let quiet = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::new());
        std::mem::forget(quiet);
        let session = ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
        Ok(Box::new(StreamOwned::new(session, stream)) as Box<dyn Both>)
    });
    let collector = Collector::wrapped(([127, 0, 0, 1], 0).into(), Some(wrap), every_other());
    let https = OtlpSink::builder()
        .name("https")
        .endpoint(format!("https://localhost:{}", collector.port()));
    (collector, https.certificate(file).build_with(|_| None).unwrap())
}

/// Sends by all ways, with what `install` puts around the layer as the subscriber of the process: nothing is heard but what
/// the application reports.
pub(crate) fn nothing_is_heard(install: impl FnOnce(&Audit, Hears)) {
    let hears = Hears::default();
    let collector = Collector::start(every_other());
    let place = tempfile::tempdir().unwrap();
    let sink = OtlpSink::builder()
        .endpoint(collector.url())
        .build_with(|_| None)
        .unwrap();
    let builder = Audit::builder()
        .directory(place.path())
        .allow_log(true)
        .diagnostics(|_| {})
        .sink(sink);
    let (_by_tls, https) = by_tls();
    let builder = builder.sink(https);
    // Nobody is there: the client connects, fails, and says so to whom listens.
    #[cfg(feature = "otlp-grpc")]
    let builder = {
        let grpc = OtlpSink::builder()
            .protocol(Protocol::Grpc)
            .name("grpc")
            .timeout(Duration::from_millis(200));
        builder.sink(grpc.endpoint("http://127.0.0.1:1").build_with(|_| None).unwrap())
    };
    let audit = builder.start().unwrap();
    tracing_log::LogTracer::init().unwrap();
    install(&audit, hears.clone());
    log::info!("the layer hears log records");
    for n in 0..50 {
        tracing::info!(target: "audit", event = "good.step", n);
    }
    while audit.stats().sinks.iter().any(|sink| sink.retries == 0) {
        std::thread::yield_now();
    }
    // The application has the same client.
    tracing::info!(target: "h2::codec", "an application's own request");
    let _behind = audit.flush(Duration::from_secs(1));
    let _behind = audit.shutdown(LONG);
    let stats = audit.stats();
    assert!(
        stats.sinks[0].accepted >= 52 && stats.sinks[0].retries > 0,
        "{stats:?}"
    );
    let heard = hears.0.lock();
    let (ours, others): (Vec<_>, Vec<_>) = heard.iter().partition(|said| said.contains("good.step"));
    assert_eq!(ours.len(), 50);
    assert!(
        others.len() == 2 && others[0].contains("hears log records") && others[1].contains("own request"),
        "{others:?}"
    );
    let took = collector.took();
    assert!(took.iter().all(|held| held.record.event_name.starts_with("audit.") || held.record.event_name == "good.step"));
}
