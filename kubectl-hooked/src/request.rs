//! What the API server answers, in words that name the fix.

use kube::core::Status;
use thiserror::Error;

/// A resource that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `hookedworkloads.hooked.dev`.
    Workload,
    /// `pods`.
    Pod,
    /// `pods/log`.
    Log,
    /// `events`.
    Event,
    /// `controllerrevisions.apps`.
    Revision,
    /// The version of the API server.
    Version,
    /// `nodes`.
    Node,
    /// `customresourcedefinitions.apiextensions.k8s.io`.
    Definition,
    /// `deployments.apps`.
    Deployment,
    /// `leases.coordination.k8s.io`.
    Lease,
    /// `services`.
    Service,
    /// What answers behind a Service.
    ServiceProxy,
    /// `endpointslices.discovery.k8s.io`.
    EndpointSlice,
    /// `networkpolicies.networking.k8s.io`.
    NetworkPolicy,
    /// `servicemonitors` and `podmonitors` of `monitoring.coreos.com`.
    Monitor,
    /// A question after one's own rights.
    SelfReview,
    /// A question after another's rights.
    Review,
}

impl Asked {
    fn plural(self) -> &'static str {
        match self {
            Self::Workload => "hookedworkloads.hooked.dev",
            Self::Pod => "pods",
            Self::Log => "pods/log",
            Self::Event => "events",
            Self::Revision => "controllerrevisions.apps",
            Self::Version => "the version of the API server",
            Self::Node => "nodes",
            Self::Definition => "customresourcedefinitions.apiextensions.k8s.io",
            Self::Deployment => "deployments.apps",
            Self::Lease => "leases.coordination.k8s.io",
            Self::Service => "services",
            Self::ServiceProxy => "services/proxy",
            Self::EndpointSlice => "endpointslices.discovery.k8s.io",
            Self::NetworkPolicy => "networkpolicies.networking.k8s.io",
            Self::Monitor => "servicemonitors.monitoring.coreos.com",
            Self::SelfReview => "selfsubjectaccessreviews.authorization.k8s.io",
            Self::Review => "subjectaccessreviews.authorization.k8s.io",
        }
    }

    /// A role of Kubernetes or of ours that allows it.
    fn role(self, verb: &str) -> &'static str {
        match self {
            Self::Workload if verb == "patch" => "hookedworkload-editor",
            Self::Workload => "hookedworkload-viewer",
            Self::Pod if verb == "create" => "edit",
            Self::ServiceProxy => "edit",
            Self::Pod
            | Self::Log
            | Self::Event
            | Self::Revision
            | Self::Deployment
            | Self::Service
            | Self::EndpointSlice
            | Self::NetworkPolicy => "view",
            // None that is bound in a namespace holds these.
            Self::Version
            | Self::Node
            | Self::Definition
            | Self::Lease
            | Self::Monitor
            | Self::SelfReview
            | Self::Review => "cluster-admin",
        }
    }
}

/// A request: what is done to what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// `get`, `list`, `watch`, `create` or `patch`.
    pub(crate) verb: &'static str,
    pub(crate) asked: Asked,
    /// Empty for lists.
    pub(crate) name: &'a str,
    /// Empty for all namespaces.
    pub(crate) namespace: &'a str,
}

/// Why a request was not answered.
#[derive(Debug, Error)]
pub(crate) enum RequestError {
    /// There is no such workload.
    #[error(
        "there is no HookedWorkload {name} in namespace {namespace}: `kubectl get hw -A` lists all; -n names another namespace"
    )]
    NoWorkload {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// There is no such Pod.
    #[error("there is no Pod {name} in namespace {namespace}: `kubectl get pods -n {namespace}` lists all")]
    NoPod {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// The definition is not there.
    #[error(
        "this cluster knows no HookedWorkloads: is Hooked installed? `kubectl apply -k config/default` installs it"
    )]
    NotInstalled,
    /// The user may not.
    #[error(
        "you may not {verb} {resource} in {place}: ask for a role that allows it, such as the ClusterRole {role}"
    )]
    Forbidden {
        /// What was tried.
        verb: &'static str,
        /// On what.
        resource: &'static str,
        /// Where, such as `namespace shop`.
        place: String,
        /// A role that allows it.
        role: &'static str,
    },
    /// The server does not know who asks.
    #[error(
        "the cluster does not accept your credentials: `kubectl auth whoami` tells whom it takes you for"
    )]
    Unauthorized,
    /// Anything else the server says.
    #[error("the API server refuses to {verb} {resource}: {message}")]
    Refused {
        /// What was tried.
        verb: &'static str,
        /// On what.
        resource: &'static str,
        /// The server's words.
        message: String,
    },
    /// No answer, or one that cannot be read.
    #[error("cannot {verb} {resource}: {message}")]
    Unanswered {
        /// What was tried.
        verb: &'static str,
        /// On what.
        resource: &'static str,
        /// Why, with its causes.
        message: String,
    },
}

