//! The seal over a file system in memory: heads only over what is confirmed, trees that go on, keys that take over.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::fault_tests::{Caller, HOME, builder, line, time_of};
use super::memfs::{Fault, MemFs};
use super::*;
use crate::ErrorKind;
use crate::format::{Checkpoint, Note, SigningKey, Tree, leaf_hash};

fn root_of(size: u64) -> crate::format::Hash {
    let mut tree = Tree::new();
    for seq in 0..size {
        tree.push(leaf_hash(&line(seq, time_of(seq))), |_| {});
    }
    tree.root()
}

fn read(fs: &MemFs, name: &str) -> String {
    String::from_utf8(fs.get(&Path::new(HOME).join(name))).unwrap()
}

fn unsigned(fs: &MemFs) -> Checkpoint {
    Checkpoint::parse(&read(fs, "checkpoint.unsigned")).unwrap()
}

fn key(name: &str) -> SigningKey {
    SigningKey::generate(name).unwrap()
}

#[test]
fn a_seal_covers_every_line_that_was_delivered_and_nothing_else() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    assert_eq!(caller.sink.seal().unwrap(), None, "there is nothing to seal");
    for count in [1, 2, 300, 5] {
        caller.deliver(count);
        let head = caller.sink.seal().unwrap().unwrap();
        let size = caller.sink.next_seq();
        assert_eq!((head.size, head.root), (size, root_of(size)));
        assert_eq!(unsigned(&fs), head);
        assert_eq!(caller.sink.sealed(), Some(size));
    }
    assert_eq!(fs.get(&Path::new(HOME).join("tile/0/000")).len(), 8192);
    assert_eq!(fs.get(&Path::new(HOME).join("tile/0/001.p/52")).len(), 52 * 32);
    assert_eq!(fs.get(&Path::new(HOME).join("tile/1/000.p/1")).len(), 32);
    let narrow = fs
        .names()
        .into_iter()
        .filter(|name| name.parse::<u16>().is_ok_and(|width| width < 52));
    assert_eq!(
        narrow.collect::<Vec<_>>(),
        ["000", "1"],
        "narrower tiles are gone; a full one and the root are there"
    );
}

#[test]
fn a_stream_that_is_opened_again_goes_on_with_its_tree_with_and_without_tiles() {
    for without in ["", "tile/0/001.p/44", "tile/1/000.p/1"] {
        let fs = MemFs::default();
        let mut caller = Caller::new(fs.clone());
        caller.deliver(300);
        caller.sink.seal().unwrap();
        caller.deliver(7);
        caller.flush();
        drop(caller);
        if !without.is_empty() {
            fs.put(&Path::new(HOME).join(without), b"what the power left");
        }
        let mut caller = Caller::new(fs.clone());
        assert_eq!(
            caller.sink.opened().tiles_rebuilt,
            !without.is_empty(),
            "{without}"
        );
        assert_eq!(unsigned(&fs).size, 307, "what was not sealed is, at the start");
        caller.deliver(300);
        assert_eq!(
            caller.sink.seal().unwrap().unwrap().root,
            root_of(607),
            "{without}"
        );
        drop(caller);
        assert!(!super::fault_tests::open(&fs).opened().tiles_rebuilt);
    }
}

#[test]
fn a_head_is_published_only_when_the_disk_has_confirmed_its_lines() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(3);
    caller.sink.seal_behind();
    caller.deliver(3);
    for _ in 0..50 {
        caller.sink.seal_behind();
    }
    assert_eq!(caller.sink.sealed(), Some(0));
    assert!(!fs.names().contains(&"checkpoint.unsigned".to_owned()));
    caller.flush();
    while caller.sink.sealed() == Some(0) {
        caller.sink.seal_behind();
        std::thread::yield_now();
    }
    assert_eq!(
        unsigned(&fs).size,
        3,
        "the head that was taken first, over three lines"
    );
    assert_eq!(unsigned(&fs).root, root_of(3));
}

