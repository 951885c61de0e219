//! The short forms in every stack: under the wrapper and as layers, beside layers of others, and under two trails.

mod support;

use std::sync::{Arc, Mutex};

use support::{Failed, assert_outcome, failed};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Subscriber, dispatcher};
use tracing_audit::record::Slot;
use tracing_audit::redact::Classified as _;
use tracing_audit::redact::sensitive::Email;
use tracing_audit::sink::MemorySink;
use tracing_audit::testing::Recording;
use tracing_audit::{Audit, AuditedExt as _, audit, audited};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

#[audited(action = "user.invite", resource = ("user", id), fields(to = %Email::of(email)))]
fn invite(id: u64, email: &str) -> Result<(), Failed> {
    match id {
        0 => Err(failed("no place left")),
        1 => panic!("on purpose"),
        _ => Ok(()),
    }
}

/// An invitation that is sent, one that is not, and one that panics.
fn three() {
    assert!(invite(7, "ann@example.com").is_ok());
    assert!(invite(0, "ann@example.com").is_err());
    assert!(std::panic::catch_unwind(|| invite(1, "ann@example.com")).is_err());
    audit!(action = "user.seen", actor.id = "ana", to = %Email::of("ann@example.com"), "seen");
}

const ENDS: [(&str, Option<&str>); 3] = [("success", None), ("failure", None), ("unknown", Some("panic"))];

fn trail() -> (Audit, MemorySink) {
    let sink = MemorySink::new();
    let audit = Audit::builder()
        .memory(&sink)
        .start()
        .expect("the settings are good");
    (audit, sink)
}

/// The ends that a trail states.
fn ends(audit: &Audit, sink: &MemorySink) -> Vec<(String, Option<String>)> {
    audit
        .flush(std::time::Duration::from_secs(60))
        .expect("a memory sink takes everything");
    let records = sink.records();
    let calls = records.iter().filter(|record| record.event() == "user.invite");
    let end = |record: &tracing_audit::record::Record| {
        let text = |slot| record.text(slot).map(str::to_owned);
        (text(Slot::Outcome).expect("an outcome"), text(Slot::ReasonCode))
    };
    calls.map(end).collect()
}

fn expected() -> Vec<(String, Option<String>)> {
    ENDS.map(|(outcome, reason)| (outcome.to_owned(), reason.map(str::to_owned)))
        .to_vec()
}

#[test]
fn every_form_of_the_trail_knows_the_end() {
    let (audit, sink) = trail();
    let stacks: [Dispatch; 3] = [
        registry().audited(&audit).into(),
        registry().with(audit.layer()).into(),
        registry().with(audit.filter_shell()).into(),
    ];
    for stack in stacks {
        sink.clear();
        dispatcher::with_default(&stack, three);
        assert_eq!(ends(&audit, &sink), expected());
    }
}

#[test]
fn each_of_two_trails_in_one_stack_knows_the_end() {
    let ((one, of_one), (other, of_other)) = (trail(), trail());
    let stacks: [Dispatch; 2] = [
        registry().audited(&one).audited(&other).into(),
        registry().with(one.layer()).with(other.layer()).into(),
    ];
    for stack in stacks {
        of_one.clear();
        of_other.clear();
        dispatcher::with_default(&stack, three);
        assert_eq!(ends(&one, &of_one), expected());
        assert_eq!(ends(&other, &of_other), expected());
    }
}

#[test]
fn an_outcome_of_the_bodys_own_wins_in_every_form() {
    #[audited]
    fn decided() -> Result<(), Failed> {
        tracing::Span::current().record("outcome", "denied");
        Ok(())
    }
    let (audit, sink) = trail();
    let stacks: [Dispatch; 3] = [
        registry().audited(&audit).into(),
        registry().with(audit.layer()).into(),
        registry().with(audit.filter_shell()).into(),
    ];
    for stack in stacks {
        sink.clear();
        dispatcher::with_default(&stack, || decided().expect("it is fine"));
        audit
            .flush(std::time::Duration::from_secs(60))
            .expect("a memory sink takes everything");
        let records = sink.records();
        let decided = records
            .iter()
            .find(|record| record.event() == "decided")
            .expect("a record");
        assert_eq!(decided.text(Slot::Outcome), Some("denied"));
    }
}

