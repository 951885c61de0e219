//! The two ways to a collector behind one: a request goes out, a verdict comes back.

use std::io::{self, Write as _};

use flate2::write::GzEncoder;

use super::answer::Verdict;
use super::builder::{Compression, Protocol, Way};
#[cfg(feature = "otlp-grpc")]
use super::grpc::Grpc;
use super::http::{Http, NoAnswer};
use super::wire::Room;
use crate::error::Result;

/// A way to a collector.
#[derive(Debug)]
pub(super) enum Transport {
    Http(Box<Http>, Compression),
    #[cfg(feature = "otlp-grpc")]
    Grpc(Box<Grpc>),
}

impl Transport {
    /// # Errors
    ///
    /// `Config` where the protocol is not built in, `Config` or `Io` where certificates cannot be used.
    pub(super) fn new(way: Way) -> Result<Self> {
        match way.protocol {
            Protocol::HttpProtobuf => Ok(Self::Http(Box::new(Http::new(&way)?), way.compression)),
            #[cfg(feature = "otlp-grpc")]
            Protocol::Grpc => Ok(Self::Grpc(Box::new(Grpc::new(way)?))),
            #[cfg(not(feature = "otlp-grpc"))]
            Protocol::Grpc => Err(crate::error::Error::config(
                "OTEL_EXPORTER_OTLP_PROTOCOL: `grpc` is not built in; build with the feature `otlp-grpc`, or set http/protobuf",
            )),
        }
    }
}

impl Transport {
    /// How its requests are packed before they are handed to it.
    pub(super) fn packing(&self) -> Packing {
        let compression = match self {
            Self::Http(_, compression) => *compression,
            // The client packs by itself.
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(_) => Compression::None,
        };
        Packing {
            compression,
            plain: Room::default(),
        }
    }
}

/// Sends a request, once, and says what its answer means for the records in it.
pub(super) trait Exchange {
    fn exchange(&mut self, request: &[u8]) -> Verdict;
}

/// Takes what was packed as it is to be.
impl Exchange for Transport {
    fn exchange(&mut self, request: &[u8]) -> Verdict {
        match self {
            Self::Http(http, _) => match http.post(request) {
                Ok(answer) => http.meaning(&answer),
                Err(NoAnswer::Lost(why)) => Verdict::Later { after: None, why },
                Err(NoAnswer::Untrusted(why)) => Verdict::Person(why),
            },
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(grpc) => grpc.exchange(request),
        }
    }
}

/// Packs requests as they are sent.
#[derive(Debug)]
pub(super) struct Packing {
    compression: Compression,
    /// The last request before it was packed; its room is used again.
    plain: Room,
}

impl Packing {
    /// What `write` writes, packed, behind nothing.
    pub(super) fn pack(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        if self.compression == Compression::None {
            write(out);
            return Ok(());
        }
        let Room(plain) = &mut self.plain;
        plain.clear();
        write(plain);
        let mut encoder = GzEncoder::new(std::mem::take(out), flate2::Compression::fast());
        encoder.write_all(plain)?;
        *out = encoder.finish()?;
        Ok(())
    }
}
