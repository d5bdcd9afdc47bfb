//! What is written by one file only: the status of workloads, and Pods.

mod pods;
mod status;

use super::house::House;
use super::plan::{Exception, OTHER_POD_REQUESTS, POD_WRITER, STATUS_WRITER};
use super::source::Source;
use super::violation::Violation;

/// The `status` subresource of workloads is written in one file.
pub(super) fn status_has_one_writer(house: &House) -> Vec<Violation> {
    let rule = Rule { name: "one-status-writer", what: "the status of a workload", writer: STATUS_WRITER };
    rule.check(house, status::writes, &[])
}

/// Requests that create, change or delete Pods are made in one file.
pub(super) fn pods_have_one_writer(house: &House) -> Vec<Violation> {
    let makers = pods::makers(house);
    let rule = Rule { name: "one-pod-writer", what: "Pods", writer: POD_WRITER };
    rule.check(house, |source| pods::writes(source, &makers), &OTHER_POD_REQUESTS)
}

struct Rule {
    name: &'static str,
    what: &'static str,
    writer: &'static str,
}

impl Rule {
    fn check(
        &self,
        house: &House,
        writes: impl Fn(&Source) -> Vec<usize>,
        exceptions: &[Exception],
    ) -> Vec<Violation> {
        let Self { name, what, writer } = *self;
        let mut found = Vec::new();
        let mut must_write: Vec<&str> = vec![writer];
        must_write.extend(exceptions.iter().map(|exception| exception.path));
        for source in house.shipped() {
            let lines = writes(source);
            if let Some(known) = must_write.iter().position(|path| *path == source.path) {
                if !lines.is_empty() {
                    must_write.swap_remove(known);
                }
                continue;
            }
            let told = format!("{what} may be written by {writer} only; have the request made there");
            found
                .extend(lines.into_iter().map(|line| Violation::new(&source.path, line, name, told.clone())));
        }
        found.extend(must_write.iter().map(|path| {
            let why =
                exceptions.iter().find(|exception| exception.path == *path).map_or("", |known| known.why);
            let told = format!("it no longer writes {what} ({why}); mend its name in xtask/src/tidy/plan.rs");
            Violation::new(path, 1, name, told.replace(" ()", ""))
        }));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "fn write() { workloads(n).replace_subresource(\"status\", name, &p, body); }";
    const APPLY: &str = "fn delete() { pods(n).delete(name, &p); }";

    fn lines(found: &[Violation]) -> Vec<(&str, usize)> {
        found.iter().map(|violation| (&*violation.path, violation.line)).collect()
    }

    #[test]
    fn a_second_writer_of_status_is_found() {
        let good = [(STATUS_WRITER, COMMIT), ("core/src/a.rs", "fn f() { json!({\"status\": 1}); }")];
        assert_eq!(status_has_one_writer(&House::of(&good)), []);
        let bad = [(STATUS_WRITER, COMMIT), ("core/src/a.rs", "fn f() {\n  api.patch_status(name, p, b); }")];
        assert_eq!(lines(&status_has_one_writer(&House::of(&bad))), [("core/src/a.rs", 2)]);
    }

    #[test]
    fn a_writer_that_has_moved_is_missed() {
        let moved = [("core/src/commit.rs", COMMIT)];
        let found = status_has_one_writer(&House::of(&moved));
        assert_eq!(lines(&found), [("core/src/commit.rs", 1), (STATUS_WRITER, 1)]);
    }

    #[test]
    fn a_second_writer_of_pods_is_found_and_an_exception_that_is_none_any_more() {
        let request =
            ("controller/src/request.rs", "fn pods() -> Request { Request::new(\"/api/v1/pods\") }");
        let mut files = vec![request, (POD_WRITER, APPLY)];
        files.extend(OTHER_POD_REQUESTS.map(|exception| (exception.path, APPLY)));
        assert_eq!(pods_have_one_writer(&House::of(&files)), []);
        files.push(("live/src/lib.rs", APPLY));
        assert_eq!(lines(&pods_have_one_writer(&House::of(&files))), [("live/src/lib.rs", 1)]);
        files[2].1 = "";
        let found = pods_have_one_writer(&House::of(&files));
        assert!(found[1].what.contains(OTHER_POD_REQUESTS[0].why), "{found:?}");
    }
}
