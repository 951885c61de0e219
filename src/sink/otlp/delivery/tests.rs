//! Requests and answers: what is sent, what is sent again, and what is called refused.

use super::*;

/// A receiver that holds what it took. An entry's number is its request's byte.
struct Receiver<F> {
    took: Vec<u8>,
    requests: usize,
    answer: F,
}

impl<F: FnMut(&[u8]) -> Verdict> Exchange for Receiver<F> {
    fn exchange(&mut self, request: &[u8]) -> Verdict {
        self.requests += 1;
        let verdict = (self.answer)(request);
        if verdict == taken(0) {
            self.took.extend_from_slice(request);
        }
        verdict
    }
}

fn taken(refused: u64) -> Verdict {
    Verdict::Taken {
        refused,
        why: String::new(),
    }
}

fn later() -> Verdict {
    Verdict::Later {
        after: None,
        why: "busy".into(),
    }
}

fn entries(range: std::ops::Range<u64>) -> Vec<Entry<'static>> {
    range.map(|seq| Entry::new(seq, seq, b"{}")).collect()
}

fn to<F: FnMut(&[u8]) -> Verdict>(answer: F) -> Receiver<F> {
    Receiver {
        took: Vec::new(),
        requests: 0,
        answer,
    }
}

fn written(part: &[Entry<'_>], out: &mut Vec<u8>) -> io::Result<()> {
    out.extend(part.iter().map(|entry| entry.seq() as u8));
    Ok(())
}

/// Offers the batch until it is answered for.
fn offer(delivery: &mut Delivery, batch: &[Entry<'_>], to: &mut impl Exchange) -> Vec<u64> {
    loop {
        // Three write.
        if let Ok(accepted) = delivery.deliver(batch, (&mut { written }, &mut [written; 2]), to) {
            return accepted.which().to_vec();
        }
    }
}

#[test]
fn whichever_records_are_refused_they_are_named_and_all_others_arrive_in_order() {
    let mut seed = 1_u64;
    for round in 0..200 {
        let mut bad: Vec<u64> = (0..200)
            .filter(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 33) % 100 < round % 20 * 5
            })
            .collect();
        bad.dedup();
        let is_bad = |byte: &u8| bad.contains(&u64::from(*byte));
        let says_how_many = round % 2 == 0;
        let mut receiver = to(
            |request: &[u8]| match request.iter().filter(|byte| is_bad(byte)).count() {
                0 => taken(0),
                count if says_how_many => taken(count as u64),
                _ => Verdict::Split("400".into()),
            },
        );
        let mut delivery = Delivery::new(37 + 27 * (round % 3) as usize, usize::MAX);
        let refused = offer(&mut delivery, &entries(0..200), &mut receiver);
        assert_eq!(refused, bad, "round {round}");
        let good: Vec<u8> = (0..200).filter(|byte| !is_bad(byte)).collect();
        assert_eq!(receiver.took, good, "round {round}");
    }
}

#[test]
fn streams_count_their_entries_by_themselves_and_none_is_passed_over_or_refused_for_another() {
    let line = |stream: &str, seq: u64| {
        format!("{{\"seq\":{seq},\"stream\":\"{stream}\",\"time\":\"\"}}").into_bytes()
    };
    let lines = |stream: &str, range: std::ops::Range<u64>| -> Vec<(u64, Vec<u8>)> {
        range.map(|seq| (seq, line(stream, seq))).collect()
    };
    let (one, other) = (lines("one", 50..60), lines("other", 0..10));
    fn of(lines: &[(u64, Vec<u8>)]) -> Vec<Entry<'_>> {
        lines
            .iter()
            .map(|(seq, line)| Entry::new(*seq, *seq, line))
            .collect()
    }
    let is_away = std::cell::Cell::new(true);
    let mut receiver = to(|request: &[u8]| {
        if request.contains(&52) {
            return Verdict::Split("400".into());
        }
        // It goes away in the middle of the first stream's batch, behind what it refuses.
        if is_away.get() && request.contains(&59) {
            return later();
        }
        taken(0)
    });
    let mut delivery = Delivery::new(4, usize::MAX);
    delivery
        .deliver(&of(&one), (&mut written, &mut []), &mut receiver)
        .unwrap_err();
    let accepted = delivery
        .deliver(&of(&other), (&mut written, &mut []), &mut receiver)
        .unwrap();
    assert_eq!(accepted.which(), [0; 0]);
    is_away.set(false);
    let accepted = delivery
        .deliver(&of(&one), (&mut written, &mut []), &mut receiver)
        .unwrap();
    assert_eq!(accepted.which(), [52]);
    let mut arrived = receiver.took;
    arrived.sort_unstable();
    let wanted: Vec<u8> = (0..10).chain(50..52).chain(53..60).collect();
    assert_eq!(arrived, wanted);
}

