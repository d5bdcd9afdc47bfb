//! What becomes of manifests.

use super::*;

fn check(input: &str, expect: &str, notes: &[&str]) {
    check_way(Way::IN, input, expect, notes);
}

fn check_way(way: Way, input: &str, expect: &str, notes: &[&str]) {
    let converted = convert(input, "all.yaml", way).unwrap();
    assert_eq!(converted.text, expect);
    assert_eq!(converted.notes, notes);
}

fn refuse(input: &str, expect: &str) {
    let error = convert(input, "all.yaml", Way::IN).unwrap_err().to_string();
    assert!(error.contains(expect), "{error}");
}

const BESIDE: &str = "document 1: Deployment web becomes a HookedWorkload; if a Deployment web runs already, `kubectl hooked adopt deployment/web` \
                          hands its Pods over";

#[test]
fn only_api_version_and_kind_change_and_comments_stay() {
    check(
        "# für uns\napiVersion: apps/v1 # the API\nkind: \"Deployment\"\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      \
             containers:\n      - {name: web, args: [0644, yes, 0.50]}\n",
        "# für uns\napiVersion: hooked.dev/v1alpha1 # the API\nkind: \"HookedWorkload\"\nmetadata:\n  name: web\nspec:\n  template:\n    \
             spec:\n      containers:\n      - {name: web, args: [0644, yes, 0.50]}\n",
        &[BESIDE],
    );
}

#[test]
fn status_and_what_the_server_has_set_go() {
    check(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  annotations:\n    deployment.kubernetes.io/revision: \"3\"\n    \
             kubectl.kubernetes.io/last-applied-configuration: |\n      {\"kind\":\"Deployment\"}\n  creationTimestamp: null\n  generation: 4\n  \
             labels:\n    app: web\n  name: web\n  uid: u-1\nspec:\n  replicas: 2\nstatus:\n  replicas: 2\n  conditions:\n  - type: \
             Available\n---\nkind: Service\napiVersion: v1\nmetadata: {name: web}\n",
        "apiVersion: hooked.dev/v1alpha1\nkind: HookedWorkload\nmetadata:\n  labels:\n    app: web\n  name: web\nspec:\n  replicas: \
             2\n---\nkind: Service\napiVersion: v1\nmetadata: {name: web}\n",
        &[BESIDE, "document 2: Service web passes through unchanged"],
    );
}

#[test]
fn a_users_annotation_stays_beside_those_that_go() {
    check(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations:\n    a: b\n    deployment.kubernetes.io/revision: \
             \"3\"\n    c: d\nstatus: {}",
        "apiVersion: hooked.dev/v1alpha1\nkind: HookedWorkload\nmetadata:\n  name: web\n  annotations:\n    a: b\n    c: d\n",
        &[BESIDE],
    );
}

#[test]
fn items_of_a_list_are_converted_in_either_notation() {
    let note = "document 1, item 1: Deployment web becomes a HookedWorkload; if a Deployment web runs already, `kubectl hooked adopt deployment/web` \
                          hands its Pods over";
    let other = "document 1, item 2: Service web passes through unchanged";
    check(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata:\n    uid: u\n    name: web\n  \
             status:\n    replicas: 1\n- apiVersion: v1\n  kind: Service\n  metadata:\n    name: web\n",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: hooked.dev/v1alpha1\n  kind: HookedWorkload\n  metadata:\n    name: web\n- \
             apiVersion: v1\n  kind: Service\n  metadata:\n    name: web\n",
        &[note, other],
    );
    check(
        r#"{"kind": "List", "apiVersion": "v1", "items": [
    {"status": {"replicas": 1}, "kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "web", "uid": "u"}},
    {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "web"}}]}"#,
        r#"{"kind": "List", "apiVersion": "v1", "items": [
    {"kind": "HookedWorkload", "apiVersion": "hooked.dev/v1alpha1", "metadata": {"name": "web"}},
    {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "web"}}]}"#,
        &[note, other],
    );
}

const BEFORE: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n---\n";
const AFTER: &str = "apiVersion: hooked.dev/v1alpha1\nkind: HookedWorkload\nmetadata: {name: web}\n---\n";

