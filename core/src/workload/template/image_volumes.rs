//! Which nodes mount images, by which the runner then comes into Pods.

/// The first minor version of Kubernetes 1 in which image volumes are on by default.
const IMAGE_VOLUMES: u32 = 35;

/// Whether a node with such a kubelet, as `v1.36.3`, and such a container runtime, as `containerd://2.1.4`, mounts
/// images.
pub fn mounts_images(kubelet: &str, runtime: &str) -> bool {
    minor(kubelet).is_some_and(|minor| minor >= IMAGE_VOLUMES) && runtime_mounts_images(runtime)
}

/// Whether a container runtime mounts images: containerd from 2.1 on and CRI-O from 1.31 on (KEP-4639). Of any other
/// nobody knows here.
fn runtime_mounts_images(runtime: &str) -> bool {
    let Some((name, version)) = runtime.split_once("://") else { return false };
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().ok());
    let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else { return false };
    match name {
        "containerd" => (major, minor) >= (2, 1),
        "cri-o" => (major, minor) >= (1, 31),
        _ => false,
    }
}

/// The minor version of a kubelet of Kubernetes 1, such as 36 of `v1.36.3`.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("v1.")?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubelets_version_tells_whether_it_mounts_images() {
        for (kubelet, expect) in [
            ("v1.36.3", true),
            ("v1.35.0-eks-1", true),
            ("v1.34.9", false),
            ("v1.9+", false),
            ("v2.0.0", false),
        ] {
            assert_eq!(mounts_images(kubelet, "containerd://2.2.0"), expect, "{kubelet}");
        }
    }

    #[test]
    fn a_runtimes_version_tells_whether_it_mounts_images() {
        for (runtime, expect) in [
            ("containerd://2.1.0", true),
            ("containerd://2.2.1+unknown", true),
            ("containerd://2.0.5", false),
            ("containerd://1.7.27", false),
            ("containerd://v2", false),
            ("cri-o://1.34.1", true),
            ("cri-o://1.30.9", false),
            ("docker://28.0.0", false),
            ("", false),
        ] {
            assert_eq!(mounts_images("v1.36.0", runtime), expect, "{runtime}");
        }
    }
}
