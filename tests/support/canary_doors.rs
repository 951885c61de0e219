//! Every way by which a value can come into a trail, each as a function that takes a planted secret there.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::{Level, event, field, info, info_span, instrument};
use tracing_audit::record::{Map, Record, Slot, Value};
use tracing_audit::{Actor, Audit, AuditContext, WithContext};

use crate::canary::{Carrier, Kind, Planted};

/// A way in.
pub(crate) struct Door {
    /// The event of the records that come of it begins so.
    pub(crate) name: &'static str,
    pub(crate) enter: fn(&Planted, &Audit),
    /// Whether the secret stands in the record where nothing is redacted.
    pub(crate) shows: fn(&Planted) -> bool,
}

const fn door(name: &'static str, enter: fn(&Planted, &Audit)) -> Door {
    Door {
        name,
        enter,
        shows: |_| true,
    }
}

pub(crate) const DOORS: &[Door] = &[
    door("str", by_str),
    door("bytes", by_bytes),
    door("debug", by_debug),
    door("display", by_display),
    door("error", by_error),
    door("chain", by_chain),
    door("split", split_over_two_links),
    door("numbers", by_numbers),
    door("message", in_the_message),
    door("span_new", in_a_new_span),
    door("span_late", in_a_span_later),
    door("parent", inherited_from_a_parent),
    door("lent", lent_by_an_ordinary_span),
    door("scope", in_an_actors_scope),
    Door {
        shows: |_| false,
        ..door("half", half_of_a_debug_that_panics)
    },
    door("panics", in_a_function_that_panics),
    door("arguments", as_an_argument_of_instrument),
    door("emit", emitted),
    door("submit", submitted),
    door("emit_async", emitted_without_blocking),
    door("start", in_a_start_record),
    door("twice", under_a_name_that_stands_twice),
    Door {
        shows: |planted| planted.kind.is_secret(),
        ..door("slots", in_places_of_other_types)
    },
    Door {
        shows: |planted| planted.kind.is_secret(),
        ..door("words", in_places_of_words)
    },
    #[cfg(feature = "derive")]
    door("audited", in_a_call_that_fails),
    #[cfg(feature = "derive")]
    door("short", in_a_short_event),
    #[cfg(feature = "tower")]
    Door {
        // What has line breaks is no header.
        shows: |planted| planted.kind.is_token() && planted.kind != Kind::Pem,
        ..door("headers", in_the_headers_of_a_request)
    },
];

/// The text in a form that needs no telling name around it.
fn open(planted: &Planted) -> String {
    if planted.told && planted.carrier == Carrier::Bare {
        format!("password={}", planted.text)
    } else {
        planted.text.clone()
    }
}

/// As [`open`], for values that are shown by `Debug`: the detection copy does not undo what that makes of a zero byte,
/// `\0`, so the text has none.
fn shown(planted: &Planted) -> String {
    open(planted).replace('\0', "")
}

/// Reports a value under a telling name, or under a harmless one.
macro_rules! report {
    ($planted:ident, $door:literal, $value:expr) => {
        if $planted.told {
            event!(target: "audit", Level::INFO, event = $door, password = $value);
        } else {
            event!(target: "audit", Level::INFO, event = $door, note = $value);
        }
    };
}

fn by_str(planted: &Planted, _: &Audit) {
    report!(planted, "str", planted.text.as_str());
}

fn by_bytes(planted: &Planted, _: &Audit) {
    report!(planted, "bytes", planted.text.as_bytes());
}

fn by_debug(planted: &Planted, _: &Audit) {
    #[derive(Debug)]
    #[expect(dead_code, reason = "its Debug form is what counts")]
    struct Held<'a> {
        user: &'a str,
        held: Option<&'a str>,
    }
    let held = Held {
        user: "ann",
        held: Some(&shown(planted)),
    };
    report!(planted, "debug", field::debug(&held));
}

fn by_display(planted: &Planted, _: &Audit) {
    report!(planted, "display", field::display(&planted.text));
}

