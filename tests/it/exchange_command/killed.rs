//! `kill -9` at any moment leaves the old or the new file, whole, with its mode.

use std::{fs, thread, time::Instant};

use rustix::process::Signal;

use super::Watching;
use crate::{resources::World, support::other_user::mode};

/// The number of processes that are killed.
const RUNS: u64 = 30;

/// The next number of a sequence (`SplitMix64`, Steele et al. 2014).
fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[test]
fn kill_leaves_a_whole_file() {
    let world = World::new();
    let folder = world.folder.path().join("volume");
    fs::create_dir(&folder).unwrap();
    let out = folder.join("pgpass");
    let mut seed: u64 = std::env::var("FAULT_SEED").map_or(1, |seed| seed.parse().unwrap());
    let words = ["--resource", "postgres", "--format", "pgpass", "--mode", "0640"];
    let first = Instant::now();
    drop(Watching::ready(&world, &out, &words));
    // The latest moment in microseconds: after the time of a start on this machine, a refresh is over.
    let latest = u64::try_from(first.elapsed().as_micros()).unwrap() * 3 / 2;
    let (mut old, mut new) = (0, 0);
    for run in 0..RUNS {
        let started = seed;
        // The first exchange or a refresh, killed before, during or after the write of the file.
        let watching = if run % 2 == 0 {
            Watching::start(&world, &out, &words)
        } else {
            let watching = Watching::ready(&world, &out, &words);
            watching.send(Signal::HUP);
            watching
        };
        let before = watching.content();
        let (start, moment) = (Instant::now(), u128::from(random(&mut seed) % latest));
        while start.elapsed().as_micros() < moment {
            thread::yield_now();
        }
        watching.send(Signal::KILL);
        drop(watching);
        let text = fs::read_to_string(&out).unwrap();
        let mut lines = text.lines();
        assert!(lines.next().unwrap().starts_with("# issuer writes this file"), "seed {started}: {text:?}");
        let token = lines.next().unwrap().strip_prefix("*:*:*:*:").unwrap();
        assert!(world.azure.controls.tokens.find(token).is_some(), "seed {started}: {text:?}");
        assert!(lines.next().is_none() && text.ends_with('\n'), "seed {started}: {text:?}");
        assert_eq!(mode(&out), 0o640, "seed {started}, run {run}");
        *(if text == before { &mut old } else { &mut new }) += 1;
    }
    assert!(old > 0 && new > 0, "the moments are not around the write: {old} old, {new} new");
}
