//! The files of a shipped crate import each other in one direction: no two of them each need the other, by any way.

mod components;
mod imports;
mod modules;
mod resolve;
mod uses;

use super::house::House;
use super::plan::SHIPPED;
use super::violation::Violation;
use components::components;
use imports::Import;
use modules::Modules;

const RULE: &str = "import-circle";

/// No circle of imports is among the files of a crate.
pub(super) fn are_none(house: &House) -> Vec<Violation> {
    SHIPPED.iter().flat_map(|room| of_crate(house, room.name)).collect()
}

fn of_crate(house: &House, name: &str) -> Vec<Violation> {
    let modules = Modules::of(house, name);
    let imports = imports::all(&modules);
    let arrows: Vec<_> = imports.iter().map(|import| (import.from, import.to)).collect();
    components(modules.len(), &arrows).iter().filter_map(|circle| told(&modules, &imports, circle)).collect()
}

/// A circle, with its files and the imports that make it.
fn told(modules: &Modules<'_>, imports: &[Import], circle: &[usize]) -> Option<Violation> {
    let path = |module: usize| &*modules.source(module).path;
    let files: Vec<_> = circle.iter().map(|module| path(*module)).collect();
    let within = imports.iter().filter(|import| circle.contains(&import.from) && circle.contains(&import.to));
    let mut what = format!(
        "{} files import each other in a circle: {}; move what both need below both",
        files.len(),
        files.join(", ")
    );
    what.extend(within.clone().map(|Import { from, to, line, said }| {
        format!("\n    {}:{line} imports {} by {said}", path(*from), path(*to))
    }));
    let first = within.clone().next()?;
    Some(Violation::new(path(first.from), first.line, RULE, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which files of a crate are in circles.
    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files.iter().map(|(path, text)| (format!("core/src/{path}"), *text)).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (&**path, *text)).collect();
        let told = are_none(&House::of(&files)).into_iter();
        let files = told.map(|violation| {
            let (_, rest) = violation.what.split_once(": ").unwrap();
            rest.split(';').next().unwrap().replace("core/src/", "")
        });
        files.collect()
    }

    #[test]
    fn siblings_that_import_each_other_are_a_circle() {
        let lib = ("lib.rs", "pub mod a;\npub mod b;\npub mod c;");
        let found = circles(&[
            lib,
            ("a.rs", "use crate::b::B;\npub struct A;"),
            ("b.rs", "pub struct B;\nfn f() -> super::a::A { super::a::A }"),
            ("c.rs", "use crate::{a::A, b::B};"),
        ]);
        assert_eq!(found, ["a.rs, b.rs"]);
    }

    #[test]
    fn a_circle_of_three_is_told_with_the_lines_that_make_it() {
        let house = House::of(&[
            ("core/src/lib.rs", "mod a;\nmod b;\nmod c;"),
            ("core/src/a.rs", "\nuse crate::b::B;"),
            ("core/src/b.rs", "use crate::c;\nfn f() { c::g() }\npub struct B;"),
            ("core/src/c.rs", "pub fn g() { json!({\"a\": crate::a::h()}) }"),
        ]);
        let found = are_none(&house);
        assert_eq!((&*found[0].path, found[0].line), ("core/src/a.rs", 2));
        let lines: Vec<_> = found[0].what.lines().skip(1).map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "core/src/a.rs:2 imports core/src/b.rs by crate::b::B",
                "core/src/b.rs:2 imports core/src/c.rs by c::g",
                "core/src/c.rs:1 imports core/src/a.rs by crate::a::h",
            ]
        );
    }

    #[test]
    fn a_room_that_only_passes_on_what_its_children_have_is_none() {
        let pod =
            "mod fact;\nmod shape;\npub use fact::Fact;\npub(crate) use shape::{Shape, Kind as ShapeKind};";
        let found = circles(&[
            ("lib.rs", "pub mod pod;\npub mod plan;"),
            ("pod/mod.rs", pod),
            ("pod/fact.rs", "use super::Shape;\nuse crate::pod::ShapeKind;\npub struct Fact;"),
            ("pod/shape.rs", "pub struct Shape;\npub enum Kind { A }"),
            ("plan.rs", "use crate::pod::{self, Fact};\nfn f(s: pod::Shape) {}"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_room_that_uses_its_children_and_is_used_by_them_is_one() {
        let used = ("a/b.rs", "use super::A;\npub struct B(A);");
        let lib = ("lib.rs", "pub mod a;");
        for mod_rs in [
            "mod b;\nuse b::B;\npub struct A;\nfn f(b: B) {}",
            "mod b;\npub struct A;\nfn f(b: b::B) {}",
            "mod b;\npub use b::B;\npub struct A;\nfn f(b: B) {}",
            "mod b;\npub struct A;\nfn f() { use self::b::*; }",
        ] {
            assert_eq!(circles(&[lib, ("a/mod.rs", mod_rs), used]), ["a/b.rs, a/mod.rs"], "{mod_rs}");
        }
        assert_eq!(circles(&[lib, ("a/mod.rs", "mod b;\npub use b::B;\npub struct A;"), used]), [""; 0]);
    }

    #[test]
    fn what_is_passed_on_is_imported_from_where_it_is_made() {
        let found = circles(&[
            ("lib.rs", "pub mod a;\npub mod b;"),
            ("a/mod.rs", "mod deep;\npub use deep::*;\nuse crate::b::B;"),
            ("a/deep.rs", "pub fn f() {}"),
            ("b.rs", "use crate::a::f;\npub struct B;"),
        ]);
        assert_eq!(found, [""; 0], "b imports a/deep.rs, which imports nothing");
    }

    #[test]
    fn tests_may_import_what_they_like() {
        let found = circles(&[
            ("lib.rs", "mod a;\nmod b;"),
            ("a.rs", "pub struct A;\n#[cfg(test)]\nmod tests { use crate::b::B; }"),
            ("b.rs", "use crate::a::A;\npub struct B;"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn crates_of_others_and_modules_within_a_file_make_no_circle() {
        let found = circles(&[
            ("lib.rs", "mod a;\nmod b;\nuse kube::Client;"),
            (
                "a.rs",
                "use super::Client;\nuse std::b::C;\npub mod names { use super::D; pub const E: u8 = 1; }\nstruct D;",
            ),
            ("b.rs", "use crate::a::names::E;\nuse kube::{a::A, Client};"),
        ]);
        assert_eq!(found, [""; 0]);
    }
}
