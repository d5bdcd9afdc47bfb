//! A Pod that is gone, as the workloads of its namespace remember it.

use super::explanation::{ContainerExplanation, Explanation, RememberedKill};
use super::fetch::Memory;
use super::reasons::{Facts, advice, why};
use crate::output::hide_output;

/// Explains a Pod that is gone by what is remembered of it.
pub(super) fn explain(namespace: &str, pod: &str, memories: Vec<Memory>, show_output: bool) -> Explanation {
    let mut explanation = Explanation {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        state: "gone".to_owned(),
        ..Explanation::default()
    };
    for Memory { workload, runs, kills } in memories {
        explanation.owner = Some(format!("HookedWorkload {workload}"));
        for mut run in runs {
            hide_output([&mut run], show_output);
            explanation.node = explanation.node.take().or(run.node.clone());
            let container = run.container.clone();
            story(&mut explanation, &container).remembered.push(run);
        }
        for kill in kills {
            let facts = Facts::default();
            let container = kill.last_container.unwrap_or_default();
            story(&mut explanation, &container).kills.push(RememberedKill {
                reason: kill.reason,
                why: why(kill.reason, &facts),
                time: kill.last_time.map(|time| time.0),
                next: advice(kill.reason),
            });
        }
    }
    explanation.notes.push(
        "the workload remembers its last runs and the last kill of each reason: there may have been more"
            .to_owned(),
    );
    explanation
}

fn story<'a>(explanation: &'a mut Explanation, container: &str) -> &'a mut ContainerExplanation {
    let stories = &mut explanation.containers;
    let index = stories.iter().position(|story| story.name == container).unwrap_or_else(|| {
        stories.push(ContainerExplanation {
            name: container.to_owned(),
            state: "gone".to_owned(),
            ..ContainerExplanation::default()
        });
        stories.len() - 1
    });
    &mut stories[index]
}
