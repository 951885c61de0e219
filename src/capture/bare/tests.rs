//! The life of spans in a table of our own, beside the one that they would have in a registry.

use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use proptest::prelude::*;
use tracing_core::dispatcher::{Dispatch, with_default};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry;

use super::*;

/// A layer upon a registry that notes which spans end.
#[derive(Default)]
struct Ends(StdMutex<Vec<u64>>);

impl<S: Subscriber> Layer<S> for &'static Ends {
    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.0.lock().unwrap().push(id.into_u64());
    }
}

/// The callsite of a span that is enabled.
fn callsite() -> &'static Metadata<'static> {
    let dispatch = Dispatch::new(registry());
    with_default(&dispatch, || tracing::info_span!("one").metadata().unwrap())
}

fn open(bare: &Bare, metadata: &'static Metadata<'static>) -> Id {
    let fields = metadata.fields();
    bare.new_span(&Attributes::new_root(metadata, &fields.value_set(&[] as &[_; 0])))
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Open,
    OpenRoot,
    OpenInside(usize),
    Enter(usize),
    Exit(usize),
    Hold(usize),
    LetGo(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = || 0..6_usize;
    let step = prop_oneof![
        3 => Just(Step::Open),
        1 => Just(Step::OpenRoot),
        2 => at().prop_map(Step::OpenInside),
        3 => at().prop_map(Step::Enter),
        3 => at().prop_map(Step::Exit),
        1 => at().prop_map(Step::Hold),
        5 => at().prop_map(Step::LetGo),
    ];
    prop::collection::vec(step, 1..60)
}

/// A span in both, and how many handles to it there are.
struct Both {
    ours: Id,
    theirs: Id,
    handles: usize,
}

/// The same life in our table and in a registry, which is the oracle.
struct Lives<'l> {
    bare: &'l Bare,
    oracle: &'l Dispatch,
    metadata: &'static Metadata<'static>,
    /// What the oracle heard of ends.
    ends: &'static Ends,
    spans: Vec<Both>,
    ended: Vec<u64>,
}

impl Lives<'_> {
    /// One of the last few spans that still has a handle.
    fn nth(&mut self, n: usize) -> Option<&mut Both> {
        let at = (self.spans.len().checked_sub(1)?) - n % self.spans.len();
        self.spans.get_mut(at).filter(|both| both.handles > 0)
    }

    fn add(&mut self, around: Option<(&Id, &Id)>, is_root: bool) {
        let fields = self.metadata.fields();
        let values = fields.value_set(&[] as &[_; 0]);
        let of = |around: Option<&Id>| match around {
            Some(id) => Attributes::child_of(id.clone(), self.metadata, &values),
            None if is_root => Attributes::new_root(self.metadata, &values),
            None => Attributes::new(self.metadata, &values),
        };
        self.spans.push(Both {
            ours: self.bare.new_span(&of(around.map(|around| around.0))),
            theirs: self.oracle.new_span(&of(around.map(|around| around.1))),
            handles: 1,
        });
    }

    fn step(&mut self, step: Step) {
        let (bare, oracle) = (self.bare, self.oracle);
        let (Step::OpenInside(n) | Step::Enter(n) | Step::Exit(n) | Step::Hold(n) | Step::LetGo(n)) = step
        else {
            return self.add(None, matches!(step, Step::OpenRoot));
        };
        let Some(both) = self.nth(n) else { return };
        let (ours, theirs) = (both.ours.clone(), both.theirs.clone());
        match step {
            Step::Enter(_) => {
                bare.enter(&ours);
                oracle.enter(&theirs);
            }
            Step::Exit(_) => {
                bare.exit(&ours);
                oracle.exit(&theirs);
            }
            Step::Hold(_) => {
                both.handles += 1;
                assert_eq!(bare.clone_span(&ours), ours);
                oracle.clone_span(&theirs);
            }
            Step::LetGo(_) => {
                both.handles -= 1;
                let closed = bare.close(&ours, |id| self.ended.push(id.into_u64()));
                assert_eq!(closed, oracle.try_close(theirs));
            }
            _ => self.add(Some((&ours, &theirs)), false),
        }
    }

    /// Both say the same of which spans have ended, and which one the thread is in.
    fn compare(&self) {
        let ours = |theirs: &u64| {
            let is_it = |both: &&Both| both.theirs.into_u64() == *theirs;
            self.spans.iter().rev().find(is_it).unwrap().ours.into_u64()
        };
        let mut heard: Vec<u64> = self.ends.0.lock().unwrap().iter().map(ours).collect();
        let mut ended = self.ended.clone();
        heard.sort_unstable();
        ended.sort_unstable();
        assert_eq!(ended, heard);
        let theirs = self.oracle.current_span().id().map(|id| ours(&id.into_u64()));
        assert_eq!(self.bare.current_span().id().map(Id::into_u64), theirs);
    }
}

