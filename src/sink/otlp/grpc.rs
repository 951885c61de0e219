//! OTLP over gRPC, by `tonic` on a runtime of the sink's own.
//!
//! What `tonic` and what lies below it report through `tracing` goes to nobody: during a request, and while the runtime is dropped
//! with the connections that are open, the thread has a subscriber that takes nothing. Nothing of it runs in between, or
//! elsewhere: a runtime's other threads only look names up.

use std::error::Error as _;
use std::time::Duration;

use bytes::{Buf as _, BufMut as _};
use http::uri::PathAndQuery;
use tonic::client::Grpc as Client;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};

use super::answer::{Verdict, partial, said};
use super::builder::{Compression, Way};
use super::headers::Headers;
use super::runtime::{OwnRuntime, apart};
use super::tls::{self, Certificates, chain, is_mistrust};
use super::transport::Exchange;
use super::wire::{Field, Fields};
use crate::error::{Error, Result};
use crate::hush::quietly;

const METHOD: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// A way to a collector.
#[derive(Debug)]
pub(super) struct Grpc {
    endpoint: Endpoint,
    headers: Metadata,
    given: Headers,
    compression: Compression,
    timeout: Duration,
    /// Made by the first request. Before the runtime, because it ends before it.
    channel: Option<Channel>,
    runtime: OwnRuntime,
}

/// Not shown: it may hold a password.
struct Metadata(Vec<(AsciiMetadataKey, AsciiMetadataValue)>);

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metadata(…)")
    }
}

