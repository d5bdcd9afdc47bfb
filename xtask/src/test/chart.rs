//! The Helm chart: it is well formed, with its defaults it is config/default, and on a cluster it comes, serves and
//! goes.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use hooked_cluster::{Cluster, Progress, Target};
use serde_json::Value;

use super::installations;
use crate::generate::chart::covers_config;
use crate::helm::{Helm, chart};
use crate::image;
use crate::install::{OPERATOR, SYSTEM};
use crate::kubectl::Kubectl;

/// Labels that say what a thing is installed with, in which Helm and kustomize must differ. Components of kustomize
/// have no `part-of`.
const INSTALLED_WITH: [&str; 5] = [
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "helm.sh/chart",
];

/// Values that must be refused, and the word that the refusal must have.
const REFUSED: [(&str, &str); 4] = [
    ("replica=2", "replica"),
    ("replicas=-1", "replicas"),
    ("log.format=xml", "format"),
    ("runner.injection=Magic", "injection"),
];

/// Values, and the components of config/ that are the same.
const SAME: [(&str, &[&str]); 7] = [
    ("replicas=2", &[]),
    ("prometheus.serviceMonitor.enabled=true,prometheus.rules.enabled=true", &["prometheus"]),
    ("grafana.dashboards.enabled=true", &["grafana"]),
    ("grafana.dashboards.enabled=true,grafana.operator=true", &["grafana", "grafana/operator"]),
    ("networkPolicy=true", &["components/network-policy"]),
    ("injector=true", &["injector"]),
    (
        "metrics.secure=true,prometheus.serviceMonitor.enabled=true,prometheus.rules.enabled=true",
        &["prometheus", "components/metrics-tls", "components/metrics-tls-monitor"],
    ),
];

/// Holds the chart to Helm's own rules, to config/default and to its schema.
pub(super) fn check() -> Result<()> {
    covers_config()?;
    let progress = Progress::new(|line| eprintln!("{line}"));
    let helm = Helm::find(&progress)?;
    let chart = chart()?;
    helm.output(&["lint", "--strict", &chart])?;
    let template = |values: &[&str]| {
        let start = ["template", "hooked", &chart, "--namespace", "hooked-system"];
        helm.output(&[&start[..], values].concat())
    };
    let kubectl = Cluster::named("dev")?.kubectl_offline(&progress)?;
    for (values, components) in SAME {
        let kustomized = installations::build(Command::new(kubectl.get_program()), SYSTEM, components)?;
        let installed = template(&["--set", "image.tag=dev", "--set", values])?;
        same(&objects(&installed)?, &objects(&kustomized)?).with_context(|| format!("--set {values}"))?;
    }
    for (value, word) in REFUSED {
        let refused = template(&["--set", value]).err().map(|error| format!("{error:#}")).unwrap_or_default();
        ensure!(refused.contains(word), "helm takes --set {value}, or does not say why not: {refused:?}");
    }
    for values in OTHER_VALUES {
        let values: Vec<&str> = values.iter().flat_map(|value| ["--set", value]).collect();
        objects(&template(&values)?).with_context(|| values.join(" "))?;
    }
    Ok(())
}

/// Sets of values with which the chart must still be made of objects.
const OTHER_VALUES: [&[&str]; 5] = [
    &["watchNamespaces={a,b}", "crds.install=false", "rbac.aggregatedRoles=false", "uninstallGuard=false"],
    &[
        "image.registry=mirror.local:5000",
        "image.digest=sha256:0",
        "imagePullSecrets[0].name=x",
        "runner.pullSecret=x",
    ],
    &[
        "prometheus.rules.enabled=true",
        "prometheus.rules.labels.a=b",
        "prometheus.rules.disabled={HookedHookStuck}",
    ],
    &[
        "nodeSelector.a=b",
        "tolerations[0].key=x",
        "affinity.nodeAffinity.x=y",
        "serviceAccount.annotations.a=b",
    ],
    &[
        "runner.architectures={amd64,arm64}",
        "log.level=debug",
        "log.format=text",
        "extraArgs={--concurrency=4}",
    ],
];