#[test]
fn lines_that_are_gone_or_changed_below_the_checkpoint_stop_the_next_start() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(20);
    caller.sink.seal().unwrap();
    let path = caller.sink.segment.as_ref().unwrap().path.clone();
    drop(caller);
    let bytes = fs.get(&path);
    let text = String::from_utf8(bytes.clone()).unwrap();
    let cut = text.rmatch_indices('\n').nth(1).unwrap().0 + 1;
    let changed = text.replacen("test.step", "test.stop", 1);
    // A changed line is not looked at where the tiles are whole: that is what `verify` is for.
    fs.put(&Path::new(HOME).join("tile/0/000.p/20"), b"");
    for (bytes, what) in [
        (text[..cut].to_owned(), "only 19 are there"),
        (changed, "are not those"),
    ] {
        fs.put(&path, bytes.as_bytes());
        let error = builder(&fs).open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(what), "{error}");
    }
    fs.put(&path, &bytes);
    builder(&fs).open().unwrap();
}

#[test]
fn the_files_of_the_seal_can_fail_at_every_call_and_the_next_head_covers_all() {
    for fault in [Fault::Eio, Fault::Enospc, Fault::Short, Fault::Erofs] {
        for nth in 1..14 {
            let fs = MemFs::default();
            let key = key("example.com/log");
            // One segment, so that a tile becomes full and waits for the head that fails.
            let builder = builder(&fs).segment_bytes(1 << 24);
            let open = || builder.clone().signing_key(key.clone()).open().unwrap();
            let mut caller = Caller::with(fs.clone(), open());
            caller.deliver(300);
            caller.sink.seal().unwrap();
            caller.deliver(300);
            caller.flush();
            fs.fail(nth, 1, fault);
            let first = caller.sink.seal_now();
            fs.heal();
            let told = caller.sink.take_events();
            let told = told
                .iter()
                .filter(|event| matches!(event, FileEvent::NotSealed { .. }));
            assert_eq!(told.count(), usize::from(first.is_err()), "{fault:?} {nth}");
            assert_eq!(
                caller.sink.seal().unwrap().unwrap().root,
                root_of(600),
                "{fault:?} {nth}"
            );
            caller.deliver(1);
            caller.sink.seal().unwrap();
            drop(caller);
            let notes = notes(&fs);
            assert!(notes.iter().any(|note| note.0.size == 300), "{fault:?} {nth}");
            assert_eq!(notes.last().unwrap().0.size, 601, "{fault:?} {nth}");
            for full in ["tile/0/000", "tile/0/001"] {
                assert_eq!(
                    fs.get(&Path::new(HOME).join(full)).len(),
                    8192,
                    "{full}: {fault:?} {nth}"
                );
            }
            assert_eq!(open().sealed(), Some(601));
        }
    }
}

/// The notes of the history that are whole, in order.
fn notes(fs: &MemFs) -> Vec<(Checkpoint, Note)> {
    let text = read(fs, "checkpoints");
    let parts: Vec<&str> = text.split("\n\n").collect();
    let pairs = parts.windows(2);
    let notes = pairs.filter_map(|pair| {
        Note::parse(format!("{}\n\n{}\n", pair[0].trim_start(), pair[1].trim_end()).as_bytes()).ok()
    });
    notes
        .filter_map(|note| Some((Checkpoint::parse(&note.text).ok()?, note)))
        .collect()
}

#[test]
fn a_signed_stream_has_every_head_in_its_history_and_the_newest_beside_it() {
    let fs = MemFs::default();
    let key = key("example.com/log");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&seen);
    let sink = builder(&fs)
        .signing_key(key.clone())
        .on_checkpoint(move |text| hook.lock().push(text.to_owned()))
        .open()
        .unwrap();
    let mut caller = Caller::with(fs.clone(), sink);
    let events = caller.sink.take_events();
    assert!(
        matches!(
            &events[..],
            [FileEvent::KeyBegan {
                first: 0,
                previous: None,
                ..
            }]
        ),
        "{events:?}"
    );
    for count in [1, 255, 1] {
        caller.deliver(count);
        caller.sink.seal().unwrap();
    }
    let stream = caller.sink.stream_id().to_owned();
    let signer = key.for_stream(&stream).unwrap();
    let notes = notes(&fs);
    let sizes: Vec<u64> = notes.iter().map(|(head, _)| head.size).collect();
    // One for each segment that ended, and the three that were asked for.
    assert!(
        sizes.is_sorted() && [1, 256, 257].iter().all(|size| sizes.contains(size)),
        "{sizes:?}"
    );
    for (head, note) in &notes {
        assert_eq!(head.root, root_of(head.size));
        assert_eq!(head.origin, format!("example.com/log/{stream}"));
        assert!(note.is_signed_by(signer.verifier()));
    }
    assert_eq!(read(&fs, "checkpoint"), notes.last().unwrap().1.to_string());
    let texts: Vec<String> = notes.iter().map(|(_, note)| note.to_string()).collect();
    assert_eq!(*seen.lock(), texts);
}

