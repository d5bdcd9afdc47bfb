//! The scenarios of `e2e`, on a cluster with the operator in it.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use hooked_cluster::{Cluster, Kubernetes, Progress, Target, monitoring};

use super::stages::{Stages, Tally};
use super::{cargo, chart, namespaces, rights, several, tutorials, uninstall};
use crate::install::{PODS, SYSTEM, TESTED, install};
use crate::kubectl::Kubectl;
use crate::{image, prometheus};

/// Scenarios mostly wait: as many at a time as two cores can start Pods for.
const TOGETHER: usize = 10;
/// The clusters for scenarios that need one to themselves, since they stop and kill the operator.
const APART: [&str; 3] = ["test-a", "test-b", "test-c"];
/// There, what crashes again and again crashes often enough for a test.
const BACK_OFF: Duration = Duration::from_secs(2);

/// Which scenarios to run, and where.
pub(super) struct Plan {
    pub(super) target: Target,
    /// The version of the embedded clusters.
    pub(super) kubernetes: Kubernetes,
    /// Only scenarios whose names contain this.
    pub(super) filter: String,
    pub(super) keep: bool,
}

/// Makes the clusters ready, runs the scenarios, and takes the clusters down whatever came of them.
pub(super) fn run(stages: &mut Stages, plan: &Plan) -> Result<()> {
    let _turn = take_turn(&plan.target)?;
    let progress = Progress::new(|line| eprintln!("{line}"));
    let apart = apart(plan)?;
    let all: Vec<&Target> = [&plan.target].into_iter().chain(&apart).collect();
    let mut passed = stages.run("fresh clusters", || {
        at_once(&all, |target| {
            target.down(&progress)?;
            target.up(&progress)
        })
    });
    passed = passed && stages.run("the operator's image", || load(&all));
    passed = passed
        && stages.run("the operator", || {
            at_once(&all, |target| install(&Kubectl::of(target), &TESTED, &progress))
        });
    if passed {
        passed = scenarios(stages, plan, &apart, &progress);
    }
    if !passed {
        for target in &all {
            dump(target);
        }
    }
    if !plan.keep {
        stages.run("the clusters' end", || at_once(&all, |target| target.down(&progress)));
    }
    Ok(())
}

/// Where the user's cluster is used, there is but that one.
fn apart(plan: &Plan) -> Result<Vec<Target>> {
    match &plan.target {
        Target::Embedded(_) => APART
            .iter()
            .map(|name| {
                let cluster = Cluster::named(name)?.with_kubernetes(plan.kubernetes);
                Ok(Target::Embedded(cluster.with_back_off(BACK_OFF)))
            })
            .collect(),
        Target::Context(_) => Ok(Vec::new()),
    }
}

/// Runs all scenarios, and says whether all have passed: those that need a cluster to themselves beside the others, if
/// there are clusters for that.
fn scenarios(stages: &mut Stages, plan: &Plan, apart: &[Target], progress: &Progress) -> bool {
    let mut found = None;
    stages.run("the scenarios' tools", || Tools::find(progress).map(|tools| found = Some(tools)));
    let Some(tools) = found else { return false };
    let shared = std::slice::from_ref(&plan.target);
    thread::scope(|scope| {
        let beside = (!apart.is_empty()).then(|| {
            scope.spawn(|| {
                let mut said = Vec::new();
                (tools.test("interruptions", apart, apart.len(), &plan.filter, &mut said), said)
            })
        });
        let test = |program: &str| tools.test(program, shared, TOGETHER, &plan.filter, &mut io::stdout());
        let mut passed = stages.test("scenarios", || test("scenarios"));
        let embedded = matches!(plan.target, Target::Embedded(_));
        if embedded {
            passed &= stages.test("observability", || {
                prometheus::start(&plan.target, progress)?;
                test("observability")
            });
        } else {
            println!("\nobservability is not tested: no Prometheus can be brought into a cluster of yours");
        }
        passed &= stages.test("interruptions", || {
            let Some(beside) = beside else { return test("interruptions") };
            let (outcome, said) = beside.join().map_err(|_| anyhow!("the interruptions panicked"))?;
            io::stdout().write_all(&said)?;
            outcome
        });
        // Not from a cluster that somebody has: what they run there is theirs, and so is what their API server records.
        if embedded {
            if "tutorials".contains(&plan.filter) {
                passed &= stages.test("tutorials", || tutorials::run(&plan.target, &tools.plugin));
            }
            let all_ran = passed && plan.filter.is_empty();
            let every = std::iter::once(&plan.target).chain(apart);
            // Before the rights are taken away.
            passed &= stages.run("the operator's rights", || rights::check(every, all_ran));
            passed &= stages.run("uninstalling", || uninstall::run(&plan.target));
            passed &= stages.run("the Helm chart comes and goes", || chart::come_and_go(&plan.target));
            passed &=
                stages.run("a namespace goes with the rights in it", || namespaces::check(&plan.target));
            passed &= stages.run("two operators in a cluster", || several::check(&plan.target));
        }
        passed
    })
}

