//! In which form the API server takes Pods with the runner: what it refuses in one form it may take in another.

use serde_json::Value;

use super::{Answer, Question};
use crate::admission::{Admission, Making};
use crate::pass::{Cluster, Failure};
use crate::workload::template::{Delivery, Offer, Runner, Supply, count_containers};

/// Why the API server does not take Pods with a runner that comes in this way.
struct Refusal {
    delivery: Delivery,
    why: Why,
}

#[derive(PartialEq, Eq)]
enum Why {
    /// It does not know image volumes, or has them switched off.
    UnknownVolume,
    /// It says so in these words.
    Said(String),
}

/// What becomes of Pods in one form.
enum Tried {
    Settled(Making),
    Refused {
        why: Why,
        /// Whether all but our volume was taken.
        is_all_else_taken: bool,
    },
}

impl<C: Cluster> Question<'_, C> {
    /// What becomes of Pods for which there is that of the runner. Each way into the Pod is tried with the live channel
    /// and then without, since a policy may forbid any of the volumes. Once the server has refused a form it is asked
    /// about the Pod as it is written: what it does not take then is no matter of the runner.
    pub(super) async fn with_runner(&self, supply: &Supply, offer: &Offer) -> Result<Admission, Failure> {
        let for_now = |making| Admission::lasting(making).for_now(self.cluster.now());
        let pull_secrets = match self.pull_secrets(offer).await? {
            Ok(pull_secrets) => pull_secrets,
            Err(admission) => return Ok(admission),
        };
        let by = |delivery| Runner {
            pull_secrets: pull_secrets.clone(),
            ..Runner::new(offer.image.clone(), delivery)
        };
        let mut refusals: Vec<Refusal> = Vec::new();
        let mut is_taken_as_written = false;
        for (delivery, live) in self.forms(offer) {
            let is_hopeless = |known: &Refusal| {
                known.delivery.is_image_volume() == delivery.is_image_volume()
                    && known.why == Why::UnknownVolume
            };
            if refusals.iter().any(is_hopeless) {
                continue;
            }
            match self.try_form(by(delivery), live, supply).await? {
                Tried::Settled(making @ Making::WithRunner { .. }) if refusals.is_empty() => {
                    return Ok(Admission::lasting(making));
                }
                Tried::Settled(making) => return Ok(for_now(making)),
                Tried::Refused { why, is_all_else_taken } => {
                    is_taken_as_written |= is_all_else_taken;
                    refusals.push(Refusal { delivery, why });
                }
            }
            if !is_taken_as_written {
                match self.as_written().await? {
                    Answer::Taken(_) => is_taken_as_written = true,
                    // It is not the runner's fault, as far as can be seen while no Pod is let in.
                    Answer::Forbidden(_) => {
                        return Ok(for_now(Making::WithRunner { runner: by(delivery), live: true }));
                    }
                    answer @ Answer::Malformed(_) => {
                        return Ok(self.without_runner(answer, Making::AsWritten));
                    }
                }
            }
        }
        Ok(for_now(Making::Observed(why_not(&refusals))))
    }

    /// The ways into a Pod, and whether the live channel comes along: it is given up last.
    fn forms(&self, offer: &Offer) -> Vec<(Delivery, bool)> {
        let channel: &[bool] = if self.cluster.endpoint().is_some() { &[true, false] } else { &[true] };
        let forms =
            |live: &bool| offer.deliveries.iter().map(|delivery| (*delivery, *live)).collect::<Vec<_>>();
        channel.iter().flat_map(forms).collect()
    }

    /// What becomes of Pods of that form. The Pod that is shown is the one that others have added to: its containers
    /// share the termination logs, and it may land elsewhere than the template says.
    async fn try_form(&self, runner: Runner, live: bool, supply: &Supply) -> Result<Tried, Failure> {
        let endpoint = self.cluster.endpoint().filter(|_| live);
        let source = self.revision.with_runner(&Runner { live: endpoint, ..runner.clone() });
        let refused = |why| Ok(Tried::Refused { why, is_all_else_taken: false });
        let pod = match self.ask(&source).await? {
            Answer::Taken(pod) => pod,
            Answer::Forbidden(words) => return refused(Why::Said(words)),
            // Where it does not drop what it does not know, it is our volume alone, or the user's own field too.
            Answer::Malformed(words) if words.unknown_fields().any(is_image) => {
                return refused(Why::UnknownVolume);
            }
            Answer::Malformed(words) => return refused(Why::Said(words.of_template())),
        };
        if !is_delivered(&pod, runner.delivery) {
            return Ok(Tried::Refused { why: Why::UnknownVolume, is_all_else_taken: true });
        }
        Ok(Tried::Settled(match supply.fits(&pod["spec"]) {
            Ok(()) => {
                let containers = count_containers(&pod["spec"]);
                Making::WithRunner { runner: Runner { containers, ..runner }, live }
            }
            Err(misfit) => Making::Observed(misfit.to_string()),
        }))
    }
}

fn is_image(field: &str) -> bool {
    field.starts_with("spec.volumes[") && field.ends_with("].image")
}

/// Whether the server takes the Pod with the runner in it. One that knows image volumes and has them switched off drops
/// the source, as does one that does not know them and is not asked strictly: the hook would find no program.
fn is_delivered(pod: &Value, delivery: Delivery) -> bool {
    let mut volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    !delivery.is_image_volume() || volumes.any(|volume| volume["image"]["reference"].is_string())
}

/// Why the runner cannot be put into Pods that the server takes as they are written: its last words on each way.
fn why_not(refusals: &[Refusal]) -> String {
    let last =
        |by_volume| refusals.iter().rev().find(|refusal| refusal.delivery.is_image_volume() == by_volume);
    match (last(true), last(false)) {
        (Some(Refusal { why: Why::UnknownVolume, .. }), None) => {
            format!("{}; run the operator with --injection=InitContainer", Why::UnknownVolume.words())
        }
        (Some(Refusal { why, .. }), None) | (None, Some(Refusal { why, .. })) => why.words().to_owned(),
        (Some(volume), Some(container)) => format!(
            "by an image volume: {}; by an init container: {}",
            volume.why.words(),
            container.why.words()
        ),
        (None, None) => "the operator knows no way to put it there".to_owned(),
    }
}

impl Why {
    fn words(&self) -> &str {
        match self {
            Self::UnknownVolume => "the API server does not know image volumes",
            Self::Said(words) => words,
        }
    }
}
