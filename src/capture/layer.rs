//! The plain layer form: for stacks where a global filter may decide about audit records too.

use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Interest, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::core::Capture;

/// The trail as a plain `Layer`: `registry().with(audit.layer())`.
///
/// It never asks for a callsite to be disabled and sets no level hint, so neighbours keep what they had. A global
/// filter (a bare `EnvFilter`) above or below it still hides records: [`Audit::check`](crate::Audit::check) says
/// so, and [`AuditedExt::audited`](crate::AuditedExt::audited) is immune. Do not put a `with_filter` on it: a
/// per-layer filter loses records after `log_enabled!`.
#[derive(Debug)]
pub struct AuditLayer {
    capture: Option<Arc<Capture>>,
}

impl Clone for AuditLayer {
    /// A layer for another stack.
    fn clone(&self) -> Self {
        Self {
            capture: self.capture.as_ref().map(Capture::for_stack),
        }
    }
}

impl AuditLayer {
    pub(crate) fn new(capture: Option<Arc<Capture>>) -> Self {
        Self { capture }
    }

    pub(super) fn capture(&self) -> Option<Arc<Capture>> {
        self.capture.clone()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for AuditLayer {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        if let Some(capture) = &self.capture {
            capture.registered(dispatch);
        }
    }

    fn on_layer(&mut self, _: &mut S) {
        if let Some(capture) = &self.capture {
            capture.stack.is_put_upon(std::any::type_name::<S>());
        }
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if let Some(capture) = self
            .capture
            .as_ref()
            .filter(|capture| capture.tracked(metadata).is_some())
        {
            capture.plan(metadata);
        }
        Interest::always()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if let Some(capture) = &self.capture {
            capture.new_span(attributes, id);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(capture) = &self.capture {
            capture.record(id, values);
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Some(capture) = self
            .capture
            .as_ref()
            .filter(|capture| capture.is_audit(event.metadata()))
        {
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
}
