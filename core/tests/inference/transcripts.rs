//! What a real kubelet has shown, replayed: `cargo xtask record` makes the transcripts, and says what each is
//! to mean.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use hooked_core::lifecycle::{
    Finding, Findings, ObservedEvent, ObservedPod, Patience, PodEvidence, PodMarks, infer, kubelet,
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Transcript {
    about: String,
    /// By container.
    expect: BTreeMap<String, Meaning>,
    entries: Vec<Entry>,
}

/// Outcomes of the container's instances in order, and kills; as many as the scenario is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meaning {
    post_start: Vec<Value>,
    pre_stop: Vec<Value>,
    kills: Vec<Value>,
    running: usize,
}

/// What was seen, and when.
#[derive(Clone, Deserialize)]
struct Entry {
    seen: Timestamp,
    #[serde(default)]
    pod: Value,
    #[serde(default)]
    event: Value,
}

impl Entry {
    fn evidence(&self) -> Option<PodEvidence> {
        if self.event.is_null() {
            let pod: ObservedPod = serde_json::from_value(self.pod.clone()).unwrap();
            return Some(kubelet::read_pod(&pod, self.seen));
        }
        let event: ObservedEvent = serde_json::from_value(self.event.clone()).unwrap();
        event.evidence()
    }
}

#[allow(clippy::disallowed_methods, reason = "transcripts are files; the core itself reads none")]
fn transcripts() -> Vec<(String, Transcript)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/inference/transcripts");
    let mut all: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect();
    all.sort_by(|(one, _): &(String, Transcript), (other, _)| one.cmp(other));
    all
}

/// What is concluded when all was seen and nothing more can come.
fn conclude<'a>(entries: impl Iterator<Item = &'a Entry>, last: Timestamp) -> Findings {
    let mut evidence = PodEvidence::default();
    for facts in entries.filter_map(Entry::evidence) {
        evidence.merge(facts);
    }
    infer(&evidence, &PodMarks::default(), Patience::Settle, last + SignedDuration::from_secs(11))
}

fn meaning_of(findings: &Findings) -> BTreeMap<String, Meaning> {
    let mut meanings: BTreeMap<String, Meaning> = BTreeMap::new();
    for finding in &findings.settled {
        match finding {
            Finding::PostStart { container, run, .. } => {
                meanings.entry(container.to_string()).or_default().post_start.push(word(run.outcome));
            }
            Finding::End { container, pre_stop, kill, .. } => {
                let meaning = meanings.entry(container.to_string()).or_default();
                meaning.pre_stop.extend(pre_stop.as_ref().map(|run| word(run.outcome)));
                meaning.kills.extend(kill.as_ref().map(|kill| word(kill.reason)));
            }
            Finding::Lost { .. } | Finding::Anew { .. } => {}
        }
    }
    for run in &findings.running {
        meanings.entry(run.id.container.to_string()).or_default().running += 1;
    }
    meanings
}

/// An outcome or a reason in the words of the API.
fn word(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

/// As much of `meaning` as the scenario is about: a container that crashes goes on doing so while it is
/// recorded.
fn as_far_as(meaning: &Meaning, expect: &Meaning) -> Meaning {
    let cut = |all: &[Value], as_many: &[Value]| {
        let wanted = if as_many.is_empty() { all.len() } else { as_many.len() };
        all.iter().take(wanted).cloned().collect()
    };
    Meaning {
        post_start: cut(&meaning.post_start, &expect.post_start),
        pre_stop: cut(&meaning.pre_stop, &expect.pre_stop),
        kills: cut(&meaning.kills, &expect.kills),
        running: meaning.running,
    }
}

#[test]
fn what_a_real_kubelet_has_shown_means_what_really_happened() {
    let transcripts = transcripts();
    assert!(transcripts.len() >= 18, "only {} transcripts", transcripts.len());
    let mut wrong = Vec::new();
    for (name, Transcript { about, expect, entries }) in transcripts {
        let last = entries.iter().map(|entry| entry.seen).max().unwrap();
        let meanings = meaning_of(&conclude(entries.iter(), last));
        for (container, expect) in expect {
            let meaning = meanings.get(&container).cloned().unwrap_or_default();
            let concluded = as_far_as(&meaning, &expect);
            if concluded != expect {
                wrong.push(format!("{name} ({about}), {container}:\n  {concluded:?}\n  is not {expect:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_transcript_means_the_same_in_any_order_and_seen_twice() {
    for (name, Transcript { entries, .. }) in transcripts() {
        let last = entries.iter().map(|entry| entry.seen).max().unwrap();
        let in_order = meaning_of(&conclude(entries.iter(), last));
        let backwards = meaning_of(&conclude(entries.iter().rev(), last));
        let twice = meaning_of(&conclude(entries.iter().chain(&entries), last));
        assert_eq!(in_order, backwards, "{name}");
        assert_eq!(in_order, twice, "{name}");
    }
}
