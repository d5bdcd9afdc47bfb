//! The mutation gate: bugs are put into the core, one at a time, and random worlds must find them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hooked_core::mutation::{Mutation, mutate};
use hooked_core::pass::Locked;
use hooked_simulation::world::{Script, Violation, shrink};

/// Of a hundred mutations, how many must be found.
const MUST_FIND: usize = 95;

/// A mutation that was found.
struct Found {
    /// The seed whose world has found it, of all from 1 on.
    seed: u64,
    /// The requests and watch events until then.
    steps: u64,
    /// The invariant that was violated.
    invariant: &'static str,
    /// The shortest script that shows it.
    short: Script,
}

/// What came of a mutation.
struct Row {
    mutation: Mutation,
    found: Option<Found>,
}

/// Looks for each mutation for so long at most, writes the shortest script that finds it into `folder`, and prints
/// a table. True if enough are found.
pub(crate) fn search(folder: &Path, time: Duration, only: Option<&str>, threads: usize) -> bool {
    let wanted = Mutation::ALL.iter().copied();
    let wanted = wanted.filter(|mutation| only.is_none_or(|only| mutation.name().contains(only)));
    let (left, rows) = (Locked::new(wanted.collect::<Vec<_>>()), Locked::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    // The lock is not held while it is looked for.
                    let Some(mutation) = left.lock().pop() else { break };
                    let row = Row { mutation, found: find(mutation, time) };
                    println!("{}", line(&row));
                    keep(folder, &row);
                    rows.lock().push(row);
                }
            });
        }
    });
    let rows = rows.lock();
    let found = rows.iter().filter(|row| row.found.is_some()).count();
    println!("{found} of {} mutations are found", rows.len());
    are_enough(found, rows.len())
}

fn are_enough(found: usize, all: usize) -> bool {
    found * 100 >= all * MUST_FIND
}

fn find(mutation: Mutation, time: Duration) -> Option<Found> {
    mutate(Some(mutation));
    let (began, mut steps, mut seed) = (Instant::now(), 0, 0);
    while began.elapsed() < time {
        seed += 1;
        let (script, outcome) = Script::of_seed(seed);
        steps += outcome.steps;
        if let Some(Violation { invariant, .. }) = outcome.violation {
            let short = shrink(&script, invariant);
            return Some(Found { seed, steps, invariant, short });
        }
    }
    None
}

/// A row of the table in docs/reliability.md.
fn line(row: &Row) -> String {
    let Row { mutation, found } = row;
    let (name, says) = (mutation.name(), mutation.says());
    match found {
        Some(Found { seed, steps, invariant, short }) => {
            format!("| `{name}` | {says} | `{invariant}` | {seed} | {steps} | {} |", short.turns.len())
        }
        None => format!("| `{name}` | {says} | not found | | | |"),
    }
}

fn keep(folder: &Path, row: &Row) {
    let file = path(folder, row.mutation);
    // A script that was kept before may still find it: that is replayed with every test.
    let Some(found) = &row.found else { return };
    let text = format!("# {} Violates: {}.\n{}", row.mutation.says(), found.invariant, found.short.to_text());
    if let Err(error) = std::fs::write(&file, text) {
        println!("{}: {error}", file.display());
    }
}

/// Replays the script of each mutation: with the mutation it must end badly, and well without. True if all do, and if
/// there are enough.
pub(crate) fn replay(folder: &Path) -> bool {
    let faults: Vec<String> = Mutation::ALL.iter().filter_map(|mutation| fault(folder, *mutation)).collect();
    for fault in &faults {
        println!("{fault}");
    }
    let all = Mutation::ALL.len();
    let kept = Mutation::ALL.iter().filter(|mutation| path(folder, **mutation).exists()).count();
    let found = kept - faults.len();
    println!("{found} of {all} mutations are found, each by the shortest script that was");
    faults.is_empty() && are_enough(found, all)
}

fn path(folder: &Path, mutation: Mutation) -> PathBuf {
    folder.join(format!("{}.txt", mutation.name()))
}

/// What is wrong with the script of a mutation, if it has one.
fn fault(folder: &Path, mutation: Mutation) -> Option<String> {
    let file = path(folder, mutation);
    if !file.exists() {
        return None;
    }
    let text = std::fs::read_to_string(&file).map_err(|error| error.to_string());
    let script = text.and_then(|text| Script::of_text(&text).map_err(|error| error.to_string()));
    let script = match script {
        Ok(script) => script,
        Err(error) => return Some(format!("{}: {error}", file.display())),
    };
    mutate(Some(mutation));
    let with = script.run().violation;
    mutate(None);
    let without = script.run().violation;
    match (with, without) {
        (Some(_), None) => None,
        (None, _) => {
            Some(format!("{} finds its mutation no longer: look for another script", file.display()))
        }
        (_, Some(Violation { invariant, what })) => {
            Some(format!("{} ends badly without its mutation: {invariant}: {what}", file.display()))
        }
    }
}
