//! What filters, macros and other questions to the subscriber can do to a record: nothing, or what is documented.

#[path = "support/torture.rs"]
mod torture;

use torture::{messages, trail};
use tracing::{Level, debug, enabled, error, info, trace, warn};
use tracing_audit::{Audit, AuditedExt, Obstacle};
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// What `log_enabled!` does: a question, and no event that answers it.
fn asked() -> u8 {
    u8::from(enabled!(target: "app", Level::INFO)) + u8::from(enabled!(target: "audit", Level::TRACE))
}

/// An event inside another one's arguments.
fn nested() -> &'static str {
    info!(target: "audit", "inner");
    debug!(target: "app", "ordinary");
    "value"
}

/// Sixteen records, with questions between them and inside of their arguments, nested macros, and all levels.
fn program() {
    for _ in 0..2 {
        info!(target: "audit", "between 1");
        asked();
        info!(target: "audit", "between 2");
        let _ = enabled!(target: "app", Level::TRACE);
        error!(target: "audit", n = asked(), "inside {}", asked());
        info!(target: "app", n = asked(), "not audited");
        warn!(target: "audit", inner = nested(), "outer");
        let span = tracing::debug_span!(target: "audit", "work", n = asked());
        span.in_scope(|| {
            asked();
            trace!(target: "audit", "in the span");
        });
    }
    // Another question right before an event whose interest is already settled.
    for _ in 0..4 {
        asked();
        info!(target: "audit", "settled");
    }
}

const EXPECTED: [&str; 18] = [
    "between 1",
    "between 2",
    "inside 2",
    "inner",
    "outer",
    "in the span",
    "",
    "between 1",
    "between 2",
    "inside 2",
    "inner",
    "outer",
    "in the span",
    "",
    "settled",
    "settled",
    "settled",
    "settled",
];

/// `inside 2` where the questions are answered with yes; a filter may answer otherwise.
fn normal(messages: Vec<String>) -> Vec<String> {
    let number = |message: String| {
        if message.starts_with("inside ") {
            "inside 2".to_owned()
        } else {
            message
        }
    };
    messages.into_iter().map(number).collect()
}

/// Runs the program under a subscriber and compares with everything.
fn nothing_is_missing(name: &str, make: impl FnOnce(&Audit) -> tracing::Dispatch) {
    let (audit, sink) = trail();
    let dispatch = make(&audit);
    tracing::dispatcher::with_default(&dispatch, program);
    assert_eq!(normal(messages(&audit, &sink)), EXPECTED, "{name}");
}

fn quiet<S>() -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fmt::layer().with_writer(std::io::sink)
}

#[test]
fn a_question_between_or_inside_events_loses_no_record_in_any_form() {
    nothing_is_missing("wrapper, bare", |audit| {
        tracing_subscriber::registry().audited(audit).into()
    });
    nothing_is_missing("wrapper, fmt", |audit| {
        tracing_subscriber::registry().with(quiet()).audited(audit).into()
    });
    nothing_is_missing("wrapper, per-layer", |audit| {
        let inner = tracing_subscriber::registry().with(quiet().with_filter(LevelFilter::INFO));
        inner
            .with(quiet().with_filter(Targets::new().with_target("app", Level::WARN)))
            .audited(audit)
            .into()
    });
    nothing_is_missing("layer, bare", |audit| {
        tracing_subscriber::registry().with(audit.layer()).into()
    });
    nothing_is_missing("layer, per-layer neighbours", |audit| {
        let inner = tracing_subscriber::registry().with(quiet().with_filter(LevelFilter::INFO));
        inner
            .with(audit.layer())
            .with(quiet().with_filter(LevelFilter::OFF))
            .into()
    });
    nothing_is_missing("shell first", |audit| {
        let inner = tracing_subscriber::registry().with(audit.filter_shell());
        inner.with(quiet().with_filter(LevelFilter::INFO)).into()
    });
    nothing_is_missing("shell last", |audit| {
        let inner = tracing_subscriber::registry().with(quiet().with_filter(LevelFilter::INFO));
        inner
            .with(quiet().with_filter(filter_fn(|metadata| metadata.is_span())))
            .with(audit.filter_shell())
            .into()
    });
}

