//! Whatever is wrong with the places for records, the hook runs as it would have.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use hooked_protocol::Exit;
use rustix::fs::{FlockOperation, Mode, flock, mkfifoat};

use crate::support::Place;

fn fifo(path: &Path) {
    mkfifoat(rustix::fs::CWD, path, Mode::from_raw_mode(0o666)).unwrap();
}

/// Removes whatever is there.
fn clear(path: &Path) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir_all(path);
}

/// Longer than any machine takes for a hook that nothing keeps. How long the runner may wait for what keeps it is in
/// `src/patience.rs`.
const FOREVER: Duration = Duration::from_secs(20);

/// The hook exits with 7 and is not kept waiting.
fn unaffected(place: &Place, what: &str) {
    let began = Instant::now();
    let output = place.script(&["--output-bytes", "10"], "echo said; exit 7");
    let took = began.elapsed();
    assert_eq!(output.status.code(), Some(7), "{what}");
    assert_eq!((output.stdout, output.stderr), (b"said\n".to_vec(), Vec::new()), "{what}");
    assert!(took < FOREVER, "{what}: {took:?}");
}

type Spoil = fn(&Path);

#[test]
fn whatever_lies_in_place_of_the_state_the_hook_runs_and_the_log_tells() {
    let spoils: [(&str, Spoil); 9] = [
        ("the directory is missing", |records| clear(records)),
        ("it is a file", |records| {
            clear(records);
            fs::write(records, "").unwrap();
        }),
        ("the state is a directory", |records| fs::create_dir(records.join("web.PreStop")).unwrap()),
        ("the state is a pipe", |records| fifo(&records.join("web.PreStop"))),
        ("the state leads elsewhere", |records| symlink("/dev/zero", records.join("web.PreStop")).unwrap()),
        ("the state is nonsense", |records| fs::write(records.join("web.PreStop"), "nonsense").unwrap()),
        ("the state is cut off", |records| {
            fs::write(records.join("web.PreStop"), "hooked.dev/state/v1 1 0").unwrap();
        }),
        ("the state is huge", |records| {
            fs::write(records.join("web.PreStop"), vec![b'1'; 1_000_000]).unwrap();
        }),
        ("the state is no text", |records| fs::write(records.join("web.PreStop"), [0xff; 160]).unwrap()),
    ];
    for (what, spoil) in spoils {
        let place = Place::new();
        spoil(&place.file("records"));
        unaffected(&place, what);
        let record = place.record();
        assert_eq!(record.numbering, None, "{what}");
        let ending = record.ending.unwrap();
        assert_eq!(ending.exit, Some(Exit::Code(7)), "{what}");
        assert!(
            ending.message.starts_with("exited with 7; not counted: the state "),
            "{what}: {}",
            ending.message
        );
    }
}

#[test]
fn whatever_lies_in_place_of_the_log_the_hook_runs_and_is_counted() {
    let spoils: [(&str, Spoil); 5] = [
        ("it is missing", |log| clear(log)),
        ("it is a directory", |log| {
            clear(log);
            fs::create_dir(log).unwrap();
        }),
        ("it is a pipe", |log| {
            clear(log);
            fifo(log);
        }),
        ("it leads elsewhere", |log| {
            clear(log);
            symlink("/dev/full", log).unwrap();
        }),
        ("it is full", |log| fs::write(log, [b'x'; 5000]).unwrap()),
    ];
    for (what, spoil) in spoils {
        let place = Place::new();
        spoil(&place.file("log"));
        unaffected(&place, what);
        assert_eq!(place.state().numbering(1).counts.failed, 1, "{what}");
    }
}

#[test]
fn a_lock_that_is_never_let_go_does_not_keep_the_hook() {
    let place = Place::new();
    place.script(&[], "true");
    let held =
        [place.file("log"), place.file("records/web.PreStop")].map(|path| fs::File::open(path).unwrap());
    for file in &held {
        flock(file, FlockOperation::LockExclusive).unwrap();
    }
    unaffected(&place, "both are locked");
    assert_eq!(place.state().numbering(1).counts.started, 1);
}

#[test]
fn a_place_that_may_not_be_written_to_is_no_trouble() {
    let place = Place::new();
    for (name, mode) in [("records", 0o555), ("log", 0o444)] {
        fs::set_permissions(place.file(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    // Permissions hold for everyone but root.
    let mut command = place.run(&[], &["sh", "-c", "exit 7"]);
    if rustix::process::getuid().is_root() {
        use std::os::unix::process::CommandExt;
        command.uid(65534).gid(65534);
    }
    assert_eq!(command.status().unwrap().code(), Some(7));
    assert_eq!(place.log(), "");
    fs::set_permissions(place.file("records"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn where_there_is_no_room_for_a_runner_beside_it_the_hook_takes_its_place() {
    use std::os::unix::process::CommandExt;
    for limit in ["--nofile=4", "--nproc=1"] {
        let place = Place::new();
        for name in ["records", "log"] {
            fs::set_permissions(place.file(name), fs::Permissions::from_mode(0o777)).unwrap();
        }
        let run = place.run(&[], &["sh", "-c", "trap; kill -15 $$"]);
        let mut limited = std::process::Command::new("prlimit");
        limited.arg(limit).arg(run.get_program()).args(run.get_args());
        // The number of processes is limited for each user, and not for root.
        if rustix::process::getuid().is_root() {
            limited.uid(54321);
        }
        let status = limited.current_dir(&place.path).status().unwrap();
        // The runner would have turned the signal into a code.
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15), "{limit}");
        assert!(place.records().iter().all(|record| record.ending.is_none()));
    }
}
