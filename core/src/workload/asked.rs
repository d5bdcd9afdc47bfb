//! What is asked for in Pods that others make.

use hooked_crd::{Evidence, HookPolicy, HooksSpec, Measurement};

/// What is asked for in Pods that others make.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// What exec hooks are to run under the runner with; none if they are to run as they are written.
    pub runner: Option<Vec<HookPolicy>>,
    /// Whether Pods are to wait until their hooks are counted.
    pub holds: bool,
}

impl Asked {
    /// What a workload asks for that watches the Pods: nothing, unless it says so. Policies say that they are to hold,
    /// which they do under the runner alone.
    pub fn by(hooks: Option<&HooksSpec>) -> Self {
        let Some(hooks) = hooks else { return Self::default() };
        let policies = hooks.policies.clone().unwrap_or_default();
        let is_asked_for = match hooks.measurement {
            Some(Measurement::Runner) => true,
            Some(Measurement::Observe) => false,
            None => !policies.is_empty(),
        };
        let holds = hooks.evidence == Some(Evidence::Durable);
        Self { runner: is_asked_for.then_some(policies), holds }
    }

    /// Whether nothing is asked for.
    pub fn is_nothing(&self) -> bool {
        self.runner.is_none() && !self.holds
    }

    /// What several workloads ask for that watch the same Pods. Where they name different policies nobody can say which
    /// are meant, and hooks run as they are written.
    pub fn of_all<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let holds = all.clone().any(|asked| asked.holds);
        let mut policies = all.filter_map(|asked| asked.runner.as_ref());
        let first = policies.next();
        Self { runner: first.filter(|first| policies.all(|other| other == *first)).cloned(), holds }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn asked(hooks: &Value) -> Asked {
        let hooks: HooksSpec = serde_json::from_value(hooks.clone()).unwrap();
        Asked::by(Some(&hooks))
    }

    #[test]
    fn the_runner_comes_into_pods_of_others_only_where_it_or_policies_are_asked_for() {
        fn check(hooks: &Value, expect: bool) {
            assert_eq!(asked(hooks).runner.is_some(), expect, "{hooks}");
        }
        let policies = json!([{"timeoutSeconds": 5}]);
        check(&json!({}), false);
        check(&json!({"measurement": "Runner"}), true);
        check(&json!({"policies": policies}), true);
        check(&json!({"policies": []}), false);
        check(&json!({"measurement": "Observe", "policies": policies}), false);
        check(&json!({"evidence": "Durable"}), false);
        assert!(Asked::by(None).is_nothing());
    }

    #[test]
    fn pods_of_others_wait_only_where_durable_evidence_is_asked_for() {
        fn check(hooks: &Value, expect: bool) {
            assert_eq!((asked(hooks).holds, asked(hooks).is_nothing()), (expect, !expect), "{hooks}");
        }
        check(&json!({}), false);
        check(&json!({"evidence": "BestEffort"}), false);
        check(&json!({"evidence": "Durable"}), true);
        let (held, free) = (asked(&json!({"evidence": "Durable"})), Asked::default());
        assert!(Asked::of_all([&free, &held].into_iter()).holds);
    }

    #[test]
    fn workloads_that_name_different_policies_for_the_same_pods_get_none() {
        fn check(all: &[&Asked], expect: &Asked) {
            assert_eq!(Asked::of_all(all.iter().copied()), *expect, "{all:?}");
        }
        let (plain, none) = (asked(&json!({"measurement": "Runner"})), Asked::default());
        let strict = asked(&json!({"policies": [{"timeoutSeconds": 5}]}));
        check(&[], &none);
        check(&[&none, &strict], &strict);
        check(&[&strict, &strict], &strict);
        check(&[&strict, &plain], &none);
    }
}
