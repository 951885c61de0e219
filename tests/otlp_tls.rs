//! A collector behind TLS: whom the sink trusts, whom it shows itself to, and what becomes of records where it does not.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/otlp.rs"]
mod otlp;

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use collector::{Both, Collector, Reply, Wrap};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tracing_audit::record::Record;
use tracing_audit::sink::OtlpSink;
use tracing_audit::{Audit, ErrorKind};

const LONG: Duration = Duration::from_secs(60);

/// An authority, and certificates that it has signed, as files.
struct Authority {
    place: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

struct Pair {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    files: (PathBuf, PathBuf),
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { place, issuer }
    }

    fn file(&self) -> PathBuf {
        self.place.path().join("ca.pem")
    }

    fn signed(&self, name: &str) -> Pair {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = |end: &str| self.place.path().join(format!("{name}.{end}"));
        let files = (file("pem"), file("key"));
        std::fs::write(&files.0, certificate.pem()).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        Pair {
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
            files,
        }
    }

    /// A collector that shows this certificate, and wants one of the authority's where `wants` says so.
    fn collector(&self, pair: &Pair, wants: bool) -> Collector {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = match wants {
            false => config.with_no_client_auth(),
            true => {
                let mut roots = RootCertStore::empty();
                roots.add(self.issuer.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::try_from(pair.key.clone()).unwrap();
        let config = Arc::new(
            config
                .with_single_cert(vec![pair.certificate.clone()], key)
                .unwrap(),
        );
        let wrap: Box<Wrap> = Box::new(move |stream: TcpStream| {
            let session = ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
            Ok(Box::new(StreamOwned::new(session, stream)) as Box<dyn Both>)
        });
        Collector::wrapped(([127, 0, 0, 1], 0).into(), Some(wrap), |_| (true, Reply::ok()))
    }
}

fn url(collector: &Collector) -> String {
    format!("https://localhost:{}", collector.port())
}

fn probe(collector: &Collector, trusted: &Path) -> Result<(), tracing_audit::Error> {
    let builder = OtlpSink::builder().endpoint(url(collector)).certificate(trusted);
    builder.build_with(|_| None).unwrap().probe()
}

#[test]
fn a_collector_whose_certificate_is_trusted_is_given_records_and_another_name_or_authority_is_not() {
    let (ours, others) = (Authority::new(), Authority::new());
    let collector = ours.collector(&ours.signed("localhost"), false);
    probe(&collector, &ours.file()).unwrap();
    let error = probe(&collector, &others.file()).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Sink && error.to_string().contains("TLS"),
        "{error}"
    );
    let elsewhere = ours.collector(&ours.signed("elsewhere.example"), false);
    probe(&elsewhere, &ours.file()).unwrap_err();
}

#[test]
fn a_collector_that_wants_our_certificate_is_shown_it() {
    let ours = Authority::new();
    let collector = ours.collector(&ours.signed("localhost"), true);
    probe(&collector, &ours.file()).unwrap_err();
    let (certificate, key) = ours.signed("client.example").files;
    let with = |certificate: &Path, key: &Path| {
        let builder = OtlpSink::builder()
            .endpoint(url(&collector))
            .certificate(ours.file());
        builder.client_certificate(certificate, key).build_with(|_| None)
    };
    with(&certificate, &key).unwrap().probe().unwrap();
    with(&key, &certificate).unwrap_err();
}

#[test]
fn a_collector_whose_certificate_is_not_trusted_is_given_nothing_and_loses_nothing() {
    let (ours, others) = (Authority::new(), Authority::new());
    let collector = ours.collector(&ours.signed("localhost"), false);
    let place = tempfile::tempdir().unwrap();
    let trail = |trusted: PathBuf| {
        let sink = OtlpSink::builder().endpoint(url(&collector)).certificate(trusted);
        let sink = sink.build_with(|_| None).unwrap();
        Audit::builder()
            .directory(place.path())
            .diagnostics(|_| {})
            .sink(sink)
            .start()
            .unwrap()
    };
    let audit = trail(others.file());
    for n in 0..30_u64 {
        audit
            .submit(Record::builder("good.step").attribute("n", n).build())
            .unwrap();
    }
    audit.flush(Duration::from_millis(200)).unwrap_err();
    let _behind = audit.shutdown(LONG);
    let stats = audit.stats().sinks.remove(0);
    assert_eq!(
        (stats.accepted, stats.refused, stats.missed, stats.failed),
        (0, 0, 0, false)
    );
    assert!(collector.calls().is_empty());
    drop(audit);
    trail(ours.file()).shutdown(LONG).unwrap();
    let steps = collector
        .took()
        .iter()
        .filter(|held| held.record.event_name == "good.step")
        .count();
    assert_eq!(steps, 30);
    let seqs: Vec<u64> = collector.took().iter().map(otlp::Held::seq).collect();
    assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>());
}
