//! `#[audited]`: what a record says of how a call ended that is a future, on runtimes of one thread and of several.

mod support;

use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use support::{Failed, Refusal, assert_outcome, failed};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;
use tracing::info;
use tracing::instrument::WithSubscriber as _;
use tracing_audit::record::Slot;
use tracing_audit::testing::{Captured, Recording, capture};
use tracing_audit::{Actor, WithContext as _, audited};

/// A runtime of one thread, and one of several.
fn runtimes() -> [Runtime; 2] {
    let built = |builder: &mut Builder| builder.enable_time().build().expect("a runtime");
    [
        built(&mut Builder::new_current_thread()),
        built(Builder::new_multi_thread().worker_threads(2)),
    ]
}

/// What is recorded while a future runs as a task of each runtime.
fn on_each<F>(make: impl Fn() -> F, check: impl Fn(&Captured))
where
    F: Future<Output = ()> + Send + 'static,
{
    for runtime in runtimes() {
        let recording = Recording::new();
        let task = make().with_subscriber(recording.dispatch().clone());
        runtime
            .block_on(runtime.spawn(task))
            .expect("the task does not panic");
        check(&recording.captured());
    }
}

#[audited(action = "document.fetch", resource = ("document", id))]
async fn fetch(id: u64, canary: &str) -> Result<String, Failed> {
    yield_now().await;
    if id == 0 {
        return Err(failed("not there"));
    }
    checked(id).await?;
    Ok(format!("{canary} {id}"))
}

async fn checked(id: u64) -> Result<(), Failed> {
    yield_now().await;
    if id == 1 {
        Err(failed("not readable"))
    } else {
        Ok(())
    }
}

#[audited(denied = |error| matches!(error, Refusal::Other))]
async fn refuse(refusal: Refusal) -> Result<(), Refusal> {
    yield_now().await;
    Err(refusal)
}

#[audited(changed = |count| if *count > 0 { vec!["count"] } else { Vec::new() })]
async fn plain() -> u8 {
    yield_now().await;
    7
}

#[audited]
async fn unit() {}

#[test]
fn each_end_of_an_async_function_is_one_record() {
    let run = || async {
        assert!(fetch(7, "canary").await.is_ok());
        assert!(fetch(0, "canary").await.is_err());
        assert!(fetch(1, "canary").await.is_err());
        assert!(refuse(Refusal::NeedsRole).await.is_err());
        assert!(refuse(Refusal::Other).await.is_err());
        assert!(refuse(Refusal::Broken).await.is_err());
        assert_eq!(plain().await, 7);
        unit().await;
    };
    on_each(run, |captured| {
        captured.count(8);
        let fetched = captured.with_event("document.fetch");
        assert_outcome(fetched.with(Slot::ResourceId, "7").only(), "success", None);
        fetched.with(Slot::ResourceId, "7").only().assert_hides("canary");
        for (id, message) in [("0", "not there"), ("1", "not readable")] {
            let fetched = fetched.with(Slot::ResourceId, id);
            assert_outcome(fetched.only(), "failure", None);
            fetched
                .only()
                .assert_has(Slot::ErrorChain, vec![message, "the disk is full"]);
        }
        captured.with_event("refuse").with_outcome("denied").count(2);
        captured
            .with_event("refuse")
            .with_outcome("failure")
            .with(Slot::ErrorCode, "broken")
            .count(1);
        captured
            .with_event("plain")
            .with_outcome("success")
            .only()
            .assert_has(Slot::ChangedFields, vec!["count"]);
        captured.with_event("unit").with_outcome("success").count(1);
    });
}

/// Waits for ever, and reports when it is dropped.
#[audited(action = "job.wait", actor = "ana")]
async fn wait(begun: oneshot::Sender<()>) -> Result<(), Failed> {
    struct Reports;
    impl Drop for Reports {
        fn drop(&mut self) {
            info!(target: "audit", event = "job.cleanup");
        }
    }
    let _reports = Reports;
    let _ = begun.send(());
    std::future::pending().await
}

#[track_caller]
fn assert_cancelled(captured: &Captured) {
    captured.count(2);
    let job = captured.with_event("job.wait");
    assert_outcome(job.only(), "unknown", Some("cancelled"));
    // What the body drops stands inside of the call that it belongs to.
    let cleanup = captured.with_event("job.cleanup");
    cleanup.only().assert_has(Slot::ActorId, "ana");
    assert_eq!(cleanup.only().get(Slot::SpanId), job.only().get(Slot::SpanId));
}

#[test]
fn what_a_select_leaves_behind_was_cancelled() {
    let run = || async {
        let (begin, begun) = oneshot::channel();
        tokio::select! {
            biased;
            _ = wait(begin) => unreachable!("it waits for ever"),
            _ = begun => {}
        }
    };
    on_each(run, assert_cancelled);
}

