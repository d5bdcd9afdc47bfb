//! `cargo xtask release`: all that a release page holds, made on this machine without a container engine's daemon.
//!
//! Each file follows from the tree alone, so that two builds of one commit give the same bytes, whoever makes them and
//! in whatever folder.

mod archive;
mod config;
mod image;
mod plugin;
mod programs;
mod sums;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use hooked_cluster::{Progress, release};

use crate::image::{Architecture, workspace};
use crate::output;
use archive::Archive;

/// What a release is made of, and where it goes.
#[derive(Args)]
pub(crate) struct Options {
    /// The folder for the release; it must not exist, or be empty.
    #[arg(long)]
    output: PathBuf,
    /// The image's name without its tag, as users pull it.
    #[arg(long, default_value = "hooked.dev/hooked")]
    image: String,
    /// The page below which the files will lie, for the plugin's index.
    #[arg(long, default_value = "https://hooked.dev/releases")]
    url: String,
    /// For which processors, such as `amd64,arm64`.
    #[arg(long, value_delimiter = ',', default_value = "amd64,arm64", value_parser = architecture)]
    architectures: Vec<Architecture>,
    /// Leave the plugin for Windows away, which needs MinGW.
    #[arg(long)]
    no_windows: bool,
    /// A folder with archives of the plugin that another machine has made, named as those here: for macOS.
    #[arg(long)]
    extra: Option<PathBuf>,
    /// Sign with this key of cosign's (`cosign generate-key-pair`); its password is in `COSIGN_PASSWORD`.
    #[arg(long)]
    key: Option<PathBuf>,
}

fn architecture(name: &str) -> Result<Architecture, String> {
    let all = [Architecture::Amd64, Architecture::Arm64];
    all.into_iter()
        .find(|one| one.name() == name)
        .ok_or_else(|| format!("{name:?} is neither amd64 nor arm64"))
}

/// The version with which everything is named.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is known of a release before any of it is made.
struct Release<'a> {
    options: &'a Options,
    progress: Progress,
    /// Where things lie that are no part of it.
    scratch: PathBuf,
    /// Seconds since 1970 that everything is dated with: the commit's.
    epoch: u64,
    revision: String,
}

impl Release<'_> {
    /// A file of the release.
    fn file(&self, name: &str) -> PathBuf {
        self.options.output.join(name)
    }

    /// The image by its tag.
    fn image(&self) -> String {
        format!("{}:v{VERSION}", self.options.image)
    }
}

/// Makes the release, each part from what was made before.
pub(crate) fn run(options: &Options) -> Result<()> {
    let output = &options.output;
    fs::create_dir_all(output).with_context(|| format!("cannot make {}", output.display()))?;
    ensure!(fs::read_dir(output)?.next().is_none(), "{} is not empty: name a new folder", output.display());
    let scratch = workspace()?.join("target/release-scratch");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    let progress = Progress::new(|line| eprintln!("{line}"));
    let (epoch, revision) = commit()?;
    let made = Release { options, progress, scratch, epoch, revision };
    release::install(&programs::needed(options), &made.progress)?;
    let tools = programs::Tools::find()?;
    let digest = image::write(&made, &tools)?;
    let config = config::stage(&made)?;
    config::write(&made, &config)?;
    plugin::write(&made, &tools)?;
    guide(&made, &digest)?;
    sums::write(&made)?;
    made.progress.say(&format!(
        "the release is in {}; its image is {}@{digest}",
        output.display(),
        options.image
    ));
    Ok(())
}

/// When the commit was made that the tree stands at, in seconds since 1970, and its hash.
fn commit() -> Result<(u64, String)> {
    let said = output::text(workspace()?, "git", &["log", "-1", "--format=%ct %H"])?;
    let (time, hash) = said.trim().split_once(' ').context("git names no commit")?;
    Ok((time.parse()?, hash.to_owned()))
}

/// What the release's reader needs first, beside the files.
fn guide(release: &Release, digest: &str) -> Result<()> {
    let text = fs::read_to_string(workspace()?.join("docs/installing.md")).context("docs/installing.md")?;
    // Links lead from here into the documentation's archive.
    let text = text.replace("](", "](hooked/docs/").replace("](hooked/docs/http", "](http");
    fs::write(release.file("INSTALL.md"), text)?;
    fs::write(release.file("image-digest.txt"), format!("{digest}\n"))?;
    let mut docs = Archive::dated(release.epoch);
    let root = workspace()?;
    docs.folder(&root.join("docs"), "hooked/docs")?;
    for file in ["README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "LICENSE"]
    {
        docs.file(&format!("hooked/{file}"), &fs::read(root.join(file))?, 0o644)?;
    }
    docs.write(&release.file(&format!("hooked-docs-v{VERSION}.tar.gz")))
}
