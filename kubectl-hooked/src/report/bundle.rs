//! The files of a report, and how they are written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

/// The directory that the files are in.
const ROOT: &str = "hooked-report";
/// What a report leaves out, and why.
const LEFT_OUT: &str = "\
Left out, since it may hold secrets:
- Secrets and ConfigMaps: they are never read
- commands, arguments, probes, hooks' commands and values of environments of containers (but for the operator's arguments)
- annotations, and labels that are not Hooked's own
- messages and hook output, unless --include-output was given
- any field that is not known to be harmless
The operator's logs are as they were written.
";

/// Files by their names, and what could not be had.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    files: BTreeMap<String, Vec<u8>>,
    missing: Vec<String>,
}

impl Bundle {
    /// Takes a document.
    pub(super) fn document(&mut self, name: &str, value: &impl Serialize) {
        match serde_json::to_vec_pretty(value) {
            Ok(text) => self.file(name, text),
            Err(error) => self.miss(name, &error),
        }
    }

    /// Takes a file.
    pub(super) fn file(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.insert(name.to_owned(), bytes);
    }

    /// Notes what could not be had.
    pub(super) fn miss(&mut self, what: &str, why: &dyn std::fmt::Display) {
        self.missing.push(format!("{what}: {why}"));
    }

    /// What is in it and what is not.
    fn manifest(&self, with_output: bool) -> String {
        let taken = self.files.iter().map(|(name, bytes)| format!("- {name} ({} bytes)\n", bytes.len()));
        let missing = self.missing.iter().map(|line| format!("- {line}\n"));
        let missing = if self.missing.is_empty() { "- nothing\n".to_owned() } else { missing.collect() };
        let output = if with_output { "yes: look through it before you send it" } else { "no" };
        format!(
            "Messages and hook output: {output}\n\nTaken:\n{}\nCould not be had:\n{missing}\n{LEFT_OUT}",
            taken.collect::<String>()
        )
    }

    /// All of it, the manifest first.
    pub(super) fn files(mut self, with_output: bool) -> BTreeMap<String, Vec<u8>> {
        let manifest = self.manifest(with_output);
        self.file("MANIFEST", manifest.into_bytes());
        self.files
    }
}

/// Creates a file that its owner alone may read, whatever the umask says; it must not be there yet.
fn create(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    // From the first moment, so that nobody opens it before.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // The umask may have taken from the owner too.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// The same of a directory.
fn create_directory(path: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "the mode is set on unix alone"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// Writes one file, which must not be there yet.
pub(super) fn write_archive(files: &BTreeMap<String, Vec<u8>>, path: &Path) -> io::Result<()> {
    let file = create(path)?;
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        archive.append_data(&mut header, format!("{ROOT}/{name}"), &**bytes)?;
    }
    archive.into_inner()?.finish()?.sync_all()
}

/// Writes a directory, which must not be there yet.
pub(super) fn write_directory(files: &BTreeMap<String, Vec<u8>>, path: &Path) -> io::Result<()> {
    create_directory(path)?;
    for (name, bytes) in files {
        let file = path.join(name);
        fs::create_dir_all(file.parent().unwrap_or(path))?;
        create(&file)?.write_all(bytes)?;
    }
    Ok(())
}