#[test]
fn what_a_time_limit_ends_was_cancelled() {
    let run = || async {
        let (begin, _begun) = oneshot::channel();
        assert!(tokio::time::timeout(Duration::ZERO, wait(begin)).await.is_err());
    };
    on_each(run, assert_cancelled);
}

#[test]
fn a_task_that_is_aborted_was_cancelled() {
    for runtime in runtimes() {
        let recording = Recording::new();
        let dispatch = recording.dispatch().clone();
        runtime.block_on(async {
            let (begin, begun) = oneshot::channel();
            let task = tokio::spawn(wait(begin).with_subscriber(dispatch));
            begun.await.expect("it has begun");
            task.abort();
            assert!(task.await.expect_err("it was aborted").is_cancelled());
        });
        // What is dropped there reports to nobody: the dispatcher was the task's while it ran. The span knows its own.
        assert_outcome(recording.captured().only(), "unknown", Some("cancelled"));
    }
}

#[test]
fn what_a_runtime_leaves_behind_was_cancelled() {
    for runtime in runtimes() {
        let recording = Recording::new();
        let dispatch = recording.dispatch().clone();
        runtime.block_on(async {
            let (begin, begun) = oneshot::channel();
            drop(tokio::spawn(wait(begin).with_subscriber(dispatch)));
            begun.await.expect("it has begun");
        });
        drop(runtime);
        // What is dropped there reports to nobody: the dispatcher was the task's while it ran. The span knows its own.
        assert_outcome(recording.captured().only(), "unknown", Some("cancelled"));
    }
}

#[test]
fn what_is_cancelled_while_a_panic_unwinds_was_cancelled_and_did_not_panic() {
    let captured = capture(|| {
        let (begin, _begun) = oneshot::channel();
        let unwinds = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let mut waiting = Box::pin(wait(begin));
            let polled = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            panic!("on purpose");
        }));
        assert!(unwinds.is_err());
    });
    assert_cancelled(&captured);
}

#[test]
fn a_future_that_never_ends_can_only_be_cancelled() {
    #[audited(action = "serve")]
    async fn serve() -> ! {
        loop {
            yield_now().await;
        }
    }
    let captured = capture(|| {
        let mut serving = Box::pin(serve());
        let mut context = Context::from_waker(Waker::noop());
        assert!(serving.as_mut().poll(&mut context).is_pending());
    });
    assert_outcome(captured.only(), "unknown", Some("cancelled"));
}

#[test]
fn a_future_that_nobody_polled_is_no_call() {
    let (begin, _begun) = oneshot::channel();
    capture(|| drop(wait(begin))).none();
}

#[audited(action = "job.panic")]
async fn panics(at_once: bool) -> u8 {
    if !at_once {
        yield_now().await;
    }
    panic!("on purpose")
}

#[test]
fn a_task_that_panics_is_unknown_and_says_so() {
    for runtime in runtimes() {
        for at_once in [false, true] {
            let recording = Recording::new();
            let task = panics(at_once).with_subscriber(recording.dispatch().clone());
            let ended = runtime.block_on(runtime.spawn(task));
            assert!(ended.expect_err("it panicked").is_panic());
            assert_outcome(recording.captured().only(), "unknown", Some("panic"));
        }
    }
}

/// Catches a panic of the future inside and keeps it: it is dropped later, when nothing unwinds.
struct Catching<F>(Pin<Box<F>>);

impl<F: Future> Future for Catching<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match std::panic::catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        }
    }
}

#[test]
fn a_panic_that_is_caught_around_a_future_is_its_end_and_not_that_of_the_call_outside() {
    #[audited(action = "job.outer")]
    async fn outer() {
        assert_eq!(Catching(Box::pin(panics(false))).await, None);
    }
    on_each(outer, |captured| {
        captured.count(2);
        assert_outcome(captured.with_event("job.panic").only(), "unknown", Some("panic"));
        assert_outcome(captured.with_event("job.outer").only(), "success", None);
    });
}

type Boxed<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

struct Store {
    names: Vec<String>,
}

impl Store {
    #[audited(action = "store.find", resource = ("name", name))]
    async fn find<'a>(&'a self, name: &str) -> Option<&'a String> {
        yield_now().await;
        self.names.iter().find(|held| *held == name)
    }

    #[audited(action = "store.rename")]
    async fn rename(
        &mut self,
        to: impl Into<String> + Send,
    ) -> Result<&mut String, Box<dyn Error + Send + Sync>> {
        let to = to.into();
        let number: u32 = to.parse()?;
        yield_now().await;
        let last = self.names.last_mut().ok_or("nothing to rename")?;
        *last = format!("{to} {number}");
        Ok(last)
    }

    // As `async_trait` writes it.
    #[audited(action = "store.boxed", resource = ("names", self.names.len()))]
    fn boxed<'life0, 'life1, 'r>(
        &'life0 self,
        text: &'life1 str,
    ) -> Boxed<'r, Result<usize, std::num::ParseIntError>>
    where
        'life0: 'r,
        'life1: 'r,
    {
        Box::pin(async move {
            let __self = self;
            let text = text;
            let __ret: Result<usize, std::num::ParseIntError> = {
                yield_now().await;
                Ok(text.parse::<usize>()? + __self.names.len())
            };
            __ret
        })
    }

    #[audited(action = "store.spelled")]
    fn spelled(&self) -> Pin<Box<dyn Future<Output = Result<u8, Failed>> + Send + '_>> {
        let first = self.names.first().cloned();
        Box::pin(async move {
            let _first = first.ok_or_else(|| failed("empty"))?;
            Ok(1)
        })
    }

    #[audited(action = "store.promise")]
    fn promise(&self, is_ok: bool) -> impl Future<Output = Result<usize, Failed>> + Send + use<'_> {
        async move {
            yield_now().await;
            if is_ok {
                Ok(self.names.len())
            } else {
                Err(failed("promised"))
            }
        }
    }
}

