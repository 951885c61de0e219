//! Spans that a filter hides from the traces, entered elsewhere than created: what is reported there has the ids of the span
//! that the traces have it in. The oracle is the events of the exported spans.

#[path = "support/otel.rs"]
mod otel;

use opentelemetry::ContextGuard;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use otel::{Form, Stage, Traces, ids, remote, said, stages_with};
use proptest::prelude::*;
use tracing::span::EnteredSpan;
use tracing::{Span, info, info_span};
use tracing_audit::CurrentContext;
use tracing_audit::record::{Record, Slot};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

fn hiding(attach: bool) -> Traces {
    Traces {
        attach,
        neighbour: true,
        ..Traces::HIDING
    }
}

/// Hiding traces that attach contexts or do not, and whether the trail is checked, and has seen a span, before.
fn circumstances() -> impl Iterator<Item = (Stage, bool)> {
    let all = (0..8).flat_map(|bits| {
        let attach = bits & 1 != 0;
        stages_with(hiding(attach)).map(move |stage| (stage, bits))
    });
    all.map(|(stage, bits)| {
        stage.run(|| {
            if bits & 2 != 0 {
                assert!(stage.audit.check().is_live());
            }
            if bits & 4 != 0 {
                info_span!("first").in_scope(|| ());
            }
        });
        (stage, bits & 1 != 0)
    })
}

#[test]
fn an_event_in_a_hidden_span_belongs_where_the_thread_is_and_not_where_that_span_was_created() {
    for (stage, _) in circumstances() {
        stage.run(|| {
            let created = info_span!("created").entered();
            let hidden = info_span!(target: "hidden", "hidden");
            let alone = info_span!(target: "hidden", parent: None, "alone");
            let around = info_span!(parent: None, "around").entered();
            info!(target: "audit", event = "in around");
            hidden.in_scope(|| {
                info!(target: "audit", event = "in hidden");
                info!(target: "audit", parent: &hidden, event = "in hidden by name");
                alone.in_scope(|| info!(target: "audit", event = "in both"));
            });
            alone.in_scope(|| {
                info!(target: "audit", event = "in alone");
                let given = stage.audit.submit(Record::builder("given").build());
                given.expect("there is room");
            });
            drop((around, created));
        });
        for event in ["in around", "in hidden", "in both", "in alone"] {
            assert_eq!(
                exported(&stage, event),
                Some(said(&stage.span("around").span_context))
            );
            stage.assert_ids(event, "around");
        }
        stage.assert_ids("in hidden by name", "around");
        stage.assert_ids("given", "around");
        assert_eq!(stage.stats().trace_unavailable, 0, "{:?}", stage.form);
    }
}

#[test]
fn a_hidden_audit_span_has_the_ids_of_the_place_where_it_is_entered_or_says_that_nobody_knows() {
    for (stage, attach) in circumstances() {
        let around = stage.run(|| {
            let created = info_span!("created").entered();
            let hidden = info_span!(target: "audit::hidden", "hidden");
            let around = info_span!(parent: None, "around");
            around.in_scope(|| {
                // By this a layer form learns that contexts are attached; without, it would start what is around it.
                hidden.in_scope(|| attach.then(|| info_span!("seen").in_scope(|| ())));
                hidden.in_scope(|| ());
                drop(hidden);
                // What it was entered in is not started by that.
                let parent = Span::current().set_parent(remote(4));
                assert_eq!(parent.is_ok(), !attach, "{:?}", stage.form);
            });
            drop(created);
            around
        });
        drop(around);
        if attach {
            stage.assert_ids("hidden", "around");
        } else {
            stage.assert_unavailable("hidden");
            assert_eq!(stage.stats().trace_unavailable, 1);
        }
    }
}

