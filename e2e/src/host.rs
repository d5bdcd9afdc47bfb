//! A directory of the node to which hooks and programs append lines: a witness that the operator cannot influence.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::wait::{DEADLINE, wait_within};

/// The longest time that a kubelet waits before it starts a container again, unless it is told otherwise.
const BACK_OFF: Duration = Duration::from_secs(300);
/// Where containers see the directory.
pub(crate) const MOUNT: &str = "/witness";

/// A directory of the node that belongs to one scenario.
#[derive(Clone, Debug)]
pub struct HostDirectory {
    path: PathBuf,
    readable: bool,
}

impl HostDirectory {
    pub(crate) fn new(cluster: &Cluster, namespace: &str) -> Result<Self> {
        let path = Path::new("/tmp/hooked-e2e").join(namespace);
        if cluster.shares_files {
            fs::create_dir_all(&path)?;
        }
        Ok(Self { path, readable: cluster.shares_files })
    }

    /// Its path on the node.
    pub fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// The volume for a Pod.
    pub fn volume(&self) -> Value {
        json!({"name": "witness", "hostPath": {"path": self.path(), "type": "DirectoryOrCreate"}})
    }

    /// The lines of one of its files; none if there is no such file.
    pub fn lines(&self, file: &str) -> Result<Vec<String>> {
        ensure!(
            self.readable,
            "this scenario reads files of the node, which are not at hand with a cluster of yours"
        );
        let text = match fs::read_to_string(self.path.join(file)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Makes an empty file in it, for hooks that wait for one.
    pub fn touch(&self, file: &str) -> Result<()> {
        ensure!(
            self.readable,
            "this scenario makes files of the node, which are not at hand with a cluster of yours"
        );
        Ok(fs::write(self.path.join(file), "")?)
    }

    /// How many lines one of its files has, as counters count.
    pub fn count(&self, file: &str) -> Result<i64> {
        Ok(i64::try_from(self.lines(file)?.len())?)
    }

    /// Waits until one of its files has at least that many lines, as long as more come: a kubelet may let five minutes
    /// go by before it starts a container again.
    pub async fn until_lines(&self, file: &str, lines: i64) -> Result<()> {
        let mut next = self.count(file)? + 1;
        while next <= lines {
            let what = format!("line {next} of {lines} in {file}");
            next = wait_within(BACK_OFF + DEADLINE, &what, async || {
                let found = self.count(file)?;
                Ok(if found >= next { Ok(found + 1) } else { Err(format!("{found} lines")) })
            })
            .await?;
        }
        Ok(())
    }

    pub(crate) fn all(&self) -> Result<BTreeMap<String, Vec<String>>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if !entry.file_type()?.is_file() {
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let lines = self.lines(&name)?;
            files.insert(name, lines);
        }
        Ok(files)
    }

    pub(crate) fn remove(&self) -> Result<()> {
        if self.readable {
            fs::remove_dir_all(&self.path)?;
        }
        Ok(())
    }
}
