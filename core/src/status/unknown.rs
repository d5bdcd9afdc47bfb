//! Hooks of whose newest run nobody knows how it ended: of these nobody can say that they are well.

use hooked_crd::Outcome;

use super::basis::HooksBasis;
use super::last_runs::last_runs;

/// What is not known, if anything is not.
pub(super) fn unknown(basis: HooksBasis<'_>) -> Option<String> {
    let unknown = last_runs(basis, |run| run.outcome == Outcome::Unknown);
    let ((container, hook), run) = unknown.first()?;
    let others = match unknown.len() - 1 {
        0 => String::new(),
        1 => ", nor that of another hook".to_owned(),
        many => format!(", nor those of {many} other hooks"),
    };
    let pod = &run.pod;
    Some(format!(
        "No hook is known to be failing, but how the last {hook:?} of container {container} ended is not known (Pod {pod}){others}"
    ))
}