#[test]
fn an_audit_span_hands_its_actor_down_to_a_hidden_span_and_not_its_ids() {
    for (stage, _) in circumstances() {
        stage.run(|| {
            let request = info_span!(target: "audit", "request", actor.id = "u-1");
            let hidden = request.in_scope(|| info_span!(target: "hidden", "hidden"));
            request.in_scope(|| info_span!("seen").in_scope(|| ()));
            let carried = hidden.in_scope(|| {
                info!(target: "audit", event = "outside");
                CurrentContext::capture()
            });
            carried.sync_scope(|| info!(target: "audit", event = "carried"));
        });
        assert_eq!(exported(&stage, "outside"), None);
        for event in ["outside", "carried"] {
            let record = stage.record(event);
            assert_eq!(record.text(Slot::ActorId), Some("u-1"), "{:?}", stage.form);
            assert_eq!(ids(&record), (None, None, None), "{:?}: {event}", stage.form);
        }
    }
}

#[test]
fn a_layer_does_not_know_where_a_hidden_audit_span_was_entered_that_is_left_before_any_exported_one() {
    for stage in stages_with(hiding(true)) {
        stage.run(|| {
            let _around = info_span!("around").entered();
            info_span!(target: "audit::hidden", "hidden")
                .in_scope(|| info!(target: "audit", event = "inside"));
        });
        stage.assert_ids("inside", "around");
        if matches!(stage.form, Form::Wrapper | Form::Close) {
            stage.assert_ids("hidden", "around");
        } else {
            stage.assert_unavailable("hidden");
        }
    }
}

#[test]
fn a_hidden_audit_span_that_is_left_elsewhere_than_it_was_entered_has_no_ids_of_there() {
    for leaves_around in [true, false] {
        for stage in stages_with(hiding(true)) {
            stage.run(|| {
                let outer = info_span!("outer").entered();
                let around = info_span!("around").entered();
                let hidden = info_span!(target: "audit::hidden", "hidden").entered();
                // By this a layer form learns that contexts are attached.
                let inside = info_span!("inside");
                inside.in_scope(|| ());
                if leaves_around {
                    drop(around);
                    drop(hidden);
                } else {
                    let entered = inside.entered();
                    drop(hidden);
                    drop((entered, around));
                }
                drop(outer);
            });
            if matches!(stage.form, Form::Wrapper | Form::Close) {
                stage.assert_ids("hidden", "around");
            } else {
                stage.assert_unavailable("hidden");
            }
        }
    }
}

#[test]
fn an_event_in_a_suppressed_span_is_nobodys_although_a_remote_context_is_attached_around_it() {
    for attach in [true, false] {
        for stage in stages_with(hiding(attach)) {
            stage.run(|| {
                let quiet = opentelemetry::Context::enter_telemetry_suppressed_scope();
                let suppressed = info_span!("suppressed");
                drop(quiet);
                let _attached = remote(5).attach();
                suppressed.in_scope(|| info!(target: "audit", event = "in suppressed"));
            });
            stage.assert_untraced("in suppressed");
        }
    }
}

type Ids = (Option<String>, Option<String>, Option<u64>);

/// The exported span that has this event.
fn exported(stage: &Stage, event: &str) -> Option<Ids> {
    let spans = stage.spans();
    let has = |attribute: &opentelemetry::KeyValue| {
        attribute.key.as_str() == "event" && attribute.value.as_str() == event
    };
    let mut of = spans
        .iter()
        .filter(|span| span.events.iter().any(|event| event.attributes.iter().any(has)));
    of.next().map(|span| said(&span.span_context))
}

#[derive(Debug, Clone, Copy)]
enum Parent {
    Current,
    Root,
    Named(usize),
}