impl Request<'_> {
    /// The error in words.
    pub(crate) fn failed(self, error: &kube::Error) -> RequestError {
        match error {
            kube::Error::Api(status) => self.refused(status),
            error => self.unanswered(error),
        }
    }

    /// The error of a watch in words.
    pub(crate) fn interrupted(self, error: &kube_runtime::watcher::Error) -> RequestError {
        use kube_runtime::watcher::Error;
        match error {
            Error::InitialListFailed(error) | Error::WatchStartFailed(error) | Error::WatchFailed(error) => {
                self.failed(error)
            }
            Error::WatchError(status) => self.refused(status),
            error @ Error::NoResourceVersion => self.unanswered(error),
        }
    }

    fn unanswered(self, error: &dyn std::error::Error) -> RequestError {
        let causes = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
        let mut words: Vec<String> = Vec::new();
        // Many errors repeat their cause.
        causes.for_each(|cause| {
            if !words.iter().any(|known| known.contains(&cause)) {
                words.push(cause);
            }
        });
        RequestError::Unanswered { verb: self.verb, resource: self.asked.plural(), message: words.join(": ") }
    }

    fn refused(self, status: &Status) -> RequestError {
        let Self { verb, asked, name, namespace } = self;
        let (name, namespace, resource) = (name.to_owned(), namespace.to_owned(), asked.plural());
        // Of a kind that it does not know the server names no object.
        let names_it =
            status.details.as_ref().is_some_and(|details| !name.is_empty() && details.name == name);
        match (status.code, asked) {
            (404, Asked::Workload) if names_it => RequestError::NoWorkload { name, namespace },
            (404, Asked::Workload) => RequestError::NotInstalled,
            (404, Asked::Pod | Asked::Log) => RequestError::NoPod { name, namespace },
            (403, _) => {
                let role = asked.role(verb);
                let place = if namespace.is_empty() {
                    "all namespaces".to_owned()
                } else {
                    format!("namespace {namespace}")
                };
                RequestError::Forbidden { verb, resource, place, role }
            }
            (401, _) => RequestError::Unauthorized,
            _ => RequestError::Refused { verb, resource, message: status.message.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(asked: Asked, verb: &'static str, status: Value, expect: &str) {
        let request = Request { verb, asked, name: "web", namespace: "shop" };
        let error = kube::Error::Api(Box::new(serde_json::from_value(status).unwrap()));
        assert_eq!(request.failed(&error).to_string(), expect);
    }

    #[test]
    fn what_is_refused_is_said_with_the_fix() {
        let of =
            |kind: &str| json!({"code": 404, "reason": "NotFound", "details": {"name": "web", "kind": kind}});
        check(
            Asked::Workload,
            "get",
            of("hookedworkloads"),
            "there is no HookedWorkload web in namespace shop: `kubectl get hw -A` lists all; -n names another namespace",
        );
        check(
            Asked::Pod,
            "get",
            of("pods"),
            "there is no Pod web in namespace shop: `kubectl get pods -n shop` lists all",
        );
        check(
            Asked::Workload,
            "get",
            json!({"code": 404, "message": "404 page not found"}),
            "this cluster knows no HookedWorkloads: is Hooked installed? `kubectl apply -k config/default` installs it",
        );
        check(
            Asked::Workload,
            "patch",
            json!({"code": 403, "reason": "Forbidden", "details": {"name": "web"}}),
            "you may not patch hookedworkloads.hooked.dev in namespace shop: ask for a role that allows it, such as the \
             ClusterRole hookedworkload-editor",
        );
        check(
            Asked::Pod,
            "list",
            json!({"code": 500, "message": "etcd is away"}),
            "the API server refuses to list pods: etcd is away",
        );
    }
}
