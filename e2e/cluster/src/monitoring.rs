//! What checks and shows the operator's metrics: promtool, an image of Prometheus, and Grafana's schema.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::image::{Image, Layer, write_archive};
use crate::images::base;
use crate::packages;
use crate::progress::Progress;
use crate::tools::{self, Tools};
use crate::version::Kubernetes;
use crate::{cache, digest, layout, lock};

/// The image that [`prometheus_image`] makes.
pub const PROMETHEUS: &str = "hooked.dev/prometheus:debian";

/// Scripts that the pages do not load, and that are most of what is there.
const NOT_LOADED: [&str; 2] = ["data", "locale"];

/// Debian's promtool, fetched if the cache lacks it.
pub fn promtool(progress: &Progress) -> Result<PathBuf> {
    let (cache, _lock) = prepare(progress)?;
    Ok(packages::prometheus(&cache, progress)?.promtool)
}

/// A program that holds the dashboards it is given to the schema that Grafana publishes, built if the cache lacks it.
pub fn dashboard_checker(progress: &Progress) -> Result<PathBuf> {
    let (cache, _lock) = prepare(progress)?;
    tools::dashboards(&cache, progress)
}

/// An archive of an image of Debian's Prometheus, with its pages and a kubectl; made if the cache lacks it.
pub fn prometheus_image(progress: &Progress) -> Result<PathBuf> {
    let (cache, _lock) = prepare(progress)?;
    let tools = Tools::below(&cache, Kubernetes::default());
    tools.build_kubernetes(progress)?;
    let (server, kubectl) = (packages::prometheus(&cache, progress)?.server, tools.kubectl());
    let version = fs::metadata(&server)
        .with_context(|| format!("cannot read {}", server.display()))?
        .len()
        .to_le_bytes();
    let kubectl_path = kubectl.as_os_str().as_encoded_bytes();
    let sources =
        [include_bytes!("monitoring.rs").as_slice(), include_bytes!("image.rs"), &version, kubectl_path];
    let place = cache.join("images").join(format!("prometheus-{}.tar", digest(&sources, 12)));
    cache::once(&place, progress, |draft| {
        let layer = layer(&cache, [("prometheus", &server), ("kubectl", &kubectl)], progress)?;
        let (name, user) = (PROMETHEUS, "65534:65534");
        let image =
            Image { name, layer, user, entrypoint: &[], command: &["prometheus"], stop_signal: "SIGTERM" };
        write_archive(vec![image], draft).map(|_| ())
    })?;
    Ok(place)
}

/// One at a time fills the cache.
fn prepare(progress: &Progress) -> Result<(PathBuf, fs::File)> {
    let cache = layout::cache()?;
    let lock = lock::take(&cache.join(".lock"), "another cluster's preparation", progress)?;
    Ok((cache, lock))
}

/// The programs, their libraries and the server's pages. What these are made of is unpacked for the while: it is large.
fn layer(cache: &Path, programs: [(&str, &PathBuf); 2], progress: &Progress) -> Result<Layer> {
    let machine = packages::provide(cache, progress)?;
    let mut layer = base(&machine, &programs.map(|(_, program)| program.as_path()))?;
    for (name, program) in programs {
        layer.copy(&format!("usr/bin/{name}"), program)?;
    }
    layer.directory("usr/share/prometheus", 0o755)?;
    let pages = &cache.join("pages.draft");
    copy_tree(&mut layer, &cache.join("debian"), Path::new("usr/share/prometheus/web"))?;
    if pages.exists() {
        fs::remove_dir_all(pages).with_context(|| format!("cannot remove {}", pages.display()))?;
    }
    packages::unpack_pages(pages, progress)?;
    for entry in fs::read_dir(pages.join("usr/share"))? {
        let name = entry?.file_name();
        // Documentation is the rest.
        if ["javascript", "nodejs", "fonts"].iter().any(|part| name.to_string_lossy().starts_with(part)) {
            copy_tree(&mut layer, pages, &Path::new("usr/share").join(name))?;
        }
    }
    fs::remove_dir_all(pages)?;
    Ok(layer)
}

/// Adds what is at `path` below `root`, links as links.
fn copy_tree(layer: &mut Layer, root: &Path, path: &Path) -> Result<()> {
    let (source, name) = (root.join(path), path.to_string_lossy());
    let kind = fs::symlink_metadata(&source).with_context(|| format!("cannot read {}", source.display()))?;
    if kind.is_symlink() {
        return layer.link(&name, &fs::read_link(&source)?.to_string_lossy());
    }
    if kind.is_file() {
        return layer.file(&name, &fs::read(&source)?, 0o644);
    }
    layer.directory(&name, 0o755)?;
    for entry in fs::read_dir(&source)? {
        let entry = entry?.file_name();
        if !NOT_LOADED.iter().any(|part| entry == *part) {
            copy_tree(layer, root, &path.join(entry))?;
        }
    }
    Ok(())
}