/// What a program does next. A number is that of what is there, counted round.
#[derive(Debug, Clone, Copy)]
enum Step {
    Open {
        is_hidden: bool,
        is_audit: bool,
        parent: Parent,
    },
    Enter(usize),
    Attach(u8),
    /// Leaves what was entered or attached, in any order; most often the last.
    Leave(usize),
    Close(usize),
    Report(Parent),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = 0..64_usize;
    let parent = || {
        prop_oneof![
            4 => Just(Parent::Current),
            1 => Just(Parent::Root),
            1 => (0..64_usize).prop_map(Parent::Named),
        ]
    };
    let open = (any::<bool>(), any::<bool>(), parent());
    let step = prop_oneof![
        4 => open.prop_map(|(is_hidden, is_audit, parent)| Step::Open { is_hidden, is_audit, parent }),
        5 => number.clone().prop_map(Step::Enter),
        1 => (1..250_u8).prop_map(Step::Attach),
        3 => prop_oneof![4 => Just(0), 1 => number.clone()].prop_map(Step::Leave),
        1 => number.prop_map(Step::Close),
        5 => parent().prop_map(Step::Report),
    ];
    prop::collection::vec(step, 1..40)
}

struct Open {
    name: String,
    is_hidden: bool,
    span: Span,
}

enum Place {
    Span(usize, EnteredSpan),
    Remote(
        SpanContext,
        #[expect(dead_code, reason = "held until it is left")] ContextGuard,
    ),
}

/// A program, and what must be true of what it reports.
#[derive(Default)]
struct Program {
    spans: Vec<Open>,
    places: Vec<Place>,
    count: usize,
    /// The events that are reported where the thread is, and the remote context that is theirs if no exported span is.
    events: Vec<(String, Option<SpanContext>)>,
    /// The events that are in no place.
    roots: Vec<String>,
    /// The names of hidden audit spans, and the exported spans they were entered in.
    hidden: Vec<(String, Option<String>)>,
}

