//! Why Pods were not given to a Deployment, with what helps.

use thiserror::Error;

use crate::ownership::StepError;
use crate::print::PrintError;
use crate::request::RequestError;

/// Why not.
#[derive(Debug, Error)]
pub(crate) enum ReleaseError {
    /// Neither is there.
    #[error(
        "there is no HookedWorkload {name} in namespace {namespace}, and no Deployment that was to take its Pods over: \
         `kubectl get hw -A` lists all"
    )]
    NoWorkload { name: String, namespace: String },
    /// It watches Pods of others.
    #[error(
        "HookedWorkload {name} watches {watched}, and has no Pods to give: `kubectl delete hw {name} -n {namespace}` \
         ends it, and its counts with it"
    )]
    Watching { name: String, namespace: String, watched: String },
    /// Something is in the way: nothing was changed.
    #[error("nothing was changed; in the way of HookedWorkload {name}:\n{}", .reasons.join("\n"))]
    InTheWay { name: String, reasons: Vec<String> },
    /// A step has failed.
    #[error("{source}\n{so_far}")]
    Step { source: StepError, so_far: String },
    /// What was looked at before anything was changed.
    #[error(transparent)]
    Look(#[from] StepError),
    /// Who leads could not be found out.
    #[error("{0}; --force takes finalizers off all the same")]
    Leader(RequestError),
    /// Nothing says that the operator is gone.
    #[error(
        "there is no Lease of an operator in namespace {namespace}, which would tell whether one is at work: \
         --operator-namespace names another; --force takes finalizers off all the same"
    )]
    NoLease { namespace: String },
    /// An operator is at work.
    #[error(
        "{0}: it would put the finalizer on again. `kubectl hooked release --all` releases what it looks after; \
         --force takes finalizers off all the same"
    )]
    AtWork(String),
    /// Of several some were not released; each is told on standard error.
    #[error("{failed} of {all} HookedWorkloads were not released")]
    Several { failed: usize, all: usize },
    /// It is done, and was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}
