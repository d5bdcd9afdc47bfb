//! A Deployment's Pods become a HookedWorkload's and a Deployment's again as they run, while a client asks them through
//! a Service for something all the time.

use std::time::Duration;

use anyhow::{Result, ensure};
use hooked_e2e::{
    Client, Security, Space, Unmoved, deploy, in_namespace, is_released, replica_sets, until_pods,
};

/// What the autoscaler scales.
async fn scaled(space: &Space) -> Result<String> {
    let path =
        "jsonpath={.spec.scaleTargetRef.apiVersion} {.spec.scaleTargetRef.kind} {.spec.scaleTargetRef.name}";
    space.kubectl(&["get", "hpa", "web", "--output", path]).await
}

#[tokio::test]
async fn a_deployment_goes_in_rolls_and_goes_out_and_no_connection_is_refused() -> Result<()> {
    in_namespace("moving", Security::Baseline, async |space| {
        deploy(space).await?;
        let client = Client::start(space).await?;
        space.kubectl(&["autoscale", "deployment", "web", "--min=3", "--max=4", "--cpu=50%"]).await?;
        let before = Unmoved::of(space).await?;

        let told = space.hooked(&["adopt", "deployment/web", "--dry-run"]).await?.succeeded()?;
        ensure!(told.contains("nothing was changed (server dry run)"), "{told}");
        before.check(space, "ReplicaSet").await?;

        space.hooked(&["adopt", "deployment/web"]).await?.succeeded()?;
        before.check(space, "HookedWorkload").await?;
        ensure!(replica_sets(space).await?.is_empty());
        ensure!(scaled(space).await? == "hooked.dev/v1alpha1 HookedWorkload web");
        let history = space.hooked(&["history", "web"]).await?.succeeded()?;
        ensure!(history.lines().count() == 3, "two revisions:\n{history}");
        // Who runs it again is told that nothing is left to do.
        space.hooked(&["adopt", "deployment/web"]).await?.succeeded()?;
        before.check(space, "HookedWorkload").await?;

        // It rolls, old Pods serve meanwhile, and new ones are measured.
        space.hooked(&["restart", "web"]).await?.succeeded()?;
        space.hooked(&["status", "web", "--wait", "--timeout=300s"]).await?.succeeded()?;
        until_pods(space, 3).await?;
        let before = Unmoved::of(space).await?;

        let told = space.hooked(&["release", "web", "--dry-run"]).await?.succeeded()?;
        ensure!(told.contains("nothing was changed (server dry run)"), "{told}");
        space.hooked(&["release", "web"]).await?.succeeded()?;
        before.check(space, "ReplicaSet").await?;
        is_released(space, &[0, 0, 3]).await?;
        ensure!(scaled(space).await? == "apps/v1 Deployment web");
        // It is as any other Deployment: also its old revisions are there to go back to.
        space.kubectl(&["rollout", "undo", "deployment/web"]).await?;
        space.kubectl(&["rollout", "status", "deployment/web", "--timeout=300s"]).await?;
        client.end().await
    })
    .await
}

/// Runs the command again and again, each time a little longer before it is killed, until it says that all is done.
/// Meanwhile the Pods are the same.
async fn persist(space: &Space, command: &[&str], before: &Unmoved) -> Result<usize> {
    let mut kills = 0;
    for tenths in 1.. {
        let lives = Duration::from_millis(tenths * 100);
        if let Ok(said) = tokio::time::timeout(lives, space.hooked(command)).await {
            said?.succeeded()?;
            break;
        }
        kills += 1;
        before.are_there(space).await?;
    }
    Ok(kills)
}

#[tokio::test]
async fn whoever_goes_in_or_out_goes_on_wherever_the_command_was_killed() -> Result<()> {
    in_namespace("moving-killed", Security::Baseline, async |space| {
        deploy(space).await?;
        let client = Client::start(space).await?;
        let before = Unmoved::of(space).await?;
        let kills = persist(space, &["adopt", "deployment/web"], &before).await?;
        ensure!(kills > 3, "killed {kills} times");
        before.check(space, "HookedWorkload").await?;
        ensure!(replica_sets(space).await?.is_empty());

        let kills = persist(space, &["release", "web"], &before).await?;
        ensure!(kills > 3, "killed {kills} times");
        before.check(space, "ReplicaSet").await?;
        is_released(space, &[0, 3]).await?;
        client.end().await
    })
    .await
}
