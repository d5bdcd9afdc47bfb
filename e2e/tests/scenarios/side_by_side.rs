//! A Deployment and a HookedWorkload of the same manifest, to which the same happens: what a seed decides. A failure
//! names the seed; `HOOKED_SEED=N` has what another seed decides happen.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use hooked_e2e::{Container, History, Security, Sight, Space, Workload, in_namespace, wait_for};
use hooked_simulation::world::Rng;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, EvictParams};
use serde_json::{Value, json};

/// Ours and the Deployment, each with Pods that bear its name as the label `app`.
const BOTH: [(&str, &str); 2] = [("hw", "ours"), ("deployment", "theirs")];
/// How many things happen.
const STEPS: usize = 6;
/// How many looks in a row must show the same before it counts as settled.
const LOOKS: usize = 4;

/// What a user or an accident does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Scale(u32),
    /// To a new version that starts.
    Roll,
    /// To a new version that does not start.
    Break,
    /// To the last version that was complete.
    Undo,
    Pause,
    Resume,
    /// A Pod that serves is deleted.
    Lose,
    /// A Pod that serves is evicted, as a drain evicts the Pods of its node.
    Evict,
    /// A Pod that serves gets a label that the selector does not match.
    TakeOut,
}

impl Step {
    /// Whether a Pod that serves is lost by it.
    fn loses(self) -> bool {
        matches!(self, Self::Lose | Self::Evict | Self::TakeOut)
    }
}

/// What users ask for.
#[derive(Clone, Debug)]
struct Asked {
    replicas: u32,
    version: u32,
    /// Versions whose image is nowhere to be had.
    broken: Vec<u32>,
    good: u32,
    paused: bool,
    newest: u32,
}

impl Asked {
    fn take(&mut self, step: Step) {
        match step {
            Step::Scale(replicas) => self.replicas = replicas,
            Step::Roll | Step::Break => {
                self.newest += 1;
                self.version = self.newest;
                if step == Step::Break {
                    self.broken.push(self.version);
                }
            }
            Step::Undo => self.version = self.good,
            Step::Pause => self.paused = true,
            Step::Resume => self.paused = false,
            Step::Lose | Step::Evict | Step::TakeOut => {}
        }
        if !self.paused && !self.is_broken() {
            self.good = self.version;
        }
    }

    fn is_broken(&self) -> bool {
        self.broken.contains(&self.version)
    }

    /// The next step. Scaled down where Pods do not start, a Deployment may take those that serve, and we never do:
    /// there both are only scaled up.
    fn next(&self, rng: &mut Rng) -> Step {
        let scale =
            if self.is_broken() || self.paused { self.replicas + 1 + rng.below(3) } else { 2 + rng.below(5) };
        let pause = if self.paused { Step::Resume } else { Step::Pause };
        rng.pick(&[
            Step::Scale(scale),
            Step::Roll,
            Step::Break,
            Step::Break,
            Step::Undo,
            pause,
            Step::Lose,
            Step::Evict,
            Step::TakeOut,
        ])
    }

    fn manifest(&self, name: &str) -> Value {
        let image = if self.is_broken() { "nowhere.invalid/nothing:1" } else { "busybox" };
        let container =
            Container::polite("web").with("image", json!(image)).with("imagePullPolicy", json!("Never"));
        let workload = Workload::new(name, [container]).replicas(self.replicas).grace(1);
        let workload = workload.with("paused", json!(self.paused)).version(&self.version.to_string());
        let mut manifest = workload.manifest().clone();
        if name == "theirs" {
            (manifest["apiVersion"], manifest["kind"]) = (json!("apps/v1"), json!("Deployment"));
            if let Some(spec) = manifest["spec"].as_object_mut() {
                spec.remove("hooks");
            }
        }
        manifest
    }

    /// Pods that there may be with the surge, and that must serve: a quarter more and a quarter less.
    fn limits(&self) -> (usize, usize) {
        let replicas = self.replicas as usize;
        (replicas + replicas.div_ceil(4), replicas - replicas / 4)
    }
}

/// By version: Pods that are wanted, and those of them that serve.
type Settled = BTreeMap<u32, (usize, usize)>;

fn version(pod: &Pod) -> u32 {
    pod.annotations().get("version").and_then(|version| version.parse().ok()).unwrap_or(0)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|known| known.type_ == "Ready" && known.status == "True")
}

