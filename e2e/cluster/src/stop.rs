//! Stops a cluster and removes what it left, whether it is whole, half started or half dead.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cgroup::Cgroup;
use crate::components::{API_SERVER, CONTAINERD, CONTROLLER_MANAGER, ETCD, KUBELET, PROXY, SCHEDULER};
use crate::layout::Layout;
use crate::record::Record;
use crate::{mounts, network, process};

/// Nothing of a throw-away cluster is worth a long goodbye.
const GRACE: Duration = Duration::from_secs(3);

/// Whether anything of the cluster is there.
pub(crate) fn remains(layout: &Layout) -> Result<bool> {
    Ok(layout.run.exists() || layout.config("").exists() || Cgroup::named(&layout.unique())?.exists())
}

/// Stops everything in an order in which nothing is started anew, and removes all but the logs.
pub(crate) fn stop(layout: &Layout) -> Result<()> {
    let record = Record::load(layout);
    let cgroup = Cgroup::named(&layout.unique())?;
    let halt = |components: &[&str]| match process::stop(&record.of(components), GRACE).first() {
        Some(survivor) => bail!("{} does not end, even killed", survivor.component),
        None => Ok(()),
    };
    halt(&[KUBELET, PROXY, SCHEDULER, CONTROLLER_MANAGER])?;
    cgroup.kill_pods()?;
    halt(&[API_SERVER, CONTAINERD])?;
    halt(&[ETCD])?;
    cgroup.kill_all()?;

    network::remove(layout)?;
    for directory in [&layout.run, &layout.state] {
        mounts::clear(directory)?;
    }
    cgroup.remove()?;
    remove_from("/var/lib/cni/results", |entry| entry_name(entry).starts_with(&layout.unique()));
    remove_from("/var/log/containers", |entry| {
        fs::read_link(entry).is_ok_and(|target| target.starts_with(&layout.state))
    });
    // The kubelet makes these whatever its root directory is.
    for directory in ["/var/lib/kubelet/device-plugins", "/var/lib/kubelet", "/var/lib/cni"] {
        remove_if_empty(Some(Path::new(directory)));
    }
    remove(layout)
}

/// Removes the run directory, and the state but for the logs, which are most wanted after a failure.
fn remove(layout: &Layout) -> Result<()> {
    for directory in [&layout.run, &layout.state] {
        if let Some(mount) = mounts::below(directory)?.first() {
            bail!(
                "{} is still mounted, so nothing below {} is removed",
                mount.display(),
                directory.display()
            );
        }
    }
    let of_state = fs::read_dir(&layout.state).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in of_state.filter(|path| *path != layout.logs()).chain([layout.run.clone()]) {
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
    }
    remove_if_empty(layout.run.parent());
    Ok(())
}

/// Removes those files of a directory shared with others that are ours, and the directory if it was only for us.
fn remove_from(directory: &str, ours: impl Fn(&Path) -> bool) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if ours(&entry.path()) {
            // A leftover file here disturbs nobody.
            let _ = fs::remove_file(entry.path());
        }
    }
    remove_if_empty(Some(Path::new(directory)));
}

fn remove_if_empty(directory: Option<&Path>) {
    // It fails if there is something in it, which is as it should be.
    let _ = directory.map(fs::remove_dir);
}

fn entry_name(entry: &Path) -> String {
    entry.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
