//! The tutorials of docs/tutorials, carried out: what a page says to type works, and shows what the page says it shows.
//!
//! A block of commands that is carried out has the comment `<!-- run -->` before it. A block of text with
//! `<!-- shows -->` before it has lines that the output of the commands before must hold; `…` stands for anything.

mod page;

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use hooked_cluster::Target;

use super::stages::Tally;
use crate::image;
use crate::kubectl::Kubectl;
use page::{Step, missing, steps};

/// Where the pages are.
const PAGES: &str = "docs/tutorials";
/// How long a page may take, in seconds: one that hangs ends the run otherwise.
const PATIENCE: &str = "900";

/// Carries out all pages, each in a namespace of its own.
pub(super) fn run(target: &Target, plugin: &Path) -> Result<Tally> {
    let mut tally = Tally::default();
    for path in pages()? {
        let name = path.file_stem().context("a page has no name")?.to_string_lossy().into_owned();
        let steps = steps(&fs::read_to_string(&path)?).with_context(|| format!("in {}", path.display()))?;
        if steps.is_empty() {
            continue;
        }
        match Place::prepare(target, plugin, &name).and_then(|place| place.carry_out(&steps)) {
            Ok(()) => tally.passed += 1,
            Err(error) => {
                tally.failed += 1;
                eprintln!("{}: {error:#}", path.display());
            }
        }
    }
    ensure!(tally != Tally::default(), "no page of {PAGES} has commands that are carried out");
    Ok(tally)
}

fn pages() -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(image::workspace()?.join(PAGES))? {
        pages.push(entry?.path());
    }
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    Ok(pages)
}

/// Where a page is carried out: a namespace, and a directory with what the shell finds.
struct Place<'a> {
    target: &'a Target,
    namespace: String,
    directory: PathBuf,
}

impl<'a> Place<'a> {
    fn prepare(target: &'a Target, plugin: &Path, page: &str) -> Result<Self> {
        let directory = image::workspace()?.join("target/tutorials").join(page);
        // What a run before has left would be found by this one.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(directory.join("bin"))?;
        fs::create_dir_all(directory.join("work"))?;
        std::os::unix::fs::symlink(plugin, directory.join("bin/kubectl-hooked"))?;
        fs::copy(target.kubeconfig()?, directory.join("kubeconfig"))?;
        let namespace = format!("tutorial-{page}");
        let kubectl = Kubectl::of(target);
        kubectl.run(&["create", "namespace", &namespace])?;
        let place = Self { target, namespace, directory };
        let config = place.directory.join("kubeconfig").display().to_string();
        let in_namespace = ["--namespace", &place.namespace, "--kubeconfig", &config];
        kubectl.run(&[&["config", "set-context", "--current"], &in_namespace[..]].concat())?;
        Ok(place)
    }

    /// Has one shell carry out all steps, and looks at what each has printed.
    fn carry_out(&self, steps: &[Step]) -> Result<()> {
        let script = self.directory.join("script.sh");
        fs::write(&script, self.script(steps))?;
        // kubectl of this cluster, without the machine's proxies.
        let mut shell = Command::new("timeout");
        let kubectl = self.target.kubectl()?;
        for (name, value) in kubectl.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let status = shell
            .args([PATIENCE, "sh"])
            .arg(&script)
            .env("KUBECONFIG", self.directory.join("kubeconfig"))
            .env("PATH", self.path(Path::new(kubectl.get_program()))?)
            .current_dir(self.directory.join("work"))
            .stdin(Stdio::null())
            .status()
            .context("the shell cannot be started")?;
        for (index, Step { line, shows, .. }) in steps.iter().enumerate() {
            let Ok(output) = fs::read_to_string(self.output(index)) else { break };
            let is_last = !self.output(index + 1).exists();
            ensure!(status.success() || !is_last, "line {line}: the commands failed:\n{output}");
            let missing = missing(shows, &output);
            ensure!(missing.is_empty(), "line {line}: not shown: {missing:?}, but\n{output}");
        }
        ensure!(status.success(), "the shell failed: {status}");
        Ok(())
    }

    /// All commands, the output of each step in a file of its own.
    fn script(&self, steps: &[Step]) -> String {
        let mut script = "set -eu\n".to_owned();
        for (index, Step { commands, .. }) in steps.iter().enumerate() {
            // Writing to a text cannot fail.
            let _ = write!(script, "exec >'{}' 2>&1\n{commands}", self.output(index).display());
        }
        script
    }

    fn output(&self, index: usize) -> PathBuf {
        self.directory.join(format!("{index}.txt"))
    }

    /// The plugin and this cluster's kubectl before all else.
    fn path(&self, kubectl: &Path) -> Result<OsString> {
        let found = std::env::var_os("PATH").unwrap_or_default();
        let ours = [Some(self.directory.join("bin")), kubectl.parent().map(Path::to_path_buf)];
        Ok(std::env::join_paths(ours.into_iter().flatten().chain(std::env::split_paths(&found)))?)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // Workloads first: what would let their Pods go must not be gone before them.
        let kubectl = Kubectl::of(self.target);
        let namespace = ["--namespace", &self.namespace];
        let gone = kubectl
            .run(&[&["delete", "hw", "--all", "--timeout=120s"], &namespace[..]].concat())
            .and_then(|()| kubectl.run(&["delete", "namespace", &self.namespace, "--timeout=120s"]));
        if let Err(error) = gone {
            eprintln!("{} is left: {error:#}", self.namespace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_can_be_read_and_one_has_commands() {
        let read = |path: &PathBuf| steps(&fs::read_to_string(path).unwrap()).unwrap();
        let all: Vec<Step> = pages().unwrap().iter().flat_map(read).collect();
        assert!(all.iter().any(|step| !step.shows.is_empty()), "{all:?}");
    }
}
