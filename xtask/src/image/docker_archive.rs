//! Writes the archive that `docker save` would make of an image. The same programs always make the same bytes.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};
use tar::{Builder, Header};

/// An image that holds nothing but programs.
pub(super) struct Image<'a> {
    pub(super) name: &'a str,
    pub(super) user: &'a str,
    pub(super) entrypoint: &'a str,
    /// Each goes to the root of the image under its own name.
    pub(super) programs: &'a [PathBuf],
}

impl Image<'_> {
    /// The bytes of the archive.
    pub(super) fn archive(&self) -> Result<Vec<u8>> {
        let layer = self.layer()?;
        let config = serde_json::to_vec(&self.config(&layer))?;
        let config_name = format!("{}.json", digest(&config));
        let layer_name = format!("{}/layer.tar", digest(&layer));
        let manifest = json!([{"Config": config_name, "RepoTags": [self.name], "Layers": [layer_name]}]);
        let mut archive = Builder::new(Vec::new());
        append(&mut archive, &config_name, &config, 0o644)?;
        append(&mut archive, &layer_name, &layer, 0o644)?;
        append(&mut archive, "manifest.json", &serde_json::to_vec(&manifest)?, 0o644)?;
        Ok(archive.into_inner()?)
    }

    fn layer(&self) -> Result<Vec<u8>> {
        let mut layer = Builder::new(Vec::new());
        for program in self.programs {
            let name =
                program.file_name().and_then(|name| name.to_str()).context("a program without a name")?;
            let contents = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
            append(&mut layer, name, &contents, 0o755)?;
        }
        Ok(layer.into_inner()?)
    }

    fn config(&self, layer: &[u8]) -> serde_json::Value {
        json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {"User": self.user, "Entrypoint": [self.entrypoint], "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(layer))]},
        })
    }
}

/// Adds a file that belongs to root and has no date.
fn append(tar: &mut Builder<Vec<u8>>, path: &str, contents: &[u8], mode: u32) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(contents.len() as u64);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    Ok(tar.append_data(&mut header, path, contents)?)
}

fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// This machine's architecture, by the name that images use.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let image = Image { name: "x:1", user: "1:1", entrypoint: "/Cargo.toml", programs: &[program] };
        image.archive().unwrap()
    }

    #[test]
    fn the_same_programs_make_the_same_archive() {
        assert_eq!(archive(), archive());
    }

    #[test]
    fn the_manifest_names_the_image_and_files_that_are_there() {
        let bytes = archive();
        let mut names = Vec::new();
        let mut manifest = serde_json::Value::Null;
        for entry in tar::Archive::new(&*bytes).entries().unwrap() {
            let entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            if name == "manifest.json" {
                manifest = serde_json::from_reader(entry).unwrap();
            }
            names.push(name);
        }
        assert_eq!(manifest[0]["RepoTags"], json!(["x:1"]));
        for file in [&manifest[0]["Config"], &manifest[0]["Layers"][0]] {
            assert!(names.contains(&file.as_str().unwrap().to_owned()), "{file} is not in {names:?}");
        }
    }
}
