//! The name of a Pod, of which Pods of a revision share all but the end.

use std::fmt;
use std::sync::Arc;

use crate::interned::{Interned, Text};

/// Bytes of a name's end that are kept with it.
const END: usize = 8;

/// A Pod's name: names that are alike up to their last hyphen share what stands before.
#[derive(Clone, PartialEq, Eq)]
pub struct PodName {
    base: Arc<Text>,
    /// What follows it; zeros after that.
    end: [u8; END],
}

impl PodName {
    /// As it is written.
    pub fn text(&self) -> Arc<str> {
        self.to_string().into()
    }

    /// The same name, of which equal parts are kept once.
    pub(crate) fn shared(self, texts: &mut Interned<Text>) -> Self {
        Self { base: texts.share(self.base), ..self }
    }
}

impl From<&str> for PodName {
    fn from(name: &str) -> Self {
        let (base, rest) = name.split_at(name.rfind('-').map_or(0, |hyphen| hyphen + 1));
        let mut end = [0; END];
        if rest.len() > END || rest.contains('\0') {
            return Self { base: Text::of(name), end };
        }
        end[..rest.len()].copy_from_slice(rest.as_bytes());
        Self { base: Text::of(base), end }
    }
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.end.iter().position(|byte| *byte == 0).unwrap_or(END);
        write!(f, "{}{}", self.base.as_str(), String::from_utf8_lossy(&self.end[..length]))
    }
}

impl fmt::Debug for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PodName({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_it_said() {
        for text in
            ["web-6c9fbdtzkw-x7k2pq", "web", "", "-", "web-", "web-1", "web-123456789", "w-ü", "w-\0a"]
        {
            let name = PodName::from(text);
            assert_eq!((name.to_string().as_str(), &*name.text()), (text, text));
        }
        assert_ne!(PodName::from("web-1"), PodName::from("web-12"));
    }

    #[test]
    fn pods_of_a_revision_share_all_but_the_end() {
        let mut texts = Interned::default();
        let [one, other] =
            ["web-rev-aaaaaa", "web-rev-bbbbbb"].map(|name| PodName::from(name).shared(&mut texts));
        assert!(Arc::ptr_eq(&one.base, &other.base));
    }
}
