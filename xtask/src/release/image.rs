//! The image for all architectures, from the Dockerfile, by buildah.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::programs::Tools;
use super::{Release, VERSION};
use crate::image::{PROGRAMS, workspace};
use crate::output;

/// Writes the image as an OCI archive and what its programs are made of, and returns the digest of its index.
pub(super) fn write(release: &Release, tools: &Tools) -> Result<String> {
    let buildah = Buildah { place: release.scratch.join("buildah") };
    let index = "localhost/hooked:index";
    buildah.run(&["manifest", "create", index])?;
    for architecture in &release.options.architectures {
        let name = architecture.name();
        let binaries = release.scratch.join("binaries").join(name);
        fs::create_dir_all(&binaries)?;
        for program in PROGRAMS {
            release.progress.say(&format!("building {} for {name}", program.name));
            let built = tools.build(program, *architecture)?;
            fs::copy(&built, binaries.join(program.name))?;
            let bill = format!("{}-v{VERSION}-linux-{name}.cdx.json", program.name);
            fs::write(release.file(&bill), tools.bill_of_materials(&built)?)?;
        }
        let tag = format!("localhost/hooked:{name}");
        buildah.build(release, name, &binaries, &tag)?;
        buildah.run(&["manifest", "add", index, &tag])?;
    }
    let archive = release.file(&format!("hooked-image-v{VERSION}.tar"));
    let layout = release.scratch.join("layout");
    let to = format!("oci:{}:{}", layout.display(), release.image());
    buildah.run(&["manifest", "push", "--all", index, &to])?;
    let digest = digest(&layout)?;
    pack(release, &layout, &archive)?;
    Ok(digest)
}

/// buildah with a store of its own, which goes with the scratch folder.
struct Buildah {
    place: std::path::PathBuf,
}

impl Buildah {
    fn run(&self, arguments: &[&str]) -> Result<String> {
        let (root, run) = (self.place.join("root"), self.place.join("run"));
        let (root, run) = (root.display().to_string(), run.display().to_string());
        // No container is run: files are copied, and so the simplest store does.
        let store = ["--root", &root, "--runroot", &run, "--storage-driver", "vfs"];
        output::text(workspace()?, "buildah", &[&store[..], arguments].concat())
    }

    fn build(&self, release: &Release, architecture: &str, binaries: &Path, tag: &str) -> Result<()> {
        let labels = [
            ("title", "Hooked".to_owned()),
            (
                "description",
                "Deployments that tell the truth about their container lifecycle hooks".to_owned(),
            ),
            ("version", VERSION.to_owned()),
            ("revision", release.revision.clone()),
            ("source", "https://hooked.dev".to_owned()),
            ("licenses", "Apache-2.0".to_owned()),
        ];
        let labels = labels.map(|(name, value)| format!("--label=org.opencontainers.image.{name}={value}"));
        let (epoch, context) = (release.epoch.to_string(), format!("build={}", binaries.display()));
        let mut arguments = vec!["bud", "--quiet", "--format", "oci", "--arch", architecture, "--tag", tag];
        arguments.extend(["--timestamp", &epoch, "--build-context", &context]);
        arguments.extend(labels.iter().map(String::as_str));
        arguments.push(".");
        self.run(&arguments).map(drop)
    }
}

/// The digest of the one index in an OCI layout.
fn digest(layout: &Path) -> Result<String> {
    let index: serde_json::Value = serde_json::from_str(&fs::read_to_string(layout.join("index.json"))?)?;
    let manifests = index["manifests"].as_array().context("the image's layout has no manifests")?;
    ensure!(manifests.len() == 1, "the image's layout has {} indexes", manifests.len());
    Ok(manifests[0]["digest"].as_str().context("the image's index has no digest")?.to_owned())
}

/// Puts a layout into an archive whose bytes follow from it alone.
fn pack(release: &Release, layout: &Path, archive: &Path) -> Result<()> {
    let (layout, archive) = (layout.display().to_string(), archive.display().to_string());
    let date = format!("--mtime=@{}", release.epoch);
    let nobody = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=ustar"];
    let what = [&date, "--mode=u=rwX,go=rX", "--file", &archive, "--directory", &layout, "."];
    output::output(&release.scratch, "tar", &[&["--create"][..], &nobody, &what].concat()).map(drop)
}
