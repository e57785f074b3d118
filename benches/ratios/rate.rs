//! Rates: operations per second.

use std::{
    thread,
    time::{Duration, Instant},
};

/// The duration of one turn.
const TURN: Duration = Duration::from_millis(100);
/// The number of turns for each measured function.
const TURNS: usize = 30;

/// Calls per second, over this time span.
pub(crate) fn of(span: Duration, mut work: impl FnMut()) -> f64 {
    let (start, mut done) = (Instant::now(), 0_u64);
    while start.elapsed() < span {
        (0..32).for_each(|_| work());
        done += 32;
    }
    done as f64 / start.elapsed().as_secs_f64()
}

/// Calls per second of two functions in alternating turns, so that other load on the machine affects both. The result
/// is the median turn of each.
pub(crate) fn of_both(mut one: impl FnMut(), mut other: impl FnMut()) -> (f64, f64) {
    let (mut ones, mut others) = (Vec::with_capacity(TURNS), Vec::with_capacity(TURNS));
    for _ in 0..TURNS {
        ones.push(of(TURN, &mut one));
        others.push(of(TURN, &mut other));
    }
    (median(ones), median(others))
}

/// Calls per second on this number of threads at once; the median turn.
pub(crate) fn of_threads(threads: usize, work: impl Fn() + Sync) -> f64 {
    let turn = || {
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| of(TURN, &work))).collect();
            running.into_iter().map(|thread| thread.join().expect("the measured thread does not panic")).sum()
        })
    };
    median((0..TURNS).map(|_| turn()).collect())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
