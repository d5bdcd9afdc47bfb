//! Whatever is written comes back, and whatever else is read does no harm.
#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

use hooked_protocol::{
    Counts, Earlier, Ending, Exit, Hook, MAX_MESSAGE, MAX_OUTPUT, MAX_RECORDS, Numbering, Outcome, PREFIX,
    Record, RunId, State, merge, parse,
};
use proptest::prelude::*;

fn outcome() -> impl Strategy<Value = Outcome> {
    prop::sample::select(vec![Outcome::Succeeded, Outcome::Failed, Outcome::TimedOut, Outcome::Cancelled])
}

/// Text with all that JSON escapes, at most `limit` bytes of it.
fn text(limit: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![any::<char>(), prop::sample::select(vec!['\0', '\n', '"', '\\'])],
        0..limit / 4,
    )
    .prop_map(String::from_iter)
}

prop_compose! {
    fn ending()(outcome in outcome(), code in 1..=255_u8, signal in 1..=64_u8, kind in 0..3_u8,
                duration in 0..1_000_000_000_u64, attempts in 1..100_u32,
                message in text(MAX_MESSAGE), output in text(MAX_OUTPUT)) -> Ending {
        let exit = match (outcome, kind) {
            (Outcome::Succeeded, _) => Some(Exit::Code(0)),
            (Outcome::Failed, 0) | (_, 1) => Some(Exit::Signal(signal)),
            (_, 0) => None,
            _ => Some(Exit::Code(code)),
        };
        Ending { outcome, exit, duration, attempts, message, output }
    }
}

/// The numbering of the last of some executions, of which some have ended.
fn numbering() -> impl Strategy<Value = Numbering> {
    prop::collection::vec(prop::option::of(outcome()), 1..100).prop_map(|ends| {
        let mut state = State::default();
        for end in &ends {
            let execution = state.begin().unwrap();
            if let Some(outcome) = end {
                state.end(execution, *outcome);
            }
        }
        state.numbering(u32::try_from(ends.len()).unwrap())
    })
}

prop_compose! {
    fn record()(run in any::<[u8; 16]>(), container in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", pre_stop: bool,
                start in 0..253_402_300_799_999_999_u64, numbering in prop::option::of(numbering()),
                ending in prop::option::of(ending())) -> Record {
        let hook = if pre_stop { Hook::PreStop } else { Hook::PostStart };
        Record { run: RunId(run), container, hook, start, numbering, ending }
    }
}

