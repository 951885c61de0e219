//! What the tests of correlation share: a trail and traces in one stack, in every form, and what was exported.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::time::Duration;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry::trace::{TracerProvider as _, noop::NoopTracer};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
use tracing::{Dispatch, Subscriber};
use tracing_audit::record::{Record, Slot, Value};
use tracing_audit::sink::MemorySink;
use tracing_audit::{Audit, AuditBuilder, AuditedExt, Ids, OtelCloseLayer, Stats};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{registry, reload};

/// Where the trail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Wrapper,
    /// The wrapper, with the layer that hears of ends first.
    Close,
    LayerBefore,
    LayerBehind,
    ShellBefore,
    ShellBehind,
}

impl Form {
    pub(crate) const ALL: [Self; 6] = [
        Self::Wrapper,
        Self::Close,
        Self::LayerBefore,
        Self::LayerBehind,
        Self::ShellBefore,
        Self::ShellBehind,
    ];

    /// Whether something of the trail hears of a span's end before the layer of OpenTelemetry does.
    pub(crate) fn hears_first(self) -> bool {
        matches!(self, Self::Close | Self::LayerBefore | Self::ShellBefore)
    }
}

/// How the traces are set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traces {
    pub(crate) attach: bool,
    pub(crate) sample: bool,
    /// Spans whose target ends in `hidden` are filtered out.
    pub(crate) filter: bool,
    /// A neighbour wants them: else there are none but those of the trail.
    pub(crate) neighbour: bool,
    pub(crate) reload: bool,
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            attach: true,
            sample: true,
            filter: false,
            neighbour: false,
            reload: false,
        }
    }
}

impl Traces {
    /// With a filter that hides spans.
    pub(crate) const HIDING: Self = Self {
        attach: true,
        sample: true,
        filter: true,
        neighbour: false,
        reload: false,
    };

    /// Without context activation.
    pub(crate) const UNATTACHED: Self = Self {
        attach: false,
        sample: true,
        filter: false,
        neighbour: false,
        reload: false,
    };
}

/// Wants every span and event, and does nothing with them.
struct Neighbour;

impl<S: Subscriber> Layer<S> for Neighbour {}

type Boxed<S> = Box<dyn Layer<S> + Send + Sync>;

impl Traces {
    pub(crate) fn layer<S>(self, provider: &SdkTracerProvider) -> Boxed<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let layer: OpenTelemetryLayer<S, _> = OpenTelemetryLayer::new(provider.tracer("test"));
        let layer = layer.with_context_activation(self.attach);
        let shown = filter_fn(|metadata| !metadata.target().ends_with("hidden"));
        match (self.filter, self.neighbour, self.reload) {
            (false, false, false) => layer.boxed(),
            (true, false, false) => layer.with_filter(shown).boxed(),
            (true, true, false) => layer.with_filter(shown).and_then(Neighbour).boxed(),
            (false, false, true) => reload::Layer::new(layer).0.boxed(),
            _ => unreachable!("no test asks for that"),
        }
    }

    fn provider(self, exporter: &InMemorySpanExporter) -> SdkTracerProvider {
        let sampler = if self.sample {
            Sampler::AlwaysOn
        } else {
            Sampler::AlwaysOff
        };
        SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .with_sampler(sampler)
            .build()
    }
}

/// One stack with a trail and traces in it.
pub(crate) struct Stage {
    pub(crate) form: Form,
    pub(crate) audit: Audit,
    sink: MemorySink,
    exporter: InMemorySpanExporter,
    pub(crate) dispatch: Dispatch,
    provider: SdkTracerProvider,
}

/// Every form, with the layer as it is by default.
pub(crate) fn stages() -> impl Iterator<Item = Stage> {
    stages_with(Traces::default())
}

pub(crate) fn stages_with(traces: Traces) -> impl Iterator<Item = Stage> {
    Form::ALL.into_iter().map(move |form| Stage::new(form, traces))
}

/// A trail in memory whose ids are those of OpenTelemetry.
pub(crate) fn trail(set: impl FnOnce(AuditBuilder) -> AuditBuilder) -> (Audit, MemorySink) {
    let sink = MemorySink::new();
    let builder = Audit::builder()
        .memory(&sink)
        .service("test")
        .ids(Ids::opentelemetry());
    let audit = set(builder.diagnostics(|_| {}))
        .start()
        .expect("the settings are good");
    (audit, sink)
}

impl Stage {
    pub(crate) fn new(form: Form, traces: Traces) -> Self {
        Self::with(form, traces, |builder| builder)
    }