/// Does the same with each cluster, with all of them at a time.
fn at_once(targets: &[&Target], work: impl Fn(&Target) -> Result<()> + Sync) -> Result<()> {
    let work = &work;
    thread::scope(|scope| {
        let started: Vec<_> = targets.iter().map(|target| scope.spawn(move || work(target))).collect();
        let done = started.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("it panicked"))?);
        // All are waited for, whatever the first has come to.
        done.collect::<Vec<Result<()>>>().into_iter().collect()
    })
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

fn load(targets: &[&Target]) -> Result<()> {
    if matches!(targets, [Target::Context(_)]) {
        println!("your cluster must have hooked.dev/hooked:dev already");
        return Ok(());
    }
    let archive = image::build()?;
    at_once(targets, |target| target.load(&archive))
}

/// Programs that scenarios call.
struct Tools {
    plugin: PathBuf,
    promtool: PathBuf,
}

impl Tools {
    fn find(progress: &Progress) -> Result<Self> {
        Ok(Self { plugin: cargo::program("kubectl-hooked")?, promtool: monitoring::promtool(progress)? })
    }

    /// Runs a program of scenarios, so many at a time, on these clusters.
    fn test(
        &self,
        program: &str,
        targets: &[Target],
        at_a_time: usize,
        filter: &str,
        shown: &mut dyn Write,
    ) -> Result<Tally> {
        let first = targets.first().context("no cluster to test on")?;
        let kubeconfigs = targets.iter().map(Target::kubeconfig).collect::<Result<Vec<_>>>()?;
        let kubeconfigs = std::env::join_paths(kubeconfigs)?;
        let kubectl = first.kubectl()?;
        let shares_files = matches!(first, Target::Embedded(_)).to_string();
        let environment = [
            ("HOOKED_E2E_PROMTOOL", self.promtool.as_os_str()),
            ("HOOKED_E2E_KUBECONFIG", &kubeconfigs),
            ("HOOKED_E2E_KUBECTL", kubectl.get_program()),
            ("HOOKED_E2E_PLUGIN", self.plugin.as_os_str()),
            ("HOOKED_E2E_SHARES_FILES", shares_files.as_ref()),
            // A scenario's error says what it has seen; where it was made tells nothing.
            ("RUST_LIB_BACKTRACE", "0".as_ref()),
        ];
        let threads = format!("--test-threads={at_a_time}");
        // With the whole workspace, so that dependencies are the same as in the other stages and are not built again.
        let arguments = ["--workspace", "--test", program, "--", filter, &threads];
        cargo::test(&arguments, &environment, shown)
    }
}

/// Shows what a failed run has left; the scenarios have shown their own namespaces already.
fn dump(target: &Target) {
    let kubectl = Kubectl::of(target);
    let views: [&[&str]; 3] = [
        &["get", "pods,hw", "--all-namespaces", "-o", "wide"],
        &["get", "events", "--namespace", SYSTEM],
        &["logs", "--namespace", SYSTEM, "--selector", PODS, "--prefix", "--tail=200"],
    ];
    for view in views {
        println!("---- kubectl {}", view.join(" "));
        match kubectl.output(view) {
            Ok(text) => println!("{text}"),
            Err(error) => println!("{error:#}"),
        }
    }
    if let Target::Embedded(cluster) = target {
        println!("---- logs of the cluster's components: {}", cluster.logs().display());
    }
}
