//! Measures HookedWorkloads run by our operator beside Deployments run by the controller manager that Kubernetes ships:
//! each on a control plane of its own, in turn, with nothing else there. `cargo xtask bench control-plane` builds what
//! this needs and runs it; docs/performance.md tells what the figures mean.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod contender;
mod controller;
mod figures;
mod finalizers;
mod install;
mod requests;
mod scenario;
mod stage;
mod store;
mod table;
mod units;
mod warm_up;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use hooked_cluster::ControlPlane;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use contender::Contender;
use controller::OperatorSettings;
use figures::Run;
use scenario::{Pace, Scenario};

/// Measures HookedWorkloads beside Deployments.
#[derive(Parser)]
struct Options {
    /// The operator: any build of hooked-controller.
    #[arg(long)]
    operator: PathBuf,
    /// What to measure, and of which size: workloads x Pods of each.
    #[arg(long = "scenario", value_name = "NAME:WORKLOADSxPODS", default_values = scenario::DEFAULTS)]
    scenarios: Vec<Scenario>,
    /// Whom to measure; everyone if absent. Ratios are to the first.
    #[arg(long = "contender", value_enum)]
    contenders: Vec<Contender>,
    /// How often everyone runs; every second round in the opposite order.
    #[arg(long, default_value_t = 2)]
    rounds: u32,
    /// Have the runner come to Pods by image volumes, with nodes that mount them, and not by an init container.
    #[arg(long)]
    image_volumes: bool,
    /// How many hooks fail a second in a storm.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    storm_rate: u32,
    /// For how many seconds they do.
    #[arg(long, default_value_t = 60)]
    storm_seconds: u32,
    /// Write every run and the medians to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = measure(&options) => done,
        // What was started ends with its owner.
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("asked to stop"),
    }
}

async fn measure(options: &Options) -> Result<()> {
    let program = options.operator.canonicalize();
    let program = program.with_context(|| format!("there is no operator {}", options.operator.display()))?;
    let [live_port] = ControlPlane::free_ports()?;
    let operator = OperatorSettings { program, has_image_volumes: options.image_volumes, live_port };
    let pace = Pace { rate: options.storm_rate, seconds: options.storm_seconds };
    let contenders = match &*options.contenders {
        [] => Contender::value_variants().to_vec(),
        named => named.to_vec(),
    };
    let mut runs = Vec::new();
    for scenario in &options.scenarios {
        for round in 1..=options.rounds {
            let mut order = contenders.clone();
            if round % 2 == 0 {
                order.reverse();
            }
            for contender in order {
                let what = format!("{scenario}, round {round}, {contender}");
                let figures = scenario.run(contender, &operator, pace).await.with_context(|| what.clone())?;
                let told: Vec<String> =
                    figures.0.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
                eprintln!("{what}: {}", told.join(", "));
                runs.push(Run { scenario: *scenario, contender, round, figures });
                write(options, &runs)?;
            }
        }
    }
    println!("{}", table::table(&figures::rows(&runs), &contenders));
    Ok(())
}

/// After each run, since the next one may fail.
fn write(options: &Options, runs: &[Run]) -> Result<()> {
    let Some(file) = &options.json else { return Ok(()) };
    let told: Vec<Value> = runs
        .iter()
        .map(|run| {
            let figures: serde_json::Map<String, Value> =
                run.figures.0.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            json!({
                "scenario": run.scenario.to_string(), "contender": run.contender.to_string(), "round": run.round,
                "figures": figures,
            })
        })
        .collect();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let all = json!({
        "processors": processors, "imageVolumes": options.image_volumes, "runs": told,
        "medians": figures::rows(runs),
    });
    std::fs::write(file, serde_json::to_vec_pretty(&all)?)
        .with_context(|| format!("cannot write {}", file.display()))
}
