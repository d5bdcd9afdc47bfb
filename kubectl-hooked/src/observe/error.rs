//! Why nothing is watched.

use thiserror::Error;

use crate::print::PrintError;
use crate::request::RequestError;

/// Why nothing is watched.
#[derive(Debug, Error)]
pub(crate) enum ObserveError {
    /// The API server has not done what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// What was given names no workload.
    #[error("{0:?} names no workload: write KIND/NAME, such as deployment/web")]
    Target(String),
    /// The kind is none that this program knows.
    #[error(
        "this program does not know the kind {0}: write it with its group, such as rollouts.argoproj.io/web \
         (`kubectl api-resources` lists all)"
    )]
    Kind(String),
    /// The API server knows no such kind.
    #[error("this cluster knows no {0}: `kubectl api-resources` lists what it knows")]
    NoKind(String),
    /// There is no such workload.
    #[error("there is no {kind} {name} in namespace {namespace}: -n names another namespace")]
    NoObject {
        /// Its kind.
        kind: String,
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// It cannot be read or listed.
    #[error("{resource} in namespace {namespace} cannot be read: {message}")]
    Object {
        /// What was to be read, such as `deployments.apps`.
        resource: String,
        /// Where.
        namespace: String,
        /// The server's words.
        message: String,
    },
    /// A HookedWorkload of that name is there and does something else.
    #[error(
        "there is a HookedWorkload {name} already: `kubectl hooked observe {target} --name=NAME` gives another name"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// What was to be watched.
        target: String,
    },
    /// It is done, and was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}
