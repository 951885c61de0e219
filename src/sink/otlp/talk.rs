//! Requests and their answers on one connection, by `hyper`.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::answer::{Answer, retry_after};
use super::connection::Patient;
use super::http::NoAnswer;
use super::tls::{chain, is_mistrust};

/// No head of an answer is longer.
const MOST_HEAD: usize = 64 * 1024;
/// No body of an answer is longer.
const MOST_BODY: usize = 4 * 1024 * 1024;

/// Requests and their answers, on one connection.
#[derive(Debug)]
pub(super) struct Talk {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Turned by whoever asks, and not by a task, so that it is known how far it has come. `None` when it is over.
    connection: Option<http1::Connection<TokioIo<Patient>, Full<Bytes>>>,
}

pub(super) fn no_answer(error: &(dyn std::error::Error + 'static)) -> NoAnswer {
    if is_mistrust(error) {
        NoAnswer::Untrusted(format!("the connection by TLS was refused: {}", chain(error)))
    } else {
        NoAnswer::Lost(format!("the answer did not come whole: {}", chain(error)))
    }
}

impl Talk {
    pub(super) async fn new(stream: Patient) -> hyper::Result<Self> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(MOST_HEAD).max_header_size(MOST_HEAD);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        Ok(Self {
            sender,
            connection: Some(connection),
        })
    }

    pub(super) async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let Self { sender, connection } = self;
        let mut exchange = pin!(async {
            sender.ready().await.map_err(|error| no_answer(&error))?;
            let answer = sender.send_request(request).await;
            read(answer.map_err(|error| no_answer(&error))?).await
        });
        let answer = poll_fn(|context| {
            turn(connection, context);
            exchange.as_mut().poll(context)
        })
        .await;
        // Once more, so that what came behind the answer, or that the connection ends with it, is known.
        poll_fn(|context| {
            turn(connection, context);
            Poll::Ready(())
        })
        .await;
        answer
    }

    /// Whether another request can be sent: this one was sent and answered, and nothing came behind the answer.
    pub(super) fn is_idle(&self) -> bool {
        self.connection.is_some() && self.sender.is_ready()
    }
}

fn turn<C: Future + Unpin>(connection: &mut Option<C>, context: &mut Context<'_>) {
    let is_over = connection
        .as_mut()
        .is_some_and(|connection| Pin::new(connection).poll(context).is_ready());
    if is_over {
        // Why, whoever waits for the answer is told.
        *connection = None;
    }
}

async fn read(answer: Response<Incoming>) -> Result<Answer, NoAnswer> {
    let too_long = || NoAnswer::Lost("the answer has more than 4 MiB".to_owned());
    let (head, body) = answer.into_parts();
    if !says_once_where_it_ends(&head.headers) {
        return Err(NoAnswer::Lost(
            "the answer says in two ways where it ends".to_owned(),
        ));
    }
    if body.size_hint().lower() > MOST_BODY as u64 {
        return Err(too_long());
    }
    let body = Limited::new(body, MOST_BODY).collect().await;
    let body = body.map_err(|error| match error.is::<LengthLimitError>() {
        true => too_long(),
        false => no_answer(&*error),
    })?;
    let text = |name| {
        let value = head.headers.get(name).map(HeaderValue::as_bytes);
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    };
    let encoding = text(header::CONTENT_ENCODING);
    Ok(Answer {
        content_type: text(header::CONTENT_TYPE).to_ascii_lowercase(),
        retry_after: retry_after(&text(header::RETRY_AFTER)),
        body: body.to_bytes().into(),
        is_encoded: !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity"),
        ..Answer::of(head.status.as_u16())
    })
}

/// `hyper` refuses lengths that differ. Beside chunks it takes a length, and other codings as they are.
fn says_once_where_it_ends(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return true;
    };
    let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    is_chunked && codings.next().is_none() && !headers.contains_key(header::CONTENT_LENGTH)
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::super::runtime::OwnRuntime;
    use super::*;

    const REFUSED: &[u8] = b"HTTP/1.1 413 Large\r\ncontent-length: 3\r\n\r\nbig";

    /// A connection that broke while it was written to, behind an answer that has not been read yet.
    #[derive(Debug, Default)]
    struct Broken {
        was_written_to: bool,
        said: usize,
    }

    impl AsyncRead for Broken {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if !self.was_written_to {
                return Poll::Pending;
            }
            let rest = REFUSED.get(self.said..).unwrap();
            let len = rest.len().min(into.remaining()).min(10);
            into.put_slice(&rest[..len]);
            self.said += len;
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Broken {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            self.was_written_to = true;
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn an_answer_counts_that_nobody_has_read_when_the_connection_breaks() {
        let request = Request::new(Full::new(Bytes::from_static(b"abc")));
        let mut runtime = OwnRuntime::default();
        let answer = runtime.get().unwrap().block_on(async {
            let stream = Patient::new(Box::new(Broken::default()));
            let mut talk = Talk::new(stream).await.unwrap();
            let answer = talk.ask(request).await;
            assert!(!talk.is_idle());
            answer
        });
        assert_eq!(answer.unwrap().status, 413);
    }
}