#[test]
fn the_next_request_is_written_while_one_is_under_way_and_is_the_one_that_is_sent() {
    let (tell, told) = std::sync::mpsc::channel();
    let mut encode = |part: &[Entry<'_>], out: &mut Vec<u8>| {
        tell.send(part.first().map(Entry::seq))
            .map_err(io::Error::other)?;
        written(part, out)
    };
    let mut asked = 0;
    let mut receiver = to(|request: &[u8]| {
        asked += 1;
        let behind = u64::from(request[0]) + 64;
        // It waits for ever where the next one is written behind the answer.
        while behind < 192 && told.recv().unwrap() != Some(behind) {}
        if asked == 2 { later() } else { taken(0) }
    });
    let mut delivery = Delivery::new(64, usize::MAX);
    let batch = entries(0..192);
    delivery
        .deliver(&batch, (&mut encode, &mut []), &mut receiver)
        .unwrap_err();
    delivery
        .deliver(&batch, (&mut encode, &mut []), &mut receiver)
        .unwrap();
    assert_eq!(receiver.took, (0..192).collect::<Vec<u8>>());
}

#[test]
fn an_entry_that_took_the_number_of_a_lost_one_is_sent_as_well() {
    let mut receiver = to(|_: &[u8]| taken(0));
    let mut delivery = Delivery::new(4, usize::MAX);
    offer(&mut delivery, &entries(0..10), &mut receiver);
    let again: Vec<_> = (7..9).map(|seq| Entry::new(seq, seq + 20, b"{}")).collect();
    offer(&mut delivery, &again, &mut receiver);
    assert_eq!(receiver.took, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 8]);
    let shown = format!("{delivery:?}");
    assert!(!shown.contains("[7, 8]"), "it shows the records: {shown}");
}

