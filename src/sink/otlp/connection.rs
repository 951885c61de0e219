//! A connection to a collector, in the clear or by TLS, on which nothing takes longer than it may.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::builder::Certificates;
use super::url::Url;
use crate::error::{Error, Result};

/// A socket each of whose calls ends before a time.
#[derive(Debug)]
struct Timed {
    socket: TcpStream,
    until: Instant,
}

/// How much time is left; an error where it is none.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

/// A socket whose time has run out says so in one of two ways.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.until)?))?;
        self.socket.read(into).map_err(timed_out)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(left(self.until)?))?;
        self.socket.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// A connection.
#[derive(Debug)]
pub(super) enum Connection {
    Plain(PlainStream),
    Tls(Box<TlsStream>),
}

#[derive(Debug)]
pub(super) struct PlainStream(Timed);
#[derive(Debug)]
pub(super) struct TlsStream(StreamOwned<ClientConnection, Timed>);

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NotConnected {
    /// It may work later.
    Io(io::Error),
    /// The two ends do not trust each other, or do not speak TLS: somebody has to look at it.
    Tls(io::Error),
}

impl Connection {
    /// Connects, and shakes hands where it is by TLS.
    pub(super) fn open(
        url: &Url,
        lookup: &mut Lookup,
        tls: Option<&Arc<ClientConfig>>,
        until: Instant,
    ) -> Result<Self, NotConnected> {
        let socket = connect(url, lookup, until).map_err(NotConnected::Io)?;
        let mut timed = Timed { socket, until };
        let Some(config) = tls else {
            return Ok(Self::Plain(PlainStream(timed)));
        };
        let wrong = |error: rustls::Error| NotConnected::Tls(io::Error::other(error));
        let name = ServerName::try_from(url.host.clone());
        let name = name.map_err(|error| NotConnected::Tls(io::Error::other(error)))?;
        let mut session = ClientConnection::new(Arc::clone(config), name).map_err(wrong)?;
        while session.is_handshaking() {
            if let Err(error) = session.complete_io(&mut timed) {
                return Err(match error.kind() {
                    // What rustls has to object comes as this.
                    io::ErrorKind::InvalidData => NotConnected::Tls(error),
                    _ => NotConnected::Io(error),
                });
            }
        }
        Ok(Self::Tls(Box::new(TlsStream(StreamOwned::new(session, timed)))))
    }

    fn timed(&mut self) -> &mut Timed {
        match self {
            Self::Plain(stream) => &mut stream.0,
            Self::Tls(stream) => &mut stream.0.sock,
        }
    }

    /// Until when whatever is done next may take.
    pub(super) fn until(&mut self, until: Instant) {
        self.timed().until = until;
    }

    /// Whether it can be used once more: the other end has neither closed it nor said anything.
    pub(super) fn is_quiet(&mut self) -> bool {
        let socket = &self.timed().socket;
        if socket.set_nonblocking(true).is_err() {
            return false;
        }
        let seen = socket.peek(&mut [0]);
        let is_quiet = matches!(seen, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        is_quiet && socket.set_nonblocking(false).is_ok()
    }
}

impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.0.read(into),
            Self::Tls(stream) => stream.0.read(into),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.0.write(bytes),
            Self::Tls(stream) => stream.0.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.0.flush(),
            Self::Tls(stream) => stream.0.flush(),
        }
    }
}

type Found = io::Result<Vec<SocketAddr>>;

/// Looks up a host's addresses. The system's call for that cannot be told how long it may take, so it is made on a thread of its
/// own; one that takes too long is waited for again by the next attempt, and no second one is begun beside it.
#[derive(Debug)]
pub(super) struct Lookup {
    find: fn(&str, u16) -> Found,
    pending: Option<Receiver<Found>>,
}

impl Lookup {
    pub(super) fn new() -> Self {
        Self {
            find: |host, port| Ok((host, port).to_socket_addrs()?.collect()),
            pending: None,
        }
    }

    fn addresses(&mut self, url: &Url, until: Instant) -> Found {
        if let Ok(address) = url.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, url.port)]);
        }
        let left = left(until)?;
        let pending = match self.pending.take() {
            Some(pending) => pending,
            None => {
                let (to, pending) = mpsc::sync_channel(1);
                let (find, host, port) = (self.find, url.host.clone(), url.port);
                let thread = thread::Builder::new().name("audit-lookup".to_owned());
                // Whoever asked may be gone.
                thread.spawn(move || drop(to.send(find(&host, port))))?;
                pending
            }
        };
        match pending.recv_timeout(left) {
            Ok(found) => found,
            Err(RecvTimeoutError::Timeout) => {
                self.pending = Some(pending);
                Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the name of the host was not found in time",
                ))
            }
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("looking up the host panicked")),
        }
    }
}

/// Tries each address of the host. One that does not answer leaves time for the others.
fn connect(url: &Url, lookup: &mut Lookup, until: Instant) -> io::Result<TcpStream> {
    let addresses = lookup.addresses(url, until)?;
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (at, address) in addresses.iter().enumerate() {
        let others = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, left(until)? / others) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// How the two ends of a connection come to trust each other.
///
/// # Errors
///
/// `Config` or `Io` where a file cannot be read, or holds nothing of what it should.
pub(super) fn tls(certificates: &Certificates) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Error::config("TLS cannot be set up").because(error))?;
    let config = config.with_root_certificates(roots(certificates.trusted.as_deref())?);
    let (Some(ours), Some(key)) = (&certificates.ours, &certificates.key) else {
        return Ok(config.with_no_client_auth());
    };
    let chain = chain(ours)?;
    let pem = read(key)?;
    let key_of = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        Error::config(format!(
            "`{}` holds no private key in PEM: name the key's file",
            key.display()
        ))
        .because(error)
    })?;
    config.with_client_auth_cert(chain, key_of).map_err(|error| {
        let (ours, key) = (ours.display(), key.display());
        Error::config(format!(
            "the certificate `{ours}` and the key `{key}` do not fit: name those of one pair"
        ))
        .because(error)
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error::io("could not read the file of certificates or keys", path, error))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = || {
        Error::config(format!(
            "`{}` holds no certificates in PEM: name such a file",
            path.display()
        ))
    };
    let pem = read(path)?;
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(wrong()),
        Err(error) => Err(wrong().because(error)),
    }
}

fn roots(trusted: Option<&Path>) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    let Some(path) = trusted else {
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            return Err(Error::config(
                "the system has no certificates that it trusts: name a file of them by OTEL_EXPORTER_OTLP_CERTIFICATE",
            ));
        }
        return Ok(store);
    };
    for certificate in chain(path)? {
        store.add(certificate).map_err(|error| {
            Error::config(format!(
                "`{}` holds a certificate that cannot be trusted",
                path.display()
            ))
            .because(error)
        })?;
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_name_that_nobody_finds_takes_no_longer_than_it_may_and_is_looked_up_once_at_a_time() {
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        let mut lookup = Lookup {
            find: |_, _| {
                BEGUN.fetch_add(1, Ordering::SeqCst);
                loop {
                    thread::park();
                }
            },
            pending: None,
        };
        let url = Url::parse("here", "http://collector.invalid:4318").unwrap();
        for _ in 0..3 {
            let until = Instant::now() + Duration::from_millis(50);
            let error = Connection::open(&url, &mut lookup, None, until).unwrap_err();
            assert!(
                matches!(&error, NotConnected::Io(error) if error.kind() == io::ErrorKind::TimedOut),
                "{error:?}"
            );
        }
        assert!(BEGUN.load(Ordering::SeqCst) <= 1);
    }
}
