//! The table: places that two spans want, that belong to a thread, and that are read while they are written.

use std::sync::atomic::AtomicU64;
use std::sync::mpsc;

use super::*;
use crate::capture::settings::Settings;
use crate::redact::{HandedFields, RedactedFields, sees};

#[test]
fn a_second_span_for_the_same_place_is_found_and_forgotten() {
    let spans = Spans::new();
    let (first, second) = (7, 7 + PLACES as u64);
    spans.link(first, 100, || unreachable!());
    spans.link(second, 200, || unreachable!());
    assert_eq!(
        (spans.tracked(first), spans.tracked(second)),
        (Some(100), Some(200))
    );
    spans.close(first);
    assert_eq!((spans.tracked(first), spans.tracked(second)), (None, Some(200)));
    spans.close(second);
    assert_eq!(spans.tracked(second), None);
    assert_eq!(spans.crowd.load(Ordering::Relaxed), 0);
}

#[test]
fn what_a_closed_span_left_in_its_place_belongs_to_nobody() {
    let spans = Spans::new();
    let (lender, next) = (7, (1 << 51) + 7);
    let mut state = spans.make().unwrap();
    state.has_actor = true;
    spans.insert(lender, state, false, || unreachable!());
    assert_eq!(spans.with(lender, |state| state.has_actor), Some(true));
    assert!(spans.close(lender).is_none());
    assert_eq!(spans.with(lender, |_| ()), None);
    spans.link(next, 0, || unreachable!());
    assert_eq!(place(lender), place(next));
    assert_eq!(
        (spans.with(lender, |_| ()), spans.with(next, |_| ())),
        (None, None)
    );
    assert!(spans.drain().is_empty());
    assert!(spans.close(next).is_none());
    spans.insert(next, spans.make().unwrap(), false, || unreachable!());
    assert_eq!(spans.with(next, |state| state.has_actor), Some(false));
    assert_eq!(spans.drain().len(), 1);
    assert_eq!(spans.with(next, |_| ()), None);
}

#[test]
fn spans_with_states_of_their_own_may_share_a_place() {
    let spans = Spans::new();
    let ids = [9, 9 + PLACES as u64, 9 + 2 * PLACES as u64];
    for id in ids {
        let mut state = spans.make().unwrap();
        state.opened = id;
        spans.insert(id, state, false, || unreachable!());
    }
    for id in ids {
        assert_eq!(spans.tracked(id), Some(id));
        assert_eq!(spans.with(id, |state| state.opened), Some(id));
    }
    ids.into_iter().for_each(|id| assert!(spans.close(id).is_none()));
    assert!(ids.into_iter().all(|id| spans.tracked(id).is_none()));
    assert!(spans.drain().is_empty());
}

/// A plan of a span that lends all that it has.
fn lender() -> &'static Plan {
    let settings = Settings {
        lend: vec!["n".to_owned(), "text".to_owned()],
        ..Settings::default()
    };
    let metadata = tracing::subscriber::with_default(tracing_subscriber::registry(), || {
        tracing::info_span!("job", n = 0_u64, text = "")
            .metadata()
            .unwrap()
    });
    Plan::of(metadata, &settings)
}

/// The fields of the lender of that number: both say it.
fn write(plan: &Plan, number: u64, into: &mut Lending<'_>) {
    into.u64(&plan.shortcuts[0], number);
    into.str(&plan.shortcuts[1], text(number));
}

/// A word of a length of its own.
fn text(number: u64) -> &'static str {
    let len = usize::try_from(number % 12).unwrap();
    &"abcdefghijkl"[..len]
}

fn bytes(fields: HandedFields<'_>) -> Vec<u8> {
    let mut copy = RedactedFields::default();
    assert!(copy.try_extend(fields));
    let len = copy.len();
    let mut bytes = copy.into_buffer();
    bytes.truncate(len);
    bytes
}

/// The number that both fields say.
fn number(fields: HandedFields<'_>) -> u64 {
    let bytes = bytes(fields);
    let number = u64::from_le_bytes(bytes[4..12].try_into().unwrap());
    assert_eq!(&bytes[20..], text(number).as_bytes());
    assert_eq!(
        bytes[16..20],
        u32::try_from(bytes.len() - 20).unwrap().to_le_bytes()
    );
    number
}

fn lend(spans: &Spans, plan: &'static Plan, id: u64, number: u64) -> bool {
    spans.lend(id, plan, 0, |into| write(plan, number, into)) == Some(true)
}

