//! Programs from Debian packages: the machine's own where it has them, else unpacked into the cache.
//!
//! Unpacking leaves the machine as it is, where installing nginx would start a service. Only what must work
//! from its own place, `nft` and `ip`, is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::exec;
use crate::progress::Progress;

/// A file of a Debian package, that another system may have elsewhere.
struct Wanted {
    file: &'static str,
    places: &'static [&'static str],
    /// The packages that have it, the likelier first: Debian moves nginx's program between its packages.
    packages: &'static [&'static str],
}

const BUSYBOX: Wanted =
    Wanted { file: "busybox", places: &["bin", "usr/bin"], packages: &["busybox-static", "busybox"] };
const RUNC: Wanted =
    Wanted { file: "runc", places: &["usr/sbin", "usr/bin", "usr/local/sbin"], packages: &["runc"] };
const CNI: Wanted = Wanted {
    file: "bridge",
    places: &["usr/lib/cni", "opt/cni/bin", "usr/libexec/cni"],
    packages: &["containernetworking-plugins"],
};
const NGINX: Wanted = Wanted {
    file: "nginx",
    places: &["usr/sbin", "usr/bin"],
    packages: &["nginx", "nginx-light", "nginx-core"],
};

/// Prometheus is always Debian's: the pages that it shows lie in files where Debian's looks for them.
const PROMETHEUS: Wanted = Wanted { file: "prometheus", places: &["usr/bin"], packages: &["prometheus"] };

/// What must be installed: the program and its package.
const INSTALLED: [(&str, &str); 2] = [("ip", "iproute2"), ("nft", "nftables")];

/// What every Debian has, and is named rather than installed where it is absent.
const ASSUMED: [&str; 6] = ["nsenter", "unshare", "setsid", "mount", "umount", "ldd"];

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Packages {
    pub(crate) busybox: PathBuf,
    pub(crate) runc: PathBuf,
    /// The directory of the CNI plugins.
    pub(crate) cni: PathBuf,
    pub(crate) nginx: PathBuf,
    /// Where nginx's libraries may be besides the machine's own places.
    pub(crate) libraries: PathBuf,
}

/// Finds or fetches all of them.
pub(crate) fn provide(cache: &Path, progress: &Progress) -> Result<Packages> {
    let source = Source { machine: Path::new("/"), unpacked: cache.join("debian"), progress };
    let assumed = ASSUMED.into_iter().filter(|program| exec::find(program).is_none());
    let fetched = if exec::find("apt-get").is_some() { Vec::new() } else { source.not_found() };
    let missing: Vec<&str> = assumed.chain(fetched).collect();
    ensure!(
        missing.is_empty(),
        "missing on this machine, without an apt-get to get it: {}",
        missing.join(", ")
    );
    install(&INSTALLED, progress)?;
    source.provide()
}

/// Prometheus as Debian packages it, unpacked; the server looks for its pages in the image's /usr/share/prometheus/web.
pub(crate) struct Prometheus {
    pub(crate) server: PathBuf,
    pub(crate) promtool: PathBuf,
}

/// Finds or fetches Prometheus.
pub(crate) fn prometheus(cache: &Path, progress: &Progress) -> Result<Prometheus> {
    let unpacked = cache.join("debian");
    if PROMETHEUS.find(&unpacked).is_none() {
        Source { machine: Path::new("/"), unpacked: unpacked.clone(), progress }.unpack(&["prometheus"])?;
    }
    let server = PROMETHEUS.find(&unpacked).context("Debian's package prometheus holds no prometheus")?;
    Ok(Prometheus { promtool: server.with_file_name("promtool"), server })
}

/// Unpacks into `place` what the pages of Prometheus are made of.
pub(crate) fn unpack_pages(place: &Path, progress: &Progress) -> Result<()> {
    let source = Source { machine: Path::new("/"), unpacked: place.to_owned(), progress };
    let about = exec::output(Command::new("apt-cache").args(["show", "--no-all-versions", "prometheus"]))?;
    source.unpack(&pages(&about))
}

