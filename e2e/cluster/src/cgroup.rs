//! The cgroup that holds a cluster, its programs and its Pods: what is in it is ours, and nothing else is.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;

/// One directory per hierarchy: a single one with cgroup v2, one a controller with v1.
pub(crate) struct Cgroup {
    directories: Vec<PathBuf>,
}

impl Cgroup {
    pub(crate) fn named(name: &str) -> Result<Self> {
        let mounts = fs::read_to_string("/proc/mounts")?;
        Ok(Self { directories: hierarchies(&mounts).iter().map(|root| root.join(name)).collect() })
    }

    /// Makes the directories, since the kubelet demands that its root exists. New cpuset groups of v1 are
    /// empty and would take no process, so they get what their parent has.
    pub(crate) fn create(&self) -> Result<()> {
        for directory in &self.directories {
            fs::create_dir_all(directory.join("daemons"))
                .with_context(|| format!("cannot make the cgroup {}", directory.display()))?;
            for group in [directory.clone(), directory.join("daemons")] {
                inherit_cpuset(&group);
            }
            for group in directory.parent().into_iter().chain([directory.as_path()]) {
                pass_controllers_down(group);
            }
        }
        if self.directories.is_empty() {
            bail!("no cgroup hierarchy is mounted on this machine");
        }
        Ok(())
    }

    /// Where the cluster's own programs are put, and with them all that they start outside of Pods.
    pub(crate) fn daemons(&self) -> PathBuf {
        let any_v1 = |controller: &str| {
            self.directories
                .iter()
                .find(|directory| directory.parent().is_some_and(|root| root.ends_with(controller)))
        };
        let chosen = any_v1("pids").or_else(|| any_v1("systemd")).or_else(|| self.directories.first());
        chosen.map(|directory| directory.join("daemons")).unwrap_or_default()
    }

    /// Kills what runs in Pods.
    pub(crate) fn kill_pods(&self) -> Result<()> {
        self.kill_below("kubepods")
    }

    /// Kills whatever is left: containers' shims, and programs whose record was lost.
    pub(crate) fn kill_all(&self) -> Result<()> {
        self.kill_below("")
    }

    fn kill_below(&self, part: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let members: Vec<i32> =
                self.directories.iter().flat_map(|root| members(&root.join(part))).collect();
            if members.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("processes {members:?} of the cluster do not end, even killed");
            }
            members.into_iter().for_each(process::kill);
            sleep(Duration::from_millis(10));
        }
    }

    /// Removes the directories; the kernel takes a moment to let go of the dead.
    pub(crate) fn remove(&self) -> Result<()> {
        for directory in &self.directories {
            let deadline = Instant::now() + Duration::from_secs(5);
            while let Err(error) = remove_tree(directory) {
                if Instant::now() > deadline {
                    return Err(error)
                        .with_context(|| format!("cannot remove the cgroup {}", directory.display()));
                }
                sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    pub(crate) fn exists(&self) -> bool {
        self.directories.iter().any(|directory| directory.exists())
    }
}

/// The roots of all hierarchies. Hybrid systems mount v2 beside v1, and runc then makes groups in both.
fn hierarchies(mounts: &str) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .filter(|fields| fields.len() > 2 && matches!(fields[2], "cgroup" | "cgroup2"))
        .filter(|fields| fields[1].starts_with("/sys/fs/cgroup"))
        .map(|fields| PathBuf::from(fields[1]))
        .collect();
    roots.sort();
    roots.dedup();
    roots
}

fn inherit_cpuset(group: &Path) {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let own = fs::read_to_string(group.join(file)).unwrap_or_default();
        let parents = group.parent().and_then(|parent| fs::read_to_string(parent.join(file)).ok());
        if let Some(value) = parents.filter(|value| own.trim().is_empty() && !value.trim().is_empty()) {
            // Absent in v2 and in other controllers; the kubelet tells if it matters.
            let _ = fs::write(group.join(file), value);
        }
    }
}

/// With v2 a group has only the controllers that its parent passes down, and the kubelet wants these in its root.
fn pass_controllers_down(group: &Path) {
    let available = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    for controller in available.split_whitespace() {
        if ["cpu", "cpuset", "memory", "hugetlb", "pids"].contains(&controller) {
            // It may be passed down already; if it cannot be, the kubelet tells.
            let _ = fs::write(group.join("cgroup.subtree_control"), format!("+{controller}"));
        }
    }
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

fn members(directory: &Path) -> Vec<i32> {
    let own = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
    let below = children(directory).into_iter().flat_map(|child| members(&child));
    own.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).chain(below).collect()
}

fn remove_tree(directory: &Path) -> std::io::Result<()> {
    for child in children(directory) {
        remove_tree(&child)?;
    }
    match fs::remove_dir(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\n\
                          cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n\
                          cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";

    #[test]
    fn a_hybrid_machine_has_all_its_hierarchies_looked_after() {
        let roots = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified"];
        assert_eq!(hierarchies(HYBRID), roots.map(PathBuf::from));
    }

    #[test]
    fn programs_are_tracked_in_a_hierarchy_that_kills_reach() {
        let cgroup = Cgroup { directories: hierarchies(HYBRID).iter().map(|root| root.join("x")).collect() };
        assert_eq!(cgroup.daemons(), PathBuf::from("/sys/fs/cgroup/pids/x/daemons"));
    }

    #[test]
    fn a_unified_machine_has_one_hierarchy() {
        let mounts = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
        assert_eq!(hierarchies(mounts), [PathBuf::from("/sys/fs/cgroup")]);
    }
}
