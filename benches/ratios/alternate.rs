//! Wall times of whole processes, measured alternately, so that other load on the machine affects all of them.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

/// The median wall time of each command in milliseconds. A command ends with the exit code that it has here.
pub(crate) fn medians(commands: &[(&str, &[&str], i32)], runs: usize) -> Vec<f64> {
    let mut times: Vec<_> = commands.iter().map(|_| Vec::with_capacity(runs)).collect();
    for _ in 0..runs {
        for ((program, args, exit), times) in commands.iter().zip(&mut times) {
            let start = Instant::now();
            let status = Command::new(program).args(*args).stdout(Stdio::null()).status().expect("the program starts");
            times.push(start.elapsed());
            assert_eq!(status.code(), Some(*exit), "{program} {args:?}");
        }
    }
    let median = |mut times: Vec<std::time::Duration>| {
        times.sort();
        times[runs / 2].as_secs_f64() * 1e3
    };
    times.into_iter().map(median).collect()
}
