//! What the runner costs: time added to a hook, size on disk, memory while a hook runs.
//!
//! `cargo run --release -p hook-runner --example startup -- --runner PROGRAM [--tini PROGRAM] \
//!     [--hook PROGRAM] [--rounds N]`
//!
//! The contenders take turns, so that whatever else the machine does hits all of them alike. The hook has to say
//! something: what is added at its start is the time until its first byte is there, what is added in all that until the
//! end of all. With the live channel the runner speaks with an operator in this process, with nobody, or with one that
//! never answers.
#![allow(clippy::print_stdout, reason = "a benchmark speaks on its standard output")]
#![allow(clippy::unwrap_used, reason = "where the operator of the tests fails, there is nothing to measure")]

mod support;

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hooked_protocol::{FromOperator, Hook, Invocation, SERVER_NAME};
use support::operator::{Authority, Operator, PROOF, listen, write_volume};
use support::{Outcome, in_scratch};

fn main() -> Outcome<()> {
    let settings = Settings::from_arguments(std::env::args_os().skip(1))?;
    in_scratch("startup", |scratch| measure(&settings, scratch))
}

/// The program that the runner stands beside: it starts another one and waits for its end, and nothing else.
const TINI: &str = "tini-static";

struct Settings {
    runner: PathBuf,
    tini: Option<PathBuf>,
    hook: PathBuf,
    rounds: usize,
}

impl Settings {
    fn from_arguments(mut words: impl Iterator<Item = OsString>) -> Outcome<Self> {
        let mut settings =
            Self { runner: PathBuf::new(), tini: None, hook: "/bin/echo".into(), rounds: 1000 };
        while let Some(option) = words.next() {
            let value = words.next().ok_or("an option lacks its value")?;
            match option.to_str() {
                Some("--runner") => settings.runner = fs::canonicalize(value)?,
                Some("--tini") => settings.tini = Some(fs::canonicalize(value)?),
                Some("--hook") => settings.hook = value.into(),
                Some("--rounds") => settings.rounds = value.to_str().ok_or("not a number")?.parse()?,
                _ => return Err(format!("unknown option {}", option.display()).into()),
            }
        }
        if settings.runner.as_os_str().is_empty() { Err("--runner is missing".into()) } else { Ok(settings) }
    }
}

fn measure(settings: &Settings, scratch: &Path) -> Outcome<()> {
    let log = scratch.join("termination-log");
    let mut contenders = vec![Contender::new("bare exec", &[])];
    if let Some(tini) = &settings.tini {
        contenders.push(Contender::new(TINI, &tini_words(tini)));
    }
    let program = &settings.runner;
    let ways = Ways::open(scratch);
    let recorded = Some((scratch, log.as_path()));
    contenders.push(Contender::new("runner, no record", &runner(program, None, None)));
    contenders.push(Contender::new("runner", &runner(program, recorded, None)));
    for (name, way) in [("live", &ways.heard), ("live, nobody there", &ways.nobody)] {
        contenders.push(Contender::new(name, &runner(program, recorded, Some(way))));
    }
    let silent = Contender::new("live, no answer", &runner(program, recorded, Some(&ways.silent)));
    contenders.push(Contender { every: 20, ..silent });
    for round in 0..settings.rounds + 20 {
        for contender in contenders.iter_mut().filter(|contender| round % contender.every == 0) {
            fs::write(&log, "")?;
            let times = contender.time(&settings.hook)?;
            // The first rounds fill caches.
            if round >= 20 {
                contender.starts.push(times.0);
                contender.ends.push(times.1);
            }
        }
    }
    print_times(&mut contenders);
    println!();
    println!("size of the runner: {} bytes", fs::metadata(&settings.runner)?.len());
    println!();
    // Those before are of the hooks that ran until now.
    while ways.welcomed.try_recv().is_ok() {}
    println!("{:<20} {}", "while a hook runs", MEMORY.map(|name| format!("{name:>10}")).concat());
    if let Some(tini) = &settings.tini {
        memory(TINI, &tini_words(tini), None)?;
    }
    memory("runner", &runner(program, recorded, None), None)?;
    memory("live", &runner(program, recorded, Some(&ways.heard)), Some(&ways))?;
    Ok(())
}

/// Where the live channel leads.
struct Ways {
    heard: PathBuf,
    nobody: PathBuf,
    silent: PathBuf,
    /// Each welcome that was said on the first of them.
    welcomed: Receiver<()>,
    /// Listens, and never accepts.
    _silent: std::net::TcpListener,
}

impl Ways {
    fn open(scratch: &Path) -> Self {
        let authority = Authority::new();
        let (tell, welcomed) = channel();
        let operator = Operator::serve(listen(), &authority, SERVER_NAME, move |mut conversation| {
            conversation.hello()?;
            conversation.say(&FromOperator::Welcome { proof: PROOF })?;
            let _ = tell.send(());
            conversation.ended()?;
            conversation.say(&FromOperator::Taken)
        });
        let (nobody, silent) = (listen().local_addr().unwrap(), listen());
        let [heard, nobody, silent_way] =
            [("heard", operator.address), ("nobody", nobody), ("silent", silent.local_addr().unwrap())].map(
                |(name, address)| {
                    write_volume(&scratch.join(name), &address.to_string(), &authority.pem());
                    scratch.join(name)
                },
            );
        Self { heard, nobody, silent: silent_way, welcomed, _silent: silent }
    }
}

