//! Order, repetition and delay of evidence change nothing.

use hooked_core::lifecycle::PodEvidence;
use hooked_core::lifecycle::kubelet::{self, KubeletEvent};
use hooked_protocol::{Ending, Exit, Hook, Outcome, Record, RunId};
use proptest::prelude::*;
use serde_json::json;

use crate::fixtures::{at, both, ended, running, shown, waiting};

/// A live record; runs and times are few and contradict each other, as only forgery makes them.
fn reported() -> impl Strategy<Value = PodEvidence> {
    (0_u8..4, 0_u64..12, 0_u8..3, any::<bool>()).prop_map(|(run, start, outcome, ended)| {
        let outcome = [Outcome::Succeeded, Outcome::Failed, Outcome::Cancelled][usize::from(outcome)];
        let exit = Some(Exit::Code(u8::from(outcome != Outcome::Succeeded)));
        let (message, output) = (String::new(), String::new());
        let ending = Ending { outcome, exit, duration: start, attempts: 1, message, output };
        let record = Record {
            run: RunId([run; 16]),
            container: "web".to_owned(),
            hook: Hook::PostStart,
            start: start * 1_000_000,
            numbering: None,
            ending: ended.then_some(ending),
        };
        PodEvidence::of_live("web", record)
    })
}

fn fact() -> impl Strategy<Value = PodEvidence> {
    prop_oneof![recorded(), reported(), seen()]
}

/// A status, of a Pod that may be deleted, once or twice, or not; whatever else is in it, other statuses
/// contradict.
fn seen() -> impl Strategy<Value = PodEvidence> {
    let container = (0_u32..3, 0_i64..6, 0_usize..4);
    (container, 0_i64..6, 0_usize..4).prop_map(|((restarts, started, state), second, deletion)| {
        let deletion = match deletion {
            0 => json!({}),
            grace => json!({"timestamp": at(second + 4 - i64::try_from(grace).unwrap()), "grace": 3 - grace}),
        };
        let mut status = match state {
            0 => running(restarts, started),
            1 => waiting(restarts, "CrashLoopBackOff", started, second, 137, "Error"),
            2 => waiting(restarts, "PostStartHookError", started, second, 0, "Completed"),
            _ => ended(started, second, 143, "Error"),
        };
        let since = at(started.min(second));
        let sandbox =
            json!({"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": since});
        status["conditions"] = json!([sandbox]);
        shown(second, &both(), &deletion, &status)
    })
}

/// One Event about the container; times and reasons are few, so that many collide.
fn recorded() -> impl Strategy<Value = PodEvidence> {
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
    fn evidence_may_come_in_any_order_again_and_again(
        facts in prop::collection::vec(fact(), 1..40),
        seed in any::<u64>(),
    ) {
        let mut in_order = PodEvidence::default();
        for fact in &facts {
            in_order.merge(fact.clone());
        }
        // Any order, everything at least once, some of it twice.
        let mut shuffled: Vec<PodEvidence> = facts.iter().chain(facts.iter().take(3)).cloned().collect();
        let length = shuffled.len();
        for index in 0..length {
            let random = seed.rotate_left(u32::try_from(index).unwrap() * 7);
            let other = random % u64::try_from(length).unwrap();
            shuffled.swap(index, usize::try_from(other).unwrap());
        }
        let mut out_of_order = PodEvidence::default();
        for fact in shuffled {
            out_of_order.merge(fact);
        }
        prop_assert_eq!(in_order, out_of_order);
    }
}
