//! Whether a rollout may go on though hooks of its new revision fail.

use std::sync::Arc;

use crate::accounting::ledger::{Gate, GateRule};

/// What the gate of a workload follows from.
#[derive(Clone, Copy, Debug)]
pub struct GateBasis<'a> {
    /// What the workload asks of it; none if it asks for none.
    pub rule: Option<GateRule>,
    /// The revision that is asked for.
    pub asked: &'a Arc<str>,
    /// The revision that was last rolled out completely.
    pub current: Option<&'a str>,
    /// The revision that the user lets through whatever its hooks do.
    pub opened_for: Option<&'a str>,
}

/// What is to become of a rollout whose gate is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed<'a> {
    /// No further step is taken.
    Pause,
    /// The Pods are rolled back to this revision.
    RollBack(&'a str),
}

/// The gate as it is to be: the one that there was, as long as it is about the same rollout and the same rule. There is
/// none where nothing is rolled out, or where the user lets the revision through.
pub fn gate(before: Option<Gate>, basis: &GateBasis<'_>) -> Option<Gate> {
    let GateBasis { rule, asked, current, opened_for } = *basis;
    let rule = rule?;
    if current == Some(&**asked) || opened_for == Some(&**asked) {
        return None;
    }
    let same = before.filter(|gate| gate.revision == *asked && gate.rule == rule);
    Some(same.unwrap_or_else(|| Gate::new(Arc::clone(asked), rule)))
}

/// What a gate demands; none if it is open. Without a revision that was rolled out completely there is none to go back
/// to.
pub fn closed<'a>(gate: Option<&Gate>, current: Option<&'a str>) -> Option<Closed<'a>> {
    let gate = gate.filter(|gate| gate.is_closed())?;
    Some(match (gate.rule.action, current) {
        (hooked_crd::GateAction::Rollback, Some(current)) => Closed::RollBack(current),
        _ => Closed::Pause,
    })
}

#[cfg(test)]
mod tests {
    use hooked_crd::{GateAction, HookKind, Outcome};

    use super::*;
    use crate::accounting::ledger::{GateFailure, LastRun};

    const RULE: GateRule = GateRule { max_failures: 1, action: GateAction::Rollback };

    /// The gate of the revision `new`, closed by its second failure.
    fn shut() -> Gate {
        let run = LastRun { outcome: Outcome::Failed, pod: "web-1".into(), exit_code: Some(1) };
        let closed_by = Some(GateFailure { container: "web".into(), hook: HookKind::PostStart, run });
        Gate { failures: 2, closed_by, ..Gate::new("new".into(), RULE) }
    }

    /// How many failures the gate has that follows a closed one, and whether it is closed; none if there is none.
    fn check(basis: &GateBasis<'_>, expect: Option<(u32, bool)>) {
        let gate = gate(Some(shut()), basis).map(|gate| (gate.failures, gate.is_closed()));
        assert_eq!(gate, expect, "{basis:?}");
    }

    #[test]
    fn a_gate_stays_closed_until_template_rule_or_user_opens_it() {
        let (new, other) = (Arc::from("new"), Arc::from("other"));
        let same = GateBasis { rule: Some(RULE), asked: &new, current: Some("old"), opened_for: None };
        check(&same, Some((2, true)));
        check(&GateBasis { current: None, ..same }, Some((2, true)));
        check(&GateBasis { opened_for: Some("old"), ..same }, Some((2, true)));
        // The template has changed, or the rule, either field of it.
        check(&GateBasis { asked: &other, ..same }, Some((0, false)));
        let rule = |max_failures, action| Some(GateRule { max_failures, action });
        check(&GateBasis { rule: rule(2, GateAction::Rollback), ..same }, Some((0, false)));
        check(&GateBasis { rule: rule(1, GateAction::Pause), ..same }, Some((0, false)));
        check(&GateBasis { rule: None, ..same }, None);
        check(&GateBasis { opened_for: Some("new"), ..same }, None);
        // Nothing is rolled out.
        check(&GateBasis { current: Some("new"), ..same }, None);
    }

    #[test]
    fn a_closed_gate_pauses_where_there_is_nothing_to_go_back_to() {
        let open = Gate::new("new".into(), RULE);
        let pausing = Gate { rule: GateRule { action: GateAction::Pause, ..RULE }, ..shut() };
        assert_eq!(closed(None, Some("old")), None);
        assert_eq!(closed(Some(&open), Some("old")), None);
        assert_eq!(closed(Some(&shut()), Some("old")), Some(Closed::RollBack("old")));
        assert_eq!(closed(Some(&shut()), None), Some(Closed::Pause));
        assert_eq!(closed(Some(&pausing), Some("old")), Some(Closed::Pause));
    }
}
