//! Tests of the queue's credit, waiting, closing and tripping.

use std::sync::Arc;

use super::*;

fn queue(records: u64) -> Queue<u64> {
    Queue::new(Credit {
        records,
        bytes: records * 100,
    })
}

fn drain(queue: &Queue<u64>) -> Vec<u64> {
    let (mut items, mut into) = (Vec::new(), [0; 3]);
    loop {
        let records = queue.pop_into(&mut into, std::mem::swap);
        if records == 0 {
            return items;
        }
        items.extend(&into[..records]);
        let records = records as u64;
        let bytes = 100 * records;
        queue.release(Credit { records, bytes });
    }
}

#[test]
fn the_last_quarter_is_kept_for_the_reserved_lane() {
    let queue = queue(8);
    for item in 0..6 {
        queue.try_push(item, 100, Lane::Ordinary).unwrap();
    }
    assert!(matches!(
        queue.try_push(6, 100, Lane::Ordinary),
        Err(Refused::Full(6))
    ));
    queue.try_push(7, 100, Lane::Reserved).unwrap();
    queue.try_push(8, 100, Lane::Reserved).unwrap();
    assert!(matches!(
        queue.try_push(9, 100, Lane::Reserved),
        Err(Refused::Full(9))
    ));
    assert_eq!(drain(&queue), [0, 1, 2, 3, 4, 5, 7, 8]);
    assert_eq!(queue.used(), Credit { records: 0, bytes: 0 });
}

#[test]
fn bytes_are_credit_too_but_one_record_always_fits_an_empty_queue() {
    let queue = queue(8);
    queue.try_push(1, 100_000, Lane::Ordinary).unwrap();
    assert!(matches!(
        queue.try_push(2, 1, Lane::Ordinary),
        Err(Refused::Full(2))
    ));
}

#[test]
fn a_caller_waits_for_room_and_gets_it() {
    let queue = Arc::new(queue(4));
    for item in 0..3 {
        queue.try_push(item, 100, Lane::Ordinary).unwrap();
    }
    let caller = std::thread::spawn({
        let queue = Arc::clone(&queue);
        move || {
            queue
                .push(3, 100, Lane::Ordinary, 0, Duration::from_secs(60))
                .is_ok()
        }
    });
    while queue.waiters.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    drain(&queue);
    assert!(caller.join().unwrap());
}

#[test]
fn after_an_expired_wait_the_category_fails_at_once_until_the_receiver_moves() {
    let queue = queue(4);
    for item in 0..3 {
        queue.try_push(item, 100, Lane::Ordinary).unwrap();
    }
    assert!(matches!(
        queue.push(9, 100, Lane::Ordinary, 5, Duration::ZERO),
        Err(Refused::Full(9))
    ));
    assert!(matches!(
        queue.push(9, 100, Lane::Ordinary, 5, Duration::from_secs(60)),
        Err(Refused::Tripped(9))
    ));
    queue.pop();
    queue.release(Credit {
        records: 1,
        bytes: 100,
    });
    queue
        .push(9, 100, Lane::Ordinary, 5, Duration::from_secs(60))
        .unwrap();
}

#[test]
fn a_closed_queue_refuses_and_still_gives_what_it_holds() {
    let queue = queue(4);
    queue.try_push(1, 100, Lane::Ordinary).unwrap();
    queue.close();
    assert!(matches!(
        queue.try_push(2, 100, Lane::Reserved),
        Err(Refused::Closed(2))
    ));
    assert!(matches!(
        queue.push(2, 100, Lane::Ordinary, 0, Duration::from_secs(60)),
        Err(Refused::Closed(2))
    ));
    assert_eq!(drain(&queue), [1]);
}

#[test]
fn items_come_out_in_their_order_however_often_the_places_were_used() {
    // Eight places are found by a mask, seven by division, one is the only one. Of many, the first are in a circle of their own.
    for records in [8, 7, 1, 1_024, 1_500] {
        let queue = queue(records);
        let mut next = 0;
        for round in 0..40 {
            let items: Vec<u64> = (next..next + 1 + round * 97 % records).collect();
            for item in &items {
                queue.try_push(*item, 100, Lane::Reserved).unwrap();
            }
            next += items.len() as u64;
            assert_eq!(drain(&queue), items);
        }
    }
}

/// A queue whose numbers and bytes begin again a few records from now.
fn queue_before_its_turn(records: u64) -> Queue<u64> {
    let queue = queue(records);
    let last = (1 << 24) - 1;
    let number = last - last % records - 3;
    let bytes = (1 << 39) - 450;
    queue.meter.go_on_behind(Credit {
        records: number,
        bytes,
    });
    queue.ring.go_on_at(number);
    queue
}

