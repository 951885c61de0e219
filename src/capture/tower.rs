//! A tower layer that opens an audit context per HTTP request: request id, correlation id, trace, actor.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::context::{Actor, AuditContext, Scoped};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest id that a client may choose.
const MAX_ID: usize = 128;

/// Finds out who sent a request. The headers are the client's word: answer an actor only after authentication.
type WhoIs = Arc<dyn Fn(&http::request::Parts) -> Option<Actor> + Send + Sync>;

/// Opens an [`AuditContext`] around each request.
///
/// `X-Request-ID` and `X-Correlation-ID` are taken over if they are 1 to 128 visible ASCII characters; otherwise a
/// request id is generated, and there is no correlation id (records then correlate by trace id). A valid
/// `traceparent` is continued. Both ids are echoed in the response.
#[derive(Clone, Default)]
pub struct AuditContextLayer {
    who_is: Option<WhoIs>,
}

impl AuditContextLayer {
    /// A layer that names no actor.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds out who sent a request, for instance from an extension that an authentication layer outside of this
    /// one has set.
    #[must_use]
    pub fn actor(
        mut self,
        who_is: impl Fn(&http::request::Parts) -> Option<Actor> + Send + Sync + 'static,
    ) -> Self {
        self.who_is = Some(Arc::new(who_is));
        self
    }
}

impl std::fmt::Debug for AuditContextLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditContextLayer")
            .field("names_actors", &self.who_is.is_some())
            .finish()
    }
}

impl<S> Layer<S> for AuditContextLayer {
    type Service = AuditContextService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuditContextService {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service that [`AuditContextLayer`] makes.
#[derive(Debug, Clone)]
pub struct AuditContextService<S> {
    inner: S,
    layer: AuditContextLayer,
}

impl<S, B, R> Service<Request<B>> for AuditContextService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let request_id = chosen_id(&parts.headers, &REQUEST_ID).unwrap_or_else(generated_id);
        let correlation_id = chosen_id(&parts.headers, &CORRELATION_ID);
        let mut context = AuditContext::new().request_id(text(&request_id));
        if let Some(id) = &correlation_id {
            context = context.correlation_id(text(id));
        }
        if let Some(traceparent) = parts
            .headers
            .get(TRACEPARENT)
            .and_then(|value| value.to_str().ok())
        {
            context = context.traceparent(traceparent);
        }
        if let Some(actor) = self.layer.who_is.as_ref().and_then(|who_is| who_is(&parts)) {
            context = context.actor(actor);
        }
        // The inner service may do work before its future is polled: that belongs to the request as well.
        let request = Request::from_parts(parts, body);
        let inner = &mut self.inner;
        let inside = context.shared();
        let future = inside.enter(|| inner.call(request));
        ResponseFuture {
            inner: inside.scope(future),
            request_id,
            correlation_id,
        }
    }
}

/// The future of [`AuditContextService`].
pub struct ResponseFuture<F> {
    inner: Scoped<F>,
    request_id: HeaderValue,
    correlation_id: Option<HeaderValue>,
}

/// Without the ids: they are what a client sent, and no policy has seen them.
impl<F> std::fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = ready!(Pin::new(&mut self.inner).poll(context));
        if let Ok(response) = &mut answer {
            let headers = response.headers_mut();
            headers
                .entry(REQUEST_ID)
                .or_insert_with(|| self.request_id.clone());
            if let Some(id) = &self.correlation_id {
                headers.entry(CORRELATION_ID).or_insert_with(|| id.clone());
            }
        }
        Poll::Ready(answer)
    }
}

/// The client's id, if it is one that may stand in a record and in a header of ours.
fn chosen_id(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let value = headers.get(name)?;
    let is_valid = (1..=MAX_ID).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
    is_valid.then(|| value.clone())
}

fn generated_id() -> HeaderValue {
    let random: [u8; 16] = rand::random();
    let id = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
    // A UUID's text is a valid header value; the fallback only spares a panic path.
    HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_that_could_forge_or_flood_is_replaced() {
        let headers =
            |value: &[u8]| HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_bytes(value).unwrap())]);
        assert_eq!(chosen_id(&headers(b"req-17"), &REQUEST_ID).unwrap(), "req-17");
        for bad in [&b""[..], b"two words", "ümlaut".as_bytes(), &[b'x'; MAX_ID + 1]] {
            assert_eq!(chosen_id(&headers(bad), &REQUEST_ID), None);
        }
        let generated: uuid::Uuid = generated_id().to_str().unwrap().parse().unwrap();
        assert_eq!(generated.get_version_num(), 4);
    }
}
