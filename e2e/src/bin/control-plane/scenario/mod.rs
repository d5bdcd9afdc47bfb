//! What is measured, and of which size.

mod create;
mod events;
mod restart;
mod run;
mod storm;

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};

use crate::contender::Contender;
use crate::controller::OperatorSettings;
use crate::figures::Figures;
use crate::stage::Stage;

/// A scenario and its size, written as `create:20x1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scenario {
    kind: Kind,
    workloads: u32,
    /// Of each workload.
    pods: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Pods are made, are there for a moment, and are deleted. No node takes them.
    Create,
    /// Pods come to nodes, are replaced by those of another template, and stop.
    Run,
    /// Nothing happens for a minute; then the controller is killed and started.
    Restart,
    /// Somebody changes the status of one Pod after the other.
    Events,
    /// Hooks fail as fast as they can be shown to.
    Storm,
}

/// How many hooks fail a second, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) rate: u32,
    pub(crate) seconds: u32,
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Create, "create"),
    (Kind::Run, "run"),
    (Kind::Restart, "restart"),
    (Kind::Events, "events"),
    (Kind::Storm, "storm"),
];

/// What is measured unless it is said.
pub(crate) const DEFAULTS: [&str; 10] = [
    "create:1x1000",
    "create:20x1000",
    "create:200x10",
    "run:1x1000",
    "restart:20x1000",
    "events:1x100",
    "events:1x1000",
    "events:1x5000",
    "events:1x10000",
    "storm:1x500",
];

impl Scenario {
    /// Measures one contender once, from nothing.
    pub(crate) async fn run(
        self,
        contender: Contender,
        operator: &OperatorSettings,
        pace: Pace,
    ) -> Result<Figures> {
        let Self { kind, workloads, pods } = self;
        let nodes = (kind == Kind::Run).then(|| run::nodes(workloads, pods));
        let mut stage = Stage::prepare(contender, operator, nodes).await?;
        match kind {
            Kind::Create => create::run(&mut stage, workloads, pods).await,
            Kind::Run => run::run(&mut stage, workloads, pods).await,
            Kind::Restart => restart::run(&mut stage, workloads, pods).await,
            Kind::Events => events::run(&mut stage, workloads, pods).await,
            Kind::Storm => storm::run(&mut stage, workloads, pods, pace).await,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(kind, _)| *kind == self.kind).map_or("", |(_, name)| name);
        write!(to, "{name}:{}x{}", self.workloads, self.pods)
    }
}

impl FromStr for Scenario {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, size) = text.split_once(':').context("a scenario is written as create:20x1000")?;
        let (workloads, pods) = size.split_once('x').context("a size is written as 20x1000")?;
        let Some((kind, _)) = KINDS.iter().find(|(_, known)| *known == name) else {
            let known: Vec<&str> = KINDS.iter().map(|(_, name)| *name).collect();
            bail!("there is no scenario {name}, but {}", known.join(", "));
        };
        Ok(Self { kind: *kind, workloads: workloads.parse()?, pods: pods.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_read_as_it_is_written() {
        for text in DEFAULTS {
            assert_eq!(text.parse::<Scenario>().unwrap().to_string(), text);
        }
        for text in ["create", "create:20", "fly:1x1", "create:ax1"] {
            assert!(text.parse::<Scenario>().is_err(), "{text}");
        }
    }
}
