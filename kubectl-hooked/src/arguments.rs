//! What is typed: the commands and their flags, named as kubectl names its own.

mod adopt;
mod check;
mod cluster;
mod completion;
mod duration;
mod format;
mod look;
mod observe;
mod release;
mod report;
mod rollout;
mod version;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use adopt::AdoptOptions;
pub(crate) use check::{CheckOptions, ServicePath};
pub(crate) use cluster::ClusterFlags;
pub(crate) use completion::{CompletionOptions, Shell};
use duration::duration;
pub(crate) use format::{Format, TableFormat};
pub(crate) use look::{ListOptions, LogsOptions};
pub(crate) use observe::ObserveOptions;
pub(crate) use release::ReleaseOptions;
pub(crate) use report::ReportOptions;
pub(crate) use rollout::{ChangeOptions, DryRun, HistoryOptions, UndoOptions};
pub(crate) use version::VersionOptions;

/// What container lifecycle hooks did, and why a container was killed.
#[derive(Debug, Parser)]
#[command(name = "kubectl hooked", bin_name = "kubectl hooked", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) cluster: ClusterFlags,
    /// No colours, also on a terminal. `NO_COLOR` in the environment says the same.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 error, 2 misuse; of status --wait also 3 timed out, 4 out of reach \
                          (the workload is Stalled, or gone); of check also 1 a \
                          problem, 2 something could not be checked";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List HookedWorkloads, those that need attention first.
    List(ListOptions),
    /// Show a HookedWorkload as a tree: revisions, Pods, containers, and how their hooks went.
    Status(StatusOptions),
    /// Show the last hook runs of a HookedWorkload, newest first.
    Runs(RunsOptions),
    /// Say why the containers of a Pod were killed, and by what evidence; any Pod will do, also one that is
    /// gone.
    Why(WhyOptions),
    /// Print the logs of all Pods of a HookedWorkload.
    Logs(LogsOptions),
    /// Show the revisions that are kept of a HookedWorkload, as kubectl rollout history does.
    History(HistoryOptions),
    /// Take a HookedWorkload back to an earlier revision, as kubectl rollout undo does.
    Undo(UndoOptions),
    /// Stop the rollout of a HookedWorkload; its Pods are still scaled and replaced.
    Pause(ChangeOptions),
    /// Let the rollout of a paused HookedWorkload go on.
    Resume(ChangeOptions),
    /// Replace the Pods of a HookedWorkload step by step, as kubectl rollout restart does.
    Restart(ChangeOptions),
    /// Check a cluster before and after Hooked is installed: nodes, rights, policies, the operator, and the way to it.
    Check(CheckOptions),
    /// Have the hooks of a workload counted that is none of Hooked's, or of all in a namespace; nothing of theirs is
    /// changed.
    Observe(ObserveOptions),
    /// Have a HookedWorkload take over the Pods of a Deployment as they run: no Pod is restarted.
    Adopt(AdoptOptions),
    /// Have a Deployment take over the Pods of a HookedWorkload as they run: no Pod is restarted.
    Release(ReleaseOptions),
    /// Turn the Deployments of a manifest into HookedWorkloads, or the other way round, and print the whole manifest.
    Convert(ConvertOptions),
    /// Show the versions of this program and of what the cluster has, and whether they go together.
    Version(VersionOptions),
    /// Write what a maintainer needs to help into one file, without secrets: look into it before you send it.
    Report(ReportOptions),
    /// Print what has a shell complete the words of this program, or kubectl those of `kubectl hooked`.
    Completion(CompletionOptions),
}

/// Flags of `status`.
#[allow(clippy::struct_excessive_bools, reason = "flags that are independent of each other")]
#[derive(Args, Debug)]
pub(crate) struct StatusOptions {
    /// The HookedWorkload.
    pub(crate) name: String,
    /// Print for programs; people read the default.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<Format>,
    /// Draw again on every change, until Ctrl-C.
    #[arg(short, long, conflicts_with = "wait")]
    pub(crate) watch: bool,
    /// Wait until what --for names is so; then show the status.
    #[arg(long)]
    pub(crate) wait: bool,
    /// What to wait for.
    #[arg(long = "for", value_enum, default_value_t = Goal::Ready, requires = "wait")]
    pub(crate) goal: Goal,
    /// How long to wait, such as 120s or 5m; 0s looks once. Without it only a Stalled workload ends the wait.
    #[arg(long, value_parser = duration, requires = "wait")]
    pub(crate) timeout: Option<Duration>,
    /// How many Pods to show, those with trouble first.
    #[arg(long, value_name = "PODS", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Show all Pods.
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,
    /// Show what hooks have printed, where a policy keeps it. It may hold secrets.
    #[arg(long)]
    pub(crate) show_output: bool,
}