proptest! {
    #[test]
    fn a_record_comes_back_as_it_was_written(record in record(), before in ".{0,40}", after in ".{0,40}") {
        prop_assume!(!before.contains(PREFIX) && !after.contains(PREFIX));
        let line = record.to_line(usize::MAX).unwrap();
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert_eq!(parse(&format!("{before}{line}{after}")), vec![record]);
    }

    #[test]
    fn a_line_fits_its_limit_and_keeps_what_counts(record in record(), limit in 0..2000_usize) {
        let Some(line) = record.to_line(limit) else { return Ok(()) };
        prop_assert!(line.len() <= limit);
        let [short] = parse(&line).try_into().unwrap();
        prop_assert!(!record.contradicts(&short));
        prop_assert!(record.supersedes(&short));
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        parse(&String::from_utf8_lossy(&bytes));
        let _ = State::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_damage_to_a_line_makes_reading_panic(
        record in record(), at in any::<prop::sample::Index>(), byte: u8, cut: bool,
    ) {
        let mut line = record.to_line(4096).unwrap_or_default().into_bytes();
        prop_assume!(!line.is_empty());
        let at = at.index(line.len());
        if cut { line.truncate(at) } else { line[at] = byte }
        let read = parse(&String::from_utf8_lossy(&line));
        // Cut before its closing brace a line is no record any more.
        prop_assert!(!cut || at + 1 >= record.to_line(4096).unwrap().len() || read.is_empty());
    }

    #[test]
    fn merging_ignores_order_and_repetition(
        records in prop::collection::vec(record(), 0..8), same in any::<[bool; 8]>(), turn in 0..8_usize,
    ) {
        let records: Vec<_> = records.into_iter().zip(same)
            .map(|(record, same)| if same { Record { run: RunId([7; 16]), ..record } } else { record }).collect();
        let mut other = records.clone();
        other.rotate_left(turn.min(records.len()));
        other.extend(records.iter().rev().cloned());
        prop_assert_eq!(merge(records), merge(other));
    }

    #[test]
    fn a_state_comes_back_as_it_was_written(ends in prop::collection::vec(prop::option::of(outcome()), 0..100)) {
        let mut state = State::default();
        for end in ends {
            let execution = state.begin().unwrap();
            if let Some(outcome) = end { state.end(execution, outcome) }
            prop_assert_eq!(state.latest(), Some(end.map_or(Earlier::Open, Earlier::Ended)));
        }
        let text = state.to_string();
        prop_assert_eq!(text.len(), State::BYTES);
        prop_assert_eq!(State::parse(&text), Ok(state));
        for cut in 1..text.len() {
            prop_assert!(State::parse(&text[..cut]).is_err());
        }
    }
}

/// The record of the eleventh execution in a crash loop.
fn eleventh() -> Record {
    let mut state = State::default();
    for _ in 0..10 {
        let execution = state.begin().unwrap();
        state.end(execution, if execution == 4 { Outcome::Failed } else { Outcome::Succeeded });
    }
    let execution = state.begin().unwrap();
    Record {
        run: RunId([0xab; 16]),
        container: "web".to_owned(),
        hook: Hook::PostStart,
        start: 1_795_341_600_123_456,
        numbering: Some(state.numbering(execution)),
        ending: None,
    }
}

fn ended(record: &Record, outcome: Outcome, exit: Exit) -> Record {
    let ending = Ending {
        outcome,
        exit: Some(exit),
        duration: 4213,
        attempts: 1,
        message: String::new(),
        output: String::new(),
    };
    Record { ending: Some(ending), ..record.clone() }
}

#[test]
fn the_format_is_what_it_is() {
    let started = "hooked.dev/v1 {\"run\":\"abababababababababababababababab\",\"container\":\"web\",\"hook\":\"PostStart\",\
        \"execution\":11,\"phase\":\"started\",\"start\":1795341600123456,\"all\":[11,9,1,0,0],\"past\":\"sssfssssss\"}\n";
    assert_eq!(eleventh().to_line(4096).unwrap(), started);
    let failed = ended(&eleventh(), Outcome::Failed, Exit::Signal(9));
    assert!(failed.to_line(4096).unwrap().contains(
        "\"phase\":\"ended\",\"start\":1795341600123456,\"took\":4213,\"outcome\":\"Failed\",\"signal\":9,\"attempts\":1"
    ));
}

#[test]
fn one_record_tells_of_all_before_it() {
    let numbering = eleventh().numbering.unwrap();
    let expected = Counts { started: 11, succeeded: 9, failed: 1, ..Counts::default() };
    assert_eq!(numbering.counts, expected);
    let before: Vec<_> = numbering.past.before(numbering.execution).collect();
    assert_eq!(before.len(), 10);
    assert_eq!(before[3], (4, Earlier::Ended(Outcome::Failed)));
}

#[test]
fn ended_supersedes_started_and_success_needs_an_exit_with_zero() {
    let (started, done) = (eleventh(), ended(&eleventh(), Outcome::Succeeded, Exit::Code(0)));
    assert_eq!(merge([done.clone(), started]).into_values().collect::<Vec<_>>(), vec![done]);
    for (outcome, exit) in [
        (Outcome::Succeeded, Exit::Code(1)),
        (Outcome::Succeeded, Exit::Signal(9)),
        (Outcome::Failed, Exit::Code(0)),
    ] {
        assert_eq!(parse(&ended(&eleventh(), outcome, exit).to_line(4096).unwrap()), []);
    }
}

#[test]
fn what_cannot_be_true_is_ignored() {
    let line = ended(&eleventh(), Outcome::Failed, Exit::Code(3)).to_line(4096).unwrap();
    assert_eq!(parse(&line).len(), 1);
    let forgeries = [
        ("\"execution\":11", "\"execution\":12"),
        ("\"execution\":11", "\"execution\":0"),
        ("\"execution\":11", "\"execution\":4"),
        ("\"execution\":11", "\"execution\":99999999999999"),
        ("[11,9,1,0,0]", "[11,9,1,1,1]"),
        ("[11,9,1,0,0]", "[11,9,1]"),
        ("\"exit\":3", "\"exit\":256"),
        ("\"exit\":3", "\"exit\":-1"),
        ("\"exit\":3", "\"exit\":3,\"signal\":9"),
        ("\"exit\":3", "\"signal\":65"),
        ("\"took\":4213", "\"took\":1e300"),
        ("\"took\":4213", "\"took\":18446744073709551615"),
        ("\"attempts\":1", "\"attempts\":0"),
        ("\"attempts\":1", "\"attempts\":-1"),
        ("\"container\":\"web\"", "\"container\":\"../web\""),
        ("\"container\":\"web\"", "\"container\":\"\""),
        ("\"phase\":\"ended\"", "\"phase\":\"started\""),
        ("abab", "ABAB"),
        ("sssf", "sssx"),
        ("hooked.dev/v1", "hooked.dev/v2"),
        ("\"start\":1795341600123456", "\"start\":999999999999999999"),
    ];
    for (truth, forged) in forgeries {
        assert!(line.contains(truth), "{truth}");
        assert_eq!(parse(&line.replacen(truth, forged, 1)), [], "{forged}");
    }
    let later = line.replacen("\"attempts\"", "\"colour\":\"blue\",\"attempts\"", 1);
    assert_eq!(parse(&later).len(), 1, "a field that a later version added is passed over");
}

#[test]
fn only_what_was_cancelled_may_never_have_begun() {
    let line = ended(&eleventh(), Outcome::Cancelled, Exit::Code(3)).to_line(4096).unwrap();
    let unbegun = line.replacen("\"attempts\":1", "\"attempts\":0", 1);
    assert_eq!(parse(&unbegun), [], "an exit needs an attempt");
    let unbegun = unbegun.replacen("\"exit\":3,", "", 1);
    let [record] = parse(&unbegun).try_into().unwrap();
    assert_eq!(record.to_line(4096).unwrap(), unbegun);
    for outcome in ["Failed", "TimedOut", "Succeeded"] {
        assert_eq!(parse(&unbegun.replacen("Cancelled", outcome, 1)), [], "{outcome}");
    }
}

#[test]
fn a_flood_is_cut_off() {
    let line = eleventh().to_line(4096).unwrap();
    assert_eq!(parse(&line.repeat(10_000)).len(), MAX_RECORDS);
    assert_eq!(parse(&line.replace('\n', "").repeat(10_000)).len(), MAX_RECORDS);
    assert_eq!(parse(&PREFIX.repeat(1_000_000)), []);
    assert_eq!(parse(&format!("{PREFIX}{}", "[".repeat(1_000_000))), []);
    assert_eq!(parse(&format!("{PREFIX}{{\"output\":\"{}", "a".repeat(1_000_000))), []);
}

#[test]
fn an_execution_ends_once_and_only_if_it_began() {
    let mut state = State::default();
    let first = state.begin().unwrap();
    let second = state.begin().unwrap();
    state.end(first, Outcome::Failed);
    state.end(first, Outcome::Succeeded);
    state.end(7, Outcome::Succeeded);
    state.end(0, Outcome::Succeeded);
    let counts = state.numbering(second).counts;
    assert_eq!(counts, Counts { started: 2, failed: 1, ..Counts::default() });
    assert_eq!(state.to_string(), format!("{:<159}\n", "hooked.dev/state/v1 2 0 1 0 0 fo"));
}

#[test]
fn what_is_not_a_state_is_not_taken_for_one() {
    assert_eq!(State::parse(""), Ok(State::default()), "made and not yet written");
    for text in [
        "",
        "hooked.dev/state/v1",
        "hooked.dev/state/v2 1 1 0 0 0 s",
        "hooked.dev/state/v1 1 1 1 0 0 s",
        "hooked.dev/state/v1 2 1 0 0 0 s",
        "hooked.dev/state/v1 1 1 0 0 0 x",
        "hooked.dev/state/v1 1 1 0 0 0",
        "hooked.dev/state/v1 -1 0 0 0 0",
        "hooked.dev/state/v1 1 1 0 0 0 s s",
        "hooked.dev/state/v1 4294967296 0 0 0 0",
    ] {
        let text = format!("{text:<159}\n");
        assert!(State::parse(&text).is_err(), "{text:?}");
    }
}
