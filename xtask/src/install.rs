//! The operator, as a user installs it.

use anyhow::Result;
use hooked_cluster::Progress;

use crate::image;
use crate::kubectl::Kubectl;

/// The operator's namespace.
pub(crate) const SYSTEM: &str = "hooked-system";
/// The labels of the operator's Pods, for kubectl.
pub(crate) const PODS: &str = "app.kubernetes.io/name=hooked,app.kubernetes.io/component=controller";
/// The operator's Deployment, for kubectl.
pub(crate) const OPERATOR: &str = "deployment/hooked-controller";

/// Installs the operator and waits until it is ready; one that runs already is replaced, since the image's name stays
/// the same.
pub(crate) fn install(kubectl: &Kubectl, progress: &Progress) -> Result<()> {
    let config = image::workspace()?.join("config/default").display().to_string();
    let installed = kubectl.succeeds(&["-n", SYSTEM, "get", OPERATOR]);
    progress.say("kubectl apply -k config/default");
    kubectl.run(&["apply", "-k", &config])?;
    if installed {
        kubectl.run(&["-n", SYSTEM, "rollout", "restart", OPERATOR])?;
    }
    let definition = "crd/hookedworkloads.hooked.dev";
    kubectl.run(&["wait", "--for=condition=Established", definition, "--timeout=60s"])?;
    kubectl.run(&["-n", SYSTEM, "rollout", "status", OPERATOR, "--timeout=180s"])?;
    progress.say("the operator is ready");
    Ok(())
}
