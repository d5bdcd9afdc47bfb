//! The versions of Kubernetes that a cluster can have.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use anyhow::{Error, bail};

/// A version of Kubernetes, built from its pinned sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kubernetes {
    /// An older one that is still in use: nodes have no image volumes unless they are asked for.
    V1_34,
    /// The newest.
    #[default]
    V1_36,
}

impl Kubernetes {
    /// All of them, from the oldest.
    pub const ALL: [Self; 2] = [Self::OLDEST, Self::V1_36];
    /// What is claimed to be enough, since nothing older is run.
    pub const OLDEST: Self = Self::V1_34;

    /// As it is written, without the patch.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1_34 => "1.34",
            Self::V1_36 => "1.36",
        }
    }

    /// Whether a limit of its own to the wait before a failing container is started again must be enabled first.
    pub(crate) fn hides_back_off(self) -> bool {
        // On by default from 1.35 on.
        self < Self::V1_36
    }
}

impl Display for Kubernetes {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Kubernetes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match Self::ALL.into_iter().find(|version| version.name() == text) {
            Some(version) => Ok(version),
            None => bail!("there are {}", Self::ALL.map(Self::name).join(" and ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_it_is_written() {
        for version in Kubernetes::ALL {
            assert_eq!(version.to_string().parse::<Kubernetes>().unwrap(), version);
        }
        assert!("1.2".parse::<Kubernetes>().is_err());
    }
}