#[test]
fn a_key_that_takes_over_signs_together_with_the_one_before() {
    let fs = MemFs::default();
    let (old, new) = (key("example.com/log"), key("example.com/log"));
    let mut caller = Caller::with(fs.clone(), builder(&fs).signing_key(old.clone()).open().unwrap());
    caller.deliver(3);
    caller.sink.seal().unwrap();
    drop(caller);
    let error = builder(&fs).signing_key(new.clone()).open().unwrap_err();
    assert!(error.to_string().contains("retiring_key"), "{error}");
    let error = builder(&fs).open().unwrap_err();
    assert!(error.to_string().contains("no signing key is given"), "{error}");

    let both = builder(&fs)
        .signing_key(new.clone())
        .retiring_key(old.clone())
        .open()
        .unwrap();
    let mut caller = Caller::with(fs.clone(), both);
    let events = caller.sink.take_events();
    let [
        FileEvent::KeyBegan {
            first: 4,
            previous: Some(_),
            ..
        },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    drop(caller);
    // It was announced, and nothing was signed by both yet: both are still needed.
    let error = builder(&fs).signing_key(new.clone()).open().unwrap_err();
    assert!(error.to_string().contains("retiring_key"), "{error}");
    let both = builder(&fs)
        .signing_key(new.clone())
        .retiring_key(old.clone())
        .open()
        .unwrap();
    let mut caller = Caller::with(fs.clone(), both);
    for _ in 0..2 {
        caller.deliver(1);
        caller.sink.seal().unwrap();
    }
    let stream = caller.sink.stream_id().to_owned();
    let (old, new_one) = (old.for_stream(&stream).unwrap(), new.for_stream(&stream).unwrap());
    let by: Vec<_> = notes(&fs)
        .iter()
        .map(|(head, note)| {
            (
                head.size,
                note.is_signed_by(old.verifier()),
                note.is_signed_by(new_one.verifier()),
            )
        })
        .collect();
    assert_eq!(by, [(3, true, false), (4, true, true), (5, true, true)]);
    drop(caller);
    assert_eq!(builder(&fs).signing_key(new).open().unwrap().sealed(), Some(5));
}

#[test]
fn a_checkpoint_of_another_key_stops_the_next_start() {
    let fs = MemFs::default();
    let (ours, theirs) = (key("example.com/log"), key("example.com/log"));
    let mut caller = Caller::with(fs.clone(), builder(&fs).signing_key(ours.clone()).open().unwrap());
    caller.deliver(3);
    let head = caller.sink.seal().unwrap().unwrap();
    let stream = caller.sink.stream_id().to_owned();
    drop(caller);
    let forged = theirs
        .for_stream(&stream)
        .unwrap()
        .sign(&head)
        .unwrap()
        .to_string();
    fs.put(&Path::new(HOME).join("checkpoint"), forged.as_bytes());
    fs.put(
        &Path::new(HOME).join("checkpoints"),
        format!("{forged}\n").as_bytes(),
    );
    let error = builder(&fs).signing_key(ours).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("not signed by the key"), "{error}");
}

#[test]
fn a_stream_written_without_a_seal_is_sealed_again_from_where_it_stood() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(10);
    caller.sink.seal().unwrap();
    drop(caller);
    let mut caller = Caller::with(fs.clone(), builder(&fs).sealed(false).open().unwrap());
    caller.deliver(10);
    caller.flush();
    assert_eq!(caller.sink.sealed(), None);
    drop(caller);
    assert_eq!(unsigned(&fs).size, 10);
    let sink = super::fault_tests::open(&fs);
    assert_eq!((sink.sealed(), unsigned(&fs).root), (Some(20), root_of(20)));
}

