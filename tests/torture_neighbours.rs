//! What other layers see with the trail beside them is what they see without it.
//!
//! The one documented exception: an audit *span* that the stack's filter disables is shown whole to the layers inside
//! the wrapper.

#[path = "support/torture.rs"]
mod torture;

use std::io::Write;
use std::sync::{Arc, Mutex};

use torture::{records, trail};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{
    Dispatch, Event, Level, Subscriber, debug, debug_span, enabled, error, info, info_span, instrument,
    trace, warn,
};
use tracing_audit::{Audit, AuditedExt};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, fmt};

/// Writes down every callback: its name, the callsite, the fields in their order, and where it happened.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push_str(&format!(" {}={value}u64", field.name()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push_str(&format!(" {}={value:?}str", field.name()));
    }
}

impl Recorder {
    fn note(&self, line: String) {
        self.0.lock().expect("nobody panics while noting").push(line);
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics while noting"))
    }
}

fn name<S: Subscriber + for<'a> LookupSpan<'a>>(id: &Id, context: &Context<'_, S>) -> String {
    let scope = context
        .span(id)
        .map(|span| span.scope().map(|span| span.name()).collect::<Vec<_>>().join("<"));
    scope.unwrap_or_else(|| "?".to_owned())
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields(String::new());
        attributes.record(&mut fields);
        self.note(format!(
            "new {} {}{}",
            attributes.metadata().target(),
            name(id, &context),
            fields.0
        ));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.note(format!("record {}{}", name(id, &context), fields.0));
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        self.note(format!(
            "follows {} {}",
            name(id, &context),
            name(follows, &context)
        ));
    }

    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.note(format!("asked {}", event.metadata().target()));
        true
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let scope = context
            .event_scope(event)
            .map(|scope| scope.map(|span| span.name()).collect::<Vec<_>>().join("<"));
        let metadata = event.metadata();
        self.note(format!(
            "event {} {} {:?}{}",
            metadata.target(),
            metadata.level(),
            scope,
            fields.0
        ));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.note(format!("enter {}", name(id, &context)));
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.note(format!("exit {}", name(id, &context)));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.note(format!("close {}", name(&id, &context)));
    }

    fn on_id_change(&self, old: &Id, new: &Id, context: Context<'_, S>) {
        self.note(format!("id {} {}", name(old, &context), name(new, &context)));
    }
}

/// What `fmt` writes.
#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("nobody panics while writing")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Text {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Text {
    fn lines(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().expect("nobody panics while writing"));
        String::from_utf8(bytes)
            .expect("fmt writes text")
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

#[instrument(target = "audit", level = "debug", err, ret, fields(password = "hunter2"))]
fn audited(n: u64) -> Result<u64, String> {
    info!(target: "audit::billing", action = "charge", n, "charged {n}");
    if n.is_multiple_of(2) {
        Ok(n)
    } else {
        Err("odd".to_owned())
    }
}

#[instrument(target = "app", level = "info", skip_all)]
fn ordinary(n: u64) {
    debug!(target: "app", n, "working");
    let _ = audited(n);
}

/// Everything that a program does with spans and events, audited and not, at all levels and in all places.
///
/// With questions in between only where filters are not per layer: after a question, those lose the next event that
/// nobody else asks about (tokio-rs/tracing#2519), and our asking would save it for them.
fn program(is_asking: bool) {
    error!(target: "audit", "an error");
    trace!(target: "audit", n = 1_u64, "a trace");
    for n in 0..2 {
        ordinary(n);
        let _ = is_asking && enabled!(target: "app", Level::TRACE);
        let _ = audited(n);
    }
    let outer = info_span!(target: "audit", "outer", actor.id = "ann", late = tracing::field::Empty);
    let inner = debug_span!(target: "app", parent: &outer, "inner", n = 2_u64);
    inner.follows_from(&outer);
    inner.in_scope(|| {
        let _ = is_asking && enabled!(target: "audit", Level::INFO);
        warn!(target: "app", flag = true, "in the inner one");
        info!(target: "audit", parent: None, "without a parent");
        info!(target: "audit", parent: &outer, "of the outer one");
        outer.record("late", "now");
        info!(target: "app", parent: &outer, n = 3_u64, "ordinary, of the outer one");
    });
    let (first, second) = (outer.enter(), inner.enter());
    drop(first);
    info!(target: "app", "out of order");
    drop(second);
    drop(outer);
    trace!(target: "app", "before the child goes");
    drop(inner);
    let quiet = tracing::trace_span!(target: "app", "quiet");
    quiet.in_scope(|| info!(target: "audit", "in a quiet span"));
    let hidden = tracing::trace_span!(target: "audit", "hidden", n = 4_u64);
    hidden.in_scope(|| {
        info!(target: "app", "in a hidden span");
        hidden.record("n", 5_u64);
    });
}

