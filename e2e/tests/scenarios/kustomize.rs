//! Kustomize makes of a HookedWorkload what it makes of a Deployment, with the files of config/kustomize.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hooked_e2e::kubectl_offline;

/// Where the overlay is, and what Kustomize is told.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a kustomization needs that has HookedWorkloads in it.
const TOLD: &str = "configurations: [hookedworkload-transformers.yaml]\nopenapi: {path: schema.json}\n";

/// As what the files whose names begin with `web` are written.
#[derive(Clone, Copy)]
enum Kind {
    Deployment,
    HookedWorkload,
}

impl Kind {
    fn write(self, text: &str) -> String {
        match self {
            Self::Deployment => text.to_owned(),
            Self::HookedWorkload => text
                .replace("apiVersion: apps/v1", "apiVersion: hooked.dev/v1alpha1")
                .replace("kind: Deployment", "kind: HookedWorkload"),
        }
    }
}

/// Writes the overlay and its base for the kind, and returns the documents that Kustomize makes of them, in order.
async fn build(kind: Kind, place: &Path) -> Result<Vec<String>> {
    let source = repository().join("e2e/tests/kustomize");
    for layer in ["base", "overlay"] {
        fs::create_dir_all(place.join(layer))?;
        for entry in fs::read_dir(source.join(layer))? {
            let entry = entry?;
            let name = entry.file_name().into_string().ok().context("a file's name is no text")?;
            let mut text = fs::read_to_string(entry.path())?;
            let is_kustomization = name == "kustomization.yaml";
            if is_kustomization || name.starts_with("web") {
                text = kind.write(&text);
            }
            if is_kustomization && matches!(kind, Kind::HookedWorkload) {
                text.push_str(TOLD);
            }
            fs::write(place.join(layer).join(name), text)?;
        }
        for name in ["hookedworkload-transformers.yaml", "schema.json"] {
            fs::copy(repository().join("config/kustomize").join(name), place.join(layer).join(name))?;
        }
    }
    let overlay = place.join("overlay").display().to_string();
    let built = kubectl_offline(&["kustomize", &overlay]).await?;
    let mut documents: Vec<String> = built.split("---\n").map(ToOwned::to_owned).collect();
    documents.sort();
    Ok(documents)
}

#[tokio::test]
async fn an_overlay_of_a_workload_is_that_of_a_deployment() -> Result<()> {
    let place = repository().join("target/kustomize");
    let theirs = build(Kind::Deployment, &place.join("deployment")).await?;
    let ours = build(Kind::HookedWorkload, &place.join("hookedworkload")).await?;
    let ours_again = ours.iter().map(|document| {
        document
            .replace("apiVersion: hooked.dev/v1alpha1", "apiVersion: apps/v1")
            .replace("kind: HookedWorkload", "kind: Deployment")
    });
    let mut ours_again: Vec<String> = ours_again.collect();
    ours_again.sort();
    for (theirs, ours) in theirs.iter().zip(&ours_again) {
        ensure!(theirs == ours, "of the Deployment:\n{theirs}\nof the HookedWorkload:\n{ours}");
    }
    ensure!(theirs.len() == ours.len(), "{} and {} documents", theirs.len(), ours.len());
    let is_ours = |document: &&String| document.contains("kind: HookedWorkload\nmetadata:");
    let workload = ours.iter().find(is_ours).context("no HookedWorkload was made")?;
    // All that is tried is in force: else both could be alike because nothing was done.
    for done in [
        "name: prod-web-a",
        "prod-web-env-a-",
        "nginx:2",
        "replicas: 5",
        "env: prod",
        "name: TWO",
        "name: side",
    ] {
        ensure!(workload.contains(done), "no {done:?} in\n{workload}");
    }
    Ok(())
}