#[test]
fn inside_the_wrapper_no_global_filter_hides_a_record() {
    for directives in [
        "off",
        "error",
        "info",
        "trace",
        "audit=off",
        "app=trace,audit=error",
        "[work]=info",
    ] {
        nothing_is_missing(directives, |audit| {
            tracing_subscriber::registry()
                .with(EnvFilter::new(directives))
                .with(quiet())
                .audited(audit)
                .into()
        });
        nothing_is_missing(directives, |audit| {
            tracing_subscriber::registry()
                .with(quiet())
                .with(EnvFilter::new(directives))
                .audited(audit)
                .into()
        });
    }
    nothing_is_missing("a global level", |audit| {
        tracing_subscriber::registry()
            .with(LevelFilter::OFF)
            .with(quiet())
            .audited(audit)
            .into()
    });
}

/// What `check` says of an `EnvFilter` of `directives` beside the plain layer, and which records arrive.
fn beside(directives: &str, is_above: bool) -> (Vec<Obstacle>, Vec<String>) {
    let (audit, sink) = trail();
    let filter = EnvFilter::new(directives);
    let dispatch: tracing::Dispatch = if is_above {
        tracing_subscriber::registry()
            .with(audit.layer())
            .with(filter)
            .into()
    } else {
        tracing_subscriber::registry()
            .with(filter)
            .with(audit.layer())
            .into()
    };
    let mut obstacles = Vec::new();
    tracing::dispatcher::with_default(&dispatch, || {
        obstacles = audit.check().obstacles;
        error!(target: "audit", "error");
        info!(target: "audit", "info");
        debug!(target: "audit", "debug");
    });
    (obstacles, messages(&audit, &sink))
}

#[test]
fn a_global_filter_beside_the_plain_layer_hides_what_it_filters_and_check_says_so() {
    let hidden = |levels: &[Level]| {
        levels
            .iter()
            .map(|level| Obstacle::Filtered(*level))
            .collect::<Vec<_>>()
    };
    for is_above in [true, false] {
        assert_eq!(
            beside("info", is_above),
            (
                hidden(&[Level::DEBUG, Level::TRACE]),
                vec!["error".to_owned(), "info".to_owned()]
            )
        );
        let (obstacles, arrived) = beside("off", is_above);
        assert!(arrived.is_empty());
        for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
            assert!(obstacles.contains(&Obstacle::Filtered(level)), "{obstacles:?}");
        }
        assert_eq!(beside("off,audit=trace", is_above).1, ["error", "info", "debug"]);
        assert_eq!(beside("off,audit=trace", is_above).0, []);
    }
}

#[test]
fn check_finds_a_live_trail_live_and_writes_nothing() {
    let (audit, sink) = trail();
    let dispatch: tracing::Dispatch = tracing_subscriber::registry()
        .with(EnvFilter::new("off"))
        .audited(&audit)
        .into();
    tracing::dispatcher::with_default(&dispatch, || {
        assert!(audit.check().is_live(), "{}", audit.check())
    });
    assert!(messages(&audit, &sink).is_empty());

    let dispatch: tracing::Dispatch = tracing_subscriber::registry()
        .with(audit.layer())
        .audited(&audit)
        .into();
    tracing::dispatcher::with_default(&dispatch, || {
        assert_eq!(audit.check().obstacles, [Obstacle::InstalledTwice]);
    });
    tracing::dispatcher::with_default(&tracing::Dispatch::none(), || {
        assert_eq!(audit.check().obstacles, [Obstacle::NoSubscriber]);
    });
    let (other, _) = trail();
    let dispatch: tracing::Dispatch = tracing_subscriber::registry().into();
    tracing::dispatcher::with_default(&dispatch, || {
        assert_eq!(other.check().obstacles, [Obstacle::NotInstalled])
    });
}

