//! `cargo xtask simulate`: operators live through random worlds, and what must hold is checked at every step.

use anyhow::{Result, ensure};
use clap::Args;

use crate::image;
use crate::test::cargo;

/// Which worlds.
#[derive(Args)]
pub(crate) struct Options {
    /// That many seeds.
    #[arg(long, value_name = "N", conflicts_with_all = ["minutes", "seed"])]
    seeds: Option<u64>,
    /// For that long; a minute if nothing else is said.
    #[arg(long, value_name = "M", conflicts_with = "seed")]
    minutes: Option<f64>,
    /// Just this one, again.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// A script, as a failure prints it and as simulation/histories has them.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "minutes", "seed"])]
    script: Option<String>,
    /// Put bugs into the core, one at a time, and look for each for so many minutes as are said.
    #[arg(long, conflicts_with_all = ["seeds", "seed", "script"])]
    mutations: bool,
    /// Only those mutations whose names contain this.
    #[arg(long, value_name = "NAME", requires = "mutations")]
    only: Option<String>,
    /// Tell all that happens in a script, or in a seed that fails.
    #[arg(long)]
    verbose: bool,
    /// Go on after a failure.
    #[arg(long)]
    all: bool,
}

impl Options {
    /// So many seeds, from the first: the same ones on every machine, however fast it is.
    pub(crate) fn of_seeds(seeds: u64) -> Self {
        Self { seeds: Some(seeds), ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seeds: None,
            minutes: None,
            seed: None,
            from: 1,
            script: None,
            mutations: false,
            only: None,
            verbose: false,
            all: false,
        }
    }
}

/// Where the shortest script is that finds each mutation.
const MUTATIONS: &str = "simulation/mutations";

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Options { seeds, minutes, seed, from, script, mutations, only, verbose, all } = options;
    let mut words = Vec::new();
    let mut say = |option: &str, value: &dyn ToString| words.extend([option.to_owned(), value.to_string()]);
    match (script, seed, seeds) {
        (Some(file), ..) => say("--script", file),
        (None, Some(seed), _) => say("--seed", seed),
        (None, None, Some(seeds)) => say("--seeds", seeds),
        (None, None, None) => say("--minutes", &minutes.unwrap_or(1.0)),
    }
    if seed.is_none() {
        say("--from", from);
    }
    if *mutations {
        say("--mutations", &folder()?);
    }
    if let Some(only) = only {
        say("--only", only);
    }
    words.extend(all.then(|| "--all".to_owned()));
    words.extend(verbose.then(|| "--verbose".to_owned()));
    simulate(&words)
}

/// Replays the shortest script of each mutation: the simulation still finds what it has found.
pub(crate) fn replay_mutations() -> Result<()> {
    simulate(&["--replay-mutations".to_owned(), folder()?])
}

fn folder() -> Result<String> {
    Ok(image::workspace()?.join(MUTATIONS).display().to_string())
}

fn simulate(words: &[String]) -> Result<()> {
    let build = ["run", "--quiet", "--release", "--package", "hooked-simulation"];
    let binary = ["--features", "mutations", "--bin", "simulate", "--"];
    let status = cargo::command(&[&build[..], &binary[..]].concat())?.args(words).status()?;
    ensure!(status.success(), "something happened that must not");
    Ok(())
}
