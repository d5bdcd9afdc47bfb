//! A Deployment goes in and out in the order that docs/moving.md gives, under what Argo CD and Flux do by themselves:
//! they make again what is in Git and was deleted, and delete what has left Git.

use anyhow::{Result, bail, ensure};
use hooked_e2e::{Container, Security, Space, Unmoved, Workload, in_namespace};
use serde_json::{Value, json};

/// What both track here, in the order in which it is pruned: the last thing that was applied first.
const KINDS: [&str; 3] = ["hookedworkload", "deployment", "configmap"];

/// By whose rules it is pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    /// What bears the application's label and is not in Git, wherever it comes from, goes with what depends on it,
    /// unless it says otherwise (argo-cd: `util/argo/resource_tracking.go`, gitops-engine:
    /// `pkg/sync/sync_context.go`).
    Argo,
    /// What the inventory names that the last reconciliation has written, and Git does not, unless the object says
    /// otherwise (kustomize-controller: `internal/controller/kustomization_controller.go`, `prune`).
    Flux,
}

/// One who keeps a namespace as Git has it.
struct Keeper<'a> {
    space: &'a Space,
    tool: Tool,
    /// Kinds and names that were applied the last time.
    inventory: Vec<(String, String)>,
}

impl Keeper<'_> {
    /// Has the namespace be as this commit, which Argo CD gives its label.
    async fn sync(&mut self, commit: &[Value]) -> Result<()> {
        let named = |object: &Value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&object["kind"]).to_lowercase(), text(&object["metadata"]["name"]))
        };
        for object in commit {
            let mut object = object.clone();
            if self.tool == Tool::Argo {
                object["metadata"]["labels"]["app.kubernetes.io/instance"] = json!("shop");
            }
            self.space.apply_manifest(&object).await?;
        }
        let wanted: Vec<_> = commit.iter().map(named).collect();
        let known = match self.tool {
            Tool::Argo => self.labelled().await?,
            Tool::Flux => std::mem::replace(&mut self.inventory, wanted.clone()),
        };
        for (kind, name) in known.into_iter().filter(|known| !wanted.contains(known)) {
            if self.may_prune(&kind, &name).await? {
                let cascade = if self.tool == Tool::Argo { "foreground" } else { "background" };
                self.space.kubectl(&["delete", &kind, &name, &format!("--cascade={cascade}")]).await?;
            }
        }
        Ok(())
    }

    /// What bears the application's label.
    async fn labelled(&self) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        for kind in KINDS {
            let arguments = ["get", kind, "--selector=app.kubernetes.io/instance=shop", "--output=name"];
            let names = self.space.kubectl(&arguments).await?;
            let names = names.lines().filter_map(|line| line.rsplit('/').next());
            found.extend(names.map(|name| (kind.to_owned(), name.to_owned())));
        }
        Ok(found)
    }

    /// Whether the object is there, and does not say that it is to stay.
    async fn may_prune(&self, kind: &str, name: &str) -> Result<bool> {
        let arguments = ["get", kind, name, "--ignore-not-found", "--output=jsonpath={.metadata}"];
        let metadata = self.space.kubectl(&arguments).await?;
        if metadata.is_empty() {
            return Ok(false);
        }
        let metadata: Value = serde_json::from_str(&metadata)?;
        let (annotation, stays) = self.tool.stays();
        Ok(metadata["annotations"][annotation] != stays)
    }
}

impl Tool {
    /// The annotation by which an object stays that has left Git.
    fn stays(self) -> (&'static str, &'static str) {
        match self {
            Self::Argo => ("argocd.argoproj.io/sync-options", "Prune=false"),
            Self::Flux => ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
        }
    }

    /// The object, which stays though it has left Git.
    fn staying(self, object: &Value) -> Value {
        let (mut object, (annotation, stays)) = (object.clone(), self.stays());
        object["metadata"]["annotations"][annotation] = json!(stays);
        object
    }
}

/// A tool that prunes nothing would prove nothing.
async fn check_that_it_prunes(keeper: &mut Keeper<'_>) -> Result<()> {
    let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}});
    keeper.sync(&[keeper.tool.staying(&settings)]).await?;
    keeper.sync(&[]).await?;
    let there =
        || keeper.space.kubectl(&["get", "configmap", "settings", "--ignore-not-found", "--output=name"]);
    ensure!(!there().await?.is_empty(), "it was to stay");
    let space = keeper.space;
    keeper.sync(&[settings]).await?;
    keeper.sync(&[]).await?;
    let there =
        space.kubectl(&["get", "configmap", "settings", "--ignore-not-found", "--output=name"]).await?;
    ensure!(there.is_empty(), "it was to go: {there}");
    Ok(())
}

async fn goes_in_and_out(space: &Space, tool: Tool) -> Result<()> {
    let mut keeper = Keeper { space, tool, inventory: Vec::new() };
    check_that_it_prunes(&mut keeper).await?;
    let web = Workload::new("web", [Container::polite("web")]).replicas(2);
    let deployment = web.of_kind("apps/v1", "Deployment", &json!({}));
    keeper.sync(std::slice::from_ref(&deployment)).await?;
    space.kubectl(&["rollout", "status", "deployment/web", "--timeout=300s"]).await?;
    let before = Unmoved::of(space).await?;

    keeper.sync(&[tool.staying(&deployment)]).await?;
    // As `kubectl hooked convert` writes it: whoever asks for another `spec.hooks` asks for other Pods.
    let workload = web.of_kind("hooked.dev/v1alpha1", "HookedWorkload", &json!({}));
    let mut waiting = workload.clone();
    waiting["metadata"]["annotations"]["hooked.dev/adopt-from"] = json!("Deployment/web");
    keeper.sync(std::slice::from_ref(&waiting)).await?;
    before.check(space, "ReplicaSet").await?;
    space.hooked(&["adopt", "deployment/web"]).await?.succeeded()?;
    before.check(space, "HookedWorkload").await?;
    // Whatever it does by itself meanwhile.
    for commit in [&waiting, &waiting, &workload] {
        keeper.sync(std::slice::from_ref(commit)).await?;
        before.check(space, "HookedWorkload").await?;
    }

    keeper.sync(&[tool.staying(&workload)]).await?;
    keeper.sync(&[]).await?;
    before.check(space, "HookedWorkload").await?;
    space.hooked(&["release", "web"]).await?.succeeded()?;
    before.check(space, "ReplicaSet").await?;
    for _ in 0..2 {
        keeper.sync(std::slice::from_ref(&deployment)).await?;
        space.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).await?;
        before.check(space, "ReplicaSet").await?;
    }
    if space.workloads().get_opt("web").await?.is_some() {
        bail!("the workload is still there");
    }
    Ok(())
}

#[tokio::test]
async fn argo_cd_prunes_no_pod_that_goes_in_or_out() -> Result<()> {
    in_namespace("argo", Security::Baseline, async |space| goes_in_and_out(space, Tool::Argo).await).await
}

#[tokio::test]
async fn flux_prunes_no_pod_that_goes_in_or_out() -> Result<()> {
    in_namespace("flux", Security::Baseline, async |space| goes_in_and_out(space, Tool::Flux).await).await
}