fn live(metadata: &'static Metadata<'static>, steps: &[Step]) {
    let ends: &'static Ends = Box::leak(Box::default());
    let oracle = Dispatch::new(registry().with(ends));
    let mut lives = Lives {
        bare: &Bare::new(),
        oracle: &oracle,
        metadata,
        ends,
        spans: Vec::new(),
        ended: Vec::new(),
    };
    // The registry ends a span around another one through the dispatcher.
    with_default(&oracle, || {
        for step in steps {
            lives.step(*step);
            lives.compare();
        }
    });
}

proptest! {
    #[test]
    fn spans_live_and_end_as_in_a_registry(steps in steps()) {
        live(callsite(), &steps);
    }
}

#[test]
fn ids_are_not_used_twice_in_a_row_and_mostly_share_a_place() {
    let (bare, metadata) = (Bare::new(), callsite());
    let ids: Vec<u64> = (0..1000)
        .map(|_| {
            let id = open(&bare, metadata);
            assert!(bare.try_close(id.clone()));
            assert!(!bare.try_close(id.clone()), "it is closed already");
            id.into_u64()
        })
        .collect();
    let different: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(different.len(), 1000);
    assert!(ids.iter().all(|id| id % PLACES as u64 == ids[0] % PLACES as u64));
}

#[test]
fn more_spans_than_the_table_has_places_are_all_kept_and_found() {
    let (bare, metadata) = (Bare::new(), callsite());
    for _ in 0..2 {
        let ids: Vec<Id> = (0..5 * PLACES).map(|_| open(&bare, metadata)).collect();
        let different: std::collections::HashSet<u64> = ids.iter().map(Id::into_u64).collect();
        assert_eq!(different.len(), ids.len());
        assert!(ids.iter().any(|id| id.into_u64() >> LOW_BITS > PLACES as u64));
        for id in &ids {
            bare.enter(id);
            assert_eq!(bare.current_span().id(), Some(id));
            bare.exit(id);
        }
        assert!(ids.iter().all(|id| bare.try_close(id.clone())));
        assert!(ids.into_iter().all(|id| !bare.try_close(id)));
    }
}

#[test]
fn a_span_that_is_entered_again_inside_another_is_not_the_innermost() {
    let (bare, metadata) = (Bare::new(), callsite());
    let (outer, inner) = (open(&bare, metadata), open(&bare, metadata));
    [&outer, &inner, &outer].into_iter().for_each(|id| bare.enter(id));
    assert_eq!(bare.current_span().id(), Some(&inner));
    bare.exit(&inner);
    assert_eq!(bare.current_span().id(), Some(&outer));
    bare.exit(&outer);
    assert_eq!(bare.current_span().id(), Some(&outer));
    bare.exit(&outer);
    assert_eq!(bare.current_span().id(), None);
}

#[test]
fn however_deep_a_thread_is_the_innermost_span_is_known_and_spans_are_left_in_any_order() {
    let (bare, metadata) = (Bare::new(), callsite());
    let mut ids: Vec<Id> = (0..40).map(|_| open(&bare, metadata)).collect();
    for id in &ids {
        bare.enter(id);
        assert_eq!(bare.current_span().id(), Some(id));
    }
    bare.enter(&ids[20]);
    assert_eq!(bare.current_span().id(), ids.last(), "entered again");
    bare.exit(&ids[20]);
    for at in [3, 30, 0, 17, 5] {
        bare.exit(&ids.remove(at));
        assert_eq!(bare.current_span().id(), ids.last());
    }
    let more = open(&bare, metadata);
    bare.enter(&more);
    assert_eq!(bare.current_span().id(), Some(&more));
    bare.exit(&more);
    while let Some(id) = ids.pop() {
        assert_eq!(bare.current_span().id(), Some(&id));
        bare.exit(&id);
    }
    assert_eq!(bare.current_span().id(), None);
}