/// Installs what of these, a program and its package each, is not installed.
pub(crate) fn install(wanted: &[(&str, &str)], progress: &Progress) -> Result<()> {
    let packages = not_installed(wanted);
    if packages.is_empty() {
        return Ok(());
    }
    let packages_listed = packages.join(", ");
    progress.say(&format!("installing {packages_listed}"));
    apt(|| {
        let mut command = Command::new("apt-get");
        command
            .args(["install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"])
            .args(&packages);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    })
    .with_context(|| format!("missing on this machine: {packages_listed}"))?;
    ensure!(
        not_installed(wanted).is_empty(),
        "missing on this machine: {packages_listed}, though apt-get installed it"
    );
    Ok(())
}

fn not_installed<'a>(wanted: &[(&str, &'a str)]) -> Vec<&'a str> {
    let missing = wanted.iter().filter(|(program, _)| exec::find(program).is_none());
    missing.map(|(_, package)| *package).collect()
}

/// Runs apt-get; a fresh machine has no lists of packages yet, so they are fetched if the first try fails.
fn apt(command: impl Fn() -> Command) -> Result<()> {
    if exec::output(&mut command()).is_err() {
        exec::output(Command::new("apt-get").args(["update", "-q"]))?;
        exec::output(&mut command())?;
    }
    Ok(())
}

struct Source<'a> {
    machine: &'a Path,
    unpacked: PathBuf,
    progress: &'a Progress,
}

impl Source<'_> {
    /// The packages that would have to be fetched or installed.
    fn not_found(&self) -> Vec<&'static str> {
        let wanted = [&NGINX, &BUSYBOX, &RUNC, &CNI].into_iter();
        let absent = wanted
            .filter(|wanted| wanted.find(self.machine).or_else(|| wanted.find(&self.unpacked)).is_none());
        not_installed(&INSTALLED).into_iter().chain(absent.map(|wanted| wanted.packages[0])).collect()
    }

    fn provide(&self) -> Result<Packages> {
        let nginx = self.provide_one(&NGINX)?;
        Ok(Packages {
            busybox: self.provide_one(&BUSYBOX)?,
            runc: self.provide_one(&RUNC)?,
            cni: self.provide_one(&CNI)?.parent().map(Path::to_owned).unwrap_or_default(),
            libraries: self.provide_libraries(&nginx)?,
            nginx,
        })
    }

    fn provide_one(&self, wanted: &Wanted) -> Result<PathBuf> {
        if let Some(file) = wanted.find(self.machine).or_else(|| wanted.find(&self.unpacked)) {
            return Ok(file);
        }
        let mut reason = anyhow::anyhow!("no package has it");
        for package in wanted.packages {
            match self.unpack(&[package]) {
                Ok(()) => {}
                Err(error) => reason = error,
            }
            if let Some(file) = wanted.find(&self.unpacked) {
                return Ok(file);
            }
        }
        Err(reason.context(format!(
            "missing on this machine: {} (Debian package {})",
            wanted.file, wanted.packages[0]
        )))
    }

    /// Unpacks the libraries that nginx's package depends on, if the machine lacks some.
    fn provide_libraries(&self, nginx: &Path) -> Result<PathBuf> {
        let libraries = self.unpacked.clone();
        if dependencies(nginx, &libraries).is_err() {
            let depends =
                exec::output(Command::new("apt-cache").args(["show", "--no-all-versions", "nginx"]))?;
            self.unpack(&needed_libraries(&depends))?;
        }
        Ok(libraries)
    }

    /// Downloads packages and unpacks them side by side.
    fn unpack(&self, packages: &[&str]) -> Result<()> {
        let downloads = self.unpacked.join("downloads");
        fs::create_dir_all(&downloads)?;
        self.progress.say(&format!("fetching {}", packages.join(", ")));
        apt(|| {
            let mut command = Command::new("apt-get");
            // As root, apt would download as a user who may not write here.
            command.args(["download", "-q", "-o", "APT::Sandbox::User=root"]).args(packages);
            command.current_dir(&downloads);
            command
        })?;
        for entry in fs::read_dir(&downloads)? {
            let archive = entry?.path();
            exec::output(Command::new("dpkg-deb").arg("-x").args([&archive, &self.unpacked]))?;
            fs::remove_file(&archive)?;
        }
        Ok(())
    }
}

