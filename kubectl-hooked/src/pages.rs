//! Lists, a page at a time: there may be 10,000 objects, and whoever looks at one keeps what is needed of it.

use std::fmt::Debug;

use kube::Api;
use kube::api::ListParams;
use serde::de::DeserializeOwned;

use crate::request::{Request, RequestError};

/// Has every object of a list looked at once; `parameters` say how many one reply holds.
pub(crate) async fn each<K: Clone + DeserializeOwned + Debug>(
    api: &Api<K>,
    mut parameters: ListParams,
    request: Request<'_>,
    mut look: impl FnMut(&K),
) -> Result<(), RequestError> {
    loop {
        let page = api.list(&parameters).await.map_err(|error| request.failed(&error))?;
        page.items.iter().for_each(&mut look);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters.continue_token = Some(token),
            None => return Ok(()),
        }
    }
}
