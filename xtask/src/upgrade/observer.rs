//! Looks at every version of the workloads that the API server shows, from the first to the last.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use hooked_cluster::Target;
use serde_json::Value;

use super::load::{HOOKS, NAMESPACE};
use super::witness::Witness;

/// How long before a watch that has ended is opened again, as one does when the definition changes.
const PAUSE: Duration = Duration::from_millis(200);
/// Outcomes of runs that have taken place, so that their hooks have noted them.
const OUTCOMES: [&str; 5] = ["succeeded", "failed", "timedOut", "cancelled", "unknown"];

/// A watch that is open.
pub(super) struct Observer {
    shared: Arc<Mutex<Shared>>,
    thread: JoinHandle<Result<()>>,
}

#[derive(Default)]
struct Shared {
    seen: Seen,
    watch: Option<Child>,
    is_over: bool,
}

/// What it has seen.
#[derive(Clone, Default)]
pub(super) struct Seen {
    /// How many versions of workloads.
    pub(super) versions: u32,
    /// What must not be.
    pub(super) complaints: Vec<String>,
    /// The latest counts, by workload and what is counted.
    counts: BTreeMap<(String, String), i64>,
}

impl Observer {
    /// Opens it.
    pub(super) fn start(target: Target, witness: Witness) -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        let thread = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || observe(&target, &witness, &shared))
        };
        Self { shared, thread }
    }

    /// Fails if something was seen that must not be.
    pub(super) fn check(&self) -> Result<()> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(!self.thread.is_finished(), "the watch of the workloads has ended");
        ensure!(shared.seen.complaints.is_empty(), "{}", shared.seen.complaints.join("\n"));
        Ok(())
    }

    /// Closes it, and returns what it has seen.
    pub(super) fn stop(self) -> Result<Seen> {
        {
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.is_over = true;
            if let Some(watch) = &mut shared.watch {
                watch.kill()?;
            }
        }
        self.thread.join().map_err(|_| anyhow!("it panicked"))??;
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(shared.seen.clone())
    }
}

/// Watches again and again until it is over.
fn observe(target: &Target, witness: &Witness, shared: &Mutex<Shared>) -> Result<()> {
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let mut kubectl = target.kubectl()?;
        kubectl.args(["-n", NAMESPACE, "get", "hookedworkloads", "--watch", "-o", "json"]);
        let stdout = {
            let mut shared = lock();
            if shared.is_over {
                return Ok(());
            }
            let mut watch =
                kubectl.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
            let stdout = watch.stdout.take().context("kubectl has no standard output")?;
            shared.watch = Some(watch);
            stdout
        };
        let objects = serde_json::Deserializer::from_reader(BufReader::new(stdout)).into_iter::<Value>();
        // What a watch that is cut off was about to say, the next one says whole.
        for object in objects.map_while(Result::ok) {
            lock().seen.take(&object, witness)?;
        }
        let ended = lock().watch.take();
        if let Some(mut ended) = ended {
            ended.wait()?;
        }
        thread::sleep(PAUSE);
    }
}

impl Seen {
    /// Looks at one version of a workload.
    fn take(&mut self, workload: &Value, witness: &Witness) -> Result<()> {
        let name = workload["metadata"]["name"].as_str().unwrap_or_default();
        self.versions += 1;
        for (what, count) in counts(&workload["status"]) {
            let before = self.counts.insert((name.to_owned(), what.clone()), count).unwrap_or_default();
            if count < before {
                self.complaints.push(format!("{name}: {what} went down from {before} to {count}"));
            }
        }
        for hook in HOOKS {
            // The hooks are asked after the status was written.
            let (counted, noted) = (counted(&workload["status"], hook), witness.runs(name, hook)?);
            if counted > noted {
                self.complaints
                    .push(format!("{name}: {counted} runs of {hook} are counted, and {noted} were"));
            }
        }
        Ok(())
    }
}

/// Every count of a status that may only grow.
fn counts(status: &Value) -> Vec<(String, i64)> {
    let hooks = status["hooks"].as_array().into_iter().flatten().map(|hook| {
        let name = ["container", "hook"].map(|field| hook[field].as_str().unwrap_or_default()).join(" ");
        (name, hook)
    });
    let all = [("hookTotals".to_owned(), &status["hookTotals"])].into_iter().chain(hooks);
    let counts = all.flat_map(|(name, counters)| {
        let fields = OUTCOMES.iter().chain(&["skipped", "kills"]);
        fields.filter_map(move |field| Some((format!("{name} {field}"), counters[field].as_i64()?)))
    });
    counts.collect()
}

/// How many runs of a hook a status has that took place, however they ended.
pub(super) fn counted(status: &Value, hook: &str) -> i64 {
    let hooks = status["hooks"].as_array().into_iter().flatten().filter(|known| known["hook"] == hook);
    hooks.flat_map(|hook| OUTCOMES.iter().filter_map(|outcome| hook[outcome].as_i64())).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(succeeded: i64) -> Value {
        let hook = json!({"container": "main", "hook": "PreStop", "succeeded": succeeded, "skipped": 1});
        json!({"metadata": {"name": "x"}, "status": {"hookTotals": {"succeeded": succeeded}, "hooks": [hook]}})
    }

    fn check(succeeded: [i64; 2], complaints: &[&str]) {
        let mut seen = Seen::default();
        let nobody = Witness::at("/nonexistent".into());
        for succeeded in succeeded {
            seen.take(&workload(succeeded), &nobody).unwrap();
        }
        assert_eq!(seen.complaints, complaints);
    }

    #[test]
    fn a_count_that_goes_down_or_runs_ahead_of_the_hooks_is_told() {
        check([0, 0], &[]);
        let ahead = "x: 1 runs of PreStop are counted, and 0 were";
        check([0, 1], &[ahead]);
        let down = ["hookTotals succeeded", "main PreStop succeeded"];
        let down = down.map(|what| format!("x: {what} went down from 1 to 0"));
        check([1, 0], &[ahead, &down[0], &down[1]]);
    }
}
