//! Is the trail live? A probe through the real dispatcher, and what hides audit records if it does not arrive.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing_core::Level;

use super::core::Capture;
use crate::config::Part;

/// Something that keeps audit records from the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// The trail is configured off (`enabled = false`).
    Disabled,
    /// The trail was shut down.
    Closed,
    /// A part of the trail is paused: see [`Audit::pause`](crate::Audit::pause).
    Paused(Part),
    /// This thread has no `tracing` subscriber.
    NoSubscriber,
    /// The subscriber of this thread does not contain the trail, whatever another thread's does.
    NotInstalled,
    /// The subscriber contains the trail more than once: every record would be written that often.
    InstalledTwice,
    /// A level was removed at compile time by a `max_level_*` or `release_max_level_*` feature of `tracing`.
    CompiledOut(Level),
    /// A filter hides audit records of a level: an `EnvFilter` or another one that is not per layer, beside a layer form
    /// of the trail, or one that was given to the trail's own layer.
    Filtered(Level),
    /// Spans do not reach the trail, so that records inherit no context.
    ContextHidden,
    /// The subscriber inside the wrapper never says that a span has ended: its `try_close` is the trait's own, which
    /// answers `false`. Spans are written at the shutdown only, as `still_open`, and kept in memory until then.
    SpansNeverEnd,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Disabled => "the trail is configured off; set `enabled` to true",
            Self::Closed => "the trail was shut down; start another one",
            Self::Paused(part) => {
                return write!(
                    f,
                    "a pause leaves records out ({part}); call `resume` when it may end"
                );
            }
            Self::NoSubscriber => {
                "no subscriber is installed on this thread; end yours with `.audited(&audit).init()`"
            }
            Self::NotInstalled => {
                "the subscriber of this thread does not contain the trail; add `.audited(&audit)` as its last part"
            }
            Self::InstalledTwice => {
                "the trail is installed more than once, so that every record is written more than once; keep one of \
                 `.audited(&audit)`, `audit.layer()` and `audit.filter_shell()`"
            }
            Self::CompiledOut(level) => return compiled_out(f, &level.to_string()),
            Self::Filtered(level) => return filtered(f, &level.to_string()),
            Self::ContextHidden => {
                "a filter hides spans from the trail, so that no span becomes a record and records inherit no context; use \
                 `.audited(&audit)`, or give that filter to the other layers by `with_filter`"
            }
            Self::SpansNeverEnd => {
                "the subscriber inside never says that a span has ended, so that no span becomes a record; have its \
                 `try_close` answer true for the last handle, or build on `tracing_subscriber::registry()`"
            }
        };
        f.write_str(text)
    }
}

fn compiled_out(f: &mut fmt::Formatter<'_>, levels: &str) -> fmt::Result {
    write!(
        f,
        "{levels} records are compiled out by a max_level feature of `tracing`; remove that feature"
    )
}

fn filtered(f: &mut fmt::Formatter<'_>, levels: &str) -> fmt::Result {
    write!(
        f,
        "a filter hides {levels} records from the trail; use `.audited(&audit)`, or give that filter to the other layers \
         by `with_filter`"
    )
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

impl Check {
    /// The levels of all obstacles of this kind, as words.
    fn levels(&self, kind: &Obstacle) -> String {
        let level = |obstacle: &Obstacle| match obstacle {
            Obstacle::CompiledOut(level) | Obstacle::Filtered(level) if is_alike(obstacle, kind) => {
                Some(level.to_string())
            }
            _ => None,
        };
        let levels: Vec<_> = self.obstacles.iter().filter_map(level).collect();
        match levels.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

fn is_alike(one: &Obstacle, other: &Obstacle) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_live() {
            writeln!(f, "the audit trail is live")?;
        }
        for (at, obstacle) in self.obstacles.iter().enumerate() {
            // One sentence for all levels, where the first of them stands.
            let is_told = self
                .obstacles
                .iter()
                .take(at)
                .any(|told| is_alike(told, obstacle));
            if is_told {
                continue;
            }
            f.write_str("obstacle: ")?;
            match obstacle {
                Obstacle::CompiledOut(_) => compiled_out(f, &self.levels(obstacle))?,
                Obstacle::Filtered(_) => filtered(f, &self.levels(obstacle))?,
                _ => write!(f, "{obstacle}")?,
            }
            writeln!(f)?;
        }
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
        self.spans.link(id, 0, || ());
        let _ = OPENED.try_with(|opened| opened.set(id));
    }

    /// Whether the probe's span is there although its only handle is gone. Forgets it.
    fn forget_probe(&self) -> bool {
        let id = OPENED.try_with(Cell::take).unwrap_or(0);
        let others = self.stacks.others();
        let all = others.iter().map(Arc::as_ref).chain([self]);
        // No short cut: every stack that saw the probe must forget it.
        let forgotten = all.filter(|stack| {
            let is_known = stack.spans.knows(id);
            let _ = stack.spans.close(id);
            is_known
        });
        id != 0 && forgotten.count() > 0
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

/// Whether the dispatcher of this thread has the trail in it. Of several trails in one stack only the outermost is seen.
fn is_here(capture: &Capture) -> bool {
    tracing::dispatcher::get_default(super::installed).is_some_and(|here| here.trail == capture.trail)
}

/// Sends a probe span, and answers what a tracer finds wrong with its ids.
fn probe_spans(capture: &Capture) -> Option<String> {
    let open = || tracing::error_span!(target: "audit", "audit.probe", tracing_audit.probe = true);
    #[cfg(feature = "opentelemetry")]
    return capture.probe_ids(&open);
    #[cfg(not(feature = "opentelemetry"))]
    {
        let _ = capture;
        drop(open());
        None
    }
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
    let mut remark = None;
    let has_seen_spans = hits(capture.trail, || remark = probe_spans(capture));
    match arrived {
        0 if !is_here(capture) => check.obstacles.push(Obstacle::NotInstalled),
        0 | 1 => check.obstacles.append(&mut hidden),
        2.. => {
            check.obstacles.push(Obstacle::InstalledTwice);
            check.obstacles.append(&mut hidden);
        }
    }
    if arrived > 0 && has_seen_spans == 0 {
        check.obstacles.push(Obstacle::ContextHidden);
    }
    if capture.forget_probe() {
        check.obstacles.push(Obstacle::SpansNeverEnd);
    }
    check.remarks.extend(remark);
    if capture.settings.allow_modules.is_none() {
        check
            .remarks
            .push("every module may write to the trail; `allow_modules` limits that".to_owned());
    }
    check
}