/// What becomes of an autoscaler with that reference beside the Deployment web.
fn check_scaler(api_and_kind: &str, field: &str, reference: &str, expect: &str, note: &str) {
    let (api, kind) = api_and_kind.split_once(' ').unwrap();
    let scaler = |reference: &str| {
        format!(
            "apiVersion: {api}\nkind: {kind}\nmetadata: {{name: up}}\nspec:\n  {field}:{reference}\n  max: 3 # at most\n"
        )
    };
    let note = format!("document 2: {kind} up {note}");
    check(&(BEFORE.to_owned() + &scaler(reference)), &(AFTER.to_owned() + &scaler(expect)), &[BESIDE, &note]);
}

#[test]
fn an_autoscaler_follows_the_deployment_it_scales() {
    let (hpa, keda) = ("autoscaling/v2 HorizontalPodAutoscaler", "keda.sh/v1alpha1 ScaledObject");
    let vpa = "autoscaling.k8s.io/v1 VerticalPodAutoscaler";
    let follows = "scales the HookedWorkload web from now on";
    check_scaler(
        hpa,
        "scaleTargetRef",
        "\n    kind: Deployment # ours\n    apiVersion: apps/v1\n    name: web",
        "\n    kind: HookedWorkload # ours\n    apiVersion: hooked.dev/v1alpha1\n    name: web",
        follows,
    );
    // Without a version it is that of a Deployment no longer.
    check_scaler(
        hpa,
        "scaleTargetRef",
        "\n    kind: Deployment # ours\n    name: web",
        "\n    apiVersion: hooked.dev/v1alpha1\n    kind: HookedWorkload # ours\n    name: web",
        follows,
    );
    check_scaler(
        keda,
        "scaleTargetRef",
        "\n    name: web # a Deployment",
        "\n    apiVersion: hooked.dev/v1alpha1\n    kind: HookedWorkload\n    name: web # a Deployment",
        follows,
    );
    check_scaler(
        keda,
        "scaleTargetRef",
        r#" {"name": "web", "envSourceContainerName": "app"}"#,
        r#" {"apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload", "name": "web", "envSourceContainerName": "app"}"#,
        follows,
    );
    check_scaler(
        vpa,
        "targetRef",
        " {apiVersion: \"apps/v1\", kind: Deployment, name: web}",
        " {apiVersion: \"hooked.dev/v1alpha1\", kind: HookedWorkload, name: web}",
        "sizes the Pods of the HookedWorkload web from now on",
    );
}

#[test]
fn an_autoscaler_that_was_read_from_a_server_is_a_new_wish() {
    let scaler = |kind: &str, api: &str, metadata: &str, status: &str| {
        format!(
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{{metadata}name: up}}\nspec:\n  \
                 scaleTargetRef: {{apiVersion: {api}, kind: {kind}, name: web}}\n{status}"
        )
    };
    let live = scaler("Deployment", "apps/v1", "resourceVersion: \"7\", ", "status: {currentReplicas: 1}\n");
    let expect = scaler("HookedWorkload", "hooked.dev/v1alpha1", "", "");
    let note = "document 2: HorizontalPodAutoscaler up scales the HookedWorkload web from now on";
    check(&(BEFORE.to_owned() + &live), &(AFTER.to_owned() + &expect), &[BESIDE, note]);
}

#[test]
fn an_autoscaler_of_what_is_not_in_the_input_stays_and_that_is_said() {
    let same = |api_and_kind: &str, reference: &str, note: &str| {
        check_scaler(api_and_kind, "scaleTargetRef", reference, reference, note);
    };
    let unknown = "passes through unchanged: it scales the Deployment api, which is not in this input; if that becomes a \
                       HookedWorkload, convert both together";
    same("keda.sh/v1alpha1 ScaledObject", " {name: api}", unknown);
    let (hpa, unchanged) = ("autoscaling/v2 HorizontalPodAutoscaler", "passes through unchanged");
    same(hpa, " {kind: Deployment, name: api}", unknown);
    same(hpa, " {apiVersion: apps/v1, kind: StatefulSet, name: web}", unchanged);
    same(hpa, " {apiVersion: example.com/v1, kind: Deployment, name: web}", unchanged);
    same("example.com/v1 ScaledObject", " {name: web}", unchanged);
    // Of another namespace it may be another one.
    let elsewhere = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: up, namespace: other}\nspec: \
                         {scaleTargetRef: {name: web}}\n";
    let note = "document 2: ScaledObject up passes through unchanged: it scales the Deployment web, which is not in this \
                    input; if that becomes a HookedWorkload, convert both together";
    check(&(BEFORE.to_owned() + elsewhere), &(AFTER.to_owned() + elsewhere), &[BESIDE, note]);
}

