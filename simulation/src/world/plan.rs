//! What users ask for: workloads of all kinds, each made of a seed.

use serde_json::{Value, json};

use super::rng::Rng;

/// On Pods whose container never becomes ready.
pub(super) const NEVER_READY: &str = "never-ready";
/// On Pods that the API server refuses.
pub(super) const MALFORMED: &str = "malformed";

/// What a user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    replicas: u32,
    strategy: Value,
    min_ready: u32,
    history: u32,
    hooks: Value,
    template: Value,
}

impl Plan {
    /// The plan of a seed.
    pub(super) fn of(seed: u32) -> Self {
        let mut rng = Rng::new(u64::from(seed));
        let strategy = if rng.chance(200) {
            json!({"type": "Recreate"})
        } else {
            let limits = [(1, 0), (1, 1), (0, 1), (2, 0), (0, 2), (3, 3)];
            let (surge, unavailable) = rng.pick(&limits);
            json!({"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}})
        };
        let mut hooks = json!({"historyLimit": 50});
        if rng.chance(300) {
            hooks["evidence"] = "BestEffort".into();
        }
        if rng.chance(300) {
            hooks["measurement"] = "Observe".into();
        }
        if rng.chance(250) {
            hooks["policies"] = json!([{"timeoutSeconds": 5}]);
        } else if rng.chance(100) {
            hooks["policies"] = json!([{"hook": "PostStart", "failurePolicy": "Ignore"}]);
        }
        Self {
            replicas: 1 + rng.below(4),
            strategy,
            min_ready: rng.pick(&[0, 0, 5]),
            history: rng.pick(&[0, 1, 10]),
            hooks,
            template: template(seed, &mut rng),
        }
    }

    /// The workload that it asks for.
    pub(super) fn workload(&self, name: &str) -> Value {
        json!({
            "metadata": {"name": name},
            "spec": {
                "replicas": self.replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "strategy": self.strategy,
                "minReadySeconds": self.min_ready,
                "revisionHistoryLimit": self.history,
                "hooks": self.hooks,
                "template": self.template,
            },
        })
    }

    /// The change of a template that it asks for.
    pub(super) fn change(&self) -> Value {
        json!({"spec": {"template": self.template}})
    }
}

/// One of a few templates, so that users also go back to one that they had.
fn template(seed: u32, rng: &mut Rng) -> Value {
    let exec = || json!({"exec": {"command": ["sh", "-c", "true"]}});
    let get = || json!({"httpGet": {"port": 80, "path": "/"}});
    let lifecycle = match rng.below(6) {
        0 => json!({"preStop": exec()}),
        1 => json!({"postStart": exec()}),
        2 => json!({"postStart": get(), "preStop": get()}),
        3 => json!({}),
        _ => json!({"postStart": exec(), "preStop": exec()}),
    };
    let mut web = json!({
        "name": "web", "image": "nginx:1", "env": [{"name": "VERSION", "value": (seed % 3).to_string()}],
        "lifecycle": lifecycle,
    });
    let mut labels = json!({"app": "web"});
    match rng.below(20) {
        0 => {
            labels[NEVER_READY] = "yes".into();
            web["readinessProbe"] = json!({"httpGet": {"port": 80}});
        }
        1 | 2 => labels[MALFORMED] = "yes".into(),
        3..6 => web["readinessProbe"] = json!({"httpGet": {"port": 80}}),
        6 => web["livenessProbe"] = json!({"httpGet": {"port": 80}}),
        7 => web["startupProbe"] = json!({"httpGet": {"port": 80}}),
        _ => {}
    }
    let mut containers = vec![web];
    if rng.chance(200) {
        let lifecycle = json!({"preStop": exec()});
        containers.push(json!({"name": "side", "image": "side:1", "lifecycle": lifecycle}));
    }
    json!({
        "metadata": {"labels": labels},
        "spec": {"terminationGracePeriodSeconds": rng.pick(&[30, 10, 2]), "containers": containers},
    })
}
