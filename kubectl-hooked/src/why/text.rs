//! An explanation as lines.

use hooked_core::lifecycle::Fate;
use hooked_crd::{GoDuration, HookRunStatus};

use super::explanation::{ContainerExplanation, Explanation, Instance, RememberedKill};
use crate::render::{Line, Tone, clock, is_estimate, labelled, named, of_outcome, short};

/// Where words about an instance begin, and where its labelled values do.
const WORDS: usize = 4;
const VALUES: usize = 14;
/// Runs of earlier instances that are shown.
const REMEMBERED: usize = 10;

/// The explanation as lines.
pub(super) fn lines(explanation: &Explanation, width: Option<usize>) -> Vec<Line> {
    let Explanation { namespace, pod, present: _, state, node, owner, containers, notes } = explanation;
    let place = node.as_ref().map_or_else(String::new, |node| format!(", on node {node}"));
    let owner = owner.as_ref().map_or_else(|| ", of no workload".to_owned(), |owner| format!(", of {owner}"));
    let title = Line::new().add(Tone::Strong, format!("Pod {namespace}/{pod}  "));
    let mut lines = labelled("", 0, title, &format!("{state}{place}{owner}"), width);
    for note in notes {
        lines.extend(labelled("", 0, Line::new(), &sentence(note), width));
    }
    for container in containers {
        lines.push(Line::new());
        lines.extend(container_lines(container, width));
    }
    lines
}

fn container_lines(story: &ContainerExplanation, width: Option<usize>) -> Vec<Line> {
    let ContainerExplanation { name, state, restarts, running, instances, remembered, kills, earlier } =
        story;
    let restarts = match restarts {
        0 => String::new(),
        1 => ", 1 restart".to_owned(),
        many => format!(", {many} restarts"),
    };
    let title =
        Line::new().add(Tone::Strong, format!("Container {name}")).plain(format!("  {state}{restarts}"));
    let mut lines = vec![title];
    for run in running {
        let start = Line::new().add(Tone::Active, format!("{} runs", named(run.hook)));
        let since = run
            .start_time
            .as_ref()
            .map_or_else(String::new, |time| format!(" since {}", clock(time.0.as_second())));
        lines.extend(labelled("", 2, start, &format!("{since}: {}", run.message), width));
    }
    lines.extend(instances.iter().flat_map(|instance| instance_lines(instance, width)));
    lines.extend(kills.iter().flat_map(|kill| kill_lines(kill, width)));
    if !remembered.is_empty() {
        lines.push(Line::new().plain("  What its workload remembers of its hooks"));
        lines.extend(remembered.iter().take(REMEMBERED).flat_map(|run| {
            let number = format!("    instance {} ", run.restart_count + 1);
            run_lines(&number, run, width)
        }));
    }
    if instances.is_empty() && running.is_empty() && kills.is_empty() && remembered.is_empty() {
        lines.push(Line::new().plain("  No instance of it has run yet."));
    }
    if let Some(earlier) = earlier {
        lines.extend(labelled("", 2, Line::new(), &sentence(earlier), width));
    }
    lines
}

fn instance_lines(instance: &Instance, width: Option<usize>) -> Vec<Line> {
    let Instance { number, fate, killed, why, hooks, evidence, next } = instance;
    let start = Line::new().plain(format!("Instance {number} "));
    let title = match (fate, killed) {
        (Fate::Killed, Some(reason)) => start.plain("was killed: ").add(Tone::Bad, named(reason)),
        (Fate::Running, _) => start.add(Tone::Good, "is running"),
        (Fate::Stopping, _) => start.add(Tone::Unsure, "is being stopped"),
        (Fate::NotStarted, _) => start.add(Tone::Bad, "was not started"),
        (Fate::Stopped, _) => start.plain("was stopped, not killed"),
        (Fate::Ended | Fate::Killed, _) => start.plain("ended, it was not killed"),
    };
    let mut lines = vec![Line::new().plain("  ").append(title)];
    if *fate != Fate::Running {
        lines.extend(labelled("", WORDS, Line::new(), &sentence(why), width));
    }
    let mut label = "    Hooks";
    for run in hooks {
        lines.extend(run_lines(label, run, width));
        label = "";
    }
    let mut label = "    Evidence";
    for line in evidence {
        lines.extend(labelled(label, VALUES, Line::new(), line, width));
        label = "";
    }
    if let Some(next) = next {
        lines.extend(labelled("    Next", VALUES, Line::new(), next, width));
    }
    lines
}

fn kill_lines(kill: &RememberedKill, width: Option<usize>) -> Vec<Line> {
    let RememberedKill { reason, why, time, next } = kill;
    let when = time.map_or_else(String::new, |time| format!(", {}", clock(time.as_second())));
    let title = Line::new().plain("  Was killed: ").add(Tone::Bad, named(reason)).plain(when);
    let mut lines = vec![title];
    lines.extend(labelled("", WORDS, Line::new(), &sentence(why), width));
    lines.extend(labelled("    Next", VALUES, Line::new(), next, width));
    lines
}

fn run_lines(label: &str, run: &HookRunStatus, width: Option<usize>) -> Vec<Line> {
    let start =
        Line::new().plain(format!("{} ", named(run.hook))).add(of_outcome(run.outcome), named(run.outcome));
    let duration = run.duration.map_or_else(String::new, |GoDuration(duration)| {
        format!(" {} {}", if is_estimate(run) { "after about" } else { "after" }, short(duration))
    });
    let why = if run.message.is_empty() { String::new() } else { format!(": {}", run.message) };
    let values = VALUES.max(label.len());
    let mut lines = labelled(label, values, start, &format!("{duration}{why}"), width);
    let printed =
        run.output.lines().map(|line| Line::new().pad_to(values).add(Tone::Faint, "│ ").plain(line));
    lines.extend(printed);
    lines
}

/// Words as a sentence.
fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
