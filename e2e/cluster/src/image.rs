//! Writes container images: layers of files, and the archive that `docker save` would make of them.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use tar::{Builder, EntryType, Header};

use crate::sha256;

/// A file system in the making. Times and owners are fixed, so the same files always make the same image.
pub struct Layer {
    tar: Builder<Vec<u8>>,
}

impl Default for Layer {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer {
    /// An empty one.
    pub fn new() -> Self {
        Self { tar: Builder::new(Vec::new()) }
    }

    /// Adds a directory.
    pub fn directory(&mut self, path: &str, mode: u32) -> Result<()> {
        let mut header = header(EntryType::Directory, 0, mode);
        Ok(self.tar.append_data(&mut header, format!("{path}/"), std::io::empty())?)
    }

    /// Adds a file with these contents.
    pub fn file(&mut self, path: &str, contents: &[u8], mode: u32) -> Result<()> {
        let mut header = header(EntryType::Regular, contents.len() as u64, mode);
        Ok(self.tar.append_data(&mut header, path, contents)?)
    }

    /// Adds a program of this machine.
    pub fn copy(&mut self, path: &str, source: &Path) -> Result<()> {
        let contents = std::fs::read(source).with_context(|| format!("cannot read {}", source.display()))?;
        self.file(path, &contents, 0o755)
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) -> Result<()> {
        let mut header = header(EntryType::Symlink, 0, 0o777);
        Ok(self.tar.append_link(&mut header, path, target)?)
    }
}

/// An image of one layer.
pub struct Image {
    /// Its name, tag included.
    pub name: &'static str,
    /// Its file system.
    pub layer: Layer,
    /// Who runs its program, as `uid:gid`; root if empty.
    pub user: &'static str,
    /// The program and its first arguments.
    pub entrypoint: &'static [&'static str],
    /// The arguments that a Pod may replace.
    pub command: &'static [&'static str],
    /// The signal that asks the program to stop.
    pub stop_signal: &'static str,
}

/// Writes all images into one archive at `place`, and returns its size in bytes.
pub fn write_archive(images: Vec<Image>, place: &Path) -> Result<usize> {
    let archive = archive(images)?;
    std::fs::write(place, &archive).with_context(|| format!("cannot write {}", place.display()))?;
    Ok(archive.len())
}

/// The bytes of an archive, as `docker save` would make it.
fn archive(images: Vec<Image>) -> Result<Vec<u8>> {
    let mut archive = Layer { tar: Builder::new(Vec::new()) };
    let mut manifest = Vec::new();
    for image in images {
        let layer = image.layer.tar.into_inner()?;
        let layer_digest = sha256(&layer);
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {
                "User": image.user,
                "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                "Entrypoint": image.entrypoint,
                "Cmd": image.command,
                "StopSignal": image.stop_signal,
            },
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{layer_digest}")]},
        });
        let config = serde_json::to_vec(&config)?;
        let config_file = format!("{}.json", sha256(&config));
        let layer_file = format!("{layer_digest}/layer.tar");
        archive.file(&config_file, &config, 0o644)?;
        archive.file(&layer_file, &layer, 0o644)?;
        manifest.push(json!({"Config": config_file, "RepoTags": [image.name], "Layers": [layer_file]}));
    }
    archive.file("manifest.json", &serde_json::to_vec(&manifest)?, 0o644)?;
    Ok(archive.tar.into_inner()?)
}

fn header(kind: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// The machine's architecture, by the name that images use.
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

    fn small() -> Vec<u8> {
        let mut layer = Layer::new();
        layer.directory("bin", 0o755).unwrap();
        layer.file("bin/x", b"x", 0o755).unwrap();
        layer.link("bin/y", "x").unwrap();
        let image = Image {
            name: "x:1",
            layer,
            user: "",
            entrypoint: &["/bin/x"],
            command: &[],
            stop_signal: "SIGTERM",
        };
        archive(vec![image]).unwrap()
    }

    #[test]
    fn the_same_files_make_the_same_archive() {
        assert_eq!(small(), small());
    }

    #[test]
    fn the_manifest_names_the_image_and_its_files() {
        let bytes = small();
        let mut read = tar::Archive::new(&*bytes);
        let names: Vec<String> = read
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names.len(), 3, "the configuration, the layer and the manifest");
        assert!(names[1].ends_with("/layer.tar"));
        assert_eq!(names[2], "manifest.json");
    }
}