#[test]
fn numbers_and_bytes_begin_again_and_nobody_notices() {
    for records in [8, 7, 1, 1_024, 1_500] {
        let queue = queue_before_its_turn(records);
        for round in 0..12 {
            assert_eq!(queue.used(), Credit { records: 0, bytes: 0 });
            for item in 0..records {
                queue.try_push(round + item, 100, Lane::Reserved).unwrap();
            }
            assert!(matches!(
                queue.try_push(0, 100, Lane::Reserved),
                Err(Refused::Full(0))
            ));
            let full = queue.capacity();
            assert_eq!(queue.used(), full);
            assert_eq!(drain(&queue), (round..round + records).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_queue_that_is_closed_while_its_words_begin_again_takes_nothing_more() {
    for taken in 0..8 {
        let queue = queue_before_its_turn(16);
        for item in 0..taken {
            queue.try_push(item, 100, Lane::Ordinary).unwrap();
        }
        queue.close();
        for bytes in [0, 100, 1_000] {
            let refused = queue.try_push(9, bytes, Lane::Reserved);
            assert!(matches!(refused, Err(Refused::Closed(9))));
        }
        assert_eq!(drain(&queue).len() as u64, taken);
        assert_eq!(queue.used(), Credit { records: 0, bytes: 0 });
    }
}

#[test]
fn nothing_is_lost_or_doubled_between_eight_threads_and_one() {
    [64, 7, 2_048, 3_000]
        .into_iter()
        .for_each(between_eight_threads_and_one);
}

fn between_eight_threads_and_one(places: u64) {
    const EACH: u64 = 20_000;
    let queue = Arc::new(queue(places));
    let senders: Vec<_> = (0..8)
        .map(|thread| {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || {
                for item in 0..EACH {
                    let pushed = queue.push(
                        thread * EACH + item,
                        100,
                        Lane::Ordinary,
                        0,
                        Duration::from_secs(60),
                    );
                    assert!(pushed.is_ok());
                }
            })
        })
        .collect();
    queue.signal().attach();
    let mut seen = vec![0_u8; usize::try_from(8 * EACH).unwrap()];
    let mut count = 0;
    while count < 8 * EACH {
        for item in drain(&queue) {
            seen[usize::try_from(item).unwrap()] += 1;
            count += 1;
        }
        queue.signal().wait(Duration::from_millis(1));
    }
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert!(seen.iter().all(|&times| times == 1));
}

#[test]
fn what_is_left_of_a_number_is_not_taken_for_the_same_number_when_all_begins_again() {
    let queue = queue(1_024);
    for long in [false, true, false, true, true, false] {
        // Numbers begin again, long before they would.
        queue.meter.go_on_behind(Credit { records: 0, bytes: 0 });
        queue.ring.go_on_at(0);
        // What needs much of the bytes goes the long way, and into the long circle.
        let bytes = if long { 60_000 } else { 100 };
        queue.try_push(7, bytes, Lane::Ordinary).unwrap();
        assert_eq!(queue.pop(), Some(7));
        assert_eq!(queue.pop(), None);
    }
}

#[test]
fn few_numbers_have_their_places_in_the_short_circle_and_no_two_the_same() {
    let queue = queue(2_048);
    for round in 0..5 {
        let items: Vec<u64> = (0..300).map(|item| round * 1_000 + item).collect();
        for item in &items {
            queue.try_push(*item, 100, Lane::Ordinary).unwrap();
        }
        // The ones behind them are in the long one.
        assert_eq!(queue.ring.near(), 256, "{round}");
        assert_eq!(drain(&queue), items);
        assert_eq!(queue.ring.near(), 0);
    }
}

#[test]
fn a_quarter_of_the_queue_in_use_wakes_the_receiver() {
    for (records, bytes) in [(3, 1), (2, 250)] {
        let queue = queue(8);
        queue.signal().attach();
        for item in 0..records {
            queue.try_push(item, bytes, Lane::Ordinary).unwrap();
        }
        let begun = std::time::Instant::now();
        queue.signal().wait(std::time::Duration::from_secs(60));
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(30),
            "nobody rang"
        );
    }
}

/// A queue whose numbers begin again after so many, and whose bytes after so much.
fn queue_shortly_before(records: u64, numbers: u64, bytes: u64) -> Queue<u64> {
    let queue = queue(records);
    let last = (1 << 24) - 1;
    let number = last - last % records - numbers;
    queue.meter.go_on_behind(Credit {
        records: number,
        bytes: (1 << 39) - bytes,
    });
    queue.ring.go_on_at(number);
    queue
}

#[test]
fn numbers_begin_again_while_bytes_do_not_and_the_other_way_round() {
    // 1,500 is no multiple of the short circle: on both sides of the turn, numbers have the same places there.
    for records in [8, 7, 1_024, 1_500, 2_048] {
        for (numbers, bytes) in [(3, 1 << 30), (1 << 20, 450), (3, 450), (200, 1 << 30), (300, 450)] {
            let queue = queue_shortly_before(records, numbers, bytes);
            for round in 0..4 {
                for item in 0..records {
                    queue.try_push(round + item, 100, Lane::Reserved).unwrap();
                }
                assert_eq!(drain(&queue), (round..round + records).collect::<Vec<_>>());
            }
            assert!(!queue.is_closed());
        }
    }
}

#[test]
fn a_queue_that_is_closed_while_only_its_bytes_begin_again_takes_nothing_more() {
    for taken in 0..8 {
        let queue = queue_shortly_before(64, 1 << 20, 450);
        for item in 0..taken {
            queue.try_push(item, 100, Lane::Ordinary).unwrap();
        }
        queue.close();
        for bytes in [0, 100, 1_000] {
            let refused = queue.try_push(9, bytes, Lane::Reserved);
            assert!(matches!(refused, Err(Refused::Closed(9))), "{taken}");
        }
        assert_eq!(drain(&queue).len() as u64, taken);
    }
}

#[test]
fn what_is_left_of_a_number_is_not_taken_before_it_is_drawn_again() {
    let queue = queue(1_024);
    for bytes in [100, 60_000, 100, 60_000, 60_000, 100] {
        queue.meter.go_on_behind(Credit { records: 0, bytes: 0 });
        queue.ring.go_on_at(0);
        assert_eq!(queue.pop(), None);
        queue.try_push(7, bytes, Lane::Ordinary).unwrap();
        assert_eq!(queue.pop(), Some(7));
    }
}

#[test]
fn a_sender_that_is_not_done_holds_up_the_receiver_and_no_other_sender() {
    use std::sync::mpsc::channel;
    for records in [64, 2_048, 3_000] {
        let queue = Arc::new(queue(records));
        let (drawn, is_drawn) = channel();
        let (go, may_go) = channel::<()>();
        let slow = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                queue
                    .try_fill(100, Lane::Ordinary, |place| {
                        drawn.send(()).unwrap();
                        may_go.recv().unwrap();
                        *place = 1_000_000;
                    })
                    .unwrap();
            }
        });
        is_drawn.recv().unwrap();
        let rest = records / 4 * 3 - 1;
        (1..=rest).for_each(|item| queue.try_push(item, 100, Lane::Ordinary).unwrap());
        let receiver = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || drain(&queue)
        });
        (0..1_000).for_each(|_| std::thread::yield_now());
        assert_eq!(queue.used().records, rest + 1, "nobody was overtaken");
        go.send(()).unwrap();
        slow.join().unwrap();
        let got = receiver.join().unwrap();
        assert_eq!(got[0], 1_000_000);
        assert!(got[1..].iter().copied().eq(1..=rest));
    }
}

