//! Why nothing is watched.

use thiserror::Error;

use super::kinds::Known;
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

impl ObserveError {
    /// What the API server says of an object, or of all objects of the kind where `name` is empty.
    pub(super) fn of_object(error: &kube::Error, kind: &Known, name: &str, namespace: &str) -> Self {
        let namespace = namespace.to_owned();
        match error {
            kube::Error::Api(status) if status.code == 404 && !name.is_empty() => {
                Self::NoObject { kind: kind.kind.to_string(), name: name.to_owned(), namespace }
            }
            kube::Error::Api(status) => {
                Self::Object { resource: kind.qualified(), namespace, message: status.message.clone() }
            }
            error => Self::Object { resource: kind.qualified(), namespace, message: error.to_string() },
        }
    }
}
