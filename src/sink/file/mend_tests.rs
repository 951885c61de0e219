//! Tiles that are made again, and those that are not.

use std::path::Path;

use super::fault_tests::{Caller, HOME};
use super::memfs::MemFs;

/// A sealed stream of 1,500 lines, closed.
fn long(fs: &MemFs) -> Caller {
    let mut caller = Caller::new(fs.clone());
    for _ in 0..15 {
        caller.deliver(100);
    }
    caller.sink.seal().unwrap();
    caller
}

#[test]
fn a_tile_in_the_middle_that_a_power_failure_took_is_made_again_by_the_next_start() {
    let fs = MemFs::default();
    drop(long(&fs));
    let tile = |index: u64| Path::new(HOME).join(format!("tile/0/{index:03}"));
    let whole: Vec<_> = (0..5).map(|index| fs.get(&tile(index))).collect();
    for lost in [vec![1], vec![0, 3], vec![4]] {
        for index in &lost {
            fs.put(&tile(*index), b"");
        }
        let mut caller = Caller::new(fs.clone());
        assert!(caller.sink.opened().tiles_rebuilt, "{lost:?}");
        caller.sink.seal().unwrap();
        drop(caller);
        let now: Vec<_> = (0..5).map(|index| fs.get(&tile(index))).collect();
        assert_eq!(now, whole, "{lost:?}");
    }
    assert!(!super::fault_tests::open(&fs).opened().tiles_rebuilt);
}

#[test]
fn a_tile_is_not_made_again_from_lines_that_are_not_those_that_were_sealed() {
    let fs = MemFs::default();
    let path = long(&fs).sink.segment.as_ref().unwrap().path.clone();
    let text = String::from_utf8(fs.get(&path)).unwrap();
    fs.put(&path, text.replacen("test.step", "test.stop", 1).as_bytes());
    let tile = Path::new(HOME).join("tile/0/004");
    fs.put(&tile, b"");
    let mut caller = Caller::new(fs.clone());
    assert!(!caller.sink.opened().tiles_rebuilt);
    caller.deliver(1);
    caller.sink.seal().unwrap();
    assert_eq!(fs.get(&tile), b"");
}
