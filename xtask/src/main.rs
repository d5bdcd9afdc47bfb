//! The project's commands: `cargo xtask demo | test | cluster | image | generate | record | release | draw | bench |
//! simulate | tidy | upgrade-test`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod bench;
mod cluster;
mod demo;
mod draw;
mod generate;
mod helm;
mod image;
mod install;
mod kubectl;
mod output;
mod prometheus;
mod record;
mod release;
mod simulate;
mod test;
mod tidy;
mod upgrade;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Hooked's development commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the main job, from nothing: a cluster, the operator, workloads with hooks, and what became of them.
    Demo(demo::Options),
    /// Measure, side by side with the alternative.
    #[command(subcommand)]
    Bench(bench::Subject),
    /// Start, stop and use the embedded Kubernetes cluster.
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Draw the dashboards with Grafana's own components, for docs/pictures.
    Draw(draw::Options),
    /// Write the files that follow from the code: the definition in config/crd, the table of reasons in docs/reference.
    Generate(generate::Options),
    /// Build the operator's container image, without a container engine.
    Image(image::Options),
    /// Make all that a release page holds: image, chart, manifests, plugin, checksums, signature.
    Release(release::Options),
    /// Record anew what a real kubelet shows of Pods with hooks: the fixtures of inference.
    Record(record::Options),
    /// Have operators live through random worlds with faults, in memory, and check every step.
    Simulate(simulate::Options),
    /// Test everything: format, lints, unit tests, generated files, dependencies, and scenarios on a real cluster.
    Test(test::Options),
    /// Hold what no compiler holds: who may write what, how large things are, and who imports whom.
    Tidy,
    /// Upgrade from the release before this one, with workloads that live, and look whether anything is lost.
    UpgradeTest(upgrade::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(options) => demo::run(options),
        Command::Bench(subject) => bench::run(&subject),
        Command::Cluster(command) => cluster::run(command),
        Command::Draw(options) => draw::run(&options),
        Command::Generate(options) => generate::run(&options),
        Command::Image(options) => image::run(&options),
        Command::Release(options) => release::run(&options),
        Command::Record(options) => record::run(&options),
        Command::Simulate(options) => simulate::run(&options),
        Command::Test(options) => test::run(options),
        Command::Tidy => tidy::run(),
        Command::UpgradeTest(options) => upgrade::run(&options),
    };
    // One line with all its causes: a backtrace tells a user nothing.
    done.map_or_else(
        |error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}
