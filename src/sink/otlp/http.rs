//! HTTP/1.1, as far as a POST and its answer need it.
//!
//! Clients that wait, as a sink does, report through `log`, and a sink must not: what it did would come back to it as records,
//! and a subscriber of the sink's own would put every thread of the application on `tracing`'s slow path. `hyper` can be
//! silent, but needs a runtime.

use std::io::{self, Read, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use super::answer::{Answer, Verdict};
use super::builder::{Compression, Way};
use super::connection::{Connection, Lookup, NotConnected, tls};
use super::headers::Headers;
use super::url::Url;
use crate::error::Result;

/// No head of an answer, and no line of it, is longer.
const MOST_HEAD: usize = 64 * 1024;
/// No body of an answer is longer.
const MOST_BODY: usize = 4 * 1024 * 1024;
/// No answer is longer with all that stands before, between and behind the parts of its body.
const MOST_ANSWER: usize = 2 * MOST_BODY;

/// A way to a collector.
#[derive(Debug)]
pub(super) struct Http {
    url: Url,
    lookup: Lookup,
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
    /// Every line of a request's head but those about its body.
    head: Head,
    headers: Headers,
    open: Option<Connection>,
}

/// Not shown: it may hold a password.
struct Head(Vec<u8>);

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Head(…)")
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

fn lost(what: &str, error: &io::Error) -> NoAnswer {
    NoAnswer::Lost(format!("{what}: {error}"))
}

impl Http {
    pub(super) fn new(way: &Way) -> Result<Self> {
        let tls = way
            .url
            .is_https
            .then(|| tls(&way.certificates))
            .transpose()?
            .map(Arc::new);
        let path = if way.url.path.is_empty() {
            "/"
        } else {
            &way.url.path
        };
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nuser-agent: tracing-audit/{}\r\ncontent-type: application/x-protobuf\r\n",
            way.url.authority,
            env!("CARGO_PKG_VERSION")
        );
        if way.compression == Compression::Gzip {
            head.push_str("content-encoding: gzip\r\n");
        }
        for (name, value) in way.headers.iter().filter(|(name, _)| *name != "user-agent") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Ok(Self {
            url: way.url.clone(),
            lookup: Lookup::new(),
            tls,
            timeout: way.timeout,
            head: Head(head.into_bytes()),
            headers: way.headers.clone(),
            open: None,
        })
    }

    /// Sends a body, once, and reads the answer.
    pub(super) fn post(&mut self, body: &[u8]) -> Result<Answer, NoAnswer> {
        let until = Instant::now() + self.timeout;
        let mut connection = self.connection(until)?;
        let mut request = self.head.0.clone();
        request.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        request.extend_from_slice(body);
        let sent = connection.write_all(&request).and_then(|()| connection.flush());
        // Who refuses a body may answer before it has read all of it, and then close.
        let mut reader = Reader {
            source: &mut connection,
            buffer: Vec::new(),
            at: 0,
        };
        let answer = match (reader.answer(), sent) {
            (Ok(answer), _) => answer,
            (Err(_), Err(error)) => return Err(lost("the request could not be sent", &error)),
            (Err(error), Ok(())) => return Err(lost("the answer did not come whole", &error)),
        };
        if answer.is_reusable {
            self.open = Some(connection);
        }
        Ok(answer)
    }

    /// What an answer means.
    pub(super) fn meaning(&self, answer: &Answer) -> Verdict {
        Verdict::of(answer, &self.headers)
    }

    /// The connection of the last request, if it still is one, or a new one.
    fn connection(&mut self, until: Instant) -> Result<Connection, NoAnswer> {
        if let Some(mut connection) = self.open.take()
            && connection.is_quiet()
        {
            connection.until(until);
            return Ok(connection);
        }
        Connection::open(&self.url, &mut self.lookup, self.tls.as_ref(), until).map_err(|error| match error {
            NotConnected::Io(error) => lost("no connection", &error),
            NotConnected::Tls(error) => NoAnswer::Untrusted(format!("no connection by TLS: {error}")),
        })
    }
}