#[test]
fn methods_lifetimes_and_boxed_futures_are_as_without_it() {
    let run = || async {
        let mut store = Store {
            names: vec!["a".to_owned()],
        };
        assert_eq!(store.find("a").await.map(String::as_str), Some("a"));
        assert_eq!(store.rename("7").await.expect("a number"), "7 7");
        assert!(store.rename("seven").await.is_err());
        assert_eq!(store.boxed("3").await, Ok(4));
        assert!(store.boxed("three").await.is_err());
        assert_eq!(store.spelled().await.ok(), Some(1));
        assert_eq!(store.promise(true).await.ok(), Some(1));
        assert!(store.promise(false).await.is_err());
    };
    on_each(run, |captured| {
        captured.count(8);
        captured.with_outcome("failure").count(3);
        captured.with_outcome("success").count(5);
        captured
            .with_event("store.boxed")
            .with(Slot::ResourceId, "1")
            .count(2);
        captured
            .with_event("store.promise")
            .with_outcome("failure")
            .only()
            .assert_has(Slot::ErrorMessage, "promised");
    });
}

#[test]
fn each_call_of_an_async_recursion_is_a_record_in_the_one_around_it() {
    #[audited(action = "tree.walk")]
    async fn walk(depth: u32) -> Result<u32, Failed> {
        yield_now().await;
        if depth == 3 {
            return Err(failed("too deep"));
        }
        Ok(Box::pin(walk(depth + 1)).await? + 1)
    }
    on_each(
        || async { assert!(walk(0).await.is_err()) },
        |captured| {
            captured.count(4).with_outcome("failure").count(4);
            let records = captured.records();
            for (inner, outer) in records.iter().zip(&records[1..]) {
                assert_eq!(inner.get(Slot::ParentSpanId), outer.get(Slot::SpanId));
            }
        },
    );
}

#[test]
fn calls_that_take_turns_on_one_thread_keep_their_own_ends_and_actors() {
    #[audited(action = "turn.take", resource = ("turn", number))]
    async fn turn(number: u32, wake: &Notify) -> Result<(), Failed> {
        for _ in 0..3 {
            yield_now().await;
            info!(target: "audit", event = "turn.step", resource.id = number);
        }
        wake.notify_one();
        if number.is_multiple_of(2) {
            Ok(())
        } else {
            Err(failed("odd"))
        }
    }
    let run = || async {
        let wake = Notify::new();
        let (a, b) = tokio::join!(
            Actor::user("ana").scope(turn(2, &wake)),
            Actor::user("ben").scope(turn(3, &wake)),
        );
        assert_eq!((a.is_ok(), b.is_ok()), (true, false));
    };
    on_each(run, |captured| {
        for (actor, number, outcome) in [("ana", "2", "success"), ("ben", "3", "failure")] {
            let of = captured.with_actor(actor);
            of.with_event("turn.take")
                .with_outcome(outcome)
                .with(Slot::ResourceId, number)
                .count(1);
            of.with_event("turn.step").with(Slot::ResourceId, number).count(3);
        }
    });
}

#[test]
fn a_spawned_call_takes_the_current_actor_along() {
    let run = || {
        Actor::user("ana").scope(async {
            let task = fetch(7, "canary").with_current_actor();
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            assert!(
                tokio::spawn(task.with_subscriber(dispatch))
                    .await
                    .expect("no panic")
                    .is_ok()
            );
        })
    };
    on_each(run, |captured| {
        captured.only().assert_has(Slot::ActorId, "ana");
    });
}

#[test]
fn a_future_that_is_handed_on_says_nothing_of_its_end() {
    type Later = Pin<Box<dyn Future<Output = Result<(), Failed>> + Send>>;
    // Under another name nobody sees that it is a future, but its type says so.
    type Promise = Later;
    #[audited]
    fn hands_on() -> Promise {
        let later: Later = Box::pin(async { Err(failed("later")) });
        later
    }
    let captured = capture(|| drop(hands_on()));
    assert_outcome(captured.only(), "unknown", Some("not_reported"));
}
