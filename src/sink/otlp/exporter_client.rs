//! The exporter of opentelemetry-otlp over HTTP, with a client that remembers what the collector answered.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{
    LogExporter, Protocol as OtlpProtocol, RetryPolicy, WithExportConfig as _, WithHttpConfig as _,
};
use parking_lot::Mutex;

use super::answer::{Answer, Verdict};
use super::builder::{Compression, Protocol, Way};
use super::exporter::ExporterSink;
use super::headers::Headers;
use super::http::{Http, NoAnswer};
use super::tls::Certificates;
use super::url::Url;
use crate::error::{Error, Result};

/// Of one attempt, from the connection to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

impl ExporterSink<LogExporter> {
    /// A sink around the exporter of opentelemetry-otlp over HTTP (`http/protobuf`), which reads its endpoint and headers
    /// from the `OTEL_EXPORTER_OTLP_…` variables. `endpoint` is the whole URL of the logs, such as
    /// `http://collector:4318/v1/logs`, and wins over them. A request may take 10 s, whatever they say: the exporter leaves
    /// that to its client, and does not tell it.
    ///
    /// Its client is ours, so what the collector answers is known: records that it refuses are found and counted, as
    /// [`OtlpSink`](super::OtlpSink) does it, and nobody but the sink tries again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) where the exporter does not take its configuration.
    pub fn otlp(endpoint: Option<&str>) -> Result<Self> {
        let client = Client::default();
        let answers = Arc::clone(&client.verdict);
        let mut builder = LogExporter::builder()
            .with_http()
            .with_protocol(OtlpProtocol::HttpBinary)
            .with_http_client(client)
            .with_retry_policy(RetryPolicy::disabled());
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let exporter = builder
            .build()
            .map_err(|error| Error::config(format!("the exporter of opentelemetry-otlp: {error}")))?;
        let overheard = move || answers.lock().take();
        Ok(Self::new(exporter).overhearing(Box::new(overheard)))
    }
}

/// A client that sends on the thread that asks it to, as only the sink's does.
#[derive(Debug, Default)]
struct Client {
    /// The way of the last request, which the next one nearly always takes.
    open: Mutex<Option<(Request<()>, Http)>>,
    /// What the last answer means.
    verdict: Arc<Mutex<Option<Verdict>>>,
}

impl Client {
    fn send(&self, head: Request<()>, body: &[u8]) -> std::result::Result<(Answer, Verdict), NoAnswer> {
        let mut open = self.open.lock();
        let known = open
            .take()
            .filter(|(known, _)| known.uri() == head.uri() && known.headers() == head.headers());
        let (head, mut http) = match known {
            Some(known) => known,
            None => {
                let http = way(&head).and_then(|way| Http::new(&way));
                (
                    head,
                    http.map_err(|error| NoAnswer::Untrusted(error.to_string()))?,
                )
            }
        };
        let answered = http.post(body).map(|answer| {
            let verdict = http.meaning(&answer);
            (answer, verdict)
        });
        *open = Some((head, http));
        answered
    }
}

fn way(head: &Request<()>) -> Result<Way> {
    let mut headers = Headers::default();
    let mut compression = Compression::None;
    for (name, value) in head.headers() {
        let value = value
            .to_str()
            .map_err(|_| Error::config(format!("the header `{name}` is no text")))?;
        match name.as_str() {
            "content-encoding" if value == "gzip" => compression = Compression::Gzip,
            "content-encoding" if value != "identity" => {
                return Err(Error::config(format!(
                    "the exporter compresses by `{value}`, which its client does not; set OTEL_EXPORTER_OTLP_COMPRESSION to gzip or none"
                )));
            }
            // Those that say how a request travels are said by the one who sends it.
            "content-type" | "content-length" | "host" | "content-encoding" => {}
            name => headers.set("the exporter", name, value)?,
        }
    }
    Ok(Way {
        url: Url::parse("the exporter's endpoint", &head.uri().to_string())?,
        protocol: Protocol::HttpProtobuf,
        headers,
        compression,
        timeout: TIMEOUT,
        certificates: Certificates::default(),
    })
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> std::result::Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        match self.send(Request::from_parts(parts, ()), &body) {
            Ok((answer, verdict)) => {
                *self.verdict.lock() = Some(verdict);
                let mut response = Response::builder().status(answer.status);
                // An exporter that is told to wait for no time would ask without end.
                if let Some(after) = answer.retry_after.filter(|after| !after.is_zero()) {
                    response = response.header("retry-after", after.as_secs());
                }
                Ok(response.body(answer.body.into())?)
            }
            Err(NoAnswer::Lost(why)) => {
                *self.verdict.lock() = Some(Verdict::Later {
                    after: None,
                    why: why.clone(),
                });
                Err(why.into())
            }
            Err(NoAnswer::Untrusted(why)) => {
                *self.verdict.lock() = Some(Verdict::Person(why.clone()));
                Err(why.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_goes_on_with_its_way_after_a_request_that_nobody_answered() {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr());
        let head = Request::post(format!("http://{}/v1/logs", gone.unwrap()));
        let client = Client::default();
        let sent = client.send(head.body(()).unwrap(), b"");
        assert!(matches!(sent, Err(NoAnswer::Lost(_))), "{sent:?}");
        let open = client.open.lock();
        assert!(open.is_some(), "the next one would have another runtime");
    }

    #[test]
    fn a_body_that_is_compressed_by_something_else_is_not_sent_as_one_that_is_not() {
        let head = |encoding: &str| {
            let head = Request::post("http://c/v1/logs").header("content-encoding", encoding);
            way(&head.body(()).unwrap())
        };
        assert_eq!(head("gzip").unwrap().compression, Compression::Gzip);
        assert_eq!(head("identity").unwrap().compression, Compression::None);
        let error = head("zstd").unwrap_err().to_string();
        assert!(error.contains("zstd") && error.contains("gzip"), "{error}");
    }
}
