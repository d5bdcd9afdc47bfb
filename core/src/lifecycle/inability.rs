//! Why the hook-runner cannot run, in words of ours.

/// Why the hook-runner cannot run where a Pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Inability {
    /// The runner's image cannot be pulled.
    NotPulled,
    /// The container runtime does not mount what the runner comes in.
    NotMounted,
    /// The program is for another architecture.
    OtherArchitecture,
    /// The node does not let the program be executed.
    Forbidden,
    /// The program is not where it should be.
    Missing,
    /// The program is of another version than the operator, and does not know the operator's words.
    Outdated,
    /// The init container that copies the program, or tries it out, fails for another reason.
    NotInstalled,
}

impl Inability {
    /// All of them.
    pub(super) const ALL: [Self; 7] = [
        Self::NotPulled,
        Self::NotMounted,
        Self::OtherArchitecture,
        Self::Forbidden,
        Self::Missing,
        Self::Outdated,
        Self::NotInstalled,
    ];

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPulled => "NotPulled",
            Self::NotMounted => "NotMounted",
            Self::OtherArchitecture => "OtherArchitecture",
            Self::Forbidden => "Forbidden",
            Self::Missing => "Missing",
            Self::Outdated => "Outdated",
            Self::NotInstalled => "NotInstalled",
        }
    }

    /// What [`Self::as_str`] has written. What a later version knows is told as the widest that this one knows.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|known| known.as_str() == name).unwrap_or(Self::NotInstalled)
    }

    /// What is wrong, in words that follow "the hook-runner".
    pub fn what(self) -> &'static str {
        match self {
            Self::NotPulled => "cannot be pulled",
            Self::NotMounted => "cannot be mounted by the container runtime",
            Self::OtherArchitecture => "is for another architecture (exec format error)",
            Self::Forbidden => "may not be executed (permission denied)",
            Self::Missing => "is not where it should be mounted (no such file or directory)",
            Self::Outdated => "is of another version than the operator",
            Self::NotInstalled => "does not get beyond its init container",
        }
    }

    /// What helps.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NotPulled => {
                "name an image by --runner-image that the nodes can pull with the pull secrets of this namespace"
            }
            Self::NotMounted => "run the operator with --injection=InitContainer",
            Self::OtherArchitecture => {
                "name an image by --runner-image that is for all architectures of the nodes"
            }
            Self::Forbidden => {
                "look for a kubelet directory that is mounted noexec, and for AppArmor, SELinux or seccomp profiles"
            }
            Self::Missing => {
                "the container runtime may not know image volumes: run the operator with --injection=InitContainer"
            }
            Self::Outdated => {
                "a node has an older image under the same name: give each version a tag of its own, or name a digest"
            }
            Self::NotInstalled => "read the log of its container hooked-install",
        }
    }
}
