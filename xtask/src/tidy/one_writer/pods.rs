//! What a request that creates, changes or deletes Pods looks like.

use std::collections::BTreeSet;

use super::super::house::House;
use super::super::source::Source;
use super::super::tokens::Token;

/// Calls that make a request which changes something.
const VERBS: [&str; 14] = [
    "create",
    "create_subresource",
    "delete",
    "delete_collection",
    "entry",
    "evict",
    "patch",
    "patch_ephemeral_containers",
    "patch_metadata",
    "patch_status",
    "patch_subresource",
    "replace",
    "replace_status",
    "replace_subresource",
];

/// What a `Call` says that changes something.
const CHANGES: [&str; 6] = ["Create", "Replace", "Delete", "JsonPatch", "Merge", "StrategicMerge"];

/// The functions that name the collection of Pods, such as `fn pods(namespace) -> Request`.
pub(super) fn makers(house: &House) -> BTreeSet<String> {
    let functions = house.shipped().filter(|source| !source.is_test).flat_map(Source::functions);
    let makers = functions.filter(|function| function.body.iter().any(names_pods));
    makers.map(|function| function.name.to_owned()).collect()
}

fn names_pods(token: &Token) -> bool {
    token.text().is_some_and(|text| text.split(['/', '?']).skip(1).any(|part| part == "pods"))
}

/// The lines of its production code that write Pods.
pub(super) fn writes(source: &Source, makers: &BTreeSet<String>) -> Vec<usize> {
    let clients: BTreeSet<&str> =
        source.production().filter_map(|(index, _)| client(source, index, makers)).collect();
    let written = source.production().filter_map(|(index, token)| {
        if is_call(source, index, makers) {
            return Some(token.line);
        }
        let named = token.word().is_some_and(|word| clients.contains(word)).then_some(index);
        let end = of_pods(source, index, makers).or(named)?;
        source.tokens.get(verb(source, end + 1)?).map(|token| token.line)
    });
    let lines: BTreeSet<usize> = written.collect();
    lines.into_iter().collect()
}

/// Where an expression that stands for the collection of Pods ends, if one begins at an index: `pods(..)`,
/// `Request::new(".../pods")`, `Api::<Pod>::namespaced(..)`.
fn of_pods(source: &Source, index: usize, makers: &BTreeSet<String>) -> Option<usize> {
    let word = source.word(index)?;
    if makers.contains(word) {
        return source.closed_at(index + 1, '(');
    }
    if word == "Request" && source.word(index + 3) == Some("new") {
        let close = source.closed_at(index + 4, '(')?;
        return source.tokens[index..close].iter().any(names_pods).then_some(close);
    }
    let end = api_of_pods(source, index)?;
    source.closed_at(end + 4, '(').filter(|_| source.is_path_sign(end + 1))
}

/// Whether a `Call` begins at an index that changes Pods: `Call::new(Verb::Create, pods(..))`, or `Call { .. }`.
fn is_call(source: &Source, index: usize, makers: &BTreeSet<String>) -> bool {
    // A return type or an `impl` has a block behind it too, which is no value.
    let before = index.checked_sub(1);
    let is_value = !before.is_some_and(|at| {
        source.is_sign(at, '>') || matches!(source.word(at), Some("struct" | "impl" | "for"))
    });
    let made = (source.word(index) == Some("Call") && is_value).then(|| {
        let new = source.closed_at(index + 4, '(').filter(|_| source.word(index + 3) == Some("new"));
        new.or_else(|| source.closed_at(index + 1, '{'))
    });
    made.flatten().is_some_and(|close| {
        let says = |listed: &dyn Fn(&str) -> bool| {
            source.tokens[index..close].iter().filter_map(Token::word).any(listed)
        };
        let of_pods =
            says(&|word| makers.contains(word)) || source.tokens[index..close].iter().any(names_pods);
        of_pods && says(&|word| CHANGES.contains(&word))
    })
}

/// Where `Api<Pod>` or `Api::<Pod>` ends, if it begins at an index.
fn api_of_pods(source: &Source, index: usize) -> Option<usize> {
    source.word(index).filter(|word| *word == "Api")?;
    let open = if source.is_path_sign(index + 1) { index + 3 } else { index + 1 };
    let end = (open..source.tokens.len()).find(|at| source.is_sign(*at, '>'))?;
    (source.is_sign(open, '<') && source.word(end - 1) == Some("Pod")).then_some(end)
}

