//! Whatever is wrong with the operator or the way to it, the hook runs as it would have, and its record is there.

use std::fs;
use std::io::{self, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use hooked_protocol::{
    ADDRESS_FILE, AUTHORITIES_FILE, FromOperator, MAX_LINE, Outcome, SERVER_NAME, TOKEN_FILE,
};

use crate::live::{place_that_is_heard, place_with, run};
use crate::operator::{Authority, Conversation, Operator, PROOF, listen, write_volume};
use crate::support::Place;

/// A hook that is over at once, and one that an operator has time to disturb.
const SCRIPTS: [&str; 2] = [
    "echo said; exit 7",
    "trap 'echo disturbed' TERM PIPE HUP INT; echo said; sleep 0.4; echo complaint >&2; exit 7",
];

/// The hook exits with 7, says what it says, is not kept waiting, and is on record.
fn unaffected(place: &Place, what: &str) {
    for (script, hook) in SCRIPTS.into_iter().zip(["PreStop", "PostStart"]).chain([(SCRIPTS[0], "PostStart")])
    {
        fs::write(place.file("log"), "").unwrap();
        let began = Instant::now();
        let output = run(place, &["--output-bytes", "10", "--hook", hook], script).output().unwrap();
        let took = began.elapsed();
        assert_eq!(output.status.code(), Some(7), "{what}");
        assert_eq!(output.stdout, b"said\n", "{what}");
        assert_eq!(output.stderr.is_empty(), !script.contains("complaint"), "{what}");
        let ending = place.ending();
        assert_eq!(ending.outcome, Outcome::Failed, "{what}");
        // The operator gets 100 ms, and the machine has other things to do.
        let added = took.saturating_sub(Duration::from_micros(ending.duration));
        assert!(added < Duration::from_millis(500), "{what}: {added:?}");
    }
}

fn check(what: &str, conversation: impl Fn(Conversation) -> io::Result<()> + Send + Sync + 'static) {
    unaffected(&place_with(conversation), what);
}

/// Keeps the connection open as long as the runner does.
fn wait_for_the_end(conversation: &mut Conversation) {
    while conversation.line().is_ok() {}
}

#[test]
fn an_operator_that_is_not_there_or_says_nothing_costs_only_the_liveness() {
    let (place, authority) = (Place::new(), Authority::new());
    let nobody = listen().local_addr().unwrap();
    write_volume(&place.file("live"), &nobody.to_string(), &authority.pem());
    unaffected(&place, "nobody listens");

    let silent = listen();
    write_volume(&place.file("live"), &silent.local_addr().unwrap().to_string(), &authority.pem());
    unaffected(&place, "nobody accepts");

    check("it does not shake hands", |mut conversation| {
        io::copy(conversation.socket(), &mut io::sink()).map(drop)
    });
    check("it shakes hands and says nothing", |mut conversation| {
        wait_for_the_end(&mut conversation);
        Ok(())
    });
    check("it takes nothing", |mut conversation| {
        conversation.hello()?;
        conversation.say(&FromOperator::Welcome { proof: PROOF })?;
        wait_for_the_end(&mut conversation);
        Ok(())
    });
}

#[test]
fn an_operator_that_refuses_or_goes_away_costs_only_the_liveness() {
    check("it refuses", |mut conversation| {
        conversation.hello()?;
        conversation.say(&FromOperator::Refused("not you".to_owned()))
    });
    check("it refuses and stays", |mut conversation| {
        conversation.hello()?;
        conversation.say(&FromOperator::Refused("not you".to_owned()))?;
        wait_for_the_end(&mut conversation);
        Ok(())
    });
    check("it hangs up at once", |mut conversation| conversation.socket().shutdown(Shutdown::Both));
    check("it hangs up after the hello", |mut conversation| {
        conversation.hello()?;
        conversation.socket().shutdown(Shutdown::Both)
    });
    check("it hangs up after its welcome", |mut conversation| {
        conversation.hello()?;
        conversation.say(&FromOperator::Welcome { proof: PROOF })?;
        conversation.socket().shutdown(Shutdown::Both)
    });
}

#[test]
fn a_server_that_is_not_the_operator_learns_no_token() {
    let (impostor, authority) = (Authority::new(), Authority::new());
    for (who, name, what) in [
        (&impostor, SERVER_NAME, "another authority"),
        (&authority, "hooked-controller.elsewhere.svc", "another name"),
    ] {
        let (tell, heard) = std::sync::mpsc::channel();
        let operator = Operator::serve(listen(), who, name, move |mut conversation| {
            let _ = tell.send(conversation.line().ok());
            Ok(())
        });
        let place = Place::new();
        write_volume(&place.file("live"), &operator.address.to_string(), &authority.pem());
        unaffected(&place, what);
        assert_eq!(heard.recv_timeout(crate::live::PATIENCE).unwrap(), None, "{what}");
    }
}

#[test]
fn an_operator_that_talks_nonsense_costs_only_the_liveness() {
    check("no TLS", |mut conversation| {
        conversation.socket().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
        wait_for_the_end(&mut conversation);
        Ok(())
    });
    let said: [(&str, Vec<u8>); 6] = [
        ("no JSON", b"welcome\n".to_vec()),
        ("no text", b"\xff\xfe\n".to_vec()),
        ("no proof", b"{\"welcome\":true}\n".to_vec()),
        ("a line too long", [vec![b'x'; MAX_LINE], b"\n".to_vec()].concat()),
        ("a line without end", vec![b'x'; 20 * MAX_LINE]),
        ("a thousand lines", b"{}\n".repeat(1000)),
    ];
    for (what, said) in said {
        check(what, move |mut conversation| {
            conversation.hello()?;
            conversation.say_bytes(&said)?;
            wait_for_the_end(&mut conversation);
            Ok(())
        });
    }
}

#[test]
fn an_operator_that_never_stops_talking_costs_only_the_liveness() {
    check("without end", |mut conversation| {
        conversation.hello()?;
        loop {
            conversation.say_bytes(&b"{\"weather\":\"fine\"}\n".repeat(500))?;
        }
    });
    check("byte by byte", |mut conversation| {
        conversation.hello()?;
        let welcome = FromOperator::Welcome { proof: PROOF }.to_line().unwrap_or_default();
        for byte in welcome.bytes().cycle() {
            conversation.say_bytes(&[byte])?;
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    });
}

type Spoil = fn(&std::path::Path);

#[test]
fn whatever_lies_in_place_of_the_volume_the_hook_runs() {
    let spoils: [(&str, Spoil); 10] = [
        ("no volume", |live| fs::remove_dir_all(live).unwrap()),
        ("no token", |live| fs::remove_file(live.join(TOKEN_FILE)).unwrap()),
        ("an empty token", |live| fs::write(live.join(TOKEN_FILE), "\n").unwrap()),
        ("a token that is too long", |live| fs::write(live.join(TOKEN_FILE), "x".repeat(9000)).unwrap()),
        ("a token without end", |live| {
            fs::remove_file(live.join(TOKEN_FILE)).unwrap();
            std::os::unix::fs::symlink("/dev/zero", live.join(TOKEN_FILE)).unwrap();
        }),
        ("a token that never comes", |live| {
            fs::remove_file(live.join(TOKEN_FILE)).unwrap();
            let mode = rustix::fs::Mode::from_raw_mode(0o666);
            rustix::fs::mkfifoat(rustix::fs::CWD, live.join(TOKEN_FILE), mode).unwrap();
        }),
        ("a name in place of an address", |live| {
            fs::write(live.join(ADDRESS_FILE), "localhost:443").unwrap();
        }),
        ("no port", |live| fs::write(live.join(ADDRESS_FILE), "127.0.0.1").unwrap()),
        ("no authority", |live| fs::write(live.join(AUTHORITIES_FILE), "").unwrap()),
        ("an authority that is none", |live| {
            let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
            fs::write(live.join(AUTHORITIES_FILE), pem).unwrap();
        }),
    ];
    for (what, spoil) in spoils {
        let (place, heard) = place_that_is_heard();
        spoil(&place.file("live"));
        unaffected(&place, what);
        assert!(heard.try_recv().is_err(), "{what}");
    }
}
