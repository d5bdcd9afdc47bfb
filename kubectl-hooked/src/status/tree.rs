//! An overview as lines: its heading, and the tree of revisions, Pods, containers and hooks.

use std::time::Duration;

use hooked_core::lifecycle::kubelet::is_before_start;
use jiff::Timestamp;

use super::heading::heading;
use super::hook::{Measure, Scale, hook_lines};
use crate::overview::{ContainerRow, Overview, PodRow, RevisionRow, Role};
use crate::render::{Line, Tone, ago, labelled};

/// The overview as lines. Long words of the heading are wrapped to `width`; the tree is cut by who shows it.
pub(super) fn lines(overview: &Overview, width: Option<usize>, now: Timestamp) -> Vec<Line> {
    let mut lines = heading(overview, width, now);
    let scale = Scale::of(overview);
    let total: usize = overview.revisions.iter().map(|row| row.pods).sum();
    let shown: usize = overview.revisions.iter().map(|row| row.shown.len()).sum();
    for row in &overview.revisions {
        lines.push(Line::new());
        lines.push(revision_line(row));
        pods(&mut lines, &row.shown, scale, now);
    }
    if shown < total {
        let hidden = format!("{} of {total} Pods are not shown; --all shows them", total - shown);
        lines.extend([Line::new(), Line::new().add(Tone::Faint, hidden)]);
    }
    if !overview.gone.is_empty() {
        lines.extend([Line::new(), Line::new().add(Tone::Strong, "Pods that are gone")]);
        pods(&mut lines, &overview.gone, scale, now);
    }
    if !overview.remembered.is_empty() {
        lines.extend([Line::new(), Line::new().add(Tone::Strong, "Pods of the last hook runs")]);
        pods(&mut lines, &overview.remembered, scale, now);
    }
    for note in &overview.notes {
        lines.push(Line::new());
        lines.extend(labelled("Note", 6, Line::new(), note, width));
    }
    lines
}

fn revision_line(row: &RevisionRow) -> Line {
    let RevisionRow { revision, role, pods, ready, terminating, shown: _ } = row;
    let role = match role {
        Role::Update => "",
        Role::Current => " (the one before)",
        Role::Old => " (old)",
    };
    let line = Line::new()
        .add(Tone::Strong, format!("Revision {revision}"))
        .plain(format!("{role}  {pods} {}, {ready} ready", if *pods == 1 { "Pod" } else { "Pods" }));
    // What the operator has counted has none of them any more.
    if *terminating > 0 { line.plain(format!(", {terminating} terminating")) } else { line }
}

