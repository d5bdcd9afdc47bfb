//! The revision of this repository that is upgraded from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use hooked_cluster::{Progress, cache};

use crate::test::cargo;
use crate::{image, output};

/// Names the revision.
const FILE: &str = "e2e/upgrade/predecessor";

/// A revision of this repository.
pub(super) struct Predecessor {
    /// The full hash.
    pub(super) revision: String,
    /// Whether this release can be gone back from to that one.
    pub(super) goes_back: bool,
}

impl Predecessor {
    /// The revision that is asked for, or the one that is pinned.
    pub(super) fn choose(asked: Option<&str>) -> Result<Self> {
        let text = fs::read_to_string(image::workspace()?.join(FILE)).context(FILE)?;
        let (pinned, goes_back) = read(&text)?;
        let (revision, goes_back) = asked.map_or((pinned, goes_back), |asked| (asked, true));
        let commit = format!("{revision}^{{commit}}");
        let found = git(&["rev-parse", "--verify", "--quiet", &commit])
            .with_context(|| format!("this repository has no revision {revision}: is it a shallow clone?"))?;
        Ok(Self { revision: String::from_utf8(found)?.trim().to_owned(), goes_back })
    }

    /// Its files, checked out anew.
    pub(super) fn check_out(&self) -> Result<PathBuf> {
        let source = folder()?.join("source");
        if source.exists() {
            fs::remove_dir_all(&source)?;
        }
        fs::create_dir_all(&source)?;
        let archive = git(&["archive", &self.revision])?;
        let mut files = tar::Archive::new(&*archive);
        // By the commit's times they would be older than what was built of another commit, and cargo would keep that.
        files.set_preserve_mtime(false);
        files.unpack(&source)?;
        Ok(source)
    }

    /// Its image, built by its own command the first time.
    pub(super) fn image(&self, source: &Path, progress: &Progress) -> Result<PathBuf> {
        let place = folder()?.join(format!("{}.tar", self.revision));
        cache::once(&place, progress, |draft| {
            progress.say("building the predecessor's image; this is done once, and takes minutes");
            let built = cargo::command(&["run", "--quiet", "--package", "xtask", "--", "image", "--output"])?
                .arg(draft)
                // It is another checkout.
                .current_dir(source)
                .env("CARGO_TARGET_DIR", folder()?.join("build"))
                .stdin(Stdio::null())
                .status()
                .context("cannot start cargo")?;
            ensure!(built.success(), "the predecessor's image does not build");
            Ok(())
        })?;
        Ok(place)
    }
}

/// What is kept of predecessors, so that a second run is quick. One folder for the files of all: what is built knows
/// where its source was, and would be built anew for each.
fn folder() -> Result<PathBuf> {
    let folder = image::workspace()?.join("target/predecessor");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The revision that the file names, and whether it can be gone back to.
fn read(text: &str) -> Result<(&str, bool)> {
    let said = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        lines.next().map(str::trim).with_context(|| format!("{FILE} has no {name}"))
    };
    let goes_back = match said("goes-back")? {
        "yes" => true,
        "no" => false,
        other => bail!("{FILE}: goes-back is yes or no, and not {other}"),
    };
    Ok((said("revision")?, goes_back))
}

fn git(arguments: &[&str]) -> Result<Vec<u8>> {
    output::output(image::workspace()?, "git", arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<(&str, bool)>) {
        assert_eq!(read(text).ok(), expect, "{text}");
    }

    #[test]
    fn the_file_names_a_revision_and_says_whether_it_can_be_gone_back_to() {
        check("# why\nrevision v1\n\ngoes-back yes\n", Some(("v1", true)));
        check("revision v1\ngoes-back no\n", Some(("v1", false)));
        check("revision v1\n", None);
        check("# revision v1\ngoes-back no\n", None);
        check("revision v1\ngoes-back perhaps\n", None);
    }

    #[test]
    fn the_one_that_is_pinned_is_a_full_hash_or_a_tag() {
        let text = fs::read_to_string(image::workspace().unwrap().join(FILE)).unwrap();
        let (revision, _) = read(&text).unwrap();
        assert!(revision.starts_with('v') || revision.len() == 40, "{revision}");
    }
}