/// The name of a value that stands for the collection of Pods: a `let`, a field or an argument.
fn client<'a>(source: &'a Source, index: usize, makers: &BTreeSet<String>) -> Option<&'a str> {
    let name = source.word(index)?;
    let typed = source.is_sign(index + 1, ':') && !source.is_sign(index + 2, ':');
    let bound = source.is_sign(index + 1, '=') && !source.is_sign(index + 2, '=');
    let mut rest = (index + 2..source.tokens.len()).take_while(|at| !ends_binding(source, *at));
    let end = match (typed, bound) {
        (true, _) => rest.find_map(|at| api_of_pods(source, at)),
        (_, true) => {
            rest.find_map(|at| of_pods(source, at, makers)).filter(|end| verb(source, end + 1).is_none())
        }
        _ => None,
    };
    end.map(|_| name)
}

fn ends_binding(source: &Source, index: usize) -> bool {
    [';', ',', '='].iter().any(|sign| source.is_sign(index, *sign)) || source.closed_at(index, '{').is_some()
}

/// Where `.create(` or the like stands, if it does so at an index or behind a `?`.
fn verb(source: &Source, index: usize) -> Option<usize> {
    let index = if source.is_sign(index, '?') { index + 1 } else { index };
    let word = source.word(index + 1).filter(|_| source.is_sign(index, '.'))?;
    (VERBS.contains(&word) && source.closed_at(index + 2, '(').is_some()).then_some(index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let makers = BTreeSet::from(["pods".to_owned()]);
        writes(&Source::new("controller/src/a.rs", text).unwrap(), &makers)
    }

    #[test]
    fn every_way_to_write_pods_is_known() {
        assert_eq!(lines("fn f() { let r = request::pods(n)\n.create(&p, body)?; }"), [2]);
        assert_eq!(
            lines("fn f() { Request::new(format!(\"/api/v1/namespaces/{n}/pods\")).delete(n, &p); }"),
            [1]
        );
        assert_eq!(lines("fn f() { Api::<Pod>::namespaced(c, n).patch(n, &p, &x); }"), [1]);
        assert_eq!(lines("fn f() { let all: Api<Pod> = g();\nall.replace(n, &p, &x); }"), [2]);
        assert_eq!(lines("fn f(all: &Api<v1::Pod>) {\n\nall.patch_metadata(n, &p, &x); }"), [3]);
        assert_eq!(lines("fn f() { let all = pods(n);\nall.delete(n, &p); }"), [2]);
        assert_eq!(lines("fn f() -> Call {\nCall::new(Verb::Create, pods(n)).with(pod) }"), [2]);
        assert_eq!(
            lines("fn f() { Call { verb: Verb::Delete, path: format!(\"/api/v1/{n}/pods/{p}\") } }"),
            [1]
        );
        assert_eq!(lines("struct S { all: Api<Pod> }\nfn f() { self.all.delete(n, &p); }"), [2]);
    }

    #[test]
    fn reads_and_other_collections_are_left_alone() {
        assert_eq!(lines("fn f() { pods(n).get(name, &p); index.pods(n, o).lock().delete(1); }"), [0; 0]);
        assert_eq!(lines("fn f() -> Call { Call::new(Verb::Get, pods(n)) }"), [0; 0]);
        assert_eq!(lines("fn f() -> Call { Call::new(Verb::Create, revisions(n)) }"), [0; 0]);
        assert_eq!(lines("fn f() { let s: Api<Secret> = g(); s.replace(n, &p, &x); }"), [0; 0]);
        assert_eq!(lines("#[cfg(test)]\nmod tests { fn f() { pods(n).delete(n, &p); } }"), [0; 0]);
    }

    #[test]
    fn the_functions_that_name_the_collection_are_found() {
        let text = "fn those(n: &str) -> Request { Request::new(format!(\"/api/v1/{n}/pods\")) }\nfn other() { \"pods\" }";
        let house = House::of(&[("controller/src/request.rs", text)]);
        assert_eq!(makers(&house), BTreeSet::from(["those".to_owned()]));
    }
}