/// An id of the same place.
fn id(nth: u64) -> u64 {
    ((nth % 8000 + 1) << 51) | 7
}

fn boxed(spans: &Spans, id: u64) {
    spans.insert(id, spans.make().unwrap(), false, || unreachable!());
}

/// Gives the place to the lender of that number, with its fields in a box.
fn boxed_lender(spans: &Spans, plan: &'static Plan, number: u64) {
    let mut state = spans.make().unwrap();
    state.opened = number;
    assert_eq!(spans.lend(id(0), plan, 0, |into| into.give_up()), Some(false));
    assert!(lend(spans, plan, id(0), number));
    let copied = spans.read(id(0), |from, _| state.handed_down.try_extend(from.fields));
    assert_eq!(copied, Some(true));
    spans.close(id(0));
    spans.insert(id(number), state, false, || unreachable!());
}

/// Takes the place for this thread.
fn own(spans: &Spans, plan: &'static Plan) {
    assert!(!lend(spans, plan, id(0), 0), "it is not yet this thread's");
    boxed(spans, id(0));
    assert!(spans.close(id(0)).is_none());
}

#[test]
fn what_is_lent_in_words_is_read_there_and_goes_to_a_box_when_more_is_recorded() {
    let plan = lender();
    let spans = Spans::new();
    own(&spans, plan);
    let id = id(1);
    assert!(lend(&spans, plan, id, 17));
    assert!(!lend(&spans, plan, super::tests::id(2), 18), "the place is taken");
    let version = spans.version(id);
    assert_eq!(
        spans.read(id, |from, of| (number(from.fields), of)),
        Some((17, version))
    );
    assert_eq!(
        spans.plan(id).map(std::ptr::from_ref),
        Some(std::ptr::from_ref(plan))
    );
    assert_eq!(spans.with(id, |_| ()), None, "there is no box");
    assert!(spans.open(|| unreachable!()).is_empty());
    let changed = spans.change(id, |state| {
        state.has_actor = true;
        number(HandedFields::from(&state.handed_down))
    });
    assert_eq!(changed, Some(17));
    assert_ne!(spans.version(id), version);
    let read = spans.read(id, |from, of| (number(from.fields), from.has_actor, of));
    assert_eq!(read, Some((17, true, spans.version(id))));
    assert!(spans.plan(id).is_some());
    assert!(spans.close(id).is_none());
    assert!(
        spans.read(id, |_, _| ()).is_none() && spans.plan(id).is_none() && spans.change(id, |_| ()).is_none()
    );
}

