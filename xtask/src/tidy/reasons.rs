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
        let what = "no reason is found: its `as_str` is to have arms such as `Self::Ready => \"Ready\"`";
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

/// What the arms `=> "…"` of a file give.
fn reasons(list: &Source) -> BTreeSet<&str> {
    let arms = list
        .production()
        .filter(|(index, _)| *index > 1 && list.is_sign(index - 1, '>') && list.is_sign(index - 2, '='));
    arms.filter_map(|(_, token)| token.text()).collect()
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
    fn a_list_that_cannot_be_read_is_told() {
        assert_eq!(stand_in_one_place(&House::of(&[(REASONS, "enum Reason { A }")])).len(), 1);
    }
}
