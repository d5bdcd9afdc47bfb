//! Builds the cluster's programs from pinned Go modules, once, and keeps them in the cache.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::progress::Progress;
use crate::version::Kubernetes;
use crate::{cache, digest, exec};

/// A Go module under `tools/`, and how its programs are built.
struct Module {
    name: &'static str,
    /// What the result depends on: it names the directory in the cache.
    sources: &'static [&'static [u8]],
    flags: &'static [&'static str],
    /// The package to build; `tool` stands for all that go.mod lists as tools.
    package: &'static str,
    programs: &'static [&'static str],
}

/// How long a build is silent at most.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

const STRIP: &[&str] = &["-trimpath", "-ldflags", "-s -w"];

const KUBERNETES_PROGRAMS: &[&str] =
    &["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"];

const KUBERNETES_1_36: Module = Module {
    name: "kubernetes",
    sources: &[include_bytes!("../tools/kubernetes/go.mod"), include_bytes!("../tools/kubernetes/go.sum")],
    flags: &[
        "-trimpath",
        "-ldflags",
        "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
         -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
    ],
    package: "tool",
    programs: KUBERNETES_PROGRAMS,
};

const KUBERNETES_1_34: Module = Module {
    name: "kubernetes-1.34",
    sources: &[
        include_bytes!("../tools/kubernetes-1.34/go.mod"),
        include_bytes!("../tools/kubernetes-1.34/go.sum"),
    ],
    flags: &[
        "-trimpath",
        "-ldflags",
        "-s -w -X k8s.io/component-base/version.gitVersion=v1.34.4 \
         -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34",
    ],
    package: "tool",
    programs: KUBERNETES_PROGRAMS,
};

const ETCD: Module = Module {
    name: "etcd",
    sources: &[include_bytes!("../tools/etcd/go.mod"), include_bytes!("../tools/etcd/go.sum")],
    flags: STRIP,
    package: "go.etcd.io/etcd/server/v3",
    programs: &["etcd"],
};

const CONTAINERD: Module = Module {
    name: "containerd",
    sources: &[include_bytes!("../tools/containerd/go.mod"), include_bytes!("../tools/containerd/go.sum")],
    flags: STRIP,
    package: "tool",
    programs: &["containerd", "containerd-shim-runc-v2", "ctr"],
};

const PAUSE: Module = Module {
    name: "pause",
    sources: &[include_bytes!("../tools/pause/go.mod"), include_bytes!("../tools/pause/main.go")],
    flags: STRIP,
    package: ".",
    programs: &["pause"],
};

/// Not a program of a cluster: it holds dashboards to Grafana's schema.
const DASHBOARDS: Module = Module {
    name: "dashboards",
    sources: &[
        include_bytes!("../tools/dashboards/go.mod"),
        include_bytes!("../tools/dashboards/go.sum"),
        include_bytes!("../tools/dashboards/main.go"),
    ],
    flags: STRIP,
    package: ".",
    programs: &["dashboards"],
};

/// Not a program of a cluster either: it installs the chart. Without the version of Kubernetes that it was made for, it
/// takes charts to be for 1.20.
const HELM: Module = Module {
    name: "helm",
    sources: &[include_bytes!("../tools/helm/go.mod"), include_bytes!("../tools/helm/go.sum")],
    flags: &[
        "-trimpath",
        "-ldflags",
        "-s -w -X helm.sh/helm/v3/internal/version.version=v3.22.0 \
         -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=36 \
         -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=36",
    ],
    package: "tool",
    programs: &["helm"],
};

/// Signs what a release holds.
const COSIGN: Module = Module {
    name: "cosign",
    sources: &[include_bytes!("../tools/cosign/go.mod"), include_bytes!("../tools/cosign/go.sum")],
    flags: STRIP,
    package: "tool",
    programs: &["cosign"],
};

/// The directories that hold the built programs.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub(crate) version: Kubernetes,
    pub(crate) kubernetes: PathBuf,
    pub(crate) etcd: PathBuf,
    pub(crate) containerd: PathBuf,
    pub(crate) pause: PathBuf,
}

impl Tools {
    /// Where the programs are, or will be once built.
    pub(crate) fn below(cache: &Path, version: Kubernetes) -> Self {
        let place = |module: &Module| cache.join("tools").join(module.directory());
        Self {
            version,
            kubernetes: place(module_of(version)),
            etcd: place(&ETCD),
            containerd: place(&CONTAINERD),
            pause: place(&PAUSE),
        }
    }