impl Wanted {
    fn find(&self, root: &Path) -> Option<PathBuf> {
        self.places.iter().map(|place| root.join(place).join(self.file)).find(|file| file.is_file())
    }
}

/// The libraries that the loader would load for a program; none for a static one.
pub(crate) fn dependencies(program: &Path, more: &Path) -> Result<Vec<PathBuf>> {
    let places =
        ["usr/lib", "lib"].map(|lib| more.join(lib).join(format!("{}-linux-gnu", std::env::consts::ARCH)));
    let path = std::env::join_paths(places)?;
    let output = Command::new("ldd").arg(program).env("LD_LIBRARY_PATH", path).env("LC_ALL", "C").output()?;
    if !output.status.success() {
        return Ok(Vec::new());
    }
    libraries(&String::from_utf8_lossy(&output.stdout)).with_context(|| format!("for {}", program.display()))
}

/// Reads `name => path (address)` and `path (address)`; the kernel's own `linux-vdso` has no path.
fn libraries(listing: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in listing.lines().map(str::trim) {
        let (name, rest) = line.split_once(" => ").unwrap_or((line, line));
        let file = rest.split(" (").next().unwrap_or_default();
        if file == "not found" {
            bail!("the library {name} is missing");
        }
        if file.starts_with('/') {
            found.push(PathBuf::from(file));
        }
    }
    Ok(found)
}

/// The packages of libraries in a `Depends:` field, without versions and alternatives.
fn needed_libraries(description: &str) -> Vec<&str> {
    let depends = description.lines().find_map(|line| line.strip_prefix("Depends:")).unwrap_or_default();
    let names = depends.split(',').filter_map(|one| one.split_whitespace().next());
    names.filter(|name| name.starts_with("lib") || name.starts_with("zlib")).collect()
}

/// The packages of scripts and fonts in a `Depends:` field, and the one that these depend on.
fn pages(description: &str) -> Vec<&str> {
    let depends = description.lines().find_map(|line| line.strip_prefix("Depends:")).unwrap_or_default();
    let names = depends.split(',').filter_map(|one| one.split_whitespace().next());
    let pages = names.filter(|name| name.starts_with("libjs-") || name.starts_with("fonts-"));
    pages.chain(["libjs-d3"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "\tlinux-vdso.so.1 (0x00007fa1824c3000)\n\
        \tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007fa1821c0000)\n\
        \t/lib64/ld-linux-x86-64.so.2 (0x00007fa1824c5000)\n";

    #[test]
    fn libraries_are_read_from_the_loaders_listing() {
        let expected = ["/lib/x86_64-linux-gnu/libz.so.1", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(libraries(LISTING).unwrap(), expected);
    }

    #[test]
    fn the_scripts_and_fonts_of_a_package_are_found_among_its_dependencies() {
        let description = "Package: prometheus\nDepends: adduser, fonts-x, libjs-jquery (>= 3.5.1~), libc6\n";
        assert_eq!(pages(description), ["fonts-x", "libjs-jquery", "libjs-d3"]);
    }

    #[test]
    fn a_library_that_is_not_found_is_named() {
        let error = libraries("\tlibssl.so.3 => not found\n").unwrap_err();
        assert_eq!(error.to_string(), "the library libssl.so.3 is missing");
    }

    #[test]
    fn the_libraries_of_a_package_are_found_among_its_dependencies() {
        let description =
            "Package: nginx\nDepends: libc6 (>= 2.34), zlib1g (>= 1:1.1.4), iproute2, libssl3 | libssl1.1\n";
        assert_eq!(needed_libraries(description), ["libc6", "zlib1g", "libssl3"]);
    }
}
