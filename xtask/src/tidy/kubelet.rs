//! The kubelet's words and exit codes are read in one room: elsewhere they are values with names of ours.

use super::house::House;
use super::plan::{KUBELET_READER, KUBELET_ROOM};
use super::source::Source;
use super::tokens::{Kind, Token};
use super::violation::Violation;

const RULE: &str = "one-kubelet-reader";

/// What the kubelet writes into statuses and Events.
const WORDS: [&str; 10] = [
    "Completed",
    "ContainerCreating",
    "ContainerStatusUnknown",
    "CrashLoopBackOff",
    "FailedPostStartHook",
    "FailedPreStopHook",
    "OOMKilled",
    "PodInitializing",
    "PostStartHookError",
    "PreStopHookError",
];

/// The phases of a Pod that is over. They are other things' words too, so only a phase beside them makes them one.
const PHASES: [&str; 2] = ["Failed", "Succeeded"];

/// So many tokens before it a phase is looked for.
const BESIDE: usize = 24;

/// 128 and the number of SIGKILL, of SIGTERM.
const EXIT_CODES: [&str; 2] = ["137", "143"];

/// The kubelet's words and exit codes stand in literals of one room only.
pub(super) fn has_one_reader(house: &House) -> Vec<Violation> {
    let mut found = Vec::new();
    if house.source(KUBELET_READER).is_none() {
        let what = "the only reader of the kubelet's words is gone; mend its name in xtask/src/tidy/plan.rs";
        found.push(Violation::new(KUBELET_READER, 1, RULE, what));
    }
    let is_reader = |path: &str| path == KUBELET_READER || path.starts_with(KUBELET_ROOM);
    for source in house.shipped().filter(|source| !is_reader(&source.path)) {
        let words =
            source.production().filter_map(|(index, token)| Some((token, of_kubelet(source, index, token)?)));
        found.extend(words.map(|(token, word)| {
            let what = format!(
                "only {KUBELET_READER} may know {word}; have it say what that means, by a name of ours"
            );
            Violation::new(&source.path, token.line, RULE, what)
        }));
    }
    found
}

/// What of the kubelet a literal names.
fn of_kubelet<'a>(source: &Source, index: usize, token: &'a Token) -> Option<&'a str> {
    match &token.kind {
        Kind::Number(number) => {
            let digits = number.trim_end_matches(|c: char| !c.is_ascii_digit()).split(['_', 'i', 'u']).next();
            EXIT_CODES.iter().find(|code| digits == Some(**code)).copied()
        }
        Kind::Text(text) => {
            let mut words = text.split(|c: char| !c.is_alphanumeric());
            let phase = || PHASES.contains(&text.as_str()) && is_beside_phase(source, index);
            words.find(|word| WORDS.contains(word)).or_else(|| phase().then_some(text))
        }
        _ => None,
    }
}

fn is_beside_phase(source: &Source, index: usize) -> bool {
    let before = &source.tokens[index.saturating_sub(BESIDE)..index];
    before.iter().filter_map(Token::word).any(|word| word.to_lowercase().contains("phase"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let house = House::of(&[(KUBELET_READER, "const A: &str = \"OOMKilled\";"), ("core/src/a.rs", text)]);
        has_one_reader(&house).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_second_reader_is_found() {
        assert_eq!(lines("fn f() -> &str {\n\"the kubelet said PostStartHookError: it failed\" }"), [2]);
        assert_eq!(lines("const KILLED: i32 = 137;\nconst TOO: u8 = 137_u8;"), [1, 2]);
        assert_eq!(
            lines("fn f() { matches!(pod.status.phase.as_deref(), Some(\"Succeeded\" | \"Failed\")) }"),
            [1, 1]
        );
    }

    #[test]
    fn the_whole_room_of_the_reader_may_know_them() {
        let signal = "core/src/lifecycle/kubelet/signal.rs";
        let house = House::of(&[(KUBELET_READER, ""), (signal, "const KILLED: i32 = 137;")]);
        assert!(has_one_reader(&house).is_empty());
    }

    #[test]
    fn names_of_ours_are_left_alone() {
        assert_eq!(lines("enum Reason { #[serde(rename = \"OOMKilled\")] OomKilled }"), [0; 0]);
        assert_eq!(
            lines("fn f(outcome: Outcome) { tell(\"Failed\", 1370, \"FailedPostStartHooks\") } // 137"),
            [0; 0]
        );
        assert_eq!(lines("#[cfg(test)]\nmod tests { const A: i32 = 137; }"), [0; 0]);
    }

    #[test]
    fn a_reader_that_has_moved_is_missed() {
        assert_eq!(has_one_reader(&House::of(&[]))[0].path, KUBELET_READER);
    }
}
