//! What holds when the operator is killed, stopped and started: nothing is counted twice, and nothing is forgotten
//! that can be known. Each scenario has a cluster, and the operator in it, to itself.

#![allow(clippy::print_stderr, reason = "a scenario of chance tells its seed")]

mod absence;
mod chaos;
mod deaths;
mod delivery;
mod injector;
mod leadership;
mod live;
mod moving;
mod watching;

use anyhow::{Result, ensure};
use hooked_crd::{HookKind, HookStatus, HookedWorkload};
use hooked_e2e::{Metrics, hook};

/// All runs of a hook, however they ended.
fn runs(workload: &HookedWorkload, container: &str, kind: HookKind) -> Result<i64> {
    let HookStatus { succeeded, failed, timed_out, cancelled, skipped, unknown, .. } =
        hook(workload, container, kind)?;
    Ok(succeeded + failed + timed_out + cancelled + skipped + unknown)
}

/// Fails if a counter of `before` is lower or missing in `after`.
fn never_lower(before: &Metrics, after: &Metrics) -> Result<()> {
    let after: std::collections::BTreeMap<String, f64> = after.counters().collect();
    for (name, value) in before.counters() {
        let now = after.get(&name);
        ensure!(now.is_some_and(|now| *now >= value), "{name} was {value} and is {now:?}");
    }
    Ok(())
}