#[test]
fn threads_that_open_and_close_at_once_do_not_meet() {
    let (bare, metadata) = (Bare::new(), callsite());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    let outer = open(&bare, metadata);
                    bare.enter(&outer);
                    let fields = metadata.fields();
                    let inner = bare.new_span(&Attributes::new(metadata, &fields.value_set(&[] as &[_; 0])));
                    let mut ended = Vec::new();
                    bare.exit(&outer);
                    assert!(!bare.close(&outer, |_| ()), "its child holds it open");
                    assert!(bare.close(&inner, |id| ended.push(id.clone())));
                    assert_eq!(ended, [inner, outer]);
                }
            });
        }
    });
}

/// A table that its dispatcher knows, and how many of its spans have ended.
struct Heard {
    bare: Bare,
    ended: std::sync::Arc<AtomicUsize>,
}

impl Subscriber for Heard {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.bare.on_register_dispatch(dispatch);
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.bare.new_span(attributes)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn try_close(&self, id: Id) -> bool {
        self.bare.close(&id, |_| {
            self.ended.fetch_add(1, Ordering::Relaxed);
        })
    }
}

#[test]
fn whoever_names_a_span_that_ends_meanwhile_as_the_one_around_holds_no_other_open() {
    const SPANS: usize = 20_000;
    let ended = std::sync::Arc::new(AtomicUsize::new(0));
    let heard = Heard {
        bare: Bare::new(),
        ended: std::sync::Arc::clone(&ended),
    };
    let (dispatch, metadata) = (Dispatch::new(heard), callsite());
    let live = |around: Option<Id>, tell: &dyn Fn(u64)| {
        let fields = metadata.fields();
        let values = fields.value_set(&[] as &[_; 0]);
        let id = dispatch.new_span(&match around {
            Some(around) => Attributes::child_of(around, metadata, &values),
            None => Attributes::new_root(metadata, &values),
        });
        tell(id.into_u64());
        dispatch.try_close(id);
    };
    let open = AtomicU64::new(u64::MAX);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..SPANS {
                live(None, &|id| open.store(id, Ordering::Relaxed));
            }
        });
        scope.spawn(|| {
            for _ in 0..SPANS {
                live(Some(Id::from_u64(open.load(Ordering::Relaxed))), &|_| ());
            }
        });
    });
    assert_eq!(ended.load(Ordering::Relaxed), 2 * SPANS);
    let heard = dispatch.downcast_ref::<Heard>().unwrap();
    assert!(heard.bare.places.iter().all(Place::is_free));
}

#[test]
fn one_handle_too_many_that_is_given_back_does_not_end_another_span() {
    let (bare, metadata) = (Bare::new(), callsite());
    let id = open(&bare, metadata);
    let mut inside = None;
    assert!(bare.close(&id, |id| {
        assert!(!bare.try_close(id.clone()), "it is ending");
        let fields = metadata.fields();
        let child = bare.new_span(&Attributes::child_of(
            id.clone(),
            metadata,
            &fields.value_set(&[] as &[_; 0]),
        ));
        inside = Some(child);
    }));
    let inside = inside.unwrap();
    assert!(bare.try_close(inside.clone()));
    assert!(!bare.try_close(inside));
    assert!(!bare.try_close(id));
}

#[test]
fn a_panic_of_who_hears_of_an_end_leaves_no_place_behind() {
    let (bare, metadata) = (Bare::new(), callsite());
    let id = open(&bare, metadata);
    let close = std::panic::AssertUnwindSafe(|| bare.close(&id, |_| panic!("as it is to be")));
    assert!(std::panic::catch_unwind(close).is_err());
    assert!(bare.places.iter().all(Place::is_free));
}

#[test]
fn a_span_without_a_place_has_an_id_of_its_own_and_is_never_found() {
    let grown = Grown::full();
    let ids: Vec<_> = (0..3).map(|_| grown.open().1).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    for id in ids {
        assert!(grown.get(id >> LOW_BITS).is_none(), "{id:#x}");
    }
}

