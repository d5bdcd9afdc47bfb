//! A place for a run, the command that makes it, and what it left behind.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hooked_protocol::{Ending, Invocation, Record, State, merge, parse};

/// The program under test.
pub(crate) fn runner() -> PathBuf {
    std::env::var_os("HOOK_RUNNER").map_or_else(|| env!("CARGO_BIN_EXE_hook-runner").into(), PathBuf::from)
}

/// A directory of its own for each test, with a record directory and a termination log in it.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("runner-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(path.join("records")).unwrap();
        fs::write(path.join("log"), "").unwrap();
        Self { path }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A run of the hook with these options, in this place. The options are those of earlier operators, which say the
    /// same at greater length than the word that the runner is called by.
    pub(crate) fn run(&self, options: &[&str], hook: &[&str]) -> Command {
        let mut words: Vec<OsString> =
            ["run", "--container", "web", "--hook", "PreStop", "--budget", "4096"].map(Into::into).into();
        words.extend(["--record-dir".into(), self.file("records").into()]);
        words.extend(["--termination-log".into(), self.file("log").into()]);
        words.extend(options.iter().chain(&["--"]).chain(hook).map(Into::into));
        let invocation = Invocation::from_words(words.clone()).unwrap();
        self.called_by(invocation.map_or(words, |invocation| invocation.to_words()))
    }

    /// A run of the runner with these words.
    pub(crate) fn called_by(&self, words: impl IntoIterator<Item = OsString>) -> Command {
        // A shell's background job, or a CI, may have been started with signals ignored; the runner passes that on.
        let mut command = Command::new("/usr/bin/env");
        command.arg("--default-signal").arg(runner()).args(words);
        command.current_dir(&self.path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A file that everybody may run.
    pub(crate) fn executable(&self, name: &str, content: &str) -> PathBuf {
        let file = self.file(name);
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    /// A run of a shell's script, to its end.
    pub(crate) fn script(&self, options: &[&str], script: &str) -> Output {
        self.run(options, &["sh", "-c", script]).output().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.file("log")).unwrap()).into_owned()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        merge(parse(&self.log())).into_values().collect()
    }

    /// The one record in the log.
    pub(crate) fn record(&self) -> Record {
        let [record] = self.records().try_into().unwrap();
        record
    }

    pub(crate) fn ending(&self) -> Ending {
        self.record().ending.unwrap()
    }

    pub(crate) fn state(&self) -> State {
        self.state_of("web.PreStop")
    }

    /// The state of another hook, by its file.
    pub(crate) fn state_of(&self, file: &str) -> State {
        State::parse(&fs::read_to_string(self.file("records").join(file)).unwrap_or_default()).unwrap()
    }

    /// The numbers in a file, once there are that many lines in it.
    pub(crate) fn processes(&self, name: &str, many: usize) -> Vec<u32> {
        let read = || -> Vec<u32> {
            let text = fs::read_to_string(self.file(name)).unwrap_or_default();
            text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')?.parse().ok()).collect()
        };
        until("the processes are there", || read().len() >= many);
        read()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Looks until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether the process is there and not just waiting to be buried.
pub(crate) fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z") && !rest.starts_with(" X"))
}

pub(crate) fn signal(process: u32, signal: i32) {
    let process = rustix::process::Pid::from_raw(process.try_into().unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::from_named_raw(signal).unwrap()).unwrap();
}

/// Waits for the first line of a child's output, which tells that the hook has got there.
pub(crate) fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::with_capacity(1, child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
