//! The stages of a test run: each is announced, timed and remembered.

use std::ops::Add;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// How many tests have passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u32,
    pub(super) failed: u32,
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// A test run.
pub(super) struct Stages {
    /// Only stages whose names contain this are run.
    only: Option<String>,
    began: Instant,
    done: Vec<Done>,
    tally: Tally,
}

struct Done {
    name: String,
    took: Duration,
    passed: bool,
}

impl Stages {
    pub(super) fn begin(only: Option<String>) -> Self {
        Self { only, began: Instant::now(), done: Vec::new(), tally: Tally::default() }
    }

    /// Runs a stage, and says whether it passed.
    pub(super) fn run(&mut self, name: &str, stage: impl FnOnce() -> Result<()>) -> bool {
        self.test(name, || stage().map(|()| Tally::default()))
    }

    /// Runs a stage that counts tests.
    pub(super) fn test(&mut self, name: &str, stage: impl FnOnce() -> Result<Tally>) -> bool {
        if self.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            return true;
        }
        println!("\n==> [{}] {name}", clock(self.began.elapsed()));
        let began = Instant::now();
        let outcome = stage();
        let passed = match outcome {
            Ok(tally) => {
                self.tally = self.tally + tally;
                tally.failed == 0
            }
            Err(error) => {
                eprintln!("error: {error:#}");
                false
            }
        };
        let took = began.elapsed();
        println!("<== {} {name} in {}", if passed { "passed" } else { "FAILED" }, clock(took));
        self.done.push(Done { name: name.to_owned(), took, passed });
        passed
    }

    /// Tells how everything went, in a table and a closing line; true if nothing failed.
    /// An error if no stage has the name that was asked for.
    pub(super) fn tell(&self) -> Result<bool> {
        ensure!(
            !self.done.is_empty(),
            "no stage has {} in its name",
            self.only.as_deref().unwrap_or_default()
        );
        println!();
        for Done { name, took, passed } in &self.done {
            println!("{:>8}  {}  {name}", clock(*took), if *passed { "passed" } else { "FAILED" });
        }
        let Tally { passed, failed } = self.tally;
        let broken = self.done.iter().filter(|stage| !stage.passed).count();
        println!(
            "\n{passed} tests passed, {failed} failed; {} stages passed, {broken} failed; {}",
            self.done.len() - broken,
            clock(self.began.elapsed())
        );
        Ok(broken == 0)
    }
}

fn clock(time: Duration) -> String {
    format!("{}:{:04.1}", time.as_secs() / 60, time.as_secs_f64() % 60.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_stage_and_a_failed_test_both_fail_the_run() {
        let mut stages = Stages::begin(None);
        assert!(stages.run("good", || Ok(())));
        assert!(stages.tell().unwrap());
        assert!(!stages.test("a failed test", || Ok(Tally { passed: 1, failed: 1 })));
        assert!(!stages.run("broken", || anyhow::bail!("no")));
        assert!(!stages.tell().unwrap());
    }

    #[test]
    fn only_the_stage_that_was_asked_for_runs() {
        let mut stages = Stages::begin(Some("lint".to_owned()));
        assert!(stages.run("format", || anyhow::bail!("not asked for")));
        assert!(stages.tell().is_err(), "nothing has run");
        assert!(!stages.run("lints", || anyhow::bail!("asked for")));
        assert!(!stages.tell().unwrap());
    }

    #[test]
    fn time_is_told_in_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_millis(61_250)), "1:01.2");
    }
}
