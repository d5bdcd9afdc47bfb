//! Pods on their way to the API server: where many are made of one spec, as protobuf, which costs the API
//! server less to read than JSON.
//!
//! This operator does not know the schema of Pods and need not: it asks what a `PodTemplate` of the spec
//! would be stored as, which is how the Pods of a Deployment are made too, and passes the bytes of the answer
//! on. It asks for the same in JSON as well, and where that does not say what was asked for (somebody changes
//! templates on their way, or writes a quantity in other words), the Pods go as JSON. Once a Pod is
//! refused as protobuf, Pods of the spec go as JSON: what is wrong is then told with the names of its fields.

mod covers;
mod protobuf;

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_core::pass::Locked;
use hooked_core::pass::call::{Call, Reply, Verb};
use serde_json::{Value, json};

use covers::covers;

use crate::wire::spec_of_template;

/// How many Pods are made of a spec before its bytes are asked for: for few it is not worth two requests.
const FEW: u32 = 16;
/// Of how many workloads the last spec is kept.
const MOST: usize = 64;

/// The specs that Pods were made of lately, by the UID of the workload.
#[derive(Debug, Default)]
pub(crate) struct Specs(Locked<BTreeMap<String, Spec>>);

#[derive(Debug)]
struct Spec {
    written: Value,
    bytes: Bytes,
}

/// What is known of the bytes of a spec.
#[derive(Clone, Debug)]
enum Bytes {
    /// So many Pods were made of it.
    Unasked(u32),
    /// They are being asked for, or cannot be had.
    None,
    Known(Arc<[u8]>),
}

/// How a Pod is sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Form {
    /// As it is written.
    Json,
    /// The same; and the bytes of its spec are to be asked for by this call.
    JsonAndAsk(Box<Call>),
    /// By these bytes.
    Protobuf(Vec<u8>),
}

impl Specs {
    /// How a call is sent.
    pub(crate) fn form(&self, call: &Call) -> Form {
        let Some(uid) = created_pod(call) else { return Form::Json };
        let (metadata, written) = (&call.body["metadata"], &call.body["spec"]);
        let mut specs = self.0.lock();
        if !specs.contains_key(uid) && specs.len() >= MOST {
            specs.pop_first();
        }
        let fresh = || Spec { written: written.clone(), bytes: Bytes::Unasked(0) };
        let spec = specs.entry(uid.to_owned()).or_insert_with(fresh);
        if spec.written != *written {
            *spec = fresh();
        }
        match &mut spec.bytes {
            Bytes::Known(bytes) => protobuf::pod(metadata, bytes).map_or(Form::Json, Form::Protobuf),
            Bytes::None => Form::Json,
            Bytes::Unasked(made) if *made < FEW => {
                *made += 1;
                Form::Json
            }
            Bytes::Unasked(_) => {
                spec.bytes = Bytes::None;
                Form::JsonAndAsk(Box::new(template(call)))
            }
        }
    }

    /// Takes in what the API server makes of the `PodTemplate`, as JSON and as protobuf.
    pub(crate) fn learn(&self, call: &Call, stored: &Value, encoded: &[u8]) {
        let Some(uid) = created_pod(call) else { return };
        let written = &call.body["spec"];
        let Some(bytes) = spec_of_template(encoded).filter(|_| covers(written, &stored["template"]["spec"]))
        else {
            return;
        };
        let mut specs = self.0.lock();
        if let Some(spec) = specs.get_mut(uid).filter(|spec| spec.written == *written) {
            tracing::debug!(workload_uid = uid, bytes = bytes.len(), "Pods of this spec go as protobuf");
            spec.bytes = Bytes::Known(bytes.into());
        }
    }

    /// Pods of the spec go as JSON from now on.
    pub(crate) fn refused(&self, call: &Call) {
        let Some(uid) = created_pod(call) else { return };
        if let Some(spec) = self.0.lock().get_mut(uid) {
            spec.bytes = Bytes::None;
        }
    }
}

/// The UID of the workload for which a Pod is created by a call, if that is what the call does.
fn created_pod(call: &Call) -> Option<&str> {
    let creates = call.verb == Verb::Create && call.body["kind"] == "Pod";
    let is_dry = call.query.iter().any(|(key, _)| *key == "dryRun");
    call.body["metadata"]["ownerReferences"][0]["uid"].as_str().filter(|_| creates && !is_dry)
}

/// Asks what a `PodTemplate` with the spec of a Pod would be stored as. Nothing is stored.
fn template(call: &Call) -> Call {
    let mut asked = call.clone();
    let pods = asked.path.strip_suffix("/pods").unwrap_or(&asked.path);
    asked.path = format!("{pods}/podtemplates");
    asked.body = json!({
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": call.body["metadata"]["name"]},
        "template": {"spec": call.body["spec"]},
    });
    asked.query.push(("dryRun", "All".to_owned()));
    asked.reply = Reply::Whole;
    asked
}

