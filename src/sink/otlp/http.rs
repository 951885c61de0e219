//! OTLP over HTTP/1.1, by `hyper` on a runtime of the sink's own.
//!
//! Clients that are built upon `hyper` repeat requests by themselves, and report through `log` or `tracing`. A sink must do
//! neither: a request is sent once, and what is reported would come back to the sink as records.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Uri};
use rustls::ClientConfig;
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, Verdict};
use super::builder::{Compression, Way};
use super::connection::{Connection, Socket};
use super::headers::Headers;
use super::resource::percent_decoded;
use super::runtime::{OwnRuntime, apart};
use super::talk::{Talk, no_answer};
use super::tls;
use super::url::Url;
use crate::error::{Error, Result};
use crate::hush::quietly;

/// A way to a collector.
#[derive(Debug)]
pub(super) struct Http {
    url: Url,
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
    sent: Sent,
    given: Headers,
    /// Before the runtime, because it ends before it.
    open: Option<Open>,
    runtime: OwnRuntime,
}

/// What every request says. Not shown: see [`Headers`], and the path goes on behind its question mark.
struct Sent {
    path: Uri,
    /// The user's are marked as sensitive.
    headers: HeaderMap,
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sent").field(&self.headers.len()).finish()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// It may work later.
    Lost(String),
    /// Somebody has to look at it.
    Untrusted(String),
}

impl Http {
    pub(super) fn new(way: &Way) -> Result<Self> {
        let tls = way
            .url
            .is_https
            .then(|| tls::config(&way.certificates))
            .transpose()?
            .map(Arc::new);
        let mut given = way.headers.clone();
        if let Some((_, query)) = way.url.path.split_once('?') {
            let value = |pair| str::split_once(pair, '=').map_or(pair, |(_, value)| value);
            for value in query.split('&').map(value) {
                given.hide(value);
                // As a server reads it, and may repeat it.
                percent_decoded(value).iter().for_each(|read| given.hide(read));
            }
        }
        let path = PathAndQuery::try_from(way.url.target()).map_err(|error| {
            Error::config(format!(
                "{}: `{}` has a path that cannot be sent: percent-encode it",
                way.url.place, way.url
            ))
            .because(error)
        })?;
        Ok(Self {
            url: way.url.clone(),
            tls,
            timeout: way.timeout,
            sent: Sent {
                path: path.into(),
                headers: headers(way)?,
            },
            given,
            open: None,
            runtime: OwnRuntime::default(),
        })
    }

    /// Sends a body, once, and reads the answer.
    pub(super) fn post(&mut self, body: &[u8]) -> Result<Answer, NoAnswer> {
        let is_https = self.url.is_https;
        let lookup = lookup(self.url.host.clone(), self.url.port);
        let call = || self.call(body, lookup);
        // Whether TLS reports through `log` is up to whoever else uses it in this program.
        let called = apart(|| if is_https { quietly(call) } else { call() });
        called.unwrap_or_else(|error| {
            Err(NoAnswer::Untrusted(format!(
                "the request could not be made: {error}"
            )))
        })
    }

    /// What an answer means.
    pub(super) fn meaning(&self, answer: &Answer) -> Verdict {
        Verdict::of(answer, &self.given)
    }

    fn call(
        &mut self,
        body: &[u8],
        lookup: impl Future<Output = io::Result<Vec<SocketAddr>>>,
    ) -> Result<Answer, NoAnswer> {
        let request = self.request(body);
        let (url, tls) = (&self.url, self.tls.as_ref());
        let until = Instant::now() + self.timeout;
        let runtime = self.runtime.get();
        let runtime =
            runtime.map_err(|error| NoAnswer::Lost(format!("no runtime could be made: {error}")))?;
        let kept = self.open.take().filter(|open| open.socket.is_quiet());
        let (timeout, open) = (self.timeout, &mut self.open);
        let late = |what: &str| NoAnswer::Lost(format!("{what} within {timeout:?}"));
        runtime.block_on(async move {
            let mut used = match kept {
                Some(kept) => kept,
                None => timeout_at(until, Open::new(url, tls, lookup, until))
                    .await
                    .map_err(|_| late("no connection"))??,
            };
            let answer = timeout_at(until, used.talk.ask(request))
                .await
                .map_err(|_| late("no answer"))??;
            *open = Some(used).filter(|used| used.talk.is_idle());
            Ok(answer)
        })
    }

