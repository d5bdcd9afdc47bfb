//! Reviews of Pods that are about to be created, and the answers to them: every Pod is let in, some of them changed.

use std::time::Duration;

use hooked_core::injector::Injector;
use hooked_core::pass::Cluster;
use json_patch::{Patch, diff};
use k8s_openapi::ByteString;
use kube::api::DynamicObject;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview, Operation};

/// How long it may take to find out what is asked for in a Pod. The API server waits for two seconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// The answer to a review; none if it is no review. That of a dry run is the same: nothing is remembered of a Pod.
pub(super) async fn answer<C: Cluster>(injector: &Injector, cluster: &C, body: &[u8]) -> Option<Vec<u8>> {
    let review: AdmissionReview<DynamicObject> = serde_json::from_slice(body).ok()?;
    let request: AdmissionRequest<DynamicObject> = review.try_into().ok()?;
    let unchanged = AdmissionResponse::from(&request);
    let response = match patch(injector, cluster, request).await {
        Some(patch) => unchanged.clone().with_patch(patch).unwrap_or(unchanged),
        None => unchanged,
    };
    let mut response = response.into_review();
    // The library would write the bytes as a list of numbers, which takes four times the room.
    let patch = response.response.as_mut().and_then(|response| response.patch.take());
    let mut review = serde_json::to_value(response).ok()?;
    if let Some(patch) = patch {
        review["response"]["patch"] = serde_json::to_value(ByteString(patch)).ok()?;
    }
    serde_json::to_vec(&review).ok()
}

/// What changes of a Pod; none if nothing does.
async fn patch<C: Cluster>(
    injector: &Injector,
    cluster: &C,
    request: AdmissionRequest<DynamicObject>,
) -> Option<Patch> {
    let AdmissionRequest { namespace, object, operation, kind, sub_resource, .. } = request;
    let is_a_new_pod = operation == Operation::Create && kind.kind == "Pod" && kind.group.is_empty();
    if !is_a_new_pod || sub_resource.is_some_and(|name| !name.is_empty()) {
        return None;
    }
    let pod = serde_json::to_value(object?).ok()?;
    let inject = injector.inject(cluster, namespace.as_deref()?, &pod);
    let injected = tokio::time::timeout(PATIENCE, inject).await.ok()??;
    Some(diff(&pod, &injected))
}
