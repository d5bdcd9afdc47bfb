//! How far two versions are apart, and what that means.

/// The operator's version: what a label says, or the tag of its image if that is a version.
pub(super) fn version(labelled: Option<&str>, image: &str) -> Option<String> {
    let image = image.split('@').next().unwrap_or_default();
    // A colon before the last slash is that of a port.
    let name = image.rsplit('/').next().unwrap_or_default();
    let tag = name.split_once(':').map(|(_, tag)| tag);
    let known = labelled.into_iter().chain(tag).map(|text| text.trim_start_matches('v'));
    known.into_iter().find(|text| numbers(text).is_some()).map(str::to_owned)
}

/// How the operator's version stands to this program's.
pub(super) fn words(client: &str, operator: Option<&str>) -> String {
    let Some(operator) = operator else {
        return "the image names no version, so that it cannot be held against this program's".to_owned();
    };
    match numbers(operator).cmp(&numbers(client)) {
        std::cmp::Ordering::Equal if operator == client => "the same as this program".to_owned(),
        std::cmp::Ordering::Equal => format!("another build of {client} than this program"),
        std::cmp::Ordering::Greater => format!(
            "newer than this program, which does not show what {operator} has added: bring kubectl-hooked up to date"
        ),
        std::cmp::Ordering::Less => {
            format!(
                "older than this program: what {client} has added is not there until the operator is updated"
            )
        }
    }
}

/// The three numbers of a version; what stands behind them, as in `1.2.3-rc.1`, is passed over.
fn numbers(text: &str) -> Option<[u64; 3]> {
    let core = text.split(['-', '+']).next()?;
    let numbers: Result<Vec<u64>, _> = core.split('.').map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_that_of_a_label_or_of_the_image() {
        let check = |labelled, image, expect: Option<&str>| {
            assert_eq!(version(labelled, image).as_deref(), expect, "{image}");
        };
        check(None, "hooked.dev/hooked:v1.2.3", Some("1.2.3"));
        check(None, "host:5000/hooked:1.2.3-rc.1@sha256:00", Some("1.2.3-rc.1"));
        check(Some("1.3.0"), "hooked:v1.2.3", Some("1.3.0"));
        check(Some("main"), "hooked:1.2.3", Some("1.2.3"));
        check(None, "host:5000/hooked", None);
        check(None, "hooked:dev", None);
    }

    #[test]
    fn skew_is_said_in_words_with_what_helps() {
        let check = |operator, expect: &str| {
            let words = words("0.10.0", operator);
            assert!(words.starts_with(expect), "{words}");
        };
        check(Some("0.10.0"), "the same");
        check(Some("0.10.0-rc.1"), "another build");
        check(Some("0.11.0"), "newer than this program");
        check(Some("0.9.9"), "older than this program");
        check(None, "the image names no version");
    }
}