#[test]
fn a_span_that_lends_inside_of_another_hands_both_down() {
    let plan = lender();
    let spans = Spans::new();
    let (outer, inner) = (id(1), id(1) + 1);
    for each in [outer, inner] {
        boxed(&spans, each);
        spans.close(each);
    }
    assert!(lend(&spans, plan, outer, 5));
    assert_eq!(
        spans.lend(inner, plan, outer, |into| write(plan, 6, into)),
        Some(true)
    );
    let both = spans.read(inner, |from, _| bytes(from.fields)).unwrap();
    let each = [5, 6].map(|number| {
        lend(&spans, plan, id(1) + 2, 0);
        boxed(&spans, id(1) + 2);
        spans.close(id(1) + 2);
        assert!(lend(&spans, plan, id(1) + 2, number));
        let bytes = spans.read(id(1) + 2, |from, _| bytes(from.fields)).unwrap();
        spans.close(id(1) + 2);
        bytes
    });
    assert_eq!(both, each.concat());
    // What is around is closed, or stands in a box: the long way.
    spans.close(outer);
    spans.close(inner);
    assert_eq!(spans.lend(inner, plan, outer, |into| write(plan, 6, into)), None);
    boxed(&spans, outer);
    assert_eq!(spans.lend(inner, plan, outer, |into| write(plan, 6, into)), None);
    boxed(&spans, inner);
    assert!(
        spans
            .read(inner, |from, _| bytes(from.fields))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_thread_owns_a_few_places_and_takes_the_others_as_all_do() {
    let plan = lender();
    let spans = Spans::new();
    let owned = |at: u64| {
        boxed(&spans, at);
        spans.close(at);
        let is_owned = lend(&spans, plan, at, 1);
        spans.close(at);
        is_owned
    };
    let owned: Vec<bool> = (1..200).map(owned).collect();
    let few = owned.iter().take_while(|owned| **owned).count();
    assert!((1..150).contains(&few), "{few}");
    assert!(owned[few..].iter().all(|owned| !owned));
    assert!(!spans.is_crowded());
}

#[test]
fn fields_that_are_recorded_later_again_and_again_take_no_more_boxes() {
    let plan = lender();
    let spans = Spans::new();
    own(&spans, plan);
    let mut boxes = std::collections::BTreeSet::new();
    for at in 1..1_000 {
        assert!(lend(&spans, plan, id(at), at));
        let state = spans.change(id(at), |state| std::ptr::from_ref(state).addr());
        boxes.insert(state.unwrap());
        assert!(spans.close(id(at)).is_none());
    }
    assert!(boxes.len() <= 2, "{}", boxes.len());
}

#[test]
fn a_callsite_is_tried_as_long_as_its_values_mostly_go_into_words() {
    let plan = lender();
    for _ in 0..100 {
        plan.gave_words_up();
        plan.kept_to_words();
    }
    assert!(plan.lends_in_words());
    for _ in 0..100 {
        plan.gave_words_up();
    }
    assert!(!plan.lends_in_words());
}

#[test]
fn what_is_too_much_for_words_leaves_the_place_free() {
    let plan = lender();
    let spans = Spans::new();
    own(&spans, plan);
    let much = |into: &mut Lending<'_>| (0..9).for_each(|number| write(plan, number, into));
    assert_eq!(spans.lend(id(1), plan, 0, much), Some(false));
    assert_eq!(spans.tracked(id(1)), None);
    boxed(&spans, id(2));
    assert_eq!(spans.tracked(id(2)), Some(id(2)));
}

#[test]
fn a_place_that_another_thread_wants_belongs_to_all_and_that_of_a_thread_that_has_ended_to_the_next() {
    let plan = lender();
    let spans = &Spans::new();
    own(spans, plan);
    std::thread::scope(|scope| {
        let (go_on, wait) = mpsc::channel::<()>();
        let (say, hear) = mpsc::channel::<()>();
        scope.spawn(move || {
            // Not this thread's: it goes to the map.
            assert!(!lend(spans, plan, id(3), 3));
            spans.link(id(3), 1, || unreachable!());
            assert!(spans.is_crowded());
            assert_eq!(spans.tracked(id(3)), Some(1));
            spans.close(id(3));
            say.send(()).unwrap();
            wait.recv().unwrap();
            spans.link(id(5), 1, || unreachable!());
            assert!(!spans.is_crowded(), "it belongs to all by now");
            spans.close(id(5));
        });
        hear.recv().unwrap();
        assert!(!lend(spans, plan, id(4), 4), "another one wants it");
        boxed(spans, id(4));
        assert!(!spans.is_crowded());
        spans.close(id(4));
        go_on.send(()).unwrap();
    });
    assert!(!lend(spans, plan, id(6), 6));

    let spans = &Spans::new();
    std::thread::scope(|scope| {
        // Joined, and not only ended for the scope: its locals are gone then.
        scope.spawn(|| own(spans, plan)).join().unwrap();
        assert!(!lend(spans, plan, id(1), 1));
        boxed(spans, id(1));
        assert!(!spans.is_crowded());
        spans.close(id(1));
        assert!(lend(spans, plan, id(2), 2));
    });
}

/// Ends those who wait for the next lender, also where this thread fails.
struct End<'n>(&'n AtomicU64);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(u64::MAX, Ordering::Release);
    }
}

/// Runs `there` on another thread for each of many lenders while `here` runs for it on this one, `then` runs behind both, and
/// the lender is closed.
fn beside_each_other(spans: &Spans, here: impl Fn(u64), there: impl Fn(u64) + Sync, then: impl Fn(u64)) {
    const TIMES: u64 = 20_000;
    let (open, done) = (&AtomicU64::new(0), &AtomicU64::new(0));
    let plan = lender();
    own(spans, plan);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut looks = 0_u32;
            for at in 1..TIMES {
                loop {
                    match open.load(Ordering::Acquire) {
                        now if now == at => break,
                        u64::MAX => return,
                        _ => std::hint::spin_loop(),
                    }
                    looks += 1;
                    if looks.is_multiple_of(256) {
                        std::thread::yield_now();
                    }
                }
                there(id(at));
                done.store(at, Ordering::Release);
            }
        });
        let _end = End(open);
        for at in 1..TIMES {
            assert!(lend(spans, plan, id(at), at));
            open.store(at, Ordering::Release);
            here(id(at));
            while done.load(Ordering::Acquire) != at {
                assert!(!other.is_finished(), "the other thread has failed");
                std::thread::yield_now();
            }
            then(id(at));
            assert!(spans.close(id(at)).is_none());
        }
    });
}