/// Draws what hangs on `stem`: each item with the stem of its own line and that of what hangs on it.
fn branch<T>(lines: &mut Vec<Line>, stem: &str, items: &[T], draw: impl Fn(&mut Vec<Line>, &str, &str, &T)) {
    for (index, item) in items.iter().enumerate() {
        let last = index + 1 == items.len();
        let (own, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        draw(lines, &format!("{stem}{own}"), &format!("{stem}{below}"), item);
    }
}

fn pods(lines: &mut Vec<Line>, pods: &[PodRow], scale: Scale, now: Timestamp) {
    branch(lines, "", pods, |lines, stem, rest, pod| pod_lines(lines, stem, rest, pod, scale, now));
}

fn pod_lines(lines: &mut Vec<Line>, stem: &str, rest: &str, pod: &PodRow, scale: Scale, now: Timestamp) {
    let PodRow { name, state, ready, restarts, created, containers, grace, .. } = pod;
    let tone = match (state.as_str(), *ready) {
        ("Running", true) => Tone::Good,
        ("gone" | "not seen", _) => Tone::Faint,
        ("Running" | "Pending" | "Terminating", _) => Tone::Unsure,
        (reason, _) if is_before_start(reason) => Tone::Unsure,
        _ => Tone::Bad,
    };
    let mut line = Line::new().add(Tone::Faint, stem).plain(name).plain("  ").add(tone, state);
    if state == "Running" && !ready {
        line = line.add(Tone::Unsure, ", not ready");
    }
    if *restarts > 0 {
        line = line.plain(format!(", {restarts} {}", if *restarts == 1 { "restart" } else { "restarts" }));
    }
    if let Some(created) = created {
        line = line.add(Tone::Faint, format!("  {}", ago(*created, now)));
    }
    lines.push(line);
    let grace = grace.map(Duration::from_secs);
    branch(lines, rest, containers, |lines, stem, rest, container| {
        container_lines(lines, stem, rest, container, Measure { scale, grace });
    });
}

fn container_lines(lines: &mut Vec<Line>, stem: &str, rest: &str, row: &ContainerRow, measure: Measure) {
    let ContainerRow { name, state, restarts: _, hooks } = row;
    lines.push(Line::new().add(Tone::Faint, stem).plain(name).add(Tone::Faint, format!("  {state}")));
    branch(lines, rest, hooks, |lines, stem, rest, hook| hook_lines(lines, stem, rest, hook, measure));
}

#[cfg(test)]
mod tests {
    use hooked_crd::HookedWorkload;
    use serde_json::json;

    use super::*;
    use crate::fixtures::{now, pod, run, running, waiting, workload};
    use crate::overview::{Choice, overview};

    fn trouble() -> HookedWorkload {
        let recent = [
            run(
                "web-c",
                "PostStart",
                "Failed",
                &json!({"duration": "1.5s", "durationError": "0s", "exitCode": 3, "message": "exited with 3"}),
            ),
            run(
                "web-c",
                "PreStop",
                "Succeeded",
                &json!({"duration": "4s", "message": "recorded by the hook-runner"}),
            ),
            run(
                "web-z",
                "PreStop",
                "TimedOut",
                &json!({"duration": "1s", "durationError": "1s", "message": "still running at the end of the grace period"}),
            ),
        ];
        let condition = |type_: &str, reason: &str, message: &str| {
            json!({
                "type": type_, "status": "False", "reason": reason, "message": message,
                "lastTransitionTime": "2026-11-22T10:00:00Z",
            })
        };
        workload(&json!({
            "observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 1,
            "updateRevision": "new", "currentRevision": "old",
            "revisions": [
                {"revision": "new", "number": 2, "desired": 2, "replicas": 2, "ready": 1, "available": 1},
                {"revision": "old", "number": 1, "desired": 1, "replicas": 0, "ready": 0, "available": 0},
            ],
            "hookTotals": {"succeeded": 2, "failed": 1, "kills": 2},
            "conditions": [
                condition("Ready", "RolloutInProgress", "1 of 3 Pods available, 2 up to date, 1 old"),
                condition("HooksHealthy", "HookFailed", "PostStart of container web in Pod web-c: exited with 3"),
            ],
            "kills": [{
                "reason": "PostStartHookFailed", "count": 2, "lastTime": "2026-11-22T10:04:55.000000Z",
                "lastPod": "web-c", "lastContainer": "web",
            }],
            "recentRuns": recent,
        }))
    }

    fn check(limit: usize, width: Option<usize>, expect: &str) {
        let terminating =
            json!({"deletionTimestamp": "2026-11-22T10:05:20Z", "deletionGracePeriodSeconds": 30});
        let pods = [
            pod("web-a", "new", &running(), &json!({})),
            pod("web-c", "new", &waiting(), &json!({})),
            pod("web-d", "old", &running(), &terminating),
        ];
        let overview = overview(&trouble(), pods.iter(), Choice { limit: Some(limit), show_output: false });
        let lines = lines(&overview, width, now());
        let text: Vec<String> = lines
            .iter()
            .map(|line| width.map_or_else(|| line.text(false), |width| line.fit(width).text(false)))
            .collect();
        assert_eq!(text.join("\n"), expect.trim_matches('\n'));
    }

    #[test]
    fn a_tree_fits_a_terminal() {
        check(
            20,
            Some(80),
            "
HookedWorkload shop/web
Replicas      1 of 3 ready, 2 up to date, 1 available
Revisions     REVISION  NAME  DESIRED  CURRENT  READY  AVAILABLE
              2         new   2        2        1      1
              1         old   1        0        0      0
Ready         False RolloutInProgress: 1 of 3 Pods available, 2 up to date, 1
              old
HooksHealthy  False HookFailed: PostStart of container web in Pod web-c: exited
              with 3
Hook runs     2 succeeded, 1 failed
Kills         2 × PostStartHookFailed, last web of web-c 5s ago

Revision new  2 Pods, 1 ready
├─ web-c  CrashLoopBackOff, 3 restarts  5m
│  └─ web  waiting: CrashLoopBackOff
│     ├─ PostStart Failed        1.5s ███▊        exited with 3
│     └─ PreStop   Succeeded       4s █▍         of 30s
└─ web-a  Running  5m
   └─ web  running
      ├─ PostStart Succeeded the container became Running
      └─ PreStop   no run known

Revision old (the one before)  1 Pod, 1 ready, 1 terminating
└─ web-d  Terminating  5m
   └─ web  running
      ├─ PostStart Succeeded the container became Running
      └─ PreStop   Running   the container is being stopped: its hook runs, or …

Pods that are gone
└─ web-z  gone, 3 restarts
   └─ web  gone
      └─ PreStop   TimedOut       ~1s ██▌         still running at the end of t…
",
        );
    }

    #[test]
    fn a_pipe_gets_all() {
        check(
            1,
            None,
            "
HookedWorkload shop/web
Replicas      1 of 3 ready, 2 up to date, 1 available
Revisions     REVISION  NAME  DESIRED  CURRENT  READY  AVAILABLE
              2         new   2        2        1      1
              1         old   1        0        0      0
Ready         False RolloutInProgress: 1 of 3 Pods available, 2 up to date, 1 old
HooksHealthy  False HookFailed: PostStart of container web in Pod web-c: exited with 3
Hook runs     2 succeeded, 1 failed
Kills         2 × PostStartHookFailed, last web of web-c 5s ago

Revision new  2 Pods, 1 ready
└─ web-c  CrashLoopBackOff, 3 restarts  5m
   └─ web  waiting: CrashLoopBackOff
      ├─ PostStart Failed        1.5s ███▊        exited with 3
      └─ PreStop   Succeeded       4s █▍         of 30s

Revision old (the one before)  1 Pod, 1 ready, 1 terminating

2 of 3 Pods are not shown; --all shows them

Pods that are gone
└─ web-z  gone, 3 restarts
   └─ web  gone
      └─ PreStop   TimedOut       ~1s ██▌         still running at the end of the grace period
",
        );
    }
}
