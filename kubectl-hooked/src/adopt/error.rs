//! Why Pods were not taken over, with what helps.

use thiserror::Error;

use crate::ownership::StepError;
use crate::print::PrintError;

/// Why not.
#[derive(Debug, Error)]
pub(crate) enum AdoptError {
    /// No Deployment is named.
    #[error(
        "{0:?} is no Deployment: it is written as deployment/NAME. Pods of a StatefulSet, a DaemonSet or a Job cannot be \
         adopted, since a HookedWorkload gives them no stable names, nodes or completions: `kubectl hooked observe` has \
         their hooks watched where they are"
    )]
    Target(String),
    /// Neither is there.
    #[error(
        "there is no Deployment {name} in namespace {namespace}: `kubectl get deployments -n {namespace}` lists all"
    )]
    NoDeployment { name: String, namespace: String },
    /// It was done before, or is another's.
    #[error(
        "HookedWorkload {name} is there already and waits for no Deployment: rename one of them, or let that workload go \
         first"
    )]
    NotAdopting { name: String },
    /// It watches the very Deployment.
    #[error(
        "HookedWorkload {name} watches this Deployment: `kubectl delete hw {name} -n {namespace}` first, its counts end \
         with it"
    )]
    Watching { name: String, namespace: String },
    /// Things are in the way: nothing was changed.
    #[error("nothing was changed; in the way of Deployment {name}:\n{}", .reasons.join("\n"))]
    InTheWay { name: String, reasons: Vec<String> },
    /// A step has failed.
    #[error("{source}\n{so_far}")]
    Step { source: StepError, so_far: String },
    /// The operator says that it cannot.
    #[error("the operator cannot take the Pods over: {words}\n{so_far}")]
    Operator { words: String, so_far: String },
    /// What was looked at before anything was changed.
    #[error(transparent)]
    Look(#[from] StepError),
    /// It is done, and was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}
