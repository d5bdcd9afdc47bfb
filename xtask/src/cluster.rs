//! `cargo xtask cluster`: the embedded cluster from the command line.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use hooked_cluster::{Kubernetes, Progress, Target};

/// What to do with the cluster.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Build what must be built, and start the cluster; harmless if it runs.
    Up(Choice),
    /// Stop the cluster and remove all but its logs.
    Down(Choice),
    /// Print the shell commands that point kubectl to the cluster: `eval "$(cargo xtask cluster env)"`.
    Env(Choice),
    /// Load a docker or OCI image archive into the cluster.
    Load {
        /// The archive, a tar file.
        image: PathBuf,
        #[command(flatten)]
        choice: Choice,
    },
}

/// Which cluster to use.
#[derive(Args)]
pub(crate) struct Choice {
    /// The embedded cluster's name; clusters of different names run side by side.
    #[arg(long, default_value = "dev")]
    name: String,
    /// Use a cluster you have, by its context in your kubeconfig.
    #[arg(long, conflicts_with = "name")]
    context: Option<String>,
    /// The embedded cluster's version of Kubernetes: 1.34 or 1.36.
    #[arg(long, value_name = "VERSION", default_value_t, conflicts_with = "context")]
    kubernetes: Kubernetes,
}

impl Choice {
    fn target(self) -> Result<Target> {
        Target::choose(self.context, &self.name, self.kubernetes)
    }
}

/// Runs the command.
pub(crate) fn run(command: Command) -> Result<()> {
    let progress = Progress::new(|line| eprintln!("{line}"));
    match command {
        Command::Up(choice) => choice.target()?.up(&progress),
        Command::Down(choice) => choice.target()?.down(&progress),
        Command::Env(choice) => env(&choice.target()?),
        Command::Load { image, choice } => {
            choice.target()?.load(&image)?;
            progress.say(&format!("loaded {}", image.display()));
            Ok(())
        }
    }
}

fn env(target: &Target) -> Result<()> {
    let kubeconfig = target.kubeconfig()?;
    ensure!(kubeconfig.exists(), "the cluster is not up: run `cargo xtask cluster up` first");
    println!("export KUBECONFIG={}", quoted(&kubeconfig));
    if let Target::Embedded(cluster) = target {
        println!("export PATH={}:\"$PATH\"", quoted(&cluster.programs()));
    }
    Ok(())
}

/// As a word of the shell. Plain paths stay as they are, which reads better.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_the_shell() {
        assert_eq!(quoted(Path::new("/var/lib/hooked/dev")), "/var/lib/hooked/dev");
        assert_eq!(quoted(Path::new("/it's here")), r"'/it'\''s here'");
    }
}
