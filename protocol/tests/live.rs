//! What runner and operator say to each other is what was agreed, and whatever else comes does no harm.
#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

use hooked_protocol::{
    FrameError, Frames, FromOperator, Hello, Hook, MAX_LINE, Proof, Record, RunId, State, parse,
};
use proptest::prelude::*;

const HELLO: &str = "{\"v\":1,\"token\":\"a.b.c\",\"record\":\"hooked.dev/v1 {\\\"run\\\":\\\"abababababababababababababababab\\\",\
    \\\"container\\\":\\\"web\\\",\\\"hook\\\":\\\"PostStart\\\",\\\"execution\\\":1,\\\"phase\\\":\\\"started\\\",\
    \\\"start\\\":1795341600123456,\\\"all\\\":[1,0,0,0,0]}\"}\n";

fn hello() -> Hello {
    let mut state = State::default();
    let execution = state.begin().unwrap();
    let record = Record {
        run: RunId([0xab; 16]),
        container: "web".to_owned(),
        hook: Hook::PostStart,
        start: 1_795_341_600_123_456,
        numbering: Some(state.numbering(execution)),
        ending: None,
    };
    Hello { token: "a.b.c".to_owned(), proof: None, record }
}

#[test]
fn the_runner_says_what_was_agreed() {
    assert_eq!(hello().to_line().unwrap(), HELLO);
    let again = Hello { proof: Some(Proof([0x1f; 32])), ..hello() };
    let expected = HELLO.replace("\"record\"", &format!("\"proof\":\"{}\",\"record\"", "1f".repeat(32)));
    assert_eq!(again.to_line().unwrap(), expected);
    for said in [hello(), again] {
        assert_eq!(Hello::parse(&said.to_line().unwrap()), Ok(said));
    }
}

#[test]
fn the_operator_says_what_was_agreed() {
    let proof = Proof([0xc5; 32]);
    let welcome = format!("{{\"welcome\":true,\"proof\":\"{}\"}}\n", "c5".repeat(32));
    for (frame, expected) in [
        (FromOperator::Welcome { proof }, welcome.as_str()),
        (FromOperator::Refused("no such \"Pod\"".to_owned()), "{\"refused\":\"no such \\\"Pod\\\"\"}\n"),
        (FromOperator::Stop, "{\"stop\":true}\n"),
        (FromOperator::Taken, "{\"taken\":true}\n"),
    ] {
        assert_eq!(frame.to_line().unwrap(), expected);
        assert_eq!(FromOperator::parse(expected.trim_end()), Ok(frame.clone()));
        let later = expected.replacen('{', "{\"colour\":{\"is\":[\"blue\"]},", 1);
        assert_eq!(FromOperator::parse(&later), Ok(frame), "what a later version added is passed over");
    }
}

#[test]
fn what_is_no_hello_is_refused_and_says_why() {
    let replaced = |truth: &str, forged: &str| {
        assert!(HELLO.contains(truth), "{truth}");
        Hello::parse(&HELLO.replacen(truth, forged, 1)).unwrap_err()
    };
    for (truth, forged, why) in [
        ("\"v\":1", "\"v\":2", FrameError::Version),
        ("\"v\":1", "\"v\":\"1\"", FrameError::Form),
        ("\"v\":1,", "", FrameError::Form),
        ("\"token\":\"a.b.c\",", "", FrameError::Form),
        ("\"record\"", "\"proof\":\"ab\",\"record\"", FrameError::Form),
        ("\"record\"", "\"colour\"", FrameError::Form),
        ("hooked.dev/v1", "hooked.dev/v2", FrameError::Record),
        ("hooked.dev/v1", " hooked.dev/v1", FrameError::Record),
        ("\\\"container\\\":\\\"web\\\"", "\\\"container\\\":\\\"..\\\"", FrameError::Record),
        ("}\"}", "}\"", FrameError::Form),
        ("a.b.c", &"x".repeat(MAX_LINE), FrameError::Long),
    ] {
        assert_eq!(replaced(truth, forged), why, "{forged:.40}");
    }
    let twice = HELLO.replacen("}\"}", "}hooked.dev/v1 {}\"}", 1);
    assert!(Hello::parse(&twice).is_ok(), "what follows a record and is none is passed over, as everywhere");
    let later = HELLO.replacen('{', "{\"colour\":\"blue\",", 1);
    assert_eq!(Hello::parse(&later), Ok(hello()), "what a later version added is passed over");
}

