//! How an OTLP sink is configured: by its builder, by the environment variables of the OpenTelemetry specification, by
//! defaults, in this order.

use std::ffi::OsString;
use std::fmt::Display as _;
use std::path::PathBuf;
use std::time::Duration;

use super::anchor::Anchors;
use super::encode::Encoder;
use super::environment::Environment;
use super::headers::Headers;
use super::resource::Resource;
use super::tls::{Certificates, Pem};
use super::transport::Transport;
use super::url::{Shown, Url};
use super::{Delivery, OtlpSink, WRITERS, Writer};
use crate::error::{Error, Result};

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// `http/protobuf`: a POST for each request.
    HttpProtobuf,
    /// `grpc`: needs the feature `otlp-grpc`.
    Grpc,
}

/// How requests are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// By gzip.
    Gzip,
}

/// No call takes longer, whatever is configured: it ends, and no clock overflows.
pub(super) const LONGEST: Duration = Duration::from_secs(3600);

/// What a transport needs.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) url: Url,
    pub(super) protocol: Protocol,
    pub(super) headers: Headers,
    pub(super) compression: Compression,
    pub(super) timeout: Duration,
    pub(super) certificates: Certificates,
}

fn pem(place: &str, path: impl Into<PathBuf>) -> Pem {
    Pem {
        place: place.to_owned(),
        path: path.into(),
    }
}

/// The settings of an [`OtlpSink`]. What is not set here is taken from the environment: `OTEL_EXPORTER_OTLP_LOGS_…` before
/// `OTEL_EXPORTER_OTLP_…`, and `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`; an empty variable counts as not set.
#[derive(Debug)]
#[must_use]
pub struct OtlpBuilder {
    name: String,
    endpoint: Option<Given>,
    protocol: Option<Protocol>,
    headers: Headers,
    compression: Option<Compression>,
    timeout: Option<Duration>,
    certificates: Certificates,
    resource: Resource,
    severity: bool,
    batch_records: usize,
    batch_bytes: usize,
    wrong: Option<Error>,
}

/// A URL that nobody has looked at yet.
struct Given(String);

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Shown(&self.0).fmt(f)
    }
}

impl OtlpBuilder {
    pub(super) fn new() -> Self {
        Self {
            name: "otlp".to_owned(),
            endpoint: None,
            protocol: None,
            headers: Headers::default(),
            compression: None,
            timeout: None,
            certificates: Certificates::default(),
            resource: Resource::default(),
            severity: false,
            batch_records: 2048,
            batch_bytes: 1024 * 1024,
            wrong: None,
        }
    }

