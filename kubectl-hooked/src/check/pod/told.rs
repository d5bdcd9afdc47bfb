//! What was found by a Pod, in words.

use hooked_core::workload::template::Delivery;

use super::manifest::Wanted;
use super::outcome::{Outcome, Reach};
use crate::check::finding::{Check, Finding};

/// Words in which container runtimes say why a program was not started, and what to do.
const REMEDIES: [(&str, &str); 3] = [
    (
        "exec format error",
        "the image is for another processor: build it for this one too, or keep workloads off such nodes",
    ),
    (
        "permission denied",
        "the kubelet's directory is mounted noexec there, or AppArmor or SELinux forbids it: mend the node, or choose \
         another --injection",
    ),
    ("no such file", "the image holds no /hook-runner: is it the operator's own?"),
];

/// Whether the runner runs in Pods that get it so.
pub(super) fn of_runner(wanted: &Wanted, outcome: &Outcome, namespace: &str) -> Finding {
    let check = match wanted.delivery {
        Delivery::TestedVolume | Delivery::ImageVolume => Check::RunnerByImageVolume,
        Delivery::InitContainer => Check::RunnerByInitContainer,
    };
    let place = wanted.architecture.as_ref().map_or_else(String::new, |name| format!("on {name}: "));
    // A way that the operator does not take is in nobody's way.
    let fails = |message: String, action: &str| {
        if wanted.is_decisive {
            Finding::problem(check, message, action)
        } else {
            Finding::warning(
                check,
                message,
                format!("the operator does not bring the runner in so; if it did: {action}"),
            )
        }
    };
    match outcome {
        Outcome::Ran { node, .. } => {
            Finding::ok(check, format!("{place}it was brought in and run on node {node}"))
        }
        Outcome::NotPulled(words) => fails(
            format!("{place}Pods of namespace {namespace} do not get the image {}: {words}", wanted.image),
            "push it where nodes can pull it from, or give the ServiceAccounts there a pull secret",
        ),
        Outcome::NotRun(words) => {
            let remedy = REMEDIES.iter().find(|(said, _)| words.to_lowercase().contains(said));
            let action = remedy.map_or(
                "look at the node: its container runtime does not start the program",
                |(_, action)| action,
            );
            fails(format!("{place}the runner does not run: {words}"), action)
        }
        Outcome::Refused(words) => Finding::unknown(check, format!("{place}the Pod was not made: {words}")),
        Outcome::Late(words) => Finding::unknown(check, format!("{place}not seen in time; at last: {words}")),
        Outcome::Interrupted => Finding::unknown(check, format!("{place}interrupted")),
    }
}

/// Whether the operator is reached from the Pods.
pub(super) fn of_channel(shown: &[(Wanted, Outcome)], address: Option<&str>) -> Finding {
    let check = Check::LiveChannelFromPod;
    let Some(address) = address else {
        return Finding::not_checked(check, "there is no address at which Pods would reach an operator");
    };
    let ran: Vec<(&str, &Reach)> = shown
        .iter()
        .filter_map(|(_, outcome)| match outcome {
            Outcome::Ran { node, reach } => Some((node.as_str(), reach)),
            _ => None,
        })
        .collect();
    let unreached = ran.iter().find_map(|(node, reach)| match reach {
        Reach::Unreached(words) => Some((node, words)),
        Reach::Reached | Reach::Untried => None,
    });
    if let Some((node, words)) = unreached {
        return Finding::problem(
            check,
            format!("from node {node} nobody is reached at {address}: {words}"),
            "let Pods reach that address: NetworkPolicies of both namespaces, and a firewall between nodes",
        );
    }
    match ran.iter().find(|(_, reach)| **reach == Reach::Reached) {
        Some((node, _)) => Finding::ok(check, format!("{address} takes connections from node {node}")),
        None if ran.is_empty() => Finding::unknown(check, "no Pod has run that could have tried it"),
        None => Finding::not_checked(check, "the runner of this image is too old to try it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Verdict;

    fn wanted(is_decisive: bool) -> Wanted {
        Wanted {
            delivery: Delivery::InitContainer,
            architecture: Some("arm64".to_owned()),
            image: "hooked:1".to_owned(),
            pull_secrets: Vec::new(),
            address: None,
            is_decisive,
        }
    }

    fn ran(reach: Reach) -> Outcome {
        Outcome::Ran { node: "n1".to_owned(), reach }
    }

    fn check(outcome: &Outcome, verdict: Verdict, message: &str, action: &str) {
        let found = of_runner(&wanted(true), outcome, "shop");
        let said = found.action.clone().unwrap_or_default();
        assert!(
            found.verdict == verdict && found.message.contains(message) && said.contains(action),
            "{found:?}"
        );
        let found = of_runner(&wanted(false), outcome, "shop");
        let expect = if verdict == Verdict::Problem { Verdict::Warning } else { verdict };
        assert_eq!(found.verdict, expect, "{found:?}");
    }

    #[test]
    fn why_the_runner_does_not_run_is_said_with_what_to_do() {
        let not_run = |words: &str| Outcome::NotRun(words.to_owned());
        check(&ran(Reach::Reached), Verdict::Ok, "on arm64: it was brought in and run on node n1", "");
        check(
            &not_run("exec format error"),
            Verdict::Problem,
            "on arm64: the runner does not run",
            "another processor",
        );
        check(&not_run("exec: Permission denied"), Verdict::Problem, "Permission denied", "noexec");
        check(&not_run("stat /x: no such file or directory"), Verdict::Problem, "/x", "no /hook-runner");
        check(&not_run("broken"), Verdict::Problem, "broken", "look at the node");
        check(
            &Outcome::NotPulled("401".to_owned()),
            Verdict::Problem,
            "shop do not get the image hooked:1: 401",
            "pull secret",
        );
        check(&Outcome::Refused("quota".to_owned()), Verdict::Unknown, "quota", "");
        check(&Outcome::Late("Unschedulable".to_owned()), Verdict::Unknown, "at last: Unschedulable", "");
        check(&Outcome::Interrupted, Verdict::Unknown, "interrupted", "");
    }

    #[test]
    fn the_way_to_the_operator_is_bad_if_it_is_so_from_one_node() {
        let check = |outcomes: &[Outcome], address: Option<&str>, verdict: Verdict, words: &str| {
            let shown: Vec<_> = outcomes.iter().map(|outcome| (wanted(true), outcome.clone())).collect();
            let found = of_channel(&shown, address);
            assert!(found.verdict == verdict && found.message.contains(words), "{found:?}");
        };
        let at = Some("10.0.0.9:8443");
        let unreached = ran(Reach::Unreached("timed out".to_owned()));
        check(&[ran(Reach::Reached)], at, Verdict::Ok, "10.0.0.9:8443 takes connections from node n1");
        check(
            &[ran(Reach::Reached), unreached],
            at,
            Verdict::Problem,
            "from node n1 nobody is reached at 10.0.0.9:8443: timed out",
        );
        check(&[Outcome::Interrupted], at, Verdict::Unknown, "no Pod has run");
        check(&[ran(Reach::Untried)], at, Verdict::NotChecked, "too old");
        check(&[ran(Reach::Reached)], None, Verdict::NotChecked, "no address");
    }
}