#[cfg(test)]
mod tests {
    use hooked_core::pass::call::create_pod;

    use super::*;

    fn pod(number: u32, spec: &Value) -> Call {
        let owner = json!({"apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload", "name": "web", "uid": "w-1", "controller": true});
        let metadata = json!({"name": format!("web-{number}"), "labels": {"app": "web"}, "finalizers": ["a/b"], "ownerReferences": [owner]});
        create_pod("shop", json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
    }

    /// A `PodTemplate` as the API server would encode it, with that spec.
    fn encoded(spec: &[u8]) -> Vec<u8> {
        // PodTemplate.template is field 2, and so is its spec; so is the object in its envelope.
        let within = |bytes: &[u8]| [&[0x12, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        [b"k8s\0".as_slice(), &within(&within(&within(spec)))].concat()
    }

    fn stored(spec: &Value) -> Value {
        json!({"template": {"spec": spec}})
    }

    /// Sends Pods of the spec until the bytes of the spec are asked for.
    fn sent_many(specs: &Specs, spec: &Value) -> Call {
        for number in 0..FEW {
            assert_eq!(specs.form(&pod(number, spec)), Form::Json, "{number}");
        }
        let Form::JsonAndAsk(asked) = specs.form(&pod(FEW, spec)) else { panic!("nothing is asked") };
        *asked
    }

    #[test]
    fn the_bytes_of_a_spec_are_asked_for_once_and_without_storing_anything() {
        let (specs, spec) = (Specs::default(), json!({"hostname": "h"}));
        let asked = sent_many(&specs, &spec);
        assert_eq!(asked.path, "/api/v1/namespaces/shop/podtemplates");
        assert!(asked.query.contains(&("dryRun", "All".to_owned())));
        assert_eq!(asked.body["template"], stored(&spec)["template"]);
        assert_eq!(specs.form(&pod(99, &spec)), Form::Json);
    }

    #[test]
    fn pods_of_a_spec_whose_bytes_are_known_go_as_protobuf_until_one_is_refused() {
        let (specs, spec) = (Specs::default(), json!({"hostname": "h"}));
        sent_many(&specs, &spec);
        let call = pod(99, &spec);
        specs.learn(&call, &stored(&spec), &encoded(b"SPEC"));
        let Form::Protobuf(bytes) = specs.form(&call) else { panic!("no protobuf") };
        assert!(bytes.starts_with(b"k8s\0") && bytes.ends_with(b"\x12\x04SPEC"));
        // Another template of the workload has other bytes.
        assert_eq!(specs.form(&pod(100, &json!({"hostname": "other"}))), Form::Json);
        sent_many(&specs, &spec);
        specs.learn(&call, &stored(&spec), &encoded(b"SPEC"));
        specs.refused(&call);
        assert_eq!(specs.form(&call), Form::Json);
    }

    #[test]
    fn a_spec_that_is_changed_on_its_way_goes_as_it_is_written() {
        let (specs, spec) = (Specs::default(), json!({"hostname": "h"}));
        let call = pod(99, &spec);
        sent_many(&specs, &spec);
        specs.learn(&call, &stored(&json!({"hostname": "other"})), &encoded(b"SPEC"));
        assert_eq!(specs.form(&call), Form::Json);
        specs.learn(&call, &stored(&spec), b"no object");
        assert_eq!(specs.form(&call), Form::Json);
    }

    #[test]
    fn only_creates_of_pods_that_are_meant_go_as_protobuf() {
        let (specs, spec) = (Specs::default(), json!({"hostname": "h"}));
        sent_many(&specs, &spec);
        specs.learn(&pod(1, &spec), &stored(&spec), &encoded(b"SPEC"));
        let mut dry = pod(1, &spec);
        dry.query.push(("dryRun", "All".to_owned()));
        let mut odd = pod(1, &spec);
        odd.body["metadata"]["generateName"] = json!("x");
        for call in [dry, odd] {
            assert_eq!(specs.form(&call), Form::Json, "{call:?}");
        }
    }

    #[test]
    fn of_no_more_than_so_many_workloads_a_spec_is_kept() {
        let specs = Specs::default();
        for number in 0..2 * MOST {
            let mut call = pod(1, &json!({"hostname": "h"}));
            call.body["metadata"]["ownerReferences"][0]["uid"] = json!(format!("w-{number}"));
            specs.form(&call);
        }
        assert_eq!(specs.0.lock().len(), MOST);
    }
}