/// Installs, upgrades and uninstalls the chart with a workload living, on a cluster without Hooked.
pub(super) fn come_and_go(target: &Target) -> Result<()> {
    let progress = Progress::new(|line| eprintln!("{line}"));
    let helm = Helm::find(&progress)?.against(&target.kubeconfig()?);
    let (kubectl, chart) = (Kubectl::of(target), chart()?);
    let release = |verb: &str, values: &[&str]| {
        let start = [verb, "hooked", &chart, "--namespace", SYSTEM, "--set", "image.tag=dev"];
        helm.output(&[&start[..], &["--wait", "--timeout", "3m"], values].concat())
    };
    let of_release = |verb: &str| helm.output(&[verb, "hooked", "--namespace", SYSTEM]);
    release("install", &["--create-namespace"])?;
    of_release("test")?;
    let sample = image::workspace()?.join("config/samples/hook-demo1.yaml").display().to_string();
    kubectl.run(&["apply", "-f", &sample])?;
    kubectl.run(&["wait", "--for=condition=Ready", "hw/hook-demo1", "--timeout=300s"])?;
    let pods = || {
        kubectl.output(&[
            "get",
            "pods",
            "-l",
            "hooked.dev/revision",
            "-o",
            "jsonpath={.items[*].metadata.uid}",
        ])
    };
    let before = pods()?;
    release("upgrade", &["--set", "log.level=debug"])?;
    let refused = of_release("uninstall").err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(
        refused.contains("HookedWorkloads live"),
        "helm uninstall is not refused, or does not say why: {refused:?}"
    );
    ensure!(
        kubectl.succeeds(&["-n", SYSTEM, "get", OPERATOR]),
        "a refused uninstall has removed the operator"
    );
    // As docs/installing.md tells it: the upgrade was the second revision.
    helm.output(&["rollback", "hooked", "2", "--namespace", SYSTEM, "--wait"])?;
    release("upgrade", &[])?;
    ensure!(pods()? == before && !before.is_empty(), "an upgrade or a refused uninstall has replaced Pods");
    kubectl.run(&["delete", "hw", "--all", "--all-namespaces", "--timeout=300s"])?;
    of_release("uninstall")?;
    let definition = ["get", "crd", "hookedworkloads.hooked.dev"];
    ensure!(kubectl.succeeds(&definition), "the definition is gone though crds.keep is true");
    kubectl.run(&["delete", "crd", "hookedworkloads.hooked.dev"])?;
    kubectl.run(&["delete", "namespace", SYSTEM])
}

/// Objects by kind, namespace and name.
type Objects = BTreeMap<String, Value>;

/// The objects of manifests, without hooks of Helm's and without what says who installs them.
fn objects(manifests: &str) -> Result<Objects> {
    let mut objects = Objects::new();
    let all: Vec<Value> = serde_saphyr::from_multiple(manifests).context("the manifests are no YAML")?;
    for mut object in all.into_iter().filter(|object| !object.is_null()) {
        let metadata = object["metadata"].as_object_mut().context("an object without metadata")?;
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.retain(|name, _| !INSTALLED_WITH.contains(&name.as_str()));
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            if annotations.contains_key("helm.sh/hook") {
                continue;
            }
            annotations.remove("helm.sh/resource-policy");
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &object["metadata"];
        let name = [text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"])].join(" ");
        if objects.insert(name.clone(), object).is_some() {
            bail!("{name} is there twice");
        }
    }
    Ok(objects)
}

/// Fails unless both install the same; the namespace is made by `helm install --create-namespace`.
fn same(chart: &Objects, config: &Objects) -> Result<()> {
    for (name, object) in config {
        match chart.get(name) {
            None if name.starts_with("Namespace ") => {}
            None => bail!("the Helm chart does not install {name}"),
            Some(other) => {
                let differs = difference(other, object);
                ensure!(differs.is_none(), "{name} differs: {}", differs.unwrap_or_default());
            }
        }
    }
    match chart.keys().find(|name| !config.contains_key(*name)) {
        Some(more) => bail!("config/default does not install {more}, and the Helm chart does"),
        None => Ok(()),
    }
}

/// The first place in which the chart's object is not that of config/.
fn difference(chart: &Value, config: &Value) -> Option<String> {
    if chart == config {
        return None;
    }
    let below = |name: String, one: Option<&Value>, other: Option<&Value>| {
        let null = Value::Null;
        let differs = difference(one.unwrap_or(&null), other.unwrap_or(&null))?;
        Some(format!("/{name}{differs}"))
    };
    match (chart, config) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys());
            names.map(|name| below(name.clone(), one.get(name), other.get(name))).find_map(|differs| differs)
        }
        (Value::Array(one), Value::Array(other)) => (0..one.len().max(other.len()))
            .map(|place| below(place.to_string(), one.get(place), other.get(place)))
            .find_map(|differs| differs),
        _ => Some(format!(" is {chart} in the Helm chart, and {config} in config/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chart: &str, config: &str, complaint: Option<&str>) {
        let outcome = same(&objects(chart).unwrap(), &objects(config).unwrap());
        let said = outcome.err().map(|error| error.to_string());
        assert_eq!(said.is_some(), complaint.is_some(), "{said:?}");
        assert!(said.unwrap_or_default().contains(complaint.unwrap_or_default()));
    }

    #[test]
    fn what_one_way_installs_and_the_other_does_not_is_found() {
        const A: &str = "kind: A\nmetadata:\n  name: a\n";
        const WITH_LABEL: &str = "kind: A\nmetadata:\n  name: a\n  labels:\n    helm.sh/chart: x\n    a: b\n";
        const LABELLED: &str = "kind: A\nmetadata:\n  name: a\n  labels:\n    a: b\n";
        const HOOK: &str = "---\nkind: Job\nmetadata:\n  name: j\n  annotations:\n    helm.sh/hook: test\n";
        check(A, A, None);
        check(&format!("{A}{HOOK}"), A, None);
        check(A, "kind: Namespace\nmetadata:\n  name: n\n", Some("config/default does not install A  a"));
        check("", A, Some("the Helm chart does not install A  a"));
        check(A, LABELLED, Some("/metadata/labels is null in the Helm chart"));
        check(WITH_LABEL, LABELLED, None);
    }
}
