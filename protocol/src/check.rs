//! What a runner says that was only asked to show that it can be run.

/// The word by which it is asked.
pub const CHECK: &str = "check";

/// How what it says begins.
const PREFIX: &str = "hooked.dev/check ";

/// What a runner says that was run on this machine: which architecture it is for, and its version.
///
/// ```
/// use hooked_protocol::{checked, own_check};
///
/// assert!(checked(&own_check()).is_some());
/// assert_eq!(checked("hooked.dev/check arm64 0.1.0\n"), Some("arm64"));
/// ```
pub fn own_check() -> String {
    format!("{PREFIX}{} {}\n", go_architecture(std::env::consts::ARCH), env!("CARGO_PKG_VERSION"))
}

/// The architecture of a runner that has said this, such as `amd64`; none if it is nothing that a runner says.
pub fn checked(message: &str) -> Option<&str> {
    let name = message.strip_prefix(PREFIX)?.split_whitespace().next()?;
    let is_name = name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then_some(name)
}

/// The name that Go, and so Kubernetes, has for an architecture of Rust's.
pub fn go_architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_runner_says_of_itself_is_read_and_nothing_else_is() {
        assert_eq!(checked(&own_check()), Some(go_architecture(std::env::consts::ARCH)));
        assert_eq!(checked("hooked.dev/check arm64 9.9.9 and what a later one adds"), Some("arm64"));
        for other in ["", "amd64", "hooked.dev/check ", "hooked.dev/check a/b 1", "hooked.dev/v1 {}"] {
            assert_eq!(checked(other), None, "{other:?}");
        }
        assert_eq!(checked(&format!("hooked.dev/check {}", "a".repeat(33))), None);
    }

    #[test]
    fn architectures_are_named_as_kubernetes_names_them() {
        assert_eq!((go_architecture("x86_64"), go_architecture("aarch64")), ("amd64", "arm64"));
        assert_eq!((go_architecture("s390x"), go_architecture("riscv64")), ("s390x", "riscv64"));
    }
}