/// Reads an answer.
struct Reader<'c> {
    source: &'c mut dyn Read,
    buffer: Vec<u8>,
    /// How much of the buffer was used.
    at: usize,
}

/// What the head of an answer says of its body.
#[derive(Default)]
struct Body {
    len: Option<usize>,
    is_chunked: bool,
    is_encoded: bool,
    closes: bool,
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl Reader<'_> {
    /// Reads more into the buffer; `false` where the other end has closed.
    fn fill(&mut self) -> io::Result<bool> {
        if self.buffer.len() >= MOST_ANSWER {
            return Err(odd("an answer that does not end within 8 MiB"));
        }
        let mut piece = [0; 16 * 1024];
        loop {
            match self.source.read(&mut piece) {
                Ok(count) => {
                    self.buffer
                        .extend_from_slice(piece.get(..count).unwrap_or_default());
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next line, without its end.
    fn line(&mut self) -> io::Result<String> {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', rest) {
                let line = rest.get(..end).unwrap_or_default();
                let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
                self.at += end + 1;
                return Ok(line);
            }
            if rest.len() > MOST_HEAD {
                return Err(odd("a line of more than 64 KiB"));
            }
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// So many bytes.
    fn take(&mut self, len: usize) -> io::Result<Vec<u8>> {
        if len > MOST_BODY {
            return Err(odd("an answer of more than 4 MiB"));
        }
        while self.buffer.len() - self.at < len {
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let taken = self
            .buffer
            .get(self.at..self.at + len)
            .unwrap_or_default()
            .to_vec();
        self.at += len;
        Ok(taken)
    }

    /// Everything up to the end of the connection.
    fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? {
            if self.buffer.len() - self.at > MOST_BODY {
                return Err(odd("an answer of more than 4 MiB"));
            }
        }
        Ok(self.buffer.split_off(self.at))
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let len = usize::from_str_radix(digits, 16).map_err(|_| odd("a chunk without its length"))?;
            if len == 0 {
                break;
            }
            if body.len() + len.min(MOST_BODY) > MOST_BODY {
                return Err(odd("an answer of more than 4 MiB"));
            }
            body.extend(self.take(len)?);
            if !self.line()?.is_empty() {
                return Err(odd("a chunk longer than it says"));
            }
        }
        while !self.line()?.is_empty() {}
        Ok(body)
    }

    fn answer(&mut self) -> io::Result<Answer> {
        loop {
            let start = self.at;
            let (is_old, status) = status(&self.line()?)?;
            let mut answer = Answer::of(status);
            let mut about = Body {
                closes: is_old,
                ..Body::default()
            };
            loop {
                let line = self.line()?;
                if line.is_empty() {
                    break;
                }
                if self.at - start > MOST_HEAD {
                    return Err(odd("a head of more than 64 KiB"));
                }
                let (name, value) = line
                    .split_once(':')
                    .ok_or_else(|| odd("a header without a colon"))?;
                header(&mut answer, &mut about, &name.to_ascii_lowercase(), value.trim())?;
            }
            // It goes on: a note that the real answer follows.
            if (100..200).contains(&status) {
                continue;
            }
            answer.body = self.body(status, &about)?;
            answer.is_encoded = about.is_encoded;
            // Who says it twice may mean the other one: what follows cannot be told from a rest.
            let is_bounded = about.is_chunked != about.len.is_some() || matches!(status, 204 | 304);
            answer.is_reusable = is_bounded && !about.closes && self.at == self.buffer.len();
            return Ok(answer);
        }
    }

    fn body(&mut self, status: u16, about: &Body) -> io::Result<Vec<u8>> {
        match about.len {
            _ if matches!(status, 204 | 304) => Ok(Vec::new()),
            _ if about.is_chunked => self.chunks(),
            Some(len) => self.take(len),
            None => self.rest(),
        }
    }
}

/// Whether it is HTTP/1.0, and the status.
fn status(line: &str) -> io::Result<(bool, u16)> {
    let mut words = line.split(' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|word| word.parse().ok());
    match (version, status) {
        ("HTTP/1.1", Some(status @ 100..600)) => Ok((false, status)),
        ("HTTP/1.0", Some(status @ 100..600)) => Ok((true, status)),
        _ => Err(odd("something that is not HTTP/1.1")),
    }
}

fn header(answer: &mut Answer, about: &mut Body, name: &str, value: &str) -> io::Result<()> {
    match name {
        "content-length" => {
            let len = value
                .parse()
                .map_err(|_| odd("a content-length that is no number"))?;
            if about.len.is_some_and(|known| known != len) {
                return Err(odd("two content-lengths"));
            }
            about.len = Some(len);
        }
        "transfer-encoding" => {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err(odd("a transfer-encoding other than chunked"));
            }
            about.is_chunked = true;
        }
        "content-encoding" => about.is_encoded = !value.is_empty() && !value.eq_ignore_ascii_case("identity"),
        "connection" => {
            let mut words = value.split(',').map(str::trim);
            about.closes |= words.any(|word| word.eq_ignore_ascii_case("close"));
        }
        "content-type" => answer.content_type = value.to_ascii_lowercase(),
        "retry-after" => answer.retry_after = super::answer::retry_after(value),
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the bytes one at a time, then the end.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            match (self.0.split_first(), into.first_mut()) {
                (Some((&byte, rest)), Some(place)) => {
                    *place = byte;
                    self.0 = rest;
                    Ok(1)
                }
                _ => Ok(0),
            }
        }
    }

    /// Begins with one text, and goes on with another for ever.
    struct Endless<'a> {
        text: std::iter::Chain<std::slice::Iter<'a, u8>, std::iter::Cycle<std::slice::Iter<'a, u8>>>,
        given: usize,
    }

    impl Read for Endless<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.given += into.len();
            assert!(self.given <= 4 * MOST_BODY, "it reads for ever");
            into.iter_mut()
                .zip(self.text.by_ref())
                .for_each(|(place, byte)| *place = *byte);
            Ok(into.len())
        }
    }

    fn read(text: &str) -> io::Result<Answer> {
        Reader {
            source: &mut Drops(text.as_bytes()),
            buffer: Vec::new(),
            at: 0,
        }
        .answer()
    }

    #[test]
    fn an_answer_is_read_whatever_says_where_its_body_ends() {
        let body = |text: &str| {
            let answer = read(text).unwrap();
            (
                answer.status,
                String::from_utf8(answer.body).unwrap(),
                answer.is_reusable,
            )
        };
        let s = str::to_owned;
        assert_eq!(
            body("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"),
            (200, s("abc"), true)
        );
        assert_eq!(
            body("HTTP/1.1 200\r\nContent-Length:0\r\nConnection: close\r\n\r\n"),
            (200, s(""), false)
        );
        assert_eq!(body("HTTP/1.0 200 OK\r\n\r\nabc"), (200, s("abc"), false));
        assert_eq!(body("HTTP/1.1 204 No\r\n\r\n"), (204, s(""), true));
        let twice =
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
        assert_eq!(body(twice), (200, s("a"), false));
        let chunked = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nt: 1\r\n\r\n";
        assert_eq!(body(chunked), (429, s("abc"), true));
    }

    #[test]
    fn an_answer_that_is_cut_short_too_long_or_ambiguous_is_none() {
        for wrong in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "SSH-2.0-OpenSSH\r\n\r\n",
        ] {
            read(wrong).unwrap_err();
        }
        read(&format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(20_000))).unwrap_err();
    }

    #[test]
    fn no_more_of_an_answer_is_read_than_is_kept_whatever_it_consists_of() {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let long = "x".repeat(5_000);
        for (begin, rest) in [
            ("", &*format!("HTTP/1.1 100 Continue\r\na: {long}\r\n\r\n")),
            (chunked, &format!("1;{long}\r\nx\r\n")),
            (&format!("{chunked}0\r\n"), &format!("trailer: {long}\r\n")),
            ("HTTP/1.1 200 OK\r\n\r\n", "x"),
        ] {
            let mut source = Endless {
                text: begin.as_bytes().iter().chain(rest.as_bytes().iter().cycle()),
                given: 0,
            };
            Reader {
                source: &mut source,
                buffer: Vec::new(),
                at: 0,
            }
            .answer()
            .unwrap_err();
        }
    }
}
