//! Runs a fuzz target on random bytes, without a fuzzer:
//!
//! ```sh
//! cargo run --release --manifest-path tests/fuzz/Cargo.toml --example many -- room_model 2000000
//! ```
//!
//! The runs are numbered, and are the same each time that the program runs. A third argument is the number of
//! the first run. A failure names its run.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use signalbox_fuzz::random::Random;
use signalbox_fuzz::targets::ALL;

/// The longest input, in bytes. Most are shorter: more runs in the same time are worth more than long runs.
const LONGEST: u64 = 400;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args.get(at).and_then(|text| text.parse().ok());
    let named = |name: &String| ALL.iter().find(|(known, _)| known == name);
    let (Some((name, target)), Some(runs)) = (args.first().and_then(named), number(1)) else {
        let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: many TARGET RUNS [FIRST]\ntargets: {}", names.join(", "));
        return ExitCode::from(2);
    };
    let first: u64 = number(2).unwrap_or_default();
    let last = first.saturating_add(runs);
    let run = Cell::new(first);
    let done = catch_unwind(AssertUnwindSafe(|| {
        while run.get() < last {
            let mut random = Random::new(run.get());
            let len = random.next() % LONGEST.min(1 + random.next() % LONGEST) + 1;
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