    /// The collector's URL, such as `http://collector:4318`. Over HTTP, `/v1/logs` is put behind one that has no path; one
    /// that has a path is used as it is. Default: `http://localhost:4318`, over gRPC `http://localhost:4317`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(Given(url.into()));
        self
    }

    /// How requests travel. Default: [`Protocol::HttpProtobuf`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// A header of every request, such as `authorization`. Default: none.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Err(error) = self.headers.set("header", name, value) {
            self.wrong.get_or_insert(error);
        }
        self
    }

    /// How requests are compressed. Default: [`Compression::Gzip`].
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// How long a request may take, from the lookup of the name to the last byte of the answer; never more than an hour.
    /// Default: 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// A file of certificates in PEM that are trusted instead of the system's.
    pub fn certificate(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificates.trusted = Some(pem("certificate", path));
        self
    }

    /// Files in PEM of the certificate, and of its private key, that the collector is shown. Default: none.
    pub fn client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.certificates.ours = Some(pem("client_certificate", certificate));
        self.certificates.key = Some(pem("the key of client_certificate", key));
        self
    }

    /// An attribute of the resource. Default: `service.name` and `host.name` as the lines state them.
    pub fn resource(mut self, name: &str, value: &str) -> Self {
        self.resource.set(name, value);
        self
    }

    /// Whether a record's level is sent as severity instead of the attribute `audit.level`. The draft wants severity left
    /// empty, because a record is not more or less true by it. Default: false.
    pub fn severity(mut self, severity: bool) -> Self {
        self.severity = severity;
        self
    }

    /// How many records a request holds at most, from 1. Where more than 512 wait, it holds about a quarter of those that are
    /// given at once, and no fewer than 512, so that the next requests are written while one is under way. Default: 2,048.
    pub fn batch_records(mut self, records: usize) -> Self {
        self.batch_records = records.max(1);
        self
    }

    /// How many bytes of lines a request holds at most; a longer line travels alone. What is sent is about as long, before
    /// it is compressed. Default: 1 MiB.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes;
        self
    }

    /// The name of the sink, and of its cursor. It must be another one for each sink of a trail. Default: `otlp`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The sink. Nothing is sent yet, and no connection is made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) where a setting cannot work, or `Io` where a file of certificates
    /// cannot be read. The message names the variable or the setting, its value and the remedy.
    pub fn build(self) -> Result<OtlpSink> {
        self.build_with(|name| std::env::var_os(name))
    }

    /// As [`build`](Self::build), with another environment: `|_| None` for none.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_with(mut self, lookup: impl Fn(&str) -> Option<OsString>) -> Result<OtlpSink> {
        if let Some(error) = self.wrong.take() {
            return Err(error);
        }
        let environment = Environment::new(&lookup);
        if let Some((_, name)) = environment.get("OTEL_SERVICE_NAME")? {
            self.resource.fill("service.name", &name);
        }
        if let Some((variable, text)) = environment.get("OTEL_RESOURCE_ATTRIBUTES")? {
            self.resource.fill_from(&variable, &text)?;
        }
        let way = self.way(&environment)?;
        let endpoint = way.url.to_string();
        let transport = Transport::new(way)?;
        let writer = || Writer {
            encoder: Encoder::new(self.resource.clone(), self.severity),
            packing: transport.packing(),
        };
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(OtlpSink {
            endpoint,
            writer: writer(),
            others: (1..WRITERS.min(processors)).map(|_| writer()).collect(),
            transport,
            delivery: Delivery::new(self.batch_records, self.batch_bytes),
            name: self.name,
            anchors: Anchors::default(),
        })
    }

    fn way(&mut self, environment: &Environment<'_>) -> Result<Way> {
        let protocol = match self.protocol {
            Some(protocol) => protocol,
            None => environment.protocol()?.unwrap_or(Protocol::HttpProtobuf),
        };
        let url = match &self.endpoint {
            Some(Given(text)) => {
                let url = Url::parse("endpoint", text)?;
                if url.is_bare() && protocol == Protocol::HttpProtobuf {
                    url.below("/v1/logs")
                } else {
                    url
                }
            }
            None => environment.endpoint(protocol)?,
        };
        let compression = match self.compression {
            Some(compression) => compression,
            None => environment.compression()?.unwrap_or(Compression::Gzip),
        };
        let timeout = match self.timeout {
            Some(timeout) => timeout,
            None => environment.timeout()?.unwrap_or(Duration::from_secs(10)),
        };
        if timeout.is_zero() {
            return Err(Error::config(
                "timeout: 0 leaves no time for a request; set at least 1 ms",
            ));
        }
        let mut headers = std::mem::take(&mut self.headers);
        environment.headers(&mut headers)?;
        let mut certificates = std::mem::take(&mut self.certificates);
        environment.certificates(&mut certificates)?;
        if certificates.ours.is_some() != certificates.key.is_some() {
            return Err(Error::config(
                "a client certificate and its key need each other: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and \
                 OTEL_EXPORTER_OTLP_CLIENT_KEY, or neither",
            ));
        }
        Ok(Way {
            url,
            protocol,
            headers,
            compression,
            timeout: timeout.min(LONGEST),
            certificates,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_beyond_all_measure_is_a_long_one_and_nobody_panics() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let url = format!("http://{}", port.unwrap());
        for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
            let builder = OtlpSink::builder().endpoint(&url).timeout(Duration::MAX);
            match builder.protocol(protocol).build_with(|_| None) {
                Ok(mut sink) => assert!(sink.probe().is_err()),
                Err(error) => assert!(error.to_string().contains("not built in"), "{error}"),
            }
        }
    }
}
