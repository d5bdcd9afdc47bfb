//! The images that a cluster comes with, made of the machine's own programs: busybox, nginx and pause.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::image::{Image, Layer, write_archive};
use crate::packages::{Packages, dependencies};
use crate::progress::Progress;
use crate::tools::Tools;
use crate::{cache, digest, exec};

/// The image whose container holds a Pod's namespaces.
pub(crate) const PAUSE: &str = "hooked.dev/pause:1";

const USERS: &str = "root:x:0:0:root:/root:/bin/sh\nnginx:x:101:101:nginx:/nonexistent:/bin/false\n\
                     nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
const GROUPS: &str = "root:x:0:\nnginx:x:101:\nnogroup:x:65534:\nnobody:x:65534:\n";

/// Any user may write below /run, so nginx also runs in Pods that forbid root.
const NGINX: &str = "\
user nginx nginx;
worker_processes 1;
pid /run/nginx.pid;
error_log stderr notice;
events { worker_connections 256; }
http {
    default_type text/html;
    access_log /dev/stdout;
    client_body_temp_path /run/body;
    proxy_temp_path /run/proxy;
    fastcgi_temp_path /run/fastcgi;
    uwsgi_temp_path /run/uwsgi;
    scgi_temp_path /run/scgi;
    server {
        listen 80;
        root /usr/share/nginx/html;
    }
}
";

/// Makes the archive of all images, or finds it in the cache: it depends on the programs that go into it,
/// and on the source that puts them together.
pub(crate) fn archive(
    tools: &Tools,
    packages: &Packages,
    cache: &Path,
    progress: &Progress,
) -> Result<PathBuf> {
    let pause = tools.pause.join("pause");
    let mut parts = vec![include_str!("images.rs").to_owned(), include_str!("image.rs").to_owned()];
    for program in [&packages.busybox, &packages.nginx, &pause] {
        let metadata = fs::metadata(program).with_context(|| format!("cannot read {}", program.display()))?;
        let modified = metadata.modified().with_context(|| format!("cannot read {}", program.display()))?;
        parts.push(format!("{} {} {modified:?}", program.display(), metadata.len()));
    }
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    let place = cache.join("images").join(format!("{}.tar", digest(&parts, 12)));
    cache::once(&place, progress, |draft| {
        let images = vec![pause_image(&pause)?, busybox_image(packages)?, nginx_image(packages)?];
        write_archive(images, draft).map(|_| ())
    })?;
    Ok(place)
}

fn pause_image(pause: &Path) -> Result<Image> {
    let mut layer = Layer::new();
    layer.copy("pause", pause)?;
    Ok(Image { name: PAUSE, layer, user: "", entrypoint: &["/pause"], command: &[], stop_signal: "SIGTERM" })
}

fn busybox_image(packages: &Packages) -> Result<Image> {
    let layer = base(packages, &[&packages.busybox])?;
    let name = "docker.io/library/busybox:latest";
    Ok(Image { name, layer, user: "", entrypoint: &[], command: &["sh"], stop_signal: "SIGTERM" })
}

/// As the official image: it logs to the container's streams, stays in the foreground and drains on SIGQUIT.
fn nginx_image(packages: &Packages) -> Result<Image> {
    let mut layer = base(packages, &[&packages.busybox, &packages.nginx])?;
    layer.copy("usr/sbin/nginx", &packages.nginx)?;
    for path in ["etc/nginx", "usr/share/nginx", "usr/share/nginx/html", "var/log/nginx", "var/lib/nginx"] {
        layer.directory(path, 0o755)?;
    }
    layer.file("etc/nginx/nginx.conf", NGINX.as_bytes(), 0o644)?;
    layer.file("usr/share/nginx/html/index.html", b"<h1>Welcome to nginx!</h1>\n", 0o644)?;
    layer.link("var/log/nginx/access.log", "/dev/stdout")?;
    layer.link("var/log/nginx/error.log", "/dev/stderr")?;
    Ok(Image {
        name: "docker.io/library/nginx:latest",
        layer,
        user: "",
        entrypoint: &[],
        command: &["nginx", "-g", "daemon off;"],
        stop_signal: "SIGQUIT",
    })
}

/// The directories of a small system, busybox under the names of all its applets, and the programs' libraries.
pub(crate) fn base(packages: &Packages, programs: &[&Path]) -> Result<Layer> {
    let mut layer = Layer::new();
    for path in [
        "bin",
        "etc",
        "lib",
        "root",
        "sbin",
        "usr",
        "usr/bin",
        "usr/sbin",
        "usr/share",
        "var",
        "var/lib",
        "var/log",
    ] {
        layer.directory(path, 0o755)?;
    }
    for path in ["tmp", "run", "var/tmp"] {
        layer.directory(path, 0o1777)?;
    }
    layer.link("var/run", "/run")?;
    layer.file("etc/passwd", USERS.as_bytes(), 0o644)?;
    layer.file("etc/group", GROUPS.as_bytes(), 0o644)?;
    layer.copy("bin/busybox", &packages.busybox)?;
    for applet in exec::output(Command::new(&packages.busybox).arg("--list"))?.lines() {
        if applet != "busybox" {
            layer.link(&format!("bin/{applet}"), "/bin/busybox")?;
        }
    }
    add_libraries(&mut layer, packages, programs)?;
    Ok(layer)
}

/// Puts each library where the loader looks without a cache: the loader itself at its own path, the rest in /lib.
fn add_libraries(layer: &mut Layer, packages: &Packages, programs: &[&Path]) -> Result<()> {
    let mut libraries = BTreeSet::new();
    for program in programs {
        libraries.extend(dependencies(program, &packages.libraries)?);
    }
    if libraries.iter().any(|library| library.starts_with("/lib64")) {
        layer.directory("lib64", 0o755)?;
    }
    for library in &libraries {
        let name = library.file_name().unwrap_or_default().to_string_lossy();
        let loader = name.starts_with("ld-");
        let path = if loader {
            library.to_string_lossy().trim_start_matches('/').to_owned()
        } else {
            format!("lib/{name}")
        };
        layer.copy(&path, library)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::cache::tests::{Scratch, by_four_threads};

    /// Programs that only look like those of a machine: busybox lists its applets, the others do nothing.
    fn programs(root: &Path) -> (Tools, Packages) {
        let program = |name: &str, text: &str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let tools = Tools::below(root, crate::version::Kubernetes::default());
        program(tools.pause.join("pause").to_str().unwrap(), "pause");
        let packages = Packages {
            busybox: program("busybox", "#!/bin/sh\necho sh\n"),
            runc: root.into(),
            cni: root.into(),
            nginx: program("nginx", "#!/bin/sh\n"),
            libraries: root.into(),
        };
        (tools, packages)
    }

    #[test]
    fn four_clusters_that_start_at_once_find_one_complete_archive() {
        let scratch = Scratch::new("images");
        let (tools, packages) = programs(&scratch.0);
        let archives = by_four_threads(|| {
            archive(&tools, &packages, &scratch.0, &Progress::new(|_| {})).map(|place| {
                let bytes = fs::read(&place).unwrap();
                (place, bytes)
            })
        });
        let archives: Vec<_> = archives.into_iter().collect::<Result<_>>().unwrap();
        assert!(archives.iter().all(|one| *one == archives[0]));
        let mut read = tar::Archive::new(&*archives[0].1);
        let entries: Vec<u64> = read.entries().unwrap().map(|entry| entry.unwrap().size()).collect();
        assert_eq!(entries.len(), 7, "three images of two files each, and the manifest");
    }
}
