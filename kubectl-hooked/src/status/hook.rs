//! A hook and its newest run as lines: how it went, and how long it ran, as a bar too.

use std::time::Duration;

use hooked_core::lifecycle::RECORDED;
use hooked_crd::{GoDuration, HookKind};

use crate::overview::{HookRow, Overview};
use crate::render::{Line, Tone, bar, named, of_outcome, short, took};

/// Columns of a bar.
const BAR: usize = 10;
/// Columns of a duration such as `~12.3s`.
const DURATION: usize = 8;

/// A hook as lines: the first hangs on `stem`, and what the hook has printed on `rest`.
pub(super) fn hook_lines(lines: &mut Vec<Line>, stem: &str, rest: &str, row: &HookRow, measure: Measure) {
    let line = Line::new().add(Tone::Faint, stem).plain(format!("{:<10}", named(row.hook)));
    let Some(run) = &row.run else {
        return lines.push(line.add(Tone::Faint, "no run known"));
    };
    let outcome = of_outcome(run.outcome);
    let mut line = line.add(outcome, format!("{:<10}", named(run.outcome)));
    if let (Some(GoDuration(duration)), Some(took)) = (run.duration, took(run)) {
        let whole = measure.whole(row.hook);
        line = line.plain(format!("{took:>DURATION$} "));
        line = line.add(outcome, format!("{:<BAR$}", bar(duration, whole, BAR)));
        if let (HookKind::PreStop, Some(grace)) = (row.hook, measure.grace) {
            line = line.add(Tone::Faint, format!(" of {}", short(grace)));
        }
        line = line.plain("  ");
    }
    // That the record was seen is the rule.
    let why = run.message.as_str();
    let why = if why == RECORDED { "" } else { why };
    lines.push(line.add(Tone::Faint, why));
    for printed in run.output.lines() {
        lines.push(Line::new().add(Tone::Faint, rest).add(Tone::Faint, "│ ").plain(printed));
    }
}

/// What fills a bar: the longest postStart that is shown. A preStop is held against its grace period.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    longest: Duration,
}

/// What a hook of a Pod is held against.
#[derive(Clone, Copy)]
pub(super) struct Measure {
    pub(super) scale: Scale,
    /// The grace period of the Pod.
    pub(super) grace: Option<Duration>,
}

impl Scale {
    /// The scale of all that is shown.
    pub(super) fn of(overview: &Overview) -> Self {
        let pods = overview.revisions.iter().flat_map(|row| &row.shown).chain(&overview.gone);
        let pods = pods.chain(&overview.remembered);
        let hooks = pods.flat_map(|pod| &pod.containers).flat_map(|container| &container.hooks);
        let durations = hooks.filter_map(|hook| Some(hook.run.as_ref()?.duration?.0));
        Self { longest: durations.max().unwrap_or_default() }
    }
}

impl Measure {
    fn whole(self, hook: HookKind) -> Duration {
        match (hook, self.grace) {
            (HookKind::PreStop, Some(grace)) => grace,
            _ => self.scale.longest,
        }
    }
}
