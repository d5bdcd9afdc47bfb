//! The clusters that `cargo xtask test` has made ready, for scenarios that need one to themselves.

use std::env;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use crate::cluster::{Cluster, told};

/// The kubeconfigs of the clusters, separated as the directories of PATH are.
const VARIABLE: &str = "HOOKED_E2E_KUBECONFIG";

static POOL: OnceCell<Pool> = OnceCell::const_new();

struct Pool {
    /// One permit for each of those below.
    permits: Semaphore,
    free: Mutex<Vec<PathBuf>>,
}

/// A cluster that no other scenario uses until this is dropped.
pub(crate) struct Exclusive {
    pub(crate) cluster: Cluster,
    _place: Place,
}

/// A kubeconfig that is taken out of the pool until this is dropped.
struct Place {
    kubeconfig: PathBuf,
    pool: &'static Pool,
    _permit: SemaphorePermit<'static>,
}

impl Exclusive {
    /// Waits for a cluster that nobody uses.
    pub(crate) async fn take() -> Result<Self> {
        let pool = POOL.get_or_try_init(async || kubeconfigs().map(Pool::new)).await?;
        let permit = pool.permits.acquire().await?;
        let kubeconfig = pool.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let kubeconfig = kubeconfig.context("a permit without a cluster")?;
        let place = Place { kubeconfig, pool, _permit: permit };
        Ok(Self { cluster: Cluster::of(place.kubeconfig.clone()).await?, _place: place })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Before the permit is: fields are dropped after this.
        let mut free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(std::mem::take(&mut self.kubeconfig));
    }
}

impl Pool {
    fn new(free: Vec<PathBuf>) -> Self {
        Self { permits: Semaphore::new(free.len()), free: Mutex::new(free) }
    }
}

/// The clusters that the environment names.
pub(crate) fn kubeconfigs() -> Result<Vec<PathBuf>> {
    Ok(env::split_paths(&told(VARIABLE)?).collect())
}