#[test]
fn an_alias_is_read_and_one_that_would_lose_its_anchor_is_refused() {
    check(
        "apiVersion: &v apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {a: 1}\n---\n",
        "apiVersion: &v hooked.dev/v1alpha1\nkind: HookedWorkload\nmetadata: {name: web}\nspec: {a: 1}\n---\n",
        &[BESIDE],
    );
    refuse(
        "apiVersion: apps/v1\nkind: Deployment\nstatus: &s {a: 1}\nmetadata: {name: web}\nspec: *s\n",
        "holds an anchor that the rest refers to",
    );
}

#[test]
fn what_cannot_be_converted_is_refused_by_the_number_of_its_document() {
    refuse("a: 1\n---\nkind: Deployment\n", "document 1 has no kind");
    refuse("kind: Deployment\nmetadata: {name: x}\n", "document 1 has no apiVersion");
    refuse("---\n# nothing\n---\n- 1\n", "document 2 is no object");
    refuse(
        "kind: Deployment\napiVersion: extensions/v1beta1\nmetadata: {name: web}\n",
        "document 1 is a Deployment of an API",
    );
    refuse("a: [1\n", "all.yaml is no YAML");
}

#[test]
fn a_carriage_return_at_the_end_of_lines_stays() {
    check(
        "apiVersion: apps/v1\r\nkind: Deployment\r\nmetadata:\r\n  uid: u\r\n  name: web\r\nstatus: {}\r\n",
        "apiVersion: hooked.dev/v1alpha1\r\nkind: HookedWorkload\r\nmetadata:\r\n  name: web\r\n",
        &[BESIDE],
    );
}

#[test]
fn values_are_those_that_kubectl_reads() {
    let value = values("kind: A\nmode: 0644\n---\n---\nkind: B\n").unwrap();
    let expect =
        json!({"apiVersion": "v1", "kind": "List", "items": [{"kind": "A", "mode": 420}, {"kind": "B"}]});
    assert_eq!(value, expect);
}

/// The other way to the same end: read everything, change the values, and compare.
#[test]
fn the_edited_text_means_what_a_change_of_its_values_means() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/tests/deployments");
    for entry in fs::read_dir(place).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut expect = values(&text).unwrap();
        expect["apiVersion"] = json!("hooked.dev/v1alpha1");
        expect["kind"] = json!("HookedWorkload");
        expect.as_object_mut().unwrap().remove("status");
        expect["metadata"].as_object_mut().unwrap().remove("creationTimestamp");
        let converted = convert(&text, "it", Way::IN).unwrap();
        assert_eq!(values(&converted.text).unwrap(), expect);
    }
}

#[test]
fn a_workload_becomes_a_deployment_again() {
    check_way(
        Way::OUT,
        "apiVersion: hooked.dev/v1alpha1 # ours\nkind: HookedWorkload\nmetadata:\n  name: web\n  annotations:\n    \
             hooked.dev/adopt-from: Deployment/web\n    team: a\nspec:\n  replicas: 2\n  hooks:\n    measurement: Observe\n  \
             paused: false\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: \
             {scaleTargetRef: {apiVersion: hooked.dev/v1alpha1, kind: HookedWorkload, name: web}}\n---\napiVersion: apps/v1\n\
             kind: Deployment\nmetadata: {name: api}\n",
        "apiVersion: apps/v1 # ours\nkind: Deployment\nmetadata:\n  name: web\n  annotations:\n    team: a\nspec:\n  replicas: \
             2\n  paused: false\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: \
             {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n---\napiVersion: apps/v1\nkind: \
             Deployment\nmetadata: {name: api}\n",
        &[
            "document 1: HookedWorkload web becomes a Deployment; if a HookedWorkload web runs already, `kubectl hooked \
             release web` hands its Pods over",
            "document 2: HorizontalPodAutoscaler web scales the Deployment web from now on",
            "document 3: Deployment api passes through unchanged",
        ],
    );
}
