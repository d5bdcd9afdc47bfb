//! A Pod with one container as it really is, and what is shown and told of it.

use hooked_core::lifecycle::ObservedPod;
use hooked_protocol::{Counts, Ending, Exit, Hook, Numbering, Past, RUNNER_PATH, Record, RunId};
use jiff::Timestamp;
use serde_json::json;

/// The runs whose durations are told apart.
pub(crate) const MOST_MEASURED: u64 = 44;

#[derive(Clone, Debug)]
pub(crate) enum Container {
    NotStarted,
    Running { started: i64 },
    Ended { started: i64, finished: i64, post_start_error: bool },
}

#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) number: u64,
    pub(crate) restarts: u32,
    pub(crate) container: Container,
    pub(crate) last: Option<(i64, i64)>,
    pub(crate) runs: Vec<Record>,
    pub(crate) deleted: Option<i64>,
    pub(crate) held: bool,
}

/// What the runner has to say of a run that begins now.
pub(crate) fn record(pod: &Pod, now: i64, nth: u64, succeeds: bool) -> Record {
    let execution = pod.restarts + 1;
    let outcome =
        if succeeds { hooked_protocol::Outcome::Succeeded } else { hooked_protocol::Outcome::Failed };
    let ending = Ending {
        outcome,
        exit: Some(Exit::Code(u8::from(!succeeds))),
        duration: 1 << nth.min(MOST_MEASURED),
        attempts: 1,
        message: String::new(),
        output: String::new(),
    };
    let counts = Counts { started: execution, ..Counts::default() };
    Record {
        run: RunId(u128::from(nth).to_be_bytes()),
        container: "web".to_owned(),
        hook: Hook::PostStart,
        start: u64::try_from(now).unwrap() * 1_000_000,
        numbering: Some(Numbering { execution, counts, past: Past::default() }),
        ending: Some(ending),
    }
}

/// What the API server shows of the Pod.
pub(crate) fn report(pod: &Pod, measured: bool) -> ObservedPod {
    let time = |second: i64| Timestamp::from_second(second).unwrap();
    let log = |started: i64| {
        let of_start = |record: &&Record| i64::try_from(record.start).unwrap() == started * 1_000_000;
        let run = pod.runs.iter().filter(|_| measured).find(of_start);
        run.and_then(|record| record.to_line(4096)).unwrap_or_default()
    };
    let terminated = |started: i64, finished: i64| {
        let (started_at, finished_at) = (time(started), time(finished));
        json!({"terminated": {
            "startedAt": started_at, "finishedAt": finished_at, "exitCode": 0, "reason": "Completed",
            "message": log(started),
        }})
    };
    let last = pod.last.map_or(json!({}), |(started, finished)| terminated(started, finished));
    let (state, last) = match (&pod.container, pod.deleted) {
        (Container::NotStarted, _) => (json!({"waiting": {"reason": "ContainerCreating"}}), last),
        (Container::Running { started }, _) => (json!({"running": {"startedAt": time(*started)}}), last),
        (Container::Ended { started, finished, .. }, Some(_)) => (terminated(*started, *finished), last),
        (Container::Ended { started, finished, post_start_error }, None) => {
            let reason = if *post_start_error { "PostStartHookError" } else { "CrashLoopBackOff" };
            (json!({"waiting": {"reason": reason, "message": "…"}}), terminated(*started, *finished))
        }
    };
    let phase = if pod.deleted.is_some() { "Succeeded" } else { "Running" };
    let status = json!({"phase": phase, "containerStatuses": [
        {"name": "web", "restartCount": pod.restarts, "state": state, "lastState": last},
    ]});
    let command = [RUNNER_PATH, "run", "--termination-log", "/log", "--live", "/live", "--", "sh"];
    let command = if measured { &command[..] } else { &["sh"] };
    let hooks = json!({"postStart": {"exec": {"command": command}}, "preStop": {"exec": {}}});
    let spec = json!({"nodeName": "n", "containers": [{"name": "web", "lifecycle": hooks}]});
    ObservedPod {
        name: format!("pod-{}", pod.number),
        uid: format!("uid-{}", pod.number),
        version: "1".to_owned(),
        owner_uid: "owner".to_owned(),
        is_named: true,
        labels: std::collections::BTreeMap::new(),
        revision: "rev".to_owned(),
        number: pod.number,
        generation: Some(1),
        created: None,
        deletion_cost: 0,
        deletion_timestamp: pod.deleted.map(|second| time(second + 30)),
        deletion_grace_seconds: pod.deleted.map(|_| 30),
        has_finalizer: pod.held,
        has_our_runner: true,
        live: None,
        spec: serde_json::from_value(spec).unwrap(),
        status: serde_json::from_value(status).unwrap(),
    }
}