    fn request(&self, body: &[u8]) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(body)));
        *request.method_mut() = hyper::Method::POST;
        *request.uri_mut() = self.sent.path.clone();
        *request.headers_mut() = self.sent.headers.clone();
        // Of an empty body, nobody else would state it.
        let len = HeaderValue::from(body.len());
        request.headers_mut().insert(header::CONTENT_LENGTH, len);
        request
    }
}

fn headers(way: &Way) -> Result<HeaderMap> {
    let cannot_be_sent =
        |name: &str| Error::config(format!("the header `{name}` cannot be sent: leave it out"));
    let host = HeaderValue::from_str(&way.url.authority).map_err(|_| cannot_be_sent("host"))?;
    let agent = concat!("tracing-audit/", env!("CARGO_PKG_VERSION"));
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, host);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-protobuf"),
    );
    if way.compression == Compression::Gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    for (name, value) in way.headers.iter().filter(|(name, _)| *name != "user-agent") {
        let pair = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::from_str(value).ok());
        let (name, mut value) = pair.ok_or_else(|| cannot_be_sent(name))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The addresses of a host. The system is asked on a thread beside the runtime's, so that a request that takes too long
/// can end without its answer.
async fn lookup(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(lookup_host((host, port)).await?.collect())
}

/// A connection, and what is said on it.
#[derive(Debug)]
struct Open {
    talk: Talk,
    socket: Socket,
}

