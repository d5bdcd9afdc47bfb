//! The words that call the runner are as they ever were, and what is written is read.
#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use hooked_protocol::{Hook, Invocation, InvocationError};
use proptest::option;
use proptest::prelude::*;

/// Any bytes that can be an argument, text or not.
fn word() -> impl Strategy<Value = OsString> {
    prop_oneof![
        prop::collection::vec(1..=255_u8, 0..12).prop_map(OsString::from_vec),
        prop::sample::select(vec!["--", "--live", "--hook", "run", "-1", ""]).prop_map(OsString::from),
    ]
}

prop_compose! {
    fn invocation()(container in "[a-z0-9-]{1,63}", pre_stop: bool, record_dir in option::of(word()),
                    log in option::of(word()), budget in option::of(any::<usize>()),
                    policy in any::<[Option<u32>; 3]>(), ignore_failure: bool,
                    output_bytes in option::of(any::<usize>()), live in option::of(word()),
                    command in prop::collection::vec(word(), 1..5)) -> Invocation {
        let [timeout, retries, retry_delay] = policy;
        Invocation {
            container,
            hook: if pre_stop { Hook::PreStop } else { Hook::PostStart },
            record_dir: record_dir.map(Into::into),
            termination_log: log.map(Into::into),
            budget,
            timeout,
            retries,
            retry_delay,
            ignore_failure,
            output_bytes,
            live: live.map(Into::into),
            command,
        }
    }
}

proptest! {
    #[test]
    fn an_invocation_comes_back_as_it_was_written(invocation in invocation()) {
        prop_assert_eq!(Invocation::from_words(invocation.to_words()), Some(Ok(invocation.clone())));
        prop_assert_eq!(Invocation::from_command(invocation.to_command()), Some(Ok(invocation)));
    }

    #[test]
    fn no_words_make_reading_panic(first in "(run|PreStop=web(,(log|live|budget|records|x)(=[%,0-9A-Fa-f]{0,6})?)*)",
                                   words in prop::collection::vec(word(), 0..12)) {
        let _ = Invocation::from_words([first.into()].into_iter().chain(words.clone()));
        let _ = Invocation::from_words(words);
    }
}

fn words(text: &str) -> Vec<OsString> {
    text.split_whitespace().map(OsString::from).collect()
}

fn everything() -> Invocation {
    Invocation {
        record_dir: Some("/.hooked/records".into()),
        termination_log: Some("/dev/termination-log".into()),
        budget: Some(1536),
        timeout: Some(30),
        retries: Some(0),
        retry_delay: Some(2),
        ignore_failure: true,
        output_bytes: Some(512),
        live: Some("/.hooked/live".into()),
        ..Invocation::new("web".to_owned(), Hook::PreStop, words("sleep 5"))
    }
}

/// Pods that run now were given these words, and their runners may be of another version.
#[test]
fn the_words_are_as_they_ever_were() {
    let expect = "/.hooked/runner/hook-runner \
        PreStop=web,records,log,budget=1536,timeout=30,retries=0,delay=2,output=512,ignore,live sleep 5";
    assert_eq!(everything().to_command(), words(expect));
    let bare = Invocation::new("web".to_owned(), Hook::PostStart, words("true"));
    assert_eq!(bare.to_words(), words("PostStart=web true"));
    let elsewhere = Invocation { termination_log: Some("/tmp/a,b=%1".into()), ..bare };
    assert_eq!(elsewhere.to_words(), words("PostStart=web,log=/tmp/a%2Cb%3D%251 true"));
}

#[test]
fn the_options_of_earlier_operators_are_read() {
    let before = "/.hooked/runner/hook-runner run --container web --hook PreStop --record-dir /.hooked/records \
        --termination-log /dev/termination-log --budget 1536 --timeout 30 --retries 0 --retry-delay 2 \
        --output-bytes 512 --ignore-failure --live /.hooked/live -- sleep 5";
    assert_eq!(Invocation::from_command(words(before)), Some(Ok(everything())));
}

#[test]
fn what_a_later_operator_says_besides_is_passed_over() {
    let later = words("PreStop=web,records,colour=blue,,log,budget=1536,shape live sleep 5");
    let read = Invocation::from_words(later).unwrap().unwrap();
    assert_eq!((read.container.as_str(), read.budget, read.live), ("web", Some(1536), None));
    assert_eq!(read.command, words("live sleep 5"));
}

#[test]
fn what_is_not_given_has_its_default_and_what_is_too_much_is_cut() {
    fn check(options: &str, expect: (usize, Option<u64>, u32, u64, usize)) {
        let args = words(&format!("run --container web --hook PreStop {options} -- true"));
        let invocation = Invocation::from_words(args).unwrap().unwrap();
        let come_to = (
            invocation.log_budget(),
            invocation.timeout().as_ref().map(Duration::as_secs),
            invocation.attempts(),
            invocation.retry_delay().as_secs(),
            invocation.recorded_output(),
        );
        assert_eq!(come_to, expect, "{options}");
    }
    check("", (0, None, 1, 1, 0));
    check("--budget 99999 --output-bytes 99999 --timeout 0 --retry-delay 0", (4096, None, 1, 0, 1024));
    check("--retries 2 --timeout 3 --timeout 4", (0, Some(4), 3, 1, 0));
}

#[test]
fn words_that_are_no_invocation_are_refused_by_name() {
    fn check(args: &str, expect: InvocationError) {
        assert_eq!(Invocation::from_words(words(args)), Some(Err(expect)), "{args}");
    }
    check("PreStop=web", InvocationError::Command);
    check("PreStop= true", InvocationError::Missing("the container"));
    check("PreStop true", InvocationError::Missing("the container"));
    check("PostStart=web,timeout=soon true", InvocationError::Value("timeout"));
    check("PostStart=web,budget true", InvocationError::Value("budget"));
    check("run", InvocationError::Command);
    check("run --container web --hook PreStop", InvocationError::Command);
    check("run --container web --hook PreStop --", InvocationError::Command);
    check("run --hook PreStop -- true", InvocationError::Missing("--container"));
    check("run --container web -- true", InvocationError::Missing("--hook"));
    check("run --hook preStop -- true", InvocationError::Value("--hook"));
    check("run --retries -1 -- true", InvocationError::Value("--retries"));
    check("run --record-dir", InvocationError::Value("--record-dir"));
    check("run --what -- true", InvocationError::Unknown("--what".into()));
    assert_eq!(Invocation::from_command(words("sh -c true")), None);
    assert_eq!(Invocation::from_command(words("sh PreStop=web true")), None);
    assert_eq!(Invocation::from_words(words("prestop=web true")), None);
    assert_eq!(Invocation::from_command(words("/.hooked/runner/hook-runner install /x")), None);
}
