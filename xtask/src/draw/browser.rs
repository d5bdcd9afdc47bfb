//! Debian's chromium, which takes the pictures.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use hooked_cluster::Progress;

/// Its names, Debian's first.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// How wide a picture is.
const WIDTH: u64 = 1600;

/// A browser that shows itself to nobody.
pub(super) struct Browser(PathBuf);

/// What to take a picture of.
pub(super) struct Picture<'a> {
    pub(super) page: &'a Path,
    /// The part of the address after the question mark.
    pub(super) asked: &'a str,
    pub(super) height: u64,
    pub(super) to: &'a Path,
}

impl Browser {
    /// Finds one, or installs Debian's.
    pub(super) fn find(progress: &Progress) -> Result<Self> {
        if let Some(found) = NAMES.into_iter().find_map(on_path) {
            return Ok(Self(found));
        }
        ensure!(on_path("apt-get").is_some(), "there is no chromium, and no apt-get to install it with");
        progress.say("installing chromium and the font Inter with apt-get");
        let packages = ["install", "-y", "-q", "--no-install-recommends", "chromium", "fonts-inter"];
        run(Command::new("apt-get").args(packages).env("DEBIAN_FRONTEND", "noninteractive"))?;
        on_path(NAMES[0]).map(Self).context("apt-get has installed no chromium")
    }

    /// Waits until the page has asked for everything and drawn it, and takes its picture.
    pub(super) fn draw(&self, picture: &Picture<'_>) -> Result<()> {
        let Picture { page, asked, height, to } = picture;
        if to.exists() {
            std::fs::remove_file(to)?;
        }
        let profile = page.with_file_name("profile");
        let mut command = Command::new(&self.0);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--disable-dev-shm-usage",
            ])
            // For its icons.
            .arg("--allow-file-access-from-files")
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("--window-size={WIDTH},{height}"))
            // The page's clock stands while it waits for Prometheus, so this is enough for any number of queries.
            .arg("--virtual-time-budget=15000")
            .arg("--enable-logging=stderr")
            .arg(format!("--screenshot={}", to.display()))
            .arg(format!("file://{}?{asked}", page.display()));
        let said = run(&mut command)?;
        ensure!(!said.contains("cannot draw:"), "the page says: {said}");
        ensure!(to.exists(), "{} has taken no picture", self.0.display());
        // A picture of few colours needs a quarter of the bytes.
        if let Some(pngquant) = on_path("pngquant") {
            run(Command::new(pngquant).args(["--force", "--ext", ".png", "--speed", "1", "96"]).arg(to))?;
        }
        Ok(())
    }
}

/// Runs a program that must succeed, and returns what it has said of faults.
pub(super) fn run(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn on_path(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|place| place.join(program.as_ref())).find(|file| file.is_file())
}