#[test]
fn a_batch_of_many_requests_is_not_said_to_be_refused() {
    let mut receiver = to(|_: &[u8]| taken(0));
    let mut encode = |_: &[Entry<'_>], _: &mut Vec<u8>| Ok(());
    let mut delivery = Delivery::new(1, usize::MAX);
    let batch = entries(0..u64::from(MOST_REQUESTS) + 1);
    let error = delivery
        .deliver(&batch, (&mut encode, &mut []), &mut receiver)
        .unwrap_err();
    assert!(!error.to_string().contains("refuses"), "{error}");
    assert_eq!(
        delivery
            .deliver(&batch, (&mut encode, &mut []), &mut receiver)
            .unwrap(),
        Accepted::default()
    );
}

#[test]
fn a_receiver_that_refuses_everything_refuses_no_record() {
    let mut receiver = to(|_: &[u8]| Verdict::Split("400".into()));
    let mut delivery = Delivery::new(10, usize::MAX);
    let mut encode = |_: &[Entry<'_>], out: &mut Vec<u8>| {
        out.push(1);
        Ok(())
    };
    for _ in 0..50 {
        let error = delivery
            .deliver(&entries(0..10), (&mut encode, &mut []), &mut receiver)
            .unwrap_err();
        assert!(error.to_string().contains("without records"), "{error}");
    }
    assert_eq!(delivery.streams[0].passed, 0);
}

#[test]
fn what_was_taken_before_a_failure_is_not_sent_again_and_no_call_makes_more_requests_than_it_may() {
    let mut count = 0;
    let mut receiver = to(|request: &[u8]| {
        count += 1;
        if count % 3 == 0 {
            return later();
        }
        if request.iter().all(|byte| byte % 2 == 0) {
            taken(0)
        } else {
            Verdict::Split("no".into())
        }
    });
    let mut delivery = Delivery::new(64, usize::MAX);
    let batch = entries(0..200);
    let accepted = loop {
        let before = receiver.requests;
        let answer = delivery.deliver(&batch, (&mut written, &mut []), &mut receiver);
        assert!(receiver.requests - before <= 2 * MOST_REQUESTS as usize);
        if let Ok(accepted) = answer {
            break accepted;
        }
    };
    assert_eq!(accepted.which(), (1..200).step_by(2).collect::<Vec<u64>>());
    assert_eq!(receiver.took, (0..200).step_by(2).collect::<Vec<u8>>());
    assert_eq!(
        offer(&mut delivery, &batch, &mut receiver),
        Vec::<u64>::new(),
        "and not once more"
    );
}

#[test]
fn a_request_holds_no_more_records_and_bytes_than_it_may_and_a_longer_line_travels_alone() {
    let long = [b'x'; 100];
    let mut batch = entries(0..5);
    batch.push(Entry::new(5, 5, &long));
    batch.extend(entries(6..9));
    let sizes = std::cell::RefCell::new(Vec::new());
    let mut receiver = to(|request: &[u8]| {
        sizes.borrow_mut().push(request.len());
        taken(0)
    });
    offer(&mut Delivery::new(4, 10), &batch, &mut receiver);
    assert_eq!(*sizes.borrow(), [4, 1, 1, 3]);
}

#[test]
fn what_is_given_at_once_is_cut_into_four_requests_unless_they_would_be_small_or_larger_than_they_may_be() {
    for (most, given, wanted) in [
        (2048, 400, &[400][..]),
        (2048, 1024, &[512, 512]),
        (2048, 3000, &[750, 750, 750, 750]),
        (2048, 10_000, &[2048, 2048, 2048, 2048, 1808]),
        (100, 250, &[100, 100, 50]),
    ] {
        let mut sizes = Vec::new();
        let mut receiver = to(|request: &[u8]| {
            sizes.push(request.len());
            taken(0)
        });
        offer(
            &mut Delivery::new(most, usize::MAX),
            &entries(0..given),
            &mut receiver,
        );
        assert_eq!(sizes, wanted, "{given}");
    }
}

#[test]
fn pauses_grow_to_their_limit_differ_and_never_end_before_the_time_that_was_named() {
    let mut delivery = Delivery::new(1, 1);
    let mut pause = |after, longest| match delivery.later(after, String::new(), longest) {
        SinkError::Retry {
            after: Some(after), ..
        } => after,
        other => panic!("{other:?}"),
    };
    let grown: Vec<_> = (0..30).map(|_| pause(None, LONGEST)).collect();
    assert!(grown[0] <= FIRST && grown.iter().all(|pause| *pause <= LONGEST));
    assert!(grown[20..].iter().all(|pause| *pause >= LONGEST / 2));
    assert!(grown[20..].windows(2).any(|pair| pair[0] != pair[1]));
    assert!(pause(None, LONGEST_PERSON) >= LONGEST_PERSON / 2);
    let named = Duration::from_secs(120);
    assert!((0..100).all(|_| pause(Some(named), LONGEST) >= named));
    // No time, or one that has passed where clocks differ, is no leave to ask without end.
    assert!((0..100).all(|_| pause(Some(Duration::ZERO), LONGEST) >= LONGEST / 2));
}

#[test]
fn a_receiver_that_has_named_a_time_is_asked_nothing_before_it_however_often_it_is_offered() {
    let mut asked = 0;
    let named = Duration::from_secs(600);
    let mut receiver = to(|_: &[u8]| {
        asked += 1;
        Verdict::Later {
            after: Some(named),
            why: "busy".into(),
        }
    });
    let mut delivery = Delivery::new(4, usize::MAX);
    for _ in 0..5 {
        let answer = delivery.deliver(&entries(0..4), (&mut written, &mut []), &mut receiver);
        let Err(SinkError::Retry { after, cause }) = answer else {
            panic!("{answer:?}");
        };
        assert!(after > Some(named / 2) && cause == "busy", "{after:?} {cause}");
    }
    drop(receiver);
    assert_eq!(asked, 1);
}

#[test]
fn what_was_refused_of_a_batch_that_was_given_up_is_not_told_of_the_next_one() {
    let mut answers = [taken(4), later()].into_iter();
    let mut receiver = to(|_: &[u8]| answers.next().unwrap_or(taken(0)));
    let mut delivery = Delivery::new(4, usize::MAX);
    delivery
        .deliver(&entries(0..8), (&mut written, &mut []), &mut receiver)
        .unwrap_err();
    let accepted = delivery
        .deliver(&entries(8..12), (&mut written, &mut []), &mut receiver)
        .unwrap();
    assert_eq!(accepted.which(), [0; 0]);
}

#[test]
fn what_was_refused_of_batches_that_were_offered_together_is_told_of_the_one_that_it_stands_in() {
    let mut answers = [taken(0), taken(4), later()].into_iter();
    let mut receiver = to(|_: &[u8]| answers.next().unwrap_or(taken(0)));
    let mut delivery = Delivery::new(4, usize::MAX);
    delivery
        .deliver(&entries(0..12), (&mut written, &mut []), &mut receiver)
        .unwrap_err();
    let mut told = |range| {
        let answer = delivery
            .deliver(&entries(range), (&mut written, &mut []), &mut receiver)
            .unwrap();
        answer.which().to_vec()
    };
    assert_eq!(told(0..4), [0; 0]);
    assert_eq!(told(4..8), [4, 5, 6, 7]);
    assert_eq!(told(8..12), [0; 0]);
}

#[test]
fn what_was_taken_before_does_not_speak_for_a_receiver_that_refuses_everything_since() {
    for size in [1, 16] {
        let mut asked = 0;
        let mut receiver = to(|_: &[u8]| {
            asked += 1;
            if asked == 1 {
                taken(0)
            } else {
                Verdict::Split("400".into())
            }
        });
        let mut delivery = Delivery::new(size, usize::MAX);
        for _ in 0..20 {
            delivery
                .deliver(&entries(0..200), (&mut written, &mut []), &mut receiver)
                .unwrap_err();
        }
        assert!(delivery.streams[0].passed as usize == size, "{size}");
    }
}

#[test]
fn a_request_without_records_that_is_sent_in_between_leaves_the_one_that_was_begun() {
    let is_bad = |byte: &u8| byte.is_multiple_of(3);
    let mut receiver = to(|request: &[u8]| match request.iter().any(is_bad) {
        true => Verdict::Split("400".into()),
        false => taken(0),
    });
    let mut delivery = Delivery::new(1, usize::MAX);
    let refused = offer(&mut delivery, &entries(0..200), &mut receiver);
    assert_eq!(refused, (0..200).step_by(3).collect::<Vec<u64>>());
    let good: Vec<u8> = (0..200).filter(|byte| !is_bad(byte)).collect();
    assert_eq!(receiver.took, good);
}

#[test]
fn a_request_that_cannot_be_written_is_not_sent_and_one_whose_writing_panics_ends_the_call() {
    for at in [0_u64, 64, 128] {
        for panics in [false, true] {
            let mut encode = |part: &[Entry<'_>], out: &mut Vec<u8>| {
                if part.first().is_some_and(|first| first.seq() == at) {
                    assert!(!panics, "as it is to be");
                    return Err(io::Error::other("no room"));
                }
                written(part, out)
            };
            let mut receiver = to(|_: &[u8]| taken(0));
            let mut delivery = Delivery::new(64, usize::MAX);
            let batch = entries(0..192);
            let call = std::panic::AssertUnwindSafe(|| {
                delivery.deliver(&batch, (&mut encode, &mut []), &mut receiver)
            });
            match std::panic::catch_unwind(call) {
                Err(_) => assert!(panics),
                Ok(answer) => {
                    let said = answer.unwrap_err().to_string();
                    assert!(!panics && said.contains("no room"), "{said}");
                }
            }
            assert_eq!(receiver.took, (0..at as u8).collect::<Vec<u8>>());
        }
    }
}
