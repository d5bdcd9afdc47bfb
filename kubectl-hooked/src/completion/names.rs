//! Names that the cluster knows, for completion: none if it does not tell them.

use hooked_crd::HookedWorkload;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::{Api, ResourceExt};

use super::wanted::Kind;
use crate::arguments::ClusterFlags;
use crate::connect::connect;

/// More names than this nobody looks through.
const MOST: u32 = 500;

/// The names of all of a kind, in the namespace that the flags say.
pub(super) async fn fetch(kind: Kind, flags: &ClusterFlags) -> Option<Vec<String>> {
    let connection = connect(flags).await.ok()?;
    let (client, namespace) = (connection.client, &*connection.namespace);
    let few = ListParams::default().limit(MOST);
    match kind {
        Kind::Workload => {
            names(Api::<HookedWorkload>::namespaced(client, namespace).list_metadata(&few).await)
        }
        Kind::Pod => names(Api::<Pod>::namespaced(client, namespace).list_metadata(&few).await),
        Kind::Namespace => names(Api::<Namespace>::all(client).list_metadata(&few).await),
    }
}

fn names<K>(listed: kube::Result<kube::core::ObjectList<PartialObjectMeta<K>>>) -> Option<Vec<String>>
where
    K: Clone,
    PartialObjectMeta<K>: ResourceExt + Clone,
{
    Some(listed.ok()?.items.iter().map(ResourceExt::name_any).collect())
}