#[test]
fn so_many_are_taken_at_once_as_there_is_room_for_and_as_there_are_in_their_order() {
    // From the beginning of either circle, and across the end of the short one.
    for (records, begin) in [(64, 0), (2_048, 0), (2_048, 250)] {
        let queue = queue(records);
        (0..begin).for_each(|item| queue.try_push(item, 100, Lane::Ordinary).unwrap());
        (0..begin).for_each(|item| assert_eq!(queue.pop(), Some(item)));
        queue.release(Credit {
            records: begin,
            bytes: 100 * begin,
        });
        let mut into = [0; 8];
        assert_eq!(queue.pop_into(&mut into, std::mem::swap), 0);
        (1..=11).for_each(|item| queue.try_push(item, 100, Lane::Ordinary).unwrap());
        assert_eq!(queue.pop_into(&mut [0; 0], std::mem::swap), 0);
        assert_eq!(queue.pop_into(&mut into, std::mem::swap), 8);
        assert_eq!(into, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(queue.pop_into(&mut into, std::mem::swap), 3);
        assert_eq!(into[..3], [9, 10, 11]);
        assert_eq!(queue.pop(), None);
    }
}

#[test]
fn a_receiver_that_panics_leaves_the_item_where_it_was() {
    for (records, before) in [(64, 0), (2_048, 0), (2_048, 299)] {
        let queue = queue(records);
        (0..before + 2).for_each(|item| queue.try_push(item, 100, Lane::Ordinary).unwrap());
        for item in 0..before {
            assert_eq!(queue.pop(), Some(item));
        }
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            queue.pop_into(&mut [()], |_, ()| panic!("of the test"))
        }));
        assert!(panicked.is_err());
        assert_eq!(queue.pop(), Some(before));
        assert_eq!(queue.pop(), Some(before + 1));
    }
}
