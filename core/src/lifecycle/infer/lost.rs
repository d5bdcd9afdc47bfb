//! Instances that were over before anybody looked. The records of later instances may still show how they
//! ended.

use std::sync::Arc;

use hooked_crd::{HookKind, KillReason, Outcome, Source};
use hooked_protocol::Earlier;

use super::case::Case;
use crate::lifecycle::record::execution_of;
use crate::lifecycle::rules::Verdict;
use crate::lifecycle::run::{Finding, Slot};
use crate::lifecycle::shape::HookShape;
use crate::mutation::{Mutation, mutated};

/// Instances whose findings are made one by one; of more than these only the number is counted.
const MOST_RECALLED: u32 = 64;

impl Case<'_> {
    /// What is found of a slot of the instances `first..=last`.
    pub(super) fn lost(&self, slot: Slot, first: u32, last: u32) -> Vec<Finding> {
        let recalled_from = last.saturating_sub(MOST_RECALLED - 1).max(first);
        let mut findings = Vec::new();
        if mutated(Mutation::UnseenInstancesLost) {
            return findings;
        }
        if first < recalled_from {
            findings.push(self.unknown(slot, first, recalled_from - 1));
        }
        for number in recalled_from..=last {
            match (self.recalled_finding(slot, number), findings.last_mut()) {
                (Some(finding), _) => findings.push(finding),
                (None, Some(Finding::Lost { last, .. })) if *last + 1 == number => *last = number,
                (None, _) => findings.push(self.unknown(slot, number, number)),
            }
        }
        findings
    }

    /// Nothing but the number of the instances is known.
    fn unknown(&self, slot: Slot, first: u32, last: u32) -> Finding {
        let hook = self.shape.hooks[slot.hook()];
        Finding::Lost {
            container: Arc::clone(self.name),
            slot,
            first,
            last,
            handler: hook.map(|hook| hook.handler),
        }
    }

    /// What a later record shows of an instance, if one does.
    fn recalled_finding(&self, slot: Slot, number: u32) -> Option<Finding> {
        let container = Arc::clone(self.name);
        match slot {
            Slot::PostStart => {
                let hook = self.shape.hooks.post_start?;
                let outcome = self.recalled(HookKind::PostStart, hook, number)?;
                let run =
                    self.run(HookKind::PostStart, number, hook.handler, recalled_verdict(outcome), None);
                Some(Finding::PostStart { container, instance: number, run })
            }
            Slot::End => {
                let pre_stop = self.shape.hooks.pre_stop.and_then(|hook| {
                    let outcome = self.recalled(HookKind::PreStop, hook, number)?;
                    Some(self.run(HookKind::PreStop, number, hook.handler, recalled_verdict(outcome), None))
                });
                if self.shape.hooks.pre_stop.is_some() && pre_stop.is_none() {
                    return None;
                }
                // Its preStop hook ran, and another instance followed: it was stopped, and not by a deletion.
                let stopped = pre_stop.as_ref().map(|_| KillReason::Unknown);
                let kill = self.recalled_kill(number).or(stopped).map(|reason| self.kill(reason, None));
                Some(Finding::End {
                    container,
                    instance: number,
                    pre_stops_before: Vec::new(),
                    pre_stop,
                    kill,
                    late_duration: None,
                    grace_used: None,
                })
            }
        }
    }

    /// The first cause that is certain: a postStart hook that failed, and whose failure counted, killed its
    /// container.
    fn recalled_kill(&self, number: u32) -> Option<KillReason> {
        let hook = self.shape.hooks.post_start.filter(|hook| !hook.ignored)?;
        match self.recalled(HookKind::PostStart, hook, number)? {
            Outcome::Failed => Some(KillReason::PostStartHookFailed),
            Outcome::TimedOut => Some(KillReason::PostStartHookTimedOut),
            _ => None,
        }
    }

    /// How a hook's run in an instance ended, by the record of a later instance. Only where every instance so
    /// far has run the hook once do executions and instances have the same numbers, and only then is the run
    /// certain.
    fn recalled(&self, kind: HookKind, hook: HookShape, number: u32) -> Option<Outcome> {
        if !hook.recorded {
            return None;
        }
        let later = self.container.instances.range(number + 1..);
        let mut records =
            later.flat_map(|(instance, facts)| facts.records.values().map(move |record| (*instance, record)));
        records.find_map(|(instance, record)| {
            let of_ours = record.hook == kind && record.container == **self.name;
            let numbering =
                record.numbering.as_ref().filter(|numbering| of_ours && numbering.execution == instance)?;
            if self.runs_before(kind, instance, numbering.execution) {
                return None;
            }
            let earlier = numbering.past.before(numbering.execution).find(|(n, _)| *n == number);
            match earlier?.1 {
                Earlier::Ended(outcome) => Some(outcome.into()),
                Earlier::Open => None,
            }
        })
    }
}

impl Case<'_> {
    /// Whether an instance has run the hook before that execution: then executions and instances differ.
    fn runs_before(&self, kind: HookKind, instance: u32, execution: u32) -> bool {
        let facts = self.container.instances.get(&instance);
        let mut records = facts.into_iter().flat_map(|facts| facts.records.values());
        records.any(|record| {
            let of_ours = record.hook == kind && record.container == **self.name;
            of_ours && execution_of(record).is_some_and(|number| number < execution)
        })
    }
}

fn recalled_verdict(outcome: Outcome) -> Verdict {
    Verdict { source: Source::Runner, ..Verdict::new(outcome, "told by the record of a later run") }
}
