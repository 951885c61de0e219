//! The filter shell: a layer form for stacks in which every other layer is filtered per layer.
//!
//! It embeds a per-layer filter around an empty layer, so that the stack counts it among the filtered ones and a
//! disabled callsite stays free; what it records it decides from the callsite alone, so that the filters' memory
//! between two questions (which `log_enabled!` disturbs) cannot lose a record.

use std::any::TypeId;
use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::core::Capture;
use super::wrapper::Ours;

/// The trail as a layer among per-layer-filtered ones: `registry().with(audit.filter_shell()).with(fmt.with_filter(…))`.
pub struct FilterShell<S> {
    capture: Option<Arc<Capture>>,
    filtered: Filtered<Nothing, Targets, S>,
}

impl<S> std::fmt::Debug for FilterShell<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FilterShell")
            .field("capture", &self.capture)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Nothing;

impl<S: Subscriber> Layer<S> for Nothing {}

#[derive(Debug)]
struct Targets {
    capture: Option<Arc<Capture>>,
}

impl Targets {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.capture
            .as_ref()
            .is_some_and(|capture| capture.is_audit(metadata) || capture.is_step(metadata))
    }
}

impl<S> Filter<S> for Targets {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FilterShell<S> {
    pub(crate) fn new(capture: Option<Arc<Capture>>) -> Self {
        let filtered = Nothing.with_filter(Targets {
            capture: capture.clone(),
        });
        Self { capture, filtered }
    }

    fn audits(&self, metadata: &Metadata<'_>) -> Option<&Arc<Capture>> {
        self.capture.as_ref().filter(|capture| capture.is_audit(metadata))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for FilterShell<S> {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        if let Some(capture) = &self.capture {
            capture.registered(dispatch);
        }
        self.filtered.on_register_dispatch(dispatch);
    }

    fn on_layer(&mut self, subscriber: &mut S) {
        if let Some(capture) = &self.capture {
            capture.stack.is_put_upon(std::any::type_name::<S>());
        }
        self.filtered.on_layer(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if let Some(capture) = self
            .capture
            .as_ref()
            .filter(|capture| capture.tracked(metadata).is_some())
        {
            capture.plan(metadata);
        }
        self.filtered.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        self.filtered.enabled(metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.filtered.max_level_hint()
    }

    fn event_enabled(&self, event: &Event<'_>, context: Context<'_, S>) -> bool {
        self.filtered.event_enabled(event, context)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.filtered.on_new_span(attributes, id, context);
        if let Some(capture) = &self.capture {
            capture.new_span(attributes, id);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(capture) = &self.capture {
            capture.record(id, values);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.filtered.on_event(event, context);
        if let Some(capture) = self.audits(event.metadata()) {
            capture.event(event);
        }
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        if let Some(capture) = &self.capture {
            capture.enter(id);
        }
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        if let Some(capture) = &self.capture {
            capture.exit(id);
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        if let Some(capture) = &self.capture {
            #[cfg(feature = "opentelemetry")]
            capture.closing(&id);
            capture.close(&id);
        }
    }

    // tracing-subscriber finds out through this method that the shell is filtered per layer. It is `unsafe` in the
    // trait; here it only passes the embedded filter's answer on.
    #[expect(
        unsafe_code,
        reason = "the trait declares the method unsafe; nothing unsafe is done but the same call"
    )]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() || id == TypeId::of::<Ours>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        if id == TypeId::of::<Arc<Capture>>() {
            return self
                .capture
                .as_ref()
                .map(|capture| std::ptr::from_ref(capture).cast());
        }
        // SAFETY: the pointer is the embedded filter's own answer and lives as long as `self`, which owns it.
        unsafe { self.filtered.downcast_raw(id) }
    }
}
