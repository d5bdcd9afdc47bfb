//! How far the runner's duration is from the hook's own: what it records, less what the hook measures itself.
//!
//! `cargo run --release -p hook-runner --example accuracy -- --runner PROGRAM… [--rounds N] [--at-once N] [--sleep MS]`
//!
//! The hook is this program, which reads the monotonic clock first and last thing and tells the difference. Build it
//! statically, or else the time that its libraries take to load is counted too. Several runners take turns, each of
//! them with the live channel and without if it has one.
#![allow(clippy::print_stdout, reason = "a benchmark speaks on its standard output")]
#![allow(clippy::unwrap_used, reason = "where the operator of the tests fails, there is nothing to measure")]

mod support;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hooked_protocol::{SERVER_NAME, parse};
use support::operator::{Authority, Operator, listen, write_volume};
use support::{Outcome, in_scratch};

fn main() -> Outcome<()> {
    let began = Instant::now();
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let [word, sleep] = words.as_slice()
        && word == "hook"
    {
        std::thread::sleep(Duration::from_millis(sleep.to_str().ok_or("not a number")?.parse()?));
        println!("{}", began.elapsed().as_micros());
        return Ok(());
    }
    let settings = Settings::from_arguments(words.into_iter())?;
    in_scratch("accuracy", |scratch| measure(&settings, scratch))
}

struct Settings {
    runners: Vec<PathBuf>,
    rounds: usize,
    at_once: usize,
    sleep: String,
}

impl Settings {
    fn from_arguments(mut words: impl Iterator<Item = OsString>) -> Outcome<Self> {
        let mut settings = Self { runners: Vec::new(), rounds: 300, at_once: 50, sleep: "5".to_owned() };
        while let Some(option) = words.next() {
            let value =
                words.next().and_then(|value| value.into_string().ok()).ok_or("an option lacks its value")?;
            match option.to_str() {
                Some("--runner") => settings.runners.push(fs::canonicalize(value)?),
                Some("--rounds") => settings.rounds = value.parse()?,
                Some("--at-once") => settings.at_once = value.parse()?,
                Some("--sleep") => settings.sleep = value,
                _ => return Err(format!("unknown option {}", option.display()).into()),
            }
        }
        if settings.runners.is_empty() { Err("--runner is missing".into()) } else { Ok(settings) }
    }
}

/// A runner, with the live channel or without, and what it was wrong by, in microseconds.
struct Contender<'a> {
    program: &'a Path,
    live: bool,
    errors: Vec<i64>,
}

fn measure(settings: &Settings, scratch: &Path) -> Outcome<()> {
    let authority = Authority::new();
    let operator = Operator::serve(listen(), &authority, SERVER_NAME, |mut conversation| {
        conversation.believe().map(drop)
    });
    write_volume(&scratch.join("live"), &operator.address.to_string(), &authority.pem());
    println!(
        "us, least / p50 / p90 / p99 / most of: recorded less the hook's own, which sleeps {} ms",
        settings.sleep
    );
    for (at_once, rounds) in [(1, settings.rounds), (settings.at_once, settings.rounds.div_ceil(10))] {
        let mut contenders: Vec<_> = settings
            .runners
            .iter()
            .flat_map(|program| [false, true].map(|live| Contender { program, live, errors: Vec::new() }))
            .filter(|contender| !contender.live || speaks(contender.program))
            .collect();
        for _ in 0..rounds {
            for contender in &mut contenders {
                contender.run(at_once, &settings.sleep, scratch)?;
            }
        }
        for contender in &mut contenders {
            contender.errors.sort_unstable();
            let at = |percent: usize| {
                contender.errors[(contender.errors.len() * percent / 100).min(contender.errors.len() - 1)]
            };
            let live = if contender.live { "live" } else { "" };
            println!(
                "{at_once:>3} at once  {:>7} / {:>7} / {:>7} / {:>7} / {:>7}  {} {live}",
                at(0),
                at(50),
                at(90),
                at(99),
                at(100),
                contender.program.display()
            );
        }
    }
    Ok(())
}

/// Whether the runner knows of the live channel.
fn speaks(program: &Path) -> bool {
    let run = ["run", "--live", "/nowhere", "--container", "web", "--hook", "PreStop", "--", "/bin/true"];
    Command::new(program).args(run).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

impl Contender<'_> {
    fn run(&mut self, at_once: usize, sleep: &str, scratch: &Path) -> Outcome<()> {
        let logs: Vec<PathBuf> = (0..at_once).map(|number| scratch.join(number.to_string())).collect();
        for log in &logs {
            fs::write(log, "")?;
        }
        let children = logs.iter().map(|log| self.start(log, sleep, scratch)).collect::<Outcome<Vec<_>>>()?;
        for (child, log) in children.into_iter().zip(&logs) {
            let output = child.wait_with_output()?;
            let own: i64 = String::from_utf8(output.stdout)?.trim().parse()?;
            let record =
                parse(&fs::read_to_string(log)?).pop().and_then(|record| record.ending).ok_or("no record")?;
            self.errors.push(i64::try_from(record.duration)? - own);
        }
        Ok(())
    }

    fn start(&self, log: &Path, sleep: &str, scratch: &Path) -> Outcome<Child> {
        let mut command = Command::new(self.program);
        command.args(["run", "--container", "web", "--hook", "PostStart", "--budget", "4096"]);
        command.arg("--termination-log").arg(log);
        if self.live {
            command.arg("--live").arg(scratch.join("live"));
        }
        command.arg("--").arg(std::env::current_exe()?).args(["hook", sleep]);
        Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }
}
