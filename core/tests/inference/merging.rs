//! Order, repetition and delay of evidence change nothing.

use hooked_core::hooks::evidence::PodEvidence;
use hooked_core::hooks::kubelet::{self, KubeletEvent};
use proptest::prelude::*;

use crate::fixtures::at;

/// One Event about the container; times and reasons are few, so that many collide.
fn fact() -> impl Strategy<Value = PodEvidence> {
    (0_usize..4, 0_i64..6, 0_usize..3).prop_map(|(reason, second, message)| {
        let message =
            ["Stopping container web", "Container web failed liveness probe", "FailedPostStartHook"][message];
        let time = Some(at(second));
        let reason = kubelet::EVENT_REASONS[reason];
        let event =
            KubeletEvent { reason, field_path: "spec.containers{web}", message, first: time, last: time };
        kubelet::read_event(&event).unwrap()
    })
}

proptest! {
    #[test]
    fn evidence_may_come_in_any_order_again_and_again(facts in prop::collection::vec(fact(), 1..12), seed in any::<u64>()) {
        let mut in_order = PodEvidence::default();
        for fact in &facts {
            in_order.merge(fact.clone());
        }
        // Any order, everything at least once, some of it twice.
        let mut shuffled: Vec<PodEvidence> = facts.iter().chain(facts.iter().take(3)).cloned().collect();
        let length = shuffled.len();
        for index in 0..length {
            let other = usize::try_from(seed.rotate_left(u32::try_from(index).unwrap() * 7) % u64::try_from(length).unwrap()).unwrap();
            shuffled.swap(index, other);
        }
        let mut out_of_order = PodEvidence::default();
        for fact in shuffled {
            out_of_order.merge(fact);
        }
        prop_assert_eq!(in_order, out_of_order);
    }
}