/// How a stack filters: nothing, with one global filter, or each layer by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Filters {
    None,
    Global(&'static str),
    PerLayer(LevelFilter),
}

/// Where the trail stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Absent,
    Wrapper,
    LayerInside,
    LayerOutside,
    ShellInside,
    ShellOutside,
}

/// The neighbours of a stack, and what each of them saw.
#[derive(Default)]
struct Neighbours {
    recorder: Recorder,
    text: Text,
    json: Text,
}

type Layers<S> = Vec<Box<dyn Layer<S> + Send + Sync>>;

impl Neighbours {
    fn layers<S>(&self, filters: Filters) -> Layers<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        // Not at close: there fmt writes how long the span took.
        let spans = fmt::format::FmtSpan::NEW | fmt::format::FmtSpan::ACTIVE;
        let text = fmt::layer()
            .without_time()
            .with_ansi(false)
            .with_span_events(spans);
        let json = fmt::layer().json().without_time().with_span_list(true);
        let layers: Layers<S> = vec![
            self.recorder.clone().boxed(),
            text.with_writer(self.text.clone()).boxed(),
            json.with_writer(self.json.clone()).boxed(),
        ];
        let filtered = layers.into_iter().map(|layer| match filters {
            Filters::PerLayer(level) => layer.with_filter(level).boxed(),
            _ => layer,
        });
        filtered.collect()
    }

    fn run(self, filters: Filters, place: Place, audit: &Audit) -> [Vec<String>; 3] {
        // Callsites are shared by the process: another stack at the same time would change what this one is asked.
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let registry = tracing_subscriber::registry();
        let dispatch: Dispatch = match (filters, place) {
            (Filters::Global(directives), Place::LayerInside) => {
                let inner = registry.with(audit.layer()).with(EnvFilter::new(directives));
                inner.with(self.layers(filters)).into()
            }
            (Filters::Global(directives), Place::ShellInside) => {
                let inner = registry
                    .with(audit.filter_shell())
                    .with(EnvFilter::new(directives));
                inner.with(self.layers(filters)).into()
            }
            (Filters::Global(directives), _) => {
                let inner = registry
                    .with(EnvFilter::new(directives))
                    .with(self.layers(filters));
                match place {
                    Place::Wrapper => inner.audited(audit).into(),
                    Place::LayerOutside => inner.with(audit.layer()).into(),
                    Place::ShellOutside => inner.with(audit.filter_shell()).into(),
                    _ => inner.into(),
                }
            }
            (_, Place::Absent) => registry.with(self.layers(filters)).into(),
            (_, Place::Wrapper) => registry.with(self.layers(filters)).audited(audit).into(),
            (_, Place::LayerInside) => registry.with(audit.layer()).with(self.layers(filters)).into(),
            (_, Place::LayerOutside) => registry.with(self.layers(filters)).with(audit.layer()).into(),
            (_, Place::ShellInside) => registry
                .with(audit.filter_shell())
                .with(self.layers(filters))
                .into(),
            (_, Place::ShellOutside) => registry
                .with(self.layers(filters))
                .with(audit.filter_shell())
                .into(),
        };
        let is_asking = !matches!(filters, Filters::PerLayer(_));
        tracing::dispatcher::with_default(&dispatch, || program(is_asking));
        drop(dispatch);
        drop(alone);
        [self.recorder.lines(), self.text.lines(), self.json.lines()]
    }
}

const PLACES: [Place; 5] = [
    Place::Wrapper,
    Place::LayerInside,
    Place::LayerOutside,
    Place::ShellInside,
    Place::ShellOutside,
];

/// With and without the trail, in one place and under one kind of filter.
fn both(filters: Filters, place: Place) -> ([Vec<String>; 3], [Vec<String>; 3]) {
    let (audit, sink) = trail();
    let without = Neighbours::default().run(filters, Place::Absent, &audit);
    let with = Neighbours::default().run(filters, place, &audit);
    assert!(
        !records(&audit, &sink).is_empty() || matches!(filters, Filters::Global(_)),
        "the trail was there"
    );
    (without, with)
}

/// Fails at the first line that differs, and names it.
fn same(with: &[Vec<String>; 3], without: &[Vec<String>; 3], name: &str) {
    for (with, without) in with.iter().zip(without) {
        for (at, (with, without)) in with.iter().zip(without).enumerate() {
            assert_eq!(with, without, "{name}: line {at}");
        }
        assert_eq!(
            with.len(),
            without.len(),
            "{name}: {:?} {:?}",
            with.last(),
            without.last()
        );
    }
}

