//! `cargo xtask test`: everything that can be known of this tree on one machine.

pub(crate) mod cargo;
mod chart;
mod dashboards;
mod deny;
mod installations;
mod namespaces;
mod relabelling;
mod rights;
mod rules;
mod scenarios;
mod several;
mod stages;
mod tutorials;
mod uninstall;

pub(crate) use dashboards::DASHBOARDS;

use anyhow::{Result, bail};
use clap::Args;
use hooked_cluster::{Kubernetes, Target};

use crate::{generate, simulate, tidy};
use stages::Stages;

/// Worlds that are simulated: about a minute of two cores.
const SEEDS: u64 = 3000;

/// The cluster of the scenarios, so that they run beside one named `dev`.
const CLUSTER: &str = "test";

/// How to run a part, for `--help`.
const PARTS: &str = "\
One part at a time:
  cargo xtask test --unit                      all that needs no cluster
  cargo xtask test --stage lints               one stage of it: format, tidy, lints, build, unit tests, simulation, mutations,
                                               alert rules, dashboards, relabelling, installations, Helm chart,
                                               generated files, licenses (or a part of such a name)
  cargo test --package hooked-core held        unit tests of one crate whose names contain `held`
  cargo xtask test --e2e                       all scenarios, on fresh clusters
  cargo xtask test --e2e --kubernetes 1.34     the same on an older Kubernetes
  cargo xtask test --e2e scaling               the scenarios whose names contain `scaling`
  cargo xtask test --e2e stops::the_grace --keep
                                               one scenario, and the cluster stays: `eval \"$(cargo xtask cluster env --name test)\"`
                                               shows it to kubectl, `cargo xtask cluster down --name test` ends it";

/// What to test, and where.
#[derive(Args)]
#[command(after_help = PARTS)]
pub(crate) struct Options {
    /// Only what needs no cluster: format, tidy, lints, unit tests, simulation, mutations, alert rules, dashboards,
    /// relabelling, installations, Helm chart, generated files, licenses.
    #[arg(long, conflicts_with_all = ["e2e", "keep", "context"])]
    unit: bool,
    /// Only the stages that need no cluster and whose names contain this.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["unit", "e2e", "keep", "context"])]
    stage: Option<String>,
    /// Only the scenarios on a cluster; with FILTER just those whose names contain it.
    #[arg(long, value_name = "FILTER", num_args = 0..=1, default_missing_value = "")]
    e2e: Option<String>,
    /// Leave the cluster up afterwards.
    #[arg(long)]
    keep: bool,
    /// Use a cluster you have, by its context in your kubeconfig; its nodes must be able to run hooked.dev/hooked:dev.
    #[arg(long)]
    context: Option<String>,
    /// Run the scenarios on this version of Kubernetes: 1.34 or 1.36.
    #[arg(long, value_name = "VERSION", default_value_t, conflicts_with_all = ["unit", "stage", "context"])]
    kubernetes: Kubernetes,
}

/// Runs the tests. Every stage that can still say something runs, whatever became of those before it.
pub(crate) fn run(options: Options) -> Result<()> {
    let Options { unit, stage, e2e, keep, context, kubernetes } = options;
    let unit = unit || stage.is_some();
    let mut stages = Stages::begin(stage);
    if e2e.is_none() {
        without_cluster(&mut stages);
    }
    if !unit {
        let target = Target::choose(context, CLUSTER, kubernetes)?;
        let filter = e2e.unwrap_or_default();
        scenarios::run(&mut stages, &scenarios::Plan { target, kubernetes, filter, keep })?;
    }
    if stages.tell()? { Ok(()) } else { bail!("the tests failed") }
}

fn without_cluster(stages: &mut Stages) {
    stages.run("format", || cargo::run(&["fmt", "--all", "--check"]));
    stages.run("tidy", tidy::run);
    stages.run("lints", || {
        cargo::run(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"])?;
        // What can put bugs into the core is no part of the workspace's own build.
        let simulate =
            ["clippy", "--package", "hooked-simulation", "--features", "mutations", "--bin", "simulate"];
        cargo::run(&[&simulate[..], &["--quiet", "--", "--deny", "warnings"]].concat())
    });
    stages.run("build of all tests", || cargo::run(&["test", "--workspace", "--no-run", "--quiet"]));
    // All but the scenarios, which need a cluster.
    let units = ["--workspace", "--exclude", "hooked-e2e", "--no-fail-fast"];
    stages.test("unit tests", || cargo::test(&units, &[], &mut std::io::stdout()));
    // From the first seed on, so that a failure is the same for everybody.
    stages.run("simulation", || simulate::run(&simulate::Options::of_seeds(SEEDS)));
    stages.run("mutations", simulate::replay_mutations);
    stages.run("alert rules", rules::check);
    stages.run("dashboards", dashboards::check);
    stages.run("relabelling", relabelling::check);
    stages.run("installations", installations::check);
    stages.run("Helm chart", chart::check);
    stages.run("generated files", || generate::run(&generate::Options { check: true }));
    stages.run("licenses and sources of dependencies", deny::check);
}