/// An error with a message and a source.
#[derive(Debug)]
struct Failed {
    says: String,
    source: Option<Box<Failed>>,
}

impl Failed {
    fn new(says: &str) -> Self {
        Self {
            says: says.to_owned(),
            source: None,
        }
    }

    fn because(self, source: Self) -> Self {
        Self {
            source: Some(Box::new(source)),
            ..self
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

fn by_error(planted: &Planted, _: &Audit) {
    let failed = Failed::new(&open(planted));
    let error: &(dyn Error + 'static) = &failed;
    report!(planted, "error", error);
}

fn by_chain(planted: &Planted, _: &Audit) {
    let failed = Failed::new("the order was not placed")
        .because(Failed::new("the payment was not made").because(Failed::new(&open(planted))));
    event!(target: "audit", Level::INFO, event = "chain", err = &failed as &(dyn Error + 'static));
}

#[cfg(feature = "derive")]
fn in_a_call_that_fails(planted: &Planted, _: &Audit) {
    // Of an error that borrows, only our own form brings the sources.
    #[tracing_audit::audited(name = "audited", fields(note = %note))]
    fn place<'e>(failed: &'e Failed, note: &str) -> Result<(), &'e Failed> {
        let _ = note;
        Err(failed)
    }
    let text = open(planted);
    let failed = Failed::new(&text).because(Failed::new("below").because(Failed::new(&text)));
    let _ = place(&failed, &text);
}

#[cfg(feature = "derive")]
fn in_a_short_event(planted: &Planted, _: &Audit) {
    let text = open(planted);
    tracing_audit::audit!(
        label.note = text,
        name = "short",
        error = Failed::new(&text),
        "said {text}"
    );
}

/// The name of the secret stands in one link, the secret in the next.
fn split_over_two_links(planted: &Planted, _: &Audit) {
    let failed = Failed::new("the login failed, password").because(Failed::new(&planted.secret));
    event!(target: "audit", Level::INFO, event = "split", err = &failed as &(dyn Error + 'static));
}

fn by_numbers(planted: &Planted, _: &Audit) {
    let number = planted.number;
    event!(target: "audit", Level::INFO, event = "numbers", password = number, pin = -(number as i64),
        card_number = u128::from(number) * 10_000_000_000_000_000 + u128::from(number),
        client.secret = -i128::from(number), cvv = number as f64);
}

fn in_the_message(planted: &Planted, _: &Audit) {
    let text = open(planted);
    info!(target: "audit", event = "message", "{text}");
}

fn in_a_new_span(planted: &Planted, _: &Audit) {
    let text = &*planted.text;
    let span = if planted.told {
        info_span!(target: "audit", "span_new", password = text)
    } else {
        info_span!(target: "audit", "span_new", note = text)
    };
    drop(span);
}

fn in_a_span_later(planted: &Planted, _: &Audit) {
    let name = if planted.told {
        "label.password"
    } else {
        "label.note"
    };
    let span =
        info_span!(target: "audit", "span_late", label.password = field::Empty, label.note = field::Empty);
    span.in_scope(|| {
        span.record(name, &*planted.text);
        event!(target: "audit", Level::INFO, event = "span_late.inside");
    });
}

fn inherited_from_a_parent(planted: &Planted, _: &Audit) {
    let text = open(planted);
    // The places of ids are searched for what gives access; for the rest they are not meant.
    let id = if planted.kind.is_secret() { &*text } else { "r-1" };
    let outer = info_span!(target: "audit", "parent", label.note = &*text, request.id = id, request_id = id);
    let _outer = outer.entered();
    let _inner = info_span!(target: "audit", "parent.inner").entered();
    event!(target: "audit", Level::INFO, event = "parent.inside");
}

/// The names that ordinary spans lend.
pub(crate) const LENT: [&str; 2] = ["lent.password", "lent.note"];

fn lent_by_an_ordinary_span(planted: &Planted, _: &Audit) {
    let text = &*planted.text;
    let span = if planted.told {
        info_span!(target: "app", "ordinary", lent.password = text)
    } else {
        info_span!(target: "app", "ordinary", lent.note = text)
    };
    span.in_scope(|| event!(target: "audit", Level::INFO, event = "lent"));
}

fn in_an_actors_scope(planted: &Planted, audit: &Audit) {
    let text = open(planted);
    let id = if planted.kind.is_secret() { &*text } else { "ann" };
    let name = if planted.told { "password" } else { "note" };
    let actor = Actor::user(id).role(id).ip(&*text).user_agent(&*text);
    let context = AuditContext::new()
        .actor(actor)
        .session_id(id)
        .label(name, &*planted.text)
        .set(Slot::LineageDelegationReason, &*text);
    context.sync_scope(|| {
        event!(target: "audit", Level::INFO, event = "scope");
        let _span = info_span!(target: "audit", "scope.span").entered();
        let carried = std::future::ready(()).with_current_actor();
        futures_lite(carried);
        let submitted = audit.submit(Record::builder("scope.submitted").build());
        submitted.expect("it is queued");
    });
}

/// Runs a future that is ready at once.
fn futures_lite<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::yield_now();
    }
}

fn half_of_a_debug_that_panics(planted: &Planted, _: &Audit) {
    struct Half<'a>(&'a str);
    impl fmt::Debug for Half<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)?;
            panic!("on purpose")
        }
    }
    report!(planted, "half", field::debug(Half(&planted.text)));
}

