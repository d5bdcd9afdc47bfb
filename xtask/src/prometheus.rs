//! Prometheus beside the operator, with the rules of config/prometheus: for the demo and for the tests.

use std::fs;

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Progress, Target, monitoring};
use serde_json::{Value, json};

use crate::image;
use crate::kubectl::Kubectl;

const NAMESPACE: &str = "hooked-monitoring";
const RULES: &str = "config/prometheus/prometheus_rule.yaml";

/// The rules as Prometheus itself reads them: the spec of the `PrometheusRule`.
pub(crate) fn rules() -> Result<Value> {
    let file = image::workspace()?.join(RULES);
    let rule: Value = serde_saphyr::from_str(&fs::read_to_string(&file)?).context(RULES)?;
    ensure!(rule["spec"]["groups"].is_array(), "{RULES} has no spec.groups");
    Ok(rule["spec"].clone())
}

/// Starts Prometheus in the cluster, or loads the rules anew into one that is there, and returns its address.
pub(crate) fn start(target: &Target, progress: &Progress) -> Result<String> {
    progress.say("starting Prometheus with the rules of config/prometheus");
    if let Target::Embedded(cluster) = target {
        cluster.load(&monitoring::prometheus_image(progress)?)?;
    }
    let kubectl = Kubectl::of(target);
    let runs = kubectl.succeeds(&["-n", NAMESPACE, "get", "deployment/prometheus"]);
    let place = image::workspace()?.join("e2e/prometheus");
    kubectl.run(&["apply", "-f", &place.join("prometheus.yaml").display().to_string()])?;
    let changed = kubectl.apply(&json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "prometheus", "namespace": NAMESPACE},
        "data": {
            "prometheus.yml": fs::read_to_string(place.join("prometheus.yml"))?,
            "rules.json": rules()?.to_string(),
        },
    }))?;
    if runs && changed {
        kubectl.run(&["-n", NAMESPACE, "rollout", "restart", "deployment/prometheus"])?;
    }
    kubectl.run(&["-n", NAMESPACE, "rollout", "status", "deployment/prometheus", "--timeout=180s"])?;
    let service = kubectl.json(&["-n", NAMESPACE, "get", "service", "prometheus"])?;
    let address = service["spec"]["clusterIP"].as_str().context("Prometheus has no address")?;
    Ok(format!("http://{address}:9090"))
}
