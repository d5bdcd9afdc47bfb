//! A short stable name for any text.

use sha2::{Digest, Sha256};

/// Letters and digits that form no words and are not mistaken for each other, as Kubernetes uses in generated names.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A short stable name for any text.
pub(crate) fn short_hash(parts: &[&str], length: usize) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
        hasher.update([0]);
    }
    encode(&hasher.finalize(), length)
}

/// A digest in letters and digits.
pub(crate) fn encode(digest: &[u8], length: usize) -> String {
    digest.iter().take(length).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}