fn in_a_function_that_panics(planted: &Planted, _: &Audit) {
    #[instrument(target = "audit")]
    fn panics(password: &str, note: &str) {
        panic!("no way to go on with {note}");
    }
    let (told, open) = (planted.text.as_str(), shown(planted));
    let _panicked = catch_unwind(AssertUnwindSafe(|| panics(told, &open)));
}

fn as_an_argument_of_instrument(planted: &Planted, _: &Audit) {
    #[derive(Debug)]
    struct Login<'a> {
        note: &'a str,
    }
    #[instrument(target = "audit", err, ret)]
    fn arguments(login: &Login<'_>, password: &str) -> Result<(), Failed> {
        Err(Failed::new(login.note))
    }
    let open = shown(planted);
    let _failed = arguments(&Login { note: &open }, &planted.text);
}

/// A record in which the secret stands in every place that takes one, `depth` levels down.
pub(crate) fn record(event: &'static str, planted: &Planted) -> Record {
    let name = if planted.told { "password" } else { "note" };
    let depth = (planted.number % 6) as usize;
    let member =
        |value: Value| Map::from([(name.to_owned(), value), ("kept".to_owned(), Value::from("yes"))]);
    let nested = |value: Value| {
        (0..depth).fold(Value::from(member(value)), |inner, level| match level % 2 {
            0 => Value::from(vec![Value::from("first"), inner]),
            _ => Value::from(Map::from([("inner".to_owned(), inner)])),
        })
    };
    let text = || Value::from(&*planted.text);
    let open = open(planted);
    Record::builder(event)
        .attribute(name, text())
        .attribute("nested", nested(text()))
        .attribute("bytes", nested(Value::from(planted.text.as_bytes())))
        .attribute("listed", vec![Value::from("a"), Value::from(&*open)])
        .attribute("card.numbers", member(Value::from(1_u64)))
        .attribute("secret", nested(Value::from(planted.number)))
        .label(name, &*planted.text)
        .label("pin", planted.number.to_string())
        .hash(name, &*planted.text)
        .detail(nested(text()))
        .call_stack(nested(text()))
        .set(Slot::Reason, &*open)
        .set(Slot::ErrorMessage, &*open)
        .set(Slot::ErrorChain, vec!["outer", &*open])
        .build()
}

fn emitted(planted: &Planted, audit: &Audit) {
    // `emit` waits for the disk; few do.
    let emitted = if planted.number.is_multiple_of(50) {
        audit.emit(record("emit", planted)).map(drop)
    } else {
        audit.submit(record("emit", planted)).map(drop)
    };
    emitted.expect("there is room");
}