impl Grpc {
    pub(super) fn new(way: Way) -> Result<Self> {
        let place = &way.url.place;
        if !matches!(way.url.path.as_str(), "" | "/") {
            let what = if way.url.is_bare() { "a query" } else { "a path" };
            return Err(Error::config(format!(
                "{place}: `{}` has {what}, and over gRPC there is none; leave it out, or set http/protobuf",
                way.url
            )));
        }
        let wrong = |error| Error::config(format!("{place}: `{}` cannot be used", way.url)).because(error);
        let scheme = if way.url.is_https { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{}", way.url.authority)).map_err(wrong)?;
        let agent = concat!("tracing-audit/", env!("CARGO_PKG_VERSION"));
        let mut endpoint = endpoint
            .user_agent(agent)
            .map_err(wrong)?
            .connect_timeout(way.timeout);
        if way.url.is_https {
            endpoint = endpoint
                .tls_config(tls_config(&way.certificates)?)
                .map_err(|error| {
                    Error::config("the certificates for TLS cannot be used: name files in PEM").because(error)
                })?;
        }
        Ok(Self {
            endpoint,
            headers: metadata(&way)?,
            given: way.headers,
            compression: way.compression,
            timeout: way.timeout,
            channel: None,
            runtime: OwnRuntime::default(),
        })
    }

    fn call(&mut self, request: &[u8]) -> Verdict {
        let runtime = match self.runtime.get() {
            Ok(runtime) => runtime,
            Err(error) => {
                return Verdict::Later {
                    after: None,
                    why: format!("no runtime could be made: {error}"),
                };
            }
        };
        let channel = self.channel.get_or_insert_with(|| {
            let _inside = runtime.enter();
            self.endpoint.connect_lazy()
        });
        let mut client = Client::new(channel.clone());
        if self.compression == Compression::Gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let mut message = Request::new(request.to_vec());
        message.set_timeout(self.timeout);
        for (name, value) in &self.headers.0 {
            message.metadata_mut().insert(name.clone(), value.clone());
        }
        let (timeout, given) = (self.timeout, &self.given);
        runtime.block_on(async move {
            match tokio::time::timeout(timeout, export(&mut client, message, given)).await {
                Ok(verdict) => verdict,
                Err(_) => Verdict::Later {
                    after: None,
                    why: format!("no answer within {timeout:?}"),
                },
            }
        })
    }
}

impl Exchange for Grpc {
    fn exchange(&mut self, request: &[u8]) -> Verdict {
        let called = apart(|| quietly(|| self.call(request)));
        called.unwrap_or_else(|error| Verdict::Person(format!("the request could not be made: {error}")))
    }
}

async fn export(client: &mut Client<Channel>, message: Request<Vec<u8>>, given: &Headers) -> Verdict {
    if let Err(error) = client.ready().await {
        return not_sent(&error);
    }
    let path = PathAndQuery::from_static(METHOD);
    match client.unary(message, path, Raw).await {
        Ok(answer) => match partial(answer.get_ref()) {
            Some((refused, why)) => Verdict::Taken { refused, why },
            None => Verdict::Later {
                after: None,
                why: "the collector answered with something that is no ExportLogsServiceResponse".to_owned(),
            },
        },
        Err(status) => of_status(&status, given),
    }
}

/// What a failure below gRPC means.
fn not_sent(error: &(dyn std::error::Error + 'static)) -> Verdict {
    let why = format!("no connection: {}", chain(error));
    if is_mistrust(error) {
        Verdict::Person(why)
    } else {
        Verdict::Later { after: None, why }
    }
}

/// What a status of gRPC means for the records.
fn of_status(status: &Status, given: &Headers) -> Verdict {
    let why = format!(
        "the collector answered {:?}: {}",
        status.code(),
        said(status.message(), given)
    );
    let after = retry_delay(status.details());
    match status.code() {
        Code::InvalidArgument => Verdict::Split(why),
        // Without a time to come back: what it has not enough of may be room for a message of this size.
        Code::ResourceExhausted | Code::OutOfRange if after.is_none() => Verdict::Fewer(why),
        Code::Unauthenticated | Code::PermissionDenied => {
            Verdict::Person(format!("{why}; check the credentials in the headers"))
        }
        Code::Unimplemented | Code::NotFound => {
            Verdict::Person(format!("{why}; is OTLP for logs served there?"))
        }
        _ if status.source().is_some_and(is_mistrust) => Verdict::Person(why),
        _ => Verdict::Later { after, why },
    }
}

/// The delay of a `google.rpc.RetryInfo` among the details of a `google.rpc.Status`.
fn retry_delay(details: &[u8]) -> Option<Duration> {
    let inner = |message, wanted| {
        Fields::of(message)
            .map_while(|field| field)
            .filter_map(move |(number, field)| match field {
                Field::Bytes(bytes) if number == wanted => Some(bytes),
                _ => None,
            })
    };
    for any in inner(details, 3) {
        if !inner(any, 1).any(|url| url.ends_with(b"google.rpc.RetryInfo")) {
            continue;
        }
        let delay = inner(any, 2).flat_map(|info| inner(info, 1)).next()?;
        let (mut seconds, mut nanos) = (0, 0);
        for (number, field) in Fields::of(delay).map_while(|field| field) {
            match (number, field) {
                (1, Field::Number(number)) => seconds = number,
                (2, Field::Number(number)) => nanos = number,
                _ => {}
            }
        }
        // A negative one is none.
        let is_sane = seconds < 1 << 32 && nanos < 1_000_000_000;
        return is_sane.then(|| Duration::new(seconds, u32::try_from(nanos).unwrap_or(0)));
    }
    None
}

fn metadata(way: &Way) -> Result<Metadata> {
    let pair = |(name, value): (&str, &str)| {
        let key = AsciiMetadataKey::from_bytes(name.as_bytes()).ok();
        let value = AsciiMetadataValue::try_from(value).ok();
        key.zip(value).ok_or_else(|| {
            Error::config(format!(
                "the header `{name}`, of `header` or OTEL_EXPORTER_OTLP_HEADERS, cannot be sent over gRPC: leave it out, or \
                 set http/protobuf"
            ))
        })
    };
    Ok(Metadata(way.headers.iter().map(pair).collect::<Result<_>>()?))
}

fn tls_config(certificates: &Certificates) -> Result<ClientTlsConfig> {
    // Not used, but it says which file is wrong, and why, where `tonic` says that something is.
    tls::config(certificates)?;
    let mut config = match &certificates.trusted {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem.read()?)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    if let (Some(ours), Some(key)) = (&certificates.ours, &certificates.key) {
        config = config.identity(Identity::from_pem(ours.read()?, key.read()?));
    }
    Ok(config)
}

/// Messages that are bytes already.
#[derive(Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut message = vec![0; from.remaining()];
        from.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_what_its_code_says_and_a_delay_is_found_among_its_details() {
        let verdict = |code| of_status(&Status::new(code, "why\u{1b}"), &Headers::default());
        assert!(
            matches!(verdict(Code::InvalidArgument), Verdict::Split(why) if why.contains("why") && !why.contains('\u{1b}'))
        );
        for code in [Code::ResourceExhausted, Code::OutOfRange] {
            assert!(matches!(verdict(code), Verdict::Fewer(_)), "{code:?}");
        }
        for code in [
            Code::Unauthenticated,
            Code::PermissionDenied,
            Code::Unimplemented,
            Code::NotFound,
        ] {
            assert!(matches!(verdict(code), Verdict::Person(_)), "{code:?}");
        }
        for code in [
            Code::Unavailable,
            Code::Aborted,
            Code::Cancelled,
            Code::DeadlineExceeded,
            Code::DataLoss,
            Code::Internal,
            Code::Unknown,
        ] {
            assert!(
                matches!(verdict(code), Verdict::Later { after: None, .. }),
                "{code:?}"
            );
        }
        // Status{code: 8, details: [Any{type_url, RetryInfo{retry_delay: {seconds: 3, nanos: 5}}}]}
        let url = b"type.googleapis.com/google.rpc.RetryInfo";
        let mut any = vec![0x0a, url.len() as u8];
        any.extend_from_slice(url);
        any.extend_from_slice(&[0x12, 0x06, 0x0a, 0x04, 0x08, 0x03, 0x10, 0x05]);
        let mut details = vec![0x08, 0x08, 0x1a, any.len() as u8];
        details.extend_from_slice(&any);
        let status = Status::with_details(Code::ResourceExhausted, "", details.clone().into());
        let after = Some(Duration::new(3, 5));
        let verdict = of_status(&status, &Headers::default());
        assert!(matches!(verdict, Verdict::Later { after: found, .. } if found == after));
        for len in 0..details.len() {
            retry_delay(&details[..len]);
        }
    }
}