#[test]
fn whoever_reads_while_another_thread_records_more_of_a_lender_finds_it() {
    let spans = &Spans::new();
    let record = |id| assert!(spans.change(id, |state| state.has_actor = true).is_some());
    let read = |at| {
        assert!(spans.plan(at).is_some(), "its plan was not found");
        assert_eq!(spans.read(at, |from, _| number(from.fields)).map(id), Some(at));
    };
    beside_each_other(spans, record, read, read);
}

#[test]
fn what_two_threads_record_of_a_lender_at_once_is_all_there() {
    let spans = &Spans::new();
    let record = |id, what| assert!(spans.change(id, |state| state.seen |= what).is_some());
    let (ones, others) = (sees::ACTOR, sees::ACTOR << 1);
    beside_each_other(
        spans,
        |id| record(id, ones),
        |id| record(id, others),
        |id| assert_eq!(spans.with(id, |state| state.seen), Some(ones | others)),
    );
}

#[test]
fn where_there_is_no_memory_for_a_box_a_lender_hands_nothing_down_any_more() {
    let plan = lender();
    let spans = Spans::new();
    own(&spans, plan);
    let id = id(1);
    assert!(lend(&spans, plan, id, 3));
    let place = &spans.places[place(id)];
    let (changed, left) = place.change(id, None, |_| ());
    assert!(changed.is_none());
    assert!(left.is_some(), "a closed span has left a box");
    assert!(spans.read(id, |_, _| ()).is_none() && spans.change(id, |_| ()).is_none());
    assert!(spans.knows(id));
    assert!(spans.close(id).is_none());
    assert!(lend(&spans, plan, super::tests::id(2), 4));
}

#[test]
fn a_free_place_is_not_that_of_a_span_with_the_id_0() {
    let plan = lender();
    let spans = Spans::new();
    // The place where an id of 0 would stand.
    let nth = |nth: u64| nth << 51;
    let nothing = |spans: &Spans| {
        assert!(spans.read(0, |_, _| ()).is_none() && spans.with(0, |_| ()).is_none());
        assert!(spans.plan(0).is_none() && spans.change(0, |_| ()).is_none());
    };
    assert_eq!(place(nth(1)), place(0));
    boxed(&spans, nth(1));
    spans.close(nth(1));
    spans.link(nth(2), 0, || unreachable!());
    spans.close(nth(2));
    nothing(&spans);
    assert!(lend(&spans, plan, nth(3), 3));
    spans.close(nth(3));
    spans.link(nth(4), 0, || unreachable!());
    spans.close(nth(4));
    nothing(&spans);
}

#[test]
fn whoever_reads_while_a_place_is_taken_again_and_again_reads_its_own_span_or_none() {
    let plan = lender();
    const ENOUGH: u64 = 20_000;
    let (spans, now, read) = (&Spans::new(), &AtomicU64::new(0), &AtomicU64::new(0));
    own(spans, plan);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = now.load(Ordering::Acquire);
                    if at == u64::MAX {
                        break;
                    }
                    let found = spans.read(id(at), |from, _| number(from.fields));
                    if let Some(number) = found {
                        assert_eq!(id(number), id(at));
                        read.fetch_add(1, Ordering::Relaxed);
                    }
                    // A stale id may be asked for at any time.
                    assert!(
                        spans
                            .with(id(at), |state| state.opened)
                            .is_none_or(|opened| id(opened) == id(at))
                    );
                }
            });
        }
        let _end = End(now);
        let mut at = 0;
        // As long as the readers need to have met enough, and no longer than that takes where they get no time.
        while read.load(Ordering::Relaxed) < ENOUGH && at < 100 * ENOUGH {
            at += 1;
            if at % 7 == 0 {
                boxed_lender(spans, plan, at);
            } else {
                assert!(lend(spans, plan, id(at), at));
            }
            now.store(at, Ordering::Release);
            if at % 64 == 0 {
                std::thread::yield_now();
            }
            assert!(spans.close(id(at)).is_none());
        }
    });
    assert!(read.load(Ordering::Relaxed) > 0);
}
