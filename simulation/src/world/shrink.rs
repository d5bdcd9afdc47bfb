//! From a script that violates an invariant to the shortest that still does.

use super::{Script, Turn};

/// Turns that all reruns of a shrink may take.
const MOST_TURNS: u64 = 1_000_000;

/// Looks for shorter scripts that violate the same invariant.
struct Shrinker {
    invariant: &'static str,
    best: Script,
    /// Turns so far.
    spent: u64,
}

/// The shortest script that was found to violate the same invariant.
pub fn shrink(script: &Script, invariant: &'static str) -> Script {
    let mut shrinker = Shrinker { invariant, best: script.clone(), spent: 0 };
    loop {
        let before = shrinker.best.clone();
        shrinker.cut();
        shrinker.calm();
        shrinker.merge();
        shrinker.hasten();
        if shrinker.best == before || shrinker.spent >= MOST_TURNS {
            return shrinker.best;
        }
    }
}

impl Shrinker {
    /// Keeps the turns if they violate the same.
    fn keeps(&mut self, turns: Vec<Turn>) -> bool {
        if self.spent >= MOST_TURNS {
            return false;
        }
        let script = Script { operators: self.best.operators, turns };
        let outcome = script.run();
        self.spent += outcome.turns;
        let keeps = outcome.violation.is_some_and(|violation| violation.invariant == self.invariant);
        if keeps {
            self.best = script;
        }
        keeps
    }

    /// Cuts out what is not needed, the largest parts first.
    fn cut(&mut self) {
        let mut size = self.best.turns.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < self.best.turns.len() {
                let mut turns = self.best.turns.clone();
                turns.drain(at..(at + size).min(turns.len()));
                if !self.keeps(turns) {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    /// Has what is next happen in the place of what was chosen.
    fn calm(&mut self) {
        for at in 0..self.best.turns.len() {
            if !matches!(self.best.turns[at], Turn::Proceed { .. }) {
                let mut turns = self.best.turns.clone();
                turns[at] = Turn::Proceed { turns: 1 };
                self.keeps(turns);
            }
        }
    }

    /// Joins neighbours of which each only proceeds.
    fn merge(&mut self) {
        let mut merged: Vec<Turn> = Vec::new();
        for turn in &self.best.turns {
            match (merged.last_mut(), turn) {
                (Some(Turn::Proceed { turns }), Turn::Proceed { turns: more }) => *turns += more,
                _ => merged.push(*turn),
            }
        }
        self.best.turns = merged;
    }

    /// Makes what proceeds shorter.
    fn hasten(&mut self) {
        for at in 0..self.best.turns.len() {
            while let Turn::Proceed { turns: long } = self.best.turns[at] {
                let mut turns = self.best.turns.clone();
                turns[at] = Turn::Proceed { turns: long / 2 };
                if long < 2 || !self.keeps(turns) {
                    break;
                }
            }
        }
    }
}
