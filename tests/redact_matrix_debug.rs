//! The `Debug` form of every public type, and the errors of every refusal: none shows a value that it holds. A public type
//! that no list here names fails the test, so that a new one is thought of.

#[path = "support/canary.rs"]
mod canary;
#[path = "support/canary_finder.rs"]
mod finder;
#[path = "support/public_types.rs"]
mod lists;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use canary::Planted;
use finder::Finder;
use lists::{ARE_VALUES, HOLD_NONE, MADE};
use tracing::{info, info_span};
use tracing_audit::catalog::dpa;
use tracing_audit::catalog::profile::Profile;
use tracing_audit::format::{Batch, Entry, Lines, write_line};
use tracing_audit::record::{ActorType, FieldValue as _, Map, Record, Slot, Value};
use tracing_audit::redact::sensitive::Email;
use tracing_audit::redact::{Action, AuditField, AuditFields, Class, FieldRule, Policy, Sensitive, scan};
use tracing_audit::sink::{FileSink, MemorySink, NoopSink, StdoutSink};
use tracing_audit::store::{DirStore, Direction, List, Store};
use tracing_audit::testing::{MemoryEmitter, Recording};
use tracing_audit::{
    Actor, Audit, AuditContext, AuditedExt, CurrentContext, Emitter, Query, Request, WithContext,
};

/// The names of the public types of the library, without those that macros name.
fn public_types(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            public_types(&path, found);
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let line = line.trim_start();
            let rest = line
                .strip_prefix("pub struct ")
                .or_else(|| line.strip_prefix("pub enum "));
            let name = rest.map(|rest| {
                rest.split(|char: char| !char.is_alphanumeric())
                    .next()
                    .unwrap_or_default()
            });
            found.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }
}

#[test]
fn every_public_type_is_on_one_of_the_lists() {
    let mut types = BTreeSet::new();
    public_types(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut types);
    let lists = [HOLD_NONE, ARE_VALUES, MADE].concat();
    let listed: BTreeSet<String> = lists.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(listed.len(), lists.len(), "a type is listed twice");
    let unlisted: Vec<_> = types.difference(&listed).collect();
    assert!(unlisted.is_empty(), "not listed: {unlisted:?}");
    let gone: Vec<_> = listed.difference(&types).collect();
    assert!(gone.is_empty(), "listed, and no type: {gone:?}");
}

/// A record with the secret in every place.
fn record(secret: &Planted) -> Record {
    let text = secret.secret.as_str();
    let nested = || Map::from([("password".to_owned(), Value::from(vec![text, text]))]);
    let all = Slot::ALL.iter().filter(|slot| **slot != Slot::Time);
    let record = all.fold(Record::builder(text), |builder, slot| builder.set(*slot, text));
    record
        .attribute("password", text)
        .attribute("nested", nested())
        .attribute("bytes", text.as_bytes())
        .label("password", text)
        .detail(nested())
        .build()
}

/// A struct that says what its fields are.
struct Login<'a>(&'a str);

impl AuditFields for Login<'_> {
    fn audit_name(&self) -> &'static str {
        "Login"
    }

    fn audit_fields(&self) -> Vec<AuditField<'_>> {
        vec![AuditField::display("password", Class::SECRET, &self.0)]
    }
}

/// What is made of values that no policy has seen, and of keys.
fn raw(secret: &Planted, shown: &mut String) {
    let text = secret.secret.as_str();
    let mut show = |what: &dyn std::fmt::Debug| *shown += &format!("{what:?}\n{what:#?}\n");
    show(&record(secret));
    show(&Record::builder(text).attribute("note", text));
    let actor = Actor::new(&ActorType::User, text)
        .role(text)
        .ip(text)
        .user_agent(text);
    show(&actor);
    let context = AuditContext::new()
        .actor(actor)
        .label("note", text)
        .set(Slot::Reason, text);
    show(&context);
    show(&context.clone().scope(std::future::ready(())));
    context.clone().sync_scope(|| {
        show(&CurrentContext::capture());
        show(&std::future::ready(()).with_current_actor());
    });
    let key = format!("{text}{text}{text}");
    let policy = Policy::balanced()
        .key("k1", key.as_bytes())
        .unwrap()
        .field("note", Action::Hmac);
    show(&policy);
    show(&FieldRule::words("note").action(Action::Hmac));
    show(&Request::Erase(text.to_owned()));
    for wrong in [
        Policy::balanced().key("k1", &text.as_bytes()[..16]),
        policy.clone().key("k1", key.as_bytes()),
        Policy::balanced().key(&(key.clone() + " "), b"k1"),
        Policy::balanced().key_from("k1", || Ok::<_, String>(text.as_bytes()[..8].to_vec())),
        Policy::balanced().key_env("k1", "TRACING_AUDIT_NO_SUCH_VARIABLE"),
        Policy::balanced().key_file("k1", "no/such/file"),
    ] {
        show(&wrong);
        show(&wrong.unwrap_err().to_string());
    }
    let builder = Audit::builder().without_journal().policy(policy);
    show(&builder);
    show(&scan("password", text));
    show(&Policy::balanced().redact("password", text));
    show(&Sensitive::<_, Email>::new(text));
    show(&Login(text).audit_view());
    Login(text).audit_fields().iter().for_each(|field| show(field));
    shapes(text, &mut show);
    let line = write_line(&record(secret), "stream", 1, 2, uuid::Uuid::from_u128(3));
    show(&Entry::new(1, 2, &line));
    show(&Batch::default());
    let mut lines = Lines::new(&*line);
    show(&lines);
    show(&lines.next_piece().unwrap());
    show(&(StdoutSink::new(), NoopSink, MemorySink::new()));
}

