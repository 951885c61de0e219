//! A layer that asks for a span's ids at its end, while the layer of OpenTelemetry still has them.

use std::sync::OnceLock;

use tracing_core::dispatcher::WeakDispatch;
use tracing_core::span::Id;
use tracing_core::{Dispatch, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Lets records of spans carry trace ids that exist only when the span ends: of spans that are never entered, and of all
/// where the OpenTelemetry layer has `with_context_activation(false)`.
///
/// It must hear of the end first, so it stands *before* the OpenTelemetry layer:
/// `registry().with(OtelCloseLayer::new()).with(telemetry).audited(&audit)`. Behind it, or without a trail whose ids come from
/// [`OtelIds`](crate::OtelIds), it does nothing. [`Audit::layer`](crate::Audit::layer) before the OpenTelemetry layer needs
/// none.
#[derive(Debug, Default)]
pub struct OtelCloseLayer {
    dispatch: OnceLock<WeakDispatch>,
}

impl OtelCloseLayer {
    /// The layer, for one stack.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S: Subscriber> Layer<S> for OtelCloseLayer {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        // Weak: the dispatcher owns the subscriber that owns us.
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let dispatch = self.dispatch.get().and_then(WeakDispatch::upgrade);
        if let Some(capture) = dispatch.as_ref().and_then(super::installed) {
            capture.closing(&id);
        }
    }
}