fn tini_words(tini: &Path) -> Vec<OsString> {
    vec![tini.into(), "-s".into(), "--".into()]
}

fn runner(program: &Path, record: Option<(&Path, &Path)>, live: Option<&Path>) -> Vec<OsString> {
    let mut invocation = Invocation::new("web".to_owned(), Hook::PreStop, Vec::new());
    if let Some((directory, log)) = record {
        invocation.record_dir = Some(directory.into());
        invocation.termination_log = Some(log.into());
        invocation.budget = Some(4096);
        invocation.output_bytes = Some(1024);
    }
    // With the live channel, a hook during which the runner speaks.
    invocation.hook = if live.is_some() { Hook::PostStart } else { Hook::PreStop };
    invocation.live = live.map(Into::into);
    [program.into()].into_iter().chain(invocation.to_words()).collect()
}

struct Contender {
    name: &'static str,
    wrapper: Vec<OsString>,
    /// In which rounds it takes part: one of so many.
    every: usize,
    starts: Vec<Duration>,
    ends: Vec<Duration>,
}

impl Contender {
    fn new(name: &'static str, wrapper: &[OsString]) -> Self {
        Self { name, wrapper: wrapper.to_vec(), every: 1, starts: Vec::new(), ends: Vec::new() }
    }

    /// The time until the hook's first byte, and until the end.
    fn time(&self, hook: &Path) -> Outcome<(Duration, Duration)> {
        let began = Instant::now();
        let mut child = start(&self.wrapper, hook, &["here"])?;
        let mut first = [0];
        child.stdout.as_mut().ok_or("no stdout")?.read_exact(&mut first)?;
        let start = began.elapsed();
        let status = child.wait()?;
        let end = began.elapsed();
        if status.success() { Ok((start, end)) } else { Err(format!("{}: {status}", self.name).into()) }
    }
}

fn start(wrapper: &[OsString], hook: &Path, arguments: &[&str]) -> Outcome<Child> {
    let mut words = wrapper.iter().cloned().chain([hook.into()]).chain(arguments.iter().map(OsString::from));
    let program = words.next().ok_or("no program")?;
    let mut command = Command::new(program);
    // A null device would spare the runner its second pipe.
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command.spawn()?)
}

fn print_times(contenders: &mut [Contender]) {
    let columns = ["at the start (added)", "in all (added)", "added at the start"];
    println!("{:<20} {:>26} {:>26} {:>20}", "ms, p50 / p90", columns[0], columns[1], columns[2]);
    let (mut bare, mut of_tini) = (None, None);
    for contender in contenders {
        let now = [quantiles(&mut contender.starts), quantiles(&mut contender.ends)];
        let bare = *bare.get_or_insert(now);
        let [starts, ends] = [0, 1].map(|index: usize| {
            let ((p50, p90), (bare50, bare90)) = (now[index], bare[index]);
            format!("{p50:.2} / {p90:.2} ({:.2} / {:.2})", p50 - bare50, p90 - bare90)
        });
        let added = now[0].0 - bare[0].0;
        if contender.name == TINI {
            of_tini = Some(added);
        }
        let ratio = of_tini.map_or_else(String::new, |of_tini| format!("{:.2} of {TINI}'s", added / of_tini));
        println!("{:<20} {starts:>26} {ends:>26} {ratio:>20}", contender.name);
    }
}

/// The 50th and the 90th percentile, in milliseconds.
fn quantiles(times: &mut [Duration]) -> (f64, f64) {
    times.sort_unstable();
    let at = |percent: usize| {
        times.get(times.len() * percent / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    (at(50), at(90))
}

/// What the table of memory shows, from `/proc/PID/status`: KiB, but for the threads.
const MEMORY: [&str; 4] = ["VmRSS", "RssAnon", "RssFile", "Threads"];

/// Shows the memory of the process while a hook runs, and the operator has welcomed it where there is one.
fn memory(name: &str, wrapper: &[OsString], live: Option<&Ways>) -> Outcome<()> {
    let mut child = start(wrapper, Path::new("sleep"), &["60"])?;
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let children = process.join(format!("task/{}/children", child.id()));
    let deadline = Instant::now() + Duration::from_secs(10);
    while fs::read_to_string(&children)?.is_empty() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    if let Some(ways) = live {
        ways.welcomed.recv_timeout(Duration::from_secs(10))?;
    }
    // What has been sent, and the hook's start, the runner knows of when it waits again.
    std::thread::sleep(Duration::from_millis(10));
    let waits = || fs::read_to_string(process.join("stat")).is_ok_and(|stat| stat.contains(") S "));
    while !waits() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    let status = fs::read_to_string(process.join("status"))?;
    child.kill()?;
    child.wait()?;
    let number = |name: &str| {
        let told = status.lines().find(|line| line.split_once(':').is_some_and(|(is, _)| is == name));
        told.and_then(|told| told.split_ascii_whitespace().nth(1)).unwrap_or("?").to_owned()
    };
    println!("{name:<20} {}", MEMORY.map(|name| format!("{:>10}", number(name))).concat());
    Ok(())
}
