//! While the hook runs the operator hears of it, and of its end; when it went away and came back, too.

use std::io;
use std::net::{Shutdown, TcpListener};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hooked_protocol::{FromOperator, Hello, Outcome, Record, SERVER_NAME};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::operator::{Authority, Conversation, Operator, PROOF, listen, write_volume};
use crate::support::{Place, first_line, is_alive, until};

/// Longer than anything takes here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A place whose Pod can speak with this operator.
pub(crate) fn place_with(
    conversation: impl Fn(Conversation) -> io::Result<()> + Send + Sync + 'static,
) -> Place {
    let (place, authority) = (Place::new(), Authority::new());
    let operator = Operator::serve(listen(), &authority, SERVER_NAME, conversation);
    write_volume(&place.file("live"), &operator.address.to_string(), &authority.pem());
    place
}

/// A place with an operator that believes all and takes all, and what it heard.
pub(crate) fn place_that_is_heard() -> (Place, Receiver<(Hello, Record)>) {
    let (tell, heard) = channel();
    let place = place_with(move |mut conversation| {
        let _ = tell.send(conversation.believe()?);
        Ok(())
    });
    (place, heard)
}

/// A run of a preStop hook, unless an option says otherwise, with the live channel.
pub(crate) fn run(place: &Place, options: &[&str], script: &str) -> Command {
    place.run(&[&["--live", "live"], options].concat(), &["sh", "-c", script])
}

#[test]
fn the_operator_hears_of_the_same_run_that_is_on_record() {
    for script in ["exit 3", "sleep 0.05; exit 3", "echo said; sleep 0.3; exit 3"] {
        // What cannot be said within 100 ms is not said: on a busy machine a brief hook may need several runs.
        let heard_run = || {
            let (place, heard) = place_that_is_heard();
            let status = run(&place, &["--output-bytes", "10"], script).status().unwrap();
            assert_eq!(status.code(), Some(3));
            heard.recv_timeout(Duration::from_secs(1)).ok().map(|heard| (place, heard))
        };
        let (place, (hello, ended)) = std::iter::repeat_with(heard_run).take(30).flatten().next().unwrap();
        assert_eq!((hello.token.as_str(), hello.proof), ("a.b.c", None));
        assert_eq!(
            hello.record,
            Record { ending: None, numbering: hello.record.numbering.clone(), ..ended.clone() }
        );
        assert_eq!(hello.record.numbering.unwrap().counts.started, 1);
        assert_eq!(place.record(), ended, "{script}");
        assert_eq!(ended.ending.unwrap().outcome, Outcome::Failed);
    }
}

#[test]
fn a_run_over_ipv6_is_heard_as_well() {
    let (place, authority) = (Place::new(), Authority::new());
    let (tell, heard) = channel();
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let operator = Operator::serve(listener, &authority, SERVER_NAME, move |mut conversation| {
        let _ = tell.send(conversation.believe()?);
        Ok(())
    });
    // With another authority before it, as when authorities are renewed.
    let authorities = Authority::new().pem() + &authority.pem();
    write_volume(&place.file("live"), &operator.address.to_string(), &authorities);
    assert_eq!(once_heard(&place, "exit 0", &heard).1, place.record());
}

/// What is heard of a preStop hook. On a busy machine a runner has no time to say it, and the hook runs once more.
fn once_heard<T>(place: &Place, script: &str, heard: &Receiver<T>) -> T {
    let heard_run = || {
        std::fs::write(place.file("log"), "").unwrap();
        assert!(run(place, &[], script).status().unwrap().success());
        heard.recv_timeout(Duration::from_secs(1)).ok()
    };
    std::iter::repeat_with(heard_run).take(30).flatten().next().unwrap()
}

