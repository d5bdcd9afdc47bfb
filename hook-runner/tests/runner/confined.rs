//! Where there is nothing but the runner: an empty read-only root, no capabilities, an ordinary user, a full disk.

use std::fs;
use std::path::Path;
use std::process::Command;

use hooked_protocol::{Outcome, own_check};

use crate::support::{Place, runner};

/// Runs a script as root in a mount namespace of its own. `None` where that is not allowed.
fn in_own_mounts(script: &str, arguments: &[&Path]) -> Option<std::process::Output> {
    let allowed = rustix::process::getuid().is_root()
        && Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("left out: mounts of one's own are not allowed here");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-euc", script, "sh"]).args(arguments);
    Some(command.output().unwrap())
}

/// The libraries that a build needs which is not static, so that every build can be tested.
fn libraries(program: &Path) -> String {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().filter(|word| word.starts_with('/')).collect::<Vec<_>>().join(" ")
}

#[test]
fn it_works_in_an_empty_read_only_root_as_anyone_without_capabilities() {
    let place = Place::new();
    let hook = Path::new("/bin/busybox");
    let program = runner();
    if !hook.exists() || !libraries(hook).is_empty() {
        eprintln!("left out: there is no static busybox to be the hook");
        return;
    }
    for directory in ["root", "root/proc", "root/records", "root/log"] {
        fs::create_dir_all(place.file(directory)).unwrap();
    }
    let libraries = libraries(&program);
    let script = format!(
        "root=$1/root; mount -t tmpfs tmpfs $root; mkdir $root/proc $root/data; cp $3 $root/busybox
         for library in {libraries}; do mkdir -p $root${{library%/*}}; cp $library $root$library; done
         $2 install $root
         chown 65534 $1/records $1/log; mount --bind $1 $root/data; mount -t proc proc $root/proc; mount -o remount,ro $root
         exec chroot --userspec=65534:65534 $root /hook-runner run --container web --hook PreStop --record-dir /data/records \
            --termination-log /data/log --budget 4096 --output-bytes 1000 --timeout 5 -- /busybox grep -E '^(Uid|CapEff)' /proc/self/status"
    );
    let Some(output) = in_own_mounts(&script, &[&place.path, &program, hook]) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let ending = place.ending();
    assert_eq!(ending.outcome, Outcome::Succeeded);
    assert!(ending.output.contains("Uid:\t65534") && ending.output.contains("CapEff:\t0000000000000000"));
    assert_eq!(place.state().numbering(1).counts.succeeded, 1);
}

#[test]
fn a_full_disk_is_no_trouble_and_what_was_there_is_counted_on() {
    let place = Place::new();
    let run =
        "$2 run --container web --hook PreStop --record-dir full --termination-log full/log --budget 4096 --";
    let script = format!(
        "cd $1; mkdir full; mount -t tmpfs -o size=16k tmpfs full; : > full/log
         {run} true
         cat /dev/zero > full/filling 2> /dev/null || :
         : > full/log; echo x >> full/filling 2> /dev/null || :
         status=0; {run} sh -c 'exit 7' || status=$?
         test $status = 7; cat full/web.PreStop"
    );
    let Some(output) = in_own_mounts(&script, &[&place.path, &runner()]) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
    assert!(output.stdout.starts_with(b"hooked.dev/state/v1 2 1 1 0 0 sf "));
}

#[test]
fn it_installs_itself_for_everyone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    for destination in [place.file("records"), place.file("copy")] {
        assert!(Command::new(runner()).arg("install").arg(&destination).status().unwrap().success());
    }
    for copy in [place.file("records/hook-runner"), place.file("copy")] {
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read(&copy).unwrap(), fs::read(runner()).unwrap());
    }
    let output = Command::new(runner()).args(["install", "/no/such/place"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

/// Mounts a file system with those options and installs into it, and lists what is there then. No other test holds
/// this, so it fails where no mounts are allowed.
fn install_into(options: &str) -> std::process::Output {
    let script = format!(
        "mkdir $1/volume; mount -t tmpfs -o {options} tmpfs $1/volume; status=0
         $2 install $1/volume/hook-runner || status=$?; ls $1/volume; exit $status"
    );
    let place = Place::new();
    in_own_mounts(&script, &[&place.path, &runner()]).unwrap()
}

#[test]
fn what_it_installs_can_be_run_there_or_the_installer_says_why_not() {
    let output = install_into("exec");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!((&*output.stdout, &*output.stderr), (&b"hook-runner\n"[..], &b""[..]));
    // As the kubelet's directory may be mounted. Nothing stays that a hook could meet.
    let output = install_into("noexec");
    assert_eq!(output.status.code(), Some(126), "{output:?}");
    assert_eq!(output.stdout, b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("hook-runner: exec: \"") && said.lines().count() == 1, "{said}");
    assert!(said.ends_with("/volume/hook-runner\": permission denied\n"), "{said}");
}

#[test]
fn a_check_is_told_in_the_termination_log_unless_it_is_one_of_the_network() {
    // The kubelet makes the log, and nothing makes another.
    let script = "mount -t tmpfs tmpfs /dev; $1 check; ls /dev; : > /dev/termination-log
         ! $1 check 127.0.0.1:1 2> /unread; cat /dev/termination-log; $1 check; cat /dev/termination-log";
    let script = script.replace("/unread", "/dev/unread");
    let output = in_own_mounts(&script, &[&runner()]).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), own_check());
}
