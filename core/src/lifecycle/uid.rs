//! The UID of a Pod, in the 16 bytes that it says.

use std::fmt;
use std::sync::Arc;

/// Bytes of a UUID as it is written.
const WRITTEN: usize = 36;
/// Where the hyphens stand.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// A Pod's UID. The API server gives UUIDs, which take 16 bytes; any other text is kept as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodUid(Uid);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Uid {
    Uuid([u8; 16]),
    Text(Arc<str>),
}

impl PodUid {
    /// Whether nothing is known of it: nobody knows whether our create was carried out.
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Uid::Text(text) if text.is_empty())
    }

    /// As it is written.
    pub fn text(&self) -> Arc<str> {
        match &self.0 {
            Uid::Uuid(_) => self.to_string().into(),
            Uid::Text(text) => Arc::clone(text),
        }
    }
}

impl From<&str> for PodUid {
    fn from(text: &str) -> Self {
        Self(read(text).map_or_else(|| Uid::Text(text.into()), Uid::Uuid))
    }
}

impl PartialEq<str> for PodUid {
    fn eq(&self, text: &str) -> bool {
        match &self.0 {
            Uid::Uuid(uuid) => read(text).is_some_and(|other| other == *uuid),
            Uid::Text(known) => **known == *text,
        }
    }
}

impl fmt::Display for PodUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Uid::Text(text) => f.write_str(text),
            Uid::Uuid(uuid) => {
                let hex = format!("{:032x}", u128::from_be_bytes(*uuid));
                write!(f, "{}-{}-", &hex[..8], &hex[8..12])?;
                write!(f, "{}-{}-{}", &hex[12..16], &hex[16..20], &hex[20..])
            }
        }
    }
}

impl fmt::Debug for PodUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PodUid({self})")
    }
}

/// The bytes of a UUID that is written as the API server writes it; none of any other text.
fn read(text: &str) -> Option<[u8; 16]> {
    if text.len() != WRITTEN {
        return None;
    }
    let mut uuid: u128 = 0;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'-' if HYPHENS.contains(&place) => {}
            b'0'..=b'9' | b'a'..=b'f' if !HYPHENS.contains(&place) => {
                uuid = uuid << 4 | u128::from(char::from(byte).to_digit(16)?);
            }
            _ => return None,
        }
    }
    Some(uuid.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, is_short: bool) {
        let uid = PodUid::from(text);
        assert_eq!(matches!(uid.0, Uid::Uuid(_)), is_short, "{text}");
        assert_eq!((uid.to_string().as_str(), &*uid.text()), (text, text));
        assert!(uid == *text && uid != *"u-2" && uid.is_empty() == text.is_empty());
        assert_eq!(uid, PodUid::from(text));
    }

    #[test]
    fn a_uid_is_known_again_and_says_what_it_said() {
        check("1b4e28ba-2fa1-41d2-883f-0016d3cca427", true);
        check("00000000-0000-0000-0000-000000000000", true);
        for other in
            ["", "u-1", "1B4E28BA-2fa1-41d2-883f-0016d3cca427", "1b4e28ba-2fa1-41d2-883f-0016d3cca4270"]
        {
            check(other, false);
        }
        check("1b4e28ba+2fa1-41d2-883f-0016d3cca427", false);
        check("1b4e28ba-2fa1-41d2-883f-0016d3cca-27", false);
        check("1b4e28ba-2fa1-41d2-883f-0016d3cca4ü", false);
    }
}
