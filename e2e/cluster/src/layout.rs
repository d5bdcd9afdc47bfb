//! Where everything of a cluster lives: state, run directory, logs and the cache of built programs.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Result, ensure};

use crate::digest;

/// The places of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) name: String,
    /// What outlives a reboot: certificates, etcd's data, images, logs, the kubeconfig.
    pub(crate) state: PathBuf,
    /// Sockets and mounts. Its path is short whatever the state directory's, since a Unix socket's path is limited.
    pub(crate) run: PathBuf,
    /// Programs and images that are the same for every cluster and are worth keeping.
    pub(crate) cache: PathBuf,
    /// Tells apart clusters of one name under different state directories.
    id: String,
}

impl Layout {
    pub(crate) fn of(name: &str) -> Result<Self> {
        let roomy = 1..=24;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            roomy.contains(&name.len())
                && name.chars().all(plain)
                && !name.starts_with('-')
                && !name.ends_with('-'),
            "`{name}` cannot name a cluster: use up to 24 lower-case letters, digits and inner dashes"
        );
        let root = set("HOOKED_STATE").unwrap_or_else(|| PathBuf::from("/var/lib/hooked"));
        let layout = Self::below(&std::path::absolute(root)?, name, cache()?);
        // The kubelet puts sockets below it, whose whole path the kernel limits to 107 bytes.
        ensure!(
            layout.state.as_os_str().len() <= 70,
            "{} is too long for a state directory",
            layout.state.display()
        );
        Ok(layout)
    }

    pub(crate) fn below(root: &Path, name: &str, cache: PathBuf) -> Self {
        let state = root.join(name);
        let id = digest(&[state.as_os_str().as_encoded_bytes()], 8);
        Self { name: name.to_owned(), run: Path::new("/run/hooked").join(&id), state, cache, id }
    }

    /// The node's name.
    pub(crate) fn node(&self) -> String {
        format!("hooked-{}", self.name)
    }

    /// A name that no other cluster on the machine has, for its cgroup and CNI network.
    pub(crate) fn unique(&self) -> String {
        format!("hooked-{}-{}", self.name, self.id)
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.state.join("kubeconfig")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// The API server's audit log, and the parts of it that it has laid by since it was started.
    pub(crate) fn audit_logs(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(self.logs()).into_iter().flatten().flatten();
        let is_audit = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b"audit");
        all.filter(is_audit).map(|entry| entry.path()).collect()
    }

    pub(crate) fn log(&self, component: &str) -> PathBuf {
        self.logs().join(format!("{component}.log"))
    }

    pub(crate) fn config(&self, file: &str) -> PathBuf {
        self.state.join("config").join(file)
    }

    pub(crate) fn pki(&self) -> PathBuf {
        self.state.join("pki")
    }

    pub(crate) fn containerd_socket(&self) -> PathBuf {
        self.run.join("containerd.sock")
    }

    /// The network namespace, kept by a mount on this file.
    pub(crate) fn netns(&self) -> PathBuf {
        self.run.join("netns")
    }

    /// Beside the state directory, since that is removed while the lock is held.
    pub(crate) fn lock(&self) -> PathBuf {
        self.state.with_file_name(format!(".{}.lock", self.name))
    }
}

/// Where built programs are kept.
pub(crate) fn cache() -> Result<PathBuf> {
    let place = set("HOOKED_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("hooked")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/hooked")))
        .unwrap_or_else(|| PathBuf::from("/var/cache/hooked"));
    Ok(std::path::absolute(place)?)
}

fn set(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_not_do_for_a_node_or_a_path_is_refused() {
        for name in ["", "Dev", "a b", "../x", "-dev", "dev-", &"x".repeat(25)] {
            assert!(Layout::of(name).is_err(), "{name}");
        }
        assert!(Layout::of("dev-2").is_ok());
    }

    #[test]
    fn clusters_of_one_name_under_two_state_directories_share_nothing_but_the_node_name() {
        let [one, two] = ["/a", "/b"].map(|root| Layout::below(Path::new(root), "dev", PathBuf::new()));
        assert_eq!(one.node(), two.node());
        assert_ne!(one.run, two.run);
        assert_ne!(one.unique(), two.unique());
    }
}
