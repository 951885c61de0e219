//! A connection to a collector, in the clear or by TLS.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::http::NoAnswer;
use super::tls::{chain, is_mistrust};
use super::url::Url;

/// What bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin> Stream for T {}

/// A connection that nothing was said on yet.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: Patient,
    pub(super) socket: Socket,
}

/// The socket of a connection, to be looked at by whoever does not read from it.
#[derive(Debug)]
pub(super) struct Socket(std::net::TcpStream);

impl Socket {
    /// Whether the other end has neither closed it nor said anything that was not read.
    pub(super) fn is_quiet(&self) -> bool {
        // It never blocks: it was tokio's.
        matches!(self.0.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

fn no_connection(error: &(dyn std::error::Error + 'static)) -> NoAnswer {
    if is_mistrust(error) {
        NoAnswer::Untrusted(format!("no connection by TLS: {}", chain(error)))
    } else {
        NoAnswer::Lost(format!("no connection: {}", chain(error)))
    }
}

impl Connection {
    /// Connects, and shakes hands where it is by TLS. `until` is what time is divided by among addresses; who calls sees to
    /// it that nothing takes longer.
    pub(super) async fn open(
        url: &Url,
        tls: Option<&Arc<ClientConfig>>,
        addresses: impl Future<Output = io::Result<Vec<SocketAddr>>>,
        until: Instant,
    ) -> Result<Self, NoAnswer> {
        let addresses = addresses.await.map_err(|error| no_connection(&error))?;
        let connected = connect(&addresses, until).await.and_then(twice);
        let (stream, socket) = connected.map_err(|error| no_connection(&error))?;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(config) => {
                let name = ServerName::try_from(url.host.clone());
                let name = name.map_err(|error| {
                    NoAnswer::Untrusted(format!("no connection by TLS: `{}`: {error}", url.host))
                })?;
                let shaken = TlsConnector::from(Arc::clone(config)).connect(name, stream);
                Box::new(shaken.await.map_err(|error| no_connection(&error))?)
            }
        };
        Ok(Self {
            stream: Patient::new(stream),
            socket,
        })
    }
}

/// Tries each address of the host. One that does not answer leaves time for the others.
async fn connect(addresses: &[SocketAddr], until: Instant) -> io::Result<TcpStream> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (at, address) in addresses.iter().enumerate() {
        let others = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let left = until.saturating_duration_since(Instant::now());
        match timeout(left / others, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => failed = error,
            Err(_) => failed = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failed)
}

fn twice(stream: TcpStream) -> io::Result<(TcpStream, Socket)> {
    stream.set_nodelay(true)?;
    let socket = stream.into_std()?;
    let stream = TcpStream::from_std(socket.try_clone()?)?;
    Ok((stream, Socket(socket)))
}

/// A stream on which what the other end has said is read even where nothing can be written any more.
///
/// Who refuses a body answers before it has read all of it, and then closes. A client that gives up when it cannot write
/// never hears that answer.
#[derive(Debug)]
pub(super) struct Patient {
    stream: Box<dyn Stream>,
    is_mute: bool,
}

impl Patient {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            is_mute: false,
        }
    }

    fn write<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut dyn Stream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.is_mute {
            return Poll::Pending;
        }
        match write(Pin::new(&mut *self.stream), context) {
            Poll::Ready(Err(_)) => {
                self.is_mute = true;
                // To be read from once more, as nobody may be told that something has come.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            wrote => wrote,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| {
            stream.poll_write_vectored(context, parts)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(context, |stream, context| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(context, |stream, context| stream.poll_shutdown(context))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::super::runtime::OwnRuntime;
    use super::*;

    #[test]
    fn each_address_of_a_host_is_tried() {
        let mut runtime = OwnRuntime::default();
        let runtime = runtime.get().unwrap();
        let connect = |addresses: &[SocketAddr]| {
            let until = Instant::now() + Duration::from_secs(60);
            runtime.block_on(connect(addresses, until))
        };
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let there = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = there.local_addr().unwrap();
        assert_eq!(connect(&[gone, address]).unwrap().peer_addr().unwrap(), address);
        let error = connect(&[gone, gone]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = connect(&[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
