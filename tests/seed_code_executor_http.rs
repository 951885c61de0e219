//! Acceptance case T002-21 of seed 002: the ids of an HTTP request.
#![cfg(feature = "tower")]

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll, Waker};

use http::header::HeaderValue;
use http::{Request, Response};
use tower_layer::Layer as _;
use tower_service::Service;
use tracing::info;
use tracing_audit::AuditContextLayer;
use tracing_audit::record::Slot;
use tracing_audit::testing::{Captured, capture};

/// A server that records each request, and answers with the headers that it is told to.
#[derive(Clone, Copy)]
struct Server {
    answers_with: Option<&'static str>,
}

impl Service<Request<()>> for Server {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        info!(target: "audit", event = "request.seen");
        let mut response = Response::new(());
        if let Some(id) = self.answers_with {
            response
                .headers_mut()
                .insert("x-request-id", HeaderValue::from_static(id));
        }
        ready(Ok(response))
    }
}

/// What a request with these headers becomes: the record, and the ids in the answer.
fn seen(server: Server, headers: &[(&'static str, &[u8])]) -> (Captured, [Option<String>; 2]) {
    let mut request = Request::new(());
    for (name, value) in headers {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    let mut echoed = [None, None];
    let captured = capture(|| {
        let mut future = std::pin::pin!(AuditContextLayer::new().layer(server).call(request));
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut context) else {
            panic!("the server answers at once")
        };
        let header = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        echoed = [header("x-request-id"), header("x-correlation-id")];
    });
    (captured, echoed)
}

const PLAIN: Server = Server { answers_with: None };

/// T002-21.
#[test]
fn ids_of_a_request_are_made_unique_taken_over_replaced_and_echoed() {
    let mut made = HashSet::new();
    for _ in 0..100 {
        let (captured, [echoed, _]) = seen(PLAIN, &[]);
        let id = captured.only().text(Slot::RequestId).unwrap().to_owned();
        assert_eq!(echoed.as_deref(), Some(id.as_str()));
        let uuid: uuid::Uuid = id.parse().unwrap();
        assert_eq!(uuid.get_version_num(), 4, "{id}");
        assert!(made.insert(id));
    }
    let given = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
    let (captured, [echoed, _]) = seen(PLAIN, &[("x-request-id", given.as_bytes())]);
    captured.only().assert_has(Slot::RequestId, given);
    assert_eq!(echoed.as_deref(), Some(given));
    let (captured, [_, echoed]) = seen(PLAIN, &[("x-correlation-id", given.as_bytes())]);
    captured.only().assert_has(Slot::CorrelationId, given);
    assert_eq!(echoed.as_deref(), Some(given));
    for bad in [
        &b""[..],
        b"   ",
        b"two words",
        "\u{fc}mlaut".as_bytes(),
        &[b'x'; 400],
    ] {
        let (captured, [echoed, correlation]) =
            seen(PLAIN, &[("x-request-id", bad), ("x-correlation-id", bad)]);
        let id = captured.only().text(Slot::RequestId).unwrap().to_owned();
        assert_eq!(echoed.as_deref(), Some(id.as_str()));
        assert!(id.parse::<uuid::Uuid>().is_ok(), "{id} in place of {bad:?}");
        captured.only().assert_lacks(Slot::CorrelationId);
        assert_eq!(correlation, None);
    }
    // Of several values of one header the first counts, whole.
    let (captured, _) = seen(PLAIN, &[("x-request-id", b"first"), ("x-request-id", b"second")]);
    captured.only().assert_has(Slot::RequestId, "first");
    let (_, [echoed, _]) = seen(
        Server {
            answers_with: Some("the server's own"),
        },
        &[],
    );
    assert_eq!(echoed.as_deref(), Some("the server's own"));
}