impl Open {
    async fn new(
        url: &Url,
        tls: Option<&Arc<ClientConfig>>,
        lookup: impl Future<Output = io::Result<Vec<SocketAddr>>>,
        until: Instant,
    ) -> Result<Self, NoAnswer> {
        let Connection { stream, socket } = Connection::open(url, tls, lookup, until).await?;
        let talk = Talk::new(stream).await.map_err(|error| no_answer(&error))?;
        Ok(Self { talk, socket })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::super::OtlpSink;
    use super::super::builder::Protocol;
    use super::super::headers::Headers;
    use super::super::tls::Certificates;
    use super::*;

    #[test]
    fn a_key_in_the_urls_query_is_hidden_as_it_is_sent_and_as_a_server_reads_it() {
        let key = ["open ", "sesame"].concat();
        let sent = key.replace(' ', "%20");
        let way = Way {
            url: Url::parse("here", &format!("http://127.0.0.1:9/v1/logs?tenant=7&key={sent}")).unwrap(),
            protocol: Protocol::HttpProtobuf,
            headers: Headers::default(),
            compression: Compression::None,
            timeout: Duration::from_secs(60),
            certificates: Certificates::default(),
        };
        let http = Http::new(&way).unwrap();
        let said = http
            .given
            .hidden_in(&format!("no tenant 7 has {sent}, nor {key}"));
        assert_eq!(said, "no tenant 7 has …, nor …");
    }

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    const REFUSED: &[u8] = b"HTTP/1.1 413 Large\r\ncontent-length: 3\r\n\r\nbig";

    fn http(port: u16, timeout: Duration) -> Http {
        let url = Url::parse("here", &format!("http://127.0.0.1:{port}")).unwrap();
        let mut headers = Headers::default();
        headers
            .set("here", "authorization", &["open", "sesame"].concat())
            .unwrap();
        let way = Way {
            url,
            protocol: Protocol::HttpProtobuf,
            headers,
            compression: Compression::None,
            timeout,
            certificates: Certificates::default(),
        };
        Http::new(&way).unwrap()
    }

    fn listen() -> (TcpListener, Http) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, http(port, Duration::from_secs(60)))
    }

    /// Reads the head of a request, and nothing of its body.
    fn head(stream: &mut TcpStream) -> String {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.extend_from_slice(&byte);
        }
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn a_request_is_a_post_with_its_length_and_headers_are_not_shown() {
        let (listener, mut http) = listen();
        let collector = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            for len in [0, 3] {
                asked.push(head(&mut stream));
                stream.read_exact(&mut vec![0; len]).unwrap();
                stream.write_all(OK).unwrap();
            }
            asked
        });
        for body in [&b""[..], b"abc"] {
            assert_eq!(http.post(body).unwrap().status, 200);
        }
        let secret = ["open", "sesame"].concat();
        for (asked, len) in collector.join().unwrap().iter().zip(["0", "3"]) {
            assert!(asked.starts_with("POST / HTTP/1.1\r\n"), "{asked}");
            let has = |line: &str| asked.contains(&format!("\r\n{line}\r\n"));
            assert!(has(&format!("content-length: {len}")) && has(&format!("authorization: {secret}")));
            assert!(has("content-type: application/x-protobuf") && asked.contains("\r\nhost: 127.0.0.1:"));
        }
        assert!(!format!("{http:?}").contains(&secret), "{http:?}");
    }

    /// Waits until something has come on the connection that is kept, or it was closed.
    fn until_it_is_not_quiet(http: &Http) {
        while http.open.as_ref().unwrap().socket.is_quiet() {
            thread::yield_now();
        }
    }

    #[test]
    fn what_comes_between_two_requests_is_the_answer_to_none_and_neither_is_the_end_of_the_connection() {
        for between in [OK, b""] {
            let (listener, mut http) = listen();
            let (goes_on, waits) = std::sync::mpsc::channel();
            let collector = thread::spawn(move || {
                let (mut first, _) = listener.accept().unwrap();
                head(&mut first);
                first.write_all(OK).unwrap();
                waits.recv().unwrap();
                first.write_all(between).unwrap();
                if between.is_empty() {
                    drop(first);
                }
                let (mut second, _) = listener.accept().unwrap();
                head(&mut second);
                second.write_all(REFUSED).unwrap();
            });
            assert_eq!(http.post(b"").unwrap().status, 200);
            goes_on.send(()).unwrap();
            until_it_is_not_quiet(&http);
            assert_eq!(http.post(b"").unwrap().status, 413);
            collector.join().unwrap();
        }
    }

    #[test]
    fn two_answers_to_one_request_leave_a_connection_that_is_not_used_again() {
        let (listener, mut http) = listen();
        let collector = thread::spawn(move || {
            for answer in [[OK, OK].concat(), REFUSED.to_vec()] {
                let (mut stream, _) = listener.accept().unwrap();
                head(&mut stream);
                stream.write_all(&answer).unwrap();
            }
        });
        assert_eq!(http.post(b"").unwrap().status, 200);
        assert_eq!(http.post(b"").unwrap().status, 413);
        collector.join().unwrap();
    }

    #[test]
    fn an_answer_counts_that_comes_before_the_body_was_read_and_the_connection_is_closed() {
        let (listener, mut http) = listen();
        let collector = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            head(&mut stream);
            stream.write_all(REFUSED).unwrap();
        });
        // More than the sockets between them hold.
        let answer = http.post(&vec![7; 32 << 20]).unwrap();
        assert_eq!((answer.status, &*answer.body), (413, &b"big"[..]));
        assert!(http.open.is_none(), "half a request was sent on it");
        collector.join().unwrap();
    }

    #[test]
    fn a_name_that_is_looked_up_for_ever_holds_neither_a_request_nor_the_end_of_a_sink_up() {
        let mut http = http(1, Duration::from_millis(50));
        let (found, finds) = std::sync::mpsc::channel::<()>();
        let lookup = async {
            tokio::task::spawn_blocking(move || finds.recv().is_ok())
                .await
                .unwrap();
            Ok(Vec::new())
        };
        let error = http.call(b"", lookup).unwrap_err();
        assert!(
            matches!(&error, NoAnswer::Lost(why) if why == "no connection within 50ms"),
            "{error:?}"
        );
        drop(http);
        found.send(()).expect("it is still being looked up");
    }

    #[test]
    fn a_key_behind_the_question_mark_of_the_endpoint_is_sent_and_not_shown() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let secret = ["open", "sesame"].concat();
        let collector = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = head(&mut stream);
            // As some do where nothing is.
            write!(stream, "HTTP/1.1 404 No\r\n\r\nnothing at {asked}").unwrap();
            asked
        });
        let builder = OtlpSink::builder().endpoint(format!("http://127.0.0.1:{port}/a?key={secret}"));
        let mut sink = builder
            .compression(Compression::None)
            .build_with(|_| None)
            .unwrap();
        let said = sink.probe().unwrap_err().to_string();
        assert!(collector.join().unwrap().contains(&secret));
        assert!(
            said.contains("nothing at POST /a?key=") && !said.contains(&secret),
            "{said}"
        );
        assert!(!format!("{sink:?}").contains(&secret), "{sink:?}");
    }

    #[test]
    fn a_sink_can_be_sent_to_another_thread_and_shared() {
        fn is_both<T: Send + Sync>() {}
        is_both::<OtlpSink>();
        is_both::<Http>();
    }
}
