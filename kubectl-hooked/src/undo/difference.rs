//! What a rollback changes of what a workload asks for, line by line.

use hooked_crd::HookedWorkload;
use serde_json::json;
use similar::TextDiff;

use crate::render::{Line, Tone};

/// Lines before and after a change that are shown with it.
const AROUND: usize = 3;

/// The lines in which the YAML of `spec.template` and `spec.hooks` differs, as `diff -u` shows them; `revision` names
/// what the workload goes back to.
pub(super) fn difference(
    before: &HookedWorkload,
    after: &HookedWorkload,
    revision: &str,
) -> Result<Vec<Line>, serde_saphyr::ser::Error> {
    let (before, after) = (text(before)?, text(after)?);
    if before == after {
        return Ok(vec![Line::new().add(Tone::Faint, "nothing of spec.template and spec.hooks changes")]);
    }
    let diff = TextDiff::from_lines(&before, &after);
    let unified = diff.unified_diff().context_radius(AROUND).header("as it is now", revision).to_string();
    Ok(unified.lines().enumerate().map(|(index, line)| toned(index, line)).collect())
}

/// What of a workload a rollback may change, as YAML.
fn text(workload: &HookedWorkload) -> Result<String, serde_saphyr::ser::Error> {
    let mut spec = json!({"template": workload.spec.template});
    if let Some(hooks) = &workload.spec.hooks {
        spec["hooks"] = json!(hooks);
    }
    serde_saphyr::to_string(&json!({"spec": spec}))
}

fn toned(index: usize, line: &str) -> Line {
    let tone = match (index, line.as_bytes().first()) {
        // The two sides by their names.
        (0 | 1, _) => Tone::Strong,
        (_, Some(b'+')) => Tone::Good,
        (_, Some(b'-')) => Tone::Bad,
        (_, Some(b'@')) => Tone::Active,
        _ => Tone::Plain,
    };
    Line::new().add(tone, line)
}

#[cfg(test)]
mod tests {
    use hooked_core::workload::revision::rollback;
    use serde_json::Value;

    use super::super::preview::preview;
    use super::*;
    use crate::fixtures::{revision, workload};

    fn template(image: &str) -> Value {
        json!({"spec": {"containers": [{"name": "web", "image": image}]}})
    }

    /// What is shown of a way back from a spec to what a revision holds, without the names of the two sides.
    fn check(spec: &Value, data: &Value, expect: &[&str]) {
        let mut before = serde_json::to_value(workload(&json!({}))).unwrap();
        before["metadata"]["resourceVersion"] = json!("7");
        for (field, value) in spec.as_object().unwrap() {
            before["spec"][field] = value.clone();
        }
        let before: HookedWorkload = serde_json::from_value(before).unwrap();
        let stored = revision("a", 1, data, None);
        let patch = serde_json::from_value(rollback(&before, "7", &stored)).unwrap();
        let after = preview(&before, &patch).unwrap();
        let lines = difference(&before, &after, "revision 1 (a)").unwrap();
        let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
        assert_eq!(lines[..2], ["--- as it is now", "+++ revision 1 (a)"]);
        assert_eq!(lines[2..], *expect);
    }

    #[test]
    fn a_dry_run_shows_the_lines_of_the_template_that_would_change() {
        check(
            &json!({"template": template("c")}),
            &json!({"template": template("a")}),
            &[
                "@@ -2,5 +2,5 @@",
                "   template:",
                "     spec:",
                "       containers:",
                "-      - image: c",
                "+      - image: a",
                "         name: web",
            ],
        );
    }

    #[test]
    fn a_dry_run_shows_what_of_the_hooks_would_change_and_nothing_else() {
        let hooks = json!({"historyLimit": 5, "measurement": "Observe"});
        let present = json!({"template": template("a"), "hooks": hooks, "replicas": 7});
        check(
            &present,
            &json!({"template": template("a")}),
            &[
                "@@ -1,7 +1,6 @@",
                " spec:",
                "   hooks:",
                "     historyLimit: 5",
                "-    measurement: Observe",
                "   template:",
                "     spec:",
                "       containers:",
            ],
        );
    }

    #[test]
    fn where_nothing_would_change_that_is_said() {
        let same = workload(&json!({}));
        let lines = difference(&same, &same, "revision 1 (a)").unwrap();
        let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
        assert_eq!(lines, ["nothing of spec.template and spec.hooks changes"]);
    }
}