fn submitted(planted: &Planted, audit: &Audit) {
    audit.submit(record("submit", planted)).expect("there is room");
}

fn emitted_without_blocking(planted: &Planted, audit: &Audit) {
    let mut future = std::pin::pin!(audit.emit_async(record("emit_async", planted)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // Dropped behind the first poll, it is still written.
    let _pending = future.as_mut().poll(&mut context);
}

fn in_a_start_record(planted: &Planted, _: &Audit) {
    let open = open(planted);
    let text = &*planted.text;
    let span = if planted.told {
        info_span!(target: "audit", "start", start = true, api_key = text, reason = &*open)
    } else {
        info_span!(target: "audit", "start", start = true, note = text, reason = &*open)
    };
    drop(span);
}

fn under_a_name_that_stands_twice(planted: &Planted, _: &Audit) {
    let text = &*planted.text;
    if planted.told {
        event!(target: "audit", Level::INFO, event = "twice", password = "", password = text);
    } else {
        event!(target: "audit", Level::INFO, event = "twice", note = 1, note = text, reason = "", reason = text);
    }
}

/// What gives access, where numbers, truth values, times and trace ids belong; nothing else is meant there.
fn in_places_of_other_types(planted: &Planted, _: &Audit) {
    if !planted.kind.is_secret() {
        return;
    }
    let text = &*open(planted);
    event!(target: "audit", Level::INFO, event = "slots.a", duration_ms = text, duration_ns = text);
    event!(target: "audit", Level::INFO, event = "slots.b", traceparent = text, dry_run = text);
    event!(target: "audit", Level::INFO, event = "slots.c", start = text, time = text, trace_id = text);
    event!(target: "audit", Level::INFO, event = "slots.d", traceparent = %text, start = ?shown(planted), duration_ms = ?shown(planted));
    event!(target: "audit", Level::INFO, event = "slots.e", contains_pii = text, pii_categories = text, level = text);
    let span = info_span!(target: "audit", "slots.span", traceparent = text, start = text, duration_ms = field::Empty);
    span.record("duration_ms", text);
}

/// What gives access, where names, ids and words of open vocabularies belong.
fn in_places_of_words(planted: &Planted, audit: &Audit) {
    if !planted.kind.is_secret() {
        return;
    }
    let text = &*open(planted);
    event!(target: "audit", Level::INFO, event = "words", outcome = text, action = text, category = text);
    event!(target: "audit", Level::INFO, event = "words", resource.id = text, resource.type = text, decision = text);
    event!(target: "audit", Level::INFO, event = "words", changed_fields = text, tenant = text, profile = text);
    event!(target: "audit", Level::INFO, event = text, summary = "words");
    let record = Record::builder(text)
        .set(Slot::Summary, "words")
        .set(Slot::Outcome, text)
        .set(Slot::Phase, text)
        .set(Slot::Category, text)
        .set(Slot::PiiCategories, vec![text]);
    audit.submit(record.build()).expect("there is room");
}

#[cfg(feature = "tower")]
fn in_the_headers_of_a_request(planted: &Planted, _: &Audit) {
    use tower_layer::Layer as _;
    use tower_service::Service as _;

    #[derive(Clone)]
    struct Handler;
    impl tower_service::Service<http::Request<()>> for Handler {
        type Response = http::Response<()>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: http::Request<()>) -> Self::Future {
            event!(target: "audit", Level::INFO, event = "headers");
            std::future::ready(Ok(http::Response::new(())))
        }
    }
    if !planted.kind.is_token() {
        return;
    }
    let mut request = http::Request::new(());
    for name in ["x-request-id", "x-correlation-id", "traceparent"] {
        if let Ok(value) = http::HeaderValue::from_str(&planted.secret) {
            request.headers_mut().insert(name, value);
        }
    }
    let answer = futures_lite(
        tracing_audit::AuditContextLayer::new()
            .layer(Handler)
            .call(request),
    );
    assert!(answer.is_ok());
}