    pub(crate) fn with(form: Form, traces: Traces, set: impl FnOnce(AuditBuilder) -> AuditBuilder) -> Self {
        let (audit, sink) = trail(set);
        let exporter = InMemorySpanExporter::default();
        let provider = traces.provider(&exporter);
        let layer = &provider;
        let dispatch: Dispatch = match form {
            Form::Wrapper => registry().with(traces.layer(layer)).audited(&audit).into(),
            Form::Close => registry()
                .with(OtelCloseLayer::new())
                .with(traces.layer(layer))
                .audited(&audit)
                .into(),
            Form::LayerBefore => registry().with(audit.layer()).with(traces.layer(layer)).into(),
            Form::LayerBehind => registry().with(traces.layer(layer)).with(audit.layer()).into(),
            Form::ShellBefore => registry()
                .with(audit.filter_shell())
                .with(traces.layer(layer))
                .into(),
            Form::ShellBehind => registry()
                .with(traces.layer(layer))
                .with(audit.filter_shell())
                .into(),
        };
        Self {
            form,
            audit,
            sink,
            exporter,
            dispatch,
            provider,
        }
    }

    pub(crate) fn run<R>(&self, run: impl FnOnce() -> R) -> R {
        tracing::dispatcher::with_default(&self.dispatch, run)
    }

    pub(crate) fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    pub(crate) fn stats(&self) -> Stats {
        self.audit.stats()
    }

    /// The spans that were exported.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.exporter
            .get_finished_spans()
            .expect("nobody panics in the exporter")
    }

    /// The exported span of this name.
    #[track_caller]
    pub(crate) fn span(&self, name: &str) -> SpanData {
        let spans = self.spans();
        let mut found = spans.iter().filter(|span| span.name == name);
        let (first, second) = (found.next(), found.next());
        assert!(second.is_none(), "{:?}: two spans are named {name}", self.form);
        first
            .unwrap_or_else(|| panic!("{:?}: no span {name} was exported: {spans:?}", self.form))
            .clone()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        // After a shutdown, everything has arrived, and the flush answers how that ended.
        let flushed = self.audit.flush(Duration::from_secs(60));
        flushed.expect("a memory sink takes everything");
        let is_control = |record: &Record| record.text(Slot::ActorId) == Some("tracing-audit");
        let all = self.sink.records().into_iter();
        all.filter(|record| !is_control(record)).collect()
    }

    /// The record of this name.
    #[track_caller]
    pub(crate) fn record(&self, event: &str) -> Record {
        let records = self.records();
        let mut found = records.iter().filter(|record| record.event() == event);
        let (first, second) = (found.next(), found.next());
        assert!(
            second.is_none(),
            "{:?}: two records are named {event}: {records:?}",
            self.form
        );
        first
            .unwrap_or_else(|| panic!("{:?}: no record {event}: {records:?}", self.form))
            .clone()
    }

    /// The record carries the ids of the exported span, and nobody else's.
    #[track_caller]
    pub(crate) fn assert_ids(&self, event: &str, span: &str) {
        let (record, span) = (self.record(event), self.span(span));
        assert_eq!(
            ids(&record),
            said(&span.span_context),
            "{:?}: {event} and {span:?}",
            self.form
        );
        lacks(&record, Slot::TraceUnavailable);
        lacks(&record, Slot::ParentSpanId);
    }

    /// The record carries no ids, and is not marked as lacking them.
    #[track_caller]
    pub(crate) fn assert_untraced(&self, event: &str) {
        let record = self.record(event);
        for slot in [
            Slot::TraceId,
            Slot::SpanId,
            Slot::TraceFlags,
            Slot::ParentSpanId,
            Slot::TraceUnavailable,
        ] {
            lacks(&record, slot);
        }
    }

    /// The record carries no ids, and says so.
    #[track_caller]
    pub(crate) fn assert_unavailable(&self, event: &str) {
        let record = self.record(event);
        assert_eq!(
            record.get(Slot::TraceUnavailable),
            Some(&Value::Bool(true)),
            "{:?}: {record:?}",
            self.form
        );
        for slot in [Slot::TraceId, Slot::SpanId, Slot::TraceFlags, Slot::ParentSpanId] {
            lacks(&record, slot);
        }
    }
}

#[track_caller]
fn lacks(record: &Record, slot: Slot) {
    assert_eq!(record.get(slot), None, "{slot:?} of {record:?}");
}

/// Trace, span and flags of a record.
pub(crate) fn ids(record: &Record) -> (Option<String>, Option<String>, Option<u64>) {
    let flags = match record.get(Slot::TraceFlags) {
        Some(Value::Int(flags)) => u64::try_from(*flags).ok(),
        _ => None,
    };
    let hex = |slot| record.text(slot).map(str::to_owned);
    (hex(Slot::TraceId), hex(Slot::SpanId), flags)
}

/// The same of a span.
pub(crate) fn said(span: &SpanContext) -> (Option<String>, Option<String>, Option<u64>) {
    (
        Some(span.trace_id().to_string()),
        Some(span.span_id().to_string()),
        Some(u64::from(span.trace_flags().to_u8())),
    )
}

/// The context of a span in another process.
pub(crate) fn remote(number: u8) -> opentelemetry::Context {
    let span = SpanContext::new(
        TraceId::from_bytes([number; 16]),
        SpanId::from_bytes([number; 8]),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    opentelemetry::Context::new().with_remote_span_context(span)
}

/// A layer that exports nothing.
pub(crate) fn noop<S>() -> OpenTelemetryLayer<S, NoopTracer>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    OpenTelemetryLayer::new(NoopTracer::new())
}