#[test]
fn lines_that_the_disk_lost_are_replaced_in_the_tree_as_in_the_file() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(300);
    caller.sink.seal().unwrap();
    caller.deliver(3);
    fs.fail(1, 20, Fault::Zeros);
    caller.sink.flush().unwrap_err();
    fs.heal();
    caller.flush();
    assert_eq!(caller.unconfirmed, [300..=302]);
    caller.deliver(400);
    let head = caller.sink.seal().unwrap().unwrap();
    drop(caller);
    let mut tree = Tree::new();
    for (_, line) in super::fault_tests::read(&fs) {
        tree.push(leaf_hash(&line), |_| {});
    }
    assert_eq!((head.size, head.root), (703, tree.root()));
    assert_eq!(super::fault_tests::open(&fs).sealed(), Some(703));
}

#[test]
fn every_line_of_a_delivery_has_its_leaf_also_where_segments_end_in_the_middle_of_it() {
    let fs = MemFs::default();
    let mut caller = Caller::new(fs.clone());
    caller.deliver(3);
    caller.deliver(100);
    assert!(caller.sink.segment().unwrap().first_seq > 3);
    assert_eq!(caller.sink.leaf(2), None, "the delivery before");
    for seq in 3..103 {
        assert_eq!(
            caller.sink.leaf(seq),
            Some(leaf_hash(&line(seq, time_of(seq)))),
            "{seq}"
        );
    }
}

#[test]
fn a_key_may_be_announced_any_number_of_times_before_it_signs() {
    let fs = MemFs::default();
    let (old, new) = (key("example.com/log"), key("example.com/log"));
    let mut caller = Caller::with(fs.clone(), builder(&fs).signing_key(old.clone()).open().unwrap());
    caller.deliver(3);
    caller.sink.seal().unwrap();
    drop(caller);
    for _ in 0..4 {
        let both = builder(&fs).signing_key(new.clone()).retiring_key(old.clone());
        drop(both.open().unwrap());
    }
}

#[test]
fn a_signer_that_panics_is_one_that_did_not_sign() {
    struct Panics;
    impl crate::format::Signer for Panics {
        fn public_key(&self) -> [u8; 32] {
            *key("example.com/log").verifier().bytes()
        }
        fn sign(&self, _: &[u8]) -> std::result::Result<[u8; 64], String> {
            panic!("the key service is away")
        }
    }
    let fs = MemFs::default();
    let key = SigningKey::held_by("example.com/log", Panics).unwrap();
    let mut caller = Caller::with(fs.clone(), builder(&fs).signing_key(key).open().unwrap());
    caller.deliver(3);
    for _ in 0..2 {
        let error = caller.sink.seal().unwrap_err();
        assert!(error.to_string().contains("it panicked"), "{error}");
    }
    let events = caller.sink.take_events();
    let told = events
        .iter()
        .filter(|event| matches!(event, FileEvent::NotSealed { .. }));
    assert_eq!(told.count(), 1, "told once: {events:?}");
}

#[test]
fn lines_lost_in_a_segment_that_a_start_goes_on_with_are_replaced_as_well() {
    for is_behind in [false, true] {
        let fs = MemFs::default();
        let mut caller = Caller::new(fs.clone());
        caller.deliver(3);
        let time = time_of(3);
        let close = String::from_utf8(line(3, time)).unwrap();
        let close = close.replace("test.step", "audit.close");
        caller.until_ok(|sink| sink.deliver(&[Entry::new(3, time, close.as_bytes())]).map(drop));
        caller.sink.seal().unwrap();
        drop(caller);
        let mut caller = Caller::new(fs.clone());
        assert!(caller.sink.segment().is_some(), "it goes on in the same segment");
        caller.deliver(3);
        fs.fail(1, 20, Fault::Zeros);
        if is_behind {
            caller.sink.confirm_behind(true).unwrap();
        }
        caller.sink.flush().unwrap_err();
        fs.heal();
        caller.flush();
        assert_eq!(caller.unconfirmed, [4..=6]);
        caller.deliver(4);
        caller.sink.seal().unwrap();
        drop(caller);
        let numbers: Vec<u64> = super::fault_tests::read(&fs).into_keys().collect();
        assert_eq!(
            numbers,
            (0..11).collect::<Vec<_>>(),
            "gap records have their numbers"
        );
        assert_eq!(super::fault_tests::open(&fs).sealed(), Some(11));
    }
}
