//! All findings of a check, and what they come to.

use serde::Serialize;

use super::finding::{Finding, Verdict};
use crate::end::End;

/// All findings.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Where Pods were looked at.
    pub(super) namespace: String,
    pub(super) operator_namespace: String,
    /// Whether the definition or the operator is there; none if that could not be found out.
    pub(super) installed: Option<bool>,
    /// The worst verdict.
    pub(super) verdict: Verdict,
    pub(super) findings: Vec<Finding>,
}

impl Report {
    /// How many findings come to that.
    pub(super) fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// How the command ends.
    pub(super) fn end(&self) -> End {
        match self.verdict {
            Verdict::Problem => End::Problem,
            Verdict::Unknown => End::Unknown,
            Verdict::Ok | Verdict::NotChecked | Verdict::Warning => End::Done,
        }
    }
}

/// The worst of the findings.
pub(super) fn worst(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Check;

    fn check(findings: &[Finding], expect: End) {
        let report = Report {
            namespace: "shop".to_owned(),
            operator_namespace: "hooked-system".to_owned(),
            installed: Some(true),
            verdict: worst(findings),
            findings: findings.to_vec(),
        };
        assert_eq!(report.end(), expect, "{findings:?}");
    }

    #[test]
    fn a_problem_outweighs_what_is_unknown_and_a_warning_lets_a_pipeline_go_on() {
        let ok = Finding::ok(Check::Operator, "");
        let warning = Finding::warning(Check::Operator, "", "");
        let unknown = Finding::unknown(Check::Operator, "");
        let problem = Finding::problem(Check::Operator, "", "");
        let unasked = Finding::not_checked(Check::Operator, "");
        check(&[], End::Done);
        check(&[ok.clone(), warning.clone(), unasked], End::Done);
        check(&[ok, unknown.clone(), warning], End::Unknown);
        check(&[problem, unknown], End::Problem);
    }
}