#[test]
fn a_filter_that_is_swapped_while_threads_report_hides_no_record() {
    const EACH: usize = 400;
    let (audit, sink) = trail();
    let (filter, handle) = reload::Layer::new(EnvFilter::new("info"));
    let dispatch: tracing::Dispatch = tracing_subscriber::registry()
        .with(filter)
        .with(quiet())
        .audited(&audit)
        .into();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let dispatch = dispatch.clone();
            std::thread::spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    for n in 0..EACH {
                        let span = tracing::debug_span!(target: "audit", "work", n);
                        let _inside = span.enter();
                        asked();
                        trace!(target: "audit", n, "event");
                    }
                });
            })
        })
        .collect();
    let mut directives = ["off", "trace", "audit=off", "error,app=trace"].iter().cycle();
    // Under the dispatcher: where a process has one only, `tracing` asks the swapping thread's for new interests.
    tracing::dispatcher::with_default(&dispatch, || {
        while threads.iter().any(|thread| !thread.is_finished()) {
            handle.reload(EnvFilter::new(directives.next().unwrap())).unwrap();
        }
    });
    for thread in threads {
        thread.join().unwrap();
    }
    let found = messages(&audit, &sink);
    assert_eq!(audit.stats().lost(), 0);
    assert_eq!(
        found.iter().filter(|message| *message == "event").count(),
        4 * EACH
    );
    assert_eq!(found.len(), 8 * EACH);
}

#[test]
fn a_layer_that_is_swapped_beside_the_plain_layer_hides_no_record() {
    let (audit, sink) = trail();
    let (swapped, handle) = reload::Layer::new(fmt::layer::<Registry>().with_writer(std::io::sink).boxed());
    let dispatch: tracing::Dispatch = tracing_subscriber::registry()
        .with(swapped)
        .with(audit.layer())
        .into();
    tracing::dispatcher::with_default(&dispatch, || {
        for n in 0..50 {
            let span = tracing::info_span!(target: "audit", "work");
            let _inside = span.enter();
            // Not to JSON: that form of fmt panics at spans that were opened before it was there.
            let layer = if n % 2 == 0 {
                quiet().boxed()
            } else {
                fmt::layer().compact().with_writer(std::io::sink).boxed()
            };
            handle.reload(layer).unwrap();
            info!(target: "audit", "event");
        }
    });
    assert_eq!(messages(&audit, &sink).len(), 100);
}

#[test]
fn check_on_a_thread_whose_subscriber_lacks_the_trail_says_that_and_blames_no_filter() {
    let (audit, _) = trail();
    let (other, _) = trail();
    let elsewhere: tracing::Dispatch = tracing_subscriber::registry().audited(&audit).into();
    let live = || audit.check().is_live();
    assert!(tracing::dispatcher::with_default(&elsewhere, live));
    let without: [tracing::Dispatch; 3] = [
        tracing_subscriber::registry().into(),
        tracing_subscriber::registry().with(EnvFilter::new("off")).into(),
        tracing_subscriber::registry().audited(&other).into(),
    ];
    for here in without {
        tracing::dispatcher::with_default(&here, || {
            assert_eq!(audit.check().obstacles, [Obstacle::NotInstalled]);
        });
    }
    // Beside another trail it is found as well.
    let both: tracing::Dispatch = tracing_subscriber::registry()
        .with(EnvFilter::new("error"))
        .with(audit.layer())
        .with(other.layer())
        .into();
    tracing::dispatcher::with_default(&both, || {
        for trail in [&audit, &other] {
            assert!(trail.check().obstacles.contains(&Obstacle::Filtered(Level::WARN)));
        }
    });
}

#[test]
fn check_names_all_levels_that_a_filter_hides_in_one_sentence() {
    let (audit, _) = trail();
    let dispatch: tracing::Dispatch = tracing_subscriber::registry()
        .with(EnvFilter::new("warn"))
        .with(audit.layer())
        .into();
    let said = tracing::dispatcher::with_default(&dispatch, || audit.check().to_string());
    let obstacles: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("obstacle: "))
        .collect();
    assert_eq!(obstacles.len(), 1, "{said}");
    assert!(obstacles[0].contains("INFO, DEBUG and TRACE records"), "{said}");
}
