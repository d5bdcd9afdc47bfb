//! A script: operators and turns, as a seed makes them or as a file has them.

use std::fmt::Write;

use super::generate::Generator;
use super::{NoTurn, Rng, Turn, Violation, World};

/// What happens in a world, from its beginning until faults stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// How many operators there are.
    pub operators: usize,
    /// What happens.
    pub turns: Vec<Turn>,
}

/// What came of a world.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Requests and watch events.
    pub steps: u64,
    /// Turns, also those until all is at rest, in which often only time passes.
    pub turns: u64,
    /// What must not be, if anything was.
    pub violation: Option<Violation>,
}

impl Script {
    /// What a seed makes, as far as nothing was violated; and what came of it.
    pub fn of_seed(seed: u64) -> (Self, Outcome) {
        let operators = 2 + Rng::new(!seed).below(2) as usize;
        let (mut world, mut generator) = (World::new(operators), Generator::new(seed));
        let mut turns = Vec::new();
        let mut violation = None;
        while let Some(turn) = generator.next(&world) {
            turns.push(turn);
            violation = world.take(&turn).err();
            if violation.is_some() {
                break;
            }
        }
        let violation = violation.or_else(|| world.settle().err());
        (Self { operators, turns }, Outcome { steps: world.steps, turns: world.turns, violation })
    }

    /// Has it happen again.
    pub fn run(&self) -> Outcome {
        let mut world = World::new(self.operators);
        let violation = self.turns.iter().find_map(|turn| world.take(turn).err());
        let violation = violation.or_else(|| world.settle().err());
        Outcome { steps: world.steps, turns: world.turns, violation }
    }

    /// Has it happen again, and returns what happened in words.
    pub fn tell(&self) -> Vec<String> {
        let mut world = World::new(self.operators);
        world.tell();
        let violation = self.turns.iter().find_map(|turn| world.take(turn).err());
        let violation = violation.or_else(|| world.settle().err());
        let end = violation.map(|Violation { invariant, what }| format!("{invariant}: {what}"));
        world.story().iter().cloned().chain(end).collect()
    }

    /// The script as a file has it, a turn a line; what follows a `#` is a comment.
    pub fn to_text(&self) -> String {
        let mut text = format!("operators {}\n", self.operators);
        for turn in &self.turns {
            // Writing into a String never fails.
            let _ = writeln!(text, "{turn}");
        }
        text
    }

    /// Reads a file.
    pub fn of_text(text: &str) -> Result<Self, NoTurn> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let mut script = Self { operators: 2, turns: Vec::new() };
        for line in lines.filter(|line| !line.is_empty()) {
            match line.strip_prefix("operators ").and_then(|count| count.parse().ok()) {
                Some(operators) => script.operators = operators,
                None => script.turns.push(line.parse()?),
            }
        }
        Ok(script)
    }
}
