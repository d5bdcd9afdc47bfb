//! In which form the API server takes Pods with the runner: what it refuses in one form it may take in another.

use super::pull_secrets::{Origin, PullSecrets};
use super::{Answer, Question};
use crate::admission::{Admission, Making};
use crate::pass::{Cluster, Failure};
use crate::status::gist;
use crate::workload::template::{Delivery, Offer, Runner, Supply, count_containers};

/// Why the API server does not take Pods with a runner that comes in this way.
struct Refusal {
    delivery: Delivery,
    live: bool,
    why: Why,
}

impl Refusal {
    /// Whether that way need not be tried any more.
    fn is_hopeless(&self, delivery: Delivery) -> bool {
        self.delivery.is_image_volume() == delivery.is_image_volume() && self.why == Why::UnknownVolume
    }
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

/// What is known of Pods as they are written.
enum AsWritten {
    /// Nobody has asked yet.
    Unasked,
    /// The server takes them.
    Taken,
    /// It refuses them too, in these words: a quota is full, say.
    Forbidden(String),
}

impl<C: Cluster> Question<'_, C> {
    /// What becomes of Pods for which there is that of the runner, and for how long where a service account has a say.
    pub(super) async fn with_runner(&self, supply: &Supply, offer: &Offer) -> Result<Admission, Failure> {
        let PullSecrets { names, origin } = match self.pull_secrets(offer).await? {
            Ok(pull_secrets) => pull_secrets,
            Err(admission) => return Ok(admission),
        };
        let admission = self.in_some_form(supply, offer, names).await?;
        Ok(match origin {
            Origin::Template => admission,
            Origin::Account { has_any } => {
                admission.of_account(has_any, self.is_asked_again, self.cluster.now())
            }
        })
    }

    /// What becomes of Pods with the runner. Each way into the Pod is tried with the live channel and then without,
    /// since a policy may forbid any of the volumes. Once the server has refused a form it is asked about the Pod as
    /// it is written: what it does not take then is no matter of the runner. What refuses that too, such as a quota,
    /// comes after all policies have had their say, so a form that is refused in the same words is the one to make.
    async fn in_some_form(
        &self,
        supply: &Supply,
        offer: &Offer,
        pull_secrets: Vec<String>,
    ) -> Result<Admission, Failure> {
        let for_now = |making| Ok(Admission::lasting(making).for_now(self.cluster.now()));
        let by = |delivery| Runner {
            pull_secrets: pull_secrets.clone(),
            ..Runner::new(offer.image.clone(), delivery)
        };
        let mut refusals: Vec<Refusal> = Vec::new();
        let mut as_written = AsWritten::Unasked;
        for (delivery, live) in self.forms(offer) {
            if refusals.iter().any(|known| known.is_hopeless(delivery)) {
                continue;
            }
            let why = match self.try_form(by(delivery), live, supply).await? {
                Tried::Settled(making @ Making::WithRunner { .. }) if refusals.is_empty() => {
                    return Ok(Admission::lasting(making));
                }
                Tried::Settled(making) => return for_now(making),
                Tried::Refused { why, is_all_else_taken } => {
                    if is_all_else_taken {
                        as_written = AsWritten::Taken;
                    }
                    why
                }
            };
            if matches!(as_written, AsWritten::Unasked) {
                as_written = match self.as_written().await? {
                    Answer::Taken(_) => AsWritten::Taken,
                    Answer::Forbidden(words) => AsWritten::Forbidden(words),
                    answer @ Answer::Malformed(_) => {
                        return Ok(self.without_runner(answer, Making::AsWritten));
                    }
                };
            }
            if as_written.refuses_alike(&why) {
                return for_now(Making::WithRunner { runner: by(delivery), live });
            }
            refusals.push(Refusal { delivery, live, why });
        }
        // While no Pod is let in, nobody can say that it is the runner's fault. A refusal of a real Pod has the server
        // asked again.
        let doubtful = refusals.iter().find(|refusal| matches!(refusal.why, Why::Said(_)));
        match (as_written, doubtful) {
            (AsWritten::Forbidden(_), Some(Refusal { delivery, live, .. })) => {
                for_now(Making::WithRunner { runner: by(*delivery), live: *live })
            }
            _ => for_now(Making::Observed(why_not(&refusals))),
        }
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
        if !runner.delivery.is_taken(&pod) {
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

impl AsWritten {
    /// Whether Pods as they are written are refused for the same reason, whatever numbers it is told with.
    fn refuses_alike(&self, why: &Why) -> bool {
        match (self, why) {
            (Self::Forbidden(words), Why::Said(said)) => gist(words) == gist(said),
            _ => false,
        }
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