#[test]
fn the_operator_hears_of_the_beginning_while_the_hook_runs_and_of_a_record_that_was_written_before() {
    let (tell, heard) = channel();
    let (release, released) = channel();
    let released = std::sync::Mutex::new(released);
    let place = place_with(move |mut conversation| {
        let hello = conversation.hello()?;
        conversation.say(&FromOperator::Welcome { proof: PROOF })?;
        let _ = tell.send(hello.record);
        let ended = conversation.ended()?;
        let _ = tell.send(ended);
        // Not taken before the test has looked, unless the runner gives up first.
        let _ = released.lock().unwrap().recv_timeout(PATIENCE);
        conversation.say(&FromOperator::Taken)
    });
    // On a busy machine a runner may have no time to tell of the end.
    let heard_to_the_end = || {
        std::fs::write(place.file("log"), "").unwrap();
        let mut command = run(&place, &["--hook", "PostStart"], "echo $$; read line; exit 5");
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        let hook: u32 = first_line(&mut child).parse().unwrap();
        let begun = heard.recv_timeout(PATIENCE).unwrap();
        assert_eq!(begun.ending, None);
        assert!(is_alive(hook));
        drop(child.stdin.take());
        let mut later = std::iter::from_fn(|| heard.recv_timeout(Duration::from_secs(1)).ok());
        let ended = later.find(|record| record.run == begun.run && record.ending.is_some());
        let recorded = ended.is_some().then(|| place.record());
        let _ = release.send(());
        assert_eq!(child.wait().unwrap().code(), Some(5));
        ended.zip(recorded)
    };
    let (ended, recorded) = std::iter::repeat_with(heard_to_the_end).take(30).flatten().next().unwrap();
    assert_eq!(recorded, ended, "what is sent is on record");
}

#[test]
fn one_thread_speaks_and_nobody_is_left() {
    let (place, welcomed) = place_that_welcomes();
    let mut child = run(&place, &["--hook", "PostStart"], "echo ready; read line")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    first_line(&mut child);
    welcomed.recv_timeout(PATIENCE).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    assert!(status.lines().any(|line| line == "Threads:\t1"), "{status}");
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
    let children: Vec<u32> = children.split_whitespace().map(|child| child.parse().unwrap()).collect();
    assert_eq!(children.len(), 1, "the hook and nobody else");
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(!is_alive(children[0]));
}

/// A place with an operator that welcomes all, and takes what they say; the other end has a word for each welcome.
fn place_that_welcomes() -> (Place, Receiver<Hello>) {
    let (tell, welcomed) = channel();
    let place = place_with(move |mut conversation| {
        let hello = conversation.hello()?;
        conversation.say(&FromOperator::Welcome { proof: PROOF })?;
        let _ = tell.send(hello);
        conversation.ended()?;
        conversation.say(&FromOperator::Taken)
    });
    (place, welcomed)
}

/// A hook that notes for a while which connections lead to the operator, in whatever state (case 02).
fn looks(place: &Place) -> String {
    let address = std::fs::read_to_string(place.file("live/address")).unwrap();
    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    format!(
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
             while read line; do case $line in *': '*' 0100007F:{port:04X} '*) echo \"$line\" >> seen;; esac; done < /proc/net/tcp
             sleep 0.02
         done"
    )
}

#[test]
fn while_a_pre_stop_hook_runs_there_is_no_connection_and_its_end_is_told() {
    let (place, heard) = place_that_is_heard();
    let (hello, ended) = once_heard(&place, &looks(&place), &heard);
    assert_eq!(hello.proof, None, "it had not been heard before");
    assert_eq!(place.record(), ended);
    assert!(!place.file("seen").exists(), "{}", std::fs::read_to_string(place.file("seen")).unwrap());
}

#[test]
fn once_a_beginning_is_told_a_post_start_hook_sees_nothing_of_the_connection() {
    let (place, welcomed) = place_that_welcomes();
    let script = format!("until [ -e go ]; do sleep 0.01; done; {}", looks(&place));
    let mut child = run(&place, &["--hook", "PostStart"], &script).spawn().unwrap();
    welcomed.recv_timeout(PATIENCE).unwrap();
    // The runner has the welcome when it waits again, and no socket.
    let descriptors = format!("/proc/{}/fd", child.id());
    until("the connection is closed", || {
        let links = std::fs::read_dir(&descriptors).unwrap().flatten();
        let mut targets = links.filter_map(|link| std::fs::read_link(link.path()).ok());
        !targets.any(|target| target.to_string_lossy().starts_with("socket"))
    });
    std::fs::write(place.file("go"), "").unwrap();
    assert!(child.wait().unwrap().success());
    // It asks again after a second, which is a report too: that connection may be seen as long as it is open (01, and
    // 02 before), but none that is closed, as for a minute in TIME_WAIT (06).
    let seen = std::fs::read_to_string(place.file("seen")).unwrap_or_default();
    let is_open = |line: &str| line.split(' ').nth(3).is_some_and(|state| ["01", "02"].contains(&state));
    assert!(seen.lines().all(is_open), "{seen}");
}

