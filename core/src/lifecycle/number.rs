//! Which Pod of its workload a Pod is, as it stands on the Pod: whoever may change Pods may have written it.

use thiserror::Error;

use crate::names;
use crate::short_hash::short_hash;

/// The highest number there can be: the API server keeps numbers above it only as floats, and so not exactly.
pub const MAX_ORDINAL: u64 = (1 << 53) - 1;
/// Characters of the hash that tells whose number it is.
const HASH_LENGTH: usize = 6;

/// What a Pod bears as its number in the workload with that UID.
pub fn ordinal(number: u64, workload_uid: &str) -> String {
    format!("{number}.{}", short_hash(&[workload_uid], HASH_LENGTH))
}

/// The annotation in which a Pod that others make bears its number in the workload with that UID.
pub fn watched_ordinal(workload_uid: &str) -> String {
    format!("{}{}", names::WATCHED_ORDINAL, short_hash(&[workload_uid], HASH_LENGTH))
}

/// Which Pod of its workload a Pod is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodIdentity {
    /// The hash of the template that it was made from.
    pub revision: String,
    /// Its number within its workload; none begins before 1.
    pub number: u64,
    /// Whether the number names no workload, as the version before has written it.
    pub is_bare: bool,
}

/// Why a Pod has no number in its workload.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReadPodError {
    /// The label of the revision is missing.
    #[error("label hooked.dev/revision is missing")]
    NoRevision,
    /// It bears no number.
    #[error("annotation hooked.dev/ordinal is missing")]
    NoNumber,
    /// Somebody changed the number.
    #[error("hooked.dev/ordinal is {0:?}, which is no number up to {MAX_ORDINAL}")]
    InvalidNumber(String),
    /// Another workload has given the number, or somebody has copied it.
    #[error("hooked.dev/ordinal is {0:?}, which this workload has not given")]
    OtherWorkload(String),
    /// Somebody changed a label, or gave a Pod of their own our labels: a Pod's name is made from them.
    #[error("its labels and its owner make the name {0:?}, which is not the Pod's")]
    OtherName(String),
}

impl PodIdentity {
    /// Reads what stands on a Pod of the workload with that UID. `find` looks up a label, and then an annotation.
    pub fn read<'a>(
        label: impl Fn(&str) -> Option<&'a str>,
        annotation: Option<&str>,
        workload_uid: &str,
    ) -> Result<Self, ReadPodError> {
        let revision = label(names::REVISION_LABEL).ok_or(ReadPodError::NoRevision)?.to_owned();
        let Some(written) = annotation else {
            let bare = label(names::ORDINAL).ok_or(ReadPodError::NoNumber)?;
            return Ok(Self { revision, number: parse(bare, bare)?, is_bare: true });
        };
        Ok(Self { revision, number: given(written, workload_uid)?, is_bare: false })
    }
}

/// The number that the workload with that UID has given to a Pod that others make, as its annotation says.
pub fn read_watched_ordinal(written: Option<&str>, workload_uid: &str) -> Result<u64, ReadPodError> {
    given(written.ok_or(ReadPodError::NoNumber)?, workload_uid)
}

/// The number that is written so, if the workload with that UID has given it.
fn given(written: &str, workload_uid: &str) -> Result<u64, ReadPodError> {
    let number = parse(written.split_once('.').map_or(written, |(number, _)| number), written)?;
    if written == ordinal(number, workload_uid) {
        return Ok(number);
    }
    Err(ReadPodError::OtherWorkload(written.to_owned()))
}

fn parse(number: &str, written: &str) -> Result<u64, ReadPodError> {
    let number = number.parse().ok().filter(|number| (1..=MAX_ORDINAL).contains(number));
    number.ok_or_else(|| ReadPodError::InvalidNumber(written.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a Pod of the workload `w-1` with that label and that annotation.
    fn check(label: Option<&str>, annotation: Option<&str>, expect: &Result<u64, ReadPodError>) {
        let labels = |key: &str| if key == names::ORDINAL { label } else { Some("rev") };
        let read = PodIdentity::read(labels, annotation, "w-1");
        assert_eq!(&read.map(|identity| identity.number), expect, "{label:?} {annotation:?}");
    }

    #[test]
    fn the_number_that_the_workload_has_given_is_read() {
        check(None, Some(&ordinal(7, "w-1")), &Ok(7));
        check(None, Some(&ordinal(MAX_ORDINAL, "w-1")), &Ok(MAX_ORDINAL));
        check(Some("9"), Some(&ordinal(7, "w-1")), &Ok(7));
    }

    #[test]
    fn a_pod_of_the_version_before_has_its_number_in_a_label() {
        check(Some("9007199254740991"), None, &Ok(MAX_ORDINAL));
        check(None, None, &Err(ReadPodError::NoNumber));
    }

    #[test]
    fn the_number_of_another_workload_is_no_number() {
        let of_another = ordinal(7, "w-2");
        check(Some("7"), Some(&of_another), &Err(ReadPodError::OtherWorkload(of_another.clone())));
        check(None, Some("7"), &Err(ReadPodError::OtherWorkload("7".to_owned())));
        let padded = format!("0{}", ordinal(7, "w-1"));
        check(None, Some(&padded), &Err(ReadPodError::OtherWorkload(padded.clone())));
    }

    #[test]
    fn what_the_api_server_would_keep_as_a_float_is_refused() {
        for refused in ["9007199254740992", "9223372036854775808", "-1", "x", "0"] {
            check(Some(refused), None, &Err(ReadPodError::InvalidNumber(refused.to_owned())));
        }
    }
}
