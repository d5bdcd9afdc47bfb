//! `status`, once: a workload and its Pods as they are now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::ResourceExt;

use super::error::StatusError;
use super::tree;
use crate::arguments::{Format, StatusOptions};
use crate::connect::Connection;
use crate::overview::{Choice, Overview, PodRow, overview, without_pods};
use crate::pods::each_of;
use crate::print::{Screen, document};
use crate::request::RequestError;
use crate::workloads::get;

/// Shows the workload as it is now.
pub(super) async fn show_once(
    connection: &Connection,
    options: &StatusOptions,
    screen: &Screen,
) -> Result<(), StatusError> {
    show(&look(connection, options).await?, options.output, screen)
}

async fn look(connection: &Connection, options: &StatusOptions) -> Result<Overview, RequestError> {
    let workload = get(connection, &options.name).await?;
    // By UID, and of each what is shown.
    let mut pods = BTreeMap::new();
    let listed = each_of(connection, &workload, |pod| {
        pods.insert(pod.uid().unwrap_or_default(), PodRow::of(pod, Timestamp::now()));
    });
    match listed.await {
        // The workload itself tells most.
        Err(error @ RequestError::Forbidden { .. }) => Ok(without_pods(&workload, choice(options), &error)),
        listed => listed.map(|()| overview(&workload, pods.values(), choice(options))),
    }
}

/// Shows what was made of it.
pub(super) fn show(overview: &Overview, output: Option<Format>, screen: &Screen) -> Result<(), StatusError> {
    match output {
        Some(format) => Ok(document(overview, format)?),
        None => Ok(screen.show(&tree::lines(overview, screen.width, Timestamp::now()))?),
    }
}

/// What of it is shown.
pub(super) fn choice(options: &StatusOptions) -> Choice {
    let limit = (!options.all).then_some(options.limit);
    Choice { limit, show_output: options.show_output }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Cli, Command};
    use crate::fixtures::{run, workload};
    use crate::served::{Served, forbidden, not_found};

    #[tokio::test]
    async fn who_may_not_list_pods_sees_what_the_workload_tells_and_which_right_is_missing() {
        let served = Served::new(|_, path, _, _| {
            let recent = run("web-z", "PreStop", "Succeeded", &serde_json::json!({"duration": "4s"}));
            let workload = workload(&serde_json::json!({"readyReplicas": 2, "recentRuns": [recent]}));
            match path {
                "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads/web" => {
                    (200, serde_json::to_value(workload).unwrap())
                }
                "/api/v1/namespaces/shop/pods" => forbidden(),
                _ => not_found(),
            }
        });
        let Command::Status(options) = Cli::parse_from(["kubectl-hooked", "status", "web"]).command else {
            panic!("status is typed");
        };
        let overview = look(&served.connection(), &options).await.unwrap();
        let lines = tree::lines(&overview, None, Timestamp::now());
        let text: Vec<_> = lines.iter().map(|line| line.text(false)).collect();
        let told = [
            "Replicas      2 of 3 ready, 0 up to date, 0 available",
            "Pods of the last hook runs",
            "└─ web-z  not seen, 3 restarts",
            "Note  Pods are not shown: you may not list pods in namespace shop: ask for a role that allows it, such as the \
             ClusterRole view",
        ];
        for line in told {
            assert!(text.iter().any(|shown| shown == line), "{text:#?}");
        }
    }
}