/// What is made of entries of other shapes, and of the fields of typed events.
fn shapes(text: &str, show: &mut dyn FnMut(&dyn std::fmt::Debug)) {
    let begun = dpa::Entry::view(text).user(text);
    show(&begun);
    let entry = begun.no_roles().feature(text).environment(text).tenant(text);
    let entry = entry
        .from_background_job()
        .contains_pii(true)
        .outcome(dpa::Outcome::Denied);
    let entry = entry.resource_id(text).reason(text).request_id(text).build();
    show(&entry);
    let quoted = Value::from(text);
    let line =
        serde_json::json!({ "timestamp": 1, "level": "info", "event_type": text, "event": { "note": text } });
    let lines = format!("{line}\n{line}\n");
    let mut reader = Profile::Flynn.reader(lines.as_bytes());
    let imported = reader.next().unwrap().unwrap();
    show(&reader);
    show(&Profile::Flynn.export(&imported).unwrap());
    show(&Profile::Dpa.export(&imported));
    show(&quoted.view());
}

/// What a running trail gives away, and what is made of its lines.
fn running(secret: &Planted, shown: &mut String) {
    let directory = tempfile::tempdir().unwrap();
    let memory = MemorySink::new();
    let audit = Audit::builder()
        .directory(directory.path())
        .sink(memory.clone())
        .require_actor(true)
        .start()
        .unwrap();
    let mut show = |what: &dyn std::fmt::Debug| *shown += &format!("{what:?}\n{what:#?}\n");
    show(&(&audit, &audit.guard(), &audit.layer()));
    show(&audit.filter_shell::<tracing_subscriber::Registry>());
    let subscriber = tracing_subscriber::registry().audited(&audit);
    show(&subscriber);
    let text = secret.secret.as_str();
    tracing::subscriber::with_default(subscriber, || {
        let span =
            info_span!(target: "audit", "span", actor.id = text, label.password = text, password = text);
        let _inside = span.entered();
        info!(target: "audit", "{text}");
        show(&(CurrentContext::capture(), audit.check()));
    });
    // No actor, a time that no line can state, and after the end.
    let nobody = || Record::builder(text).attribute("password", text);
    let late = nobody().actor("user", text).time(u64::MAX).build();
    let refused = [audit.emit(nobody().build()), audit.emit(late)];
    show(&refused);
    let waiting = audit.emit_async(record(secret));
    show(&waiting);
    let mut polled = Box::pin(audit.emit_async(record(secret)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let _pending = polled.as_mut().poll(&mut context);
    show(&polled);
    show(&audit.emit(record(secret)).unwrap());
    show(&(audit.stats(), audit.shutdown(Duration::from_secs(30)).unwrap()));
    show(&(&memory, memory.entries()));
    let closed = audit.emit(record(secret)).unwrap_err();
    *shown += &format!(
        "{closed} {closed:?} {:?}",
        refused.map(|refused| refused.unwrap_err().to_string())
    );
    read(directory.path(), shown);
}

/// What the read side makes of the files.
fn read(directory: &Path, shown: &mut String) {
    let mut show = |what: &dyn std::fmt::Debug| *shown += &format!("{what:?}\n{what:#?}\n");
    let store = DirStore::open(directory).unwrap();
    let all: Query = "".parse().unwrap();
    let page = store.list(&all, &List::default()).unwrap();
    assert!(page.records.len() > 3);
    show(&page);
    for item in store.walk(&all, Direction::OldestFirst, None).unwrap() {
        show(&item.unwrap());
    }
    show(&store.totals(&all).unwrap());
    show(&store);
    let sink = FileSink::builder(directory);
    show(&sink);
    show(&sink.open().unwrap());
}

/// The helpers for tests of applications.
fn helpers(secret: &Planted, shown: &mut String) {
    let mut show = |what: &dyn std::fmt::Debug| *shown += &format!("{what:?}\n{what:#?}\n");
    let (recording, emitter) = (Recording::new(), MemoryEmitter::new());
    recording.run(|| info!(target: "audit", password = secret.secret, "{}", secret.secret));
    emitter.submit(record(secret)).unwrap();
    show(&(&recording, &emitter, recording.captured(), emitter.captured()));
    show(recording.captured().only());
}

/// Sinks to a collector, whose headers and address hold what opens it.
#[cfg(feature = "otlp")]
fn collectors(secret: &Planted, shown: &mut String) {
    use tracing_audit::sink::OtlpSink;

    let mut show = |what: &dyn std::fmt::Debug| *shown += &format!("{what:?}\n{what:#?}\n");
    let text = secret.secret.as_str();
    let sink = || {
        OtlpSink::builder()
            .header("authorization", text)
            .resource("note", "none")
    };
    show(&sink());
    let mut here = sink()
        .endpoint("http://127.0.0.1:9")
        .build_with(|_| None)
        .unwrap();
    show(&here);
    let gone = here.probe().unwrap_err();
    show(&(gone.to_string(), gone));
    let inside = format!("http://user:{text}@127.0.0.1:9");
    for built in [
        sink().endpoint(inside).build_with(|_| None),
        sink().header(text, text).build_with(|_| None),
    ] {
        match built {
            Ok(sink) => show(&sink),
            Err(error) => show(&(error.to_string(), error)),
        }
    }
    #[cfg(feature = "exporter-otlp")]
    show(&tracing_audit::sink::ExporterSink::otlp(Some("http://127.0.0.1:9")).unwrap());
}

/// A database, and what it refuses.
#[cfg(feature = "sqlite")]
fn database(secret: &Planted, shown: &mut String) {
    use tracing_audit::sink::SqliteSink;
    use tracing_audit::store::{SqliteStore, StoreWrite as _};

    let mut show = |what: &dyn std::fmt::Debug| *shown += &format!("{what:?}\n{what:#?}\n");
    let directory = tempfile::tempdir().unwrap();
    show(&SqliteSink::open(directory.path().join("trail.db")).unwrap());
    let mut store = SqliteStore::in_memory().unwrap();
    show(&store.insert(&record(secret)));
    show(&store);
    let all: Query = "".parse().unwrap();
    show(&store.list(&all, &List::default()).unwrap());
}

#[cfg(feature = "tower")]
fn tower(secret: &Planted, shown: &mut String) {
    use tower_layer::Layer as _;
    use tower_service::Service as _;

    #[derive(Debug)]
    struct Answers;
    impl tower_service::Service<http::Request<()>> for Answers {
        type Response = http::Response<()>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: http::Request<()>) -> Self::Future {
            std::future::ready(Ok(http::Response::new(())))
        }
    }
    let text = secret.secret.clone();
    let layer = tracing_audit::AuditContextLayer::new().actor(move |_| Some(Actor::user(text.clone())));
    let mut service = layer.layer(Answers);
    let request = http::Request::builder()
        .header("x-request-id", &secret.secret)
        .body(())
        .unwrap();
    let future = service.call(request);
    *shown += &format!("{layer:?} {service:?} {future:?}");
}

/// T003-05.
#[test]
fn no_debug_form_and_no_error_shows_a_value_that_it_holds() {
    let planted = Planted::many(576, canary::seed());
    let tokens = planted
        .iter()
        .filter(|secret| secret.kind.is_token() && secret.kind != canary::Kind::Pem);
    for secret in tokens.take(21) {
        let finder = Finder::of(std::iter::once(secret.needles.as_slice()));
        let mut shown = String::new();
        raw(secret, &mut shown);
        running(secret, &mut shown);
        helpers(secret, &mut shown);
        #[cfg(feature = "otlp")]
        collectors(secret, &mut shown);
        #[cfg(feature = "sqlite")]
        database(secret, &mut shown);
        #[cfg(feature = "tower")]
        tower(secret, &mut shown);
        for line in shown.lines() {
            assert!(finder.find(line.as_bytes()).is_empty(), "{line}");
        }
        let found = finder.find(format!("{:?}", Value::from(&*secret.secret)).as_bytes());
        assert!(!found.is_empty(), "the search finds what is there");
    }
}
