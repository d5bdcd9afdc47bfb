//! Which Kubernetes is enough: documents claim what the scenarios are run on, and nothing older.

use hooked_cluster::Kubernetes;

use super::house::House;
use super::violation::Violation;

const RULE: &str = "kubernetes-is-run";

/// How documents claim it, behind the version.
const CLAIMS: [&str; 2] = [" or newer", " and newer"];

/// Where a document says which version or newer is enough, that is the oldest that the scenarios are run on.
pub(super) fn claims_are_run(house: &House) -> Vec<Violation> {
    let lines =
        house.documents().flat_map(|(path, text)| (1..).zip(text.lines()).map(move |line| (path, line)));
    let told = lines.flat_map(|(path, (number, line))| {
        let wrong = claims(line).filter(|version| *version != Kubernetes::OLDEST.name());
        wrong.map(move |version| (path, number, version))
    });
    told.map(|(path, line, version)| {
        let what = format!("{version} is claimed, and {} is the oldest that is run", Kubernetes::OLDEST);
        Violation::new(path, line, RULE, what)
    })
    .collect()
}

/// The versions that a line claims to be enough.
fn claims(line: &str) -> impl Iterator<Item = &str> {
    line.split("Kubernetes ").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (version, behind) = rest.split_at(end);
        (!version.is_empty() && CLAIMS.iter().any(|claim| behind.starts_with(claim))).then_some(version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[usize]) {
        let house = House::of(&[("docs/a.md", text)]);
        let lines: Vec<_> = claims_are_run(&house).iter().map(|violation| violation.line).collect();
        assert_eq!(lines, expect, "{text}");
    }

    #[test]
    fn only_what_is_run_is_claimed() {
        let oldest = Kubernetes::OLDEST;
        check(&format!("Kubernetes {oldest} or newer, and **Kubernetes {oldest} and newer**"), &[]);
        check("text\nYou need Kubernetes 1.2 or newer", &[2]);
        check(&format!("Kubernetes {oldest} or newer. Kubernetes 1.99 and newer"), &[1]);
    }

    #[test]
    fn a_version_that_is_told_of_is_no_claim() {
        check(
            "since Kubernetes 1.2 Pods are counted; Kubernetes v1.2 or newer; Kubernetes or newer; Kubernetes 1.2",
            &[],
        );
    }
}
