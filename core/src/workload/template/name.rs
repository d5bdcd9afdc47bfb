//! Deterministic Pod names, so that a create whose reply was lost can be sent again.

use crate::short_hash::short_hash;

/// The host name of a Pod is its name cut off here (kubelet, RFC 1123 label), so names must differ before it.
const MAX_NAME: usize = 63;
/// Characters of the hash that tells the Pods of a revision apart: 27^6 of them.
const HASH_LENGTH: usize = 6;

/// The name of the Pod with `ordinal`: `<workload>-<revision>-<hash of workload UID and ordinal>`.
pub fn pod_name(workload: &str, workload_uid: &str, revision: &str, ordinal: u64) -> String {
    let suffix = format!("-{revision}-{}", short_hash(&[workload_uid, &ordinal.to_string()], HASH_LENGTH));
    let room = MAX_NAME.saturating_sub(suffix.len());
    let base = workload.get(..room).unwrap_or(workload).trim_end_matches(['-', '.']);
    format!("{base}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_ordinal_has_the_same_name_and_another_has_another() {
        let name =
            |ordinal| pod_name("hook-demo2", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "6c9fbdtzkw", ordinal);
        assert_eq!(name(1), name(1));
        assert_ne!(name(1), name(2));
        assert!(name(1).starts_with("hook-demo2-6c9fbdtzkw-"), "{}", name(1));
    }

    #[test]
    fn a_long_workload_name_is_cut_so_that_the_host_name_stays_unique() {
        let long = format!("{}-{}", "a".repeat(44), "b".repeat(80));
        let name = pod_name(&long, "uid", "6c9fbdtzkw", 7);
        assert!(name.len() <= 63, "{name}");
        assert!(!name.contains("--"), "{name}");
    }
}
