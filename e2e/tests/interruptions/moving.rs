//! A Deployment goes in and out while the operator dies again and again.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use hooked_e2e::{
    Client, Operator, Security, Space, Unmoved, deploy, is_released, replica_sets, until_pods, with_operator,
};

/// Runs the command while the operator is killed whenever it is whole again; returns how often.
async fn amid_deaths(space: &Space, operator: &Operator, command: &[&str]) -> Result<usize> {
    let ends = AtomicBool::new(false);
    let kills = async {
        let mut kills = 0;
        while !ends.load(Ordering::Relaxed) {
            operator.kill().await?;
            kills += 1;
        }
        anyhow::Ok(kills)
    };
    let runs = async {
        let said = space.hooked(command).await;
        ends.store(true, Ordering::Relaxed);
        said?.succeeded()
    };
    let (kills, said) = tokio::join!(kills, runs);
    said.map(drop)?;
    kills
}

#[tokio::test]
async fn a_deployment_goes_in_and_out_though_the_operator_dies_and_no_connection_is_refused() -> Result<()> {
    with_operator("kill-moving", Security::Baseline, async |space, operator| {
        deploy(space).await?;
        let client = Client::start(space).await?;
        let before = Unmoved::of(space).await?;
        let kills = amid_deaths(space, operator, &["adopt", "deployment/web"]).await?;
        ensure!(kills > 0, "nothing was killed");
        before.check(space, "HookedWorkload").await?;
        ensure!(replica_sets(space).await?.is_empty());

        let kills = amid_deaths(space, operator, &["release", "web"]).await?;
        ensure!(kills > 0, "nothing was killed");
        before.check(space, "ReplicaSet").await?;
        until_pods(space, 3).await?;
        is_released(space, &[0, 3]).await?;
        client.end().await
    })
    .await
}