#[test]
fn without_filters_neighbours_see_the_same_with_every_form() {
    for place in PLACES {
        let (without, with) = both(Filters::None, place);
        assert!(without[0].len() > 60);
        same(&with, &without, &format!("{place:?}"));
    }
}

#[test]
fn with_a_filter_for_each_layer_neighbours_see_the_same_with_the_layer_forms() {
    for level in [
        LevelFilter::TRACE,
        LevelFilter::INFO,
        LevelFilter::WARN,
        LevelFilter::OFF,
    ] {
        for place in [
            Place::LayerInside,
            Place::LayerOutside,
            Place::ShellInside,
            Place::ShellOutside,
        ] {
            let (without, with) = both(Filters::PerLayer(level), place);
            same(&with, &without, &format!("{place:?}, {level}"));
        }
    }
}

#[test]
fn with_a_global_filter_neighbours_see_the_same_with_the_layer_forms() {
    for directives in [
        "trace",
        "info",
        "error",
        "off",
        "app=debug",
        "audit=off,app=trace",
    ] {
        for place in [
            Place::LayerInside,
            Place::LayerOutside,
            Place::ShellInside,
            Place::ShellOutside,
        ] {
            let (without, with) = both(Filters::Global(directives), place);
            same(&with, &without, &format!("{place:?}, {directives}"));
        }
    }
}

#[test]
fn with_the_wrapper_neighbours_see_the_same_where_no_audit_span_is_disabled() {
    for filters in [
        Filters::Global("trace"),
        Filters::Global("audit=trace,app=warn"),
        Filters::PerLayer(LevelFilter::TRACE),
    ] {
        let (without, with) = both(filters, Place::Wrapper);
        same(&with, &without, &format!("{filters:?}"));
    }
}

#[test]
fn with_the_wrapper_per_layer_filters_still_hide_what_they_disable() {
    for level in [LevelFilter::INFO, LevelFilter::WARN, LevelFilter::OFF] {
        let (without, with) = both(Filters::PerLayer(level), Place::Wrapper);
        same(&with, &without, &format!("{level}"));
    }
}

/// What concerns the spans that the filter disables, and only them.
fn is_about(line: &str, spans: &[&str]) -> bool {
    let mut words = line.split(' ');
    let kind = words.next().unwrap_or_default();
    let at = if kind == "new" { words.nth(1) } else { words.next() };
    let is_one = |scope: &str| spans.contains(&scope.split('<').next().unwrap_or_default());
    // What follows a disabled span is told only where that span is there.
    let names_it = at.is_some_and(is_one) || (kind == "follows" && words.next().is_some_and(is_one));
    matches!(kind, "new" | "record" | "enter" | "exit" | "close" | "follows") && names_it
}

/// A line without the disabled spans among the scopes.
fn without_scope(line: &str, spans: &[&str]) -> String {
    let mut line = line.to_owned();
    for span in spans {
        line = line
            .replace(&format!("{span}<"), "")
            .replace(&format!("<{span}"), "");
        line = line.replace(&format!("Some(\"{span}\")"), "None");
    }
    line
}

#[test]
fn a_global_filter_inside_the_wrapper_shows_disabled_audit_spans_whole_and_nothing_else() {
    for (directives, disabled) in [
        ("info", &["audited", "hidden"][..]),
        ("error", &["audited", "hidden", "outer"][..]),
        ("off", &["audited", "hidden", "outer"][..]),
        ("audit=off,app=trace", &["audited", "hidden", "outer"][..]),
    ] {
        let (without, with) = both(Filters::Global(directives), Place::Wrapper);
        let extra: Vec<_> = with[0].iter().filter(|line| is_about(line, disabled)).collect();
        let rest: Vec<_> = with[0].iter().filter(|line| !is_about(line, disabled)).collect();
        let normal = |line: &&String| without_scope(line, disabled);
        let expected: Vec<_> = without[0]
            .iter()
            .map(|line| without_scope(line, disabled))
            .collect();
        assert_eq!(
            rest.iter().map(normal).collect::<Vec<_>>(),
            expected,
            "{directives}"
        );
        // Whole: each span is made, entered, left and closed, as often as the program does it.
        for span in disabled {
            let of = |kind: &str| {
                extra
                    .iter()
                    .filter(|line| line.starts_with(kind) && is_about(line, &[span]))
                    .count()
            };
            let times = if *span == "audited" { 4 } else { 1 };
            assert_eq!(
                (of("new "), of("enter "), of("exit "), of("close ")),
                (times, times, times, times),
                "{directives}: {span}"
            );
        }
        // What fmt writes has the same events; and JSON, which panics at half-known spans, was written at all.
        let events = |lines: &[String]| lines.iter().filter(|line| line.contains("\"message\":")).count();
        assert_eq!(events(&with[2]), events(&without[2]), "{directives}");
    }
}