/// Spans inside one another whose handles are given back by several threads, in every order that comes about.
#[test]
fn a_span_and_the_one_inside_it_that_are_let_go_of_at_once_end_once_each() {
    const ROUNDS: usize = 20_000;
    let (bare, metadata) = (Bare::new(), callsite());
    let ended = AtomicUsize::new(0);
    let close = |id: &Id| {
        bare.close(id, |_| {
            ended.fetch_add(1, Ordering::Relaxed);
        })
    };
    let (to_other, from_one) = std::sync::mpsc::sync_channel::<(Id, Id)>(2);
    std::thread::scope(|scope| {
        let (close, bare) = (&close, &bare);
        scope.spawn(move || {
            for (at, (first, second)) in from_one.into_iter().enumerate() {
                // A clone of a handle that another thread counts at the same time.
                if at % 3 == 0 {
                    bare.clone_span(&first);
                    close(&first);
                }
                close(&first);
                close(&second);
            }
        });
        for round in 0..ROUNDS {
            let outer = open(bare, metadata);
            bare.clone_span(&outer);
            bare.enter(&outer);
            let fields = metadata.fields();
            let values = fields.value_set(&[] as &[_; 0]);
            let [one, two] = [0, 1].map(|_| bare.new_span(&Attributes::new(metadata, &values)));
            bare.clone_span(&two);
            if round % 2 == 0 {
                // Named, or counted, it ends where its thread is still inside.
                close(&one);
                to_other.send((two.clone(), outer.clone())).unwrap();
                bare.exit(&outer);
            } else {
                to_other.send((one, outer.clone())).unwrap();
                bare.exit(&outer);
                close(&two);
            }
            close(&two);
            close(&outer);
        }
        drop(to_other);
    });
    assert_eq!(ended.load(Ordering::Relaxed), 3 * ROUNDS);
    assert!(bare.places.iter().all(Place::is_free));
}

#[test]
fn a_thread_keeps_its_places_and_those_that_it_leaves_taken_are_passed_over_by_the_next() {
    let (bare, metadata) = (Bare::new(), callsite());
    for _ in 0..40 {
        let left = std::thread::scope(|scope| {
            let opened = scope.spawn(|| (0..24).map(|_| open(&bare, metadata)).collect::<Vec<_>>());
            opened.join().unwrap()
        });
        let places: std::collections::HashSet<_> = left
            .iter()
            .map(|id| id.into_u64() & (PLACES as u64 - 1))
            .collect();
        assert_eq!(places.len(), 24);
        let next = std::thread::scope(|scope| scope.spawn(|| open(&bare, metadata)).join().unwrap());
        assert!(!left.contains(&next));
        assert!(left.iter().all(|id| bare.try_close(id.clone())));
        assert!(bare.try_close(next));
    }
    assert!(bare.places.iter().all(Place::is_free));
}

/// What a thread opens when it can have no places of its own any more, as its locals are destroyed.
struct OpensAtTheEnd(
    std::sync::Arc<Bare>,
    &'static Metadata<'static>,
    std::sync::mpsc::Sender<Id>,
);

impl Drop for OpensAtTheEnd {
    fn drop(&mut self) {
        let _ = self.2.send(open(&self.0, self.1));
    }
}

#[test]
fn a_thread_that_is_ending_opens_spans_among_those_of_all() {
    thread_local! {
        static LAST: std::cell::RefCell<Option<OpensAtTheEnd>> = const { std::cell::RefCell::new(None) };
    }
    let (bare, metadata) = (std::sync::Arc::new(Bare::new()), callsite());
    let (tell, told) = std::sync::mpsc::channel();
    let of_thread = std::sync::Arc::clone(&bare);
    std::thread::spawn(move || {
        // Destroyed behind the thread's lease, which it has from now on.
        LAST.with(|last| *last.borrow_mut() = Some(OpensAtTheEnd(of_thread.clone(), metadata, tell)));
        let id = open(&of_thread, metadata);
        assert!(of_thread.try_close(id));
    })
    .join()
    .unwrap();
    let id = told.recv().unwrap();
    assert!(bare.try_close(id));
    assert!(bare.places.iter().all(Place::is_free));
}
