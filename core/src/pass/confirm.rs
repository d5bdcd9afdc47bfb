//! Own writes whose reply was lost: whether they were carried out is looked up.

use super::subject::Site;
use super::{Cluster, Failure, Locked, Memory, call};
use crate::mutation::{Mutation, mutated};
use crate::pass::act::is_ours;
use crate::workload::replicas::{Doubt, DoubtfulWrite, PodFact};

/// Looks each of them up. What is found not to be carried out may yet be, until the request's time-out has passed.
pub(super) async fn confirm<C: Cluster>(
    cluster: &C,
    site: &Site,
    memory: &Locked<Memory>,
) -> Result<(), Failure> {
    if mutated(Mutation::NeverConfirms) {
        return Ok(());
    }
    let doubts: Vec<(PodFact, Doubt)> =
        memory.lock().replicas.doubts().map(|(fact, doubt)| (fact.clone(), doubt)).collect();
    for (fact, doubt) in doubts {
        let asked_at = cluster.now();
        let found = match cluster.send(call::find_pod(&site.namespace, &fact.name.text())).await {
            Ok(pod) => Some(pod),
            Err(failure) if failure.is_not_found() => None,
            Err(failure) => return Err(failure),
        };
        let is_past = doubt.until <= asked_at || mutated(Mutation::ConfirmsTooEarly);
        let mut memory = memory.lock();
        let metadata = found.as_ref().map(|pod| &pod["metadata"]);
        match doubt.write {
            DoubtfulWrite::Create => {
                let ours = found.as_ref().filter(|pod| is_ours(pod, &site.owner.uid, fact.number));
                if let Some(pod) = ours {
                    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default().into();
                    memory.replicas.was_created(PodFact { uid, ..fact });
                } else if found.is_some() || is_past {
                    // Where the name is somebody else's, no Pod of ours ever had the number.
                    memory.replicas.was_not_created(fact.number);
                }
            }
            DoubtfulWrite::Delete => {
                let same = metadata.filter(|metadata| metadata["uid"] == *fact.uid.text());
                match same {
                    Some(metadata) if metadata["deletionTimestamp"].is_null() => {
                        if is_past {
                            memory.replicas.was_not_deleted(fact.number);
                        }
                    }
                    Some(_) | None => memory.replicas.was_deleted(fact.number),
                }
            }
        }
    }
    Ok(())
}
