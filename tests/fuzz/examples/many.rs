//! Runs a fuzz target on random bytes, without a fuzzer:
//!
//! ```sh
//! cargo run --release --manifest-path tests/fuzz/Cargo.toml --example many -- room_model 2000000
//! ```
//!
//! The runs are numbered, and are the same each time that the program runs. A third argument is the number of
//! the first run, and a fourth the length of the longest input in bytes. A failure names its run.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use signalbox_fuzz::random::Random;
use signalbox_fuzz::targets::ALL;

/// The length of the longest input, in bytes, if no argument sets it. Most inputs are shorter: more runs in the same
/// time are worth more than long runs.
const LONGEST: u64 = 400;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| args.get(at).map_or(default, |text| text.parse().ok());
    let named = |name: &String| ALL.iter().find(|(known, _)| known == name);
    let (Some((name, target)), Some(runs), Some(first), Some(longest @ 1..)) = (
        args.first().and_then(named),
        number(1, None),
        number(2, Some(0)),
        number(3, Some(LONGEST)),
    ) else {
        let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
        eprintln!(
            "usage: many TARGET RUNS [FIRST [LONGEST]]\ntargets: {}",
            names.join(", ")
        );
        return ExitCode::from(2);
    };
    let last = first.saturating_add(runs);
    let run = Cell::new(first);
    let done = catch_unwind(AssertUnwindSafe(|| {
        while run.get() < last {
            let mut random = Random::new(run.get());
            let len = random.next() % (1 + random.next() % longest) + 1;
            target(&random.bytes(usize::try_from(len).unwrap_or_default()));
            run.set(run.get() + 1);
            if run.get().is_multiple_of(100_000) {
                eprintln!("{name}: {} runs", run.get() - first);
            }
        }
    }));
    if done.is_err() {
        eprintln!("{name}: run {} failed", run.get());
        return ExitCode::FAILURE;
    }
    println!("{name}: {runs} runs, none failed");
    ExitCode::SUCCESS
}
