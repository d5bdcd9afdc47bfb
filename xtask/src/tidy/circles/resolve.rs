//! What a path leads to: the file in which the thing is made, whoever has passed it on.

use super::modules::Modules;
use super::uses::Use;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A module itself.
    Module(usize),
    /// Something that a module makes.
    Item(usize),
    /// Something of another crate.
    Outside,
}

/// So many times a thing is passed on; more is a circle of `use`, which no compiler takes.
const LONGEST_WAY: usize = 16;

/// Follows a path that stands in a module.
pub(super) fn resolve(modules: &Modules<'_>, from: usize, segments: &[String]) -> Target {
    Way { modules, left: LONGEST_WAY }.start(from, segments)
}

#[derive(Clone, Copy)]
struct Way<'a> {
    modules: &'a Modules<'a>,
    left: usize,
}

impl Way<'_> {
    fn start(self, from: usize, segments: &[String]) -> Target {
        let Some((first, rest)) = segments.split_first() else { return Target::Module(from) };
        let modules = self.modules;
        let start = match first.as_str() {
            "crate" => modules.root(),
            "super" => modules.parent(from),
            "self" => Some(from),
            name => {
                let known = self.offered(from, name, rest.is_empty());
                return known.map_or(Target::Outside, |known| self.go_on(known, rest));
            }
        };
        start.map_or(Target::Outside, |start| self.walk(start, rest))
    }

    /// Goes on from a module; a thing that it does not seem to offer is its own, made by a macro.
    fn walk(self, module: usize, segments: &[String]) -> Target {
        let Some((first, rest)) = segments.split_first() else { return Target::Module(module) };
        if first == "super" {
            return self.modules.parent(module).map_or(Target::Outside, |parent| self.walk(parent, rest));
        }
        let known =
            self.offered(module, first, rest.is_empty()).or_else(|| self.offered_by_all(module, first));
        self.go_on(known.unwrap_or(Target::Item(module)), rest)
    }

    fn go_on(self, target: Target, rest: &[String]) -> Target {
        if let Target::Module(module) = target { self.walk(module, rest) } else { target }
    }

    /// What a name is in a module: a thing may bear the name of a module, and then goes last in a path.
    fn offered(self, module: usize, name: &str, is_last: bool) -> Option<Target> {
        let child = || self.modules.child(module, name).map(Target::Module);
        let said = self.modules.said(module);
        let used = || said.uses.iter().find(|found| found.name.as_deref() == Some(name));
        let item = || {
            let defined = said.defined.contains(name).then_some(Target::Item(module));
            defined.or_else(|| used().map(|found| self.follow(module, found)))
        };
        if is_last { item().or_else(child) } else { child().or_else(item) }
    }

    /// What a name is by the `use path::*` of a module.
    fn offered_by_all(self, module: usize, name: &str) -> Option<Target> {
        let mut all = self.modules.said(module).uses.iter().filter(|found| found.name.is_none());
        all.find_map(|found| match self.follow(module, found) {
            Target::Module(other) if self.left > 0 && other != module => {
                let further = Way { left: self.left - 1, ..self };
                further.offered(other, name, true).or_else(|| further.offered_by_all(other, name))
            }
            _ => None,
        })
    }

    fn follow(self, module: usize, found: &Use) -> Target {
        if self.left == 0 {
            return Target::Item(module);
        }
        Way { left: self.left - 1, ..self }.start(module, &found.path.segments)
    }
}