#[test]
fn a_record_of_an_end_is_no_hello() {
    let line = "hooked.dev/v1 {\"run\":\"abababababababababababababababab\",\"container\":\"web\",\"hook\":\"PreStop\",\
        \"phase\":\"ended\",\"start\":1795341600123456,\"took\":0,\"outcome\":\"Cancelled\",\"attempts\":0}";
    let [record] = parse(line).try_into().unwrap();
    let hello = Hello { record, ..hello() };
    assert_eq!(Hello::parse(&hello.to_line().unwrap()), Err(FrameError::Record));
}

#[test]
fn what_the_operator_does_not_say_is_not_understood() {
    for (line, why) in [
        ("", FrameError::Form),
        ("stop", FrameError::Form),
        ("[true]", FrameError::Form),
        ("{\"stop\":1}", FrameError::Form),
        ("{\"welcome\":true}", FrameError::Form),
        ("{\"welcome\":true,\"proof\":\"C5\"}", FrameError::Form),
        ("{\"refused\":false}", FrameError::Form),
        ("{}", FrameError::Unknown),
        ("{\"stop\":false}", FrameError::Unknown),
        ("{\"pause\":true}", FrameError::Unknown),
    ] {
        assert_eq!(FromOperator::parse(line), Err(why), "{line}");
    }
    let long = format!("{{\"stop\":true,\"colour\":\"{}\"}}", "b".repeat(MAX_LINE));
    assert_eq!(FromOperator::parse(&long), Err(FrameError::Long));
}

#[test]
fn a_secret_is_not_shown() {
    let hello = Hello { token: "secret-token".to_owned(), proof: Some(Proof([0x5e; 32])), ..hello() };
    let mut frames = Frames::default();
    frames.take_in(b"secret-token");
    let shown = format!("{hello:?} {:?} {frames:?}", FromOperator::Welcome { proof: Proof([0x5e; 32]) });
    assert!(!shown.contains("secret-token") && !shown.contains("5e5e") && !shown.contains("94"), "{shown}");
}

#[test]
fn a_frame_that_would_be_too_long_is_not_made() {
    let long = Hello { token: "x".repeat(MAX_LINE), ..hello() };
    assert_eq!(long.to_line(), None);
    assert_eq!(FromOperator::Refused("x".repeat(MAX_LINE)).to_line(), None);
}

#[test]
fn a_line_is_refused_as_soon_as_it_is_too_long() {
    let mut frames = Frames::default();
    frames.take_in(&[b'x'; MAX_LINE - 1]);
    assert_eq!(frames.next_line(), Ok(None));
    frames.take_in(b"\n");
    assert_eq!(frames.next_line().unwrap().unwrap().len(), MAX_LINE - 1);
    frames.take_in(&[b'x'; MAX_LINE]);
    assert_eq!(frames.next_line(), Err(FrameError::Long));
    let mut frames = Frames::default();
    frames.take_in(b"\xff\n");
    assert_eq!(frames.next_line(), Err(FrameError::Form));
}

proptest! {
    #[test]
    fn lines_come_out_as_they_went_in_whatever_the_pieces(lines in prop::collection::vec("[^\n]{0,40}", 0..8), size in 1..50_usize) {
        let stream: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        let (mut frames, mut read) = (Frames::default(), Vec::new());
        for piece in stream.as_bytes().chunks(size) {
            frames.take_in(piece);
            while let Some(line) = frames.next_line().unwrap() {
                read.push(line);
            }
        }
        prop_assert_eq!(read, lines);
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = (Hello::parse(&text), FromOperator::parse(&text));
        let mut frames = Frames::default();
        frames.take_in(&bytes);
        while let Ok(Some(_)) = frames.next_line() {}
    }

    #[test]
    fn no_damage_to_a_frame_makes_reading_panic(at in any::<prop::sample::Index>(), byte: u8) {
        let mut line = HELLO.as_bytes().to_vec();
        let at = at.index(line.len());
        line[at] = byte;
        let _ = Hello::parse(&String::from_utf8_lossy(&line));
    }
}
