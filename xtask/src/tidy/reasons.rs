//! The reasons of conditions and Events are spelt in one file: what is told and what is looked for are then the same.

use std::collections::BTreeSet;

use super::house::House;
use super::plan::REASONS;
use super::source::Source;
use super::violation::Violation;

const RULE: &str = "reasons-in-one-place";

/// No reason is spelt outside of the enum that lists them.
pub(super) fn stand_in_one_place(house: &House) -> Vec<Violation> {
    let Some(list) = house.source(REASONS) else {
        println!("note: there is no {REASONS} yet; whether reasons are spelt elsewhere is not checked");
        return Vec::new();
    };
    let reasons = reasons(list);
    if reasons.is_empty() {
        let what = "no reason is found: its `list is to have arms such as `Self::Ready => \"Ready\"`";
        return vec![Violation::new(REASONS, 1, RULE, what)];
    }
    let elsewhere = house.shipped().filter(|source| source.path != REASONS);
    let spelt = elsewhere.flat_map(|source| {
        let texts = source.production().filter_map(|(_, token)| Some((token.line, token.text()?)));
        let spelt = texts.filter(|(_, text)| reasons.contains(text));
        spelt.map(|(line, text)| {
            let what = format!("the reason {text:?} is spelt here too; use `Reason` of {REASONS}");
            Violation::new(&source.path, line, RULE, what)
        })
    });
    spelt.collect()
}

/// What the arms `=> "…"` of a file give, and the names that a macro lists as `Name: […]`.
fn reasons(list: &Source) -> BTreeSet<&str> {
    let listed = list.production().filter(|(index, token)| {
        let named = token.word().is_some_and(is_camel_case);
        named && list.is_sign(index + 1, ':') && list.closed_at(index + 2, '[').is_some()
    });
    let listed = listed.filter_map(|(_, token)| token.word());
    let arms = list
        .production()
        .filter(|(index, _)| *index > 1 && list.is_sign(index - 1, '>') && list.is_sign(index - 2, '='));
    arms.filter_map(|(_, token)| token.text()).filter(|text| is_camel_case(text)).chain(listed).collect()
}

fn is_camel_case(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase)
        && letters.next().is_some_and(char::is_lowercase)
        && letters.all(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "impl Reason { fn as_str(self) -> &str { match self { Self::A => \"PodsReady\", Self::B => \"Paused\" } } }";

    fn lines(text: &str) -> Vec<usize> {
        let house = House::of(&[(REASONS, LIST), ("kubectl-hooked/src/a.rs", text)]);
        stand_in_one_place(&house).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_reason_that_is_spelt_elsewhere_is_found() {
        assert_eq!(lines("fn f() {\n  reason == \"Paused\"\n}"), [2]);
    }

    #[test]
    fn sentences_and_tests_may_name_it() {
        assert_eq!(lines("fn f() { say(\"it is Paused\"); say(\"Running\") }"), [0; 0]);
        assert_eq!(lines("#[cfg(test)]\nmod tests { const A: &str = \"Paused\"; }"), [0; 0]);
    }

    #[test]
    fn a_list_that_a_macro_makes_is_read() {
        let list = "const ALL: [u8; 2] = A;\nreasons! {\n/// It rests.\nPaused: [Condition(READY, \"True\")],\nHookFailed: [],\n}";
        let list = Source::new(REASONS, list).unwrap();
        assert_eq!(reasons(&list).into_iter().collect::<Vec<_>>(), ["HookFailed", "Paused"]);
    }

    #[test]
    fn a_list_that_cannot_be_read_is_told() {
        assert_eq!(stand_in_one_place(&House::of(&[(REASONS, "enum Reason { A }")])).len(), 1);
    }
}
