//! Kinds of workloads, as people name them.

use std::borrow::Cow;

use hooked_crd::Referent;
use kube::discovery;

use super::error::ObserveError;
use crate::connect::Connection;

/// A kind of workloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) api_version: Cow<'static, str>,
    pub(super) kind: Cow<'static, str>,
    pub(super) plural: Cow<'static, str>,
    /// Whether those that something controls are left out where all are watched: they are watched with that.
    pub(super) only_uncontrolled: bool,
}

/// A kind that Kubernetes itself has.
pub(super) struct Own {
    api_version: &'static str,
    kind: &'static str,
    /// Its name in paths, and what else people call it.
    names: &'static [&'static str],
    only_uncontrolled: bool,
}

/// Those that make Pods, or make those.
pub(super) const KNOWN: [Own; 6] = [
    own("apps/v1", "Deployment", &["deployments", "deployment", "deploy"], false),
    own("apps/v1", "StatefulSet", &["statefulsets", "statefulset", "sts"], false),
    own("apps/v1", "DaemonSet", &["daemonsets", "daemonset", "ds"], false),
    own("batch/v1", "CronJob", &["cronjobs", "cronjob", "cj"], false),
    own("apps/v1", "ReplicaSet", &["replicasets", "replicaset", "rs"], true),
    own("batch/v1", "Job", &["jobs", "job"], true),
];

const fn own(
    api_version: &'static str,
    kind: &'static str,
    names: &'static [&'static str],
    only_uncontrolled: bool,
) -> Own {
    Own { api_version, kind, names, only_uncontrolled }
}

impl Own {
    pub(super) fn of_all(&self) -> Known {
        let plural = self.names.first().copied().unwrap_or_default();
        let Self { api_version, kind, only_uncontrolled, .. } = *self;
        Known { api_version: api_version.into(), kind: kind.into(), plural: plural.into(), only_uncontrolled }
    }

    /// Whether people mean this kind, with its group behind it or without.
    fn is_called(&self, called: &str) -> bool {
        let (name, group) = called.split_once('.').unwrap_or((called, ""));
        let is_its_group = group.is_empty() || self.api_version.starts_with(&format!("{group}/"));
        is_its_group && self.names.contains(&&*name.to_lowercase())
    }
}

impl Known {
    pub(super) fn referent(&self, name: &str) -> Referent {
        let (api_version, kind) = (self.api_version.to_string(), self.kind.to_string());
        Referent { api_version, kind, name: name.to_owned() }
    }

    /// What the API server says of an object of the kind, or of all of them where `name` is empty.
    pub(super) fn failed(&self, error: &kube::Error, name: &str, namespace: &str) -> ObserveError {
        let namespace = namespace.to_owned();
        let of_kind = |message| ObserveError::Object {
            resource: self.qualified(),
            namespace: namespace.clone(),
            message,
        };
        match error {
            kube::Error::Api(status) if status.code == 404 && !name.is_empty() => {
                let (kind, name) = (self.kind.to_string(), name.to_owned());
                ObserveError::NoObject { kind, name, namespace }
            }
            kube::Error::Api(status) => of_kind(status.message.clone()),
            error => of_kind(error.to_string()),
        }
    }

    /// As roles and people name it, such as `deployments.apps`.
    pub(super) fn qualified(&self) -> String {
        match self.api_version.split_once('/') {
            Some((group, _)) => format!("{}.{group}", self.plural),
            None => self.plural.to_string(),
        }
    }
}

/// The kind that people mean; of a group that Kubernetes itself has not, the API server is asked.
pub(super) async fn find(connection: &Connection, called: &str) -> Result<Known, ObserveError> {
    if let Some(own) = KNOWN.iter().find(|own| own.is_called(called)) {
        return Ok(own.of_all());
    }
    let (name, group) = called.split_once('.').ok_or_else(|| ObserveError::Kind(called.to_owned()))?;
    let unknown = || ObserveError::NoKind(called.to_owned());
    let found = discovery::group(&connection.client, group).await.map_err(|_| unknown())?;
    let is_meant = |plural: &str, kind: &str| plural == name || kind.eq_ignore_ascii_case(name);
    let mut resources = found.recommended_resources().into_iter();
    let (resource, _) = resources
        .find(|(resource, abilities)| {
            abilities.scope == discovery::Scope::Namespaced && is_meant(&resource.plural, &resource.kind)
        })
        .ok_or_else(unknown)?;
    Ok(Known {
        api_version: resource.api_version.into(),
        kind: resource.kind.into(),
        plural: resource.plural.into(),
        only_uncontrolled: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(called: &str, expect: Option<&str>) {
        let found = KNOWN.iter().find(|own| own.is_called(called)).map(|own| own.kind);
        assert_eq!(found, expect, "{called}");
    }

    #[test]
    fn kinds_are_known_by_all_names_that_kubectl_takes() {
        for called in
            ["deployment", "deployments", "deploy", "Deployment", "deployment.apps", "deployments.apps"]
        {
            check(called, Some("Deployment"));
        }
        check("sts", Some("StatefulSet"));
        check("cj", Some("CronJob"));
        check("jobs.batch", Some("Job"));
        check("deployments.example.org", None);
        check("rollout", None);
    }
}