/// Writes down what a layer is told.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn say(&self, said: String) {
        self.0.lock().expect("no test panics here").push(said);
    }
}

/// Fields as text.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl<S: Subscriber> Layer<S> for Heard {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        let mut fields = Fields(String::new());
        attributes.record(&mut fields);
        self.say(format!(
            "{} {} {}{}",
            metadata.target(),
            metadata.level(),
            metadata.name(),
            fields.0
        ));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.say(fields.0.trim().to_owned());
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.say(format!("event {}{}", event.metadata().name(), fields.0));
    }

    fn on_close(&self, _: Id, _: Context<'_, S>) {
        self.say("closed".to_owned());
    }
}

#[test]
fn a_layer_beside_sees_an_ordinary_span_with_markers_and_its_end() {
    let (audit, _) = trail();
    for has_trail in [true, false] {
        let heard = Heard::default();
        let stack: Dispatch = match has_trail {
            true => registry().with(heard.clone()).audited(&audit).into(),
            false => registry().with(heard.clone()).into(),
        };
        dispatcher::with_default(&stack, three);
        let span = |id: u64| {
            format!(
                "audit INFO user.invite action=\"user.invite\" resource.type=\"user\" resource.id={id} to=[REDACTED:email]"
            )
        };
        let heard = heard.0.lock().expect("no test panics here").clone();
        assert_eq!(
            heard,
            [
                span(7).as_str(),
                "outcome=\"success\"",
                "closed",
                &span(0),
                "error=no place left",
                "outcome=\"failure\"",
                "closed",
                &span(1),
                "outcome=\"unknown\"",
                "reason_code=\"panic\"",
                "closed",
                "event user.seen message=seen action=\"user.seen\" actor.id=\"ana\" to=[REDACTED:email]",
            ]
        );
    }
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("no test panics here")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_fmt_writes_of_it_is_json() {
    let (audit, _) = trail();
    let written = Written::default();
    let into = written.clone();
    let fmt = tracing_subscriber::fmt::layer()
        .json()
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_writer(move || into.clone());
    let stack: Dispatch = registry().with(fmt).audited(&audit).into();
    dispatcher::with_default(&stack, three);
    let written =
        String::from_utf8(written.0.lock().expect("no test panics here").clone()).expect("it is text");
    assert_eq!(written.lines().count(), 4);
    for (line, (outcome, _)) in written.lines().zip(ENDS) {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
        assert!(line.contains(&format!("\"outcome\":\"{outcome}\"")), "{line}");
        assert!(!line.contains("ann@example.com"), "{line}");
    }
}

/// Calls what is audited whenever it is told the end of a call.
struct Meddling;

impl<S: Subscriber> Layer<S> for Meddling {
    fn on_record(&self, _: &Id, _: &Record<'_>, _: Context<'_, S>) {
        #[audited(action = "layer.meddle")]
        fn meddle() -> Result<(), String> {
            Err("in a layer".to_owned())
        }
        thread_local!(static IS_INSIDE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });
        if !IS_INSIDE.replace(true) {
            let _ = meddle();
            IS_INSIDE.set(false);
        }
    }
}

#[test]
fn a_layer_that_is_told_an_end_and_calls_what_is_audited_confuses_neither() {
    let recording = Recording::new();
    let stack: Dispatch = registry().with(Meddling).audited(recording.audit()).into();
    dispatcher::with_default(&stack, || assert!(invite(7, "ann@example.com").is_ok()));
    let captured = recording.captured();
    captured.count(2);
    assert_outcome(captured.with_event("user.invite").only(), "success", None);
    assert_outcome(captured.with_event("layer.meddle").only(), "failure", None);
}
