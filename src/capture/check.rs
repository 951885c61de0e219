//! Is the trail live? A probe through the real dispatcher, and what hides audit records if it does not arrive.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing_core::Level;

use super::core::Capture;

/// Something that keeps audit records from the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// The trail is configured off (`enabled = false`).
    Disabled,
    /// The trail was shut down.
    Closed,
    /// This thread has no `tracing` subscriber.
    NoSubscriber,
    /// The subscriber of this thread does not contain the trail.
    NotInstalled,
    /// The subscriber contains the trail more than once: every record would be written that often.
    InstalledTwice,
    /// A level was removed at compile time by a `max_level_*` or `release_max_level_*` feature of `tracing`.
    CompiledOut(Level),
    /// A global filter (an `EnvFilter` or another filter that is not per layer) hides audit records of a level.
    Filtered(Level),
    /// Spans do not reach the trail, so that records inherit no context.
    ContextHidden,
    /// The subscriber inside the wrapper never says that a span has ended: its `try_close` is the trait's own, which
    /// answers `false`. Spans are written at the shutdown only, as `still_open`, and kept in memory until then.
    SpansNeverEnd,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("the trail is configured off; set `enabled` to true"),
            Self::Closed => f.write_str("the trail was shut down; start another one"),
            Self::NoSubscriber => {
                f.write_str("no subscriber is installed here; call `.audited(&audit).init()` on one")
            }
            Self::NotInstalled => f.write_str(
                "the subscriber does not contain the trail; add `.audited(&audit)` as its last part",
            ),
            Self::InstalledTwice => {
                f.write_str("the trail is installed more than once; keep one of wrapper and layer")
            }
            Self::CompiledOut(level) => {
                write!(
                    f,
                    "{level} is compiled out by a max_level feature of `tracing`; remove that feature"
                )
            }
            Self::Filtered(level) => {
                write!(
                    f,
                    "a global filter hides {level} records; use `.audited(&audit)`, or make the filter per layer"
                )
            }
            Self::ContextHidden => f.write_str("spans do not reach the trail; records inherit no context"),
            Self::SpansNeverEnd => f.write_str(
                "the subscriber inside never says that a span has ended, so that no span becomes a record; have its \
                 `try_close` answer true for the last handle, or build on `tracing_subscriber::registry()`",
            ),
        }
    }
}

/// What [`Audit::check`](crate::Audit::check) found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What keeps records from the trail, worst first.
    pub obstacles: Vec<Obstacle>,
    /// What is worth knowing and hides nothing.
    pub remarks: Vec<String>,
}

impl Check {
    /// Whether records of every level arrive, once each.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.obstacles.is_empty()
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_live() {
            writeln!(f, "the audit trail is live")?;
        }
        self.obstacles
            .iter()
            .try_for_each(|obstacle| writeln!(f, "obstacle: {obstacle}"))?;
        self.remarks
            .iter()
            .try_for_each(|remark| writeln!(f, "remark: {remark}"))
    }
}

thread_local! {
    /// Which trail is probed, and how often the probe has arrived.
    static PROBED: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
    /// The span that the probe opened last, or 0.
    static OPENED: Cell<u64> = const { Cell::new(0) };
}

impl Capture {
    /// A probe's span was opened. It is linked like every span, so that its end unlinks it.
    pub(super) fn probe_opened(&self, id: u64) {
        hit(self.trail);
        self.links.insert(id, 0);
        let _ = OPENED.try_with(|opened| opened.set(id));
    }

    /// Whether the probe's span is there although its only handle is gone. Forgets it.
    fn forget_probe(&self) -> bool {
        let id = OPENED.try_with(Cell::take).unwrap_or(0);
        let others = self.stacks.others();
        let all = others.iter().map(Arc::as_ref).chain([self]);
        // No short cut: every stack that saw the probe must forget it.
        id != 0 && all.filter(|stack| stack.links.remove(id).is_some()).count() > 0
    }
}

/// A probe arrived.
pub(super) fn hit(trail: u32) {
    let _ = PROBED.try_with(|probed| {
        let (of, hits) = probed.get();
        if of == trail {
            probed.set((of, hits + 1));
        }
    });
}

/// How often the probe `report` arrives at this trail.
fn hits(trail: u32, report: impl FnOnce()) -> u32 {
    let _ = PROBED.try_with(|probed| probed.set((trail, 0)));
    report();
    PROBED.try_with(|probed| probed.replace((0, 0)).1).unwrap_or(0)
}

/// Sends a probe of each level through the dispatcher that this thread has.
pub(crate) fn check(capture: &Capture) -> Check {
    let mut check = Check::default();
    let has_subscriber =
        tracing::dispatcher::get_default(|dispatch| !dispatch.is::<tracing_core::subscriber::NoSubscriber>());
    if !has_subscriber {
        check.obstacles.push(Obstacle::NoSubscriber);
        return check;
    }
    let mut arrived = 0;
    let mut hidden = Vec::new();
    macro_rules! probe {
        ($($level:ident),*) => {$(
            let count = hits(capture.trail, || {
                tracing::event!(target: "audit", Level::$level, tracing_audit.probe = true);
            });
            arrived = arrived.max(count);
            if LevelFilter::from_level(Level::$level) > STATIC_MAX_LEVEL {
                check.obstacles.push(Obstacle::CompiledOut(Level::$level));
            } else if count == 0 {
                hidden.push(Obstacle::Filtered(Level::$level));
            }
        )*};
    }
    probe!(ERROR, WARN, INFO, DEBUG, TRACE);
    let has_seen_spans = hits(capture.trail, || {
        drop(tracing::error_span!(target: "audit", "audit.probe", tracing_audit.probe = true));
    });
    match arrived {
        0 if !capture.stacks.is_registered() => check.obstacles.push(Obstacle::NotInstalled),
        2.. => check.obstacles.push(Obstacle::InstalledTwice),
        _ => {}
    }
    if arrived > 0 || capture.stacks.is_registered() {
        check.obstacles.append(&mut hidden);
    }
    if arrived > 0 && has_seen_spans == 0 {
        check.obstacles.push(Obstacle::ContextHidden);
    }
    if capture.forget_probe() {
        check.obstacles.push(Obstacle::SpansNeverEnd);
    }
    if capture.settings.allow_modules.is_none() {
        check
            .remarks
            .push("every module may write to the trail; `allow_modules` limits that".to_owned());
    }
    check
}