/// What `status --wait` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Goal {
    /// The rollout of the present spec is complete and its Pods are available.
    Ready,
    /// The same, and the last run of no hook has failed.
    HooksHealthy,
    /// The workload is gone, and with it its Pods, their hooks counted.
    Deleted,
}

/// Flags of `runs`.
#[derive(Args, Debug)]
pub(crate) struct RunsOptions {
    /// The HookedWorkload.
    pub(crate) name: String,
    /// Print for programs, or a wider table.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<TableFormat>,
    /// Show what hooks have printed, where a policy keeps it. It may hold secrets.
    #[arg(long)]
    pub(crate) show_output: bool,
}

/// Flags of `why`.
#[derive(Args, Debug)]
pub(crate) struct WhyOptions {
    /// The Pod.
    pub(crate) pod: String,
    /// Only this container.
    #[arg(short, long)]
    pub(crate) container: Option<String>,
    /// Print for programs; people read the default.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<Format>,
    /// Show what hooks have printed. It may hold secrets.
    #[arg(long)]
    pub(crate) show_output: bool,
}

/// Flags of `convert`.
#[derive(Args, Debug)]
pub(crate) struct ConvertOptions {
    /// The manifest, YAML or JSON; - reads standard input.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) filename: PathBuf,
    /// What to make: HookedWorkloads of Deployments, or Deployments of HookedWorkloads.
    #[arg(long, value_enum, default_value_t = ConvertTo::Hookedworkload, value_name = "KIND")]
    pub(crate) to: ConvertTo,
    /// Print as JSON or YAML. Without it the manifest stays as it is written, comments too, but for what
    /// changes.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<Format>,
}

/// What a manifest is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConvertTo {
    Hookedworkload,
    Deployment,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    fn check(words: &str, expect: Result<(), &str>) {
        let words = std::iter::once("kubectl-hooked").chain(words.split(' '));
        match (Cli::try_parse_from(words), expect) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{error}"),
            (parsed, expect) => panic!("{parsed:?}, but {expect:?} was expected"),
        }
    }

    #[test]
    fn flags_of_the_cluster_stand_before_or_after_the_command() {
        check("status web -n shop --context test", Ok(()));
        check("-n shop status web", Ok(()));
        check("list --as jane --as-group dev --as-group ops --as-uid 7 --request-timeout 10", Ok(()));
        check("--cluster one --user jane -s https://k8s list --token t --insecure-skip-tls-verify", Ok(()));
        check("list --request-timeout soon", Err("it is written as 30s, 2m or 30"));
    }

    #[test]
    fn a_wait_needs_its_flag_and_a_duration_with_a_unit() {
        check("status web --wait --for=hooks-healthy --timeout=5m", Ok(()));
        check("status web --wait --timeout=0", Ok(()));
        check("status web --timeout=5s", Err("--wait"));
        check("status web --wait --timeout=120", Err("seconds are written as 120s"));
        check("status web --wait --watch", Err("cannot be used with"));
        check("status", Err("NAME"));
    }

    #[test]
    fn logs_and_rollouts_take_the_flags_that_kubectl_has() {
        check("logs web -f -c web --since=10m --tail 20 --prefix=false --timestamps", Ok(()));
        check("logs web --all-containers --prefix --previous", Ok(()));
        check("logs web --all-containers -c web", Err("cannot be used with"));
        check("logs web -f --previous", Err("cannot be used with"));
        check("logs web --tail many", Err("invalid value"));
        check("list -A -l app=web -o wide", Ok(()));
        check("history web --revision=3 -o yaml", Ok(()));
        check("undo web --to-revision=3", Ok(()));
        check("undo web --to-revision 6c9fbdtzkw -o json", Ok(()));
        check("undo", Err("NAME"));
        check("undo web --dry-run", Ok(()));
        check("undo --dry-run web --to-revision=3", Ok(()));
        check("undo web --dry-run=server -o yaml", Ok(()));
        check("undo web --dry-run=none", Ok(()));
        check("undo web --dry-run=true", Err("possible values: none, client, server"));
        check("pause web", Ok(()));
        check("resume web -n shop", Ok(()));
        check(
            "check -n shop --with-pod --timeout=2m --prometheus monitoring/prometheus:9090 -o json",
            Ok(()),
        );
        check("version --client -o yaml", Ok(()));
        check("observe deployment/web --name=shop-web --dry-run", Ok(()));
        check("observe --all -n shop", Ok(()));
        check("observe deployment/web --all", Err("cannot be used with"));
        check("observe", Err("KIND/NAME"));
        check("check --timeout=2m", Err("--with-pod"));
        check("check --prometheus prometheus", Err("NAMESPACE/NAME:PORT"));
    }
}
