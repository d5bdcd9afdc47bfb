//! What the conditions of a workload say.

use hooked_crd::HookedWorkload;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// The condition of this type, one of [`hooked_crd::condition`]; none where the operator has not said it.
pub(crate) fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// The conditions of a workload; none before the operator has seen it.
pub(crate) fn of(workload: &HookedWorkload) -> &[Condition] {
    workload.status.as_ref().map_or(&[], |status| &status.conditions)
}
