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
    let mut items = Vec::new();
    while let Some(item) = queue.pop(std::mem::take) {
        queue.release(Credit {
            records: 1,
            bytes: 100,
        });
        items.push(item);
    }
    items
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
    queue.pop(std::mem::take);
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
        assert_eq!(queue.pop(std::mem::take), Some(7));
        assert_eq!(queue.pop(std::mem::take), None);
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
