//! What the hook leaves behind neither blocks it nor dies.

use std::fs;
use std::io::Read;
use std::time::{Duration, Instant};

use crate::support::{Place, is_alive, signal, until};

#[test]
fn a_hook_ends_with_its_own_process_and_not_with_what_it_leaves_behind() {
    for leaving in
        ["sleep 1000 &", "setsid sleep 1000 &", "nohup sleep 1000 2>&1 &", "trap '' HUP; sleep 1000 &"]
    {
        let place = Place::new();
        let began = Instant::now();
        let output =
            place.script(&["--timeout", "100"], &format!("{leaving} echo $! > left; echo said; exit 3"));
        assert!(began.elapsed() < Duration::from_secs(1), "{leaving}");
        assert_eq!(output.status.code(), Some(3));
        assert!(String::from_utf8(output.stdout).unwrap().contains("said\n"));
        let left = place.processes("left", 1)[0];
        assert!(is_alive(left), "{leaving}");
        signal(left, 9);
    }
}

#[test]
fn what_is_left_behind_writes_on_without_end() {
    for stream in ["", ">&2"] {
        let place = Place::new();
        let script = format!(
            "i=0; (while i=$((i+1)) && echo a line of some length {stream}; do test $i != 20000 || echo > written; done) &
             echo $! > left"
        );
        let mut child = place.run(&[], &["sh", "-c", &script]).spawn().unwrap();
        let mut output = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
        child.stderr.take().unwrap().read_to_end(&mut output).unwrap();
        assert!(child.wait().unwrap().success());
        let left = place.processes("left", 1)[0];
        // Ten times what a pipe holds.
        until("the survivor wrote it all", || fs::exists(place.file("written")).unwrap());
        assert!(is_alive(left));
        let reader = reader_of(left);
        assert!(reader.is_some(), "somebody reads");
        signal(left, 9);
        until("nobody stays for a pipe that nobody writes to", || !is_alive(reader.unwrap()));
    }
}

/// The process that swallows what this one writes: it reads this one's stderr as its stdout.
fn reader_of(writer: u32) -> Option<u32> {
    let target =
        |process: u32, descriptor: u32| fs::read_link(format!("/proc/{process}/fd/{descriptor}")).ok();
    let pipe = target(writer, 2)?;
    let numbers =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.into_iter().find(|process: &u32| {
        // Its words and its name are blanked.
        let is_blank = fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name == "\n");
        is_blank && target(*process, 1).as_ref() == Some(&pipe)
    })
}

#[test]
fn the_last_words_of_a_hook_are_passed_on() {
    for _ in 0..50 {
        let place = Place::new();
        let output = place
            .script(&["--output-bytes", "1000"], "sleep 1000 & echo $! > left; seq 1 5000; echo end >&2");
        signal(place.processes("left", 1)[0], 9);
        assert!(output.stdout.ends_with(b"4999\n5000\n"));
        assert_eq!(output.stderr, b"end\n");
        assert!(place.ending().output.contains("5000\n"));
    }
}
