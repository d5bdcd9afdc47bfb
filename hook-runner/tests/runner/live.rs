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

/// A run with the live channel.
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
    // Long enough to be heard on a busy machine.
    assert!(run(&place, &[], "sleep 3").status().unwrap().success());
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap().1, place.record());
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
    let mut child =
        run(&place, &[], "echo $$; read line; exit 5").stdin(std::process::Stdio::piped()).spawn().unwrap();
    let hook: u32 = first_line(&mut child).parse().unwrap();
    let begun = heard.recv_timeout(PATIENCE).unwrap();
    assert_eq!(begun.ending, None);
    assert!(is_alive(hook));
    drop(child.stdin.take());
    let ended = heard.recv_timeout(PATIENCE).unwrap();
    assert_eq!(place.record(), ended, "what is sent is on record");
    let _ = release.send(());
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn one_thread_speaks_and_nobody_is_left() {
    let (tell, welcomed) = channel();
    let place = place_with(move |mut conversation| {
        conversation.hello()?;
        conversation.say(&FromOperator::Welcome { proof: PROOF })?;
        let _ = tell.send(());
        conversation.ended()?;
        conversation.say(&FromOperator::Taken)
    });
    let mut child =
        run(&place, &[], "echo ready; read line").stdin(std::process::Stdio::piped()).spawn().unwrap();
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

#[test]
fn a_connection_that_is_lost_is_found_again_with_a_proof() {
    let (tell, heard) = channel();
    let place = place_with(move |mut conversation| {
        let hello = conversation.hello()?;
        let first = hello.proof.is_none();
        let _ = tell.send(hello);
        conversation.say(&FromOperator::Welcome { proof: PROOF })?;
        if first {
            return conversation.socket().shutdown(Shutdown::Both);
        }
        conversation.say(&FromOperator::Stop)?;
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
    let mut child = run(&place, &[], "echo ready; sleep 1000").spawn().unwrap();
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
        conversation.hello()?;
        conversation.say(&FromOperator::Welcome { proof: PROOF })?;
        conversation.say(&FromOperator::Stop)?;
        let _ = tell.send(conversation.ended()?);
        conversation.say(&FromOperator::Taken)
    });
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), place.record());
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
    assert!(run(&place, &[], "sleep 0.1").status().unwrap().success());
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), place.record());
}
