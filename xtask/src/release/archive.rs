//! Archives that are the same for the same content: names in order, one date, nobody's files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};

/// What is to go into an archive.
pub(super) struct Archive {
    epoch: u64,
    files: BTreeMap<String, (Vec<u8>, u32)>,
}

impl Archive {
    /// An empty one, whose files are all dated so, in seconds since 1970.
    pub(super) fn dated(epoch: u64) -> Self {
        Self { epoch, files: BTreeMap::new() }
    }

    /// Takes a file in, by a name in the archive.
    pub(super) fn file(&mut self, name: &str, content: &[u8], mode: u32) -> Result<()> {
        let before = self.files.insert(name.to_owned(), (content.to_vec(), mode));
        ensure!(before.is_none(), "{name} is twice in an archive");
        Ok(())
    }

    /// Takes a folder in, with all below it.
    pub(super) fn folder(&mut self, folder: &Path, name: &str) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let below = path.file_name().context("a file without a name")?.to_string_lossy().into_owned();
            let below = format!("{name}/{below}");
            if path.is_dir() {
                self.folder(&path, &below)?;
            } else {
                self.file(&below, &fs::read(&path)?, 0o644)?;
            }
        }
        Ok(())
    }

    /// Writes it as a compressed tar file.
    pub(super) fn write(&self, to: &Path) -> Result<()> {
        let cannot = || format!("cannot write {}", to.display());
        let file = fs::File::create(to).with_context(cannot)?;
        // Without a name and a date of its own.
        let mut archive = tar::Builder::new(GzBuilder::new().write(file, Compression::best()));
        for (name, (content, mode)) in &self.files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(*mode);
            header.set_mtime(self.epoch);
            header.set_cksum();
            archive.append_data(&mut header, name, content.as_slice()).with_context(cannot)?;
        }
        archive
            .into_inner()
            .and_then(flate2::write::GzEncoder::finish)
            .and_then(|mut file| file.flush())
            .with_context(cannot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_bytes_in_whatever_order_they_come() {
        let place = std::env::temp_dir().join(format!("hooked-archive-{}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        let write = |names: [&str; 2], to: &str| {
            let mut archive = Archive::dated(1_700_000_000);
            for name in names {
                archive.file(name, name.as_bytes(), 0o755).unwrap();
            }
            archive.write(&place.join(to)).unwrap();
            fs::read(place.join(to)).unwrap()
        };
        let (one, other) = (write(["a", "b"], "1.tar.gz"), write(["b", "a"], "2.tar.gz"));
        fs::remove_dir_all(&place).unwrap();
        assert_eq!(one, other);
    }

    #[test]
    fn a_name_is_there_once() {
        let mut archive = Archive::dated(0);
        archive.file("a", b"1", 0o644).unwrap();
        assert!(archive.file("a", b"2", 0o644).is_err());
    }
}
