//! Runs that should have been heard of over the live channel, and were not.

use std::time::Duration;

use hooked_crd::{HookKind, Outcome, Source};
use jiff::Timestamp;

use crate::lifecycle::Finding;
use crate::lifecycle::evidence::PodEvidence;

/// A measured preStop that took so long was told of in time, if any word comes through.
const A_WHILE: Duration = Duration::from_secs(1);

/// The second in which a run began that its runner should have reported by its end, and has not.
pub(super) fn unreported(evidence: &PodEvidence, finding: &Finding) -> Option<i64> {
    match finding {
        Finding::PostStart { container, run, .. } => {
            let hook = evidence.shape.containers.get(container)?.hooks.post_start?;
            let seen_running = (run.outcome, run.source) == (Outcome::Succeeded, Source::Kubelet);
            run.start_time.filter(|_| hook.live && seen_running).map(Timestamp::as_second)
        }
        Finding::End { container, instance, pre_stop: Some(run), .. } => {
            evidence.shape.containers.get(container)?.hooks.pre_stop.filter(|hook| hook.live)?;
            let facts = evidence.containers.get(container)?;
            let is_heard_of = facts.live.iter().any(|record| record.hook == HookKind::PreStop);
            let began = run.start_time?.as_second();
            let known = facts.instances.get(instance);
            let mut records = known.into_iter().flat_map(|known| known.records.values());
            let is_cut_off =
                records.any(|record| record.hook == HookKind::PreStop && record.ending.is_none());
            let finished = known.and_then(|known| known.end?.finished_at);
            let could_report = match run.duration {
                Some(measured) if run.source == Source::Runner => measured.shortest >= A_WHILE,
                // Nobody knows how long the hook took; a second lies between two that differ by two.
                _ => finished.is_some_and(|finished| {
                    finished - began >= 2 && evidence.stop.is_some_and(|stop| finished < stop.deadline())
                }),
            };
            (could_report && !is_heard_of && !is_cut_off).then_some(began)
        }
        Finding::End { .. } | Finding::Lost { .. } | Finding::Anew { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use hooked_protocol::{RUNNER_PATH, parse};
    use serde_json::{Value, json};

    use super::*;
    use crate::lifecycle::infer::{Patience, infer};
    use crate::lifecycle::{ObservedPod, PodMarks, kubelet};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The record of a preStop that began in second 10 and took so many microseconds.
    fn line(took: u64) -> String {
        let record = json!({
            "run": format!("{:032x}", 7), "container": "web", "hook": "PreStop", "execution": 1, "phase": "ended",
            "start": 10_500_000, "all": [1, 0, 0, 0, 0], "past": "", "took": took, "outcome": "Succeeded",
            "exit": 0, "attempts": 1,
        });
        format!("hooked.dev/v1 {record}\n")
    }

    /// A Pod with a preStop under the runner, with these options, whose deletion in second 10 gave 30 s, and whose
    /// container ended in that second with this in its log.
    fn stopped(options: &[&str], ended: i64, log: &str) -> ObservedPod {
        let words = [&[RUNNER_PATH, "run"][..], options, &["--", "true"]].concat();
        let hook = json!({"preStop": {"exec": {"command": words}}});
        let terminated = json!({
            "startedAt": at(1), "finishedAt": at(ended), "exitCode": 0, "containerID": "c", "message": log,
        });
        let container = json!({"name": "web", "state": {"terminated": terminated}});
        let read = |spec: Value| serde_json::from_value(spec).unwrap();
        ObservedPod {
            spec: read(json!({"nodeName": "n", "containers": [{"name": "web", "lifecycle": hook}]})),
            status: serde_json::from_value(json!({"phase": "Running", "containerStatuses": [container]}))
                .unwrap(),
            deletion_timestamp: Some(at(40)),
            deletion_grace_seconds: Some(30),
            generation: Some(2),
            ..ObservedPod::numbered("u", 1)
        }
    }

    /// The second in which the run began that was to be heard of, if it was; `heard` is what was.
    fn check(options: &[&str], (ended, log): (i64, &str), heard: Option<u64>, expect: Option<i64>) {
        let mut evidence = kubelet::read_pod(&stopped(options, ended, log), at(ended));
        let (field_path, time) = ("spec.containers{web}", Some(at(10)));
        let killing =
            kubelet::KubeletEvent { reason: "Killing", field_path, message: "", first: time, last: time };
        evidence.merge(kubelet::read_event(&killing).unwrap());
        for record in heard.map(line).iter().flat_map(|line| parse(line)) {
            evidence.merge(PodEvidence::of_live("web", record));
        }
        let findings = infer(&evidence, &PodMarks::default(), Patience::Settle, at(ended + 20));
        let told = findings.settled.iter().find_map(|finding| unreported(&evidence, finding));
        assert_eq!(told, expect, "{options:?} {ended} {log} {heard:?}");
    }

    #[test]
    fn a_measured_pre_stop_that_took_a_while_and_was_not_heard_of_is_missed() {
        let options = ["--termination-log", "/log", "--live", "/live"];
        let (long, short) = (line(1_000_000), line(999_999));
        check(&options, (12, &long), None, Some(10));
        check(&options, (12, &long), Some(1_000_000), None);
        check(&options, (12, &short), None, None);
        check(&options[..2], (12, &long), None, None);
    }

    /// The end of the grace period, of the Pod or of a probe, has ended its runner too.
    #[test]
    fn a_pre_stop_that_only_began_could_not_be_told_of() {
        let began = json!({
            "run": format!("{:032x}", 7), "container": "web", "hook": "PreStop", "execution": 1, "phase": "started",
            "start": 10_500_000, "all": [1, 0, 0, 0, 0],
        });
        let options = ["--termination-log", "/log", "--live", "/live"];
        for ended in [25, 40] {
            check(&options, (ended, &format!("hooked.dev/v1 {began}\n")), None, None);
        }
    }

    #[test]
    fn a_pre_stop_of_which_nothing_is_known_is_missed_where_it_was_to_be_told_live() {
        let options = ["--live", "/live"];
        check(&options, (12, ""), None, Some(10));
        check(&options, (12, ""), Some(5_000), None);
        // It may have ended with its container before the runner could say a word.
        check(&options, (11, ""), None, None);
        // It may have been cut off.
        check(&options, (40, ""), None, None);
    }
}
