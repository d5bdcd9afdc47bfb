//! The image of the operator's own container: the hook-runner is in it too.

use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::{Client, Error};
use thiserror::Error as ThisError;

use crate::request;

/// The operator's container in its Pod, as `config/manager` names it.
const CONTAINER: &str = "controller";

#[derive(Debug, ThisError)]
pub(super) enum ImageError {
    #[error("its own Pod {0} could not be read: {why}", why = request::brief(.1))]
    Read(String, #[source] Box<Error>),
    #[error("its own Pod {0} has no container {CONTAINER} with an image")]
    NoImage(String),
}

/// The image of the operator's container in the Pod of that name.
pub(super) async fn own_image(client: &Client, namespace: &str, name: &str) -> Result<String, ImageError> {
    let shown = || format!("{namespace}/{name}");
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let pod = pods.get(name).await.map_err(|error| ImageError::Read(shown(), Box::new(error)))?;
    image_of(&pod).ok_or_else(|| ImageError::NoImage(shown()))
}

/// The image of the operator's container: the one of its name, or else the only one. A webhook may have added others.
fn image_of(pod: &Pod) -> Option<String> {
    let containers = &pod.spec.as_ref()?.containers;
    let by_name = containers.iter().find(|container| container.name == CONTAINER);
    let own = by_name.or_else(|| containers.first().filter(|_| containers.len() == 1))?;
    own.image.clone().filter(|image| !image.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(containers: &Value, expect: Option<&str>) {
        let pod: Pod = serde_json::from_value(json!({"spec": {"containers": containers}})).unwrap();
        assert_eq!(image_of(&pod).as_deref(), expect, "{containers}");
    }

    #[test]
    fn the_operators_image_is_that_of_its_container() {
        let (proxy, own) =
            (json!({"name": "proxy", "image": "p"}), json!({"name": "controller", "image": "c"}));
        check(&json!([proxy, own]), Some("c"));
        check(&json!([{"name": "renamed", "image": "c"}]), Some("c"));
        check(&json!([proxy, {"name": "renamed", "image": "c"}]), None);
        check(&json!([{"name": "controller"}]), None);
        check(&json!([]), None);
    }
}
