//! `cargo xtask simulate`: operators live through random worlds, and what must hold is checked at every step.

use anyhow::{Result, ensure};
use clap::Args;

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
        Self { seeds: None, minutes: None, seed: None, from: 1, script: None, verbose: false, all: false }
    }
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Options { seeds, minutes, seed, from, script, verbose, all } = options;
    let mut words = vec!["--from".to_owned(), from.to_string()];
    match (script, seed, seeds) {
        (Some(file), ..) => words.extend(["--script".to_owned(), file.clone()]),
        (None, Some(seed), _) => words.extend(["--seed".to_owned(), seed.to_string()]),
        (None, None, Some(seeds)) => words.extend(["--seeds".to_owned(), seeds.to_string()]),
        (None, None, None) => words.extend(["--minutes".to_owned(), minutes.unwrap_or(1.0).to_string()]),
    }
    words.extend(all.then(|| "--all".to_owned()));
    words.extend(verbose.then(|| "--verbose".to_owned()));
    let build = ["run", "--quiet", "--release", "--package", "hooked-simulation", "--bin", "simulate", "--"];
    let status = cargo::command(&build)?.args(words).status()?;
    ensure!(status.success(), "something happened that must not");
    Ok(())
}