impl Program {
    fn run(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(*step);
        }
        // In the order in which programs do.
        while self.places.pop().is_some() {}
        self.spans.clear();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Open {
                is_hidden,
                is_audit,
                parent,
            } => self.open(is_hidden, is_audit, parent),
            Step::Enter(at) => self.enter(at),
            Step::Attach(number) => {
                let context = remote(number);
                let span = context.span().span_context().clone();
                self.places.push(Place::Remote(span, context.attach()));
            }
            Step::Leave(at) if !self.places.is_empty() => {
                let last = self.places.len() - 1;
                drop(self.places.remove(last - at % self.places.len()));
            }
            Step::Close(at) if !self.spans.is_empty() => {
                let at = at % self.spans.len();
                // One that is entered is named by its place.
                let is_entered = |place: &Place| matches!(place, Place::Span(_, entered) if entered.id() == self.spans[at].span.id());
                if !self.places.iter().any(is_entered) {
                    let gone = self.spans.remove(at);
                    for place in &mut self.places {
                        if let Place::Span(index, _) = place
                            && *index > at
                        {
                            *index -= 1;
                        }
                    }
                    drop(gone);
                }
            }
            Step::Report(parent) => self.report(parent),
            Step::Leave(_) | Step::Close(_) => {}
        }
    }

    fn name(&mut self) -> String {
        self.count += 1;
        format!("n{}", self.count)
    }

    fn open(&mut self, is_hidden: bool, is_audit: bool, parent: Parent) {
        let name = self.name();
        macro_rules! open {
            ($target:literal) => {
                match parent {
                    Parent::Named(at) if !self.spans.is_empty() => {
                        let parent = &self.spans[at % self.spans.len()].span;
                        info_span!(target: $target, parent: parent, "span", otel.name = name, event = name)
                    }
                    Parent::Root => {
                        info_span!(target: $target, parent: None, "span", otel.name = name, event = name)
                    }
                    _ => info_span!(target: $target, "span", otel.name = name, event = name),
                }
            };
        }
        let span = match (is_audit, is_hidden) {
            (true, true) => open!("audit::hidden"),
            (true, false) => open!("audit"),
            (false, true) => open!("hidden"),
            (false, false) => open!("app"),
        };
        self.spans.push(Open {
            name,
            is_hidden,
            span,
        });
    }

    fn enter(&mut self, at: usize) {
        let Some(at) = at.checked_rem(self.spans.len()) else {
            return;
        };
        if self
            .places
            .iter()
            .any(|place| matches!(place, Place::Span(entered, _) if *entered == at))
        {
            return;
        }
        let Open {
            name,
            is_hidden,
            span,
        } = &self.spans[at];
        if *is_hidden {
            self.hidden.push((name.clone(), self.innermost()));
        }
        let entered = span.clone().entered();
        self.places.push(Place::Span(at, entered));
    }

    /// The exported span that the thread entered last.
    fn innermost(&self) -> Option<String> {
        self.places.iter().rev().find_map(|place| match place {
            Place::Span(at, _) if !self.spans[*at].is_hidden => Some(self.spans[*at].name.clone()),
            _ => None,
        })
    }

    fn report(&mut self, parent: Parent) {
        let name = self.name();
        match parent {
            Parent::Named(at) if !self.spans.is_empty() => {
                let parent = &self.spans[at % self.spans.len()].span;
                info!(target: "audit", parent: parent, event = name);
            }
            Parent::Root => {
                info!(target: "audit", parent: None, event = name);
                self.roots.push(name);
            }
            _ => {
                info!(target: "audit", event = name);
                let attached = self.places.iter().rev().find_map(|place| match place {
                    Place::Remote(context, _) => Some(context.clone()),
                    Place::Span(..) => None,
                });
                self.events.push((name, attached));
            }
        }
    }

    /// Compares what was recorded with what was exported. `is_known`: the layer has answered before.
    fn assert(&self, stage: &Stage, is_known: bool) -> Result<(), TestCaseError> {
        let none = (None, None, None);
        let records = stage.records();
        let found = |name: &str| {
            let record = records
                .iter()
                .find(|record| record.event() == name)
                .expect("recorded");
            (ids(record), record.get(Slot::TraceUnavailable).is_some())
        };
        let mut marked = records
            .iter()
            .filter(|record| record.get(Slot::TraceUnavailable).is_some());
        prop_assert_eq!(stage.stats().trace_unavailable, marked.by_ref().count() as u64);
        for (name, attached) in &self.events {
            let (recorded, is_marked) = found(name);
            match exported(stage, name) {
                Some(wanted) => prop_assert_eq!((recorded, is_marked), (wanted, false), "{}", name),
                None if is_marked => prop_assert!(!is_known && recorded == none, "{}", name),
                None => prop_assert_eq!(recorded, attached.as_ref().map_or(none.clone(), said), "{}", name),
            }
        }
        for name in &self.roots {
            prop_assert_eq!(found(name), (none.clone(), false), "{}", name);
        }
        for (name, _) in &self.hidden {
            let Some(record) = records.iter().find(|record| record.event() == name.as_str()) else {
                continue;
            };
            let mut entered = self.hidden.iter().filter(|(of, _)| of == name);
            let recorded = ids(record);
            let is_one = entered.any(|(_, around)| match around {
                Some(around) => recorded == said(&stage.span(around).span_context),
                None => true,
            });
            prop_assert!(recorded == none || is_one, "{name}: {recorded:?}");
        }
        for span in stage.spans() {
            if let Some(record) = records.iter().find(|record| record.event() == span.name) {
                let recorded = ids(record);
                prop_assert!(
                    recorded == none || recorded == said(&span.span_context),
                    "{}",
                    span.name
                );
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_program_opens_enters_and_leaves_its_events_have_the_ids_of_the_span_that_the_traces_have_them_in(
        form in prop::sample::select(Form::ALL.to_vec()),
        attach in any::<bool>(),
        is_checked in any::<bool>(),
        steps in steps(),
    ) {
        let stage = Stage::new(form, hiding(attach));
        let mut program = Program::default();
        stage.run(|| {
            if is_checked {
                assert!(stage.audit.check().is_live());
            }
            program.run(&steps);
        });
        program.assert(&stage, is_checked)?;
    }
}
