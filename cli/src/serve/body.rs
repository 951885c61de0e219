//! Answers that are made while they are sent. A client that takes nothing for a while is let go, so that it holds no file.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

/// How long a client may take nothing.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The sending end. Dropped without [`Feed::end`] it breaks the answer off, so that a part is not taken for the whole.
pub(super) struct Feed(Sender<Option<Bytes>>);

/// Both ends: what is put into the feed is sent.
pub(super) fn feed() -> (Feed, Body) {
    let (sender, receiver) = channel(4);
    let fed = Fed {
        receiver,
        is_whole: false,
    };
    (Feed(sender), Body::new(fed))
}

impl Feed {
    /// Sends; `false` where nobody takes it.
    pub(super) async fn send(&self, bytes: impl Into<Bytes>) -> bool {
        self.put(Some(bytes.into())).await
    }

    /// The same for a thread that may block.
    pub(super) fn send_blocking(&self, bytes: Vec<u8>) -> bool {
        Handle::current().block_on(self.send(bytes))
    }

    /// Says that this was all.
    pub(super) fn end_blocking(self) {
        Handle::current().block_on(self.put(None));
    }

    /// Comes back when nobody takes the answer any more.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }

    async fn put(&self, bytes: Option<Bytes>) -> bool {
        matches!(timeout(PATIENCE, self.0.send(bytes)).await, Ok(Ok(())))
    }
}

struct Fed {
    receiver: Receiver<Option<Bytes>>,
    is_whole: bool,
}

impl hyper::body::Body for Fed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.is_whole {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(context).map(|got| match got {
            Some(Some(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(None) => {
                self.is_whole = true;
                None
            }
            None => Some(Err(io::Error::other("the answer was broken off"))),
        })
    }
}