    /// Builds what the cache lacks.
    pub(crate) fn build(&self, progress: &Progress) -> Result<()> {
        let places = [&self.kubernetes, &self.etcd, &self.containerd, &self.pause];
        let modules = [module_of(self.version), &ETCD, &CONTAINERD, &PAUSE];
        for (module, place) in modules.into_iter().zip(places) {
            cache::once(place, progress, |draft| module.build(draft, progress))?;
        }
        Ok(())
    }

    /// Builds the programs of Kubernetes if the cache lacks them.
    pub(crate) fn build_kubernetes(&self, progress: &Progress) -> Result<()> {
        cache::once(&self.kubernetes, progress, |draft| module_of(self.version).build(draft, progress))
    }

    /// Builds what a control plane needs of what the cache lacks.
    pub(crate) fn build_control_plane(&self, progress: &Progress) -> Result<()> {
        self.build_kubernetes(progress)?;
        cache::once(&self.etcd, progress, |draft| ETCD.build(draft, progress))
    }

    pub(crate) fn kubectl(&self) -> PathBuf {
        self.kubernetes.join("kubectl")
    }

    pub(crate) fn ctr(&self) -> PathBuf {
        self.containerd.join("ctr")
    }
}

/// What builds Kubernetes.
fn module_of(version: Kubernetes) -> &'static Module {
    match version {
        Kubernetes::V1_34 => &KUBERNETES_1_34,
        Kubernetes::V1_36 => &KUBERNETES_1_36,
    }
}

/// The program that holds dashboards to Grafana's schema, built if the cache lacks it.
pub(crate) fn dashboards(cache: &Path, progress: &Progress) -> Result<PathBuf> {
    DASHBOARDS.program(cache, progress)
}

/// Helm, built if the cache lacks it.
pub(crate) fn helm(cache: &Path, progress: &Progress) -> Result<PathBuf> {
    HELM.program(cache, progress)
}

/// cosign, built if the cache lacks it.
pub(crate) fn cosign(cache: &Path, progress: &Progress) -> Result<PathBuf> {
    COSIGN.program(cache, progress)
}

impl Module {
    fn directory(&self) -> String {
        let architecture = [std::env::consts::ARCH, self.package];
        let words = self.flags.iter().copied().chain(architecture).map(str::as_bytes);
        let parts: Vec<&[u8]> = self.sources.iter().copied().chain(words).collect();
        format!("{}-{}", self.name, digest(&parts, 12))
    }

    /// The one program of a module that has the program's name, built if the cache lacks it.
    fn program(&self, cache: &Path, progress: &Progress) -> Result<PathBuf> {
        let place = cache.join("tools").join(self.directory());
        cache::once(&place, progress, |draft| self.build(draft, progress))?;
        Ok(place.join(self.name))
    }

    /// Builds the programs into a new directory.
    fn build(&self, directory: &Path, progress: &Progress) -> Result<()> {
        let go =
            exec::find("go").context("`go` is missing: install Go 1.26 or newer from https://go.dev/dl")?;
        fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
        progress.say(&format!("building {} from source; this is done once", self.name));
        let mut command = Command::new(go);
        command
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tools").join(self.name))
            // Static programs, whether the machine has a C compiler or not.
            .env("CGO_ENABLED", "0")
            .args(["build", "-v"])
            .args(self.flags)
            // The trailing slash keeps the name that Go gives a program.
            .arg("-o")
            .arg(directory.join(self.output()))
            .arg(self.package);
        follow(&mut command, self.name, progress)?;
        if let Some(absent) = self.programs.iter().find(|program| !directory.join(program).is_file()) {
            bail!("building {} made no {absent}", self.name);
        }
        Ok(())
    }

    /// One program may be called otherwise than its package's last element (`v3`), so it is named.
    fn output(&self) -> &str {
        if let [program] = self.programs { program } else { "" }
    }
}

/// Runs a build, which names each package that it compiles, and gives a sign of life every few seconds.
fn follow(command: &mut Command, name: &str, progress: &Progress) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run go")?;
    let stderr = child.stderr.take().context("go has no standard error")?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        BufReader::new(stderr).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    let (mut said, mut told) = (String::new(), Instant::now());
    loop {
        match lines.recv_timeout(SIGN_OF_LIFE) {
            Ok(line) => said.extend([&line, "\n"]),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if told.elapsed() >= SIGN_OF_LIFE {
            told = Instant::now();
            let latest = said.lines().last().unwrap_or("nothing yet");
            progress.say(&format!("building {name}: {} packages, the latest {latest}", said.lines().count()));
        }
    }
    if !child.wait()?.success() {
        bail!("building {name} failed: {}", exec::last_words(&said));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_differently_is_kept_apart() {
        let other = Module { flags: &["-trimpath"], ..ETCD };
        assert_ne!(ETCD.directory(), other.directory());
        assert_eq!(ETCD.directory(), ETCD.directory());
    }
}
