//! The core reads no clock, no environment and no file: clippy refuses it, by settings that must be there.

use super::house::House;
use super::violation::Violation;

const RULE: &str = "no-clock-in-core";
const SETTINGS: &str = "core/clippy.toml";
const ROOT: &str = "clippy.toml";

/// What the core must not call or hold.
const REFUSED: [&str; 37] = [
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::env::args",
    "std::env::var",
    "std::env::var_os",
    "std::env::vars",
    "std::env::vars_os",
    "std::fs::File",
    "std::fs::OpenOptions",
    "std::fs::create_dir",
    "std::fs::create_dir_all",
    "std::fs::metadata",
    "std::fs::read",
    "std::fs::read_dir",
    "std::fs::read_to_string",
    "std::fs::remove_dir_all",
    "std::fs::remove_file",
    "std::fs::rename",
    "std::fs::write",
    "std::io::stdin",
    "std::net::TcpListener",
    "std::net::TcpListener::bind",
    "std::net::TcpStream",
    "std::net::TcpStream::connect",
    "std::net::UdpSocket",
    "std::net::UdpSocket::bind",
    "std::process::Command",
    "std::thread::sleep",
    "std::thread::spawn",
    "std::time::Instant",
    "std::time::Instant::elapsed",
    "std::time::Instant::now",
    "std::time::SystemTime",
    "std::time::SystemTime::elapsed",
    "std::time::SystemTime::now",
];

/// Clippy is told to refuse the core every clock, and all else that it is told of every crate.
pub(super) fn is_out_of_reach_of_core(house: &House) -> Vec<Violation> {
    let Some(settings) = house.text(SETTINGS) else {
        return vec![Violation::new(SETTINGS, 1, RULE, "it must be there and refuse the core every clock")];
    };
    let names = REFUSED.iter().filter(|name| !settings.contains(&format!("path = \"{name}\"")));
    let unrefused = names.map(|name| format!("{name} is not refused; name it with a reason"));
    // A nested file replaces the one at the top: clippy reads no other.
    let everywhere = house.text(ROOT).unwrap_or_default().lines();
    let kept = everywhere.filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let lost = kept.filter(|line| !settings.lines().any(|own| own == *line));
    let lost =
        lost.map(|line| format!("it replaces {ROOT} for the core, so that it must say this too: {line}"));
    unrefused.chain(lost).map(|what| Violation::new(SETTINGS, 1, RULE, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> String {
        let lines = REFUSED.map(|name| format!("  {{ path = \"{name}\", reason = \"it is I/O\" }},\n"));
        format!("allow-unwrap-in-tests = true\ndisallowed-methods = [\n{}]\n", lines.concat())
    }

    fn count(settings: &str) -> usize {
        let root = "# Tests may unwrap.\nallow-unwrap-in-tests = true\n";
        is_out_of_reach_of_core(&House::of(&[(ROOT, root), (SETTINGS, settings)])).len()
    }

    #[test]
    fn settings_that_refuse_every_clock_are_good() {
        assert_eq!(count(&complete()), 0);
    }

    #[test]
    fn a_clock_that_is_let_in_is_found() {
        assert_eq!(count(&complete().replace("jiff::Zoned::now", "jiff::Zoned::new")), 1);
        assert_eq!(is_out_of_reach_of_core(&House::of(&[])).len(), 1);
    }

    #[test]
    fn what_holds_for_all_holds_for_the_core() {
        assert_eq!(count(&complete().replace("allow-unwrap-in-tests", "allow-expect-in-tests")), 1);
    }
}
