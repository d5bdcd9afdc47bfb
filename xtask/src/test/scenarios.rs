//! The scenarios of `e2e`, on a cluster with the operator in it.

use std::fs::File;

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Progress, Target, monitoring};

use super::cargo;
use super::stages::{Stages, Tally};
use super::uninstall;
use crate::{image, prometheus};

const OPERATOR: &str = "deployment/hooked-controller";
/// Scenarios mostly wait: as many at a time as two cores can start Pods for.
const THREADS: &str = "--test-threads=10";

/// Which scenarios to run, and where.
pub(super) struct Plan {
    pub(super) target: Target,
    /// Only scenarios whose names contain this.
    pub(super) filter: String,
    pub(super) keep: bool,
}

/// Makes the cluster ready, runs the scenarios, and takes the cluster down whatever came of them.
pub(super) fn run(stages: &mut Stages, plan: &Plan) -> Result<()> {
    let _turn = take_turn(&plan.target)?;
    let progress = Progress::new(|line| eprintln!("{line}"));
    let mut passed = stages.run("a fresh cluster", || {
        plan.target.down(&progress)?;
        plan.target.up(&progress)
    });
    passed = passed && stages.run("the operator's image", || build(&plan.target));
    passed = passed && stages.run("the operator", || install(&plan.target));
    if passed {
        passed &= stages.test("scenarios", || scenarios(plan, "scenarios"));
        // These stop and kill the operator, which would be no fair play while others watch it.
        passed &= stages.test("interruptions", || scenarios(plan, "interruptions"));
        passed &= stages.test("observability", || {
            prometheus::start(&plan.target, &progress)?;
            scenarios(plan, "observability")
        });
        // Not from a cluster that somebody has: what they run there is theirs.
        if matches!(plan.target, Target::Embedded(_)) {
            passed &= stages.run("uninstalling", || uninstall::run(&plan.target));
        }
    }
    if !passed {
        dump(&plan.target);
    }
    if !plan.keep {
        stages.run("the cluster's end", || plan.target.down(&progress));
    }
    Ok(())
}

/// One run at a time has the cluster: another waits for its end.
fn take_turn(target: &Target) -> Result<Option<File>> {
    let Target::Embedded(cluster) = target else { return Ok(None) };
    let state = cluster.kubeconfig();
    let root = state.ancestors().nth(2).context("the cluster's state lies nowhere")?;
    std::fs::create_dir_all(root).with_context(|| format!("cannot create {}", root.display()))?;
    let file = File::create(root.join(".xtask-test.lock"))?;
    if file.try_lock().is_err() {
        println!("waiting for another `cargo xtask test`");
        file.lock()?;
    }
    Ok(Some(file))
}

fn build(target: &Target) -> Result<()> {
    match target {
        Target::Embedded(_) => target.load(&image::build()?),
        Target::Context(_) => {
            println!("your cluster must have hooked.dev/hooked:dev already");
            Ok(())
        }
    }
}

fn install(target: &Target) -> Result<()> {
    let config = image::workspace()?.join("config/default").display().to_string();
    kubectl(target, &["apply", "-k", &config])?;
    kubectl(
        target,
        &["wait", "--for=condition=Established", "crd/hookedworkloads.hooked.dev", "--timeout=60s"],
    )?;
    kubectl(target, &["--namespace", "hooked-system", "rollout", "status", OPERATOR, "--timeout=120s"])
}

fn scenarios(plan: &Plan, program: &str) -> Result<Tally> {
    let kubectl = plan.target.kubectl()?;
    let kubectl = kubectl.get_program().to_str().context("kubectl has no plain path")?.to_owned();
    let kubeconfig = plan.target.kubeconfig()?.display().to_string();
    let plugin = cargo::program("kubectl-hooked")?.display().to_string();
    let shares_files = matches!(plan.target, Target::Embedded(_)).to_string();
    let promtool = monitoring::promtool(&Progress::new(|line| eprintln!("{line}")))?.display().to_string();
    let environment = [
        ("HOOKED_E2E_PROMTOOL", promtool.as_str()),
        ("HOOKED_E2E_KUBECONFIG", &kubeconfig),
        ("HOOKED_E2E_KUBECTL", &kubectl),
        ("HOOKED_E2E_PLUGIN", &plugin),
        ("HOOKED_E2E_SHARES_FILES", &shares_files),
        // A scenario's error says what it has seen; where it was made tells nothing.
        ("RUST_LIB_BACKTRACE", "0"),
    ];
    // With the whole workspace, so that dependencies are the same as in the other stages and are not built again.
    cargo::test(&["--workspace", "--test", program, "--", &plan.filter, THREADS], &environment)
}

/// Shows what a failed run has left; the scenarios have shown their own namespaces already.
fn dump(target: &Target) {
    let views: [&[&str]; 3] = [
        &["get", "pods,hw", "--all-namespaces", "-o", "wide"],
        &["get", "events", "--namespace", "hooked-system"],
        &["logs", "--namespace", "hooked-system", OPERATOR, "--tail=200"],
    ];
    for view in views {
        println!("---- kubectl {}", view.join(" "));
        // What cannot be shown has told why on standard error.
        kubectl(target, view).ok();
    }
    if let Target::Embedded(cluster) = target {
        println!("---- logs of the cluster's components: {}", cluster.logs().display());
    }
}

fn kubectl(target: &Target, arguments: &[&str]) -> Result<()> {
    let status = target.kubectl()?.args(arguments).status().context("cannot start kubectl")?;
    ensure!(status.success(), "kubectl {} failed", arguments.join(" "));
    Ok(())
}
