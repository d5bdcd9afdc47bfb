//! What people type, and what they see.

use std::path::Path;

use anyhow::{Result, ensure};
use hooked_e2e::{Cluster, Container, Security, Workload, in_namespace};

#[tokio::test]
async fn a_workload_feels_like_a_built_in_kind() -> Result<()> {
    in_namespace("kubectl", Security::Baseline, async |space| {
        space.apply(&Workload::new("web", [Container::polite("web")])).await?;
        space.kubectl(&["wait", "--for=condition=Ready", "hw/web", "--timeout=300s"]).await?;
        let table = space.kubectl(&["get", "hw"]).await?;
        let columns: Vec<&str> = table.lines().next().unwrap_or_default().split_whitespace().collect();
        let narrow = "NAME DESIRED READY UP-TO-DATE HOOKS-OK HOOKS-FAILED KILLS LAST-HOOK AGE";
        ensure!(columns.join(" ") == narrow, "{table}");
        let table = space.kubectl(&["get", "hookedworkloads", "-o", "wide"]).await?;
        let columns: Vec<&str> = table.lines().next().unwrap_or_default().split_whitespace().collect();
        ensure!(
            columns.join(" ") == format!("{narrow} AVAILABLE RUNNING-HOOKS REVISION SELECTOR"),
            "{table}"
        );

        space.kubectl(&["scale", "hw", "web", "--replicas=2", "--current-replicas=1"]).await?;
        space
            .kubectl(&["wait", "--for=jsonpath={.status.readyReplicas}=2", "hw/web", "--timeout=300s"])
            .await?;
        let all = space.kubectl(&["get", "all"]).await?;
        ensure!(all.contains("hookedworkload.hooked.dev/web"), "{all}");
        let selector = space.kubectl(&["get", "hw", "web", "-o", "jsonpath={.status.selector}"]).await?;
        let pods = space.kubectl(&["get", "pods", "-l", &selector, "--no-headers"]).await?;
        ensure!(pods.lines().count() == 2, "{selector} selects {pods}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn kubectl_explains_what_is_ours_and_what_is_native() -> Result<()> {
    let cluster = Cluster::connect().await?;
    // What kubectl has remembered of the API may be older than the definition.
    cluster.kubectl(&["api-resources"]).await?;
    let ours = cluster.kubectl(&["explain", "hw.spec.hooks"]).await?;
    for field in ["measurement", "evidence", "historyLimit", "policies", "rolloutGate"] {
        ensure!(ours.contains(field), "{field} is missing in {ours}");
    }
    let policies = cluster.kubectl(&["explain", "hw.spec.hooks.policies.timeoutSeconds"]).await?;
    ensure!(policies.contains("SIGTERM"), "{policies}");
    let native = cluster.kubectl(&["explain", "hw.spec.template.spec.containers.lifecycle.preStop"]).await?;
    ensure!(native.contains("exec") && native.contains("httpGet"), "{native}");
    Ok(())
}

#[tokio::test]
async fn the_definition_fits_into_a_client_side_apply() -> Result<()> {
    let cluster = Cluster::connect().await?;
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/crd").display().to_string();
    let said = cluster.kubectl(&["apply", "-k", &place, "--dry-run=server"]).await?;
    ensure!(
        said.contains("customresourcedefinition.apiextensions.k8s.io/hookedworkloads.hooked.dev"),
        "{said}"
    );
    Ok(())
}