/// The Pods, once nothing is under way that can come to an end.
async fn settled(
    space: &Space,
    (kind, name): (&str, &str),
    asked: &Asked,
) -> Result<Result<Settled, String>> {
    let pods = space.pods(name).await?;
    let object: Value = serde_json::from_str(&space.kubectl(&["get", kind, name, "-o", "json"]).await?)?;
    let is_seen = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    let mut settled = Settled::new();
    let mut is_quiet = is_seen;
    for pod in &pods {
        is_quiet &= pod.metadata.deletion_timestamp.is_none();
        is_quiet &= is_ready(pod) || asked.broken.contains(&version(pod));
        let (wanted, serve) = settled.entry(version(pod)).or_default();
        (*wanted, *serve) = (*wanted + 1, *serve + usize::from(is_ready(pod)));
    }
    if !asked.paused && !asked.is_broken() {
        // Pods may yet have to come when all that are there serve.
        let replicas = asked.replicas as usize;
        is_quiet &= settled == Settled::from([(asked.version, (replicas, replicas))]);
    }
    Ok(if is_quiet { Ok(settled) } else { Err(format!("{name}: {settled:?} {asked:?}")) })
}

/// Waits until both have come to rest, and alike.
async fn until_alike(space: &Space, what: &str, asked: &Asked) -> Result<Settled> {
    let mut before = Vec::new();
    wait_for(what, async || {
        let (ours, theirs) = (settled(space, BOTH[0], asked).await?, settled(space, BOTH[1], asked).await?);
        let both = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) if ours == theirs => ours,
            both => {
                before.clear();
                return Ok(Err(format!("{both:?}")));
            }
        };
        before.retain(|known| *known == both);
        before.push(both.clone());
        Ok(if before.len() >= LOOKS { Ok(both) } else { Err(format!("{both:?}, but only just")) })
    })
    .await
}

/// Has the first Pod that serves, of the oldest version, be lost so.
async fn lose(space: &Space, name: &str, step: Step) -> Result<()> {
    let mut pods = space.pods(name).await?;
    pods.sort_by_key(|pod| (version(pod), pod.name_any()));
    let Some(lost) = pods.iter().find(|pod| is_ready(pod)) else { return Ok(()) };
    let lost = lost.name_any();
    match step {
        Step::Evict => {
            let pods: Api<Pod> = Api::namespaced(space.cluster.client.clone(), &space.name);
            pods.evict(&lost, &EvictParams::default()).await?;
        }
        Step::TakeOut => drop(space.kubectl(&["label", "pod", &lost, "app=debug", "--overwrite"]).await?),
        _ => drop(space.kubectl(&["delete", "pod", &lost, "--wait=false"]).await?),
    }
    Ok(())
}

/// What no moment of ours may show, whatever the Deployment does meanwhile.
fn check(moments: &[Vec<Sight>], asked: &Asked, lost: usize) -> Result<()> {
    let alive = |moment: &[Sight]| moment.iter().filter(|pod| !pod.terminating && !pod.ended).count();
    let serving = |moment: &[Sight]| moment.iter().filter(|pod| !pod.terminating && pod.ready).count();
    let first = moments.first().context("nothing was recorded")?;
    let (most, must_serve) = asked.limits();
    let most = most.max(alive(first));
    let fewest = must_serve.min(serving(first)).saturating_sub(lost);
    for moment in moments {
        ensure!(alive(moment) <= most, "more than {most} Pods: {moment:#?}");
        ensure!(serving(moment) >= fewest, "fewer than {fewest} serve: {moment:#?}");
    }
    Ok(())
}

async fn happen(space: &Space, seed: u64) -> Result<()> {
    let mut rng = Rng::new(seed);
    let mut asked = Asked { replicas: 4, version: 1, broken: Vec::new(), good: 1, paused: false, newest: 1 };
    let mut story = vec![format!("seed {seed}")];
    for (_, name) in BOTH {
        space.apply_manifest(&asked.manifest(name)).await?;
    }
    until_alike(space, "both begin", &asked).await?;
    let history = History::record(space, "ours").await;
    for number in 0..=STEPS {
        // Whatever was broken or paused ends well.
        let steps = if number == STEPS { vec![Step::Resume, Step::Undo] } else { vec![asked.next(&mut rng)] };
        let since = history.moments().len() - 1;
        for step in &steps {
            asked.take(*step);
        }
        story.push(format!("{steps:?}"));
        let loses = steps.iter().any(|step| step.loses());
        for (_, name) in BOTH {
            if loses {
                lose(space, name, steps[0]).await?;
            } else {
                space.apply_manifest(&asked.manifest(name)).await?;
            }
        }
        let what = story.join(", ");
        until_alike(space, &what, &asked).await?;
        let lost = usize::from(loses);
        check(&history.moments()[since..], &asked, lost).with_context(|| what)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_script_that_a_seed_decides_ends_as_a_deployments_after_every_step() -> Result<()> {
    // A test says the same each time it is run; other scripts are tried by hand.
    let seed = std::env::var("HOOKED_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    in_namespace("side-by-side", Security::Baseline, async |space| happen(space, seed).await).await
}
