//! The two ways to a collector behind one: a request goes out, a verdict comes back.

use std::io::Write as _;

use flate2::write::GzEncoder;

use super::answer::Verdict;
use super::builder::{Compression, Protocol, Way};
#[cfg(feature = "otlp-grpc")]
use super::grpc::Grpc;
use super::http::{Http, NoAnswer};
use crate::error::Result;

/// A way to a collector.
#[derive(Debug)]
pub(super) enum Transport {
    Http {
        http: Box<Http>,
        compression: Compression,
        /// The last compressed body; its room is used again.
        body: Vec<u8>,
    },
    #[cfg(feature = "otlp-grpc")]
    Grpc(Box<Grpc>),
}

impl Transport {
    /// # Errors
    ///
    /// `Config` where the protocol is not built in, `Config` or `Io` where certificates cannot be used.
    pub(super) fn new(way: Way) -> Result<Self> {
        match way.protocol {
            Protocol::HttpProtobuf => Ok(Self::Http {
                http: Box::new(Http::new(&way)?),
                compression: way.compression,
                body: Vec::new(),
            }),
            #[cfg(feature = "otlp-grpc")]
            Protocol::Grpc => Ok(Self::Grpc(Box::new(Grpc::new(way)?))),
            #[cfg(not(feature = "otlp-grpc"))]
            Protocol::Grpc => Err(crate::error::Error::config(
                "OTEL_EXPORTER_OTLP_PROTOCOL: `grpc` is not built in; build with the feature `otlp-grpc`, or set http/protobuf",
            )),
        }
    }
}

/// Sends a request, once, and says what its answer means for the records in it.
pub(super) trait Exchange {
    fn exchange(&mut self, request: &[u8]) -> Verdict;
}

impl Exchange for Transport {
    fn exchange(&mut self, request: &[u8]) -> Verdict {
        match self {
            Self::Http {
                http,
                compression: Compression::None,
                ..
            } => verdict(http.post(request)),
            Self::Http { http, body, .. } => {
                body.clear();
                if let Err(error) = gzip(request, body) {
                    return Verdict::Person(format!("the request could not be compressed: {error}"));
                }
                verdict(http.post(body))
            }
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(grpc) => grpc.exchange(request),
        }
    }
}

fn verdict(answer: std::result::Result<super::answer::Answer, NoAnswer>) -> Verdict {
    match answer {
        Ok(answer) => Verdict::of(&answer),
        Err(NoAnswer::Lost(why)) => Verdict::Later { after: None, why },
        Err(NoAnswer::Untrusted(why)) => Verdict::Person(why),
    }
}

fn gzip(request: &[u8], body: &mut Vec<u8>) -> std::io::Result<()> {
    let mut encoder = GzEncoder::new(std::mem::take(body), flate2::Compression::fast());
    encoder.write_all(request)?;
    *body = encoder.finish()?;
    Ok(())
}
