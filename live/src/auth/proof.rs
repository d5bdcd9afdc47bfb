//! The proof that a run gets once its token was accepted, and is accepted by when the token has expired: the
//! kubelet refreshes no file of a Pod while the Pod's postStart hook hangs.

use hooked_protocol::{Proof, Record};
use ring::hmac;

/// Makes proofs and verifies them.
pub(super) struct Prover(hmac::Key);

impl Prover {
    pub(super) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The proof of one run of one hook of one container of one Pod.
    pub(super) fn prove(&self, pod_uid: &str, record: &Record) -> Proof {
        let tag = hmac::sign(&self.0, &subject(pod_uid, record));
        let mut proof = [0; 32];
        proof.copy_from_slice(tag.as_ref());
        Proof(proof)
    }

    /// Whether `proof` is that of the run. The check takes as long whichever byte differs.
    pub(super) fn is_proven(&self, proof: Proof, pod_uid: &str, record: &Record) -> bool {
        hmac::verify(&self.0, &subject(pod_uid, record), &proof.0).is_ok()
    }
}

/// What a proof is made of. None of the parts can hold the byte between them.
fn subject(pod_uid: &str, record: &Record) -> Vec<u8> {
    let hook = record.hook.name();
    format!("hooked.dev/live/v1\0{pod_uid}\0{}\0{hook}\0{}", record.container, record.run).into_bytes()
}

#[cfg(test)]
mod tests {
    use hooked_protocol::{Hook, RunId};

    use super::*;

    #[test]
    fn a_proof_is_good_for_its_own_run_and_pod_and_no_other() {
        let record = Record {
            run: RunId([7; 16]),
            container: "web".to_owned(),
            hook: Hook::PostStart,
            start: 1,
            numbering: None,
            ending: None,
        };
        let prover = Prover::new(&[1; 32]);
        let proof = prover.prove("a", &record);
        assert!(prover.is_proven(proof, "a", &record));
        assert!(!prover.is_proven(proof, "b", &record));
        for other in [
            Record { run: RunId([8; 16]), ..record.clone() },
            Record { container: "side".to_owned(), ..record.clone() },
            Record { hook: Hook::PreStop, ..record.clone() },
        ] {
            assert!(!prover.is_proven(proof, "a", &other), "{other:?}");
        }
        assert!(!Prover::new(&[2; 32]).is_proven(proof, "a", &record));
    }
}
