//! The two ways to a collector behind one: a request goes out, a verdict comes back.

use std::io;

use flate2::{Compress, FlushCompress, Status};

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
            packer: None,
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
    /// What packs, made by the first request: its tables are as large as a request.
    packer: Option<Compress>,
}

/// The window of gzip, in bits.
const WINDOW: u8 = 15;

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
        let fresh = || Compress::new_gzip(flate2::Compression::fast(), WINDOW);
        let packer = self.packer.get_or_insert_with(fresh);
        packer.reset();
        let mut rest = plain.as_slice();
        loop {
            out.reserve(rest.len() / 4 + 1024);
            let before = packer.total_in();
            let status = packer.compress_vec(rest, out, FlushCompress::Finish)?;
            let read = usize::try_from(packer.total_in() - before).unwrap_or(usize::MAX);
            rest = rest.get(read..).unwrap_or_default();
            if status == Status::StreamEnd {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_whole_whatever_was_packed_before_it_and_however_little_room_there_is() {
        let mut packing = Packing {
            compression: Compression::Gzip,
            plain: Room::default(),
            packer: None,
        };
        let mut seed = 1_u64;
        let mut noise = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 56) as u8
        };
        for len in [300_000, 0, 7, 300_000, 5_000, 70_000] {
            // What cannot be made smaller needs more room than is asked for at first.
            for request in [vec![b'a'; len], (0..len).map(|_| noise()).collect()] {
                let mut packed = Vec::new();
                packing
                    .pack(&mut packed, |out| out.extend_from_slice(&request))
                    .unwrap();
                let mut plain = Vec::new();
                let mut decoder = GzDecoder::new(packed.as_slice());
                decoder.read_to_end(&mut plain).unwrap();
                assert!(plain == request, "{len}");
                assert!(decoder.into_inner().is_empty(), "nothing stands behind it");
            }
        }
    }
}
