//! The file sink over a simulated disk, from a seed: lives that end by a kill or a power failure, which leaves any part of
//! what was not confirmed, with failing calls in between. What was acknowledged is there, once, without a hole; what is
//! gone, a record says. Alone, and two streams on one disk.
//!
//! A test of the usual size runs 5,000 seeds; with `TRACING_AUDIT_FULL` it is 500,000. What fails prints its seed;
//! `TRACING_AUDIT_SEED` runs that one alone.

use rand::RngExt as _;

use super::planted::{BUGS, Bug, Planted};
use super::simulation::World;

/// Two streams on one disk: each has its own process perhaps, and the power fails for both.
fn simulate_two(seed: u64) -> Result<(), String> {
    let fs = Planted::new(None);
    let streams = [(seed, "main"), (!seed, "side")];
    let mut worlds = streams.map(|(seed, stream)| World::new(seed, fs.clone(), stream));
    let mut story = Vec::new();
    let lived = live_two(&mut worlds, &mut story);
    lived.map_err(|why| {
        format!(
            "{}\nTRACING_AUDIT_SEED={seed}, two streams: {why}",
            story.join("\n")
        )
    })
}

fn live_two(worlds: &mut [World; 2], story: &mut Vec<String>) -> Result<(), String> {
    let mut each = |worlds: &mut [World; 2], deed: fn(&mut World) -> Result<(), String>| {
        worlds.iter_mut().try_for_each(|world| {
            let done = deed(world);
            story.append(&mut world.story);
            done
        })
    };
    each(worlds, World::open)?;
    for _ in 0..worlds[0].random.random_range(15..50) {
        let number = worlds[0].random.random_range(0..20);
        if number == 19 {
            each(worlds, World::leave)?;
            worlds[0].power();
            for world in &mut *worlds {
                world.wake();
            }
            if worlds[0].random.random_bool(0.3) {
                worlds[0].fault();
            }
            same_zeros(worlds);
            each(worlds, World::open)?;
            continue;
        }
        let at = worlds[0].random.random_range(0..2);
        let done = worlds[at].step_below(number);
        same_zeros(worlds);
        each(worlds, |_| Ok(()))?;
        done?;
    }
    worlds[0].fs.disk.heal();
    each(worlds, World::last)
}

/// A fault that one of them asked for can meet the other.
fn same_zeros(worlds: &mut [World; 2]) {
    let has_zeros = worlds.iter().any(|world| world.has_zeros);
    worlds.iter_mut().for_each(|world| world.has_zeros = has_zeros);
}

fn simulate(seed: u64, bug: Option<Bug>) -> Result<(), String> {
    let mut world = World::new(seed, Planted::new(bug), "main");
    let lived = world.live();
    lived.map_err(|why| format!("{}\nTRACING_AUDIT_SEED={seed}: {why}", world.story.join("\n")))
}

/// Runs the seed that is named, or so many.
fn seeds(usual: u64, full: u64, simulate: impl Fn(u64) -> Result<(), String>) {
    let named = std::env::var("TRACING_AUDIT_SEED").ok();
    if let Some(seed) = named.and_then(|seed| seed.parse().ok()) {
        return simulate(seed).unwrap_or_else(|why| panic!("{why}"));
    }
    let is_full = std::env::var_os("TRACING_AUDIT_FULL").is_some();
    for seed in 0..if is_full { full } else { usual } {
        if let Err(why) = simulate(seed) {
            panic!("{why}");
        }
    }
}

#[test]
fn on_a_disk_that_tears_loses_and_reorders_what_was_not_confirmed_nothing_acknowledged_is_lost() {
    seeds(5_000, 500_000, |seed| simulate(seed, None));
}

#[test]
fn of_two_streams_on_a_disk_that_tears_and_fails_neither_loses_what_was_acknowledged() {
    seeds(1_500, 100_000, simulate_two);
}

/// Each of them found what none before it did.
#[test]
fn seeds_that_failed_once_do_not_again() {
    for (seed, why) in [
        (
            9_881,
            "a start whose sync failed had the system forget lines that the next one sealed",
        ),
        (
            74_452,
            "of a segment that was removed, a line with zeros was taken for the tree",
        ),
    ] {
        simulate(seed, None).unwrap_or_else(|told| panic!("{why}:\n{told}"));
    }
    simulate_two(9_166).unwrap_or_else(|told| panic!("{told}"));
}

#[test]
fn every_planted_bug_is_caught_by_the_simulation() {
    let mut missed = Vec::new();
    for bug in BUGS {
        let caught = (0..2_000).find_map(|seed| {
            if simulate(seed, None).is_err() {
                return None;
            }
            // A sink that is misled may also stop with a panic of the disk's.
            let told = std::panic::catch_unwind(|| simulate(seed, Some(bug)));
            match told {
                Ok(Ok(())) => None,
                Ok(Err(why)) => Some(why),
                Err(_) => Some(format!("TRACING_AUDIT_SEED={seed}: a panic")),
            }
        });
        match caught {
            Some(why) => println!("{bug:?}: {}", why.lines().last().unwrap_or_default()),
            None => missed.push(bug),
        }
    }
    assert_eq!(missed, [], "not caught");
}
