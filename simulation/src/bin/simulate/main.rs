//! Has operators live through random worlds: `cargo xtask simulate`.
#![allow(clippy::print_stdout, reason = "a command-line tool speaks on its standard streams")]

mod mutations;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hooked_simulation::world::{Script, Violation, shrink};

/// What is asked for.
struct Options {
    /// The first seed.
    from: u64,
    /// How many seeds; none for as many as there is time for.
    seeds: Option<u64>,
    time: Duration,
    threads: usize,
    /// Go on after a failure.
    all: bool,
    /// A file with a script.
    script: Option<String>,
    shrinks: bool,
    verbose: bool,
    /// The folder with a script for each mutation, which is to be looked for.
    mutations: Option<String>,
    /// The same folder, whose scripts are to be replayed.
    replays: Option<String>,
    /// The mutations whose names contain this.
    only: Option<String>,
}

impl Options {
    fn read() -> Option<Self> {
        let day = Duration::from_secs(86_400);
        let mut options = Self {
            from: 1,
            seeds: None,
            time: day,
            threads: 2,
            all: false,
            script: None,
            shrinks: true,
            verbose: false,
            mutations: None,
            replays: None,
            only: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--verbose" => options.verbose = true,
                "--all" => options.all = true,
                "--no-shrink" => options.shrinks = false,
                "--mutations" => options.mutations = Some(words.next()?),
                "--replay-mutations" => options.replays = Some(words.next()?),
                "--only" => options.only = Some(words.next()?),
                "--script" => options.script = Some(words.next()?),
                "--seed" => (options.from, options.seeds) = (words.next()?.parse().ok()?, Some(1)),
                "--from" => options.from = words.next()?.parse().ok()?,
                "--seeds" => options.seeds = Some(words.next()?.parse().ok()?),
                "--minutes" => {
                    options.time = Duration::from_secs_f64(words.next()?.parse::<f64>().ok()? * 60.0);
                }
                "--threads" => options.threads = words.next()?.parse().ok()?,
                _ => return None,
            }
        }
        Some(options)
    }
}

fn main() -> ExitCode {
    let Some(options) = Options::read() else {
        println!(
            "usage: simulate [--seeds N | --minutes M | --seed S | --script FILE] [--from SEED] [--threads N] [--all] [--no-shrink]\n       simulate --mutations FOLDER [--minutes M] [--only NAME] | --replay-mutations FOLDER"
        );
        return ExitCode::FAILURE;
    };
    let Options { mutations, replays, script, .. } = &options;
    match (mutations, replays, script) {
        (Some(folder), ..) => {
            let only = options.only.as_deref();
            code(mutations::search(Path::new(folder), options.time, only, options.threads))
        }
        (None, Some(folder), _) => code(mutations::replay(Path::new(folder))),
        (None, None, Some(file)) => replay(file, options.verbose),
        (None, None, None) => campaign(&options),
    }
}

fn code(is_good: bool) -> ExitCode {
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(file: &str, verbose: bool) -> ExitCode {
    let script = std::fs::read_to_string(file).ok().and_then(|text| Script::of_text(&text).ok());
    let Some(script) = script else {
        println!("{file} is no script");
        return ExitCode::FAILURE;
    };
    if verbose {
        for line in script.tell() {
            println!("{line}");
        }
    }
    match script.run().violation {
        Some(Violation { invariant, what }) => {
            println!("{invariant}: {what}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn campaign(options: &Options) -> ExitCode {
    let (next, steps, failures) = (AtomicU64::new(options.from), AtomicU64::new(0), AtomicU64::new(0));
    let began = Instant::now();
    let end = options.seeds.map_or(u64::MAX, |seeds| options.from.saturating_add(seeds));
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| {
                while began.elapsed() < options.time && (options.all || failures.load(Ordering::Relaxed) == 0)
                {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let (script, outcome) = Script::of_seed(seed);
                    steps.fetch_add(outcome.steps, Ordering::Relaxed);
                    if let Some(violation) = outcome.violation {
                        failures.fetch_add(1, Ordering::Relaxed);
                        report(seed, &script, &violation, options);
                    }
                }
            });
        }
    });
    let (steps, seconds) = (steps.into_inner(), began.elapsed().as_secs_f64());
    let seeds = next.into_inner().min(end) - options.from;
    let failures = failures.into_inner();
    #[allow(clippy::cast_precision_loss, reason = "a rate of steps needs no more than a double has")]
    let rate = steps as f64 / seconds * 60.0;
    println!("{seeds} seeds, {steps} steps in {seconds:.1} s: {rate:.0} a minute; {failures} failures");
    code(failures == 0)
}

fn report(seed: u64, script: &Script, violation: &Violation, options: &Options) {
    let Violation { invariant, what } = violation;
    println!("seed {seed}: {invariant}: {what}");
    if options.verbose {
        println!("{}", script.tell().join("\n"));
    }
    if options.shrinks {
        let short = shrink(script, invariant);
        let what = short.run().violation.map(|violation| violation.what).unwrap_or_default();
        println!("  again: cargo xtask simulate --seed {seed}\n  shrunk: {what}\n{}", short.to_text());
    }
}