#[test]
fn while_a_post_start_hook_goes_on_the_operator_is_asked_again_whether_to_stop_it() {
    let (place, welcomed) = place_that_welcomes();
    let mut child = run(&place, &["--hook", "PostStart"], "sleep 1000").spawn().unwrap();
    let hellos: Vec<Hello> = (0..3).map(|_| welcomed.recv_timeout(PATIENCE).unwrap()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(hellos.iter().all(|hello| hello.record == hellos[0].record), "{hellos:?}");
    let proofs: Vec<_> = hellos.iter().map(|hello| hello.proof).collect();
    assert_eq!(proofs, [None, Some(PROOF), Some(PROOF)]);
}

#[test]
fn a_connection_that_is_lost_is_found_again_and_a_stop_is_heard_over_it() {
    let (tell, heard) = channel();
    let place = place_with(move |mut conversation| {
        let hello = conversation.hello()?;
        let first = hello.proof.is_none();
        let _ = tell.send(hello);
        if first {
            conversation.say(&FromOperator::Welcome { proof: PROOF })?;
            return conversation.socket().shutdown(Shutdown::Both);
        }
        conversation.say(&FromOperator::Stop)?;
        conversation.say(&FromOperator::Welcome { proof: PROOF })?;
        conversation.ended()?;
        conversation.say(&FromOperator::Taken)
    });
    let child = run(&place, &["--hook", "PostStart"], "sleep 1000").spawn().unwrap();
    let (first, second) = (heard.recv_timeout(PATIENCE).unwrap(), heard.recv_timeout(PATIENCE).unwrap());
    assert_eq!((first.proof, second.proof), (None, Some(PROOF)));
    assert_eq!(first.record, second.record);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(143));
    assert_eq!(place.ending().outcome, Outcome::Cancelled);
}

#[test]
fn an_operator_that_comes_late_is_found() {
    let (place, authority) = (Place::new(), Authority::new());
    // The port is taken, but nobody answers there as yet.
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
    rustix::net::bind(&socket, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = TcpListener::from(socket);
    write_volume(&place.file("live"), &listener.local_addr().unwrap().to_string(), &authority.pem());
    let mut child = run(&place, &["--hook", "PostStart"], "echo ready; sleep 1000").spawn().unwrap();
    first_line(&mut child);
    until("the runner has been refused", || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let sockets = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().flatten();
        let connected = sockets
            .filter(|entry| {
                std::fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket"))
            })
            .count();
        state.contains(" S ") && connected == 0
    });
    rustix::net::listen(&listener, 16).unwrap();
    let (tell, heard) = channel();
    let _operator = Operator::serve(listener, &authority, SERVER_NAME, move |mut conversation| {
        let _ = tell.send(conversation.hello()?);
        conversation.say(&FromOperator::Stop)?;
        conversation.say(&FromOperator::Welcome { proof: PROOF })?;
        conversation.ended()?;
        conversation.say(&FromOperator::Taken)
    });
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap().record.run, place.record().run);
}

#[test]
fn what_a_later_operator_says_besides_is_passed_over() {
    let (tell, heard) = channel();
    let place = place_with(move |mut conversation| {
        conversation.hello()?;
        conversation.say_bytes(b"{\"weather\":\"fine\"}\n{\"welcome\":true,\"colour\":1,\"proof\":\"")?;
        conversation.say_bytes(format!("{PROOF}\"}}\n").as_bytes())?;
        let _ = tell.send(conversation.ended()?);
        conversation.say(&FromOperator::Taken)
    });
    assert_eq!(once_heard(&place, "exit 0", &heard), place.record());
}
